"""How well this machine can lock a submission in; found out by trying, never by version numbers."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import landlockpy

from autograder.errors import AutograderError
from autograder.sandbox import kernel

LEVELS = ("full", "restricted", "minimal", "none")
"""From the best to the worst."""

REFUSED_VARIABLE = "AUTOGRADER_SANDBOX_REFUSE"
"""For tests: parts (comma-separated, of `PARTS`) that are to be treated as refused."""

PARTS = ("namespaces", "other_user", "landlock", "seccomp")


class TooWeak(AutograderError):
    """This machine cannot lock a submission in as well as asked for."""

    exit_code = 2


@dataclass(frozen=True)
class Level:
    """What holds a submission in: the parts in use, and a sentence a part that is missing."""

    name: str
    parts: frozenset[str]
    missing: tuple[str, ...] = ()

    @property
    def namespaces(self) -> bool:
        return "namespaces" in self.parts

    @property
    def other_user(self) -> bool:
        return "other_user" in self.parts

    @property
    def landlock(self) -> bool:
        return "landlock" in self.parts

    @property
    def seccomp(self) -> bool:
        return "seccomp" in self.parts


def refused_parts(refuse: Iterable[str]) -> set[str]:
    """These, and those that the environment names."""
    refused = set(refuse) | set(filter(None, os.environ.get(REFUSED_VARIABLE, "").split(",")))
    if unknown := refused - set(PARTS):
        raise ValueError(f"unknown parts {sorted(unknown)}: choose from {PARTS}")
    return refused


def probe(at_most: str | None = None, refuse: Iterable[str] = ()) -> Level:
    """The best level that this machine offers.

    Args:
        at_most: stop at this level even if a better one is there.
        refuse: parts to be treated as refused.
    """
    refused = refused_parts(refuse)
    failures = {
        part: "refused on request" if part in refused else tried(attempt)
        for part, attempt in _ATTEMPTS.items()
    }
    parts = {part for part, failure in failures.items() if failure is None}
    if at_most in ("restricted", "minimal", "none"):
        parts.discard("namespaces")
    if at_most == "none":
        parts -= {"landlock", "seccomp"}
    needed = [p for p in PARTS if not (p == "other_user" and "namespaces" in parts)]
    missing = tuple(f"{_ADVICE[p]} ({failures[p]})." for p in needed if failures[p] is not None)
    name = max(_name(parts), at_most or "full", key=LEVELS.index)
    return Level(name, frozenset(parts), missing)


def check_floor(level: Level, floor: str) -> None:
    """Raise if `level` is below `floor`.

    Raises:
        TooWeak: says what is missing and how to get it.
    """
    if LEVELS.index(level.name) > LEVELS.index(floor):
        wanting = "\n".join(f"- {sentence}" for sentence in level.missing)
        raise TooWeak(
            f"grading.yml asks for isolation '{floor}', but this machine offers '{level.name}':\n"
            f"{wanting}\nGrade on another machine, or lower `isolation_floor` in grading.yml if you "
            "trust the submissions (--allow-unsafe does so once)."
        )


def doctor() -> str:
    """What this machine offers, in words."""
    level = probe()
    lines = [f"isolation: {level.name}", "", *(f"  {p}: {_name_of_part(p, level)}" for p in PARTS)]
    return "\n".join([*lines, *("" for _ in level.missing[:1]), *(f"- {m}" for m in level.missing)])


def _name_of_part(part: str, level: Level) -> str:
    return "yes" if part in level.parts else "no"


def _name(parts: set[str]) -> str:
    if not {"landlock", "seccomp"} <= parts:
        return "none"
    if "namespaces" in parts:
        return "full"
    if "other_user" in parts:
        return "restricted"
    return (
        "none" if os.geteuid() == 0 else "minimal"
    )  # the kernel limits no number of root's processes


_ADVICE = {
    "namespaces": "Namespaces are refused, so submissions share this machine's processes, network "
    "and file tree. In a container, start it with `--security-opt seccomp=unconfined "
    "--security-opt systempaths=unconfined --cap-add SYS_ADMIN`; elsewhere an administrator may set "
    "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` or `user.max_user_namespaces=15000`",
    "other_user": "Submissions run under the grader's own user id. Grade as root with the right to "
    "change its user (CAP_SETUID, CAP_SETGID), so that each gets an id of its own",
    "landlock": "Landlock is missing, so files cannot be held back. Use Linux 5.13 or newer with "
    "`landlock` in the boot parameter `lsm=`, and a container engine that allows its calls",
    "seccomp": "System calls cannot be filtered. Install libseccomp (Debian and Ubuntu: "
    "`apt install libseccomp2`) and a container engine that allows seccomp",
}


def tried(attempt: Callable[[], None]) -> str | None:
    """Why `attempt` fails, tried in a forked child; None if it works."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(read)
            attempt()
        except BaseException as error:  # noqa: BLE001 - a forked child must not return
            text = str(error) or traceback.format_exc()
            os.write(write, text.encode()[:2000])
            os._exit(1)
        os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        reason = pipe.read().decode("utf-8", "replace")
    _, status = os.waitpid(child, 0)
    return None if status == 0 else reason or "the attempt died"


