"""Nobody gains, learns, leaves or breaks anything that is not theirs."""

from __future__ import annotations

import csv
import functools
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from autograder.sandbox.levels import PARTS
from red_team import (
    archives,
    comparisons,
    exhaustion,
    forging,
    honest,
    introspection,
    markup,
    neighbours,
    reading,
    shadowing,
    survival,
)
from red_team.arena import CANARIES, MARK, Arena, Graded, secret_lines
from red_team.attack import Attack

FAMILIES = {
    family.__name__.split(".")[-1]: family.ATTACKS
    for family in (
        reading,
        forging,
        comparisons,
        introspection,
        exhaustion,
        survival,
        neighbours,
        archives,
        shadowing,
        markup,
    )
}
ATTACKS: list[Attack] = [attack for attacks in FAMILIES.values() for attack in attacks]
QUICK = [
    "reads_the_tests",
    "reads_the_environment",
    "digs_in_its_own_memory",
    "answers_before_it_is_asked",
    "announces_four_gigabytes",
    "answers_its_import_with_an_error",
    "takes_the_workers_place",
    "forges_the_results",
    "equals_everything",
    "patches_torch_and_numpy",
    "all_nan",
    "hundred_billion_entries",
    "rows_of_unequal_length",
    "zeroes_its_inputs",
    "reads_frames",
    "imports_the_reference",
    "smuggles_in_shapes",
    "smuggles_in_exceptions",
    "segmentation_fault",
    "a_huge_tensor",
    "recursion",
    "leaves_a_daemon",
    "leaves_a_thread",
    "kills_everybody",
    "changes_torch_for_all",
    "zip_slip",
    "zip_with_links",
    "files_that_are_links",
    "brings_torch_and_numpy",
    "replaces_modules",
    "script_in_a_name",
    "a_formula_for_a_name",
    "script_in_everything",
    "letters_that_nobody_sees",
]
LEVELS = ("full", "restricted", "minimal")
FORMULA = tuple("=+-@\t\r＝＋－＠")
CONTROLS = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"


WALLS = ("reading", "forging", "introspection", "survival", "neighbours")
CLASSES = {
    "quick": [a for a in ATTACKS if a.name in QUICK],
    "whole": ATTACKS,
    "restricted": [a for family in WALLS for a in FAMILIES[family]],
}
"""Who is graded together: a part for every day, all, and all that need walls where namespaces are refused."""


def _each(which: str, *values: object, name: str = "") -> Any:
    marks = [] if which == "quick" else [pytest.mark.slow]
    return pytest.param((which, *values), id="-".join(filter(None, (which, name))), marks=marks)


@functools.cache
def graded(which: str, root: Path) -> Graded:
    return Arena(root / which, attacks=CLASSES[which]).grade(refused=_refused(which))


@functools.cache
def alone(which: str, student: str, root: Path) -> Graded:
    arena = Arena(root / which / "alone" / student, honest={student: honest.CLASS[student]})
    return arena.grade(jobs=1, refused=_refused(which))


def _refused(which: str) -> str:
    return "namespaces" if which == "restricted" else ""


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("red_team")


@pytest.fixture(params=map(_each, CLASSES))
def whole_class(request: pytest.FixtureRequest, root: Path) -> Graded:
    return graded(*request.param, root)


FAMILY_OF = {attack.name: family for family, attacks in FAMILIES.items() for attack in attacks}


@pytest.fixture(
    params=[
        _each(which, attack, name=f"{FAMILY_OF[attack.name]}-{attack.name}")
        for which, attacks in CLASSES.items()
        for attack in attacks
    ]
)
def case(request: pytest.FixtureRequest, root: Path) -> tuple[Graded, Attack]:
    which, attack = request.param
    return graded(which, root), attack


def test_there_are_enough_of_each_family() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(set(names)) == len(names) >= 60
    assert set(QUICK) <= set(names)
    assert all(len(attacks) >= 8 for attacks in FAMILIES.values())


@pytest.mark.slow
def test_without_walls_the_attacks_would_succeed(tmp_path: Path) -> None:
    """They have teeth. (Three that only read; others would do harm here.)"""
    names = ("reads_the_tests", "runs_the_reference", "copies_its_neighbour")
    arena = Arena(tmp_path / "open", attacks=[a for a in ATTACKS if a.name in names])
    result = arena.grade(2, "--allow-unsafe", refused=",".join(PARTS))
    assert any(line in result.said("reads_the_tests") for line in secret_lines())
    assert [result.result(name)["score"] for name in names[1:]] == [110.0, 110.0]
    assert result.result("ada")["isolation"] == "none"


# --- the cheat gains nothing ---------------------------------------------------------------------------------------


