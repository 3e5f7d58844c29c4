"""How many submissions a minute: ours, plain pytest, and otter, in one run on one machine.

    python benchmarks/throughput.py --submissions 40 --others 6

One class to hw1, right and wrong answers in turn, is graded

(a) by us: sandboxed, with diagnosis of mistakes and all reports, at `--jobs`;
(b) by plain pytest, one process a submission: the same hidden checks, no isolation, no feedback;
(c) by `otter run`: the same hidden checks as otter tests.

(b) and (c) get some of the class only, one process after another, as a loop in a shell would do it. Then it shows where
our time goes.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"))

from autograder.course import Course
from autograder.grading.diagnosis import Diagnostician
from autograder.grading.grade import grade
from autograder.grading.grader import Grader, reference_files, with_grader
from autograder.grading.intake import collect
from autograder.grading.remote import RemoteStudent
from autograder.grading.session import Suite
from autograder.grading.student import LocalStudent
from autograder.grading.variants import read_variants
from autograder.report import html, write_report
from autograder.sandbox.host import Box, Template

REPOSITORY = Path(__file__).resolve().parents[1]
COURSE = Course.load(REPOSITORY / "grading.yml")
HOMEWORK = COURSE.assignment("hw1")

CONFTEST = """
    import os
    from pathlib import Path
    import pytest
    from autograder.course import Course
    from autograder.grading.check import Recorder, recording
    from autograder.grading.grader import reference_files, tolerances
    from autograder.grading.session import MARKERS, rng_of
    from autograder.grading.student import LocalStudent

    ASSIGNMENT = Course.load({grading!r}).assignment("hw1")

    def pytest_configure(config):
        for line in MARKERS:
            config.addinivalue_line("markers", line)

    @pytest.fixture(scope="session")
    def reference():
        return LocalStudent(reference_files(ASSIGNMENT))

    @pytest.fixture(scope="session")
    def student():
        folder = Path(os.environ["SUBMISSION"])
        return LocalStudent({{name: (folder / name).read_text() for name in ASSIGNMENT.files}})

    @pytest.fixture
    def rng(request):
        return rng_of(request.node.name)

    @pytest.fixture(autouse=True)
    def _tolerances():
        with recording(Recorder(tolerances=tolerances(ASSIGNMENT))):
            yield
"""

OTTER_TEST = """
    import importlib.util
    import sys
    from types import SimpleNamespace
    from otter.test_files import test_case

    OK_FORMAT = False
    name = {question!r}
    points = {points}

    sys.path.insert(0, {repository!r})
    from autograder.course import Course
    from autograder.grading.check import Recorder, recording
    from autograder.grading.grader import reference_files, tolerances
    from autograder.grading.session import rng_of
    from autograder.grading.student import LocalStudent

    spec = importlib.util.spec_from_file_location("suite", {suite!r})
    suite = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(suite)
    assignment = Course.load({grading!r}).assignment("hw1")
    reference = LocalStudent(reference_files(assignment))

    def run(test, env):
        given = dict(student=SimpleNamespace(**env), reference=reference, rng=rng_of(test))
        function = getattr(suite, test)
        wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
        with recording(Recorder(tolerances=tolerances(assignment))):
            function(**{{name: given[name] for name in wanted}})
"""
OTTER_CASE = """
    @test_case(hidden=True)
    def {test}(env):
        run({test!r}, env)
