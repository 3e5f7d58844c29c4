"""What was perhaps disturbed is graded again, alone, until two results agree or a third decides."""

import contextlib
from types import SimpleNamespace

import pytest

from autograder.grading import grade
from autograder.grading.grader import Graded


def _graded(result, disturbed=True):
    return Graded(result, "", {}, disturbed)


@pytest.mark.parametrize(
    ("results", "counts", "runs"),
    [
        ([_graded("right", disturbed=False)], "right", 1),
        ([_graded("killed"), _graded("right", disturbed=False)], "right", 2),
        ([_graded("loops"), _graded("loops")], "loops", 2),
        ([_graded("killed"), _graded("exits"), _graded("exits")], "exits", 3),
        ([_graded("exits"), _graded("killed"), _graded("exits")], "exits", 3),
        ([_graded("one"), _graded("two"), _graded("three")], "three", 3),
    ],
)
def test_a_doubtful_result_counts_when_it_comes_again(monkeypatch, results, counts, runs):
    calls = []

    def graded(course, assignment, submissions, jobs, template):
        for index, submission in enumerate(submissions):
            calls.append((submission.student, jobs))
            yield (
                index,
                submission.results[sum(name == submission.student for name, _ in calls) - 1],
            )

    monkeypatch.setattr(grade, "_graded", graded)
    monkeypatch.setattr(grade, "Template", lambda *_, **__: contextlib.nullcontext())
    ada = SimpleNamespace(student="ada", results=results)
    honest = SimpleNamespace(student="bao", results=[_graded("fine", disturbed=False)])
    found = grade.grade_all(None, SimpleNamespace(limits=None), [ada, honest], 2)
    assert sorted(g.result for g in found) == sorted([counts, "fine"])
    assert [jobs for name, jobs in calls if name == "ada"] == [2, 1, 1][:runs]
    assert [name for name, _ in calls].count("bao") == 1
