"""One mistake costs once: what later questions build on is the student's own earlier function."""

import pytest

from autograder.grading.check import Mismatch
from autograder.grading.session import with_suite
from autograder.grading.student import LocalStudent

MASTER = """
def first(x):
    return x + 1

def second(x):
    return 2 * x

def both(x):
    return first(x) * second(x)
"""

SUITE = '''
import pytest
import torch
from autograder.grading import check


def value():
    return torch.tensor([1.0, 2.0])


@pytest.mark.question("first", gate=True)
def test_first(student, reference):
    """One more."""
    check.same(student.first(value()), reference.first(value()))


@pytest.mark.question("second", gate=True)
def test_second(student, reference):
    """Twice."""
    check.same(student.second(value()), reference.second(value()))


@pytest.mark.question("both", gate=True)
@pytest.mark.builds_on("first", "second")
def test_both(student, reference):
    """Their product."""
    x = value()
    check.same(student.both(x), reference.both(x))
'''

RIGHT_FIRST = "def first(x):\n    return x + 1\n"
WRONG_FIRST = "def first(x):\n    return x + 5\n"
WRONG_SECOND = "def second(x):\n    return 7 * x\n"
CHANGES_ITS_ARGUMENT = "def first(x):\n    x += 1\n    return x\n"
CALLS_BOTH = "def both(x):\n    return second(x) * first(x)\n"
CALLS_THE_SECOND = "def both(x):\n    return (x + 1) * second(x)\n"
ADDS = "def both(x):\n    return first(x) + second(x)\n"


@pytest.fixture
def statuses(tmp_path):
    """statuses(source): how each question ends for a student who handed in `source`."""
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")

    def run(*parts, kind=LocalStudent):
        found = {}
        student = kind({"m.py": "\n".join(parts)})

        def drive(suite):
            found.update({o.test.question: o.status for o in suite.run(lambda: student)})

        with_suite(tmp_path, LocalStudent({"m.py": MASTER}), ["first", "second", "both"], drive)
        return found

    return run


def test_two_mistakes_cost_their_own_questions_only(statuses):
    ended = statuses(WRONG_FIRST, WRONG_SECOND, CALLS_BOTH)
    assert ended == {"first": "failed", "second": "failed", "both": "passed"}


def test_calling_one_earlier_function_and_writing_out_the_other(statuses):
    ended = statuses(WRONG_FIRST, WRONG_SECOND, CALLS_THE_SECOND)
    assert ended == {"first": "failed", "second": "failed", "both": "passed"}


def test_a_changed_argument_costs_once(statuses):
    ended = statuses(CHANGES_ITS_ARGUMENT, WRONG_SECOND, CALLS_BOTH)
    assert ended == {"first": "failed", "second": "failed", "both": "passed"}


def test_a_function_that_changes_its_argument_itself_is_not_forgiven(statuses):
    own = "def both(x):\n    x *= first(x)\n    return 7 * x\n"
    ended = statuses(WRONG_FIRST, WRONG_SECOND, own)
    assert ended["both"] == "failed"


def test_a_mistake_of_its_own_is_not_carried(statuses):
    ended = statuses(WRONG_FIRST, WRONG_SECOND, ADDS)
    assert ended["both"] == "failed"
    assert statuses(RIGHT_FIRST, WRONG_SECOND, ADDS)["both"] == "failed"


@pytest.mark.parametrize(
    ("first", "second", "both"),
    [
        ("0 * x", "7 * x", "0 * x"),
        ("x * float('inf')", "7 * x", "x * float('inf')"),
        ("0 * x + 1e30", "0 * x + 1", "0 * x + 1e30"),
    ],
)
def test_a_gate_is_not_passed_where_it_tells_nothing(statuses, first, second, both):
    """What was not written fails; what calls those functions is judged over right ones."""
    written = [f"def {n}(x):\n    return {v}\n" for n, v in (("first", first), ("second", second))]
    assert statuses(*written, f"def both(x):\n    return {both}\n")["both"] == "failed"
    assert statuses(*written, CALLS_BOTH)["both"] == "passed"
    assert statuses(*written, ADDS)["both"] == "failed"


@pytest.mark.parametrize("first", ["raise TypeError", "return None", "return x[:1].int()"])
def test_over_one_that_is_of_no_use_a_function_is_judged_over_a_right_one(statuses, first):
    useless = f"def first(x):\n    {first}\n"
    passed = {"second": "passed", "both": "passed"}
    assert (
        passed.items()
        <= statuses(useless, "def second(x):\n    return x + x\n", CALLS_BOTH).items()
    )
    for wrong in (
        ADDS,
        "def both(x):\n    return first(x)\n",
        "def both(x):\n    raise TypeError\n",
    ):
        assert statuses(useless, WRONG_SECOND, wrong)["both"] in ("failed", "error")


