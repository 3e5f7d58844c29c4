"""What isolation costs: a box from spawn to surely dead, and the memory of one more.

Run it on an idle machine: `python benchmarks/spawn.py [--level full] [--rounds 50]`.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time

from autograder.course import Limits
from autograder.grading.remote import RemoteStudent
from autograder.sandbox.host import Box, Template

STUDENT = {"answer.py": b"def f(x):\n    return 2 * x\n"}
STEPS = ("spawn", "locked in and loaded", "first call", "killed")


def opened(template: Template) -> tuple[Box, RemoteStudent]:
    box = template.spawn(STUDENT)
    return box, RemoteStudent(box, list(STUDENT), [], template.limits.cpu_seconds)


def one_round(template: Template) -> list[float]:
    """Milliseconds of each of `STEPS`."""
    times = [time.perf_counter()]
    box = template.spawn(STUDENT)
    times.append(time.perf_counter())
    student = RemoteStudent(box, list(STUDENT), [], template.limits.cpu_seconds)
    times.append(time.perf_counter())
    assert student.f(21) == 42
    times.append(time.perf_counter())
    box.kill()
    times.append(time.perf_counter())
    return [1000 * (b - a) for a, b in zip(times, times[1:], strict=False)]


def memory_of_one_more(template: Template, count: int = 6) -> float:
    """Megabytes by which the memory of all boxes (pages shared in proportion) grows with one more."""
    boxes: list[Box] = []
    totals = []
    try:
        for _ in range(count):
            box, student = opened(template)
            assert student.f(1) == 2
            boxes.append(box)
            totals.append(sum(b._tree.memory() for b in boxes) + server_memory(template))
    finally:
        for box in boxes:
            box.kill()
    return statistics.median(b - a for a, b in zip(totals, totals[1:], strict=False)) / 2**20


def server_memory(template: Template) -> int:
    """The fork server's own share of the pages."""
    assert template._process is not None
    sentry = template._process.pid
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat") as stat:
                parent = int(stat.read().rsplit(")", 1)[1].split()[1])
            if parent == sentry:
                with open(f"/proc/{name}/smaps_rollup") as rollup:
                    lines = rollup.read().splitlines()
                return next(1024 * int(x.split()[1]) for x in lines if x.startswith("Pss:"))
        except OSError:
            continue
    raise RuntimeError("the fork server is gone")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--level", choices=("full", "restricted", "minimal", "none"))
    parser.add_argument("--rounds", type=int, default=50)
    options = parser.parse_args()
    started = time.perf_counter()
    with Template(Limits(), options.level) as template:
        print(f"isolation {template.isolation}; load {os.getloadavg()[0]:.1f}")
        print(f"fork server ready in {time.perf_counter() - started:.1f} s (once)")
        one_round(template)
        rounds = [one_round(template) for _ in range(options.rounds)]
        for step, times in zip(STEPS, zip(*rounds, strict=True), strict=True):
            print(f"  {step:22} {statistics.median(times):6.1f} ms   best {min(times):6.1f} ms")
        totals = [sum(times) for times in rounds]
        print(f"  {'in all':22} {statistics.median(totals):6.1f} ms   best {min(totals):6.1f} ms")
        print(f"one more box: {memory_of_one_more(template):.0f} MB of its own")


if __name__ == "__main__":
    main()
