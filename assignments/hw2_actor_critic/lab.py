# %% [markdown]
# # Homework 2: the lab · 作业二：实验
#
# A place to play with your own functions, one question after another. Run a cell with Shift+Enter; when you have
# changed `advantage.py` or `actor_critic.py`, save it and run the cell again. Nothing here is handed in or
# graded: change what you like.
#
# 在这里逐题试用你自己的函数。用 Shift+Enter 运行单元格；改动 `advantage.py` 或 `actor_critic.py` 之后保存，
# 再运行一次即可。这里的内容不提交、不评分，可以随意修改。

# %%
# %load_ext autoreload
# %autoreload 2
from contextlib import contextmanager

import matplotlib.pyplot as plt
import numpy as np
import torch

import actor_critic
import advantage

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
# ## A corridor · 一条走廊
#
# Nine states in a row; action 0 goes left, action 1 right. Leaving on the right pays 1, everything else 0, and γ
# = 0.95. The policy tosses a coin. Its true V and Q can be computed.
#
# 九个状态排成一行；动作 0 向左，动作 1 向右。从右端离开得 1，其余为 0，γ = 0.95。策略掷硬币。
# 它真实的 V 和 Q 可以算出。

# %%
S, GAMMA = 9, 0.95
states = torch.arange(S).repeat(2)  # each state with action 0, then each with action 1
actions = torch.arange(2).repeat_interleave(S)
goal = states + 2 * actions - 1
rewards = (goal == S).float()
terminated = (goal < 0) | (goal == S)
next_states = goal.clamp(0, S - 1)

TRUE_V = torch.zeros(S)
for _ in range(1000):  # Bellman's equation, until nothing moves any more
    TRUE_Q = rewards + GAMMA * torch.where(terminated, 0.0, TRUE_V[next_states])
    TRUE_V = TRUE_Q.view(2, S).mean(dim=0)
print("V =", TRUE_V)

# %% [markdown]
# ## `td_targets`
#
# Start with V = 0, and set V to the mean target of both actions, again and again. What is known about the exit
# walks to the left, a state at a time.
#
# 从 V = 0 开始，反复令 V 等于两个动作的平均目标。关于出口的知识一次向左传一个状态。

# %%
with unless_todo():
    V, sweeps = torch.zeros(S), {}
    for sweep in range(101):
        if sweep in (0, 1, 3, 10, 100):
            sweeps[sweep] = V
        targets = advantage.td_targets(rewards, V[next_states], terminated, GAMMA)
        V = targets.view(2, S).mean(dim=0)
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for sweep, values in sweeps.items():
        plt.plot(values, "o-", label=str(sweep))
    plt.plot(TRUE_V, "k--", label="true V")
    plt.xlabel("state")
    plt.ylabel("V")
    plt.legend(title="sweeps")

# %% [markdown]
# ## `td_advantages`
#
# Going left and going right in each state, judged by the true critic and by one that says ½ everywhere. When the
# critic is right, the two cancel. What does the poor critic still notice?
#
# 在每个状态向左与向右，分别由真实的评论家和一个处处说 ½ 的评论家来评判。评论家正确时，两者互相抵消。
# 差的评论家还能看出什么？

# %%
with unless_todo():
    critics = {"true V": TRUE_V, "V = ½ everywhere": torch.full((S,), 0.5)}
    judged = {
        name: advantage.td_advantages(rewards, V[states], V[next_states], terminated, GAMMA)
        for name, V in critics.items()
    }
    _, axes = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for ax, (name, A) in zip(axes, judged.items()):
        left, right = A.view(2, S)
        ax.bar(torch.arange(S) - 0.2, left, 0.4, label="left")
        ax.bar(torch.arange(S) + 0.2, right, 0.4, label="right")
        ax.axhline(0, color="k", linewidth=0.8)
        ax.set(title=name, xlabel="state", ylabel="advantage")
        ax.legend()

# %% [markdown]
# ## `q_advantages`
#
# Four actions, all of them worth something. Their advantages average to zero, but under which weights?
#
# 四个动作，各有价值。优势的平均为零，但用的是哪种权重？

# %%
with unless_todo():
    Q, logits = torch.tensor([5.0, 6.0, 8.0, 3.0]), torch.tensor([2.0, 1.0, 0.0, 0.0])
    policy = torch.softmax(logits, dim=-1)
    A = advantage.q_advantages(Q.repeat(4, 1), logits.repeat(4, 1), torch.arange(4))
    _, axes = plt.subplots(1, 3, figsize=(10, 3), layout="constrained")
    for i, (title, numbers) in enumerate({"π(a)": policy, "Q(a)": Q, "A(a)": A}.items()):
        axes[i].bar(range(4), numbers, color=f"C{i}")
        axes[i].set(title=title, xlabel="action", xticks=range(4))
    axes[1].axhline((Q - A)[0], color="k", linestyle="--", label="V")
    axes[1].legend(loc="lower left")
    axes[2].axhline(0, color="k", linewidth=0.8)
    print(f"mean of A under the policy {policy @ A:.4f}, plain mean {A.mean():.4f}")

