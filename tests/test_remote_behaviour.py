"""What a submission may do to its arguments, its process and its answers, and how that reaches a
hidden test.
"""

from __future__ import annotations

import sys
from textwrap import dedent

import gymnasium
import numpy as np
import pytest
import torch
from remote_box import student_of

from autograder.grading import remote as remote_module
from autograder.grading.check import Mismatch
from autograder.grading.remote import NoAnswer
from autograder.grading.student import StudentError
from autograder.sandbox.errors import SandboxCrashed, SandboxOutOfMemory, SandboxTimedOut

SOURCE = """
import os, sys, copy, enum, collections, threading
import numpy as np, torch

def echo(x): return x

# --- arguments ---
def centre(x):
    x -= x.mean()
    return x
def reshape(x):
    x.unsqueeze_(0)
    return 0
def append(items, key=None):
    items.append(1)
def deep(tree):
    tree["a"][0][1] = 7.0
def nan_kept(x):
    return x.sum()
def flag(x):
    x.requires_grad_(True)
    return 1.0
def keyword(a, b):
    b += 1

# --- answers ---
class Equal:
    def __eq__(self, other): return True
class Sub(torch.Tensor):
    @classmethod
    def __torch_function__(cls, *args, **kwargs): return True
class Number(float):
    def __eq__(self, other): return True
    def __float__(self): raise RuntimeError
class Items(list):
    def __iter__(self): raise RuntimeError
class Mean(list):
    value = property(lambda self: sum(self) / len(self) if self else 0.0)
Pair = collections.namedtuple("Pair", "logits values")
class Level(enum.IntEnum):
    LOW = 3

ANSWERS = {
    "equal": Equal, "number": lambda: Number(2.5), "items": lambda: Items([1, 2]), "pair": lambda: Pair(1, torch.ones(2)),
    "level": lambda: Level.LOW, "parameter": lambda: torch.nn.Parameter(torch.ones(2)), "size": lambda: torch.ones(2, 3).shape,
    "transposed": lambda: torch.arange(6.).reshape(2, 3).T, "expanded": lambda: torch.ones(1).expand(5),
    "big_endian": lambda: np.arange(3, dtype=">f8"), "strided": lambda: np.arange(10)[::3],
    "sparse": lambda: torch.eye(3).to_sparse(), "meta": lambda: torch.empty(3, device="meta"),
    "complex": lambda: torch.ones(2, dtype=torch.complex64), "subclass": lambda: torch.ones(2).as_subclass(Sub),
    "huge": lambda: torch.ones(1).expand(10**11), "objects": lambda: np.array([Equal()]), "matrix": lambda: np.matrix([[1.0]]),
    "masked": lambda: np.ma.masked_array([1.0], [True]), "quantised": lambda: torch.quantize_per_tensor(torch.ones(2), 1, 0, torch.qint8),
    "nested": lambda: torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "text_array": lambda: np.array(["a"]),
    "long_text": lambda: "x" * 10**6, "surrogate": lambda: "\\ud800", "huge_int": lambda: 10**5000,
    "many": lambda: [0] * 10**6, "many_tensors": lambda: [torch.ones(1)] * 5000,
}
def answer(name): return ANSWERS[name]()
def loop_of_lists():
    items = []
    items.append(items)
    return items

# --- errors ---
class Rude(Exception):
    def __str__(self): os._exit(3)
    __repr__ = __str__
class Secret(ValueError):
    pass
def raise_rude(): raise Rude()
def raise_secret(x): raise Secret(f"the input is {x}")
def raise_exit(): sys.exit(0)
def raise_interrupt(): raise KeyboardInterrupt
def recurse(n=0): return recurse(n + 1)
def raise_in_numpy(): return np.linalg.inv(np.zeros((2, 2)))
def raise_huge(): raise ValueError("x" * 10**8)
class Strange:
    @property
    def text(self): raise AttributeError("inner")

# --- what stays behind ---
def spoil():
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_grad_enabled(False)
    torch.set_num_threads(2)
    torch.use_deterministic_algorithms(True)
    kept.append(torch.inference_mode(True))
    kept[-1].__enter__()
    np.seterr(all="raise")
    sys.setrecursionlimit(60)
def fresh(x):
    np.float64(1.0) / np.float64(0.0)
    return torch.ones(2) * x, torch.get_num_threads()
def draw(): return torch.rand(1).item(), float(np.random.rand())

def held():
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "kept"): frame = frame.f_back
    worker = frame.f_locals["self"]
    return len(worker.objects), len(worker.kept)

# --- functions and environments of the grader ---
def ascend(objective, theta, n):
    best = theta
    for _ in range(n):
        if objective(best + 1) > objective(best):
            best = best + 1
    return best
def stubborn(f):
    for _ in range(10):
        try:
            f(1)
        except BaseException:
            pass
    return "went on"
kept = []
def keep(f): kept.append(f)
def call_kept(): return kept[-1](1)
def in_thread(f):
    found = []
    thread = threading.Thread(target=lambda: found.append(f(20)))
    thread.start(); thread.join()
    return found
def leave_a_thread(f):
    def ask():
        while True:
            try: f(1)
            except RuntimeError: break
    threading.Thread(target=ask).start()
    return f(2)
def in_fork(f):
    reader, writer = os.pipe()
    if os.fork() == 0:
        try: f(1)
        except RuntimeError: os.write(writer, b"refused")
        os._exit(0)
    os.wait()
    return os.read(reader, 100).decode()
def return_twice():
    os.fork()
    return 1
def episode(env):
    obs, info = env.reset(seed=5)
    steps = [(obs, info)]
    done = False
    while not done:
        obs, reward, terminated, truncated, info = env.step(np.int64(1))
        done = terminated or truncated
        steps.append((obs, reward, terminated, truncated))
    env.reset()
    return steps, env.unwrapped is env, env.action_space.n, env.observation_space.shape
def random_numbers(rng, generator):
    return rng.normal(size=3), torch.rand(2, generator=generator)
"""


