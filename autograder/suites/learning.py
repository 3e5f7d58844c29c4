"""Learning checks: does an agent get better at its task, trained with a side's functions on problems drawn for the occasion?

Each check yields what one short run after another earns. Problems and their answers stay in this process, and so does the
evaluation of what comes back: a table of preferences, or a network's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from autograder.suites.inputs import normal
from autograder.suites.rooms import Rooms
from autograder.suites.sequential import succeeds_often
from autograder.suites.signals import Signals, SignalsEnv

A3C_NETWORK = 3, 2, 64  # signals, buttons, width


@dataclass(frozen=True)
class LearningCheck:
    """Runs that must earn more than `enough`, nearly always."""

    runs: Callable[[Any, np.random.Generator], Iterator[float]]
    enough: float

    def passes(self, side: Any, rng: np.random.Generator) -> bool:
        """Whether this side's functions teach an agent, up to the error rates of `succeeds_often`."""
        earned = self.runs(side, rng)
        return succeeds_often(lambda _: next(earned) > self.enough)


def _reinforce(side: Any, rng: np.random.Generator) -> Iterator[float]:
    while True:
        signals = Signals(rng)
        preferences = side.train_on_signals(
            signals.press, signals.n_signals, signals.n_buttons, int(rng.integers(2**31))
        )
        yield signals.mean_reward(np.asarray(preferences))


def _a2c(side: Any, rng: np.random.Generator) -> Iterator[float]:
    while True:
        rooms = Rooms(rng)
        preferences = side.train_in_rooms(
            rooms.press, rooms.n_rooms, rooms.n_buttons, int(rng.integers(2**31))
        )
        yield rooms.mean_return(np.asarray(preferences))


def _a3c(side: Any, rng: np.random.Generator) -> Iterator[float]:
    network = side.ActorCritic(*A3C_NETWORK)
    parameters = list(network.parameters())
    n_signals, n_buttons, _ = A3C_NETWORK
    while True:
        signals = Signals(rng, n_signals, n_buttons)
        with torch.no_grad():
            for parameter in parameters:
                parameter.copy_(normal(rng, *parameter.shape, dtype=torch.float32, scale=0.05))
        config = side.A3CConfig(gamma=0.5, t_max=8, max_steps=40, seed=int(rng.integers(2**31)))
        env = SignalsEnv(signals, rng, length=20, most_steps=80)
        optimizer = side.SharedAdam(parameters, lr=0.04)
        counter = side.module("multiprocessing").Value("i", 0)
        side.A3CWorker(0, network, optimizer, env, counter, config).run()
        yield signals.mean_reward(_preferences(network))


def _preferences(network: Any) -> np.ndarray:
    """The logits of hw3's ActorCritic for each one-hot observation, computed here."""
    weight, bias, head, head_bias, *_ = (p.detach() for p in network.parameters())
    return (torch.tanh(weight.T + bias) @ head.T + head_bias).numpy()


REINFORCE = LearningCheck(_reinforce, enough=0.9)  # of 1; untrained, 1/3
A2C = LearningCheck(_a2c, enough=0.8)  # of 1; untrained, 1/9
A3C = LearningCheck(_a3c, enough=0.7)  # of 1; untrained, 1/2; two of the three signals learned, 2/3
