"""Hidden tests of off_policy.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import actions, flags, mask_of, normal
from autograder.suites.tiny_mdp import (
    EXACT_SIZE,
    QUARTERS,
    enumerate_trajectories,
    objective,
    objective_gradient,
    two_rooms,
)

TARGET = torch.tensor([[0.4, -0.3], [-0.8, 0.5]], dtype=torch.float64)
"""Logits of a target policy on `two_rooms`, away from the behavior policy QUARTERS."""


def trajectories(rng, n, t, dtype=torch.float64):
    """Target and behavior log-probabilities that ask for gradients, and a mask; loud numbers on the padding."""
    mask = mask_of(rng, n, t)
    behavior = -normal(rng, n, t, dtype=dtype).abs() - 0.2
    target = behavior + normal(rng, n, t, dtype=dtype, scale=0.5, shift=0.1)
    garbage = torch.as_tensor(rng.uniform(-2, 2, size=(2, n, t)), dtype=dtype)
    target = torch.where(mask, target, garbage[0]).requires_grad_()
    return target, torch.where(mask, behavior, garbage[1]).requires_grad_(), mask


# --- importance_weights -------------------------------------------------------------------------


@pytest.mark.question("importance_weights", gate=True)
def test_weights_of_unequal_trajectories(student, reference, rng):
    """The weights of trajectories of different lengths, and their gradient.

    不等长轨迹的权重及其梯度。
    """
    for n, t in ((5, 4), (3, 6)):
        target, behavior, mask = trajectories(rng, n, t)
        weights = student.importance_weights(target, behavior, mask)
        expected = reference.importance_weights(target, behavior, mask)
        check.same(weights, expected)
        check.same_gradient(weights, expected, target)


@pytest.mark.question("importance_weights")
def test_weights_leave_the_behavior_policy_alone(student, reference, rng):
    """No gradient flows to the behavior policy.

    梯度不会流向行为策略。
    """
    target, behavior, mask = trajectories(rng, 4, 5)
    weights = student.importance_weights(target, behavior, mask)
    check.same(weights, reference.importance_weights(target, behavior, mask))
    check.no_gradient(weights, behavior)


@pytest.mark.question("importance_weights")
def test_weight_of_one_float32_step(student, reference, rng):
    """One trajectory of one step, in float32.

    只有一步的一条轨迹，float32。
    """
    target, behavior, mask = trajectories(rng, 1, 1, torch.float32)
    weights = student.importance_weights(target, behavior, mask)
    expected = reference.importance_weights(target, behavior, mask)
    check.same(weights, expected)
    check.same_gradient(weights, expected, target)


@pytest.mark.question("importance_weights")
def test_weights_of_long_trajectories(student, reference, rng):
    """Hundreds of steps: the probability of a trajectory is too small to be a number, the ratio is not.

    数百步：轨迹的概率小到无法表示，但比值可以。
    """
    behavior = -normal(rng, 3, 900).abs() - 1.5
    target = (behavior + normal(rng, 3, 900, scale=0.03)).requires_grad_()
    mask = mask_of(rng, 3, 900)
    weights = student.importance_weights(target, behavior, mask)
    expected = reference.importance_weights(target, behavior, mask)
    check.same(weights, expected)
    check.same_gradient(weights, expected, target)


@pytest.mark.question("importance_weights")
def test_weights_turn_one_distribution_into_the_other(student):
    """On a tiny decision process: the weights turn the probability of every trajectory into the target's.

    在极小决策过程上：权重把每条轨迹的概率变成目标策略下的概率。
    """
    everything = enumerate_trajectories(two_rooms())
    weights = student.importance_weights(
        everything.log_probs(TARGET), everything.log_probs(QUARTERS), everything.mask
    )
    check.same(weights * everything.probabilities(QUARTERS), everything.probabilities(TARGET))


# --- off_policy_loss ----------------------------------------------------------------------------


def check_loss(student, reference, target, behavior, returns, mask):
    loss = student.off_policy_loss(target, behavior, returns, mask)
    expected = reference.off_policy_loss(target, behavior, returns, mask)
    check.same(loss, expected, what="loss")
    if expected.requires_grad:  # otherwise an earlier mistake cut it, and is forgiven
        check.same_gradient(loss, expected, target)
    return loss, expected


def moves(loss, leaf):
    """Whether a gradient of `loss` reaches `leaf`."""
    if not loss.requires_grad:
        return False
    found = torch.autograd.grad(loss.sum(), leaf, retain_graph=True, allow_unused=True)[0]
    return found is not None and bool(found.any())


@pytest.mark.question("off_policy_loss", gate=True)
@pytest.mark.builds_on("importance_weights")
def test_off_policy_loss(student, reference, rng):
    """The loss, and its gradient with respect to the target policy.

    损失的数值，及其对目标策略的梯度。
    """
    for n, t in ((5, 4), (3, 6)):
        target, behavior, mask = trajectories(rng, n, t)
        returns = normal(rng, n, scale=3.0, shift=2.0)
        check_loss(student, reference, target, behavior, returns, mask)


@pytest.mark.question("off_policy_loss")
@pytest.mark.builds_on("importance_weights")
def test_off_policy_loss_holds_its_data_constant(student, reference, rng):
    """No gradient flows to the returns or to the behavior policy.

    梯度不会流向回报，也不会流向行为策略。
    """
    target, behavior, mask = trajectories(rng, 4, 5)
    returns = normal(rng, 4, scale=3.0, shift=2.0, grad=True)
    loss, expected = check_loss(student, reference, target, behavior, returns, mask)
    for leaf in (returns, behavior):
        if not moves(expected, leaf):  # otherwise an earlier mistake moves it, and is forgiven
            check.no_gradient(loss, leaf)


@pytest.mark.question("off_policy_loss")
@pytest.mark.builds_on("importance_weights")
def test_off_policy_loss_of_one_float32_step(student, reference, rng):
    """One trajectory of one step, in float32.

    只有一步的一条轨迹，float32。
    """
    target, behavior, mask = trajectories(rng, 1, 1, torch.float32)
    returns = normal(rng, 1, dtype=torch.float32, scale=3.0, shift=2.0)
    check_loss(student, reference, target, behavior, returns, mask)


@pytest.mark.question("off_policy_loss")
@pytest.mark.builds_on("importance_weights")
def test_off_policy_loss_is_unbiased(student, reference):
    """On a tiny decision process: data of one policy give the exact J and ∇J of another one.

    在极小决策过程上：用一个策略的数据得到另一个策略精确的 J 与 ∇J。
    """
    everything = enumerate_trajectories(two_rooms())
    batch = everything.exact_batch(QUARTERS, EXACT_SIZE)
    theta, returns = TARGET.clone().requires_grad_(), batch.returns(0.9)
    log_probs, behavior = batch.log_probs(theta), batch.log_probs(QUARTERS)
    loss = student.off_policy_loss(log_probs, behavior, returns, batch.mask)
    expected = reference.off_policy_loss(log_probs, behavior, returns, batch.mask)
    exact = -objective(everything, TARGET, 0.9)
    if not torch.allclose(expected, exact):  # an earlier mistake is carried forward
        check.same(loss, expected, what="loss")
        return
    check.same(loss, exact, what="loss")
    if expected.requires_grad:
        check.same(
            torch.autograd.grad(loss, theta)[0],
            -objective_gradient(everything, TARGET, 0.9),
            what="gradient",
        )


# --- q_targets ----------------------------------------------------------------------------------

GAMMA = 0.83


def steps(rng, b, dtype=torch.float64, grad=False):
    """Rewards, Q(s', a') and terminated of B transitions; terminal states have loud values."""
    rewards = normal(rng, b, dtype=dtype, shift=0.5)
    return rewards, normal(rng, b, dtype=dtype, grad=grad, scale=2.0, shift=3.0), flags(rng, b)


@pytest.mark.question("q_targets", gate=True)
def test_q_targets_with_and_without_termination(student, reference, rng):
    """Targets of ordinary and of terminated steps.

    普通步与终止步的目标。
    """
    for b in (7, 4):
        batch = steps(rng, b)
        check.same(student.q_targets(*batch, GAMMA), reference.q_targets(*batch, GAMMA))


@pytest.mark.question("q_targets")
def test_q_targets_are_constant(student, reference, rng):
    """The targets carry no gradient, even if the Q-values of s' require one.

    即使 s' 的 Q 值需要梯度，目标也不带梯度。
    """
    batch = steps(rng, 5, grad=True)
    targets = student.q_targets(*batch, GAMMA)
    check.same(targets, reference.q_targets(*batch, GAMMA))
    check.constant(targets)


@pytest.mark.question("q_targets")
def test_q_target_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32, terminated or not.

    只有一步的 float32 批次，终止或未终止。
    """
    for ended in (True, False):
        rewards, next_q_values, _ = steps(rng, 1, torch.float32)
        terminated = torch.tensor([ended])
        check.same(
            student.q_targets(rewards, next_q_values, terminated, GAMMA),
            reference.q_targets(rewards, next_q_values, terminated, GAMMA),
        )


