"""Hidden tests of natural_gradient.py."""

import numpy as np
import pytest
import torch

from autograder.grading import check
from autograder.suites.inputs import normal

# --- categorical_kl -----------------------------------------------------------------------------


def pair(rng, *shape, dtype=torch.float64):
    """Logits of two policies, both asking for gradients."""
    p = normal(rng, *shape, dtype=dtype, grad=True, scale=1.2, shift=0.7)
    return p, normal(rng, *shape, dtype=dtype, grad=True, scale=1.2, shift=-0.4)


@pytest.mark.question("categorical_kl", gate=True)
def test_kl_of_a_batch(student, reference, rng):
    """KL(p ‖ q), one number a row.

    KL(p ‖ q)，每行一个数。
    """
    for shape in ((5, 3), (4, 4)):
        p, q = pair(rng, *shape)
        check.same(student.categorical_kl(p, q), reference.categorical_kl(p, q))


@pytest.mark.question("categorical_kl")
def test_kl_is_differentiable(student, reference, rng):
    """The gradients with respect to the logits of both policies.

    对两个策略 logits 的梯度。
    """
    p, q = pair(rng, 4, 3)
    kl, expected = student.categorical_kl(p, q), reference.categorical_kl(p, q)
    check.same(kl, expected)
    check.same_gradient(kl, expected, [p, q])


@pytest.mark.question("categorical_kl")
def test_kl_keeps_the_other_axes(student, reference, rng):
    """Any number of axes before the actions, none included.

    动作轴之前可以有任意多个轴，也可以没有。
    """
    for shape in ((4,), (2, 3, 5), (1, 2)):
        p, q = (logits.float() for logits in pair(rng, *shape))
        check.same(student.categorical_kl(p, q), reference.categorical_kl(p, q))


@pytest.mark.question("categorical_kl")
def test_kl_by_enumeration(student, rng):
    """The expected log-ratio, action by action; the level of the logits does not matter.

    逐个动作计算的期望对数比值；logits 的整体平移不影响结果。
    """
    p = rng.dirichlet(np.ones(4), size=3)
    q = rng.dirichlet(np.ones(4), size=3)
    log_p, log_q = (torch.as_tensor(np.log(x)) + 2.0 * i for i, x in enumerate((p, q)))
    exact = torch.tensor(
        [sum(a * np.log(a / b) for a, b in zip(*rows)) for rows in zip(p, q)], dtype=torch.float64
    )
    check.same(student.categorical_kl(log_p, log_q), exact)


@pytest.mark.question("categorical_kl")
def test_kl_of_equal_policies_is_zero(student, rng):
    """0 for equal policies, and never negative.

    策略相同时为 0，且永远不为负。
    """
    p, q = pair(rng, 40, 3)
    check.same(student.categorical_kl(p, p + 1.5) + 1.0, torch.ones(40, dtype=torch.float64))
    kl = student.categorical_kl(p, q)
    check.holds(
        bool((kl > 0).all()),
        "A KL divergence came out negative.",
        "出现了负的 KL 散度。",
        evidence=kl,
    )


# --- fisher_matrix ------------------------------------------------------------------------------


@pytest.mark.question("fisher_matrix", gate=True)
def test_fisher_of_samples(student, reference, rng):
    """The mean of the outer products, of scores whose mean is not zero.

    外积的平均，其中得分的均值不为零。
    """
    for m, p in ((7, 3), (3, 5), (4, 4)):
        scores = normal(rng, m, p, shift=0.6)
        check.same(student.fisher_matrix(scores), reference.fisher_matrix(scores))


@pytest.mark.question("fisher_matrix")
def test_fisher_of_one_sample(student, reference, rng):
    """A single score, in float32.

    只有一个得分，float32。
    """
    scores = normal(rng, 1, 4, dtype=torch.float32, shift=0.6)
    check.same(student.fisher_matrix(scores), reference.fisher_matrix(scores))


@pytest.mark.question("fisher_matrix")
def test_fisher_of_one_parameter(student, reference, rng):
    """A single parameter.

    只有一个参数。
    """
    scores = normal(rng, 6, 1, shift=0.6)
    check.same(student.fisher_matrix(scores), reference.fisher_matrix(scores))


@pytest.mark.question("fisher_matrix")
def test_fisher_is_the_curvature_of_kl(student, rng):
    """With actions in the proportions of the policy, F is the second derivative of KL at distance 0.

    当动作的比例与策略一致时，F 就是 KL 在零距离处的二阶导数。
    """
    policy = torch.tensor([0.25, 0.5, 0.25], dtype=torch.float64)
    logits = policy.log()

    def kl(step):
        later = torch.log_softmax(logits + step, dim=-1)
        return (policy * (policy.log() - later)).sum()

    scores = (torch.eye(3, dtype=torch.float64) - policy)[[0, 1, 1, 2]]
    curvature = torch.autograd.functional.hessian(kl, torch.zeros(3, dtype=torch.float64))
    check.same(student.fisher_matrix(scores), curvature)


# --- natural_gradient ---------------------------------------------------------------------------


def problem(rng, p, dtype=torch.float64, scale=1.0):
    """A gradient and a well-conditioned Fisher matrix that is far from diagonal."""
    root = torch.as_tensor(np.linalg.qr(rng.standard_normal((p, p)))[0])
    spectrum = torch.as_tensor(rng.uniform(0.4, 4.0, size=p))
    fisher = scale * (root * spectrum) @ root.T
    return normal(rng, p, dtype=dtype, shift=0.5), ((fisher + fisher.T) / 2).to(dtype)


