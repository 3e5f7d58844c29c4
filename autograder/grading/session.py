"""One pytest session over a class: a hidden suite is collected once, then every item runs once a student."""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import os
import sys
import traceback
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from autograder.errors import AutograderError
from autograder.grading.check import DEFAULT_TOLERANCES, Mismatch, Recorder, recording
from autograder.grading.student import LocalStudent, StudentError
from autograder.sandbox.errors import SandboxError
from autograder.sandbox.host import SandboxBroken

Student = Any


@dataclass(frozen=True)
class HiddenTest:
    """One collected test of a hidden suite."""

    name: str
    question: str
    gate: bool
    builds_on: tuple[str, ...]
    titles: dict[str, str]


@dataclass
class Outcome:
    """How one hidden test ended for one student."""

    test: HiddenTest
    status: str
    kind: str = ""
    messages: dict[str, str] = field(default_factory=lambda: {"en": "", "zh": ""})
    evidence: list[Any] = field(default_factory=list)
    comparisons: int = 0
    vacuous: list[str] = field(default_factory=list)
    log: str = ""
    carried: bool = False


class SuiteError(AutograderError):
    """A hidden suite that cannot be collected; the message names file and line."""


class Suite:
    """A collected hidden suite. Made by `with_suite`, valid while its `drive` runs."""

    def __init__(
        self,
        items: Sequence[pytest.Function],
        reference: LocalStudent,
        tolerances: dict[str, dict[str, float]],
        questions: Sequence[str],
    ) -> None:
        self._reference, self._tolerances = reference, tolerances
        order = {name: i for i, name in enumerate(questions)}
        described = [(_describe(item), item) for item in items]
        for test, _ in described:
            if test.question not in order:
                raise SuiteError(
                    f"{test.name} belongs to no question of grading.yml: {test.question}"
                )
        described.sort(key=lambda pair: order[pair[0].question])
        self._items = {test.name: item for test, item in described}
        self.tests = [test for test, _ in described]
        needed_first = _needed_first(questions, self.tests)
        self._run_order = sorted(self.tests, key=lambda test: needed_first.index(test.question))

    def of(self, question: str) -> list[HiddenTest]:
        """The tests of one question, in their order."""
        return [test for test in self.tests if test.question == question]

    def run(
        self,
        make_student: Callable[[], Student],
        questions: Iterable[str] | None = None,
        audit: bool = False,
        reference: LocalStudent | None = None,
    ) -> list[Outcome]:
        """Run the suite, or some questions of it, once.

        `make_student` is called at the start and again after the student's process had to be ended; what it raises as
        `SandboxError` ends the tests that are left with that status.
        """
        wanted = None if questions is None else set(questions)
        runner = _Run(self, make_student, audit, reference or self._reference)
        outcomes = {
            test.name: runner.outcome(test, self._items[test.name])
            for test in self._run_order
            if wanted is None or test.question in wanted
        }
        return [outcomes[test.name] for test in self.tests if test.name in outcomes]

    def run_test(self, test: HiddenTest, student: LocalStudent) -> Outcome:
        """Run one test of a trusted student's."""
        runner = _Run(self, lambda: student, False, self._reference)
        return runner.outcome(test, self._items[test.name])


