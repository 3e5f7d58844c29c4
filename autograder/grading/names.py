"""Students' names as names of folders: safe on every system, unique, and the same at each run."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence

MAX_BYTES = 120

_FORBIDDEN = frozenset('/\\:*?"<>|')
# Controls, formats (such as "right to left"), surrogates, private and unassigned characters, separators of lines.
_SHADY = ("C", "Zl", "Zp")
# Devices of Windows, and the folder of logs beside the students' own.
_RESERVED = re.compile(
    r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|_log)(\..*)?", re.IGNORECASE
)
_OURS = re.compile(r"\.(csv|html?|jsonl?|log|md|txt|tmp)$", re.IGNORECASE)


def safe_name(raw: str) -> str:
    """`raw`, changed only where it could not be the name of a folder of ours.

    >>> safe_name("Ada Lovelace"), safe_name("../李雷"), safe_name("NUL"), safe_name("report.html")
    ('Ada Lovelace', '_李雷', '_NUL', 'report_html')
    """
    name = unicodedata.normalize("NFC", raw)
    name = "".join("_" if _is_unsafe(character) else character for character in name)
    name = " ".join(name.split()).lstrip(".- ").rstrip(". ")
    name = _OURS.sub(r"_\1", name)
    if _RESERVED.fullmatch(name):
        name = f"_{name}"
    if len(name.encode()) > MAX_BYTES:
        mark = hashlib.sha256(raw.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        kept = name.encode()[: MAX_BYTES - len(mark) - 1].decode(errors="ignore")
        name = f"{kept.rstrip('. ')}~{mark}"
    return name or "unnamed"


def unique_names(students: Sequence[tuple[str, str]]) -> list[str]:
    """A folder's name for each (name, number); namesakes are told apart by number, else by -2, -3, …

    Names that differ only by case or by Unicode form are namesakes: some systems take them for one.
    """
    plain = [safe_name(name) for name, _ in students]
    shared = _shared(plain)
    numbered = [
        safe_name(f"{name}_{number}") if number and _key(own) in shared else own
        for own, (name, number) in zip(plain, students)
    ]
    shared = _shared(numbered)
    taken = {_key(name) for name in numbered if _key(name) not in shared}
    return [name if _key(name) not in shared else _first_free(name, taken) for name in numbered]


def _is_unsafe(character: str) -> bool:
    return character in _FORBIDDEN or unicodedata.category(character).startswith(_SHADY)


def _key(name: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _shared(names: Iterable[str]) -> set[str]:
    return {key for key, count in Counter(map(_key, names)).items() if count > 1}


def _first_free(name: str, taken: set[str]) -> str:
    free, count = name, 1
    while _key(free) in taken:
        count += 1
        free = f"{name}-{count}"
    taken.add(_key(free))
    return free
