"""Comparisons for hidden suites.

Each function raises `Mismatch` with a sentence that names shapes, dtypes and the *kind* of difference, never a value
of an input or of an expected answer. What was compared is recorded for diagnosis, counted, and, when `verify`
audits a suite, tried again with wrong answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from numbers import Real
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch

DEFAULT_TOLERANCES = {
    "float64": {"rtol": 1e-5, "atol": 1e-6},
    "float32": {"rtol": 1e-3, "atol": 1e-4},
}


class Mismatch(Exception):
    """A student's answer is not the right one.

    `kind` is a short word for programs; `en` and `zh` are what the student reads.
    """

    def __init__(self, kind: str, en: str, zh: str) -> None:
        super().__init__(en)
        self.kind, self.en, self.zh = kind, en, zh


@dataclass
class Recorder:
    """What the checks of one test saw."""

    tolerances: dict[str, dict[str, float]] = field(
        default_factory=lambda: dict(DEFAULT_TOLERANCES)
    )
    audit: bool = False
    nan_matches_nan: bool = False  # an earlier mistake may give nan where it is carried forward
    evidence: list[Any] = field(default_factory=list)
    comparisons: int = 0
    vacuous: list[str] = field(default_factory=list)

    def saw(self, kind: str, value: Any) -> None:
        self.comparisons += 1
        self.evidence.append((kind, plain(value)))


_recorder: ContextVar[Recorder | None] = ContextVar("recorder", default=None)


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Let the checks made inside report to `recorder`."""
    token = _recorder.set(recorder)
    try:
        yield recorder
    finally:
        _recorder.reset(token)


def _current() -> Recorder:
    return _recorder.get() or Recorder()


LARGEST_EVIDENCE = 2**16  # elements


