"""Hidden tests of __MODULE__.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import normal


@pytest.mark.question("discounted_return", gate=True)
def test_discounted_return_value(student, reference, rng):
    """The return of episodes of several lengths, with several discounts.

    不同长度的回合在不同折扣因子下的回报。
    """
    for steps in (1, 2, 9):
        for gamma in (0.0, 0.7, 1.0):
            rewards = normal(rng, steps)
            check.same(
                student.discounted_return(rewards, gamma),
                reference.discounted_return(rewards, gamma),
            )


@pytest.mark.question("discounted_return")
def test_discounted_return_float32(student, reference, rng):
    """float32 stays float32.

    float32 的输入得到 float32 的结果。
    """
    rewards = normal(rng, 6, dtype=torch.float32)
    check.same(student.discounted_return(rewards, 0.9), reference.discounted_return(rewards, 0.9))
