"""A problem that is drawn anew for each learning check: which button is right for which signal."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np

from autograder.grading.check import Mismatch


def softmax_policy(preferences: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Chances of each button; zeros for anything that is no table of finite numbers in that shape."""
    if preferences.shape != shape or preferences.dtype.kind != "f":
        return np.zeros(shape)
    if not np.isfinite(preferences).all():
        return np.zeros(shape)
    chances = np.exp(preferences - preferences.max(-1, keepdims=True))
    return chances / chances.sum(-1, keepdims=True)


class Signals:
    """Reward 1 for the right button of a signal, 0 for another; an untrained agent earns 1 / n_buttons."""

    def __init__(self, rng: np.random.Generator, n_signals: int = 4, n_buttons: int = 3) -> None:
        self.n_signals, self.n_buttons = n_signals, n_buttons
        self._right = rng.integers(n_buttons, size=n_signals)

    def press(self, signals: np.ndarray, buttons: np.ndarray) -> np.ndarray:
        """Rewards, float64, in the shape of `signals`."""
        return (self._right[signals] == buttons).astype(np.float64)

    def mean_reward(self, preferences: np.ndarray) -> float:
        """Exact expected reward of the softmax policy; 0 for anything that is no table of finite numbers."""
        chances = softmax_policy(preferences, (self.n_signals, self.n_buttons))
        return float(chances[np.arange(self.n_signals), self._right].mean())


class SignalsEnv(gymnasium.Env):
    """One-hot signals from a shuffled deck that holds each twice; +1 for the right button, −1 for another.

    An episode is truncated after `length` steps. Raises `Mismatch` where more than `most_steps` are taken in all.
    """

    metadata = {"render_modes": []}

    def __init__(
        self, signals: Signals, rng: np.random.Generator, length: int, most_steps: int
    ) -> None:
        self.observation_space = gymnasium.spaces.Box(0.0, 1.0, (signals.n_signals,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(signals.n_buttons)
        self._signals, self._rng, self._length, self._most_steps = signals, rng, length, most_steps
        self._deck: list[int] = []
        self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._left = self._length
        return self._draw(), {}

    def step(self, action: Any) -> Any:
        self._steps += 1
        if self._steps > self._most_steps:
            raise Mismatch(
                "too_many_steps",
                "Far more environment steps were taken than asked for.",
                "执行的环境步数远远超过要求。",
            )
        self._left -= 1
        right = bool(self._signals.press(np.array(self._shown), np.array(int(action))))
        return self._draw(), 1.0 if right else -1.0, False, self._left == 0, {}

    def _draw(self) -> np.ndarray:
        n_signals = self._signals.n_signals
        if not self._deck:
            self._deck = self._rng.permutation(np.arange(n_signals).repeat(2)).tolist()
        self._shown = self._deck.pop()
        return np.eye(n_signals, dtype=np.float32)[self._shown]
