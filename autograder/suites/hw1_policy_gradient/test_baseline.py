"""Hidden tests of baseline.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import mask_of, normal
from autograder.suites.tiny_mdp import (
    EXACT_SIZE,
    QUARTERS,
    enumerate_trajectories,
    objective_gradient,
    two_rooms,
)


def value_batch(rng, n, t, dtype=torch.float64):
    """Values that require grad, targets far from them, mask; arbitrary numbers on the padding."""
    mask = mask_of(rng, n, t)
    values = normal(rng, n, t, dtype=dtype)
    targets = normal(rng, n, t, dtype=dtype, scale=3.0, shift=2.0)
    garbage = torch.as_tensor(rng.uniform(-10, 10, size=(2, n, t)), dtype=dtype)
    values = torch.where(mask, values, garbage[0]).requires_grad_()
    return values, torch.where(mask, targets, garbage[1]), mask


def variance(scores, weights):
    """Total variance of the estimate weight·score over the trajectories of an exact batch."""
    return (scores * weights.unsqueeze(1)).var(dim=0, correction=0).sum()


# --- batch_mean_baseline ------------------------------------------------------------------------


@pytest.mark.question("batch_mean_baseline", gate=True)
def test_mean_of_the_batch(student, reference, rng):
    """The mean return, once a trajectory.

    平均回报，每条轨迹一份。
    """
    for n in (5, 8):
        returns = normal(rng, n, scale=4.0, shift=3.0)
        check.same(student.batch_mean_baseline(returns), reference.batch_mean_baseline(returns))


@pytest.mark.question("batch_mean_baseline")
def test_mean_of_one_trajectory(student, rng):
    """The baseline of a single trajectory is its own return.

    只有一条轨迹时，基线就是它自己的回报。
    """
    returns = normal(rng, 1, shift=3.0)
    check.same(student.batch_mean_baseline(returns), returns.clone())


@pytest.mark.question("batch_mean_baseline")
def test_mean_of_float32_returns(student, reference, rng):
    """float32 returns give a float32 baseline.

    输入 float32，基线也是 float32。
    """
    returns = normal(rng, 7, dtype=torch.float32, scale=50.0, shift=200.0)
    check.same(student.batch_mean_baseline(returns), reference.batch_mean_baseline(returns))


@pytest.mark.question("batch_mean_baseline")
def test_mean_moves_with_the_returns(student, rng):
    """Returns that are a times larger and c higher have a baseline a times larger and c higher.

    回报放大 a 倍再加上 c，基线也随之放大 a 倍再加上 c。
    """
    returns = normal(rng, 6, shift=1.0)
    moved = student.batch_mean_baseline(3.0 * returns + 11.0)
    check.same(moved, 3.0 * student.batch_mean_baseline(returns) + 11.0)


@pytest.mark.question("batch_mean_baseline")
def test_mean_keeps_the_gradient_and_lowers_its_variance(student):
    """On a tiny decision process: the same expected gradient, with less variance than without baseline.

    在极小决策过程上：梯度的期望不变，方差比没有基线时小。
    """
    everything = enumerate_trajectories(two_rooms())
    batch = everything.exact_batch(QUARTERS, EXACT_SIZE)
    returns, scores = batch.returns(0.9), batch.scores(QUARTERS)
    weights = returns - student.batch_mean_baseline(returns)
    check.same(
        (scores * weights.unsqueeze(1)).mean(dim=0),
        objective_gradient(everything, QUARTERS, 0.9).flatten(),
        what="gradient",
    )
    reduced = variance(scores, weights)
    check.holds(
        reduced < variance(scores, returns),
        "With this baseline subtracted the gradient estimate is not less noisy than without.",
        "减去这个基线之后，梯度估计的方差并没有变小。",
        evidence=reduced,
    )


# --- RunningMeanBaseline ------------------------------------------------------------------------


@pytest.mark.question("RunningMeanBaseline", gate=True)
def test_running_mean_of_unequal_batches(student, reference, rng):
    """The mean of every return so far, after each of several batches of different sizes.

    先后记录几个大小不同的批次，每次之后都是全部回报的平均值。
    """
    mine, right = student.RunningMeanBaseline(), reference.RunningMeanBaseline()
    for n in (4, 1, 7, 2):
        returns = normal(rng, n, scale=3.0, shift=5.0 - n)
        mine.update(returns)
        right.update(returns)
        check.same(mine.value, right.value, rtol=1e-5, atol=1e-5)


@pytest.mark.question("RunningMeanBaseline")
def test_running_mean_before_the_first_return(student):
    """0.0 before anything was recorded, and this 0.0 does not count as a return.

    尚未记录时为 0.0，而且这个 0.0 不算一个回报。
    """
    running = student.RunningMeanBaseline()
    value = running.value
    check.finite(value)
    check.holds(
        float(value) == 0.0,
        "Before the first update the value is 0.0.",
        "第一次更新之前，value 应为 0.0。",
        evidence=value,
    )
    running.update(torch.tensor([8.0], dtype=torch.float64))
    check.same(running.value, 8.0)


@pytest.mark.question("RunningMeanBaseline")
def test_running_means_do_not_share_anything(student):
    """Two baselines at the same time keep their own means, and reading one changes nothing.

    两个基线对象各记各的平均值；读取 value 不会改变它。
    """
    first, second = student.RunningMeanBaseline(), student.RunningMeanBaseline()
    first.update(torch.tensor([2.0, 8.0, 0.0, 2.0], dtype=torch.float64))  # 0 is a return, too
    second.update(torch.tensor([-1.0], dtype=torch.float64))
    check.same(first.value, 3.0)
    check.same([first.value, second.value], [3.0, -1.0])
    second.update(torch.tensor([-3.0, -8.0], dtype=torch.float64))
    check.same([first.value, second.value], [3.0, -4.0])
    check.same(student.RunningMeanBaseline().value + 1.0, 1.0)


@pytest.mark.question("RunningMeanBaseline")
def test_running_mean_of_many_float32_batches(student, rng):
    """More than a thousand float32 returns that grow as they do in training; none is forgotten.

    一千多个 float32 回报，像训练时那样越来越大；一个也不会被遗忘。
    """
    running, everything = student.RunningMeanBaseline(), []
    for i in range(8):
        returns = normal(rng, 160 - i, dtype=torch.float32, scale=20.0, shift=60.0 * i)
        running.update(returns)
        everything.append(returns)
    check.same(float(running.value), torch.cat(everything).double().mean().item(), rtol=1e-4)


# --- value_baseline_loss ------------------------------------------------------------------------


@pytest.mark.question("value_baseline_loss", gate=True)
def test_value_loss(student, reference, rng):
    """The loss of batches of unequal trajectories.

    不等长轨迹批次的损失。
    """
    for n, t in [(5, 7), (4, 3)]:
        values, targets, mask = value_batch(rng, n, t)
        check.same(
            student.value_baseline_loss(values, targets, mask),
            reference.value_baseline_loss(values, targets, mask),
            what="loss",
        )


@pytest.mark.question("value_baseline_loss", gate=True)
def test_value_loss_gradient(student, reference, rng):
    """The gradient with respect to every value.

    对每个价值的梯度。
    """
    for n, t in [(5, 7), (4, 3)]:
        values, targets, mask = value_batch(rng, n, t)
        check.same_gradient(
            student.value_baseline_loss(values, targets, mask),
            reference.value_baseline_loss(values, targets, mask),
            values,
        )


@pytest.mark.question("value_baseline_loss")
def test_value_targets_are_constants(student, reference, rng):
    """No gradient flows into the targets, and that of the values stays right.

    没有梯度流入 targets，价值的梯度仍然正确。
    """
    values, targets, mask = value_batch(rng, 4, 6)
    targets.requires_grad_()
    actual = student.value_baseline_loss(values, targets, mask)
    check.no_gradient(actual, targets)
    check.same_gradient(actual, reference.value_baseline_loss(values, targets, mask), values)


@pytest.mark.question("value_baseline_loss")
def test_value_loss_does_not_see_padding_or_order(student, rng):
    """Other numbers on the padding, more padding, or another order of the trajectories change nothing.

    改变填充处的数、增加填充或调换轨迹的顺序，都不改变结果。
    """
    values, targets, mask = value_batch(rng, 5, 4)
    values = values.detach()
    loss = student.value_baseline_loss(values, targets, mask)
    longer = torch.nn.functional.pad(mask, (0, 3))
    garbage = torch.as_tensor(rng.uniform(-10, 10, size=(2, 5, 7)))
    padded = [
        torch.where(longer, torch.nn.functional.pad(x, (0, 3)), g)
        for x, g in zip((values, targets), garbage, strict=True)
    ]
    check.same(student.value_baseline_loss(*padded, longer), loss, what="loss")
    order = torch.as_tensor([3, 0, 4, 1, 2])
    check.same(
        student.value_baseline_loss(values[order], targets[order], mask[order]), loss, what="loss"
    )


@pytest.mark.question("value_baseline_loss")
def test_value_loss_when_sizes_are_one(student, reference, rng):
    """One trajectory, one step, or both.

    只有一条轨迹、只有一步，或两者皆是。
    """
    for n, t in [(1, 4), (4, 1), (1, 1)]:
        values, targets, mask = value_batch(rng, n, t)
        actual = student.value_baseline_loss(values, targets, mask)
        expected = reference.value_baseline_loss(values, targets, mask)
        check.same(actual, expected, what="loss")
        check.same_gradient(actual, expected, values)


@pytest.mark.question("value_baseline_loss")
def test_value_loss_keeps_float32(student, reference, rng):
    """float32 inputs give a float32 loss; 1,000 steps are no trouble.

    输入 float32，损失也是 float32；一千步也没有问题。
    """
    values, targets, mask = value_batch(rng, 3, 1000, dtype=torch.float32)
    check.same(
        student.value_baseline_loss(values, targets, mask),
        reference.value_baseline_loss(values, targets, mask),
        what="loss",
        rtol=1e-3,
    )


# --- optimal_baseline ---------------------------------------------------------------------------


@pytest.mark.question("optimal_baseline", gate=True)
def test_optimal_constant(student, reference, rng):
    """The constant for random scores and returns.

    随机的得分与回报所对应的最优常数。
    """
    for n in (6, 9):
        norms, returns = normal(rng, n).exp(), normal(rng, n, scale=4.0, shift=3.0)
        check.same(
            student.optimal_baseline(norms, returns), reference.optimal_baseline(norms, returns)
        )


@pytest.mark.question("optimal_baseline")
def test_optimal_constant_has_the_least_variance(student):
    """On a tiny decision process no constant near it, nor the mean, gives a lower variance.

    在极小决策过程上，附近的任何常数以及平均值都不能使方差更小。
    """
    batch = enumerate_trajectories(two_rooms()).exact_batch(QUARTERS, EXACT_SIZE)
    returns, scores = batch.returns(0.9), batch.scores(QUARTERS)
    best = student.optimal_baseline(scores.square().sum(dim=1), returns)
    least = variance(scores, returns - best)
    others = [best - 0.01, best + 0.01, returns.mean(), torch.zeros_like(best)]
    check.holds(
        all(least < variance(scores, returns - other) for other in others),
        "Another constant gives a lower variance of the gradient estimate.",
        "另有常数能使梯度估计的方差更小。",
        evidence=best,
    )


@pytest.mark.question("optimal_baseline")
def test_optimal_constant_follows_its_inputs(student, rng):
    """Equal scores leave the mean; the size of the scores cancels; one trajectory has its own return.

    得分相同时就是平均值；得分的整体大小会约掉；只有一条轨迹时就是它的回报。
    """
    norms, returns = normal(rng, 5).exp(), normal(rng, 5, shift=2.0)
    check.same(student.optimal_baseline(torch.full_like(norms, 0.3), returns), returns.mean())
    check.same(
        student.optimal_baseline(7.0 * norms, returns), student.optimal_baseline(norms, returns)
    )
    check.same(student.optimal_baseline(norms[:1], returns[:1]), returns[0].clone())


@pytest.mark.question("optimal_baseline")
def test_optimal_constant_keeps_float32(student, reference, rng):
    """float32 inputs give a float32 scalar.

    输入 float32，结果是 float32 标量。
    """
    norms = normal(rng, 6, dtype=torch.float32).exp()
    returns = normal(rng, 6, dtype=torch.float32, scale=40.0, shift=150.0)
    check.same(student.optimal_baseline(norms, returns), reference.optimal_baseline(norms, returns))
