"""Small damages to frames: at the level of bytes, and of the JSON header."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

from autograder.sandbox import wire

ODD_VALUES: list[Any] = [
    None, True, -1, 0, 2**63, 1.5, "", "x" * 300, [], {}, [[]], {"$": "list", "v": []}, {"$": "dict", "v": [[1, 2]]},
    {"$": "float", "v": "nan"}, {"$": "tensor", "k": "0", "grad": True}, {"$": "tensor", "k": "1", "grad": False},
    {"$": "array", "k": "0"}, {"$": "leaf", "id": 1}, {"$": "handle", "id": 1, "type": "A", "module": True, "method": False},
    {"$": "scalar", "t": "float64", "v": 1.0}, {"$": "tuple", "v": [{"$": "list", "v": []}]}, "value", "callback", "error",
]  # fmt: skip


def mutated(frame: bytes, chance: random.Random) -> bytes:
    """The frame with one to three damages."""
    for _ in range(chance.randint(1, 3)):
        frame = chance.choice(MUTATIONS)(frame, chance)
    return frame


def flip(frame: bytes, chance: random.Random) -> bytes:
    if not frame:
        return b"\0"
    damaged = bytearray(frame)
    damaged[chance.randrange(len(damaged))] = chance.choice(
        [0, 1, 0x22, 0x7B, 0x7F, 0xFF, chance.randrange(256)]
    )
    return bytes(damaged)


def cut(frame: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(frame) + 1)
    return (
        frame[:place]
        if chance.random() < 0.3
        else frame[:place] + frame[place + chance.randint(1, 8) :]
    )


def repeat(frame: bytes, chance: random.Random) -> bytes:
    start = chance.randrange(len(frame) + 1)
    return frame[:start] + frame[start : start + chance.randint(1, 40)] * 2 + frame[start:]


def relabel(frame: bytes, chance: random.Random) -> bytes:
    """The prefix made to fit again, so that damage behind it is looked at."""
    split = min(int.from_bytes(frame[:4], "little"), max(len(frame) - 8, 0))
    return wire.PREFIX.pack(split, max(len(frame) - 8 - split, 0)) + frame[8:]


def replace_node(frame: bytes, chance: random.Random) -> bytes:
    """Another value somewhere in the tree."""
    size = int.from_bytes(frame[:4], "little")
    try:
        header = json.loads(frame[8 : 8 + size])
    except ValueError:
        return frame
    places: list[tuple[Any, Any]] = []

    def visit(node: Any) -> None:
        for key in (
            node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        ):
            places.append((node, key))
            visit(node[key])

    visit(header)
    if places:
        holder, key = chance.choice(places)
        holder[key] = chance.choice(
            [*ODD_VALUES, holder[chance.choice(list(holder))] if isinstance(holder, dict) else 3]
        )
    text = json.dumps(header).encode()
    return wire.PREFIX.pack(len(text), max(len(frame) - 8 - size, 0)) + text + frame[8 + size :]


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    flip,
    cut,
    repeat,
    relabel,
    replace_node,
    replace_node,
]
