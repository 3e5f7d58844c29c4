"""Grades one submission after another to one assignment, inside one pytest session and over one template."""

from __future__ import annotations

import contextlib
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.course import Assignment, Course
from autograder.grading.diagnosis import Diagnostician
from autograder.grading.intake import Submission
from autograder.grading.remote import RemoteStudent
from autograder.grading.results import Diagnosis, SubmissionResult
from autograder.grading.scores import (
    KILLED,
    not_graded,
    question_result,
    submission_result,
)
from autograder.grading.session import Outcome, Suite, with_suite
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.sandbox.errors import SandboxCrashed, SandboxError, SandboxTimedOut
from autograder.sandbox.host import Box, Template, TemplateDied

# What a terminal would obey, read from right to left, or not show.
_CONTROLS = (
    *range(9),
    *range(11, 32),
    *range(127, 160),
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
    *range(0xE0000, 0xE0080),
)
_SHOWN = dict.fromkeys(_CONTROLS, "\N{REPLACEMENT CHARACTER}") | {ord("\r"): "\n"}


@dataclass(frozen=True)
class Graded:
    """One submission's result, with what belongs to the TA alone and what does not repeat from run to run."""

    result: SubmissionResult
    log: str
    seconds: dict[str, float]
    disturbed: bool  # perhaps: it was ended in a way that a loaded machine or a killed process explains too


class Grader:
    """Made by `grader`; valid inside its `drive`."""

    def __init__(
        self, course: Course, assignment: Assignment, suite: Suite, template: Template
    ) -> None:
        self.course, self.assignment, self.suite, self.template = (
            course,
            assignment,
            suite,
            template,
        )
        self._own: Template | None = None
        self.suite_sha256 = suite_sha256(course, assignment)
        self.support = support_files(assignment)
        self.diagnostician = Diagnostician(
            suite,
            reference_files(assignment),
            read_variants(assignment.suite_dir / "mistakes.py"),
            {q.name: q.file for q in assignment.questions},
        )

    def grade(self, submission: Submission) -> Graded:
        """The result of one submission; whatever it does, a result comes back."""
        started = time.perf_counter()
        language = self.course.language
        if submission.status is not None:
            questions = [
                not_graded(q, self.suite.of(q.name), submission.status, language)
                for q in self.assignment.questions
                if not q.optional
            ]
            result = submission_result(
                submission,
                self.assignment,
                self.suite_sha256,
                submission.status,
                submission.message,
                questions,
                self.template.isolation,
                submission.warnings,
            )
            return Graded(result, "", {"total": time.perf_counter() - started}, False)
        attempt, outcomes = self._attempt(submission)
        judged = time.perf_counter()
        result = self._result(submission, attempt, outcomes)
        done = time.perf_counter()
        seconds = {
            "spawn": attempt.spawn_seconds,
            "tests": judged - started,
            "total": done - started,
        }
        ends = {result.status, *(outcome.status for outcome in outcomes)}
        return Graded(result, attempt.log(outcomes), seconds, bool(ends & {"timed_out", "crashed"}))

    def _attempt(self, submission: Submission) -> tuple[_Attempt, list[Outcome]]:
        """Run the suite; where the fork server dies of it, once more over a new one."""
        for last in (False, True):
            attempt = _Attempt(self, submission)
            try:
                return attempt, self.suite.run(attempt.student, attempt.open())
            except TemplateDied:
                self._replace_template()
                if last:
                    attempt.ended = SandboxCrashed()
                    return attempt, []
            finally:
                attempt.close()
        raise AssertionError

    def _replace_template(self) -> None:
        """Start a fork server of this process's own; the one that died was perhaps shared with others."""
        self.close()
        self._own = self.template = self.template.another()
        self.template.__enter__()

    def close(self) -> None:
        """End the fork server that this grader started itself, if any."""
        if self._own is not None:
            self._own.close()
            self._own = None

    def _result(
        self, submission: Submission, attempt: _Attempt, outcomes: list[Outcome]
    ) -> SubmissionResult:
        language = self.course.language
        by_name = {o.test.name: o for o in outcomes}
        questions = []
        for question in self.assignment.questions:
            tests = self.suite.of(question.name)
            mine = [by_name[t.name] for t in tests if t.name in by_name]
            if question.optional and all(outcome.kind == "missing" for outcome in mine):
                continue
            if (reason := attempt.unopened(question.file)) is not None:
                questions.append(not_graded(question, tests, reason, language))
                continue
            mistake = None
            if any(o.status in ("failed", "error") for o in mine):
                mistake = self.diagnostician.mistake_behind(question.name, mine)
            diagnosis = Diagnosis(mistake.name, mistake.hint) if mistake and mistake.hint else None
            questions.append(question_result(question, tests, by_name, language, diagnosis))
        status, message = attempt.verdict(outcomes, language)
        return submission_result(
            submission,
            self.assignment,
            self.suite_sha256,
            status,
            message,
            questions,
            self.template.isolation,
            submission.warnings,
        )


