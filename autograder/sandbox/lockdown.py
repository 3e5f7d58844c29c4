"""What a child of the fork server does to itself before it runs a submission. None of it can be undone."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from collections.abc import Mapping

import landlockpy
from landlockpy import AccessFS, Scope

from autograder.sandbox import kernel, levels, limits, root
from autograder.sandbox.levels import Level, map_user
from autograder.sandbox.limits import Limits
from autograder.sandbox.tree import processes

MS_NOEXEC = 8
_INSIDE_ID = 1000
_READ = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE
_OWN = (
    AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.WRITE_FILE | AccessFS.TRUNCATE
    | AccessFS.REMOVE_DIR | AccessFS.REMOVE_FILE | AccessFS.MAKE_DIR | AccessFS.MAKE_REG
    | AccessFS.MAKE_SOCK | AccessFS.MAKE_FIFO | AccessFS.MAKE_SYM | AccessFS.REFER
    | AccessFS.RESOLVE_UNIX
)  # fmt: skip
_SHARED_MEMORY = (
    AccessFS.READ_FILE | AccessFS.WRITE_FILE | AccessFS.TRUNCATE | AccessFS.MAKE_REG
    | AccessFS.REMOVE_FILE | AccessFS.REFER
)  # fmt: skip


class Lockdown:
    """All that can be prepared once for every submission."""

    def __init__(self, level: Level, limits: Limits, visible: list[str], some_user: int) -> None:
        """
        Args:
            visible: what may be read where there is no root of its own.
            some_user: an id that submissions run as.
        """
        self.level, self.limits = level, limits
        processor = filter(os.path.exists, root.PROCESSOR)
        self.readable = ["/"] if level.namespaces else [*visible, *processor]
        self.policy = None
        self.may_read_all = (
            level.other_user
            and not level.namespaces
            and levels.tried(lambda: _read_as(some_user)) is not None
        )
        if level.seccomp:
            from autograder.sandbox.filters import Policy

            abi = landlockpy.abi_version() if level.landlock else 0
            self.policy = Policy(
                own_pids=level.namespaces,
                own_user=level.name in ("full", "restricted"),
                signals_scoped=level.namespaces
                or bool(landlockpy.scope_for_abi(abi) & Scope.SIGNAL),
                sockets_scoped=level.namespaces
                or bool(landlockpy.fs_for_abi(abi) & AccessFS.RESOLVE_UNIX),
            )

    def enter(self, folder: str, user: int, files: Mapping[str, bytes], proc: int) -> None:
        """Lock this process in; it needs the fork server's rights, and has none afterwards.

        Args:
            folder: the private folder (a fresh mount is put on it at level full).
            user: the id to run as.
            files: the submission, written to `folder`/work.
            proc: descriptor of a /proc in which this process is found.
        """
        group = os.getgid() if user == os.getuid() else user
        if self.level.namespaces:
            self._leave_the_machine(folder, user, group)
        else:
            os.mkdir(folder, 0o700)
            os.chown(folder, user, group)
        for name in ("work", "tmp", "shm"):
            os.mkdir(f"{folder}/{name}", 0o700)
            os.chown(f"{folder}/{name}", user, group)
        for name, content in files.items():
            path = f"{folder}/work/{name}"
            with open(path, "wb") as file:
                file.write(content)
            os.chown(path, user, group)
        _be_the_first_to_go(proc)
        others = 0 if self.level.name in ("full", "restricted") else _threads_of_user(user, proc)
        limits.impose(self.limits, _bytes_of_data(proc), others)
        rules = self._file_rules(folder) if self.level.landlock else None
        self._drop_rights(user, group, proc)
        os.chdir(f"{folder}/work")
        if rules:
            with rules:
                rules.restrict()
        if self.policy:
            self.policy.install()

    def _leave_the_machine(self, folder: str, user: int, group: int) -> None:
        kernel.unshare(kernel.NEW_MOUNTS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_UTS)
        socket.sethostname("sandbox")
        kernel.mount(
            "box", folder, "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV | MS_NOEXEC,
            f"size={self.limits.disk_mb}m,nr_inodes={limits.INODES},mode=700,uid={user},gid={group}",
        )  # fmt: skip

    def _drop_rights(self, user: int, group: int, proc: int) -> None:
        if self.may_read_all:
            kernel.make_inheritable(kernel.CAP_DAC_READ_SEARCH)
        if not self.level.namespaces:
            with contextlib.suppress(PermissionError):  # an ordinary user has none to lose
                kernel.shrink_bounding_set()
        if user != os.getuid():
            if self.may_read_all:
                kernel.prctl(kernel.PR_SET_KEEPCAPS, 1)
            os.setgroups([])
            os.setresgid(group, group, group)
            os.setresuid(user, user, user)
        # What follows is undone by a change of user, so it comes after.
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)
        if self.level.namespaces:
            kernel.unshare(kernel.NEW_USER)
            map_user("self", _INSIDE_ID, user, group, proc)
            kernel.shrink_bounding_set()
        # An interpreter in root's home cannot be read by another user. Landlock holds the right to read
        # whatever the modes say to exactly the paths that it allows anyway.
        kernel.keep_capabilities({kernel.CAP_DAC_READ_SEARCH} if self.may_read_all else set())
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)

    def _file_rules(self, folder: str) -> landlockpy.Ruleset:
        rules = landlockpy.Ruleset(scoped=Scope.ABSTRACT_UNIX_SOCKET | Scope.SIGNAL)
        for path in self.readable:
            rules.allow_path(path, _READ if os.path.isdir(path) else _READ & ~AccessFS.READ_DIR)
        for device in root.DEVICES:
            rules.allow_path(device, AccessFS.READ_FILE)
        rules.allow_path("/dev/null", AccessFS.READ_FILE | AccessFS.WRITE_FILE)
        rules.allow_path(folder, _OWN)
        if not self.level.namespaces and os.path.isdir("/dev/shm"):
            rules.allow_path("/dev/shm", _SHARED_MEMORY)
        return rules


def _read_as(user: int) -> None:
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    root.check_reachable()


def _be_the_first_to_go(proc: int) -> None:
    """If the machine runs out of memory, this process dies before any other."""
    file = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=proc)
    try:
        os.write(file, b"1000")
    finally:
        os.close(file)


def _bytes_of_data(proc: int) -> int:
    """What this process has already."""
    with os.fdopen(os.open("self/status", os.O_RDONLY, dir_fd=proc)) as status:
        fields = dict(line.split(":", 1) for line in status)
    return int(fields["VmData"].split()[0]) * 1024


def _threads_of_user(user: int, proc: int) -> int:
    """How many a user has on the whole machine."""
    count = 0
    for name in processes(proc):
        with contextlib.suppress(OSError):
            status = os.stat(f"{name}/task", dir_fd=proc)
            if status.st_uid == user:
                count += status.st_nlink - 2  # a folder a thread
    return count
