"""Hidden tests of actor_critic.py."""

import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import actions, normal
from autograder.suites.networks import Probed, both, close, holds_any, only
from autograder.suites.tiny_mdp import (
    EXACT_SIZE,
    QUARTERS,
    enumerate_trajectories,
    objective_gradient,
    two_rooms,
)

# --- actor_loss ---------------------------------------------------------------------------------


def actor_batch(rng, b, dtype=torch.float64):
    """Log-probabilities and uncentred advantages; both ask for gradients."""
    log_probs = -normal(rng, b, dtype=dtype).abs() - 0.1
    advantages = normal(rng, b, dtype=dtype, grad=True, scale=2.0, shift=1.0)
    return log_probs.requires_grad_(), advantages


@pytest.mark.question("actor_loss", gate=True)
def test_actor_loss(student, reference, rng):
    """The loss, and its gradient with respect to the log-probabilities.

    损失的数值，及其对 log_probs 的梯度。
    """
    for b in (7, 2):
        log_probs, advantages = actor_batch(rng, b)
        loss = student.actor_loss(log_probs, advantages)
        expected = reference.actor_loss(log_probs, advantages)
        check.same(loss, expected, what="loss")
        check.same_gradient(loss, expected, log_probs)


@pytest.mark.question("actor_loss")
def test_actor_loss_leaves_the_critic_alone(student, rng):
    """The advantages are constants, even if they ask for a gradient.

    优势是常数，即使它要求梯度。
    """
    log_probs, advantages = actor_batch(rng, 5)
    loss = student.actor_loss(log_probs, advantages)
    check.same(loss, -(log_probs @ advantages) / 5, what="loss")
    check.no_gradient(loss, advantages)


@pytest.mark.question("actor_loss")
def test_actor_loss_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32.

    只有一步的 float32 批次。
    """
    log_probs, advantages = actor_batch(rng, 1, torch.float32)
    loss = student.actor_loss(log_probs, advantages)
    expected = reference.actor_loss(log_probs, advantages)
    check.same(loss, expected, what="loss")
    check.same_gradient(loss, expected, log_probs)


@pytest.mark.question("actor_loss")
def test_actor_loss_climbs_the_exact_gradient(student):
    """On a tiny decision process, descending the loss is exactly climbing ∇J.

    在极小决策过程上，沿损失下降恰好就是沿 ∇J 上升。
    """
    everything = enumerate_trajectories(two_rooms())
    batch = everything.exact_batch(QUARTERS, EXACT_SIZE)
    theta = QUARTERS.clone().requires_grad_()
    weights = (batch.rewards_to_go(0.9) * batch.discounts(0.9))[batch.mask]
    loss = student.actor_loss(batch.log_probs(theta)[batch.mask], weights)
    gradient = torch.autograd.grad(loss, theta)[0]
    steps_a_trajectory = len(weights) / EXACT_SIZE
    check.same(
        -gradient * steps_a_trajectory,
        objective_gradient(everything, QUARTERS, 0.9),
        what="gradient",
    )


# --- critic_loss --------------------------------------------------------------------------------


def critic_batch(rng, b, dtype=torch.float64):
    """Values and targets far from them; both ask for gradients."""
    values = normal(rng, b, dtype=dtype, grad=True)
    return values, normal(rng, b, dtype=dtype, grad=True, scale=8.0, shift=6.0)


@pytest.mark.question("critic_loss", gate=True)
def test_critic_loss(student, reference, rng):
    """The loss, and its gradient with respect to the values.

    损失的数值，及其对 values 的梯度。
    """
    for b in (7, 2):
        values, targets = critic_batch(rng, b)
        loss, expected = (
            student.critic_loss(values, targets),
            reference.critic_loss(values, targets),
        )
        check.same(loss, expected, what="loss")
        check.same_gradient(loss, expected, values)


@pytest.mark.question("critic_loss")
def test_critic_loss_is_a_semi_gradient(student, rng):
    """The targets are constants, even if they ask for a gradient.

    目标是常数，即使它要求梯度。
    """
    values, targets = critic_batch(rng, 5)
    loss = student.critic_loss(values, targets)
    check.same(loss, (values - targets).square().sum() / 10, what="loss")
    check.no_gradient(loss, targets)


@pytest.mark.question("critic_loss")
def test_critic_loss_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32.

    只有一步的 float32 批次。
    """
    values, targets = critic_batch(rng, 1, torch.float32)
    loss, expected = student.critic_loss(values, targets), reference.critic_loss(values, targets)
    check.same(loss, expected, what="loss")
    check.same_gradient(loss, expected, values)


