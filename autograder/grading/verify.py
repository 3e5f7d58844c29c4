"""The instructor's gate: hidden suites that are proven right.

The reference gets every point and the starter none; each known mistake loses points on its question and on no other; each
accepted equivalent keeps them all; wrong answers of simple kinds pass no numeric check; and every test makes the
comparisons that `checks.json` beside the suite says it makes.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from autograder.course import Assignment, Course
from autograder.grading.grade import grade_all
from autograder.grading.grader import reference_files, tolerances
from autograder.grading.intake import Submission
from autograder.grading.results import SubmissionResult
from autograder.grading.session import Outcome, Suite, with_suite
from autograder.grading.student import LocalStudent
from autograder.grading.variants import Variant, read_variants
from autograder.release.strip import strip

CHECKS_FILE = "checks.json"
FEWEST_MISTAKES, FEWEST_EQUIVALENTS = 5, 3


@dataclass
class QuestionReport:
    """What `verify` found about one question."""

    name: str
    tests: int = 0
    mistakes: int = 0
    caught: int = 0
    named: int = 0
    equivalents: int = 0
    kept: int = 0
    seconds: float = 0.0
    holes: list[str] = field(default_factory=list)


@dataclass
class AssignmentReport:
    """What `verify` found about one assignment; no hole anywhere means it may be released."""

    name: str
    questions: dict[str, QuestionReport]
    holes: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def all_holes(self) -> list[str]:
        return [*self.holes, *(hole for q in self.questions.values() for hole in q.holes)]


def verify(
    course: Course,
    assignment: Assignment,
    *,
    jobs: int,
    update_checks: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AssignmentReport:
    """Hold one assignment's suite to the reference, its mistakes and its equivalents, through the real grader.

    `update_checks` writes the number of comparisons that each test makes to `checks.json`.
    """
    started = time.perf_counter()
    report = AssignmentReport(
        assignment.name, {q.name: QuestionReport(q.name) for q in assignment.questions}
    )
    _audit(assignment, report, update_checks)
    cases = list(_cases(assignment))
    _count(cases, report)
    by_student = {case.submission.student: case for case in cases}
    done = 0
    progress(done, len(cases))
    for graded in grade_all(course, assignment, [case.submission for case in cases], jobs):
        case = by_student[graded.result.student]
        case.judge(graded.result, report)
        if case.question:
            report.questions[case.question].seconds += graded.seconds["total"]
        done += 1
        progress(done, len(cases))
    report.seconds = time.perf_counter() - started
    for question in report.questions.values():
        question.holes.sort()
    return report


# --- through the real grader ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Case:
    """A submission whose right result is known."""

    submission: Submission
    question: str | None
    judge: Callable[[SubmissionResult, AssignmentReport], None]


def _cases(assignment: Assignment) -> Iterator[_Case]:
    files = reference_files(assignment)
    file_of = {q.name: q.file for q in assignment.questions}
    mistakes = read_variants(assignment.suite_dir / "mistakes.py")
    equivalents = read_variants(assignment.suite_dir / "equivalents.py")

    def submission(name: str, sources: dict[str, str]) -> Submission:
        handed_in = {n: sources[n].encode() for n in assignment.files}
        digest = hashlib.sha256(json.dumps(sources, sort_keys=True).encode()).hexdigest()
        return Submission(student=name, files=handed_in, sha256=digest)

    starter = {n: strip(text) for n, text in files.items() if n in assignment.files}
    yield _Case(submission("reference", files), None, _reference)
    yield _Case(submission("starter", starter), None, _starter)
    for variant in mistakes:
        changed = variant.files(files, file_of[variant.question])
        yield _Case(
            submission(f"mistake-{variant.name}", changed),
            variant.question,
            partial(_mistake, variant),
        )
    for variant in equivalents:
        changed = variant.files(files, file_of[variant.question])
        yield _Case(
            submission(f"equivalent-{variant.name}", changed),
            variant.question,
            partial(_equivalent, variant),
        )


def _count(cases: Sequence[_Case], report: AssignmentReport) -> None:
    for case in cases:
        if case.question is None:
            continue
        question = report.questions[case.question]
        if case.submission.student.startswith("mistake-"):
            question.mistakes += 1
        else:
            question.equivalents += 1
    for question in report.questions.values():
        if question.mistakes < FEWEST_MISTAKES:
            question.holes.append(
                f"only {question.mistakes} known mistakes; write at least {FEWEST_MISTAKES}"
            )
        if question.equivalents < FEWEST_EQUIVALENTS:
            question.holes.append(
                f"only {question.equivalents} accepted equivalents; write at least {FEWEST_EQUIVALENTS}"
            )


def _reference(result: SubmissionResult, report: AssignmentReport) -> None:
    for q in result.questions:
        if q.score != q.max_score:
            report.questions[q.name].holes.append(f"the reference loses points{_first(q)}")


def _starter(result: SubmissionResult, report: AssignmentReport) -> None:
    for q in result.questions:
        if q.score != 0:
            report.questions[q.name].holes.append(
                "the starter, with nothing filled in, gets points"
            )
        elif q.status != "not_implemented":
            report.questions[q.name].holes.append(
                f"the starter is {q.status} rather than not_implemented{_first(q)}"
            )


def _mistake(variant: Variant, result: SubmissionResult, report: AssignmentReport) -> None:
    for q in result.questions:
        full = q.score == q.max_score
        if q.name != variant.question:
            if not full:
                report.questions[variant.question].holes.append(
                    f"mistake {variant.name} also costs points on {q.name}{_first(q)}"
                )
            continue
        if full:
            report.questions[q.name].holes.append(f"mistake {variant.name} keeps every point")
            continue
        report.questions[q.name].caught += 1
        if q.diagnosis and variant.name in q.diagnosis.mistake.split(" | "):
            report.questions[q.name].named += 1


def _equivalent(variant: Variant, result: SubmissionResult, report: AssignmentReport) -> None:
    lost = [q for q in result.questions if q.score != q.max_score]
    for q in lost:
        report.questions[variant.question].holes.append(
            f"equivalent {variant.name} loses points on {q.name}{_first(q)}"
        )
    if not lost:
        report.questions[variant.question].kept += 1


def _first(question: Any) -> str:
    for test in question.tests:
        if test.status != "passed":
            return f" ({test.name}: {test.status}: {test.message})"
    return ""


# --- in this process, with trusted code -------------------------------------------------------------------------


def _audit(assignment: Assignment, report: AssignmentReport, update_checks: bool) -> None:
    reference = LocalStudent(reference_files(assignment))

    def drive(suite: Suite) -> None:
        outcomes = suite.run(lambda: reference, audit=True)
        for outcome in outcomes:
            question = report.questions[outcome.test.question]
            question.tests += 1
            if outcome.status != "passed":
                question.holes.append(
                    f"{outcome.test.name} fails the reference ({outcome.messages['en']}) {outcome.log}"
                )
            for wrong in outcome.vacuous:
                question.holes.append(f"{outcome.test.name} is vacuous: it lets pass the {wrong}")
        for question in report.questions.values():
            if not question.tests:
                question.holes.append("it has no hidden test")
            elif not any(t.gate for t in suite.of(question.name)):
                question.holes.append("none of its tests is a gate")
        _hold_checks(assignment, outcomes, report, update_checks)
        for name in report.questions:
            _wrong_answers(suite, reference, name, report.questions[name])

    names = [q.name for q in assignment.questions]
    with_suite(assignment.suite_dir, reference, names, drive, tolerances(assignment))


def _hold_checks(
    assignment: Assignment, outcomes: Sequence[Outcome], report: AssignmentReport, update: bool
) -> None:
    """Each test makes as many comparisons as it did when it was last looked at."""
    path = assignment.suite_dir / CHECKS_FILE
    counted = {o.test.name: {"comparisons": o.comparisons, "gate": o.test.gate} for o in outcomes}
    if update:
        path.write_text(json.dumps(counted, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report.holes.append(
            f"{CHECKS_FILE} is missing or damaged: look at the suite, then `autograder verify --update-checks`"
        )
        return
    way_out = "; if that is meant, run `autograder verify --update-checks`"
    for name in sorted(known.keys() - counted.keys()):
        report.holes.append(f"{name} is gone from the suite{way_out}")
    for name in sorted(counted.keys() - known.keys()):
        report.holes.append(f"{name} is new{way_out}")
    for name in sorted(known.keys() & counted.keys()):
        if known[name] != counted[name]:
            report.holes.append(
                f"{name} made {known[name]['comparisons']} comparisons"
                f"{' as a gate' if known[name]['gate'] else ''} and now makes {counted[name]['comparisons']}"
                f"{' as a gate' if counted[name]['gate'] else ''}{way_out}"
            )


def _scaled_gradient(x: torch.Tensor) -> torch.Tensor:
    return x.detach() + 3 * (x - x.detach())


WRONG_ANSWERS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "zeros": lambda x: x * 0,
    "negated": lambda x: -x,
    "twice": lambda x: x * 2,
    "half": lambda x: x / 2,
    "shifted by one place": lambda x: torch.roll(x, 1, -1) if x.ndim else x + 1,
    "with its gradient cut": lambda x: x.detach(),
    "with its gradient scaled": _scaled_gradient,
    "with one axis more": lambda x: x.unsqueeze(-1),
}


def _wrong_answers(
    suite: Suite, reference: LocalStudent, question: str, report: QuestionReport
) -> None:
    """The reference's function with its answer spoilt must lose its question."""
    function = getattr(reference, question, None)
    if function is None or isinstance(function, type):
        return
    for name, spoil in WRONG_ANSWERS.items():
        spoilt = _Spoilt(function, spoil)
        student = partial(reference.replacing, {question: spoilt})
        outcomes = suite.run(student, [question])
        if spoilt.changed and all(o.status == "passed" for o in outcomes):
            report.holes.append(f"the right answer {name} passes every test")


