"""Runs a submission inside the sandbox and answers the grader's requests over the wire.

It shares its process with code that nobody trusts, so it defends nothing: it makes honest code
behave over the wire as it would in a plain call. What a hostile program can do is limited by the
sandbox around it and by what `wire.decode` and `grading.remote` take as an answer.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import random
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from autograder.sandbox import wire
from autograder.sandbox.mirror import Mirror

MAX_TEXT = 4000
RECURSION_LIMIT = sys.getrecursionlimit()
NUMPY_ERRORS = np.geterr()
_NO_MEMORY = "can't allocate memory"  # torch's way to say so


def serve(channel: socket.socket) -> None:
    """Answer requests until the grader closes the channel."""
    torch.ones(1, requires_grad=True).sum().backward()  # autograd's first run in the main thread
    _Worker(channel).run()


@dataclass(frozen=True)
class _Made:
    """What a class was called for: an object of its own, even where the class derives from list or float."""

    value: Any


class _Abandoned(BaseException):
    """The grader gave up the call that is going on."""


class _Worker:
    def __init__(self, channel: socket.socket) -> None:
        self.channel, self.pid, self.lock = channel, os.getpid(), threading.RLock()
        self.home = Path.cwd()
        self.files: list[str] = []
        self.modules: list[ModuleType] = []
        self.by_file: dict[str, ModuleType] = {}
        self.broken: dict[str, dict[str, Any]] = {}
        self.running = 0
        self.abandoned = False
        self.last_number = 0
        self.mirror = Mirror(grads_in_place=True)
        self.objects: dict[int, Any] = {}
        self.forget([])

    def forget(self, kept: list[int]) -> None:
        """Drop all that the grader knows by number, except these objects."""
        self.objects = {number: self.objects[number] for number in kept}
        self.numbers = {id(value): number for number, value in self.objects.items()}
        self.stubs: dict[int, Any] = {}
        self.kept: dict[int, tuple[list[torch.Tensor], list[torch.Tensor]]] = {}
        self.mirror.clear()

    def reset(self, seed: int, kept: list[int]) -> None:
        """Start a test; the only request without an answer."""
        self.forget(kept)
        _seed(seed)

    def number(self) -> int:
        self.last_number += 1
        return self.last_number

    # --- requests and replies ---

    def run(self) -> None:
        while (frame := wire.read_frame(self.channel)) is not None:
            reply = self.reply(frame)
            if os.getpid() != self.pid:
                os._exit(0)  # a fork that came back from the student's code
            self.channel.sendall(reply)

    def reply(self, frame: bytes) -> bytes:
        """Do what one request asks; every failure is an answer too."""
        try:
            with torch.inference_mode(False):
                return self.answer(frame)
        except wire.NotData as refusal:
            return self.encode({"op": "refused", "why": refusal.why})
        except BaseException as error:
            told = {"op": "error", **self.described(error), "changes": self.mirror.changes()}
            self.log(error)
            return self.encode(told)

    def answer(self, frame: bytes) -> bytes:
        _reset_libraries()
        inputs: list[torch.Tensor] = []
        request = wire.decode(frame, self.kinds(), inputs)
        for leaf in inputs:
            leaf.requires_grad_()
        if request["op"] == "reset":
            self.reset(request["seed"], request["keep"])
            return b""
        self.release(request.get("release", {}))
        self.mirror.apply(request.get("changes", []))
        do: Callable[..., dict[str, Any]] = getattr(self, f"do_{request['op']}")
        self.running += 1
        try:
            torch.set_grad_enabled(request.get("grad", True))
            result = do(request)
        finally:
            _reset_libraries()
            with self.lock:  # a thread that was left behind may still wait for an answer
                self.running -= 1
                self.abandoned = False
            _flush()
        return self.result(result, inputs)

    def result(self, result: dict[str, Any], inputs: list[torch.Tensor]) -> bytes:
        outputs: list[torch.Tensor] = []
        call = self.number()
        reply = {"op": "value", **result, "call": call, "changes": self.mirror.changes()}
        frame = wire.encode(reply, self.handle, outputs, self.mirror.numbers)
        if outputs:
            self.kept[call] = (outputs, inputs)
        return frame

    def encode(self, message: dict[str, Any]) -> bytes:
        return wire.encode(message, self.handle)

    def release(self, numbers: dict[str, list[int]]) -> None:
        for number in numbers.get("objects", []):
            self.numbers.pop(id(self.objects.pop(number, None)), None)
        for number in numbers.get("calls", []):
            self.kept.pop(number, None)

    # --- what is no data ---

    def kinds(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "handle": lambda node: self.objects[node["id"]],
            "leaf": lambda node: self.mirror.leaves[node["id"]],
            "callback": self.stub,
            "iterator": lambda node: iter(node["v"]),
            "generator": _generator,
            "torch_generator": _torch_generator,
        }

    def handle(self, value: Any) -> dict[str, Any]:
        """The node of an object that stays here."""
        value = value.value if type(value) is _Made else value
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = self.number()
            self.objects[number] = value
        name = _name(type(value))
        return {
            "$": "handle",
            "id": number,
            "type": name if name.isidentifier() and len(name) <= 64 else "object",
            "module": isinstance(value, torch.nn.Module),
            "method": isinstance(value, (MethodType, FunctionType, BuiltinFunctionType)),
        }

    def stub(self, node: dict[str, Any]) -> Any:
        """What stands here for a function or an environment of the grader."""
        number = node["id"]
        if number not in self.stubs:
            if node["kind"] == "env":
                self.stubs[number] = _env_stub(self.ask, number, node["spaces"])
            elif node["kind"] == "lent":
                self.stubs[number] = _lent_stub(self.ask, number)
            else:
                self.stubs[number] = _function_stub(self.ask, number)
        return self.stubs[number]

    def ask(self, number: int, method: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Have the grader call one of its own objects."""
        if os.getpid() != self.pid:
            raise RuntimeError(
                "an environment or function of the grader works in the main process only"
            )
        with self.lock:
            if not self.running:
                raise RuntimeError("no call of the grader is going on")
            if number not in self.stubs:
                raise RuntimeError("an environment or function of a call that is over")
            if self.abandoned:
                raise _Abandoned
            question = {
                "op": "callback",
                "id": number,
                "method": method,
                "args": list(args),
                "kwargs": kwargs,
            }
            self.channel.sendall(self.encode(question))
            while (frame := wire.read_frame(self.channel)) is not None:
                told = wire.decode(frame, self.kinds())
                if told["op"] == "answer":
                    self.mirror.apply(told.get("changes", []))
                    return told["value"]
                if told["op"] == "abandon":
                    self.abandoned = True
                    raise _Abandoned
                self.channel.sendall(self.reply(frame))
            os._exit(0)

    # --- the requests ---

    def do_load(self, request: dict[str, Any]) -> dict[str, Any]:
        """Import the files, and say which cannot be and why.

        Nothing hidden has crossed yet, so the text may be told.
        """
        sys.dont_write_bytecode = True
        sys.path.insert(0, str(self.home))
        sys.path_importer_cache.pop(str(self.home), None)
        _seed(0)
        self.files = request["files"]
        names = {file: Path(file).stem for file in [*self.files, *request["support"]]}
        for name in names.values():
            sys.modules.pop(name, None)
        for file, name in names.items():
            try:
                self.by_file[file] = importlib.import_module(name)
                self.modules.append(self.by_file[file])
            except BaseException as error:
                self.broken[file] = {**self.described(error), "text": _text(error)}
                self.log(error)
        return {"value": self.broken}

    def do_module(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"value": importlib.import_module(request["name"])}

    def do_find(self, request: dict[str, Any]) -> dict[str, Any]:
        """A public name: in the file it belongs to, or else in the first that has it."""
        name, home = request["name"], self.by_file.get(request["file"])
        for module in [home, *self.modules] if home else self.modules:
            if name in vars(module):
                return {"value": vars(module)[name]}
        told = self.broken.get(request["file"]) or next(iter(self.broken.values()), None)
        return {
            "value": None,
            "missing": {k: v for k, v in told.items() if k != "text"} if told else True,
        }

    def do_get(self, request: dict[str, Any]) -> dict[str, Any]:
        return {"value": getattr(request["target"], request["name"])}

    def do_set(self, request: dict[str, Any]) -> dict[str, Any]:
        setattr(request["target"], request["name"], request["value"])
        return {"value": None}

    def do_call(self, request: dict[str, Any]) -> dict[str, Any]:
        args, kwargs = request["args"], request["kwargs"]
        before = self.snapshot([args, kwargs])
        value = request["target"](*args, **kwargs)
        if type(value) is request["target"] and isinstance(
            value, (list, tuple, dict, float, int, str)
        ):
            value = _Made(value)
        if self.snapshot([args, kwargs]) == before:
            return {"value": value, "changed": None}
        held = [*enumerate(args), *kwargs.items()]
        for (name, argument), old in zip(held, [*before[1][1:], *before[2][2:]], strict=True):
            if self.snapshot(argument) != old:
                return {"value": value, "changed": name}
        return {"value": value, "changed": 0}

    def do_parameters(self, request: dict[str, Any]) -> dict[str, Any]:
        """[[name, number, requires grad], …] of a module; the values travel as changes.

        Lazy parameters join once they have a shape.
        """
        named, lazy = [], False
        for name, parameter in request["target"].named_parameters():
            if torch.nn.parameter.is_lazy(parameter):
                lazy = True
                continue
            if id(parameter) not in self.mirror.numbers:
                self.mirror.add(self.number(), parameter)
            named.append([name, self.mirror.numbers[id(parameter)], parameter.requires_grad])
        return {"value": named, "lazy": lazy}

    def do_vjp(self, request: dict[str, Any]) -> dict[str, Any]:
        """The gradients of a kept call's marked arguments, then of the leaves asked for."""
        outputs, inputs = self.kept[request["call"]]
        wrt = [*inputs, *(self.mirror.leaves[number] for number in request["leaves"])]
        pairs = [
            (o, g) for o, g in zip(outputs, request["gradients"], strict=True) if g is not None
        ]
        if not pairs or not wrt:
            return {"value": [None] * len(wrt)}
        gradients = torch.autograd.grad(
            [output for output, _ in pairs],
            wrt,
            [gradient for _, gradient in pairs],
            retain_graph=True,
            allow_unused=True,
        )
        return {"value": [None if g is None else g.detach().to_dense() for g in gradients]}

    # --- arguments and errors ---

    def snapshot(self, value: Any) -> Any:
        """Something equal to itself as long as the data in `value` stay what they are."""
        kind = type(value)
        if kind is torch.Tensor and id(value) not in self.mirror.numbers:
            raw = value.detach()
            raw = raw.view(torch.int16) if raw.dtype is torch.bfloat16 else raw
            return kind, value.dtype, tuple(value.shape), raw.numpy().tobytes()
        if kind is np.ndarray:
            return kind, value.dtype, value.shape, value.tobytes()
        if kind in (list, tuple):
            return kind, *map(self.snapshot, value)
        if kind is dict:
            return kind, tuple(value), *map(self.snapshot, value.values())
        return (kind, repr(value)) if kind in (bool, int, float, str) else (kind, id(value))

    def described(self, error: BaseException) -> dict[str, Any]:
        """What the grader may know of an exception: no text, for it could carry a hidden input."""
        file, line = None, None
        if isinstance(error, SyntaxError) and type(error) in wire.EXCEPTION_NAMES:
            file, line = self.own_file(error.filename), error.lineno
        for frame, number in traceback.walk_tb(error.__traceback__):
            own = self.own_file(frame.f_code.co_filename)
            if own and (own in self.files or file not in self.files):
                file, line = own, number
        no_memory = isinstance(error, MemoryError) or (
            type(error) is RuntimeError and _NO_MEMORY in _text(error)
        )
        return {
            "type": "MemoryError"
            if no_memory
            else wire.EXCEPTION_NAMES.get(type(error), "Exception"),
            "file": file,
            "line": line,
            "not_implemented": isinstance(error, NotImplementedError),
        }

    def own_file(self, filename: Any) -> str | None:
        if type(filename) is not str or os.path.dirname(filename) != str(self.home):
            return None
        return os.path.basename(filename)

    def log(self, error: BaseException) -> None:
        """Write the exception for the TA, without calling any method of it."""
        lines = [
            f'  File "{file}", line {number}\n'
            for frame, number in traceback.walk_tb(error.__traceback__)
            if (file := self.own_file(frame.f_code.co_filename))
        ]
        shown = lines if len(lines) <= 20 else [*lines[:10], "  …\n", *lines[-10:]]
        with contextlib.suppress(OSError):
            os.write(2, "".join([*shown, _text(error), "\n"]).encode(errors="replace"))


