# %% [markdown]
# # Homework 0: the lab · 作业零：实验
#
# A place to play with your own functions, one question after another. Run a cell with Shift+Enter; when you have
# changed `value_methods.py`, save it and run the cell again. Nothing here is handed in or graded: change what you
# like.
#
# 在这里逐题试用你自己的函数。用 Shift+Enter 运行单元格；改动 `value_methods.py` 之后保存，再运行一次即可。
# 这里的内容不提交、不评分，可以随意修改。

# %%
# %load_ext autoreload
# %autoreload 2
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np

import value_methods as student

np.set_printoptions(precision=3, suppress=True)


@contextmanager
def unless_todo():
    """Names the TODO that a cell still waits for, and lets the rest of the notebook run."""
    try:
        yield
    except NotImplementedError as missing:
        print(f"TODO {missing}: not implemented yet · 尚未实现")


# %% [markdown]
# ## A random walk · 随机游走
#
# Five states in a row. An episode starts in the middle and goes left or right with equal chances; leaving on the
# right pays 1, everything else 0. The true value of a state is its chance to leave on the right: 1/6, 2/6, …,
# 5/6.
#
# 五个状态排成一行。回合从中间开始，等概率向左或向右；从右端离开得 1，其余奖励为 0。
# 状态的真实价值就是从右端离开的概率。

# %%
TRUE = np.arange(1, 6) / 6


def episode(rng):
    """The steps (s, r, s_next, terminated) of one walk."""
    s, steps, terminated = 2, [], False
    while not terminated:
        to = s + (1 if rng.random() < 0.5 else -1)
        terminated = to in (-1, 5)
        steps.append((s, float(to == 5), s if terminated else to, terminated))
        s = to
    return steps


def learn_mc(V, steps, alpha):
    G = steps[-1][1]  # only the last step pays
    for s, *_ in steps:
        V = student.mc_update(V, s, G, alpha)
    return V


def learn_td(V, steps, alpha):
    for s, r, s_next, terminated in steps:
        V = student.td_update(V, s, r, s_next, terminated, alpha, 1.0)
    return V


def draw_estimates(learn, alpha, title):
    rng, V = np.random.default_rng(1), np.full(5, 0.5)
    tables = {0: V}
    for count in range(1, 101):
        V = tables[count] = learn(V, episode(rng), alpha)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for count in (0, 1, 10, 100):
        plt.plot(range(5), tables[count], "o-", label=str(count))
    plt.plot(range(5), TRUE, "k--", label="true values")
    plt.xticks(range(5))
    plt.ylim(0, 1)
    plt.xlabel("state")
    plt.ylabel("V")
    plt.title(title)
    plt.legend(loc="lower right", title="after so many episodes", ncols=2)


# %% [markdown]
# ## `mc_update`
#
# One number moves, by the fraction α of its error. Then a hundred episodes: which states did the *first* episode
# change?
#
# 只有一个数移动，移动量是误差的 α 倍。然后是一百个回合：*第一个*回合之后，哪些状态的估计变了？

# %%
with unless_todo():
    V = np.full(5, 0.5)
    print("V before:", V)
    print("V after: ", student.mc_update(V, 2, 1.0, 0.25), "(a return of 1 from state 2, α = 0.25)")
    print("and the old table is still", V)
    draw_estimates(learn_mc, 0.05, "Monte Carlo, α = 0.05")

# %% [markdown]
# ## `td_update`
#
# The same walks, learnt step by step. Now the first episode changes one state only: why that one?
#
# 同样的游走，逐步学习。这次第一个回合只改变一个状态：为什么是它？

# %%
with unless_todo():
    draw_estimates(learn_td, 0.1, "TD(0), α = 0.1")

# %% [markdown]
# **Both, over many runs · 两者比较。** Small α learns slowly, large α never settles down. Which method is less noisy?
#
# α 小则学得慢，α 大则始终抖动。哪种方法的噪声更小？

# %%
with unless_todo():
    curves = {}
    for name, learn, alphas in (
        ("MC", learn_mc, (0.01, 0.04)),
        ("TD", learn_td, (0.05, 0.15)),
    ):
        for alpha in alphas:
            errors = np.zeros(100)
            for run in range(30):
                rng, V = np.random.default_rng(run), np.full(5, 0.5)
                for i in range(100):
                    errors[i] += np.sqrt(np.mean((V - TRUE) ** 2)) / 30
                    V = learn(V, episode(rng), alpha)
            curves[name, alpha] = errors
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for (name, alpha), errors in curves.items():
        colour, style = {"MC": "C0", "TD": "C1"}[name], "-" if alpha in (0.04, 0.15) else "--"
        plt.plot(errors, style, color=colour, label=f"{name}, α = {alpha}")
    plt.xlabel("episode")
    plt.ylabel("root mean square error of V")
    plt.ylim(bottom=0)
    plt.title("Mean of 30 runs")
    plt.legend()

