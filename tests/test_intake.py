"""Intake: which things are one submission, whose they are, and what is taken from them."""

import io
import os
import stat
import zipfile
from datetime import datetime, timezone
from types import SimpleNamespace

import pytest

from autograder.grading.intake import IntakeError, collect
from autograder.grading.trees import Unreadable, file_entry

LOSS = b"def policy_gradient_loss():\n    return 1\n"
MEAN = b"def batch_mean_baseline():\n    return 2\n"
BOTH = {"policy_gradient.py": LOSS, "baseline.py": MEAN}


def question(name, file):
    return SimpleNamespace(name=name, file=file)


HW1 = SimpleNamespace(
    name="hw1_policy_gradient",
    files=("policy_gradient.py", "baseline.py"),
    questions=(
        question("policy_gradient_loss", "policy_gradient.py"),
        question("batch_mean_baseline", "baseline.py"),
    ),
    due=datetime(2026, 3, 1, 12, tzinfo=timezone.utc),
)
HW3 = SimpleNamespace(
    name="hw3_a3c", files=("worker.py",), questions=(question("a3c_loss", "worker.py"),), due=None
)


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


def zipped(files, **options):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, **options) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def by_student(paths, assignment=HW1, **options):
    paths = paths if isinstance(paths, list) else [paths]
    return {s.student: s for s in collect(paths, assignment, **options)}


def only(paths, assignment=HW1, **options):
    (submission,) = by_student(paths, assignment, **options).values()
    return submission


# Which things are a submission


def test_a_folder_of_folders_zips_and_files(tmp_path):
    write(tmp_path / "ada", BOTH)
    write(tmp_path, {"bob.zip": zipped(BOTH)})
    write(tmp_path, {"cleo_policy_gradient.py": LOSS, "cleo_baseline.py": MEAN})
    write(tmp_path, {"README.txt": b"", "grades.csv": b"", ".DS_Store": b"", "due.yml": b""})
    write(tmp_path / "__MACOSX", {"._bob.zip": b""})
    found = by_student(tmp_path)
    assert list(found) == ["ada", "bob", "cleo"]
    for submission in found.values():
        assert submission.files == BOTH
        assert submission.status is None
        assert submission.missing == {}
        assert submission.warnings == ()
    assert len({submission.sha256 for submission in found.values()}) == 1


def test_single_files_of_an_assignment_with_one_file(tmp_path):
    write(tmp_path, {"ada.py": b"a = 1\n", "bob.py": b"b = 1\n"})
    found = by_student(tmp_path, HW3)
    assert {name: s.files for name, s in found.items()} == {
        "ada": {"worker.py": b"a = 1\n"},
        "bob": {"worker.py": b"b = 1\n"},
    }


def test_a_single_file_stands_for_the_files_whose_questions_it_answers(tmp_path):
    write(tmp_path, {"ada.py": LOSS + MEAN, "bob.py": MEAN, "cleo.py": b"x = 1\n"})
    found = by_student(tmp_path)
    assert set(found["ada"].files) == {"policy_gradient.py", "baseline.py"}
    assert set(found["bob"].files) == {"baseline.py"}
    assert found["cleo"].status == "missing_file"
    assert "cleo.py" in found["cleo"].message


def test_one_folder_is_one_submission(tmp_path):
    write(tmp_path / "ada", {**BOTH, "notes/old.py": b"", "tests/test_x.py": b""})
    assert only(tmp_path / "ada").student == "ada"
    assert only(tmp_path / "ada").files == BOTH


@pytest.mark.parametrize("inner", ["", "hw1/", "ada/hw1/src/"])
def test_one_zip_is_one_submission(tmp_path, inner):
    write(tmp_path, {"ada.zip": zipped({inner + name: content for name, content in BOTH.items()})})
    assert only(tmp_path / "ada.zip").student == "ada"
    assert only(tmp_path / "ada.zip").files == BOTH


@pytest.mark.parametrize("wrapper", ["", "hw1/"])
@pytest.mark.parametrize("inner", ["{}/", "{}/src/", "{}_4711_assignsubmission_file_/"])
def test_one_zip_of_submissions(tmp_path, wrapper, inner):
    content = {}
    for student in ("ada", "bob"):
        for name, source in BOTH.items():
            content[wrapper + inner.format(student) + name] = source
    write(tmp_path, {"class.zip": zipped(content)})
    found = by_student(tmp_path / "class.zip")
    assert list(found) == ["ada", "bob"]
    assert found["bob"].files == BOTH