# --- a2c_loss -----------------------------------------------------------------------------------


def a2c_batch(rng, b, a, dtype=torch.float64):
    """logits, values, actions, targets; everything that can asks for a gradient."""
    logits = normal(rng, b, a, dtype=dtype, grad=True, scale=1.5, shift=0.7)
    values = normal(rng, b, dtype=dtype, grad=True)
    targets = normal(rng, b, dtype=dtype, grad=True, scale=3.0, shift=2.0)
    return logits, values, actions(rng, a, b), targets


def check_a2c(student, reference, batch, value_coef, entropy_coef):
    """Loss and gradients of `batch`. A gradient that must be zero is not looked at here.

    Where an earlier mistake lets the actor's term move the values, a loss that detaches them itself is right, too.
    """
    loss = student.a2c_loss(*batch, value_coef, entropy_coef)
    expected = reference.a2c_loss(*batch, value_coef, entropy_coef)
    check.same(loss, expected, what="loss")
    logits, values, _, _ = batch
    leaves = [logits]
    if value_coef and not moves(reference.a2c_loss(*batch, 0.0, entropy_coef), values):
        leaves.append(values)
    check.same_gradient(loss, expected, leaves)


def moves(loss, leaf):
    """Whether a gradient of `loss` reaches `leaf`."""
    found = torch.autograd.grad(loss.sum(), leaf, retain_graph=True, allow_unused=True)[0]
    return found is not None and bool(found.any())


@pytest.mark.question("a2c_loss", gate=True)
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_loss(student, reference, rng):
    """The loss and its gradients with respect to logits and values.

    损失的数值，及其对 logits 与 values 的梯度。
    """
    check_a2c(student, reference, a2c_batch(rng, 6, 3), 0.7, 0.4)
    check_a2c(student, reference, a2c_batch(rng, 4, 4), 1.3, 2.5)


@pytest.mark.question("a2c_loss")
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_loss_term_by_term(student, reference, rng):
    """Each of the three terms for itself: actor, critic, entropy.

    演员、评论家、熵三项，分别检查。
    """
    batch = a2c_batch(rng, 5, 3)
    check_a2c(student, reference, batch, 0.0, 0.0)
    check_a2c(student, reference, batch, 50.0, 0.0)
    check_a2c(student, reference, batch, 0.0, 50.0)


@pytest.mark.question("a2c_loss")
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_advantage_and_targets_are_constant(student, reference, rng):
    """The actor's term does not move the values, and nothing moves the targets.

    演员那一项不改变 values；targets 不会被任何一项改变。
    """
    batch = a2c_batch(rng, 5, 3)
    _, values, _, targets = batch
    for value_coef, constants in ((0.0, (values, targets)), (0.8, (targets,))):
        loss = student.a2c_loss(*batch, value_coef, 0.3)
        expected = reference.a2c_loss(*batch, value_coef, 0.3)
        check.same(loss, expected, what="loss")
        for leaf in constants:
            if not moves(expected, leaf):  # otherwise an earlier mistake moves it, and is forgiven
                check.no_gradient(loss, leaf)


@pytest.mark.question("a2c_loss")
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_loss_of_one_float32_step(student, reference, rng):
    """A batch of one, in float32.

    只有一步的 float32 批次。
    """
    check_a2c(student, reference, a2c_batch(rng, 1, 4, torch.float32), 0.5, 0.3)


@pytest.mark.question("a2c_loss")
@pytest.mark.builds_on("actor_loss", "critic_loss")
def test_a2c_loss_does_not_depend_on_the_level_of_the_logits(student, reference, rng):
    """Adding a number to all logits of a state leaves the loss alone.

    给一个状态的所有 logits 加同一个数，损失不变。
    """
    logits, values, taken, targets = a2c_batch(rng, 4, 3)
    raised = (logits + normal(rng, 4, 1, scale=3.0)).detach()
    check.same(
        student.a2c_loss(raised, values, taken, targets, 0.5, 0.4),
        reference.a2c_loss(logits, values, taken, targets, 0.5, 0.4),
        what="loss",
    )


# --- the networks: what both of them hold -------------------------------------------------------

OBS_DIM, N_ACTIONS, HIDDEN = 3, 4, 16
ROWS = 12


