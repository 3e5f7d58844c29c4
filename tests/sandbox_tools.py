"""What the sandbox's tests share: templates of every level, and a way to run code in a box."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import Limits
from autograder.sandbox import wire
from autograder.sandbox.host import Box, Template

ENTRY = "sandbox_child:serve"
LIMITS = Limits(
    cpu_seconds=5, total_cpu_seconds=60, memory_mb=256, processes=12, disk_mb=16, output_kb=64
)
AS_ROOT = os.geteuid() == 0
LOCKED = ["full", "restricted", "minimal"] if AS_ROOT else ["full", "minimal"]
"""The levels at which a submission is locked in, as far as this user can have them."""


def open_template(level: str) -> Template:
    """A template of exactly this level."""
    return Template(LIMITS, level, entry=ENTRY)


@contextlib.contextmanager
def box_of(template: Template, files: dict[str, bytes] | None = None) -> Iterator[Box]:
    box = template.spawn(files or {})
    try:
        yield box
    finally:
        box.kill()


def ask(box: Box, code: str, cpu_seconds: float = 5.0) -> str:
    """Run `code` in the box; the repr of what it calls `result`, or the name of the exception it raised."""
    tell(box, code)
    return answer(box, cpu_seconds)


def tell(box: Box, code: str) -> None:
    box.send(wire.encode({"code": dedent(code)}))


def answer(box: Box, cpu_seconds: float = 5.0) -> str:
    return wire.decode(box.receive(cpu_seconds))["answer"]


def processes(box: Box) -> int:
    """How many processes of the box there are."""
    return len(box._tree._members())


def wait_for(condition, what: str, seconds: float = 60.0) -> None:
    """Wait until `condition()` holds; the deadline only turns a hang into a failure."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    state, parent = stat[stat.rfind(")") + 2 :].split()[:2]
    return None if state in "ZX" else int(parent)


def children_of(pid: int) -> list[int]:
    return [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent_of(p) == pid]


def descendants_of(pid: int) -> list[int]:
    found = children_of(pid)
    for child in found:
        found += children_of(child)
    return found


skip_unless_linux = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux")
