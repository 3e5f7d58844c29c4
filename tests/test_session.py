"""The pytest session that runs a hidden suite once a student, and what stands around it."""

import textwrap

import pytest

from autograder.grading.diagnosis import Diagnostician, same_evidence
from autograder.grading.session import SuiteError, with_suite
from autograder.grading.student import LocalStudent, StudentError
from autograder.grading.variants import VariantError, read_variants
from autograder.sandbox.errors import SandboxTimedOut

MASTER = """
import torch

def double(x):
    return 2 * x

def double_sum(x):
    return double(x).sum()
"""

SUITE = '''
import pytest
from autograder.grading import check
from autograder.suites.inputs import normal


@pytest.mark.question("double", gate=True)
def test_value(student, reference, rng):
    """Twice the input.

    输入的两倍。
    """
    x = normal(rng, 4, grad=True)
    check.same(student.double(x), reference.double(x))


@pytest.mark.question("double")
@pytest.mark.parametrize("n", [1, 3])
def test_gradient(student, reference, rng, n):
    """Its gradient."""
    x = normal(rng, n, grad=True)
    check.same_gradient(student.double(x), reference.double(x), x)


@pytest.mark.question("double_sum", gate=True)
@pytest.mark.builds_on("double")
def test_sum(student, reference, rng):
    """The sum of it."""
    x = normal(rng, 5)
    check.same(student.double_sum(x), reference.double_sum(x))
'''

MISTAKES = """
from autograder.grading.variants import mistake

FACTOR = 3

@mistake("double", en="Two, not three.", zh="是二，不是三。")
def triple(x):
    return FACTOR * x

@mistake("double", en="It cuts the gradient.", zh="切断了梯度。")
def cut(x):
    return 2 * x.detach()
"""


@pytest.fixture
def with_files(tmp_path):
    (tmp_path / "test_double.py").write_text(SUITE, encoding="utf-8")
    (tmp_path / "mistakes.py").write_text(MISTAKES, encoding="utf-8")
    return tmp_path


def drive(folder, body, questions=("double", "double_sum")):
    done = []
    with_suite(folder, LocalStudent({"m.py": MASTER}), questions, lambda s: done.append(body(s)))
    return done[0]


def run(folder, source, **options):
    student = LocalStudent({"m.py": source})
    return {
        o.test.name: o for o in drive(folder, lambda suite: suite.run(lambda: student, **options))
    }


def test_the_reference_passes_and_titles_are_read(with_files):
    outcomes = run(with_files, MASTER)
    assert {o.status for o in outcomes.values()} == {"passed"}
    assert list(outcomes) == ["test_value", "test_gradient[1]", "test_gradient[3]", "test_sum"]
    assert outcomes["test_value"].test.titles == {"en": "Twice the input.", "zh": "输入的两倍。"}
    assert outcomes["test_value"].test.gate and not outcomes["test_gradient[1]"].test.gate


def test_inputs_do_not_depend_on_what_ran_before(with_files):
    alone = run(with_files, MASTER, questions=["double_sum"])["test_sum"]
    after = run(with_files, MASTER)["test_sum"]
    assert same_evidence(alone, after)


def test_a_mistake_fails_its_own_question_and_errors_are_carried_forward(with_files):
    outcomes = run(with_files, MASTER.replace("2 * x", "3 * x"))
    assert outcomes["test_value"].kind == "factor"
    assert outcomes["test_sum"].status == "passed" and outcomes["test_sum"].carried


def test_carrying_forward_forgives_only_the_earlier_question(with_files):
    wrong = MASTER.replace("2 * x", "3 * x").replace("double(x).sum()", "double(x).mean()")
    assert run(with_files, wrong)["test_sum"].status == "failed"


def test_an_earlier_question_that_is_not_there_cannot_be_carried(with_files):
    alone = "def double_sum(x):\n    return 3 * x.sum()\n"
    assert run(with_files, alone)["test_sum"].status == "failed"


def test_errors_of_a_student_are_told_without_their_text(with_files):
    outcomes = run(with_files, "def double(x):\n    raise ValueError(str(x))\n")
    assert outcomes["test_value"].status == "error"
    assert "ValueError" in outcomes["test_value"].messages["en"]
    assert "tensor" not in outcomes["test_value"].messages["en"]
    assert outcomes["test_sum"].kind == "missing"


def test_what_is_not_implemented_is_told_so(with_files):
    source = "def double(x):\n    raise NotImplementedError('double')\n"
    outcomes = run(with_files, source, questions=["double"])
    assert {o.status for o in outcomes.values()} == {"not_implemented"}


