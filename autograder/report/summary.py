"""A class in numbers: what the class report and the terminal show."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autograder.grading.results import QuestionResult, SubmissionResult

BINS = 10


@dataclass(frozen=True)
class QuestionSummary:
    """How a class did on one question."""

    name: str
    max_score: float
    bonus: bool
    mean: float
    full: int
    partial: int
    none: int

    @property
    def success(self) -> float:
        """The share of students with every point."""
        return self.full / (self.full + self.partial + self.none)


@dataclass(frozen=True)
class Mistake:
    """A known mistake and who made it."""

    question: str
    name: str
    hint: Mapping[str, str]
    students: tuple[str, ...]


@dataclass(frozen=True)
class Summary:
    results: tuple[SubmissionResult, ...]
    max_score: float
    mean: float
    median: float
    lowest: float
    highest: float
    histogram: tuple[int, ...]  # students from 0 to 10 per cent of the points, …, from 90 up
    questions: tuple[QuestionSummary, ...]
    mistakes: tuple[Mistake, ...]  # the most frequent first

    @property
    def troubled(self) -> tuple[SubmissionResult, ...]:
        return tuple(result for result in self.results if result.status != "graded")


def summarise(results: Sequence[SubmissionResult]) -> Summary:
    ordered = tuple(sorted(results, key=lambda result: result.student))
    scores = [result.score for result in ordered] or [0.0]
    histogram = [0] * BINS
    for result in ordered:
        histogram[min(int(share(result.score, result.max_score) * BINS + 1e-9), BINS - 1)] += 1
    return Summary(
        results=ordered,
        max_score=max((result.max_score for result in ordered), default=0.0),
        mean=statistics.fmean(scores),
        median=statistics.median(scores),
        lowest=min(scores),
        highest=max(scores),
        histogram=tuple(histogram),
        questions=tuple(_question(name, answers) for name, answers in _by_question(ordered)),
        mistakes=_mistakes(ordered),
    )


def share(score: float, max_score: float) -> float:
    return max(0.0, score / max_score) if max_score > 0 else 0.0


def question_names(results: Sequence[SubmissionResult]) -> list[str]:
    """Every question's name, in the order of the assignment."""
    return list(dict.fromkeys(question.name for r in results for question in r.questions))


def _by_question(
    results: Sequence[SubmissionResult],
) -> list[tuple[str, list[QuestionResult]]]:
    answers: dict[str, list[QuestionResult]] = {name: [] for name in question_names(results)}
    for result in results:
        for question in result.questions:
            answers[question.name].append(question)
    return list(answers.items())


def _question(name: str, answers: Sequence[QuestionResult]) -> QuestionSummary:
    full = sum(answer.score >= answer.max_score for answer in answers)
    none = sum(answer.score <= 0 for answer in answers)
    return QuestionSummary(
        name=name,
        max_score=answers[0].max_score,
        bonus=answers[0].bonus,
        mean=statistics.fmean(answer.score for answer in answers),
        full=full,
        partial=len(answers) - full - none,
        none=none,
    )


def _mistakes(results: Sequence[SubmissionResult]) -> tuple[Mistake, ...]:
    students: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    hints: dict[tuple[str, str], Mapping[str, str]] = {}
    for result in results:
        for question in result.questions:
            if question.diagnosis:
                key = (question.name, question.diagnosis.mistake)
                students[key].append(result.student)
                hints[key] = question.diagnosis.hint
    found = [Mistake(*key, hints[key], tuple(who)) for key, who in students.items()]
    return tuple(sorted(found, key=lambda m: (-len(m.students), m.question, m.name)))
