"""The sequential test keeps its error rates, and the tiny trainer learns from a right loss only."""

import numpy as np
import pytest

from autograder.course import Course
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.suites.sequential import succeeds_often
from autograder.suites.signals import Signals


@pytest.mark.parametrize(("p", "low", "high"), [(0.98, 0.97, 1.0), (0.5, 0.0, 0.015)])
def test_error_rates_are_those_stated(p, low, high):
    rng = np.random.default_rng(0)
    accepted = np.mean([succeeds_often(lambda i: rng.random() < p) for _ in range(4000)])
    assert low <= accepted <= high


def test_seven_successes_accept_and_two_failures_refuse():
    seen = []
    assert succeeds_often(lambda i: seen.append(i) or True) and len(seen) == 7
    seen.clear()
    assert not succeeds_often(lambda i: seen.append(i)) and len(seen) == 2


@pytest.fixture(scope="module")
def files():
    return reference_files(Course.find().assignment("hw1"))


def reward(files, override, rng):
    student = LocalStudent({**files, "policy_gradient.py": files["policy_gradient.py"] + override})
    signals = Signals(rng)
    return signals.mean_reward(
        np.asarray(student.train_on_signals(signals.press, signals.n_signals, signals.n_buttons, 3))
    )


def test_only_the_right_loss_teaches(files):
    rng = np.random.default_rng(2)
    assert min(reward(files, "", rng) for _ in range(10)) > 0.95
    negated = "\n\ndef policy_gradient_loss(l, w, m):\n    return (l * w).sum() / len(l)\n"
    assert reward(files, negated, rng) < 0.1


@pytest.mark.parametrize(
    "odd", [np.zeros(3), np.zeros((4, 3), int), np.full((4, 3), np.nan), np.zeros((3, 4))]
)
def test_odd_preferences_earn_nothing(odd):
    assert Signals(np.random.default_rng(0)).mean_reward(odd) == 0.0
