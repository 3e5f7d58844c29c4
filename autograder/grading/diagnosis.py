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
MOST_NAMED = 2


class Diagnostician:
    """Compares outcomes with those of the known mistakes, which run in this process."""

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
        self._trusted: dict[str, LocalStudent] = {}
        self._known: dict[tuple[str, str], Outcome] = {}

    def mistake_behind(self, question: str, outcomes: Sequence[Outcome]) -> Variant | None:
        """The known mistake whose evidence equals that of `outcomes` (all tests of `question`), or None.

        Mistakes that nobody can tell apart by their answers are named together, if they are few.
        """
        telling = sorted(outcomes, key=lambda outcome: outcome.status == "passed")
        matches = [
            mistake
            for mistake in self._mistakes
            if mistake.question == question
            and all(same_evidence(o, self._outcome(mistake, o)) for o in telling)
        ]
        failed = any(outcome.status in ("failed", "error") for outcome in outcomes)
        if not failed or not 1 <= len(matches) <= MOST_NAMED:
            return None
        return matches[0] if len(matches) == 1 else _together(matches)

    def _outcome(self, mistake: Variant, outcome: Outcome) -> Outcome:
        """What the mistake does in the test of `outcome`; each test of a mistake runs once, and only if it has to."""
        key = mistake.name, outcome.test.name
        if key not in self._known:
            if mistake.name not in self._trusted:
                files = mistake.files(self._files, self._file_of[mistake.question])
                self._trusted[mistake.name] = LocalStudent(files)
            self._known[key] = self._suite.run_test(outcome.test, self._trusted[mistake.name])
        return self._known[key]


def _together(mistakes: Sequence[Variant]) -> Variant:
    """Mistakes with the same answers as one, whose hint offers all of theirs."""
    hints = [mistake.hint or {} for mistake in mistakes]
    return Variant(
        name=" | ".join(mistake.name for mistake in mistakes),
        question=mistakes[0].question,
        override="",
        hint={
            "en": " Or: ".join(dict.fromkeys(hint["en"] for hint in hints)),
            "zh": "或者：".join(dict.fromkeys(hint["zh"] for hint in hints)),
        },
    )


def same_evidence(one: Outcome, other: Outcome) -> bool:
    """Whether the checks of a test saw the same answers in both runs."""
    return (
        one.test.name == other.test.name
        and one.status == other.status
        and _equal(one.evidence, other.evidence)
    )


def _equal(one: Any, other: Any) -> bool:
    lists = [isinstance(value, (list, tuple)) for value in (one, other)]
    if any(lists):
        return all(lists) and len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, (str, bool, type(None))) or isinstance(other, (str, bool, type(None))):
        return type(one) is type(other) and one == other
    a, b = np.asarray(one), np.asarray(other)
    if a.shape != b.shape or (a.ndim and a.dtype != b.dtype) or "O" in (a.dtype.kind, b.dtype.kind):
        return False
    return bool(np.allclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True))
