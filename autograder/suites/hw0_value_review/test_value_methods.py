"""Hidden tests of value_methods.py."""

import numpy as np
import pytest

from autograder.grading import check

GAMMA = 0.8


def distributions(rng, *shape):
    """Random positive numbers whose last axis sums to 1."""
    weights = rng.uniform(0.1, 1.0, size=shape)
    return weights / weights.sum(axis=-1, keepdims=True)


def decision_process(rng, S, A):
    """transitions (S, A, S), policy (S, A), rewards (S, A)."""
    return distributions(rng, S, A, S), distributions(rng, S, A), rng.normal(1.0, 2.0, size=(S, A))


def state_chain(transitions, policy):
    """p(s'|s) under the policy, (S, S)."""
    return np.einsum("sa,sap->sp", policy, transitions)


def values_of(transitions, policy, rewards, gamma):
    """v_π (S,) of the process that never ends."""
    expected = (policy * rewards).sum(axis=1)
    return np.linalg.solve(np.eye(len(policy)) - gamma * state_chain(transitions, policy), expected)


def optimal_action_values(transitions, rewards, gamma):
    """q* (S, A) by value iteration."""
    q = np.zeros_like(rewards)
    for _ in range(300):
        q = rewards + gamma * transitions @ q.max(axis=1)
    return q


# --- mc_update ----------------------------------------------------------------------------------


@pytest.mark.question("mc_update", gate=True)
def test_mc_moves_one_value(student, reference, rng):
    """V(s) moves towards the return, the other states stay.

    V(s) 向回报移动，其余状态不变。
    """
    for S, s, alpha in [(5, 2, 0.3), (4, 0, 0.05), (6, 5, 0.7)]:
        V, G = rng.normal(2.0, 3.0, size=S), float(rng.normal(-4.0, 3.0))
        check.same(student.mc_update(V, s, G, alpha), reference.mc_update(V, s, G, alpha))


@pytest.mark.question("mc_update")
def test_mc_at_the_ends(student, rng):
    """A step size of 1 replaces the value; a return equal to the value changes nothing; one state is enough.

    步长为 1 时直接替换；回报等于原值时不变；只有一个状态也可以。
    """
    V = rng.normal(size=4)
    replaced = V.copy()
    replaced[3] = 7.5
    check.same(student.mc_update(V, 3, 7.5, 1.0), replaced)
    check.same(student.mc_update(V, 1, float(V[1]), 0.4), V.copy())
    check.same(student.mc_update(np.array([2.0]), 0, 4.0, 0.25), np.array([2.5]))


@pytest.mark.question("mc_update")
def test_mc_finds_the_mean(student, rng):
    """With step sizes 1, 1/2, 1/3, … the value is the mean of the returns.

    步长依次取 1、1/2、1/3……时，价值就是各回报的平均。
    """
    V, returns = rng.normal(size=3), rng.normal(3.0, 2.0, size=4)
    expected = V.copy()
    expected[1] = returns.mean()
    for i, G in enumerate(returns.tolist()):
        V = student.mc_update(V, 1, G, 1.0 / (i + 1))
    check.same(V, expected)


# --- td_update ----------------------------------------------------------------------------------


@pytest.mark.question("td_update", gate=True)
@pytest.mark.builds_on("mc_update")
def test_td_bootstraps(student, reference, rng):
    """The target of a step in the middle of an episode.

    回合中间一步的目标。
    """
    for S, s, s_next, alpha, gamma in [
        (5, 2, 4, 0.3, 0.9),
        (4, 3, 0, 0.05, 0.6),
        (6, 0, 1, 0.7, 0.99),
    ]:
        V, r = rng.normal(2.0, 3.0, size=S), float(rng.normal(1.0, 2.0))
        step = (V, s, r, s_next, False, alpha, gamma)
        check.same(student.td_update(*step), reference.td_update(*step))


@pytest.mark.question("td_update", gate=True)
@pytest.mark.builds_on("mc_update")
def test_td_at_a_terminal_step(student, reference, rng):
    """After a terminal step nothing follows, whatever the table holds there.

    终止的一步之后什么都没有，无论表格在那里是什么数。
    """
    for s, s_next in [(1, 3), (2, 2)]:
        V, r = rng.normal(5.0, 3.0, size=4), float(rng.normal(1.0, 2.0))
        step = (V, s, r, s_next, True, 0.3, 0.9)
        check.same(student.td_update(*step), reference.td_update(*step))


