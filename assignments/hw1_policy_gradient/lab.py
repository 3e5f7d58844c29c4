# %% [markdown]
# # Homework 1: the lab · 作业一：实验
#
# A place to play with your own functions, one question after another. Run a cell with Shift+Enter; when you have
# changed `policy_gradient.py` or `baseline.py`, save it and run the cell again. Nothing here is handed in or
# graded: change what you like.
#
# 在这里逐题试用你自己的函数。用 Shift+Enter 运行单元格；改动 `policy_gradient.py` 或 `baseline.py` 之后保存，
# 再运行一次即可。这里的内容不提交、不评分，可以随意修改。

# %%
# %load_ext autoreload
# %autoreload 2
from contextlib import contextmanager

import matplotlib.pyplot as plt
import torch

import baseline
import policy_gradient

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
# ## `action_log_probs`
#
# Two actions whose preferences are h and 0. What the textbook formula makes of large h in float32, and what yours
# does.
#
# 两个动作，偏好分别为 h 和 0。比较教科书公式与你的函数在 float32 下遇到很大的 h 时的结果。

# %%
with unless_todo():
    h = torch.linspace(-150, 150, 301)
    logits = torch.stack([h, torch.zeros_like(h)], dim=-1)
    yours = policy_gradient.action_log_probs(logits, torch.zeros(301, dtype=torch.int64))
    textbook = torch.log(logits.exp()[:, 0] / logits.exp().sum(dim=-1))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(h, yours, linewidth=3, label="yours")
    plt.plot(h, textbook, "--", label="log(exp h / (exp h + 1)), where it is a number")
    plt.xlabel("h")
    plt.ylabel("log π")
    plt.legend()
    for size in (1e2, 1e4):
        huge = torch.tensor([[size, 0.0, -size]]).repeat(3, 1)
        print(f"{size:g}:", policy_gradient.action_log_probs(huge, torch.arange(3)).tolist())

# %% [markdown]
# ## `trajectory_returns`
#
# Ten steps that pay 1 each, and whatever stands in the padding. How far does each γ see?
#
# 十步，每步奖励为 1；填充处是什么都无所谓。不同的 γ 能看多远？

# %%
with unless_todo():
    rewards, mask = torch.ones(1, 10), torch.ones(1, 10, dtype=torch.bool)
    gammas = torch.linspace(0, 1, 51).tolist()
    returns = [policy_gradient.trajectory_returns(rewards, mask, g).item() for g in gammas]
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(gammas, returns)
    plt.xlabel("γ")
    plt.ylabel("R(τ)")
    mask[:, 4:] = False
    for padding in (0.0, 1e6):
        rewards[:, 4:] = padding
        R = policy_gradient.trajectory_returns(rewards, mask, 1.0).item()
        print(f"four real steps, padded with {padding:g}: R = {R}")

# %% [markdown]
# ## `rewards_to_go`
#
# Three rewards in thirty steps. Each step is credited with what comes after it; γ decides how long a reward is
# seen coming.
#
# 三十步中有三次奖励。每一步得到的是它之后的奖励；γ 决定一个奖励提前多久被看见。

# %%
with unless_todo():
    rewards, mask = torch.zeros(1, 30), torch.ones(1, 30, dtype=torch.bool)
    rewards[0, [9, 14, 27]] = torch.tensor([1.0, -1.0, 2.0])
    to_go = {g: policy_gradient.rewards_to_go(rewards, mask, g)[0] for g in (1.0, 0.9, 0.5)}
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.bar(range(30), rewards[0], color="lightgrey", label="reward")
    for gamma, G in to_go.items():
        plt.plot(range(30), G, ".-", label=f"reward-to-go, γ = {gamma}")
    plt.axhline(0, color="k", linewidth=0.8)
    plt.xlabel("t")
    plt.legend(fontsize="small")

# %% [markdown]
# ## A game whose gradient is known · 梯度已知的游戏
#
# At each of T = 5 steps one of two lamps shines, and one of two buttons is pressed. At lamp 0 button 0 is the
# better one, at lamp 1 button 1, and luck plays a part. The policy is a table θ of preferences, one row a lamp.
# J(θ) and ∇J(θ) can be computed.
#
# 共 T = 5 步，每步亮起两盏灯之一，按下两个按钮之一。灯 0 亮时按钮 0 更好，灯 1 亮时按钮 1 更好，还有一点运气。
# 策略是偏好表 θ，每盏灯一行。J(θ) 与 ∇J(θ) 都能精确算出。

# %%
T = 5
PAY = torch.tensor([[2.0, 1.0], [1.0, 3.0]])  # lamp, button
THETA = torch.tensor([[1.0, 0.0], [1.0, 0.0]])  # likes button 0, whatever shines


def J(theta):
    return T * (torch.softmax(theta, dim=-1) * PAY).sum(dim=-1).mean()


def exact_gradient(theta):
    theta = theta.clone().requires_grad_()
    return torch.autograd.grad(J(theta), theta)[0]