def plain(value: Any) -> Any:
    """`value` as nested lists of numpy arrays and scalars, detached from every graph; of a huge array only its shape."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return value.copy() if value.size <= LARGEST_EVIDENCE else f"array of shape {value.shape}"
    if isinstance(value, dict):
        return [[key, plain(item)] for key, item in value.items()]
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str, np.generic)):
        return value
    return type_name(value)


def type_name(value: Any) -> str:
    """The name of a standard type; of anything else, whose name the student may choose, only what kind of thing it is."""
    if isinstance(value, (FunctionType, MethodType)) or getattr(value, "_method", False) is True:
        return "method"
    kind = type(value)
    return kind.__name__ if kind.__module__ in ("builtins", "numpy", "torch") else "object"


# --- the checks -------------------------------------------------------------------------------------------------


def same(
    actual: Any,
    expected: Any,
    what: str = "value",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """`actual` is `expected`: same type, dtype, shape, finite where expected is, and close.

    Tensors, arrays, numbers, strings, None, and tuples, lists or dicts of them. A Python float is matched by any real scalar
    (Python, numpy, or 0-dimensional). Raises `Mismatch`.
    """
    recorder = _current()
    recorder.saw("value", actual)
    _same(actual, expected, what, rtol, atol, recorder)
    if recorder.audit:
        _audit(
            recorder,
            what,
            expected,
            lambda wrong: _same(wrong, expected, what, rtol, atol, recorder),
        )


def same_gradient(
    actual: Any,
    expected: torch.Tensor,
    wrt: torch.Tensor | Sequence[torch.Tensor],
    what: str = "gradient",
    rtol: float | None = None,
    atol: float | None = None,
) -> None:
    """The gradients of `actual` and `expected` with respect to the leaves `wrt` are the same.

    Both were computed from these leaves; the cotangent is the same fixed random one. Raises `Mismatch`.
    """
    recorder = _current()
    leaves = [wrt] if isinstance(wrt, torch.Tensor) else list(wrt)
    _same_layout(actual, expected, "value")
    cotangent = _cotangent(expected)
    right = _gradients(expected, leaves, cotangent)
    if not actual.requires_grad:
        recorder.saw("gradient", None)
        raise Mismatch(
            "not_differentiable",
            "The result carries no gradient, but it must be differentiable (was something detached, turned into "
            "numbers, or computed under no_grad?).",
            "结果不带梯度，但它必须可微（是否用了 detach、转成了数值，或在 no_grad 下计算？）。",
        )
    got = _gradients(actual, leaves, cotangent)
    recorder.saw("gradient", got)

    def compare(candidate: Sequence[torch.Tensor]) -> None:
        for one, other in zip(candidate, right, strict=True):
            _close(one, other, what, rtol, atol, recorder)

    try:
        compare(got)
    except Mismatch as error:
        if error.kind != "gradient" or not _alike(actual, expected, recorder):
            raise
        raise Mismatch(
            "gradient", "The value is right, but the gradient is not.", "数值正确，但梯度不对。"
        ) from None
    if recorder.audit:
        _audit(recorder, what, right, compare)


def no_gradient(actual: Any, wrt: torch.Tensor | Sequence[torch.Tensor]) -> None:
    """No gradient flows from `actual` to the leaves `wrt`, which the contract calls constant. Raises `Mismatch`."""
    leaves = [wrt] if isinstance(wrt, torch.Tensor) else list(wrt)
    leaks = False
    if isinstance(actual, torch.Tensor) and actual.requires_grad:
        leaks = any(bool((g != 0).any()) for g in _gradients(actual, leaves, _cotangent(actual)))
    _current().saw("leak", leaks)
    if leaks:
        raise Mismatch(
            "gradient_leak",
            "Gradient flows into something that is a constant here (detach it).",
            "梯度流入了此处应视为常数的量（请使用 detach）。",
        )


def constant(actual: Any) -> None:
    """`actual` carries no gradient at all. Raises `Mismatch`."""
    carries = isinstance(actual, torch.Tensor) and actual.requires_grad
    _current().saw("carries_gradient", carries)
    if carries:
        raise Mismatch(
            "not_constant",
            "The result must be a constant, but it carries a gradient (detach it).",
            "结果应为常数，但它带有梯度（请使用 detach）。",
        )


def finite(actual: Any) -> None:
    """`actual` (tensor, array or number) holds neither nan nor inf. Raises `Mismatch`."""
    _current().saw("value", actual)
    _require_array(actual)
    if not _finite(_as_array(actual)).all():
        raise _not_finite("value")


def holds(condition: Any, en: str, zh: str, evidence: Any = None, kind: str = "property") -> None:
    """A property of the answer; the two sentences are what the student reads when it does not hold."""
    _current().saw("holds", [bool(condition), evidence])
    if not condition:
        raise Mismatch(kind, en, zh)


# --- comparing --------------------------------------------------------------------------------------------------


def _same(
    actual: Any,
    expected: Any,
    what: str,
    rtol: float | None,
    atol: float | None,
    recorder: Recorder,
) -> None:
    if isinstance(expected, (torch.Tensor, np.ndarray)):
        _same_layout(actual, expected, what)
        _close(actual, expected, what, rtol, atol, recorder)
    elif isinstance(expected, (bool, np.bool_, str)) or expected is None:
        if not _is_plain_equal(actual, expected):
            raise _differs(what)
    elif isinstance(expected, Real):
        if not _is_scalar(actual):
            raise _wrong_type("a single number", "单个数", actual)
        one, other = (np.asarray(_as_array(x), np.float64) for x in (actual, expected))
        _close(one, other, what, rtol, atol, recorder)
    elif isinstance(expected, dict):
        if not isinstance(actual, dict) or set(actual) != set(expected):
            raise _wrong_type("a dict with the agreed keys", "含有约定键的字典", actual)
        for key in expected:
            _same(actual[key], expected[key], what, rtol, atol, recorder)
    elif isinstance(expected, (tuple, list)):
        if not isinstance(actual, (tuple, list)) or len(actual) != len(expected):
            raise _wrong_type(f"{len(expected)} results", f"{len(expected)} 个结果", actual)
        for one, other in zip(actual, expected, strict=True):
            _same(one, other, what, rtol, atol, recorder)
    else:
        raise TypeError(f"check.same does not compare {type(expected).__name__}")


def _is_plain_equal(actual: Any, expected: Any) -> bool:
    if isinstance(expected, (bool, np.bool_)):
        return isinstance(actual, (bool, np.bool_)) and bool(actual) == bool(expected)
    return type(actual) is type(expected) and actual == expected


def _is_scalar(value: Any) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return False
    if isinstance(value, Real):
        return True
    is_array = isinstance(value, (torch.Tensor, np.ndarray))
    return is_array and value.ndim == 0 and _dtype_name(value) not in ("bool", "object")


def _require_array(actual: Any) -> None:
    if not isinstance(actual, (torch.Tensor, np.ndarray)) and not _is_scalar(actual):
        raise _wrong_type("a tensor, an array or a number", "张量、数组或数", actual)


def _same_layout(actual: Any, expected: torch.Tensor | np.ndarray, what: str) -> None:
    if isinstance(expected, torch.Tensor):
        if not isinstance(actual, torch.Tensor):
            raise _wrong_type("a torch tensor", "torch 张量", actual)
    elif not isinstance(actual, np.ndarray):
        raise _wrong_type("a numpy array", "numpy 数组", actual)
    if tuple(actual.shape) != tuple(expected.shape):
        got, right = tuple(actual.shape), tuple(expected.shape)
        lengths = {1, *right, *(n + 1 for n in right), *(n - 1 for n in right)}
        if set(got) <= lengths and max(lengths) < 1000:
            en = f"The shape of the {what} is {got}, but {right} was asked for."
            zh = f"{_ZH.get(what, what)}的形状是 {got}，而要求的是 {right}。"
        else:  # lengths of the student's choice could carry hidden numbers
            axes = "1 axis" if len(got) == 1 else f"{len(got)} axes"
            en = f"The shape of the {what}, with {axes}, is not the one asked for"
            zh = f"{_ZH.get(what, what)}的形状（{len(got)} 个轴）不是所要求的"
            en, zh = (
                (f"{en}: {right}.", f"{zh} {right}。")
                if max(lengths) < 1000
                else (f"{en}.", f"{zh}。")
            )
        if len(right) == 1 and got in ((*right, 1), (1, *right)):
            en += " One axis too many: a later subtraction would broadcast to a matrix without a word."
            zh += " 多了一个轴：之后的减法会悄悄广播成矩阵。"
        raise Mismatch("shape", en, zh)
    if _dtype_name(actual) != _dtype_name(expected):
        got_dtype, right_dtype = _dtype_name(actual), _dtype_name(expected)
        raise Mismatch(
            "dtype",
            f"The dtype of the {what} is {got_dtype}, but {right_dtype} was asked for.",
            f"{_ZH.get(what, what)}的 dtype 是 {got_dtype}，而要求的是 {right_dtype}。",
        )


def _close(
    actual: Any,
    expected: Any,
    what: str,
    rtol: float | None,
    atol: float | None,
    recorder: Recorder,
) -> None:
    tolerance = _tolerance(expected, recorder)
    rtol = tolerance["rtol"] if rtol is None else rtol
    atol = tolerance["atol"] if atol is None else atol
    a, e = _as_array(actual), _as_array(expected)
    if e.dtype.kind in "biu":
        if not np.array_equal(a, e):
            raise _differs(what)
        return
    if not (_finite(a) | ~_finite(e)).all():
        raise _not_finite(what)
    if not np.allclose(a, e, rtol=rtol, atol=atol, equal_nan=recorder.nan_matches_nan):
        raise _describe(a, e, what, rtol, atol)


def _describe(a: np.ndarray, e: np.ndarray, what: str, rtol: float, atol: float) -> Mismatch:
    """Tell how `a` differs from `e` without telling either."""

    def close(x: np.ndarray, y: np.ndarray) -> bool:
        return x.shape == y.shape and x.size > 0 and np.allclose(x, y, rtol=rtol, atol=atol)

    name = _ZH.get(what, what)
    if not a.any():
        return Mismatch("zero", f"The {what} {_are(what)} zero everywhere.", f"{name}处处为零。")
    if close(-a, e):
        return Mismatch(
            "sign", f"The {what} {_are(what)} right up to the sign.", f"{name}只差一个符号。"
        )
    varied = e.size > 1 and not close(np.full_like(e, e.flat[0]), e)
    if varied and (factor := _factor(a, e)) is not None and close(a / factor, e):
        return Mismatch(
            "factor",
            f"The {what} {_are(what)} right up to a constant factor.",
            f"{name}只差一个常数因子。",
        )
    if a.ndim and a.shape[-1] > 1:
        if close(a[..., ::-1], e):
            return Mismatch(
                "reversed", f"The {what} {_are(what)} in reversed order.", f"{name}的顺序反了。"
            )
        if a.shape[-1] > 2 and (close(a[..., 1:], e[..., :-1]) or close(a[..., :-1], e[..., 1:])):
            return Mismatch(
                "shifted", f"The {what} {_are(what)} shifted by one place.", f"{name}错了一位。"
            )
    if a.ndim == 2 and close(a.T, e):
        return Mismatch("transposed", f"The {what} {_are(what)} transposed.", f"{name}被转置了。")
    agree = np.isclose(a, e, rtol=rtol, atol=atol)
    if agree.any() and a.size > 1:
        return Mismatch(
            "partly",
            f"The {what} {_are(what)} right in some entries only.",
            f"{name}只有部分元素正确。",
        )
    return _differs(what)


def _alike(actual: Any, expected: Any, recorder: Recorder) -> bool:
    tolerance = _tolerance(expected, recorder)
    rtol, atol = tolerance["rtol"], tolerance["atol"]
    return np.allclose(_as_array(actual), _as_array(expected), rtol=rtol, atol=atol)


def _tolerance(expected: Any, recorder: Recorder) -> dict[str, float]:
    return recorder.tolerances.get(_dtype_name(expected), DEFAULT_TOLERANCES["float64"])


def _factor(a: np.ndarray, e: np.ndarray) -> float | None:
    index = np.unravel_index(np.argmax(np.abs(e)), e.shape)
    usable = np.isfinite(e[index]) and a[index] != 0 and e[index] != 0
    return float(a[index] / e[index]) if usable else None


def _are(what: str) -> str:
    return "are" if what.endswith("s") and not what.endswith("ss") else "is"


def _differs(what: str) -> Mismatch:
    return Mismatch(
        "gradient" if what == "gradient" else "value",
        f"The {what} {_are(what)} not right.",
        f"{_ZH.get(what, what)}不正确。",
    )


def _not_finite(what: str) -> Mismatch:
    return Mismatch(
        "not_finite", f"The {what} holds nan or inf.", f"{_ZH.get(what, what)}含有 nan 或 inf。"
    )


def _wrong_type(en: str, zh: str, actual: Any) -> Mismatch:
    got = type_name(actual)
    if got == "method":
        return Mismatch(
            "type",
            f"The result must be {en}; what came back is a method that nobody has called.",
            f"结果应为{zh}，而得到的是一个未被调用的方法。",
        )
    return Mismatch(
        "type",
        f"The result must be {en}; what came back is of type {got}.",
        f"结果应为{zh}，而返回的类型是 {got}。",
    )


_ZH = {"value": "数值", "gradient": "梯度", "loss": "损失", "result": "结果"}


def _dtype_name(value: Any) -> str:
    return str(value.dtype).removeprefix("torch.")


def _as_array(value: Any) -> np.ndarray:
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    array = np.asarray(value)
    return array.astype(np.float64) if array.dtype.kind == "f" else array


def _finite(array: np.ndarray) -> np.ndarray:
    return np.isfinite(array) if array.dtype.kind == "f" else np.ones(array.shape, bool)


def _cotangent(output: torch.Tensor) -> torch.Tensor:
    if output.ndim == 0:
        return torch.ones((), dtype=output.dtype)
    draw = np.random.default_rng(17).uniform(0.5, 1.5, size=tuple(output.shape))
    return torch.as_tensor(draw, dtype=output.dtype)


def _gradients(
    output: torch.Tensor, leaves: Sequence[torch.Tensor], cotangent: torch.Tensor
) -> list[torch.Tensor]:
    if not output.requires_grad:
        return [torch.zeros_like(leaf) for leaf in leaves]
    found = torch.autograd.grad(output, leaves, cotangent, retain_graph=True, allow_unused=True)
    return [
        torch.zeros_like(leaf) if gradient is None else gradient
        for leaf, gradient in zip(leaves, found, strict=True)
    ]


# --- the audit --------------------------------------------------------------------------------------------------

ALWAYS_WRONG = {
    "zeros": lambda x: x * 0,
    "negated": lambda x: -x,
    "twice": lambda x: x * 2,
    "half": lambda x: x * 0.5,
    "one more": lambda x: x + 1,
}
WRONG_IF_DIFFERENT = {
    "shifted": lambda x: _shift(x),
    "transposed": lambda x: x.T if x.ndim == 2 and x.shape[0] == x.shape[1] else x,
}


def _shift(x: Any) -> Any:
    if x.ndim == 0:
        return x
    return torch.roll(x, 1, -1) if isinstance(x, torch.Tensor) else np.roll(x, 1, -1)


def _audit(recorder: Recorder, what: str, right: Any, compare: Any) -> None:
    """Try wrong answers in place of the right one; a wrong one that passes makes the check vacuous."""
    if isinstance(right, (list, tuple)):
        numeric = [x for x in right if _is_floating(x)]
        if not numeric or len(numeric) != len(right):
            return
    elif not _is_floating(right):
        return

    def apply(change: Any) -> Any:
        if isinstance(right, (list, tuple)):
            return [change(_arr(x)) for x in right]
        return change(_arr(right)) if not isinstance(right, float) else float(change(_arr(right)))

    changes = {**ALWAYS_WRONG, **WRONG_IF_DIFFERENT}
    for name, change in changes.items():
        wrong = apply(change)
        if name in WRONG_IF_DIFFERENT and _identical(wrong, right):
            continue
        try:
            compare(wrong)
        except Mismatch:
            continue
        recorder.vacuous.append(f"{what} {name}")


def _arr(x: Any) -> Any:
    return (
        np.asarray(x)
        if isinstance(x, float)
        else (x.detach() if isinstance(x, torch.Tensor) else x)
    )


def _is_floating(x: Any) -> bool:
    if isinstance(x, float):
        return True
    return isinstance(x, (torch.Tensor, np.ndarray)) and _dtype_name(x).startswith("float")


def _identical(wrong: Any, right: Any) -> bool:
    pairs = zip(wrong, right, strict=True) if isinstance(right, (list, tuple)) else [(wrong, right)]
    return all(np.allclose(_as_array(w), _as_array(r), rtol=1e-9, atol=0) for w, r in pairs)