@pytest.mark.question("td_update")
@pytest.mark.builds_on("mc_update")
def test_td_self_loops_and_ends_of_gamma(student, reference, rng):
    """A state that follows itself, γ = 0 and γ = 1, a single state.

    状态转移到自身、γ = 0 与 γ = 1、只有一个状态。
    """
    V = rng.normal(2.0, 3.0, size=4)
    for s, s_next, gamma in [(2, 2, 0.9), (1, 3, 0.0), (1, 3, 1.0)]:
        step = (V, s, 1.5, s_next, False, 0.4, gamma)
        check.same(student.td_update(*step), reference.td_update(*step))
    single = (np.array([3.0]), 0, -1.0, 0, False, 0.5, 0.9)
    check.same(student.td_update(*single), reference.td_update(*single))


@pytest.mark.question("td_update")
@pytest.mark.builds_on("mc_update")
def test_td_keeps_true_values_on_average(student, reference, rng):
    """The exact expectation over the next step leaves the true value of a state where it is.

    对下一步取精确期望，状态的真实价值保持不动。
    """
    transitions, policy, rewards = decision_process(rng, 3, 2)
    v = values_of(transitions, policy, rewards, GAMMA)

    def mean_move(update):
        total = np.zeros(3)
        for a in range(2):
            for s_next in range(3):
                moved = update(v, 1, float(rewards[1, a]), s_next, False, 0.5, GAMMA)
                total += policy[1, a] * transitions[1, a, s_next] * moved
        return total

    check.same(mean_move(student.td_update), mean_move(reference.td_update))


# --- sarsa_update -------------------------------------------------------------------------------


@pytest.mark.question("sarsa_update", gate=True)
def test_sarsa_bootstraps_from_the_action_taken(student, reference, rng):
    """The target uses the next action that is given, best or not.

    目标使用给定的下一个动作，无论它是否最优。
    """
    for S, A, s, a, s_next, alpha in [(5, 3, 2, 1, 4, 0.3), (3, 4, 0, 3, 1, 0.7)]:
        Q, r = rng.normal(2.0, 3.0, size=(S, A)), float(rng.normal(1.0, 2.0))
        for a_next in (int(Q[s_next].argmin()), int(Q[s_next].argmax())):
            step = (Q, s, a, r, s_next, a_next, False, alpha, 0.9)
            check.same(student.sarsa_update(*step), reference.sarsa_update(*step))


@pytest.mark.question("sarsa_update", gate=True)
def test_sarsa_at_a_terminal_step(student, reference, rng):
    """After a terminal step nothing follows, whatever the table holds there.

    终止的一步之后什么都没有，无论表格在那里是什么数。
    """
    for s, s_next in [(1, 3), (2, 2)]:
        Q, r = rng.normal(5.0, 3.0, size=(4, 3)), float(rng.normal(1.0, 2.0))
        step = (Q, s, 2, r, s_next, 1, True, 0.3, 0.9)
        check.same(student.sarsa_update(*step), reference.sarsa_update(*step))


@pytest.mark.question("sarsa_update")
def test_sarsa_self_loops_and_ends_of_gamma(student, reference, rng):
    """A pair that follows itself, γ = 0 and γ = 1, a single state and action.

    状态动作对转移到自身、γ = 0 与 γ = 1、只有一个状态和动作。
    """
    Q = rng.normal(2.0, 3.0, size=(4, 3))
    for s, a, s_next, a_next, gamma in [
        (2, 1, 2, 1, 0.9),
        (2, 1, 2, 0, 0.9),
        (1, 0, 3, 2, 0.0),
        (1, 0, 3, 2, 1.0),
    ]:
        step = (Q, s, a, 1.5, s_next, a_next, False, 0.4, gamma)
        check.same(student.sarsa_update(*step), reference.sarsa_update(*step))
    single = (np.array([[3.0]]), 0, 0, -1.0, 0, 0, False, 0.5, 0.9)
    check.same(student.sarsa_update(*single), reference.sarsa_update(*single))


@pytest.mark.question("sarsa_update")
def test_sarsa_keeps_true_values_on_average(student, rng):
    """The exact expectation over s' and a' leaves the true value of a pair where it is.

    对 s' 与 a' 取精确期望，状态动作对的真实价值保持不动。
    """
    transitions, policy, rewards = decision_process(rng, 3, 2)
    q = rewards + GAMMA * transitions @ values_of(transitions, policy, rewards, GAMMA)
    expected = 0.0
    for s_next in range(3):
        for a_next in range(2):
            step = (q, 1, 0, float(rewards[1, 0]), s_next, a_next, False, 0.5, GAMMA)
            moved = student.sarsa_update(*step)
            expected += transitions[1, 0, s_next] * policy[s_next, a_next] * moved[1, 0]
    check.same(float(expected), float(q[1, 0]))


