"""A submission as hidden suites see it: attributes that are the functions and classes of its files.

`LocalStudent` runs *trusted* sources in this process: the reference, known mistakes and accepted equivalents. What a student
handed in is only ever run through `autograder.grading.remote.RemoteStudent`, which has the same interface.
"""

from __future__ import annotations

import copy
import functools
import importlib
import importlib.util
import linecache
import random
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch

from autograder.grading.check import Mismatch


class StudentError(Exception):
    """The student's code raised, or lacks a name (`kind` "missing").

    `kind` is the exception's type name, `file` and `line` lie in the submission when known. The exception's own text is left out: it
    could carry a hidden input.
    """

    def __init__(
        self,
        kind: str,
        file: str | None = None,
        line: int | None = None,
        not_implemented: bool = False,
    ) -> None:
        super().__init__(kind)
        self.kind, self.file, self.line, self.not_implemented = kind, file, line, not_implemented


def argument_changed(position: str) -> Mismatch:
    """The mismatch for a call that modified one of its arguments."""
    return Mismatch(
        "argument_changed",
        f"The function changed its argument ({position}) in place; work on a copy.",
        f"函数就地修改了它的参数（{position}），请在副本上操作。",
    )


class LocalStudent:
    """Trusted sources, run in this process.

    Args:
        files: file name → source text, in the order in which names are looked up and modules are loaded.
        replaced: names whose binding in every module is this object instead (errors carried forward).
    """

    def __init__(self, files: Mapping[str, str], replaced: Mapping[str, Any] | None = None) -> None:
        self._files, self._replaced = dict(files), dict(replaced or {})
        self.forgives_changes = False  # whether a call may change its arguments (they are put back)
        self._modules = _load(self._files)
        for module in self._modules:
            for name, value in (replaced or {}).items():
                if hasattr(module, name):
                    setattr(module, name, value)

    def replacing(self, replaced: Mapping[str, Any]) -> LocalStudent:
        """The same sources, with some names bound to other objects."""
        return LocalStudent(self._files, self._replaced | dict(replaced))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            for module in self._modules:
                if hasattr(module, name):
                    found = getattr(module, name)
                    return self._guarded(found) if isinstance(found, FunctionType) else found
        raise StudentError("missing")

    def begin(self, seed: int) -> None:
        """Start a test: seed the generators that networks are initialised from."""
        random.seed(seed)
        np.random.seed(seed)
        torch.default_generator.manual_seed(seed)

    def module(self, name: str) -> ModuleType:
        """A standard or third-party module on the student's side."""
        return importlib.import_module(name)

    @contextmanager
    def borrowing(self, lent: Mapping[str, Any]) -> Iterator[None]:
        """Inside, the student's own code calls these in place of its functions of these names."""
        bound = [(m, name) for m in self._modules for name in lent if hasattr(m, name)]
        own = [getattr(module, name) for module, name in bound]
        for module, name in bound:
            setattr(module, name, lent[name])
        try:
            yield
        finally:
            for (module, name), value in zip(bound, own, strict=True):
                setattr(module, name, value)

    def _guarded(self, function: FunctionType) -> Callable[..., Any]:
        """Call like the sandbox does: own random generators, errors as `StudentError`, arguments held to be unchanged."""

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            args = tuple(
                copy.deepcopy(a) if isinstance(a, np.random.Generator) else a for a in args
            )
            kwargs = {
                k: copy.deepcopy(v) if isinstance(v, np.random.Generator) else v
                for k, v in kwargs.items()
            }
            held = {f"number {i + 1}": a for i, a in enumerate(args)} | kwargs
            before = {name: _copied(value) for name, value in held.items()}
            try:
                result = function(*args, **kwargs)
            except (Mismatch, StudentError):
                raise
            except Exception as error:
                frame = traceback.extract_tb(error.__traceback__)[-1]
                raise StudentError(
                    type(error).__name__,
                    line=frame.lineno,
                    not_implemented=isinstance(error, NotImplementedError),
                ) from error
            for name, value in held.items():
                if not _unchanged(value, before[name]):
                    if not self.forgives_changes:
                        raise argument_changed(name)
                    result = _another(result)  # it may be the argument itself
                    _put_back(value, before[name])
            return result

        return call


@functools.lru_cache(maxsize=512)
def _compiled(source: str, name: str) -> CodeType:
    linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
    return compile(source, name, "exec", dont_inherit=True)


def _load(files: Mapping[str, str]) -> list[ModuleType]:
    """Run every file as a module; they may import each other by name, whatever their order."""
    sources = {name.removesuffix(".py"): text for name, text in files.items()}
    loaded: dict[str, ModuleType] = {}
    hidden = {name: sys.modules.pop(name) for name in sources if name in sys.modules}

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> Any:
            if name in sources:
                return importlib.util.spec_from_loader(name, Loader)  # type: ignore[arg-type]
            return None

    class Loader:
        @staticmethod
        def create_module(spec: Any) -> None:
            return None

        @staticmethod
        def exec_module(module: ModuleType) -> None:
            name = module.__name__
            loaded[name] = module
            exec(_compiled(sources[name], f"<trusted>/{name}.py"), module.__dict__)

    sys.meta_path.insert(0, Finder)
    try:
        return [importlib.import_module(name) for name in sources]
    finally:
        sys.meta_path.remove(Finder)
        for name in sources:
            sys.modules.pop(name, None)
        sys.modules.update(hidden)


def _copied(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    return value.copy() if isinstance(value, np.ndarray) else None


def _unchanged(value: Any, before: Any) -> bool:
    if isinstance(value, torch.Tensor):
        return value.shape == before.shape and torch.equal(value.detach(), before)
    if isinstance(value, np.ndarray):
        return value.shape == before.shape and np.array_equal(
            value, before, equal_nan=value.dtype.kind == "f"
        )
    return True


def _another(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _put_back(value: Any, before: Any) -> None:
    if isinstance(value, torch.Tensor):
        value.data.copy_(before)
    else:
        value[...] = before
