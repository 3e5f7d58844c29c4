"""grading.yml as one typed model; whatever is wrong with it is named with its line."""

from __future__ import annotations

import difflib
import keyword
import re
from collections import Counter
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    StrictBool,
    ValidationError,
)

from autograder.errors import AutograderError

FILE_NAME = "grading.yml"


class CourseError(AutograderError):
    """Something in grading.yml is wrong: where, what, and the way out."""

    exit_code = 2

    def __init__(self, file: Path | str, line: int | None, message: str):
        self.file, self.line, self.message = Path(file), line, message
        try:
            shown = self.file.relative_to(Path.cwd())
        except ValueError:
            shown = self.file
        super().__init__(f"{shown}:{line}: {message}" if line else f"{shown}: {message}")


def _due(value: Any) -> Any:
    if isinstance(value, str):
        try:
            due = datetime.fromisoformat(re.sub(r"\s+(?=[+-]\d\d:?\d\d$)", "", value))
        except ValueError:
            due = None
        if due is not None and due.tzinfo is not None:
            return due
    if isinstance(value, datetime):
        return value
    raise ValueError("write day, time and UTC offset, such as 2026-10-12 23:59 +08:00")


Due = Annotated[datetime, BeforeValidator(_due)]
Positive = Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)]
Tolerance = Annotated[float, Field(strict=True, ge=0, lt=1)]
Count = Annotated[int, Field(strict=True, gt=0)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Model):
    en: str
    zh: str

    def __getitem__(self, language: str) -> str:
        return getattr(self, language)


class Limits(_Model):
    """What one submission may use."""

    cpu_seconds: Positive = 10.0
    total_cpu_seconds: Positive = 120.0
    memory_mb: Count = 1024
    processes: Count = 16
    disk_mb: Count = 64
    output_kb: Count = 256


class Closeness(_Model):
    """Two numbers match when |actual - expected| <= atol + rtol * |expected|."""

    rtol: Tolerance
    atol: Tolerance

    def __getitem__(self, name: str) -> float:
        return getattr(self, name)


class Tolerances(_Model):
    float64: Closeness = Closeness(rtol=1e-6, atol=1e-8)
    float32: Closeness = Closeness(rtol=1e-4, atol=1e-5)

    def __getitem__(self, dtype: str) -> Closeness:
        return getattr(self, dtype)


class Question(_Model):
    """One graded function or class; its name is the key everywhere.

    An optional one stands in the results of those who define it, and of nobody else.
    """

    name: str
    file: str
    points: Positive
    bonus: StrictBool = False
    optional: StrictBool = False


def _named(value: Any) -> Any:
    """Each question's entry with its key as its name."""
    if not isinstance(value, dict):
        return value
    if any(isinstance(entry, dict) and "name" in entry for entry in value.values()):
        raise ValueError("a question has its name as its key; remove `name`")
    return {
        name: {"name": name, **entry} if isinstance(entry, dict) else entry
        for name, entry in value.items()
    }


class Assignment(_Model):
    title: Title
    files: tuple[str, ...] = Field(min_length=1)
    support: tuple[str, ...] = ()
    by_name: Annotated[dict[str, Question], BeforeValidator(_named)] = Field(
        alias="questions", min_length=1
    )
    limits: Limits = Limits()
    tolerances: Tolerances = Tolerances()
    due: Due | None = None

    _name: str = PrivateAttr("")
    _root: Path = PrivateAttr(Path())

    @property
    def name(self) -> str:
        return self._name

    @property
    def questions(self) -> tuple[Question, ...]:
        return tuple(self.by_name.values())

    @property
    def short_name(self) -> str:
        """`hw1` of `hw1_policy_gradient`."""
        return self.name.split("_")[0]

    @property
    def solution_dir(self) -> Path:
        return self._root / "solutions" / self.name

    @property
    def content_dir(self) -> Path:
        return self._root / "assignments" / self.name

    @property
    def starter_dir(self) -> Path:
        return self._root / "starter_code" / self.name

    def path(self, file: str) -> Path:
        """Where the complete file lies: given support modules with the content, all else with
        the solutions."""
        return (self.content_dir if file in self.support else self.solution_dir) / file

    @property
    def suite_dir(self) -> Path:
        return self._root / "autograder" / "suites" / self.name


