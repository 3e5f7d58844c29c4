"""Which system calls a submission may not make (seccomp).

A filter holds at every level; what it lets through is held by namespaces, Landlock and limits.
"""

from __future__ import annotations

import errno
import os
import socket
import struct

import pyseccomp as seccomp

from autograder.sandbox import kernel

# Numbers are the same on all architectures from 424 on. Above this one stand calls that neither
# this list nor the C library's fallbacks were written for: they do not exist in here.
_FIRST_UNKNOWN_CALL = 452

_OTHER_PROCESSES = """
    ptrace process_vm_readv process_vm_writev process_madvise process_mrelease kcmp pidfd_getfd
    migrate_pages move_pages setpriority ioprio_set setsid setpgid inotify_init inotify_init1
"""
_KERNEL_SURFACE = """
    add_key request_key keyctl bpf userfaultfd perf_event_open io_uring_setup io_uring_enter
    io_uring_register seccomp lookup_dcookie personality modify_ldt vm86 vm86old
    kexec_load kexec_file_load init_module finit_module delete_module create_module
    name_to_handle_at open_by_handle_at fanotify_init fanotify_mark vmsplice uselib
"""
_MACHINE = """
    mount umount umount2 pivot_root chroot move_mount open_tree fsopen fsconfig fsmount fspick
    mount_setattr swapon swapoff reboot acct quotactl quotactl_fd settimeofday clock_settime
    clock_settime64 clock_adjtime clock_adjtime64 adjtimex sethostname setdomainname iopl ioperm
    syslog nfsservctl vhangup unshare setns
"""
# Memory that belongs to no process and no mount: neither a limit nor the watchdog would see it.
_UNSEEN_MEMORY = "memfd_create memfd_secret shmget shmat shmctl msgget semget mq_open"

# Landlock has no say in these; where the submission has the grader's own user id, it could
# otherwise change files of that user that it cannot open.
_FILE_ATTRIBUTES = """
    chmod fchmod fchmodat chown fchown lchown fchownat utime utimes utimensat futimesat
    setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr
"""
_SIGNALS = "kill tkill tgkill rt_sigqueueinfo rt_tgsigqueueinfo pidfd_send_signal"
# The owner of a descriptor gets a signal of one's choice when something can be read.
_OWNER_TO_SIGNAL = {"fcntl": (8, 10, 15), "ioctl": (0x8901, 0x8902)}

_CLONE_NEWCGROUP = 0x02000000
_NEW_NAMESPACES = (
    kernel.NEW_MOUNTS,
    kernel.NEW_UTS,
    kernel.NEW_IPC,
    kernel.NEW_USER,
    kernel.NEW_PIDS,
    kernel.NEW_NETWORK,
    _CLONE_NEWCGROUP,
)
_PRCTL = (4, 8, 22, 28, 35, 36, 47, 0x59616D61)
# dumpable, keep capabilities, seccomp, securebits, memory map, subreaper, ambient, ptracer
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_LOW_32_BITS = 0xFFFFFFFF  # the kernel reads an int; the rest of the register must not matter


class Policy:
    """The compiled filters of one level; compile once, install in every child."""

    def __init__(
        self, *, own_pids: bool, own_user: bool, signals_scoped: bool, sockets_scoped: bool
    ):
        """
        Args:
            own_pids: processes outside cannot even be named.
            own_user: no file outside belongs to the submission's user.
            signals_scoped: the kernel holds signals inside.
            sockets_scoped: the kernel holds connections to unix sockets inside.
        """
        refused = f"{_OTHER_PROCESSES} {_KERNEL_SURFACE} {_MACHINE} {_UNSEEN_MEMORY}".split()
        if not own_user:
            refused += _FILE_ATTRIBUTES.split()
        if not signals_scoped:
            refused += _SIGNALS.split()
        if not sockets_scoped:
            refused.append("connect")

        rules = seccomp.SyscallFilter(seccomp.ALLOW)
        rules.set_attr(seccomp.Attr.ACT_BADARCH, seccomp.KILL_PROCESS)
        refuse = seccomp.ERRNO(errno.EPERM)
        for name in refused:
            _add(rules, refuse, name)
        for flag in _NEW_NAMESPACES:
            _add(rules, refuse, "clone", seccomp.Arg(0, seccomp.MASKED_EQ, flag, flag))
        _add(rules, seccomp.ERRNO(errno.ENOSYS), "clone3")  # flags in memory: libc falls back
        for option in _PRCTL:
            _add(rules, refuse, "prctl", _equals(0, option))
        if not own_pids:
            # Death of the fork server must end the process. "Done" is a lie that
            # torch.multiprocessing can live with, as it asks for this in each of its workers.
            _add(rules, seccomp.ERRNO(0), "prctl", _equals(0, kernel.PR_SET_PDEATHSIG))
        for request in (_TIOCSTI, _TIOCLINUX):
            _add(rules, refuse, "ioctl", _equals(1, request))
        for name in ("socket", "socketpair"):
            _add(rules, refuse, name, seccomp.Arg(0, seccomp.NE, socket.AF_UNIX))
        if not signals_scoped:
            for name, requests in _OWNER_TO_SIGNAL.items():
                for request in requests:
                    _add(rules, refuse, name, _equals(1, request))
        if not sockets_scoped:
            for kind in (socket.SOCK_DGRAM, socket.SOCK_SEQPACKET, socket.SOCK_RAW):
                _add(rules, refuse, "socket", seccomp.Arg(1, seccomp.MASKED_EQ, 0xF, kind))
        for name in ("prlimit64", "sched_setaffinity", "sched_setparam", "sched_setscheduler",
                     "sched_setattr"):  # fmt: skip
            _add(rules, refuse, name, seccomp.Arg(0, seccomp.NE, 0))
        # The second one refuses further filters.
        self._programs = (_only_known_calls(), _compiled(rules))

    def install(self) -> None:
        for program in self._programs:
            kernel.load_filter(program)


def _equals(position: int, value: int) -> seccomp.Arg:
    return seccomp.Arg(position, seccomp.MASKED_EQ, _LOW_32_BITS, value)


def _add(rules: seccomp.SyscallFilter, action: int, name: str, *arguments: seccomp.Arg) -> None:
    """Add a rule; a name that the installed libseccomp does not know is one this machine lacks."""
    number = seccomp.resolve_syscall(seccomp.Arch.NATIVE, name)
    if number >= 0:
        rules.add_rule(action, number, *arguments)


def _compiled(rules: seccomp.SyscallFilter) -> bytes:
    with os.fdopen(os.memfd_create("filter"), "r+b", buffering=0) as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()


def _only_known_calls() -> bytes:
    load_number, jump_if_at_least, answer = 0x20, 0x35, 0x06
    return b"".join(
        struct.pack("HBBI", *instruction)
        for instruction in (
            (load_number, 0, 0, 0),
            (jump_if_at_least, 0, 1, _FIRST_UNKNOWN_CALL),
            (answer, 0, 0, seccomp.ERRNO(errno.ENOSYS)),
            (answer, 0, 0, seccomp.ALLOW),
        )
    )
