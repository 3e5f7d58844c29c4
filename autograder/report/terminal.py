"""A class at a glance, in a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from autograder.grading.results import QuestionResult, SubmissionResult
from autograder.report.html import shown_number
from autograder.report.summary import Mistake, QuestionSummary, summarise
from autograder.report.words import SIGN, STATUS, TEXT, tone

_STYLE = {"good": "green", "fair": "yellow", "poor": "red", "calm": "dim"}
_FREQUENT = 5


def class_table(results: Sequence[SubmissionResult], language: str = "en") -> Group:
    """A row a student, a sign a question; below it what the signs mean, and the most frequent mistakes."""
    word = {key: getattr(words, language) for key, words in TEXT.items()}
    summary = summarise(results)
    if not summary.results:
        return Group(Text(word["nobody"]))
    table = _plain_table()
    table.add_column(word["student"], overflow="ellipsis", no_wrap=True, max_width=26)
    table.add_column(word["score"], justify="right", no_wrap=True)
    table.add_column(" ".join(_digits(summary.questions)), no_wrap=True)
    table.add_column(word["status"], no_wrap=True, overflow="ellipsis")
    for result in summary.results:
        style = "" if result.status == "graded" else _STYLE[tone(result.status)]
        table.add_row(
            Text(result.student),
            f"{shown_number(result.score)} / {shown_number(result.max_score)}",
            Text(" ").join(_sign(question) for question in result.questions),
            Text(getattr(STATUS[result.status], language), style=style),
        )
    middle = "   ".join(
        f"{word[key]}: {number}"
        for key, number in (
            ("mean", f"{summary.mean:.1f}"),
            ("median", f"{summary.median:.1f}"),
            ("submissions", len(results)),
        )
    )
    parts: list[RenderableType] = [
        table,
        Text(""),
        Text(middle),
        Text(word["signs"], style="dim"),
        _legend(summary.questions),
    ]
    if summary.mistakes:
        parts += [Text(""), _frequent(summary.mistakes[:_FREQUENT], language)]
    return Group(*parts)


def _legend(questions: Sequence[QuestionSummary]) -> Table:
    table = _plain_table(show_header=False)
    cells = [
        Text(f"{digit} {question.name}", style="dim")
        for digit, question in zip(_digits(questions), questions)
    ]
    for start in range(0, len(cells), 2):
        table.add_row(*cells[start : start + 2])
    return table


def _frequent(mistakes: Sequence[Mistake], language: str) -> Table:
    table = _plain_table(
        title=getattr(TEXT["mistakes"], language), title_justify="left", show_header=False
    )
    for mistake in mistakes:
        text = Text(f"{mistake.question}: ", style="bold")
        text.append(mistake.hint[language], style="not bold")
        table.add_row(f"{len(mistake.students)} ×", text)
    return table


def _plain_table(**options: Any) -> Table:
    return Table(box=None, padding=(0, 2, 0, 0), header_style="bold", title_style="bold", **options)


def _digits(questions: Sequence[QuestionSummary]) -> list[str]:
    return [str(number % 10) for number in range(1, len(questions) + 1)]


def _sign(question: QuestionResult) -> Text:
    kind = tone(question.status)
    return Text(SIGN[kind], style=_STYLE[kind])
