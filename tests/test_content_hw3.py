"""hw3 as a student meets it: public tests, given support module, training script."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import gymnasium
import numpy as np
import pytest
import torch
from torch.multiprocessing import ProcessRaisedException

from autograder.course import Course
from autograder.grading.check import Mismatch
from autograder.grading.grader import reference_files
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.release.strip import strip
from autograder.suites.scripted_env import ScriptedEnv

ROOT = Path(__file__).resolve().parents[1]
HW3 = Course.load(ROOT / "grading.yml").assignment("hw3_a3c")
FILES = reference_files(HW3)


@pytest.fixture(scope="module")
def hw3():
    """The master and the support module."""
    return LocalStudent(FILES)


# --- public tests -----------------------------------------------------------------------------------------------


def failures(sources, monkeypatch, questions=None):
    """Run the public tests over these files: test's name → its error or None."""
    for file in ("a3c_support.py", "worker.py"):
        module = ModuleType(Path(file).stem)
        monkeypatch.setitem(sys.modules, module.__name__, module)
        exec(compile(sources[file], file, "exec"), module.__dict__)
    path = HW3.content_dir / "tests" / "test_worker.py"
    scope = {"__name__": path.stem}
    exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
    outcome = {}
    for test, function in list(scope.items()):  # a warning adds a name
        if test.startswith("test_") and (questions is None or any(q in test for q in questions)):
            try:
                function()
                outcome[test] = None
            except Exception as error:
                outcome[test] = error
    return outcome


def test_master_passes_every_public_test(monkeypatch):
    outcome = failures(FILES, monkeypatch)
    assert outcome and not any(outcome.values()), outcome


def test_starter_fails_every_public_test_and_names_the_question(monkeypatch):
    outcome = failures({**FILES, "worker.py": strip(FILES["worker.py"])}, monkeypatch)
    for question in HW3.questions:
        mine = {test: error for test, error in outcome.items() if question.name in test}
        assert mine, f"{question.name} has no public test"
        for error in mine.values():
            assert isinstance(error, NotImplementedError)
            assert str(error) == {"LSTMA3CWorker": "A3CWorker"}.get(question.name, question.name)


def test_accepted_equivalents_pass_every_public_test(monkeypatch):
    for variant in read_variants(HW3.suite_dir / "equivalents.py"):
        outcome = failures(variant.files(FILES, "worker.py"), monkeypatch)
        assert not any(outcome.values()), (variant.name, outcome)


def test_public_tests_catch_most_known_mistakes(monkeypatch):
    known = read_variants(HW3.suite_dir / "mistakes.py")
    for question in {variant.question for variant in known}:
        mine = [variant for variant in known if variant.question == question]
        caught = [
            variant
            for variant in mine
            if any(failures(variant.files(FILES, "worker.py"), monkeypatch, [question]).values())
        ]
        missed = {variant.name for variant in mine} - {variant.name for variant in caught}
        assert len(caught) >= 0.6 * len(mine), (question, missed)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_handout_has_a_heading_for_every_question_with_its_points(language):
    text = (HW3.content_dir / f"handout.{language}.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## `(\w+)`\D*(\d+)", text, re.MULTILINE)
    assert headings == [(q.name, f"{q.points:.0f}") for q in HW3.questions]


# --- a3c_support ------------------------------------------------------------------------------------------------


def add_to_state(optimizer):
    for state in optimizer.state.values():
        for tensor in state.values():
            tensor += 1