def probed(make, rng):
    network = Probed(make(OBS_DIM, N_ACTIONS, HIDDEN), OBS_DIM, ROWS, rng)
    once, again = network.outputs(), network.outputs()
    steady = all(close(x, y) for x, y in zip(once, again, strict=True))
    check.holds(
        steady,
        "The network gives another answer when it is asked again about the same states (in evaluation mode).",
        "在评估模式下，对同样的状态再问一次，网络给出了不同的答案。",
        evidence=steady,
    )
    return network


def check_shapes(make, rng):
    """Logits (B, A) and values (B,), both float32, whatever the sizes."""
    for b, obs_dim, n_actions in ((5, OBS_DIM, N_ACTIONS), (1, 2, 3), (4, 1, 1)):
        network = make(obs_dim, n_actions, HIDDEN)
        network.eval()
        outputs = network(normal(rng, b, obs_dim, dtype=torch.float32))
        pair = isinstance(outputs, (tuple, list)) and len(outputs) == 2
        check.holds(
            pair and all(isinstance(x, torch.Tensor) for x in outputs),
            "The network must return two tensors: logits and values.",
            "网络应返回两个张量：logits 与 values。",
            kind="type",
        )
        got, right = [tuple(x.shape) for x in outputs], [(b, n_actions), (b,)]
        mind = (
            " Mind that (B, 1) minus (B,) broadcasts to a matrix without a word.",
            "注意 (B, 1) 减 (B,) 会悄悄广播成矩阵。",
        )
        en, zh = mind if got[1] == (b, 1) else ("", "")
        check.holds(
            got == right,
            f"The shapes of logits and values are {got[0]} and {got[1]}, but {right[0]} and {right[1]} were "
            f"asked for.{en}",
            f"logits 与 values 的形状是 {got[0]} 与 {got[1]}，而要求的是 {right[0]} 与 {right[1]}。{zh}",
            evidence=got,
            kind="shape",
        )
        check.holds(
            all(x.dtype == torch.float32 for x in outputs),
            "The network must return float32 for float32 observations.",
            "输入为 float32 时，网络应返回 float32。",
            kind="dtype",
        )


def check_rows_are_independent(make, rng):
    """The outputs of a row are the same in another order and alone."""
    network = probed(make, rng)
    logits, values = network.outputs()
    order = torch.as_tensor(rng.permutation(ROWS))
    for rows in (order, order[:5], order[:1]):
        other_logits, other_values = network.outputs(network.obs[rows])
        alike = [close(other_logits, logits[rows]), close(other_values, values[rows])]
        check.holds(
            all(alike),
            "What the network says about a state depends on the other states of the batch.",
            "网络对一个状态的输出依赖于同批次的其他状态。",
            evidence=alike,
        )
    differs = [bool((x - x[0]).abs().max() > 1e-6) for x in (logits, values)]
    check.holds(
        all(differs),
        "An output is the same for all observations.",
        "有一个输出对所有观测都相同。",
        evidence=differs,
    )


def check_range(make, rng):
    """Logits and values are real numbers of any size and sign, not probabilities or otherwise squashed."""
    network = probed(make, rng)
    trained_parts(network)
    draws = []
    for _ in range(12):
        network.randomize(scale=4.0)
        draws.append(network.outputs())
    logits, values = (torch.cat(outputs) for outputs in zip(*draws, strict=True))
    probabilities = bool(close(logits.sum(dim=1), torch.ones(len(logits))))
    check.holds(
        not probabilities,
        "The network must return logits; these are probabilities.",
        "网络应返回 logits，而返回的是概率。",
        evidence=probabilities,
    )
    free = [bool(x.min() < 0 and x.abs().max() > 1) for x in (logits, values)]
    check.holds(
        all(free),
        "Logits and values can be any real number: no activation after the last layer.",
        "logits 与 values 可以是任意实数：最后一层之后不要加激活函数。",
        evidence=free,
    )


def trained_parts(network):
    """The parameters that the logits train, and those that the values train; both are some."""
    by_logits, by_values = parts = network.trained_by(0), network.trained_by(1)
    trained = [holds_any(by_logits), holds_any(by_values)]
    check.holds(
        all(trained),
        "An output trains no parameter of the network (is every layer an attribute of the module, and nothing "
        "detached?).",
        "有一个输出没有训练网络的任何参数（每一层都是模块的属性吗？是否用了 detach？）。",
        evidence=trained,
    )
    return parts