@pytest.fixture(scope="module")
def student():
    with student_of(SOURCE) as made:
        yield made


# --- arguments ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "args", "kwargs"),
    [
        ("centre", (torch.tensor([1.0, 3.0]),), {}),
        ("centre", (np.array([1.0, 3.0]),), {}),
        ("reshape", (torch.ones(2),), {}),
        ("append", ([1, 2],), {}),
        ("append", (), {"items": []}),
        ("deep", ({"a": ([0.0, 1.0],)},), {}),
        ("keyword", (1, np.zeros(2)), {}),
    ],
)
def test_a_changed_argument_is_a_mismatch(student, name, args, kwargs):
    with pytest.raises(Mismatch) as caught:
        getattr(student, name)(*args, **kwargs)
    assert caught.value.kind == "argument_changed"
    assert f"number {len(args)}" in caught.value.en or "items" in caught.value.en


def test_arguments_that_hold_nan_or_gain_a_flag_are_unchanged(student):
    assert np.isnan(student.nan_kept(torch.tensor([float("nan"), 1.0])).item())
    assert student.flag(torch.ones(2)) == 1.0


# --- answers --------------------------------------------------------------------------------------


def test_answers_become_plain_data(student):
    assert type(student.answer("equal")).__name__ == "Handle"
    number = student.answer("number")
    assert type(number) is float and number == 2.5
    assert student.answer("items") == [1, 2] and type(student.answer("items")) is list
    pair = student.answer("pair")
    assert type(pair) is tuple and pair[0] == 1 and torch.equal(pair[1], torch.ones(2))
    assert type(student.answer("level")) is int
    parameter = student.answer("parameter")
    assert type(parameter) is torch.Tensor and parameter.requires_grad
    assert student.answer("size") == (2, 3)
    assert torch.equal(student.answer("transposed"), torch.arange(6.0).reshape(2, 3).T)
    assert torch.equal(student.answer("expanded"), torch.ones(5))
    assert student.answer("big_endian").tolist() == [0.0, 1.0, 2.0]
    assert student.answer("strided").tolist() == [0, 3, 6, 9]


def test_an_object_of_a_class_that_derives_from_list_keeps_its_methods(student):
    mean = student.Mean()
    mean.extend([1.0, 2.0, 6.0])
    assert mean.value == 3.0
    assert type(student.Mean([1.0]).value) is float


