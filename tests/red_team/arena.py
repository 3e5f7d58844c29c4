"""A class full of attackers, graded by the command itself; what came out, and what was left behind."""

from __future__ import annotations

import ast
import ctypes
import hashlib
import json
import os
import re
import resource
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import yaml

from autograder.course import Course
from autograder.grading.intake import collect
from autograder.grading.names import safe_name
from autograder.sandbox.levels import REFUSED_VARIABLE
from red_team import honest
from red_team.attack import MARK, Attack

REPOSITORY = Path(__file__).resolve().parents[2]
HOMEWORK = "hw1_policy_gradient"
CANARIES = {
    "suite": "CANARY-of-the-hidden-suite-91c3",
    "reference": "CANARY-of-the-reference-77aa",
    "environment": "CANARY-of-the-environment-40fe",
    "home": "CANARY-of-the-home-folder-b8d2",
    "neighbour": honest.NEIGHBOUR_CANARY,
}
LIMITS = {
    "cpu_seconds": 1,
    "total_cpu_seconds": 6,
    "memory_mb": 512,
    "processes": 16,
    "disk_mb": 32,
    "output_kb": 256,
}
_SUBREAPER = 36
_SHARED_PLACES = ("/tmp", "/dev/shm", "/var/tmp", "/run", "/", "/root", "/home", "/etc", ".")


@dataclass
class Arena:
    """The folders of one grading.

    `course` is a copy of the repository's hw1 with canaries and small limits, `home` and `tmp` are the grader's own.
    """

    root: Path
    floor: str = "minimal"
    attacks: Sequence[Attack] = ()
    honest: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: honest.CLASS)

    def __post_init__(self) -> None:
        for name in ("course", "class", "out", "home", "tmp"):
            setattr(self, {"class": "desk"}.get(name, name), self.root / name)
        for folder in (self.desk, self.home, self.tmp):
            folder.mkdir(parents=True)
        self.known = {
            "suite": str(self.course / "autograder" / "suites" / HOMEWORK),
            "solution": str(self.course / "solutions" / HOMEWORK),
            "course": str(self.course),
            "class": str(self.desk),
            "out": str(self.out),
            "home": str(self.home),
        }
        self._copy_course()
        (self.home / ".secret").write_text(CANARIES["home"])
        for student, files in self.honest.items():
            (self.desk / student).mkdir()
            for name, text in files.items():
                (self.desk / student / name).write_text(text)
        for attack in self.attacks:
            attack.hand_in(self.desk, self.known)

    def _copy_course(self) -> None:
        suites = Path("autograder") / "suites"
        for folder in (
            suites / HOMEWORK,
            Path("solutions") / HOMEWORK,
            Path("assignments") / HOMEWORK,
        ):
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(REPOSITORY / folder, self.course / folder, ignore=ignored)
        for file in (REPOSITORY / suites).glob("*.py"):
            shutil.copy(file, self.course / suites / file.name)
        for file in (self.course / suites / HOMEWORK).glob("*.py"):
            file.write_text(file.read_text() + f'\n_CANARY = "{CANARIES["suite"]}"\n')
        for file in (self.course / "solutions" / HOMEWORK).glob("*.py"):
            file.write_text(file.read_text() + f'\n_CANARY = "{CANARIES["reference"]}"\n')
        settings = yaml.safe_load((REPOSITORY / "grading.yml").read_text())
        settings["assignments"] = {HOMEWORK: settings["assignments"][HOMEWORK]}
        settings["assignments"][HOMEWORK].pop("limits", None)
        settings["limits"], settings["isolation_floor"] = LIMITS, self.floor
        (self.course / "grading.yml").write_text(yaml.safe_dump(settings, sort_keys=False))

    def grade(self, jobs: int = 2, *options: str, refused: str = "") -> Graded:
        """Have the command grade everybody, and look at what it left.

        Args:
            options: more of the command's.
            refused: parts of the sandbox that the machine is made to refuse.
        """
        before = self.snapshot()
        orphans = _adopt_orphans()
        command = [sys.executable, "-m", "autograder", "--course", str(self.course / "grading.yml")]
        done = subprocess.run(
            [
                *command,
                "grade",
                "hw1",
                str(self.desk),
                "--out",
                str(self.out),
                f"--jobs={jobs}",
                *options,
            ],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(REPOSITORY),
                "HOME": str(self.home),
                "TMPDIR": str(self.tmp),
                "LANG": "C.UTF-8",
                "OMP_NUM_THREADS": "1",
                "GRADER_TOKEN": CANARIES["environment"],
                REFUSED_VARIABLE: refused,
            },
            cwd=self.course,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=1800,
            check=False,
        )
        megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        survivors = [process.as_dict(["pid", "name", "cmdline"]) for process in orphans()]
        changed = {p for p, _ in before.items() ^ self.snapshot().items()}
        return Graded(self, done, survivors, sorted(changed), _marked(), megabytes, refused)

    def snapshot(self) -> dict[str, tuple[Any, ...]]:
        """Everything that grading may not touch: the repository, what was handed in, the home folder, /tmp."""
        return {
            str(path): (status.st_mode, _content(path))
            for top in (self.course, self.desk, self.home, self.tmp)
            for path in [top, *top.rglob("*")]
            if (status := path.lstat())
        }


