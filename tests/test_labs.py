"""The labs: notebooks in which students play with their own functions."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release.bundle import solution_files, student_files
from autograder.release.notebook import notebook

COURSE = Course.load(Path(__file__).parents[1] / "grading.yml")
NAMES = list(COURSE.assignments)

LAB = """\
# %% [markdown]
# # A lab

# %%
# %load_ext autoreload
import math


# %%


def area(r):
    return math.pi * r**2
"""


def _cells(name):
    return json.loads(student_files(COURSE, COURSE.assignment(name))["lab.ipynb"])["cells"]


def test_a_lab_becomes_a_notebook_of_its_cells():
    made = json.loads(notebook(LAB))
    assert ["".join(cell["source"]) for cell in made["cells"]] == [
        "# A lab",
        "%load_ext autoreload\nimport math",
        "def area(r):\n    return math.pi * r**2",
    ]
    assert [cell["id"] for cell in made["cells"]] == ["cell-1", "cell-2", "cell-3"]
    assert all(cell["metadata"] == {} for cell in made["cells"])
    assert made["metadata"]["kernelspec"]["name"] == "python3"


def test_the_notebook_s_bytes_depend_on_the_lab_alone():
    assert notebook(LAB) == notebook(LAB)
    assert b"jupytext" not in notebook(LAB)


@pytest.mark.parametrize("name", NAMES)
def test_students_get_the_notebook_not_run_and_without_its_master(name):
    assert "lab.py" not in student_files(COURSE, COURSE.assignment(name))
    code = [cell for cell in _cells(name) if cell["cell_type"] == "code"]
    assert code
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.parametrize("name", NAMES)
def test_every_question_has_its_section_in_both_languages(name):
    sections = {}
    for cell in _cells(name):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and (title := re.match(r"## `(\w+)`\n", text)):
            sections[title[1]] = text
    assert list(sections) == [question.name for question in COURSE.assignment(name).questions]
    for question, text in sections.items():
        assert re.search("[\u4e00-\u9fff]", text), f"{question}: 中文?"
    for language in ("en", "zh"):
        handout = COURSE.assignment(name).content_dir / f"handout.{language}.md"
        assert "lab.ipynb" in handout.read_text(encoding="utf-8")


def _run(name, files, folder):
    """What the lab prints beside these files, run from top to bottom."""
    for file, content in files.items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    run = subprocess.run(
        [sys.executable, str(COURSE.assignment(name).content_dir / "lab.py")],
        env={**os.environ, "MPLBACKEND": "Agg", "PYTHONPATH": str(folder), "PYTHONUTF8": "1"},
        cwd=folder,
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


@pytest.mark.parametrize(
    "name", [NAMES[0], *(pytest.param(name, marks=pytest.mark.slow) for name in NAMES[1:])]
)
def test_a_lab_runs_with_the_finished_files(tmp_path, name):
    printed = _run(name, solution_files(COURSE, COURSE.assignment(name)), tmp_path)
    assert printed and "TODO" not in printed


@pytest.mark.parametrize("name", NAMES)
def test_a_lab_runs_with_the_starter_and_says_what_is_to_do(tmp_path, name):
    assignment = COURSE.assignment(name)
    printed = _run(name, student_files(COURSE, assignment), tmp_path)
    missing = re.findall(r"^TODO (\w+): not implemented yet", printed, re.MULTILINE)
    assert len(missing) >= len(assignment.questions)
    assert set(missing) <= {question.name for question in assignment.questions}