@pytest.mark.parametrize(
    "name",
    [
        "sparse",
        "meta",
        "complex",
        "subclass",
        "huge",
        "objects",
        "matrix",
        "masked",
        "quantised",
        "nested",
        "text_array",
        "long_text",
        "surrogate",
        "huge_int",
        "many",
        "many_tensors",
    ],
)
def test_answers_that_are_no_plain_data_are_a_mismatch(student, name):
    with pytest.raises(Mismatch) as caught:
        student.answer(name)
    assert caught.value.kind == "not_plain"
    assert student.echo(1) == 1  # and the next call works


def test_a_list_that_holds_itself(student):
    with pytest.raises(Mismatch, match="nested too deeply"):
        student.loop_of_lists()


# --- errors ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("raise_rude", "Exception"), ("raise_exit", "SystemExit"), ("raise_interrupt", "KeyboardInterrupt"),
        ("recurse", "RecursionError"), ("raise_in_numpy", "LinAlgError"), ("raise_huge", "ValueError"),
    ],
)  # fmt: skip
def test_errors_of_every_kind_come_back(student, name, kind):
    with pytest.raises(StudentError) as caught:
        getattr(student, name)()
    assert (caught.value.kind, caught.value.file) == (kind, "answer.py")
    assert student.echo(1) == 1


@pytest.mark.parametrize(
    "how", ["torch.empty(2**50)", "np.empty(2**50)", "bytearray(2**60)", "[0] * 2**60"]
)
def test_memory_that_is_refused(how):
    with student_of(f"import numpy as np, torch\ndef f(): return {how}") as student:
        with pytest.raises(SandboxOutOfMemory):
            student.f()
        with pytest.raises(SandboxCrashed):
            student.f()


def test_the_text_of_an_error_does_not_cross(student):
    with pytest.raises(StudentError) as caught:
        student.raise_secret(1234567)
    assert "1234567" not in repr(vars(caught.value)) + str(caught.value)
    assert "1234567" in student._box.output()  # for the TA
    assert len(student._box.output()) < 100_000


def test_an_attribute_error_inside_a_property(student):
    with pytest.raises(AttributeError):
        _ = student.Strange().text


# --- what stays behind ----------------------------------------------------------------------------


def test_each_call_begins_from_the_same_state(student):
    student.spoil()
    value, threads = student.fresh(torch.ones(2, requires_grad=True))
    assert value.dtype == torch.float32 and value.requires_grad and threads == 1
    value.sum().backward()
    assert student.spoil() is None and torch.equal(student.fresh(2.0)[0], torch.full((2,), 2.0))


def test_begin_seeds_the_generators(student):
    student.begin(3)
    first = student.draw()
    assert student.draw() != first
    student.begin(3)
    assert student.draw() == first


def test_objects_of_another_test_are_refused(student):
    old, function = student.Equal(), student.echo
    student.begin(1)
    with pytest.raises(TypeError, match="another test"):
        student.echo(old)
    assert function(1) == 1


@pytest.mark.parametrize(
    "value", [torch.nn.Linear(1, 1), torch.optim.SGD, object(), torch.float64], ids=repr
)
def test_objects_of_the_grader_are_refused(student, value):
    with pytest.raises(TypeError, match="on the student's side"):
        student.echo(value)


def test_nothing_is_kept_for_ever(student):
    student.begin(0)
    x = torch.ones(3, requires_grad=True)
    student.nan_kept, student.Equal  # found by name, and kept  # noqa: B018
    objects, graphs = student.held()
    assert graphs == 0
    for _ in range(20):
        student.nan_kept(x)
        student.Equal()
    assert student.held() == (objects, 0)
    result, thing = student.nan_kept(x), student.Equal()
    assert student.held() == (objects + 1, 1)
    result.backward()
    del result, thing
    assert student.held() == (objects, 0)


# --- functions and environments of the grader -----------------------------------------------------


def test_functions_stay_in_the_grader(student):
    asked = []

    def objective(theta):
        asked.append(theta)
        return -float(np.sum((theta - 3.0) ** 2))

    assert student.ascend(objective, np.zeros(2), 5).tolist() == [3.0, 3.0]
    assert len(asked) == 10 and asked[0].dtype == np.float64


def test_functions_may_call_the_student(student):
    assert student.in_thread(lambda x: student.echo(x) + 1) == [21]