"""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--submissions", type=int, default=40, help="in the class that we grade")
    options.add_argument("--others", type=int, default=6, help="of them for pytest and otter")
    options.add_argument("--jobs", type=int, default=2)
    options.add_argument("--only-ours", action="store_true")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        students = write_class(folder / "class", given.submissions)
        some = students[: given.others]
        print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; submissions a minute:")
        warm, cold = ours(folder, given.jobs)
        print(
            f"  (a) autograder --jobs {given.jobs}      {warm:8.1f} warm, {cold:.1f} with start-up and reports"
        )
        if not given.only_ours:
            pytest_rate = rate(with_pytest(folder), some)
            print(
                f"  (b) pytest, a process each {pytest_rate:8.1f}; (a) is {warm / pytest_rate:.1f} × (b)"
            )
            otter_rate = rate(with_otter(folder), some)
            print(
                f"  (c) otter run              {otter_rate:8.1f}; (a) is {warm / otter_rate:.1f} × (c)"
            )
        where_the_time_goes(folder)


def write_class(folder: Path, count: int) -> list[Path]:
    """Right answers and known mistakes in turn, one folder a student."""
    reference = reference_files(HOMEWORK)
    homes = {q.name: q.file for q in HOMEWORK.questions}
    wrong = [
        v.files(reference, homes[v.question])
        for v in read_variants(HOMEWORK.suite_dir / "mistakes.py")
    ]
    students = []
    for i in range(count):
        files = wrong[(i // 2) % len(wrong)] if i % 2 else reference
        students.append(folder / f"student{i:03}")
        students[-1].mkdir(parents=True)
        for name, text in files.items():
            (students[-1] / name).write_text(f"{text}\n# {students[-1].name}\n")
    return students


def ours(folder: Path, jobs: int) -> tuple[float, float]:
    """Submissions a minute: after the first `jobs` results, and from start to the last report."""
    times: list[float] = []
    begun = time.perf_counter()
    grade(
        COURSE,
        HOMEWORK,
        [folder / "class"],
        folder / "results",
        jobs=jobs,
        progress=lambda done, total: times.append(time.perf_counter()),
    )
    write_report(folder / "results", COURSE)
    ended = time.perf_counter()
    count = len(times) - 1
    return 60 * (count - jobs) / (times[-1] - times[jobs]), 60 * count / (ended - begun)


def rate(run: Callable[[Path], None], students: list[Path]) -> float:
    """Submissions a minute, one after another."""
    run(students[0])  # fills the disk cache
    begun = time.perf_counter()
    for student in students:
        run(student)
    return 60 * len(students) / (time.perf_counter() - begun)


def with_pytest(folder: Path) -> Callable[[Path], None]:
    tests = folder / "pytest"
    tests.mkdir()
    for file in HOMEWORK.suite_dir.glob("test_*.py"):
        (tests / file.name).write_bytes(file.read_bytes())
    text = CONFTEST.format(grading=str(COURSE.path))
    (tests / "conftest.py").write_text(textwrap.dedent(text))

    def run(student: Path) -> None:
        done = _run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tests)],
            tests,
            student,
        )
        assert done.returncode in (0, 1) and " passed" in done.stdout, done.stdout + done.stderr

    return run


def with_otter(folder: Path) -> Callable[[Path], None]:
    place = folder / "otter"
    (place / "tests").mkdir(parents=True)
    for test in _otter_tests():
        (place / "tests" / f"{test[0]}.py").write_text(test[1])
    made = [
        str(Path(sys.executable).with_name("otter")),
        "generate",
        "-t",
        "tests",
        "-o",
        "autograder.zip",
    ]
    _run(
        [*made, "--python-version", f"{sys.version_info[0]}.{sys.version_info[1]}"], place
    ).check_returncode()

    def run(student: Path) -> None:
        mine = place / student.name
        mine.mkdir(exist_ok=True)
        script = mine / "submission.py"  # otter takes one script
        script.write_text("\n".join((student / name).read_text() for name in HOMEWORK.files))
        command = [
            made[0],
            "run",
            "--no-logo",
            "-a",
            str(place / "autograder.zip"),
            "-o",
            str(mine),
            str(script),
        ]
        done = _run(command, mine)
        results = json.loads((mine / "results.json").read_text())
        assert sum(t.get("score", 0) for t in results["tests"]) > 0, done.stdout + done.stderr

    return run


def _otter_tests() -> Iterator[tuple[str, str]]:
    import importlib.util

    for question in HOMEWORK.questions:
        file = HOMEWORK.suite_dir / f"test_{question.file}"
        spec = importlib.util.spec_from_file_location("suite", file)
        assert spec and spec.loader
        suite = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(suite)
        tests = [
            name
            for name, function in vars(suite).items()
            if name.startswith("test_")
            and any(
                m.name == "question" and m.args[0] == question.name for m in function.pytestmark
            )
        ]
        head = OTTER_TEST.format(
            question=question.name,
            points=question.points,
            repository=str(REPOSITORY),
            suite=str(file),
            grading=str(COURSE.path),
        )
        cases = (OTTER_CASE.format(test=test) for test in tests)
        yield question.name, "".join(map(textwrap.dedent, (head, *cases)))


def _run(
    command: list[str], folder: Path, student: Path | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "SUBMISSION": str(student)}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


# --- where our time goes -------------------------------------------------------------------------------------------


class Clock:
    """Wall time of named parts; time in an inner part does not count for the outer one."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._open: list[list[Any]] = []

    def around(self, owner: Any, name: str, part: str) -> None:
        """Have every call of `owner.name` timed as `part`."""
        function = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            with self.part(part):
                return function(*args, **kwargs)

        setattr(owner, name, timed)

    @contextmanager
    def part(self, part: str) -> Iterator[None]:
        self._open.append([part, time.perf_counter(), 0.0])
        try:
            yield
        finally:
            _, begun, inner = self._open.pop()
            passed = time.perf_counter() - begun
            self.seconds[part] = self.seconds.get(part, 0.0) + passed - inner
            if self._open:
                self._open[-1][2] += passed