def test_gains_nothing(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    scores = {
        q["name"]: q["score"] for q in result.result(result.student_of[attack.name])["questions"]
    }
    assert {name: scores[name] for name in attack.missing} == dict.fromkeys(attack.missing, 0.0)
    assert {name: scores[name] for name in attack.implemented} == {
        name: result.max_scores[name] for name in attack.implemented
    }


def test_it_was_really_tried_and_is_told_what_happened(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    told = result.result(result.student_of[attack.name])
    assert told["status"] in attack.statuses
    assert told["status"] == "graded" or told["message"]
    if attack.runs:
        assert "tried:" in result.said(told["student"])


# --- the others get what they earned -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "given",
    [
        _each(which, student, name=student)
        for which in CLASSES
        for student in (["ada"] if which == "quick" else honest.CLASS)
    ],
)
def test_an_honest_student_gets_what_they_get_alone(given: tuple[str, str], root: Path) -> None:
    which, student = given
    together = graded(which, root).readable(student)
    assert together == alone(which, student, root).readable(student)


@pytest.mark.parametrize("student", honest.POINTS)
def test_an_honest_student_gets_what_they_earned(whole_class: Graded, student: str) -> None:
    assert whole_class.result(student)["score"] == honest.POINTS[student]


def test_everybody_is_graded(whole_class: Graded) -> None:
    assert whole_class.done.stderr == ""
    assert whole_class.done.returncode in (0, 1)  # 1: some could not be read
    folders = {path.name for path in whole_class.arena.out.iterdir() if path.is_dir()}
    assert folders == {"_log", *whole_class.students}
    assert len(whole_class.students) == len(whole_class.arena.attacks) + len(honest.CLASS)


def test_each_result_names_its_walls(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    level = result.result(result.student_of[attack.name])["isolation"]
    assert level in (LEVELS[1:] if result.refused else LEVELS)


# --- nothing is left behind ----------------------------------------------------------------------------------------


def test_no_file_is_touched(whole_class: Graded) -> None:
    assert whole_class.changed == []
    assert whole_class.marked == []


def test_the_output_holds_nothing_else(whole_class: Graded) -> None:
    out = whole_class.arena.out
    mine = {"result.json", "feedback.html"}
    assert {f.name for s in whole_class.students for f in (out / s).iterdir()} == mine
    assert not [path for path in out.rglob("*") if path.is_symlink() or MARK in path.name]


def test_no_process_outlives_the_run(whole_class: Graded) -> None:
    assert whole_class.survivors == []


def test_no_process_becomes_large(whole_class: Graded) -> None:
    assert whole_class.megabytes < 1500


# --- nothing is learned --------------------------------------------------------------------------------------------


def test_nothing_secret_was_seen_inside(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    if not attack.runs:
        return
    said = result.said(result.student_of[attack.name])
    assert [what for what, canary in CANARIES.items() if canary in said] == []
    assert [line for line in secret_lines() if line in said] == []
    for word in ("WRITTEN", "CONNECTED", "FOUND in", "IMPORTED", "DUG OUT", "LEFT BY A NEIGHBOUR"):
        assert word not in said


def test_nothing_hidden_stands_in_what_a_student_reads(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    student = result.student_of[attack.name]
    text = "\n".join(result.readable(student).values())
    assert [what for what, canary in CANARIES.items() if canary in text] == []
    assert [line for line in secret_lines() if line in text] == []
    assert result.arena.known["suite"] not in text
    assert "test_policy_gradient.py" not in text.replace("tests/test_policy_gradient.py", "")


def test_no_input_is_smuggled_out(case: tuple[Graded, Attack]) -> None:
    result, attack = case
    student = result.student_of[attack.name]
    if not attack.name.startswith("smuggles"):
        return
    digits = set(re.findall(r"SMUGGLED (\d+)", result.said(student)))
    assert digits
    shown = set(re.findall(r"\d+", "\n".join(result.readable(student).values())))
    assert [d for d in digits if any(d in number for number in shown)] == []


# --- nothing runs in the reader's browser or spreadsheet -----------------------------------------------------------


class _Tags(HTMLParser):
    """Tags, handlers and addresses of a page; the content of its own scripts and styles is set aside."""

    def __init__(self) -> None:
        super().__init__()
        self.handlers: list[str] = []
        self.scripts: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.inside = tag if tag in ("script", "style") else ""
        self.handlers += [f"{tag} {name}" for name, _ in attributes if name.startswith("on")]
        self.handlers += [
            f"{tag} {value}" for _, value in attributes if (value or "").startswith("javascript:")
        ]
        self.handlers += (
            [tag] if tag in ("img", "svg", "iframe", "object") and "src" in dict(attributes) else []
        )

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside == "script":
            self.scripts.append(data)


def test_no_page_runs_what_a_student_wrote(whole_class: Graded) -> None:
    pages = [*whole_class.arena.out.rglob("*.html")]
    assert len(pages) == len(whole_class.students) + 1
    for page in pages:
        tags = _Tags()
        tags.feed(page.read_text())
        assert tags.handlers == [], page
        assert not any("owned" in script for script in tags.scripts), page
        assert not re.search(CONTROLS, page.read_text()), page


def test_no_cell_is_a_formula(whole_class: Graded) -> None:
    sheets = [*whole_class.arena.out.glob("*.csv")]
    assert sheets
    for sheet in sheets:
        with sheet.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.reader(file))
        assert len({len(row) for row in rows}) == 1
        assert [cell for row in rows for cell in row if cell.startswith(FORMULA)] == []
    gradebook = next(sheet for sheet in sheets if sheet.name == "gradebook.csv")
    assert len(gradebook.read_text().splitlines()) == len(whole_class.students) + 1


def test_neither_terminal_nor_log_shows_control_characters(whole_class: Graded) -> None:
    logs = (log.read_text() for log in (whole_class.arena.out / "_log").glob("*.txt"))
    for text in (whole_class.done.stdout, whole_class.done.stderr, *logs):
        assert not re.search(CONTROLS, text)
