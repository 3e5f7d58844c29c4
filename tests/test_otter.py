"""Gradescope's zip: otter is the frame, our engine gives the points, and what goes wrong gives none."""

import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from release_helpers import NEW, RIGHT, ROOT, WRONG, course_with_a_new_assignment

from autograder.course import Course
from autograder.grading.grade import grade
from autograder.grading.grader import suite_sha256
from autograder.grading.results import Diagnosis, QuestionResult, SubmissionResult, TestResult
from autograder.release import otter_plugin
from autograder.release.bundle import student_files, write_zip
from autograder.release.gradescope import gradescope_files

FILE = "returns.py"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return course_with_a_new_assignment(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def grader_files(course):
    return gradescope_files(course, course.assignment(NEW))


@pytest.fixture
def autograder_dir(tmp_path, grader_files):
    """Gradescope's /autograder, set up, with an empty submission."""
    for folder in ("source", "submission", "results"):
        (tmp_path / folder).mkdir()
    for name, content in grader_files.items():
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
def config(course):
    return otter_plugin.plugin_config(course, course.assignment(NEW))


def _points(output):
    return {
        test["name"]: test["score"]
        for test in output["tests"]
        if test["visibility"] == "after_published"
    }


def test_the_same_bytes_each_time(course, grader_files):
    assert gradescope_files(course, course.assignment(NEW)) == grader_files


def test_the_zip_is_otter_s_with_our_part_out_of_the_submission_s_reach(course, grader_files):
    assert {"run_autograder", "run_otter.py", "setup.sh", "environment.yml"} <= set(grader_files)
    assert [name for name in grader_files if name.startswith("files/")] == ["files/stand_in.ipynb"]
    assert not any("__pycache__" in name for name in grader_files)
    assert "otter-grader[grading,plugins]==7.0.0" in grader_files["environment.yml"].decode()
    suites = {
        name.split("/")[3]
        for name in grader_files
        if name.startswith("trusted/autograder/suites/") and name.count("/") == 4
    }
    assert suites == {NEW}
    assert not any("solutions/hw1" in name for name in grader_files)


def test_the_course_inside_gives_the_same_assignment(course, autograder_dir):
    inside = Course.load(autograder_dir / "source" / "trusted" / "grading.yml")
    ours, theirs = course.assignment(NEW), inside.assignment(NEW)
    assert theirs.model_dump() == ours.model_dump()
    assert theirs.path(FILE).read_bytes() == ours.path(FILE).read_bytes()
    assert suite_sha256(inside, theirs) == suite_sha256(course, ours)


def test_all_that_a_student_handed_in_is_put_aside(autograder_dir, config, monkeypatch):
    submission = autograder_dir / "submission"
    for name in (FILE, "torch.py", "sitecustomize.py", ".OTTER_LOG", "__init__.py"):
        (submission / name).write_text("raise SystemExit\n", encoding="utf-8")
    for name in ("tests", "pytest"):
        (submission / name).mkdir()
    (submission / otter_plugin.STAND_IN).write_text("{}", encoding="utf-8")
    seen = []
    monkeypatch.setattr(otter_plugin, "_grade", lambda handed_in, *_: seen.append(handed_in))
    otter_plugin.gradescope_output(autograder_dir, config)
    assert sorted(path.name for path in submission.iterdir()) == ["stand_in.ipynb", "tests"]
    assert seen == [autograder_dir / "handed_in"]
    assert {path.name for path in seen[0].iterdir()} == {
        FILE,
        "torch.py",
        "sitecustomize.py",
        ".OTTER_LOG",
        "__init__.py",
        "pytest",
    }


def test_an_entry_for_the_student_one_a_question_and_one_a_hidden_test(
    autograder_dir, config, monkeypatch
):
    tests = (
        TestResult("test_a", "Values.", "passed"),
        TestResult("test_b", "Gradients.", "failed", "The gradient differs."),
    )
    hint = Diagnosis("no_discount", {"en": "Think of the discount.", "zh": "想一想折扣因子。"})
    questions = (
        QuestionResult("first", 5.0, 10.0, False, "partial", tests, hint),
        QuestionResult("second", 3.0, 3.0, True, "passed", tests[:1]),
    )
    result = SubmissionResult(
        *("me", NEW, "a", "b", 8.0, 10.0, "graded", ""), questions, "full", ("It came late.",)
    )
    monkeypatch.setattr(otter_plugin, "_grade", lambda *_: result)
    output = otter_plugin.gradescope_output(autograder_dir, config)
    assert output["score"] == 8.0
    assert _points(output) == {"first": 5.0, "second": 3.0}
    by_visibility = {
        kind: [test["name"] for test in output["tests"] if test["visibility"] == kind]
        for kind in ("visible", "after_published", "hidden")
    }
    assert by_visibility == {
        "visible": ["Submission"],
        "after_published": ["first", "second"],
        "hidden": ["first: Values.", "first: Gradients.", "second: Values."],
    }
    assert "It came late." in output["tests"][0]["output"]
    assert "Think of the discount." in output["tests"][1]["output"]
    assert json.loads(json.dumps(output)) == output


def _broken_engine(autograder_dir):
    (autograder_dir / "source/trusted/autograder/suites" / NEW / "test_returns.py").write_text("?")


def _missing_course(autograder_dir):
    (autograder_dir / "source/trusted/grading.yml").unlink()


def _no_submission_folder(autograder_dir):
    (autograder_dir / "submission").rmdir()


@pytest.mark.parametrize("spoil", [_broken_engine, _missing_course, _no_submission_folder])
def test_whatever_goes_wrong_gives_no_points_and_a_sentence(autograder_dir, config, spoil):
    if spoil is not _no_submission_folder:
        (autograder_dir / "submission" / FILE).write_text(RIGHT, encoding="utf-8")
    spoil(autograder_dir)
    output = otter_plugin.gradescope_output(autograder_dir, config)
    assert output["score"] == 0
    assert _points(output) == {"discounted_return": 0.0}
    [sentence] = [test["output"] for test in output["tests"] if test["visibility"] == "visible"]
    assert "tell your instructor" in sentence


def test_an_old_result_never_stays(autograder_dir, monkeypatch):
    old = autograder_dir / "results" / "results.json"
    old.write_text('{"score": 100}', encoding="utf-8")

    def crash(*_):
        raise RuntimeError("otter is broken")

    monkeypatch.setattr("otter.run.run_autograder.main", crash)
    otter_plugin.main(str(autograder_dir))
    output = json.loads(old.read_text(encoding="utf-8"))
    assert output["score"] == 0
    assert _points(output) == {"discounted_return": 0.0}


@pytest.mark.parametrize(("answer", "score"), [(RIGHT, 100.0), (WRONG, 0.0), ("import", 0.0)])
def test_the_engine_grades_in_its_sandbox(autograder_dir, config, answer, score):
    (autograder_dir / "submission" / FILE).write_text(answer, encoding="utf-8")
    output = otter_plugin.gradescope_output(autograder_dir, config)
    assert "extra_data" in output, output
    assert _points(output) == {"discounted_return": score}
    assert output["score"] == score


def test_two_copies_are_the_students_matter(autograder_dir, config):
    for name, answer in (("old", WRONG), ("new", RIGHT)):
        (autograder_dir / "submission" / name).mkdir()
        (autograder_dir / "submission" / name / FILE).write_text(answer, encoding="utf-8")
    output = otter_plugin.gradescope_output(autograder_dir, config)
    assert "several times" in output["tests"][0]["output"]
    assert output["score"] == 0


def test_odd_files_beside_the_homework_do_no_harm(autograder_dir, config):
    submission = autograder_dir / "submission"
    (submission / FILE).write_text(RIGHT, encoding="utf-8")
    os.utime(submission / FILE, (0, 0))  # no zip holds a time before 1980
    (submission / os.fsdecode("作业.txt".encode("gbk"))).write_text("")
    (submission / "submission_metadata.yml").write_text("")
    assert otter_plugin.gradescope_output(autograder_dir, config)["score"] == 100


class _Runs:
    """A pickle that leaves a mark where it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def _hostile(folder):
    """Files that take over otter's own process or kernel, if they are ever opened there."""
    mark = f"open({str(folder / 'mark')!r}, 'w')\n"
    shadows = ("torch.py", "sitecustomize.py", "nbformat.py", "ipykernel.py", "__init__.py")
    return {
        FILE: mark.encode() + b"import os\nos._exit(0)\n",
        **{name: mark.encode() for name in shadows},
        ".OTTER_LOG": pickle.dumps(_Runs(folder / "mark")),
        "tests/stand_in.py": b"OK_FORMAT = True\ntest = {'name': 'x', 'points': 100, 'suites': []}",
        "results/results.json": b'{"score": 100}',
    }


@pytest.mark.slow
@pytest.mark.parametrize("name", ["starter", "right", "one wrong", "hostile"])
def test_otter_run_gives_the_score_of_autograder_grade(tmp_path, name):
    course = Course.load(ROOT / "grading.yml")
    hw1 = course.assignment("hw1")
    finished = {file: hw1.path(file).read_bytes() for file in hw1.files}
    one_wrong = (
        finished["baseline.py"] + b"\ndef batch_mean_baseline(returns): return returns * 0\n"
    )
    submission = {
        "starter": {file: student_files(course, hw1)[file] for file in hw1.files},
        "right": finished,
        "one wrong": {**finished, "baseline.py": one_wrong},
        "hostile": {**finished, **_hostile(tmp_path), "baseline.py": b"import os; os._exit(0)"},
    }[name]
    write_zip(tmp_path / "hw1-gradescope.zip", gradescope_files(course, hw1))
    write_zip(tmp_path / "submission.zip", submission)
    output = _otter_run(tmp_path)
    [result] = grade(course, hw1, [tmp_path / "submission.zip"], tmp_path / "out")
    assert _points(output) == {question.name: question.score for question in result.questions}
    assert output["score"] == result.score
    tests = [test for test in output["tests"] if test["visibility"] == "hidden"]
    assert len(tests) == sum(len(question.tests) for question in result.questions)
    assert not (tmp_path / "mark").exists()


def _otter_run(folder: Path) -> dict:
    command = [sys.executable, "-m", "otter", "run", "-a", "hw1-gradescope.zip", "submission.zip"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, env=dict(os.environ))
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))
