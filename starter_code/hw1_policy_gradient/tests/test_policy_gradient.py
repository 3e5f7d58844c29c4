"""Public tests of policy_gradient.py: small examples that you can check by hand.

Run one question with `python -m pytest -k policy_gradient_loss`. The hidden tests hold the same
meaning on other inputs: other sizes, other discounts, gradients element by element.
"""

import math

import pytest
import torch

import policy_gradient

# Two trajectories: three steps and one. The 9s are padding, and count for nothing.
REWARDS = torch.tensor([[1.0, 2.0, 4.0], [5.0, 9.0, 9.0]])
MASK = torch.tensor([[True, True, True], [True, False, False]])


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


# --- action_log_probs ---------------------------------------------------------------------------


def test_action_log_probs_picks_each_rows_action():
    policy = torch.tensor([[0.5, 0.25, 0.25], [0.1, 0.2, 0.7]])
    actions = torch.tensor([1, 2])
    expect(
        policy_gradient.action_log_probs(policy.log() + 3.0, actions),
        torch.tensor([0.25, 0.7]).log(),
        "softmax over the last axis (adding 3 to all logits changes nothing), then one entry a row",
    )


def test_action_log_probs_keeps_every_leading_axis():
    logits = torch.zeros(2, 3, 4)
    actions = torch.zeros(2, 3, dtype=torch.int64)
    expect(
        policy_gradient.action_log_probs(logits, actions),
        torch.full((2, 3), math.log(1 / 4)),
        "logits (N, T, A) and actions (N, T) give (N, T): no axis of size 1 is left over",
    )


def test_action_log_probs_survives_huge_logits():
    logits = torch.tensor([[10_000.0, 0.0], [-10_000.0, 0.0]])
    expect(
        policy_gradient.action_log_probs(logits, torch.tensor([1, 1])),
        torch.tensor([-10_000.0, 0.0]),
        "exp(10000) overflows and log(0) is −inf: work with logarithms from the start",
    )


def test_action_log_probs_is_differentiable():
    logits = torch.zeros(1, 2, requires_grad=True)
    policy_gradient.action_log_probs(logits, torch.tensor([0])).sum().backward()
    expect(
        logits.grad,
        torch.tensor([[0.5, -0.5]]),
        "∂ log π(a)/∂ logits = onehot(a) − π: keep the graph (no .item(), .detach() or numpy)",
    )


# --- trajectory_returns -------------------------------------------------------------------------


def test_trajectory_returns_discount_from_time_zero():
    expect(
        policy_gradient.trajectory_returns(REWARDS, MASK, 0.5),
        torch.tensor([1.0 + 0.5 * 2.0 + 0.25 * 4.0, 5.0]),
        "R(τ) = Σ_t γᵗ r_t: the first reward is not discounted, padding earns nothing",
    )


def test_trajectory_returns_without_discount_is_the_sum():
    expect(
        policy_gradient.trajectory_returns(REWARDS, MASK, 1.0),
        torch.tensor([7.0, 5.0]),
        "with γ = 1 the return is the sum of the real rewards",
    )


# --- rewards_to_go ------------------------------------------------------------------------------


def test_rewards_to_go_looks_only_ahead():
    expect(
        policy_gradient.rewards_to_go(REWARDS, MASK, 0.5),
        torch.tensor([[3.0, 4.0, 4.0], [5.0, 0.0, 0.0]]),
        "the last real entry is the last reward; before it, G_t = r_t + γ G_{t+1}; padding is 0",
    )


def test_rewards_to_go_leaves_its_arguments_alone():
    rewards, mask = REWARDS.clone(), MASK.clone()
    policy_gradient.rewards_to_go(rewards, mask, 0.5)
    assert torch.equal(rewards, REWARDS) and torch.equal(mask, MASK), "work on a copy of `rewards`"


def test_rewards_to_go_of_a_long_trajectory_stay_finite():
    rewards, mask = torch.ones(1, 1000), torch.ones(1, 1000, dtype=torch.bool)
    to_go = policy_gradient.rewards_to_go(rewards, mask, 0.5)
    assert torch.isfinite(to_go).all(), "dividing by γᵗ overflows: recurse from the end instead"
    assert to_go[0, 900].item() == pytest.approx(2.0, rel=1e-5)


# --- policy_gradient_loss -----------------------------------------------------------------------

LOG_PROBS = torch.tensor([[-1.0, -2.0, -3.0], [-4.0, 9.0, 9.0]])
WEIGHTS = torch.tensor([[1.0, -1.0, 2.0], [3.0, 9.0, 9.0]])


def test_policy_gradient_loss_value():
    expect(
        policy_gradient.policy_gradient_loss(LOG_PROBS, WEIGHTS, MASK),
        torch.tensor(-(-1.0 + 2.0 - 6.0 - 12.0) / 2),
        "−(1/N) Σ_n Σ_t weight · log π with N = 2 trajectories here; a 0-dimensional tensor",
    )


def test_policy_gradient_loss_gradient():
    log_probs = LOG_PROBS.clone().requires_grad_()
    policy_gradient.policy_gradient_loss(log_probs, WEIGHTS, MASK).backward()
    expect(
        log_probs.grad,
        torch.tensor([[-0.5, 0.5, -1.0], [-1.5, 0.0, 0.0]]),
        "∂ loss / ∂ log π = −weight/N on real steps, 0 on padding",
    )


def test_policy_gradient_loss_treats_weights_as_constants():
    log_probs, weights = LOG_PROBS.clone().requires_grad_(), WEIGHTS.clone().requires_grad_()
    policy_gradient.policy_gradient_loss(log_probs, weights, MASK).backward()
    assert weights.grad is None or not weights.grad.any(), (
        "gradient reached the weights; a value network behind them would be trained by this loss. "
        "Hint: weights.detach()"
    )
