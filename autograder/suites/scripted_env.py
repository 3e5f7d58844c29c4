"""An environment whose episodes are written down beforehand, and that notes what is done to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
import numpy as np

from autograder.grading.check import Mismatch

MAX_STEPS = 1000


class ScriptedEnv(gymnasium.Env):
    """Plays `episodes` one after another, again from the start when they are over.

    Each is (length, ending), ending "terminated", "truncated" or "both". Observations (obs_dim,) and rewards are drawn from
    `rng` beforehand and shifted by the action, so that another action shows in all that follows from it.

    `events` lists what happened: ("reset", seed or None), ("step", action) and ("close",). `watch`, if given, is called at the
    start of each step. Raises `Mismatch` where an environment is stepped that has to be reset.
    """

    metadata = {"render_modes": []}

    def __init__(
        self,
        rng: np.random.Generator,
        episodes: Sequence[tuple[int, str]],
        obs_dim: int,
        n_actions: int,
        watch: Callable[[], None] = lambda: None,
    ) -> None:
        self.observation_space = gymnasium.spaces.Box(-10.0, 10.0, (obs_dim,), np.float32)
        self.action_space = gymnasium.spaces.Discrete(n_actions)
        self.events: list[tuple[Any, ...]] = []
        self._episodes, self._watch = episodes, watch
        self._observations = rng.uniform(-2.0, 2.0, size=(97, obs_dim))
        self._rewards = rng.uniform(0.5, 1.5, size=89)
        self._resets = self._seen = self._left = self._steps = 0

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self.events.append(("reset", seed))
        self._left, self._ending = self._episodes[self._resets % len(self._episodes)]
        self._resets += 1
        return self._observe(0), {}

    def step(self, action: Any) -> Any:
        self._watch()
        action = int(action)
        self.events.append(("step", action))
        if self._left == 0:
            raise Mismatch(
                "step_without_reset",
                "The environment was stepped before its first reset, or after its episode had ended.",
                "环境尚未重置，或回合已经结束，却仍在执行 step。",
            )
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise Mismatch(
                "too_many_steps",
                "Far more environment steps were taken than asked for.",
                "执行的环境步数远远超过要求。",
            )
        self._left -= 1
        reward = float(self._rewards[self._steps % len(self._rewards)]) + 0.25 * action
        terminated = self._left == 0 and self._ending in ("terminated", "both")
        truncated = self._left == 0 and self._ending in ("truncated", "both")
        return self._observe(action), reward, terminated, truncated, {}

    def close(self) -> None:
        self.events.append(("close",))

    def _observe(self, action: int) -> np.ndarray:
        self._seen += 1
        return (self._observations[self._seen % len(self._observations)] + 0.1 * action).astype(
            np.float32
        )
