"""Mitigation during training: a small network that predicts the answer while an adversary fails to tell the group.

The adversary reads the network's output (for equalized odds the answer too); its gradient is reversed on the way back.
Torch is needed to train only: what is returned are plain matrices.

References
----------
Zhang, B., Lemoine, B., Mitchell, M. (2018). Mitigating unwanted biases with adversarial learning. AIES, 335-340.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from fairloop.stats.arrays import Floats

HIDDEN = (64, 32)
BATCH, EPOCHS, RATE, ADVERSARY_RATE = 256, 12, 2e-3, 1e-2


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


def adversarial(X: Floats, labels: npt.NDArray[Any], codes: npt.NDArray[np.intp], *, strength: float = 1.0,
                criterion: str = "demographic_parity", weights: Floats | None = None, seed: int = 0) -> Layers:  # fmt: skip
    """Train the network against the adversary. Deterministic for a seed, on one thread.

    Parameters
    ----------
    X : array, shape (n, d)
        Standardised numbers.
    labels : array of 0/1, shape (n,)
    codes : array, shape (n,)
        Group of each row; -1 rows only teach the answer.
    strength : float
        How much the network listens to the adversary: 0 not at all; from about 2 on the gap turns round.
    criterion : {"demographic_parity", "equalized_odds"}

    Returns
    -------
    Layers
        The network's output is the logit of the positive answer.
    """
    torch.manual_seed(seed)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return _train(X, labels, codes, strength, criterion == "equalized_odds", weights, seed)
    finally:
        torch.set_num_threads(threads)


def _train(X: Floats, labels: npt.NDArray[Any], codes: npt.NDArray[np.intp], strength: float, told: bool,
           weights: Floats | None, seed: int) -> Layers:  # fmt: skip
    sizes = [X.shape[1], *HIDDEN, 1]
    layers = [nn.Linear(a, b) for a, b in pairwise(sizes)]
    network = nn.Sequential(*[part for layer in layers for part in (layer, nn.ReLU())][:-1])
    adversary = nn.Sequential(nn.Linear(3 if told else 1, 16), nn.ReLU(), nn.Linear(16, int(codes.max()) + 1))
    parts: list[dict[str, Any]] = [{"params": network.parameters()},
                                   {"params": adversary.parameters(), "lr": ADVERSARY_RATE}]  # fmt: skip
    optimiser = torch.optim.Adam(parts, lr=RATE)
    data, answer = torch.as_tensor(X, dtype=torch.float32), torch.as_tensor(labels, dtype=torch.float32)
    group = torch.as_tensor(codes, dtype=torch.int64)
    weight = torch.ones(len(X)) if weights is None else torch.as_tensor(weights, dtype=torch.float32)
    shuffled = torch.Generator().manual_seed(seed)
    error = nn.BCEWithLogitsLoss(reduction="none")
    for epoch in range(EPOCHS):
        pressure = strength * min(
            1.0, (epoch + 1) / (EPOCHS / 2)
        )  # nobody listens to an adversary that must still learn
        for rows in torch.split(torch.randperm(len(X), generator=shuffled), BATCH):
            logit = network(data[rows])[:, 0]
            loss = (error(logit, answer[rows]) * weight[rows]).mean()
            seen: torch.Tensor = Reversal.apply(torch.sigmoid(logit), pressure)  # type: ignore[no-untyped-call]
            shown = torch.stack([seen, answer[rows], seen * answer[rows]] if told else [seen], dim=1)
            guess = nn.functional.cross_entropy(adversary(shown), group[rows], ignore_index=-1, reduction="sum")
            optimiser.zero_grad()
            (loss + guess / len(rows)).backward()
            optimiser.step()
    return Layers(matrices=[layer.weight.detach().numpy().T.astype(np.float64).copy() for layer in layers],
                  offsets=[layer.bias.detach().numpy().astype(np.float64).copy() for layer in layers])  # fmt: skip
