"""The fork server: a process with torch loaded, from which each submission's process is forked.

Three kinds of processes: the *sentry*, exec'd by the grader with a clean environment, only waits, and kills what
may be left when the fork server is gone; the *server*, its child (process 1 of a pid namespace at level full, so that
the kernel ends everything with it); and the *boxes*, one a submission, each locked in for good before it
sees a byte of it.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import io
import json
import os
import random
import resource
import select
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from autograder.sandbox import folders, kernel, levels, root
from autograder.sandbox.levels import Level
from autograder.sandbox.limits import INODES, MEGABYTE
from autograder.sandbox.tree import Tree, Use, use_by_group

PRELOADED = (
    "torch",
    "torch._dynamo",
    "torch.optim",
    "torch.distributions",
    "torch.multiprocessing",
    "numpy",
    "gymnasium",
    "gymnasium.envs.classic_control",
)
_DESCRIPTORS = 1024
_WATCH_SECONDS = 0.1
_DISK_WATCH_SECONDS = 1.0
_OUTPUT, _CHANNEL, _STATUS, _FILES, _PROC = 1, 3, 4, 5, 6  # descriptors of a box


@dataclass(frozen=True)
class Config:
    """What the grader tells the sentry; travels as JSON."""

    control: int
    level: str | None
    refuse: list[str]
    entry: str
    limits: dict[str, float]
    path: list[str]


class _Limits:
    def __init__(self, values: Mapping[str, float]) -> None:
        self.__dict__.update(values)


def main(text: str) -> None:
    """Entry of the exec'd process: `text` is a `Config` in JSON."""
    config = Config(**json.loads(text))
    control = socket.socket(fileno=config.control)
    control.set_inheritable(False)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    with _fatal(control.fileno()):
        level = levels.probe(config.level, config.refuse)
        first_user = levels.first_user_id()
        if level.namespaces:
            if os.geteuid() != 0:
                levels.become_root_of_user_namespace()
            kernel.unshare(kernel.NEW_PIDS)
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
        folder = root.BOX
        if not level.namespaces:
            folder = tempfile.mkdtemp(prefix="autograder-")
            os.chmod(folder, 0o711)
        sentry_lives, held_by_sentry = os.pipe()
        server = os.fork()
    if server == 0:
        os.close(held_by_sentry)
        if level.namespaces:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        _Server(config, control, level, folder, first_user, sentry_lives).run()
    control.close()
    os.waitpid(server, 0)
    _kill_orphans()
    _clean(level, folder, first_user)


def _clean(level: Level, folder: str, first_user: int) -> None:
    """Remove what submissions left where they have no mounts of their own."""
    if level.namespaces:
        return
    folders.remove(folder)
    if level.other_user:
        folders.remove_owned("/dev/shm", range(first_user, first_user + levels.USER_IDS))


def _kill_orphans() -> None:
    """Kill what the server left: its children became ours."""
    while True:
        with contextlib.suppress(ChildProcessError):
            for name in filter(str.isdigit, os.listdir("/proc")):
                with contextlib.suppress(OSError, ValueError, IndexError):
                    stat = Path(f"/proc/{name}/stat").read_text(errors="replace")
                    if int(stat[stat.rfind(")") + 2 :].split()[1]) == os.getpid():
                        os.kill(int(name), signal.SIGKILL)
            os.waitpid(-1, 0)
            continue
        return


@contextlib.contextmanager
def _fatal(told: int | None = None) -> Iterator[None]:
    """An exception ends this process, which was forked and must not return; the socket `told` hears why."""
    try:
        yield
    except BaseException:  # noqa: BLE001
        text = traceback.format_exc()
        if told is None:
            print(text, file=sys.stderr, flush=True)
        else:
            with contextlib.suppress(OSError):
                os.write(told, json.dumps({"failed": text[-4000:]}).encode())
        os._exit(1)


@dataclass
class _Box:
    """The server's side of one submission's process."""

    pid: int
    handle: int  # pidfd
    control: socket.socket
    slot: int
    folder: str
    tree: Tree
    reason: str | None = None
    disk_checked: float = field(default_factory=time.monotonic)


