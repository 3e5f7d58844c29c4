"""Deciding "does it learn?" from as few short runs as stated error rates allow.

Source: A. Wald, Sequential Tests of Statistical Hypotheses, 1945.
"""

from __future__ import annotations

import math
from collections.abc import Callable


def succeeds_often(
    trial: Callable[[int], bool],
    *,
    p0: float = 0.5,
    p1: float = 0.98,
    alpha: float = 0.01,
    beta: float = 0.01,
    at_most: int = 20,
) -> bool:
    """Whether `trial(i)`, i = 0, 1, …, succeeds with probability `p1` rather than `p0` or less.

    Accepts a `p0` with probability `alpha` and refuses a `p1` with probability `beta`, about (the bounds are crossed in whole steps, and
    what is open after `at_most` trials is refused). With the defaults, seven successes in a row accept and two failures
    among the first trials refuse.
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
    return False
