"""A PyTorch network as a predictor of table rows: images, words or numbers in, probabilities out.

torch is imported where it is used: it takes a second that models of other kinds do not need.
"""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from fairloop.core import codec
from fairloop.errors import InvalidInput

if TYPE_CHECKING:
    import torch

SETTINGS = "predictor.json"
TASKS = ("binary", "multiclass", "regression")
_WORD = re.compile(r"\w+")
_BATCH = 1024


class Net:
    """A trained network with what it needs to read table rows.

    It reads one column of arrays (images, embeddings), or one column of text (as word numbers, see ``words``), or only
    columns of numbers, side by side. Its last layer answers with logits: one for a binary question, one a class otherwise;
    a network that ends in Sigmoid or Softmax answers with probabilities.

    Parameters
    ----------
    module : torch.nn.Module
        Made of known layers and operations, so that it can be stored without pickle (docs/concepts.md lists them).
    task : {"binary", "multiclass", "regression"}, optional
        By default told from the number of outputs: one or two are binary.
    classes : list, optional
        The answers of a multiclass network in the order of its outputs; by default 0, 1, 2 and so on.
    words : (int, int)
        For text: into how many numbers words are hashed (number 0 is padding), and how many words of a text are read.
    """

    def __init__(self, module: torch.nn.Module, *, task: str | None = None, classes: Sequence[Any] | None = None,
                 words: tuple[int, int] = (4096, 64)) -> None:  # fmt: skip
        if not is_module(module):
            raise InvalidInput(f"fl.Net needs a torch.nn.Module, not a {type(module).__name__}.")
        if task is not None and task not in TASKS:
            raise InvalidInput(f"task={task!r}; choose one of {', '.join(TASKS)}.")
        buckets, length = words
        if not (1 < buckets <= 2**24 and 0 < length <= 4096):
            raise InvalidInput(
                f"words={words}: give the number of word numbers and the words read, such as (4096, 64)."
            )
        self.module = module.eval()
        self.words = (int(buckets), int(length))
        width = _outputs(module)
        self.task = task or ("multiclass" if (classes and len(classes) > 2) or width > 2 else "binary")
        self.classes_ = list(classes) if classes is not None else list(range(max(2, width)))

    def tensor(self, frame: pd.DataFrame) -> torch.Tensor:
        """The rows as the network reads them.

        Raises
        ------
        InvalidInput
            The columns are neither one array, nor one text, nor all numbers.
        """
        import torch

        kinds = [_kind(frame[name]) for name in frame.columns]
        if kinds == ["array"]:
            values = frame.iloc[:, 0].tolist()
            return torch.from_numpy(np.stack(values).astype(np.float32)) if values else torch.empty(0)
        if kinds == ["text"]:
            return torch.from_numpy(word_numbers(frame.iloc[:, 0].tolist(), *self.words))
        if set(kinds) == {"number"}:
            return torch.from_numpy(frame.to_numpy(dtype=np.float32, na_value=np.nan).copy())
        named = ", ".join(f"{name} ({kind})" for name, kind in zip(frame.columns, kinds, strict=True))
        raise InvalidInput(f"A network reads one column of arrays, one of text, or only numbers; it was given {named}.")

    def answers(self, outputs: torch.Tensor) -> torch.Tensor:
        """Outputs as people see them, shape (n, outputs): probabilities, or the values for regression."""
        import torch

        found = outputs.reshape(len(outputs), -1)
        last = list(self.module.modules())[-1]
        if self.task == "regression" or isinstance(last, (torch.nn.Sigmoid, torch.nn.Softmax)):
            return found
        return torch.sigmoid(found) if found.shape[1] == 1 else torch.softmax(found, dim=1)

    def scores(self, frame: pd.DataFrame) -> npt.NDArray[np.float64]:
        """The probability of the positive answer, the value, or (multiclass) one probability a class."""
        import torch

        inputs = self.tensor(frame)
        if not len(inputs):
            return np.empty((0, len(self.classes_)) if self.task == "multiclass" else 0)
        with torch.no_grad():
            parts = [inputs[i : i + _BATCH] for i in range(0, len(inputs), _BATCH)]
            found = torch.cat([self.answers(self.module(part)) for part in parts])
        plain: npt.NDArray[np.float64] = found.to(torch.float64).numpy()
        return plain if self.task == "multiclass" else np.ascontiguousarray(plain[:, self.positive_output])

    @property
    def positive_output(self) -> int:
        """Which output a binary network's positive answer is: the only one, or the second of two."""
        return 1 if _outputs(self.module) == 2 else 0

    def save(self, folder: Path) -> str:
        """Write the network and these settings; returns the name of the file that holds the graph."""
        from fairloop.registry.network import GRAPH, save_network

        save_network(self.module, folder)
        told = {"task": self.task, "classes": self.classes_, "words": list(self.words)}
        (folder / SETTINGS).write_text(codec.dumps(told) + "\n", "utf-8")
        return GRAPH

    @classmethod
    def load(cls, folder: Path) -> Net:
        """The predictor in ``folder``. It works in one thread: an endpoint answers many small requests."""
        try:
            import torch

            from fairloop.registry.network import load_network
        except ImportError as cause:
            raise InvalidInput("This model is a PyTorch network; install fairloop[torch] to load it.") from cause
        if torch.get_num_threads() > 1:
            torch.set_num_threads(1)
        told = codec.loads((folder / SETTINGS).read_bytes())
        return cls(load_network(folder), task=str(told["task"]), classes=told["classes"], words=tuple(told["words"]))

    def __repr__(self) -> str:
        return f"Net({type(self.module).__name__}, {self.task})"


def is_module(value: Any) -> bool:
    """Whether ``value`` is a torch.nn.Module; never loads torch to find out."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def word_numbers(texts: Sequence[Any], buckets: int, length: int) -> npt.NDArray[np.int64]:
    """Texts as rows of word numbers: lower-case words hashed (CRC-32) to 1 .. buckets - 1, padded with 0."""
    found = np.zeros((len(texts), length), dtype=np.int64)
    for row, text in enumerate(texts):
        words = _WORD.findall(text.lower())[:length] if isinstance(text, str) else []
        found[row, : len(words)] = [zlib.crc32(word.encode()) % (buckets - 1) + 1 for word in words]
    return found


def _kind(column: pd.Series) -> str:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return "number"
    first = column.iloc[0] if len(column) else None
    return "array" if isinstance(first, (np.ndarray, list)) else "text"


def _outputs(module: torch.nn.Module) -> int:
    """How many numbers the last layer with weights answers with; 1 when it does not say."""
    for part in reversed(list(module.modules())):
        size = getattr(part, "out_features", None) or getattr(part, "out_channels", None)
        if isinstance(size, int):
            return size
    return 1
