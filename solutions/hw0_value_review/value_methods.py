"""Learning values, and what a policy is judged by (lecture 5: review and "Policy gradient").

States are 0 … S−1 and actions 0 … A−1. Tables are float64 arrays: V (S,), Q (S, A). An update
never changes the table it was given; it returns a new one.
"""

import numpy as np


def mc_update(V: np.ndarray, s: int, G: float, alpha: float) -> np.ndarray:
    """Move V(s) a step α towards the return G that was observed from s.

    Args:
        V: (S,), the values so far.

    Returns:
        (S,), a new array.

    Lecture: review, Monte Carlo, V(s_t) ← V(s_t) + α (G_t − V(s_t)).
    """
    # BEGIN SOLUTION NO PROMPT
    V = V.copy()
    V[s] += alpha * (G - V[s])
    return V
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO mc_update (lecture: Monte Carlo, V(s_t) ← V(s_t) + α (G_t − V(s_t))).
    # Copy the table, move one entry of the copy.
    raise NotImplementedError("mc_update")
    """  # END PROMPT


def td_update(
    V: np.ndarray, s: int, r: float, s_next: int, terminated: bool, alpha: float, gamma: float
) -> np.ndarray:
    """TD(0): the target is the reward plus the discounted value of the next state.

    Args:
        V: (S,), the values so far.
        terminated: whether the episode ended in `s_next`; then the target is r alone.

    Returns:
        (S,), a new array.

    Lecture: review, TD, V(s_t) ← V(s_t) + α (r_t + γ V(s_{t+1}) − V(s_t)).
    """
    # BEGIN SOLUTION NO PROMPT
    target = r if terminated else r + gamma * V[s_next]
    return mc_update(V, s, target, alpha)
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO td_update (lecture: TD, V(s_t) ← V(s_t) + α (r_t + γ V(s_{t+1}) − V(s_t))).
    # Nothing follows a terminal state, whatever the table holds there.
    raise NotImplementedError("td_update")
    """  # END PROMPT


def sarsa_update(
    Q: np.ndarray,
    s: int,
    a: int,
    r: float,
    s_next: int,
    a_next: int,
    terminated: bool,
    alpha: float,
    gamma: float,
) -> np.ndarray:
    """SARSA, on-policy: the target uses the action that will really be taken next.

    Args:
        Q: (S, A), the action values so far.
        terminated: whether the episode ended in `s_next`; then the target is r alone.

    Returns:
        (S, A), a new array.

    Lecture: review, SARSA, Q(s_t,a_t) ← Q(s_t,a_t) + α (r_t + γ Q(s_{t+1},a_{t+1}) − Q(s_t,a_t)).
    """
    # BEGIN SOLUTION NO PROMPT
    Q = Q.copy()
    target = r if terminated else r + gamma * Q[s_next, a_next]
    Q[s, a] += alpha * (target - Q[s, a])
    return Q
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO sarsa_update (lecture: SARSA, Q ← Q + α (r_t + γ Q(s_{t+1},a_{t+1}) − Q(s_t,a_t))).
    # The five letters of the name are the five things that the update needs.
    raise NotImplementedError("sarsa_update")
    """  # END PROMPT


def q_learning_update(
    Q: np.ndarray,
    s: int,
    a: int,
    r: float,
    s_next: int,
    terminated: bool,
    alpha: float,
    gamma: float,
) -> np.ndarray:
    """Q-learning, off-policy: the target uses the best action, whatever is taken next.

    Args:
        Q: (S, A), the action values so far.
        terminated: whether the episode ended in `s_next`; then the target is r alone.

    Returns:
        (S, A), a new array.

    Lecture: review, Q-learning,
    Q(s_t,a_t) ← Q(s_t,a_t) + α (r_t + γ max_a' Q(s_{t+1},a') − Q(s_t,a_t)).
    """
    # BEGIN SOLUTION NO PROMPT
    best = int(Q[s_next].argmax())
    return sarsa_update(Q, s, a, r, s_next, best, terminated, alpha, gamma)
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO q_learning_update (lecture: Q-learning, Q ← Q + α (r_t + γ max_a' Q(s_{t+1},a') − Q)).
    # As SARSA, with the best next action in place of the one taken.
    raise NotImplementedError("q_learning_update")
    """  # END PROMPT