# --- q_learning_update --------------------------------------------------------------------------


@pytest.mark.question("q_learning_update", gate=True)
@pytest.mark.builds_on("sarsa_update")
def test_q_learning_bootstraps_from_the_best_action(student, reference, rng):
    """The target uses the best action of the next state, also when all values are negative.

    目标使用下一个状态的最优动作，即使所有值都是负的。
    """
    for S, A, s, a, s_next, mean in [
        (5, 3, 2, 1, 4, 2.0),
        (3, 4, 0, 3, 1, -9.0),
        (4, 5, 3, 2, 0, 0.0),
        (6, 2, 1, 0, 5, 1.0),
        (6, 4, 4, 2, 1, -1.0),
    ]:
        Q, r = rng.normal(mean, 3.0, size=(S, A)), float(rng.normal(1.0, 2.0))
        step = (Q, s, a, r, s_next, False, 0.3, 0.9)
        check.same(student.q_learning_update(*step), reference.q_learning_update(*step))


@pytest.mark.question("q_learning_update", gate=True)
@pytest.mark.builds_on("sarsa_update")
def test_q_learning_at_a_terminal_step(student, reference, rng):
    """After a terminal step nothing follows, whatever the table holds there.

    终止的一步之后什么都没有，无论表格在那里是什么数。
    """
    for s, s_next in [(1, 3), (2, 2)]:
        Q, r = rng.normal(5.0, 3.0, size=(4, 3)), float(rng.normal(1.0, 2.0))
        step = (Q, s, 2, r, s_next, True, 0.3, 0.9)
        check.same(student.q_learning_update(*step), reference.q_learning_update(*step))


@pytest.mark.question("q_learning_update")
@pytest.mark.builds_on("sarsa_update")
def test_q_learning_self_loops_and_ends_of_gamma(student, reference, rng):
    """A state that follows itself, γ = 0 and γ = 1, a single state and action.

    状态转移到自身、γ = 0 与 γ = 1、只有一个状态和动作。
    """
    Q = rng.normal(2.0, 3.0, size=(4, 3))
    for s, a, s_next, gamma in [(2, int(Q[2].argmax()), 2, 0.9), (1, 0, 3, 0.0), (1, 0, 3, 1.0)]:
        step = (Q, s, a, 1.5, s_next, False, 0.4, gamma)
        check.same(student.q_learning_update(*step), reference.q_learning_update(*step))
    single = (np.array([[3.0]]), 0, 0, -1.0, 0, False, 0.5, 0.9)
    check.same(student.q_learning_update(*single), reference.q_learning_update(*single))


@pytest.mark.question("q_learning_update")
@pytest.mark.builds_on("sarsa_update")
def test_q_learning_keeps_optimal_values_on_average(student, reference, rng):
    """The exact expectation over s' leaves the optimal value of a pair where it is.

    对 s' 取精确期望，状态动作对的最优价值保持不动。
    """
    transitions, _, rewards = decision_process(rng, 3, 2)
    q = optimal_action_values(transitions, rewards, GAMMA)

    def mean_move(update):
        steps = [(q, 1, 0, float(rewards[1, 0]), s_next, False, 0.5, GAMMA) for s_next in range(3)]
        return sum(transitions[1, 0, step[4]] * update(*step) for step in steps)

    check.same(mean_move(student.q_learning_update), mean_move(reference.q_learning_update))


# --- sgd_value_update ---------------------------------------------------------------------------


@pytest.mark.question("sgd_value_update", gate=True)
def test_sgd_step(student, reference, rng):
    """One step from random parameters.

    从随机参数出发的一步。
    """
    for D, alpha in [(5, 0.1), (8, 0.03), (1, 0.3)]:
        step = (rng.normal(size=D), rng.normal(1.0, 1.0, size=D), float(rng.normal(4.0)), alpha)
        check.same(student.sgd_value_update(*step), reference.sgd_value_update(*step))


@pytest.mark.question("sgd_value_update")
def test_sgd_step_is_the_negative_gradient(student, rng):
    """The step is −α times the gradient of ½ (target − θᵀx)², measured by finite differences.

    该步等于 −α 乘以 ½ (target − θᵀx)² 的梯度（用有限差分测得）。
    """
    theta, x, target = rng.normal(size=4), rng.normal(size=4), 3.0

    def loss(parameters):
        return 0.5 * (target - parameters @ x) ** 2

    gradient = [(loss(theta + 1e-5 * e) - loss(theta - 1e-5 * e)) / 2e-5 for e in np.eye(4)]
    step = student.sgd_value_update(theta, x, target, 0.2) - theta
    check.same(step, -0.2 * np.array(gradient), rtol=1e-4)


