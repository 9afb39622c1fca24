"""Fairloop: one loop from data to production and back. Public names load on first use."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.2.0"

_PUBLIC = {
    "Approval": "fairloop.core.policy",
    "Bias": "fairloop.core.loops",
    "Canary": "fairloop.core.loops",
    "Concept": "fairloop.core.concepts",
    "Data": "fairloop.core.loops",
    "Drift": "fairloop.core.loops",
    "FairloopError": "fairloop.errors",
    "Loop": "fairloop.sdk.loop",
    "Model": "fairloop.registry.model",
    "Net": "fairloop.registry.nets",
    "Performance": "fairloop.core.loops",
    "Policy": "fairloop.core.policy",
    "Primary": "fairloop.core.policy",
    "Resources": "fairloop.core.loops",
    "Roles": "fairloop.core.datasets",
    "Search": "fairloop.core.tuning",
    "Table": "fairloop.tables.table",
    "Terms": "fairloop.core.concepts",
    "analyse": "fairloop.sdk.analyse",
    "candidate": "fairloop.sdk.pipeline",
    "connect": "fairloop.sdk.session",
    "default_gates": "fairloop.sdk.default_gates",
    "deploy": "fairloop.sdk.deploy",
    "evidence_pack": "fairloop.sdk.evidence",
    "explain": "fairloop.sdk.analyse",
    "gate": "fairloop.core.loops",
    "label": "fairloop.sdk.labeling",
    "pipeline": "fairloop.sdk.pipeline",
    "prescribe": "fairloop.sdk.labeling",
    "read_policy": "fairloop.core.policy_file",
    "step": "fairloop.sdk.step",
    "verify": "fairloop.sdk.evidence",
}
__all__ = sorted([*_PUBLIC, "__version__"])

if TYPE_CHECKING:
    from fairloop.core.concepts import Concept as Concept
    from fairloop.core.concepts import Terms as Terms
    from fairloop.core.datasets import Roles as Roles
    from fairloop.core.loops import Bias as Bias
    from fairloop.core.loops import Canary as Canary
    from fairloop.core.loops import Data as Data
    from fairloop.core.loops import Drift as Drift
    from fairloop.core.loops import Performance as Performance
    from fairloop.core.loops import Resources as Resources
    from fairloop.core.loops import gate as gate
    from fairloop.core.policy import Approval as Approval
    from fairloop.core.policy import Policy as Policy
    from fairloop.core.policy import Primary as Primary
    from fairloop.core.policy_file import read_policy as read_policy
    from fairloop.core.tuning import Search as Search
    from fairloop.errors import FairloopError as FairloopError
    from fairloop.registry.model import Model as Model
    from fairloop.registry.nets import Net as Net
    from fairloop.sdk.analyse import analyse as analyse
    from fairloop.sdk.analyse import explain as explain
    from fairloop.sdk.default_gates import default_gates as default_gates
    from fairloop.sdk.deploy import deploy as deploy
    from fairloop.sdk.evidence import evidence_pack as evidence_pack
    from fairloop.sdk.evidence import verify as verify
    from fairloop.sdk.labeling import label as label
    from fairloop.sdk.labeling import prescribe as prescribe
    from fairloop.sdk.loop import Loop as Loop
    from fairloop.sdk.pipeline import candidate as candidate
    from fairloop.sdk.pipeline import pipeline as pipeline
    from fairloop.sdk.session import connect as connect
    from fairloop.sdk.step import step as step
    from fairloop.tables.table import Table as Table


def __getattr__(name: str) -> object:
    module = _PUBLIC.get(name)
    if module is None:
        raise AttributeError(f"module 'fairloop' has no attribute {name!r}; public names: {', '.join(__all__)}")
    return getattr(importlib.import_module(module), name)


def __dir__() -> list[str]:
    return list(__all__)
