"""Public tests of worker.py: small examples that you can check by hand.

Run one question with `python -m pytest -k a3c_loss`.
"""

import multiprocessing

import gymnasium
import numpy as np
import pytest
import torch

import worker
from a3c_support import A3CConfig, ActorCritic, LSTMActorCritic, sample_action


def expect(actual, expected, hint):
    """Compare shape, dtype and numbers; explain with `hint` when they differ."""
    assert isinstance(actual, torch.Tensor), f"return a tensor, not {type(actual).__name__}. {hint}"
    torch.testing.assert_close(actual, expected, msg=lambda text: f"{text}\n\nHint: {hint}")


# --- n_step_returns -----------------------------------------------------------------------------


def test_n_step_returns_of_three_steps():
    expect(
        worker.n_step_returns(torch.tensor([1.0, 2.0, 3.0]), 4.0, 0.5),
        torch.tensor([3.25, 4.5, 5.0]),
        "backwards: R = 3 + ½·4 = 5, then 2 + ½·5 = 4.5, then 1 + ½·4.5 = 3.25; in time order",
    )


def test_n_step_returns_takes_a_tensor_as_bootstrap_and_returns_a_constant():
    bootstrap = torch.tensor(4.0, requires_grad=True)
    returns = worker.n_step_returns(torch.tensor([1.0]), bootstrap, 0.5)
    assert not returns.requires_grad, "R is a constant: no gradient may flow into the bootstrap"
    expect(returns, torch.tensor([3.0]), "1 + ½·4 = 3")


def test_n_step_returns_leaves_the_rewards_alone():
    rewards = torch.tensor([1.0, 2.0])
    worker.n_step_returns(rewards, 4.0, 0.5)
    assert rewards.tolist() == [1.0, 2.0], "write R into a new tensor"


# --- a3c_loss -----------------------------------------------------------------------------------


def loss_of_two_steps():
    log_probs = torch.tensor([-1.0, -2.0], requires_grad=True)
    values = torch.tensor([1.0, 5.0], requires_grad=True)
    entropies = torch.tensor([0.5, 0.25], requires_grad=True)
    returns = torch.tensor([3.0, 4.0])
    loss = worker.a3c_loss(log_probs, values, entropies, returns, 0.5, 0.1)
    return loss, log_probs, values, entropies


def test_a3c_loss_value():
    expect(
        loss_of_two_steps()[0].detach(),
        torch.tensor(2.425),
        "R − V is (2, −1): −(−1)·2 − (−2)·(−1) = 0, plus 0.5·(4 + 1), minus 0.1·0.75. "
        "Sums, not means; no ½ at the value term; an entropy bonus lowers the loss",
    )


def test_a3c_loss_gradients():
    loss, log_probs, values, entropies = loss_of_two_steps()
    loss.backward()
    expect(log_probs.grad, torch.tensor([-2.0, 1.0]), "∂/∂ log π = −(R − V)")
    expect(
        values.grad,
        torch.tensor([-2.0, 1.0]),
        "∂/∂V = value_coef · (−2)(R − V), and nothing from the first term: there R − V is constant",
    )
    expect(entropies.grad, torch.tensor([-0.1, -0.1]), "∂/∂H = −entropy_coef")


# --- copy_gradients -----------------------------------------------------------------------------


def test_copy_gradients_at_every_call():
    local, shared = ActorCritic(2, 2, 3), ActorCritic(2, 2, 3)
    before = [p.detach().clone() for p in shared.parameters()]
    for number in (1.0, 2.0):
        for parameter in local.parameters():
            parameter.grad = torch.full_like(parameter, number)
        worker.copy_gradients(local, shared)
        for parameter in shared.parameters():
            assert parameter.grad is not None, "every shared parameter needs a .grad afterwards"
            assert (parameter.grad == number).all(), (
                "the shared .grad must hold the local one's *current* numbers, not the first or sum"
            )
    for parameter, old in zip(shared.parameters(), before):
        assert torch.equal(parameter, old), "copy gradients, not weights"


