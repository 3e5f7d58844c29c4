"""Environment steps a second of the reference A3C on CartPole-v1, and where a worker's time goes.

    python benchmarks/a3c_speed.py                     # 1 and 2 workers in turn, 5 rounds
    python benchmarks/a3c_speed.py --rounds 3 --steps 20000

Aim: 3,500 steps a second a worker, and 1.9 times as many with two workers on two free cores. The rates leave out the start of
the processes. Other programs on the machine make them smaller, never larger: the best round tells most.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import platform
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing import Value
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "assignments" / "hw3_a3c"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "solutions" / "hw3_a3c"))

import gymnasium
import torch

import worker
from a3c_support import A3CConfig, ActorCritic, SharedAdam, train_a3c

make_env = functools.partial(gymnasium.make, "CartPole-v1")


def rate(n_workers: int, steps: int) -> float:
    """Steps a second of all workers together, between the first and the last report of progress."""
    model = ActorCritic(4, 2, 128)
    reports: list[tuple[float, int]] = []

    def report(done: int, episodes: list[Any]) -> None:
        if done:
            reports.append((time.perf_counter(), done))

    config = A3CConfig(max_steps=steps)
    optimizer = SharedAdam(model.parameters(), lr=3e-3)
    train_a3c(make_env, config, n_workers, worker.A3CWorker, model, optimizer, report)
    (begin, first), (end, last) = reports[0], reports[-1]
    return (last - first) / (end - begin)


class Stopwatch:
    """Adds up the CPU time spent in functions that it wraps; time in an inner one counts there only."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._inner = [0.0]

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **kwargs: Any) -> Any:
            self._inner.append(0.0)
            begin = time.process_time()
            try:
                return function(*args, **kwargs)
            finally:
                elapsed = time.process_time() - begin
                self.seconds[name] += elapsed - self._inner.pop()
                self._inner[-1] += elapsed

        return timed


def profile(steps: int) -> dict[str, float]:
    """Microseconds of CPU a step that one worker spends in each of its parts."""
    watch, model, env = Stopwatch(), ActorCritic(4, 2, 128), make_env()
    optimizer = SharedAdam(model.parameters(), lr=3e-3)
    counter, config = Value("i", 0), A3CConfig(max_steps=steps)
    a3c = worker.A3CWorker(0, model, optimizer, env, counter, config)

    single = watch.wrap("forward, one observation (acting)", a3c.local_model.forward)
    batch = watch.wrap("forward, the whole rollout (learning)", a3c.local_model.forward)
    a3c.local_model.forward = lambda obs: (single if len(obs) == 1 else batch)(obs)
    env.step = watch.wrap("environment", env.step)
    optimizer.step = watch.wrap("optimizer step", optimizer.step)
    a3c.sync = watch.wrap("sync", a3c.sync)
    a3c.rollout = watch.wrap("rollout: the rest", a3c.rollout)
    a3c.update = watch.wrap("update: the rest", a3c.update)
    replaced = {
        (worker, "sample_action"): "sample_action",
        (worker, "n_step_returns"): "n_step_returns",
        (worker, "a3c_loss"): "a3c_loss",
        (worker, "copy_gradients"): "copy_gradients",
        (torch.Tensor, "backward"): "backward",
        (torch.nn.utils, "clip_grad_norm_"): "clip",
    }
    kept = {(owner, name): getattr(owner, name) for owner, name in replaced}
    try:
        for (owner, name), label in replaced.items():
            setattr(owner, name, watch.wrap(label, kept[owner, name]))
        a3c.run()
    finally:
        for (owner, name), function in kept.items():
            setattr(owner, name, function)
    return {name: 1e6 * seconds / counter.value for name, seconds in watch.seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=30_000, help="of each run")
    parser.add_argument("--json", type=Path, help="write the numbers to this file, too")
    args = parser.parse_args()

    torch.set_num_threads(1)
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(args.rounds):
        for n_workers, found in rates.items():
            found.append(rate(n_workers, n_workers * args.steps))
    machine = (
        f"{os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print(f"CartPole-v1, {machine}")
    print("workers  steps/s: best  median  a worker (best)")
    for n_workers, found in rates.items():
        best, median = max(found), statistics.median(found)
        print(f"{n_workers:7}  {best:13,.0f}  {median:6,.0f}  {best / n_workers:15,.0f}")
    speed_up = max(rates[2]) / max(rates[1])
    print(f"speed-up with two workers: {speed_up:.2f}")

    parts = profile(args.steps)
    total = sum(parts.values())
    print(f"\none worker: {total:.0f} µs of CPU a step")
    for name, microseconds in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"{microseconds:7.1f} µs  {microseconds / total:4.0%}  {name}")

    if args.json:
        record = {"machine": machine, "rates": rates, "speed_up": speed_up, "microseconds": parts}
        args.json.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
