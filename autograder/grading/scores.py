"""From the outcomes of hidden tests to points."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from autograder.course import Assignment, Question
from autograder.grading.intake import Submission
from autograder.grading.results import (
    QUESTION_STATUSES,
    Diagnosis,
    QuestionResult,
    SubmissionResult,
    TestResult,
)
from autograder.grading.session import HiddenTest, Outcome

KILLED = ("timed_out", "out_of_memory", "crashed")
NOT_RUN = {"en": "This test was not run.", "zh": "此测试未运行。"}


def question_result(
    question: Question,
    expected: Sequence[HiddenTest],
    outcomes: Mapping[str, Outcome],
    language: str,
    diagnosis: Diagnosis | None = None,
) -> QuestionResult:
    """Score one question from the list of *expected* tests: one that did not report is a failed test.

    0 unless every gate passed; else the share of its tests that passed, times its points.
    """
    passed = {
        t.name for t in expected if t.name in outcomes and outcomes[t.name].status == "passed"
    }
    gates = {t.name for t in expected if t.gate}
    share = len(passed) / len(expected) if expected and gates <= passed else 0.0
    tests = tuple(_test_result(t, outcomes.get(t.name), language) for t in expected)
    return QuestionResult(
        name=question.name,
        score=round(question.points * share, 2),
        max_score=question.points,
        bonus=question.bonus,
        status=_status(tests, share),
        tests=tests,
        diagnosis=diagnosis,
    )


def _test_result(test: HiddenTest, outcome: Outcome | None, language: str) -> TestResult:
    if outcome is None:
        status, message = "not_run", NOT_RUN[language]
    else:
        status, message = outcome.status, outcome.messages[language]
    return TestResult(test.name, test.titles[language], status, message)


def _status(tests: Sequence[TestResult], share: float) -> str:
    if share == 1.0:
        return "passed"
    seen = {t.status for t in tests}
    for status in (*KILLED, "not_implemented", "error"):
        if status in seen and share == 0.0:
            return status
    return "partial" if share else "failed"


def not_graded(
    question: Question, tests: Sequence[HiddenTest], status: str, language: str
) -> QuestionResult:
    """A question at 0, because its file or the whole submission could not be graded for the reason `status`."""
    reason = status if status in QUESTION_STATUSES else "not_run"
    return replace(question_result(question, tests, {}, language), status=reason)


def submission_result(
    submission: Submission,
    assignment: Assignment,
    suite_sha256: str,
    status: str,
    message: str,
    questions: Sequence[QuestionResult],
    isolation: str,
    warnings: Sequence[str],
) -> SubmissionResult:
    """Add up the questions; a bonus question adds to the score and not to the maximum."""
    return SubmissionResult(
        student=submission.student,
        assignment=assignment.name,
        submission_sha256=submission.sha256,
        suite_sha256=suite_sha256,
        score=round(sum(q.score for q in questions), 2),
        max_score=round(sum(q.max_score for q in questions if not q.bonus), 2),
        status=status,
        message=message,
        questions=tuple(questions),
        isolation=isolation,
        warnings=tuple(warnings),
        identity=submission.identity,
    )
