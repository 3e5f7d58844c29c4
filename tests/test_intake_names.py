"""Names of students: fit for a folder on any system, unique, and always the same."""

import os
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading.names import MAX_BYTES, safe_name, unique_names

any_text = st.text(st.characters(exclude_categories=[]), max_size=300)


@pytest.mark.parametrize(
    "name", ["ada", "Ada Lovelace", "李雷", "o'neil", "x_1", "a.b", "a@b.org", "Zoë"]
)
def test_a_harmless_name_stays(name):
    assert safe_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../../etc/passwd",
        "/abs",
        ".hidden",
        "-rf",
        "CON",
        "nul.py",
        "COM1",
        "a" * 5000,
        "李" * 300,
        "a\nb",
        "a\x1b[31mb",
        "evil\u202egpj",
        "\ud800",
        "trailing. ",
        "\\\\host\\share",
        "report.html",
        "gradebook.csv",
        "result.json",
        "_log",
        "<script>",
    ],
)
def test_a_harmful_name_is_changed(name, tmp_path):
    safe = safe_name(name)
    assert safe != name
    check_safe(safe)
    (tmp_path / safe).mkdir()
    assert os.listdir(tmp_path) == [safe]


def check_safe(name):
    assert name
    assert len(name.encode()) <= MAX_BYTES
    assert name == name.strip()
    assert name[0] not in ".-"
    assert name[-1] != "."
    assert not set(name) & set('/\\:*?"<>|')
    assert not any(unicodedata.category(character).startswith("C") for character in name)
    assert name.partition(".")[0].upper() not in ("CON", "NUL", "COM1", "LPT9")


@given(any_text)
def test_every_name_becomes_safe_and_stays_so(raw):
    check_safe(safe_name(raw))
    assert safe_name(safe_name(raw)) == safe_name(raw)


def test_long_names_that_differ_at_the_end_stay_apart():
    assert len(set(unique_names([("a" * 500 + end, "") for end in "xyz"]))) == 3


@pytest.mark.parametrize(
    ("students", "expected"),
    [
        ([("ada", ""), ("Ada", ""), ("ada-2", "")], ["ada", "Ada-3", "ada-2"]),
        ([("ada", "1"), ("ada", "2"), ("bob", "3")], ["ada_1", "ada_2", "bob"]),
        ([("ada", "1"), ("ada", "1")], ["ada_1", "ada_1-2"]),
        ([("straße", ""), ("STRASSE", "")], ["straße", "STRASSE-2"]),
        ([("e\u0301", ""), ("é", "")], ["é", "é-2"]),
        ([("a/b", ""), ("a_b", "")], ["a_b", "a_b-2"]),
        ([("..", ""), ("", "")], ["unnamed", "unnamed-2"]),
    ],
)
def test_namesakes(students, expected):
    assert unique_names(students) == expected


@given(st.lists(st.tuples(any_text, st.sampled_from(["", "1", "2"])), max_size=12))
def test_names_are_unique_on_systems_that_ignore_case(students):
    names = unique_names(students)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == len(students)
    assert names == unique_names(students)


few = st.sampled_from(["a", "A", "a-2", "a-3", "A-2", "a_1", "ª"])


@given(st.lists(st.tuples(few, st.sampled_from(["", "1"])), max_size=12))
def test_few_names_often(students):
    names = unique_names(students)
    assert len({unicodedata.normalize("NFKC", name).casefold() for name in names}) == len(students)
