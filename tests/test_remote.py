"""A submission over the wire behaves as the plain functions do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from remote_box import student_of

from autograder.grading.student import StudentError

BASICS = """
import numpy as np, torch
from dataclasses import dataclass

def echo(*args, **kwargs):
    return (list(args), kwargs) if kwargs else (args[0] if len(args) == 1 else args)

def loss(log_probs, weights, mask):
    return -(log_probs * weights.detach())[mask].sum() / len(mask)

def several(x, y):
    return {"product": x * y, "constant": x.detach() * 2, "pair": (x.sum(), [y.exp()])}

def mean(v):
    return v.mean()

def todo(x):
    raise NotImplementedError("todo")

def broken(x):
    return 1 / 0

@dataclass
class Rollout:
    log_probs: torch.Tensor
    bootstrap_value: float

class Running:
    def __init__(self):
        self.total, self.count = 0.0, 0
    def update(self, returns):
        self.total += returns.sum().item()
        self.count += len(returns)
    @property
    def value(self):
        return self.total / max(self.count, 1)

class Net(torch.nn.Module):
    def __init__(self, size):
        super().__init__()
        self.body, self.head = torch.nn.Linear(size, 3), torch.nn.Linear(3, 2)
        self.unused = torch.nn.Linear(1, 1)
    def forward(self, x):
        hidden = torch.tanh(self.body(x))
        return self.head(hidden), hidden.sum(-1)
"""


@pytest.fixture(scope="module")
def student():
    with student_of(BASICS) as remote:
        yield remote


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, -(2**62), 0.1, float("inf"), "text 文", [1, (2.5, None)], {"a": [True], 3: {"b": ()}},
        torch.arange(6).reshape(2, 3), torch.tensor(1.5), torch.zeros(0, 4), torch.tensor([True, False]),
        torch.tensor([float("nan"), 1.0], dtype=torch.float64), torch.ones(3, dtype=torch.bfloat16),
        np.arange(4.0).reshape(2, 2), np.array(3), np.zeros((0, 2)), np.float32(0.1), np.int64(-3), np.bool_(True),
        np.array([True]), np.arange(3, dtype=np.uint16),
    ],
    ids=repr,
)  # fmt: skip
def test_data_arrive_as_what_they_were(student, value):
    back = student.echo(value)
    assert type(back) is type(value)
    if isinstance(value, torch.Tensor):
        assert back.dtype == value.dtype and back.shape == value.shape
        assert torch.equal(back.nan_to_num(7.0), value.nan_to_num(7.0)) and not back.requires_grad
    elif isinstance(value, np.ndarray):
        assert back.dtype == value.dtype
        np.testing.assert_array_equal(back, value)
        back[...] = 0  # fresh and writable
    else:
        assert back == value


def test_keyword_arguments(student):
    assert student.echo(1, b=2.0) == ([1], {"b": 2.0})


def test_gradients_are_those_of_the_plain_function(student):
    log_probs = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    mask = torch.rand(3, 4) < 0.7
    value = student.loss(log_probs * 2, weights, mask)
    expected = -(2 * log_probs * weights.detach())[mask].sum() / 3
    torch.testing.assert_close(value, expected)
    for _ in range(2):
        found = torch.autograd.grad(
            value, [log_probs, weights], retain_graph=True, allow_unused=True
        )
        torch.testing.assert_close(
            found[0], torch.autograd.grad(expected, log_probs, retain_graph=True)[0]
        )
        assert found[1] is None
    value.backward()
    torch.testing.assert_close(log_probs.grad, found[0])


def test_gradients_of_several_outputs(student):
    x = torch.randn(3, requires_grad=True)
    y = torch.randn(3, requires_grad=True)
    out = student.several(x, y)
    assert not out["constant"].requires_grad
    (total, (exp,)) = out["pair"]
    (out["product"].sum() + 3 * total).backward(retain_graph=True)
    torch.testing.assert_close(x.grad, y.detach() + 3)
    torch.testing.assert_close(y.grad, x.detach())
    assert torch.autograd.grad(exp.sum(), x, allow_unused=True) == (None,)


def test_no_grad_reaches_the_other_side(student):
    with torch.no_grad():
        assert not student.mean(torch.ones(3, requires_grad=True)).requires_grad
    assert student.mean(torch.ones(3, requires_grad=True)).requires_grad


def test_objects_keep_their_state(student):
    baseline = student.Running()
    assert baseline.value == 0.0
    baseline.update(torch.tensor([1.0, 2.0, 6.0]))
    assert baseline.value == 3.0
    baseline.count = 9
    assert baseline.value == 1.0


def test_module_parameters_and_gradients(student):
    net = student.Net(4)
    names = [name for name, _ in net.named_parameters()]
    assert names == [
        "body.weight",
        "body.bias",
        "head.weight",
        "head.bias",
        "unused.weight",
        "unused.bias",
    ]
    x = torch.randn(5, 4, requires_grad=True)
    logits, values = net(x)
    parameters = dict(net.named_parameters())
    hidden = torch.tanh(x @ parameters["body.weight"].T + parameters["body.bias"])
    plain = hidden @ parameters["head.weight"].T + parameters["head.bias"]
    torch.testing.assert_close(logits, plain)
    leaves = [x, *net.parameters()]
    found = torch.autograd.grad(logits.sum() + (values**2).sum(), leaves, allow_unused=True)
    right = torch.autograd.grad(
        plain.sum() + (hidden.sum(-1) ** 2).sum(), leaves, allow_unused=True
    )
    for one, other in zip(found, right, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            torch.testing.assert_close(one, other)


def test_gradients_and_values_of_parameters_are_the_same_on_both_sides(student):
    net = student.Net(2)
    leaves = list(net.parameters())
    logits, _ = net(torch.ones(1, 2))
    logits.sum().backward()
    before = [leaf.detach().clone() for leaf in leaves]
    student.module("torch.optim").SGD(leaves, lr=0.5).step()
    assert all(one is other for one, other in zip(net.parameters(), leaves, strict=True))
    for leaf, old in zip(leaves[:4], before, strict=False):
        torch.testing.assert_close(leaf.detach(), old - 0.5 * leaf.grad)
    net.zero_grad()
    assert all(leaf.grad is None for leaf in leaves)
    with torch.no_grad():
        leaves[0].fill_(2.0)
    assert torch.equal(net.state_dict()["body.weight"], torch.full((3, 2), 2.0))
    net.load_state_dict({name: torch.ones_like(p) for name, p in net.named_parameters()})
    assert all(torch.equal(leaf, torch.ones_like(leaf)) for leaf in leaves)


def test_errors_tell_where_and_nothing_else(student):
    with pytest.raises(StudentError) as caught:
        student.broken(1)
    error = caught.value
    assert (error.kind, error.file, error.not_implemented) == (
        "ZeroDivisionError",
        "answer.py",
        False,
    )
    assert BASICS.splitlines()[error.line - 1].strip() == "return 1 / 0"
    with pytest.raises(StudentError) as caught:
        student.todo(1)
    assert caught.value.not_implemented
    with pytest.raises(StudentError) as caught:
        _ = student.nothing_of_this_name
    assert caught.value.kind == "missing"
    assert not hasattr(student.Running(), "nothing")