def _name(kind: type) -> str:
    return type.__dict__["__name__"].__get__(kind)


def _text(error: BaseException) -> str:
    """Type and text of an exception.

    Only plain arguments are shown, since `__str__` may do anything.
    """
    name = _name(type(error))
    args = vars(BaseException)["args"].__get__(error)[:1]
    plain = "".join(
        arg[:MAX_TEXT] if type(arg) is str else repr(arg)
        for arg in args
        if type(arg) in (str, int, float)
    )
    text = f"{name}: {plain}" if plain else name
    return text[:MAX_TEXT].encode(errors="replace").decode()


def _flush() -> None:
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        with contextlib.suppress(Exception):
            stream.flush()


def _seed(seed: int) -> None:
    torch.default_generator.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _reset_libraries() -> None:
    """Every call begins from the same state, whatever the one before has set."""
    sys.setrecursionlimit(RECURSION_LIMIT)
    np.seterr(**NUMPY_ERRORS)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    if torch.get_default_device().type != "cpu":
        torch.set_default_device(None)
    if torch.get_num_threads() != 1:
        torch.set_num_threads(1)
    if torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(False)
    if torch.is_autocast_enabled("cpu"):
        torch.set_autocast_enabled("cpu", False)


# --- the grader's objects, seen from here ---------------------------------------------------------

