"""A class of results, as a grading run would have written it."""

import hashlib
import random
from types import SimpleNamespace

from autograder.grading.results import Diagnosis, QuestionResult, SubmissionResult, TestResult

QUESTIONS = {
    "action_log_probs": 15.0,
    "trajectory_returns": 10.0,
    "rewards_to_go": 20.0,
    "policy_gradient_loss": 25.0,
    "batch_mean_baseline": 10.0,
    "RunningMeanBaseline": 10.0,
    "value_baseline_loss": 10.0,
    "optimal_baseline": 5.0,
}
TITLES = (
    "The value on a batch of unequal trajectories",
    "No gradient flows through the weights",
    "Padding changes nothing",
    "float64 in, float64 out",
)
MISTAKES = {
    "policy_gradient_loss": Diagnosis(
        "mean_over_steps",
        {
            "en": "The sum over time is divided by the number of trajectories N, not by the number of steps.",
            "zh": "对时间求和后应除以轨迹数 N，而不是总步数。",
        },
    ),
    "rewards_to_go": Diagnosis(
        "discounted_from_zero",
        {
            "en": "The discount restarts at each step t.",
            "zh": "折扣因子应从每个时刻 t 重新开始计算。",
        },
    ),
}
WHY = "The values differ: shape (4, 7) is right, the numbers are not."
COURSE = SimpleNamespace(
    title=SimpleNamespace(en="Policy Gradient", zh="策略梯度"),
    language="en",
    assignments={
        "hw1_policy_gradient": SimpleNamespace(
            title=SimpleNamespace(en="Homework 1: Policy gradient", zh="作业 1：策略梯度")
        )
    },
)


def question(name, passed, status=None):
    """One question with the first `passed` of its tests passed."""
    points, count = QUESTIONS[name], len(TITLES)
    score = round(points * passed / count, 2)
    status = status or ("passed" if passed == count else "partial" if passed else "failed")
    rest = "failed" if status == "partial" else status
    why = {"not_implemented": "", "not_run": "", "timed_out": "Stopped after 10 s."}.get(rest, WHY)
    tests = tuple(
        TestResult(
            f"test_{index}",
            title,
            "passed" if index < passed else rest,
            "" if index < passed else why,
        )
        for index, title in enumerate(TITLES)
    )
    diagnosis = MISTAKES.get(name) if status == "failed" else None
    return QuestionResult(name, score, points, name == "optimal_baseline", status, tests, diagnosis)


def result(student, questions, status="graded", message="", warnings=(), **more):
    return SubmissionResult(
        student=student,
        assignment="hw1_policy_gradient",
        submission_sha256=hashlib.sha256(student.encode("utf-8", "replace")).hexdigest(),
        suite_sha256="5" * 64,
        score=sum(q.score for q in questions),
        max_score=100.0,
        status=status,
        message=message,
        questions=tuple(questions),
        isolation="full",
        warnings=tuple(warnings),
        **more,
    )


def a_class(size=24):
    """Students of every kind, the same at each call."""
    rng = random.Random(7)
    found = [
        result("ada", [question(name, 4) for name in QUESTIONS]),
        result(
            "李雷",
            [question(name, 4 if i % 3 else 0) for i, name in enumerate(QUESTIONS)],
            warnings=[
                "Handed in on 2026-03-01 12:01 UTC, after the due date (2026-03-01 12:00 UTC)."
            ],
        ),
        result(
            "bob",
            [question(name, 0, "not_run") for name in QUESTIONS],
            "unreadable",
            "bob.zip is not a whole zip file; it may have been cut off while it was uploaded. "
            "Make the zip again, open it once to check, and hand it in anew.",
        ),
        result(
            "eve",
            [question(name, 0, "timed_out") for name in QUESTIONS],
            "timed_out",
            "policy_gradient.py ran for more than 10 s of computing time and was stopped.",
        ),
        result("zoe", [question(name, 0, "not_implemented") for name in QUESTIONS]),
    ]
    while len(found) < size:
        questions = [question(name, rng.choice([0, 2, 3, 4, 4, 4])) for name in QUESTIONS]
        found.append(result(f"student{len(found):02}", questions))
    return found
