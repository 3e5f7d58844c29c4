"""What a runner writes and every renderer reads: the results of one submission, and nothing else.

The JSON form is the interface to other programs (`results/<student>/result.json`). It is byte-identical for equal
results: keys in the order of the fields, two spaces of indent, UTF-8, a newline at the end. Timing is no part of it.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from autograder.errors import AutograderError

RESULT_FILE = "result.json"

TEST_STATUSES = (
    "passed",
    "failed",
    "error",
    "not_implemented",
    "timed_out",
    "out_of_memory",
    "crashed",
    "not_run",
)
QUESTION_STATUSES = (*TEST_STATUSES, "partial", "missing_file", "import_error")
SUBMISSION_STATUSES = (
    "graded",
    "unreadable",
    "missing_file",
    "import_error",
    "timed_out",
    "out_of_memory",
    "crashed",
)

T = TypeVar("T")


class ResultsError(AutograderError):
    """A results file that cannot be used; the message says which one, what is wrong and the way out."""


@dataclass(frozen=True)
class TestResult:
    """One hidden test: its title and message are sentences for the student, in the course's language."""

    __test__ = False  # not a class of tests, whatever pytest makes of the name

    name: str
    title: str
    status: str
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "status": self.status,
            "message": self.message,
        }

    @classmethod
    def from_json(cls, data: Any, where: str = "test") -> TestResult:
        read = _Reader(data, where, "name", "title", "status", "message")
        return cls(
            read.text("name"),
            read.text("title"),
            read.one_of("status", TEST_STATUSES),
            read.text("message"),
        )


@dataclass(frozen=True)
class Diagnosis:
    """The known mistake that gives the very outputs seen, with a hint a language."""

    mistake: str
    hint: Mapping[str, str]

    def to_json(self) -> dict[str, Any]:
        return {"mistake": self.mistake, "hint": {"en": self.hint["en"], "zh": self.hint["zh"]}}

    @classmethod
    def from_json(cls, data: Any, where: str = "diagnosis") -> Diagnosis:
        read = _Reader(data, where, "mistake", "hint")
        hint = _Reader(read.value("hint"), f"{where}.hint", "en", "zh")
        return cls(read.text("mistake"), {"en": hint.text("en"), "zh": hint.text("zh")})


@dataclass(frozen=True)
class QuestionResult:
    """One question. A bonus question's score counts, its `max_score` does not."""

    name: str
    score: float
    max_score: float
    bonus: bool
    status: str
    tests: tuple[TestResult, ...] = ()
    diagnosis: Diagnosis | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "score": float(self.score),
            "max_score": float(self.max_score),
            "bonus": self.bonus,
            "status": self.status,
            "tests": [test.to_json() for test in self.tests],
            "diagnosis": self.diagnosis.to_json() if self.diagnosis else None,
        }

    @classmethod
    def from_json(cls, data: Any, where: str = "question") -> QuestionResult:
        read = _Reader(
            data, where, "name", "score", "max_score", "bonus", "status", "tests", "diagnosis"
        )
        diagnosis = read.value("diagnosis")
        return cls(
            read.text("name"),
            read.number("score"),
            read.number("max_score"),
            read.flag("bonus"),
            read.one_of("status", QUESTION_STATUSES),
            read.many("tests", TestResult.from_json),
            None if diagnosis is None else Diagnosis.from_json(diagnosis, f"{where}.diagnosis"),
        )


@dataclass(frozen=True)
class SubmissionResult:
    """One submission to one assignment.

    `identity` holds what a course platform knows the student by (`canvas_id`, `moodle_id`, `name`, …), if the
    submission came from one; it is left out of the JSON when empty.
    """

    student: str
    assignment: str
    submission_sha256: str
    suite_sha256: str
    score: float
    max_score: float
    status: str
    message: str
    questions: tuple[QuestionResult, ...]
    isolation: str
    warnings: tuple[str, ...] = ()
    identity: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        data: dict[str, Any] = {
            "student": self.student,
            "assignment": self.assignment,
            "submission_sha256": self.submission_sha256,
            "suite_sha256": self.suite_sha256,
            "score": float(self.score),
            "max_score": float(self.max_score),
            "status": self.status,
            "message": self.message,
            "questions": [question.to_json() for question in self.questions],
            "isolation": self.isolation,
            "warnings": list(self.warnings),
        }
        if self.identity:
            data["identity"] = dict(sorted(self.identity.items()))
        return data

    @classmethod
    def from_json(cls, data: Any, where: str = "result") -> SubmissionResult:
        read = _Reader(
            data,
            where,
            "student",
            "assignment",
            "submission_sha256",
            "suite_sha256",
            "score",
            "max_score",
            "status",
            "message",
            "questions",
            "isolation",
            "warnings",
            optional=("identity",),
        )
        return cls(
            read.text("student"),
            read.text("assignment"),
            read.text("submission_sha256"),
            read.text("suite_sha256"),
            read.number("score"),
            read.number("max_score"),
            read.one_of("status", SUBMISSION_STATUSES),
            read.text("message"),
            read.many("questions", QuestionResult.from_json),
            read.text("isolation"),
            read.many("warnings", _text),
            read.texts("identity") if "identity" in data else {},
        )

    def to_bytes(self) -> bytes:
        text = json.dumps(self.to_json(), ensure_ascii=False, allow_nan=False, indent=2)
        # A lone surrogate from a student's message becomes the JSON escape that it is read back from.
        return text.encode("utf-8", "backslashreplace") + b"\n"

    def write(self, out_dir: Path) -> Path:
        """Write `out_dir/<student>/result.json`, whole or not at all."""
        path = Path(out_dir) / self.student / RESULT_FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, self.to_bytes())
        return path