# %% [markdown]
# ## `generalized_advantages`
#
# Bonus. Q of going right from the middle, estimated as A + V from one walk, with a critic that is off by a little
# everywhere. From λ = 0 (TD) to λ = 1 (Monte Carlo): what does each end pay for its virtue?
#
# 附加题。用一次游走的 A + V 估计从中间向右走的 Q；评论家处处有些误差。从 λ = 0（TD）到 λ = 1（蒙特卡罗）：
# 两端各有优点，代价是什么？

# %%
CRITIC = TRUE_V + 0.15 * torch.tensor([1.0, -1, 1, 1, -1, 1, 1, -1, 1])  # the imperfect critic
MIDDLE = S // 2


def walk(rng):
    """One episode that starts in the middle with a step to the right: indices into the tables above."""
    s, steps = MIDDLE, []
    while True:
        a = int(rng.random() < 0.5) if steps else 1
        steps.append(a * S + s)
        if terminated[steps[-1]]:
            return torch.tensor(steps)
        s = int(next_states[steps[-1]])


with unless_todo():
    rng, lambdas = np.random.default_rng(0), np.linspace(0, 1, 11)
    walks = [walk(rng) for _ in range(300)]
    bias, spread = [], []
    for lam in lambdas.tolist():
        estimates = []
        for i in walks:
            never = torch.zeros(len(i), dtype=torch.bool)
            A = advantage.generalized_advantages(
                rewards[i],
                CRITIC[states[i]],
                CRITIC[next_states[i]],
                terminated[i],
                never,
                GAMMA,
                lam,
            )
            estimates.append((A[0] + CRITIC[MIDDLE]).item())
        bias.append(abs(np.mean(estimates) - TRUE_Q[S + MIDDLE].item()))
        spread.append(np.std(estimates))
    plt.figure(figsize=(6, 3.6), layout="constrained")
    plt.plot(lambdas, bias, "o-", label="|bias|")
    plt.plot(lambdas, spread, "o-", label="standard deviation")
    plt.plot(lambdas, np.hypot(bias, spread), "k--", label="root mean square error")
    plt.xlabel("λ")
    plt.ylabel("error of the estimate of Q")
    plt.legend()

# %% [markdown]
# ## `actor_loss`
#
# Minus its gradient with respect to the logits, from batches of sampled actions, beside the exact ∇J = π (Q − V).
# Which actions are pushed up? How large must a batch be?
#
# 损失对 logits 的负梯度（由采样动作的批次得到），与精确的 ∇J = π (Q − V) 对比。哪些动作被推高？批次要多大？

# %%
Q, LOGITS = torch.tensor([5.0, 6.0, 8.0, 3.0]), torch.tensor([2.0, 1.0, 0.0, 0.0])
with unless_todo():
    policy = torch.softmax(LOGITS, dim=-1)
    A = Q - policy @ Q
    gradients, generator = {}, torch.Generator().manual_seed(0)
    for B in (10, 100, 10_000):
        logits = LOGITS.clone().requires_grad_()
        sampled = torch.multinomial(policy, B, replacement=True, generator=generator)
        loss = actor_critic.actor_loss(torch.log_softmax(logits, dim=-1)[sampled], A[sampled])
        gradients[f"B = {B:,}"] = -torch.autograd.grad(loss, logits)[0]
    gradients["exact"] = policy * A
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for i, (name, gradient) in enumerate(gradients.items()):
        colour = "k" if name == "exact" else f"C{i}"
        plt.bar(torch.arange(4) + 0.2 * (i - 1.5), gradient, 0.2, color=colour, label=name)
    plt.axhline(0, color="k", linewidth=0.8)
    plt.xticks(range(4), [f"action {a}\nA = {A[a]:.1f}" for a in range(4)])
    plt.ylabel("−∂L/∂logit")
    plt.legend()

# %% [markdown]
# ## `critic_loss`
#
# A table V learns the corridor by descending your loss. Targets r + γ V(s') are made from the same V, with their
# gradient left in: your loss must not let it through. The other curve is what becomes of V when it goes through.
#
# 用你的损失学习走廊上的表格 V。目标 r + γ V(s') 由同一个 V 算出，并保留了梯度：你的损失不应让它流过。
# 另一条曲线是让它流过时 V 的下场。

# %%


