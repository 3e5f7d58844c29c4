"""Public tests of off_policy.py: small examples that you can check by hand.

Run one question with `python -m pytest -k importance_weights`. The hidden tests hold the same meaning
on other inputs: other lengths, gradients element by element.
"""

import math

import torch

import off_policy

# Two trajectories: two steps and one. The last entry is padding, and counts for nothing.
MASK = torch.tensor([[True, True], [True, False]])
TARGET = torch.tensor([[0.5, 0.8], [0.9, 0.1]]).log()
BEHAVIOR = torch.tensor([[0.25, 0.4], [0.6, 0.7]]).log()
WEIGHTS = torch.tensor([0.5 / 0.25 * 0.8 / 0.4, 0.9 / 0.6])
RETURNS = torch.tensor([3.0, -2.0])

# Three states, two actions: π is (¼, ¾), uniform, and (¾, ¼).
LOGITS = torch.tensor([[0.25, 0.75], [0.5, 0.5], [0.75, 0.25]]).log() + 1.0
Q_VALUES = torch.tensor([[4.0, 8.0], [1.0, -1.0], [2.0, 6.0]])
ACTIONS = torch.tensor([1, 0, 1])


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


def leaves(*tensors):
    return [tensor.clone().requires_grad_() for tensor in tensors]


def expect_no_gradient(leaf, hint):
    assert leaf.grad is None or not leaf.grad.any(), hint


# --- importance_weights -------------------------------------------------------------------------


def test_importance_weights_by_hand():
    expect(
        off_policy.importance_weights(TARGET, BEHAVIOR, MASK),
        WEIGHTS,
        "the product of target / behavior over the real steps: 2 · 2 = 4, and 1.5",
    )


def test_importance_weights_gradient():
    target, behavior = leaves(TARGET, BEHAVIOR)
    off_policy.importance_weights(target, behavior, MASK).sum().backward()
    expect(
        target.grad,
        torch.tensor([[4.0, 4.0], [1.5, 0.0]]),
        "∂ρ / ∂ log π_θ = ρ on every real step, and 0 on padding",
    )
    expect_no_gradient(behavior, "the behavior policy is a constant: detach it")


# --- off_policy_loss ----------------------------------------------------------------------------


def test_off_policy_loss_value():
    expect(
        off_policy.off_policy_loss(TARGET, BEHAVIOR, RETURNS, MASK),
        torch.tensor(-(4.0 * 3.0 + 1.5 * -2.0) / 2),
        "−(1/N) Σ ρ R: an average over the trajectories, and a minus because optimisers descend",
    )


def test_off_policy_loss_gradient():
    target, behavior, returns = leaves(TARGET, BEHAVIOR, RETURNS)
    off_policy.off_policy_loss(target, behavior, returns, MASK).backward()
    expect(
        target.grad,
        torch.tensor([[-6.0, -6.0], [1.5, 0.0]]),
        "∂ loss / ∂ log π_θ = −ρ R / N on every real step",
    )
    expect_no_gradient(returns, "the returns are constants")
    expect_no_gradient(behavior, "the behavior policy is a constant")


# --- q_targets ----------------------------------------------------------------------------------


def test_q_targets_by_hand():
    expect(
        off_policy.q_targets(
            torch.tensor([1.0, 2.0]), torch.tensor([4.0, 8.0]), torch.tensor([False, True]), 0.5
        ),
        torch.tensor([3.0, 2.0]),
        "r + γ Q(s', a'), and r alone where the episode terminated",
    )


def test_q_targets_are_constant():
    next_q_values = torch.tensor([4.0, 8.0], requires_grad=True)
    targets = off_policy.q_targets(torch.ones(2), next_q_values, torch.tensor([False, True]), 0.5)
    assert not targets.requires_grad, "the targets are constants: detach them"


# --- resampled_actor_loss -----------------------------------------------------------------------


def test_resampled_actor_loss_value():
    expect(
        off_policy.resampled_actor_loss(LOGITS, Q_VALUES, ACTIONS),
        torch.tensor(-(8.0 * math.log(0.75) + 1.0 * math.log(0.5) + 6.0 * math.log(0.25)) / 3),
        "−(1/B) Σ log π(aᵖ|s) Q(s, aᵖ), with log π from log_softmax(logits)",
    )


def test_resampled_actor_loss_gradient():
    logits, q_values = leaves(LOGITS, Q_VALUES)
    off_policy.resampled_actor_loss(logits, q_values, ACTIONS).backward()
    expect(
        logits.grad,
        torch.tensor([[8.0 * 0.25, -8.0 * 0.25], [-0.5, 0.5], [6.0 * 0.75, -6.0 * 0.75]]) / 3,
        "∂ log π(a) / ∂ logits = (1 at a) − π",
    )
    expect_no_gradient(q_values, "the actor's loss does not train the critic: detach Q")