@pytest.mark.question("natural_gradient", gate=True)
def test_natural_gradient(student, reference, rng):
    """(F + damping · I)⁻¹ g, with and without damping.

    (F + damping · I)⁻¹ g，含阻尼与不含阻尼。
    """
    for p, damping in ((4, 0.3), (5, 0.0), (3, 2.0)):
        gradient, fisher = problem(rng, p)
        check.same(
            student.natural_gradient(gradient, fisher, damping),
            reference.natural_gradient(gradient, fisher, damping),
        )


@pytest.mark.question("natural_gradient")
def test_natural_gradient_of_one_float32_parameter(student, reference, rng):
    """One parameter, and several in float32.

    只有一个参数，以及多个 float32 参数。
    """
    for p in (1, 3):
        gradient, fisher = problem(rng, p, torch.float32)
        check.same(
            student.natural_gradient(gradient, fisher, 0.5),
            reference.natural_gradient(gradient, fisher, 0.5),
        )


@pytest.mark.question("natural_gradient")
def test_natural_gradient_of_a_singular_matrix(student, reference, rng):
    """A Fisher matrix from fewer samples than parameters, which only the damping makes solvable.

    样本数少于参数数时的 Fisher 矩阵，只有加上阻尼才可解。
    """
    scores = normal(rng, 2, 5, shift=0.3)
    gradient, fisher = normal(rng, 5), scores.T @ scores / 2
    check.same(
        student.natural_gradient(gradient, fisher, 0.2),
        reference.natural_gradient(gradient, fisher, 0.2),
    )


@pytest.mark.question("natural_gradient")
def test_natural_gradient_does_not_depend_on_the_parameters(student, reference, rng):
    """Written in other parameters θ = Kφ, the step in θ is the same.

    换一组参数 θ = Kφ，θ 的更新方向不变。
    """
    gradient, fisher = problem(rng, 3)
    change = torch.tensor([[2.0, 0.5, 0.0], [0.0, 0.3, 0.1], [0.4, 0.0, 1.5]], dtype=torch.float64)
    in_phi = student.natural_gradient(change.T @ gradient, change.T @ fisher @ change, 0.0)
    check.same(change @ in_phi, reference.natural_gradient(gradient, fisher, 0.0))


# --- kl_constrained_step ------------------------------------------------------------------------


def check_step(student, reference, gradient, fisher, kl_limit, damping):
    """The step; its length may be computed as √(2c / dᵀ(F + damping · I)d) or √(2c / gᵀd).

    The two are one number when d is the natural gradient. When an earlier mistake in d is carried forward they are
    two, and both are right (nan where there is no root).
    """
    step = student.kl_constrained_step(gradient, fisher, kl_limit, damping)
    d = reference.natural_gradient(gradient, fisher, damping)
    by_gradient = d * (2.0 * kl_limit / (gradient * d).sum()).sqrt()
    expected = reference.kl_constrained_step(gradient, fisher, kl_limit, damping)
    if torch.isfinite(expected).all() and torch.isfinite(by_gradient).all():
        expected = min((expected, by_gradient), key=lambda e: distance(step, e))
    elif isinstance(step, torch.Tensor) and not torch.isfinite(step).all():
        step, expected = step.nan_to_num(), by_gradient.nan_to_num()
    check.same(step, expected)


def distance(step, expected):
    if not isinstance(step, torch.Tensor) or step.shape != expected.shape:
        return 0.0
    return float((step.detach() - expected.detach()).abs().sum())


@pytest.mark.question("kl_constrained_step", gate=True)
@pytest.mark.builds_on("natural_gradient")
def test_step(student, reference, rng):
    """The natural direction, as long as the limit allows.

    自然梯度方向，长度恰好用满限制。
    """
    for p, kl_limit, damping in ((4, 0.05, 0.3), (3, 2.0, 0.0), (5, 0.3, 1.5)):
        check_step(student, reference, *problem(rng, p), kl_limit, damping)


@pytest.mark.question("kl_constrained_step")
@pytest.mark.builds_on("natural_gradient")
def test_step_of_float32_parameters(student, reference, rng):
    """One parameter, and several in float32.

    只有一个参数，以及多个 float32 参数。
    """
    for p in (1, 3):
        check_step(student, reference, *problem(rng, p, torch.float32), 0.2, 0.5)


@pytest.mark.question("kl_constrained_step")
@pytest.mark.builds_on("natural_gradient")
def test_step_does_not_depend_on_the_size_of_the_gradient(student, reference, rng):
    """A gradient ten times as large gives the same step; a limit four times as large, twice the step.

    梯度放大十倍，步长不变；限制放大四倍，步长变为两倍。
    """
    gradient, fisher = problem(rng, 4)
    check_step(student, reference, 10.0 * gradient, fisher, 0.05, 0.2)
    check_step(student, reference, gradient, fisher, 0.2, 0.2)


@pytest.mark.question("kl_constrained_step")
@pytest.mark.builds_on("natural_gradient")
def test_step_with_strong_damping(student, reference, rng):
    """Damping that is large against F belongs to the length as well as to the direction.

    阻尼远大于 F 时，它既影响方向，也影响长度。
    """
    check_step(student, reference, *problem(rng, 4, scale=0.1), 0.05, 3.0)
