"""What one attack consists of, and the tools that each of them has."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

QUESTIONS = (
    "action_log_probs",
    "trajectory_returns",
    "rewards_to_go",
    "policy_gradient_loss",
    "batch_mean_baseline",
    "RunningMeanBaseline",
    "value_baseline_loss",
    "optimal_baseline",
)
MARK = "OWNED-BY-THE-RED-TEAM"
"""Part of the name and of the content of every file that an attack leaves anywhere."""

BASELINE = "from policy_gradient import *\n"

TOOLS = '''\
# __NAME__
import ctypes, gc, glob, json, os, signal, socket, stat, struct, sys, threading, time
import numpy as np
import torch

KNOWN = __KNOWN__  # the worst case: the attacker knows where everything lies
QUESTIONS = __QUESTIONS__
MARK = "__MARK__"


def say(*words):
    os.write(1, (" ".join(map(str, words)) + "\\n").encode("utf-8", "replace"))


def attempt(action, *args, **kwargs):
    """Try something, and say what came of it."""
    try:
        result = action(*args, **kwargs)
    except Exception as error:
        say("tried:", type(error).__name__, error)
        return None
    say("tried:", repr(result)[:3000])
    return result


def everywhere(function):
    """Let a function stand for every question."""
    globals().update(dict.fromkeys(QUESTIONS, function))
    return function


def content(path):
    with open(path, "rb") as file:
        return file.read(1 << 20)


def channels():
    """Descriptors that are sockets: one of them leads to the grader."""
    def is_socket(fd):
        try:
            return stat.S_ISSOCK(os.fstat(fd).st_mode)
        except OSError:
            return False
    return [fd for fd in range(256) if is_socket(fd)]


def frame(header, payload=b""):
    if not isinstance(header, bytes):
        header = json.dumps(header).encode()
    return struct.pack("<II", len(header), len(payload)) + header + payload


def tensors(*arrays):
    """A safetensors payload, and the nodes that refer to it."""
    index, data, nodes = {}, b"", []
    for i, array in enumerate(arrays):
        array = np.ascontiguousarray(array)
        code = {"float32": "F32", "float64": "F64", "int64": "I64"}[str(array.dtype)]
        index[str(i)] = {"dtype": code, "shape": list(array.shape), "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.tobytes()
        nodes.append({"$": "tensor", "k": str(i), "grad": False})
    head = json.dumps(index).encode()
    return struct.pack("<Q", len(head)) + head + data, nodes


def send(data):
    for fd in channels():
        try:
            os.write(fd, data)
        except OSError:
            pass


def zeros(*args, **kwargs):
    """An answer of a likely shape."""
    return torch.zeros(args[0].shape[:-1] or ()) if args and isinstance(args[0], torch.Tensor) else torch.zeros(())


'''


@dataclass(frozen=True)
class Attack:
    """One submission of an attacker.

    Attributes:
        name: of the attack; of the student too, unless `student` is given.
        source: policy_gradient.py, to be put behind the tools.
        implemented: the questions that it answers rightly and without a trick; all others are to score 0.
        statuses: what the result's `status` may be.
        runs: whether its code runs at all, and so has to say what it tried.
        pack: lays the submission into the class's folder itself; gets (folder, files, student).
        extra: more files of the submission.
    """

    name: str
    source: str = ""
    baseline: str = BASELINE
    implemented: frozenset[str] = frozenset()
    statuses: tuple[str, ...] = ("graded",)
    runs: bool = True
    pack: Callable[[Path, Mapping[str, bytes], str], None] | None = None
    extra: Mapping[str, bytes | str] = field(default_factory=dict)
    student: str = ""

    @property
    def missing(self) -> frozenset[str]:
        """What it did not implement."""
        return frozenset(QUESTIONS) - self.implemented

    def files(self, known: Mapping[str, str]) -> dict[str, bytes]:
        """What is handed in."""
        tools = (
            TOOLS.replace("__KNOWN__", repr(dict(known)))
            .replace("__QUESTIONS__", repr(QUESTIONS))
            .replace("__MARK__", MARK)
            .replace("__NAME__", self.name)
        )
        texts = {
            "policy_gradient.py": tools + textwrap.dedent(self.source),
            "baseline.py": self.baseline,
            **self.extra,
        }
        return {n: t.encode() if isinstance(t, str) else t for n, t in texts.items()}

    def hand_in(self, folder: Path, known: Mapping[str, str]) -> None:
        """Lay it into the class's folder."""
        student, files = self.student or self.name, self.files(known)
        if self.pack is not None:
            self.pack(folder, files, student)
            return
        for name, data in files.items():
            path = folder / student / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
