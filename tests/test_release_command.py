"""`autograder release` and `autograder starter`, as an instructor calls them."""

import zipfile

import pytest
from click.testing import CliRunner
from release_helpers import NEW, course_with_a_new_assignment

from autograder.cli import main
from autograder.release.bundle import read_folder, solution_files, student_files


@pytest.fixture
def course(tmp_path):
    return course_with_a_new_assignment(tmp_path / "course")


def _run(course, *arguments):
    return CliRunner().invoke(main, ["--course", str(course.path), *map(str, arguments)])


def _content(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_three_zips_and_the_same_bytes_each_time(course, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for out in (first, second):
        result = _run(course, "release", NEW, "--out", out)
        assert result.exit_code == 0, result.output
    assert sorted(read_folder(first)) == [
        "hw9-gradescope.zip",
        "hw9-solution.zip",
        "hw9-student.zip",
    ]
    assert read_folder(first) == read_folder(second)
    assignment = course.assignment(NEW)
    assert _content(first / "hw9-student.zip") == student_files(course, assignment)
    assert _content(first / "hw9-solution.zip") == solution_files(course, assignment)
    assert "trusted/grading.yml" in _content(first / "hw9-gradescope.zip")


def test_a_leak_stops_the_release_of_all(course, tmp_path):
    line = "return (discounts * rewards).sum()"
    (course.assignment(NEW).content_dir / "notes.md").write_text(f"Hint: {line}\n", "utf-8")
    result = _run(course, "release", "hw1", NEW, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "notes.md" in result.output and line in result.output
    assert not (tmp_path / "out").exists()


def test_a_master_without_its_mark_stops_the_release(course, tmp_path):
    master = course.assignment(NEW).path("returns.py")
    master.write_text(master.read_text("utf-8").replace("# END SOLUTION", ""), "utf-8")
    result = _run(course, "release", NEW, "--out", tmp_path / "out")
    assert result.exit_code == 1
    assert "returns.py" in result.output
    assert not (tmp_path / "out").exists()


def test_starter_makes_the_folder_what_it_should_be(course):
    assignment = course.assignment(NEW)
    (assignment.starter_dir / "left_over.py").write_text("", "utf-8")
    (assignment.starter_dir / "returns.py").write_text("changed = True\n", "utf-8")
    assert _run(course, "starter", NEW).exit_code == 0
    assert read_folder(assignment.starter_dir) == student_files(course, assignment)