def learn_values(loss_of):
    V = torch.zeros(S, requires_grad=True)
    optimizer = torch.optim.Adam([V], lr=0.02)
    for _ in range(600):
        targets = rewards + GAMMA * torch.where(terminated, 0.0, V[next_states])
        optimizer.zero_grad()
        loss_of(V[states], targets).backward()
        optimizer.step()
    return V.detach()


with unless_todo():
    learnt = {
        "your critic_loss": learn_values(actor_critic.critic_loss),
        "gradient through the target": learn_values(torch.nn.functional.mse_loss),
    }
    plt.figure(figsize=(6, 3.6), layout="constrained")
    for name, values in learnt.items():
        plt.plot(values, "o-", label=name)
    plt.plot(TRUE_V, "k--", label="true V")
    plt.xlabel("state")
    plt.ylabel("V")
    plt.legend()

# %% [markdown]
# ## `SeparateActorCritic`
#
# Which parameters does each output train? Dark: it gets a gradient.
#
# 每个输出训练哪些参数？深色表示得到梯度。

# %%


def draw_who_trains_what(network):
    obs = torch.randn(16, 4)
    trained = []
    for output in (0, 1):
        network.zero_grad()
        network(obs)[output].square().sum().backward()
        grads = [p.grad for p in network.parameters()]
        trained.append([grad is not None and bool(grad.any()) for grad in grads])
    names = [f"{name} {tuple(p.shape)}" for name, p in network.named_parameters()]
    plt.figure(figsize=(6, 0.8 + 0.25 * len(names)), layout="constrained")
    plt.imshow(np.array(trained, dtype=float).T, cmap="Blues", vmin=0, vmax=1.3, aspect="auto")
    plt.xticks([0, 1], ["logits", "values"])
    plt.yticks(range(len(names)), names)
    plt.title(type(network).__name__)
    logits, values = network(obs)
    print("logits", tuple(logits.shape), "values", tuple(values.shape))


with unless_todo():
    draw_who_trains_what(actor_critic.SeparateActorCritic(4, 2, 32))

# %% [markdown]
# ## `SharedActorCritic`
#
# The same question: which rows are dark twice, and what may that do to a policy whose critic is still learning?
#
# 同样的问题：哪些行两次都是深色？当评论家还在学习时，这对策略有什么影响？

# %%
with unless_todo():
    draw_who_trains_what(actor_critic.SharedActorCritic(4, 2, 32))

# %% [markdown]
# ## `a2c_loss`
#
# A bandit with four arms, learnt with the whole loss and four entropy coefficients β. Dots: softmax(reward / β),
# where the bonus and the reward are in balance. What is β = 0 sure of after 300 steps, and is it a good idea to
# be so sure?
#
# 四臂老虎机，用完整的损失和四种熵系数 β 学习。圆点是 softmax(reward / β)，即奖励与熵平衡之处。
# β = 0 在 300 步后确信什么？这么确信好吗？

# %%
with unless_todo():
    ARMS, betas = torch.tensor([1.0, 0.9, 0.5, 0.0]), (0.0, 0.1, 0.3, 1.0)
    policies, entropies = {}, {}
    for beta in betas:
        generator = torch.Generator().manual_seed(3)
        logits = torch.zeros(4, requires_grad=True)
        value = torch.zeros(1, requires_grad=True)
        optimizer, entropies[beta] = torch.optim.Adam([logits, value], lr=0.05), []
        for _ in range(300):
            policy = torch.softmax(logits.detach(), dim=-1)
            entropies[beta].append(-(policy * policy.log()).sum().item())
            arms = torch.multinomial(policy, 32, replacement=True, generator=generator)
            pay = ARMS[arms] + 0.3 * torch.randn(32, generator=generator)
            loss = actor_critic.a2c_loss(
                logits.expand(32, 4), value.expand(32), arms, pay, 0.5, beta
            )
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        policies[beta] = torch.softmax(logits.detach(), dim=-1)
    _, (left, right) = plt.subplots(1, 2, figsize=(10, 3.6), layout="constrained")
    for i, beta in enumerate(betas):
        left.plot(entropies[beta], label=f"β = {beta}")
        places = torch.arange(4) + 0.2 * (i - 1.5)
        right.bar(places, policies[beta], 0.2, color=f"C{i}")
        if beta:
            right.plot(places, torch.softmax(ARMS / beta, dim=-1), "ko", markersize=4)
    left.set(xlabel="update", ylabel="entropy of the policy", ylim=(0, None))
    left.legend()
    right.set(ylabel="π(arm) in the end", xticks=range(4))
    right.set_xticklabels([f"arm {i}\npays {pay:.1f}" for i, pay in enumerate(ARMS.tolist())])
