"""Train an advantage actor-critic (A2C) on CartPole-v1 with your own functions.

    python train.py                     # one trunk, two heads (the lecture's scheme two)
    python train.py --network separate  # two networks (scheme one)
    python train.py --gae-lambda 0.95   # with your generalized_advantages (bonus)

Writes runs/<name>/: learning_curve.png, learning_curve.csv and config.json.
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
import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import tqdm

import actor_critic
import advantage

OBS_DIM, N_ACTIONS = 4, 2  # of CartPole-v1
WINDOW = 20  # episodes that the learning curve averages over


@dataclass
class Args:
    network: str = "shared"  # shared or separate
    seed: int = 1
    total_steps: int = 400_000  # environment steps at most; stops earlier when solved
    n_envs: int = 8
    n_steps: int = 16  # steps of every environment between two updates
    gamma: float = 0.99
    gae_lambda: float = 0.0  # 0: one-step TD advantages; above 0: GAE(λ)
    hidden: int = 64
    learning_rate: float = 3e-3
    value_coef: float = 1.0  # shared network only
    entropy_coef: float = 0.01  # shared network only
    max_grad_norm: float = 0.5
    solved_at: float = 475.0  # mean return of the evaluation
    eval_episodes: int = 100


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for field in fields(Args):
        choices = ["shared", "separate"] if field.name == "network" else None
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=field.type, default=field.default, choices=choices)
    return Args(**vars(parser.parse_args()))


def to_tensor(array):
    return torch.as_tensor(np.asarray(array), dtype=torch.float32)


@torch.no_grad()
def evaluate(network, episodes, seed):
    """The mean return of the greedy policy over fresh episodes, all played side by side."""
    envs = [gym.make("CartPole-v1") for _ in range(episodes)]
    obs = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(envs)])
    returns, alive = np.zeros(episodes), np.ones(episodes, dtype=bool)
    while alive.any():
        logits, _ = network(to_tensor(obs))
        actions = logits.argmax(dim=-1).tolist()
        for i in np.flatnonzero(alive):
            obs[i], reward, terminated, truncated, _ = envs[i].step(actions[i])
            returns[i] += reward
            alive[i] = not (terminated or truncated)
    return returns.mean()


class Sampler:
    """Several copies of the environment that the current policy acts in, step by step."""

    def __init__(self, n_envs, seed):
        self.envs = [gym.make("CartPole-v1") for _ in range(n_envs)]
        self.obs = np.stack([env.reset(seed=seed + i)[0] for i, env in enumerate(self.envs)])
        self.returns = np.zeros(n_envs)
        self.finished = []  # returns of the episodes that ended, in the order they ended

    @torch.no_grad()
    def rollout(self, network, n_steps):
        """n_steps transitions of every environment: a dict of tensors (n_steps, n_envs, ...)."""
        steps = []
        for _ in range(n_steps):
            logits, _ = network(to_tensor(self.obs))
            actions = torch.distributions.Categorical(logits=logits).sample()
            obs, next_obs = self.obs.copy(), self.obs.copy()
            rewards, ends = [], []
            for i, env in enumerate(self.envs):
                next_obs[i], reward, terminated, truncated, _ = env.step(int(actions[i]))
                rewards.append(reward)
                ends.append((terminated, truncated))
                self.returns[i] += reward
                self.obs[i] = next_obs[i]
                if terminated or truncated:
                    self.finished.append(self.returns[i])
                    self.returns[i] = 0.0
                    self.obs[i], _ = env.reset()
            terminated, truncated = torch.tensor(ends).unbind(dim=-1)
            steps.append(
                {
                    "obs": to_tensor(obs),
                    "next_obs": to_tensor(next_obs),
                    "actions": actions,
                    "rewards": to_tensor(rewards),
                    "terminated": terminated,
                    "truncated": truncated,
                }
            )
        return {key: torch.stack([step[key] for step in steps]) for key in steps[0]}


def targets_and_advantages(network, batch, args):
    """What the critic is pulled to and how good each action was, both (n_steps · n_envs,)."""
    rewards, terminated = batch["rewards"].flatten(), batch["terminated"].flatten()
    obs, next_obs = batch["obs"].flatten(0, 1), batch["next_obs"].flatten(0, 1)
    with torch.no_grad():
        values, next_values = network(obs)[1], network(next_obs)[1]
    if args.gae_lambda == 0:
        targets = advantage.td_targets(rewards, next_values, terminated, args.gamma)
        advantages = advantage.td_advantages(rewards, values, next_values, terminated, args.gamma)
        return targets, advantages
    streams = [
        advantage.generalized_advantages(
            batch["rewards"][:, i],
            values.view_as(batch["rewards"])[:, i],
            next_values.view_as(batch["rewards"])[:, i],
            batch["terminated"][:, i],
            batch["truncated"][:, i],
            args.gamma,
            args.gae_lambda,
        )
        for i in range(args.n_envs)
    ]
    advantages = torch.stack(streams, dim=1).flatten()
    return advantages + values, advantages


def train(args):
    """A2C until the greedy policy earns `solved_at`. Returns the network and its learning curve."""
    torch.manual_seed(args.seed)
    networks = {
        "shared": actor_critic.SharedActorCritic,
        "separate": actor_critic.SeparateActorCritic,
    }
    network = networks[args.network](OBS_DIM, N_ACTIONS, args.hidden)
    optimizer = torch.optim.Adam(network.parameters(), lr=args.learning_rate)
    sampler = Sampler(args.n_envs, args.seed)
    curve, next_evaluation = [], 0

    with tqdm(total=args.total_steps, unit="step", desc=f"A2C, {args.network}") as bar:
        while bar.n < args.total_steps:
            batch = sampler.rollout(network, args.n_steps)
            targets, advantages = targets_and_advantages(network, batch, args)
            obs, actions = batch["obs"].flatten(0, 1), batch["actions"].flatten()
            logits, values = network(obs)

            if args.network == "shared":  # one network, one loss
                loss = actor_critic.a2c_loss(
                    logits, values, actions, targets, args.value_coef, args.entropy_coef
                )
            else:  # the two losses touch different parameters
                log_probs = torch.distributions.Categorical(logits=logits).log_prob(actions)
                loss = actor_critic.actor_loss(log_probs, advantages)
                loss = loss + actor_critic.critic_loss(values, targets)

            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), args.max_grad_norm)
            optimizer.step()

            bar.update(args.n_steps * args.n_envs)
            if not sampler.finished:
                continue
            mean_return = float(np.mean(sampler.finished[-WINDOW:]))
            curve.append((bar.n, mean_return))
            bar.set_postfix(mean_return=f"{mean_return:.0f}")
            if mean_return >= args.solved_at and bar.n >= next_evaluation:
                if evaluate(network, args.eval_episodes, seed=args.seed + 10_000) >= args.solved_at:
                    break
                next_evaluation = bar.n + 10_000
    return network, curve


def save(folder, args, curve, evaluation):
    """The run as three files: how it was made, its numbers, its picture."""
    folder.mkdir(parents=True, exist_ok=True)
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    config = {**asdict(args), "versions": {**versions, "gymnasium": gym.__version__}}
    config["evaluation_mean_return"] = evaluation
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")

    with open(folder / "learning_curve.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["environment_steps", "mean_return"])
        writer.writerows(curve)

    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(*zip(*curve), label=f"{args.network} network, seed {args.seed}")
    axes.axhline(args.solved_at, color="grey", linestyle="--", label="solved")
    axes.set(xlabel="environment steps", ylabel=f"mean return of the last {WINDOW} episodes")
    axes.set(title="A2C on CartPole-v1", ylim=(0, 520))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig(folder / "learning_curve.png", dpi=150, bbox_inches="tight")
    plt.close(figure)


def main():
    args = parse_args()
    start = time.perf_counter()
    try:
        network, curve = train(args)
    except NotImplementedError as missing:
        sys.exit(
            f"Training needs `{missing}`, which is not implemented yet. Fill in its TODO and run "
            f"`python -m pytest -k {missing}` until it passes."
        )
    evaluation = float(evaluate(network, args.eval_episodes, seed=args.seed + 20_000))
    folder = Path("runs") / f"{args.network}-lambda{args.gae_lambda:g}-seed{args.seed}"
    save(folder, args, curve, evaluation)
    print(
        f"Mean return {evaluation:.1f} over {args.eval_episodes} evaluation episodes after "
        f"{curve[-1][0]:,} environment steps and {time.perf_counter() - start:.0f} s. "
        f"See {folder / 'learning_curve.png'}."
    )


if __name__ == "__main__":
    main()
