"""The grader's side of the sandbox: start a fork server, get boxes from it, talk to them, end them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from autograder.errors import AutograderError
from autograder.sandbox import wire
from autograder.sandbox.errors import SandboxCrashed, SandboxOutOfMemory, SandboxTimedOut
from autograder.sandbox.levels import LEVELS, doctor, refused_parts
from autograder.sandbox.limits import Limits
from autograder.sandbox.tree import Tree

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Box", "SandboxBroken", "Template", "TemplateDied", "doctor"]

ENTRY = "autograder.sandbox.worker:serve"

_PROGRAM = "import sys, json; sys.path[:] = json.loads(sys.argv[1])['path']; " \
    "from autograder.sandbox.template import main; main(sys.argv[1])"  # fmt: skip
# Torch reads the numbers of threads once, when it is imported; a forked child with more than one hangs.
_ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "LANG": "C.UTF-8",
    "USER": "student",
    "LOGNAME": "student",
    "PYTHONHASHSEED": "0",
    **dict.fromkeys(
        ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"), "1"
    ),
}
_START_SECONDS = 300.0
_END_SECONDS = 30.0
_LOOK_SECONDS = 0.05  # the first look at a box's CPU time; later ones are up to
_LOOK_AT_MOST_SECONDS = 0.2
_IDLE_AT_LEAST = 10.0
_CALLS_ASLEEP = 3  # a submission may be asleep so many times as long as one call
_CHUNK = 1 << 18


class SandboxBroken(AutograderError):
    """The sandbox itself failed; no submission is to blame."""


class TemplateDied(SandboxBroken):
    """The fork server is gone, and all its boxes with it: start another one and try again."""


class Template:
    """A fork server with torch loaded. Use as a context manager.

    Processes forked while it is open can use it, too: one fork server serves all the jobs of a run. It ends when the
    last of them has let go of it.

    Attributes:
        isolation: the level reached: "full", "restricted", "minimal" or "none".
        missing: a sentence for each part that this machine lacks, with the way to get it.
    """

    def __init__(
        self,
        limits: Limits,
        level: str | None = None,
        *,
        floor: str = "none",
        entry: str = ENTRY,
        refuse: Iterable[str] = (),
    ) -> None:
        """
        Args:
            limits: what one submission may use.
            level: not better than this one (None: the best that the machine offers).
            floor: do not start below this one, whatever the machine refuses this time.
            entry: "module:function", called with the channel in each locked-down child.
            refuse: parts of `levels.PARTS` to be treated as refused by this machine.
        """
        self.limits = limits
        self.isolation = ""
        self.missing: list[str] = []
        self._floor = floor
        self._level, self._entry, self._refuse = level, entry, sorted(refused_parts(refuse))
        self._process: subprocess.Popen[bytes] | None = None
        self._proc = -1

    def __enter__(self) -> Self:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = {
            "control": theirs.fileno(),
            "level": self._level,
            "refuse": self._refuse,
            "entry": self._entry,
            "limits": {name: getattr(self.limits, name) for name in Limits.__annotations__},
            "path": [os.path.abspath(p) for p in sys.path],
        }
        self._errors = os.memfd_create("errors")
        environment = dict(_ENVIRONMENT)
        self._process = subprocess.Popen(
            [sys.executable, "-s", "-B", "-c", _PROGRAM, json.dumps(config)],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
            cwd="/",
            env=environment,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        self._control = ours
        try:
            ours.settimeout(_START_SECONDS)
            message, descriptors = _receive(ours)
            ours.settimeout(None)
            if message is None:
                raise SandboxBroken(f"The fork server did not start.\n{self._said()}")
            if "failed" in message:
                raise SandboxBroken(f"The fork server did not start.\n{message['failed']}")
            self._proc = descriptors[0]
            if LEVELS.index(message["isolation"]) > LEVELS.index(self._floor):
                reasons = "\n".join(message["missing"])
                raise SandboxBroken(f"The isolation is weaker than it was a moment ago.\n{reasons}")
        except BaseException:
            self.close()
            raise
        self.isolation, self.missing = message["isolation"], list(message["missing"])
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the fork server; when this returns, none of its processes is left."""
        if self._process is None:
            return
        self._control.close()
        self._wait_for_end()
        self._process = None
        os.close(self._errors)
        if self._proc >= 0:
            os.close(self._proc)

    def another(self) -> Template:
        """A template like this one, not open yet: for a process that saw `TemplateDied`."""
        return Template(
            self.limits, self._level, floor=self._floor, entry=self._entry, refuse=self._refuse
        )

    def spawn(self, files: Mapping[str, bytes]) -> Box:
        """A process of its own for one submission, locked in, with `files` in its work folder.

        Raises:
            TemplateDied: start another template.
            SandboxBroken: the machine refused.
        """
        if self._process is None:
            raise TemplateDied("The fork server was closed.")
        channel, theirs = socket.socketpair()
        control, their_control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        output, their_output = os.pipe()
        packed = _pack(files)
        sent = [their_control.fileno(), theirs.fileno(), their_output, packed]
        try:
            socket.send_fds(self._control, [b"spawn"], sent)
            with theirs, their_control:
                pass
            message, _ = _receive(control)
        except OSError as error:
            raise self.died() from error
        finally:
            theirs.close()
            their_control.close()
            os.close(their_output)
            os.close(packed)
        if message is None:
            raise self.died()
        if "failed" in message:
            raise SandboxBroken(message["failed"])
        return Box(self, message["pid"], channel, control, output)

    def died(self) -> TemplateDied:
        """The error for a fork server that is gone; waits until all that it had started is gone too."""
        if self._process is not None:
            self._wait_for_end()
        return TemplateDied(f"The fork server died.\n{self._said()}")

    def _wait_for_end(self) -> None:
        assert self._process is not None
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:  # the kernel kills the fork server with it
            self._process.kill()
            self._process.wait()

    def _said(self) -> str:
        return (
            ""
            if self._process is None
            else os.pread(self._errors, 4000, 0).decode("utf-8", "replace")
        )


