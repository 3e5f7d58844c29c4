"""The `autograder` command: thin wrappers over functions that are usable from Python.

Exit codes: 0 = it did what was asked; 1 = it ran, and the answer is no; 2 = the call or
grading.yml is wrong.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import rich
import rich.console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeElapsedColumn

from autograder import __version__
from autograder.course import Assignment, Course
from autograder.errors import AutograderError

_FOLDER = click.Path(file_okay=False, path_type=Path)


class _Commands(click.Group):
    """Turns what a person can mend into one sentence and an exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except AutograderError as error:
            click.echo(f"Error: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            click.echo(f"Error: {where}{error.strerror or error}", err=True)
            ctx.exit(1)
        except KeyboardInterrupt:
            click.echo("Stopped.", err=True)
            ctx.exit(130)


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Run `autograder COMMAND --help` for examples.",
)
@click.version_option(__version__, prog_name="autograder")
@click.option(
    "--course",
    "course_path",
    type=click.Path(path_type=Path),
    help="The course's grading.yml; otherwise the nearest one, from this folder upwards.",
)
@click.pass_context
def main(ctx: click.Context, course_path: Path | None) -> None:
    """Homework from the master solution to the graded class.

    \b
    Instructor   autograder verify             are the hidden tests right?
                 autograder release --out dist make the zips to hand out
                 autograder new hw5_trpo       start another assignment
    TA           autograder grade hw1 handed_in/ --out results/
                 autograder report results/    draw the reports again
                 autograder doctor             how well can this machine lock code in?

    Exit code 0: done. 1: it ran, and the answer is no. 2: the call or grading.yml is wrong.
    """
    ctx.obj = course_path


def _course() -> Course:
    path = click.get_current_context().find_root().obj
    return Course.load(path) if path else Course.find()


@contextmanager
def _progress(title: str) -> Iterator[Callable[[int, int], None]]:
    """A live bar on a terminal, nothing elsewhere; yields a function of (done, total)."""
    console = rich.console.Console(stderr=True)
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def _assignments(course: Course, names: tuple[str, ...]) -> list[Assignment]:
    return [course.assignment(name) for name in names or course.assignments]


_JOBS = click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=os.cpu_count() or 1,
    show_default="number of cores",
    help="Submissions graded at the same time.",
)


@main.command()
@click.argument("homeworks", nargs=-1, metavar="[HW]...")
@_JOBS
@click.option(
    "--update-checks",
    is_flag=True,
    help="Write down how many comparisons each hidden test makes, after a change that you meant.",
)
def verify(homeworks: tuple[str, ...], jobs: int, update_checks: bool) -> None:
    """Prove the hidden tests: the instructor's gate.

    The reference gets every point, the starter none; every known mistake loses points on its
    question and only there; every accepted equivalent keeps them; no test is vacuous, and none
    makes fewer comparisons than it did.

    \b
    Examples:
      autograder verify          every assignment
      autograder verify hw1 hw3  these two
    """
    from autograder.grading.verify import table, verify

    course = _course()
    reports = []
    for assignment in _assignments(course, homeworks):
        with _progress(f"verify {assignment.short_name}") as progress:
            reports.append(
                verify(
                    course, assignment, jobs=jobs, update_checks=update_checks, progress=progress
                )
            )
    click.echo(table(reports))
    if any(report.all_holes for report in reports):
        sys.exit(1)


@main.command()
@click.argument("homeworks", nargs=-1, metavar="[HW]...")
@click.option("--out", type=_FOLDER, default=Path("dist"), show_default=True, help="Target folder.")
def release(homeworks: tuple[str, ...], out: Path) -> None:
    """Make the zips: for students, with the solution, for Gradescope.

    The same sources give the same bytes. If any line of a solution or of a hidden test stands in
    a student's zip, nothing is written and each leak is named.

    \b
    Examples:
      autograder release hw1         dist/hw1-student.zip, -solution.zip, -gradescope.zip
      autograder release --out /tmp/zips
    """
    from autograder.release import release

    course = _course()
    release(course, _assignments(course, homeworks), out)


