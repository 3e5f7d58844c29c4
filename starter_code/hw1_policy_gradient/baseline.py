"""Baselines: numbers b that make R(τ) − b positive for good trajectories and negative for bad ones.

Lecture 5, section "Policy-gradient algorithms": any b that does not depend on the actions leaves
the expected gradient as it is, E[b ∇log p(τ)] = 0, and a good one lowers its variance.
"""

import torch
from torch import Tensor


def batch_mean_baseline(returns: Tensor) -> Tensor:
    """The mean return of the batch, once for each trajectory.

    Args:
        returns: (N,), the returns R(τⁿ) of a batch.

    Returns:
        (N,), every entry b = (1/N) Σ_n R(τⁿ).

    Lecture: the mean as baseline, b = 1/N Σ R(τ).
    """
    # TODO batch_mean_baseline (lecture: b = 1/N Σ_n R(τⁿ)).
    # Return the baseline itself, once a trajectory; subtracting it is the caller's work.
    raise NotImplementedError("batch_mean_baseline")


class RunningMeanBaseline:
    """The mean of every return ever recorded: 0.0 before the first `update`.

    Each return counts once, however the batches were cut.

    Attributes:
        value: float, the mean so far.

    Lecture: record R(τ) while training and keep its mean.
    """

    def __init__(self):
        # TODO RunningMeanBaseline (lecture: keep the mean of the R(τ) recorded while training).
        # Decide what to remember, so that `value` is the mean of all returns however they were cut
        # into batches; then fill in `update`. `value` may be a plain attribute or a property.
        raise NotImplementedError("RunningMeanBaseline")

    def update(self, returns: Tensor) -> None:
        """Record the returns (N,) of one batch; N may differ from call to call."""
        raise NotImplementedError("RunningMeanBaseline")


def value_baseline_loss(values: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """The squared error that fits a state-dependent baseline V(s): ½ mean (target − V)².

    Args:
        values: (N, T), V(s_t); gradient flows through these.
        targets: (N, T), what V should predict, such as the rewards-to-go. Constants: no gradient
            flows through them, even if they require it.
        mask: (N, T), bool, True on real steps.

    Returns:
        A scalar (0-dimensional). The mean is over the real steps of the whole batch.

    Lecture: review, value approximation by SGD, J(θ) = E[½ (V^π(s) − V_θ(s))²].
    """
    # TODO value_baseline_loss (lecture: value approximation, J(θ) = E[½ (V^π(s) − V_θ(s))²]).
    # Half the squared error, averaged over real steps only; the targets stay where they are.
    raise NotImplementedError("value_baseline_loss")


def optimal_baseline(score_norms_squared: Tensor, returns: Tensor) -> Tensor:
    """Bonus: the constant b that makes the variance of the gradient estimate smallest.

    Args:
        score_norms_squared: (N,), g² = ‖Σ_t ∇log π(a_t|s_t)‖² of each trajectory.
        returns: (N,), R(τ) of each trajectory.

    Returns:
        A scalar (0-dimensional), b* = Σ_n g_n² R_n / Σ_n g_n².

    Source: set the derivative of E[(R − b)² g²] with respect to b to zero
    (Greensmith, Bartlett and Baxter, 2004).
    """
    # TODO optimal_baseline (bonus; minimise E[(R − b)² g²] over b: b* = Σ g²R / Σ g²).
    # An average of the returns in which a trajectory counts by the squared size of its score.
    raise NotImplementedError("optimal_baseline")
