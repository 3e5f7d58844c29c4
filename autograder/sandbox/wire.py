"""What crosses between the grader and a submission: data, in frames of bounded size.

A frame is `uint32 header length | uint32 payload length | JSON header | safetensors payload`
(little endian). The header is a JSON object, one tree of values a field; tensors and arrays lie in
the payload. docs/design.md lists the kinds of values.

Nothing read here is ever executed, and a frame from a hostile sender costs its reader bounded
memory and time: lengths are checked before bytes are read, and everything that `decode` did not
expect raises `WireError`.
"""

from __future__ import annotations

import builtins
import json
import math
import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import safetensors
import torch

MAX_HEADER = 2**18
MAX_PAYLOAD = 2**22
MAX_INDEX = 2**18  # bytes of the safetensors index in the payload
MAX_TENSORS = 2048
MAX_AXES = 16
MAX_DEPTH = 32
MAX_STRING = 2**14
INTEGERS = range(-(2**63), 2**64)

PREFIX = struct.Struct("<II")
CHUNK = 2**20

TORCH_DTYPES = {
    "BOOL": torch.bool,
    "U8": torch.uint8,
    "I8": torch.int8,
    "I16": torch.int16,
    "I32": torch.int32,
    "I64": torch.int64,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F32": torch.float32,
    "F64": torch.float64,
}
NUMPY_DTYPES = {
    code: np.dtype(name)
    for code, name in {
        "BOOL": "bool",
        "U8": "uint8",
        "U16": "uint16",
        "U32": "uint32",
        "U64": "uint64",
        "I8": "int8",
        "I16": "int16",
        "I32": "int32",
        "I64": "int64",
        "F16": "float16",
        "F32": "float32",
        "F64": "float64",
    }.items()
}
_TORCH_CODES = {dtype: code for code, dtype in TORCH_DTYPES.items()}
_NUMPY_CODES = {dtype: code for code, dtype in NUMPY_DTYPES.items()}
_SCALARS = {dtype.type: dtype.name for dtype in NUMPY_DTYPES.values()}
_SCALAR_TYPES = {name: kind for kind, name in _SCALARS.items()}

_LINEAR_ALGEBRA = {torch.linalg.LinAlgError: "LinAlgError", np.linalg.LinAlgError: "LinAlgError"}
EXCEPTION_NAMES: dict[type, str] = {
    kind: kind.__name__
    for kind in vars(builtins).values()
    if isinstance(kind, type) and issubclass(kind, BaseException)
} | _LINEAR_ALGEBRA


class WireError(Exception):
    """The bytes are no frame that we would send."""


class NotData(Exception):
    """A value that does not cross. `why` is one of `REASONS`."""

    REASONS = ("sparse", "device", "dtype", "subclass", "large", "deep", "text", "unreadable")

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


# --- frames on a socket ---------------------------------------------------------------------------


def body_size(prefix: bytes) -> int:
    """How many bytes follow these first `PREFIX.size` ones. Raises WireError if too many."""
    header, payload = PREFIX.unpack(prefix)
    if header > MAX_HEADER or payload > MAX_PAYLOAD:
        raise WireError("a frame longer than the caps")
    return header + payload


def read_frame(channel: socket.socket) -> bytes | None:
    """The next frame, or None when the other side has closed.

    Memory grows with what arrives, not with what is announced.
    """
    prefix = _read(channel, PREFIX.size)
    if not prefix:
        return None
    frame = prefix + _read(channel, body_size(prefix)) if len(prefix) == PREFIX.size else b""
    if len(frame) < PREFIX.size or len(frame) != PREFIX.size + body_size(prefix):
        raise WireError("a frame that ends too early")
    return frame


def _read(channel: socket.socket, size: int) -> bytes:
    pieces: list[bytes] = []
    while size > 0 and (piece := channel.recv(min(size, CHUNK))):
        pieces.append(piece)
        size -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


# --- values to frames -----------------------------------------------------------------------------