def become_root_of_user_namespace() -> None:
    """Have an ordinary user's process hold all capabilities over namespaces of its own."""
    user, group = os.getuid(), os.getgid()
    kernel.unshare(kernel.NEW_USER)
    map_user("/proc/self", 0, user, group)


def map_user(process: str, inside: int, user: int, group: int, folder: int | None = None) -> None:
    """Write the maps of the user namespace of `process` (a path, below the descriptor `folder`)."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inside} {user} 1"),
        ("gid_map", f"{inside} {group} 1"),
    ):
        file = os.open(f"{process}/{name}", os.O_WRONLY, dir_fd=folder)
        try:
            os.write(file, text.encode())
        finally:
            os.close(file)


def _namespaces() -> None:
    if os.geteuid() != 0:
        become_root_of_user_namespace()
    kernel.unshare(kernel.NEW_PIDS)
    reason = tried(_own_root)
    if reason is not None:
        raise OSError(reason)


def _own_root() -> None:
    everything = kernel.NEW_MOUNTS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_UTS
    kernel.unshare(everything)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount("proc", "/proc", "proc", kernel.MS_NOSUID | kernel.MS_NODEV)
    kernel.mount("root", "/sys", "tmpfs", kernel.MS_NOSUID | kernel.MS_NODEV, "size=1m")
    os.mkdir("/sys/usr")
    kernel.mount("/usr", "/sys/usr", None, kernel.MS_BIND | kernel.MS_REC)
    kernel.make_read_only("/sys/usr")
    kernel.change_root("/sys")
    kernel.unshare(kernel.NEW_USER)


def _other_user() -> None:
    if os.geteuid() != 0:
        raise PermissionError("the grader is not root")
    first = first_user_id()
    os.setgroups([])
    os.setresgid(first, first, first)
    os.setresuid(first, first, first)


def _landlock() -> None:
    with landlockpy.Ruleset() as rules:
        rules.restrict()


def _seccomp() -> None:
    from autograder.sandbox.filters import Policy  # fails to import where libseccomp is missing

    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    Policy(own_pids=True, own_user=True, signals_scoped=True, sockets_scoped=True).install()


_ATTEMPTS = {
    "namespaces": _namespaces,
    "other_user": _other_user,
    "landlock": _landlock,
    "seccomp": _seccomp,
}

USER_IDS = 64
"""User ids that one fork server uses."""


def first_user_id() -> int:
    """The first of `USER_IDS` ids for this process's submissions, unlike those of any other grader."""
    with open("/proc/self/uid_map", encoding="ascii") as file:
        mapped = max(int(first) + int(count) for first, _, count in map(str.split, file))
    if mapped > 2**31:
        return 2**30 + os.getpid() * USER_IDS
    return 20000 + os.getpid() % 600 * USER_IDS
