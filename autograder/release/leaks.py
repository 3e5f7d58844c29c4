"""Nothing that students must not have stands in what they get.

Every file of a student's folder is searched, with all white space and comment signs taken out, for
every line of the assignment's solution and of the hidden suites. Kinds of files that can't be
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
    secrets = _secrets(course, assignment)
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
        leaks += [
            Leak(name, f"holds a line of {origin}: {line}")
            for squashed, (origin, line) in secrets.items()
            if squashed in text
        ]
    return leaks


def _secrets(course: Course, assignment: Assignment) -> dict[str, tuple[str, str]]:
    """Squashed line → (where it comes from, the line)."""
    public: set[str] = set()
    lines: list[tuple[Path, str]] = []
    for file in assignment.files:
        source = assignment.path(file).read_text(encoding="utf-8")
        public |= {_squash(line) for line in strip(source, file).splitlines()}
        lines += [(assignment.path(file), line) for line in solution_lines(source)]
    for path in sorted((course.root / "autograder" / "suites").rglob("*")):
        if path.suffix in _TEXT and path.name != "__init__.py":
            text = path.read_text(encoding="utf-8")
            lines += [(path, line) for line in text.splitlines()]
    return {
        squashed: (path.relative_to(course.root).as_posix(), line.strip())
        for path, line in reversed(lines)
        if len(squashed := _squash(line)) >= SHORTEST
        and squashed not in public
        and not _is_common(line)
    }


def _is_common(line: str) -> bool:
    """Imports and the heads of blocks: they say nothing without what follows."""
    code = line.strip()
    return re.match(r"(import|from|if|elif|for|while|with|try|except)\b", code) is not None and (
        code.endswith(":") or "import " in code
    )


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
