"""A small coverage-guided fuzzer of `wire.decode`: a mutant that reaches a new line or branch joins
the corpus.

python tests/fuzz/guided.py SECONDS [SEED]
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterable
from types import FrameType
from typing import Any

import torch
from mutations import mutated

from autograder.sandbox import wire

KINDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "handle": lambda node: node["id"],
    "leaf": lambda node: node["id"],
}
SEEDS = (
    {"op": "value", "value": [1, 2.5, None, True, "text", (float("nan"),)], "call": 3},
    {
        "value": {"a": torch.ones(2, 3), 1: torch.zeros(0), None: torch.tensor(True)},
        "b": torch.ones(2).numpy(),
    },
    {
        "op": "error",
        "type": "ValueError",
        "file": "a.py",
        "line": 3,
        "scalar": torch.ones(1).numpy()[0],
    },
)


def reached(frame: bytes) -> set[tuple[int, int]]:
    """The steps from line to line that decoding it takes in wire.py. Anything but `WireError` is
    raised.
    """
    steps: set[tuple[int, int]] = set()
    last = 0

    def trace(frame_: FrameType, event: str, _: Any) -> Any:
        nonlocal last
        if frame_.f_code.co_filename != wire.__file__:
            return None
        steps.add((last, frame_.f_lineno))
        last = frame_.f_lineno
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        wire.decode(frame, KINDS, [])
    except wire.WireError:
        pass
    finally:
        sys.settrace(before)
    return steps


def fuzz(chance: random.Random, go_on: Iterable[Any]) -> tuple[int, int]:
    """Mutate as long as `go_on` has items; the sizes of the corpus and of what it reached."""
    corpus = [wire.encode(seed) for seed in SEEDS]
    known: set[tuple[int, int]] = set().union(*map(reached, corpus))
    for _ in go_on:
        mutant = mutated(chance.choice(corpus), chance)
        new = reached(mutant) - known
        if new and len(mutant) < 10_000:
            known |= new
            corpus.append(mutant)
    return len(corpus), len(known)


def _until(end: float) -> Iterable[None]:
    while time.monotonic() < end:
        yield


if __name__ == "__main__":
    seconds, seed = float(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0
    corpus, steps = fuzz(random.Random(seed), _until(time.monotonic() + seconds))
    print(f"{corpus} frames reach {steps} steps")