@main.command()
@click.argument("homeworks", nargs=-1, metavar="[HW]...")
def starter(homeworks: tuple[str, ...]) -> None:
    """Write starter_code/ again from solutions/ and assignments/.

    \b
    Example:
      autograder starter hw1
    """
    from autograder.release.bundle import write_starter

    course = _course()
    for assignment in _assignments(course, homeworks):
        write_starter(course, assignment)
        click.echo(f"{assignment.starter_dir.relative_to(course.root)}/")


@main.command()
@click.argument("homework", metavar="HW")
@click.argument("paths", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out", type=_FOLDER, default=Path("results"), show_default=True, help="Target folder."
)
@_JOBS
@click.option(
    "--allow-unsafe",
    is_flag=True,
    help="Grade even if this machine can't lock code in as grading.yml demands. "
    "A submission may then read and change whatever you can.",
)
@click.option(
    "--scheduler",
    metavar="COMMAND",
    help="On a cluster: run --jobs shares of the class through this command, which must wait for the "
    "command after it. The folders must be the same everywhere.",
)
@click.option(
    "--share", metavar="I/N", help="Grade the I-th of N shares only, and write no reports."
)
def grade(
    homework: str,
    paths: tuple[Path, ...],
    out: Path,
    jobs: int,
    allow_unsafe: bool,
    scheduler: str | None,
    share: str | None,
) -> None:
    """Grade submissions: folders, zips, single files, or a folder of them.

    What is graded already is kept, so after an interruption the same call goes on.

    \b
    Examples:
      autograder grade hw1 handed_in/ --out results/
      autograder grade hw2 ada.zip bob/ --jobs 2
      autograder grade hw1 handed_in/ --jobs 16 --scheduler 'srun --cpus-per-task=1'
    """
    from autograder.grading.cluster import Share
    from autograder.grading.grade import grade, grade_on_cluster
    from autograder.report import write_report
    from autograder.report.terminal import class_table

    if scheduler and share:
        raise click.UsageError("--scheduler makes the shares itself: leave --share out.")
    course = _course()
    assignment = course.assignment(homework)
    try:
        with _progress(f"grade {assignment.short_name}") as progress:
            given = (course, assignment, list(paths), out)
            if scheduler:
                for sentence in grade_on_cluster(
                    *given, scheduler, jobs, allow_unsafe=allow_unsafe, progress=progress
                ):
                    click.echo(sentence, err=True)
                jobs = os.cpu_count() or 1
            results = grade(
                *given,
                jobs=1 if share else jobs,
                allow_unsafe=allow_unsafe,
                share=Share.parse(share) if share else None,
                progress=progress,
            )
    except KeyboardInterrupt:
        click.echo("Stopped. What is graded is kept; the same call goes on from there.", err=True)
        sys.exit(130)
    if share:
        return
    write_report(out, course)
    rich.print(class_table(results, course.language))
    click.echo(f"Report: {out / 'report.html'}   Gradebook: {out / 'gradebook.csv'}")
    if any(result.status == "unreadable" for result in results):
        sys.exit(1)


@main.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
def report(folder: Path) -> None:
    """Write gradebook and HTML pages from results that are already there.

    \b
    Example:
      autograder report results/
    """
    from autograder.report import write_report

    write_report(folder, _course())


@main.command()
@click.argument("name")
def new(name: str) -> None:
    """Start a new assignment that already passes `verify`.

    \b
    Example:
      autograder new hw5_trpo
    """
    from autograder.release.scaffold import create_assignment

    for path in create_assignment(_course(), name):
        click.echo(path)


@main.command()
def doctor() -> None:
    """Show how well this machine can lock a submission in, and how to do better."""
    from autograder.sandbox.levels import doctor

    click.echo(doctor())
