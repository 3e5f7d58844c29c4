"""A master file as the student's starter (solutions out) or as the finished solution.

Masters use otter's own marks: `# BEGIN SOLUTION NO PROMPT` … `# END SOLUTION` holds what students
don't get, and a string between `# BEGIN PROMPT` and `# END PROMPT` what they get in its place.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from otter.assign.solutions import remove_ignored_lines, replace_solutions

from autograder.errors import AutograderError

_MARK = re.compile(r"# (BEGIN|END) (SOLUTION|PROMPT|IGNORE)( NO PROMPT)?\s*$")
_LEFT_OVER = re.compile(r"#\s*(BEGIN|END)\s+(SOLUTION|PROMPT|IGNORE)|#\s*(SOLUTION|IGNORE)\b")


class MasterError(AutograderError):
    """A master file whose marks don't add up."""


def strip(source: str, name: str = "the master") -> str:
    """The file as students get it.

    Raises:
        MasterError: marks don't match, or what is left is no Python.
    """
    list(_regions(source, name))
    lines = replace_solutions(remove_ignored_lines(source.splitlines()), "python")
    return _checked(lines, name)


def finish(source: str, name: str = "the master") -> str:
    """The file complete, with neither marks nor prompts.

    Raises:
        MasterError: as `strip`.
    """
    lines = [line for line, region in _regions(source, name) if region in ("PUBLIC", "SOLUTION")]
    return _checked(lines, name)


def solution_lines(source: str, name: str = "the master") -> list[str]:
    """The lines of a master that students don't get."""
    return [line for line, region in _regions(source, name) if region in ("SOLUTION", "IGNORE")]


def _regions(source: str, name: str) -> Iterator[tuple[str, str]]:
    """Each line with its region: PUBLIC, SOLUTION, PROMPT, IGNORE, or MARK."""
    region = "PUBLIC"
    for number, line in enumerate(source.splitlines(), start=1):
        mark = _MARK.search(line)
        if not mark:
            yield line, region
            continue
        edge, kind = mark.group(1, 2)
        if region != ("PUBLIC" if edge == "BEGIN" else kind):
            raise MasterError(
                f"{name}:{number}: {edge} {kind} does not match the marks before it; "
                "a region has one BEGIN and one END, and regions don't nest."
            )
        region = kind if edge == "BEGIN" else "PUBLIC"
        yield line, "MARK"
    if region != "PUBLIC":
        raise MasterError(f"{name}: END {region} is missing.")


def _checked(lines: list[str], name: str) -> str:
    for line in lines:
        if _LEFT_OVER.search(line):
            raise MasterError(
                f"{name}: {line.strip()!r} is left over; write marks as `# BEGIN SOLUTION NO PROMPT`, "
                "`# END SOLUTION`, `# BEGIN PROMPT` and `# END PROMPT`, alone on their lines."
            )
    text = "\n".join(lines).rstrip() + "\n"
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise MasterError(
            f"{name}: what is left after stripping is no Python (its line {error.lineno}: "
            f"{error.msg}); look at the marks around there."
        ) from None
    return text