class _Spoilt:
    """A function whose tensor, array or float answers are changed."""

    def __init__(
        self, function: Callable[..., Any], spoil: Callable[[torch.Tensor], torch.Tensor]
    ) -> None:
        self.function, self.spoil, self.changed = function, spoil, False

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        answer = self.function(*args, **kwargs)
        if isinstance(answer, torch.Tensor):
            return self._spoilt(answer)
        if isinstance(answer, float):
            spoilt = self._spoilt(torch.tensor(answer, dtype=torch.float64))
            return spoilt.numpy() if spoilt.ndim else float(spoilt)
        if isinstance(answer, np.ndarray):
            return self._spoilt(torch.as_tensor(answer)).numpy()
        return answer

    def _spoilt(self, answer: torch.Tensor) -> torch.Tensor:
        spoilt = self.spoil(answer)
        same_values = spoilt.shape == answer.shape and torch.equal(spoilt, answer)
        self.changed |= not same_values or (answer.requires_grad and spoilt is not answer)
        return spoilt


def table(reports: Sequence[AssignmentReport]) -> str:
    """A table a question, 80 columns wide, then every hole."""
    lines = [
        f"{'question':<28}{'tests':>6}{'mistakes':>10}{'named':>7}{'equivalents':>13}{'holes':>7}{'time':>8}"
    ]
    for report in reports:
        lines.append(f"{report.name}  ({report.seconds:.1f} s)")
        for q in report.questions.values():
            caught, kept = f"{q.caught}/{q.mistakes}", f"{q.kept}/{q.equivalents}"
            lines.append(
                f"  {q.name:<26}{q.tests:>6}{caught:>10}{q.named:>7}{kept:>13}{len(q.holes):>7}"
                f"{q.seconds:>7.1f}s"
            )
    holes = [
        f"{report.name}: {owner}{hole}"
        for report in reports
        for owner, hole in (
            *(("", h) for h in report.holes),
            *((f"{q.name}: ", h) for q in report.questions.values() for h in q.holes),
        )
    ]
    lines.append("")
    lines.extend(holes or ["No hole found."])
    return "\n".join(lines)