# %% [markdown]
# ## `sarsa_update`
#
# One step from state 0 by action 1, seen with each action that may follow. Where does the difference come from?
#
# 在状态 0 采取动作 1 的一步；下一个动作不同，结果就不同。差别从哪里来？

# %%
with unless_todo():
    Q = np.array([[0.0, 0.0], [1.0, -10.0]])
    print(f"Q before:\n{Q}\n")
    for a_next in (0, 1):
        after = student.sarsa_update(Q, 0, 1, 0.0, 1, a_next, False, 0.5, 1.0)
        print(f"next action {a_next}: Q(0, 1) goes from {Q[0, 1]} to {after[0, 1]}")

# %% [markdown]
# ## `q_learning_update`
#
# The same step never hears of the next action. And the price of exploring: in state 1 action 0 earns 1, and
# action 1 falls off a cliff (−10). The walker takes a random action with probability ε. What does each method
# believe the way to state 1 to be worth, and which of them is right about *this* walker?
#
# 同样的一步，但与下一个动作无关。再看探索的代价：在状态 1，动作 0 得 1，动作 1 掉下悬崖（−10）；
# 行动者以概率 ε 随机行动。两种方法各认为走向状态 1 值多少？对*这个*行动者来说，谁是对的？

# %%
with unless_todo():
    after = student.q_learning_update(Q, 0, 1, 0.0, 1, False, 0.5, 1.0)
    print(f"whatever comes next: Q(0, 1) goes from {Q[0, 1]} to {after[0, 1]}")

    epsilons, rng = np.linspace(0, 1, 11), np.random.default_rng(0)
    believed = {"SARSA": [], "Q-learning": []}
    for epsilon in epsilons:
        sarsa = q_learning = Q
        for i in range(1, 1001):
            a_next = int(rng.integers(2)) if rng.random() < epsilon else 0
            sarsa = student.sarsa_update(sarsa, 0, 1, 0.0, 1, a_next, False, 1 / i, 1.0)
            q_learning = student.q_learning_update(q_learning, 0, 1, 0.0, 1, False, 1 / i, 1.0)
        believed["SARSA"].append(sarsa[0, 1])
        believed["Q-learning"].append(q_learning[0, 1])
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for name, values in believed.items():
        plt.plot(epsilons, values, "o-", label=name)
    plt.plot(epsilons, 1 - 11 * epsilons / 2, "k--", label="what this walker earns")
    plt.xlabel("ε, how often a random action is taken")
    plt.ylabel("Q(0, 1) after 1,000 updates")
    plt.legend()

# %% [markdown]
# ## `sgd_value_update`
#
# Two parameters, V(s) = θ₀ + θ₁ s, have to do for eleven values on a curve. How good can it get, and what does α
# decide?
#
# 两个参数 V(s) = θ₀ + θ₁ s 要表示一条曲线上的十一个价值。最好能到什么程度？α 又决定什么？

# %%
with unless_todo():
    places = np.linspace(-1, 1, 11)
    values = np.exp(places)
    X = np.stack([np.ones(11), places], axis=1)  # a row of features x(s) for each state
    best = np.linalg.lstsq(X, values, rcond=None)[0]
    losses, lines = {}, {}
    for alpha in (0.01, 0.1, 0.9):
        rng, theta, losses[alpha] = np.random.default_rng(1), np.zeros(2), []
        for _ in range(300):
            losses[alpha].append(np.mean((values - X @ theta) ** 2) / 2)
            s = rng.integers(11)
            theta = student.sgd_value_update(theta, X[s], values[s], alpha)
        lines[alpha] = X @ theta
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    left.plot(places, values, "ko", label="values")
    left.plot(places, X @ best, "k--", label="best line")
    for alpha in losses:
        left.plot(places, lines[alpha], label=f"α = {alpha}")
        right.semilogy(losses[alpha], label=f"α = {alpha}")
    right.axhline(
        np.mean((values - X @ best) ** 2) / 2, color="k", linestyle="--", label="best line"
    )
    left.set(xlabel="s", ylabel="V(s)", title="After 300 updates")
    right.set(xlabel="update", ylabel="½ mean squared error", title="On the way")
    left.legend()
    right.legend()

# %% [markdown]
# ## `softmax_policy`
#
# Four preferences, divided by a temperature. Which policy is it when cold, and which when hot?
#
# 四个偏好除以温度：低温时是什么策略，高温时又是什么？

# %%
with unless_todo():
    preferences, temperatures = np.array([4.0, 3.0, 1.0, 0.0]), np.logspace(-2, 2, 81)
    policies = student.softmax_policy(preferences / temperatures[:, None])
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for a, h in enumerate(preferences):
        plt.semilogx(temperatures, policies[:, a], label=f"h = {h:g}")
    plt.axhline(0.25, color="k", linestyle="--", linewidth=1, label="uniform")
    plt.xlabel("temperature")
    plt.ylabel("π(a)")
    plt.legend()
    print("huge preferences:", student.softmax_policy(np.array([[10_000.0, 9_999.0, -10_000.0]])))

