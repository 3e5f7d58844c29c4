"""Exact expectations on decision processes so small that every trajectory can be listed.

A sampled estimate of a gradient is right "on average", which a test can only guess at. Here the
average is a finite sum: list every trajectory τ, weight it by its probability p_θ(τ), and hold the
estimator to the exact ∇J(θ). No sampling, no luck.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class TinyMDP:
    """S states, A actions, at most `horizon` steps; everything float64.

    start: (S,), probability of each first state.
    transitions: (S, A, S + 1), p(s'|s, a); the last column: that the episode ends here.
    rewards: (S, A), r(s, a).
    """

    start: Tensor
    transitions: Tensor
    rewards: Tensor
    horizon: int

    @property
    def shape(self) -> tuple[int, int]:
        """(S, A): the shape of a table θ of policy logits."""
        return self.rewards.shape


@dataclass(frozen=True)
class Trajectories:
    """Trajectories as a padded batch, with what the environment contributed to their probability.

    states, actions: (N, T) int64; rewards: (N, T); mask: (N, T) bool, a prefix of each row;
    dynamics: (N,), p(s_1) Π p(s_{t+1}|s_t, a_t). Padding holds state 0, action 0 and reward 0.
    """

    states: Tensor
    actions: Tensor
    rewards: Tensor
    mask: Tensor
    dynamics: Tensor

    def log_probs(self, theta: Tensor) -> Tensor:
        """log π_θ(a_t|s_t), (N, T), of the softmax policy whose logits are theta (S, A).

        On padding: that of action 0 in state 0. Differentiable in theta.
        """
        return torch.log_softmax(theta, dim=-1)[self.states, self.actions]

    def probabilities(self, theta: Tensor) -> Tensor:
        """p_θ(τ) = p(s_1) Π π_θ(a_t|s_t) p(s_{t+1}|s_t, a_t), (N,), differentiable in theta."""
        return self.dynamics * torch.exp(self.log_probs(theta).where(self.mask, 0.0).sum(dim=1))

    def returns(self, gamma: float) -> Tensor:
        """R(τ) = Σ_t γᵗ r_t, (N,)."""
        return (self.rewards * self.discounts(gamma)).sum(dim=1)

    def rewards_to_go(self, gamma: float) -> Tensor:
        """Σ_{t' ≥ t} γ^(t'−t) r_t', (N, T)."""
        T = self.rewards.shape[1]
        age = torch.arange(T).unsqueeze(1) - torch.arange(T)  # [t', t]
        kernel = torch.where(age >= 0, gamma ** age.clamp(min=0).double(), 0.0)
        return self.rewards @ kernel

    def discounts(self, gamma: float) -> Tensor:
        """γᵗ, (T,)."""
        return gamma ** torch.arange(self.rewards.shape[1], dtype=torch.float64)

    def scores(self, theta: Tensor) -> Tensor:
        """∇_θ log p_θ(τ) of every trajectory, one a row: (N, S·A)."""
        S, A = theta.shape
        taken = torch.nn.functional.one_hot(self.states * A + self.actions, S * A).double()
        visited = torch.nn.functional.one_hot(self.states, S).double()
        expected = visited.unsqueeze(-1) * torch.softmax(theta, dim=-1)  # (N, T, S, A)
        per_step = taken - expected.flatten(2)
        return (per_step * self.mask.unsqueeze(-1)).sum(dim=1)

    def repeated(self, counts: Tensor) -> "Trajectories":
        """The batch in which trajectory n stands counts[n] times (counts (N,) int64)."""
        return Trajectories(
            *(part.repeat_interleave(counts, dim=0) for part in vars(self).values())
        )

    def exact_batch(self, theta: Tensor, size: int) -> "Trajectories":
        """A batch of `size` trajectories whose frequencies *are* the probabilities p_θ(τ).

        A mean over this batch is the expectation itself. Raises ValueError unless every
        size · p_θ(τ) is whole (take probabilities such as 1/4 and 3/4).
        """
        exact = size * self.probabilities(theta).detach()
        counts = exact.round()
        if (exact - counts).abs().max() > 1e-6:
            raise ValueError(f"{size} times the probability of a trajectory is not whole")
        return self.repeated(counts.long())


def enumerate_trajectories(mdp: TinyMDP) -> Trajectories:
    """Every trajectory of positive probability (under a policy that tries every action)."""
    S, A = mdp.shape
    finished: list[tuple[list[tuple[int, int]], float]] = []
    open_ends = [([], s, p) for s, p in enumerate(mdp.start.tolist()) if p > 0]
    while open_ends:
        past, s, p = open_ends.pop()
        for a in range(A):
            steps = [*past, (s, a)]
            if len(steps) == mdp.horizon:
                finished.append((steps, p))
                continue
            for s_next, chance in enumerate(mdp.transitions[s, a].tolist()):
                if chance > 0 and s_next == S:
                    finished.append((steps, p * chance))
                elif chance > 0:
                    open_ends.append((steps, s_next, p * chance))

    padded = [steps + [(0, 0)] * (mdp.horizon - len(steps)) for steps, _ in finished]
    states, actions = torch.tensor(padded).unbind(dim=-1)
    lengths = torch.tensor([len(steps) for steps, _ in finished])
    mask = torch.arange(mdp.horizon) < lengths.unsqueeze(1)
    rewards = mdp.rewards[states, actions].where(mask, 0.0)
    dynamics = torch.tensor([p for _, p in finished], dtype=torch.float64)
    return Trajectories(states, actions, rewards, mask, dynamics)


def objective(trajectories: Trajectories, theta: Tensor, gamma: float) -> Tensor:
    """J(θ) = E_{τ ~ p_θ}[R(τ)], differentiable in theta (lecture: objective 3)."""
    return trajectories.probabilities(theta) @ trajectories.returns(gamma)


def objective_gradient(trajectories: Trajectories, theta: Tensor, gamma: float) -> Tensor:
    """∇_θ J(θ), (S, A), by differentiating the finite sum: no policy-gradient theorem involved."""
    theta = theta.detach().requires_grad_()
    return torch.autograd.grad(objective(trajectories, theta, gamma), theta)[0]


def two_rooms() -> TinyMDP:
    """Two states, two actions, up to three steps; both early ends and full-length trajectories.

    Its probabilities are multiples of 1/2, so that the policy QUARTERS has an exact batch.
    """
    return TinyMDP(
        start=torch.tensor([0.5, 0.5], dtype=torch.float64),
        transitions=torch.tensor(
            [[[0.5, 0.0, 0.5], [0.0, 1.0, 0.0]], [[0.5, 0.5, 0.0], [0.0, 0.5, 0.5]]],
            dtype=torch.float64,
        ),
        rewards=torch.tensor([[1.0, -0.5], [2.0, 0.75]], dtype=torch.float64),
        horizon=3,
    )


QUARTERS = torch.log(torch.tensor([[0.25, 0.75], [0.5, 0.5]], dtype=torch.float64))
"""Logits of a policy on `two_rooms`; `exact_batch(QUARTERS, EXACT_SIZE)` is whole."""

EXACT_SIZE = 512
