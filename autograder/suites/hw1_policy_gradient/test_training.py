"""Hidden learning check of hw1: the given tiny trainer with the student's loss."""

import pytest

from autograder.grading import check
from autograder.suites.learning import REINFORCE


@pytest.mark.question("policy_gradient_loss")
def test_loss_teaches_an_agent(student, rng):
    """With this loss an agent learns which button each signal asks for.

    用这个损失训练，智能体能学会每个信号对应的按钮。
    """
    check.holds(
        REINFORCE.passes(student, rng),
        "Trained with this loss, the agent does not get better at its task.",
        "用这个损失训练，智能体的表现没有提高。",
    )