def test_a_zip_of_zips(tmp_path):
    content = {"ada.zip": zipped(BOTH), "bob.zip": zipped({"bob/baseline.py": MEAN}), "x.csv": b""}
    write(tmp_path, {"class.zip": zipped(content)})
    found = by_student(tmp_path / "class.zip")
    assert list(found) == ["ada", "bob"]
    assert found["ada"].files == BOTH


def test_a_class_inside_another_folder(tmp_path):
    write(tmp_path / "download" / "class" / "ada", BOTH)
    write(tmp_path / "download" / "class" / "bob", BOTH)
    assert list(by_student(tmp_path / "download")) == ["ada", "bob"]


def test_several_paths(tmp_path):
    for student in ("ada", "bob"):
        write(tmp_path / student, BOTH)
    write(tmp_path / "cleo" / "src", BOTH)
    (tmp_path / "dan").mkdir()
    write(tmp_path, {"eve.zip": zipped(BOTH)})
    paths = sorted(tmp_path.iterdir())
    found = by_student([*paths, tmp_path / "ada"])
    assert list(found) == ["ada", "bob", "cleo", "dan", "eve"]
    assert found["cleo"].files == BOTH
    assert found["dan"].status == "missing_file"


def test_named_files_as_paths_belong_to_their_folder(tmp_path):
    write(tmp_path / "ada", BOTH)
    paths = [tmp_path / "ada" / name for name in BOTH]
    assert only(paths).student == "ada"
    assert only(paths).files == BOTH


def test_an_empty_folder_in_a_class_is_a_submission_too(tmp_path):
    write(tmp_path / "ada", BOTH)
    (tmp_path / "bob").mkdir()
    bob = by_student(tmp_path)["bob"]
    assert (bob.status, bob.files) == ("missing_file", {})
    assert set(bob.missing) == set(HW1.files)


def test_no_such_path(tmp_path):
    with pytest.raises(IntakeError, match="nowhere"):
        collect([tmp_path / "nowhere"], HW1)


def test_the_output_in_the_class_folder_is_passed_over(tmp_path):
    write(tmp_path / "ada", BOTH)
    write(tmp_path / "results" / "ada", {"result.json": b"{}"})
    assert list(by_student(tmp_path, exclude=[tmp_path / "results"])) == ["ada"]


# Platforms


def test_canvas(tmp_path):
    write(
        tmp_path,
        {
            "lovelaceada_12_501_policy_gradient.py": LOSS,
            "lovelaceada_12_502_baseline-1.py": MEAN,
            "hopperbob_LATE_13_503_submission.zip": zipped(BOTH),
            "leecleo_14_504_essay.pdf": b"%PDF",
            "doejohn_15_505_baseline-1.py": b"old = 1\n",
            "doejohn_15_506_baseline-2.py": MEAN,
        },
    )
    found = by_student(tmp_path)
    assert list(found) == ["doejohn", "hopperbob", "leecleo", "lovelaceada"]
    assert found["lovelaceada"].files == BOTH
    assert found["lovelaceada"].identity == {"name": "lovelaceada", "canvas_id": "12"}
    assert found["hopperbob"].files == BOTH
    assert any("late" in warning for warning in found["hopperbob"].warnings)
    assert found["leecleo"].status == "missing_file"
    assert found["doejohn"].files == {"baseline.py": MEAN}


def test_namesakes_on_canvas_are_told_apart_by_number(tmp_path):
    write(tmp_path, {"leeann_7_1_baseline.py": MEAN, "leeann_8_2_baseline.py": MEAN})
    assert list(by_student(tmp_path)) == ["leeann_7", "leeann_8"]


def test_moodle_folders_and_files(tmp_path):
    write(tmp_path / "Ada Lovelace_81_assignsubmission_file_", BOTH)
    write(tmp_path / "Ada Lovelace_81_assignsubmission_onlinetext_", {"onlinetext.html": b""})
    write(tmp_path / "Bob_82_assignsubmission_file", {"x.zip": zipped(BOTH)})
    write(tmp_path, {"李雷_83_assignsubmission_file_baseline.py": MEAN})
    found = by_student(tmp_path)
    assert list(found) == ["Ada Lovelace", "Bob", "李雷"]
    assert found["Ada Lovelace"].files == found["Bob"].files == BOTH
    assert found["Ada Lovelace"].identity["moodle_id"] == "81"
    assert found["李雷"].files == {"baseline.py": MEAN}


