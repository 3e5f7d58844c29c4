"""A submission in the sandbox, as hidden suites see it: the interface of `LocalStudent`, over the
wire.

Whatever comes back is checked before it is used, and a frame that is no answer ends the process.
Gradients flow through calls with `torch.autograd.Function`: `backward` asks the sandbox for the
vector-Jacobian product. Second derivatives are not available.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import gymnasium
import numpy as np
import torch
from gymnasium import spaces
from torch.autograd.function import once_differentiable

from autograder.grading.check import Mismatch
from autograder.grading.student import StudentError, argument_changed
from autograder.sandbox import wire
from autograder.sandbox.errors import (
    SandboxCrashed,
    SandboxError,
    SandboxOutOfMemory,
    SandboxTimedOut,
)
from autograder.sandbox.mirror import Mirror

MAX_CALLBACKS = 200_000  # in one call
MAX_MIRRORED = 4 * wire.MAX_PAYLOAD  # bytes of all parameters that a test has seen
MAX_LINE = 10_000  # shown of a file; larger numbers could carry a hidden input
ENVIRONMENT_METHODS = ("reset", "step", "render", "close")
LENT_METHODS = ("forward", "vjp")


class NoAnswer(SandboxCrashed):
    """The program sent something that is no answer."""

    messages = {  # noqa: RUF012
        "en": "The program sent something that is no answer.",
        "zh": "程序发回的内容不是有效的回答。",
    }


class MissingAttribute(StudentError, AttributeError):
    """An object of the student's lacks an attribute."""


