"""Learning from what another policy did (lecture: importance sampling; corrected batched A2C).

N trajectories are padded to T steps; `mask` (N, T) is True on real steps, which are a prefix of
each row. B is a batch of single steps, A the number of actions. π_θ is the policy that learns, the
target; π_θ' is the behavior policy that collected the data.
"""

import torch


def importance_weights(target_log_probs, behavior_log_probs, mask):
    """ρ_n = Π_t π_θ(a_t|s_t) / π_θ'(a_t|s_t): how much likelier the target makes trajectory n.

    Args:
        target_log_probs: (N, T) log π_θ(a_t|s_t); the gradient flows through them.
        behavior_log_probs: (N, T) log π_θ'(a_t|s_t), constants.
        mask: (N, T) bool; padding counts for nothing.

    Returns:
        (N,)
    """
    # TODO importance_weights (lecture: p_θ(τ) / p_θ'(τ) = Π_t π_θ(a_t|s_t) / Π_t π_θ'(a_t|s_t))
    # A product of many small numbers is a sum of logarithms.
    raise NotImplementedError("importance_weights")


def off_policy_loss(target_log_probs, behavior_log_probs, returns, mask):
    """−(1/N) Σ ρ_n R_n: minus the estimate of J(θ) from trajectories of π_θ'.

    Args:
        target_log_probs, behavior_log_probs, mask: as in `importance_weights`.
        returns: (N,) R(τ_n), constants.

    Returns:
        A scalar; its gradient flows through ρ.
    """
    # TODO off_policy_loss (lecture: J(θ) = E_{τ ~ p_θ'} [p_θ(τ) / p_θ'(τ) · r(τ)])
    # An average over the N trajectories. No log π is needed: ρ carries the gradient itself.
    raise NotImplementedError("off_policy_loss")


def q_targets(rewards, next_q_values, terminated, gamma):
    """The critic's target r + γ Q(s', a'), and r alone where the episode terminated.

    Args:
        rewards: (B,) r.
        next_q_values: (B,) Q(s', a') of a' ~ π_θ(·|s'); without meaning where terminated.
        terminated: (B,) bool.
        gamma: the discount γ.

    Returns:
        (B,), a constant.
    """
    # TODO q_targets (lecture: corrected batched A2C, step 3: r_i + γ Q(s'_i, a'_i))
    # A terminal state is worth nothing. The target must not carry a gradient.
    raise NotImplementedError("q_targets")


def resampled_actor_loss(logits, q_values, sampled_actions):
    """−(1/B) Σ log π_θ(aᵖ|s) Q(s, aᵖ), where aᵖ is drawn afresh from π_θ(·|s).

    Args:
        logits: (B, A) of π_θ(·|s) at states of the buffer; the gradient flows through them.
        q_values: (B, A) Q(s, ·), constants.
        sampled_actions: (B,) int64, aᵖ: not the actions of the buffer.

    Returns:
        A scalar.
    """
    # TODO resampled_actor_loss (lecture: corrected batched A2C, steps 4-5: ∇log π(aᵖ|s) Q(s, aᵖ))
    # An average over the batch B. The critic is not trained here.
    raise NotImplementedError("resampled_actor_loss")
