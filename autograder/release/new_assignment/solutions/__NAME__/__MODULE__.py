"""One question to start from: replace it by yours, here and under the same name everywhere else."""

import torch
from torch import Tensor


def discounted_return(rewards: Tensor, gamma: float) -> Tensor:
    """What an episode earns, seen from its start: Σ_t γᵗ r_t with t counted from 0.

    Args:
        rewards: (T,), of every step of one episode, T ≥ 1.
        gamma: the discount, 0 ≤ γ ≤ 1.

    Returns:
        A scalar (0-dimensional), of the dtype of `rewards`.

    Lecture: review, Monte Carlo: G_0 = r_0 + γ r_1 + γ² r_2 + …
    """
    # BEGIN SOLUTION NO PROMPT
    discounts = gamma ** torch.arange(len(rewards), dtype=rewards.dtype)
    return (discounts * rewards).sum()
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO discounted_return (lecture: review, Monte Carlo, G_0 = r_0 + γ r_1 + γ² r_2 + …).
    raise NotImplementedError("discounted_return")
    """  # END PROMPT