@pytest.mark.question("sgd_value_update")
def test_sgd_rests_at_the_target(student, rng):
    """A value that is right already stays; one-hot features give the table's update.

    已经正确的价值不再移动；one-hot 特征就是表格的更新。
    """
    theta, x = rng.normal(size=5), rng.normal(size=5)
    check.same(student.sgd_value_update(theta, x, float(theta @ x), 0.3), theta.copy())
    expected = theta.copy()
    expected[2] += 0.25 * (6.0 - theta[2])
    check.same(student.sgd_value_update(theta, np.eye(5)[2], 6.0, 0.25), expected)


# --- softmax_policy -----------------------------------------------------------------------------


@pytest.mark.question("softmax_policy", gate=True)
def test_softmax_of_each_state(student, reference, rng):
    """The policy for random preferences.

    随机偏好所对应的策略。
    """
    for S, A in [(5, 3), (2, 6)]:
        preferences = rng.normal(0.0, 2.0, size=(S, A))
        check.same(student.softmax_policy(preferences), reference.softmax_policy(preferences))


@pytest.mark.question("softmax_policy")
def test_softmax_of_huge_preferences(student, reference, rng):
    """Preferences up to ±10,000, differently huge in each state.

    偏好达到 ±10,000，各状态的大小不同。
    """
    offsets = np.array([[9_990.0], [-9_990.0], [0.0], [700.0]])
    preferences = offsets + rng.normal(0.0, 2.0, size=(4, 3))
    spread = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, 1e4], [1e4, 1e4, -1e4]])
    for table in (preferences, spread):
        check.same(student.softmax_policy(table), reference.softmax_policy(table))


@pytest.mark.question("softmax_policy")
def test_softmax_rows(student, rng):
    """Rows sum to 1, a constant added to a row changes nothing, sizes may be 1.

    每行之和为 1；给一行加上常数不改变结果；大小可以为 1。
    """
    preferences = rng.normal(size=(5, 4))
    policy = student.softmax_policy(preferences)
    check.same(policy.sum(axis=1), np.ones(5))
    check.same(student.softmax_policy(preferences + rng.normal(0.0, 5.0, size=(5, 1))), policy)
    check.same(student.softmax_policy(rng.normal(size=(3, 1))), np.ones((3, 1)))
    check.same(student.softmax_policy(np.log([[0.2, 0.5, 0.3]])), np.array([[0.2, 0.5, 0.3]]))


# --- stationary_distribution --------------------------------------------------------------------


@pytest.mark.question("stationary_distribution", gate=True)
def test_stationary_distribution(student, reference, rng):
    """The distribution for random processes and policies.

    随机决策过程与策略的稳态分布。
    """
    for S, A in [(4, 3), (7, 2)]:
        transitions, policy, _ = decision_process(rng, S, A)
        transitions = transitions**3  # far from uniform
        transitions /= transitions.sum(axis=-1, keepdims=True)
        check.same(
            student.stationary_distribution(transitions, policy),
            reference.stationary_distribution(transitions, policy),
            rtol=1e-5,
        )


@pytest.mark.question("stationary_distribution")
def test_stationary_distribution_of_a_slow_chain(student):
    """Two groups of states between which the chain changes rarely.

    两组状态之间很少转移的链。
    """
    within = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3], [0.25, 0.25, 0.5]])
    chain = np.zeros((6, 6))
    chain[:3, :3], chain[3:, 3:] = 0.996 * within, 0.999 * within
    chain[:3, 3:], chain[3:, :3] = 0.004 / 3, 0.001 / 3
    transitions = np.stack([chain, np.full((6, 6), 1 / 6)], axis=1)
    policy = np.tile([1.0, 0.0], (6, 1))
    mixed = np.linalg.matrix_power(chain, 2**16)[0]
    check.same(
        student.stationary_distribution(transitions, policy),
        mixed / mixed.sum(),
        rtol=1e-4,
        atol=1e-6,
    )


@pytest.mark.question("stationary_distribution")
def test_stationary_distribution_is_stationary(student, rng):
    """It is a distribution, and one more step of the chain leaves it as it is.

    它是一个概率分布，链再走一步保持不变。
    """
    transitions, policy, _ = decision_process(rng, 12, 3)
    d = student.stationary_distribution(transitions, policy)
    check.same(d @ state_chain(transitions, policy), d, rtol=1e-5)
    check.same(d.sum(), 1.0, rtol=1e-5)
    check.holds(
        bool((d > 0).all()),
        "Every state of an irreducible chain is visited: all entries are positive.",
        "不可约链的每个状态都会被访问：所有元素都为正。",
        evidence=d,
    )


