"""One submission through the real grader: what is listed, what is counted, what is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from autograder.course import Course
from autograder.grading.grade import GradingError, grade_all
from autograder.grading.grader import Grader, reference_files
from autograder.grading.intake import Submission

COURSE = Course.load(Path(__file__).resolve().parents[1] / "grading.yml")


@pytest.fixture(scope="module")
def results():
    """By student: the master of hw3 whole, without its optional class, without a file, and unreadable."""
    assignment = COURSE.assignment("hw3")
    source = reference_files(assignment)["worker.py"]
    whole = Submission("whole", {"worker.py": source.encode()}, "1")
    cut = "del LSTMA3CWorker\n"
    students = [
        whole,
        replace(whole, student="without", files={"worker.py": f"{source}\n{cut}".encode()}),
        replace(whole, student="broken", files={"worker.py": b"def f(:\n"}),
        replace(whole, student="unreadable", files={}, status="unreadable", message="No zip."),
    ]
    graded = grade_all(COURSE, assignment, students, 1)
    return {each.result.student: each.result for each in graded}


def listed(result):
    return [question.name for question in result.questions]


def test_an_optional_question_counts_for_those_who_define_it(results):
    assert "LSTMA3CWorker" in listed(results["whole"])
    assert (results["whole"].score, results["whole"].max_score) == (110, 100)


def test_an_optional_question_is_not_listed_for_others(results):
    assert "LSTMA3CWorker" not in listed(results["without"])
    assert all(question.score == question.max_score for question in results["without"].questions)
    assert "LSTMA3CWorker" not in listed(results["unreadable"])


def test_a_file_that_cannot_be_imported_is_quoted(results):
    assert results["broken"].status == "import_error"
    assert "SyntaxError" in results["broken"].message
    assert {q.status for q in results["broken"].questions} == {"import_error"}
    assert results["broken"].score == 0


def test_an_unreadable_submission_keeps_its_reason(results):
    assert (results["unreadable"].status, results["unreadable"].message) == (
        "unreadable",
        "No zip.",
    )
    assert results["unreadable"].score == 0


def test_a_failure_of_the_grader_does_not_stop_a_class(monkeypatch):
    grade = Grader.grade

    def fails_once(self, submission):
        return 1 / 0 if submission.student == "bob" else grade(self, submission)

    monkeypatch.setattr(Grader, "grade", fails_once)
    students = [
        Submission(name, {}, "1", "unreadable", "No zip.") for name in ("ada", "bob", "cleo")
    ]
    graded = []
    with pytest.raises(GradingError, match="- bob: ZeroDivisionError"):
        for each in grade_all(COURSE, COURSE.assignment("hw1"), students, 1):
            graded.append(each.result.student)  # noqa: PERF401 - it raises at its end
    assert graded == ["ada", "cleo"]