class Box:
    """One submission's process and all that it starts. Not to be shared between threads.

    The fork server kills it, too, when its end of the connection is dropped.
    """

    def __init__(
        self,
        template: Template,
        pid: int,
        channel: socket.socket,
        control: socket.socket,
        output: int,
    ) -> None:
        self._template, self._limits = template, template.limits
        self._channel, self._control = channel, control
        self._output: io.FileIO | None = io.FileIO(output)
        control.settimeout(_END_SECONDS)
        channel.setblocking(False)
        os.set_blocking(output, False)
        self._tree = Tree(template._proc, pid)
        self._received = bytearray()
        self._printed = bytearray()
        self._truncated = False
        self._dead: dict[str, Any] | None = None
        self._cpu_seconds = 0.0
        self._killed = False
        self._idle = 0.0

    def send(self, frame: bytes) -> None:
        """Send a frame.

        Raises:
            SandboxError: the box ended, or did not read for too long.
        """
        rest = memoryview(frame)
        clock = _Clock(self, self._limits.cpu_seconds)
        while rest:
            self._wait(select.POLLOUT, clock)
            try:
                rest = rest[self._channel.send(rest) :]
            except BlockingIOError:
                continue
            except OSError:
                raise self._ended() from None

    def receive(self, cpu_seconds: float) -> bytes:
        """The next frame.

        Args:
            cpu_seconds: CPU time that all processes of the box may use from now on, together.

        Raises:
            SandboxError: the box ended, answered with something else, or used up its time; it is dead then.
        """
        clock = _Clock(self, cpu_seconds)
        while (frame := self._whole_frame()) is None:
            self._wait(select.POLLIN, clock)
            try:
                piece = self._channel.recv(_CHUNK)
            except BlockingIOError:
                continue
            except OSError:
                piece = b""
            if not piece:
                raise self._ended()
            self._received += piece
        return frame

    def output(self) -> bytes:
        """What was printed so far, up to the limit."""
        self._drain()
        mark = b"\n[output truncated]\n" if self._truncated else b""
        return bytes(self._printed) + mark

    def cpu_seconds(self) -> float:
        """CPU time of all processes of the box so far."""
        if self._dead is None:
            self._cpu_seconds = max(self._cpu_seconds, self._tree.sample().cpu_seconds)
        return self._cpu_seconds

    def idle_seconds(self) -> float:
        """For how long it was waited for while none of its threads wanted to run, so far."""
        return self._idle

    def kill(self) -> None:
        """End it. When this returns, every process of the box is dead."""
        if self._killed:
            return
        self._killed = True
        with contextlib.suppress(OSError):
            self._control.send(b"kill")
        self._await_death()
        self._drain()
        self._channel.close()
        self._control.close()
        self._close_output()

    # Inside

    def _whole_frame(self) -> bytes | None:
        size = wire.PREFIX.size
        if len(self._received) < size:
            return None
        try:
            size += wire.body_size(bytes(self._received[:size]))
        except wire.WireError as error:
            self.kill()
            raise SandboxCrashed(str(error)) from None
        if len(self._received) < size:
            return None
        frame = bytes(self._received[:size])
        del self._received[:size]
        return frame

    def _wait(self, event: int, clock: _Clock) -> None:
        """Return when `event` may have come on the channel; meanwhile print, watch the time, notice death."""
        if self._killed:
            raise self._ended()
        poll = select.poll()
        poll.register(self._channel, event)
        if self._output is not None:
            poll.register(self._output, select.POLLIN)
        if self._dead is None:
            poll.register(self._control, select.POLLIN)
        while True:
            events = dict(poll.poll(1000 * clock.pause()))
            if self._output is not None and self._output.fileno() in events:
                self._drain()
                if self._output is None:
                    return
            if self._channel.fileno() in events:
                return
            if self._control.fileno() in events:
                self._hear()
                if self._dead is not None:
                    return
            clock.look()

    def _ended(self) -> Exception:
        """Why there is nothing more to come; the box is dead when this returns."""
        self.kill()
        if not self._dead:
            return self._template.died()
        reason, status = self._dead["reason"], self._dead["status"]
        if reason == "memory":
            return SandboxOutOfMemory("its processes together held more than the limit")
        if reason is not None:
            return SandboxCrashed(f"it went beyond the limit of {reason}")
        if os.WIFSIGNALED(status):
            name = signal.Signals(os.WTERMSIG(status)).name
            if self._cpu_seconds >= self._limits.total_cpu_seconds:
                return SandboxTimedOut(f"it was ended by the limit of its CPU time ({name})")
            return SandboxCrashed(f"it was ended by {name}")
        return SandboxCrashed(f"it exited with code {os.WEXITSTATUS(status)}")

    def _hear(self) -> None:
        """Take in a message of the fork server."""
        try:
            message, _ = _receive(self._control)
        except ConnectionResetError:  # our "kill" was too late to be read; its answer is there
            message, _ = _receive(self._control)
        except TimeoutError:  # the fork server does not answer any more
            message = None
        if message is None:
            self._dead = {}
            self._killed = True
            raise self._template.died()
        if "failed" in message:
            self.kill()
            raise SandboxBroken(message["failed"])
        if "status" in message:
            self._dead = message
            self._cpu_seconds = max(self._cpu_seconds, message["cpu_seconds"])

    def _await_death(self) -> None:
        while self._dead is None:
            with contextlib.suppress(TemplateDied):
                self._hear()

    def _drain(self) -> None:
        """Take what was printed, so that the box never waits for us; keep no more than the limit."""
        room = 1024 * self._limits.output_kb
        for _ in range(64):
            piece = self._output.read(_CHUNK) if self._output is not None else None
            if piece is None:
                return
            if not piece:
                self._close_output()
                return
            kept = piece[: room - len(self._printed)]
            self._printed += kept
            self._truncated |= len(kept) < len(piece)

    def _close_output(self) -> None:
        if self._output is not None:
            self._output.close()
            self._output = None


