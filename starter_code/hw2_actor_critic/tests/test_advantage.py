"""Public tests of advantage.py: small examples that you can check by hand.

Run one question with `python -m pytest -k td_targets`. The hidden tests hold the same meaning on
other inputs.
"""

import math

import torch

import advantage

# Four transitions with γ = ½. The third one ended the episode: its V(s') is a number without
# meaning. The fourth is an ordinary one.
REWARDS = torch.tensor([1.0, 2.0, 3.0, 4.0])
VALUES = torch.tensor([0.0, 1.0, 5.0, 2.0])
NEXT_VALUES = torch.tensor([4.0, -2.0, 8.0, 6.0])
TERMINATED = torch.tensor([False, False, True, False])
GAMMA = 0.5


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


def expect_constant(actual):
    assert not actual.requires_grad, "the result is a constant: detach it (or work under no_grad)"


# --- td_targets ---------------------------------------------------------------------------------


def test_td_targets_by_hand():
    expect(
        advantage.td_targets(REWARDS, NEXT_VALUES, TERMINATED, GAMMA),
        torch.tensor([1.0 + 2.0, 2.0 - 1.0, 3.0, 4.0 + 3.0]),
        "r + γ V(s'), and r alone where the episode terminated",
    )


def test_td_targets_are_constant():
    next_values = NEXT_VALUES.clone().requires_grad_()
    expect_constant(advantage.td_targets(REWARDS, next_values, TERMINATED, GAMMA))


def test_td_targets_keep_float64():
    targets = advantage.td_targets(REWARDS.double(), NEXT_VALUES.double(), TERMINATED, GAMMA)
    assert targets.dtype == torch.float64, "float64 inputs give a float64 result"


# --- td_advantages ------------------------------------------------------------------------------


def test_td_advantages_by_hand():
    expect(
        advantage.td_advantages(REWARDS, VALUES, NEXT_VALUES, TERMINATED, GAMMA),
        torch.tensor([3.0 - 0.0, 1.0 - 1.0, 3.0 - 5.0, 7.0 - 2.0]),
        "the target minus V(s): how much better than expected the step turned out",
    )


def test_td_advantages_are_constant():
    values, next_values = VALUES.clone().requires_grad_(), NEXT_VALUES.clone().requires_grad_()
    expect_constant(advantage.td_advantages(REWARDS, values, next_values, TERMINATED, GAMMA))


def test_td_advantages_leave_their_arguments_alone():
    before = [x.clone() for x in (REWARDS, VALUES, NEXT_VALUES)]
    advantage.td_advantages(REWARDS, VALUES, NEXT_VALUES, TERMINATED, GAMMA)
    for now, then in zip((REWARDS, VALUES, NEXT_VALUES), before):
        assert torch.equal(now, then), "make a new tensor; += and −= change the caller's"


# --- q_advantages -------------------------------------------------------------------------------

# Two states, three actions: π(·|s) is (¼, ½, ¼) in the first and uniform in the second.
Q_VALUES = torch.tensor([[4.0, 8.0, 1.0], [3.0, 6.0, 9.0]])
LOGITS = torch.tensor([[0.25, 0.5, 0.25], [1 / 3, 1 / 3, 1 / 3]]).log() + 2.0


def test_q_advantages_by_hand():
    # V = ¼·4 + ½·8 + ¼·1 = 5.25 and (3 + 6 + 9)/3 = 6
    expect(
        advantage.q_advantages(Q_VALUES, LOGITS, torch.tensor([1, 0])),
        torch.tensor([8.0 - 5.25, 3.0 - 6.0]),
        "Q(s, a) of the action taken minus Σ_a π(a|s) Q(s, a), with π = softmax(logits)",
    )


def test_q_advantages_average_to_nothing():
    every_action = [
        advantage.q_advantages(Q_VALUES, LOGITS, torch.tensor([a, a])) for a in range(3)
    ]
    average = (torch.softmax(LOGITS, dim=-1) * torch.stack(every_action, dim=-1)).sum(dim=-1)
    expect(average, torch.zeros(2), "on average over π, no action is better than the policy itself")


def test_q_advantages_are_constant():
    q_values, logits = Q_VALUES.clone().requires_grad_(), LOGITS.clone().requires_grad_()
    expect_constant(advantage.q_advantages(q_values, logits, torch.tensor([1, 0])))


# --- generalized_advantages (bonus) -------------------------------------------------------------

NOTHING = torch.zeros(4, dtype=torch.bool)


def gae(terminated, truncated, gamma, lam):
    return advantage.generalized_advantages(
        REWARDS, VALUES, NEXT_VALUES, terminated, truncated, gamma, lam
    )


def test_generalized_advantages_with_lambda_zero_are_td_errors():
    expect(
        gae(TERMINATED, NOTHING, GAMMA, 0.0),
        torch.tensor([3.0, 0.0, -2.0, 5.0]),
        "λ = 0 leaves δ alone",
    )


def test_generalized_advantages_restart_after_termination():
    # δ = 3, 0, −2, 5; γλ = ½·½ = ¼. The sum of steps 0 to 2 doesn't see step 3.
    expect(
        gae(TERMINATED, NOTHING, GAMMA, 0.5),
        torch.tensor([3.0 + (0.0 - 2.0 / 4) / 4, 0.0 - 2.0 / 4, -2.0, 5.0]),
        "A_t = δ_t + γλ A_{t+1}, and the sum restarts after an episode's last step",
    )


def test_generalized_advantages_restart_after_truncation_but_bootstrap():
    # Step 2 was only cut off: δ_2 = 3 + ½·8 − 5 = 2 keeps its V(s'), yet step 3 is another episode.
    truncated = torch.tensor([False, False, True, False])
    expect(
        gae(NOTHING, truncated, GAMMA, 0.5),
        torch.tensor([3.0 + (0.0 + 2.0 / 4) / 4, 0.0 + 2.0 / 4, 2.0, 5.0]),
        "truncation ends the sum, but it does not make V(s') zero: only termination does",
    )


def test_generalized_advantages_with_gamma_and_lambda_one():
    # Without ends and without values this is the plain sum of the rewards to come.
    zeros = torch.zeros(4)
    expect(
        advantage.generalized_advantages(REWARDS, zeros, zeros, NOTHING, NOTHING, 1.0, 1.0),
        torch.tensor([10.0, 9.0, 7.0, 4.0]),
        "walk backwards in time, and give the result in the order of time",
    )


def test_generalized_advantages_are_constant():
    values = VALUES.clone().requires_grad_()
    expect_constant(
        advantage.generalized_advantages(
            REWARDS, values, NEXT_VALUES, TERMINATED, NOTHING, GAMMA, math.sqrt(0.5)
        )
    )
