"""starter_code/ is what the masters and the content give, byte for byte."""

from pathlib import Path

import pytest

from autograder.course import Course
from autograder.release.bundle import read_folder, student_files

COURSE = Course.load(Path(__file__).parents[1] / "grading.yml")


@pytest.mark.parametrize("name", COURSE.assignments)
def test_the_starter_is_up_to_date(name):
    assignment = COURSE.assignment(name)
    expected = student_files(COURSE, assignment)
    committed = read_folder(assignment.starter_dir)
    assert set(committed) == set(expected), "run `autograder starter`"
    for file, content in expected.items():
        assert committed[file] == content, f"{file} differs: run `autograder starter`"
