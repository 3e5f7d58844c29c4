"""From the student's side: whatever bytes come, the grader's reader answers with its own errors and
bounded memory.
"""

from __future__ import annotations

import json
import random

import pytest
import torch
from conversation import play, recorded
from guided import fuzz
from hypothesis import given, settings
from hypothesis import strategies as st
from mutations import mutated
from remote_box import student_of

from autograder.sandbox import wire


@pytest.fixture(scope="module")
def answers() -> list[bytes]:
    return recorded(student_of)


quiet = settings(
    deadline=None, derandomize=True
)  # the same examples at each run; guided.py looks further
KINDS = {"handle": lambda node: node["id"], "leaf": lambda node: node["id"]}


def decodes(frame: bytes) -> bool:
    try:
        wire.decode(frame, KINDS)
    except wire.WireError:
        return False
    return True


@quiet
@given(st.binary(max_size=200))
def test_random_bytes(data):
    decodes(data)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["list", "tensor", "v", "k"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["$", "v", "k", "t", "grad", "id", "op", "value"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@quiet
@given(json_values, st.binary(max_size=40))
def test_random_headers(header, payload):
    text = json.dumps(header).encode()
    decodes(wire.PREFIX.pack(len(text), len(payload)) + text + payload)


def test_the_conversation_itself(answers):
    assert len(answers) > 12 and all(map(decodes, answers))
    play(answers)


@settings(quiet, max_examples=300)
@given(data=st.data())
def test_damaged_answers(answers, data):
    """One answer of a conversation is damaged, and the rest go on as if nothing had been."""
    place = data.draw(st.integers(0, len(answers) - 1))
    chance = random.Random(data.draw(st.integers(0, 2**32)))
    played = list(answers)
    played[place] = mutated(played[place], chance)
    play(played)


@settings(quiet, max_examples=100)
@given(order=st.lists(st.integers(0, 12), min_size=1, max_size=20))
def test_answers_to_other_questions(answers, order):
    play([answers[i] for i in order])


def test_coverage_guided():
    corpus, steps = fuzz(random.Random(1), range(1500))
    assert corpus > 20 and steps > 100


@pytest.mark.slow
def test_coverage_guided_for_long():
    fuzz(random.Random(2), range(60_000))


def test_the_reader_never_holds_more_than_its_caps():
    """The largest frame that is allowed."""
    frame = wire.encode({"a": torch.zeros(wire.MAX_PAYLOAD - 1000, dtype=torch.uint8)})
    assert len(frame) < wire.PREFIX.size + wire.MAX_HEADER + wire.MAX_PAYLOAD
    assert decodes(frame)