class RemoteStudent:
    """The submission that runs in `box`.

    Args:
        box: a locked-down process with `send`, `receive`, `kill` and `cpu_seconds`.
        files: the assignment's files, in the order in which names are looked up.
        support: the support modules, looked up after them.
        call_seconds: CPU time of one call.
        homes: question → the file it belongs to, looked up first.

    `import_errors` holds the reason for each file that cannot be imported.

    Raises:
        SandboxError: the process ended while it loaded the files.
    """

    def __init__(
        self,
        box: Any,
        files: Sequence[str],
        support: Sequence[str] = (),
        call_seconds: float = 10.0,
        homes: dict[str, str] | None = None,
    ) -> None:
        self._box, self._files, self._call_seconds = box, [*files, *support], call_seconds
        self._homes = homes or {}
        self.forgives_changes = False  # whether a call may change its copies of the arguments
        self._mirror = Mirror(grads_in_place=False)
        self._names: dict[str, Handle] = {}
        self._handles: WeakValueDictionary[int, Handle] = WeakValueDictionary()
        self._last_callback = 0
        self._ahead = b""  # what goes out before the next request
        self._forget()
        request = {"op": "load", "files": list(files), "support": list(support)}
        try:
            loaded, _ = self._request(request)
        except (StudentError, Mismatch):  # no import answers so, but what was imported may
            self._no_answer("an error for an import")
        broken = self._checked(lambda: _as(dict, loaded["value"]))
        self.import_errors = {
            file: self._import_error(broken[file]) for file in self._files if file in broken
        }

    def begin(self, seed: int) -> None:
        """Start a test: seed the generators over there, and let go of the last test's objects.

        It travels with the test's first request and has no answer of its own.
        """
        self._forget()
        kept = [handle._number for handle in self._names.values()]
        self._ahead = wire.encode({"op": "reset", "seed": seed, "keep": kept})

    def module(self, name: str) -> Handle:
        """A standard or third-party module on the student's side."""
        return self._value({"op": "module", "name": name})

    @contextmanager
    def borrowing(self, lent: Mapping[str, Any]) -> Iterator[None]:
        """Inside, the student's own code calls these in place of its functions of these names."""
        files = [file for file in self._files if lent and file not in self.import_errors]
        modules = [self.module(file.removesuffix(".py")) for file in files]
        bound = [(module, name) for module in modules for name in lent if hasattr(module, name)]
        own = [getattr(module, name) for module, name in bound]
        ours = {name: _Lent(function) for name, function in lent.items()}
        for module, name in bound:
            setattr(module, name, ours[name])
        try:
            yield
        finally:
            with suppress(SandboxError, StudentError, Mismatch):  # the next request will tell
                for (module, name), value in zip(bound, own, strict=True):
                    setattr(module, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._names:
            request = {"op": "find", "name": name, "file": self._homes.get(name)}
            reply, graph = self._request(request)
            if reply.get("missing"):
                told = reply["missing"]
                raise StudentError("missing") if told is True else self._error(told)
            value = self._wired(reply, graph)
            if not isinstance(value, Handle):
                return value
            self._names[name] = value
        return self._names[name]

    def _forget(self) -> None:
        named = {handle._number: handle for handle in self._names.values()}
        self._handles.clear()
        self._handles.update(named)
        self._mirror.clear()
        self._modules: dict[int, ModuleHandle] = {}  # with mirrored parameters
        self._incomplete: set[int] = set()  # modules with parameters that have no shape yet
        self._released: dict[str, list[int]] = {}
        self._callbacks: dict[int, Any] = {}
        self._callback_numbers: dict[int, int] = {}

    # --- requests ---

    def _value(self, request: dict[str, Any]) -> Any:
        return self._wired(*self._request(request))

    def _call(self, target: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = {"op": "call", "target": target, "args": list(args), "kwargs": kwargs}
        inputs: list[torch.Tensor] = []
        reply, graph = self._request(request, inputs)
        changed = reply.get("changed")
        if changed is not None and not self.forgives_changes:
            self._raise_changed(changed, args, kwargs)
        return self._wired(reply, graph, inputs)

    def _raise_changed(
        self, changed: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> NoReturn:
        if type(changed) is int and 0 <= changed < max(1, len(args)):
            raise argument_changed(f"number {changed + 1}")
        if type(changed) is str and changed in kwargs:
            raise argument_changed(changed)
        self._no_answer("an argument that was not passed")

    def _parameters(self, module: ModuleHandle) -> list[tuple[str, torch.Tensor]]:
        reply, _ = self._request({"op": "parameters", "target": module})

        def read() -> list[tuple[str, torch.Tensor]]:
            named = []
            for name, number, requires_grad in _as(list, reply["value"]):
                leaf = self._mirror.leaves[_as(int, number)]
                named.append((_as(str, name), leaf.requires_grad_(_as(bool, requires_grad))))
            return named

        named = self._checked(read)
        self._modules[module._number] = module
        (self._incomplete.add if reply.get("lazy") else self._incomplete.discard)(module._number)
        return named

    def _mirror_modules(self, request: dict[str, Any]) -> None:
        """Mirror the parameters of the modules in a request, so that gradients can flow to them."""
        touched = [
            request.get("target"),
            *request.get("args", ()),
            *request.get("kwargs", {}).values(),
        ]
        for module in touched:
            if isinstance(module, ModuleHandle) and (
                module._number not in self._modules or module._number in self._incomplete
            ):
                self._parameters(module)

    def _wired(
        self, reply: dict[str, Any], graph: list[torch.Tensor], inputs: Sequence[torch.Tensor] = ()
    ) -> Any:
        """The value of a reply, its marked tensors tied to the graph inside."""
        if graph:
            kept = _Kept(self, self._checked(lambda: _as(int, reply["call"])), inputs)
            with torch.enable_grad():
                _Inside.apply(
                    kept, graph, *inputs, *kept.leaves, torch.ones((), requires_grad=True)
                )
        return self._checked(lambda: reply["value"])

    def _request(
        self, request: dict[str, Any], inputs: list[torch.Tensor] | None = None
    ) -> tuple[dict[str, Any], list[torch.Tensor]]:
        """Send a request, serve callbacks, and return a `value` reply and its marked tensors."""
        frame = self._encode({**request, "grad": torch.is_grad_enabled()}, inputs)
        reply, graph = self._exchange(frame)
        self._checked(lambda: self._adopt(reply.get("changes", []), request["op"] == "parameters"))
        if reply["op"] == "value":
            if graph:
                self._mirror_modules(request)
            return reply, graph
        if reply["op"] == "refused":
            raise _refusal(reply.get("why"))
        if reply["op"] != "error":
            self._no_answer("a reply of no kind")
        error = self._error(reply)
        missing = request["op"] == "get" and error.kind == "AttributeError"
        raise MissingAttribute(error.kind, error.file, error.line) if missing else error

    def _encode(self, message: dict[str, Any], inputs: list[torch.Tensor] | None = None) -> bytes:
        if message["op"] != "vjp" and (changes := self._mirror.changes()):
            message["changes"] = changes
        if self._released:
            message["release"], self._released = self._released, {}
        try:
            return wire.encode(message, self._node, inputs, self._mirror.numbers)
        except wire.NotData as error:
            raise TypeError(
                f"an argument cannot be sent to the sandbox ({error.why}); "
                "make objects and networks on the student's side"
            ) from None

    def _exchange(self, frame: bytes) -> tuple[dict[str, Any], list[torch.Tensor]]:
        """One request's way there and back, with the callbacks in between.

        What a callback raises here is raised once the call is over.
        """
        clock = _Clock(self._box, self._call_seconds)
        frame, self._ahead = self._ahead + frame, b""
        failure: Exception | None = None
        while True:
            graph: list[torch.Tensor] = []
            try:
                self._box.send(frame)
                reply = self._decode(self._box.receive(cpu_seconds=clock.left()), graph)
            except SandboxError:
                if failure is None:
                    raise
                raise failure from None
            if reply["op"] != "callback":
                if failure is None:
                    return reply, graph
                raise failure
            clock.callback()
            if failure is None:
                try:
                    frame = self._answer(reply)
                except SandboxError:
                    raise
                except Exception as error:
                    failure, frame = error, wire.encode({"op": "abandon"})

    def _decode(self, frame: bytes, graph: list[torch.Tensor]) -> dict[str, Any]:
        kinds = {"handle": self._proxy, "leaf": self._leaf}
        reply = self._checked(lambda: wire.decode(frame, kinds, graph))
        if type(reply.get("op")) is not str:
            self._no_answer("a reply of no kind")
        return reply

    # --- what comes back is checked ---

    def _no_answer(self, detail: str) -> NoReturn:
        self._box.kill()
        raise NoAnswer(detail)

    def _checked(self, read: Callable[[], Any]) -> Any:
        """Whatever goes wrong while an answer is read is the answer's fault."""
        try:
            return read()
        except SandboxError:
            raise
        except Exception as error:
            self._no_answer(str(error) or type(error).__name__)

    def _error(self, told: Any) -> StudentError:
        def read() -> StudentError:
            kind, file, line = told["type"], told["file"], told["line"]
            known = kind in wire.EXCEPTION_NAMES.values() or kind == "Exception"
            own = file is None or file in self._files
            if not known or not own or not (line is None or 0 <= _as(int, line) < 10**6):
                raise ValueError("an error that cannot be")
            if kind == "MemoryError":
                self._box.kill()
                raise SandboxOutOfMemory
            shown = line if line is not None and line < MAX_LINE else None
            return StudentError(kind, file, shown, told["not_implemented"] is True)

        return self._checked(read)

    def _import_error(self, told: Any) -> str:
        """May be shown: no hidden input had crossed when it was raised."""
        error = self._error(told)
        text = self._checked(lambda: _as(str, told["text"]))
        text = "".join(
            c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text
        )
        return f"{text} ({error.file}, line {error.line})" if error.file else text

    def _adopt(self, changes: Any, may_add: bool) -> None:
        for change in _as(list, changes):
            number = _as(int, _as(dict, change)["leaf"])
            if number not in self._mirror.leaves and may_add:
                self._mirror.add(number, torch.empty(0))
        self._mirror.apply(changes)
        if changes and self._mirror.size() > MAX_MIRRORED:
            raise ValueError("parameters that are too large")

    # --- objects that stay on one side ---

    def _proxy(self, node: dict[str, Any]) -> Handle:
        number, name = _as(int, node["id"]), _as(str, node["type"])
        if len(name) > 64 or not name.isidentifier():
            raise ValueError("a type without a name")
        handle = self._handles.get(number)
        if handle is None:
            make = ModuleHandle if _as(bool, node["module"]) else Handle
            handle = self._handles[number] = make(self, number, name, _as(bool, node["method"]))
            self._released["objects"] = [
                n for n in self._released.get("objects", ()) if n != number
            ]
        return handle

    def _leaf(self, node: dict[str, Any]) -> torch.Tensor:
        return self._mirror.leaves[node["id"]]

    def _node(self, value: Any) -> dict[str, Any] | None:
        """The node of an argument that is no data."""
        if isinstance(value, Handle):
            if self._handles.get(value._number) is not value:
                raise TypeError("an object of another test or another student")
            return {"$": "handle", "id": value._number}
        if isinstance(value, np.random.Generator):
            state = json.dumps(value.bit_generator.state, default=lambda array: array.tolist())
            return {"$": "generator", "state": state}
        if isinstance(value, torch.Generator):
            return {"$": "torch_generator", "state": value.get_state()}
        if isinstance(value, gymnasium.Env):
            described = [_described(value.observation_space), _described(value.action_space)]
            return {
                "$": "callback",
                "id": self._callback(value),
                "kind": "env",
                "spaces": described,
            }
        if isinstance(value, _Lent):
            return {"$": "callback", "id": self._callback(value), "kind": "lent"}
        if isinstance(value, Iterator):
            return {"$": "iterator", "v": list(value)}
        if callable(value) and not isinstance(value, (type, torch.nn.Module)):
            return {"$": "callback", "id": self._callback(value), "kind": "function"}
        return None

    def _callback(self, value: Any) -> int:
        number = self._callback_numbers.get(id(value))
        if number is None:
            self._last_callback += 1
            number = self._callback_numbers[id(value)] = self._last_callback
            self._callbacks[number] = value
        return number

    def _answer(self, question: dict[str, Any]) -> bytes:
        """Call one of our own objects for the sandbox."""

        def read() -> tuple[Callable[..., Any], list[Any], dict[str, Any]]:
            called, method = self._callbacks[question["id"]], question["method"]
            if method in _methods(called):
                kwargs = _as(dict, question["kwargs"])
                if all(type(name) is str for name in kwargs):
                    return getattr(called, method), _as(list, question["args"]), kwargs
            raise ValueError("a callback that cannot be")

        function, args, kwargs = self._checked(read)
        return self._encode({"op": "answer", "value": function(*args, **kwargs)})


def _methods(called: Any) -> tuple[str, ...]:
    """What the sandbox may call of an object of ours."""
    if isinstance(called, gymnasium.Env):
        return ENVIRONMENT_METHODS
    return LENT_METHODS if isinstance(called, _Lent) else ("__call__",)


class _Lent:
    """A trusted function that the student's code may call as if it were its own.

    Nothing is kept between calls: a gradient is asked for with the arguments once more.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def forward(self, args: Any, kwargs: Any, marked: Any) -> tuple[Any, bool]:
        """The value, and whether gradients flow to the `marked` arguments (positions and names)."""
        value, _ = self._evaluate(args, kwargs, marked)
        if isinstance(value, torch.Tensor):
            return value.detach(), value.requires_grad
        return value, False

    def vjp(self, args: Any, kwargs: Any, marked: Any, gradient: Any) -> list[torch.Tensor | None]:
        """The vector-Jacobian product for each marked argument."""
        value, inputs = self._evaluate(args, kwargs, marked)
        return list(torch.autograd.grad(value, inputs, gradient, allow_unused=True))

    def _evaluate(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], marked: Sequence[Any]
    ) -> tuple[Any, list[torch.Tensor]]:
        given: dict[Any, Any] = {**dict(enumerate(args)), **kwargs}
        inputs = [given[name].requires_grad_() for name in marked]
        with torch.enable_grad():
            return self._function(*args, **kwargs), inputs


class Handle:
    """An object of the student's that stays in the sandbox; attributes and calls go there."""

    __slots__ = ("__weakref__", "_method", "_methods", "_number", "_student", "_type")

    def __init__(self, student: RemoteStudent, number: int, kind: str, method: bool) -> None:
        for name, value in (
            ("_student", student),
            ("_number", number),
            ("_type", kind),
            ("_method", method),
            ("_methods", {}),
        ):
            object.__setattr__(self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._student._call(self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._methods:
            return self._methods[name]
        value = self._student._value({"op": "get", "target": self, "name": name})
        if isinstance(value, Handle) and value._method:
            self._methods[name] = value
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        self._student._value({"op": "set", "target": self, "name": name, "value": value})

    def __repr__(self) -> str:
        return f"<{self._type} in the sandbox>"

    def __del__(self) -> None:
        self._student._released.setdefault("objects", []).append(self._number)


class ModuleHandle(Handle):
    """A `torch.nn.Module` of the student's.

    Its parameters are leaf tensors here, kept equal to those in the sandbox.
    """

    __slots__ = ()

    def named_parameters(self) -> Iterator[tuple[str, torch.Tensor]]:
        """(name, leaf) pairs with current values and `.grad`s; the same leaves each time."""
        return iter(self._student._parameters(self))

    def parameters(self) -> Iterator[torch.Tensor]:
        """The leaves of `named_parameters`."""
        return (leaf for _, leaf in self.named_parameters())


# --- gradients ------------------------------------------------------------------------------------


class _Kept:
    """A call whose graph is kept in the sandbox until nothing here needs it.

    `inputs` are its arguments that require grad, `leaves` the mirrored parameters that its results
    may depend on.
    """

    def __init__(self, student: RemoteStudent, call: int, inputs: Sequence[torch.Tensor]) -> None:
        self.student, self.call = student, call
        held = student._mirror.leaves.items()
        self.numbers = [number for number, leaf in held if leaf.requires_grad]
        self.leaves = [leaf for _, leaf in held if leaf.requires_grad]
        self.layouts = [(tensor.shape, tensor.dtype) for tensor in (*inputs, *self.leaves)]

    def pull_back(self, gradients: Sequence[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """The vector-Jacobian product, for inputs and then leaves; None where there is no path."""
        request = {
            "op": "vjp",
            "call": self.call,
            "gradients": list(gradients),
            "leaves": self.numbers,
        }
        reply, _ = self.student._request(request)

        def read() -> list[torch.Tensor | None]:
            found = _as(list, reply["value"])
            for gradient, layout in zip(found, self.layouts, strict=True):
                if gradient is not None and (gradient.shape, gradient.dtype) != layout:
                    raise ValueError("a gradient of another shape")
            return found

        return self.student._checked(read)

    def __del__(self) -> None:
        self.student._released.setdefault("calls", []).append(self.call)


class _Inside(torch.autograd.Function):
    """Ties tensors that came back to the graph in the sandbox.

    The last input makes them require grad, whatever the others do.
    """

    @staticmethod
    def forward(ctx: Any, kept: _Kept, outputs: list[torch.Tensor], *inputs: torch.Tensor) -> Any:
        ctx.set_materialize_grads(False)
        ctx.kept = kept
        return tuple(outputs)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: torch.Tensor | None) -> Any:
        return (None, None, *ctx.kept.pull_back(gradients), None)


# --- limits, callbacks, refusals ------------------------------------------------------------------


class _Clock:
    """What a call with callbacks may use: CPU time on both sides, and a number of callbacks."""

    def __init__(self, box: Any, seconds: float) -> None:
        self.box, self.seconds = box, seconds
        self.callbacks, self.used, self.inside = 0, 0.0, 0.0
        self.begun = time.thread_time()

    def left(self) -> float:
        return max(self.seconds - self.used, 0.0)

    def callback(self) -> None:
        """Count one more. Raises SandboxTimedOut, and ends the process, when a limit is reached."""
        if self.callbacks % 32 == 0:  # reading the clock of a process tree takes a while
            now = self.box.cpu_seconds()
            self.inside = self.inside if self.callbacks else now
            self.used = now - self.inside
        self.callbacks += 1
        own = time.thread_time() - self.begun
        if self.callbacks > MAX_CALLBACKS or max(own, self.used) > self.seconds:
            self.box.kill()
            raise SandboxTimedOut


def _described(space: spaces.Space) -> tuple[Any, ...]:
    """A gymnasium space as data."""
    if isinstance(space, spaces.Box):
        return ("Box", space.low, space.high)
    if isinstance(space, spaces.Discrete):
        return ("Discrete", int(space.n), int(space.start))
    if isinstance(space, spaces.MultiDiscrete):
        return ("MultiDiscrete", space.nvec)
    if isinstance(space, spaces.MultiBinary):
        return ("MultiBinary", np.asarray(space.shape))
    raise TypeError(f"an environment with a {type(space).__name__} space cannot be used")


def _as(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise ValueError(f"no {kind.__name__}")
    return value


_NOT_PLAIN = {
    "sparse": ("it is sparse or nested", "它是稀疏或嵌套的"),
    "device": ("it is not on the CPU", "它不在 CPU 上"),
    "dtype": (
        "its dtype is not a real, integer or boolean one",
        "它的 dtype 不是实数、整数或布尔类型",
    ),
    "subclass": ("it is of a subclass", "它属于某个子类"),
    "large": ("it is too large", "它太大了"),
    "deep": ("it is nested too deeply", "它嵌套过深"),
    "text": ("it holds text that is not valid", "它含有无效的文本"),
    "unreadable": ("it cannot be read", "它无法读取"),
}


def _refusal(why: Any) -> Mismatch:
    en, zh = _NOT_PLAIN.get(why if type(why) is str else "", _NOT_PLAIN["unreadable"])
    return Mismatch(
        "not_plain",
        f"The result is no plain tensor, array or number: {en}.",
        f"返回的结果不是普通的张量、数组或数：{zh}。",
    )