def sgd_value_update(
    theta: np.ndarray, features: np.ndarray, target: float, alpha: float
) -> np.ndarray:
    """One SGD step of a linear value V_θ(s) = θᵀx(s) on the loss ½ (target − θᵀx)².

    Args:
        theta: (D,), the parameters.
        features: (D,), x(s) of one state.
        target: what V_θ(s) should have been, a constant.

    Returns:
        (D,), a new array.

    Lecture: review, value approximation by SGD, θ ← θ + α (V^π(s) − V_θ(s)) ∂V_θ(s)/∂θ.
    """
    # BEGIN SOLUTION NO PROMPT
    error = target - theta @ features
    return theta + alpha * error * features
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO sgd_value_update (lecture: SGD, θ ← θ + α (V^π(s) − V_θ(s)) ∂V_θ(s)/∂θ).
    # What is ∂(θᵀx)/∂θ?
    raise NotImplementedError("sgd_value_update")
    """  # END PROMPT


def softmax_policy(preferences: np.ndarray) -> np.ndarray:
    """The policy that prefers actions by the exponential of their preferences.

    Args:
        preferences: (S, A), h(s, a), up to ±1e4.

    Returns:
        (S, A), π(a|s); each row is finite and sums to 1.

    Lecture: softmax policy, π(a|s) = exp h(s,a) / Σ_a' exp h(s,a').
    """
    # BEGIN SOLUTION NO PROMPT
    shifted = preferences - preferences.max(axis=1, keepdims=True)
    weights = np.exp(shifted)
    return weights / weights.sum(axis=1, keepdims=True)
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO softmax_policy (lecture: π(a|s) = exp h(s,a) / Σ_a' exp h(s,a')).
    # exp(1e4) overflows; adding one number to a whole row leaves its softmax as it is.
    raise NotImplementedError("softmax_policy")
    """  # END PROMPT


def stationary_distribution(transitions: np.ndarray, policy: np.ndarray) -> np.ndarray:
    """How often each state is visited in the long run.

    Args:
        transitions: (S, A, S), p(s'|s, a).
        policy: (S, A), π(a|s).

    Returns:
        (S,), d with d(s') = Σ_s Σ_a p(s'|s,a) π(a|s) d(s) and Σ_s d(s) = 1. The chain is
        irreducible and aperiodic, so that there is exactly one; it may mix slowly.

    Lecture: policy-dependent state distribution.
    """
    # BEGIN SOLUTION NO PROMPT
    n_states = len(policy)
    chain = np.einsum("sa,sap->sp", policy, transitions)  # p(s'|s) under the policy
    balance = np.vstack([chain.T - np.eye(n_states), np.ones(n_states)])
    return np.linalg.lstsq(balance, np.append(np.zeros(n_states), 1.0), rcond=None)[0]
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO stationary_distribution (lecture: d(s') = Σ_s Σ_a p(s'|s,a) π(a|s) d(s), Σ_s d(s) = 1).
    # First p(s'|s) under the policy. Then S + 1 linear equations for S unknowns, or an eigenvector.
    raise NotImplementedError("stationary_distribution")
    """  # END PROMPT


def average_value(d: np.ndarray, v: np.ndarray) -> float:
    """Objective 1: the mean value of a state, J = Σ_s d(s) v(s).

    Args:
        d: (S,), the distribution of states.
        v: (S,), v_π(s).

    Returns:
        A Python float.

    Lecture: objective 1, mean value.
    """
    # BEGIN SOLUTION NO PROMPT
    return float(d @ v)
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO average_value (lecture: objective 1, J(θ) = Σ_s d(s) v(s)).
    # States count as often as they are visited.
    raise NotImplementedError("average_value")
    """  # END PROMPT


def average_reward(d: np.ndarray, policy: np.ndarray, rewards: np.ndarray) -> float:
    """Objective 2: the mean reward of a step, J = Σ_s d(s) Σ_a π(a|s) r(s, a).

    Args:
        d: (S,), the distribution of states.
        policy: (S, A), π(a|s).
        rewards: (S, A), r(s, a).

    Returns:
        A Python float.

    Lecture: objective 2, mean reward.
    """
    # BEGIN SOLUTION NO PROMPT
    return average_value(d, (policy * rewards).sum(axis=1))
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO average_reward (lecture: objective 2, J(θ) = Σ_s d(s) Σ_a π(a|s) r(s,a)).
    # First the mean reward in each state, then that over the states.
    raise NotImplementedError("average_reward")
    """  # END PROMPT