def test_a_thread_that_is_left_behind_disturbs_nothing(student):
    for _ in range(20):
        assert student.leave_a_thread(lambda x: x) == 2
        assert student.echo("in step") == "in step"


def test_what_a_callback_raises_is_raised_once_the_call_is_over(student):
    calls = []

    def fails(x):
        calls.append(x)
        raise LookupError("of the suite")

    with pytest.raises(LookupError, match="of the suite"):
        student.stubborn(fails)
    assert calls == [1]
    assert student.echo(2) == 2


def test_a_function_outlives_its_call_but_not_its_test(student):
    student.keep(lambda x: x + 1)
    assert student.call_kept() == 2
    student.begin(0)
    with pytest.raises(StudentError) as caught:
        student.call_kept()
    assert caught.value.kind == "RuntimeError"


def test_a_fork_can_neither_call_back_nor_answer_twice(student):
    assert student.in_fork(lambda x: x) == "refused"
    assert student.return_twice() == 1
    assert student.echo("still in step") == "still in step"


class Corridor(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(0.0, 9.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)

    def __init__(self):
        self.events = []

    def reset(self, *, seed=None, options=None):
        self.events.append(("reset", seed))
        self.position = 0
        return np.zeros(2, np.float32), {}

    def step(self, action):
        self.events.append(("step", int(action)))
        self.position += 1
        return np.full(2, self.position, np.float32), 0.5, self.position == 3, False, {"a": 1}


def test_environments_stay_in_the_grader(student):
    env = Corridor()
    steps, unwrapped, n, shape = student.episode(env)
    assert env.events == [("reset", 5), ("step", 1), ("step", 1), ("step", 1), ("reset", None)]
    assert [step[0].tolist() for step in steps] == [[i, i] for i in range(4)]
    assert steps[0][1] == {} and steps[-1][1:] == (0.5, True, False)
    assert unwrapped and n == 3 and shape == (2,)


def test_generators_are_copied(student):
    rng, generator = np.random.default_rng(3), torch.Generator().manual_seed(4)
    first, second = student.random_numbers(rng, generator)
    np.testing.assert_array_equal(first, np.random.default_rng(3).normal(size=3))
    assert torch.equal(second, torch.rand(2, generator=torch.Generator().manual_seed(4)))
    legacy = np.random.Generator(np.random.MT19937(5))
    first, _ = student.random_numbers(legacy, generator)
    np.testing.assert_array_equal(first, np.random.Generator(np.random.MT19937(5)).normal(size=3))


def test_a_program_that_goes_on_asking_after_it_was_told_to_stop(monkeypatch):
    monkeypatch.setattr(remote_module, "MAX_CALLBACKS", 50)
    source = """
import json, struct, sys
def ask_for_ever(f):
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "channel"): frame = frame.f_back
    channel = frame.f_locals["self"].channel
    empty = {"$": "list", "v": []}
    text = json.dumps({"op": "callback", "id": 1, "method": "__call__", "args": empty, "kwargs": {"$": "dict", "v": []}}).encode()
    while True:
        channel.sendall(struct.pack("<II", len(text), 0) + text)
        channel.recv(10**6)
"""
    with student_of(source) as student, pytest.raises(SandboxTimedOut):
        student.ask_for_ever(lambda: 1 / 0)


def test_callbacks_are_counted(monkeypatch):
    monkeypatch.setattr(remote_module, "MAX_CALLBACKS", 50)
    with student_of(SOURCE) as student:
        with pytest.raises(SandboxTimedOut):
            student.ascend(lambda x: 0.0, 0.0, 1000)
        with pytest.raises(SandboxCrashed):
            student.echo(1)


# --- loading --------------------------------------------------------------------------------------


def test_a_file_that_cannot_be_imported():
    with student_of("def f(:\n  pass", support="def g(): return 4") as student:
        assert student.import_errors.keys() == {"answer.py"}
        assert "SyntaxError" in student.import_errors["answer.py"]
        assert "answer.py, line 1" in student.import_errors["answer.py"]
        assert student.g() == 4
        with pytest.raises(StudentError) as caught:
            student.f()
        assert caught.value.kind == "SyntaxError"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        (
            "import nothing_of_this_name",
            "ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("x = 1\nraise SystemExit('bye')", "SystemExit: bye (answer.py, line 2)"),
        ("raise ValueError('x' * 10**7)", "ValueError: x"),
    ],
)
def test_import_errors_say_why(source, text):
    with student_of(source) as student:
        (told,) = student.import_errors.values()
        assert text in told and len(told) < 5000