def test_copy_gradients_does_not_alias():
    local, shared = ActorCritic(2, 2, 3), ActorCritic(2, 2, 3)
    for parameter in local.parameters():
        parameter.grad = torch.ones_like(parameter)
    worker.copy_gradients(local, shared)
    for parameter in local.parameters():
        parameter.grad.zero_()
    assert all((p.grad == 1).all() for p in shared.parameters()), (
        "local and shared .grad are one tensor: clearing one clears the other. Clone it"
    )


# --- A3CWorker ----------------------------------------------------------------------------------


class Corridor(gymnasium.Env):
    """Episodes of three steps with rewards 1, 2, 3; the third step terminates, or is cut off."""

    observation_space = gymnasium.spaces.Box(-1.0, 9.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, cut_off=False):
        self.cut_off = cut_off
        self.seeds = []  # one entry a reset

    def observation(self):
        return np.array([self.t, 1.0], dtype=np.float32)

    def reset(self, *, seed=None, options=None):
        self.t = 0
        self.seeds.append(seed)
        return self.observation(), {}

    def step(self, action):
        self.t += 1
        ended = self.t == 3
        return self.observation(), float(self.t), ended and not self.cut_off, ended, {}


def make_worker(t_max=2, cut_off=False, max_steps=20, max_grad_norm=1e9, lstm=False):
    config = A3CConfig(
        gamma=0.9,
        t_max=t_max,
        max_steps=max_steps,
        value_coef=0.5,
        entropy_coef=0.01,
        max_grad_norm=max_grad_norm,
        seed=7,
    )
    torch.manual_seed(0)
    shared = (LSTMActorCritic if lstm else ActorCritic)(2, 2, 4)
    optimizer = torch.optim.SGD(shared.parameters(), lr=0.1)
    counter, env = multiprocessing.Value("i", 0), Corridor(cut_off)
    worker_class = worker.LSTMA3CWorker if lstm else worker.A3CWorker
    return worker_class(3, shared, optimizer, env, counter, config), shared, counter, env


def test_A3CWorker_rollout_stops_at_t_max_or_at_the_end_of_the_episode():
    a3c, _, counter, env = make_worker(t_max=2)
    a3c.sync()
    first, second, third = a3c.rollout(), a3c.rollout(), a3c.rollout()
    assert first.rewards.tolist() == [1.0, 2.0], "t_max = 2 steps"
    assert second.rewards.tolist() == [3.0], (
        "go on where the last rollout stopped; the episode ends"
    )
    assert third.rewards.tolist() == [1.0, 2.0], "a new episode begins in a new rollout"
    assert counter.value == 5, "T counts environment steps: 2 + 1 + 2"
    assert env.seeds == [10, None], "first reset with seed + rank, later ones without a seed"


def test_A3CWorker_rollout_records_the_first_step():
    a3c, shared, *_ = make_worker()
    a3c.sync()
    rollout = a3c.rollout()
    logits, values = (x[0].detach() for x in shared(torch.tensor([[0.0, 1.0]])))
    action = sample_action(logits, torch.Generator().manual_seed(10))
    log_policy = logits.log_softmax(dim=-1)
    for name, expected, hint in (
        (
            "log_probs",
            log_policy[action],
            "log π of the action that sample_action drew; seed 7 + 3",
        ),
        ("values", values, "V of the observation that the worker acted on"),
        ("entropies", -(log_policy.exp() * log_policy).sum(), "H = −Σ π log π over all actions"),
    ):
        recorded = getattr(rollout, name)
        assert recorded.shape == (2,), f"{name} has one entry a step: shape (T,)"
        assert recorded.requires_grad, f"{name} must carry gradient: update differentiates it"
        expect(recorded[0].detach(), expected, hint)


def test_A3CWorker_acts_with_a_copy_of_the_network_until_the_next_sync():
    a3c, shared, *_ = make_worker()
    a3c.sync()
    value = shared(torch.tensor([[0.0, 1.0]]))[1].item()
    with torch.no_grad():
        for parameter in shared.parameters():
            parameter.zero_()  # what the update of another worker may do at any time
    assert a3c.rollout().values[0].item() == pytest.approx(value), (
        "use the local network: a deepcopy, which others do not change"
    )
    a3c.sync()
    assert a3c.rollout().values[0].item() == 0.0, "sync copies the shared parameters, all of them"
    assert not any(p.any() for p in shared.parameters()), "… from shared to local, not back"


