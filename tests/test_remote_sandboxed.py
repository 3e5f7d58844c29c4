"""The remote student in a real box: what the stand-in of the other tests cannot show."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from test_remote_a3c import SUPPORT, WORKER, train

from autograder.grading.remote import RemoteStudent
from autograder.grading.student import LocalStudent
from autograder.sandbox.errors import SandboxTimedOut
from autograder.sandbox.host import Template

SOURCE = """
import torch
def total(x): return (x ** 2).sum()
def ascend(f, theta, n):
    return max((theta + i for i in range(n)), key=f)
def for_ever(f):
    while True: f(1.0)
def spin():
    while True: pass
"""


@dataclass(frozen=True)
class Limits:
    cpu_seconds: float = 2.0
    total_cpu_seconds: float = 60.0
    memory_mb: int = 1024
    processes: int = 32
    disk_mb: int = 64
    output_kb: int = 64


@pytest.fixture(scope="module")
def template():
    with Template(Limits()) as made:
        yield made


@pytest.fixture
def student_of(template):
    with contextlib.ExitStack() as stack:

        def make(call_seconds=20.0, **sources):
            files = {f"{name}.py": text.encode() for name, text in sources.items()}
            box = template.spawn(files)
            stack.callback(box.kill)
            return RemoteStudent(box, list(files), (), call_seconds)

        yield make


def test_values_gradients_and_callbacks(student_of):
    student = student_of(answer=SOURCE)
    x = torch.arange(4.0, requires_grad=True)
    student.total(x).backward()
    torch.testing.assert_close(x.grad, 2 * x.detach())
    assert student.ascend(lambda v: -((v - 7.0) ** 2), 0.0, 20) == 7.0
    big = torch.ones(1000, 64)
    assert student.total(big).item() == big.numel()


@pytest.mark.parametrize("name", ["for_ever", "spin"])
def test_time_is_up_whoever_is_asked(student_of, name):
    student = student_of(answer=SOURCE, call_seconds=0.3)
    with pytest.raises(SandboxTimedOut):
        student.spin() if name == "spin" else student.for_ever(np.sin)


def test_a_worker_of_a3c(student_of):
    student = student_of(worker=WORKER, a3c_support=SUPPORT)
    local = LocalStudent({"worker.py": WORKER, "a3c_support.py": SUPPORT})
    (ours, *events), (theirs, *expected) = train(student, 3), train(local, 3)
    assert events == expected
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)