Ask = Callable[[int, str, tuple[Any, ...], dict[str, Any]], Any]


def _function_stub(ask: Ask, number: int) -> Callable[..., Any]:
    def function(*args: Any, **kwargs: Any) -> Any:
        return ask(number, "__call__", args, kwargs)

    return function


def _lent_stub(ask: Ask, number: int) -> Callable[..., Any]:
    """A function of the reference, to be called like one of the student's own: gradients flow through it."""

    def function(*args: Any, **kwargs: Any) -> Any:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        marked = {
            name: value
            for name, value in given.items()
            if isinstance(value, torch.Tensor) and value.requires_grad and torch.is_grad_enabled()
        }
        call = (args, kwargs, list(marked))
        value, requires_grad = ask(number, "forward", call, {})

        class Lent(torch.autograd.Function):
            @staticmethod
            def forward(ctx: Any, *inputs: torch.Tensor) -> Any:
                return value

            @staticmethod
            def backward(ctx: Any, gradient: torch.Tensor) -> Any:
                return tuple(ask(number, "vjp", (*call, gradient), {}))

        return Lent.apply(*marked.values()) if requires_grad else value

    return function


def _env_stub(ask: Ask, number: int, spaces: list[tuple[Any, ...]]) -> Any:
    import gymnasium

    class Environment(gymnasium.Env):
        """An environment that lives in the grader."""

        def __init__(self) -> None:
            self.observation_space, self.action_space = map(_space, spaces)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            given = {"seed": seed, "options": options}
            return ask(number, "reset", (), {k: v for k, v in given.items() if v is not None})

        def step(self, action: Any) -> Any:
            return ask(number, "step", (action,), {})

        def render(self) -> Any:
            return ask(number, "render", (), {})

        def close(self) -> Any:
            return ask(number, "close", (), {})

    return Environment()


def _space(described: tuple[Any, ...]) -> Any:
    from gymnasium import spaces

    kind, *rest = described
    if kind == "Box":
        low, high = rest
        return spaces.Box(low, high, dtype=low.dtype)
    if kind == "Discrete":
        return spaces.Discrete(rest[0], start=rest[1])
    return getattr(spaces, kind)(*rest)


def _generator(node: dict[str, Any]) -> np.random.Generator:
    state = json.loads(node["state"])
    bits = getattr(np.random, state["bit_generator"])()
    bits.state = state
    return np.random.Generator(bits)


def _torch_generator(node: dict[str, Any]) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(node["state"])
    return generator