# %% [markdown]
# ## `stationary_distribution`
#
# Two rooms of three places each and a door that is seldom found. Your d against a walk of 100 steps and one of
# 20,000: what has the short one not seen yet?
#
# 两个房间，各有三个位置，中间的门很少碰到。把你的 d 与 100 步、20,000 步的游走相比：短的游走还没见过什么？

# %%
rng = np.random.default_rng(5)
rooms = np.zeros((6, 2, 6))  # action 0 wanders about in the room; action 1 looks for the door
for s in range(6):
    room = slice(0, 3) if s < 3 else slice(3, 6)
    rooms[s, 0, room] = rng.dirichlet(np.ones(3))
    rooms[s, 1, s] = 0.9
    rooms[s, 1, (s + 3) % 6] = 0.1
curious = np.array([[0.7, 0.3]] * 3 + [[0.9, 0.1]] * 3)  # the second room is nicer


def visits(transitions, policy, steps, rng):
    """Which share of a walk was spent in each state."""
    s, counts = 0, np.zeros(len(policy))
    for _ in range(steps):
        counts[s] += 1
        a = rng.choice(policy.shape[1], p=policy[s])
        s = rng.choice(len(policy), p=transitions[s, a])
    return counts / steps


with unless_todo():
    d = student.stationary_distribution(rooms, curious)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.bar(np.arange(6) - 0.27, d, 0.27, label="d")
    for i, steps in enumerate((100, 20_000)):
        share = visits(rooms, curious, steps, np.random.default_rng(2))
        plt.bar(np.arange(6) + 0.27 * i, share, 0.27, label=f"{steps:,} steps")
    plt.xlabel("state (0 to 2: first room, 3 to 5: second room)")
    plt.ylabel("share of time")
    plt.legend()
    print("d sums to", d.sum())

# %% [markdown]
# ## `average_value`
#
# A machine is new or worn. Running it pays 1 when new and 0.4 when worn, and wears it out with probability 0.2; a
# repair costs 0.5 and makes it new. The policy repairs with probability q and cannot see the state. The d that
# weighs the states decides which q is the best.
#
# 一台机器或新或旧。运行时，新机器得 1，旧机器得 0.4，并以概率 0.2 变旧；维修花费 0.5 并使它变新。策略看不到状态，
# 以概率 q 维修。给状态加权的 d 不同，最优的 q 也不同。

# %%
machine = np.array(
    [[[0.8, 0.2], [1.0, 0.0]], [[0.0, 1.0], [1.0, 0.0]]]
)  # state, action, next state
pay = np.array([[1.0, -0.5], [0.4, -0.5]])
GAMMA, repairs = 0.9, np.linspace(0.01, 0.4, 40)


def true_values(policy):
    """Bellman's equation, again and again, until nothing moves any more."""
    v = np.zeros(2)
    for _ in range(300):
        v = (policy * (pay + GAMMA * machine @ v)).sum(axis=1)
    return v


with unless_todo():
    weights = {
        "always starts new": lambda policy: np.array([1.0, 0.0]),
        "starts new or worn": lambda policy: np.array([0.5, 0.5]),
        "stationary": lambda policy: student.stationary_distribution(machine, policy),
    }
    values_of = {name: [] for name in weights}
    for q in repairs:
        policy = np.array([[1 - q, q]] * 2)
        for name, d_of in weights.items():
            values_of[name].append(student.average_value(d_of(policy), true_values(policy)))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for name, curve in values_of.items():
        (line,) = plt.plot(repairs, curve, label=name)
        plt.plot(repairs[np.argmax(curve)], max(curve), "o", color=line.get_color())
    plt.xlabel("q, probability of a repair")
    plt.ylabel("J = Σ d(s) v(s)")
    plt.legend(title="d")

# %% [markdown]
# ## `average_reward`
#
# The mean reward of a step, as the policy changes. With the stationary d it is (1 − γ) times the mean value: two
# objectives, one best policy.
#
# 策略变化时每步的平均奖励。当 d 是稳态分布时，它等于 (1 − γ) 乘以平均价值：两个目标，同一个最优策略。

# %%
with unless_todo():
    J = []
    for q in repairs:
        policy = np.array([[1 - q, q]] * 2)
        d = student.stationary_distribution(machine, policy)
        J.append(student.average_reward(d, policy, pay))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(repairs, J, linewidth=3, label="J = Σ d(s) Σ π(a|s) r(s,a)")
    plt.plot(repairs[np.argmax(J)], max(J), "o", color="C3", label="best q")
    plt.xlabel("q, probability of a repair")
    plt.ylabel("mean reward of a step")
    print(f"best q: {repairs[np.argmax(J)]:.2f}")
    if len(values_of["stationary"]) == len(repairs):
        scaled = (1 - GAMMA) * np.array(values_of["stationary"])
        plt.plot(repairs, scaled, "--", label="(1 − γ) Σ d(s) v(s)")
    plt.legend()
