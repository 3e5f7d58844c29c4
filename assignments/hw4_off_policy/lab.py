# %% [markdown]
# # Homework 4: the lab · 作业四：实验
#
# A place to play with your own functions, one question after another. Run a cell with Shift+Enter; when you have
# changed `off_policy.py`, `natural_gradient.py` or `gradient_free.py`, save it and run the cell again. Nothing
# here is handed in or graded: change what you like.
#
# 在这里逐题试用你自己的函数。用 Shift+Enter 运行单元格；
# 改动 `off_policy.py`、`natural_gradient.py` 或 `gradient_free.py` 之后保存，再运行一次即可。
# 这里的内容不提交、不评分，可以随意修改。

# %%
# %load_ext autoreload
# %autoreload 2
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import torch

import gradient_free
import natural_gradient
import off_policy

torch.set_num_threads(1)
torch.set_printoptions(precision=3, sci_mode=False)


@contextmanager
def unless_todo():
    """Names the TODO that a cell still waits for, and lets the rest of the notebook run."""
    try:
        yield
    except NotImplementedError as missing:
        print(f"TODO {missing}: not implemented yet · 尚未实现")


# %% [markdown]
# ## Games that another policy played · 别的策略玩过的游戏
#
# Ten steps, three buttons that pay 0, 1 and 2 a step. Someone who liked the second one a little has played 2,000
# games. What would *you* have earned in them, with a policy further and further to the side of the third?
#
# 十步，三个按钮，每按一次分别得 0、1、2。有人稍微偏爱第二个按钮，玩了 2,000 局。若换成越来越偏向第三个按钮的策略，
# *你*本来能得多少？

# %%
T, N = 10, 2000
PAY = torch.tensor([0.0, 1.0, 2.0])
BEHAVIOR = torch.tensor([0.0, 0.3, 0.0])
TOWARDS = torch.tensor([-0.7, 0.0, 1.0])
buttons = torch.distributions.Categorical(logits=BEHAVIOR)
torch.manual_seed(0)
played = buttons.sample((N, T))
behavior_log_probs = buttons.log_prob(played)
returns = PAY[played].sum(dim=1)
mask = torch.ones(N, T, dtype=torch.bool)


def J(logits):
    return T * torch.softmax(logits, dim=-1) @ PAY


def log_probs_of(logits):
    return torch.distributions.Categorical(logits=logits).log_prob(played)


# %% [markdown]
# ## `importance_weights`
#
# How ρ spreads as the policies part. Its mean is 1 for ever, but more and more of it lies in fewer and fewer
# games: the effective sample size (Σρ)²/Σρ² says in how many.
#
# 两个策略渐行渐远时 ρ 的分布。均值始终是 1，但越来越集中在少数几局上：有效样本数 (Σρ)²/Σρ² 说明有多少局。

# %%
with unless_todo():
    distances = (0.1, 0.5, 1.0, 2.0)
    weights = [
        off_policy.importance_weights(
            log_probs_of(BEHAVIOR + d * TOWARDS), behavior_log_probs, mask
        )
        for d in distances
    ]
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    bins = np.logspace(-5, 3, 41)
    for i, (distance, rho) in enumerate(zip(distances, weights)):
        left.hist(rho.numpy(), bins, alpha=0.5, color=f"C{i}", label=f"distance {distance}")
        size = (rho.sum() ** 2 / rho.square().sum()).item()
        right.bar(i, size, color=f"C{i}")
        right.text(i, size, f"{size:.0f}", ha="center", va="bottom")
        print(f"distance {distance}: mean of ρ {rho.mean():.2f}, largest {rho.max():.1f}")
    left.axvline(1, color="k", linestyle="--", linewidth=1)
    left.set(xscale="log", xlabel="ρ", ylabel="games")
    left.legend(fontsize="small")
    right.set(xlabel="distance", ylabel="effective sample size, of 2,000 games")
    right.set_xticks(range(4), [str(distance) for distance in distances])

# %% [markdown]
# ## `off_policy_loss`
#
# Minus the loss is J of the *other* policy, minus its gradient is ∇J, both from the same old games. Until where
# can you trust them?
#
# 损失取负就是*另一个*策略的 J，梯度取负就是 ∇J，都来自同样的旧数据。到哪里为止还可以相信？

