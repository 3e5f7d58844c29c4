"""Zips and folders that are no submissions: slips, links, bombs, twins, and what is no zip at all."""

from __future__ import annotations

import io
import os
import socket
import stat
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

from red_team.attack import MARK, Attack

Files = Mapping[str, bytes]
Entries = list[tuple[str | zipfile.ZipInfo, bytes]]
_ANY = ("graded", "unreadable", "missing_file")
_CHEAT = "say('tried:')\neverywhere(zeros)\n"


def _zipped(entries: Entries, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in entries:
            archive.writestr(name, data)
    return file.getvalue()


def _zip(make: Callable[[Files], bytes]) -> Callable[[Path, Files, str], None]:
    def pack(folder: Path, files: Files, student: str) -> None:
        (folder / f"{student}.zip").write_bytes(make(files))

    return pack


def _entries(files: Files) -> Entries:
    return list(files.items())


def _slip(files: Files) -> bytes:
    outside = [
        "../",
        "../../",
        "../../../../../../../../tmp/",
        "/tmp/",
        "C:\\",
        "..\\..\\",
        "a/../../",
    ]
    names = [f"{place}{MARK}-{i}" for i, place in enumerate(outside)]
    more = ["../ada/policy_gradient.py", "../../out/ada/result.json", "//etc/policy_gradient.py"]
    return _zipped([*_entries(files), *((name, MARK.encode()) for name in names + more)])


def _link(target: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(target)
    info.create_system, info.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return info


def _links(files: Files) -> bytes:
    return _zipped(
        [
            (
                _link("policy_gradient.py"),
                b"../../solutions/hw1_policy_gradient/policy_gradient.py",
            ),
            (_link("baseline.py"), b"/etc/passwd"),
        ]
    )


def _bomb(files: Files) -> bytes:
    return _zipped([("policy_gradient.py", b"#" * 300_000_000), ("baseline.py", b"#" * 10)])


def _lying_size(files: Files) -> bytes:
    """Each header says 10 bytes, and a million follow."""
    data = bytearray(_zipped([("policy_gradient.py", b"#" * 3_000_000)]))
    for mark, offset in ((b"PK\1\2", 24), (b"PK\3\4", 22)):
        struct.pack_into("<I", data, data.find(mark) + offset, 10)
    return bytes(data)


def _twins(files: Files) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        return _zipped([*_entries(files), ("policy_gradient.py", b"raise SystemExit\n")])


def _cases(files: Files) -> bytes:
    source = files["policy_gradient.py"]
    return _zipped(
        [
            ("Policy_Gradient.py", source),
            ("POLICY_GRADIENT.PY", source + b"#"),
            ("baseline.PY", b""),
        ]
    )


def _encrypted(files: Files) -> bytes:
    data = bytearray(_zipped(_entries(files)))
    at = -1
    for mark, offset in ((b"PK\1\2", 8), (b"PK\3\4", 6)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 1)
    return bytes(data)


def _nested(files: Files) -> bytes:
    data = _zipped(_entries(files))
    for level in range(30):
        data = _zipped([(f"{level}.zip", data)])
    return data


def _many(files: Files) -> bytes:
    """150,000 entries that share one name's bytes: written by hand, as zipfile is slow at it."""
    local = b"PK\3\4" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, 1, 0) + b"a"
    entry = (
        b"PK\1\2"
        + struct.pack("<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0)
        + b"a"
    )
    entries = entry * 150_000
    end = b"PK\5\6" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(entries), len(local), 0)
    return local + entries + end


def _lone(name: str, data: bytes) -> Callable[[Path, Files, str], None]:
    def pack(folder: Path, files: Files, student: str) -> None:
        (folder / f"{student}{name}").write_bytes(data)

    return pack


def _linked_folder(folder: Path, files: Files, student: str) -> None:
    solution = folder.parent / "course" / "solutions" / "hw1_policy_gradient"
    (folder / student).symlink_to(solution, target_is_directory=True)


def _linked_files(folder: Path, files: Files, student: str) -> None:
    solution = folder.parent / "course" / "solutions" / "hw1_policy_gradient"
    (folder / student).mkdir()
    for name in files:
        (folder / student / name).symlink_to(solution / name)


def _special_files(folder: Path, files: Files, student: str) -> None:
    (folder / student).mkdir()
    os.mkfifo(folder / student / "policy_gradient.py")
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(folder / student, os.O_RDONLY)
        try:
            one.bind(f"/proc/self/fd/{here}/baseline.py")
        finally:
            os.close(here)


def _folder_for_a_file(folder: Path, files: Files, student: str) -> None:
    (folder / student / "policy_gradient.py").mkdir(parents=True)
    (folder / student / "policy_gradient.py" / "__init__.py").write_bytes(
        files["policy_gradient.py"]
    )
    (folder / student / "baseline.py").write_bytes(b"")


def _deep(folder: Path, files: Files, student: str) -> None:
    place = folder / student / "/".join("x" * 60)
    place.mkdir(parents=True)
    (place / "policy_gradient.py").write_bytes(files["policy_gradient.py"])


_UNREADABLE = ("unreadable", "missing_file")


def _packed(
    name: str, make: Callable[[Files], bytes], statuses: tuple[str, ...], runs: bool = False
) -> Attack:
    return Attack(name, _CHEAT, pack=_zip(make), statuses=statuses, runs=runs)


ATTACKS = [
    _packed("zip_slip", _slip, ("graded",), runs=True),
    _packed("zip_with_links", _links, _UNREADABLE),
    _packed("zip_bomb", _bomb, ("unreadable", "missing_file", "graded")),
    _packed("zip_that_lies_about_sizes", _lying_size, _UNREADABLE),
    _packed("zip_with_twins", _twins, ("graded", "import_error", "unreadable")),
    _packed("zip_with_cases", _cases, _ANY),
    _packed("zip_encrypted", _encrypted, _UNREADABLE),
    _packed("zip_in_zip_in_zip", _nested, _UNREADABLE),
    _packed("zip_of_many_entries", _many, _UNREADABLE),
    _packed("zip_cut_off", lambda files: _zipped(_entries(files))[:-40], _UNREADABLE),
    _packed("zip_of_nothing", lambda files: _zipped([]), _UNREADABLE),
    _packed("zip_that_is_tar", lambda files: b"\x1f\x8b\x08" + bytes(50), _UNREADABLE),
    _packed(
        "zip_packed_by_lzma", lambda files: _zipped(_entries(files), zipfile.ZIP_LZMA), _UNREADABLE
    ),
    _packed(
        "zip_behind_a_program",
        lambda files: b"#!/bin/sh\nrm -rf /\n" + _zipped(_entries(files)),
        _ANY,
    ),
    Attack("a_folder_that_is_a_link", pack=_linked_folder, statuses=_UNREADABLE, runs=False),
    Attack("files_that_are_links", pack=_linked_files, statuses=_UNREADABLE, runs=False),
    Attack("files_that_are_pipes", pack=_special_files, statuses=_UNREADABLE, runs=False),
    Attack(
        "a_file_that_is_a_folder", _CHEAT, pack=_folder_for_a_file, statuses=_UNREADABLE, runs=False
    ),
    Attack("sixty_folders_deep", _CHEAT, pack=_deep, statuses=_UNREADABLE, runs=False),
    Attack(
        "not_text",
        extra={
            "policy_gradient.py": os.urandom(64) + b"\0\xff" * 1000,
            "baseline.py": "\ufeffpass".encode("utf-16"),
        },
        statuses=_UNREADABLE,
        runs=False,
    ),
    Attack(
        "an_unknown_encoding",
        extra={
            "policy_gradient.py": b"# coding: rot13\nfrnq\n",
            "baseline.py": b"# coding: no-such-thing\npass\n",
        },
        statuses=("unreadable", "missing_file", "import_error", "graded"),
        runs=False,
    ),
    Attack(
        "ten_megabytes_of_code", "#" * 10_000_000, baseline="", statuses=_UNREADABLE, runs=False
    ),
    Attack("a_rar", pack=_lone(".rar", b"Rar!\x1a\x07\0"), statuses=_UNREADABLE, runs=False),
]
