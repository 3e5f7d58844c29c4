"""Natural against plain gradient on a badly scaled softmax policy:

    python natural_vs_plain.py

One state, three actions, and logits h = S θ with S = diag(1, 0.1, 3): the same family of policies as ever, only written with
badly scaled parameters. Both climb the same J from the same θ. Draws natural_vs_plain.png.
"""

import argparse
import sys

import matplotlib

matplotlib.use("Agg")  # draws into files, needs no screen

import matplotlib.pyplot as plt
import numpy as np
import torch
from tqdm import tqdm

import natural_gradient

SCALES = torch.tensor([1.0, 0.1, 3.0], dtype=torch.float64)
REWARDS = torch.tensor([0.3, 1.0, 0.0], dtype=torch.float64)  # action 1 is the best one
START = torch.tensor([1.0, -10.0, 0.5], dtype=torch.float64)  # and the least likely one


def logits_of(theta):
    return SCALES * theta


def gradient_and_fisher(theta, samples):
    """∇J and F, both from the same sampled actions."""
    policy = torch.softmax(logits_of(theta), dim=-1)
    actions = torch.multinomial(policy, samples, replacement=True)
    scores = SCALES * (torch.nn.functional.one_hot(actions, len(policy)) - policy)
    rewards = REWARDS[actions]
    gradient = ((rewards - rewards.mean()).unsqueeze(-1) * scores).mean(dim=0)
    return gradient, natural_gradient.fisher_matrix(scores)


def climb(step, args, label):
    """J(θ) and π after every update, and how far each update moved the policy."""
    torch.manual_seed(args.seed)
    theta, values, policies, moves = START.clone(), [], [], []
    for _ in tqdm(range(args.updates), desc=label):
        policy = torch.softmax(logits_of(theta), dim=-1)
        values.append((policy @ REWARDS).item())
        policies.append(policy.numpy())
        gradient, fisher = gradient_and_fisher(theta, args.samples)
        later = theta + step(gradient, fisher) if gradient.any() else theta
        kl = natural_gradient.categorical_kl(logits_of(theta), logits_of(later))
        moves.append(kl.item())
        theta = later
    return values, np.array(policies), moves


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--updates", type=int, default=80)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--kl-limit", type=float, default=0.01)
    parser.add_argument("--damping", type=float, default=1e-4)
    args = parser.parse_args()

    steps = {f"plain, α = {rate:g}": lambda g, F, rate=rate: rate * g for rate in (0.3, 3.0, 100.0)}
    steps[f"natural, KL = {args.kl_limit:g} a step"] = lambda g, F: (
        natural_gradient.kl_constrained_step(g, F, args.kl_limit, args.damping)
    )
    try:
        runs = {label: climb(step, args, label) for label, step in steps.items()}
    except NotImplementedError as missing:
        sys.exit(f"This needs `{missing}`, which is not implemented yet. Fill in its TODO first.")

    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.2))
    for label, (values, policies, moves) in runs.items():
        left.plot(values, label=label)
        middle.plot(policies[:, 0], policies[:, 1], label=label)
        right.semilogy(np.maximum(moves, 1e-9), label=label)
        print(f"{label:>26}: J = {values[-1]:.3f} after {args.updates} updates (best possible 1)")
    left.set(xlabel="update", ylabel="J(θ)", title="What the policy earns")
    middle.plot([0, 1], [1, 0], color="grey", linestyle="--")
    middle.set(xlabel="π(action 0)", ylabel="π(action 1), the best one", title="The way it takes")
    right.set(
        xlabel="update", ylabel="KL(π ‖ π after the update)", title="How far an update moves it"
    )
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    left.legend()
    figure.savefig("natural_vs_plain.png", dpi=150, bbox_inches="tight")
    print("See natural_vs_plain.png.")


if __name__ == "__main__":
    main()
