"""What a step costs, from a price book: a dated TOML file with prices per hour."""

from __future__ import annotations

import math
import tomllib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from fairloop.core.pipelines import Needs
from fairloop.errors import InvalidInput

_PRICES = ("core", "memory_gb", "gpu", "tpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBook:
    """US dollars per hour of one core, one GB of memory, one GPU and one TPU, with the date they were read."""

    as_of: str
    source: str
    core: float
    memory_gb: float
    gpu: float
    tpu: float

    def cost_usd(self, needs: Needs, wall_s: float, memory_bytes: int) -> float:
        """The price of holding what was asked for (or used, where that is more) for ``wall_s``."""
        held = max(needs.memory_bytes, memory_bytes) / 1e9
        per_hour = needs.cpu * self.core + held * self.memory_gb + needs.gpu * self.gpu + needs.tpu * self.tpu
        return per_hour * max(wall_s, 0.0) / 3600


def load_prices(file: Path | None) -> PriceBook:
    """The book in ``file``, or the dated sample that ships.

    Raises
    ------
    InvalidInput
        The file is missing, is not TOML, or lacks a price; the message names which.
    """
    try:
        text = (
            file.read_text("utf-8")
            if file
            else resources.files("fairloop.costs").joinpath("prices.toml").read_text("utf-8")
        )
        told: dict[str, Any] = tomllib.loads(text)
    except (OSError, tomllib.TOMLDecodeError) as cause:
        raise InvalidInput(f"The price book {file} cannot be read: {cause}. Correct it or unset price_book.") from cause
    prices = told.get("per_hour", {})
    for name in _PRICES:
        value = prices.get(name, 0.0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value) or value < 0:
            raise InvalidInput(f"The price book {file} says {name} = {value!r}; give dollars per hour, 0 or more.")
    if "as_of" not in told:
        raise InvalidInput(f"The price book {file} has no as_of; write the day its prices were read.")
    return PriceBook(as_of=str(told["as_of"]), source=str(told.get("source", file)),
                     **{name: float(prices.get(name, 0.0)) for name in _PRICES})  # fmt: skip
