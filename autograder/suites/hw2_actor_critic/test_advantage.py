"""Hidden tests of advantage.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import actions, flags, normal
from autograder.suites.tiny_mdp import QUARTERS, two_rooms

GAMMA = 0.83


def transitions(rng, b, dtype=torch.float64, grad=False):
    """Rewards, V(s), V(s') and terminated of B transitions; terminal states have loud values."""
    rewards = normal(rng, b, dtype=dtype, grad=grad, shift=0.5)
    values = normal(rng, b, dtype=dtype, grad=grad, scale=2.0, shift=1.0)
    next_values = normal(rng, b, dtype=dtype, grad=grad, scale=2.0, shift=3.0)
    return rewards, values, next_values, flags(rng, b)


# --- td_targets ---------------------------------------------------------------------------------


@pytest.mark.question("td_targets", gate=True)
def test_targets_with_and_without_termination(student, reference, rng):
    """Targets of ordinary and of terminated steps.

    普通步与终止步的目标。
    """
    for b in (7, 4):
        rewards, _, next_values, terminated = transitions(rng, b)
        check.same(
            student.td_targets(rewards, next_values, terminated, GAMMA),
            reference.td_targets(rewards, next_values, terminated, GAMMA),
        )


@pytest.mark.question("td_targets")
def test_targets_are_constant(student, reference, rng):
    """The targets carry no gradient, whatever they are computed from.

    无论由什么算出，目标都不带梯度。
    """
    rewards, _, next_values, terminated = transitions(rng, 5, grad=True)
    rewards = rewards.detach()
    targets = student.td_targets(rewards, next_values, terminated, GAMMA)
    check.same(targets, reference.td_targets(rewards, next_values, terminated, GAMMA))
    check.constant(targets)


@pytest.mark.question("td_targets")
def test_targets_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32, terminated or not.

    只有一步的 float32 批次，终止或未终止。
    """
    for ended in (True, False):
        rewards, _, next_values, _ = transitions(rng, 1, torch.float32)
        terminated = torch.tensor([ended])
        check.same(
            student.td_targets(rewards, next_values, terminated, GAMMA),
            reference.td_targets(rewards, next_values, terminated, GAMMA),
        )


@pytest.mark.question("td_targets")
def test_targets_at_the_ends_of_the_discount(student, reference, rng):
    """γ = 0 leaves the reward, γ = 1 adds the whole next value.

    γ = 0 时只剩奖励，γ = 1 时加上完整的下一状态价值。
    """
    rewards, _, next_values, terminated = transitions(rng, 6)
    for gamma in (0.0, 1.0):
        check.same(
            student.td_targets(rewards, next_values, terminated, gamma),
            reference.td_targets(rewards, next_values, terminated, gamma),
        )


# --- td_advantages ------------------------------------------------------------------------------


@pytest.mark.question("td_advantages", gate=True)
@pytest.mark.builds_on("td_targets")
def test_advantages_with_and_without_termination(student, reference, rng):
    """Advantages of ordinary and of terminated steps.

    普通步与终止步的优势。
    """
    for b in (6, 5):
        rewards, values, next_values, terminated = transitions(rng, b)
        check.same(
            student.td_advantages(rewards, values, next_values, terminated, GAMMA),
            reference.td_advantages(rewards, values, next_values, terminated, GAMMA),
        )


@pytest.mark.question("td_advantages")
@pytest.mark.builds_on("td_targets")
def test_advantages_are_constant(student, reference, rng):
    """The advantages carry no gradient: neither V(s) nor V(s') is moved by them.

    优势不带梯度：V(s) 与 V(s') 都不会因它而改变。
    """
    rewards, values, next_values, terminated = transitions(rng, 5, grad=True)
    rewards = rewards.detach()
    advantages = student.td_advantages(rewards, values, next_values, terminated, GAMMA)
    expected = reference.td_advantages(rewards, values, next_values, terminated, GAMMA)
    check.same(advantages, expected.detach())
    if expected.requires_grad:  # what an earlier mistake lets through is forgiven, V(s) is not
        check.no_gradient(advantages, values)
    else:
        check.constant(advantages)


@pytest.mark.question("td_advantages")
@pytest.mark.builds_on("td_targets")
def test_advantage_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32, terminated or not.

    只有一步的 float32 批次，终止或未终止。
    """
    for ended in (True, False):
        rewards, values, next_values, _ = transitions(rng, 1, torch.float32)
        terminated = torch.tensor([ended])
        check.same(
            student.td_advantages(rewards, values, next_values, terminated, GAMMA),
            reference.td_advantages(rewards, values, next_values, terminated, GAMMA),
        )


@pytest.mark.question("td_advantages")
@pytest.mark.builds_on("td_targets")
def test_advantages_of_equal_steps_are_not_rescaled(student, reference):
    """Steps that are all alike keep their advantage: it is not compared with the batch.

    所有步完全相同时优势保持原样：它不与批次中其他步比较。
    """
    ones = torch.ones(4, dtype=torch.float64)
    terminated = torch.zeros(4, dtype=torch.bool)
    check.same(
        student.td_advantages(2.0 * ones, 0.5 * ones, 3.0 * ones, terminated, GAMMA),
        reference.td_advantages(2.0 * ones, 0.5 * ones, 3.0 * ones, terminated, GAMMA),
    )


# --- q_advantages -------------------------------------------------------------------------------


def choices(rng, b, a, dtype=torch.float64, grad=False):
    """Q values, logits far from uniform, and actions."""
    q_values = normal(rng, b, a, dtype=dtype, grad=grad, scale=2.0, shift=1.5)
    logits = normal(rng, b, a, dtype=dtype, grad=grad, scale=1.5, shift=0.7)
    return q_values, logits, actions(rng, a, b)


@pytest.mark.question("q_advantages", gate=True)
def test_q_advantages_of_a_batch(student, reference, rng):
    """Q of the action taken minus the mean of Q under the policy.

    所采取动作的 Q 减去 Q 在策略下的期望。
    """
    for b, a in ((6, 3), (4, 4), (3, 5)):
        batch = choices(rng, b, a)
        check.same(student.q_advantages(*batch), reference.q_advantages(*batch))


@pytest.mark.question("q_advantages")
def test_q_advantages_are_constant(student, reference, rng):
    """Neither Q nor the policy gets a gradient through the advantages.

    Q 与策略都不会通过优势得到梯度。
    """
    batch = choices(rng, 5, 3, grad=True)
    advantages = student.q_advantages(*batch)
    check.same(advantages, reference.q_advantages(*batch))
    check.constant(advantages)


@pytest.mark.question("q_advantages")
def test_q_advantages_of_one_float32_state(student, reference, rng):
    """A batch of one state, in float32.

    只有一个状态的 float32 批次。
    """
    batch = choices(rng, 1, 4, torch.float32)
    check.same(student.q_advantages(*batch), reference.q_advantages(*batch))


@pytest.mark.question("q_advantages")
def test_q_advantage_of_the_only_action(student, rng):
    """With one action there is nothing to choose, and its advantage is 0.

    只有一个动作时无从选择，其优势为 0。
    """
    advantages = student.q_advantages(*choices(rng, 5, 1))
    check.same(advantages + 1.0, torch.ones(5, dtype=torch.float64))


@pytest.mark.question("q_advantages")
def test_q_advantages_do_not_depend_on_the_level_of_the_logits(student, reference, rng):
    """Adding a number to all logits of a state leaves the policy, and the advantages, alone.

    给一个状态的所有 logits 加同一个数，策略不变，优势也不变。
    """
    q_values, logits, taken = choices(rng, 4, 3)
    check.same(
        student.q_advantages(q_values, logits + normal(rng, 4, 1, scale=3.0), taken),
        reference.q_advantages(q_values, logits, taken),
    )


def solved(mdp, theta):
    """p_π(s'|s) (S, S), V (S,) and Q (S, A) of softmax(theta) without a horizon; differentiable."""
    policy, inside = torch.softmax(theta, dim=-1), mdp.transitions[..., :-1]
    chain = torch.einsum("sa,sat->st", policy, inside)
    identity = torch.eye(len(chain), dtype=chain.dtype)
    v = torch.linalg.solve(identity - GAMMA * chain, (policy * mdp.rewards).sum(dim=1))
    return chain, v, mdp.rewards + GAMMA * inside @ v


@pytest.mark.question("q_advantages")
def test_q_advantages_give_the_exact_policy_gradient(student):
    """On a tiny decision process with its exact Q, these advantages give the exact ∇J.

    在极小决策过程上使用精确的 Q，由这些优势得到精确的 ∇J。
    """
    mdp = two_rooms()
    theta = QUARTERS.clone().requires_grad_()
    chain, v, q = solved(mdp, theta)
    exact = torch.autograd.grad(mdp.start @ v, theta)[0]

    chain, q, policy = chain.detach(), q.detach(), torch.softmax(QUARTERS, dim=-1)
    states, n_actions = mdp.shape
    s, a = torch.cartesian_prod(torch.arange(states), torch.arange(n_actions)).unbind(dim=1)
    advantages = student.q_advantages(q[s], QUARTERS[s], a).view(mdp.shape)
    identity = torch.eye(states, dtype=q.dtype)
    visits = torch.linalg.solve((identity - GAMMA * chain).T, mdp.start)  # Σ_t γᵗ p(s_t = s)
    weighted = visits.unsqueeze(1) * policy * advantages
    score_sum = weighted - policy * weighted.sum(dim=1, keepdim=True)  # Σ weight · ∇log π(a|s)
    check.same(score_sum, exact, what="gradient")


# --- generalized_advantages (bonus) -------------------------------------------------------------


def stream(rng, terminated, truncated, dtype=torch.float64, grad=False):
    """One stream of T steps: within an episode V(s') of a step is V(s) of the next one."""
    t = len(terminated)
    ended = torch.tensor(terminated) | torch.tensor(truncated)
    rewards = normal(rng, t, dtype=dtype, shift=0.5)
    values = normal(rng, t, dtype=dtype, scale=2.0, shift=1.0)
    beyond = normal(rng, t, dtype=dtype, scale=2.0, shift=3.0)
    next_values = torch.where(ended, beyond, torch.cat([values[1:], beyond[-1:]]))
    rewards, values, next_values = (x.requires_grad_(grad) for x in (rewards, values, next_values))
    return rewards, values, next_values, torch.tensor(terminated), torch.tensor(truncated)


def at(t, *steps):
    """T flags, True at the given steps."""
    return [i in steps for i in range(t)]


@pytest.mark.question("generalized_advantages", gate=True)
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_over_several_episodes(student, reference, rng):
    """A stream of episodes that were terminated, truncated, and cut off at its end.

    一串步，其中的回合有终止的、截断的，末尾一个被中途切断。
    """
    for dones in ((at(11, 2, 8), at(11, 5)), (at(9, 3), at(9, 0, 7)), (at(6), at(6))):
        steps = stream(rng, *dones)
        check.same(
            student.generalized_advantages(*steps, GAMMA, 0.7),
            reference.generalized_advantages(*steps, GAMMA, 0.7),
        )


@pytest.mark.question("generalized_advantages")
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_of_a_truncated_episode(student, reference, rng):
    """After truncation the sum restarts, but the value of the state reached still counts.

    截断之后求和重新开始，但所到达状态的价值仍然计入。
    """
    for dones in (
        (at(8), at(8, 3, 6)),
        (at(8, 2, 5), at(8, 5)),
    ):  # the latter ends both ways at once
        steps = stream(rng, *dones)
        check.same(
            student.generalized_advantages(*steps, 0.9, 0.8),
            reference.generalized_advantages(*steps, 0.9, 0.8),
        )


@pytest.mark.question("generalized_advantages")
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_at_the_ends_of_lambda(student, reference, rng):
    """λ = 0 is the TD error, λ = 1 the discounted return minus the value.

    λ = 0 时为 TD 误差，λ = 1 时为折扣回报减去价值。
    """
    steps = stream(rng, at(9, 4), at(9, 6))
    for gamma, lam in ((0.9, 0.0), (0.9, 1.0), (1.0, 0.5), (0.0, 0.9)):
        check.same(
            student.generalized_advantages(*steps, gamma, lam),
            reference.generalized_advantages(*steps, gamma, lam),
        )


@pytest.mark.question("generalized_advantages")
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_is_constant(student, reference, rng):
    """The advantages carry no gradient.

    优势不带梯度。
    """
    rewards, *others = stream(rng, at(7, 4), at(7, 2), grad=True)
    steps = (rewards.detach(), *others)
    advantages = student.generalized_advantages(*steps, GAMMA, 0.7)
    expected = reference.generalized_advantages(*steps, GAMMA, 0.7)
    check.same(advantages, expected.detach())
    if not expected.requires_grad:
        check.constant(advantages)


@pytest.mark.question("generalized_advantages")
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_of_one_float32_step(student, reference, rng):
    """A stream of a single step, in float32, that ends in each of the possible ways.

    只有一步的 float32 序列，以各种可能的方式结束。
    """
    for terminated, truncated in ((True, False), (False, True), (False, False), (True, True)):
        steps = stream(rng, [terminated], [truncated], torch.float32)
        check.same(
            student.generalized_advantages(*steps, GAMMA, 0.7),
            reference.generalized_advantages(*steps, GAMMA, 0.7),
        )


@pytest.mark.question("generalized_advantages")
@pytest.mark.builds_on("td_targets", "td_advantages")
def test_gae_of_a_long_stream(student, reference, rng):
    """Hundreds of steps and a strong discount: nothing overflows.

    数百步加上很强的折扣：不会溢出。
    """
    steps = stream(rng, at(300), at(300, 200))
    check.same(
        student.generalized_advantages(*steps, 0.3, 0.2),
        reference.generalized_advantages(*steps, 0.3, 0.2),
    )