def check_trunk(by_logits, by_values, evidence=None):
    """Something is trained by both outputs."""
    trunk = holds_any(both(by_logits, by_values))
    check.holds(
        trunk,
        "No parameter is trained by both outputs: there is no shared trunk (one in a plain list is no part of the "
        "module), or one output is cut off from it.",
        "没有参数同时被两个输出训练：没有共享的主干网络（放在普通列表里的层不属于模块），或某个输出与它断开了。",
        evidence=[trunk, evidence],
    )


# --- SeparateActorCritic ------------------------------------------------------------------------


@pytest.mark.question("SeparateActorCritic", gate=True)
def test_separate_shapes(student, rng):
    """Shapes and dtypes of logits and values.

    logits 与 values 的形状和 dtype。
    """
    check_shapes(student.SeparateActorCritic, rng)


@pytest.mark.question("SeparateActorCritic", gate=True)
def test_separate_shares_nothing(student, rng):
    """No parameter is shared by the two outputs.

    两个输出不共享任何参数。
    """
    network = probed(student.SeparateActorCritic, rng)
    by_logits, by_values = trained_parts(network)
    trained_twice = holds_any(both(by_logits, by_values))
    logits, values = network.outputs()
    _, values_later = network.outputs_after(network.move(by_logits))
    logits_later, _ = network.outputs_after(network.move(by_values))
    apart = [not trained_twice, close(values_later, values), close(logits_later, logits)]
    check.holds(
        all(apart),
        "The policy and the value share parameters, but they must be two networks.",
        "策略与价值共享了参数，但它们应是两个独立的网络。",
        evidence=apart,
    )


@pytest.mark.question("SeparateActorCritic", gate=True)
def test_separate_rows_are_independent(student, rng):
    """Each row of a batch stands for itself.

    批次中的每一行互不影响。
    """
    check_rows_are_independent(student.SeparateActorCritic, rng)


@pytest.mark.question("SeparateActorCritic", gate=True)
def test_separate_gives_logits(student, rng):
    """Logits and values are not squashed.

    logits 与 values 没有被压缩到某个范围。
    """
    check_range(student.SeparateActorCritic, rng)


# --- SharedActorCritic --------------------------------------------------------------------------


@pytest.mark.question("SharedActorCritic", gate=True)
def test_shared_shapes(student, rng):
    """Shapes and dtypes of logits and values.

    logits 与 values 的形状和 dtype。
    """
    check_shapes(student.SharedActorCritic, rng)


@pytest.mark.question("SharedActorCritic", gate=True)
def test_shared_trunk_is_trained_by_both(student, rng):
    """Both outputs train the trunk, and each has a head of its own.

    两个输出都训练主干网络，并且各有自己的输出头。
    """
    by_logits, by_values = trained_parts(probed(student.SharedActorCritic, rng))
    check_trunk(by_logits, by_values)
    heads = [holds_any(only(by_logits, by_values)), holds_any(only(by_values, by_logits))]
    check.holds(
        all(heads),
        "An output has no head of its own on top of the trunk.",
        "有一个输出在主干网络之上没有自己的输出头。",
        evidence=heads,
    )


@pytest.mark.question("SharedActorCritic", gate=True)
def test_shared_heads_are_one_linear_layer(student, rng):
    """Each head is one linear layer on the features of the trunk.

    每个输出头都是主干特征之上的一个线性层。
    """
    network = probed(student.SharedActorCritic, rng)
    by_logits, by_values = trained_parts(network)
    base, linear = network.outputs(), []
    for which, head in enumerate((only(by_logits, by_values), only(by_values, by_logits))):
        one, other = network.move(head, spread=2.0), network.move(head, spread=2.0)
        separately = network.outputs_after(one)[which] + network.outputs_after(other)[which]
        together = network.outputs_after(one, other)[which]
        linear.append(close(separately - base[which], together))
    check_trunk(by_logits, by_values, evidence=linear)
    check.holds(
        all(linear),
        "A head is not exactly one linear layer on the shared features (a hidden layer or an activation of its own?).",
        "有一个输出头不是共享特征之上的单个线性层（是否有自己的隐藏层或激活函数？）。",
        evidence=linear,
    )


@pytest.mark.question("SharedActorCritic", gate=True)
def test_shared_rows_are_independent(student, rng):
    """Each row of a batch stands for itself.

    批次中的每一行互不影响。
    """
    check_rows_are_independent(student.SharedActorCritic, rng)


@pytest.mark.question("SharedActorCritic", gate=True)
def test_shared_gives_logits(student, rng):
    """Logits and values are not squashed.

    logits 与 values 没有被压缩到某个范围。
    """
    check_range(student.SharedActorCritic, rng)
