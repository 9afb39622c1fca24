"""Data that ships with the package: who made it and how it may be used stands in ATTRIBUTION.md."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    file: Path
    licence: str
    source: str
    ignore: list[str] = field(default_factory=list)
    """Columns that are no features: they tell how the sample was made."""


SAMPLES = {
    "adult": Sample(
        file=Path(__file__).with_name("adult.parquet"),
        licence="CC BY 4.0",
        source="Adult (census income), Becker and Kohavi 1996, UCI Machine Learning Repository",
        ignore=["part"],
    )
}
