"""The kernel calls that no library in use covers, through ctypes; nothing here decides anything."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import sys
from collections.abc import Collection

# unshare(2), setns(2)
NEW_MOUNTS = 0x00020000
NEW_UTS = 0x04000000
NEW_IPC = 0x08000000
NEW_USER = 0x10000000
NEW_PIDS = 0x20000000
NEW_NETWORK = 0x40000000

# mount(2), umount2(2)
MS_NOSUID = 2
MS_NODEV = 4
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2

# prctl(2)
PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2

CAP_DAC_READ_SEARCH = 2  # capabilities(7)

_MOUNT_SETATTR = 442  # the same number on every architecture
_MOUNT_ATTR_RDONLY, _MOUNT_ATTR_NOSUID = 1, 2
_AT_RECURSIVE = 0x8000
_CAPABILITY_VERSION_3 = 0x20080522
_SECCOMP_MODE_FILTER = 2

_libc = ctypes.CDLL(None, use_errno=True)
if sys.platform == "linux":
    _libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
    _libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4


def _held(result: int, what: str) -> None:
    if result != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")


def unshare(namespaces: int) -> None:
    _held(_libc.unshare(namespaces), "unshare")


def enter_namespace(descriptor: int, kind: int) -> None:
    _held(_libc.setns(descriptor, kind), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    arguments = [None if a is None else os.fsencode(a) for a in (source, target, kind)]
    _held(_libc.mount(*arguments, flags, os.fsencode(data)), f"mount {source or ''} on {target}")


def make_read_only(target: str) -> None:
    """Make a mount and all below it read-only and free of set-uid programs (Linux 5.12)."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY | _MOUNT_ATTR_NOSUID, 0, 0, 0)
    result = _libc.syscall(
        _MOUNT_SETATTR, -100, os.fsencode(target), _AT_RECURSIVE, attributes, len(attributes)
    )
    _held(result, f"mount_setattr {target}")


def change_root(new_root: str) -> None:
    """Make the mount at `new_root` the root, and let go of the old one."""
    os.chdir(new_root)
    _held(_libc.pivot_root(b".", b"."), "pivot_root")
    _held(_libc.umount2(b".", MNT_DETACH), "umount of the old root")
    os.chdir("/")


def prctl(option: int, value: int = 0, more: int = 0) -> None:
    _held(_libc.prctl(option, value, more, 0, 0), f"prctl {option}")


def shrink_bounding_set() -> None:
    """Take every capability from the bounding set, so that no program can bring one back."""
    for capability in range(64):
        try:
            prctl(PR_CAPBSET_DROP, capability)
        except OSError as error:
            if error.errno == errno.EINVAL:  # past the last one that this kernel knows
                return
            raise


def make_inheritable(capability: int) -> None:
    """Allow a capability (below 32) to pass to started programs; `keep_capabilities` then does so."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    sets = ctypes.create_string_buffer(24)
    _held(_libc.capget(header, sets), "capget")
    effective, permitted, inheritable, *high = struct.unpack("6I", sets.raw)
    inheritable |= 1 << capability
    _held(
        _libc.capset(header, struct.pack("6I", effective, permitted, inheritable, *high)), "capset"
    )


def keep_capabilities(kept: Collection[int]) -> None:
    """Give up all capabilities but these (inheritable ones), which programs that are started from here have, too."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    bits = sum(1 << capability for capability in kept)
    _held(_libc.capset(header, struct.pack("6I", bits, bits, bits, 0, 0, 0)), "capset")
    for capability in kept:
        prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability)


def load_filter(program: bytes) -> None:
    """Install a compiled seccomp filter (8 bytes an instruction) for good; needs no_new_privs."""
    instructions = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(instructions))
    buffer = ctypes.create_string_buffer(header, len(header))
    prctl_arguments = (PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(buffer), 0, 0)
    _held(_libc.prctl(*prctl_arguments), "seccomp")