def play(theta, N, generator):
    """Lamps, buttons and rewards of N games, each (N, T)."""
    lamps = torch.randint(2, (N, T), generator=generator)
    buttons = (
        torch.rand(N, T, generator=generator) < torch.softmax(theta, dim=-1)[lamps, 1]
    ).long()
    rewards = PAY[lamps, buttons] + 0.5 * torch.randn(N, T, generator=generator)
    return lamps, buttons, rewards


def estimate(theta, N, weights_of, generator):
    """An estimate of ∇J from N games; `weights_of` turns rewards and mask into the weights."""
    theta = theta.clone().requires_grad_()
    lamps, buttons, rewards = play(theta.detach(), N, generator)
    mask = torch.ones(N, T, dtype=torch.bool)
    log_probs = policy_gradient.action_log_probs(theta[lamps], buttons)
    loss = policy_gradient.policy_gradient_loss(log_probs, weights_of(rewards, mask), mask)
    return -torch.autograd.grad(loss, theta)[0]


def total_return(rewards, mask):
    return policy_gradient.trajectory_returns(rewards, mask, 1.0).unsqueeze(1).expand_as(rewards)


def reward_to_go(rewards, mask):
    return policy_gradient.rewards_to_go(rewards, mask, 1.0)


WEIGHTS = {"total return": total_return, "reward-to-go": reward_to_go}  # more will follow


def estimates(weights_of, repeats):
    """∇J, estimated again and again from 20 games."""
    generator = torch.Generator().manual_seed(0)
    return torch.stack([estimate(THETA, 20, weights_of, generator) for _ in range(repeats)])


def draw_estimates(choices):
    """∂J/∂θ[1, 1] as it comes out with each choice of weights."""
    seen = {name: estimates(weights_of, 600)[:, 1, 1] for name, weights_of in choices.items()}
    plt.figure(figsize=(6, 3.6), layout="constrained")
    bins = torch.linspace(-4, 6, 51).tolist()
    for i, (name, values) in enumerate(seen.items()):
        plt.hist(values.tolist(), bins, alpha=0.5, color=f"C{i}", label=name)
        plt.axvline(values.mean(), color=f"C{i}")
        print(f"{name:>14}: mean {values.mean():.3f}, standard deviation {values.std():.3f}")
    plt.axvline(exact_gradient(THETA)[1, 1], color="k", linestyle="--", label="exact")
    plt.xlabel("estimate of ∂J/∂θ[1, 1] from 20 games")
    plt.ylabel("how often, of 600")
    plt.legend(fontsize="small")


print(f"J = {J(THETA):.2f}")
print("∇J =", exact_gradient(THETA))

# %% [markdown]
# ## `policy_gradient_loss`
#
# Minus its gradient is an estimate of ∇J, right on average with the total return as with the reward-to-go: but
# how far off is a single one?
#
# 损失的负梯度是 ∇J 的估计。用总回报或从当前步起的回报，平均都正确；但单独一次估计会差多少？

# %%
with unless_todo():
    draw_estimates({"total return": total_return, "reward-to-go": reward_to_go})

# %% [markdown]
# Descending the loss climbs J: eight runs each, and their mean. The dashed line climbs the exact gradient.
#
# 损失下降，J 就上升：各八次，粗线是平均。虚线沿精确梯度上升。

# %%
with unless_todo():

    def climb(gradient_at):
        """J on the way up."""
        theta, way = THETA, []
        for _ in range(61):
            way.append(J(theta))
            theta = theta + 0.2 * gradient_at(theta)
        return torch.stack(way)

    climbs = {}
    for name in ("total return", "reward-to-go"):
        climbs[name] = []
        for run in range(8):
            generator = torch.Generator().manual_seed(run)
            climbs[name].append(climb(lambda theta: estimate(theta, 20, WEIGHTS[name], generator)))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for i, (name, runs) in enumerate(climbs.items()):
        plt.plot(torch.stack(runs, dim=1), color=f"C{i}", linewidth=0.6, alpha=0.6)
        plt.plot(torch.stack(runs).mean(dim=0), color=f"C{i}", linewidth=2, label=name)
    plt.plot(climb(exact_gradient), "k--", label="exact gradient")
    plt.xlabel("update")
    plt.ylabel("J(θ)")
    plt.legend(fontsize="small")

# %% [markdown]
# ## `batch_mean_baseline`
#
# Every game earns something, so every button pressed looks good. Minus the mean, the mean of the estimates stays
# where it was and their spread shrinks. (Look closely: it moves by the fraction 1/N, for b is made of the very
# returns it judges.)
#
# 每一局都有收入，于是按过的每个按钮看起来都好。减去平均值后，估计的均值不变，而方差变小。（仔细看：均值缩小了 1/N，
# 因为 b 就是由被评判的回报算出的。）


# %%
def minus_the_mean(rewards, mask):
    returns = policy_gradient.trajectory_returns(rewards, mask, 1.0)
    return (returns - baseline.batch_mean_baseline(returns)).unsqueeze(1).expand_as(rewards)