class Course(_Model):
    title: Title
    language: Literal["en", "zh"] = "en"
    isolation_floor: Literal["full", "restricted", "minimal"] = "restricted"
    tolerances: Tolerances = Tolerances()
    limits: Limits = Limits()
    assignments: dict[str, Assignment] = Field(min_length=1)

    _path: Path = PrivateAttr(Path(FILE_NAME))

    @property
    def path(self) -> Path:
        return self._path

    @property
    def root(self) -> Path:
        return self._path.parent

    @classmethod
    def load(cls, path: Path | str = FILE_NAME) -> Course:
        """Reads and checks grading.yml; raises CourseError on the first thing that is wrong."""
        path = Path(path).resolve()
        document = _Document.read(path)
        try:
            course = cls.model_validate(document.data)
        except ValidationError as error:
            errors = error.errors()
            unknown_keys = [each for each in errors if each["type"] == "extra_forbidden"]
            raise document.explain((unknown_keys or errors)[0]) from None
        course._path = path
        for name, assignment in course.assignments.items():
            assignment._name, assignment._root = name, path.parent
        _check(course, document)
        return course._with_course_wide_settings()

    @classmethod
    def find(cls, start: Path | str = ".") -> Course:
        """The course of the nearest grading.yml in `start` or a folder above it."""
        start = Path(start).resolve()
        for folder in (start, *start.parents):
            if (folder / FILE_NAME).is_file():
                return cls.load(folder / FILE_NAME)
        raise CourseError(
            start / FILE_NAME,
            None,
            "there is no grading.yml here or in a folder above; go to the course's folder, "
            "or name the file with --course.",
        )

    def assignment(self, name: str) -> Assignment:
        """The assignment of this name, or of this unique beginning of a name (`hw1`)."""
        if name in self.assignments:
            return self.assignments[name]
        matches = [full for full in self.assignments if full.startswith(name)]
        if len(matches) == 1:
            return self.assignments[matches[0]]
        known = ", ".join(self.assignments)
        problem = f"could be {' or '.join(matches)}" if matches and name else "is not one of them"
        raise CourseError(self.path, None, f"assignment {name!r} {problem}; there are {known}.")

    def _with_course_wide_settings(self) -> Course:
        """Each assignment's limits and tolerances, completed by the course's."""

        def complete(assignment: Assignment) -> Assignment:
            return assignment.model_copy(
                update={
                    field: getattr(self, field).model_copy(
                        update={
                            key: getattr(getattr(assignment, field), key)
                            for key in getattr(assignment, field).model_fields_set
                        }
                    )
                    for field in ("limits", "tolerances")
                }
            )

        completed = {name: complete(each) for name, each in self.assignments.items()}
        return self.model_copy(update={"assignments": completed})


def _check(course: Course, document: _Document) -> None:
    """What holds between entries and between the file and the folders beside it."""
    for name, assignment in course.assignments.items():
        here = ("assignments", name)
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
            raise document.error(
                here, f"{name!r} names folders: use small letters, digits and underscores."
            )
        if not assignment.questions or all(q.bonus for q in assignment.questions):
            raise document.error((*here, "questions"), f"{name} needs a question that is no bonus.")
        for field in ("files", "support"):
            for index, file in enumerate(getattr(assignment, field)):
                _check_file(assignment, file, document, (*here, field, index))
        for question in assignment.questions:
            place = (*here, "questions", question.name)
            if not question.name.isidentifier() or keyword.iskeyword(question.name):
                raise document.error(
                    place, f"{question.name!r} is no Python name, and a question's name is one."
                )
            if question.optional and not question.bonus:
                raise document.error(
                    (*place, "optional"),
                    f"{question.name} is optional, so it must be a bonus: others could not reach all points.",
                )
            if question.file not in assignment.files:
                raise document.error(
                    (*place, "file"),
                    f"{question.file} is not among the files of {name} "
                    f"({', '.join(assignment.files)}): add it there, or correct the name here.",
                )


