"""Nothing that students must not have stands in what they get.

Every file of a student's folder is searched, with all white space and comment signs taken out, for
the lines of the solutions and of the hidden suites. One line of the assignment's own solution is a
leak. A short line may stand in a hidden test and in a training script by chance, so of a suite it
takes a long line or several; of another assignment's files, a passage. Kinds of files that can't be
searched this way (compiled code, archives, …) are refused outright.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.course import Assignment, Course
from autograder.errors import AutograderError
from autograder.release.strip import solution_lines, strip

SHORTEST = 20  # characters of a line without white space; shorter ones are no secret
LONG = 40

_TEXT = {".py", ".md", ".txt", ".json", ".ipynb", ".ini", ".toml", ".yml", ".csv", ".html", ".svg"}
_PICTURES = {
    ".png": b"\x89PNG\r\n\x1a\n",
    ".jpg": b"\xff\xd8\xff",
    ".gif": b"GIF8",
}
_SUITE_FILES = {"mistakes.py", "equivalents.py", "checks.json", "comparisons.json"}


@dataclass(frozen=True)
class Leak:
    file: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


class LeakError(AutograderError):
    """A student's folder holds something secret."""

    def __init__(self, leaks: list[Leak]):
        self.leaks = leaks
        shown = "\n".join(f"  {leak}" for leak in leaks[:20])
        more = f"\n  … and {len(leaks) - 20} more" if len(leaks) > 20 else ""
        super().__init__(
            f"students must not get this, so nothing was released:\n{shown}{more}\n"
            "Take it out of assignments/ or of the master's public part."
        )


def refuse_leaks(course: Course, assignment: Assignment, files: Mapping[str, bytes]) -> None:
    """Raises LeakError unless `files`, a student's folder, is clean."""
    if leaks := find_leaks(course, assignment, files):
        raise LeakError(leaks)


def find_leaks(course: Course, assignment: Assignment, files: Mapping[str, bytes]) -> list[Leak]:
    """Every secret that stands in `files`."""
    secrets = list(_secrets(course, assignment))
    leaks = []
    for name, content in files.items():
        path = PurePosixPath(name)
        if path.name in _SUITE_FILES or "suites" in path.parts:
            leaks.append(Leak(name, "is named like a part of the hidden suites"))
        try:
            text = _squash(_text(path, content))
        except ValueError as error:
            leaks.append(Leak(name, str(error)))
            continue
        for secret in secrets:
            if line := secret.found_in(text):
                leaks.append(Leak(name, f"holds what stands in {secret.path}: {line}"))
    return leaks


@dataclass(frozen=True)
class _Secret:
    """One secret file: its lines, squashed → as they are, and how much of it is a leak."""

    path: str
    lines: Mapping[str, str]
    one_line: int
    in_all: int

    def found_in(self, text: str) -> str | None:
        """The most telling line, if `text` holds too much of this file."""
        found = {line: _weight(line) for line in self.lines if line in text}
        if not found:
            return None
        longest = max(found, key=found.__getitem__)
        if found[longest] < self.one_line and sum(found.values()) < self.in_all:
            return None
        return self.lines[longest]


def _secrets(course: Course, assignment: Assignment) -> Iterator[_Secret]:
    public = "\n".join(
        _squash(strip(assignment.path(file).read_text(encoding="utf-8"), file))
        for file in assignment.files
    )

    def secret(path: Path, lines: list[str], one_line: int, in_all: int) -> _Secret:
        squashed = {_squash(line): line.strip() for line in lines if not _is_common(line)}
        telling = {
            key: line
            for key, line in squashed.items()
            if _weight(key) >= SHORTEST and key not in public
        }
        return _Secret(path.relative_to(course.root).as_posix(), telling, one_line, in_all)

    for each in course.assignments.values():
        own = each.name == assignment.name
        for file in each.files:
            lines = solution_lines(each.path(file).read_text(encoding="utf-8"), file)
            yield secret(each.path(file), lines, *((1, 1) if own else (10**9, 6 * LONG)))
    suites = course.root / "autograder" / "suites"
    for path in sorted(suites.rglob("*")):
        if path.suffix in _TEXT:
            own = path.parent in (suites, assignment.suite_dir)
            lines = path.read_text(encoding="utf-8").splitlines()
            yield secret(path, lines, *((LONG, 2 * LONG) if own else (10**9, 6 * LONG)))


def _weight(squashed: str) -> int:
    """Its length in letters; a Chinese character says as much as three."""
    return sum(3 if "\u4e00" <= letter <= "\u9fff" else 1 for letter in squashed)


_COMMON = re.compile(
    r"(import .*|from .* import .*|# -{3,}.*|(if|elif|for|while|with|try|except)\b.*:|.*[(\[{])$"
)


def _is_common(line: str) -> bool:
    """Imports, rulers, heads of blocks and of brackets: they say nothing without what follows."""
    return _COMMON.match(line.strip()) is not None


def _squash(text: str) -> str:
    return re.sub(r"[\s#]+", "", text)


def _text(path: PurePosixPath, content: bytes) -> str:
    """All text of a file.

    Raises:
        ValueError: with the reason why it can't be searched.
    """
    if path.suffix in _PICTURES:
        if not content.startswith(_PICTURES[path.suffix]):
            raise ValueError(f"is no {path.suffix} picture, whatever its name says")
        return content.decode("latin-1")
    if path.suffix not in _TEXT:
        kinds = ", ".join(sorted(_TEXT | set(_PICTURES)))
        raise ValueError(f"is of a kind that can't be searched for leaks (these can: {kinds})")
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text") from None
    if path.suffix in (".ipynb", ".json"):
        try:
            return text + "\n" + "\n".join(_strings(json.loads(text)))
        except json.JSONDecodeError:
            raise ValueError("is not JSON") from None
    return text


def _strings(tree: object) -> Iterator[str]:
    """Every string of a JSON document, a list of lines as one text."""
    if isinstance(tree, str):
        yield tree
    elif isinstance(tree, list):
        yield "".join(each for each in tree if isinstance(each, str))
        for each in tree:
            yield from _strings(each)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield key
            yield from _strings(value)
