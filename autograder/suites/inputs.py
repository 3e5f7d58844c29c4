"""Random, well-formed inputs for hidden suites (conventions of the exercises' page)."""

from __future__ import annotations

import numpy as np
import torch


def normal(
    rng: np.random.Generator,
    *shape: int,
    dtype: torch.dtype = torch.float64,
    grad: bool = False,
    scale: float = 1.0,
    shift: float = 0.0,
) -> torch.Tensor:
    """A tensor of normal draws, `shift + scale · N(0, 1)`; a leaf that requires grad if asked."""
    draw = torch.as_tensor(shift + scale * rng.standard_normal(shape), dtype=dtype)
    return draw.requires_grad_(grad)


def actions(rng: np.random.Generator, n_actions: int, *shape: int) -> torch.Tensor:
    """Uniform actions, int64."""
    return torch.as_tensor(rng.integers(n_actions, size=shape), dtype=torch.int64)


def flags(rng: np.random.Generator, *shape: int, p: float = 0.4) -> torch.Tensor:
    """Booleans; with two entries or more, at least one True and one False."""
    draw = rng.random(shape) < p
    if draw.size > 1:
        first, second = rng.choice(draw.size, size=2, replace=False)
        draw.flat[first], draw.flat[second] = True, False
    return torch.as_tensor(draw)


def mask_of(rng: np.random.Generator, n: int, t: int) -> torch.Tensor:
    """A `(n, t)` mask of trajectories of unequal length: prefixes of at least one step, one of them full."""
    lengths = rng.integers(1, t + 1, size=n)
    lengths[rng.integers(n)] = t
    if n > 1 and t > 1 and (lengths == t).all():
        lengths[(np.argmax(lengths) + 1) % n] = t - 1
    return torch.as_tensor(np.arange(t)[None, :] < lengths[:, None])