@dataclass
class Graded:
    """What one grading gave."""

    arena: Arena
    done: subprocess.CompletedProcess[str]
    survivors: list[dict[str, Any]]
    changed: list[str]
    marked: list[str]
    megabytes: float  # of the largest process ever
    refused: str  # parts of the sandbox

    def __post_init__(self) -> None:
        course = Course.load(self.arena.course / "grading.yml")
        handed_in = collect([self.arena.desk], course.assignment("hw1"))
        by_source = {s.files.get("policy_gradient.py"): s.student for s in handed_in}
        self.students = [s.student for s in handed_in]
        self.student_of = {
            attack.name: by_source.get(
                attack.files(self.arena.known)["policy_gradient.py"],
                safe_name(attack.student or attack.name),
            )
            for attack in self.arena.attacks
        }
        self.max_scores = {q.name: q.points for q in course.assignment("hw1").questions}

    def result(self, student: str) -> dict[str, Any]:
        return json.loads((self.arena.out / student / "result.json").read_text())

    def said(self, student: str) -> str:
        """What was printed inside the sandbox: the TA's log without the grader's own notes at its end."""
        log = (self.arena.out / "_log" / f"{student}.txt").read_text()
        return re.split(r"^\[test_\w+", log, maxsplit=1, flags=re.MULTILINE)[0]

    def readable(self, student: str) -> dict[str, str]:
        """What the student may read."""
        files = sorted((self.arena.out / student).iterdir())
        return {file.name: file.read_text() for file in files}


def secret_lines() -> set[str]:
    """Lines of the hidden suite that say something; titles, which students do read, left out."""
    found: set[str] = set()
    for file in (REPOSITORY / "autograder" / "suites" / HOMEWORK).glob("*.py"):
        source = file.read_text()
        lines = source.splitlines()
        for node in ast.walk(ast.parse(source)):
            if (
                isinstance(node, (ast.FunctionDef, ast.Module))
                and ast.get_docstring(node) is not None
            ):
                text = node.body[0]
                lines[text.lineno - 1 : text.end_lineno] = [""] * (
                    text.end_lineno - text.lineno + 1
                )
        found |= {line.strip() for line in lines if len(line.strip()) >= 40}
    return found


def _adopt_orphans() -> Any:
    """From now on, processes that lose their parent become children of this one; returns what lists the new ones."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    me = psutil.Process()
    before = set(me.children(recursive=True))

    def living() -> list[psutil.Process]:
        new = [p for p in me.children(recursive=True) if p not in before]
        _, alive = psutil.wait_procs(new, timeout=0)
        return [p for p in alive if p.status() != psutil.STATUS_ZOMBIE]

    return living


def _marked() -> list[str]:
    """Files that an attack left in places which everybody shares."""
    return sorted(
        path for place in (*_SHARED_PLACES, *sys.path) for path in _entries(place) if MARK in path
    )


def _entries(place: str) -> Iterator[str]:
    try:
        with os.scandir(place) as listing:
            yield from (entry.path for entry in listing)
    except OSError:
        return


def _content(path: Path) -> Any:
    status = path.lstat()
    if stat.S_ISREG(status.st_mode):
        return status.st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest()
    return os.readlink(path) if path.is_symlink() else None
