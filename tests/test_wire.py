"""Frames: what goes in comes out, and nothing else comes out."""

from __future__ import annotations

import contextlib
import json
import math
import socket
import threading
import tracemalloc

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox import wire
from autograder.sandbox.wire import NotData, WireError


def framed(header: object, payload: bytes = b"") -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return wire.PREFIX.pack(len(text), len(payload)) + text + payload


def stored(**arrays: np.ndarray) -> bytes:
    return safetensors.numpy.save({name[1:]: array for name, array in arrays.items()})


ONE = {"$": "tensor", "k": "0", "grad": False}

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=50)
)  # fmt: skip
keys = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.text("abc", max_size=2)
    | st.floats(allow_nan=False)
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(keys, inner, max_size=4)
    ),
    max_leaves=20,
)


def same(one, other):
    if type(one) is not type(other):
        return False
    if isinstance(one, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return list(one) == list(other) and all(map(same, one.values(), other.values()))
    return one == other


@settings(deadline=None, derandomize=True)
@given(values)
def test_plain_values_survive(value):
    assert same(wire.decode(wire.encode({"value": value}))["value"], value)


@pytest.mark.parametrize("dtype", wire.TORCH_DTYPES.values())
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 4), (2, 3)])
def test_tensors_survive(dtype, shape):
    tensor = (torch.rand(shape) * 3).to(dtype)
    back = wire.decode(
        wire.encode(
            {"a": tensor, "b": [tensor, tensor.numpy() if dtype is not torch.bfloat16 else 0]}
        )
    )
    assert back["a"].dtype == dtype and back["a"].shape == shape and torch.equal(back["a"], tensor)
    assert torch.equal(back["b"][0], tensor)
    back["a"].zero_()  # memory of its own
    assert torch.equal(back["b"][0], tensor)


@pytest.mark.parametrize("dtype", wire.NUMPY_DTYPES.values())
def test_arrays_and_numpy_scalars_survive(dtype):
    array = np.array([[0, 1], [1, 0], [1, 1]]).astype(dtype)
    back = wire.decode(wire.encode({"a": array, "t": array.T, "s": array[0, 1]}))
    assert (
        back["a"].dtype == dtype
        and np.array_equal(back["a"], array)
        and np.array_equal(back["t"], array.T)
    )
    assert type(back["s"]) is dtype.type and back["s"] == array[0, 1]


def test_the_payload_is_safetensors():
    frame = wire.encode({"a": torch.ones(2, 3), "b": np.arange(4)})
    header, _ = wire.PREFIX.unpack_from(frame)
    stored_ = safetensors.numpy.load(frame[wire.PREFIX.size + header :])
    assert stored_["0"].shape == (2, 3) and stored_["1"].tolist() == [0, 1, 2, 3]


def test_tensors_that_require_grad_are_listed_in_order():
    a, b = torch.ones(2, requires_grad=True), torch.zeros(3, requires_grad=True)
    sent: list[torch.Tensor] = []
    frame = wire.encode({"x": {"k": [a, torch.ones(1)]}, "y": b}, graph=sent)
    got: list[torch.Tensor] = []
    back = wire.decode(frame, graph=got)
    assert sent[0] is a and sent[1] is b and len(sent) == len(got) == 2
    assert got[0] is back["x"]["k"][0] and got[1] is back["y"] and not got[0].requires_grad


