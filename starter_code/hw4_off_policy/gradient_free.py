"""Search without ∇J (lecture: finite differences, cross-entropy method, genetic algorithms).

`objective` maps a vector of D parameters to one float, which is to be maximised. `rng` is a
`numpy.random.Generator`, the only source of randomness.
"""

import numpy as np


def finite_difference_gradient(objective, theta, epsilon):
    """∂J/∂θ_i ≈ [J(θ + ε e_i) − J(θ − ε e_i)] / 2ε (central differences).

    Args:
        objective: (D,) -> float.
        theta: (D,).
        epsilon: ε > 0.

    Returns:
        (D,)
    """
    # TODO finite_difference_gradient (lecture: gradient-free optimisation, finite differences)
    # Move one parameter at a time, in both directions.
    raise NotImplementedError("finite_difference_gradient")


def cross_entropy_method(objective, mean, std, population, n_elite, iterations, rng):
    """Sample from a diagonal Gaussian, keep the elite, fit the Gaussian to it, and again.

    Args:
        objective: (D,) -> float, to be maximised.
        mean, std: (D,) of the first Gaussian.
        population: how many samples an iteration draws.
        n_elite: how many of them, the best ones, the next Gaussian is fitted to.
        iterations: how often.
        rng: numpy.random.Generator.

    Returns:
        (D,) the mean of the last Gaussian.
    """
    # TODO cross_entropy_method (lecture: gradient-free optimisation, cross-entropy method)
    # Refit both the mean and the standard deviation (ddof 0), each coordinate for itself.
    raise NotImplementedError("cross_entropy_method")


def genetic_search(objective, population, n_parents, mutation_std, generations, rng):
    """Let the best individuals have children that differ a little from them, generation by generation.

    Args:
        objective: (D,) -> float, to be maximised.
        population: (P, D), the first generation.
        n_parents: how many individuals, the best ones, become parents.
        mutation_std: standard deviation of the Gaussian noise added to every child.
        generations: how often children are made.
        rng: numpy.random.Generator.

    Returns:
        (D,) the best individual of all generations, the first one included.
    """
    # TODO genetic_search (lecture: gradient-free optimisation, genetic algorithms)
    # Selection, then mutation (and crossover, if you like). The best so far always survives.
    raise NotImplementedError("genetic_search")
