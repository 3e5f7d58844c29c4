"""Hidden learning check of hw1: the given tiny trainer with the student's loss."""

import numpy as np
import pytest

from autograder.grading import check
from autograder.suites.sequential import succeeds_often
from autograder.suites.signals import Signals


@pytest.mark.question("policy_gradient_loss")
def test_loss_teaches_an_agent(student, rng):
    """With this loss an agent learns which button each signal asks for.

    用这个损失训练，智能体能学会每个信号对应的按钮。
    """

    def learns(run):
        signals = Signals(rng)
        preferences = student.train_on_signals(
            signals.press, signals.n_signals, signals.n_buttons, int(rng.integers(2**31))
        )
        return signals.mean_reward(np.asarray(preferences)) > 0.9

    check.holds(
        succeeds_often(learns),
        "Trained with this loss, the agent does not get better at its task.",
        "用这个损失训练，智能体的表现没有提高。",
    )
