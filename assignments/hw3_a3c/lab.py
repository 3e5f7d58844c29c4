# %% [markdown]
# # Homework 3: the lab · 作业三：实验
#
# A place to play with your own functions, one question after another. Run a cell with Shift+Enter; when you have
# changed `worker.py`, save it and run the cell again. Nothing here is handed in or graded: change what you like.
# Here all is done by one process, where each step can be watched; `python train.py` starts several.
#
# 在这里逐题试用你自己的函数。用 Shift+Enter 运行单元格；改动 `worker.py` 之后保存，再运行一次即可。
# 这里的内容不提交、不评分，可以随意修改。这里只有一个进程，便于逐步观察；多进程请运行 `python train.py`。

# %%
# %load_ext autoreload
# %autoreload 2
import multiprocessing
import queue
from contextlib import contextmanager

import gymnasium
import matplotlib.pyplot as plt
import numpy as np
import torch

import worker
from a3c_support import A3CConfig, ActorCritic, LSTMActorCritic, ReportEpisodes, SharedAdam

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
# ## `n_step_returns`
#
# Sixty steps with a reward now and then, cut into rollouts of t_max steps; behind each cut stands a critic who
# says ½ of everything. How long must a rollout be before the critic's ignorance no longer matters?
#
# 六十步，偶有奖励，切成长度为 t_max 的采样；每个切口之后，评论家一律估计为 ½。采样要多长，评论家的无知才不再要紧？

# %%
with unless_todo():
    torch.manual_seed(4)
    rewards, gamma = (torch.rand(60) < 0.12).float(), 0.95
    returns = {}
    for t_max in (1, 5, 20, 60):
        pieces = rewards.split(t_max)
        behind = [0.5] * (len(pieces) - 1) + [0.0]  # the last step terminates
        R = [worker.n_step_returns(piece, V, gamma) for piece, V in zip(pieces, behind)]
        returns[t_max] = torch.cat(R)
    plt.figure(figsize=(10, 3.6), layout="constrained")
    plt.bar(range(60), rewards, color="lightgrey", label="reward")
    for t_max, R in returns.items():
        style = "k--" if t_max == 60 else ".-"
        plt.plot(R, style, label=f"R, t_max = {t_max}" + " (the full return)" * (t_max == 60))
    plt.xlabel("step")
    plt.legend(fontsize="small")

# %% [markdown]
# ## `a3c_loss`
#
# How the gradient with respect to one number that every step shares (a bias of the critic, off by 1 everywhere)
# grows with the rollout, for the sum and for a mean. What does Algorithm S3 do when an episode ends after three
# steps?
#
# 所有步共享一个数（评论家的偏置，处处差 1）；损失对它的梯度如何随采样长度增长？求和与求平均有何不同？
# 若回合三步就结束，Algorithm S3 会怎样？

# %%
with unless_todo():
    lengths, slopes = range(1, 21), []
    for T in lengths:
        bias, zeros = torch.zeros(1, requires_grad=True), torch.zeros(T)
        loss = worker.a3c_loss(zeros, bias.expand(T), zeros, torch.ones(T), 1.0, 0.0)
        slopes.append(-torch.autograd.grad(loss, bias)[0].item())
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(lengths, slopes, "o-", label="your a3c_loss")
    plt.plot(lengths, [slope / T for slope, T in zip(slopes, lengths)], "o-", label="divided by T")
    plt.xlabel("T, steps of the rollout")
    plt.ylabel("−∂L/∂bias")
    plt.xticks(range(0, 21, 5))
    plt.legend()
    print(f"one step, R − V = 1: ∂(R − V)²/∂V = {-slopes[0]:g}; with a ½ it would be −1")

# %% [markdown]
# ## `copy_gradients`
#
# Two updates in a row. After each, the shared network must hold what the local one has *now*; and when the local
# one is cleared, the shared one must not notice.
#
# 连续两次更新。每次之后，共享网络应持有本地网络*此刻*的梯度；本地梯度清零时，共享网络不应受影响。

# %%
with unless_todo():
    local, shared = ActorCritic(4, 2, 8), ActorCritic(4, 2, 8)
    weights = [p.detach().clone() for p in shared.parameters()]

    def show(when):
        grads = [torch.cat([p.grad.flatten() for p in net.parameters()]) for net in (local, shared)]
        print(f"{when:>22}: local {grads[0][:4]}, shared {grads[1][:4]}")

    for update in ("first", "second"):
        local.zero_grad(set_to_none=False)
        logits, values = local(torch.randn(5, 4))
        (logits.sum() + values.sum()).backward()
        worker.copy_gradients(local, shared)
        show(f"after the {update} update")
    local.zero_grad(set_to_none=False)
    show("local one cleared")
    same = all(torch.equal(p, old) for p, old in zip(shared.parameters(), weights))
    print("the shared weights themselves stayed as they were:", same)

# %% [markdown]
# ## `A3CWorker`
#
# A worker plays CartPole, rollout by rollout: how far the counter T is, how long the rollout was, and what stood
# behind its last step.
#
# 一个 worker 逐段地玩 CartPole：计数器 T 到了多少，这段采样有多长，最后一步之后是什么。

# %%