class WithoutFirst(LocalStudent):
    """What stands for its first function does not cross to the grader."""

    def __getattr__(self, name):
        if name == "first":
            raise Mismatch("not_plain", "", "")
        return super().__getattr__(name)


def test_what_cannot_be_carried_costs_only_itself(statuses):
    ended = statuses(WRONG_FIRST, WRONG_SECOND, ADDS, kind=WithoutFirst)
    assert ended == {"first": "failed", "second": "failed", "both": "failed"}


NAN_AT_TWO = (
    '\n\n@pytest.mark.question("both")\n@pytest.mark.builds_on("first", "second")\n'
    + '''
def test_of_twos(student, reference):
    """Their product at 2."""
    x = torch.tensor([2.0, 2.0])
    check.same(student.both(x), reference.both(x))
'''
)


def test_a_nan_of_an_earlier_function_is_carried_forward_but_not_through_a_gate(statuses, tmp_path):
    path = tmp_path / "test_suite.py"
    path.write_text(SUITE.replace("[1.0, 2.0]", "[1.0, 3.0]") + NAN_AT_TWO, encoding="utf-8")
    nan = "def first(x):\n    return x + (5 if x[0] == 1 else float('nan'))\n"
    assert statuses(nan, WRONG_SECOND, CALLS_BOTH)["both"] == "passed"
    everywhere = "def first(x):\n    return x * float('nan')\n"
    only_nan = "def both(x):\n    return x * float('nan')\n"
    gate = SUITE.replace("[1.0, 2.0]", "[1.0, 3.0]")
    path.write_text(gate, encoding="utf-8")
    assert statuses(everywhere, WRONG_SECOND, only_nan)["both"] == "failed"


def test_an_answer_of_no_use_costs_once_but_not_through_a_gate(statuses, tmp_path):
    path = tmp_path / "test_suite.py"
    ordinary = SUITE.replace("[1.0, 2.0]", "[1.0, 3.0]") + NAN_AT_TWO
    path.write_text(ordinary, encoding="utf-8")
    none_at_two = "def first(x):\n    return x + 5 if x[0] == 1 else None\n"
    assert statuses(none_at_two, WRONG_SECOND, CALLS_BOTH)["both"] == "passed"
    none, raises = "def first(x):\n    return None\n", "def both(x):\n    raise TypeError\n"
    path.write_text(SUITE, encoding="utf-8")
    assert statuses(none, WRONG_SECOND, raises)["both"] == "error"
    path.write_text(ordinary, encoding="utf-8")
    assert statuses(WRONG_FIRST, WRONG_SECOND, raises)["both"] == "error"


GRADIENT = (
    '\n\n@pytest.mark.question("both")\n@pytest.mark.builds_on("first", "second")\n'
    + '''
def test_gradient(student, reference):
    """Its gradient."""
    x = torch.tensor([1.0, 3.0], requires_grad=True)
    check.same_gradient(student.both(x), reference.both(x), x)
'''
)


def test_over_earlier_functions_that_raise_it_is_judged_over_right_ones(statuses, tmp_path):
    """No test is given away: neither a gate nor another one."""
    path = tmp_path / "test_suite.py"
    path.write_text(SUITE.replace("[1.0, 2.0]", "[1.0, 3.0]") + GRADIENT, encoding="utf-8")
    raises = "def first(x):\n    raise TypeError\ndef second(x):\n    raise ValueError\n"
    assert statuses(raises, CALLS_BOTH) == {"first": "error", "second": "error", "both": "passed"}
    detached = "def both(x):\n    return second(x).detach() * first(x)\n"
    for wrong in (ADDS, detached, "def both(x):\n    return first(x)\n"):
        assert statuses(raises, wrong)["both"] in ("failed", "error")


def test_a_question_may_build_on_a_later_one(tmp_path):
    """What comes first in the homework need not be graded first."""
    (tmp_path / "test_suite.py").write_text(SUITE, encoding="utf-8")
    student = LocalStudent({"m.py": "\n".join((WRONG_FIRST, WRONG_SECOND, CALLS_BOTH))})
    found = []

    def drive(suite):
        found.extend((o.test.question, o.status) for o in suite.run(lambda: student))

    with_suite(tmp_path, LocalStudent({"m.py": MASTER}), ["both", "second", "first"], drive)
    assert found == [("both", "passed"), ("second", "failed"), ("first", "failed")]


def test_questions_that_build_on_each_other_are_no_endless_circle(tmp_path):
    circle = SUITE.replace(
        '@pytest.mark.question("first", gate=True)',
        '@pytest.mark.question("first", gate=True)\n@pytest.mark.builds_on("both")',
    )
    (tmp_path / "test_suite.py").write_text(circle, encoding="utf-8")
    student = LocalStudent({"m.py": MASTER})
    found = []

    def drive(suite):
        found.extend(o.status for o in suite.run(lambda: student))

    with_suite(tmp_path, student, ["first", "second", "both"], drive)
    assert found == ["passed"] * 3
