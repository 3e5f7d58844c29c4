"""A master file as the student's starter (solutions out) or as the finished solution.

Masters use otter's own marks: `# BEGIN SOLUTION NO PROMPT` … `# END SOLUTION` holds what students
don't get, and a string between `# BEGIN PROMPT` and `# END PROMPT` what they get in its place.
"""

from __future__ import annotations

import ast
import re

from otter.assign.solutions import remove_ignored_lines, replace_solutions

from autograder.errors import AutograderError

_MARK = re.compile(r"#\s*(BEGIN|END)\s+(SOLUTION|PROMPT|IGNORE)|#\s*SOLUTION\b|#\s*IGNORE\b")


class MasterError(AutograderError):
    """A master file whose marks don't add up."""


def strip(source: str, name: str = "the master") -> str:
    """The file as students get it.

    Raises:
        MasterError: marks don't match, or what is left is no Python.
    """
    try:
        stripped = replace_solutions(remove_ignored_lines(source.splitlines()), "python")
    except AssertionError as error:
        problem = str(error).split(" in [")[0]
        raise MasterError(f"{name}: {problem}; each region needs both of its marks.") from None
    return _checked("\n".join(stripped).rstrip() + "\n", name)


def finish(source: str, name: str = "the master") -> str:
    """The file complete, with neither marks nor prompts."""
    lines, in_prompt = [], False
    for line in remove_ignored_lines(source.splitlines()):
        if line.rstrip().endswith("# BEGIN PROMPT"):
            in_prompt = True
        elif line.rstrip().endswith("# END PROMPT"):
            in_prompt = False
        elif not in_prompt and not re.match(r"\s*# (BEGIN|END) SOLUTION", line):
            lines.append(re.sub(r"\s*# SOLUTION( NO PROMPT)?$", "", line))
    return _checked("\n".join(lines).rstrip() + "\n", name)


def solution_lines(source: str) -> list[str]:
    """The lines of a master that students don't get."""
    lines, in_solution = [], False
    for line in source.splitlines():
        if re.match(r"\s*# BEGIN (SOLUTION|IGNORE)", line):
            in_solution = True
        elif re.match(r"\s*# END (SOLUTION|IGNORE)", line):
            in_solution = False
        elif in_solution or re.search(r"# (SOLUTION( NO PROMPT)?|IGNORE)$", line.rstrip()):
            lines.append(line)
    return lines


def _checked(text: str, name: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if _MARK.search(line):
            raise MasterError(f"{name}: a mark is left over after stripping: {line.strip()!r}.")
    try:
        ast.parse(text)
    except SyntaxError as error:
        raise MasterError(
            f"{name}: what is left after stripping is no Python (its line {error.lineno}: "
            f"{error.msg}); look at the marks around there."
        ) from None
    return text
