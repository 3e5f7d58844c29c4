"""Known wrong answers to hw0, each with the idea that its author missed."""

from autograder.grading.variants import mistake

# --- mc_update ----------------------------------------------------------------------------------


@mistake(
    "mc_update",
    en="The caller's table is changed: update a copy.",
    zh="改变了调用者的表格：请更新副本。",
)
def mc_in_place(V, s, G, alpha):
    V[s] += alpha * (G - V[s])
    return V


@mistake(
    "mc_update",
    en="The value moves *towards* the return: G − V, not V − G.",
    zh="价值应*朝着*回报移动：是 G − V，而不是 V − G。",
)
def mc_away_from_the_return(V, s, G, alpha):
    V = V.copy()
    V[s] += alpha * (V[s] - G)
    return V


@mistake(
    "mc_update",
    en="The old value isn't subtracted, so that V grows with every visit.",
    zh="没有减去原来的值，V 会随每次访问不断增大。",
)
def mc_adds_the_return(V, s, G, alpha):
    V = V.copy()
    V[s] += alpha * G
    return V


@mistake(
    "mc_update",
    en="The value jumps to the return; it should move the fraction α of the way.",
    zh="价值直接变成了回报；应只移动 α 这一比例。",
)
def mc_without_step_size(V, s, G, alpha):
    V = V.copy()
    V[s] = G
    return V


@mistake(
    "mc_update",
    en="All states are moved; only the one that was visited learns.",
    zh="移动了所有状态；只有被访问的状态应当更新。",
)
def mc_moves_every_state(V, s, G, alpha):
    return V + alpha * (G - V)


@mistake(
    "mc_update",
    en="α weighs the new return, 1 − α the old value; here it is the other way round.",
    zh="α 是新回报的权重，1 − α 是旧值的权重；这里颠倒了。",
)
def mc_weights_swapped(V, s, G, alpha):
    V = V.copy()
    V[s] = alpha * V[s] + (1 - alpha) * G
    return V


@mistake(
    "mc_update",
    en="The whole table is asked for, not the one value.",
    zh="应返回整个表格，而不是一个数。",
)
def mc_returns_a_number(V, s, G, alpha):
    return float(V[s] + alpha * (G - V[s]))


@mistake(
    "mc_update",
    en="The return is discounted already; α is the only factor here.",
    zh="回报已经折扣过；这里只有 α 一个因子。",
)
def mc_half_step(V, s, G, alpha):
    V = V.copy()
    V[s] += 0.5 * alpha * (G - V[s])
    return V


# --- td_update ----------------------------------------------------------------------------------


