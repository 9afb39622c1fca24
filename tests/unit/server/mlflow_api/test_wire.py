from __future__ import annotations

import math

import pytest

from fairloop.core.codec import bits_of
from fairloop.errors import InvalidInput, NotANumber, NotFound, TooLarge
from fairloop.server.mlflow_api import wire
from fairloop.server.mlflow_api.errors import mlflow_problem
from fairloop.server.mlflow_api.metrics import series


def batch(*, value: str = "1.0", step: str = "2", timestamp: str = "1") -> list[wire.Point]:
    """One point as a client might write it."""
    point = f'{{"key":"m","value":{value},"timestamp":{timestamp},"step":{step}}}'
    return wire.decode(wire.LogBatch, f'{{"run_id":"r","metrics":[{point}]}}'.encode()).metrics


@pytest.mark.parametrize(
    ("literal", "value"),
    [
        ("0.1", 0.1),
        ("-0.0", -0.0),
        ("5e-324", 5e-324),
        ("1e308", 1e308),
        ("3", 3.0),
        ("9007199254740992", 2.0**53),
        ('"Infinity"', math.inf),
        ('"-Infinity"', -math.inf),
        ("18446744073709551616", 2.0**64),
    ],
)
def test_values_arrive_bit_exact(literal: str, value: float) -> None:
    (points,) = series(batch(value=literal))
    assert list(points.bits) == [bits_of(value)]


def test_nan_arrives() -> None:
    (points,) = series(batch(value='"NaN"'))
    assert list(points.bits) == [bits_of(math.nan)]
    assert wire.points("m", [(2, 1, points.bits[0])])[0].value == "NaN"


@pytest.mark.parametrize(
    "literal", ["9007199254740993", "1e400", '"x"', "true", "null", '"1.5"', "[1]", "1" + "0" * 400]
)
def test_values_that_cannot_be_kept_are_refused(literal: str) -> None:
    with pytest.raises(InvalidInput):
        series(batch(value=literal))


@pytest.mark.parametrize(
    ("step", "number"),
    [
        ("9223372036854775807", 2**63 - 1),
        ("-9223372036854775808", -(2**63)),
        ('"12"', 12),
        ('"9007199254740993"', 2**53 + 1),
        ("0", 0),
    ],
)
def test_steps_arrive_exactly(step: str, number: int) -> None:
    (points,) = series(batch(step=step))
    assert list(points.steps) == [number]


@pytest.mark.parametrize("step", ["1.7", "9223372036854775808", '"1.7"', "true", "1e3", '"9223372036854775808"', '""'])
def test_steps_that_are_none_are_refused(step: str) -> None:
    with pytest.raises(InvalidInput):
        series(batch(step=step))


@pytest.mark.parametrize("stamp", ["9223372036854775807", "-62135596800001", "253402300800000"])
def test_times_beyond_the_calendar_are_refused(stamp: str) -> None:
    with pytest.raises(InvalidInput, match="years 1 to 9999"):
        series(batch(timestamp=stamp))


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"run_id":1}',
        b"\xff",
        b'{"metrics":[]}',
        b"[" * 5000,
        b'{"run_id":"r","params":[{"key":"a","value":1}]}',
    ],
)
def test_bodies_that_do_not_fit_are_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="does not fit"):
        wire.decode(wire.LogBatch, body)


def test_a_batch_has_its_limit() -> None:
    with pytest.raises(TooLarge, match="1000 are allowed"):
        series([wire.Point(key="m")] * 1001)


def test_errors_have_mlflows_shape() -> None:
    answer = mlflow_problem(NotFound("No such run."), 404, {}, routed=True)
    assert (answer.status_code, answer.content) == (
        404,
        b'{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"No such run."}',
    )
    assert b"ENDPOINT_NOT_FOUND" in mlflow_problem(NotFound("x"), 404, {}, routed=False).content
    assert b"INVALID_PARAMETER_VALUE" in mlflow_problem(NotANumber("x"), 400, {}, routed=True).content