def encode(
    message: Mapping[str, Any],
    special: Callable[[Any], dict[str, Any] | None] | None = None,
    graph: list[torch.Tensor] | None = None,
    leaves: Mapping[int, int] | None = None,
) -> bytes:
    """One frame.

    Args:
        message: the fields.
        special: gives the node of an object that is no data, or None.
        graph: if given, tensors that require grad are marked and appended to it, in order.
        leaves: `id(tensor)` → number of the tensors that both sides hold; they cross as that
            number.

    Raises:
        NotData: a value is neither data nor special, or too large.
    """
    writer = _Writer(special, graph, leaves or {})
    header = _dumps({name: writer.node(value, 0) for name, value in message.items()}).encode()
    payload = writer.payload()
    if len(header) > MAX_HEADER or sum(map(len, payload)) > MAX_PAYLOAD:
        raise NotData("large")
    return b"".join((PREFIX.pack(len(header), sum(map(len, payload))), header, *payload))


_dumps = json.JSONEncoder(separators=(",", ":"), allow_nan=False, check_circular=False).encode


class _Writer:
    def __init__(
        self,
        special: Callable[[Any], dict[str, Any] | None] | None,
        graph: list[torch.Tensor] | None,
        leaves: Mapping[int, int],
    ) -> None:
        self.special, self.graph, self.leaves = special, graph, leaves
        self.index: dict[str, Any] = {}
        self.pieces: list[memoryview] = []
        self.size = 0

    def payload(self) -> list[bytes | memoryview]:
        if not self.index:
            return []
        index = _dumps(self.index).encode()
        if len(self.index) > MAX_TENSORS or len(index) > MAX_INDEX:
            raise NotData("large")
        return [len(index).to_bytes(8, "little"), index, *self.pieces]

    def node(self, value: Any, depth: int) -> Any:
        """The JSON of one value.

        Types are compared exactly, so no method of a sender's own class runs here.
        """
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is int:
            if value not in INTEGERS:
                raise NotData("large")
            return value
        if kind is float:
            return value if math.isfinite(value) else {"$": "float", "v": repr(value)}
        if kind is str:
            return self.text(value)
        if kind is torch.Tensor or kind is torch.nn.Parameter:
            return self.tensor(value)
        if kind is np.ndarray:
            return {"$": "array", "k": self.array(value)}
        if depth >= MAX_DEPTH:
            raise NotData("deep")
        if issubclass(kind, (list, tuple)):
            base = list if issubclass(kind, list) else tuple
            return {
                "$": base.__name__,
                "v": [self.node(item, depth + 1) for item in base.__iter__(value)],
            }
        if issubclass(kind, dict):
            return {
                "$": "dict",
                "v": [
                    [self.key(key), self.node(item, depth + 1)] for key, item in dict.items(value)
                ],
            }
        if kind in _SCALARS:
            return {"$": "scalar", "t": _SCALARS[kind], "v": self.node(value.item(), depth)}
        return self.other(value, kind, depth)

    def other(self, value: Any, kind: type, depth: int) -> Any:
        for base, plain in _SUBCLASSED:
            if issubclass(kind, base):
                return self.node(plain(value), depth)
        if issubclass(kind, (torch.Tensor, np.ndarray, np.generic)):
            raise NotData("subclass")
        node = self.special(value) if self.special else None
        if node is None:
            raise NotData("subclass")
        return {
            name: item if type(item) in (str, int, bool) else self.node(item, depth + 1)
            for name, item in node.items()
        }

    @staticmethod
    def text(value: str) -> str:
        if len(value) > MAX_STRING:
            raise NotData("large")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NotData("text") from None
        return value

    def key(self, value: Any) -> Any:
        if type(value) not in (str, int, bool, float, type(None)):
            raise NotData("subclass")
        return self.node(value, MAX_DEPTH)

    def tensor(self, value: torch.Tensor) -> dict[str, Any]:
        number = self.leaves.get(id(value))
        if number is not None:
            return {"$": "leaf", "id": number}
        try:
            if value.layout is not torch.strided or value.is_nested:
                raise NotData("sparse")
            if value.device.type != "cpu":
                raise NotData("device")
            if value.dtype not in _TORCH_CODES:
                raise NotData("dtype")
            if value.numel() * value.element_size() > MAX_PAYLOAD or value.dim() > MAX_AXES:
                raise NotData("large")
            data = value.detach()
            raw = data.view(torch.int16) if data.dtype is torch.bfloat16 else data.resolve_neg()
            key = self.add(_TORCH_CODES[value.dtype], raw.numpy())
        except NotData:
            raise
        except Exception:
            raise NotData("unreadable") from None
        if self.graph is None or not value.requires_grad:
            return {"$": "tensor", "k": key, "grad": False}
        self.graph.append(value)
        return {"$": "tensor", "k": key, "grad": True}

    def array(self, value: np.ndarray) -> str:
        native = value.dtype.newbyteorder("=")
        if native not in _NUMPY_CODES:
            raise NotData("dtype")
        if value.nbytes > MAX_PAYLOAD or value.ndim > MAX_AXES:
            raise NotData("large")
        return self.add(_NUMPY_CODES[native], value.astype(native, copy=False))

    def add(self, code: str, array: np.ndarray) -> str:
        """Put an array into the payload."""
        key, shape = str(len(self.index)), list(array.shape)
        end = self.size + array.nbytes
        if end > MAX_PAYLOAD:
            raise NotData("large")
        if array.nbytes:
            self.pieces.append(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
        self.index[key] = {"dtype": code, "shape": shape, "data_offsets": [self.size, end]}
        self.size = end
        return key


_SUBCLASSED: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (float, float.__pos__),
    (int, int.__pos__),
    (str, str.__str__),
)