class _Server:
    """Forks boxes on request, watches their memory, and kills them on request; one loop, one thread."""

    def __init__(
        self,
        config: Config,
        control: socket.socket,
        level: Level,
        folder: str,
        first_user: int,
        sentry_lives: int,
    ) -> None:
        self.config, self.control, self.level = config, control, level
        self.limits: Any = _Limits(config.limits)
        self.folder, self.first_user = folder, first_user
        self.slots = list(range(levels.USER_IDS))
        self.boxes: dict[int, _Box] = {}
        self.poll = select.poll()
        self.handlers: dict[int, Callable[[], None]] = {}
        self._on(control.fileno(), self._spawn)
        self._on(sentry_lives, self._end)
        self.open = True

    def run(self) -> NoReturn:
        with _fatal(self.control.fileno()):
            self._prepare()
        with _fatal():
            self._serve()
            _clean(self.level, self.folder, self.first_user)
        os._exit(0)

    def _prepare(self) -> None:
        """Load everything, take on a root of our own, rehearse once, and say that we are ready."""
        self.entry = self._load()
        from autograder.sandbox.lockdown import Lockdown

        visible = root.visible_paths()
        self.path = [p for p in sys.path if root.holds(visible, p)]
        shown = root.without(visible, root.hidden_paths())
        self.lockdown = Lockdown(self.level, self.limits, shown, self.first_user)
        if self.level.namespaces:
            kernel.unshare(kernel.NEW_MOUNTS)
            kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
            kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
            self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
            root.Root(visible).enter()
            self.namespace = os.open("self/ns/pid", os.O_RDONLY, dir_fd=self.proc)
        else:
            kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
            self.proc = os.open("/proc", os.O_RDONLY | os.O_DIRECTORY)
        self.own_memory = use_by_group(self.proc)[os.getpgrp()].resident
        self.rehearse = root.check_reachable
        gc.collect()
        gc.freeze()
        ready = {"isolation": self.level.name, "missing": self.level.missing}
        _send(self.control, ready, [self.proc])

    def _load(self) -> Callable[[socket.socket], None]:
        for name in PRELOADED:
            importlib.import_module(name)
        module, _, function = self.config.entry.partition(":")
        return getattr(importlib.import_module(module), function)

    # The loop

    def _serve(self) -> None:
        looked = time.monotonic()
        while self.open or self.boxes:
            events = self.poll.poll(1000 * _WATCH_SECONDS if self.boxes else None)
            for descriptor, handler in [(d, self.handlers[d]) for d, _ in events]:
                if self.handlers.get(descriptor) is handler:  # else an earlier one has closed it
                    handler()
            if time.monotonic() - looked > _WATCH_SECONDS:
                looked = time.monotonic()
                uses = use_by_group(self.proc) if self.boxes else {}
                for box in list(self.boxes.values()):
                    self._watch(box, uses.get(box.pid, Use()))

    def _on(self, descriptor: int, handler: Callable[[], None]) -> None:
        self.handlers[descriptor] = handler
        self.poll.register(descriptor, select.POLLIN)

    def _off(self, descriptor: int) -> None:
        del self.handlers[descriptor]
        self.poll.unregister(descriptor)

    def _spawn(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self.control, 65536, 4)
        if not message:  # the grader is gone, or has enough
            self._end()
            return
        control = socket.socket(fileno=descriptors[0])
        try:
            if not self.slots:
                raise OSError(f"there are {levels.USER_IDS} already")
            slot = self.slots.pop(0)
            folder = self.folder if self.level.namespaces else f"{self.folder}/{slot}"
            pid = self._fork(descriptors, folder, slot)
            with contextlib.suppress(PermissionError):  # it has done so itself
                os.setpgid(pid, pid)
            handle = os.pidfd_open(pid)
        except OSError as error:
            _send(control, {"failed": f"cannot start a process: {error}"})
            control.close()
            return
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)
        box = _Box(pid, handle, control, slot, folder, Tree(self.proc, pid))
        self.boxes[pid] = box
        self._on(handle, lambda: self._bury(box))
        self._on(control.fileno(), lambda: self._asked(box))
        with contextlib.suppress(OSError):
            _send(control, {"pid": pid})

    def _end(self) -> None:
        self.open = False
        for descriptor in list(self.handlers):
            if descriptor not in {box.handle for box in self.boxes.values()}:
                self._off(descriptor)
        for box in self.boxes.values():
            self._kill(box)

    def _user(self, slot: int) -> int:
        """The id to run as: one a box, but at level minimal, where all have the same."""
        if not self.level.other_user:
            return os.getuid()
        return self.first_user + (slot if self.level.name in ("full", "restricted") else 0)

    def _fork(self, descriptors: list[int], folder: str, slot: int) -> int:
        if not self.level.namespaces:
            return self._forked(descriptors, folder, slot)
        kernel.unshare(kernel.NEW_PIDS)  # for the next child; we stay
        try:
            return self._forked(descriptors, folder, slot)
        finally:
            kernel.enter_namespace(self.namespace, kernel.NEW_PIDS)

    def _forked(self, descriptors: list[int], folder: str, slot: int) -> int:
        pid = os.fork()
        if pid == 0:
            self._be_a_box(descriptors, folder, slot)
        return pid

    def _asked(self, box: _Box) -> None:
        """A message can only be "kill"; so can the end of the connection."""
        self._off(box.control.fileno())
        self._kill(box)

    def _kill(self, box: _Box) -> None:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(box.handle, signal.SIGKILL)
        if not self.level.namespaces:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(box.pid, signal.SIGKILL)

    def _bury(self, box: _Box) -> None:
        """Its first process is dead: at level full the others are too; else see to it."""
        self._kill(box)
        _, status, usage = os.wait4(box.pid, 0)
        if not self.level.namespaces:
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-box.pid, 0)
            folders.remove(box.folder)
            if self.level.name == "restricted":
                folders.remove_owned("/dev/shm", {self._user(box.slot)})
        del self.boxes[box.pid]
        self._off(box.handle)
        os.close(box.handle)
        if box.control.fileno() in self.handlers:
            self._off(box.control.fileno())
        if self.open:  # else its end says nothing about the submission
            used = usage.ru_utime + usage.ru_stime
            with contextlib.suppress(OSError):  # the grader may have let go of it
                _send(box.control, {"status": status, "reason": box.reason, "cpu_seconds": used})
        box.control.close()
        self.slots.append(box.slot)

    def _watch(self, box: _Box, use: Use) -> None:
        """Kill a box that is beyond a limit which the kernel does not hold for all its processes together."""
        if box.reason is None and (reason := self._excess(box, use)):
            box.reason = reason
            self._kill(box)

    def _excess(self, box: _Box, use: Use) -> str | None:
        memory = self.limits.memory_mb * MEGABYTE + self.own_memory
        if use.resident > memory and box.tree.memory() > memory:
            return "memory"
        if self.level.namespaces:
            return None
        if use.threads > self.limits.processes:  # root's are not limited
            return "processes"
        if time.monotonic() - box.disk_checked > _DISK_WATCH_SECONDS:
            box.disk_checked = time.monotonic()
            if not folders.within(box.folder, self.limits.disk_mb * MEGABYTE, INODES):
                return "disk"
        return None

    # The child

    def _be_a_box(self, descriptors: list[int], folder: str, slot: int) -> NoReturn:
        status, channel, output, files = descriptors
        self.control.detach()
        for box in self.boxes.values():
            box.control.detach()
        with _fatal():
            os.setpgid(0, 0)
            _arrange({_OUTPUT: output, _CHANNEL: channel, _STATUS: status, _FILES: files,
                      _PROC: self.proc})  # fmt: skip
        with _fatal(_STATUS):
            self.lockdown.enter(folder, self._user(slot), _read_files(_FILES), _PROC)
            self.rehearse()
        for descriptor in (_STATUS, _FILES, _PROC):
            os.close(descriptor)
        with _fatal():
            _begin(folder, self.path)
            self.entry(socket.socket(fileno=_CHANNEL))
        sys.stdout.flush()
        os._exit(0)


