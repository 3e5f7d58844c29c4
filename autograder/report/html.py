"""Pages of HTML: self-contained, without scripts, and harmless whatever a name or a message holds."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import jinja2
from markupsafe import Markup

from autograder.grading.results import SubmissionResult
from autograder.report.summary import share, summarise
from autograder.report.words import STATUS, TEXT, Words, sign, tone

if TYPE_CHECKING:
    from autograder.course import Course

_TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Labels:
    """What the results themselves do not hold: the titles, and the language to begin with."""

    title: Words
    course: Words
    language: str

    @classmethod
    def of(cls, results: Sequence[SubmissionResult], course: Course | None) -> Labels:
        name = results[0].assignment if results else ""
        if course is None:
            return cls(Words(name, name), Words("", ""), "en")
        assignment = course.assignments.get(name)
        title = Words(assignment.title.en, assignment.title.zh) if assignment else Words(name, name)
        return cls(title, Words(course.title.en, course.title.zh), course.language)


def feedback(result: SubmissionResult, labels: Labels) -> bytes:
    """One student's page."""
    return _page("feedback.html", labels, result=result)


def class_report(results: Sequence[SubmissionResult], labels: Labels) -> bytes:
    """The class's page, for the teachers: it names every student."""
    return _page("class.html", labels, summary=summarise(results))


def _page(template: str, labels: Labels, **content: object) -> bytes:
    page = _environment().get_template(template).render(labels=labels, **content)
    return page.encode("utf-8", "replace")


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (_TEMPLATES / "style.css").read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment.globals.update(
        style=Markup(style),
        style_hash=f"sha256-{digest}",
        words=lambda key: _both(TEXT[key]),
        status=lambda key: _both(STATUS[key]),
        both=lambda text: _both(Words(text["en"], text["zh"])),
        badge=_badge,
        plain=lambda key, language: getattr(TEXT[key], language),
        quiet=("passed", "not_implemented", "not_run"),
        tone=tone,
        sign=sign,
        share=share,
    )
    environment.filters.update(
        number=shown_number, code=_code, folder=lambda name: quote(name, safe="")
    )
    return environment


def _both(words: Words) -> Markup:
    """Words in both languages, of which the style shows one."""
    if words.en == words.zh:
        return Markup("{}").format(words.en)
    shown = '<span class="en" lang="en">{}</span><span class="zh" lang="zh">{}</span>'
    return Markup(shown).format(words.en, words.zh)


def _badge(status: str) -> Markup:
    shown = '<span class="badge {}"><span aria-hidden="true">{}</span> {}</span>'
    return Markup(shown).format(tone(status), sign(status), _both(STATUS[status]))


def _code(name: str) -> Markup:
    """A name of Python's that may be broken between its words."""
    words = re.split(r"(?<=_)(?=[^_])|(?<=[a-z])(?=[A-Z])", name)
    return Markup("<code>{}</code>").format(Markup("<wbr>").join(words))


def shown_number(value: float) -> str:
    """At most two decimals, none when there are none to show: 85, 16.67."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
