"""Scores as CSV: our own gradebook, and sheets that Canvas and Moodle import."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from autograder.grading.results import SubmissionResult
from autograder.report.summary import question_names

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def gradebook(results: Sequence[SubmissionResult]) -> bytes:
    """A row a student, sorted; a column a question."""
    questions = question_names(results)
    rows: list[list[str]] = [["student", "assignment", "score", "max_score", *questions]]
    for result in sorted(results, key=lambda result: result.student):
        scores = {question.name: number(question.score) for question in result.questions}
        rows.append(
            [
                text(result.student),
                text(result.assignment),
                number(result.score),
                number(result.max_score),
                *(scores.get(name, "") for name in questions),
            ]
        )
    return _csv(rows)


def canvas(results: Sequence[SubmissionResult]) -> bytes | None:
    """Canvas matches students by ID. Its own name for the assignment's column is "name (id)": without the id, Canvas
    asks whether to create it, so put the right heading in first. None when no submission came from Canvas.
    """
    known = [result for result in results if "canvas_id" in result.identity]
    if not known:
        return None
    header = ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", text(known[0].assignment)]
    rows = [header, ["    Points Possible", "", "", "", "", number(known[0].max_score)]]
    for result in sorted(known, key=lambda result: result.student):
        name, identity = _name(result), result.identity["canvas_id"]
        rows.append([name, text(identity), "", "", "", number(result.score)])
    return _csv(rows)


def moodle(results: Sequence[SubmissionResult]) -> bytes | None:
    """Moodle's offline grading worksheet; None when no submission came from Moodle."""
    known = [result for result in results if "moodle_id" in result.identity]
    if not known:
        return None
    rows = [["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"]]
    for result in sorted(known, key=lambda result: result.student):
        participant = f"Participant {result.identity['moodle_id']}"
        scores = [number(result.score), number(result.max_score)]
        rows.append([participant, _name(result), *scores, "-"])
    return _csv(rows)


def number(value: float) -> str:
    """At most two decimals, always one: 85.0, 16.67."""
    return repr(round(float(value), 2) + 0.0)


def text(value: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{value}" if value.lstrip(" ").startswith(_FORMULA) else value


def _name(result: SubmissionResult) -> str:
    return text(result.identity.get("name", result.student))


def _csv(rows: Iterable[Sequence[str]]) -> bytes:
    sheet = io.StringIO(newline="")
    csv.writer(sheet, lineterminator="\n").writerows(rows)
    return sheet.getvalue().encode("utf-8", "replace")
