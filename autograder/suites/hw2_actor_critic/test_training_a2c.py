"""Hidden learning check of hw2: the given tiny trainer with the student's loss."""

import copy

import pytest

from autograder.grading import check
from autograder.suites.learning import A2C


@pytest.mark.question("a2c_loss")
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_loss_teaches_an_agent(student, reference, rng):
    """With this loss an agent learns which way leads to the prize.

    用这个损失训练，智能体能学会通往奖励的路。
    """
    check.holds(
        A2C.passes(student, copy.deepcopy(rng))
        or not A2C.passes(reference, rng),  # an earlier mistake may stop both
        "Trained with this loss, the agent does not get better at its task.",
        "用这个损失训练，智能体的表现没有提高。",
    )
