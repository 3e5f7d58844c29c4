"""Hidden tests of policy_gradient.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import actions, mask_of, normal
from autograder.suites.tiny_mdp import (
    EXACT_SIZE,
    QUARTERS,
    enumerate_trajectories,
    objective_gradient,
    two_rooms,
)

ROUNDED_DISCOUNT = {"rtol": 1e-4, "atol": 1e-5}
"""Powers of γ may be taken in float32: `gamma ** torch.arange(T)` is a right answer."""

THETA = torch.tensor([[0.3, -0.8], [1.1, 0.2]], dtype=torch.float64)


def with_garbage(rng, steps, mask):
    """`steps` (N, T) with arbitrary numbers of ordinary size on the padding, as a leaf of its own."""
    garbage = torch.as_tensor(rng.uniform(-10, 10, size=tuple(mask.shape)), dtype=steps.dtype)
    return torch.where(mask, steps.detach(), garbage)


def reward_batch(rng, n, t, dtype=torch.float64):
    mask = mask_of(rng, n, t)
    return with_garbage(rng, normal(rng, n, t, dtype=dtype, shift=0.7), mask), mask


def loss_batch(rng, n, t, dtype=torch.float64):
    """log-probs that require grad, weights whose mean is not 0, mask."""
    mask = mask_of(rng, n, t)
    log_probs = with_garbage(rng, -normal(rng, n, t, dtype=dtype).exp(), mask)
    weights = with_garbage(rng, normal(rng, n, t, dtype=dtype, scale=2.0, shift=1.5), mask)
    return log_probs.requires_grad_(), weights, mask


# --- action_log_probs ---------------------------------------------------------------------------


@pytest.mark.question("action_log_probs", gate=True)
def test_log_probs_of_the_actions_taken(student, reference, rng):
    """Log-probabilities for logits with one, two and three leading axes.

    前面有一个、两个、三个维度的 logits 的对数概率。
    """
    for lead, n_actions in [((6,), 4), ((3, 5), 4), ((2, 5, 3), 6)]:
        logits = normal(rng, *lead, n_actions, scale=2.0)
        taken = actions(rng, n_actions, *lead)
        check.same(
            student.action_log_probs(logits, taken), reference.action_log_probs(logits, taken)
        )


@pytest.mark.question("action_log_probs", gate=True)
def test_log_probs_gradient(student, reference, rng):
    """The gradient with respect to the logits.

    对 logits 的梯度。
    """
    for lead, n_actions in [((6,), 4), ((3, 5), 4)]:
        logits = normal(rng, *lead, n_actions, grad=True)
        taken = actions(rng, n_actions, *lead)
        check.same_gradient(
            student.action_log_probs(logits, taken),
            reference.action_log_probs(logits, taken),
            logits,
        )


@pytest.mark.question("action_log_probs")
def test_log_probs_of_huge_logits(student, reference, rng):
    """Logits up to ±10,000: values and gradient stay finite and right.

    logits 达到 ±10,000 时，数值与梯度仍然有限且正确。
    """
    for dtype in (torch.float64, torch.float32):
        offsets = torch.tensor([[9_000.0], [-9_000.0], [0.0]], dtype=dtype)
        logits = offsets + normal(rng, 3, 4, dtype=dtype)
        spread = torch.tensor([[1e4, -1e4, 0.0, 1e4], [-1e4, 1e4, -1e4, 5e3]], dtype=dtype)
        logits = torch.cat([logits, spread]).requires_grad_()
        taken = torch.tensor([0, 2, 3, 1, 3])
        actual = student.action_log_probs(logits, taken)
        expected = reference.action_log_probs(logits, taken)
        check.same(actual, expected, rtol=1e-5, atol=2e-3)  # float32 holds 9,000 to 1e-3
        check.same_gradient(actual, expected, logits, atol=2e-3)


@pytest.mark.question("action_log_probs")
def test_log_probs_of_all_actions_are_a_distribution(student, rng):
    """Probabilities of all actions sum to 1, and a constant added to a row changes nothing.

    所有动作的概率之和为 1；给一行 logits 加上常数不改变结果。
    """
    logits, every_action = normal(rng, 5, 3), torch.arange(3).expand(5, 3)
    expanded = logits.unsqueeze(1).expand(5, 3, 3).contiguous()
    log_policy = student.action_log_probs(expanded, every_action.contiguous())
    check.same(log_policy.exp().sum(dim=-1), torch.ones(5, dtype=torch.float64))
    shifted = expanded + normal(rng, 5, 3, 1, scale=3.0)
    check.same(student.action_log_probs(shifted, every_action.contiguous()), log_policy)


@pytest.mark.question("action_log_probs")
def test_log_probs_when_sizes_are_one(student, reference, rng):
    """Axes of size 1 stay, a single action has probability 1, and some action may never be taken.

    大小为 1 的维度要保留；唯一动作的概率为 1；有的动作可能从未被采取。
    """
    for lead in [(1,), (1, 5), (5, 1), (1, 1)]:
        logits, taken = normal(rng, *lead, 4), actions(rng, 2, *lead)
        check.same(
            student.action_log_probs(logits, taken), reference.action_log_probs(logits, taken)
        )
    only = student.action_log_probs(normal(rng, 3, 1), torch.zeros(3, dtype=torch.int64))
    check.holds(
        only.shape == (3,) and bool((only.abs() < 1e-9).all()),
        "With a single action its log-probability is 0, one number a state.",
        "只有一个动作时，它的对数概率为 0，每个状态一个数。",
        evidence=only,
    )


@pytest.mark.question("action_log_probs")
def test_log_probs_keep_float32(student, reference, rng):
    """float32 logits give float32 log-probabilities.

    输入 float32，结果也是 float32。
    """
    logits, taken = normal(rng, 6, 4, dtype=torch.float32), actions(rng, 4, 6)
    check.same(student.action_log_probs(logits, taken), reference.action_log_probs(logits, taken))


# --- trajectory_returns -------------------------------------------------------------------------


@pytest.mark.question("trajectory_returns", gate=True)
@pytest.mark.builds_on("rewards_to_go")
def test_discounted_returns(student, reference, rng):
    """Discounted returns of trajectories of unequal length.

    不等长轨迹的折扣回报。
    """
    for n, t, gamma in [(5, 7, 0.9), (4, 3, 0.5)]:
        rewards, mask = reward_batch(rng, n, t)
        check.same(
            student.trajectory_returns(rewards, mask, gamma),
            reference.trajectory_returns(rewards, mask, gamma),
            **ROUNDED_DISCOUNT,
        )


@pytest.mark.question("trajectory_returns")
@pytest.mark.builds_on("rewards_to_go")
def test_returns_at_the_ends_of_gamma(student, reference, rng):
    """γ = 0 leaves the first reward, γ = 1 the plain sum; every row may end before T.

    γ = 0 时只剩第一个奖励，γ = 1 时是普通的和；所有轨迹都可能短于 T。
    """
    mask = torch.nn.functional.pad(mask_of(rng, 5, 5), (0, 2))
    rewards = with_garbage(rng, normal(rng, 5, 7, shift=0.7), mask)
    check.same(
        student.trajectory_returns(rewards, mask, 0.0), rewards[:, 0].clone(), **ROUNDED_DISCOUNT
    )
    check.same(
        student.trajectory_returns(rewards, mask, 1.0),
        reference.trajectory_returns(rewards, mask, 1.0),
        **ROUNDED_DISCOUNT,
    )


@pytest.mark.question("trajectory_returns")
@pytest.mark.builds_on("rewards_to_go")
def test_returns_when_sizes_are_one(student, reference, rng):
    """One trajectory, one step, or both.

    只有一条轨迹、只有一步，或两者皆是。
    """
    for n, t in [(1, 4), (4, 1), (1, 1)]:
        rewards, mask = reward_batch(rng, n, t)
        check.same(
            student.trajectory_returns(rewards, mask, 0.8),
            reference.trajectory_returns(rewards, mask, 0.8),
            **ROUNDED_DISCOUNT,
        )


@pytest.mark.question("trajectory_returns")
@pytest.mark.builds_on("rewards_to_go")
def test_returns_of_long_float32_trajectories(student, reference, rng):
    """Trajectories of a thousand float32 steps, many of which earn nothing.

    长达一千步的 float32 轨迹，其中许多步的奖励为零。
    """
    mask = mask_of(rng, 3, 1000)
    rewards = with_garbage(rng, normal(rng, 3, 1000, dtype=torch.float32).relu(), mask)
    for gamma in (0.5, 0.99):
        check.same(
            student.trajectory_returns(rewards, mask, gamma),
            reference.trajectory_returns(rewards, mask, gamma),
            rtol=1e-3,
        )


@pytest.mark.question("trajectory_returns")
@pytest.mark.builds_on("rewards_to_go")
def test_returns_give_the_exact_policy_gradient(student):
    """Over all trajectories of a tiny decision process, R(τ)·∇log p(τ) averages to ∇J(θ).

    在极小决策过程的所有轨迹上，R(τ)·∇log p(τ) 的期望等于 ∇J(θ)。
    """
    everything = enumerate_trajectories(two_rooms())
    returns = student.trajectory_returns(everything.rewards, everything.mask, 0.9)
    expectation = everything.scores(THETA).T @ (everything.probabilities(THETA) * returns)
    check.same(
        expectation, objective_gradient(everything, THETA, 0.9).flatten(), **ROUNDED_DISCOUNT
    )


# --- rewards_to_go ------------------------------------------------------------------------------


@pytest.mark.question("rewards_to_go", gate=True)
def test_discounted_rewards_to_go(student, reference, rng):
    """Rewards-to-go of trajectories of unequal length, 0 on padding.

    不等长轨迹从每一步起的回报，填充处为 0。
    """
    for n, t, gamma in [(5, 7, 0.9), (4, 3, 0.5)]:
        rewards, mask = reward_batch(rng, n, t)
        check.same(
            student.rewards_to_go(rewards, mask, gamma),
            reference.rewards_to_go(rewards, mask, gamma),
            **ROUNDED_DISCOUNT,
        )


@pytest.mark.question("rewards_to_go")
def test_rewards_to_go_at_the_ends_of_gamma(student, reference, rng):
    """γ = 0 leaves the rewards themselves, γ = 1 the plain sums; every row may end before T.

    γ = 0 时就是奖励本身，γ = 1 时是普通的和；所有轨迹都可能短于 T。
    """
    mask = torch.nn.functional.pad(mask_of(rng, 5, 5), (0, 2))
    rewards = with_garbage(rng, normal(rng, 5, 7, shift=0.7), mask)
    for gamma in (0.0, 1.0):
        check.same(
            student.rewards_to_go(rewards, mask, gamma),
            reference.rewards_to_go(rewards, mask, gamma),
            **ROUNDED_DISCOUNT,
        )


@pytest.mark.question("rewards_to_go")
def test_rewards_to_go_when_sizes_are_one(student, reference, rng):
    """One trajectory, one step, or both.

    只有一条轨迹、只有一步，或两者皆是。
    """
    for n, t in [(1, 4), (4, 1), (1, 1)]:
        rewards, mask = reward_batch(rng, n, t)
        check.same(
            student.rewards_to_go(rewards, mask, 0.8),
            reference.rewards_to_go(rewards, mask, 0.8),
            **ROUNDED_DISCOUNT,
        )


@pytest.mark.question("rewards_to_go")
def test_rewards_to_go_of_long_float32_trajectories(student, reference, rng):
    """Hundreds of float32 steps, many without reward: γ to the power of 300 is too small to divide by.

    几百步的 float32 轨迹，许多步没有奖励：γ 的 300 次方太小，不能作除数。
    """
    mask = mask_of(rng, 2, 300)  # double and triple loops in Python are right, too
    rewards = with_garbage(rng, normal(rng, 2, 300, dtype=torch.float32).relu(), mask)
    for gamma in (0.5, 0.99):
        check.same(
            student.rewards_to_go(rewards, mask, gamma),
            reference.rewards_to_go(rewards, mask, gamma),
            rtol=1e-3,
        )


@pytest.mark.question("rewards_to_go")
def test_rewards_to_go_give_the_exact_policy_gradient(student):
    """Causality: γᵗ·G_t in place of R(τ) leaves the exact ∇J(θ) on a tiny decision process.

    因果性：在极小决策过程上，用 γᵗ·G_t 代替 R(τ) 仍得到精确的 ∇J(θ)。
    """
    everything = enumerate_trajectories(two_rooms())
    to_go = student.rewards_to_go(everything.rewards, everything.mask, 0.9)
    theta = THETA.clone().requires_grad_()
    probabilities = everything.probabilities(THETA).unsqueeze(1)
    weights = probabilities * everything.discounts(0.9) * to_go
    surrogate = (weights * everything.log_probs(theta)).sum()
    check.same(
        torch.autograd.grad(surrogate, theta)[0],
        objective_gradient(everything, THETA, 0.9),
        **ROUNDED_DISCOUNT,
    )


# --- policy_gradient_loss -----------------------------------------------------------------------


@pytest.mark.question("policy_gradient_loss", gate=True)
def test_loss_value(student, reference, rng):
    """The loss of batches of unequal trajectories.

    不等长轨迹批次的损失。
    """
    for n, t in [(5, 7), (4, 3)]:
        log_probs, weights, mask = loss_batch(rng, n, t)
        check.same(
            student.policy_gradient_loss(log_probs, weights, mask),
            reference.policy_gradient_loss(log_probs, weights, mask),
            what="loss",
        )


@pytest.mark.question("policy_gradient_loss", gate=True)
def test_loss_gradient(student, reference, rng):
    """The gradient with respect to every log-probability.

    对每个对数概率的梯度。
    """
    for n, t in [(5, 7), (4, 3)]:
        log_probs, weights, mask = loss_batch(rng, n, t)
        check.same_gradient(
            student.policy_gradient_loss(log_probs, weights, mask),
            reference.policy_gradient_loss(log_probs, weights, mask),
            log_probs,
        )


@pytest.mark.question("policy_gradient_loss")
def test_weights_are_constants(student, reference, rng):
    """No gradient flows into the weights, and that of the log-probabilities stays right.

    没有梯度流入权重，对数概率的梯度仍然正确。
    """
    log_probs, weights, mask = loss_batch(rng, 4, 6)
    weights.requires_grad_()
    actual = student.policy_gradient_loss(log_probs, weights, mask)
    check.no_gradient(actual, weights)
    check.same_gradient(actual, reference.policy_gradient_loss(log_probs, weights, mask), log_probs)


@pytest.mark.question("policy_gradient_loss")
def test_loss_does_not_see_padding_or_order(student, rng):
    """Other numbers on the padding, more padding, or another order of the trajectories change nothing.

    改变填充处的数、增加填充或调换轨迹的顺序，都不改变结果。
    """
    log_probs, weights, mask = loss_batch(rng, 5, 4)
    log_probs = log_probs.detach()
    loss = student.policy_gradient_loss(log_probs, weights, mask)
    longer = torch.nn.functional.pad(mask, (0, 3))
    other = [
        with_garbage(rng, torch.nn.functional.pad(x, (0, 3)), longer) for x in (log_probs, weights)
    ]
    check.same(student.policy_gradient_loss(*other, longer), loss, what="loss")
    order = torch.as_tensor([3, 0, 4, 1, 2])
    check.same(
        student.policy_gradient_loss(log_probs[order], weights[order], mask[order]),
        loss,
        what="loss",
    )


@pytest.mark.question("policy_gradient_loss")
def test_loss_is_linear_in_the_weights(student, rng):
    """The loss is linear in the weights: none of them is normalised, centred or clipped.

    损失关于权重是线性的：权重没有被归一化、中心化或裁剪。
    """
    log_probs, weights, mask = loss_batch(rng, 4, 5)
    log_probs, others = log_probs.detach(), normal(rng, 4, 5, shift=-1.0)

    def loss(w):
        return student.policy_gradient_loss(log_probs, w, mask)

    check.same(
        loss(30.0 * weights - 2.0 * others), 30.0 * loss(weights) - 2.0 * loss(others), what="loss"
    )


@pytest.mark.question("policy_gradient_loss")
def test_loss_when_sizes_are_one(student, reference, rng):
    """One trajectory, one step, or both.

    只有一条轨迹、只有一步，或两者皆是。
    """
    for n, t in [(1, 4), (4, 1), (1, 1)]:
        log_probs, weights, mask = loss_batch(rng, n, t)
        actual = student.policy_gradient_loss(log_probs, weights, mask)
        expected = reference.policy_gradient_loss(log_probs, weights, mask)
        check.same(actual, expected, what="loss")
        check.same_gradient(actual, expected, log_probs)


@pytest.mark.question("policy_gradient_loss")
def test_loss_keeps_float32(student, reference, rng):
    """float32 inputs give a float32 loss; 1,000 steps are no trouble.

    输入 float32，损失也是 float32；一千步也没有问题。
    """
    log_probs, weights, mask = loss_batch(rng, 3, 1000, dtype=torch.float32)
    check.same(
        student.policy_gradient_loss(log_probs, weights, mask),
        reference.policy_gradient_loss(log_probs, weights, mask),
        what="loss",
        rtol=2e-4,
    )


@pytest.mark.question("policy_gradient_loss")
def test_loss_descends_to_the_exact_policy_gradient(student):
    """With every trajectory as often as it is probable, −∇loss is ∇J(θ), whatever the constant baseline.

    每条轨迹按其概率出现时，−∇loss 恰为 ∇J(θ)，与所减的常数基线无关。
    """
    everything = enumerate_trajectories(two_rooms())
    batch = everything.exact_batch(QUARTERS, EXACT_SIZE)
    theta = QUARTERS.clone().requires_grad_()
    total = batch.returns(0.9).unsqueeze(1).expand_as(batch.rewards)
    causal = batch.discounts(0.9) * batch.rewards_to_go(0.9)
    for weights in (total, total - 3.0, causal):
        loss = student.policy_gradient_loss(
            batch.log_probs(theta), weights.contiguous(), batch.mask
        )
        check.same(
            -torch.autograd.grad(loss, theta)[0],
            objective_gradient(everything, QUARTERS, 0.9),
            what="gradient",
        )
