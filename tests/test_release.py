"""Masters, students' folders and zips."""

import ast
import base64
import io
import json
import os
import py_compile
import zipfile
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release import bundle, leaks
from autograder.release.strip import MasterError, finish, solution_lines, strip

ROOT = Path(__file__).parents[1]

MASTER = '''"""A master."""


def double(x):
    """Twice x."""
    # BEGIN SOLUTION NO PROMPT
    result = x + x
    return result
    # END SOLUTION
    """ # BEGIN PROMPT
    # TODO double (lecture: 2x).
    raise NotImplementedError("double")
    """  # END PROMPT
'''


@pytest.fixture(scope="module")
def course():
    return Course.load(ROOT / "grading.yml")


@pytest.fixture(scope="module")
def homework(course):
    return course.assignment("hw1")


@pytest.fixture(scope="module")
def folder(course, homework):
    return bundle.student_files(course, homework)


def test_students_get_the_prompt_in_place_of_the_solution():
    assert strip(MASTER) == (
        '"""A master."""\n\n\ndef double(x):\n    """Twice x."""\n'
        '    # TODO double (lecture: 2x).\n    raise NotImplementedError("double")\n'
    )


def test_the_finished_file_has_the_solution_and_no_marks():
    assert finish(MASTER) == (
        '"""A master."""\n\n\ndef double(x):\n    """Twice x."""\n'
        "    result = x + x\n    return result\n"
    )


def test_the_solution_s_lines_are_those_that_students_do_not_get():
    assert [line.strip() for line in solution_lines(MASTER)] == [
        "result = x + x",
        "return result",
    ]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    # END SOLUTION\n", ""),
        ("    # BEGIN SOLUTION NO PROMPT\n", ""),
        ("    # END SOLUTION", "    # end solution"),
        ("# BEGIN SOLUTION NO PROMPT", "#BEGIN SOLUTION"),
        ('"""  # END PROMPT', ""),
        ('    raise NotImplementedError("double")\n', "    raise (\n"),
    ],
)
def test_a_master_whose_marks_do_not_add_up_is_refused(old, new):
    with pytest.raises(MasterError, match="homework.py"):
        strip(MASTER.replace(old, new), "homework.py")


def test_every_question_of_a_starter_raises_its_own_name(course):
    for assignment in course.assignments.values():
        for question in assignment.questions:
            source = strip(assignment.path(question.file).read_text(encoding="utf-8"))
            bodies = [
                ast.unparse(node)
                for node in ast.parse(source).body
                if getattr(node, "name", None) == question.name
            ]
            assert len(bodies) == 1, question.name
            assert "NotImplementedError" in bodies[0] and question.name in bodies[0]


def test_a_student_s_folder_has_all_that_a_student_needs(folder, homework):
    assert set(homework.files) <= set(folder)
    assert {"submit.py", "requirements.txt", "CHANGELOG.md", "train.py"} <= set(folder)
    assert any(name.startswith("tests/test_") for name in folder)
    assert json.loads(folder["homework.json"])["files"] == list(homework.files)
    assert not any("__pycache__" in name or name.startswith(".") for name in folder)


def test_no_folder_leaks(course):
    for assignment in course.assignments.values():
        leaks.refuse_leaks(course, assignment, bundle.student_files(course, assignment))


def _notebook(source):
    cells = [{"cell_type": "code", "source": source.splitlines(keepends=True), "outputs": []}]
    return json.dumps({"cells": cells, "nbformat": 4, "nbformat_minor": 5, "metadata": {}}).encode()


def _zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def _compiled(source, folder):
    path = folder / "helper.py"
    path.write_text(source, encoding="utf-8")
    return Path(py_compile.compile(str(path), cfile=str(folder / "helper.pyc"))).read_bytes()


