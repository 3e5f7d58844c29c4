"""README speaks of commands and files that exist."""

import re
import shlex
from pathlib import Path

import click
import pytest

from autograder.cli import main
from autograder.course import Course

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8") + (ROOT / "CONTRIBUTING.md").read_text(
    encoding="utf-8"
)
COMMANDS = sorted(set(re.findall(r"^(?:autograder|make) .*?(?=\s+#|$)", TEXT, re.MULTILINE)))


def test_there_are_commands_to_look_at():
    assert {"make demo", "make test", "autograder doctor"} <= set(COMMANDS)


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("autograder")])
def test_autograder_commands_parse(line, monkeypatch):
    name, *words = shlex.split(line)[1:]
    command = main.commands[name]
    # Paths of the examples need not exist here; everything else is held by the command's own parser.
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            monkeypatch.setattr(parameter.type, "exists", False)
    command.make_context(name, words)


@pytest.mark.parametrize("line", [c for c in COMMANDS if c.startswith("make")])
def test_make_targets_exist(line):
    target = line.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#:]+)\)", TEXT))
def test_links_lead_somewhere(link):
    assert (ROOT / link).exists()


def test_every_homework_is_in_the_table():
    for assignment in Course.load(ROOT / "grading.yml").assignments.values():
        assert f"| {assignment.short_name} " in TEXT