# %%
with unless_todo():
    distances, estimated, exact = torch.linspace(0, 4, 33), [], []
    for distance in distances:
        for kind in (estimated, exact):
            logits = (BEHAVIOR + distance * TOWARDS).requires_grad_()
            value = (
                J(logits)
                if kind is exact
                else -off_policy.off_policy_loss(
                    log_probs_of(logits), behavior_log_probs, returns, mask
                )
            )
            gradient = torch.autograd.grad(value, logits)[0][2]
            kind.append((value.item(), gradient.item()))
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for i, (ax, name) in enumerate(zip(axes, ("J", "∂J/∂h of the third button"))):
        ax.plot(distances, [pair[i] for pair in estimated], label="from 2,000 games of another")
        ax.plot(distances, [pair[i] for pair in exact], "k--", label="exact")
        ax.set(xlabel="distance of the two policies", ylabel=name)
        ax.legend()

# %% [markdown]
# ## `q_targets`
#
# A corridor of seven states; leaving on the right pays 1, γ = 0.9. A coin tosser has filled the buffer, and we
# want Q of somebody who goes right nine times out of ten. Everything depends on who chooses a'.
#
# 七个状态的走廊，从右端离开得 1，γ = 0.9。缓存由一个掷硬币的人填满，而我们想要的是十次有九次向右走的人的 Q。
# 关键在于 a' 由谁来选。

# %%
S, GAMMA, RIGHT = 7, 0.9, 0.9


def true_values(right):
    """V of going right with this probability: Bellman's equation until nothing moves any more."""
    V = torch.zeros(S + 2)  # with a place beyond either end
    for _ in range(500):
        go_right = torch.cat([GAMMA * V[2:-1], torch.ones(1)])
        V[1:-1] = right * go_right + (1 - right) * GAMMA * V[:-2]
    return V[1:-1]


with unless_todo():
    generator = torch.Generator().manual_seed(0)
    s = torch.randint(S, (4000,), generator=generator)
    a = torch.randint(2, (4000,), generator=generator)
    goal = s + 2 * a - 1
    r, over, s_next = (goal == S).float(), (goal < 0) | (goal == S), goal.clamp(0, S - 1)
    learnt = {}
    for name, right in {"a' from the present policy": RIGHT, "a' from the buffer": 0.5}.items():
        Q = torch.zeros(S, 2)
        for batch in torch.randint(4000, (600, 64), generator=generator):
            a_next = (torch.rand(64, generator=generator) < right).long()
            next_q = Q[s_next[batch], a_next]
            targets = off_policy.q_targets(r[batch], next_q, over[batch], GAMMA)
            for i, target in zip(batch, targets):
                Q[s[i], a[i]] += 0.1 * (target - Q[s[i], a[i]])
        learnt[name] = Q @ torch.tensor([1 - RIGHT, RIGHT])
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for name, V in learnt.items():
        plt.plot(V, "o-", label=name)
    plt.plot(true_values(RIGHT), "k--", label="true V of the present policy")
    plt.xlabel("state")
    plt.ylabel("Σ π(a|s) Q(s, a)")
    plt.legend()

# %% [markdown]
# ## `resampled_actor_loss`
#
# Minus its gradient, from fresh actions of the policy and from the actions that stand in the buffer, beside that
# of Σ π(a) Q(a). What do the buffer's actions push up, and why?
#
# 损失的负梯度：分别用策略重新采样的动作和缓存里的动作，与 Σ π(a) Q(a) 的梯度相比。缓存里的动作推高了什么，为什么？

# %%
with unless_todo():
    Q, logits = torch.tensor([1.0, 2.0, 1.5]), torch.tensor([0.0, 1.0, 1.0], requires_grad=True)
    policy = torch.softmax(logits, dim=-1)
    buffer = torch.tensor([0.8, 0.1, 0.1])  # whoever filled it liked action 0
    gradients, generator = {}, torch.Generator().manual_seed(0)
    for name, source in {"fresh actions": policy.detach(), "actions of the buffer": buffer}.items():
        sampled = torch.multinomial(source, 5000, replacement=True, generator=generator)
        loss = off_policy.resampled_actor_loss(logits.expand(5000, 3), Q.expand(5000, 3), sampled)
        gradients[name] = -torch.autograd.grad(loss, logits)[0]
    gradients["exact"] = torch.autograd.grad(policy @ Q, logits)[0]
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for i, (name, gradient) in enumerate(gradients.items()):
        colour = "k" if name == "exact" else f"C{i}"
        plt.bar(torch.arange(3) + 0.25 * (i - 1), gradient, 0.25, color=colour, label=name)
    plt.axhline(0, color="k", linewidth=0.8)
    plt.xticks(range(3), [f"action {i}\nQ = {q:g}" for i, q in enumerate(Q.tolist())])
    plt.ylabel("−∂L/∂logit")
    plt.legend()