class _Run:
    """The state of one student's way through a suite."""

    def __init__(
        self,
        suite: Suite,
        make_student: Callable[[], Student],
        audit: bool,
        reference: LocalStudent,
    ) -> None:
        self.suite, self.make_student, self.audit, self.reference = (
            suite,
            make_student,
            audit,
            reference,
        )
        self.student: Student | None = None
        self.over: dict[str, Outcome] = {}
        self.imperfect: dict[str, set[str]] = {}  # question → the kinds of failure seen

    def outcome(self, test: HiddenTest, item: pytest.Function) -> Outcome:
        outcome = self._skipped(test) or self._attempt(test, item, self.reference)
        earlier = [name for name in test.builds_on if name in self.imperfect]
        if outcome.status in ("failed", "error"):
            outcome = self._carried_attempt(test, item, earlier) or outcome
        if outcome.status != "passed":
            self.imperfect.setdefault(test.question, set()).add(outcome.kind)
        return outcome

    def _carried_attempt(
        self, test: HiddenTest, item: pytest.Function, earlier: Sequence[str]
    ) -> Outcome | None:
        """The test once more over the student's own earlier functions; it passes or is None.

        The student may call some of them and have written out the others, so every choice is tried. One that changes
        its arguments has paid for that already. A gate has to tell right from wrong over them, too: where they give
        zeros, or huge numbers, the same comes of a function that was not written. Last, the student's function is
        judged over right ones: where its own raise, the reference cannot go on either.
        """
        for count in range(len(earlier), 0, -1):
            for names in itertools.combinations(earlier, count):
                if self.student is None:
                    return None
                changes = any("argument_changed" in self.imperfect[name] for name in names)
                self.student.forgives_changes = changes
                again = self._attempt(test, item, self._carried(names), carried=True)
                if self.student is not None:
                    self.student.forgives_changes = False
                if again.status == "passed" and not again.vacuous:
                    again.carried = True
                    return again
        return self._attempt_over_right_ones(test, item, earlier) if earlier else None

    def _attempt_over_right_ones(
        self, test: HiddenTest, item: pytest.Function, earlier: Sequence[str]
    ) -> Outcome | None:
        """The test of the student's function over the reference's earlier ones; it passes or is None."""
        lent = {name: getattr(self.reference, name) for name in earlier}
        again = self._attempt(test, item, self.reference, lent=lent)
        again.carried = True
        return again if again.status == "passed" else None

    def _carried(self, names: Sequence[str]) -> LocalStudent:
        """The reference's code over the student's own earlier functions, where they are defined."""
        theirs = {}
        for name in names:
            # What is no function is not carried; that a process has ended is seen at its next call.
            with contextlib.suppress(StudentError, Mismatch, SandboxError):
                theirs[name] = getattr(self.student, name)
        return self.reference.replacing(theirs)

    def _skipped(self, test: HiddenTest) -> Outcome | None:
        """Tests that need not run: the question is not implemented, or its process had to be ended."""
        ended = self.over.get(test.question)
        return ended and Outcome(test, ended.status, ended.kind, ended.messages)

    def _attempt(
        self,
        test: HiddenTest,
        item: pytest.Function,
        reference: LocalStudent,
        carried: bool = False,
        lent: Mapping[str, Any] | None = None,
    ) -> Outcome:
        recorder = Recorder(
            tolerances=self.suite._tolerances,
            audit=self.audit or (carried and test.gate),
            nan_matches_nan=carried and not test.gate,  # a gate must see what the question is about
        )
        outcome = Outcome(test, "passed")
        try:
            if self.student is None:
                self.student = self.make_student()
            self.student.begin(zlib.crc32(test.name.encode()))
            with recording(recorder), self.student.borrowing(lent or {}):
                _call(item, self.student, reference)
        except Mismatch as error:
            outcome.status, outcome.kind = "failed", error.kind
            outcome.messages = {"en": error.en, "zh": error.zh}
            recorder.evidence.append(("mismatch", error.kind))
        except StudentError as error:
            outcome.status = "not_implemented" if error.not_implemented else "error"
            outcome.kind, outcome.messages = error.kind, _student_error(error, test.question)
            recorder.evidence.append(("raised", error.kind))
            if error.not_implemented and test.gate:
                self.over[test.question] = outcome
        except SandboxError as error:
            outcome.status, outcome.kind, outcome.messages = (
                error.status,
                error.status,
                error.messages,
            )
            recorder.evidence.append(("ended", error.status))
            self.student = None
            self.over[test.question] = outcome
        except SandboxBroken:
            raise
        except Exception as error:
            outcome.status, outcome.kind = "failed", "unusable"
            outcome.messages = {
                "en": "What came back could not be used any further: its type or shape is not the agreed one, "
                "or it carries no gradient.",
                "zh": "返回的结果无法继续使用：类型或形状与约定不符，或不带梯度。",
            }
            outcome.log = "".join(traceback.format_exception(error))
            recorder.evidence.append(("unusable", type(error).__name__))
        outcome.evidence, outcome.comparisons = recorder.evidence, recorder.comparisons
        outcome.vacuous = recorder.vacuous
        return outcome


def _needed_first(questions: Sequence[str], tests: Sequence[HiddenTest]) -> list[str]:
    """The questions, each after those that it builds on, and else in their own order."""
    ordered: list[str] = []

    def add(question: str, waiting: tuple[str, ...]) -> None:
        needs = {name for test in tests if test.question == question for name in test.builds_on}
        for name in questions:
            if name in needs and name not in (*ordered, *waiting):
                add(name, (*waiting, question))
        if question not in ordered:
            ordered.append(question)

    for question in questions:
        add(question, (question,))
    return ordered


