"""`autograder new`: an assignment with one small question, complete enough to pass `verify`."""

from __future__ import annotations

import keyword
import re
from pathlib import Path

import yaml

from autograder.course import Course
from autograder.errors import AutograderError
from autograder.release.bundle import read_folder, write_starter

_TEMPLATE = Path(__file__).parent / "new_assignment"

_ENTRY = """\
__NAME__:
  title: {en: "__NAME__", zh: "__NAME__"}
  files: [__MODULE__.py]
  questions:
    discounted_return: {file: __MODULE__.py, points: 100}
"""


class ScaffoldError(AutograderError):
    """The assignment can't be made; nothing was written."""

    exit_code = 2


def create_assignment(course: Course, name: str) -> list[Path]:
    """Writes master, content, suite, starter and the entry in grading.yml; returns what to look at.

    Raises:
        ScaffoldError: the name is no good or taken, or grading.yml has no place for it.
    """
    parts = re.fullmatch(r"hw\d+_([a-z][a-z0-9_]*)", name)
    if not parts or keyword.iskeyword(parts[1]):
        raise ScaffoldError(f"{name!r}: write it like hw5_trust_region, in small letters.")
    if name in course.assignments:
        raise ScaffoldError(f"{name} stands in {course.path.name} already: choose another name.")

    def fill_in(text: str) -> str:
        return text.replace("__NAME__", name).replace("__MODULE__", parts[1])

    files = {
        course.root / fill_in(path): fill_in(content.decode("utf-8"))
        for path, content in read_folder(_TEMPLATE).items()
    }
    taken = [path for path in files if path.exists()]
    if taken:
        raise ScaffoldError(f"{taken[0]} is there already: remove it, or choose another name.")
    grading = _with_entry(course.path, fill_in(_ENTRY))

    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    course.path.write_text(grading, encoding="utf-8", newline="\n")
    course = Course.load(course.path)
    assignment = course.assignment(name)
    write_starter(course, assignment)
    return [
        course.path,
        assignment.solution_dir,
        assignment.content_dir,
        assignment.suite_dir,
        assignment.starter_dir,
    ]


def _with_entry(path: Path, entry: str) -> str:
    """grading.yml with `entry` after its last assignment, all else as it was."""
    text = path.read_text(encoding="utf-8")
    top = yaml.compose(text, Loader=yaml.SafeLoader)
    assignments = next(value for key, value in top.value if key.value == "assignments")
    if assignments.flow_style:
        raise ScaffoldError(
            f"{path.name}: write `assignments:` with one entry a line, without braces, so that "
            "another fits in."
        )
    lines = text.splitlines(keepends=True)
    last = max(_last_line(value) for _, value in assignments.value)
    lines[last] = lines[last].rstrip("\n") + "\n"
    indent = " " * assignments.value[0][0].start_mark.column
    added = ["\n", *(indent + line for line in entry.splitlines(keepends=True))]
    return "".join([*lines[: last + 1], *added, *lines[last + 1 :]])


def _last_line(node: yaml.Node) -> int:
    """The line in which the last value of `node` stands; its own end mark lies behind comments."""
    if isinstance(node, yaml.MappingNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1][1])
    if isinstance(node, yaml.SequenceNode) and node.value and not node.flow_style:
        return _last_line(node.value[-1])
    return node.end_mark.line