@pytest.mark.parametrize(
    ("shared", "plain", "options"),
    [
        ("SharedAdam", torch.optim.Adam, {"lr": 0.01}),
        ("SharedRMSprop", torch.optim.RMSprop, {"lr": 0.01, "alpha": 0.9, "eps": 1e-3}),
    ],
)
def test_shared_optimizers_are_torch_s_with_their_state_in_shared_memory(
    hw3, shared, plain, options
):
    networks = [hw3.ActorCritic(3, 2, 4) for _ in range(2)]
    networks[1].load_state_dict(networks[0].state_dict())
    optimizers = [
        make(network.parameters(), **options)
        for make, network in zip((getattr(hw3, shared), plain), networks, strict=True)
    ]
    for _ in range(4):
        for network, optimizer in zip(networks, optimizers, strict=True):
            for i, parameter in enumerate(network.parameters()):
                parameter.grad = torch.full_like(parameter, 0.1 * (i + 1))
            optimizer.step()
    for one, other in zip(*(network.parameters() for network in networks), strict=True):
        assert torch.equal(one, other)

    context = torch.multiprocessing.get_context("fork")
    process = context.Process(target=add_to_state, args=(optimizers[0],))
    process.start()
    process.join()
    assert process.exitcode == 0
    for one, other in zip(*(o.state.values() for o in optimizers), strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert torch.equal(one[name], other[name] + 1), f"{name} is not shared"


def test_sample_action_draws_from_the_softmax(hw3):
    generator, logits = torch.Generator().manual_seed(0), torch.tensor([0.0, 2.0, -1.0])
    drawn = np.bincount([hw3.sample_action(logits, generator) for _ in range(4000)], minlength=3)
    assert drawn / 4000 == pytest.approx(logits.softmax(-1).numpy(), abs=0.03)


class Short(gymnasium.Env):
    """Episodes of one step."""

    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def reset(self, *, seed=None, options=None):
        return np.zeros(4, np.float32), {}

    def step(self, action):
        return np.zeros(4, np.float32), 1.0, True, False, {}


class Hasty:
    """A worker that only plays."""

    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.env, self.step_counter, self.config = env, step_counter, config

    def run(self):
        self.env.reset()
        for _ in range(self.config.max_steps):
            self.env.step(0)


def test_train_a3c_ends_though_nobody_asks_for_progress(hw3):
    """10,000 episodes are more than a pipe holds."""
    model = hw3.ActorCritic(4, 2, 8)
    config, optimizer = hw3.A3CConfig(max_steps=10_000), hw3.SharedAdam(model.parameters())
    hw3.train_a3c(Short, config, 1, Hasty, model, optimizer)


class Unlucky:
    """A worker that fails after its first rollout."""

    def __init__(self, rank, shared_model, optimizer, env, step_counter, config):
        self.env = env

    def run(self):
        self.env.reset()
        self.env.step(0)
        raise NotImplementedError("A3CWorker")


def test_networks_take_vectors_small_images_and_atari_s(hw3):
    for shape in (3, (4, 10, 10), (4, 84, 84)):
        obs = torch.zeros(2, *(shape if isinstance(shape, tuple) else (shape,)))
        logits, values = hw3.ActorCritic(shape, 6, 8)(obs)
        assert (logits.shape, values.shape) == ((2, 6), (2,))
        logits, values, memory = hw3.LSTMActorCritic(shape, 6, 8)(obs)
        assert (logits.shape, values.shape) == ((2, 6), (2,))
        assert [part.shape for part in memory] == [(1, 8), (1, 8)]


def test_memory_of_the_lstm_is_all_that_it_needs_of_the_past(hw3):
    network, obs = hw3.LSTMActorCritic(3, 2, 8), torch.randn(5, 3)
    whole = network(obs)
    _, _, memory = network(obs[:2])
    for one, part in zip(whole[:2], network(obs[2:], memory)[:2], strict=True):
        torch.testing.assert_close(one[2:], part)


def test_hidden_velocities(hw3):
    env = hw3.HideVelocities(gymnasium.make("CartPole-v1"))
    observation, _ = env.reset(seed=0)
    position, _, angle, _ = env.unwrapped.state
    assert observation == pytest.approx([position / 2.4, angle / 0.21])
    assert env.observation_space.contains(observation)


def small_run(hw3, worker_class, workers=2, **changes):
    config = hw3.A3CConfig(max_steps=300, **changes)
    model = hw3.ActorCritic(4, 2, 8)
    before = [p.detach().clone() for p in model.parameters()]
    seen = []
    steps = hw3.train_a3c.__wrapped__(  # as it is, with the exceptions that it raises
        functools.partial(gymnasium.make, "CartPole-v1"),
        config,
        workers,
        worker_class,
        model,
        hw3.SharedAdam(model.parameters()),
        lambda steps, episodes: seen.append((steps, episodes)),
    )
    moved = all(not torch.equal(b, p) for b, p in zip(before, model.parameters(), strict=True))
    return steps, seen, moved


def test_train_a3c_trains_the_shared_model_with_two_processes(hw3):
    steps, seen, moved = small_run(hw3, hw3.A3CWorker)
    assert 300 <= steps < 300 + 2 * hw3.A3CConfig().t_max
    assert moved
    assert seen[-1][0] == steps
    lengths = [length for _, episodes in seen for _, length in episodes]
    assert lengths and sum(lengths) <= steps, "every finished episode is reported once"


def test_an_error_in_a_worker_surfaces_with_its_traceback(hw3):
    with pytest.raises(ProcessRaisedException, match=r"(?s)in run.*NotImplementedError: A3CWorker"):
        small_run(hw3, Unlucky)


# --- the scripted environment -----------------------------------------------------------------------------------


def scripted():
    episodes = ((2, "terminated"), (1, "truncated"), (1, "both"))
    return ScriptedEnv(np.random.default_rng(0), episodes, obs_dim=3, n_actions=2)


def test_scripted_environment_plays_its_script_and_notes_what_is_done():
    env, flags = scripted(), []
    env.reset(seed=4)
    for action in (1, 0):
        flags.append(env.step(action)[2:4])
    for _ in range(2):
        env.reset()
        flags.append(env.step(1)[2:4])
    assert flags == [(False, False), (True, False), (False, True), (True, True)]
    assert env.events[:4] == [("reset", 4), ("step", 1), ("step", 0), ("reset", None)]


def test_scripted_environment_refuses_steps_without_reset():
    with pytest.raises(Mismatch, match="before its first reset"):
        scripted().step(0)


def test_another_action_shows_in_what_follows():
    one, other = scripted(), scripted()
    one.reset()
    other.reset()
    (seen, reward, *_), (other_seen, other_reward, *_) = one.step(0), other.step(1)
    assert reward != other_reward and not np.array_equal(seen, other_seen)


# --- training ---------------------------------------------------------------------------------------------------


def bundle(tmp_path, starter=False):
    """The folder of a student who has finished, or not begun."""
    shutil.copytree(HW3.content_dir, tmp_path, dirs_exist_ok=True)
    text = FILES["worker.py"]
    (tmp_path / "worker.py").write_text(strip(text) if starter else text, encoding="utf-8")
    return tmp_path


def train(folder, *options):
    command = [sys.executable, "train.py", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)


@pytest.mark.slow
def test_training_says_what_is_missing(tmp_path):
    done = train(bundle(tmp_path, starter=True))
    assert done.returncode == 1
    assert "A3CWorker is not implemented yet" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a3c_solves_cartpole_with_two_workers(tmp_path):
    folder = bundle(tmp_path)
    done = train(folder, "--workers", "2", "--out", "run")
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "run" / "config.json").read_text())
    assert record["evaluation_mean_return"] >= 475
    assert {"curve.csv", "curve.png", "model.pt"} <= {p.name for p in (folder / "run").iterdir()}


