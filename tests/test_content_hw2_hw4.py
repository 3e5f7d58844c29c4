"""hw2 and hw4 as a student meets them: public tests, starter, scripts."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

from autograder.course import Course
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.release.strip import strip
from autograder.suites.networks import Probed, both, close, holds_any, only

COURSE = Course.find(os.path.dirname(__file__))
HW2, HW4 = COURSE.assignment("hw2"), COURSE.assignment("hw4")
BOTH = pytest.mark.parametrize("assignment", [HW2, HW4], ids=["hw2", "hw4"])
SCRIPTS = {
    "importance_variance.py": ["--games", "200"],
    "natural_vs_plain.py": ["--updates", "20"],
    "replay_buffer.py": ["--runs", "1", "--updates", "40"],
    "gradient_free_vs_reinforce.py": ["--total-steps", "2000"],
}


def bundle(assignment, folder, starter=False):
    """The folder of a student who has finished, or not begun."""
    shutil.copytree(assignment.content_dir, folder, dirs_exist_ok=True)
    for file, text in reference_files(assignment).items():
        (folder / file).write_text(strip(text) if starter else text, encoding="utf-8")
    return folder


def python(folder, *command):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )


def public_tests(folder):
    """Names of the public tests → whether they passed."""
    done = python(folder, "-m", "pytest", "-c", os.devnull, "--rootdir", ".", "-rA", "-q", "tests")
    found = re.findall(r"^(PASSED|FAILED|ERROR) \S+::(\S+)", done.stdout, flags=re.MULTILINE)
    return {name: status == "PASSED" for status, name in found}


@BOTH
def test_master_passes_every_public_test_and_the_starter_none(assignment, tmp_path):
    finished = public_tests(bundle(assignment, tmp_path / "finished"))
    assert all(finished.values())
    begun = public_tests(bundle(assignment, tmp_path / "begun", starter=True))
    assert begun.keys() == finished.keys() and not any(begun.values())
    for question in assignment.questions:
        assert any(question.name in name for name in finished), (
            f"{question.name} has no public test"
        )


@BOTH
def test_handouts_have_a_heading_for_every_question(assignment):
    for language in ("en", "zh"):
        text = (assignment.content_dir / f"handout.{language}.md").read_text(encoding="utf-8")
        headings = re.findall(r"^## (\w+)$", text, flags=re.MULTILINE)
        questions = [q.name for q in assignment.questions]
        assert [heading for heading in headings if heading in questions] == questions


@BOTH
def test_starter_says_what_to_do_once_a_question(assignment):
    starter = "\n".join(strip(text) for text in reference_files(assignment).values())
    for question in assignment.questions:
        assert len(re.findall(rf"# TODO {question.name}\b", starter)) == 1, question.name


@pytest.mark.parametrize("question", ["SeparateActorCritic", "SharedActorCritic"])
def test_probing_does_not_depend_on_how_a_network_was_initialised(question, rng_of_test):
    files = reference_files(HW2)
    for variant in read_variants(HW2.suite_dir / "equivalents.py"):
        if variant.question == question:
            make = getattr(LocalStudent(variant.files(files, "actor_critic.py")), question)
            for seed in range(5):
                torch.manual_seed(seed)
                network = Probed(make(3, 4, 16), 3, 12, rng_of_test)
                by_logits, by_values = network.trained_by(0), network.trained_by(1)
                assert holds_any(both(by_logits, by_values)) == (question == "SharedActorCritic")
                logits, values = network.outputs()
                moved = network.outputs_after(network.move(only(by_values, by_logits)))
                assert close(moved[0], logits) and not close(moved[1], values)


@pytest.fixture
def rng_of_test():
    return np.random.default_rng(0)


@pytest.mark.slow
@pytest.mark.parametrize("network", ["shared", "separate"])
def test_a2c_solves_cartpole(network, tmp_path):
    folder = bundle(HW2, tmp_path)
    done = python(folder, "train.py", "--network", network, "--seed", "1")
    assert done.returncode == 0, done.stderr
    (run,) = (folder / "runs").iterdir()
    assert (run / "learning_curve.png").stat().st_size > 5_000
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))
    assert config["network"] == network and config["evaluation_mean_return"] >= 475
    with open(run / "learning_curve.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert float(rows[-1]["mean_return"]) > float(rows[0]["mean_return"])


@pytest.mark.slow
def test_a2c_trains_with_generalized_advantages(tmp_path):
    folder = bundle(HW2, tmp_path)
    done = python(folder, "train.py", "--gae-lambda", "0.9", "--total-steps", "20000")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_training_says_what_is_missing(tmp_path):
    done = python(bundle(HW2, tmp_path, starter=True), "train.py")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "`SharedActorCritic`, which is not implemented yet" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS)
def test_scripts_draw_and_say_what_is_missing(script, tmp_path):
    finished = bundle(HW4, tmp_path / "finished")
    done = python(finished, script, *SCRIPTS[script])
    assert done.returncode == 0, done.stderr
    picture = finished / script.replace(".py", ".png")
    assert picture.name in done.stdout and picture.stat().st_size > 5_000

    done = python(bundle(HW4, tmp_path / "begun", starter=True), script)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "not implemented yet" in done.stderr