@mistake(
    "td_update",
    en="Nothing follows a terminal state: the target is r alone.",
    zh="终止状态之后什么都没有：目标只有 r。",
)
def td_bootstraps_at_the_end(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * (r + gamma * V[s_next] - V[s])
    return V


@mistake(
    "td_update",
    en="The flag is read the wrong way round: it is the *terminal* step that does not bootstrap.",
    zh="标志用反了：*终止*的一步才不自举。",
)
def td_flag_inverted(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * (r + gamma * V[s_next] * terminated - V[s])
    return V


@mistake(
    "td_update",
    en="The discount is missing.",
    zh="缺少折扣。",
)
def td_undiscounted(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * (r + V[s_next] * (not terminated) - V[s])
    return V


@mistake(
    "td_update",
    en="The discount multiplies the value of the next state, not the reward.",
    zh="折扣应乘在下一状态的价值上，而不是乘在奖励上。",
)
def td_discounts_the_reward(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * (gamma * (r + V[s_next] * (not terminated)) - V[s])
    return V


@mistake(
    "td_update",
    en="The target bootstraps from V(s) itself; it is the *next* state's value that counts.",
    zh="目标用了 V(s) 自己；应当使用*下一个*状态的价值。",
)
def td_bootstraps_from_itself(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * (r + gamma * V[s] * (not terminated) - V[s])
    return V


@mistake(
    "td_update",
    en="The next state was updated; it is the state that was left that learns.",
    zh="更新的是下一个状态；应更新离开的那个状态。",
)
def td_updates_the_next_state(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    target = r + gamma * V[s_next] * (not terminated)
    V[s_next] += alpha * (target - V[s])
    return V


@mistake(
    "td_update",
    en="A terminal step still teaches its reward; it must not be skipped.",
    zh="终止的一步仍然带来奖励，不能跳过。",
)
def td_skips_the_end(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    if not terminated:
        V[s] += alpha * (r + gamma * V[s_next] - V[s])
    return V


@mistake(
    "td_update",
    en="The caller's table is changed: update a copy.",
    zh="改变了调用者的表格：请更新副本。",
)
def td_in_place(V, s, r, s_next, terminated, alpha, gamma):
    V[s] += alpha * (r + gamma * V[s_next] * (not terminated) - V[s])
    return V


@mistake(
    "td_update",
    en="At the end the whole target was dropped; the reward of the last step counts.",
    zh="终止时把整个目标都丢掉了；最后一步的奖励仍然算数。",
)
def td_drops_the_last_reward(V, s, r, s_next, terminated, alpha, gamma):
    V = V.copy()
    V[s] += alpha * ((r + gamma * V[s_next]) * (not terminated) - V[s])
    return V


# --- sarsa_update -------------------------------------------------------------------------------


@mistake(
    "sarsa_update",
    en="This is Q-learning: SARSA uses the action that is really taken next.",
    zh="这是 Q-learning：SARSA 使用实际采取的下一个动作。",
)
def sarsa_with_the_best_action(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next].max() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="The mean over the next actions is not the value of the one taken.",
    zh="下一步各动作的平均值，并不是所采取动作的价值。",
)
def sarsa_with_the_mean_action(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next].mean() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="The next action is a_next, not a once more.",
    zh="下一个动作是 a_next，而不是 a。",
)
def sarsa_with_the_same_action(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next, a] * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="a_next belongs to the next state s', not to s.",
    zh="a_next 属于下一个状态 s'，而不是 s。",
)
def sarsa_in_the_same_state(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s, a_next] * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="Nothing follows a terminal state: the target is r alone.",
    zh="终止状态之后什么都没有：目标只有 r。",
)
def sarsa_bootstraps_at_the_end(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next, a_next] - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="The caller's table is changed: update a copy.",
    zh="改变了调用者的表格：请更新副本。",
)
def sarsa_in_place(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q[s, a] += alpha * (r + gamma * Q[s_next, a_next] * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="The whole row of s was moved; only the action that was taken learns.",
    zh="移动了状态 s 的整行；只有采取的动作应当更新。",
)
def sarsa_moves_the_row(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s] += alpha * (r + gamma * Q[s_next, a_next] * (not terminated) - Q[s, a])
    return Q


@mistake(
    "sarsa_update",
    en="The discount is missing.",
    zh="缺少折扣。",
)
def sarsa_undiscounted(Q, s, a, r, s_next, a_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + Q[s_next, a_next] * (not terminated) - Q[s, a])
    return Q


# --- q_learning_update --------------------------------------------------------------------------


@mistake(
    "q_learning_update",
    en="The best action of the *next* state is asked for, not of the current one.",
    zh="应取*下一个*状态的最优动作，而不是当前状态的。",
)
def q_learning_in_the_same_state(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s].max() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The maximum runs over the whole table; only the next state's row counts.",
    zh="对整个表格取了最大值；只应看下一个状态那一行。",
)
def q_learning_over_the_whole_table(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q.max() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The index of the best action was used in place of its value: max, not argmax.",
    zh="用了最优动作的下标而不是它的价值：是 max 而不是 argmax。",
)
def q_learning_with_argmax(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next].argmax() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The next action is the best one of s', not the same as now (that would be the given a).",
    zh="下一个动作是 s' 的最优动作，而不是当前的动作 a。",
)
def q_learning_with_the_same_action(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next, a] * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The mean over actions values a random policy; Q-learning looks at the best action.",
    zh="对动作取平均评价的是随机策略；Q-learning 看的是最优动作。",
)
def q_learning_with_the_mean(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next].mean() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="Nothing follows a terminal state: the target is r alone.",
    zh="终止状态之后什么都没有：目标只有 r。",
)
def q_learning_bootstraps_at_the_end(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    Q[s, a] += alpha * (r + gamma * Q[s_next].max() - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The best next value may be negative: it isn't compared with 0.",
    zh="下一步的最优价值可以是负的：不应与 0 比较。",
)
def q_learning_never_negative(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    best = max(0.0, Q[s_next].max())
    Q[s, a] += alpha * (r + gamma * best * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The caller's table is changed: update a copy.",
    zh="改变了调用者的表格：请更新副本。",
)
def q_learning_in_place(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q[s, a] += alpha * (r + gamma * Q[s_next].max() * (not terminated) - Q[s, a])
    return Q


@mistake(
    "q_learning_update",
    en="The best action of s was looked up in the row of s'; the best action of s' is asked for.",
    zh="在 s' 那一行里取了 s 的最优动作；应取 s' 自己的最优动作。",
)
def q_learning_with_the_best_action_of_s(Q, s, a, r, s_next, terminated, alpha, gamma):
    Q = Q.copy()
    target = r if terminated else r + gamma * Q[s_next, Q[s].argmax()]
    Q[s, a] += alpha * (target - Q[s, a])
    return Q


# --- sgd_value_update ---------------------------------------------------------------------------


@mistake(
    "sgd_value_update",
    en="The ½ cancels the 2 of the square: no factor of 2 is left.",
    zh="½ 与平方求导的 2 抵消：不应再有因子 2。",
)
def sgd_with_two(theta, features, target, alpha):
    return theta + 2 * alpha * (target - theta @ features) * features


@mistake(
    "sgd_value_update",
    en="The step goes up the loss: θ moves along −∂J/∂θ, which has (target − value) in front.",
    zh="沿损失上升的方向走了：θ 应沿 −∂J/∂θ 移动，前面是 (target − value)。",
)
def sgd_climbs_the_loss(theta, features, target, alpha):
    return theta - alpha * (target - theta @ features) * features


@mistake(
    "sgd_value_update",
    en="∂(θᵀx)/∂θ = x is missing: every parameter moves alike.",
    zh="缺少 ∂(θᵀx)/∂θ = x：所有参数移动得一样多。",
)
def sgd_without_features(theta, features, target, alpha):
    return theta + alpha * (target - theta @ features) * (features != 0)


@mistake(
    "sgd_value_update",
    en="The derivative of θᵀx with respect to θ is x, not θ.",
    zh="θᵀx 对 θ 的导数是 x，而不是 θ。",
)
def sgd_along_theta(theta, features, target, alpha):
    return theta + alpha * (target - theta @ features) * theta


@mistake(
    "sgd_value_update",
    en="The value is the *sum* θᵀx; here each parameter has an error of its own.",
    zh="价值是*总和* θᵀx；这里每个参数各有各的误差。",
)
def sgd_error_of_each_feature(theta, features, target, alpha):
    return theta + alpha * (target - theta * features) * features


@mistake(
    "sgd_value_update",
    en="One sample has no divisor: the step isn't divided by the number of features.",
    zh="单个样本没有除数：不应除以特征的个数。",
)
def sgd_divided_by_dimensions(theta, features, target, alpha):
    return theta + alpha * (target - theta @ features) * features / len(theta)


@mistake(
    "sgd_value_update",
    en="The caller's parameters are changed: += on an array works in place.",
    zh="改变了调用者的参数：数组的 += 是就地操作。",
)
def sgd_in_place(theta, features, target, alpha):
    theta += alpha * (target - theta @ features) * features
    return theta


@mistake(
    "sgd_value_update",
    en="Only the sign of the error is used; a larger error makes a larger step.",
    zh="只用了误差的符号；误差越大，步子应越大。",
)
def sgd_sign_of_the_error(theta, features, target, alpha):
    return theta + alpha * np.sign(target - theta @ features) * features


# --- softmax_policy -----------------------------------------------------------------------------


@mistake(
    "softmax_policy",
    en="The probabilities of each *state* sum to 1: normalise over the actions (axis 1).",
    zh="每个*状态*的概率之和为 1：应在动作（第 1 维）上归一化。",
)
def softmax_over_states(preferences):
    weights = np.exp(preferences - preferences.max(axis=0))
    return weights / weights.sum(axis=0)


@mistake(
    "softmax_policy",
    en="The whole table sums to 1; each row should.",
    zh="整个表格之和为 1；应当是每一行之和为 1。",
)
def softmax_over_everything(preferences):
    weights = np.exp(preferences - preferences.max())
    return weights / weights.sum()


@mistake(
    "softmax_policy",
    en="exp overflows for huge preferences: subtract each row's maximum first.",
    zh="偏好很大时 exp 会溢出：应先减去每行的最大值。",
)
def softmax_overflows(preferences):
    with np.errstate(all="ignore"):
        weights = np.exp(preferences)
        return weights / weights.sum(axis=1, keepdims=True)


@mistake(
    "softmax_policy",
    en="The maximum of the whole table was subtracted: rows far below it become 0/0.",
    zh="减去的是整个表格的最大值：远低于它的行会变成 0/0。",
)
def softmax_one_maximum(preferences):
    weights = np.exp(preferences - preferences.max())
    with np.errstate(all="ignore"):
        return weights / weights.sum(axis=1, keepdims=True)


@mistake(
    "softmax_policy",
    en="Clipped preferences are other preferences.",
    zh="裁剪后的偏好已经不同。",
)
def softmax_clipped(preferences):
    weights = np.exp(np.clip(preferences, -50.0, 50.0))
    return weights / weights.sum(axis=1, keepdims=True)


@mistake(
    "softmax_policy",
    en="The exponential is missing: preferences may be negative, probabilities may not.",
    zh="缺少指数：偏好可以为负，概率不可以。",
)
def softmax_without_exp(preferences):
    shifted = preferences - preferences.min(axis=1, keepdims=True) + 1e-8
    return shifted / shifted.sum(axis=1, keepdims=True)


@mistake(
    "softmax_policy",
    en="This policy is greedy; softmax leaves every action a chance.",
    zh="这是贪心策略；softmax 给每个动作都留有机会。",
)
def softmax_greedy(preferences):
    return np.eye(preferences.shape[1])[preferences.argmax(axis=1)]


@mistake(
    "softmax_policy",
    en="The probabilities are asked for, not their logarithms.",
    zh="题目要求概率，而不是概率的对数。",
)
def log_softmax(preferences):
    shifted = preferences - preferences.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


@mistake(
    "softmax_policy",
    en="The caller's preferences are changed: −= on an array works in place.",
    zh="改变了调用者的偏好：数组的 -= 是就地操作。",
)
def softmax_in_place(preferences):
    preferences -= preferences.max(axis=1, keepdims=True)
    weights = np.exp(preferences)
    return weights / weights.sum(axis=1, keepdims=True)


# --- stationary_distribution --------------------------------------------------------------------


@mistake(
    "stationary_distribution",
    en="All states count alike, as in an eigenvector of P itself: d P = d asks for a *left* one "
    "(transpose P).",
    zh="所有状态权重相同，这正是 P 本身的特征向量：d P = d 要求的是*左*特征向量（请转置 P）。",
)
def right_eigenvector(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    eigenvalues, vectors = np.linalg.eig(chain)
    d = np.real(vectors[:, np.argmin(np.abs(eigenvalues - 1))])
    return d / d.sum()


@mistake(
    "stationary_distribution",
    en="The eigenvector has length 1; a distribution has *sum* 1.",
    zh="特征向量的长度为 1；分布的*总和*才是 1。",
)
def unit_length(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    eigenvalues, vectors = np.linalg.eig(chain.T)
    return np.abs(np.real(vectors[:, np.argmin(np.abs(eigenvalues - 1))]))


@mistake(
    "stationary_distribution",
    en="The policy was left out: all actions count alike.",
    zh="没有用到策略：把所有动作同等对待。",
)
def uniform_policy(transitions, policy):
    chain = transitions.mean(axis=1)
    return np.linalg.matrix_power(chain, 2**18)[0]


@mistake(
    "stationary_distribution",
    en="A hundred steps of the chain need not be anywhere near d: solve the equations.",
    zh="链走一百步未必接近 d：应当解方程。",
)
def hundred_steps(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    d = np.full(len(policy), 1.0 / len(policy))
    for _ in range(100):
        d = d @ chain
    return d


@mistake(
    "stationary_distribution",
    en="The iteration stopped when the *change* was small, which in a slow chain is so far from d.",
    zh="*变化*很小时就停止了迭代；链混合很慢时，此时离 d 还很远。",
)
def stops_too_early(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    d = np.full(len(policy), 1.0 / len(policy))
    for _ in range(100_000):
        new = d @ chain
        if np.abs(new - d).max() < 1e-5:
            break
        d = new
    return new / new.sum()


@mistake(
    "stationary_distribution",
    en="Only one step was taken from the uniform distribution.",
    zh="只从均匀分布走了一步。",
)
def one_step(transitions, policy):
    return np.einsum("sa,sap->sp", policy, transitions).mean(axis=0)


@mistake(
    "stationary_distribution",
    en="p(s'|s,a) stands at transitions[s, a, s']; first and last axis were mixed up.",
    zh="p(s'|s,a) 位于 transitions[s, a, s']；第一维与最后一维弄反了。",
)
def axes_mixed_up(transitions, policy):
    chain = np.einsum("sa,pas->sp", policy, transitions)
    chain = chain / chain.sum(axis=1, keepdims=True)
    return np.linalg.matrix_power(chain, 2**18)[0]


@mistake(
    "stationary_distribution",
    en="These are visits from state 0 that fade with time; in the long run the start is forgotten.",
    zh="这是从状态 0 出发、随时间衰减的访问量；长期来看起点会被遗忘。",
)
def discounted_visits(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    start = np.eye(len(policy))[0]
    return 0.01 * np.linalg.solve(np.eye(len(policy)) - 0.99 * chain.T, start)


@mistake(
    "stationary_distribution",
    en="numpy.linalg.eig returns complex numbers for some chains: take the real part.",
    zh="对有些链 numpy.linalg.eig 返回复数：应取实部。",
)
def complex_numbers(transitions, policy):
    chain = np.einsum("sa,sap->sp", policy, transitions)
    eigenvalues, vectors = np.linalg.eig(chain.T)
    d = vectors[:, np.argmin(np.abs(eigenvalues - 1))].astype(complex)
    return d / d.sum()


# --- average_value ------------------------------------------------------------------------------


@mistake(
    "average_value",
    en="States count as often as they are visited; this is the plain mean.",
    zh="状态应按访问频率加权；这是普通平均。",
)
def plain_mean_of_values(d, v):
    return float(v.mean())


@mistake(
    "average_value",
    en="d sums to 1 already: no further division by the number of states.",
    zh="d 之和已经是 1：不应再除以状态数。",
)
def divided_once_more(d, v):
    return float((d * v).mean())


@mistake(
    "average_value",
    en="One number is asked for: sum over the states.",
    zh="要求的是一个数：还要对状态求和。",
)
def value_of_each_state(d, v):
    return d * v


@mistake(
    "average_value",
    en="The distribution was left out.",
    zh="没有用到分布 d。",
)
def sum_of_values(d, v):
    return float(v.sum())


@mistake(
    "average_value",
    en="The value of the state visited most is not the mean value.",
    zh="最常访问的状态的价值，并不是平均价值。",
)
def value_of_the_favourite_state(d, v):
    return float(v[d.argmax()])


@mistake(
    "average_value",
    en="The weights are d, not d².",
    zh="权重是 d，而不是 d²。",
)
def weights_squared(d, v):
    return float(d**2 @ v / (d**2).sum())


# --- average_reward -----------------------------------------------------------------------------


@mistake(
    "average_reward",
    en="The policy was left out: actions count as often as they are chosen.",
    zh="没有用到策略：动作应按被选择的概率加权。",
)
def reward_without_policy(d, policy, rewards):
    return float(d @ rewards.mean(axis=1))


@mistake(
    "average_reward",
    en="The rewards of all actions are added up without their probabilities.",
    zh="把所有动作的奖励直接相加，没有乘以概率。",
)
def reward_of_all_actions(d, policy, rewards):
    return float(d @ rewards.sum(axis=1))


@mistake(
    "average_reward",
    en="The distribution was left out: states count as often as they are visited.",
    zh="没有用到分布 d：状态应按访问频率加权。",
)
def reward_without_distribution(d, policy, rewards):
    return float((policy * rewards).sum(axis=1).mean())


@mistake(
    "average_reward",
    en="Only the most probable action's reward is counted.",
    zh="只计入了概率最大的动作的奖励。",
)
def reward_of_the_favourite(d, policy, rewards):
    return float(d @ rewards[np.arange(len(d)), policy.argmax(axis=1)])


@mistake(
    "average_reward",
    en="Only the best action's reward is counted, whatever the policy does.",
    zh="只计入了最大的奖励，没有考虑策略怎么选。",
)
def best_reward(d, policy, rewards):
    return float(d @ rewards.max(axis=1))


@mistake(
    "average_reward",
    en="d and π sum to 1 already: no further division.",
    zh="d 与 π 之和已经是 1：不应再除。",
)
def reward_divided_once_more(d, policy, rewards):
    return float((d[:, None] * policy * rewards).mean())


@mistake(
    "average_reward",
    en="One number is asked for: sum over the states, too.",
    zh="要求的是一个数：还要对状态求和。",
)
def reward_of_each_state(d, policy, rewards):
    return d * (policy * rewards).sum(axis=1)
