"""grading.yml: what it gives, and that each mistake in it is named with its line."""

import datetime
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from autograder.cli import main
from autograder.course import Course, CourseError

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "grading.yml").read_text(encoding="utf-8")


@pytest.fixture
def course_with(tmp_path):
    """Writes a grading.yml beside empty solutions; returns its path."""
    for name, assignment in yaml.safe_load(TEXT)["assignments"].items():
        for folder, files in (("solutions", "files"), ("assignments", "support")):
            (tmp_path / folder / name).mkdir(parents=True)
            for file in assignment.get(files, []):
                (tmp_path / folder / name / file).touch()

    def write(text):
        (tmp_path / "grading.yml").write_text(text, encoding="utf-8")
        return tmp_path / "grading.yml"

    return write


def test_the_course_is_read_as_written():
    course = Course.load(ROOT / "grading.yml")
    assert list(course.assignments)[:2] == ["hw0_value_review", "hw1_policy_gradient"]
    hw1 = course.assignment("hw1")
    assert hw1.name == "hw1_policy_gradient"
    assert hw1.files == ("policy_gradient.py", "baseline.py")
    assert [q.name for q in hw1.questions][:2] == ["action_log_probs", "trajectory_returns"]
    assert [q.name for q in hw1.questions if q.bonus] == ["optimal_baseline"]
    assert hw1.questions[0].file == "policy_gradient.py"
    assert hw1.solution_dir == ROOT / "solutions" / "hw1_policy_gradient"
    assert hw1.due.utcoffset() == datetime.timedelta(hours=8)
    written = yaml.safe_load(TEXT)["tolerances"]["float32"]
    assert hw1.tolerances["float32"]["rtol"] == float(written["rtol"])
    hw3 = course.assignment("hw3_a3c")
    assert hw3.path("a3c_support.py") == ROOT / "assignments" / "hw3_a3c" / "a3c_support.py"
    assert hw3.path("worker.py") == ROOT / "solutions" / "hw3_a3c" / "worker.py"


def test_each_homework_is_worth_100_points():
    for assignment in Course.load(ROOT / "grading.yml").assignments.values():
        assert sum(q.points for q in assignment.questions if not q.bonus) == 100, assignment.name


def test_an_assignment_completes_its_limits_and_tolerances_from_the_course(course_with):
    own = "limits: {memory_mb: 4096}\n    tolerances: {float32: {rtol: 0.01, atol: 0}}\n    "
    text = TEXT.replace("files: [worker.py]", own + "files: [worker.py]")
    text = re.sub(r"\n  cpu_seconds: \d+", "\n  cpu_seconds: 7", text)
    text = re.sub(r"float64: \{.*\}", "float64: {rtol: 2e-6, atol: 0}", text)
    course = Course.load(course_with(text))
    hw1, hw3 = course.assignment("hw1"), course.assignment("hw3")
    assert (hw1.limits.cpu_seconds, hw1.limits.memory_mb) == (7, 1024)
    assert (hw3.limits.cpu_seconds, hw3.limits.memory_mb) == (7, 4096)
    assert (hw3.tolerances["float32"]["rtol"], hw3.tolerances["float64"]["rtol"]) == (0.01, 2e-6)