def test_objects_are_nodes_of_the_caller():
    class Thing:
        pass

    thing = Thing()
    frame = wire.encode({"x": [thing]}, lambda value: {"$": "handle", "id": 3, "more": [1, (2,)]})
    assert wire.decode(frame, {"handle": lambda node: node})["x"] == [{"id": 3, "more": [1, (2,)]}]
    with pytest.raises(WireError):
        wire.decode(frame)
    with pytest.raises(NotData):
        wire.encode({"x": thing})


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (torch.ones(2, dtype=torch.complex64), "dtype"), (torch.eye(2).to_sparse(), "sparse"),
        (torch.empty(2, device="meta"), "device"), (torch.ones(1).expand(10**11), "large"),
        (torch.ones(1).expand(wire.MAX_PAYLOAD // 4 + 1), "large"), (torch.ones((1,) * 20), "large"),
        (np.broadcast_to(np.ones(1), 10**9), "large"), (np.array([None]), "dtype"), (np.array(["a"]), "dtype"),
        (np.ones(2, dtype=np.complex128), "dtype"), (np.ma.masked_array([1.0]), "subclass"), (2**64, "large"),
        ("x" * 10**5, "large"), ("\ud800", "text"), ({(1, 2): 3}, "subclass"), ([0.5] * 10**6, "large"),
        ([torch.ones(1)] * 5000, "large"), (1j, "subclass"), (b"x", "subclass"), ({1}, "subclass"), (len, "subclass"),
    ],
    ids=lambda x: str(type(x).__name__),
)  # fmt: skip
def test_what_does_not_cross(value, why):
    with pytest.raises(NotData) as caught:
        wire.encode({"value": value})
    assert caught.value.why == why in NotData.REASONS


