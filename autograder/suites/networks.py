"""Look at a student's actor-critic network from outside: what it computes, and from which parameters.

However it is built and initialised, its parameters are set to random numbers first; what is then seen is the
architecture alone. A part of a network is a list of bool tensors, one a parameter, True on the elements that belong to it.
"""

import math

import torch
from torch import Tensor

from autograder.suites.inputs import normal

Part = list[Tensor]


class Probed:
    """A network `obs (B, obs_dim) -> (logits (B, A), values (B,))` in evaluation mode, with a batch of observations."""

    def __init__(self, network, obs_dim, rows, rng):
        self.network, self._rng = network, rng
        self.network.eval()
        self.obs = normal(rng, rows, obs_dim, dtype=torch.float32)
        self.network(self.obs)  # lazy layers learn their shapes
        self.parameters = [p for p in self.network.parameters() if p.requires_grad]
        self.randomize()

    def randomize(self, scale=1.0):
        """Give every parameter random numbers of ordinary size, times `scale`."""
        values = []
        for parameter in self.parameters:
            spread = 1.0 / math.sqrt(parameter.shape[-1]) if parameter.ndim > 1 else 0.3
            values.append(self._noise(parameter.shape, scale * spread))
        self.set(values)

    def set(self, values):
        """Set every parameter."""
        with torch.no_grad():
            for parameter, value in zip(self.parameters, values, strict=True):
                parameter.copy_(value)

    def outputs(self, obs=None):
        """(logits, values) as constants."""
        with torch.no_grad():
            logits, values = self.network(self.obs if obs is None else obs)
        return logits.clone(), values.clone()

    def outputs_after(self, *moves):
        """(logits, values) with all moves added to the parameters, which stay as they are."""
        start = [p.detach().clone() for p in self.parameters]
        self.set([sum(parts) for parts in zip(start, *moves, strict=True)])
        outputs = self.outputs()
        self.set(start)
        return outputs

    def trained_by(self, which) -> Part:
        """What a gradient of output number `which` reaches."""
        output = self.network(self.obs)[which]
        found = [None] * len(self.parameters)
        if output.requires_grad and self.parameters:
            weights = torch.linspace(0.5, 1.5, output.numel()).view_as(output)
            loss = (output * weights).sum()
            found = torch.autograd.grad(loss, self.parameters, allow_unused=True)
        return [
            torch.zeros_like(parameter, dtype=torch.bool) if gradient is None else gradient != 0
            for parameter, gradient in zip(self.parameters, found, strict=True)
        ]

    def move(self, part: Part, spread=1.0):
        """A random move of the elements of one part: what to add to each parameter."""
        return [torch.where(mask, self._noise(mask.shape, spread), 0.0) for mask in part]

    def _noise(self, shape, spread):
        return normal(self._rng, *shape, dtype=torch.float32, scale=spread)


def both(one: Part, other: Part) -> Part:
    """What belongs to both parts."""
    return [a & b for a, b in zip(one, other, strict=True)]


def only(one: Part, other: Part) -> Part:
    """What belongs to the first part and not to the second."""
    return [a & ~b for a, b in zip(one, other, strict=True)]


def holds_any(part: Part) -> bool:
    """Whether the part is more than nothing."""
    return any(bool(mask.any()) for mask in part)


def close(one: Tensor, other: Tensor) -> bool:
    """Equal up to the rounding of float32, seen on the scale of the largest entry."""
    return torch.allclose(one, other, rtol=1e-3, atol=1e-4 * (1.0 + float(other.abs().max())))
