"""Public tests of __MODULE__.py: small examples that you can check by hand.

Run one question with `python -m pytest -k discounted_return`.
"""

import __MODULE__
import torch


def test_discounted_return_weighs_later_rewards_less():
    rewards = torch.tensor([1.0, 2.0, 4.0])
    torch.testing.assert_close(
        __MODULE__.discounted_return(rewards, 0.5),
        torch.tensor(3.0),
        msg=lambda text: f"{text}\n\nHint: 1 + 0.5·2 + 0.25·4",
    )


def test_discounted_return_of_one_step_is_its_reward():
    assert __MODULE__.discounted_return(torch.tensor([7.0]), 0.9).item() == 7.0