def test_changed_arguments_are_noticed(with_files):
    source = "def double(x):\n    x.data.mul_(2)\n    return x * 1\n"
    assert run(with_files, source)["test_value"].kind == "argument_changed"


def test_an_ended_process_ends_its_question_only(with_files):
    class Hangs:
        def __init__(self, reference):
            self.reference = reference

        def begin(self, seed):
            pass

        def double(self, x):
            raise SandboxTimedOut

        def __getattr__(self, name):
            return getattr(self.reference, name)

    started = []

    def start():
        started.append(1)
        return Hangs(LocalStudent({"m.py": MASTER}))

    outcomes = drive(with_files, lambda suite: suite.run(start))
    assert [o.status for o in outcomes] == ["timed_out"] * 3 + ["passed"]
    assert len(started) == 2


def test_an_answer_that_the_suite_cannot_use_is_a_failure_with_a_log(with_files):
    suite = SUITE.replace("student.double_sum(x), ", "student.double_sum(x).abs(), ")
    (with_files / "test_double.py").write_text(suite, encoding="utf-8")
    outcome = run(with_files, MASTER + "\ndef double_sum(x):\n    return 'text'\n")["test_sum"]
    assert (outcome.status, outcome.kind) == ("failed", "unusable")
    assert "AttributeError" in outcome.log


def test_suites_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(SuiteError, match="no test_"):
        drive(tmp_path, lambda suite: suite)
    (tmp_path / "test_a.py").write_text("def test_x(student):\n    pass\n")
    with pytest.raises(SuiteError, match="names no question"):
        drive(tmp_path, lambda suite: suite)
    (tmp_path / "test_a.py").write_text("import nothing_like_this\n")
    with pytest.raises(SuiteError, match="nothing_like_this"):
        drive(tmp_path, lambda suite: suite)


def diagnose(folder, source):
    student = LocalStudent({"m.py": source})

    def body(suite):
        mistakes = read_variants(folder / "mistakes.py")
        diagnostician = Diagnostician(suite, {"m.py": MASTER}, mistakes, {"double": "m.py"})
        return diagnostician.mistake_behind("double", suite.run(lambda: student, ["double"]))

    return drive(folder, body)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ("x + x + x", "triple"),
        ("(x + x).detach()", "cut"),
        ("4 * x", None),
        ("[[1.0], [1.0, 2.0]]", None),
        ("{'a': x, 'b': [x, x.sum()]}", None),
        ("2 * x", None),
        ("2 * x + 0 * x.sum()", None),
    ],
)
def test_a_known_mistake_is_named_when_the_answers_are_exactly_its_own(with_files, body, name):
    found = diagnose(with_files, f"def double(x):\n    return {body}\n")
    assert (found and found.name) == name


def test_two_known_mistakes_that_answer_alike_are_named_together(with_files):
    path = with_files / "mistakes.py"
    twin = """
@mistake("double", en="A twin.", zh="孪生。")
def thrice(x):
    return 3 * x
"""
    path.write_text(path.read_text(encoding="utf-8") + twin, encoding="utf-8")
    found = diagnose(with_files, "def double(x):\n    return x + x + x\n")
    assert found.name == "triple | thrice"
    assert found.hint == {
        "en": "Two, not three. Or: A twin.",
        "zh": "是二，不是三。或者：孪生。",
    }


def test_variants_override_one_file_and_keep_their_helpers(with_files):
    triple, _ = read_variants(with_files / "mistakes.py")
    assert triple.hint == {"en": "Two, not three.", "zh": "是二，不是三。"}
    files = triple.files({"m.py": MASTER, "other.py": ""}, "m.py")
    assert LocalStudent(files).double_sum(__import__("torch").ones(2)) == 6
    assert files["other.py"] == ""


def test_variants_without_their_hint_are_refused(tmp_path):
    (tmp_path / "mistakes.py").write_text(
        textwrap.dedent("""
        @mistake("double", en="only English")
        def f(x): return x
        """)
    )
    with pytest.raises(VariantError, match="mistakes.py:3"):
        read_variants(tmp_path / "mistakes.py")


def test_trusted_files_may_import_each_other_and_leave_no_module_behind():
    import sys

    student = LocalStudent(
        {
            "a_file.py": "import b_file\n\ndef f():\n    return b_file.g()\n",
            "b_file.py": "def g():\n    return 7\n",
        }
    )
    assert student.f() == 7 and student.g() == 7
    assert "a_file" not in sys.modules and "b_file" not in sys.modules
    with pytest.raises(StudentError):
        _ = student.h