def read_result(path: Path) -> SubmissionResult:
    """One result file, or ResultsError when it is damaged."""
    path = Path(path)
    try:
        result = SubmissionResult.from_json(json.loads(path.read_bytes()))
    except OSError as error:
        raise ResultsError(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, _Damaged) else "it is not JSON"
        raise ResultsError(
            f"{path} is damaged: {reason}. Delete it and run `autograder grade` again: "
            "only this submission will be graded anew."
        ) from error
    if result.student != path.parent.name:
        raise ResultsError(
            f"{path} holds the result of {result.student!r}. A result belongs in the folder of "
            "its student: move it there, or delete it and grade again."
        )
    return result


def read_results(out_dir: Path) -> list[SubmissionResult]:
    """Every result below `out_dir`, sorted by student; all of one assignment."""
    out_dir = Path(out_dir)
    if not out_dir.is_dir():
        raise ResultsError(f"{out_dir} is not a folder of results.")
    found = out_dir.glob(f"*/{RESULT_FILE}")
    paths = [path for path in found if not path.parent.name.startswith(".")]
    results = sorted((read_result(path) for path in paths), key=lambda result: result.student)
    assignments = sorted({result.assignment for result in results})
    if len(assignments) > 1:
        raise ResultsError(
            f"{out_dir} holds results of several assignments ({', '.join(assignments)}). "
            "Give each assignment an output folder of its own."
        )
    return results


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Replace `path` by `content`: a reader, a crash or a full disk sees the old file or the new one.

    The temporary file has a fixed name, so that one left behind by a kill is taken up by the next run.
    What can be made again at any time need not be `durable` through a power cut.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.unlink(missing_ok=True)
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if durable:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the renaming itself last; not every system lets a folder be opened for that."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(descriptor)
    except OSError:
        pass
    finally:
        os.close(descriptor)


class _Damaged(ValueError):
    pass


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise _Damaged(f"{where} is not text")
    return value


class _Reader:
    """Typed access to one JSON object whose keys are known."""

    def __init__(self, data: Any, where: str, *keys: str, optional: tuple[str, ...] = ()) -> None:
        if not isinstance(data, dict):
            raise _Damaged(f"{where} is not an object")
        for key in keys:
            if key not in data:
                raise _Damaged(f"{where} has no {key!r}")
        for key in data:
            if key not in keys and key not in optional:
                raise _Damaged(f"{where} has an unknown key {key!r}")
        self._data = data
        self._where = where

    def value(self, key: str) -> Any:
        return self._data[key]

    def text(self, key: str) -> str:
        return _text(self._data[key], f"{self._where}.{key}")

    def texts(self, key: str) -> dict[str, str]:
        value = self._data[key]
        if not isinstance(value, dict):
            raise _Damaged(f"{self._where}.{key} is not an object")
        return {name: _text(item, f"{self._where}.{key}.{name}") for name, item in value.items()}

    def flag(self, key: str) -> bool:
        value = self._data[key]
        if not isinstance(value, bool):
            raise _Damaged(f"{self._where}.{key} is neither true nor false")
        return value

    def number(self, key: str) -> float:
        value = self._data[key]
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _Damaged(f"{self._where}.{key} is not a number")
        try:
            number = float(value)
        except OverflowError:
            number = math.inf
        if not math.isfinite(number):
            raise _Damaged(f"{self._where}.{key} is not a finite number")
        return number

    def one_of(self, key: str, allowed: tuple[str, ...]) -> str:
        value = self.text(key)
        if value not in allowed:
            raise _Damaged(f"{self._where}.{key} is {value!r}, not one of {', '.join(allowed)}")
        return value

    def many(self, key: str, read: Callable[[Any, str], T]) -> tuple[T, ...]:
        value = self._data[key]
        if not isinstance(value, list):
            raise _Damaged(f"{self._where}.{key} is not a list")
        where = f"{self._where}.{key}"
        return tuple(read(item, f"{where}[{index}]") for index, item in enumerate(value))
