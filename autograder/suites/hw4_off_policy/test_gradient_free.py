"""Hidden tests of gradient_free.py.

The two searches are judged by what they reach. The bounds come from thousands of runs of several right versions (with and
without crossover, with other ways to keep the best): each passes with a probability above 0.9999.
"""

import numpy as np
import pytest

from autograder.grading import check


class Hill:
    """An objective that is highest, namely 0, at `top`, and remembers what it was asked."""

    def __init__(self, top):
        self.top, self.best = np.asarray(top), -np.inf

    def __call__(self, x):
        score = -float(np.sum((vector(x, len(self.top)) - self.top) ** 2))
        self.best = max(self.best, score)
        return score

    def distance(self, x):
        return float(np.linalg.norm(vector(x, len(self.top)) - self.top))


class Slope:
    """A linear objective: how far along `direction` x lies."""

    def __init__(self, direction):
        self.direction = np.asarray(direction)

    def __call__(self, x):
        return float(self.direction @ vector(x, len(self.direction)))


def vector(x, dimensions):
    """x as an array (D,); a column or row is accepted where we are asked."""
    x = np.asarray(x, dtype=float)
    if x.size != dimensions:
        raise check.Mismatch(
            "shape",
            f"The objective takes one vector of {dimensions} numbers, and so must the answer be one.",
            f"目标函数的输入是一个含 {dimensions} 个数的向量，结果也应如此。",
        )
    return x.reshape(dimensions)


def check_vector(x, dimensions):
    """The answer is a finite array (D,)."""
    shape = tuple(x.shape) if isinstance(x, np.ndarray) else None
    check.holds(
        shape == (dimensions,),
        f"The result must be a numpy array of shape {(dimensions,)}.",
        f"结果应为形状 {(dimensions,)} 的 numpy 数组。",
        evidence=shape,
        kind="shape",
    )
    check.finite(x)


# --- finite_difference_gradient -----------------------------------------------------------------


def cubic(x):
    """Bends enough to tell central from one-sided differences, and both from the true gradient."""
    x = vector(x, 4)
    return float(x[0] ** 3 + 2.0 * x[1] ** 2 * x[2] - np.exp(0.5 * x[3]) + x[0] * x[3])


@pytest.mark.question("finite_difference_gradient", gate=True)
def test_central_differences(student, reference, rng):
    """Central differences of a curved objective.

    弯曲目标函数的中心差分。
    """
    for epsilon in (0.5, 0.03):
        theta = rng.standard_normal(4)
        check.same(
            student.finite_difference_gradient(cubic, theta, epsilon),
            reference.finite_difference_gradient(cubic, theta, epsilon),
        )


@pytest.mark.question("finite_difference_gradient")
def test_central_differences_of_one_parameter(student, reference, rng):
    """A single parameter.

    只有一个参数。
    """

    def objective(x):
        return float(np.sin(2.0 * vector(x, 1)[0]))

    theta = rng.standard_normal(1)
    check.same(
        student.finite_difference_gradient(objective, theta, 0.3),
        reference.finite_difference_gradient(objective, theta, 0.3),
    )


@pytest.mark.question("finite_difference_gradient")
def test_central_differences_of_a_quadratic_are_exact(student, rng):
    """On a quadratic objective central differences are the gradient itself, whatever ε.

    对二次目标函数，无论 ε 多大，中心差分都等于真正的梯度。
    """
    hill, theta = Hill([1.0, -2.0, 0.5]), rng.standard_normal(3)
    for epsilon in (1.5, 0.1):
        check.same(
            student.finite_difference_gradient(hill, theta, epsilon), -2.0 * (theta - hill.top)
        )


# --- cross_entropy_method -----------------------------------------------------------------------

MEAN, STD = np.array([4.0, -3.0, 0.5]), np.array([1.0, 8.0, 0.2])


def climb_slope(student, rng, population, n_elite, iterations):
    """Where CEM ends on a slope along the last coordinate, in standard deviations from the start."""
    slope = Slope([0.0, 0.0, 5.0])
    found = student.cross_entropy_method(slope, MEAN, STD, population, n_elite, iterations, rng)
    check_vector(found, 3)
    return (found - MEAN) / STD


@pytest.mark.question("cross_entropy_method", gate=True)
def test_cem_refits_the_mean(student, rng):
    """After one iteration the mean is that of the elite, and stays put where the objective is flat.

    一次迭代后，均值等于精英样本的均值；目标函数平坦的方向上不动。
    """
    moved = climb_slope(student, rng, 300, 60, 1)  # the mean of the best fifth lies 1.40 away
    check.holds(
        bool(0.95 < moved[2] < 1.85 and np.abs(moved[:2]).max() < 0.8),
        "After one iteration the mean is not that of the elite (are the n_elite highest scores kept?).",
        "一次迭代后，均值不是精英样本的均值（是否保留了得分最高的 n_elite 个？）。",
        evidence=moved,
    )


