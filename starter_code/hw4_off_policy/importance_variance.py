"""What importance sampling costs: the variance of ρ against the distance of the two policies.

    python importance_variance.py

A behavior policy and targets further and further away from it play games of T steps with 4 actions. Nothing but the policies
matters for ρ, so there are no states. Draws importance_variance.png.
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
import off_policy

N_ACTIONS, LENGTHS, DISTANCES = 4, (1, 5, 20), np.linspace(0.05, 1.5, 30)


def weights_of(target_logits, behavior_logits, n, length):
    """ρ (n,) of n games that the behavior policy played."""
    actions = torch.distributions.Categorical(logits=behavior_logits).sample((n, length))
    target, behavior = (
        torch.log_softmax(logits, dim=-1)[actions] for logits in (target_logits, behavior_logits)
    )
    return off_policy.importance_weights(target, behavior, torch.ones(n, length, dtype=torch.bool))


def exact_variance(target_logits, behavior_logits, length):
    """E[ρ²] − 1, where E[ρ²] = (Σ_a p(a)²/q(a))^T."""
    p, q = torch.softmax(target_logits, dim=-1), torch.softmax(behavior_logits, dim=-1)
    return ((p**2 / q).sum() ** length - 1).item()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--games", type=int, default=20_000)
    args = parser.parse_args()
    torch.manual_seed(args.seed)

    behavior = torch.randn(N_ACTIONS, dtype=torch.float64)
    direction = torch.randn(N_ACTIONS, dtype=torch.float64)
    figure, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2))
    try:
        for length in LENGTHS:
            kl, measured, exact, worth = [], [], [], []
            for distance in tqdm(DISTANCES, desc=f"games of {length:>2} steps"):
                target = behavior + distance * direction
                weights = weights_of(target, behavior, args.games, length)
                kl.append(length * natural_gradient.categorical_kl(target, behavior).item())
                measured.append(weights.var().item())
                exact.append(exact_variance(target, behavior, length))
                worth.append((weights.sum() ** 2 / weights.square().sum()).item() / args.games)
            points = left.loglog(kl, measured, ".", label=f"T = {length}, measured")
            left.loglog(kl, exact, color=points[0].get_color(), label=f"T = {length}, exact")
            right.semilogx(kl, worth, ".-", label=f"T = {length}")
    except NotImplementedError as missing:
        sys.exit(f"This needs `{missing}`, which is not implemented yet. Fill in its TODO first.")

    left.set(xlabel="KL(target ‖ behavior) of a whole game", ylabel="variance of ρ")
    left.set(title=f"Variance, {args.games:,} games a point")
    right.set(xlabel="KL(target ‖ behavior) of a whole game", ylabel="(Σρ)² / Σρ² / N")
    right.set(title="What a game of the other policy is worth")
    for axes in (left, right):
        axes.legend()
        axes.grid(alpha=0.3)
    figure.savefig("importance_variance.png", dpi=150, bbox_inches="tight")
    print(
        f"In games of {LENGTHS[-1]} steps at a KL divergence of {kl[-1]:.1f}, ρ has a variance of {exact[-1]:,.0f}; "
        f"{args.games:,} games showed {measured[-1]:,.0f} and are worth {worth[-1] * args.games:,.0f}. "
        "See importance_variance.png."
    )


if __name__ == "__main__":
    main()