# --- frames to values -----------------------------------------------------------------------------


def decode(
    frame: bytes,
    kinds: Mapping[str, Callable[[dict[str, Any]], Any]] | None = None,
    graph: list[torch.Tensor] | None = None,
) -> dict[str, Any]:
    """The fields of a frame.

    Args:
        frame: what `encode` made, or anything at all.
        kinds: for each kind of node that is no data, what makes the object; its fields come
            decoded.
        graph: the tensors that are marked as requiring grad are appended to it, in order.

    Raises:
        WireError: it is no frame, or holds a kind that was not expected.
    """
    try:
        return _Reader(frame, kinds or {}, [] if graph is None else graph).message()
    except WireError:
        raise
    except Exception as error:
        raise WireError(f"no frame ({type(error).__name__})") from None


class _Reader:
    def __init__(
        self,
        frame: bytes,
        kinds: Mapping[str, Callable[[dict[str, Any]], Any]],
        graph: list[torch.Tensor],
    ) -> None:
        if len(frame) < PREFIX.size or len(frame) != PREFIX.size + body_size(frame[: PREFIX.size]):
            raise WireError("a length that does not fit")
        header_end = PREFIX.size + PREFIX.unpack_from(frame)[0]
        self.kinds, self.graph = kinds, graph
        self.header = _parse(frame[PREFIX.size : header_end])
        self.payload = _unpack(frame[header_end:])

    def message(self) -> dict[str, Any]:
        if type(self.header) is not dict:
            raise WireError("a header that is no object")
        fields = {name: self.value(node, 0) for name, node in self.header.items()}
        if self.payload:
            raise WireError("a payload that nobody refers to")
        return fields

    def value(self, node: Any, depth: int) -> Any:
        kind = type(node)
        if node is None or kind in (bool, int, float):
            return node
        if kind is str:
            return self.text(node)
        if kind is not dict or depth > MAX_DEPTH:
            raise WireError("a node of no kind, or too deep")
        tag = node.get("$")
        if tag == "tensor":
            return self.tensor(node)
        if tag == "array":
            return self.array(node)
        if tag in ("list", "tuple"):
            items = [self.value(item, depth + 1) for item in self.items(node)]
            return items if tag == "list" else tuple(items)
        if tag == "dict":
            return self.mapping(node, depth)
        if tag == "float":
            return self.special_float(node)
        if tag == "scalar":
            return self.scalar(node, depth)
        make = self.kinds.get(tag) if type(tag) is str else None
        if make is None:
            raise WireError("a node of an unknown kind")
        return make(
            {name: self.value(item, depth + 1) for name, item in node.items() if name != "$"}
        )

    @staticmethod
    def fields(node: dict[str, Any], *names: str) -> Iterator[Any]:
        if len(node) != len(names) + 1:
            raise WireError("fields too many or too few")
        return (node[name] for name in names)

    @staticmethod
    def text(value: Any) -> str:
        if type(value) is not str or len(value) > MAX_STRING:
            raise WireError("no text, or a long one")
        value.encode()
        return value

    def items(self, node: dict[str, Any]) -> list[Any]:
        (items,) = self.fields(node, "v")
        if type(items) is not list:
            raise WireError("a sequence without items")
        return items

    def mapping(self, node: dict[str, Any], depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for pair in self.items(node):
            if type(pair) is not list or len(pair) != 2:
                raise WireError("a dict without pairs")
            key = pair[0] if type(pair[0]) is not dict else self.special_float(pair[0])
            if type(key) not in (str, int, bool, float, type(None)) or key in result:
                raise WireError("a key of no plain type, or twice")
            result[self.text(key) if type(key) is str else key] = self.value(pair[1], depth + 1)
        return result

    def special_float(self, node: dict[str, Any]) -> float:
        (name,) = self.fields(node, "v")
        if node["$"] != "float" or name not in ("nan", "inf", "-inf"):
            raise WireError("no float")
        return float(name)

    def scalar(self, node: dict[str, Any], depth: int) -> np.generic:
        name, plain = self.fields(node, "t", "v")
        kind, item = _SCALAR_TYPES[name], self.value(plain, depth + 1)
        right = {"b": bool, "f": float}.get(np.dtype(kind).kind, int)
        if type(item) is not right:
            raise WireError("a scalar of another type")
        return kind(item)

    def tensor(self, node: dict[str, Any]) -> torch.Tensor:
        key, grad = self.fields(node, "k", "grad")
        entry = self.payload.pop(key)
        dtype, shape, data = TORCH_DTYPES[entry["dtype"]], entry["shape"], entry["data"]
        flat = (
            torch.frombuffer(data, dtype=dtype)
            if data
            else torch.empty(0, dtype=dtype, device="cpu")
        )
        tensor = flat.reshape(shape)
        if type(grad) is not bool or (grad and not dtype.is_floating_point):
            raise WireError("a gradient where none can be")
        if grad:
            self.graph.append(tensor)
        return tensor

    def array(self, node: dict[str, Any]) -> np.ndarray:
        (key,) = self.fields(node, "k")
        entry = self.payload.pop(key)
        return np.frombuffer(entry["data"], NUMPY_DTYPES[entry["dtype"]]).reshape(entry["shape"])


def _parse(header: bytes) -> Any:
    try:
        return _decoder.decode(header.decode())
    except RecursionError:
        raise WireError("a header that is too deep") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise WireError("a field twice")
    return result


def _integer(digits: str) -> int:
    if len(digits) > 20 or (value := int(digits)) not in INTEGERS:
        raise WireError("an integer that is too large")
    return value


def _float(digits: str) -> float:
    value = float(digits)
    if not math.isfinite(value):
        raise WireError("a float that is too large")
    return value


def _constant(name: str) -> None:
    raise WireError("a constant that is not JSON")


_decoder = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_float, parse_constant=_constant
)


def _unpack(payload: bytes) -> dict[str, dict[str, Any]]:
    """Key → {"dtype", "shape", "data"} of a safetensors payload."""
    if not payload:
        return {}
    if len(payload) < 8 or int.from_bytes(payload[:8], "little") > MAX_INDEX:
        raise WireError("a payload whose index is too long")
    try:
        entries = safetensors.deserialize(payload)
    except (KeyboardInterrupt, SystemExit):
        raise
    except (
        BaseException
    ):  # SafetensorError is a bare Exception; a panic in the library is not even that
        raise WireError("a payload that is no safetensors") from None
    if len(entries) > MAX_TENSORS:
        raise WireError("too many tensors")
    for _, entry in entries:
        if len(entry["shape"]) > MAX_AXES:
            raise WireError("too many axes")
        if entry["dtype"] == "BOOL" and entry["data"].translate(None, b"\0\1"):
            raise WireError("a bool that is neither true nor false")
    return dict(entries)
