"""submit.py, as a student runs it."""

import subprocess
import sys
import zipfile

import pytest
from release_helpers import ROOT

from autograder.course import Course
from autograder.grading.intake import collect
from autograder.release.bundle import solution_files, student_files

COURSE = Course.load(ROOT / "grading.yml")
HW1 = COURSE.assignment("hw1")


@pytest.fixture
def folder(tmp_path):
    """A student's folder of hw1, nothing filled in."""
    return _write(student_files(COURSE, HW1), tmp_path / "my homework")


def _write(files, folder):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def _submit(folder):
    """Runs submit.py from another folder, as an editor's run button may."""
    return subprocess.run(
        [sys.executable, str(folder / "submit.py")],
        cwd=folder.parent,
        check=False,
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "HOME": str(folder.parent), "PYTHONUTF8": "1"},
    )


def test_a_finished_homework_is_packed(folder):
    finished = solution_files(COURSE, HW1)
    _write({name: finished[name] for name in HW1.files}, folder)
    run = _submit(folder)
    assert run.returncode == 0, run.stderr
    assert "All 8 questions have an answer." in run.stdout
    with zipfile.ZipFile(folder / "submission.zip") as archive:
        names = [name for name in archive.namelist() if name.endswith(".py")]
        assert sorted(names) == sorted(HW1.files)
        assert all(archive.read(name) == finished[name] for name in names)
    [submission] = collect([folder / "submission.zip"], HW1)
    assert submission.status is None
    assert submission.files == {name: finished[name] for name in HW1.files}


def test_what_is_still_to_do_is_said_and_packed_all_the_same(folder):
    source = (folder / "baseline.py").read_text(encoding="utf-8")
    source += (
        "\n\ndef batch_mean_baseline(returns):\n    return returns.mean().expand_as(returns)\n"
    )
    source = source.replace('raise NotImplementedError("batch_mean_baseline")', "pass")
    (folder / "baseline.py").write_text(source, encoding="utf-8")
    run = _submit(folder)
    assert run.returncode == 0, run.stderr
    [line] = [line for line in run.stdout.splitlines() if line.startswith("Still to do")]
    assert "policy_gradient_loss, RunningMeanBaseline" in line
    assert "optimal_baseline (bonus)" in line
    assert "batch_mean_baseline" not in line
    assert (folder / "submission.zip").exists()


def test_a_question_that_was_deleted_is_still_to_do(folder):
    (folder / "baseline.py").write_text("import torch\n", encoding="utf-8")
    assert "RunningMeanBaseline" in _submit(folder).stdout


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda file: file.unlink(), "baseline.py is not here"),
        (
            lambda file: file.write_bytes("# é".encode("utf-16")),
            "baseline.py is not saved as UTF-8",
        ),
        (lambda file: file.write_text("x = 1\ndef f(:\n"), "baseline.py, line 2"),
        (lambda file: file.write_text("x = 1\x00"), "baseline.py, line"),
    ],
    ids=["missing", "encoding", "syntax", "null byte"],
)
def test_what_cannot_be_graded_is_not_packed(folder, spoil, words):
    spoil(folder / "baseline.py")
    run = _submit(folder)
    assert run.returncode == 1
    assert words in run.stderr
    assert "Traceback" not in run.stderr
    assert not (folder / "submission.zip").exists()


def test_without_its_list_of_files_the_way_out_is_said(folder):
    (folder / "homework.json").unlink()
    run = _submit(folder)
    assert (run.returncode, "homework.json is not here" in run.stderr) == (1, True)


def test_it_speaks_the_course_s_language(folder):
    chinese = COURSE.model_copy(update={"language": "zh"})
    _write(student_files(chinese, HW1), folder)
    run = _submit(folder)
    assert run.returncode == 0, run.stderr
    assert "以下题目尚未完成" in run.stdout


def test_without_otter_the_way_out_is_said(folder):
    (folder / "otter.py").write_text("raise ModuleNotFoundError('otter')\n", encoding="utf-8")
    run = _submit(folder)
    assert (run.returncode, "requirements.txt" in run.stderr) == (1, True)
    assert not (folder / "submission.zip").exists()
