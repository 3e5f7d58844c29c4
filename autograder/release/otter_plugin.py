"""Otter's plugin: the grade comes from our engine and its sandbox.

Before otter opens anything that a student wrote, all of it is put aside, so that no code of a student
runs in otter's process or kernel and no log of a student is unpickled. Our own engine grades it; otter
then executes an empty notebook and writes the results that we hand it. Whatever goes wrong on the way
gives 0 points and a sentence, never somebody's old results.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import traceback
import zipfile
from pathlib import Path
from typing import Any

import nbformat
from otter.plugins import AbstractOtterPlugin
from otter.test_files import GradingResults

from autograder.course import FILE_NAME, Assignment, Course
from autograder.grading.results import QuestionResult, SubmissionResult, read_results

STAND_IN = "stand_in.ipynb"  # what otter believes to be the submission

_FAILED = {
    "en": "The autograder itself failed, so there are no points yet. This is not your fault: "
    "please tell your instructor.",
    "zh": "自动评分程序本身出错，暂时没有得分。这不是你的问题，请联系任课教师。",
}
_PASSED = {"en": "{} of {} tests passed.", "zh": "通过 {}/{} 项测试。"}
_READ = {
    "en": "Your submission could be read and was graded.",
    "zh": "提交的文件可以读取，已完成评分。",
}


class SandboxPlugin(AbstractOtterPlugin):
    """Grades with `autograder grade`; otter is the frame around it.

    Its configuration names the `assignment`, the `language`, and the points of each of its `questions`.
    """

    def before_grading(self, config: Any) -> None:
        self.output = gradescope_output(Path(self.submission_path).parents[1], self.plugin_config)

    def before_execution(self, submission: Any) -> nbformat.NotebookNode:
        return nbformat.v4.new_notebook()

    def after_grading(self, results: GradingResults) -> None:
        results.__class__ = _OurResults
        results.our_output = self.output


class _OurResults(GradingResults):
    def to_gradescope_dict(self, ag_config: Any) -> dict[str, Any]:
        return self.our_output


def plugin_config(course: Course, assignment: Assignment) -> dict[str, Any]:
    """All that the plugin must know to say that it failed."""
    return {
        "assignment": assignment.name,
        "language": course.language,
        "questions": {question.name: question.points for question in assignment.questions},
    }


def main(autograder_dir: str) -> None:
    """What runs on Gradescope: results that give nothing, then otter, which may replace them."""
    from otter.run.run_autograder import main as run_otter

    folder = Path(autograder_dir)
    [plugin] = json.loads((folder / "source" / "otter_config.json").read_text())["plugins"]
    [config] = plugin.values()
    results = folder / "results" / "results.json"
    results.write_text(json.dumps(_failure(config, "otter wrote no results")))
    _put_aside(folder)
    try:
        run_otter(autograder_dir)
    except Exception:  # the results that give nothing stand already
        traceback.print_exc()


def gradescope_output(autograder_dir: Path, config: dict[str, Any]) -> dict[str, Any]:
    """Gradescope's results of the submission in `autograder_dir`; never raises."""
    try:
        handed_in = _put_aside(autograder_dir, ours=(STAND_IN, "tests"))
        course = Course.load(autograder_dir / "source" / "trusted" / FILE_NAME)
        return _output(_grade(handed_in, course, config["assignment"]), config["language"])
    except Exception:  # fail closed, whatever it was
        return _failure(config, traceback.format_exc())


def _put_aside(autograder_dir: Path, ours: tuple[str, ...] = ()) -> Path:
    """Moves what the student handed in out of otter's way; the folder where it is now."""
    aside = autograder_dir / "handed_in"
    aside.mkdir(exist_ok=True)
    for path in (autograder_dir / "submission").iterdir():
        if path.name == "__init__.py" and (aside / path.name).exists():
            path.unlink()  # otter's own; the student's is put aside already
        elif path.name not in ours:
            shutil.move(path, aside / path.name)
    return aside


def _grade(handed_in: Path, course: Course, name: str) -> SubmissionResult:
    with tempfile.TemporaryDirectory() as folder:
        desk = Path(folder, "handed_in")  # a class of one, whatever folders are in the zip
        desk.mkdir()
        _zip(handed_in, desk / "submission.zip")
        command = [sys.executable, "-m", "autograder", "--course", str(course.path), "grade"]
        command += [name, str(desk), "--out", "results", "--jobs", "1"]
        run = subprocess.run(
            command, cwd=folder, check=False, capture_output=True, text=True, errors="replace"
        )
        results = read_results(Path(folder, "results")) if run.returncode in (0, 1) else []
        if len(results) != 1:
            raise RuntimeError(f"`{' '.join(command)}` ended with {run.returncode}:\n{run.stderr}")
        return results[0]


def _zip(folder: Path, target: Path) -> None:
    with zipfile.ZipFile(target, "w", strict_timestamps=False) as archive:
        for parent, _, names in os.walk(folder):
            for name in names:
                path = Path(parent, name)
                if path.is_file() and not path.is_symlink():
                    name = os.fsencode(path.relative_to(folder)).decode("utf-8", "replace")
                    archive.write(path, name)


def _output(result: SubmissionResult, language: str) -> dict[str, Any]:
    """One entry for the student, one a question, one a hidden test."""
    graded = result.status == "graded"
    message = result.message or _READ[language]
    entries = [
        {
            "name": "Submission",
            "status": "passed" if graded else "failed",
            "visibility": "visible",
            "output": "\n".join([message, *result.warnings]),
        }
    ]
    for question in result.questions:
        entries.append(_question_entry(question, language))
        entries += [
            {
                "name": f"{question.name}: {test.title}",
                "status": "passed" if test.status == "passed" else "failed",
                "visibility": "hidden",
                "output": test.message or test.status,
            }
            for test in question.tests
        ]
    return {
        "score": result.score,
        "stdout_visibility": "hidden",
        "extra_data": {"isolation": result.isolation, "suite_sha256": result.suite_sha256},
        "tests": entries,
    }


def _question_entry(question: QuestionResult, language: str) -> dict[str, Any]:
    passed = sum(test.status == "passed" for test in question.tests)
    hint = f"\n{question.diagnosis.hint[language]}" if question.diagnosis else ""
    return {
        "name": question.name,
        "score": question.score,
        "max_score": question.max_score,
        "status": "passed" if question.score == question.max_score else "failed",
        "visibility": "after_published",
        "output": _PASSED[language].format(passed, len(question.tests)) + hint,
    }


def _failure(config: dict[str, Any], reason: str) -> dict[str, Any]:
    """No points, a sentence for the student, and the reason for the instructor."""
    visible = {
        "name": "Autograder",
        "status": "failed",
        "visibility": "visible",
        "output": _FAILED[config["language"]],
    }
    hidden = {**visible, "name": "Reason", "visibility": "hidden", "output": reason[-10_000:]}
    questions = [
        {
            "name": name,
            "score": 0.0,
            "max_score": points,
            "status": "failed",
            "visibility": "after_published",
        }
        for name, points in config["questions"].items()
    ]
    return {"score": 0.0, "stdout_visibility": "hidden", "tests": [visible, hidden, *questions]}