# %% [markdown]
# ## `categorical_kl`
#
# From p, which is sure of nothing, to q, which is ever surer of one action; and the way back. KL is no distance:
# which direction is the dearer one, and when?
#
# p 对什么都不确定，q 对一个动作越来越确定；再反过来。KL 不是距离：哪个方向更贵，什么时候？

# %%
with unless_todo():
    p = torch.zeros(3)
    sureness = torch.linspace(-8, 8, 161)
    q = torch.stack([sureness, torch.zeros(161), torch.zeros(161)], dim=-1)
    there = natural_gradient.categorical_kl(p.expand(161, 3), q)
    back = natural_gradient.categorical_kl(q, p.expand(161, 3))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(sureness, there, label="KL(p ‖ q)")
    plt.plot(sureness, back, label="KL(q ‖ p)")
    plt.axhline(np.log(3), color="grey", linestyle="--", linewidth=1, label="log 3")
    plt.xlabel("logit of q's first action (the others are 0)")
    plt.ylabel("KL")
    plt.legend()

# %% [markdown]
# ## `fisher_matrix`
#
# ½ dᵀFd stands for KL(π_θ ‖ π_{θ+d}) when steps are short: the slope of both is 2 on these axes. At what length
# do they part?
#
# 步子小的时候，½ dᵀFd 可以代替 KL(π_θ ‖ π_{θ+d})：在这样的坐标轴上两者斜率都是 2。到多长时分道扬镳？

# %%


def scores_of(logits, samples=20_000):
    """∇log π of sampled actions, one a row."""
    policy = torch.softmax(logits, dim=-1)
    torch.manual_seed(0)
    actions = torch.multinomial(policy, samples, replacement=True)
    return torch.nn.functional.one_hot(actions, len(policy)) - policy


with unless_todo():
    logits = torch.tensor([3.0, 0.0, -1.0])
    direction = torch.tensor([-1.0, 1.0, 1.0]) / np.sqrt(3)
    F = natural_gradient.fisher_matrix(scores_of(logits))
    lengths = torch.logspace(-1.5, 1.2, 41)
    d = lengths.unsqueeze(1) * direction
    kl = natural_gradient.categorical_kl(logits.expand(41, 3), logits + d)
    quadratic = 0.5 * torch.einsum("np,pq,nq->n", d, F, d)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.loglog(lengths, kl, label="KL(π_θ ‖ π_{θ+d})")
    plt.loglog(lengths, quadratic, "--", label="½ dᵀFd")
    plt.xlabel("length of d")
    plt.legend()
    print("F =", F)

# %% [markdown]
# ## A badly scaled policy · 尺度很差的策略
#
# Three actions, logits (3 θ₀, θ₁/3, 0): a softmax as ever, but one parameter has a ninth of the other's effect.
# J(θ), ∇J and scores:
#
# 三个动作，logits 为 (3 θ₀, θ₁/3, 0)：还是 softmax，只是一个参数的作用只有另一个的九分之一。J(θ)、∇J 与 scores：

# %%
SCALES = torch.tensor([3.0, 1 / 3])
REWARDS = torch.tensor([0.6, 1.0, 0.0])


def logits_of(theta):
    return torch.nn.functional.pad(SCALES * theta, (0, 1))


def value(theta):
    return torch.softmax(logits_of(theta), dim=-1) @ REWARDS


def gradient_and_scores(theta):
    theta = theta.clone().requires_grad_()
    return torch.autograd.grad(value(theta), theta)[0], scores_of(logits_of(theta.detach()))[
        :, :2
    ] * SCALES


def draw_hill(ax):
    x, y = torch.linspace(-1.2, 1.2, 61), torch.linspace(-12, 12, 61)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    ax.contourf(x, y, value(grid), 12, cmap="Greys", alpha=0.4)
    ax.clabel(ax.contour(x, y, value(grid), 12, colors="grey", linewidths=0.8), fontsize=7)
    ax.set(xlabel="θ₀", ylabel="θ₁", title="J(θ)")


