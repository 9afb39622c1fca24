"""Activations and gradients of one named layer of a PyTorch network, through forward hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from fairloop.errors import InvalidInput

Floats = npt.NDArray[np.float64]
BATCH = 512
_Hook = Callable[[torch.Tensor], torch.Tensor | None]


def hidden_layers(module: torch.nn.Module) -> list[str]:
    """Names of the layers with weights, in order, without the last one, which gives the answer.

    Raises
    ------
    InvalidInput
        The network has fewer than two layers with weights, so there is nothing inside to look at.
    """
    found = [name for name, part in module.named_modules()
             if not list(part.children()) and list(part.parameters(recurse=False))]  # fmt: skip
    if len(found) < 2:
        raise InvalidInput(f"The network has {len(found)} layers with weights; concepts need a hidden layer before the "
                           "one that answers.")  # fmt: skip
    return found[:-1]


def activations(module: torch.nn.Module, layer: str, inputs: torch.Tensor) -> Floats:
    """What ``layer`` answers for each input, flattened: shape (n, size of the layer)."""
    found: list[Floats] = []
    with _hooked(module, layer, lambda out: found.append(_flat(out))), torch.no_grad():
        for part in batches(inputs):
            module(part)
    return np.concatenate(found)


def gradients(module: torch.nn.Module, layer: str, inputs: torch.Tensor, target: int) -> Floats:
    """The derivative of the network's answer ``target`` by the layer's activation, per input: shape (n, size).

    A network with one output has only target 0. The answer is the raw output (the logit), as in Kim et al. (2018).
    """
    kept: list[torch.Tensor] = []

    def keep(out: torch.Tensor) -> torch.Tensor:
        leaf = out.detach().requires_grad_(True)
        kept.append(leaf)
        return leaf

    found = []
    with _hooked(module, layer, keep), torch.enable_grad():
        for part in batches(inputs):
            kept.clear()
            answer = module(part).reshape(len(part), -1)[:, target].sum()
            found.append(_flat(torch.autograd.grad(answer, kept[0])[0]))
    return np.concatenate(found)


def moved(module: torch.nn.Module, layer: str, inputs: torch.Tensor, shift: Floats) -> torch.Tensor:
    """The network's answers when ``shift`` is added to the layer's activation: shape (n, outputs)."""
    change = torch.as_tensor(shift)
    found = []
    with _hooked(module, layer, lambda out: out + change.to(out.dtype).reshape(out.shape[1:])), torch.no_grad():
        for part in batches(inputs):
            found.append(module(part).reshape(len(part), -1))
    return torch.cat(found)


def batches(inputs: torch.Tensor) -> list[torch.Tensor]:
    """The inputs in parts, so that a large set does not fill the memory with activations."""
    return [inputs[i : i + BATCH] for i in range(0, len(inputs), BATCH)]


@contextmanager
def _hooked(module: torch.nn.Module, layer: str, hook: _Hook) -> Iterator[None]:
    """Within the block, ``hook`` sees each answer of ``layer`` and may replace it; the network is in evaluation mode."""
    parts = dict(module.named_modules())
    if not layer or layer not in parts:
        known = ", ".join(name for name in parts if name)
        raise InvalidInput(f"The network has no layer {layer!r}; its layers are: {known}.")

    def on_forward(_module: torch.nn.Module, _inputs: Any, out: Any) -> torch.Tensor | None:
        if not isinstance(out, torch.Tensor):
            raise InvalidInput(
                f"The layer {layer!r} answers with a {type(out).__name__}; choose one that answers with a tensor."
            )
        return hook(out)

    training = module.training
    module.eval()
    handle = parts[layer].register_forward_hook(on_forward)
    try:
        yield
    finally:
        handle.remove()
        module.train(training)


def _flat(found: torch.Tensor) -> Floats:
    return found.detach().reshape(len(found), -1).to(torch.float64).numpy()