def test_a_name_that_a_mac_has_written_needs_no_note(tmp_path):
    write(tmp_path / "Rene\u0301", BOTH)
    assert by_student(tmp_path)["Ren\u00e9"].warnings == ()


def test_a_name_of_a_file_is_no_name_of_another_student(tmp_path):
    write(tmp_path, {"Ada_81_assignsubmission_file_baseline.py": MEAN})
    write(tmp_path, {"Eve_9_assignsubmission_file_x_81_assignsubmission_file_baseline.py": MEAN})
    write(tmp_path, {"Mallory_5_1_x_81_2_baseline.py": MEAN})
    found = by_student(tmp_path)
    assert list(found) == ["Ada", "Eve", "Mallory"]
    assert found["Eve"].identity["moodle_id"] == "9"
    assert found["Mallory"].identity["canvas_id"] == "5"


GRADESCOPE = b"""---
submission_101:
  :submitters:
  - :name: Ada Lovelace
    :sid: '1815'
    :email: ada@example.org
  :created_at: 2026-03-01 12:00:00.000000000 Z
  :score: 0.0
submission_102:
  :submitters:
  - :name: Bob
    :sid:
    :email: bob@example.org
  - :name: Cleo
    :sid: '7'
    :email: cleo@example.org
  :created_at: !ruby/object:Time 2026-03-01 12:00:01 Z
"""


@pytest.mark.parametrize("packed", [False, True])
def test_gradescope(tmp_path, packed):
    files = {"export/submission_metadata.yml": GRADESCOPE}
    for folder in ("submission_101", "submission_102", "submission_103"):
        files |= {f"export/{folder}/{name}": content for name, content in BOTH.items()}
    if packed:
        write(tmp_path, {"export.zip": zipped(files)})
        found = by_student(tmp_path / "export.zip")
    else:
        write(tmp_path, files)
        found = by_student(tmp_path / "export")
    assert list(found) == ["Ada Lovelace", "Bob", "Cleo", "submission_103"]
    assert all(submission.files == BOTH for submission in found.values())
    assert found["Ada Lovelace"].identity == {
        "name": "Ada Lovelace",
        "sid": "1815",
        "email": "ada@example.org",
    }
    assert found["Ada Lovelace"].warnings == ()
    assert "after the due date" in found["Cleo"].warnings[0]
    assert found["Cleo"].submitted_at == datetime(2026, 3, 1, 12, 0, 1, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    "metadata", [b"", b"[1", b"- a", b"a: &x [*x]", b"submission_1: 3", b"\xff"]
)
def test_damaged_gradescope_metadata(tmp_path, metadata):
    write(tmp_path, {"submission_metadata.yml": metadata})
    write(tmp_path / "submission_1", BOTH)
    assert only(tmp_path).student == "submission_1"


# What is taken


def test_other_files_are_left(tmp_path):
    extra = {"torch.py": b"", "conftest.py": b"", "tests/policy_gradient.pyc": b"", "a3c.py": b""}
    write(tmp_path / "ada", {**BOTH, **extra})
    assert only(tmp_path / "ada").files == BOTH


def test_a_missing_file_costs_only_its_questions(tmp_path):
    write(tmp_path / "ada", {"policy_gradient.py": LOSS, "base_line.py": MEAN})
    ada = only(tmp_path / "ada")
    assert ada.status is None
    assert ada.files == {"policy_gradient.py": LOSS}
    assert list(ada.missing) == ["baseline.py"]
    assert "base_line.py" in ada.missing["baseline.py"]
    assert ada.message == ada.missing["baseline.py"]


def test_sentences_in_chinese(tmp_path):
    (tmp_path / "ada").mkdir()
    assert "缺少 baseline.py" in only(tmp_path / "ada", language="zh").message


def test_the_top_comes_before_copies_below(tmp_path):
    old = {f"old/{name}": b"old = 1\n" for name in BOTH}
    write(tmp_path / "ada", {**BOTH, **old})
    assert only(tmp_path / "ada").files == BOTH


