"""Deciding "does it learn?" from as few short runs as stated error rates allow.

Source: A. Wald, Sequential Tests of Statistical Hypotheses, 1945.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

AT_MOST = 12


def succeeds_often(
    trial: Callable[[int], bool],
    *,
    p0: float = 0.5,
    p1: float = 0.99,
    alpha: float = 0.01,
    beta: float = 0.01,
    at_most: int = AT_MOST,
) -> bool:
    """Whether `trial(i)`, i = 0, 1, …, succeeds with probability `p1` rather than `p0` or less.

    Accepts a `p0` with probability `alpha` and refuses a `p1` with probability `beta`, about (the bounds are crossed in whole steps, and
    what is open after `at_most` trials goes to the likelier of the two). With the defaults it is 0.0095 and 0.0053: seven
    successes in a row accept, or eleven in twelve; two failures among the first trials refuse.
    """
    accept, refuse = math.log((1 - beta) / alpha), math.log(beta / (1 - alpha))
    evidence = 0.0
    for i in range(at_most):
        if trial(i):
            evidence += math.log(p1 / p0)
        else:
            evidence += math.log((1 - p1) / (1 - p0))
        if evidence >= accept:
            return True
        if evidence <= refuse:
            return False
    return evidence > 0


def acceptance(p: float) -> float:
    """Exact probability that `succeeds_often`, with its defaults, accepts trials that succeed with probability `p`."""
    accepted = 0.0
    for outcomes in itertools.product((False, True), repeat=AT_MOST):
        if succeeds_often(outcomes.__getitem__):
            successes = sum(outcomes)
            accepted += p**successes * (1 - p) ** (AT_MOST - successes)
    return accepted