with unless_todo():
    draw_estimates({"total return": total_return, "minus the mean": minus_the_mean})
    WEIGHTS["minus the mean"] = minus_the_mean

# %% [markdown]
# ## `RunningMeanBaseline`
#
# Returns that rise while the policy learns. The mean of all of them lags behind: what does R − b look like at the
# end?
#
# 随着策略改进，回报不断上升。历史平均值落在后面：到最后 R − b 会是什么样子？

# %%
with unless_todo():
    torch.manual_seed(0)
    level = 100 / (1 + torch.exp(-(torch.arange(40.0) - 15) / 4))
    batches = level.unsqueeze(1) + 10 * torch.randn(40, 8)
    running, b = baseline.RunningMeanBaseline(), []
    for returns in batches:
        b.append(running.value)
        running.update(returns)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(batches, ".", color="lightgrey")
    plt.plot([], [], ".", color="lightgrey", label="returns, 8 a batch")
    plt.plot(batches.mean(dim=1), label="mean of the batch")
    plt.plot(b, label="running mean, before the batch")
    plt.xlabel("batch")
    plt.ylabel("return")
    plt.legend()
    print(f"in the end {running.value:.3f}; the mean of all returns is {batches.mean():.3f}")

# %% [markdown]
# ## `value_baseline_loss`
#
# One number V(t) a step, fitted to the rewards-to-go. They have a long way to go at the start and nothing at the
# end: a constant baseline can't know that.
#
# 每一步一个数 V(t)，用它拟合从当前步起的回报。开始时还有很多，最后什么也不剩：常数基线不知道这一点。

# %%
with unless_todo():
    _, _, rewards = play(THETA, 200, torch.Generator().manual_seed(1))
    mask = torch.ones(200, T, dtype=torch.bool)
    targets = policy_gradient.rewards_to_go(rewards, mask, 1.0)
    V = torch.zeros(T, requires_grad=True)
    optimizer, fits = torch.optim.SGD([V], lr=1.0), {}
    for update in range(61):
        if update in (0, 5, 60):
            fits[update] = V.detach().clone()
        loss = baseline.value_baseline_loss(V.expand(200, T), targets, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    WEIGHTS["reward-to-go minus V"] = lambda rewards, mask: reward_to_go(rewards, mask) - V.detach()
    plt.figure(figsize=(6, 3.6), layout="constrained")
    steps = torch.arange(T).expand(200, T) + 0.2 * (torch.rand(200, T) - 0.5)
    plt.plot(steps.flatten(), targets.flatten(), ".", color="lightgrey", label="rewards-to-go")
    for update, fit in fits.items():
        plt.plot(range(T), fit, "o-", label=f"V after {update} updates")
    plt.xlabel("t")
    plt.legend(fontsize="small")

# %% [markdown]
# ## `optimal_baseline`
#
# Bonus. How the variance of the estimate depends on a constant b, from 5,000 games. Your b* is at the bottom; is
# the mean of the returns far from it?
#
# 附加题。5,000 局中，估计的方差如何随常数 b 变化。你的 b* 在最低处；回报的平均值离它远吗？

# %%
with unless_todo():
    lamps, buttons, rewards = play(THETA, 5000, torch.Generator().manual_seed(2))
    returns = rewards.sum(dim=1)
    pressed = torch.nn.functional.one_hot(buttons, 2) - torch.softmax(THETA, dim=-1)[lamps]
    shone = torch.nn.functional.one_hot(lamps, 2).float()
    scores = torch.einsum("ntl,ntb->nlb", shone, pressed).flatten(1)  # Σ_t ∇log π of each game
    best = baseline.optimal_baseline(scores.square().sum(dim=1), returns)
    WEIGHTS["minus b*"] = lambda rewards, mask: total_return(rewards, mask) - best
    bs = torch.linspace(0, 16, 65)
    variances = torch.stack([((returns - b).unsqueeze(1) * scores).var(dim=0).sum() for b in bs])
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(bs, variances)
    plt.axvline(best, color="C1", label=f"your b* = {best:.2f}")
    plt.axvline(returns.mean(), color="C2", linestyle="--", label=f"mean = {returns.mean():.2f}")
    plt.xlabel("b")
    plt.ylabel("variance of (R − b) Σ ∇log π")
    plt.ylim(bottom=0)
    plt.legend()

# %% [markdown]
# **All together · 放在一起。** The noise of an estimate with each choice of weights: what does each idea remove?
#
# 每种权重下估计的噪声：每个想法各去掉了什么？

# %%
with unless_todo():
    spread = {name: estimates(f, 300).std(dim=0).norm().item() for name, f in WEIGHTS.items()}
    plt.figure(figsize=(6, 3), layout="constrained")
    plt.barh(list(spread), list(spread.values()), color=[f"C{i}" for i in range(len(spread))])
    plt.gca().invert_yaxis()
    plt.xlabel("standard deviation of an estimate of ∇J from 20 games")
