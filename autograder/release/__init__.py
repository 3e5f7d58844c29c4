"""From master files to what is handed out."""

from __future__ import annotations

from pathlib import Path

import click

from autograder.course import Assignment, Course
from autograder.release import bundle, leaks


def release(course: Course, assignments: list[Assignment], out: Path) -> list[Path]:
    """Writes the three zips of each assignment to `out`; nothing if one of them would leak.

    Raises:
        LeakError: a student's folder holds something secret.
    """
    from autograder.release.gradescope import gradescope_files

    folders = {each.name: bundle.student_files(course, each) for each in assignments}
    for assignment in assignments:
        leaks.refuse_leaks(course, assignment, folders[assignment.name])
    written = []
    for assignment in assignments:
        for kind, files in (
            ("student", folders[assignment.name]),
            ("solution", bundle.solution_files(course, assignment)),
            ("gradescope", gradescope_files(course, assignment)),
        ):
            path = out / f"{assignment.short_name}-{kind}.zip"
            bundle.write_zip(path, files)
            click.echo(f"{path}  {len(files)} files, {path.stat().st_size / 1024:.0f} KB")
            written.append(path)
    return written
