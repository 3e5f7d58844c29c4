"""What is in a student's folder, as `{path: bytes}`; and zips that are the same bytes each time."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath

from autograder.course import Assignment, Course
from autograder.release.notebook import MASTER, NOTEBOOK, notebook
from autograder.release.strip import finish, strip

Files = dict[str, bytes]

_LEFT_OVERS = {"__pycache__", "runs", "submission.zip"}
_EXECUTABLE = {"run_autograder", "setup.sh"}


def student_files(course: Course, assignment: Assignment) -> Files:
    """The folder a student starts from: nothing in it is a solution."""
    return _folder(course, assignment, strip)


def solution_files(course: Course, assignment: Assignment) -> Files:
    """The same folder, finished."""
    return _folder(course, assignment, finish)


def _folder(course: Course, assignment: Assignment, treat: Callable[[str, str], str]) -> Files:
    files = read_folder(course.root / "assignments" / "common")
    files |= read_folder(assignment.content_dir)
    files |= {name: assignment.path(name).read_bytes() for name in assignment.files}
    for name, content in files.items():
        if name.endswith(".py"):
            files[name] = treat(content.decode("utf-8"), f"{assignment.name}/{name}").encode()
    if MASTER in files:
        files[NOTEBOOK] = notebook(files.pop(MASTER).decode("utf-8"))
    files["homework.json"] = _homework(course, assignment)
    return dict(sorted(files.items()))


def _homework(course: Course, assignment: Assignment) -> bytes:
    """What submit.py must know: the files, and each question with its file."""
    content = {
        "name": assignment.name,
        "language": course.language,
        "files": assignment.files,
        "questions": {
            question.name: question.model_dump(exclude={"name"})
            for question in assignment.questions
        },
    }
    return (json.dumps(content, indent=2, ensure_ascii=False) + "\n").encode()


def read_folder(folder: Path) -> Files:
    """Every file below `folder`, save what running things there leaves behind."""
    if not folder.is_dir():
        return {}
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not _left_over(path.relative_to(folder))
    }


def _left_over(path: Path) -> bool:
    return any(part.startswith(".") or part in _LEFT_OVERS for part in path.parts)


def write_starter(course: Course, assignment: Assignment) -> None:
    """Makes `starter_code/<name>` exactly the student's folder."""
    files = student_files(course, assignment)
    shutil.rmtree(assignment.starter_dir, ignore_errors=True)
    for name, content in files.items():
        target = assignment.starter_dir / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def write_zip(path: Path, files: Mapping[str, bytes]) -> None:
    """A zip whose bytes depend on `files` alone; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".part")
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever the zip is made
            mode = 0o755 if PurePosixPath(name).name in _EXECUTABLE else 0o644
            entry.external_attr = (0o100000 | mode) << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, files[name])
    unfinished.replace(path)
