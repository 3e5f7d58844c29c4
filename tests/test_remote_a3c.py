"""hw3 over the wire: workers, optimizers, counters and environments behave as they do in one
process.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from remote_box import student_of

from autograder.grading.student import LocalStudent
from autograder.suites.scripted_env import ScriptedEnv

ROOT = Path(__file__).parents[1]
WORKER = (ROOT / "solutions/hw3_a3c/worker.py").read_text(encoding="utf-8")
SUPPORT = (ROOT / "assignments/hw3_a3c/a3c_support.py").read_text(encoding="utf-8")
ALIASING = """
def alias(local_model, shared_model):
    for local, shared in zip(local_model.parameters(), shared_model.parameters()):
        shared.grad = local.grad
"""


@pytest.fixture(scope="module")
def remote():
    with student_of(WORKER + ALIASING, a3c_support=SUPPORT) as student:
        yield student


@pytest.fixture(scope="module")
def local():
    return LocalStudent({"worker.py": WORKER, "a3c_support.py": SUPPORT})


def train(student, updates):
    """Everything that can be seen of a worker's life."""
    shared = student.ActorCritic(3, 4, 5)
    draw = np.random.default_rng(1)
    state = {
        n: torch.as_tensor(draw.normal(size=p.shape), dtype=p.dtype)
        for n, p in shared.named_parameters()
    }
    shared.load_state_dict(state)
    optimizer = student.SharedAdam(shared.parameters(), lr=0.05)
    counter = student.module("multiprocessing").Value("i", 0)
    config = student.A3CConfig(gamma=0.9, t_max=4, max_steps=10**6, max_grad_norm=0.7, seed=11)
    counted = []
    env = ScriptedEnv(
        np.random.default_rng(2), [(6, "terminated"), (3, "truncated"), (1, "both")], 3, 4,
        watch=lambda: counted.append(counter.value),
    )  # fmt: skip
    worker = student.A3CWorker(2, shared, optimizer, env, counter, config)
    seen = []
    for _ in range(updates):
        worker.sync()
        rollout = worker.rollout()
        assert rollout.log_probs.requires_grad and not rollout.rewards.requires_grad
        seen += [getattr(rollout, name) for name in ("log_probs", "values", "entropies", "rewards")]
        seen += [torch.tensor(rollout.bootstrap_value), torch.tensor(worker.update(rollout))]
        seen += [p.detach().clone() for p in shared.parameters()] + [
            p.grad for p in shared.parameters()
        ]
    return seen, env.events, counted, counter.value


def test_a_worker_behaves_as_in_one_process(remote, local):
    (ours, *events), (theirs, *expected) = train(remote, 8), train(local, 8)
    assert events == expected and len(ours) == len(theirs)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def networks(student):
    local, shared = student.ActorCritic(2, 3, 4), student.ActorCritic(2, 3, 4)
    logits, values = local(torch.ones(5, 2))
    (logits.square().sum() + values.sum()).backward()
    return local, shared


def test_copy_gradients_is_seen_here(remote):
    local, shared = networks(remote)
    before = [p.detach().clone() for p in shared.parameters()]
    held = list(shared.parameters())
    for factor in (1.0, 3.0, None):
        for p in local.parameters():
            p.grad = None if factor is None else torch.full_like(p, factor)
        remote.copy_gradients(local, shared)
        for one, other, value in zip(local.parameters(), held, before, strict=True):
            assert (one.grad is None) == (other.grad is None)
            assert one.grad is None or torch.equal(one.grad, other.grad)
            assert torch.equal(other, value)


@pytest.mark.parametrize(("name", "aliased"), [("copy_gradients", False), ("alias", True)])
def test_gradients_that_alias_are_seen_here(remote, name, aliased):
    local, shared = networks(remote)
    getattr(remote, name)(local, shared)
    for p in local.parameters():
        p.grad.mul_(2.0)
    for one, other in zip(local.parameters(), shared.parameters(), strict=True):
        assert torch.equal(one.grad, other.grad) == (aliased or not one.grad.any())


def test_double_precision_modules(remote):
    net = remote.ActorCritic(2, 3, 4)
    next(net.parameters())
    net(torch.ones(1, 2))[0].sum().backward()
    assert net.double() is net
    net.zero_grad()
    logits, _ = net(torch.ones(5, 2, dtype=torch.float64))
    logits.sum().backward()
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert dict(net.named_parameters())["policy.weight"].grad.dtype == torch.float64


def test_lazy_modules_join_once_they_have_a_shape(remote):
    net = remote.module("torch.nn").LazyLinear(3)
    assert list(net.parameters()) == []
    out = net(torch.ones(2, 5))
    weight, bias = net.parameters()
    assert weight.shape == (3, 5)
    torch.testing.assert_close(torch.autograd.grad(out.sum(), bias)[0], torch.full((3,), 2.0))


def test_two_processes_inside(remote):
    shared = remote.ActorCritic(4, 2, 4)
    shared.share_memory()
    before = [p.detach().clone() for p in shared.parameters()]
    optimizer = remote.SharedRMSprop(shared.parameters())
    config = remote.A3CConfig(max_steps=40, t_max=5)
    make_env = remote.module("functools").partial(remote.module("gymnasium").make, "CartPole-v1")
    taken = remote.train_a3c(make_env, config, 2, remote.A3CWorker, shared, optimizer)
    assert 40 <= taken < 40 + 2 * 5
    assert any(not torch.equal(p, old) for p, old in zip(shared.parameters(), before, strict=True))
