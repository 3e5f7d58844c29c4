"""The sequential test keeps its error rates, and agents learn from right answers only."""

import math
from itertools import islice

import numpy as np
import pytest

from autograder.course import Course
from autograder.grading.check import Mismatch
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.suites.learning import A2C, A3C, REINFORCE
from autograder.suites.rooms import Rooms
from autograder.suites.sequential import AT_MOST, acceptance, succeeds_often
from autograder.suites.signals import Signals, SignalsEnv

CHECKS = {"hw1": REINFORCE, "hw2": A2C, "hw3": A3C}


def test_error_rates_are_those_stated():
    assert math.isclose(acceptance(0.5), 0.0095, abs_tol=5e-5)
    assert math.isclose(1 - acceptance(0.99), 0.0053, abs_tol=5e-5)


@pytest.mark.parametrize(
    ("outcomes", "accepted", "trials"),
    [
        ([True] * AT_MOST, True, 7),
        ([False] * AT_MOST, False, 2),
        ([False] + [True] * 11, True, 12),
        ([True] * 6 + [False] + [True] * 5, True, 12),
        ([True] * 5 + [False] + [True] * 5 + [False], False, 12),
    ],
)
def test_what_is_accepted_and_when(outcomes, accepted, trials):
    seen = []
    assert succeeds_often(lambda i: seen.append(i) or outcomes[i]) is accepted
    assert len(seen) == trials


def student_of(homework, name=None):
    """The reference, or a known mistake."""
    assignment = Course.find().assignment(homework)
    files = reference_files(assignment)
    if name is None:
        return LocalStudent(files)
    variants = read_variants(assignment.suite_dir / "mistakes.py")
    variant = next(v for v in variants if v.name == name)
    home = {q.name: q.file for q in assignment.questions}[variant.question]
    return LocalStudent(variant.files(files, home))


def earned(homework, name=None, runs=10):
    check = CHECKS[homework]
    return [*islice(check.runs(student_of(homework, name), np.random.default_rng(2)), runs)]


@pytest.mark.parametrize("homework", CHECKS)
def test_the_reference_teaches(homework):
    assert min(earned(homework)) > CHECKS[homework].enough


@pytest.mark.parametrize(
    ("homework", "mistake", "most"),
    [
        ("hw1", "wrong_sign", 0.05),
        ("hw2", "a2c_actor_sign", 0.05),
        ("hw2", "a2c_critic_is_cut_off", 0.34),  # without a critic no hall learns
        ("hw3", "policy_term_without_minus", 0.1),
        ("hw3", "never_steps", 0.6),
    ],
)
def test_what_is_wrong_does_not_teach(homework, mistake, most):
    assert max(earned(homework, mistake, runs=3)) < most
    assert not CHECKS[homework].passes(student_of(homework, mistake), np.random.default_rng(2))


@pytest.mark.parametrize(
    "odd", [np.zeros(3), np.zeros((4, 3), int), np.full((4, 3), np.nan), np.zeros((3, 4))]
)
def test_odd_preferences_earn_nothing(odd):
    assert Signals(np.random.default_rng(0)).mean_reward(odd) == 0.0


def test_rooms_pay_who_knows_the_way():
    rooms = Rooms(np.random.default_rng(0))
    everywhere = np.arange(6).repeat(3), np.tile(np.arange(3), 6)
    rewards, behind, terminated = rooms.press(*everywhere)
    best = np.where(rewards > 0, 50.0, 0.0)
    best[:9] = np.where(behind[:9] == everywhere[0][rewards.argmax()], 50.0, 0.0)
    assert rewards.sum() == 1 and not terminated[:9].any() and terminated[9:].all()
    assert math.isclose(rooms.mean_return(best.reshape(6, 3)), 1.0)
    assert math.isclose(rooms.mean_return(np.zeros((6, 3))), 1 / 9)
    assert rooms.mean_return(np.zeros((6, 2))) == 0.0


def test_signals_come_in_turn_and_episodes_are_cut():
    env = SignalsEnv(Signals(np.random.default_rng(0), 3, 2), np.random.default_rng(1), 6, 7)
    observation, _ = env.reset(seed=5)
    seen, rewards, ends = [observation], [], []
    for _ in range(6):
        observation, reward, terminated, truncated, _ = env.step(1)
        seen.append(observation)
        rewards.append(reward)
        ends.append((terminated, truncated))
    assert np.sum(seen[:6], axis=0).tolist() == [2, 2, 2]
    assert set(rewards) <= {-1.0, 1.0}
    assert ends == [(False, False)] * 5 + [(False, True)]
    env.step(0)
    with pytest.raises(Mismatch):
        env.step(0)
