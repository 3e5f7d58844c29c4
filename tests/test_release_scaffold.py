"""`autograder new`."""

import subprocess
import sys

import pytest
from click.testing import CliRunner
from release_helpers import NEW, RIGHT, ROOT, course_with_a_new_assignment

from autograder.cli import main
from autograder.course import Course
from autograder.grading.verify import verify
from autograder.release import leaks
from autograder.release.bundle import read_folder, student_files
from autograder.release.scaffold import ScaffoldError, create_assignment


@pytest.fixture
def course(tmp_path):
    return course_with_a_new_assignment(tmp_path)


def test_a_new_assignment_passes_verify(course):
    report = verify(course, course.assignment(NEW), jobs=1)
    assert report.all_holes == []
    question = report.questions["discounted_return"]
    assert (question.caught, question.kept) == (5, 3)
    assert question.named == 5


def test_grading_yml_keeps_every_line(course):
    before = (ROOT / "grading.yml").read_text(encoding="utf-8").splitlines()
    after = (course.root / "grading.yml").read_text(encoding="utf-8").splitlines()
    added = after[len(before) :]
    assert after[: len(before)] == before
    assert added[:2] == ["", f"  {NEW}:"]
    assert list(course.assignments)[-1] == NEW


def test_an_entry_goes_before_what_follows_the_assignments(course):
    path = course.root / "grading.yml"
    text = path.read_text(encoding="utf-8")
    language = "language: en # of the feedback: en or zh\n"
    path.write_text(text.replace(language, "") + "# the end\n" + language, encoding="utf-8")
    create_assignment(Course.load(path), "hw10_more")
    assert list(Course.load(path).assignments)[-1] == "hw10_more"
    assert path.read_text(encoding="utf-8").endswith("# the end\n" + language)


def test_the_starter_is_written_and_clean(course):
    assignment = course.assignment(NEW)
    files = student_files(course, assignment)
    assert read_folder(assignment.starter_dir) == files
    assert not leaks.find_leaks(course, assignment, files)


def test_its_public_tests_fail_on_the_starter_and_pass_on_an_answer(course):
    folder = course.assignment(NEW).starter_dir
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 1
    with open(folder / "returns.py", "a", encoding="utf-8") as file:
        file.write(RIGHT)
    assert subprocess.run(command, cwd=folder, check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", ["hw5", "trust_region", "hw5_Trust", "../hw5_x", "hw5_class", NEW])
def test_a_name_that_is_no_good_or_taken_changes_nothing(course, name):
    before = read_folder(course.root)
    with pytest.raises(ScaffoldError):
        create_assignment(course, name)
    assert read_folder(course.root) == before


def test_files_that_are_there_are_not_overwritten(course):
    there = course.root / "solutions" / "hw7_gates" / "gates.py"
    there.parent.mkdir()
    there.write_text("mine = True\n", encoding="utf-8")
    result = CliRunner().invoke(main, ["--course", str(course.path), "new", "hw7_gates"])
    assert result.exit_code == 2
    assert "gates.py is there already" in result.output
    assert there.read_text(encoding="utf-8") == "mine = True\n"