def make_workers(n, config):
    """Workers of this one process that share a network, an optimizer and a counter."""
    torch.manual_seed(config.seed)
    shared = ActorCritic(4, 2, 128)
    optimizer, counter = SharedAdam(shared.parameters(), lr=3e-3), multiprocessing.Value("i", 0)
    finished = [queue.SimpleQueue() for _ in range(n)]
    return (
        counter,
        finished,
        [
            worker.A3CWorker(
                rank,
                shared,
                optimizer,
                ReportEpisodes(gymnasium.make("CartPole-v1"), finished[rank]),
                counter,
                config,
            )
            for rank in range(n)
        ],
    )


def finished_lengths(finished):
    return [finished.get()[1] for _ in range(finished.qsize())]


with unless_todo():
    counter, (finished,), (a3c,) = make_workers(1, A3CConfig(t_max=10))
    a3c.sync()
    rollouts, counts, ends = [], [], []
    for _ in range(25):
        rollouts.append(a3c.rollout())
        counts.append(counter.value)
        ends += [counter.value] * len(finished_lengths(finished))
    lengths = [len(rollout.rewards) for rollout in rollouts]
    starts = np.array(counts) - lengths
    bootstraps = [rollout.bootstrap_value for rollout in rollouts]
    for T, length, behind in zip(counts[:6], lengths, bootstraps):
        print(f"T = {T:>3}: {length:>2} steps, bootstrap_value {behind:.3f}")
    _, (top, bottom) = plt.subplots(2, 1, figsize=(10, 5), sharex=True, layout="constrained")
    top.bar(starts, lengths, lengths, align="edge", color="C0", edgecolor="white")
    top.set(ylabel="steps of the rollout", title="25 rollouts of at most 10 steps")
    bottom.plot(counts, bootstraps, "o", color="C1", label="bootstrap_value")
    bottom.axhline(0, color="k", linewidth=0.8)
    bottom.set(xlabel="T, environment steps", ylabel="bootstrap_value")
    for ax in (top, bottom):
        for end in ends:
            ax.axvline(end, color="C3", linestyle=":")
    bottom.plot([], [], color="C3", linestyle=":", label="an episode ends")
    bottom.legend()

# %% [markdown]
# Two workers in turn over one shared network: each episode is a dot, each worker a colour, the counter counts for
# both. Does one worker profit from what the other has seen? (In `train.py` nobody waits for his turn.)
#
# 两个 worker 轮流更新同一个共享网络：每个点是一个回合，每种颜色是一个 worker，计数器为两者共用。
# 一个能从另一个的经历中获益吗？（在 `train.py` 中谁也不必等待。）

# %%
with unless_todo():
    counter, finished, workers = make_workers(2, A3CConfig(seed=2))
    episodes = [([], []), ([], [])]
    while counter.value < 20_000:
        for rank, a3c in enumerate(workers):
            a3c.sync()
            a3c.update(a3c.rollout())
            for length in finished_lengths(finished[rank]):
                episodes[rank][0].append(counter.value)
                episodes[rank][1].append(length)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for rank, (when, lengths) in enumerate(episodes):
        plt.plot(when, lengths, ".", label=f"worker {rank}")
    plt.xlabel("T, environment steps of both")
    plt.ylabel("return of the episode")
    plt.legend()

# %% [markdown]
# ## `LSTMA3CWorker`
#
# Bonus. A world that always looks the same: only a memory can tell the steps apart. Values step by step, in
# episodes of 12 steps and rollouts of at most 5: where must the line go on, and where start again?
#
# 附加题。一个看上去永远一样的世界：只有记忆才能区分各步。每个回合 12 步，每段采样至多 5 步，逐步画出价值：
# 曲线在哪里应当延续，在哪里应当重新开始？

# %%


class Fog(gymnasium.Env):
    """Nothing to be seen, for 12 steps."""

    observation_space = gymnasium.spaces.Box(0.0, 1.0, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.ones(1, dtype=np.float32), {}

    def step(self, action):
        self.t += 1
        return np.ones(1, dtype=np.float32), 1.0, self.t == 12, False, {}


with unless_todo():
    seen = {}
    for network, worker_class in (
        (ActorCritic, worker.A3CWorker),
        (LSTMActorCritic, worker.LSTMA3CWorker),
    ):
        torch.manual_seed(1)
        shared = network(1, 2, 16)
        optimizer, counter = torch.optim.SGD(shared.parameters()), multiprocessing.Value("i", 0)
        a3c = worker_class(0, shared, optimizer, Fog(), counter, A3CConfig(t_max=5))
        a3c.sync()
        rollouts = [a3c.rollout() for _ in range(9)]
        seen[worker_class.__name__] = torch.cat([rollout.values.detach() for rollout in rollouts])
    plt.figure(figsize=(10, 3), layout="constrained")
    for name, values in seen.items():
        plt.plot(values - values[0], ".-", label=name)
    for end in (11.5, 23.5, 35.5):
        plt.axvline(end, color="C3", linestyle=":")
    plt.plot([], [], color="C3", linestyle=":", label="an episode ends")
    plt.xlabel("step")
    plt.ylabel("V − V of the first step")
    plt.legend()
