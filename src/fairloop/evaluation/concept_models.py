"""Which models can be looked into: those with one PyTorch network behind their scores."""

from __future__ import annotations

from fairloop.errors import InvalidInput
from fairloop.registry.model import Model
from fairloop.registry.nets import Net


def net_of(model: Model) -> Net:
    """The network behind a model, also below a repair of its scores; InvalidInput when there is none."""
    while model.base is not None and model.transform is None:
        model = model.base
    if not isinstance(model.estimator, Net):
        raise InvalidInput(
            "Concepts need a network: this model is no single PyTorch network, so nothing inside it can be looked at; "
            "its features tell instead."
        )
    return model.estimator