HOSTILE = {
    "nothing": b"",
    "a short prefix": b"\0\0\0",
    "a length that lies": wire.PREFIX.pack(5, 0) + b"{}",
    "bytes behind the end": framed({}) + b"x",
    "a header too long": wire.PREFIX.pack(wire.MAX_HEADER + 1, 0) + b" " * (wire.MAX_HEADER + 1),
    "no JSON": framed(b"{"),
    "no UTF-8": framed(b'{"a":"\xff"}'),
    "no object": framed([]),
    "NaN": framed(b'{"a":NaN}'),
    "Infinity": framed(b'{"a":-Infinity}'),
    "a float beyond all": framed(b'{"a":1e999}'),
    "an integer beyond all": framed(b'{"a":18446744073709551616}'),
    "an integer of many digits": framed(b'{"a":' + b"9" * 10**5 + b"}"),
    "a field twice": framed(b'{"a":1,"a":2}'),
    "deep brackets": framed(b'{"a":' + b"[" * 10**5 + b"]" * 10**5 + b"}"),
    "deep lists": framed(b'{"a":' + b'{"$":"list","v":[' * 40 + b"]}" * 40 + b"}"),
    "a bare list": framed({"a": [1]}),
    "a bare object": framed({"a": {"b": 1}}),
    "an unknown kind": framed({"a": {"$": "pickle", "v": "x"}}),
    "a kind that is none": framed({"a": {"$": ["list"], "v": []}}),
    "a list of no items": framed({"a": {"$": "list", "v": "abc"}}),
    "a list with more": framed({"a": {"$": "list", "v": [], "w": 1}}),
    "a dict of triples": framed({"a": {"$": "dict", "v": [[1, 2, 3]]}}),
    "a key twice": framed({"a": {"$": "dict", "v": [["k", 2], ["k", 3]]}}),
    "an equal key": framed({"a": {"$": "dict", "v": [[1, 2], [True, 3]]}}),
    "a key that is a list": framed({"a": {"$": "dict", "v": [[{"$": "list", "v": []}, 2]]}}),
    "a float that is none": framed({"a": {"$": "float", "v": "1.5"}}),
    "long text": framed({"a": "x" * (wire.MAX_STRING + 1)}),
    "half a character": framed(b'{"a":"\\ud800"}'),
    "a scalar of text": framed({"a": {"$": "scalar", "t": "float64", "v": "1"}}),
    "a scalar of an unknown type": framed({"a": {"$": "scalar", "t": "object", "v": 1}}),
    "a scalar out of range": framed({"a": {"$": "scalar", "t": "int8", "v": 300}}),
    "a bool as an int": framed({"a": {"$": "scalar", "t": "int64", "v": True}}),
    "a tensor of nowhere": framed({"a": ONE}),
    "a tensor twice": framed({"a": ONE, "b": ONE}, stored(_0=np.ones(2))),
    "a payload that nobody wants": framed({}, stored(_0=np.ones(2))),
    "an unsigned tensor": framed({"a": ONE}, stored(_0=np.ones(2, np.uint32))),
    "a gradient of integers": framed({"a": {**ONE, "grad": True}}, stored(_0=np.ones(2, np.int64))),
    "a gradient that is no flag": framed({"a": {**ONE, "grad": 1}}, stored(_0=np.ones(2))),
    "a key of another type": framed({"a": {**ONE, "k": 0}}, stored(_0=np.ones(2))),
    "half a payload": framed({"a": ONE}, stored(_0=np.ones(2))[:-1]),
    "no payload": framed({"a": ONE}, b"\0" * 20),
    "an index beyond the payload": framed({"a": ONE}, b"\xff" * 20),
    "a bool of 2": framed({"a": ONE}, stored(_0=np.ones(2, bool))[:-1] + b"\2"),
    "many tensors": framed({}, stored(**{f"_{i}": np.ones(1, np.int8) for i in range(5000)})),
    "many axes": framed({"a": ONE}, stored(_0=np.ones((1,) * 30))),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_frame_is_a_wire_error(name):
    with pytest.raises(WireError):
        wire.decode(HOSTILE[name])


@pytest.mark.parametrize(
    ("shape", "offsets"),
    [
        ([2**62, 4], [0, 8]), ([-1], [0, 8]), ([2**70], [0, 8]), ([1], [0, 2**40]), ([1], [8, 0]), ([3], [0, 8]),
        ([0, 2**62], [0, 0]), ([0, 2**63], [0, 0]),
    ],
)  # fmt: skip
def test_shapes_that_lie(shape, offsets):
    index = json.dumps({"0": {"dtype": "F64", "shape": shape, "data_offsets": offsets}}).encode()
    frame = framed(
        {"a": ONE}, len(index).to_bytes(8, "little") + index + bytes(8 if offsets[1] == 8 else 0)
    )
    if shape == [0, 2**62]:
        assert wire.decode(frame)["a"].shape == (0, 2**62)
    else:
        with pytest.raises(WireError):
            wire.decode(frame)


@pytest.mark.parametrize("item", ["[]", "1", '{"$":"list","v":[]}'])
def test_the_memory_of_a_hostile_header_is_bounded(item):
    body = ",".join([item] * ((wire.MAX_HEADER - 100) // (len(item) + 1)))
    frame = framed(f'{{"a":{{"$":"list","v":[{body}]}}}}'.encode())
    tracemalloc.start()
    with contextlib.suppress(WireError):
        wire.decode(frame)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 60 * wire.MAX_HEADER


# --- sockets --------------------------------------------------------------------------------------


def received(data: bytes) -> bytes | None:
    ours, theirs = socket.socketpair()
    with ours:
        sender = threading.Thread(target=lambda: (theirs.sendall(data), theirs.close()))
        sender.start()
        try:
            return wire.read_frame(ours)
        finally:
            ours.close()
            sender.join()


def test_frames_arrive_whole():
    frame = wire.encode({"a": torch.arange(300_000)})
    assert received(frame + b"next") == frame
    assert received(b"") is None


@pytest.mark.parametrize(
    "data", [b"\1", wire.PREFIX.pack(3, 0) + b"{}", wire.PREFIX.pack(2, wire.MAX_PAYLOAD) + b"{}"]
)
def test_a_frame_that_ends_too_early(data):
    tracemalloc.start()
    with pytest.raises(WireError):
        received(data)
    assert (
        tracemalloc.get_traced_memory()[1] < 3 * wire.CHUNK
    )  # nothing is set aside for what was only announced
    tracemalloc.stop()


@pytest.mark.parametrize(
    "prefix", [(wire.MAX_HEADER + 1, 0), (0, wire.MAX_PAYLOAD + 1), (2**32 - 1, 2**32 - 1)]
)
def test_a_frame_that_is_too_long_is_not_read(prefix):
    with pytest.raises(WireError):
        received(wire.PREFIX.pack(*prefix))
