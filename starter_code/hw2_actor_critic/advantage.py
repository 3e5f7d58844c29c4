"""How good was the action? Targets and advantages for the actor-critic (lecture: Actor-Critic).

B is the batch size, A the number of actions, T the length of a stream of steps.
Every result is a constant: no gradient leaves this file.
"""

import torch


def td_targets(rewards, next_values, terminated, gamma):
    """The critic's target r + γ V(s'), and r alone where the episode terminated.

    Args:
        rewards: (B,) r.
        next_values: (B,) V(s'); a finite but meaningless number where terminated.
        terminated: (B,) bool, True where s' is terminal. An episode that was only cut off
            (truncated) goes on in principle, so its V(s') still counts.
        gamma: the discount γ.

    Returns:
        (B,), a constant.
    """
    # TODO td_targets (lecture: batched A2C, step 3: r_i + γ V(s'_i))
    # A terminal state is worth nothing. The target must not carry a gradient.
    raise NotImplementedError("td_targets")


def td_advantages(rewards, values, next_values, terminated, gamma):
    """The advantage estimated by the TD error: A(s, a) = r + γ V(s') − V(s).

    Args:
        rewards, next_values, terminated, gamma: as in `td_targets`.
        values: (B,) V(s).

    Returns:
        (B,), a constant: it weighs the policy gradient and must not move the critic.
    """
    # TODO td_advantages (lecture: batched A2C, step 4: A(s_i, a_i) = r + γ V(s'_i) − V(s_i))
    # You have the first two terms already.
    raise NotImplementedError("td_advantages")


def q_advantages(q_values, logits, actions):
    """The advantage of a critic that knows Q: A(s, a) = Q(s, a) − V(s), V(s) = Σ_a π(a|s) Q(s, a).

    Args:
        q_values: (B, A) Q(s, ·).
        logits: (B, A) of the policy, π(·|s) = softmax(logits).
        actions: (B,) int64, the actions taken.

    Returns:
        (B,), a constant.
    """
    # TODO q_advantages (lecture: advantage function A(s, a) = Q(s, a) − V(s))
    # V(s) is what the policy earns on average: weigh the Q values with π(·|s).
    raise NotImplementedError("q_advantages")


def generalized_advantages(rewards, values, next_values, terminated, truncated, gamma, lam):
    """GAE(λ): the TD errors δ of this step and of the later ones, discounted by γλ (bonus).

    A_t = δ_t + γλ A_{t+1} within an episode, and A_t = δ_t on its last step
    (Schulman et al. 2016, "High-Dimensional Continuous Control Using GAE", eq. 16).

    Args:
        rewards, values, next_values: (T,) one stream of steps in the order of time. It may hold
            several episodes; `next_values[t]` is the value of the state that step t led to, which
            is not `values[t + 1]` where an episode ended.
        terminated, truncated: (T,) bool, how an episode ended, if it ended at this step.
        gamma, lam: γ and λ.

    Returns:
        (T,), a constant.
    """
    # TODO generalized_advantages (bonus; A_t = δ_t + γλ A_{t+1}, δ_t = r_t + γ V(s_{t+1}) − V(s_t))
    # Walk backwards in time. The sum restarts after a step that ended an episode, however it
    # ended; but only termination takes away V(s_{t+1}).
    raise NotImplementedError("generalized_advantages")