@pytest.mark.question("cross_entropy_method", gate=True)
def test_cem_refits_the_standard_deviation(student, rng):
    """The Gaussian narrows as the elite does, in each coordinate for itself.

    高斯分布随精英样本变窄，每个坐标各自计算。
    """
    moved = climb_slope(student, rng, 300, 60, 3)  # 1.40 · (1 + 0.47 + 0.22 …) = 2.33
    check.holds(
        bool(1.6 < moved[2] < 3.1 and np.abs(moved[:2]).max() < 1.3),
        "The standard deviation is not refitted to the elite, each coordinate for itself.",
        "标准差没有按精英样本重新估计（每个坐标各自计算）。",
        evidence=moved,
    )


@pytest.mark.question("cross_entropy_method", gate=True)
def test_cem_finds_a_top(student, rng):
    """It ends close to the top of a hill.

    最终接近山顶。
    """
    hill = Hill([1.0, -2.0, 0.5])
    found = student.cross_entropy_method(hill, np.zeros(3), np.full(3, 4.0), 60, 20, 10, rng)
    check_vector(found, 3)
    check.holds(
        hill.distance(found) < 0.6,
        "The search ends far from the top of the hill.",
        "搜索结束时离山顶还很远。",
        evidence=found,
    )


@pytest.mark.question("cross_entropy_method")
def test_cem_with_an_elite_of_one(student, rng):
    """An elite of one has no spread (ddof 0): the Gaussian collapses onto the best sample.

    精英只有一个样本时没有离散程度（ddof 0）：高斯分布收缩到最好的样本上。
    """
    hill = Hill([1.0, -2.0, 0.5])
    found = student.cross_entropy_method(hill, np.zeros(3), np.full(3, 2.0), 30, 1, 4, rng)
    check_vector(found, 3)
    check.holds(
        hill(found) >= hill.best - 1e-3,
        "With an elite of one, the mean is not the best sample.",
        "精英只有一个样本时，均值不是最好的样本。",
        evidence=found,
    )


# --- genetic_search -----------------------------------------------------------------------------


def check_best(hill, found):
    """`found` is an individual that was asked for, and the best of them."""
    check_vector(found, len(hill.top))
    best = hill.best
    check.holds(
        hill(found) >= best - 1e-9,
        "A better individual had been found before (does the best so far survive?).",
        "之前找到过更好的个体（目前最好的个体是否保留下来了？）。",
        evidence=found,
    )


@pytest.mark.question("genetic_search", gate=True)
def test_genetic_search_climbs(student, rng):
    """Selection and mutation lead to tops far outside the first population.

    选择与变异能够到达远在初始种群之外的山顶。
    """
    for top in ([6.0, -5.0, 3.0], [-7.0, 4.0]):
        hill, first = Hill(top), rng.standard_normal((22, len(top)))
        found = student.genetic_search(hill, first, 6, 0.5, 28, rng)
        check_best(hill, found)
        check.holds(
            hill.distance(found) < 0.8,
            "The search ends far from the top of the hill (are the best selected, and their children mutated?).",
            "搜索结束时离山顶还很远（是否选出了最好的个体，并让其后代发生变异？）。",
            evidence=found,
        )


@pytest.mark.question("genetic_search")
def test_genetic_search_breeds_from_the_best_alone(student, rng):
    """A few good individuals among many hopeless ones: all children are theirs.

    少数好个体混在许多毫无希望的个体中：所有后代都来自前者。
    """
    hill = Hill([6.0, -5.0, 3.0])
    first = rng.standard_normal((40, 3)) + 300.0 * rng.choice([-1.0, 1.0], size=(40, 1))
    good = rng.choice(40, 3, replace=False)
    first[good] = hill.top + [-4.0, 3.0, 2.0] + 0.3 * rng.standard_normal((3, 3))
    found = student.genetic_search(hill, first, 3, 0.5, 8, rng)
    check_best(hill, found)
    check.holds(
        hill.distance(found) < 1.0,
        "The population climbs too slowly: are all children those of the n_parents best?",
        "种群爬升太慢：所有后代都来自最好的 n_parents 个个体吗？",
        evidence=found,
    )


@pytest.mark.question("genetic_search", gate=True)
def test_genetic_search_keeps_the_best(student, rng):
    """The best individual is never lost, however wild the mutations.

    无论变异多剧烈，最好的个体都不会丢失。
    """
    hill, first = Hill([1.0, -2.0, 0.5]), rng.standard_normal((12, 3)) + 5.0
    first[rng.integers(12)] = hill.top
    found = student.genetic_search(hill, first, 4, 5.0, 6, rng)
    check_best(hill, found)
    check.same(found, hill.top)


@pytest.mark.question("genetic_search", gate=True)
def test_genetic_search_mutates_by_the_right_amount(student, rng):
    """On a slope the progress fits the standard deviation of the mutations.

    在斜坡上，前进的距离与变异的标准差相符。
    """
    slope, size = Slope([1.0, 0.5]), 0.01
    found = student.genetic_search(slope, np.zeros((20, 2)), 5, size, 8, rng)
    check_vector(found, 2)
    progress = slope(found) / size
    check.holds(
        bool(1.5 < progress < 45.0),
        "The mutations are not Gaussian noise of standard deviation mutation_std.",
        "变异不是标准差为 mutation_std 的高斯噪声。",
        evidence=progress,
    )