@pytest.mark.question("stationary_distribution")
def test_stationary_distribution_of_small_chains(student):
    """One state; two states whose balance can be written down; a deterministic policy.

    只有一个状态；可以直接写出平衡的两个状态；确定性策略。
    """
    single = student.stationary_distribution(np.ones((1, 2, 1)), np.array([[0.3, 0.7]]))
    check.same(single, np.array([1.0]), rtol=1e-5)
    stay_or_go = np.array([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 1.0], [1.0, 0.0]]])
    policy = np.array([[0.9, 0.1], [0.7, 0.3]])
    check.same(
        student.stationary_distribution(stay_or_go, policy), np.array([0.75, 0.25]), rtol=1e-5
    )
    loop = np.zeros((3, 2, 3))
    loop[:, 0] = [[0.5, 0.5, 0.0], [0.0, 0.0, 1.0], [1.0, 0.0, 0.0]]
    loop[:, 1] = [1.0, 0.0, 0.0]
    always_first = np.tile([1.0, 0.0], (3, 1))
    check.same(
        student.stationary_distribution(loop, always_first), np.array([0.5, 0.25, 0.25]), rtol=1e-5
    )


# --- average_value, average_reward --------------------------------------------------------------


@pytest.mark.question("average_value", gate=True)
def test_average_of_values(student, reference, rng):
    """The mean of values under a distribution.

    价值在一个分布下的平均。
    """
    for S in (5, 8, 1):
        d, v = distributions(rng, S), rng.normal(2.0, 3.0, size=S)
        check.same(student.average_value(d, v), reference.average_value(d, v))


@pytest.mark.question("average_value")
def test_average_value_is_the_average_reward_of_all_time(student, rng):
    """For the stationary distribution, Σ d v = Σ d Σ π r / (1 − γ).

    对稳态分布有 Σ d v = Σ d Σ π r / (1 − γ)。
    """
    transitions, policy, rewards = decision_process(rng, 4, 3)
    d = np.linalg.matrix_power(state_chain(transitions, policy), 2**10)[0]
    mean_reward = float(d @ (policy * rewards).sum(axis=1))
    J = student.average_value(d, values_of(transitions, policy, rewards, GAMMA))
    check.same(J, mean_reward / (1 - GAMMA))


@pytest.mark.question("average_value")
def test_average_value_of_one_state(student, rng):
    """All weight on one state leaves its value; equal weights the mean.

    权重全在一个状态时就是它的价值；权重相等时就是平均值。
    """
    v = rng.normal(3.0, 2.0, size=6)
    check.same(student.average_value(np.eye(6)[4], v), float(v[4]))
    check.same(student.average_value(np.full(6, 1 / 6), v), float(v.mean()))


@pytest.mark.question("average_reward", gate=True)
@pytest.mark.builds_on("average_value")
def test_average_of_rewards(student, reference, rng):
    """The mean reward of a step under a distribution and a policy.

    在一个分布和策略下，一步奖励的平均。
    """
    for S, A in [(5, 3), (2, 4), (1, 1)]:
        _, policy, rewards = decision_process(rng, S, A)
        d = distributions(rng, S)
        check.same(
            student.average_reward(d, policy, rewards), reference.average_reward(d, policy, rewards)
        )


@pytest.mark.question("average_reward")
@pytest.mark.builds_on("average_value")
def test_average_reward_of_all_time(student, reference, rng):
    """The mean reward of a step under the stationary distribution.

    稳态分布下一步奖励的平均。
    """
    transitions, policy, rewards = decision_process(rng, 4, 3)
    d = np.linalg.matrix_power(state_chain(transitions, policy), 2**10)[0]
    right = reference.average_reward(d, policy, rewards)
    check.same(student.average_reward(d, policy, rewards), right)


@pytest.mark.question("average_reward")
@pytest.mark.builds_on("average_value")
def test_average_reward_of_certain_choices(student, reference, rng):
    """All weight on one state and one action leaves that reward.

    权重全在一个状态和一个动作上时，就是那个奖励。
    """
    rewards = rng.normal(3.0, 2.0, size=(4, 3))
    policy = np.eye(3)[[2, 0, 1, 1]]
    for d in (np.eye(4)[0], np.eye(4)[3]):
        right = reference.average_reward(d, policy, rewards)
        check.same(student.average_reward(d, policy, rewards), right)
