"""The class in examples/ ends as its README says."""

import json
import sys
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.grading.intake import collect

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
EXPECTED = json.loads((EXAMPLES / "expected.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def course():
    return Course.load(ROOT / "grading.yml")


@pytest.mark.parametrize("homework", EXPECTED)
def test_every_submission_is_found_and_expected(course, homework):
    assignment = course.assignment(homework)
    submissions = {s.student: s for s in collect([EXAMPLES / homework], assignment)}
    assert set(submissions) == set(EXPECTED[homework])
    for student, submission in submissions.items():
        expected = EXPECTED[homework][student]
        assert list(expected["questions"]) == [q.name for q in assignment.questions]
        if submission.status is not None:
            assert submission.status == expected["status"]


def test_late_is_said(course):
    submissions = collect([EXAMPLES / "hw3"], course.assignment("hw3"))
    assert [s.student for s in submissions if any("late" in w for w in s.warnings)] == ["zhaolei"]


def test_the_readme_names_every_submission():
    readme = (EXAMPLES / "README.md").read_text("utf-8")
    for homework in EXPECTED:
        for path in (EXAMPLES / homework).iterdir():
            assert f"`{path.name.split('_')[0]}" in readme, path.name
    count = sum(map(len, EXPECTED.values()))
    assert readme.split("\n\n")[1].startswith(f"{count} submissions")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="grading needs Linux")
@pytest.mark.parametrize("homework", EXPECTED)
def test_grades(course, homework, tmp_path):
    from autograder.grading.grade import grade

    results = grade(course, course.assignment(homework), [EXAMPLES / homework], tmp_path)
    assert {result.student for result in results} == set(EXPECTED[homework])
    seen = {result.student: _shown(result) for result in results}
    for student, expected in EXPECTED[homework].items():
        status, questions = seen[student]
        if expected["status"] != "any":
            assert status == expected["status"], student
        for name, end in expected["questions"].items():
            ends = ("some", "full") if end == "earned" else (end,)
            assert questions[name] in ends, f"{student}: {name}"


def _shown(result):
    """Status, and how each question ended."""
    return result.status, {
        question.name: "full"
        if question.score == question.max_score
        else "some"
        if question.score > 0
        else "none"
        for question in result.questions
    }
