"""A class spread over a cluster: the same command on several machines, each with a share, all with one folder of results.

Nothing is sent but the command: what a share has graded stands in the folder, and an ordinary run over it afterwards keeps
that, grades what is missing (a share may have failed, or its machine was locked in less well), and writes the reports.
"""

from __future__ import annotations

import contextlib
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from autograder.errors import AutograderError

_LOOK_SECONDS = 0.5
_Item = TypeVar("_Item")


class ClusterError(AutograderError):
    """The scheduler cannot be used as it was given."""

    exit_code = 2


@dataclass(frozen=True)
class Share:
    """The `number`-th (from 1) of `count` shares of a class."""

    number: int
    count: int

    @classmethod
    def parse(cls, text: str) -> Share:
        """From `3/8`.

        Raises:
            ClusterError: it is not of this form, or there is no such share.
        """
        found = re.fullmatch(r"(\d+)/(\d+)", text)
        share = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= share.number <= share.count:
            raise ClusterError(f"{text!r} is no share: 3/8 is the third of eight.")
        return share

    def of(self, items: Sequence[_Item]) -> list[_Item]:
        """Every `count`-th item."""
        return list(items[self.number - 1 :: self.count])

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def run_shares(
    scheduler: str,
    count: int,
    arguments: Sequence[str],
    logs: Path,
    look: Callable[[], None] = lambda: None,
) -> list[str]:
    """Run `autograder` with `arguments` and `--share i/count` for each i, through the scheduler, all at once.

    Args:
        scheduler: a command that runs the command after it somewhere and waits for its end, as Slurm's `srun -c1`.
        logs: folder for what a failed share printed, `share-i.txt`.
        look: called again and again while they run.

    Returns:
        A sentence for each share that failed.

    Raises:
        ClusterError: there is no such scheduler.
    """
    prefix = shlex.split(scheduler)
    if not prefix:
        raise ClusterError("--scheduler needs a command, as in --scheduler 'srun -c1'.")
    logs.mkdir(parents=True, exist_ok=True)
    command = [*prefix, sys.executable, "-m", "autograder", *arguments, "--share"]
    with contextlib.ExitStack() as stack:
        running: dict[Share, subprocess.Popen[bytes]] = {}
        for share in (Share(i + 1, count) for i in range(count)):
            log = stack.enter_context(open(_log(logs, share), "wb"))
            try:
                running[share] = subprocess.Popen(
                    [*command, str(share)], stdin=subprocess.DEVNULL, stdout=log, stderr=log
                )
            except OSError as error:
                raise ClusterError(f"--scheduler {scheduler!r}: {error.strerror}") from None
            stack.callback(_end, running[share])
        while any(process.poll() is None for process in running.values()):
            look()
            time.sleep(_LOOK_SECONDS)
    failed = []
    for share, process in running.items():
        if process.returncode == 0:
            _log(logs, share).unlink()
        else:
            failed.append(
                f"Share {share} ended with exit code {process.returncode}; {_log(logs, share)} says why. "
                "What it left undone is graded here."
            )
    return failed


def _log(logs: Path, share: Share) -> Path:
    return logs / f"share-{share.number}.txt"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        process.wait()