@pytest.mark.question("q_targets")
def test_q_targets_at_the_ends_of_the_discount(student, reference, rng):
    """γ = 0 leaves the reward, γ = 1 adds the whole next value.

    γ = 0 时只剩奖励，γ = 1 时加上完整的下一动作价值。
    """
    batch = steps(rng, 6)
    for gamma in (0.0, 1.0):
        check.same(student.q_targets(*batch, gamma), reference.q_targets(*batch, gamma))


# --- resampled_actor_loss -----------------------------------------------------------------------


def states(rng, b, a, dtype=torch.float64):
    """Logits and Q values that ask for gradients, and sampled actions."""
    logits = normal(rng, b, a, dtype=dtype, grad=True, scale=1.5, shift=0.7)
    q_values = normal(rng, b, a, dtype=dtype, grad=True, scale=2.0, shift=3.0)
    return logits, q_values, actions(rng, a, b)


def check_actor(student, reference, batch):
    loss, expected = student.resampled_actor_loss(*batch), reference.resampled_actor_loss(*batch)
    check.same(loss, expected, what="loss")
    check.same_gradient(loss, expected, batch[0])


@pytest.mark.question("resampled_actor_loss", gate=True)
def test_resampled_loss(student, reference, rng):
    """The loss, and its gradient with respect to the logits.

    损失的数值，及其对 logits 的梯度。
    """
    for b, a in ((6, 3), (4, 4), (2, 5)):
        check_actor(student, reference, states(rng, b, a))


