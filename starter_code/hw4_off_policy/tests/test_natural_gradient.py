"""Public tests of natural_gradient.py: small examples that you can check by hand.

Run one question with `python -m pytest -k fisher_matrix`.
"""

import math

import pytest
import torch

import natural_gradient

GRADIENT = torch.tensor([2.0, -1.0])
FISHER = torch.tensor([[4.0, 1.0], [1.0, 0.5]])


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


# --- categorical_kl -----------------------------------------------------------------------------


def test_categorical_kl_by_hand():
    p = torch.tensor([[0.5, 0.25, 0.25], [0.25, 0.25, 0.5]])
    q = torch.tensor([[0.25, 0.25, 0.5], [0.25, 0.25, 0.5]])
    expect(
        natural_gradient.categorical_kl(p.log() + 2.0, q.log() - 1.0),
        torch.tensor([0.5 * math.log(2) + 0.25 * math.log(0.5), 0.0]),
        "Σ p (log p − log q), one number a row; adding a constant to all logits changes nothing",
    )


def test_categorical_kl_has_a_direction():
    p, q = torch.tensor([0.9, 0.1]).log(), torch.tensor([0.5, 0.5]).log()
    expect(
        natural_gradient.categorical_kl(p, q),
        torch.tensor(0.9 * math.log(1.8) + 0.1 * math.log(0.2)),
        "KL(p ‖ q) weighs with p; KL(q ‖ p) is another number",
    )


def test_categorical_kl_is_differentiable():
    logits = torch.tensor([0.0, 1.0], requires_grad=True)
    natural_gradient.categorical_kl(torch.tensor([0.3, 0.1]), logits).backward()
    assert logits.grad is not None and logits.grad.any()


# --- fisher_matrix ------------------------------------------------------------------------------


def test_fisher_matrix_by_hand():
    scores = torch.tensor([[1.0, 2.0], [3.0, 0.0], [-1.0, 1.0]])
    expect(
        natural_gradient.fisher_matrix(scores),
        torch.tensor([[11.0, 1.0], [1.0, 5.0]]) / 3,
        "the mean of the outer products of the M rows, without subtracting their mean",
    )


# --- natural_gradient ---------------------------------------------------------------------------


def test_natural_gradient_solves_the_system():
    direction = natural_gradient.natural_gradient(GRADIENT, FISHER, 0.5)
    assert direction.shape == (2,), "one number a parameter"
    expect(
        (FISHER + 0.5 * torch.eye(2)) @ direction, GRADIENT, "(F + damping · I) d = g: solve for d"
    )


def test_natural_gradient_of_a_diagonal_matrix():
    expect(
        natural_gradient.natural_gradient(GRADIENT, torch.diag(torch.tensor([4.0, 0.5])), 0.0),
        torch.tensor([0.5, -2.0]),
        "a direction in which the policy hardly changes (small F) deserves a large step",
    )


# --- kl_constrained_step ------------------------------------------------------------------------


@pytest.mark.parametrize("damping", [0.0, 0.5])
def test_kl_constrained_step_uses_the_whole_limit(damping):
    step = natural_gradient.kl_constrained_step(GRADIENT, FISHER, 0.01, damping)
    damped = FISHER + damping * torch.eye(2)
    expect(0.5 * step @ damped @ step, torch.tensor(0.01), "½ dᵀ(F + damping · I) d = kl_limit")


def test_kl_constrained_step_points_along_the_natural_gradient():
    step = natural_gradient.kl_constrained_step(GRADIENT, FISHER, 0.01, 0.5)
    damped = FISHER + 0.5 * torch.eye(2)
    expect(
        torch.nn.functional.normalize(damped @ step, dim=0),
        torch.nn.functional.normalize(GRADIENT, dim=0),
        "the step is a positive multiple of (F + damping · I)⁻¹ g: it climbs",
    )
