"""What the processes of one sandbox use, read from /proc.

They cannot leave their process group (the filter refuses setsid and setpgid), so the group is the sandbox.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """One look at a tree: CPU seconds so far, whether any thread wants to run, and how many threads."""

    cpu_seconds: float
    runnable: bool
    threads: int


class Tree:
    """The processes of the group `group`, seen through the /proc that `proc` is a descriptor of."""

    def __init__(self, proc: int, group: int) -> None:
        self.proc, self.group = proc, group
        self._gone = 0.0  # CPU seconds of processes that died without leaving them to a parent
        self._last = 0.0

    def sample(self) -> Sample:
        members = self._members()
        now = self._sum(members)
        # A parent may have collected a child between our looks at the two: look once more.
        if now < self._last:
            members = self._members()
            now = self._sum(members)
            self._gone += max(0.0, self._last - now)
        self._last = now
        runnable = any(self._runnable(pid) for pid in members)
        threads = sum(int(fields[17]) for fields in members.values())
        return Sample(self._gone + now, runnable, threads)

    def memory(self) -> int:
        """Bytes that the tree holds, pages shared with others counted in proportion."""
        return sum(self._proportional(pid) for pid in self._members())

    def _members(self) -> dict[str, list[bytes]]:
        """The fields of /proc/pid/stat after the name, a process."""
        found = {}
        for name in processes(self.proc):
            fields = _after_name(_read(self.proc, f"{name}/stat"))
            if fields and int(fields[2]) == self.group:
                found[name] = fields
        return found

    @staticmethod
    def _sum(members: dict[str, list[bytes]]) -> float:
        """Own time and that of collected children, user and system."""
        return sum(int(f) for fields in members.values() for f in fields[11:15]) / _TICK

    def _runnable(self, pid: str) -> bool:
        try:
            folder = os.open(f"{pid}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.proc)
        except OSError:
            return False
        try:
            threads = os.listdir(folder)
        except OSError:
            return False
        finally:
            os.close(folder)
        return any(
            _after_name(_read(self.proc, f"{pid}/task/{t}/stat"))[:1] == [b"R"] for t in threads
        )

    def _proportional(self, pid: str) -> int:
        for line in _read(self.proc, f"{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return 1024 * int(line.split()[1])
        return 0


def processes(proc: int) -> list[str]:
    """The numbers of all processes in the /proc that `proc` is a descriptor of.

    The fork server and all its graders hold the same open folder, and with it one position in its list: whoever reads
    from there moves the others on. So it is opened anew.
    """
    folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY, dir_fd=proc)
    try:
        return [name for name in os.listdir(folder) if name.isdigit()]
    finally:
        os.close(folder)


@dataclass(frozen=True)
class Use:
    """What a process group uses at most: pages shared with others are counted once a process."""

    resident: int = 0
    threads: int = 0


def use_by_group(proc: int) -> dict[int, Use]:
    """All process groups, in one cheap look."""
    found: dict[int, Use] = {}
    for name in processes(proc):
        if fields := _after_name(_read(proc, f"{name}/stat")):
            group = int(fields[2])
            so_far = found.get(group, Use())
            found[group] = Use(
                so_far.resident + _PAGE * int(fields[21]), so_far.threads + int(fields[17])
            )
    return found


def _read(proc: int, path: str) -> bytes:
    """A file's beginning; nothing if the process is gone."""
    try:
        file = os.open(path, os.O_RDONLY, dir_fd=proc)
    except OSError:
        return b""
    try:
        return os.read(file, 4096)
    except OSError:
        return b""
    finally:
        os.close(file)


def _after_name(stat: bytes) -> list[bytes]:
    """The name may hold anything, blanks and parentheses too."""
    return stat[stat.rfind(b")") + 2 :].split()
