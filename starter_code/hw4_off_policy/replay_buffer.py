"""Batched A2C with a replay buffer, as the lecture first writes it and as it corrects it:

    python replay_buffer.py

An agent first wanders about at random on CliffWalking, then learns from everything it ever did. Two critics:

wrong      V(s) from r + γ V(s'), and the actions of the buffer in the policy gradient. V becomes the value of the
           policies that filled the buffer, not of the policy that learns.
corrected  Q(s, a) from r + γ Q(s', a'), with a' from the present policy (`q_targets`), and fresh actions in the policy
           gradient (`resampled_actor_loss`).

The world is small enough to compute the true value of the present policy. Draws replay_buffer.png.
"""

import argparse
import sys
from dataclasses import dataclass, fields

import gymnasium as gym
import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen

import matplotlib.pyplot as plt
import torch
from tqdm import tqdm

import off_policy

WORLD = next(name for name in ("CliffWalking-v1", "CliffWalking-v0") if name in gym.registry)
START = 36  # the lower left corner; the cliff lies between it and the goal
COLOURS = {"wrong": "tab:red", "corrected": "tab:blue"}


@dataclass
class Args:
    seed: int = 1  # of the first run
    runs: int = 3
    updates: int = 2000
    steps_per_update: int = 16
    random_steps: int = 5000  # of a uniform policy, before learning starts
    batch_size: int = 256
    gamma: float = 0.97
    learning_rate: float = 0.05


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for field in fields(Args):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=field.type, default=field.default)
    return Args(**vars(parser.parse_args()))


class World:
    """CliffWalking, to act in and to compute with. Tables: states × actions."""

    def __init__(self, seed):
        self.env = gym.make(WORLD)
        table = self.env.unwrapped.P
        self.n_states, self.n_actions = len(table), len(table[0])
        self.transitions = torch.zeros(self.n_states, self.n_actions, self.n_states)
        self.rewards = torch.zeros(self.n_states, self.n_actions)
        for s, of_state in table.items():
            for a, outcomes in of_state.items():
                for p, s_next, reward, terminated in outcomes:
                    self.rewards[s, a] += p * reward
                    self.transitions[s, a, s_next] += p * (not terminated)
        self.state, _ = self.env.reset(seed=seed)

    def step(self, a):
        """One transition (s, a, r, s', terminated)."""
        s = self.state
        s_next, reward, terminated, truncated, _ = self.env.step(a)
        self.state = self.env.reset()[0] if terminated or truncated else s_next
        return s, a, reward, s_next, terminated

    def value_of(self, policy, gamma):
        """V^π of every state, exactly: V = r_π + γ P_π V."""
        chain = torch.einsum("sa,sat->st", policy, self.transitions)
        reward = (policy * self.rewards).sum(dim=1)
        return torch.linalg.solve(torch.eye(self.n_states) - gamma * chain, reward)


class Buffer:
    """Everything that ever happened; nothing is forgotten."""

    def __init__(self, capacity):
        self.s, self.a, self.s_next = torch.zeros(3, capacity, dtype=torch.int64)
        self.r, self.terminated = torch.zeros(capacity), torch.zeros(capacity, dtype=torch.bool)
        self.size = 0

    def add(self, *transition):
        for column, entry in zip(
            (self.s, self.a, self.r, self.s_next, self.terminated), transition
        ):
            column[self.size] = entry
        self.size += 1

    def sample(self, n):
        i = torch.randint(self.size, (n,))
        return self.s[i], self.a[i], self.r[i], self.s_next[i], self.terminated[i]


def sample_actions(logits):
    return torch.distributions.Categorical(logits=logits.detach()).sample()


def wrong_losses(theta, critic, batch, gamma):
    """The lecture's batched A2C, steps 3 to 5. The critic is a table V (states, 1)."""
    s, a, r, s_next, terminated = batch
    targets = off_policy.q_targets(r, critic[s_next, 0], terminated, gamma)  # r + γ V(s')
    values = critic[s, 0]
    log_probs = torch.log_softmax(theta[s], dim=-1)[torch.arange(len(a)), a]
    actor_loss = -(log_probs * (targets - values.detach())).mean()
    return actor_loss, 0.5 * (targets - values).square().mean()


