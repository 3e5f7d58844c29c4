"""A problem that is drawn anew for each learning check of A2C: which doors lead to the prize."""

from __future__ import annotations

import numpy as np

from autograder.suites.signals import softmax_policy


class Rooms:
    """Three halls, and three chambers behind them: each of the three buttons in a hall opens another chamber.

    One button in one chamber pays 1, nothing else pays, and what is pressed in a chamber ends the episode. So in a hall only the
    value of the room behind tells a good button; an untrained agent earns 1/9.
    """

    n_rooms, n_buttons = 6, 3

    def __init__(self, rng: np.random.Generator) -> None:
        self._behind = 3 + np.array([rng.permutation(3) for _ in range(3)])
        self._chamber, self._button = 3 + rng.integers(3), rng.integers(3)

    def press(self, rooms: np.ndarray, buttons: np.ndarray) -> tuple[np.ndarray, ...]:
        """Rewards (float64), next rooms (int64; any where terminated) and terminated (bool)."""
        pays = (rooms == self._chamber) & (buttons == self._button)
        return pays.astype(np.float64), self._behind[rooms % 3, buttons], rooms >= 3

    def mean_return(self, preferences: np.ndarray) -> float:
        """Exact expected return of the softmax policy from a hall; 0 for anything that is no table of finite numbers."""
        chances = softmax_policy(preferences, (self.n_rooms, self.n_buttons))
        finds = chances[:3][self._behind == self._chamber].mean()
        return float(finds * chances[self._chamber, self._button])
