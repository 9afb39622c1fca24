"""Fairloop: one loop from data to production and back. Public names load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_PUBLIC = {
    "Approval": "fairloop.core.loops",
    "Bias": "fairloop.core.loops",
    "Canary": "fairloop.core.loops",
    "Data": "fairloop.core.loops",
    "Drift": "fairloop.core.loops",
    "FairloopError": "fairloop.errors",
    "Loop": "fairloop.sdk.loop",
    "Model": "fairloop.registry.model",
    "Performance": "fairloop.core.loops",
    "Resources": "fairloop.core.loops",
    "Table": "fairloop.tables.table",
    "candidate": "fairloop.sdk.pipeline",
    "connect": "fairloop.sdk.session",
    "deploy": "fairloop.sdk.deploy",
    "gate": "fairloop.core.loops",
    "pipeline": "fairloop.sdk.pipeline",
    "step": "fairloop.sdk.step",
}
__all__ = [*sorted(_PUBLIC), "__version__"]  # noqa: PLE0604  # every name is a string

if TYPE_CHECKING:
    from fairloop.core.loops import Approval, Bias, Canary, Data, Drift, Performance, Resources, gate
    from fairloop.errors import FairloopError
    from fairloop.registry.model import Model
    from fairloop.sdk.deploy import deploy
    from fairloop.sdk.loop import Loop
    from fairloop.sdk.pipeline import candidate, pipeline
    from fairloop.sdk.session import connect
    from fairloop.sdk.step import step
    from fairloop.tables.table import Table


def __getattr__(name: str) -> object:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module 'fairloop' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return list(__all__)
