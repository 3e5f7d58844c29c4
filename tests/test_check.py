"""Comparisons pass right answers, name the kind of difference, and never tell a value."""

import numpy as np
import pytest
import torch

from autograder.grading import check
from autograder.grading.check import Mismatch, Recorder, recording

X = torch.tensor([1.5, -2.0, 3.25, 0.5], dtype=torch.float64)


def kind(actual, expected, **options):
    with pytest.raises(Mismatch) as caught:
        check.same(actual, expected, **options)
    assert "3.25" not in caught.value.en + caught.value.zh
    return caught.value.kind


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        (X * 0, "zero"),
        (-X, "sign"),
        (X * 2, "factor"),
        (X.flip(0), "reversed"),
        (torch.roll(X, 1), "shifted"),
        (X + torch.tensor([0, 0, 1.0, 0]), "partly"),
        (X + 1, "value"),
        (X * float("nan"), "not_finite"),
        (X[:, None], "shape"),
        (X[:2], "shape"),
        (X.float(), "dtype"),
        (X.numpy(), "type"),
        (None, "type"),
        (X.sum(), "shape"),
    ],
)
def test_the_kind_of_difference_is_told(wrong, name):
    assert kind(wrong, X) == name


def test_transposed_matrices_are_told():
    matrix = torch.arange(9.0).reshape(3, 3) ** 2 + 1
    assert kind(matrix.T.clone(), matrix) == "transposed"


def test_rounding_is_no_difference():
    check.same(X * (1 + 1e-12), X)
    check.same(X.float() * (1 + 1e-6), X.float())


def test_a_python_float_is_any_real_scalar_but_no_bool():
    for right in (1.5, np.float64(1.5), torch.tensor(1.5), np.array(1.5)):
        check.same(right, 1.5)
    assert kind(True, 1.0) == "type"
    assert kind(np.array([1.5]), 1.5) == "type"
    assert kind("1.5", 1.5) == "type"


def test_nan_expected_must_not_hide_a_wrong_answer():
    expected = torch.tensor([float("inf"), 1.0])
    check.same(torch.tensor([float("inf"), 1.0]), expected)
    assert kind(torch.tensor([float("-inf"), 1.0]), expected)


def test_nested_answers_are_compared_in_full():
    check.same((X, {"a": 1.0}), (X.clone(), {"a": 1.0}))
    assert kind((X, {"a": 2.0}), (X, {"a": 1.0})) == "value"
    assert kind((X,), (X, X)) == "type"


def leaf():
    return X.clone().requires_grad_()


def gradient_kind(actual, expected, wrt):
    with pytest.raises(Mismatch) as caught:
        check.same_gradient(actual, expected, wrt)
    return caught.value.kind


def test_gradients_are_compared_although_values_agree():
    x = leaf()
    right = (x**2).sum()
    check.same_gradient((x * x).sum(), right, x)
    assert gradient_kind((x * x.detach()).sum(), right, x) == "factor"
    assert gradient_kind((x.detach() ** 2).sum(), right, x) == "not_differentiable"
    assert gradient_kind((x**2).sum() + x[0] - x[0].detach(), right, x) == "partly"


def test_gradients_of_vectors_use_an_uneven_cotangent():
    x = leaf()
    swapped = torch.stack([x[1], x[0], x[2], x[3]])
    assert gradient_kind(swapped - (swapped - x).detach(), x * 1, x) == "partly"


def test_leaks_into_constants_are_found():
    x, w = leaf(), leaf()
    check.no_gradient((x * w.detach()).sum(), w)
    with pytest.raises(Mismatch, match="constant"):
        check.no_gradient((x * w).sum(), w)
    check.constant(x.detach())
    with pytest.raises(Mismatch, match="constant"):
        check.constant(x * 2)


def test_finite_and_holds():
    check.finite(X)
    with pytest.raises(Mismatch, match="nan"):
        check.finite(X / 0)
    check.holds(True, "a", "b")
    with pytest.raises(Mismatch, match="say why"):
        check.holds(False, "say why", "说明原因")


def audited(compare):
    recorder = Recorder(audit=True)
    with recording(recorder):
        compare()
    return recorder


def test_the_audit_names_a_comparison_that_zeros_pass():
    small = X * 1e-3
    assert audited(lambda: check.same(small, small)).vacuous == []
    assert "value zeros" in audited(lambda: check.same(small, small, atol=1e-2)).vacuous


def test_the_audit_names_a_gradient_comparison_that_a_cut_gradient_passes():
    x = leaf()
    assert audited(lambda: check.same_gradient(x.sum(), x.sum(), x)).vacuous == []
    zero = (x * 0).sum()
    assert "gradient zeros" in audited(lambda: check.same_gradient(zero, zero, x)).vacuous


def test_every_check_counts_and_leaves_evidence():
    x = leaf()

    def all_of_them():
        check.same(X, X)
        check.same_gradient(x.sum(), x.sum(), x)
        check.no_gradient(x.sum().detach(), x)
        check.constant(X)
        check.finite(X)
        check.holds(True, "", "")

    recorder = audited(all_of_them)
    assert recorder.comparisons == len(recorder.evidence) == 6


def test_a_wrong_gradient_is_told_from_a_wrong_value():
    x = leaf()
    same_value = x.detach() ** 2 + (x - x.detach()) * x.detach().flip(0)
    with pytest.raises(Mismatch) as caught:
        check.same_gradient(same_value.prod(), (x**2).prod(), x)
    assert "value is right" in caught.value.en
    with pytest.raises(Mismatch) as caught:
        check.same_gradient((x**3 + x).sum(), (x**2).sum(), x)
    assert caught.value.kind == "gradient"
    assert "value is right" not in caught.value.en


def test_a_constant_answer_has_no_factor_worth_telling():
    ones = torch.ones(4, dtype=torch.float64)
    assert kind(3.0 * ones, ones) == "value"
    assert kind(-ones, ones) == "sign"