def corrected_losses(theta, critic, batch, gamma):
    """The corrected batched A2C, steps 3 to 5. The critic is a table Q (states, actions)."""
    s, a, r, s_next, terminated = batch
    a_next = sample_actions(theta[s_next])
    targets = off_policy.q_targets(r, critic[s_next, a_next], terminated, gamma)
    critic_loss = 0.5 * (targets - critic[s, a]).square().mean()
    fresh_actions = sample_actions(theta[s])
    return off_policy.resampled_actor_loss(theta[s], critic[s], fresh_actions), critic_loss


def train(kind, args, seed):
    """Returns environment steps, J(θ) = V^π(start) as it is, and V^π(start) as the critic believes."""
    torch.manual_seed(seed)
    world = World(seed)
    buffer = Buffer(args.random_steps + args.updates * args.steps_per_update)
    theta = torch.zeros(world.n_states, world.n_actions, requires_grad=True)
    n_values = world.n_actions if kind == "corrected" else 1
    critic = torch.zeros(world.n_states, n_values, requires_grad=True)
    losses = corrected_losses if kind == "corrected" else wrong_losses
    optimizer = torch.optim.Adam([theta, critic], lr=args.learning_rate)

    for a in torch.randint(world.n_actions, (args.random_steps,)).tolist():
        buffer.add(*world.step(a))
    steps, truth, belief = [], [], []
    for update in (bar := tqdm(range(args.updates), desc=f"{kind}, seed {seed}", unit="update")):
        policy = torch.softmax(theta.detach(), dim=-1)
        choices = torch.multinomial(policy, args.steps_per_update, replacement=True)
        for i in range(args.steps_per_update):
            buffer.add(*world.step(int(choices[world.state, i])))

        actor_loss, critic_loss = losses(theta, critic, buffer.sample(args.batch_size), args.gamma)
        optimizer.zero_grad()
        (actor_loss + critic_loss).backward()
        optimizer.step()

        if update % 20 == 0:
            policy = torch.softmax(theta.detach(), dim=-1)
            weights = policy[START] if kind == "corrected" else torch.ones(1)
            steps.append(buffer.size)
            truth.append(world.value_of(policy, args.gamma)[START].item())
            belief.append((weights * critic[START].detach()).sum().item())
            bar.set_postfix(J=f"{truth[-1]:.1f}", believed=f"{belief[-1]:.1f}")
    return steps, truth, belief


def best_possible(world, gamma):
    values = torch.zeros(world.n_states)
    for _ in range(1000):
        values = (world.rewards + gamma * world.transitions @ values).amax(dim=1)
    return values[START].item()


def main():
    args = parse_args()
    best = best_possible(World(args.seed), args.gamma)
    seeds = range(args.seed, args.seed + args.runs)
    try:
        runs = {kind: [train(kind, args, seed) for seed in seeds] for kind in COLOURS}
    except NotImplementedError as missing:
        sys.exit(f"This needs `{missing}`, which is not implemented yet. Fill in its TODO first.")

    figure, axes = plt.subplots(figsize=(7.5, 4.5))
    for kind, curves in runs.items():
        for i, (steps, truth, belief) in enumerate(curves):
            labels = (
                (f"{kind}: J(θ)", f"{kind}: J(θ) as the critic believes")
                if i == 0
                else (None, None)
            )
            axes.plot(steps, truth, color=COLOURS[kind], label=labels[0])
            axes.plot(steps, belief, color=COLOURS[kind], linestyle=":", label=labels[1])
        truths, beliefs = ([curve[which][-1] for curve in curves] for which in (1, 2))
        print(
            f"{kind:>9}: J(θ) {rounded(truths)}, believed {rounded(beliefs)}; best possible {best:.1f}"
        )
    axes.axhline(best, color="grey", linestyle="--", label="best possible")
    axes.set(xlabel="environment steps", ylabel="J(θ), value of the start state", ylim=(-120, 0))
    axes.set(title=f"A2C with a replay buffer on {WORLD}, {args.runs} runs each")
    axes.legend(loc="lower right")
    axes.grid(alpha=0.3)
    figure.savefig("replay_buffer.png", dpi=150, bbox_inches="tight")
    print("See replay_buffer.png.")


def rounded(numbers):
    return ", ".join(f"{number:.1f}" for number in numbers)


if __name__ == "__main__":
    main()
