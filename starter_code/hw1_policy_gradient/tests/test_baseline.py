"""Public tests of baseline.py: small examples that you can check by hand.

Run one question with `python -m pytest -k batch_mean_baseline`.
"""

import pytest
import torch

import baseline


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


# --- batch_mean_baseline ------------------------------------------------------------------------


def test_batch_mean_baseline_repeats_the_mean():
    expect(
        baseline.batch_mean_baseline(torch.tensor([1.0, 2.0, 6.0])),
        torch.tensor([3.0, 3.0, 3.0]),
        "b is the mean return, once a trajectory; the caller subtracts it",
    )


def test_batch_mean_baseline_leaves_its_argument_alone():
    returns = torch.tensor([1.0, 2.0, 6.0])
    baseline.batch_mean_baseline(returns)
    assert returns.tolist() == [1.0, 2.0, 6.0], "make a new tensor; −= would change the caller's"


# --- RunningMeanBaseline ------------------------------------------------------------------------


def test_RunningMeanBaseline_starts_at_zero():
    value = baseline.RunningMeanBaseline().value
    assert isinstance(value, float), (
        f"`value` is a float, not {type(value).__name__}: an attribute or a @property, "
        "and .item() turns a 0-dimensional tensor into a float"
    )
    assert value == 0.0


def test_RunningMeanBaseline_counts_every_return_once():
    running = baseline.RunningMeanBaseline()
    running.update(torch.tensor([2.0, 4.0]))
    assert running.value == pytest.approx(3.0)
    running.update(torch.tensor([9.0]))
    assert isinstance(running.value, float), "`value` is still a float after `update`"
    assert running.value == pytest.approx(5.0), (
        "(2 + 4 + 9) / 3 = 5: neither the mean of the batches' means (6) nor the last batch's (9)"
    )


def test_RunningMeanBaseline_objects_are_independent():
    first, second = baseline.RunningMeanBaseline(), baseline.RunningMeanBaseline()
    first.update(torch.tensor([8.0]))
    assert second.value == 0.0, "keep the numbers in self, not in the class or the module"


# --- value_baseline_loss ------------------------------------------------------------------------

# Two trajectories: two steps and one. The 9s are padding, and count for nothing.
VALUES = torch.tensor([[1.0, 2.0], [4.0, 9.0]])
TARGETS = torch.tensor([[2.0, 4.0], [1.0, -9.0]])
MASK = torch.tensor([[True, True], [True, False]])


def test_value_baseline_loss_value():
    expect(
        baseline.value_baseline_loss(VALUES, TARGETS, MASK),
        torch.tensor(0.5 * (1.0 + 4.0 + 9.0) / 3),
        "½ times the mean over the 3 real steps: not over N, not over N·T; and with the ½",
    )


def test_value_baseline_loss_gradient():
    values, targets = VALUES.clone().requires_grad_(), TARGETS.clone().requires_grad_()
    baseline.value_baseline_loss(values, targets, MASK).backward()
    expect(
        values.grad,
        torch.tensor([[-1.0, -2.0], [3.0, 0.0]]) / 3,
        "∂ loss / ∂ V = (V − target)/(number of real steps), 0 on padding",
    )
    assert targets.grad is None or not targets.grad.any(), "the targets are constants: detach them"


# --- optimal_baseline (bonus) -------------------------------------------------------------------


def test_optimal_baseline_weights_returns_by_score():
    expect(
        baseline.optimal_baseline(torch.tensor([1.0, 3.0]), torch.tensor([2.0, 6.0])),
        torch.tensor(5.0),
        "Σ g²R / Σ g² = (1·2 + 3·6) / (1 + 3); the g² are given squared already",
    )


def test_optimal_baseline_is_the_mean_when_all_scores_are_alike():
    expect(
        baseline.optimal_baseline(torch.tensor([0.5, 0.5, 0.5]), torch.tensor([1.0, 2.0, 6.0])),
        torch.tensor(3.0),
        "equal g² leave the ordinary mean",
    )