def test_the_line_of_an_error_lies_in_the_students_file():
    with student_of(
        "import helper\ndef f(): return helper.g(0)", helper="def g(x): return 1 / x"
    ) as student:
        with pytest.raises(StudentError) as caught:
            student.f()
        assert (caught.value.file, caught.value.line) == ("answer.py", 2)
        with pytest.raises(StudentError) as caught:
            student.g(0)
        assert (caught.value.file, caught.value.line) == ("helper.py", 1)


def test_files_import_each_other_and_support_modules():
    with student_of(
        "from helper import twice\ndef four(): return twice(2)", helper="def twice(x): return 2 * x"
    ) as student:
        assert student.four() == 4 and student.twice(3) == 6
        assert student.module("math").pi == pytest.approx(3.14159, abs=1e-5)


def test_a_question_is_looked_up_in_its_own_file_first():
    with student_of("def f(): return 'helper'", other="def f(): return 'own'") as student:
        assert student.f() == "helper"
        student._homes["f"] = "other.py"
        student._names.clear()
        assert student.f() == "own"


# --- answers that are none ------------------------------------------------------------------------

FORGERIES = {
    "garbage": b"x" * 100,
    "silence then end": b"",
    "too long": b"\xff" * 8,
    "another op": b'{"op":"grade","value":100}',
    "no op": b'{"value":1}',
    "unknown callback": b'{"op":"callback","id":77,"method":"__call__","args":{"$":"list","v":[]},"kwargs":{"$":"dict","v":[]}}',
    "changed nothing we passed": b'{"op":"value","value":1,"changed":40}',
    "leaf of nobody": b'{"op":"value","value":{"$":"leaf","id":5}}',
    "an error with text": b'{"op":"error","type":"the input was 3","file":null,"line":null,"not_implemented":false}',
    "an error elsewhere": b'{"op":"error","type":"ValueError","file":"/etc/passwd","line":3,"not_implemented":false}',
    "a generator": b'{"op":"value","value":{"$":"generator","state":"{}"}}',
    "markup": b'{"op":"value","value":{"$":"handle","id":1,"type":"<script>","module":false,"method":false}}',
    "pickle": b"\x80\x04\x95",
}

FORGER = """
import os, struct, sys
FORGERIES = {forgeries!r}
def channel():
    frame = sys._getframe()
    while not hasattr(frame.f_locals.get("self"), "channel"): frame = frame.f_back
    return frame.f_locals["self"].channel
def forge(name):
    data = FORGERIES[name]
    framed = struct.pack("<II", len(data), 0) + data if data.startswith((b"{{", b"\\x80")) else data
    channel().sendall(framed)
    os._exit(0)
"""


@pytest.mark.parametrize("name", FORGERIES)
def test_forged_answers_end_the_process_and_nothing_else(name):
    with student_of(FORGER.format(forgeries=FORGERIES)) as student:
        with pytest.raises(SandboxCrashed) as caught:
            student.forge(name)
        if name not in ("garbage", "too long", "silence then end"):
            assert isinstance(caught.value, NoAnswer)


def test_parameters_that_are_too_large():
    with student_of(
        "import torch\ndef net(n): return torch.nn.Linear(n, 1, bias=False)"
    ) as student:
        with pytest.raises(Mismatch, match="too large"):
            student.net(10**7).parameters()
        with pytest.raises(NoAnswer, match="too large"):
            for _ in range(10):
                student.net(10**6).parameters()


def test_nothing_of_the_grader_is_in_the_worker():
    with student_of(
        "import sys\ndef modules(): return sorted(m for m in sys.modules if 'autograder' in m)"
    ) as student:
        names = set(student.modules())
    assert "autograder.sandbox.worker" in names and "pytest" in sys.modules


