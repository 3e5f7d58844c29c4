"""Folders that hostile programs wrote: of any depth, with any names and modes. All of them are dead by now, or killed next."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Container

_DEEPEST = 64


def within(folder: str, size: int, entries: int) -> bool:
    """Whether `folder` holds no more than `size` bytes and `entries` entries, at a sane depth."""
    waiting = [(folder, 0)]
    while waiting:
        here, depth = waiting.pop()
        if depth > _DEEPEST:
            return False
        with contextlib.suppress(OSError), os.scandir(here) as found:
            for entry in found:
                status = entry.stat(follow_symlinks=False)
                size -= status.st_blocks * 512
                entries -= 1
                if size < 0 or entries < 0:
                    return False
                if stat.S_ISDIR(status.st_mode):
                    waiting.append((entry.path, depth + 1))
    return True


def remove(folder: str) -> None:
    """Remove `folder` and all in it, if it is there, following no link and however deep it is."""
    if not os.path.isdir(folder):
        return
    os.chmod(folder, 0o700)
    top = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        moved = 0
        while names := os.listdir(top):
            for name in names:
                if not _is_folder(name, top):
                    os.unlink(name, dir_fd=top)
                    continue
                moved = _flatten(name, top, moved)
                os.rmdir(name, dir_fd=top)
    finally:
        os.close(top)
    os.rmdir(folder)


def remove_owned(folder: str, users: Container[int]) -> None:
    """Remove the files in `folder` that belong to `users`, ids that only submissions have."""
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat(follow_symlinks=False).st_uid in users:
                os.unlink(entry.path)


def _flatten(name: str, top: int, moved: int) -> int:
    """Empty the folder `name` in `top`: its files go away, its folders move up."""
    os.chmod(name, 0o700, dir_fd=top)
    here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    try:
        for inner in os.listdir(here):
            if _is_folder(inner, here):
                moved += 1
                os.chmod(inner, 0o700, dir_fd=here)
                os.rename(inner, f"{moved}.{os.urandom(8).hex()}", src_dir_fd=here, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=here)
    finally:
        os.close(here)
    return moved


def _is_folder(name: str, parent: int) -> bool:
    return stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode)
