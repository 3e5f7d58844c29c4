"""REINFORCE on CartPole-v1, learning with your functions.

    python train.py                      # batch mean as baseline
    python train.py --baseline none      # none | mean | running | value
    python train.py --compare            # all four, several seeds, one picture

Each run leaves its learning curve (curve.png, curve.csv) and its settings (config.json) in runs/.
Read it from `train` downwards: it follows the three steps of REINFORCE in the lecture.
"""

import argparse
import csv
import json
import platform
import sys
import time
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import gymnasium as gym
import numpy as np
import torch
from matplotlib.figure import Figure
from torch import nn
from tqdm import tqdm

import baseline as student_baseline
import policy_gradient as student

BASELINES = ("none", "mean", "running", "value")
SOLVED = 475.0  # mean return at which CartPole-v1 counts as solved


@dataclass
class Args:
    """The settings of a run; each is also an option of the command line."""

    baseline: str = "mean"
    """none: weight R(τ) · mean: R(τ) − mean of the batch · running: R(τ) − mean of all returns
    so far · value: reward-to-go − V(s), V a second network"""
    seed: int = 1
    iterations: int = 150
    """at most this many gradient steps; the run stops earlier when CartPole is solved"""
    trajectories: int = 16
    """N, trajectories a gradient step"""
    gamma: float = 0.99
    learning_rate: float = 0.01
    hidden: int = 64
    evaluation_episodes: int = 100
    compare: bool = False
    """run every baseline with several seeds and draw them together"""
    compare_seeds: int = 3
    compare_iterations: int = 60
    runs: str = "runs"
    """folder for the results"""


@dataclass
class Batch:
    """N trajectories padded to T steps."""

    observations: torch.Tensor  # (N, T, obs_dim)
    actions: torch.Tensor  # (N, T) int64
    rewards: torch.Tensor  # (N, T)
    mask: torch.Tensor  # (N, T) bool, True on real steps


def network(obs_dim: int, outputs: int, hidden: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(obs_dim, hidden), nn.Tanh(), nn.Linear(hidden, outputs))


@torch.no_grad()
def collect(policy: nn.Module, envs: list[gym.Env], greedy: bool = False) -> Batch:
    """Play one episode in every environment, side by side, so that the network acts in batches."""
    N, T = len(envs), envs[0].spec.max_episode_steps
    obs_dim = envs[0].observation_space.shape[0]
    observations = np.zeros((N, T, obs_dim), dtype=np.float32)
    actions = np.zeros((N, T), dtype=np.int64)
    rewards = np.zeros((N, T), dtype=np.float32)
    mask = np.zeros((N, T), dtype=bool)

    current = np.stack([env.reset()[0] for env in envs]).astype(np.float32)
    alive = np.arange(N)
    for t in range(T):
        logits = policy(torch.from_numpy(current[alive]))
        noise = 0.0 if greedy else -torch.empty_like(logits).exponential_().log()
        chosen = (logits + noise).argmax(dim=1).numpy()  # Gumbel's trick: a sample of the softmax
        observations[alive, t], actions[alive, t], mask[alive, t] = current[alive], chosen, True
        goes_on = np.ones(len(alive), dtype=bool)
        for i, (n, action) in enumerate(zip(alive, chosen, strict=True)):
            current[n], rewards[n, t], terminated, truncated, _ = envs[n].step(action)
            goes_on[i] = not (terminated or truncated)
        alive = alive[goes_on]
        if len(alive) == 0:
            break

    T = t + 1  # as long as the longest episode
    return Batch(*(torch.from_numpy(x[:, :T]) for x in (observations, actions, rewards, mask)))


