"""A real conversation with a submission, recorded, so that it can be played again with some answers
changed.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable

import torch

from autograder.grading.check import Mismatch
from autograder.grading.remote import ModuleHandle, RemoteStudent
from autograder.grading.student import StudentError
from autograder.sandbox import wire
from autograder.sandbox.errors import SandboxCrashed, SandboxError

SUBMISSION = """
import torch
def scaled(x, f): return {"a": (x * f(2.0), [1, 2.5, None, "text", True]), "b": x.detach().numpy()}
def broken(x): return x[10]
class Counter:
    def __init__(self): self.n = 0
    def add(self, k): self.n += k
class Net(torch.nn.Linear): pass
"""
ALLOWED = (SandboxError, StudentError, Mismatch)


def converse(student: RemoteStudent) -> None:
    """Calls, gradients, objects, parameters, a callback and an error; whatever the answers say,
    only `ALLOWED` is raised.
    """
    x = torch.ones(3, requires_grad=True)
    for step in (_call, _objects, _parameters, _error):
        try:
            step(student, x)
        except ALLOWED:
            continue


def _call(student: RemoteStudent, x: torch.Tensor) -> None:
    scaled = student.scaled
    answer = scaled(x, lambda factor: 3.0) if callable(scaled) else scaled
    if _is_output(answer):
        answer["a"][0].sum().backward()


def _is_output(answer: object) -> bool:
    """The hidden test's part: to look before it uses what came back."""
    try:
        return answer["a"][0].requires_grad  # type: ignore[index]
    except (TypeError, KeyError, IndexError, AttributeError):
        return False


def _objects(student: RemoteStudent, x: torch.Tensor) -> None:
    counter = student.Counter
    counter = counter() if callable(counter) else counter
    add = getattr(counter, "add", None)
    if callable(add):
        add(2)
        _ = counter.n


def _parameters(student: RemoteStudent, x: torch.Tensor) -> None:
    net = student.Net
    net = net(3, 2) if callable(net) else net
    if isinstance(net, ModuleHandle):
        list(net.named_parameters())
        out = net(x)
        if isinstance(out, torch.Tensor) and out.requires_grad:
            out.sum().backward()


def _error(student: RemoteStudent, x: torch.Tensor) -> None:
    student.begin(3)
    broken = student.broken
    if callable(broken):
        broken(x)


class Replay:
    """A box that gives these answers, whatever it is asked, and is dead then."""

    def __init__(self, answers: Iterable[bytes]) -> None:
        self.answers, self.dead = iter(answers), False

    def send(self, frame: bytes) -> None:
        if self.dead:
            raise SandboxCrashed

    def receive(self, cpu_seconds: float) -> bytes:
        for answer in () if self.dead else self.answers:
            try:
                wire.body_size(answer[: wire.PREFIX.size])
            except (wire.WireError, struct.error):
                break
            return answer
        raise SandboxCrashed

    def cpu_seconds(self) -> float:
        return 0.0

    def kill(self) -> None:
        self.dead = True


def play(answers: Iterable[bytes]) -> None:
    """The conversation with these answers."""
    try:
        student = RemoteStudent(Replay(answers), ["answer.py"])
    except SandboxError:
        return
    converse(student)


def recorded(student_of: Callable) -> list[bytes]:
    """The answers of the honest submission."""
    answers: list[bytes] = []

    class Listening(RemoteStudent):
        def _decode(self, frame, graph):
            answers.append(frame)
            return super()._decode(frame, graph)

    with student_of(SUBMISSION, make=Listening) as student:
        converse(student)
    return answers
