"""starter_code/ is what the masters and the content give, byte for byte."""

import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release.bundle import read_folder, solution_files, student_files

COURSE = Course.load(Path(__file__).parents[1] / "grading.yml")


@pytest.mark.parametrize("name", COURSE.assignments)
def test_the_starter_is_up_to_date(name):
    assignment = COURSE.assignment(name)
    expected = student_files(COURSE, assignment)
    committed = read_folder(assignment.starter_dir)
    assert set(committed) == set(expected), "run `autograder starter`"
    for file, content in expected.items():
        assert committed[file] == content, f"{file} differs: run `autograder starter`"


@pytest.mark.parametrize("name", COURSE.assignments)
def test_a_finished_folder_passes_its_public_tests(tmp_path, name):
    for file, content in solution_files(COURSE, COURSE.assignment(name)).items():
        path = tmp_path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    run = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
