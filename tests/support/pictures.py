"""The generated pictures of examples/images and a small network trained on them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import torch

ROOT = Path(__file__).parents[2]


def example(path: str, name: str) -> ModuleType:
    """A file of examples/ as a module."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


images = example("images/data.py", "example_images_data")


def pixels(frame: pl.DataFrame) -> torch.Tensor:
    return torch.from_numpy(np.array(frame["image"].to_numpy()))


def network() -> torch.nn.Sequential:
    return torch.nn.Sequential(
        torch.nn.Conv2d(1, 6, 3, stride=2), torch.nn.ReLU(), torch.nn.Conv2d(6, 8, 3), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.Linear(72, 16), torch.nn.ReLU(), torch.nn.Linear(16, 1),
    )  # fmt: skip


def trained(frame: pl.DataFrame, seed: int, epochs: int = 25) -> torch.nn.Sequential:
    """A network that tells crosses from boxes, trained in one thread."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    net, X = network(), pixels(frame)
    y = torch.from_numpy((frame["shape"] == "cross").to_numpy()).float()
    optimiser = torch.optim.Adam(net.parameters(), lr=3e-3)
    for _ in range(epochs):
        for part in torch.split(torch.randperm(len(X)), 64):
            optimiser.zero_grad()
            torch.nn.functional.binary_cross_entropy_with_logits(net(X[part])[:, 0], y[part]).backward()
            optimiser.step()
    return net.eval()
