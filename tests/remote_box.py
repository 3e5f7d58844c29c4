"""A stand-in for the sandbox's box: a forked child that runs the worker in a folder of its own, without any lock-down."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.grading.remote import RemoteStudent
from autograder.sandbox import wire, worker
from autograder.sandbox.errors import SandboxCrashed, SandboxTimedOut


class ForkedBox:
    """Same interface as the real box; `receive` waits on the wall clock, generously."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self.folder = tempfile.TemporaryDirectory()
        for name, text in files.items():
            Path(self.folder.name, name).write_text(text, encoding="utf-8")
        self.channel, inner = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            self._serve(inner)
        inner.close()

    def _serve(self, inner: socket.socket) -> None:
        try:
            self.channel.close()
            os.chdir(self.folder.name)
            log = os.open("log", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
            os.dup2(log, 1)
            os.dup2(log, 2)
            worker.serve(inner)
        finally:
            os._exit(0)

    def send(self, frame: bytes) -> None:
        try:
            self.channel.sendall(frame)
        except OSError:
            raise SandboxCrashed from None

    def receive(self, cpu_seconds: float) -> bytes:
        self.channel.settimeout(10 * cpu_seconds)
        try:
            frame = wire.read_frame(self.channel)
        except TimeoutError:
            self.kill()
            raise SandboxTimedOut from None
        except (wire.WireError, OSError):
            frame = None
        if frame is None:
            raise SandboxCrashed
        return frame

    def cpu_seconds(self) -> float:
        spent = Path(f"/proc/{self.pid}/schedstat").read_text().split()[0]
        return int(spent) / 1e9

    def output(self) -> str:
        return Path(self.folder.name, "log").read_text()

    def kill(self) -> None:
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.channel.close()


@contextlib.contextmanager
def student_of(
    source: str, call_seconds: float = 30.0, make: type[RemoteStudent] = RemoteStudent, **more: str
) -> Iterator[RemoteStudent]:
    """The submission `answer.py` with this source; `more` holds support modules by name."""
    files = {"answer.py": source} | {f"{name}.py": text for name, text in more.items()}
    box = ForkedBox(files)
    try:
        support = [f"{name}.py" for name in more]
        yield make(box, ["answer.py"], support, call_seconds)
    finally:
        box.kill()
        box.folder.cleanup()
