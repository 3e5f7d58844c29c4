"""Intake of hostile and broken archives: a sentence each, nothing outside touched, memory bounded."""

import io
import struct
import tracemalloc
import zipfile
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.grading import trees
from autograder.grading.intake import MAX_FILE, collect
from autograder.grading.trees import Unreadable, open_archive

WORKER = b"def a3c_loss():\n    return 1\n"
HW3 = SimpleNamespace(
    name="hw3_a3c",
    files=("worker.py",),
    questions=(SimpleNamespace(name="a3c_loss", file="worker.py"),),
    due=None,
)


def zipped(*members, method=zipfile.ZIP_DEFLATED):
    """A zip of (name or ZipInfo, content) pairs, in this order, doubles included."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def take(tmp_path, content):
    """The submission that a zip of these bytes is, alone and beside an honest one."""
    folder = tmp_path / "class"
    folder.mkdir(exist_ok=True)
    (folder / "mallory.zip").write_bytes(content)
    (folder / "honest").mkdir(exist_ok=True)
    (folder / "honest" / "worker.py").write_bytes(WORKER)
    honest, mallory = collect([folder], HW3)
    assert (honest.student, honest.files) == ("honest", {"worker.py": WORKER})
    assert mallory.student == "mallory"
    if mallory.status is not None:
        assert mallory.files == {}
        assert mallory.message
    return mallory


def link(name, target, kind=0o120777):
    info = zipfile.ZipInfo(name)
    info.external_attr = kind << 16
    return info, target


@pytest.mark.parametrize(
    "name",
    [
        "../worker.py",
        "/worker.py",
        "x/../../worker.py",
        "C:\\worker.py",
        "..\\worker.py",
        "C:worker.py",
    ],
)
def test_paths_that_lead_outside_are_ignored(tmp_path, name):
    assert take(tmp_path, zipped((name, b"evil"))).status == "missing_file"
    assert take(tmp_path, zipped((name, b"evil"), ("worker.py", WORKER))).files == {
        "worker.py": WORKER
    }


def test_paths_that_lead_outside_are_no_students(tmp_path):
    inside = [("ada/worker.py", WORKER), ("bob/worker.py", WORKER)]
    outside = [("../worker.py", WORKER), ("../eve/worker.py", WORKER), ("/mia/worker.py", WORKER)]
    (tmp_path / "class.zip").write_bytes(zipped(*inside, *outside))
    found = collect([tmp_path / "class.zip"], HW3)
    assert [submission.student for submission in found] == ["ada", "bob"]


def test_windows_separators(tmp_path):
    content = zipped(("hw3\\worker.py", WORKER), ("hw3\\notes.txt", b""))
    assert take(tmp_path, content).files == {"worker.py": WORKER}


@pytest.mark.parametrize("kind", [0o120777, 0o010644, 0o020644, 0o140644])
def test_links_and_devices_in_a_zip(tmp_path, kind):
    mallory = take(tmp_path, zipped(link("worker.py", "/etc/passwd", kind)))
    assert mallory.status == "unreadable"
    assert "worker.py is" in mallory.message


def test_the_last_of_several_files_of_one_name(tmp_path):
    with pytest.warns(UserWarning, match="Duplicate"):
        content = zipped(("worker.py", b"old = 1\n"), ("worker.py", WORKER))
    mallory = take(tmp_path, content)
    assert mallory.files == {"worker.py": WORKER}
    assert "several times" in mallory.warnings[0]


def test_a_bomb_costs_no_more_than_its_cap(tmp_path):
    bomb = zipped(("worker.py", b"\0" * (64 * 2**20)))
    assert len(bomb) < 2**17
    tracemalloc.start()
    mallory = take(tmp_path, bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert mallory.status == "unreadable"
    assert "larger than 1 MiB" in mallory.message
    assert peak < 12 * MAX_FILE


def test_a_header_that_lies_about_the_size(tmp_path):
    bomb = bytearray(zipped(("worker.py", b"#" * (4 * MAX_FILE))))
    local, central = bomb.index(b"PK\3\4"), bomb.index(b"PK\1\2")
    struct.pack_into("<I", bomb, local + 22, 10)
    struct.pack_into("<I", bomb, central + 24, 10)
    assert take(tmp_path, bytes(bomb)).status == "unreadable"


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_expand_without_bound_are_refused(tmp_path, method):
    mallory = take(tmp_path, zipped(("worker.py", WORKER), method=method))
    assert mallory.status == "unreadable"
    assert "unusual method" in mallory.message


def test_an_encrypted_file(tmp_path):
    content = bytearray(zipped(("worker.py", WORKER)))
    content[content.index(b"PK\3\4") + 6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    mallory = take(tmp_path, bytes(content))
    assert mallory.status == "unreadable"
    assert "password" in mallory.message


def test_a_wrong_checksum(tmp_path):
    content = bytearray(zipped(("worker.py", WORKER), method=zipfile.ZIP_STORED))
    content[content.index(b"return 1") + 7] = ord("2")
    mallory = take(tmp_path, bytes(content))
    assert mallory.status == "unreadable"
    assert "damaged" in mallory.message


def test_a_zip_in_a_zip_once(tmp_path):
    once = zipped(("hw3.zip", zipped(("worker.py", WORKER))))
    assert take(tmp_path, once).files == {"worker.py": WORKER}
    assert take(tmp_path, zipped(("again.zip", once))).status == "missing_file"
    beside = zipped(("a.zip", once), ("worker.py", WORKER))
    assert take(tmp_path, beside).files == {"worker.py": WORKER}


def test_too_many_entries(tmp_path, monkeypatch):
    monkeypatch.setattr(trees, "MAX_ENTRIES", 1000)
    many = [(f"f{index}", b"") for index in range(1001)]
    mallory = take(tmp_path, zipped(("worker.py", WORKER), *many))
    assert mallory.status == "unreadable"
    assert "1,000 entries" in mallory.message
    folder = tmp_path / "class" / "honest" / "many"
    folder.mkdir()
    for name, _ in many:
        (folder / name).touch()
    honest, _ = collect([tmp_path / "class"], HW3)
    assert honest.status == "unreadable"


def test_entries_are_counted_whatever_the_header_says(monkeypatch):
    monkeypatch.setattr(trees, "MAX_ENTRIES", 10)
    content = bytearray(zipped(*[(f"f{index}", b"") for index in range(50)]))
    end = content.rindex(b"PK\5\6")
    struct.pack_into("<HH", content, end + 8, 1, 1)
    with pytest.raises(Unreadable, match="entries"):
        open_archive(io.BytesIO(content), "x.zip")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 0.99])
def test_a_zip_that_was_cut_off(tmp_path, share):
    whole = zipped(("worker.py", WORKER * 50), ("notes.txt", bytes(range(256)) * 9))
    mallory = take(tmp_path, whole[: int(share * len(whole))])
    assert mallory.status == "unreadable"
    assert "not a whole zip" in mallory.message


def test_names_that_windows_wrote_in_chinese(tmp_path):
    content = bytearray(zipped(("作业/worker.py", WORKER)))
    written, plain = "作业/worker.py".encode(), "作业".encode("gbk") + b"//worker.py"
    assert len(written) == len(plain) + 1
    plain = "作业".encode("gbk") + b"///worker.py"
    content = content.replace(written, plain)
    for mark, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        struct.pack_into("<H", content, content.index(mark) + offset, 0)
    (entry,) = open_archive(io.BytesIO(content), "x.zip").walk()
    assert entry.path == ("作业", "worker.py")
    assert take(tmp_path, bytes(content)).files == {"worker.py": WORKER}


BASE = zipped(("hw3/worker.py", WORKER), ("hw3/sub/notes.txt", b"x" * 300), ("a.zip", b"PK"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, len(BASE) - 1), st.integers(0, 255)), min_size=1, max_size=12
    ),
    cut=st.integers(0, len(BASE)),
)
def test_any_change_to_a_zip_gives_a_submission(tmp_path, changes, cut):
    content = bytearray(BASE)
    for place, value in changes:
        content[place] = value
    mallory = take(tmp_path, bytes(content[cut:] if cut % 3 == 0 else content))
    assert mallory.status in (None, "unreadable", "missing_file")
    assert set(mallory.files) <= {"worker.py"}


names = st.lists(
    st.one_of(
        st.sampled_from(
            ["worker.py", "..", ".", "", "hw3", "C:", "a.zip", "__MACOSX", "WORKER.PY"]
        ),
        st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    ),
    min_size=1,
    max_size=5,
)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(names, st.sampled_from([WORKER, b"", b"\0", b"PK\3\4"])), max_size=6))
def test_any_tree_in_a_zip_gives_a_submission(tmp_path, members):
    content = zipped(*[("/".join(path) or "x", source) for path, source in members])
    assert set(take(tmp_path, content).files) <= {"worker.py"}