class _Attempt:
    """The sandboxed processes of one submission, one after another when one had to be ended."""

    def __init__(self, grader: Grader, submission: Submission) -> None:
        self.grader, self.submission = grader, submission
        self.box: Box | None = None
        self.output: list[bytes] = []
        self.spent = 0.0  # seconds, computing or asleep
        self.spawn_seconds = 0.0
        self.import_errors: dict[str, str] = {}
        self.ended: SandboxError | None = None
        self._first: Any = None
        self._fresh = True

    def open(self) -> list[str]:
        """Load the submission; the questions that can be graded, whose files are there and were imported."""
        try:
            self._first = self._load()
        except SandboxError as error:
            self.ended = error
        return [q.name for q in self.grader.assignment.questions if self.unopened(q.file) is None]

    def unopened(self, file: str) -> str | None:
        """Why the questions of `file` could not be graded at all, or None."""
        if file not in self.submission.files:
            return "missing_file"
        if self.ended is not None:
            return self.ended.status
        return "import_error" if file in self.import_errors else None

    def student(self) -> Any:
        """The submission, loaded: at first the process that `open` started, later a fresh one.

        Raises:
            SandboxError: it cannot be loaded any more, or the submission's time is used up.
        """
        if self._fresh:
            self._fresh = False
            return self._first
        return self._load()

    def _load(self) -> Any:
        self._retire()
        limits = self.grader.assignment.limits
        if self.spent >= limits.total_cpu_seconds:
            raise SandboxTimedOut()
        started = time.perf_counter()
        self.box = self.grader.template.spawn({**self.submission.files, **self.grader.support})
        try:
            student = RemoteStudent(
                self.box,
                [name for name in self.grader.assignment.files if name in self.submission.files],
                list(self.grader.support),
                limits.cpu_seconds,
                {q.name: q.file for q in self.grader.assignment.questions},
            )
        finally:
            self.spawn_seconds += time.perf_counter() - started
        named = self.grader.assignment.files
        self.import_errors = {f: why for f, why in student.import_errors.items() if f in named}
        return student

    def close(self) -> None:
        self._retire()

    def _retire(self) -> None:
        if self.box is not None:
            self.spent += self.box.cpu_seconds() + self.box.idle_seconds()
            self.box.kill()
            self.output.append(self.box.output())
            self.box = None

    def verdict(self, outcomes: list[Outcome], language: str) -> tuple[str, str]:
        """The first thing that kept some of the submission from being graded, and a sentence about it."""
        if self.ended is not None:
            return self.ended.status, self.ended.messages[language]
        for outcome in outcomes:
            if outcome.status in KILLED:
                return outcome.status, outcome.messages[language]
        if self.import_errors:
            parts = [f"{file}: {text}" for file, text in self.import_errors.items()]
            sentence = {
                "en": "Importing it failed, so its questions got no points. ",
                "zh": "导入失败，因此其中的题目没有得分。",
            }[language]
            return "import_error", sentence + "\n".join(parts)
        if self.submission.missing:
            return "missing_file", " ".join(self.submission.missing.values())
        return "graded", ""

    def log(self, outcomes: list[Outcome]) -> str:
        printed = b"\n--- process restarted ---\n".join(self.output).decode("utf-8", "replace")
        notes = [f"[{o.test.name}] {o.log}" for o in outcomes if o.log]
        return "\n".join([printed, *notes]).translate(_SHOWN)


def reference_files(assignment: Assignment) -> dict[str, str]:
    """The master's files and the support modules, as source."""
    master = {
        n: (assignment.solution_dir / n).read_text(encoding="utf-8") for n in assignment.files
    }
    support = {n: text.decode("utf-8") for n, text in support_files(assignment).items()}
    return {**master, **support}


def support_files(assignment: Assignment) -> dict[str, bytes]:
    """The support modules of the release, whatever a submission holds."""
    return {name: (assignment.content_dir / name).read_bytes() for name in assignment.support}


def suite_sha256(course: Course, assignment: Assignment) -> str:
    """Digest of everything that a grade depends on but the submission."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[1]
    engine = [
        *sorted((package / "grading").glob("*.py")),
        *sorted((package / "sandbox").glob("*.py")),
    ]
    shared = sorted(assignment.suite_dir.parent.glob("*.py"))
    suite = sorted(assignment.suite_dir.glob("*.py"))
    master = [assignment.solution_dir / n for n in assignment.files]
    support = [assignment.content_dir / n for n in assignment.support]
    for path in [*engine, *shared, *suite, *master, *support]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(assignment.model_dump_json().encode())
    digest.update(course.language.encode())
    return digest.hexdigest()


def with_grader(
    course: Course, assignment: Assignment, template: Template, drive: Callable[[Grader], None]
) -> None:
    """Collect the assignment's hidden suite and call `drive(grader)` inside its pytest session.

    Raises:
        SuiteError: the suite cannot be collected.
    """
    reference = LocalStudent(reference_files(assignment))
    names = [q.name for q in assignment.questions]

    def with_collected(suite: Suite) -> None:
        with contextlib.closing(Grader(course, assignment, suite, template)) as grader:
            drive(grader)

    with_suite(assignment.suite_dir, reference, names, with_collected, tolerances(assignment))


def tolerances(assignment: Assignment) -> dict[str, dict[str, float]]:
    """Of each dtype, as `check` wants them."""
    return {
        dtype: {
            "rtol": assignment.tolerances[dtype].rtol,
            "atol": assignment.tolerances[dtype].atol,
        }
        for dtype in ("float64", "float32")
    }
