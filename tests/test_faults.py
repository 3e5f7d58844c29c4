"""Whatever breaks off a grading, the same command ends with the bytes of an undisturbed run."""

from __future__ import annotations

import ctypes
import os
import random
import shlex
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from itertools import zip_longest
from pathlib import Path

import psutil
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
HOMEWORK = "hw1_doubling"
SUBREAPER = 36

GRADING = """
title: {en: Doubling, zh: 加倍}
isolation_floor: minimal
limits: {cpu_seconds: 1, total_cpu_seconds: 4, memory_mb: 512, processes: 8, disk_mb: 8, output_kb: 64}
assignments:
  hw1_doubling:
    title: {en: Doubling, zh: 加倍}
    files: [doubling.py]
    questions:
      double: {file: doubling.py, points: 40}
      total: {file: doubling.py, points: 60}
"""
MASTER = """
import torch

def double(x):
    return 2 * x

def total(x):
    return double(x).sum()
"""
SUITE = '''
import pytest
from autograder.grading import check
from autograder.suites.inputs import normal


@pytest.mark.question("double", gate=True)
def test_double(student, reference, rng):
    """Twice the input."""
    for n in range(1, 30):
        x = normal(rng, n, grad=True)
        check.same(student.double(x), reference.double(x))
        check.same_gradient(student.double(x), reference.double(x), x)


@pytest.mark.question("total", gate=True)
def test_total(student, reference, rng):
    """The sum of it."""
    x = normal(rng, 5)
    check.same(student.total(x), reference.total(x))
'''
MISTAKES = """
from autograder.grading.variants import mistake

@mistake("double", en="Two, not three.", zh="是二，不是三。")
def triple(x):
    return 3 * x
"""
UNDONE = "\ndef {0}(x):\n    raise NotImplementedError('{0}')\n"
CLASS = {
    "ada": MASTER,
    "blaise": MASTER.replace("2 * x", "3 * x"),
    "carl": MASTER.replace("double(x).sum()", "double(x).mean()"),
    "daniel": "import torch\n" + UNDONE.format("double") + UNDONE.format("total"),
    "emmy": MASTER.replace("2 * x", "x + x"),
    "felix": "import nothing_of_the_kind\n",
    "grace": MASTER.replace("double(x).sum()", "print('hello') or sum(double(x))"),
    "henri": MASTER.replace("return double(x).sum()", "import os\n    os._exit(3)"),
}
SLOW_CLASS = {
    "isaac": MASTER.replace("return double(x).sum()", "while True: pass"),
    "jacob": MASTER.replace(
        "return double(x).sum()", "hoard = [bytearray(1 << 24) for _ in range(10**6)]"
    ),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("course")
    files = {
        "grading.yml": GRADING,
        f"solutions/{HOMEWORK}/doubling.py": MASTER,
        f"assignments/{HOMEWORK}/README.md": "",
        f"autograder/suites/{HOMEWORK}/test_doubling.py": SUITE,
        f"autograder/suites/{HOMEWORK}/mistakes.py": MISTAKES,
        **{f"class/{student}/doubling.py": text for student, text in CLASS.items()},
        **{f"slow/{student}/doubling.py": text for student, text in SLOW_CLASS.items()},
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(textwrap.dedent(text))
    return root


class Grading:
    """A run of the command that may be disturbed."""

    def __init__(
        self,
        course: Path,
        out: Path,
        *,
        jobs: int = 2,
        classes: tuple[str, ...] = ("class",),
        more: tuple[str, ...] = (),
    ) -> None:
        ctypes.CDLL(None).prctl(SUBREAPER, 1, 0, 0, 0)  # orphans become ours, and are seen
        command = [
            sys.executable,
            "-m",
            "autograder",
            "--course",
            str(course / "grading.yml"),
            "grade",
            "hw1",
        ]
        self.process = subprocess.Popen(
            [
                *command,
                *(str(course / name) for name in classes),
                "--out",
                str(out),
                "--jobs",
                str(jobs),
                *more,
            ],
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            cwd=course,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def wait(self) -> int:
        self.out, self.err = self.process.communicate(timeout=600)
        return self.process.returncode

    def descendants(self) -> list[psutil.Process]:
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


def undisturbed(course: Path, out: Path, **more: object) -> dict[str, bytes]:
    run = Grading(course, out, **more)  # type: ignore[arg-type]
    assert run.wait() == 0, run.err
    return content(out)


def content(out: Path) -> dict[str, bytes]:
    """Everything but the times, which lie in files of their own."""
    files = (
        path for path in out.rglob("*") if path.is_file() and not path.name.endswith(".time.json")
    )
    return {str(path.relative_to(out)): path.read_bytes() for path in files}


def differences(one: dict[str, bytes], other: dict[str, bytes]) -> list[str]:
    """The first line that differs of each file that differs."""
    found = []
    for name in sorted(one.keys() | other.keys()):
        lines = zip_longest(*(files.get(name, b"").splitlines() for files in (one, other)))
        found += [f"{name}: {a!r} {b!r}"[:400] for a, b in lines if a != b][:1]
    return found


@pytest.fixture(scope="module")
def expected(course: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return undisturbed(course, tmp_path_factory.mktemp("expected") / "out")


@pytest.fixture(scope="module")
def seconds(
    course: Path, expected: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> float:
    """How long an undisturbed run takes on this machine, now."""
    begun = time.monotonic()
    undisturbed(course, tmp_path_factory.mktemp("timed") / "out")
    return time.monotonic() - begun


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    me = psutil.Process()
    before = set(me.children(recursive=True))
    yield
    left = [p for p in me.children(recursive=True) if p not in before]
    _, alive = psutil.wait_procs(left, timeout=30)
    assert [p for p in alive if p.status() != psutil.STATUS_ZOMBIE] == []


def test_a_broken_off_run_is_completed_by_the_same_command(
    course: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    run = Grading(course, tmp_path / "out", jobs=1)
    while not list((tmp_path / "out").glob("*/result.json")) and run.process.poll() is None:
        time.sleep(0.02)
    os.kill(run.process.pid, signal.SIGKILL)
    run.wait()
    done = {path for path in content(tmp_path / "out") if path.endswith("result.json")}
    kept = {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in done}
    assert differences(undisturbed(course, tmp_path / "out"), expected) == []
    assert kept == {path: (tmp_path / "out" / path).stat().st_mtime_ns for path in done}


def test_shares_on_a_cluster_and_what_a_failed_one_left_give_the_same_bytes(
    course: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    out, ran = tmp_path / "out", tmp_path / "ran"
    second_fails = f'echo "$*" >> {ran}; case "$*" in *2/2) echo no node; exit 3;; esac; exec "$@"'
    run = Grading(course, out, more=("--scheduler", shlex.join(["sh", "-c", second_fails, "node"])))
    assert run.wait() == 0, run.err
    assert sorted(line[-3:] for line in ran.read_text().splitlines()) == ["1/2", "2/2"]
    assert "Share 2/2 ended with exit code 3" in run.err and "share-2.txt says why" in run.err
    log = out / "_log" / "share-2.txt"
    assert log.read_text() == "no node\n"
    log.unlink()
    assert differences(content(out), expected) == []


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ctrl_c_at_random_moments(
    course: Path, expected: dict[str, bytes], seconds: float, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    for _ in range(4):
        run = Grading(course, tmp_path / "out")
        time.sleep(draw.uniform(0.1, 1.0) * seconds)
        os.killpg(run.process.pid, signal.SIGINT)
        assert run.wait() in (0, 130, -signal.SIGINT), run.err
    assert differences(undisturbed(course, tmp_path / "out"), expected) == []


def kill_the_grader(run: Grading) -> bool:
    os.kill(run.process.pid, signal.SIGKILL)
    return True


def kill_one(wanted: Callable[[psutil.Process], bool]) -> Callable[[Grading], bool]:
    """Kill one descendant of the grader that looks as wanted, if there is one by now."""

    def kill(run: Grading) -> bool:
        for process in run.descendants():
            try:
                if wanted(process):
                    process.kill()
                    return True
            except psutil.NoSuchProcess:
                continue
        return False

    return kill


def _is_template(process: psutil.Process) -> bool:
    return "autograder.sandbox.template" in " ".join(process.cmdline())


def _depth(process: psutil.Process) -> int:
    """0 for the exec'd sentry, 1 for the fork server, 2 for a sandbox."""
    return sum(map(_is_template, process.parents()))


TARGETS = {
    "grader": kill_the_grader,
    "worker": kill_one(lambda p: "grade" in p.cmdline()),
    "sentry": kill_one(lambda p: _is_template(p) and _depth(p) == 0),
    "fork server": kill_one(lambda p: _is_template(p) and _depth(p) == 1),
    "sandbox": kill_one(lambda p: _is_template(p) and _depth(p) >= 2),
}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("target", TARGETS)
def test_kill_at_a_random_moment(
    course: Path, expected: dict[str, bytes], seconds: float, tmp_path: Path, target: str, seed: int
) -> None:
    draw, out = random.Random(seed), tmp_path / "out"
    run, moment = Grading(course, out), draw.uniform(0.2, 0.7) * seconds
    time.sleep(moment)
    while not TARGETS[target](run):
        if run.process.poll() is not None:  # it was faster than the one that was timed
            assert run.wait() == 0, run.err
            shutil.rmtree(out)
            run, moment = Grading(course, out), moment / 2
            time.sleep(moment)
        time.sleep(0.02)
    run.wait()
    assert "Traceback" not in run.err
    assert differences(undisturbed(course, out), expected) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 16 KiB, to be made larger with `remount`."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", disk], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a file system cannot be mounted here")
    yield disk
    subprocess.run(["umount", disk], check=True)


def remount(disk: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", disk], check=True)


@pytest.mark.slow
def test_a_full_disk_is_told_and_survived(
    course: Path, expected: dict[str, bytes], small_disk: Path
) -> None:
    run = Grading(course, small_disk / "out")
    assert run.wait() == 1
    assert "cannot be written" in run.err and "Traceback" not in run.err
    remount(small_disk, "size=8m")
    assert differences(undisturbed(course, small_disk / "out"), expected) == []


@pytest.mark.slow
def test_a_read_only_output_is_told_and_survived(
    course: Path, expected: dict[str, bytes], small_disk: Path
) -> None:
    remount(small_disk, "ro")
    run = Grading(course, small_disk / "out")
    assert run.wait() == 1
    assert "cannot be written" in run.err or "Read-only file system" in run.err
    assert "Traceback" not in run.err
    remount(small_disk, "rw,size=8m")
    assert differences(undisturbed(course, small_disk / "out"), expected) == []


@pytest.mark.slow
def test_damaged_results_are_made_anew(
    course: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    undisturbed(course, tmp_path / "out")
    for student, damage in zip(
        CLASS, (b"", b"{", b"[]", b"null", b'{"student": "ada"}', b"\xff", b"0" * 10**6)
    ):
        (tmp_path / "out" / student / "result.json").write_bytes(damage)
    shutil.rmtree(tmp_path / "out" / "henri")
    assert differences(undisturbed(course, tmp_path / "out"), expected) == []


@pytest.mark.slow
def test_many_jobs_give_the_bytes_of_one(course: Path, tmp_path: Path) -> None:
    classes = ("class", "slow")
    one = undisturbed(course, tmp_path / "one", jobs=1, classes=classes)
    many = undisturbed(course, tmp_path / "many", jobs=8, classes=classes)
    assert len(one) > len(CLASS) + len(SLOW_CLASS)
    assert differences(many, one) == []
