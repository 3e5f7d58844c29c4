"""The sandbox's tests once more as an ordinary user, who has namespaces of his own or none at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograder.sandbox import kernel

TESTS = Path(__file__).parent
USER = 54321


def _become_ordinary_user() -> None:
    """Give up root, in a file tree where Python can be read even if it lies in root's home."""
    kernel.unshare(kernel.NEW_MOUNTS)
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    for path in {Path(sys.base_prefix), Path(sys.prefix), TESTS}:
        closed = [p for p in path.parents if not p.stat().st_mode & 0o001]
        if closed:
            _show_only(path, closed[-1])
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


def _show_only(path: Path, closed: Path) -> None:
    """Replace the folder `closed` by one in which only `path` is found."""
    held = os.open(path, os.O_PATH)
    kernel.mount("open", str(closed), "tmpfs", 0, "mode=755")
    path.mkdir(parents=True)
    kernel.mount(f"/proc/self/fd/{held}", str(path), None, kernel.MS_BIND | kernel.MS_REC)
    os.close(held)


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the other tests run as an ordinary user already")
def test_everything_again_as_an_ordinary_user():
    files = [TESTS / f"test_sandbox_{name}.py" for name in ("box", "walls", "levels", "faults")]
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o777)
        options = ["-q", "-p", "no:cacheprovider", "--basetemp", f"{folder}/t"]
        run = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *files],
            preexec_fn=_become_ordinary_user,
            cwd=TESTS.parent,
            capture_output=True,
            text=True,
            check=False,
        )
    assert run.returncode == 0, run.stdout[-5000:] + run.stderr[-5000:]