def test_A3CWorker_bootstraps_unless_the_last_step_terminated():
    a3c, shared, *_ = make_worker(t_max=2)
    a3c.sync()
    value = shared(torch.tensor([[2.0, 1.0]]))[1].item()
    assert a3c.rollout().bootstrap_value == pytest.approx(value), "V of the last observation"
    assert a3c.rollout().bootstrap_value == 0.0, "0 behind a terminated step"


def test_A3CWorker_bootstraps_when_the_time_limit_cuts_the_episode_off():
    a3c, shared, *_ = make_worker(t_max=5, cut_off=True)
    a3c.sync()
    value = shared(torch.tensor([[3.0, 1.0]]))[1].item()
    assert a3c.rollout().bootstrap_value == pytest.approx(value), (
        "truncated is not terminated: V of the last observation *before* the reset"
    )


def test_A3CWorker_update_moves_the_shared_parameters_by_the_local_gradient():
    a3c, shared, *_ = make_worker(t_max=2)
    before = [p.detach().clone() for p in shared.parameters()]
    a3c.sync()
    rollout = a3c.rollout()
    last = 2 + 0.9 * rollout.bootstrap_value
    returns = torch.tensor([1 + 0.9 * last, last])
    advantages = returns - rollout.values.detach()
    expected = (
        -(rollout.log_probs.detach() * advantages).sum()
        + 0.5 * (advantages**2).sum()
        - 0.01 * rollout.entropies.detach().sum()
    ).item()
    assert a3c.update(rollout) == pytest.approx(expected, rel=1e-4), "update returns the loss"
    moved = [(new - old).norm() > 0 for new, old in zip(shared.parameters(), before)]
    assert any(moved), "step the optimizer of the shared parameters, after copy_gradients"


def test_A3CWorker_clips_the_gradient():
    a3c, shared, *_ = make_worker(t_max=2, max_grad_norm=0.01)
    before = torch.cat([p.detach().flatten().clone() for p in shared.parameters()])
    a3c.sync()
    a3c.update(a3c.rollout())
    step = (torch.cat([p.detach().flatten() for p in shared.parameters()]) - before).norm()
    assert step.item() == pytest.approx(0.1 * 0.01, rel=1e-3), (
        "lr · max_grad_norm: clip the local gradient's norm, then copy it"
    )


def test_A3CWorker_run_stops_at_max_steps():
    a3c, _, counter, _ = make_worker(t_max=2, max_steps=20)
    a3c.run()
    assert 20 <= counter.value < 22, "sync, rollout, update while step_counter.value < max_steps"


# --- LSTMA3CWorker (bonus) ----------------------------------------------------------------------


def test_LSTMA3CWorker_remembers_within_an_episode_and_forgets_after_it():
    a3c, shared, *_ = make_worker(t_max=2, lstm=True)
    a3c.sync()
    first, second, third = a3c.rollout(), a3c.rollout(), a3c.rollout()
    episode = torch.tensor([[0.0, 1.0], [1.0, 1.0], [2.0, 1.0]])
    values = shared(episode)[1].detach()  # all observations of an episode, one after another
    expect(first.values.detach(), values[:2], "the memory goes from step to step")
    assert first.bootstrap_value == pytest.approx(values[2].item()), "V of the last observation"
    expect(
        second.values.detach(),
        values[2:],
        "the memory goes on in the next rollout, as it was before the bootstrap",
    )
    expect(third.values.detach(), values[:2], "a new episode starts without memory")


def test_LSTMA3CWorker_gradient_ends_at_the_start_of_a_rollout():
    a3c, *_ = make_worker(t_max=2, lstm=True)
    for _ in range(3):
        a3c.sync()
        a3c.update(a3c.rollout())  # an error here: the memory still holds the last rollout's graph
