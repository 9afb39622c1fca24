"""R33: what goes in comes back bit-exact, or is refused."""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fairloop.core import codec
from fairloop.errors import InvalidInput, NotANumber

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
KEYS = TEXT.filter(lambda k: not k.startswith("$"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True, allow_infinity=True) | TEXT
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=4) | st.dictionaries(KEYS, v, max_size=4), max_leaves=20)


def same(a: Any, b: Any) -> bool:
    """Equal down to the bits and the types."""
    if isinstance(a, float):
        return isinstance(b, float) and struct.pack("<d", a) == struct.pack("<d", b)
    if isinstance(a, list):
        return isinstance(b, list) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    return type(a) is type(b) and a == b


@settings(max_examples=400, deadline=None)
@given(VALUES)
def test_every_value_comes_back(value: Any) -> None:
    text = codec.dumps(value)
    assert same(codec.loads(text), value)
    assert same(codec.loads(text, trusted=True), value)
    assert same(codec.loads(text.encode()), value)


@settings(max_examples=200, deadline=None)
@given(VALUES)
def test_the_text_is_plain_json_and_equal_values_give_equal_text(value: Any) -> None:
    text = codec.dumps(value)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))
    assert codec.dumps(codec.loads(text)) == text


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**64 - 1))
def test_every_double_keeps_its_bits(bits: int) -> None:
    value = struct.unpack("<d", struct.pack("<Q", bits))[0]
    found = codec.loads(codec.dumps(value))
    # a signalling NaN may become quiet in the processor's registers before the codec sees it; its payload stays
    assert struct.pack("<d", found) == struct.pack("<d", value)
    assert struct.pack("<d", codec.float_of(codec.bits_of(value))) == struct.pack("<d", value)


@pytest.mark.parametrize(
    "value",
    [
        -0.0,
        0.0,
        5e-324,
        -5e-324,
        2.2250738585072014e-308,
        1.7976931348623157e308,
        math.inf,
        -math.inf,
        math.nan,
        2**53 - 1,
        2**53 + 1,
        2**63 - 1,
        2**63,
        -(2**63),
        -(2**63) - 1,
        10**400,
        "a\0b",
        "\u202eevil",
        "👩‍👩‍👧",
        "e\u0301",
        "\u00e9",
        "x" * 2**20,
        {"": 1},
        {"a": [[], {}, ""]},
    ],
)
def test_the_values_others_lose(value: Any) -> None:
    assert same(codec.loads(codec.dumps(value)), value)


@pytest.mark.parametrize(
    "text", ["NaN", "Infinity", "-Infinity", "[NaN]", '{"a":Infinity}', "1e400", "-1e999", '{"a":[1e309]}']
)
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(NotANumber):
        codec.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a":1,"a":2}',
        '{"a":{"b":1,"b":1}}',
        "[1,]",
        "{'a':1}",
        "01",
        "+1",
        "0x10",
        "1 2",
        "nul",
        '"\t"',
        '"\\x"',
        "\ufeff1",
        '{"a"}',
        "[" * 65 + "]" * 65,
        '{"a":' * 65 + "1" + "}" * 65,
    ],
)
def test_what_is_no_strict_json_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        codec.loads(text)


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"a":' * 100_000, "[" * 1_000_000])
def test_depth_is_refused_without_recursing(text: str) -> None:
    with pytest.raises(InvalidInput, match="nested deeper"):
        codec.loads(text)


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, ["a", "\ud800b"]])
def test_lone_surrogates_are_refused(value: Any) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        codec.dumps(value)


@pytest.mark.parametrize("text", ['"\\ud800"', '{"\\udfff": 1}', '["\\ud800b"]', '{"$float": "\\ud800"}'])
def test_lone_surrogates_are_refused_when_read(text: str) -> None:
    with pytest.raises(InvalidInput):
        codec.loads(text)


@pytest.mark.parametrize("value", [{1: 2}, {"$float": "x"}, {"$anything": 1}, object(), b"bytes", {1, 2}, 1j])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(InvalidInput):
        codec.dumps(value)


@pytest.mark.parametrize(
    "text",
    [
        '{"$float":"nan:zz"}',
        '{"$float":"1.5"}',
        '{"$float":"nan:"}',
        '{"$int":"x"}',
        '{"$int":""}',
        '{"$float":"nan:7ff80000000000001"}',
        '{"$float":"nan:3ff0000000000000"}',
        '{"$int":"12 "}',
        '{"$int":"1_0"}',
        '{"$int":"5"}',
        '{"$float":[1]}',
    ],
)
def test_a_forged_special_value_is_refused_or_stays_an_object(text: str) -> None:
    try:
        value = codec.loads(text)
    except InvalidInput:
        return
    assert codec.dumps(value) == text.replace(" ", "")


def test_nesting_up_to_the_limit_is_fine() -> None:
    value: Any = 1
    for _ in range(codec.MAX_DEPTH):
        value = [value]
    assert codec.loads(codec.dumps(value)) == value
    with pytest.raises(InvalidInput, match="nested deeper than 64"):
        codec.dumps([value])


def test_a_long_number_is_refused_quickly() -> None:
    with pytest.raises(InvalidInput):
        codec.loads("9" * 10_000_000)
