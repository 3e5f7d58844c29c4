"""Which known mistake gives the very answers that a student's code gave?

A known mistake is run through the same hidden tests, in the grader's process, and what the checks saw is compared.
The student's code is not run again, and no input or expected value leaves the grader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from autograder.grading.session import Outcome, Suite
from autograder.grading.student import LocalStudent
from autograder.grading.variants import Variant

RTOL, ATOL = 1e-4, 1e-6


class Diagnostician:
    """Compares outcomes with those of the known mistakes, each of which runs once a session."""

    def __init__(
        self,
        suite: Suite,
        reference_files: Mapping[str, str],
        mistakes: Sequence[Variant],
        file_of: Mapping[str, str],
    ) -> None:
        self._suite, self._files, self._mistakes, self._file_of = (
            suite,
            reference_files,
            mistakes,
            file_of,
        )
        self._known: dict[str, list[Outcome]] = {}

    def mistake_behind(self, question: str, outcomes: Sequence[Outcome]) -> Variant | None:
        """The only known mistake whose evidence equals that of `outcomes` (all tests of `question`), or None."""
        matches = [
            mistake
            for mistake in self._mistakes
            if mistake.question == question and same_evidence(outcomes, self._outcomes(mistake))
        ]
        return matches[0] if len(matches) == 1 else None

    def _outcomes(self, mistake: Variant) -> list[Outcome]:
        if mistake.name not in self._known:
            files = mistake.files(self._files, self._file_of[mistake.question])
            student = LocalStudent(files)
            self._known[mistake.name] = self._suite.run(lambda: student, [mistake.question])
        return self._known[mistake.name]


def same_evidence(one: Sequence[Outcome], other: Sequence[Outcome]) -> bool:
    """Whether the checks of both saw the same answers, test by test; at least one of them a wrong one."""
    return (
        len(one) == len(other)
        and any(o.status == "failed" or o.status == "error" for o in one)
        and all(
            a.test.name == b.test.name and a.status == b.status and _equal(a.evidence, b.evidence)
            for a, b in zip(one, other, strict=True)
        )
    )


def _equal(one: Any, other: Any) -> bool:
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, (str, bool, type(None))) or isinstance(other, (str, bool, type(None))):
        return type(one) is type(other) and one == other
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or (a.ndim and a.dtype != b.dtype) or "O" in (a.dtype.kind, b.dtype.kind):
        return False
    return bool(np.allclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True))