def _check_file(assignment: Assignment, file: str, document: _Document, place: tuple) -> None:
    if PurePosixPath(file).name != file or not file.endswith(".py") or "\\" in file:
        raise document.error(place, f"{file!r} must be the bare name of a .py file.")
    if Counter(name.lower() for name in (*assignment.files, *assignment.support))[file.lower()] > 1:
        raise document.error(place, f"{file} stands here twice: remove one.")
    path = assignment.path(file)
    if not path.is_file():
        shown = path.relative_to(document.path.parent)
        raise document.error(place, f"{shown} does not exist: create it, or correct the name.")


class _Document:
    """A YAML file as plain data, with the line of every key and item."""

    def __init__(self, path: Path, data: Any, lines: dict[tuple, int]):
        self.path, self.data, self.lines = path, data, lines

    @classmethod
    def read(cls, path: Path) -> _Document:
        try:
            text = path.read_text(encoding="utf-8")
        except FileNotFoundError:
            raise CourseError(path, None, "there is no such file.") from None
        except (OSError, UnicodeDecodeError) as error:
            raise CourseError(path, None, f"it can't be read as UTF-8 text: {error}.") from None
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise CourseError(
                path, mark.line + 1 if mark else 1, f"this is not YAML: {error.problem}."
            ) from None
        except yaml.YAMLError as error:
            raise CourseError(path, 1, f"this is not YAML: {error}.") from None
        document = cls(path, None, {(): 1})
        if node is not None:
            document.data = document._plain(loader, node, ())
        return document

    def _plain(self, loader: _Loader, node: yaml.Node, place: tuple) -> Any:
        if isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self.lines[(*place, index)] = item.start_mark.line + 1
            return [self._plain(loader, item, (*place, i)) for i, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            result = {}
            for key_node, value_node in node.value:
                key, line = key_node.value, key_node.start_mark.line + 1
                if not isinstance(key_node, yaml.ScalarNode):
                    raise CourseError(self.path, line, "a key must be a plain word.")
                if key in result:
                    first = self.lines[(*place, key)]
                    raise CourseError(
                        self.path, line, f"{key} stands here again (first in line {first})."
                    )
                self.lines[(*place, key)] = line
                result[key] = self._plain(loader, value_node, (*place, key))
            return result
        try:
            return loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            line = node.start_mark.line + 1
            raise CourseError(
                self.path, line, f"{node.value!r} can't be understood here."
            ) from None

    def error(self, place: tuple, message: str) -> CourseError:
        """The error at the nearest line known for `place`."""
        while place not in self.lines:
            place = place[:-1]
        return CourseError(self.path, self.lines[place], message)

    def explain(self, error: Any) -> CourseError:
        """The sentence for one of pydantic's errors."""
        place, kind, context = tuple(error["loc"]), error["type"], error.get("ctx", {})
        path = " → ".join(str(part) for part in place) or FILE_NAME
        if kind == "extra_forbidden":
            return self.error(place, _unknown_key(str(place[-1])))
        if kind == "missing":
            return self.error(place, f"{path} is missing: add it.")
        if kind == "value_error":
            return self.error(place, f"{path}: {context['error']}.")
        if kind == "string_type":
            return self.error(place, f"{path}: text belongs here; put it in quotes.")
        if kind in ("dict_type", "model_type"):
            return self.error(place, f"{path}: entries of the form `key: value` belong here.")
        if kind in ("tuple_type", "list_type"):
            return self.error(place, f"{path}: a list belongs here, such as [one.py, two.py].")
        if kind in ("float_type", "int_type"):
            whole = "whole " if kind == "int_type" else ""
            return self.error(place, f"{path}: a {whole}number belongs here, without quotes.")
        if kind == "bool_type":
            return self.error(place, f"{path}: true or false belongs here.")
        return self.error(place, f"{path}: {error['msg'].replace('Input', 'this')}.")


class _Loader(yaml.SafeLoader):
    """YAML with numbers such as 1e-6, and dates left as text."""

    yaml_implicit_resolvers: ClassVar = {
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


_KEYS = {
    field.alias or name
    for model in (Course, Assignment, Question, Title, Limits, Tolerances, Closeness)
    for name, field in model.model_fields.items()
}


def _unknown_key(key: str) -> str:
    near = difflib.get_close_matches(key, _KEYS - {key}, n=1)
    if key in _KEYS:
        return f"{key} does not belong at this level: move or remove it."
    return f"{key} is not a known key: " + (f"did you mean {near[0]}?" if near else "remove it.")
