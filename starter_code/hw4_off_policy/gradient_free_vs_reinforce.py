"""Search without a gradient against REINFORCE on CartPole-v1, at equal environment steps:

    python gradient_free_vs_reinforce.py

All four improve the same policy with five parameters, π(right|s) = sigmoid(10 (w·s + b)), and each may take the same number of
environment steps. Draws gradient_free_vs_reinforce.png.
"""

import argparse
import math
import sys
from dataclasses import dataclass, fields

import gymnasium as gym
import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import tqdm

import gradient_free
import off_policy

D = 5  # four weights and a bias
SHARPNESS = 10.0  # observations of CartPole are small
POPULATION, N_ELITE = 20, 5
WINDOW = 20  # episodes that the learning curve averages over


@dataclass
class Args:
    seed: int = 1
    total_steps: int = 60_000  # environment steps of each method
    fd_epsilon: float = 0.3
    fd_learning_rate: float = 0.2
    mutation_std: float = 0.3
    reinforce_episodes: int = 10  # a batch
    reinforce_learning_rate: float = 0.02


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for field in fields(Args):
        name = "--" + field.name.replace("_", "-")
        parser.add_argument(name, type=field.type, default=field.default)
    return Args(**vars(parser.parse_args()))


class BudgetSpent(Exception):
    """No environment steps are left."""


class CartPole:
    """Plays episodes, counts their steps, and ends a method when its budget is spent."""

    def __init__(self, budget, seed, name):
        self.env, self.budget, self.steps = gym.make("CartPole-v1"), budget, 0
        self.rng = np.random.default_rng(seed)
        self.env.reset(seed=seed)
        self.returns, self.curve = [], []
        self.bar = tqdm(total=budget, unit="step", desc=f"{name:>18}")

    def play(self, theta):
        """One episode: its observations (with a 1 for the bias) and its actions."""
        obs, _ = self.env.reset()
        *w, b = map(float, theta)
        observations, actions, over = [], [], False
        while not over:
            if self.steps == self.budget:
                self.bar.close()
                raise BudgetSpent
            score = sum(w_i * x for w_i, x in zip(w, obs.tolist())) + b
            score *= SHARPNESS
            right = int(self.rng.random() < 0.5 * (1.0 + math.tanh(0.5 * score)))  # sigmoid
            observations.append([*obs, 1.0])
            actions.append(right)
            obs, _, terminated, truncated, _ = self.env.step(right)
            over = terminated or truncated
            self.steps += 1
        self.returns.append(len(actions))  # CartPole pays 1 a step
        self.curve.append((self.steps, np.mean(self.returns[-WINDOW:])))
        self.bar.update(self.steps - self.bar.n)
        self.bar.set_postfix(mean_return=f"{self.curve[-1][1]:.0f}")
        return observations, actions

    def objective(self, theta):
        """The return of one episode: what gradient-free search may ask for."""
        return float(len(self.play(theta)[1]))


# --- the four methods: each yields ever better parameters until the budget is spent -----------------


def finite_differences(game, args):
    theta = np.zeros(D)
    while True:
        yield theta
        gradient = gradient_free.finite_difference_gradient(game.objective, theta, args.fd_epsilon)
        theta = theta + args.fd_learning_rate * gradient / (np.linalg.norm(gradient) + 1e-8)


def cross_entropy(game, args):
    """The mean is only known at the end, so the elite of each population is remembered on the way."""
    rng, generation = np.random.default_rng(args.seed), []

    def objective(theta):
        generation.append((game.objective(theta), theta.copy()))
        return generation[-1][0]

    yield np.zeros(D)
    try:
        yield gradient_free.cross_entropy_method(
            objective, np.zeros(D), np.ones(D), POPULATION, N_ELITE, args.total_steps, rng
        )
    except BudgetSpent:
        complete = len(generation) // POPULATION * POPULATION
        last = sorted(generation[complete - POPULATION : complete], key=lambda pair: -pair[0])
        yield np.mean([theta for _, theta in last[:N_ELITE]], axis=0)


def genetic(game, args):
    rng, best = np.random.default_rng(args.seed), [(-np.inf, np.zeros(D))]

    def objective(theta):
        score = game.objective(theta)
        if score > best[-1][0]:
            best.append((score, theta.copy()))
        return score

    try:
        first = rng.standard_normal((POPULATION, D))
        yield gradient_free.genetic_search(
            objective, first, N_ELITE, args.mutation_std, args.total_steps, rng
        )
    except BudgetSpent:
        yield best[-1][1]


def reinforce(game, args):
    """With target and behavior the same policy, ρ = 1 and ∇ρ = Σ ∇log π: off_policy_loss is REINFORCE."""
    theta = torch.zeros(D, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=args.reinforce_learning_rate)
    while True:
        yield theta.detach().numpy().copy()
        episodes = [game.play(theta.tolist()) for _ in range(args.reinforce_episodes)]
        lengths = torch.tensor([len(actions) for _, actions in episodes])
        mask = torch.arange(int(lengths.max())) < lengths.unsqueeze(1)
        obs, right = torch.zeros(*mask.shape, D), torch.zeros(mask.shape)
        for i, (observations, actions) in enumerate(episodes):
            obs[i, : lengths[i]] = torch.tensor(np.array(observations), dtype=torch.float32)
            right[i, : lengths[i]] = torch.tensor(actions, dtype=torch.float32)
        scores = SHARPNESS * obs @ theta
        log_probs = torch.nn.functional.logsigmoid(torch.where(right == 1, scores, -scores))
        returns = lengths.float()
        advantages = (returns - returns.mean()) / (returns.std() + 1e-8)
        loss = off_policy.off_policy_loss(log_probs, log_probs.detach(), advantages, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


METHODS = {
    "finite differences": finite_differences,
    "cross-entropy": cross_entropy,
    "genetic": genetic,
    "REINFORCE": reinforce,
}


def run(name, args):
    """The method's learning curve, and the mean return of its last parameters over 100 fresh episodes."""
    game = CartPole(args.total_steps, args.seed, name)
    try:
        for found in METHODS[name](game, args):
            theta = found
    except BudgetSpent:
        pass
    game.bar.close()
    judge = CartPole(math.inf, args.seed + 1000, f"{name}, judged")
    judged = np.mean([judge.objective(theta) for _ in range(100)])
    judge.bar.close()
    return game.curve, judged


def main():
    args = parse_args()
    figure, axes = plt.subplots(figsize=(7.5, 4.5))
    for name in METHODS:
        try:
            curve, judged = run(name, args)
        except NotImplementedError as missing:
            sys.exit(
                f"This needs `{missing}`, which is not implemented yet. Fill in its TODO first."
            )
        axes.plot(*zip(*curve), label=f"{name}: {judged:.0f} in the end")
        print(
            f"{name:>18}: mean return {judged:.1f} over 100 episodes after {args.total_steps:,} steps"
        )
    axes.set(xlabel="environment steps", ylabel=f"mean return of the last {WINDOW} episodes played")
    axes.set(title=f"CartPole-v1, five parameters, seed {args.seed}", ylim=(0, 520))
    axes.legend()
    axes.grid(alpha=0.3)
    figure.savefig("gradient_free_vs_reinforce.png", dpi=150, bbox_inches="tight")
    print("See gradient_free_vs_reinforce.png.")


if __name__ == "__main__":
    main()
