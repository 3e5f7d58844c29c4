"""Public tests of gradient_free.py: small hills that are easy to climb.

Run one question with `python -m pytest -k genetic_search`.
"""

import numpy as np

import gradient_free

TOP = np.array([1.0, -2.0, 0.5])


def hill(x):
    """Highest, namely 0, at TOP."""
    return -float(np.sum((x - TOP) ** 2))


def distance(x):
    return np.linalg.norm(x - TOP)


# --- finite_difference_gradient -----------------------------------------------------------------


def test_finite_difference_gradient_of_a_cubic():
    theta, epsilon = np.array([1.0, 2.0]), 0.1
    gradient = gradient_free.finite_difference_gradient(
        lambda x: float(x[0] ** 3 + 5.0 * x[1]), theta, epsilon
    )
    assert isinstance(gradient, np.ndarray) and gradient.shape == (2,)
    # [(1 + ε)³ − (1 − ε)³] / 2ε = 3 + ε²
    np.testing.assert_allclose(
        gradient,
        [3.0 + epsilon**2, 5.0],
        rtol=1e-8,
        err_msg="central differences: ε to either side, divided by 2ε",
    )


def test_finite_difference_gradient_leaves_theta_alone():
    theta = np.array([1.0, 2.0, 3.0])
    gradient_free.finite_difference_gradient(hill, theta, 0.1)
    assert theta.tolist() == [1.0, 2.0, 3.0], "move a copy, not the caller's array"


# --- cross_entropy_method -----------------------------------------------------------------------


def cross_entropy(objective, seed=0, iterations=40):
    return gradient_free.cross_entropy_method(
        objective, np.zeros(3), 2.0 * np.ones(3), 50, 10, iterations, np.random.default_rng(seed)
    )


def test_cross_entropy_method_finds_the_top():
    found = cross_entropy(hill)
    assert isinstance(found, np.ndarray) and found.shape == (3,)
    assert distance(found) < 0.01, (
        "keep the *highest* scores, and refit mean and std to them, so that the search narrows"
    )


def test_cross_entropy_method_climbs_from_a_narrow_start():
    far = np.full(3, 8.0)
    found = gradient_free.cross_entropy_method(
        lambda x: -float(np.sum((x - far) ** 2)),
        np.zeros(3),
        np.ones(3),
        100,
        20,
        60,
        np.random.default_rng(1),
    )
    moved = np.linalg.norm(far) - np.linalg.norm(found - far)
    assert moved > 3.0, "the mean must move to the elite, further than one Gaussian reaches"


def test_cross_entropy_method_takes_its_randomness_from_rng():
    first, again = cross_entropy(hill, seed=3, iterations=2), cross_entropy(hill, 3, 2)
    np.testing.assert_array_equal(first, again, err_msg="draw from rng, not from np.random")


# --- genetic_search -----------------------------------------------------------------------------


def genetic(objective, first, generations, seed=0, mutation_std=0.1):
    return gradient_free.genetic_search(
        objective, first, 5, mutation_std, generations, np.random.default_rng(seed)
    )


def test_genetic_search_finds_the_top():
    first = np.random.default_rng(0).normal(size=(30, 3))
    found = genetic(hill, first, generations=80)
    assert isinstance(found, np.ndarray) and found.shape == (3,)
    assert distance(found) < 0.3, "select the *best* as parents, and mutate their children"


def test_genetic_search_never_forgets_the_best():
    first = np.random.default_rng(1).normal(size=(10, 3)) + 5.0
    first[4] = TOP
    found = genetic(hill, first, generations=10, mutation_std=3.0)
    np.testing.assert_array_equal(
        found, TOP, err_msg="the best individual so far survives unchanged, and is returned"
    )


def test_genetic_search_leaves_the_population_alone():
    first = np.random.default_rng(2).normal(size=(8, 3))
    before = first.copy()
    genetic(hill, first, generations=3)
    np.testing.assert_array_equal(first, before, err_msg="work on a copy of the population")
