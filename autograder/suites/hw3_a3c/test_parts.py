"""Hidden tests of worker.py: n_step_returns, a3c_loss and copy_gradients."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import normal

# --- n_step_returns -------------------------------------------------------------------------------------------------


@pytest.mark.question("n_step_returns", gate=True)
def test_n_step_returns_values(student, reference, rng):
    """R at each step, backwards from the bootstrap, in time order.

    从自举值向后递推得到的每一步的 R，按时间顺序排列。
    """
    rewards, bootstrap = normal(rng, 7, shift=0.3), float(rng.normal(2.0))
    check.same(
        student.n_step_returns(rewards, bootstrap, 0.83),
        reference.n_step_returns(rewards, bootstrap, 0.83),
    )


@pytest.mark.question("n_step_returns")
def test_n_step_returns_of_one_step(student, reference, rng):
    """A rollout of a single step.

    只有一步的采样。
    """
    rewards = normal(rng, 1)
    check.same(
        student.n_step_returns(rewards, 1.7, 0.6), reference.n_step_returns(rewards, 1.7, 0.6)
    )


@pytest.mark.question("n_step_returns")
def test_n_step_returns_without_bootstrap(student, reference, rng):
    """A rollout whose last step terminated: the bootstrap is 0.

    最后一步终止的采样：自举值为 0。
    """
    rewards = normal(rng, 5, shift=-0.4)
    check.same(
        student.n_step_returns(rewards, 0.0, 0.9), reference.n_step_returns(rewards, 0.0, 0.9)
    )


@pytest.mark.question("n_step_returns")
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_n_step_returns_at_the_ends_of_gamma(student, reference, rng, gamma):
    """γ = 0 and γ = 1.

    γ = 0 与 γ = 1。
    """
    rewards = normal(rng, 6)
    check.same(
        student.n_step_returns(rewards, -1.3, gamma), reference.n_step_returns(rewards, -1.3, gamma)
    )


@pytest.mark.question("n_step_returns")
def test_n_step_returns_bootstrap_tensor(student, reference, rng):
    """The bootstrap may be a 0-dimensional tensor, even one that requires grad; the result is a constant.

    自举值可以是 0 维张量，即使它需要梯度；结果是常数。
    """
    rewards = normal(rng, 4)
    bootstrap = normal(rng, shift=1.5, grad=True)
    actual = student.n_step_returns(rewards, bootstrap, 0.7)
    check.same(actual, reference.n_step_returns(rewards, bootstrap, 0.7))
    check.constant(actual)


@pytest.mark.question("n_step_returns")
def test_n_step_returns_single_precision(student, reference, rng):
    """float32 rewards give float32 returns, with a float or a tensor as bootstrap.

    float32 的奖励给出 float32 的回报，自举值可为浮点数或张量。
    """
    rewards = normal(rng, 5, dtype=torch.float32)
    for bootstrap in (0.8, torch.tensor(-0.8)):
        actual = student.n_step_returns(rewards, bootstrap, 0.95)
        check.same(actual, reference.n_step_returns(rewards, bootstrap, 0.95))


@pytest.mark.question("n_step_returns")
def test_n_step_returns_of_a_long_rollout(student, reference, rng):
    """A thousand steps with a small γ: nothing overflows.

    一千步、较小的 γ：不得溢出。
    """
    rewards = normal(rng, 1000, dtype=torch.float32, shift=1.0)
    actual = student.n_step_returns(rewards, 3.0, 0.5)
    check.finite(actual)
    check.same(actual, reference.n_step_returns(rewards, 3.0, 0.5))


# --- a3c_loss -------------------------------------------------------------------------------------------------------


def loss_inputs(rng, T, dtype=torch.float64):
    """log_probs, values, entropies as leaves, and returns, all (T,)."""
    log_probs = (-normal(rng, T, dtype=dtype).abs() - 0.1).requires_grad_()
    values = normal(rng, T, dtype=dtype, shift=0.5, grad=True)
    entropies = (normal(rng, T, dtype=dtype).abs() + 0.2).requires_grad_()
    return log_probs, values, entropies, normal(rng, T, dtype=dtype, shift=-0.7)


def losses(student, reference, inputs, value_coef=0.6, entropy_coef=0.35):
    """Both losses of the same inputs."""
    return [side.a3c_loss(*inputs, value_coef, entropy_coef) for side in (student, reference)]


@pytest.mark.question("a3c_loss", gate=True)
def test_a3c_loss_value(student, reference, rng):
    """The loss of a rollout: sums, and no ½ at the value term.

    一段采样的损失：求和，价值项没有 ½。
    """
    check.same(*losses(student, reference, loss_inputs(rng, 6)), "loss")


@pytest.mark.question("a3c_loss")
def test_a3c_loss_gradient_of_log_probs(student, reference, rng):
    """The gradient with respect to log π.

    对 log π 的梯度。
    """
    inputs = loss_inputs(rng, 6)
    check.same_gradient(*losses(student, reference, inputs), inputs[0])


@pytest.mark.question("a3c_loss")
def test_a3c_loss_gradient_of_values(student, reference, rng):
    """The gradient with respect to V: the critic learns from the value term alone.

    对 V 的梯度：评论家只从价值项学习。
    """
    inputs = loss_inputs(rng, 6)
    check.same_gradient(*losses(student, reference, inputs), inputs[1])


@pytest.mark.question("a3c_loss")
def test_a3c_loss_gradient_of_entropies(student, reference, rng):
    """The gradient with respect to the entropies.

    对熵的梯度。
    """
    inputs = loss_inputs(rng, 6)
    check.same_gradient(*losses(student, reference, inputs), inputs[2])


@pytest.mark.question("a3c_loss")
def test_a3c_loss_returns_are_constant(student, reference, rng):
    """No gradient flows into the returns, even if they require grad.

    即使回报需要梯度，也没有梯度流入回报。
    """
    *inputs, returns = loss_inputs(rng, 5)
    returns.requires_grad_()
    actual, expected = losses(student, reference, (*inputs, returns))
    check.same(actual, expected, "loss")
    check.no_gradient(actual, returns)


@pytest.mark.question("a3c_loss")
def test_a3c_loss_gradient_of_a_shared_trunk(student, reference, rng):
    """The gradient when policy, value and entropy come from the same parameters.

    策略、价值与熵来自同一组参数时的梯度。
    """
    weights = normal(rng, 3, 5, grad=True)
    features, returns = normal(rng, 7, 3), normal(rng, 7)

    def loss(side):
        outputs = features @ weights
        log_policy = outputs[:, :4].log_softmax(dim=-1)
        entropies = -(log_policy.exp() * log_policy).sum(dim=-1)
        return side.a3c_loss(log_policy[:, 1], outputs[:, 4], entropies, returns, 0.4, 0.2)

    check.same_gradient(loss(student), loss(reference), weights)


@pytest.mark.question("a3c_loss")
def test_a3c_loss_length_and_coefficients(student, reference, rng):
    """Rollouts of one and of many steps; each coefficient weighs its own term.

    一步与多步的采样；每个系数只作用于自己的那一项。
    """
    for T, value_coef, entropy_coef in ((1, 0.9, 0.3), (17, 0.0, 0.3), (4, 1.5, 0.0)):
        inputs = loss_inputs(rng, T)
        actual, expected = losses(student, reference, inputs, value_coef, entropy_coef)
        check.same(actual, expected, "loss")


@pytest.mark.question("a3c_loss")
def test_a3c_loss_single_precision(student, reference, rng):
    """float32 in, float32 out.

    输入 float32，输出 float32。
    """
    inputs = loss_inputs(rng, 5, torch.float32)
    actual, expected = losses(student, reference, inputs)
    check.same(actual, expected, "loss")
    check.same_gradient(actual, expected, inputs[:3])


# --- copy_gradients -------------------------------------------------------------------------------------------------


def networks(side):
    """A local and a shared network, and their parameters."""
    local, shared = side.ActorCritic(3, 2, 4), side.ActorCritic(3, 2, 4)
    return local, shared, list(local.parameters()), list(shared.parameters())


def give_gradients(rng, parameters):
    """New random gradients, as the next backward pass would leave them."""
    for parameter in parameters:
        parameter.grad = normal(rng, *parameter.shape, dtype=torch.float32)


def gradients(network):
    """The gradients of a network's parameters; zeros where there is none."""
    return [
        torch.zeros_like(p) if p.grad is None else p.grad.detach().clone()
        for p in network.parameters()
    ]


