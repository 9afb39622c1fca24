"""Mitigation during training: a small network that predicts the answer while an adversary fails to tell the group.

The adversary reads the network's output (for equalized odds the answer too); its gradient is reversed on the way back.
Torch is needed to train only: what is returned are plain matrices.

References
----------
Zhang, B., Lemoine, B., Mitchell, M. (2018). Mitigating unwanted biases with adversarial learning. AIES, 335-340.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from fairloop.stats.arrays import Floats

HIDDEN = (64, 32)
BATCH, EPOCHS, RATE = 256, 12, 2e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """A network with ReLU between its layers: one matrix (inputs by outputs) and one offset each."""

    matrices: list[Floats]
    offsets: list[Floats]


class Reversal(torch.autograd.Function):
    """Passes values on as they are and gradients back turned round, times a strength. Usable in anybody's network."""

    @staticmethod
    def forward(context: Any, values: torch.Tensor, strength: float) -> torch.Tensor:
        context.strength = strength
        return values.view_as(values)

    @staticmethod
    def backward(context: Any, *gradients: torch.Tensor) -> Any:
        return -context.strength * gradients[0], None


def adversarial(X: Floats, labels: npt.NDArray[Any], codes: npt.NDArray[np.intp], *, outputs: int, task: str,
                strength: float = 1.0, criterion: str = "demographic_parity", weights: Floats | None = None,
                seed: int = 0) -> Layers:  # fmt: skip
    """Train the network against the adversary. Deterministic for a seed, on one thread.

    Parameters
    ----------
    X : array, shape (n, d)
        Standardised numbers.
    labels : array, shape (n,)
        0/1, places of classes, or standardised numbers.
    codes : array, shape (n,)
        Group of each row; -1 rows only teach the answer.
    outputs : int
        1 for binary and regression, the number of classes otherwise.
    """
    torch.manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(X, labels, codes, outputs, task, strength, criterion, weights, seed)
    finally:
        torch.set_num_threads(threads)


def _train(X: Floats, labels: npt.NDArray[Any], codes: npt.NDArray[np.intp], outputs: int, task: str, strength: float,
           criterion: str, weights: Floats | None, seed: int) -> Layers:  # fmt: skip
    groups, told = int(codes.max()) + 1, criterion == "equalized_odds"
    sizes = [X.shape[1], *HIDDEN, outputs]
    layers = [nn.Linear(a, b) for a, b in zip(sizes, sizes[1:], strict=False)]
    network = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])
    seen = outputs * (2 if told else 1) + (1 if told and task != "multiclass" else outputs if told else 0)
    adversary = nn.Sequential(nn.Linear(seen, 16), nn.ReLU(), nn.Linear(16, groups))
    optimiser = torch.optim.Adam([*network.parameters(), *adversary.parameters()], lr=RATE)
    data = torch.as_tensor(X, dtype=torch.float32)
    answer = torch.as_tensor(labels, dtype=torch.int64 if task == "multiclass" else torch.float32)
    group = torch.as_tensor(codes, dtype=torch.int64)
    weight = torch.ones(len(X)) if weights is None else torch.as_tensor(weights, dtype=torch.float32)
    shuffled = torch.Generator().manual_seed(seed)
    for epoch in range(EPOCHS):
        pressure = strength * min(1.0, (epoch + 1) / (EPOCHS / 2))  # an adversary that must still learn is not listened to
        for rows in torch.randperm(len(X), generator=shuffled).split(BATCH):
            found = network(data[rows])
            loss = (_loss(found, answer[rows], task) * weight[rows]).mean()
            reversed_ = Reversal.apply(torch.sigmoid(found) if task == "binary" else found, pressure)
            shown = _shown(reversed_, answer[rows], outputs, task) if told else reversed_
            loss = loss + nn.functional.cross_entropy(adversary(shown), group[rows], ignore_index=-1, reduction="sum") / len(rows)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return Layers(matrices=[layer.weight.detach().numpy().T.astype(np.float64).copy() for layer in layers],
                  offsets=[layer.bias.detach().numpy().astype(np.float64).copy() for layer in layers])  # fmt: skip


def _loss(found: torch.Tensor, answer: torch.Tensor, task: str) -> torch.Tensor:
    if task == "multiclass":
        return nn.functional.cross_entropy(found, answer, reduction="none")
    if task == "binary":
        return nn.functional.binary_cross_entropy_with_logits(found[:, 0], answer, reduction="none")
    return (found[:, 0] - answer) ** 2


def _shown(found: torch.Tensor, answer: torch.Tensor, outputs: int, task: str) -> torch.Tensor:
    """The output, the answer, and the output where the answer is yes: what tells the group given the answer."""
    known = nn.functional.one_hot(answer, outputs).float() if task == "multiclass" else answer[:, None]
    return torch.cat([found, known, found * known], dim=1)