def test_two_different_files_of_one_name(tmp_path):
    write(tmp_path / "class" / "ada", {"a/baseline.py": MEAN, "b/baseline.py": LOSS})
    write(tmp_path / "class" / "bob", {"a/baseline.py": MEAN, "b/baseline.py": MEAN})
    found = by_student(tmp_path / "class")
    assert found["ada"].status == "unreadable"
    assert "a/baseline.py" in found["ada"].message
    assert found["bob"].files == {"baseline.py": MEAN}


def test_the_folder_with_most_of_the_files_is_meant(tmp_path):
    hw1 = {f"hw1/{name}": content for name, content in BOTH.items()}
    write(tmp_path / "ada", {**hw1, "old/baseline.py": b"old = 1\n"})
    write(tmp_path / "bob", BOTH)
    assert by_student(tmp_path)["ada"].files == BOTH


def test_environments_and_checkpoints_are_no_copies(tmp_path):
    junk = {
        ".ipynb_checkpoints/baseline.py": b"1",
        "__MACOSX/baseline.py": b"2",
        ".venv/lib/baseline.py": b"3",
        "venv/site-packages/baseline.py": b"4",
    }
    for folder in ("class/ada", "class/bob/hw1"):
        write(tmp_path / folder, {**{f"src/{n}": c for n, c in BOTH.items()}, **junk})
    for submission in by_student(tmp_path / "class").values():
        assert submission.files == BOTH


def test_another_case_is_taken_and_said(tmp_path):
    write(tmp_path / "class" / "ada", {"Baseline.PY": MEAN})
    ada = only(tmp_path / "class")
    assert ada.files == {"baseline.py": MEAN}
    assert "Baseline.PY" in ada.warnings[0]


def test_the_right_spelling_comes_first(tmp_path):
    content = zipped({"Baseline.py": b"x = 1\n", "baseline.py": MEAN, "BASELINE.py": b"y = 1\n"})
    write(tmp_path, {"ada.zip": content})
    ada = only(tmp_path / "ada.zip")
    assert (ada.files, ada.warnings) == ({"baseline.py": MEAN}, ())


# What cannot be used


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (MEAN.decode().encode("utf-16"), "UTF-16"),
        (b"a = 1\0\n", "NUL"),
        ("# 基线\n".encode("gbk"), "not UTF-8"),
        (b"\n" * 41 + b"x = '\xff'\n", "line 42"),
        (b"# coding: utf-8\nx = '\xff'\n", "not UTF-8"),
        (b"x = 1\n" * 2**18, "larger than 1 MiB"),
    ],
)
def test_no_source_text(tmp_path, content, words):
    write(tmp_path / "ada", {"baseline.py": content})
    ada = only(tmp_path / "ada")
    assert (ada.status, ada.files) == ("unreadable", {})
    assert words in ada.missing["baseline.py"]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfx = 1\n",
        "# -*- coding: gbk -*-\nx = '基线'\n".encode("gbk"),
        "#!/usr/bin/env python\n# vim: set fileencoding=latin-1 :\nx = 'é'\n".encode("latin-1"),
        "x = '基线'\n".encode(),
        b"def f(:\n",
    ],
)
def test_source_text_is_left_to_python(tmp_path, content):
    write(tmp_path / "ada", {"baseline.py": content})
    assert only(tmp_path / "ada").files == {"baseline.py": content}


def test_empty_files(tmp_path):
    write(tmp_path / "ada", {"policy_gradient.py": b"", "baseline.py": b""})
    ada = only(tmp_path / "ada")
    assert ada.status == "missing_file"
    assert "baseline.py is empty" in ada.message


def test_a_notebook(tmp_path):
    write(tmp_path / "class", {"ada.ipynb": b"{}"})
    write(tmp_path / "class" / "bob", {"homework.ipynb": b"{}"})
    found = by_student(tmp_path / "class")
    for submission in found.values():
        assert submission.status == "missing_file"
        assert "notebook" in submission.message


def test_other_archives(tmp_path):
    write(
        tmp_path / "class",
        {"ada.rar": b"Rar!", "bob.tar.gz": b"\x1f\x8b", "cleo.zip": b"Rar!\x1a\7"},
    )
    write(tmp_path / "class" / "dan", {"dan.7z": b"7z"})
    found = by_student(tmp_path / "class")
    assert list(found) == ["ada", "bob.tar", "cleo", "dan"]
    for submission in found.values():
        assert submission.status == "unreadable"
        assert ".zip" in submission.message