@pytest.mark.question("copy_gradients", gate=True)
def test_copy_gradients_first_call(student, rng):
    """The shared parameters get the local gradients.

    共享参数得到本地梯度。
    """
    local, shared, mine, _ = networks(student)
    give_gradients(rng, mine)
    expected = gradients(local)
    student.copy_gradients(local, shared)
    check.same(gradients(shared), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_every_call(student, rng):
    """The current gradients at every call: neither the first ones for ever, nor their sum.

    每次调用都是当前的梯度：既不是一直保留第一次的，也不是累加。
    """
    local, shared, mine, _ = networks(student)
    for _ in range(3):
        for parameter in mine:
            parameter.grad = None
        local.zero_grad()
        give_gradients(rng, mine)
        expected = gradients(local)
        student.copy_gradients(local, shared)
        check.same(gradients(shared), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_replaces_what_was_there(student, rng):
    """Gradients that the shared parameters had before are replaced.

    共享参数原有的梯度被替换。
    """
    local, shared, mine, theirs = networks(student)
    give_gradients(rng, theirs)
    give_gradients(rng, mine)
    expected = gradients(local)
    student.copy_gradients(local, shared)
    check.same(gradients(shared), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_does_not_alias(student, rng):
    """Local and shared gradients are tensors of their own: clearing one leaves the other alone.

    本地与共享的梯度是各自独立的张量：清空其中一个不影响另一个。
    """
    local, shared, mine, _ = networks(student)
    give_gradients(rng, mine)
    expected = gradients(local)
    student.copy_gradients(local, shared)
    local.zero_grad(set_to_none=False)
    check.same(gradients(shared), expected, "gradient")
    give_gradients(rng, mine)
    expected = gradients(local)
    student.copy_gradients(local, shared)
    shared.zero_grad(set_to_none=False)
    check.same(gradients(local), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_leaves_all_else_alone(student, rng):
    """Neither the parameters' values nor the local gradients change.

    参数的值与本地梯度都不改变。
    """
    local, shared, mine, theirs = networks(student)
    give_gradients(rng, mine)
    expected = gradients(local)
    before = [[p.detach().clone() for p in side] for side in (mine, theirs)]
    student.copy_gradients(local, shared)
    after = [[p.detach().clone() for p in side.parameters()] for side in (local, shared)]
    check.same(after[1], before[1], "shared parameters")
    check.same(after[0], before[0], "local parameters")
    check.same(gradients(local), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_when_a_local_one_is_missing(student, rng):
    """Where a local gradient is None, the shared one becomes None or zeros, whatever it was.

    本地梯度为 None 时，无论共享梯度原来是什么，都变为 None 或零。
    """
    local, shared, mine, theirs = networks(student)
    give_gradients(rng, theirs)
    give_gradients(rng, mine[1:])
    expected = gradients(local)
    student.copy_gradients(local, shared)
    check.same(gradients(shared), expected, "gradient")


@pytest.mark.question("copy_gradients")
def test_copy_gradients_moves_an_optimizer(student, rng):
    """An optimizer over the shared parameters then descends along the local gradients.

    随后，共享参数上的优化器沿本地梯度下降。
    """
    local, shared, mine, theirs = networks(student)
    before = [p.detach().clone() for p in theirs]
    optimizer = student.module("torch.optim").SGD(theirs, lr=0.5)
    total = [torch.zeros_like(p) for p in before]
    for _ in range(2):
        local.zero_grad()
        give_gradients(rng, mine)
        total = [t + g for t, g in zip(total, gradients(local), strict=True)]
        student.copy_gradients(local, shared)
        optimizer.step()
    moved = [(b - p.detach()) / 0.5 for b, p in zip(before, shared.parameters(), strict=True)]
    check.same(moved, total, "step")