class _Clock:
    """Ends a box that has used up its CPU time, or slept for too long.

    A process that wants to run but gets no processor is neither: load never ends a box.
    """

    def __init__(self, box: Box, cpu_seconds: float) -> None:
        self.box, self.cpu_seconds = box, cpu_seconds
        self.idle_allowed = max(3 * cpu_seconds, _IDLE_AT_LEAST)
        self.idle = 0.0
        self.start: float | None = None
        self.looked = time.monotonic()
        self.interval = _LOOK_SECONDS

    def pause(self) -> float:
        """Seconds until the next look."""
        return max(0.0, self.looked + self.interval - time.monotonic())

    def look(self) -> None:
        if self.pause() > 0:
            return
        now = time.monotonic()
        # If this process itself was kept waiting, one look stands for no more than it should.
        passed = min(now - self.looked, 2 * self.interval)
        self.looked = now
        self.interval = min(2 * self.interval, _LOOK_AT_MOST_SECONDS)
        sample = self.box._tree.sample()
        self.box._cpu_seconds = max(self.box._cpu_seconds, sample.cpu_seconds)
        if self.start is None:
            self.start = sample.cpu_seconds
        if not sample.runnable:
            self.idle += passed
            self.box._idle += passed
        if sample.cpu_seconds - self.start > self.cpu_seconds:
            self._end(f"{self.cpu_seconds:g} seconds of CPU time for one call")
        if sample.cpu_seconds > self.box._limits.total_cpu_seconds:
            self._end(f"{self.box._limits.total_cpu_seconds:g} seconds of CPU time in all")
        if self.idle > self.idle_allowed:
            self._end(f"{self.idle_allowed:g} seconds asleep in one call")
        if self.box._idle > _CALLS_ASLEEP * self.idle_allowed:
            self._end(f"{_CALLS_ASLEEP * self.idle_allowed:g} seconds asleep in all")

    def _end(self, what: str) -> None:
        self.box.kill()
        raise SandboxTimedOut(f"it used {what}")


def _pack(files: Mapping[str, bytes]) -> int:
    """A descriptor of a file in memory: a line of JSON with names and sizes, then the contents."""
    for name in files:
        if os.path.basename(name) != name or name in ("", ".", ".."):
            raise ValueError(f"{name!r} is no name of a file")
    packed = os.memfd_create("files")
    with os.fdopen(os.dup(packed), "wb") as file:
        file.write(json.dumps([(name, len(content)) for name, content in files.items()]).encode())
        file.write(b"\n")
        file.writelines(files.values())
    return packed


def _receive(control: socket.socket) -> tuple[dict[str, Any] | None, list[int]]:
    """The next message and its descriptors; None when the other side is gone."""
    data, descriptors, _, _ = socket.recv_fds(control, 65536, 4)
    return (json.loads(data) if data else None), descriptors