# %% [markdown]
# ## `natural_gradient`
#
# Both directions at many places, drawn with one length on the paper. The plain gradient hardly sees θ₁, which has
# far to go, and turns back later what it did first. Why does the natural one point the same way everywhere?
#
# 许多位置上的两种方向，在图上画成一样长。普通梯度几乎看不到 θ₁（而它还有很远的路要走），先走过去，后来又往回走。
# 为什么自然梯度处处指向同一个方向？

# %%
with unless_todo():
    starts = [torch.tensor([x, y]) for x in (-0.9, -0.3, 0.3, 0.9) for y in (-9.0, -3.0, 3.0, 9.0)]
    arrows = {"plain": [], "natural": []}
    for theta in starts:
        g, scores = gradient_and_scores(theta)
        F = natural_gradient.fisher_matrix(scores)
        arrows["plain"].append(g)
        arrows["natural"].append(natural_gradient.natural_gradient(g, F, 1e-4))
    _, ax = plt.subplots(figsize=(6, 4.5), layout="constrained")
    draw_hill(ax)
    for i, (name, directions) in enumerate(arrows.items()):
        d = torch.stack(directions) / torch.tensor([1.0, 10.0])  # the axes differ by a factor of 10
        d = d / d.norm(dim=1, keepdim=True)
        ax.quiver(*torch.stack(starts).T, *d.T, color=f"C{i}", scale=14, width=0.006, label=name)
    ax.legend(loc="lower right")

# %% [markdown]
# ## `kl_constrained_step`
#
# Twenty-five steps up from one corner. The natural path moves the policy by the same KL each time; the dotted
# ring holds all policies at that distance from the start: your first step should end close to it. (Why not
# exactly on it?)
#
# 从一角出发走二十五步。自然梯度的路径每步使策略移动同样的 KL；虚线圈是与起点相距这么远的所有策略，
# 你的第一步应当落在它附近。（为什么不是恰好落在圈上？）

# %%
with unless_todo():
    START, LIMIT = torch.tensor([-0.8, -8.0]), 0.02
    paths, moves = {}, {}
    for name, rate in {"plain, α = 0.1": 0.1, "plain, α = 1": 1.0, "natural": None}.items():
        theta, paths[name], moves[name] = START, [START], []
        while len(moves[name]) < 25 and value(theta) < 0.95:
            g, scores = gradient_and_scores(theta)
            if rate is None:
                F = natural_gradient.fisher_matrix(scores)
                later = theta + natural_gradient.kl_constrained_step(g, F, LIMIT, 1e-4)
            else:
                later = theta + rate * g
            kl = natural_gradient.categorical_kl(logits_of(theta), logits_of(later))
            moves[name].append(kl.item())
            theta = later
            paths[name].append(theta)
    _, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
    draw_hill(left)
    x, y = torch.linspace(-1.2, 1.2, 121), torch.linspace(-12, 12, 121)
    grid = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1)
    kl = natural_gradient.categorical_kl(logits_of(START).expand(121, 121, 3), logits_of(grid))
    left.contour(x, y, kl, [LIMIT], colors="k", linestyles=":")
    for name, path in paths.items():
        left.plot(*torch.stack(path).T, ".-", markersize=4, label=name)
        middle.plot(value(torch.stack(path)), label=name)
        right.semilogy(moves[name], label=name)
    left.set(xlim=(-1.2, 1.2), ylim=(-12, 12))
    middle.set(xlabel="step", ylabel="J(θ)", title="What it earns")
    right.axhline(LIMIT, color="k", linestyle=":", label="kl_limit")
    right.set(xlabel="step", ylabel="KL of the step", title="How far it moves the policy")
    middle.legend(fontsize="small")

# %% [markdown]
# ## A landscape with two hills · 有两座山的地形
#
# For search without a gradient: a broad hill at (−1.2, −0.8) and a narrow one, twice as high, at (1.2, 0.8).
#
# 用于无梯度搜索：(−1.2, −0.8) 处有一座宽而矮的山，(1.2, 0.8) 处有一座窄而高一倍的山。

# %%


def hills(theta):
    broad = 0.5 * np.exp(-((theta[0] + 1.2) ** 2 + (theta[1] + 0.8) ** 2) / 2)
    narrow = np.exp(-((theta[0] - 1.2) ** 2 + (theta[1] - 0.8) ** 2))
    return float(broad + narrow)


