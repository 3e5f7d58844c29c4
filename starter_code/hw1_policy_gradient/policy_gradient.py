"""REINFORCE, piece by piece (lecture 5, section "Policy-gradient algorithms").

A batch holds N trajectories. They differ in length, so every row is padded to T steps, and
`mask` (N, T) is True on the steps that really happened: the first ones of each row.
What stands in the padding means nothing and must not change any result.
"""

import torch
from torch import Tensor


def action_log_probs(logits: Tensor, actions: Tensor) -> Tensor:
    """log π(a|s) of the actions that were taken.

    Args:
        logits: (..., A), the preference h(s, a) of every action, before the softmax; up to ±1e4.
        actions: (...), int64, the action taken in each state.

    Returns:
        (...), log softmax(logits) at the action; differentiable in `logits`.

    Lecture: softmax policy, π(a|s) = exp h(s,a) / Σ_a' exp h(s,a').
    """
    # TODO action_log_probs (lecture: softmax policy, π(a|s) = exp h(s,a) / Σ_a' exp h(s,a')).
    # Normalise over the actions in a way that survives huge logits, then pick each row's action.
    raise NotImplementedError("action_log_probs")


def trajectory_returns(rewards: Tensor, mask: Tensor, gamma: float) -> Tensor:
    """The discounted return of every trajectory, R(τ) = Σ_t γᵗ r_t with t counted from 0.

    Args:
        rewards: (N, T).
        mask: (N, T), bool, True on real steps.
        gamma: the discount, 0 ≤ γ ≤ 1.

    Returns:
        (N,)

    Lecture: objective 3, the mean return of a trajectory (there with γ = 1).
    """
    # TODO trajectory_returns (lecture: objective 3, R(τ) = Σ_t γᵗ r_t).
    # Discount each reward by its time, leave out the padding, sum over time.
    raise NotImplementedError("trajectory_returns")


def rewards_to_go(rewards: Tensor, mask: Tensor, gamma: float) -> Tensor:
    """What is still to be earned from every step on: Σ_{t' ≥ t} γ^(t'−t) r_t'.

    Args:
        rewards: (N, T).
        mask: (N, T), bool, True on real steps.
        gamma: the discount, 0 ≤ γ ≤ 1.

    Returns:
        (N, T), 0 on padding.

    Lecture: section "Actor-Critic", the sum from t' = t in step 2 (there with γ = 1).
    """
    # TODO rewards_to_go (lecture: Actor-Critic, step 2, G_t = Σ_{t' ≥ t} γ^(t'−t) r_t').
    # Walk backwards in time: G_t = r_t + γ G_{t+1}. The padding earns nothing.
    raise NotImplementedError("rewards_to_go")


def policy_gradient_loss(log_probs: Tensor, weights: Tensor, mask: Tensor) -> Tensor:
    """A loss whose descent climbs the lecture's objective: −(1/N) Σ_n Σ_t weight · log π.

    Args:
        log_probs: (N, T), log π(a_t|s_t); gradient flows through these.
        weights: (N, T), how good each action turned out, such as R(τ), R(τ) − b or a reward-to-go.
            Constants: no gradient flows through them, even if they require it.
        mask: (N, T), bool, True on real steps.

    Returns:
        A scalar (0-dimensional). The divisor is N, the number of trajectories, not of steps.

    Lecture: REINFORCE, ∇J(θ) ≈ 1/N Σ_n Σ_t R(τⁿ) ∇log π(a_tⁿ|s_tⁿ), and the view of it as
    a weighted log-likelihood.
    """
    # TODO policy_gradient_loss (lecture: REINFORCE, ∇J ≈ 1/N Σ_n Σ_t R(τⁿ) ∇log π(a_tⁿ|s_tⁿ)).
    # Write the scalar whose gradient, descended, is this; sum over time, average over trajectories.
    raise NotImplementedError("policy_gradient_loss")
