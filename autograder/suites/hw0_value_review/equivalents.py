"""Right answers to hw0 that are written differently."""

from autograder.grading.variants import equivalent


@equivalent("mc_update")
def mc_as_weighted_mean(V, s, G, alpha):
    new = np.array(V)
    new[s] = (1 - alpha) * V[s] + alpha * G
    return new


@equivalent("mc_update")
def mc_with_one_hot(V, s, G, alpha):
    return V + alpha * (G - V[s]) * (np.arange(len(V)) == s)


@equivalent("mc_update")
def mc_from_a_list(V, s, G, alpha):
    values = V.tolist()
    values[s] += alpha * (G - values[s])
    return np.array(values)


@equivalent("td_update")
def td_with_a_factor(V, s, r, s_next, terminated, alpha, gamma):
    new = V.copy()
    new[s] = V[s] + alpha * (r + gamma * V[s_next] * (1.0 - terminated) - V[s])
    return new


@equivalent("td_update")
def td_through_monte_carlo(V, s, r, s_next, terminated, alpha, gamma):
    future = 0.0 if terminated else gamma * V[s_next]
    return mc_update(V, s, r + future, alpha)


@equivalent("td_update")
def td_with_where(V, s, r, s_next, terminated, alpha, gamma):
    target = np.where(terminated, r, r + gamma * V[s_next])
    return np.where(np.arange(V.size) == s, V + alpha * (target - V), V)


@equivalent("sarsa_update")
def sarsa_in_two_cases(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    new = Q.copy()
    if terminated:
        new[s, a] = (1 - alpha) * Q[s, a] + alpha * r
    else:
        new[s][a] = (1 - alpha) * Q[s][a] + alpha * (r + gamma * Q[s_next][a_next])
    return new


@equivalent("sarsa_update")
def sarsa_with_a_delta_table(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    delta = np.zeros_like(Q)
    delta[s, a] = r + gamma * (not terminated) * Q[s_next, a_next] - Q[s, a]
    return Q + alpha * delta


@equivalent("sarsa_update")
def sarsa_with_deepcopy(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    import copy

    table = copy.deepcopy(Q)
    target = r
    if not terminated:
        target = target + gamma * table[s_next, a_next]
    table[s, a] = table[s, a] - alpha * (table[s, a] - target)
    return table


@equivalent("q_learning_update")
def q_learning_through_sarsa(Q, s, a, r, s_next, terminated, alpha, gamma):
    return sarsa_update(Q, s, a, r, s_next, int(np.argmax(Q[s_next])), terminated, alpha, gamma)


@equivalent("q_learning_update")
def q_learning_with_python_max(Q, s, a, r, s_next, terminated, alpha, gamma):
    best = max(float(q) for q in Q[s_next])
    table = Q.astype(np.float64, copy=True)
    table[s, a] = (1 - alpha) * table[s, a] + alpha * (r + (0 if terminated else gamma * best))
    return table


@equivalent("q_learning_update")
def q_learning_with_state_values(Q, s, a, r, s_next, terminated, alpha, gamma):
    V = Q.max(axis=1)
    new = Q + 0.0
    new[s, a] += alpha * (r + gamma * V[s_next] * (1 - int(terminated)) - Q[s, a])
    return new


@equivalent("sgd_value_update")
def sgd_with_gradient(theta, features, target, alpha):
    gradient = -(target - np.dot(features, theta)) * features
    return theta - alpha * gradient


@equivalent("sgd_value_update")
def sgd_with_loops(theta, features, target, alpha):
    value = sum(t * x for t, x in zip(theta, features))
    return np.array([t + alpha * (target - value) * x for t, x in zip(theta, features)])


@equivalent("sgd_value_update")
def sgd_with_outer_product(theta, features, target, alpha):
    D = len(theta)
    return (np.eye(D) - alpha * np.outer(features, features)) @ theta + alpha * target * features


@equivalent("softmax_policy")
def softmax_row_by_row(preferences):
    rows = []
    for h in preferences:
        weights = [np.exp(x - max(h)) for x in h]
        rows.append([w / sum(weights) for w in weights])
    return np.array(rows)


@equivalent("softmax_policy")
def softmax_by_log_sum_exp(preferences):
    log_sum = np.logaddexp.reduce(preferences, axis=1, keepdims=True)
    return np.exp(preferences - log_sum)


@equivalent("softmax_policy")
def softmax_in_torch(preferences):
    import torch

    return torch.softmax(torch.from_numpy(preferences), dim=-1).numpy()


@equivalent("stationary_distribution")
def stationary_by_eigenvector(transitions, policy):
    chain = (policy[:, :, None] * transitions).sum(axis=1)
    eigenvalues, vectors = np.linalg.eig(chain.T)
    d = vectors[:, np.argmin(np.abs(eigenvalues - 1.0))].real
    return d / d.sum()


@equivalent("stationary_distribution")
def stationary_by_replacing_an_equation(transitions, policy):
    S = len(policy)
    A = np.einsum("sa,sap->ps", policy, transitions) - np.eye(S)
    A[-1] = 1.0
    b = np.zeros(S)
    b[-1] = 1.0
    return np.linalg.solve(A, b)


@equivalent("stationary_distribution")
def stationary_by_repeated_squaring(transitions, policy):
    chain = np.einsum("ij,ijk->ik", policy, transitions)
    for _ in range(40):
        chain = chain @ chain
        chain /= chain.sum(axis=1, keepdims=True)
    return chain.mean(axis=0)


@equivalent("stationary_distribution")
def stationary_by_patient_iteration(transitions, policy):
    S = len(policy)
    chain = sum(policy[:, [a]] * transitions[:, a] for a in range(policy.shape[1]))
    d = np.ones(S) / S
    for _ in range(100_000):
        previous, d = d, d @ chain
        if np.abs(d - previous).max() < 1e-13:
            break
    return d / d.sum()


@equivalent("average_value")
def value_as_weighted_average(d, v):
    return float(np.average(v, weights=d))


@equivalent("average_value")
def value_with_a_loop(d, v):
    total = 0.0
    for s in range(len(d)):
        total += d[s] * v[s]
    return total


@equivalent("average_value")
def value_as_numpy_scalar(d, v):
    return np.sum(d * v)


@equivalent("average_reward")
def reward_with_einsum(d, policy, rewards):
    return np.einsum("s,sa,sa->", d, policy, rewards).item()


@equivalent("average_reward")
def reward_with_loops(d, policy, rewards):
    S, A = policy.shape
    return sum(float(d[s] * policy[s, a] * rewards[s, a]) for s in range(S) for a in range(A))


@equivalent("average_reward")
def reward_from_joint_distribution(d, policy, rewards):
    joint = d.reshape(-1, 1) * policy
    return float(np.vdot(joint, rewards))
