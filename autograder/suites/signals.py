"""A problem that is drawn anew for each learning check: which button is right for which signal."""

from __future__ import annotations

import numpy as np


class Signals:
    """Reward 1 for the right button of a signal, 0 for another; an untrained agent earns 1/3."""

    n_signals, n_buttons = 4, 3

    def __init__(self, rng: np.random.Generator) -> None:
        self._right = rng.integers(self.n_buttons, size=self.n_signals)

    def press(self, signals: np.ndarray, buttons: np.ndarray) -> np.ndarray:
        """Rewards, float64, in the shape of `signals`."""
        return (self._right[signals] == buttons).astype(np.float64)

    def mean_reward(self, preferences: np.ndarray) -> float:
        """Exact expected reward of the softmax policy; 0 for anything that is no table of finite numbers."""
        if preferences.shape != (self.n_signals, self.n_buttons):
            return 0.0
        if preferences.dtype.kind != "f" or not np.isfinite(preferences).all():
            return 0.0
        chances = np.exp(preferences - preferences.max(-1, keepdims=True))
        chances /= chances.sum(-1, keepdims=True)
        return float(chances[np.arange(self.n_signals), self._right].mean())