def _student_error(error: StudentError, question: str) -> dict[str, str]:
    if error.kind == "missing":
        return {
            "en": f"{question}, or a name that it needs, is not defined in the files handed in.",
            "zh": f"提交的文件中没有定义 {question}，或缺少它需要的名称。",
        }
    if error.not_implemented:
        return {"en": f"{question} is not implemented yet.", "zh": f"{question} 尚未实现。"}
    where_en = f" ({error.file}, line {error.line})" if error.file and error.line else ""
    where_zh = f"（{error.file} 第 {error.line} 行）" if error.file and error.line else ""
    return {
        "en": f"Your code raised {error.kind}{where_en}. The public tests show the whole message.",
        "zh": f"你的代码抛出了 {error.kind}{where_zh}。运行公开测试可以看到完整信息。",
    }


def _call(item: pytest.Function, student: Student, reference: LocalStudent) -> None:
    """Call a test function with fresh arguments; `rng` depends on nothing but the test's name."""
    given = {"student": student, "reference": reference, "rng": rng_of(item.name)}
    params = item.callspec.params if hasattr(item, "callspec") else {}
    item.function(
        **{
            name: given[name] if name in given else params[name]
            for name in _arguments(item.function)
        }
    )


@functools.cache
def _arguments(function: Callable[..., None]) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


def rng_of(name: str) -> np.random.Generator:
    """The generator of the hidden test `name`: the same at each run."""
    return np.random.default_rng(zlib.crc32(name.encode()))


def _describe(item: pytest.Function) -> HiddenTest:
    mark = item.get_closest_marker("question")
    if mark is None:
        raise SuiteError(f"{item.nodeid} names no question (add @pytest.mark.question)")
    paragraphs = inspect.cleandoc(item.function.__doc__ or item.name).split("\n\n")
    paragraphs = [" ".join(p.split()) for p in paragraphs]
    builds_on = item.get_closest_marker("builds_on")
    return HiddenTest(
        name=item.name,
        question=mark.args[0],
        gate=bool(mark.kwargs.get("gate", False)),
        builds_on=tuple(builds_on.args) if builds_on else (),
        titles={"en": paragraphs[0], "zh": paragraphs[1] if len(paragraphs) > 1 else paragraphs[0]},
    )


class _Plugin:
    def __init__(self, drive: Callable[[list[pytest.Function]], None]) -> None:
        self.drive = drive
        self.failed: list[str] = []
        self.error: BaseException | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        for line in MARKERS:
            config.addinivalue_line("markers", line)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.failed.append(str(report.longrepr))

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self.failed:
            try:
                self.drive([item for item in session.items if isinstance(item, pytest.Function)])
            except BaseException as error:
                self.error = error
        return True


MARKERS = (
    "question(name, gate=False): the question that a hidden test belongs to; every gate must pass before anything counts",
    "builds_on(*names): questions whose errors are carried forward",
)


def with_suite(
    suite_dir: Path,
    reference: LocalStudent,
    questions: Sequence[str],
    drive: Callable[[Suite], None],
    tolerances: dict[str, dict[str, float]] | None = None,
) -> None:
    """Collect the hidden suite in `suite_dir` once and call `drive(suite)` inside its pytest session.

    Raises:
        SuiteError: the suite cannot be collected, or a test names no question.
    """

    def start(items: list[pytest.Function]) -> None:
        names = [item.name for item in items]
        for name in names:
            if names.count(name) > 1:
                raise SuiteError(f"{suite_dir}: two tests are called {name}")
        drive(Suite(items, reference, tolerances or DEFAULT_TOLERANCES, questions))

    plugin = _Plugin(start)
    switched_off = ("cacheprovider", "terminal", "faulthandler", "logging", "junitxml", "doctest")
    options = [f"-pno:{name}" for name in switched_off]
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS"):
        os.environ.pop(name, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    tests = sorted(str(path) for path in suite_dir.glob("test_*.py"))
    if not tests:
        raise SuiteError(f"{suite_dir} holds no test_*.py")
    before = set(sys.modules)
    writes_bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # not beside the suite
    pytest.main(
        [
            *options,
            "-s",
            "--assert=plain",
            "-c",
            os.devnull,
            "--rootdir",
            str(suite_dir),
            "--noconftest",
            "--import-mode=importlib",
            "-Werror::pytest.PytestUnknownMarkWarning",
            *tests,
        ],
        plugins=[plugin],
    )
    sys.dont_write_bytecode = writes_bytecode
    for name in set(sys.modules) - before:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == suite_dir:
            del sys.modules[name]
    if plugin.error:
        raise plugin.error
    if plugin.failed:
        raise SuiteError("\n".join(plugin.failed))
