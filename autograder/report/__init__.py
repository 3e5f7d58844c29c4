"""From results to what people read: gradebook, a page a student, a page for the class."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from autograder.grading.results import read_results, write_atomically
from autograder.report import gradebook, html

if TYPE_CHECKING:
    from autograder.course import Course

CLASS_REPORT = "report.html"
FEEDBACK = "feedback.html"
GRADEBOOK = "gradebook.csv"


def write_report(out_dir: Path | str, course: Course | None = None) -> Path:
    """Write every report of the results in `out_dir` and return the class report's path.

    The course gives the assignment's title and the language to begin with; without it, the title is the assignment's
    name and the language English. The same results give the same bytes.

    Raises:
        ResultsError: a result is damaged, or the results are of several assignments.
    """
    out_dir = Path(out_dir)
    results = read_results(out_dir)
    labels = html.Labels.of(results, course)
    sheets = {
        GRADEBOOK: gradebook.gradebook(results),
        "canvas.csv": gradebook.canvas(results),
        "moodle.csv": gradebook.moodle(results),
    }
    for name, content in sheets.items():
        if content is not None:
            write_atomically(out_dir / name, content)
    for result in results:
        page = html.feedback(result, labels)
        write_atomically(out_dir / result.student / FEEDBACK, page, durable=False)
    path = out_dir / CLASS_REPORT
    write_atomically(path, html.class_report(results, labels), durable=False)
    return path