def test_links_are_not_followed(tmp_path):
    secret = write(tmp_path, {"secret.py": b"password = 1\n"}) / "secret.py"
    ada = write(tmp_path / "class" / "ada", {"policy_gradient.py": LOSS})
    (ada / "baseline.py").symlink_to(secret)
    (ada / "more").symlink_to(write(tmp_path / "elsewhere", BOTH))
    (tmp_path / "class" / "bob").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "class" / "cleo.py").symlink_to(secret)
    found = by_student(tmp_path / "class")
    assert found["ada"].files == {"policy_gradient.py": LOSS}
    assert "link" in found["ada"].missing["baseline.py"]
    for student in ("bob", "cleo"):
        assert (found[student].status, found[student].files) == ("unreadable", {})
        assert "link" in found[student].message


def test_what_became_a_link_or_a_pipe_after_it_was_listed(tmp_path):
    write(tmp_path, {"secret.py": b"password = 1\n"})
    (tmp_path / "link.py").symlink_to(tmp_path / "secret.py")
    os.mkfifo(tmp_path / "pipe.py")
    for name in ("link.py", "pipe.py"):
        with pytest.raises(Unreadable):
            file_entry(tmp_path / name).read(100)


def test_pipes_sockets_and_folders_in_place_of_files(tmp_path):
    (tmp_path / "ada" / "policy_gradient.py").mkdir(parents=True)
    os.mkfifo(tmp_path / "ada" / "baseline.py")
    os.mkfifo(tmp_path / "bob")
    found = by_student([tmp_path])
    assert found["ada"].status == "unreadable"
    assert "is a folder" in found["ada"].missing["policy_gradient.py"]
    assert "not an ordinary file" in found["ada"].missing["baseline.py"]
    assert found["bob"].status == "unreadable"


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    write(tmp_path / "ada", BOTH)
    real_open = os.open

    def guarded(path, *args, **kwargs):
        if str(path).endswith("baseline.py"):
            raise PermissionError(13, "Permission denied")
        return real_open(path, *args, **kwargs)

    monkeypatch.setattr(os, "open", guarded)
    ada = only(tmp_path / "ada")
    assert ada.files == {"policy_gradient.py": LOSS}
    assert "Permission denied" in ada.missing["baseline.py"]


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    write(tmp_path / "class" / "ada" / "src", BOTH)
    write(tmp_path / "class" / "bob", BOTH)
    (tmp_path / "class" / "bob" / "locked").mkdir()
    real_scan = os.scandir

    def guarded(path):
        if str(path).endswith(("ada", "locked")):
            raise PermissionError(13, "Permission denied")
        return real_scan(path)

    monkeypatch.setattr(os, "scandir", guarded)
    found = by_student(tmp_path / "class")
    assert found["ada"].status == "unreadable"
    assert "Permission denied" in found["ada"].message
    assert found["bob"].files == BOTH


def test_a_deep_folder(tmp_path):
    deep = tmp_path / "ada"
    for _ in range(60):
        deep = deep / "d"
    write(deep, BOTH)
    write(tmp_path / "bob", BOTH)
    found = by_student(tmp_path)
    assert found["ada"].status == "missing_file"
    assert found["bob"].files == BOTH


def test_sha256_tells_submissions_apart(tmp_path):
    variants = [
        BOTH,
        {"policy_gradient.py": MEAN, "baseline.py": LOSS},
        {"policy_gradient.py": LOSS},
        {"baseline.py": LOSS},
        {"policy_gradient.py": LOSS, "baseline.py": b""},
        {"x.ipynb": b""},
        {},
    ]
    for index, files in enumerate(variants):
        (tmp_path / f"s{index}").mkdir()
        write(tmp_path / f"s{index}", files)
    hashes = [submission.sha256 for submission in collect([tmp_path], HW1)]
    assert len(set(hashes)) == len(variants)
    assert hashes == [submission.sha256 for submission in collect([tmp_path], HW1)]


def test_nothing_is_written(tmp_path):
    write(tmp_path / "class" / "ada", BOTH)
    write(tmp_path / "class", {"bob.zip": zipped({"../../evil.py": b"", **BOTH})})
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    tmp_mode = stat.S_IMODE((tmp_path / "class").stat().st_mode)
    (tmp_path / "class").chmod(0o555)
    by_student(tmp_path / "class")
    (tmp_path / "class").chmod(tmp_mode)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
