"""Limits that the kernel enforces on each process of a submission."""

from __future__ import annotations

import resource
from typing import Protocol

MEGABYTE = 1024 * 1024
INODES = 4096
_OPEN_FILES = 256
_STACK = 8 * MEGABYTE
_ADDRESS_SPACE = 32 * 1024 * MEGABYTE
_GRACE_SECONDS = 5


class Limits(Protocol):
    """What one submission may use (`autograder.course.Limits`)."""

    cpu_seconds: float
    total_cpu_seconds: float
    memory_mb: int
    processes: int
    disk_mb: int
    output_kb: int


def impose(limits: Limits, data_now: int, others: int = 0) -> None:
    """Limit this process and all that it starts, for good.

    Args:
        data_now: bytes of data that the process has already (torch itself).
        others: processes of the same user that are none of the submission's.
    """
    processor = (
        int(limits.total_cpu_seconds) + _GRACE_SECONDS
    )  # a backstop: the grader looks before
    _limit(resource.RLIMIT_DATA, data_now + limits.memory_mb * MEGABYTE)
    _limit(resource.RLIMIT_AS, _ADDRESS_SPACE + limits.memory_mb * MEGABYTE)
    _limit(resource.RLIMIT_FSIZE, limits.disk_mb * MEGABYTE)
    _limit(resource.RLIMIT_NPROC, others + limits.processes)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_STACK, _STACK)
    _limit(resource.RLIMIT_CPU, processor)
    for none in (resource.RLIMIT_CORE, resource.RLIMIT_MEMLOCK, resource.RLIMIT_MSGQUEUE,
                 resource.RLIMIT_NICE, resource.RLIMIT_RTPRIO):  # fmt: skip
        _limit(none, 0)


def _limit(kind: int, amount: int) -> None:
    ceiling = resource.getrlimit(kind)[1]
    amount = amount if ceiling == resource.RLIM_INFINITY else min(amount, ceiling)
    resource.setrlimit(kind, (amount, amount))
