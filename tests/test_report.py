"""Reports: right numbers, harmless pages, the same bytes each time."""

import base64
import csv
import hashlib
import html
import io
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from rich.console import Console
from sample_results import COURSE, MISTAKES, QUESTIONS, a_class, question, result

from autograder.grading.results import ResultsError
from autograder.report import gradebook, write_report
from autograder.report.html import Labels, class_report, feedback
from autograder.report.summary import summarise
from autograder.report.terminal import class_table

LABELS = Labels.of(a_class(), COURSE)
EVIL = "<script>alert(1)</script>\"'&{{ 7 * 7 }}"


def rows(content):
    return list(csv.reader(content.decode("utf-8").splitlines()))


class Page(HTMLParser):
    """The elements and the text of a page."""

    def __init__(self, content):
        super().__init__()
        self.elements, self.text = [], []
        self.feed(content.decode("utf-8"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


# Gradebook


def test_gradebook():
    sheet = rows(gradebook.gradebook(a_class()))
    assert sheet[0] == ["student", "assignment", "score", "max_score", *QUESTIONS]
    assert [row[0] for row in sheet[1:]] == sorted(r.student for r in a_class())
    ada = sheet[1]
    assert ada[:5] == ["ada", "hw1_policy_gradient", "105.0", "100.0", "15.0"]
    for row in sheet[1:]:
        assert sum(map(float, row[4:])) == pytest.approx(float(row[2]))
        assert float(row[3]) == 100.0


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", " =", "＝", "＠"])
def test_no_cell_is_a_formula(start):
    name = f'{start}HYPERLINK("x","y")'
    evil = result(name, [], identity={"name": name, "canvas_id": name, "moodle_id": "1"})
    for sheet in (gradebook.gradebook, gradebook.canvas, gradebook.moodle):
        content = sheet([evil]).decode()
        assert "'" + name.split("H")[0] in content
        assert f",{name}" not in content
        assert not content.splitlines()[1].startswith(name[0]) or start == " ="


def test_numbers():
    assert [gradebook.number(value) for value in (85, 50 / 3, 0, -0.0)] == [
        "85.0",
        "16.67",
        "0.0",
        "0.0",
    ]


def test_sheets_for_canvas_and_moodle(tmp_path):
    ada, bob = a_class()[:2]
    for student, platform in ((ada, "canvas_id"), (bob, "moodle_id")):
        replace(student, identity={"name": "The Name", platform: "42"}).write(tmp_path)
    write_report(tmp_path)
    assert rows((tmp_path / "canvas.csv").read_bytes()) == [
        ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "hw1_policy_gradient"],
        ["    Points Possible", "", "", "", "", "100.0"],
        ["The Name", "42", "", "", "", "105.0"],
    ]
    assert rows((tmp_path / "moodle.csv").read_bytes()) == [
        ["Identifier", "Full name", "Grade", "Maximum Grade", "Last modified (grade)"],
        ["Participant 42", "The Name", gradebook.number(bob.score), "100.0", "-"],
    ]


# Pages


def write_class(folder, course=COURSE):
    for student in a_class():
        student.write(folder)
    write_report(folder, course)
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_file_is_there_and_nothing_else(tmp_path):
    files = write_class(tmp_path)
    expected = {"gradebook.csv", "report.html"}
    for student in a_class():
        expected |= {f"{student.student}/result.json", f"{student.student}/feedback.html"}
    assert set(files) == expected


def test_the_same_results_give_the_same_bytes(tmp_path):
    assert write_class(tmp_path / "a") == write_class(tmp_path / "b")
    assert write_class(tmp_path / "a") == write_class(tmp_path / "b")


def test_a_damaged_result_is_named(tmp_path):
    write_class(tmp_path)
    (tmp_path / "ada" / "result.json").write_text("{")
    with pytest.raises(ResultsError, match="ada"):
        write_report(tmp_path)


def test_no_results(tmp_path):
    write_report(tmp_path)
    assert rows((tmp_path / "gradebook.csv").read_bytes()) == [
        ["student", "assignment", "score", "max_score"]
    ]
    assert "no results yet" in (tmp_path / "report.html").read_text("utf-8")


def test_feedback_says_what_the_result_says():
    weak = result(
        "ada",
        [question("policy_gradient_loss", 0), question("rewards_to_go", 3)],
        warnings=["Baseline.PY was taken for baseline.py."],
    )
    text = " ".join(Page(feedback(weak, LABELS)).text)
    hint = MISTAKES["policy_gradient_loss"].hint
    for part in (
        "Homework 1: Policy gradient",
        "作业 1：策略梯度",
        "ada",
        hint["en"],
        hint["zh"],
        "Padding changes nothing",
        "The values differ",
        "Baseline.PY was taken",
        "Partly right",
        "Not right yet",
    ):
        assert part in text
    assert "mean_over_steps" not in text


def test_feedback_of_a_submission_that_could_not_be_graded():
    bob = a_class()[2]
    text = " ".join(Page(feedback(bob, LABELS)).text)
    assert bob.message in text
    assert "Unreadable" in text


def _pages():
    evil = result(
        EVIL,
        [
            replace(
                question("policy_gradient_loss", 0),
                tests=(replace(question("rewards_to_go", 0).tests[0], title=EVIL, message=EVIL),),
                diagnosis=replace(
                    MISTAKES["rewards_to_go"], mistake=EVIL, hint={"en": EVIL, "zh": EVIL}
                ),
            )
        ],
        "crashed",
        EVIL + "\ud800",
        warnings=[EVIL],
    )
    yield feedback(evil, LABELS)
    yield class_report([evil, *a_class()], LABELS)


@pytest.mark.parametrize("page", list(_pages()), ids=["feedback", "class"])
def test_markup_in_names_and_messages_is_text(page):
    parsed = Page(page)
    assert not parsed.all("script")
    assert any(EVIL in text for text in parsed.text)


@pytest.mark.parametrize("page", list(_pages()), ids=["feedback", "class"])
def test_pages_are_self_contained(page):
    parsed = Page(page)
    for tag, attributes in parsed.elements:
        assert tag not in ("script", "link", "img", "iframe", "object", "embed", "form", "base")
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
        link = attributes.get("href", "#")
        assert "//" not in link
        assert link.startswith("#") or link.endswith(("/feedback.html", ".csv"))
    style = re.search(rb"<style>(.*)</style>", page, re.DOTALL)[1]
    assert b"url(" not in style
    assert b"@import" not in style
    policy = html.unescape(parsed.all("meta")[1]["content"])
    digest = base64.b64encode(hashlib.sha256(style).digest()).decode()
    assert policy.startswith("default-src 'none'")
    assert f"style-src 'sha256-{digest}'" in policy


def test_links_lead_to_the_students_pages(tmp_path):
    strange = [replace(a_class()[0], student=name) for name in ("李 雷", "a&b", "50%", "x#y")]
    for student in strange:
        student.write(tmp_path)
    write_report(tmp_path)
    links = {a["href"] for a in Page((tmp_path / "report.html").read_bytes()).all("a")}
    assert links == {
        "%E6%9D%8E%20%E9%9B%B7/feedback.html",
        "a%26b/feedback.html",
        "50%25/feedback.html",
        "x%23y/feedback.html",
        "gradebook.csv",
    }


def test_a_students_page_names_no_one_else():
    page = feedback(a_class()[0], LABELS).decode()
    assert not any(other.student in page for other in a_class()[1:])


@pytest.mark.parametrize(("language", "lang"), [("en", "en"), ("zh", "zh-Hans")])
def test_the_courses_language_comes_first(language, lang):
    page = Page(feedback(a_class()[0], replace(LABELS, language=language)))
    assert page.all("html") == [{"lang": lang}]
    checked = [radio["id"] for radio in page.all("input") if "checked" in radio]
    assert checked == [language]


def test_without_a_course_the_title_is_the_name(tmp_path):
    files = write_class(tmp_path, course=None)
    assert b"hw1_policy_gradient" in files["report.html"]


def test_each_table_has_headers():
    for page in (feedback(a_class()[0], LABELS), class_report(a_class(), LABELS)):
        for attributes in Page(page).all("th"):
            assert attributes.get("scope") in ("col", "row")


# Numbers of the class


def test_summary():
    summary = summarise(a_class())
    scores = sorted(r.score for r in a_class())
    assert sum(summary.histogram) == len(scores)
    assert summary.histogram[0] == sum(score < 10 for score in scores)
    assert summary.histogram[-1] == sum(score >= 90 for score in scores)
    assert (summary.lowest, summary.highest) == (scores[0], scores[-1])
    assert {r.student for r in summary.troubled} == {"bob", "eve"}
    for column in summary.questions:
        assert column.full + column.partial + column.none == len(scores)
    counts = [len(mistake.students) for mistake in summary.mistakes]
    assert counts == sorted(counts, reverse=True)
    first = summary.mistakes[0]
    made = [
        r.student
        for r in a_class()
        for q in r.questions
        if q.name == first.question and q.diagnosis
    ]
    assert sorted(first.students) == sorted(made)


@pytest.mark.parametrize(
    ("score", "place"), [(0, 0), (9.99, 0), (10, 1), (30, 3), (70, 7), (99, 9), (100, 9), (105, 9)]
)
def test_places_in_the_histogram(score, place):
    histogram = summarise([replace(a_class()[0], score=score)]).histogram
    assert histogram.index(1) == place


def test_a_score_on_the_border_is_not_rounded_down():
    histogram = summarise([replace(a_class()[0], score=0.6, max_score=6.0)]).histogram
    assert histogram.index(1) == 1


def test_the_table_fits_a_terminal_of_80_columns():
    evil = replace(a_class()[0], student="[red]" + "x" * 60)
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(class_table([evil, *a_class()]))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "[red]xxx" in text
    assert "105 / 100" in text
    assert "Took too long" in text
    assert "policy_gradient_loss: The sum over time" in text


def test_the_terminal_speaks_the_course_s_language():
    console = Console(width=80, file=io.StringIO())
    console.print(class_table(a_class(), "zh"))
    shown = console.file.getvalue()
    assert "学生" in shown and "平均分" in shown and "最常见的错误" in shown
    for english in ("Student", "Score", "Mean:", "frequent", "right"):
        assert english not in shown