@pytest.mark.slow
def test_a_memory_helps_where_velocities_are_hidden(tmp_path):
    folder, returns = bundle(tmp_path), {}
    for name, options in {"feed-forward": [], "lstm": ["--lstm", "--t-max", "100"]}.items():
        options += ["--hide-velocities", "--steps", "100000", "--out", name]
        done = train(folder, *options)
        assert done.returncode == 0, done.stderr
        record = json.loads((folder / name / "config.json").read_text())
        returns[name] = record["evaluation_mean_return"]
    assert returns["lstm"] > 1.5 * returns["feed-forward"]


@pytest.mark.slow
@pytest.mark.parametrize("lstm", [[], ["--lstm"]])
def test_atari_starts_to_train(lstm, tmp_path):
    pytest.importorskip("ale_py")
    folder = bundle(tmp_path)
    options = ["--env", "ALE/Pong-v5", "--steps", "2000", "--episodes", "1", "--out", "run"]
    done = train(folder, *options, *lstm)
    assert done.returncode == 0, done.stderr
    record = json.loads((folder / "run" / "config.json").read_text())
    assert record["steps"] >= 2000
    assert -21 <= record["evaluation_mean_return"] <= 21


@pytest.mark.slow
def test_spawned_processes_train_too(tmp_path):
    """What macOS and Windows do."""
    folder = bundle(tmp_path)
    support = (folder / "a3c_support.py").read_text(encoding="utf-8")
    spawning = support.replace('"fork" if sys.platform == "linux" else "spawn"', '"spawn"')
    assert spawning != support
    (folder / "a3c_support.py").write_text(spawning, encoding="utf-8")
    done = train(folder, "--steps", "2000", "--out", "run")
    assert done.returncode == 0, done.stderr
    assert json.loads((folder / "run" / "config.json").read_text())["steps"] >= 2000


@pytest.mark.slow
def test_ctrl_c_ends_every_worker(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "train.py", "--steps", "100000000"],
        cwd=bundle(tmp_path),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in iter(lambda: process.stderr.read(1), ""):
        if line == "%":  # the progress bar is drawn: training is on its way
            break
    time.sleep(3)
    os.killpg(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "every worker has ended" in stderr and "Traceback" not in stderr
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