def test_gradients_flow_through_what_is_borrowed_as_through_the_student_s_own():
    source = """
        import torch
        def product(x, y, power): return x * 0
        def loss(x, y):
            with torch.no_grad():
                assert not product(x, y, power=2).requires_grad
            assert not product(x.detach(), y.detach(), 2).requires_grad
            return (product(x, y=y, power=2) * torch.arange(3.0)).sum()
        def constant(x): return product(x, x, 2)
    """
    x, y = torch.tensor([1.0, 2.0, 3.0], requires_grad=True), torch.ones(3, requires_grad=True)

    def product(x, y, power):
        return x**power * y

    with student_of(dedent(source)) as student:
        student.begin(0)
        with student.borrowing({"product": product}):
            loss = student.loss(x, y)
            assert loss.item() == (product(x, y, 2) * torch.arange(3.0)).sum().item()
            gradients = torch.autograd.grad(loss, (x, y))
            assert [g.tolist() for g in gradients] == [[0.0, 4.0, 12.0], [0.0, 4.0, 18.0]]
        with student.borrowing({"product": lambda x, y, power: (x * y).detach()}):
            assert not student.constant(x).requires_grad


def test_what_is_borrowed_may_change_the_gradients_of_the_student_s_networks():
    source = """
        import torch
        net = torch.nn.Linear(2, 1, bias=False)
        other = torch.nn.Linear(2, 1, bias=False)
        def hand_over(one, other): raise ValueError
        def train(x):
            net.zero_grad()
            net(x).sum().backward()
            with torch.no_grad():
                hand_over(net, other)
                assert not torch.is_grad_enabled()
            assert other.weight.grad is not net.weight.grad
            return other.weight.grad
    """

    def hand_over(one, other):
        for mine, theirs in zip(one.parameters(), other.parameters()):
            theirs.grad = mine.grad.clone()

    with student_of(dedent(source)) as student:
        student.begin(0)
        with student.borrowing({"hand_over": hand_over}):
            for x in ([[1.0, 2.0]], [[3.0, -1.0], [1.0, 0.0]]):
                assert student.train(torch.tensor(x)).tolist() == [torch.tensor(x).sum(0).tolist()]
            (weight,) = student.other.parameters()
            assert weight.grad.tolist() == [[4.0, -1.0]]


FORGE = """
def first(x): return x
def forge(call):
    import gc, torch
    (worker,) = (o for o in gc.get_objects() if type(o).__name__ == "_Worker")
    return eval(call, {"ask": worker.ask, "torch": torch})
"""


@pytest.mark.parametrize(
    ("call", "ends"),
    [
        ('ask(1, "__call__", (), {})', NoAnswer),
        ('ask(1, "_evaluate", ([], {}, []), {})', NoAnswer),
        ('ask(1, "forward", ([], {}, [0]), {})', KeyError),
        ('ask(1, "forward", (5, 5, 5), {})', TypeError),
        ('ask(1, "vjp", ([torch.ones(2)], {}, [0], torch.ones(3)), {})', RuntimeError),
    ],
)
def test_a_forged_use_of_what_is_borrowed_harms_nobody_else(call, ends):
    with student_of(FORGE) as student:
        student.begin(0)
        with student.borrowing({"first": lambda x: 2 * x}):
            assert student.forge('ask(1, "forward", ([3], {}, []), {})') == (6, False)
            with pytest.raises(ends):
                student.forge(call)


def test_nothing_is_lent_to_a_file_that_does_not_know_the_name():
    first = "def first(x):\n    return 5 * x\n"
    with student_of(first, other="def forgot_to_import(x):\n    return first(x)\n") as student:
        student.begin(0)
        with student.borrowing({"first": lambda x: x + 1}), pytest.raises(StudentError) as raised:
            student.forgot_to_import(torch.ones(2))
        assert raised.value.kind == "NameError"


def test_a_student_borrows_functions_for_a_while():
    source = "def first(x):\n    return 5 * x\ndef both(x):\n    return 2 * first(x)\n"
    with student_of(source) as student:
        student.begin(0)
        with student.borrowing({"first": lambda x: x + 1}):
            assert student.both(torch.ones(2)).tolist() == [4.0, 4.0]
        assert student.both(torch.ones(2)).tolist() == [10.0, 10.0]
        with pytest.raises(StudentError), student.borrowing({"first": lambda x: x + 1}):
            student.both()
        student.begin(1)
        assert student.both(torch.ones(2)).tolist() == [10.0, 10.0]
