"""What was handed in, as a tree of files: a folder or an archive, read without trusting either.

Nothing is unpacked and no link is followed. Sizes are checked while reading, never taken from a header, so memory
stays bounded whatever an archive claims.
"""

from __future__ import annotations

import contextlib
import io
import os
import stat
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, NamedTuple

MAX_ENTRIES = 100_000  # files and folders of one archive or one folder
MAX_DEPTH = 12  # folders below the top; deeper ones are not looked into
MAX_INNER_ARCHIVE = 64 * 2**20  # bytes of an archive that lies in an archive

ARCHIVE = ".zip"
OTHER_ARCHIVES = (".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".tbz2", ".xz", ".txz", ".zst")

_JUNK = {
    "__MACOSX",
    "__pycache__",
    "node_modules",
    "site-packages",
    "venv",
}
_MAGIC = (
    (b"Rar!", "rar"),
    (b"7z\xbc\xaf\x27\x1c", "7z"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstd"),
)


class Sentence(NamedTuple):
    """A sentence for the student in the two languages of the course."""

    en: str
    zh: str


class Unreadable(Exception):
    """Something handed in cannot be used; `sentence` says why and what to do."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.sentence = Sentence(en, zh)


@dataclass(frozen=True)
class Entry:
    """One thing in a tree. `kind` is file, folder, link or special (a pipe, a device, a socket).

    `read(limit)` returns the content, or raises Unreadable when it is longer than `limit` bytes.
    """

    path: tuple[str, ...]
    kind: str
    read: Callable[[int], bytes]

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def shown(self) -> str:
        return "/".join(self.path)


def is_junk(name: str) -> bool:
    """What systems and tools add by themselves, and no one means to hand in."""
    return name.startswith(".") or name in _JUNK


class Folder:
    """A folder on disk."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def top(self) -> list[Entry]:
        try:
            return self._level(self._path, ())
        except OSError as error:
            raise _not_readable("The folder", error) from error

    def inside(self, name: str) -> Folder:
        return Folder(self._path / name)

    def walk(self) -> list[Entry]:
        """Everything below that is neither a folder nor junk, sorted by path."""
        found, folders, looked_at = [], self.top(), 0
        while folders:
            entry = folders.pop()
            looked_at += 1
            if looked_at > MAX_ENTRIES:
                raise _too_many_entries()
            if is_junk(entry.name):
                continue
            if entry.kind != "folder":
                found.append(entry)
            elif len(entry.path) < MAX_DEPTH:
                with contextlib.suppress(OSError):  # a folder that may not be read holds nothing
                    folders += self._level(self._path.joinpath(*entry.path), entry.path)
        return sorted(found, key=lambda entry: entry.path)

    @staticmethod
    def _level(folder: Path, above: tuple[str, ...]) -> list[Entry]:
        entries: list[Entry] = []
        with os.scandir(folder) as listing:
            for item in listing:
                if len(entries) >= MAX_ENTRIES:
                    raise _too_many_entries()
                path = (*above, item.name)
                entries.append(Entry(path, _kind(item), _file_reader(folder / item.name)))
        return sorted(entries, key=lambda entry: entry.path)


class Archive:
    """The content of a zip, or the part of it that lies in one of its folders."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def top(self) -> list[Entry]:
        own = [entry for entry in self._entries if len(entry.path) == 1]
        names = {entry.path[0] for entry in self._entries if len(entry.path) > 1}
        names -= {entry.name for entry in own if entry.kind == "folder"}
        folders = [Entry((name,), "folder", _no_reader) for name in names]
        return sorted(own + folders, key=lambda entry: entry.path)

    def inside(self, name: str) -> Archive:
        below = [e for e in self._entries if len(e.path) > 1 and e.path[0] == name]
        return Archive([replace(entry, path=entry.path[1:]) for entry in below])

    def walk(self) -> list[Entry]:
        return [e for e in self._entries if e.kind != "folder" and not any(map(is_junk, e.path))]


Tree = Folder | Archive


def open_archive(file: BinaryIO, name: str) -> Archive:
    """The tree of a zip; `file` must stay open while its entries are read."""
    try:
        if _signatures(file) > MAX_ENTRIES:
            raise _too_many_entries()
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except Unreadable:
        raise
    except Exception as error:
        raise _damaged(file, name) from error
    entries = []
    for info in infos:
        path = _inner_path(info)
        if path:
            entries.append(Entry(path, _inner_kind(info), _member_reader(archive, info)))
    return Archive(sorted(entries, key=lambda entry: entry.path))


def open_inner_archive(entry: Entry) -> Archive:
    """The tree of a zip that lies in a folder or in another zip."""
    return open_archive(io.BytesIO(entry.read(MAX_INNER_ARCHIVE)), entry.name)


def _kind(item: os.DirEntry[str]) -> str:
    if item.is_symlink():
        return "link"
    if item.is_dir(follow_symlinks=False):
        return "folder"
    return "file" if item.is_file(follow_symlinks=False) else "special"


def _file_reader(path: Path) -> Callable[[int], bytes]:
    def read(limit: int) -> bytes:
        flags = os.O_RDONLY
        for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):
            flags |= getattr(os, name, 0)
        try:
            with open(path, "rb", opener=lambda file, _: os.open(file, flags)) as file:
                if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    raise Unreadable(
                        f"{path.name} is not an ordinary file.", f"{path.name} 不是普通文件。"
                    )
                return _bounded(file, limit, path.name)
        except OSError as error:
            raise _not_readable(path.name, error) from error

    return read


def _member_reader(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Callable[[int], bytes]:
    name = PurePosixPath(info.filename).name

    def read(limit: int) -> bytes:
        if info.flag_bits & 0x1:
            raise Unreadable(
                f"{name} is encrypted in the zip. Make the zip again without a password.",
                f"压缩包里的 {name} 被加密了。请不要设置密码，重新打包后提交。",
            )
        # Other methods expand without a bound on memory.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Unreadable(
                f"{name} is packed by an unusual method. Make the zip again with your system's own zip tool.",
                f"{name} 使用了不常见的压缩方式。请用系统自带的压缩工具重新打包后提交。",
            )
        try:
            with archive.open(info) as file:
                return _bounded(file, limit, name)
        except Unreadable:
            raise
        except Exception as error:
            raise Unreadable(
                f"{name} in the zip is damaged. Make the zip again, open it once to check, and hand it in anew.",
                f"压缩包里的 {name} 已损坏。请重新打包，自己打开检查一次，再重新提交。",
            ) from error

    return read


def _no_reader(limit: int) -> bytes:
    raise IsADirectoryError


def _bounded(file: IO[bytes], limit: int, name: str) -> bytes:
    chunks, left = [], limit + 1
    while left > 0 and (chunk := file.read(min(left, 2**16))):
        chunks.append(chunk)
        left -= len(chunk)
    if left <= 0:
        raise Unreadable(
            f"{name} is larger than {_size(limit)}. Hand in only your own code.",
            f"{name} 超过了 {_size(limit)}。请只提交你自己写的代码。",
        )
    return b"".join(chunks)


def _size(limit: int) -> str:
    return f"{limit // 2**20} MiB" if limit >= 2**20 else f"{limit // 2**10} KiB"


def _inner_path(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The path in the archive; empty for one that points outside of it."""
    name = info.filename
    if not info.flag_bits & 0x800 and not name.isascii():
        name = _repaired(name)
    name = name.replace("\\", "/")
    parts = tuple(part for part in name.split("/") if part not in ("", "."))
    outside = name.startswith("/") or ".." in parts or (parts and ":" in parts[0])
    return () if outside or len(parts) > MAX_DEPTH else parts


def _repaired(name: str) -> str:
    """A name that a zip tool wrote in the system's own encoding and zipfile took for cp437."""
    for encoding in ("utf-8", "gb18030"):
        try:
            return name.encode("cp437").decode(encoding)
        except UnicodeError:
            continue
    return name


def _inner_kind(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "link"
    if info.is_dir() or info.filename.endswith("\\"):
        return "folder"
    return "file" if stat.S_IFMT(mode) in (0, stat.S_IFREG) else "special"


def _signatures(file: BinaryIO) -> int:
    """How often the mark of a directory entry occurs: no zip has more entries than that."""
    mark, count, tail = b"PK\x01\x02", 0, b""
    file.seek(0)
    while chunk := file.read(2**20):
        chunk = tail + chunk
        count += chunk.count(mark)
        tail = chunk[-(len(mark) - 1) :]
    file.seek(0)
    return count


def _damaged(file: BinaryIO, name: str) -> Unreadable:
    file.seek(0)
    head = file.read(8)
    for magic, kind in _MAGIC:
        if head.startswith(magic):
            return other_archive(name, kind)
    return Unreadable(
        f"{name} is not a whole zip file; it may have been cut off while it was uploaded. "
        "Make the zip again, open it once to check, and hand it in anew.",
        f"{name} 不是完整的 zip 文件，可能在上传时被截断了。请重新打包，自己打开检查一次，再重新提交。",
    )


def other_archive(name: str, kind: str) -> Unreadable:
    return Unreadable(
        f"{name} is an archive of the kind {kind}, which is not accepted. Hand in a .zip.",
        f"{name} 是 {kind} 格式的压缩包，这里不接受。请提交 .zip 文件。",
    )


def _too_many_entries() -> Unreadable:
    return Unreadable(
        f"There are more than {MAX_ENTRIES:,} entries in it. Hand in only the files of the assignment.",
        f"其中的文件超过 {MAX_ENTRIES:,} 个。请只提交作业要求的文件。",
    )


def _not_readable(name: str, error: OSError) -> Unreadable:
    reason = error.strerror or type(error).__name__
    return Unreadable(
        f"{name} cannot be read ({reason}). Check that it is an ordinary file that may be read, "
        "and hand it in anew.",
        f"无法读取 {name}（{reason}）。请确认它是可以读取的普通文件，然后重新提交。",
    )


def file_entry(path: Path) -> Entry:
    """One file on disk, as an entry of its own."""
    return Entry((path.name,), "file", _file_reader(path))
