"""Reading (labels, scores, weights) arrays and refusing what cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from fairloop.errors import InvalidInput, NotANumber

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
ArrayLike = npt.NDArray[Any] | Sequence[Any]


def numbers(values: ArrayLike, name: str, *, length: int | None = None) -> Floats:
    """A float64 vector.

    Raises
    ------
    NotANumber
        If a value is NaN or infinite.
    InvalidInput
        If it is no vector of numbers, or not ``length`` long.
    """
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"The {name} are not numbers: {error}.") from error
    _check_shape(array, name, length)
    if array.size and not np.isfinite(array.sum()):
        wrong = np.flatnonzero(~np.isfinite(array))
        if wrong.size:
            raise NotANumber(f"Row {wrong[0]} of the {name} is {array[wrong[0]]}; remove or repair it before judging.")
    return array


def binary(values: ArrayLike, name: str, *, length: int | None = None) -> Bools:
    """A boolean vector from 0/1 or False/True.

    Raises
    ------
    InvalidInput
        If a value is neither 0 nor 1, or the shape is wrong.
    """
    array = np.asarray(values)
    _check_shape(array, name, length)
    if array.dtype == np.bool_:
        return array
    if array.size == 0:
        return array.astype(np.bool_)
    if array.dtype.kind not in "iuf":
        array = numbers(array, name)
    low, high = array.min(), array.max()
    result: Bools = array == 1
    if not (low >= 0 and high <= 1) or (array.dtype.kind == "f" and not np.array_equal(result, array)):
        wrong = array[(array != 0) & (array != 1)][0]
        raise InvalidInput(f"The {name} hold {wrong!r}; give 0 and 1 only (1 for the positive answer).")
    return result


def weights_or_none(values: ArrayLike | None, length: int) -> Floats | None:
    """Weights as float64, or None when every row counts once.

    Raises
    ------
    InvalidInput
        If a weight is negative, or none is positive.
    """
    if values is None:
        return None
    array = numbers(values, "weights", length=length)
    if array.size == 0:
        return None
    low, high = array.min(), array.max()
    if low == high == 1.0:
        return None
    if low < 0 or high == 0:
        raise InvalidInput(
            f"Weights from {low:g} to {high:g} cannot be used; give numbers >= 0, some of them positive."
        )
    return array


def chances(labels: ArrayLike, scores: ArrayLike, weights: ArrayLike | None) -> tuple[Bools, Floats, Floats | None]:
    """Labels, scores that are probabilities, and weights.

    Raises
    ------
    InvalidInput
        If a score lies outside [0, 1].
    """
    truth = binary(labels, "labels")
    chance = numbers(scores, "scores", length=len(truth))
    if len(chance) and (chance.min() < 0 or chance.max() > 1):
        raise InvalidInput(
            f"Scores from {chance.min():g} to {chance.max():g} are no probabilities; give numbers in [0, 1]."
        )
    return truth, chance, weights_or_none(weights, len(truth))


def effective(weights: Floats | None, length: int) -> float:
    """Kish's effective sample size: (sum w)^2 / sum w^2; ``length`` without weights."""
    if weights is None:
        return float(length)
    square = float(weights @ weights)
    return float(weights.sum()) ** 2 / square if square > 0 else 0.0


def _check_shape(array: npt.NDArray[Any], name: str, length: int | None) -> None:
    if array.ndim != 1:
        raise InvalidInput(f"The {name} have {array.ndim} dimensions; give a vector with one value a row.")
    if length is not None and array.shape[0] != length:
        raise InvalidInput(f"The {name} have {array.shape[0]} rows, the others {length}; give one value a row.")