def _arrange(wanted: dict[int, int]) -> None:
    """Give this process the descriptors `wanted` (number → current one), /dev/null as input, no other."""
    above = max(wanted) + 1
    lifted = {number: fcntl.fcntl(d, fcntl.F_DUPFD_CLOEXEC, above) for number, d in wanted.items()}
    for number, descriptor in lifted.items():
        os.dup2(descriptor, number, inheritable=number == _OUTPUT)
    os.dup2(_OUTPUT, 2)
    os.dup2(os.open("/dev/null", os.O_RDONLY | os.O_CLOEXEC), 0)
    os.closerange(above, _DESCRIPTORS)


def _read_files(descriptor: int) -> dict[str, bytes]:
    """The reverse of `host.pack`: a line of JSON with names and sizes, then the contents."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return {name: file.read(size) for name, size in json.loads(file.readline())}


def _begin(folder: str, path: list[str]) -> None:
    """Make a forked process look like one that has just started."""
    import numpy
    import torch

    os.environ.update(HOME=f"{folder}/work", TMPDIR=f"{folder}/tmp")
    tempfile.tempdir = None
    sys.argv = [""]
    sys.path[:] = [f"{folder}/work", *path]
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        raw = io.FileIO(descriptor, "w", closefd=False)
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw), "utf-8", errors="backslashreplace", line_buffering=True
        )
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    random.seed(0)
    numpy.random.seed(0)
    torch.manual_seed(0)
    # The first tensor operations of this process, in its main thread, before any other thread exists.
    weights = torch.ones(2, requires_grad=True)
    (weights * weights).sum().backward()


def _send(
    control: socket.socket, message: Mapping[str, object], descriptors: Sequence[int] = ()
) -> None:
    socket.send_fds(control, [json.dumps(message).encode()], descriptors)