def draw_hills(ax, title):
    axis = np.linspace(-4, 4, 81)
    heights = [[hills((x, y)) for x in axis] for y in axis]
    ax.contour(axis, axis, heights, 12, colors="grey", linewidths=0.8)
    ax.set(xlim=(-4, 4), ylim=(-4, 4), title=title, aspect="equal")


class Remember:
    """The landscape, which remembers where it was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, theta):
        self.asked.append(np.array(theta))
        return hills(theta)


# %% [markdown]
# ## `finite_difference_gradient`
#
# Your gradient against the exact one, as ε shrinks: first the error falls as ε², then rounding takes over. Why is
# ε = 1e-12 worse than ε = 1e-5?
#
# ε 变小时，你的梯度与精确梯度之差：误差先按 ε² 下降，随后舍入误差占上风。为什么 ε = 1e-12 比 ε = 1e-5 更差？

# %%
with unless_todo():
    theta = np.array([0.7, 0.2])
    exact = np.exp(0.2) * np.array([np.cos(0.7), np.sin(0.7)])
    epsilons = np.logspace(-12, 0, 37)
    errors = []
    for epsilon in epsilons:
        found = gradient_free.finite_difference_gradient(
            lambda x: float(np.sin(x[0]) * np.exp(x[1])), theta, float(epsilon)
        )
        errors.append(np.linalg.norm(found - exact))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.loglog(epsilons, errors, "o-", markersize=4, label="error of your gradient")
    plt.loglog(epsilons[18:], 0.3 * epsilons[18:] ** 2, "k--", label="∝ ε²")
    plt.xlabel("ε")
    plt.legend()

# %% [markdown]
# ## `cross_entropy_method`
#
# Where the mean is after 0, 1, 2, … iterations, and every point that was tried, the later the darker. From a wide
# Gaussian and from a narrow one: which hill do they find?
#
# 第 0、1、2、… 次迭代后均值的位置，以及试过的每一点（越晚越深）。从宽的和窄的高斯分布出发，各找到哪座山？

# %%
with unless_todo():
    found = {}
    for std in (3.0, 0.5):
        means = []
        for iterations in range(9):
            landscape = Remember()
            mean = gradient_free.cross_entropy_method(
                landscape,
                np.array([-2.0, 1.0]),
                np.full(2, std),
                50,
                8,
                iterations,
                np.random.default_rng(0),
            )
            means.append(mean)
        found[std] = np.array(means), np.array(landscape.asked)
    _, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    for ax, (std, (means, asked)) in zip(axes, found.items()):
        draw_hills(ax, f"first std {std}")
        ax.scatter(*asked.T, s=8, c=range(len(asked)), cmap="Blues", vmin=-len(asked) / 2)
        ax.plot(*means.T, "o-", color="C1", label="mean")
        ax.legend()
        print(f"first std {std}: ends at {means[-1].round(2)}, height {hills(means[-1]):.2f}")

# %% [markdown]
# ## `genetic_search`
#
# The best individual after 0, 1, 2, … generations, and everyone who ever lived, the later the darker. Small
# mutations and large ones: who crosses the valley, who reaches the top?
#
# 第 0、1、2、… 代之后最好的个体，以及曾经出现的所有个体（越晚越深）。小变异与大变异：谁能越过山谷，谁能到达山顶？

# %%
with unless_todo():
    found = {}
    first = np.array([-2.0, 1.0]) + 0.5 * np.random.default_rng(1).standard_normal((30, 2))
    for mutation_std in (0.1, 0.8):
        bests = []
        for generations in range(21):
            landscape = Remember()
            best = gradient_free.genetic_search(
                landscape, first, 6, mutation_std, generations, np.random.default_rng(0)
            )
            bests.append(best)
        found[mutation_std] = np.array(bests), np.array(landscape.asked)
    _, axes = plt.subplots(1, 3, figsize=(14, 4.5), layout="constrained")
    for i, (ax, (mutation_std, (bests, asked))) in enumerate(zip(axes, found.items())):
        draw_hills(ax, f"mutation_std {mutation_std}")
        ax.scatter(*asked.T, s=8, c=range(len(asked)), cmap="Blues", vmin=-len(asked) / 2)
        ax.plot(*bests.T, "o-", color=f"C{i + 1}", label="best so far")
        ax.legend()
        heights = [hills(best) for best in bests]
        axes[2].plot(heights, color=f"C{i + 1}", label=f"mutation_std {mutation_std}")
    axes[2].set(xlabel="generation", ylabel="height of the best so far")
    axes[2].legend()
