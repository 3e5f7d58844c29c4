"""The losses and the two networks of the advantage actor-critic, A2C (lecture: Actor-Critic).

B is the batch size, A the number of actions. All means are over the batch B.
"""

import torch
from torch import nn


def actor_loss(log_probs, advantages):
    """−(1/B) Σ log π(a|s) A(s, a). Descending it climbs the lecture's ∇J.

    Args:
        log_probs: (B,) log π(a|s) of the actions taken; the gradient flows through them.
        advantages: (B,) constants, even if the tensor requires a gradient.

    Returns:
        A scalar.
    """
    # TODO actor_loss (lecture: advantage actor-critic, ∇J(θ) ≈ (1/N) Σ_i ∇log π(a_i|s_i) A(s_i, a_i))
    # Here N is the batch size B. Optimisers descend. Only the actor may move.
    raise NotImplementedError("actor_loss")


def critic_loss(values, targets):
    """½ (1/B) Σ (target − V(s))²: its gradient is the semi-gradient of TD learning.

    Args:
        values: (B,) V(s); the gradient flows through them.
        targets: (B,) constants, even if the tensor requires a gradient.

    Returns:
        A scalar.
    """
    # TODO critic_loss (lecture: value approximation by SGD, J = E[½ (V^π(s) − V_θ(s))²])
    # A mean over the batch, with the ½. The target is data, whatever it was computed from.
    raise NotImplementedError("critic_loss")


class SeparateActorCritic(nn.Module):
    """Scheme one of the lecture: one network for the policy π, another for the value V.

    Args:
        obs_dim: size of an observation.
        n_actions: number of actions A.
        hidden: width of the hidden layers.
    """

    def __init__(self, obs_dim, n_actions, hidden):
        # TODO SeparateActorCritic (lecture: deep A2C, scheme one: two networks)
        # The two networks share no parameter. Depth, activation and initialisation are yours.
        raise NotImplementedError("SeparateActorCritic")

    def forward(self, obs):
        """Map observations (B, obs_dim) to logits (B, A) and values (B,)."""
        raise NotImplementedError("SeparateActorCritic")


class SharedActorCritic(nn.Module):
    """Scheme two of the lecture: one trunk extracts features, two linear heads read them.

    Args:
        obs_dim: size of an observation.
        n_actions: number of actions A.
        hidden: width of the hidden layers.
    """

    def __init__(self, obs_dim, n_actions, hidden):
        # TODO SharedActorCritic (lecture: deep A2C, scheme two: shared feature layers)
        # One trunk; on top of it one linear layer for the logits and one for the value.
        raise NotImplementedError("SharedActorCritic")

    def forward(self, obs):
        """Map observations (B, obs_dim) to logits (B, A) and values (B,)."""
        raise NotImplementedError("SharedActorCritic")


def a2c_loss(logits, values, actions, targets, value_coef, entropy_coef):
    """The one loss that trains actor and critic together.

    actor_loss + value_coef · critic_loss − entropy_coef · mean entropy, with A = target − V(s).

    Args:
        logits: (B, A) of the policy.
        values: (B,) V(s).
        actions: (B,) int64, the actions taken.
        targets: (B,) constants, for example from `td_targets`.
        value_coef, entropy_coef: weights of the critic's loss and of the entropy bonus.

    Returns:
        A scalar.
    """
    # TODO a2c_loss (lecture: A2C, ∇log π(a|s) [r + γ V(s') − V(s)], and the critic's loss beside it)
    # The advantage targets − values is a constant in the actor's term. Entropy is a reward for
    # staying curious: −Σ_a π(a|s) log π(a|s), averaged over the batch.
    raise NotImplementedError("a2c_loss")