def _planted(folder, course, homework, tmp_path):
    """One leak of each kind: name → the folder with it."""
    master = homework.path("policy_gradient.py").read_text(encoding="utf-8")
    line = max(solution_lines(master), key=len).strip()
    region = "\n".join(solution_lines(master))
    train = folder["train.py"].decode()
    suite = min(homework.suite_dir.glob("test_*.py"))
    hidden = max(suite.read_text(encoding="utf-8").splitlines(), key=len).strip()
    mistakes = (homework.suite_dir / "mistakes.py").read_text(encoding="utf-8")
    equivalents = (homework.suite_dir / "equivalents.py").read_text(encoding="utf-8")
    hint = next(text for text in mistakes.splitlines() if "zh=" in text).strip()
    picture = b"\x89PNG\r\n\x1a\n"
    return {
        "the whole master": {"policy_gradient.py": master.encode()},
        "a finished file": {"policy_gradient.py": finish(master).encode()},
        "one line": {"train.py": f"{train}\n{line}\n".encode()},
        "one line, spread out": {"train.py": f"{train}\n{line.replace(' ', '   ')}\n".encode()},
        "a comment": {"train.py": f"{train}\n# {line}\n".encode()},
        "a region commented out": {
            "train.py": (train + "\n# " + region.replace("\n", "\n# ")).encode()
        },
        "a handout": {"handout.md": f"The answer is `{line}`.".encode()},
        "a notebook's cell": {"lab.ipynb": _notebook(f"import torch\n{line}\n")},
        "a notebook as one string": {"lab.ipynb": _notebook(region)},
        "compiled code": {"helper.pyc": _compiled(finish(master), tmp_path)},
        "compiled code with another name": {"figure.png": _compiled(finish(master), tmp_path)},
        "a zip": {"extra.zip": _zip({"a.py": finish(master)})},
        "a zip with another name": {"data.txt": _zip({"a.py": finish(master)})},
        "a picture's tail": {"figure.png": picture + line.encode()},
        "another encoding": {"notes.txt": f"{line}\n".encode("utf-16")},
        "a hidden test": {"tests/test_more.py": suite.read_bytes()},
        "a line of a hidden test": {"tests/test_more.py": f"# {hidden}\n".encode()},
        "mistakes under their name": {"mistakes.py": b""},
        "mistakes under another": {"examples.py": mistakes.encode()},
        "a mistake's hint": {"handout.md": f"- {hint}\n".encode()},
        "equivalents": {"ideas.md": equivalents.encode()},
        "the suites' folder": {"suites/readme.md": b""},
    }


def test_each_kind_of_leak_is_refused(folder, course, homework, tmp_path):
    assert not leaks.find_leaks(course, homework, folder)
    planted = _planted(folder, course, homework, tmp_path)
    for kind, files in planted.items():
        found = leaks.find_leaks(course, homework, {**folder, **files})
        assert {leak.file for leak in found} == set(files), kind
    with pytest.raises(leaks.LeakError, match="train.py"):
        leaks.refuse_leaks(course, homework, {**folder, **planted["one line"]})


def test_what_is_no_secret_does_not_leak(folder, course, homework):
    harmless = (
        "import torch\nfrom torch import nn\nwith torch.no_grad():\n    pass\n"
        + base64.b64encode(os.urandom(300)).decode()
    )
    assert not leaks.find_leaks(course, homework, {**folder, "notes.txt": harmless.encode()})


def test_a_zip_s_bytes_depend_on_its_content_alone(tmp_path):
    files = {"b.txt": b"two", "a.txt": b"one", "setup.sh": b"#!/bin/sh\n"}
    bundle.write_zip(tmp_path / "one.zip", files)
    bundle.write_zip(tmp_path / "two.zip", dict(reversed(files.items())))
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        entries = {entry.filename: entry for entry in archive.infolist()}
        assert {name: archive.read(name) for name in entries} == files
    assert list(entries) == sorted(files)
    assert entries["setup.sh"].external_attr >> 16 == 0o100755
    assert entries["a.txt"].external_attr >> 16 == 0o100644
    assert {entry.date_time for entry in entries.values()} == {(1980, 1, 1, 0, 0, 0)}
