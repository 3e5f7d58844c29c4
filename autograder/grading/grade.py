"""A class: submissions in, results out; what is graded already is kept."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from autograder.course import Assignment, Course
from autograder.errors import AutograderError
from autograder.grading import pool
from autograder.grading.cluster import Share, run_shares
from autograder.grading.grader import Graded, Grader, suite_sha256, with_grader
from autograder.grading.intake import Submission, collect
from autograder.grading.results import (
    RESULT_FILE,
    ResultsError,
    SubmissionResult,
    read_result,
    write_atomically,
)
from autograder.sandbox.host import SandboxBroken, Template
from autograder.sandbox.levels import check_floor, probe

LOG_FOLDER = "_log"
MEMORY = 2**30  # bytes that a grader may use beyond what it begins with


class GradingError(AutograderError):
    """Grading cannot start or go on; the message says why and the way out."""


def grade(
    course: Course,
    assignment: Assignment,
    paths: Sequence[Path],
    out: Path,
    *,
    jobs: int | None = None,
    allow_unsafe: bool = False,
    share: Share | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[SubmissionResult]:
    """Grade every submission found in `paths` and write `out/<student>/result.json`.

    A submission whose files, suite and isolation are those of a result already in `out` is not graded again.

    Args:
        jobs: submissions graded at once; the number of cores when None.
        share: grade no more than this part of them.
        progress: called with (done, total).

    Raises:
        GradingError: nothing to grade, an output folder that cannot be written, a grader that failed.
        IsolationError: this machine offers less than grading.yml's floor.
    """
    the_class = _Class(course, assignment, paths, out, allow_unsafe, share)
    submissions, results = the_class.submissions, the_class.kept()
    waiting = [s for s in submissions if s.student not in results]
    progress(len(results), len(submissions))
    level = the_class.level.name
    for graded in grade_all(course, assignment, waiting, jobs or os.cpu_count() or 1, level):
        _write(out, graded)
        results[graded.result.student] = graded.result
        progress(len(results), len(submissions))
    return [results[name] for name in sorted(results)]


def grade_on_cluster(
    course: Course,
    assignment: Assignment,
    paths: Sequence[Path],
    out: Path,
    scheduler: str,
    shares: int,
    *,
    allow_unsafe: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[str]:
    """Have other machines grade what they can of a class; `grade` over the same folder completes it.

    Args:
        scheduler: see `cluster.run_shares`; it runs `shares` commands at once.
        progress: called with (done, total).

    Returns:
        A sentence for each share that failed.

    Raises:
        ClusterError: there is no such scheduler.
        GradingError: as `grade`.
    """
    the_class = _Class(course, assignment, paths, out, allow_unsafe)
    arguments = ["--course", course.path, "grade", assignment.name, *paths, "--out", out]
    return run_shares(
        scheduler,
        shares,
        [*map(str, arguments), *(["--allow-unsafe"] if allow_unsafe else [])],
        out / LOG_FOLDER,
        lambda: progress(len(the_class.kept()), len(the_class.submissions)),
    )


class _Class:
    """The submissions to grade, and what `out` holds of their results already."""

    def __init__(
        self,
        course: Course,
        assignment: Assignment,
        paths: Sequence[Path],
        out: Path,
        allow_unsafe: bool,
        share: Share | None = None,
    ) -> None:
        if sys.platform != "linux":
            raise GradingError("Grading needs Linux: the sandbox is made of its kernel's parts.")
        self.level = probe()
        if not allow_unsafe:
            check_floor(self.level, course.isolation_floor)
        found = collect(paths, assignment, course.language, exclude=[out])
        if not found:
            shown = ", ".join(map(str, paths))
            raise GradingError(
                f"No submission was found in {shown}. Name a folder of submissions (folders, zips or .py files)."
            )
        self.submissions = share.of(found) if share else found
        self._out, self._digest = out, suite_sha256(course, assignment)
        self._results: dict[str, SubmissionResult] = {}
        _prepare(out, assignment)

    def kept(self) -> dict[str, SubmissionResult]:
        """Student → result, where it is still what grading again would give."""
        for submission in self.submissions:
            if submission.student not in self._results:
                result = _kept(self._out, submission, self._digest, self.level.name)
                if result is not None:
                    self._results[submission.student] = result
        return dict(self._results)


def grade_all(
    course: Course,
    assignment: Assignment,
    submissions: Sequence[Submission],
    jobs: int,
    floor: str = "none",
) -> Iterator[Graded]:
    """Results as they come, in no certain order, at a level of isolation not below `floor`.

    One that was perhaps disturbed is graded once more, alone. Where that was perhaps disturbed, too, and differs, a third
    time decides.

    Raises:
        GradingError: some have no result; it comes after the results of all others.
    """
    if not submissions:
        return
    doubtful: list[tuple[Submission, SubmissionResult]] = []
    failures: list[str] = []

    def graded(waiting: Sequence[Submission], jobs: int) -> Iterator[tuple[Submission, Graded]]:
        for index, outcome in _graded(course, assignment, waiting, jobs, template):
            if isinstance(outcome, Graded):
                yield waiting[index], outcome
            else:
                failures.append(f"- {waiting[index].student}: {outcome}")

    with Template(assignment.limits, floor=floor) as template:
        for submission, outcome in graded(submissions, jobs):
            if outcome.disturbed:
                doubtful.append((submission, outcome.result))
            else:
                yield outcome
        for last in (False, True):
            doubtful.sort(key=lambda pair: pair[0].student)
            before = {submission.student: result for submission, result in doubtful}
            waiting, doubtful = [submission for submission, _ in doubtful], []
            for submission, outcome in graded(waiting, 1):
                same = outcome.result == before[submission.student]
                if outcome.disturbed and not same and not last:
                    doubtful.append((submission, outcome.result))
                else:
                    yield outcome
    if failures:
        listed = "\n".join(sorted(failures))
        raise GradingError(
            f"The grader itself failed on some submissions, which have no result:\n{listed}\n"
            "All others are graded, and kept. Grade these by hand: move them aside, and run the same "
            "command again to get the reports of the others."
        )


def _graded(
    course: Course,
    assignment: Assignment,
    submissions: Sequence[Submission],
    jobs: int,
    template: Template,
) -> Iterator[tuple[int, Graded | str]]:
    """The index of each submission, and its result or why there is none."""

    def work(
        tasks: Callable[[], Iterator[Submission]], answer: Callable[[Graded | str], None]
    ) -> None:
        def drive(grader: Grader) -> None:
            _bound_memory()
            for submission in tasks():
                answer(_result_or_reason(grader, submission))

        with_grader(course, assignment, template, drive)

    try:
        for index, outcome in pool.run(submissions, min(jobs, len(submissions)), work):
            yield index, "it was killed twice" if outcome is None else outcome
    except pool.WorkerFailed as error:
        raise GradingError(f"The grader failed: {error}") from None


def _result_or_reason(grader: Grader, submission: Submission) -> Graded | str:
    try:
        return grader.grade(submission)
    except SandboxBroken:
        raise
    except Exception as error:  # noqa: BLE001 - one submission never stops a class
        return f"{type(error).__name__}: {error}"


def _bound_memory() -> None:
    """Let arithmetic with a submission's answers fail here, rather than use up the machine's memory."""
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[5])
    _, ceiling = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (pages * resource.getpagesize() + MEMORY, ceiling))


def _kept(
    out: Path, submission: Submission, digest: str, isolation: str
) -> SubmissionResult | None:
    path = out / submission.student / RESULT_FILE
    if not path.exists():
        return None
    try:
        result = read_result(path)
    except ResultsError:
        return None
    same = (
        result.submission_sha256 == submission.sha256
        and result.suite_sha256 == digest
        and result.isolation == isolation
        and result.warnings == tuple(submission.warnings)
    )
    return result if same else None


def _prepare(out: Path, assignment: Assignment) -> None:
    """Find out before any grading whether `out` can take this assignment's results."""
    try:
        (out / LOG_FOLDER).mkdir(parents=True, exist_ok=True)
        write_atomically(out / LOG_FOLDER / ".writable", b"")
        (out / LOG_FOLDER / ".writable").unlink()
    except OSError as error:
        raise GradingError(
            f"{out} cannot be written ({error.strerror}). Choose another folder with --out."
        ) from None
    for path in sorted(out.glob(f"*/{RESULT_FILE}")):
        try:
            there = read_result(path).assignment
        except ResultsError:
            continue
        if there != assignment.name:
            raise GradingError(f"{out} holds results of {there}. Choose another folder with --out.")


def _write(out: Path, graded: Graded) -> None:
    """The result last: a submission without one is graded again."""
    try:
        log = out / LOG_FOLDER / f"{graded.result.student}.txt"
        write_atomically(log, graded.log.encode("utf-8", "replace"))
        times: dict[str, Any] = {"graded_at": time.time(), **graded.seconds}
        timing = out / LOG_FOLDER / f"{graded.result.student}.time.json"
        write_atomically(timing, json.dumps(times, indent=2).encode() + b"\n")
        graded.result.write(out)
    except OSError as error:
        raise GradingError(
            f"{out} cannot be written any more ({error.strerror}). "
            "Results so far are kept; make room and run the same command again."
        ) from None
