"""hw0 and hw1 as a student meets them: public tests, starter, training scripts."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from autograder.course import Course
from autograder.grading.grader import reference_files
from autograder.grading.variants import read_variants
from autograder.release.strip import strip

ROOT = Path(__file__).resolve().parents[1]
COURSE = Course.load(ROOT / "grading.yml")
HOMEWORKS = ["hw0_value_review", "hw1_policy_gradient"]


def failures(name, sources, monkeypatch):
    """Run the public tests of an assignment over these files: test's name → its error or None."""
    outcome = {}
    for file, text in sources.items():
        module = ModuleType(Path(file).stem)
        exec(compile(text, file, "exec"), module.__dict__)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    for path in sorted((COURSE.assignment(name).content_dir / "tests").glob("test_*.py")):
        scope = {"__name__": path.stem}
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
        for test, function in scope.items():
            if test.startswith("test_"):
                try:
                    function()
                    outcome[test] = None
                except Exception as error:
                    outcome[test] = error
    return outcome


@pytest.mark.parametrize("name", HOMEWORKS)
def test_master_passes_every_public_test(name, monkeypatch):
    outcome = failures(name, reference_files(COURSE.assignment(name)), monkeypatch)
    assert outcome and not any(outcome.values()), outcome


@pytest.mark.parametrize("name", HOMEWORKS)
def test_starter_fails_every_public_test_and_names_the_question(name, monkeypatch):
    assignment = COURSE.assignment(name)
    starter = {file: strip(text) for file, text in reference_files(assignment).items()}
    outcome = failures(name, starter, monkeypatch)
    for question in assignment.questions:
        mine = {test: error for test, error in outcome.items() if question.name in test}
        assert mine, f"{question.name} has no public test"
        for error in mine.values():
            assert isinstance(error, NotImplementedError)
            assert str(error) == question.name


@pytest.mark.parametrize("name", HOMEWORKS)
def test_public_tests_catch_most_known_mistakes(name, monkeypatch):
    assignment = COURSE.assignment(name)
    files, file_of = reference_files(assignment), {q.name: q.file for q in assignment.questions}
    for question in assignment.questions:
        known = [
            variant
            for variant in read_variants(assignment.suite_dir / "mistakes.py")
            if variant.question == question.name
        ]
        caught = [
            variant
            for variant in known
            if any(
                failures(name, variant.files(files, file_of[question.name]), monkeypatch).values()
            )
        ]
        assert len(caught) >= 0.6 * len(known), question.name


@pytest.mark.parametrize("name", HOMEWORKS)
def test_accepted_equivalents_pass_every_public_test(name, monkeypatch):
    assignment = COURSE.assignment(name)
    files, file_of = reference_files(assignment), {q.name: q.file for q in assignment.questions}
    for variant in read_variants(assignment.suite_dir / "equivalents.py"):
        sources = variant.files(files, file_of[variant.question])
        outcome = failures(name, sources, monkeypatch)
        assert not any(outcome.values()), (variant.name, outcome)


def bundle(name, tmp_path, starter=False):
    """The folder of a student who has finished, or not begun."""
    assignment = COURSE.assignment(name)
    shutil.copytree(assignment.content_dir, tmp_path, dirs_exist_ok=True)
    for file, text in reference_files(assignment).items():
        (tmp_path / file).write_text(strip(text) if starter else text, encoding="utf-8")
    return tmp_path


def train(folder, *options):
    command = [sys.executable, "train.py", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "question"),
    [("hw0_value_review", "q_learning_update"), ("hw1_policy_gradient", "trajectory_returns")],
)
def test_training_says_what_is_missing(name, question, tmp_path):
    done = train(bundle(name, tmp_path, starter=True))
    assert done.returncode == 1
    assert f"{question} is not implemented yet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("baseline", ["mean", "value"])
def test_reinforce_solves_cartpole(baseline, tmp_path):
    folder = bundle("hw1_policy_gradient", tmp_path)
    done = train(folder, "--baseline", baseline, "--seed", "1")
    assert done.returncode == 0, done.stderr
    run = folder / "runs" / f"{baseline}-seed1"
    assert json.loads((run / "config.json").read_text())["results"]["evaluation"] >= 475
    assert {"curve.csv", "curve.png"} <= {path.name for path in run.iterdir()}


@pytest.mark.slow
def test_every_baseline_is_compared(tmp_path):
    folder = bundle("hw1_policy_gradient", tmp_path)
    done = train(folder, "--compare", "--compare-seeds", "1", "--compare-iterations", "4")
    assert done.returncode == 0, done.stderr
    lines = (folder / "runs" / "compare" / "curve.csv").read_text().splitlines()
    assert len(lines) == 1 + 4 * 4


@pytest.mark.slow
def test_sarsa_walks_further_from_the_cliff(tmp_path):
    folder = bundle("hw0_value_review", tmp_path)
    done = train(folder)
    assert done.returncode == 0, done.stderr
    results = json.loads((folder / "runs" / "config.json").read_text())["results"]
    assert results["SARSA_path_length"] > results["Q-learning_path_length"] == 13
    assert results["SARSA_mean_return"] > results["Q-learning_mean_return"]
    assert results["error_of_TD(0)"] < 0.02
    assert results["error_of_Monte Carlo"] < 0.02
