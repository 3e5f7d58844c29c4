"""Known mistakes and accepted equivalents: small overrides of the reference, kept as source.

A variant is a function or class in `suites/<assignment>/mistakes.py` or `equivalents.py`, decorated with the question that it answers.
It is cut out, renamed to the question and appended to the reference's file: so it may use that file's imports and
functions, and a class may derive from the reference's class of the same name.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from autograder.errors import AutograderError

T = TypeVar("T")


def mistake(question: str, *, en: str, zh: str) -> Callable[[T], T]:
    """Mark a wrong answer to `question`; `en` and `zh` are the hint that names the idea."""
    return lambda answer: answer


def equivalent(question: str) -> Callable[[T], T]:
    """Mark a right answer to `question` that is written differently."""
    return lambda answer: answer


@dataclass(frozen=True)
class Variant:
    """An override of one question of the reference."""

    name: str
    question: str
    override: str
    hint: dict[str, str] | None = None

    def files(self, reference: Mapping[str, str], file: str) -> dict[str, str]:
        """The reference's sources with `file` overridden."""
        return {**reference, file: f"{reference[file]}\n\n{self.override}"}


class VariantError(AutograderError):
    """A file of variants that cannot be read; the message names file and line."""


def read_variants(path: Path) -> list[Variant]:
    """All variants of one file, in its order. Undecorated definitions are helpers, given to every variant.

    Raises:
        VariantError: a decorator without its question or hint, or a name used twice.
    """
    if not path.exists():
        return []
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    found: list[tuple[ast.FunctionDef | ast.ClassDef, str, dict[str, str] | None]] = []
    helpers: list[ast.stmt] = []
    for node in tree.body:
        marked = _mark(node, path)
        if marked:
            found.append((node, *marked))  # type: ignore[arg-type]
        elif not _is_preamble(node):
            helpers.append(node)
    names = [node.name for node, _, _ in found]
    for name in names:
        if names.count(name) > 1:
            raise VariantError(f"{path}: two variants are called {name}")
    preface = "\n".join(ast.unparse(node) for node in helpers)
    variants = []
    for node, question, hint in found:
        name, node.name = node.name, question
        node.decorator_list = [d for d in node.decorator_list if not _is_marker(d)]
        override = f"{preface}\n\n{ast.unparse(node)}\n"
        variants.append(Variant(name, question, override, hint))
    return variants


def _is_marker(decorator: ast.expr) -> bool:
    return (
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Name)
        and decorator.func.id in ("mistake", "equivalent")
    )


def _mark(node: ast.stmt, path: Path) -> tuple[str, dict[str, str] | None] | None:
    if not isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return None
    for decorator in filter(_is_marker, node.decorator_list):
        assert isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Name)
        values: dict[str | None, Any] = {}
        try:
            question = ast.literal_eval(decorator.args[0])
            values = {k.arg: ast.literal_eval(k.value) for k in decorator.keywords}
            hint = (
                {"en": values["en"], "zh": values["zh"]} if decorator.func.id == "mistake" else None
            )
        except (IndexError, KeyError, ValueError):
            raise VariantError(
                f"{path}:{node.lineno}: {node.name} needs its question"
                " and, for a mistake, the hints en= and zh=, as plain strings"
            ) from None
        return question, hint
    return None


def _is_preamble(node: ast.stmt) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.module in ("__future__", "autograder.grading.variants")
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