MISTAKES = [
    # what stands in grading.yml, what is written instead, a word of the sentence
    ("mc_update: {file: value_methods.py, points: 10}", "mc_update: {points: 10}", "missing"),
    ("mc_update: {file: value_methods.py, points: 10}", "mc_update: 10", "key: value"),
    ("points: 10", "points: 0", "greater than 0"),
    ("points: 10", "points: -5", "greater than 0"),
    ("points: 10", "points: .nan", "finite"),
    ("points: 10", "points: ten", "number"),
    ("points: 10", 'points: "10"', "number"),
    ("points: 10", "points: true", "number"),
    ("points: 10", "pionts: 10", "did you mean points?"),
    ("points: 10", "points: 10, name: other", "remove `name`"),
    ("bonus: true", "bonus: 1", "true or false"),
    ("td_update:", "mc_update:", "again (first in line"),
    ("td_update:", "td-update:", "no Python name"),
    ("td_update:", "class:", "no Python name"),
    ("  hw3_a3c:", "  hw1_policy_gradient:", "again (first in line"),
    ("  hw3_a3c:", "  hw3-a3c:", "digits and underscores"),
    ("file: baseline.py", "file: basline.py", "is not among the files"),
    ("files: [worker.py]", "files: [worker.py, more.py]", "does not exist"),
    ("files: [worker.py]", "files: [worker.py, worker.py]", "twice"),
    ("files: [worker.py]", "files: [worker.py, Worker.py]", "twice"),
    ("files: [worker.py]", "files: [../worker.py]", "bare name"),
    ("files: [worker.py]", "files: worker.py", "list"),
    ("support: [a3c_support.py]", "support: [missing.py]", "does not exist"),
    ("due: 2026-12-06 23:59 +08:00", "due: 2026-12-06 23:59", "UTC offset"),
    ("due: 2026-12-06 23:59 +08:00", "due: 2026-12-36 23:59 +08:00", "UTC offset"),
    ("due: 2026-12-06 23:59 +08:00", "due: 6 December", "UTC offset"),
    ("float64: {rtol: 1e-5", "float64: {rtol: -1", "0"),
    ("float64: {rtol: 1e-5", "float64: {rtol: small", "number"),
    ("float64: {rtol: 1e-5, ", "float64: {", "rtol is missing"),
    ("float64: {", "double: {", "double"),
    ("memory_mb: 1024", "memory_mb: 1.5", "whole number"),
    ("memory_mb: 1024", "memory: 1024", "did you mean memory_mb?"),
    ("language: en", "language: fr", "'en' or 'zh'"),
    ("isolation_floor: restricted", "isolation_floor: none", "full"),
    ("isolation_floor: restricted", "floor: restricted", "floor"),
]


@pytest.mark.parametrize(("old", "new", "words"), MISTAKES, ids=[m[1] for m in MISTAKES])
def test_a_mistake_is_named_with_its_line(course_with, old, new, words):
    assert old in TEXT
    path = course_with(TEXT.replace(old, new, 1))
    with pytest.raises(CourseError) as raised:
        Course.load(path)
    error = raised.value
    line = TEXT[: TEXT.index(old)].count("\n") + 1
    assert error.line == line - ("remove `name`" in words)  # said of the list of questions
    assert words in error.message
    assert str(error).startswith(f"{path}:{error.line}: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "just words",
        "- a\n- list",
        "a: [",
        "\tx: 1",
        "? [a]\n: b",
        "a: !!python/name:os.system x",
    ],
)
def test_no_course_at_all_is_an_error_too(course_with, text):
    with pytest.raises(CourseError):
        Course.load(course_with(text))


def test_a_required_key_that_is_missing_is_named(course_with):
    with pytest.raises(CourseError, match="title is missing"):
        Course.load(course_with(TEXT.replace("title:\n  en: ", "#", 1).replace("  zh:", "#", 1)))


def test_a_name_may_be_shortened_while_it_is_unique():
    course = Course.load(ROOT / "grading.yml")
    assert course.assignment("hw2").name == "hw2_actor_critic"
    for name in ("hw", "hw9", ""):
        with pytest.raises(CourseError, match="hw2_actor_critic"):
            course.assignment(name)


def test_the_command_says_the_line_and_exits_with_2(course_with, monkeypatch):
    path = course_with(TEXT.replace("points: 10", "points: ten", 1))
    monkeypatch.chdir(path.parent / "solutions")
    result = CliRunner().invoke(main, ["starter"])
    assert result.exit_code == 2
    monkeypatch.chdir(path.parent)
    result = CliRunner().invoke(main, ["starter"])
    line = TEXT[: TEXT.index("points: 10")].count("\n") + 1
    assert result.output.startswith(f"Error: grading.yml:{line}: ")
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ["starter", "hw9"],
        ["--course", "nowhere.yml", "starter"],
        ["grade"],
        ["grade", "hw1", "nowhere"],
        ["grade", "hw1", ".", "--jobs", "0"],
        ["no-such-command"],
    ],
)
def test_a_wrong_call_exits_with_2(arguments, monkeypatch):
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


def test_outside_a_course_the_way_out_is_said(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(main, ["starter"])
    assert (result.exit_code, "--course" in result.output) == (2, True)


@pytest.mark.parametrize(
    "command", ["verify", "release", "starter", "grade", "report", "new", "doctor"]
)
def test_help_teaches_by_example(command):
    result = CliRunner().invoke(main, [command, "--help"])
    assert result.exit_code == 0
    assert command == "doctor" or f"autograder {command} " in result.output