def train(args: Args) -> tuple[nn.Module, list[float]]:
    """Learn a policy. Returns it and its curve: the mean undiscounted return of each batch."""
    torch.manual_seed(args.seed)
    envs = [gym.make("CartPole-v1") for _ in range(args.trajectories)]
    for i, env in enumerate(envs):
        env.reset(seed=1000 * args.seed + i)
    obs_dim, n_actions = envs[0].observation_space.shape[0], int(envs[0].action_space.n)
    policy = network(obs_dim, n_actions, args.hidden)
    critic = network(obs_dim, 1, args.hidden)
    optimizer = torch.optim.Adam(policy.parameters(), lr=args.learning_rate)
    critic_optimizer = torch.optim.Adam(critic.parameters(), lr=args.learning_rate)
    running = student_baseline.RunningMeanBaseline() if args.baseline == "running" else None

    curve: list[float] = []
    progress = tqdm(range(args.iterations), desc=f"{args.baseline}, seed {args.seed}", unit="batch")
    for _ in progress:
        # 1. sample trajectories with the current policy
        batch = collect(policy, envs)

        # 2. how good was each action: (N, T) weights
        if args.baseline == "value":
            weights = student.rewards_to_go(batch.rewards, batch.mask, args.gamma)
            values = critic(batch.observations).squeeze(-1)
            critic_loss = student_baseline.value_baseline_loss(values, weights, batch.mask)
            critic_optimizer.zero_grad()
            critic_loss.backward()
            critic_optimizer.step()
            weights = weights - values.detach()
        else:
            returns = student.trajectory_returns(batch.rewards, batch.mask, args.gamma)
            b = torch.zeros_like(returns)
            if args.baseline == "mean":
                b = student_baseline.batch_mean_baseline(returns)
            if args.baseline == "running":
                b = b + running.value
                running.update(returns)
            weights = (returns - b).unsqueeze(1).expand_as(batch.rewards)

        # 3. climb the gradient
        log_probs = student.action_log_probs(policy(batch.observations), batch.actions)
        loss = student.policy_gradient_loss(log_probs, weights, batch.mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        curve.append((batch.rewards * batch.mask).sum(dim=1).mean().item())
        progress.set_postfix(mean_return=f"{curve[-1]:.0f}")
        if not args.compare and min(curve[-3:]) >= SOLVED and len(curve) >= 3:
            progress.close()
            break
    return policy, curve


def evaluate(policy: nn.Module, episodes: int, seed: int) -> float:
    """Mean return of the greedy policy over fresh episodes."""
    envs = [gym.make("CartPole-v1") for _ in range(episodes)]
    for i, env in enumerate(envs):
        env.reset(seed=1_000_000 + 1000 * seed + i)
    return collect(policy, envs, greedy=True).rewards.sum(dim=1).mean().item()


def save(folder: Path, args: Args, curves: dict[str, list[list[float]]], results: dict) -> None:
    """Write config.json, curve.csv and curve.png. `curves`: one list of runs a label."""
    folder.mkdir(parents=True, exist_ok=True)
    versions = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "gymnasium": gym.__version__,
    }
    config = {"args": asdict(args), "results": results, "versions": versions}
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    with open(folder / "curve.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["baseline", "run", "iteration", "mean_return"])
        for label, runs in curves.items():
            for run, curve in enumerate(runs):
                rows.writerows([label, run, i, f"{y:.2f}"] for i, y in enumerate(curve))

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for label, runs in curves.items():
        shortest = min(map(len, runs))
        stacked = np.array([curve[:shortest] for curve in runs])
        (line,) = axes.plot(stacked.mean(axis=0), label=label)
        if len(runs) > 1:
            low, high = stacked.min(axis=0), stacked.max(axis=0)
            axes.fill_between(range(shortest), low, high, alpha=0.15, color=line.get_color())
    axes.axhline(SOLVED, color="grey", linestyle="--", linewidth=1, label=f"solved ({SOLVED:.0f})")
    axes.set(xlabel="gradient step", ylabel="mean return of the batch", title="REINFORCE, CartPole")
    axes.legend(title="baseline")
    figure.savefig(folder / "curve.png", dpi=120)


def main(args: Args) -> None:
    torch.set_num_threads(1)  # the networks are tiny: more threads only wait for each other
    started = time.perf_counter()
    folder = Path(args.runs) / ("compare" if args.compare else f"{args.baseline}-seed{args.seed}")
    if args.compare:
        curves: dict[str, list[list[float]]] = {}
        for name in BASELINES:
            for seed in range(args.seed, args.seed + args.compare_seeds):
                changes = {"baseline": name, "seed": seed, "iterations": args.compare_iterations}
                curves.setdefault(name, []).append(train(Args(**(asdict(args) | changes)))[1])
        results = {name: float(np.mean([c[-5:] for c in runs])) for name, runs in curves.items()}
        for name, value in results.items():
            print(f"{name:>8}: mean return {value:5.1f} over the last 5 batches")
    else:
        policy, curve = train(args)
        curves = {args.baseline: [curve]}
        score = evaluate(policy, args.evaluation_episodes, args.seed)
        results = {"evaluation": score, "gradient_steps": len(curve)}
        verdict = "solved" if score >= SOLVED else f"not solved yet ({SOLVED:.0f} is)"
        print(
            f"Mean return over {args.evaluation_episodes} fresh episodes: {score:.1f}, {verdict}."
        )
    save(folder, args, curves, results)
    print(f"{time.perf_counter() - started:.0f} s; curve and settings: {folder}")


def parse_args() -> Args:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for field in fields(Args):
        option = "--" + field.name.replace("_", "-")
        if field.type is bool:
            parser.add_argument(option, action="store_true")
        else:
            choices = BASELINES if field.name == "baseline" else None
            parser.add_argument(option, type=field.type, default=field.default, choices=choices)
    return Args(**vars(parser.parse_args()))


if __name__ == "__main__":
    try:
        main(parse_args())
    except NotImplementedError as unfinished:
        sys.exit(f"\n{unfinished} is not implemented yet: fill in its TODO, then train again.")