@pytest.mark.question("resampled_actor_loss")
def test_resampled_loss_leaves_the_critic_alone(student, reference, rng):
    """The Q values are constants, even if they ask for a gradient.

    Q 值是常数，即使它要求梯度。
    """
    logits, q_values, sampled = states(rng, 5, 3)
    loss = student.resampled_actor_loss(logits, q_values, sampled)
    check.same(loss, reference.resampled_actor_loss(logits, q_values, sampled), what="loss")
    check.no_gradient(loss, q_values)


@pytest.mark.question("resampled_actor_loss")
def test_resampled_loss_of_one_float32_state(student, reference, rng):
    """A batch of one, in float32.

    只有一个状态的 float32 批次。
    """
    check_actor(student, reference, states(rng, 1, 4, torch.float32))


@pytest.mark.question("resampled_actor_loss")
def test_resampled_loss_does_not_depend_on_the_level_of_the_logits(student, reference, rng):
    """Adding a number to all logits of a state leaves the loss alone.

    给一个状态的所有 logits 加同一个数，损失不变。
    """
    logits, q_values, sampled = states(rng, 4, 3)
    raised = (logits + normal(rng, 4, 1, scale=3.0)).detach()
    check.same(
        student.resampled_actor_loss(raised, q_values, sampled),
        reference.resampled_actor_loss(logits, q_values, sampled),
        what="loss",
    )


@pytest.mark.question("resampled_actor_loss")
def test_resampled_loss_is_unbiased(student, rng):
    """With actions in the proportions of the policy, the gradient is exactly that of −Σ π(a|s) Q(s, a).

    当动作的比例与策略一致时，梯度恰好是 −Σ π(a|s) Q(s, a) 的梯度。
    """
    policy = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    logits = policy.log().requires_grad_()
    q = normal(rng, 3, scale=2.0, shift=1.0)
    sampled = torch.tensor([0, 1, 1, 2])
    loss = student.resampled_actor_loss(logits.expand(4, 3), q.expand(4, 3), sampled)
    exact = torch.autograd.grad(-(torch.softmax(logits, dim=-1) @ q), logits)[0]
    check.same(torch.autograd.grad(loss, logits)[0], exact, what="gradient")