def where_the_time_goes(folder: Path) -> None:
    """One submission after another in this process, after a first round that fills every cache."""
    clock, own_cpu, walls, mine, alone = Clock(), [], [], [], []
    submissions = collect([folder / "class"], HOMEWORK)[:24]
    labels = None

    def drive(grader: Grader) -> None:
        nonlocal labels
        for submission in submissions:
            grader.grade(submission)
            alone.append(own_computing(grader.suite, submission.files))
        clock.around(Template, "spawn", "fork and lock-down")
        clock.around(Box, "kill", "kill and wait until dead")
        clock.around(
            RemoteStudent, "_exchange", "import and calls: wire, and the student's own computing"
        )
        clock.around(Suite, "run", "pytest, reference, comparisons")
        clock.around(Diagnostician, "mistake_behind", "diagnosis")
        killed = Box.kill

        def kill(box: Box) -> None:
            killed(box)
            own_cpu.append(box.cpu_seconds())

        Box.kill = kill  # type: ignore[method-assign]
        for submission in submissions:
            begun, cpu = time.perf_counter(), _cpu()
            with clock.part("scores"):
                graded = grader.grade(submission)
            with clock.part("report"):
                graded.result.write(folder / "again")
                labels = labels or html.Labels.of([graded.result], COURSE)
                html.feedback(graded.result, labels)
            walls.append(time.perf_counter() - begun)
            mine.append(_cpu() - cpu)
        Box.kill = killed  # type: ignore[method-assign]

    with Template(HOMEWORK.limits) as template:
        with_grader(COURSE, HOMEWORK, template, drive)
        spawns, memory = spawn_to_dead(template, submissions[0].files)
    count = len(submissions)
    print(
        f"\nOne submission, one at a time: {1000 * statistics.median(walls):.0f} ms (median of {count});"
    )
    beyond = statistics.median(wall - own for wall, own in zip(walls, alone))
    print(
        f"  the student's own computing {_ms(alone)} ms (functions called in process), all else {1000 * beyond:.0f} ms"
    )
    print(f"  CPU: the grader's {_ms(mine)} ms, the sandbox's {_ms(own_cpu)} ms")
    for part, seconds in sorted(clock.seconds.items(), key=lambda item: -item[1]):
        print(f"  {1000 * seconds / count:7.1f} ms  {part}")
    print(
        f"Isolation, from spawn to surely dead: {1000 * statistics.median(spawns):.0f} ms (median of {len(spawns)})"
    )
    print(f"One more submission at a time: {memory:.0f} MB of its own")


def own_computing(suite: Suite, files: dict[str, bytes]) -> float:
    """Seconds that a submission's files need to load, and its functions to run, in this process."""
    spent = 0.0

    class Timed(LocalStudent):
        def _guarded(self, function: Any) -> Any:
            @functools.wraps(function)
            def timed(*args: Any, **kwargs: Any) -> Any:
                nonlocal spent
                begun = time.perf_counter()
                try:
                    return function(*args, **kwargs)
                finally:
                    spent += time.perf_counter() - begun

            return super()._guarded(timed)

    sources = {name: content.decode() for name, content in files.items()}
    begun = time.perf_counter()
    student = Timed({**reference_files(HOMEWORK), **sources})
    spent += time.perf_counter() - begun
    suite.run(lambda: student)
    return spent


def spawn_to_dead(template: Template, files: dict[str, bytes]) -> tuple[list[float], float]:
    """Seconds of an empty life in the sandbox, and megabytes that a loaded submission has to itself."""
    seconds = []
    for _ in range(20):
        begun = time.perf_counter()
        template.spawn(files).kill()
        seconds.append(time.perf_counter() - begun)
    before = set(psutil.Process().children(recursive=True))
    box = template.spawn(files)
    try:
        RemoteStudent(box, HOMEWORK.files)
        (process,) = set(psutil.Process().children(recursive=True)) - before
        return seconds, process.memory_full_info().uss / 2**20
    finally:
        box.kill()


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _ms(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.0f}"


if __name__ == "__main__":
    main()
