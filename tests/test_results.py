"""Results: written whole, the same bytes each time, and read strictly."""

import json
import os
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.grading import results
from autograder.grading.results import (
    Diagnosis,
    QuestionResult,
    ResultsError,
    SubmissionResult,
    TestResult,
    read_result,
    read_results,
    write_atomically,
)

ADA = SubmissionResult(
    student="ada",
    assignment="hw1_policy_gradient",
    submission_sha256="a" * 64,
    suite_sha256="b" * 64,
    score=80.0,
    max_score=100.0,
    status="graded",
    message="Graded.",
    questions=(
        QuestionResult(
            "policy_gradient_loss",
            0.0,
            25.0,
            False,
            "failed",
            (TestResult("test_value", "The loss of a batch", "failed", "The values differ."),),
            Diagnosis("mean_over_steps", {"en": "Divide by N.", "zh": "应除以 N。"}),
        ),
        QuestionResult("optimal_baseline", 5.0, 5.0, True, "passed"),
    ),
    isolation="full",
    warnings=("late",),
)


def test_json_is_what_the_architecture_says():
    data = json.loads(ADA.to_bytes())
    assert list(data) == [
        "student",
        "assignment",
        "submission_sha256",
        "suite_sha256",
        "score",
        "max_score",
        "status",
        "message",
        "questions",
        "isolation",
        "warnings",
    ]
    question = data["questions"][0]
    assert question["diagnosis"] == {
        "mistake": "mean_over_steps",
        "hint": {"en": "Divide by N.", "zh": "应除以 N。"},
    }
    assert question["tests"] == [
        {
            "name": "test_value",
            "title": "The loss of a batch",
            "status": "failed",
            "message": "The values differ.",
        }
    ]
    assert data["questions"][1]["diagnosis"] is None
    assert data["questions"][1]["bonus"] is True


def test_written_and_read_again(tmp_path):
    path = ADA.write(tmp_path)
    assert path == tmp_path / "ada" / "result.json"
    assert read_result(path) == ADA
    before = path.read_bytes()
    ADA.write(tmp_path)
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == ["result.json"]


def test_identity_is_kept_when_there_is_one(tmp_path):
    known = replace(ADA, identity={"name": "Ada", "canvas_id": "17"})
    assert read_result(known.write(tmp_path)) == known
    other_order = replace(ADA, identity={"canvas_id": "17", "name": "Ada"})
    assert other_order.to_bytes() == known.to_bytes()


@given(st.text(st.characters(exclude_categories=[])))
def test_any_text_survives(message):
    result = replace(ADA, message=message)
    assert SubmissionResult.from_json(json.loads(result.to_bytes())) == result


def test_a_number_that_is_none_is_refused():
    with pytest.raises(ValueError):
        replace(ADA, score=float("nan")).to_bytes()


def damaged(change):
    data = ADA.to_json()
    change(data)
    return json.dumps(data).encode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not JSON"),
        (ADA.to_bytes()[:200], "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not an object"),
        (damaged(lambda d: d.pop("score")), "no 'score'"),
        (damaged(lambda d: d.update(extra=1)), "unknown key 'extra'"),
        (damaged(lambda d: d.update(score="80")), "score is not a number"),
        (damaged(lambda d: d.update(score=True)), "score is not a number"),
        (damaged(lambda d: d.update(score=float("inf"))), "finite"),
        (damaged(lambda d: d.update(score=10**400)), "finite"),
        (damaged(lambda d: d.update(status="fine")), "status is 'fine'"),
        (damaged(lambda d: d.update(warnings=[1])), "warnings[0] is not text"),
        (damaged(lambda d: d["questions"][1].update(bonus=1)), "questions[1].bonus"),
        (damaged(lambda d: d["questions"][0]["tests"][0].pop("title")), "tests[0] has no 'title'"),
        (damaged(lambda d: d["questions"][0]["diagnosis"]["hint"].pop("zh")), "hint has no 'zh'"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path, content, reason):
    path = tmp_path / "ada" / "result.json"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ResultsError) as caught:
        read_result(path)
    assert str(path) in str(caught.value)
    assert reason in str(caught.value)
    assert "autograder grade" in str(caught.value)


def test_a_result_in_the_wrong_folder_is_refused(tmp_path):
    path = tmp_path / "bob" / "result.json"
    path.parent.mkdir()
    path.write_bytes(ADA.to_bytes())
    with pytest.raises(ResultsError, match="'ada'"):
        read_result(path)


def test_all_results_sorted_and_of_one_assignment(tmp_path):
    for student in ("bob", "ada", "Cleo"):
        replace(ADA, student=student).write(tmp_path)
    (tmp_path / "not a student").mkdir()
    assert [result.student for result in read_results(tmp_path)] == ["Cleo", "ada", "bob"]
    replace(ADA, student="dan", assignment="hw2_actor_critic").write(tmp_path)
    with pytest.raises(ResultsError, match="several assignments"):
        read_results(tmp_path)


def test_no_folder_of_results(tmp_path):
    with pytest.raises(ResultsError, match="not a folder"):
        read_results(tmp_path / "nowhere")


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def full_disk(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results.os, "fsync", full_disk)
    with pytest.raises(OSError):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["file"]


def test_a_temporary_file_left_by_a_kill_is_taken_up(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_bytes(b"precious")
    (tmp_path / ".file.tmp").symlink_to(elsewhere)
    write_atomically(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert elsewhere.read_bytes() == b"precious"
    assert sorted(os.listdir(tmp_path)) == ["elsewhere", "file"]
