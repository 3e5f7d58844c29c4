"""The tiny MDPs are an oracle; here they are held to dynamic programming and differences."""

import pytest
import torch

from autograder.suites.tiny_mdp import (
    EXACT_SIZE,
    QUARTERS,
    TinyMDP,
    Trajectories,
    enumerate_trajectories,
    objective,
    objective_gradient,
    two_rooms,
)

THETA = torch.tensor([[0.3, -0.8], [1.1, 0.2]], dtype=torch.float64)
GAMMA = 0.9


def dynamic_programming(mdp: TinyMDP, theta: torch.Tensor, gamma: float) -> torch.Tensor:
    policy = torch.softmax(theta, dim=-1)
    values = torch.zeros(mdp.shape[0], dtype=torch.float64)
    for _ in range(mdp.horizon):
        q = mdp.rewards + gamma * mdp.transitions[:, :, :-1] @ values
        values = (policy * q).sum(dim=1)
    return mdp.start @ values


def test_every_trajectory_is_listed_once():
    trajectories = enumerate_trajectories(two_rooms())
    torch.testing.assert_close(
        trajectories.probabilities(THETA).sum(), torch.tensor(1.0, dtype=torch.float64)
    )
    assert trajectories.mask[:, 0].all()
    assert set(trajectories.mask.sum(dim=1).tolist()) == {1, 2, 3}


def test_objective_agrees_with_dynamic_programming():
    mdp = two_rooms()
    torch.testing.assert_close(
        objective(enumerate_trajectories(mdp), THETA, GAMMA), dynamic_programming(mdp, THETA, GAMMA)
    )


def test_gradient_agrees_with_finite_differences():
    mdp = two_rooms()
    gradient = objective_gradient(enumerate_trajectories(mdp), THETA, GAMMA)
    for s in range(2):
        for a in range(2):
            step = torch.zeros_like(THETA)
            step[s, a] = 1e-5
            above, below = (dynamic_programming(mdp, THETA + d, GAMMA) for d in (step, -step))
            torch.testing.assert_close(gradient[s, a], (above - below) / 2e-5, atol=1e-8, rtol=0)


def test_scores_are_the_gradients_of_the_log_probability():
    trajectories = enumerate_trajectories(two_rooms())
    jacobian = torch.autograd.functional.jacobian(
        lambda theta: trajectories.probabilities(theta).log(), THETA
    )
    torch.testing.assert_close(trajectories.scores(THETA), jacobian.flatten(1))


def test_rewards_to_go_start_with_the_return_and_end_with_the_last_reward():
    trajectories = enumerate_trajectories(two_rooms())
    to_go = trajectories.rewards_to_go(GAMMA)
    torch.testing.assert_close(to_go[:, 0], trajectories.returns(GAMMA))
    torch.testing.assert_close(to_go[:, -1], trajectories.rewards[:, -1])
    torch.testing.assert_close(to_go[:, 0], trajectories.rewards[:, 0] + GAMMA * to_go[:, 1])


def test_exact_batch_has_the_probabilities_as_frequencies():
    trajectories = enumerate_trajectories(two_rooms())
    batch = trajectories.exact_batch(QUARTERS, EXACT_SIZE)
    assert batch.mask.shape == (EXACT_SIZE, 3)
    torch.testing.assert_close(
        batch.returns(GAMMA).mean(), objective(trajectories, QUARTERS, GAMMA)
    )


def test_exact_batch_refuses_frequencies_that_are_not_whole():
    trajectories = enumerate_trajectories(two_rooms())
    with pytest.raises(ValueError, match="not whole"):
        trajectories.exact_batch(THETA, EXACT_SIZE)


def test_repeated_keeps_rows_together():
    trajectories = enumerate_trajectories(two_rooms())
    counts = torch.zeros(len(trajectories.dynamics), dtype=torch.int64)
    counts[3] = 2
    twice: Trajectories = trajectories.repeated(counts)
    assert torch.equal(twice.states, trajectories.states[[3, 3]])
    assert torch.equal(twice.mask, trajectories.mask[[3, 3]])
