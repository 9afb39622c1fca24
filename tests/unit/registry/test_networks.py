"""PyTorch networks on disk: the same answers after loading, no pickle, and nothing but known steps is ever run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import fairloop as fl
from fairloop.errors import InvalidInput, Refused
from fairloop.registry.network import GRAPH, WEIGHTS, load_network, save_network


class Residual(nn.Module):
    """Custom forward: a skip connection, a parameter of its own, a slice and two branches."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.scale = nn.Parameter(torch.tensor([0.5, 1.0, 2.0, 1.5]))
        self.out = nn.Linear(6, 1, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.max_pool2d(self.stem(x), 2)
        x = torch.relu(x + self.norm(x))
        x = x.mean((2, 3)) * self.scale
        return self.out(torch.cat([x, x[:, :2]], dim=1))


NETWORKS = {
    "sequential": (lambda: nn.Sequential(nn.Linear(5, 4), nn.GELU(), nn.Dropout(0.2), nn.LayerNorm(4), nn.Linear(4, 3)),
                   lambda: torch.randn(7, 5)),
    "residual": (Residual, lambda: torch.randn(3, 1, 9, 9)),
    "words": (lambda: nn.Sequential(nn.EmbeddingBag(50, 4, mode="mean", padding_idx=0), nn.Linear(4, 1)),
              lambda: torch.randint(0, 50, (6, 8))),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_comes_back_the_same(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    made, rows = NETWORKS[name][0]().eval(), NETWORKS[name][1]()
    save_network(made, tmp_path)
    loaded = load_network(tmp_path)
    torch.testing.assert_close(loaded(rows), made(rows), rtol=0, atol=0)
    assert {n for n, p in made.named_modules() if not list(p.children()) and n} <= {
        n for n, _ in loaded.named_modules()
    }
    again = tmp_path / "again"
    again.mkdir()
    save_network(loaded, again)
    torch.testing.assert_close(load_network(again)(rows), made(rows), rtol=0, atol=0)
    assert sorted(file.name for file in again.iterdir()) == [GRAPH, WEIGHTS]


class Deciding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(x) if x.sum() > 0 else self.out(-x)


class Fourier(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.fft.rfft(x).real


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (Deciding(), "decides by its values"),
        (Fourier(), "fft_rfft|which is not on the list"),
        (nn.Sequential(nn.LSTM(2, 2)), "is a LSTM, which is not stored"),
    ],
)
def test_what_cannot_be_stored_is_named(network: nn.Module, words: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=words):
        save_network(network, tmp_path)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (lambda spec: spec["nodes"][1].update(op="function", target="os.system"), Refused),
        (lambda spec: spec["nodes"][1].update(op="method", target="__reduce__"), Refused),
        (lambda spec: spec["nodes"][1].update(op="eval"), Refused),
        (lambda spec: spec["layers"]["0"].update(kind="Module"), Refused),
        (lambda spec: spec["layers"]["0"]["arguments"].update(in_features=10**12), InvalidInput),
        (lambda spec: spec["layers"]["0"]["arguments"].update(surprise=1), InvalidInput),
        (lambda spec: spec.update(schema_version=99), InvalidInput),
        (lambda spec: spec.update(nodes=None), InvalidInput),
    ],
)
def test_a_tampered_graph_is_refused(change: object, error: type[Exception], tmp_path: Path) -> None:
    save_network(nn.Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 1)), tmp_path)
    spec = json.loads((tmp_path / GRAPH).read_text())
    change(spec)  # type: ignore[operator]
    (tmp_path / GRAPH).write_text(json.dumps(spec))
    with pytest.raises(error):
        load_network(tmp_path)


def test_damaged_weights_are_named(tmp_path: Path) -> None:
    save_network(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)), tmp_path)
    (tmp_path / WEIGHTS).write_bytes(b"not weights")
    with pytest.raises(InvalidInput, match="do not fit together"):
        load_network(tmp_path)


# ------------------------------------------------------------------ as a model
def test_a_model_folder_of_a_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    frame = pd.DataFrame({"image": [np.random.default_rng(i).random((1, 4, 4)).astype(np.float32) for i in range(5)]})
    model = fl.Model(fl.Net(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), classes=["cat", "dog", "owl"]))
    model.describe(frame)
    model.save(tmp_path)
    loaded = fl.Model.load(tmp_path)
    assert loaded.task == "multiclass"
    assert loaded.classes == ["cat", "dog", "owl"]
    assert loaded.columns == [{"name": "image", "kind": "array", "shape": [1, 4, 4], "missing": False,
                               "low": pytest.approx(0, abs=0.1), "high": pytest.approx(1, abs=0.1)}]  # fmt: skip
    np.testing.assert_array_equal(loaded.scores(frame), model.scores(frame))
    assert set(loaded.predict(frame)) <= {"cat", "dog", "owl"}
    sent = loaded.frame({"image": [frame["image"][0].ravel().tolist()]})
    np.testing.assert_allclose(loaded.scores(sent), model.scores(frame.head(1)))
    with pytest.raises(InvalidInput, match="needs 16 numbers a row"):
        loaded.frame({"image": [[1.0, 2.0]]})
    mlmodel = json.loads((tmp_path / "MLmodel").read_text())
    assert mlmodel["flavors"]["fairloop"]["data"] == "network.json"
    assert not [file for file in tmp_path.rglob("*") if file.suffix in {".pkl", ".pt", ".pth"}]


def test_what_a_network_reads() -> None:
    one = fl.Model(nn.Sequential(nn.Linear(2, 1)))
    numbers = pd.DataFrame({"a": [1.0, 2.0], "b": [0, 1]})
    assert one.scores(numbers).shape == (2,)
    assert one.task == "binary"
    words = fl.Model(fl.Net(nn.Sequential(nn.EmbeddingBag(30, 2, padding_idx=0), nn.Linear(2, 1)), words=(30, 4)))
    texts = pd.DataFrame({"text": ["Good morning", "good MORNING!", ""]})
    scores = words.scores(texts)
    assert scores[0] == scores[1] != scores[2]
    assert fl.Model(fl.Net(nn.Linear(2, 1), task="regression")).scores(numbers).min() < 5
    assert fl.Model(nn.Sequential(nn.Linear(2, 2))).scores(numbers).max() <= 1
    assert fl.Model(nn.Linear(2, 3)).scores(numbers.head(0)).shape == (0, 3)
    with pytest.raises(InvalidInput, match="one column of arrays, one of text, or only numbers; it was given a"):
        one.scores(numbers.assign(b=["x", "y"]))
    with pytest.raises(InvalidInput, match="needs a torch"):
        fl.Net("net")
    with pytest.raises(InvalidInput, match="task='ranking'"):
        fl.Net(nn.Linear(2, 1), task="ranking")
