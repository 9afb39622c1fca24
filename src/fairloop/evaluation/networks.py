"""The adversarial network as a scikit-learn pipeline: trained with torch, stored and served without it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import LabelBinarizer, OneHotEncoder, StandardScaler

from fairloop.errors import Refused
from fairloop.registry.model import Model
from fairloop.tables.table import Table

if TYPE_CHECKING:
    from fairloop.fairness.mitigation.adversarial import Layers

MOST_LEVELS = 40


def adversarial_model(table: Table, codes: npt.NDArray[np.intp], strength: float, criterion: str) -> Model:
    """A network of Fairloop's own on the trainer's rows: the user's trainer has no adversary to talk to.

    Raises
    ------
    Refused
        Torch is not installed, or the features are free text.
    """
    try:
        from fairloop.fairness.mitigation.adversarial import adversarial
    except ImportError as cause:
        raise Refused("The adversarial network needs torch; install it with: pip install 'fairloop[torch]'.") from cause
    X = table.X
    prepare = _preparing(X)
    matrix = np.asarray(prepare.fit_transform(X), dtype=np.float64)
    layers = adversarial(matrix, table.y, codes, strength=strength, criterion=criterion,
                         weights=table.weight / table.weight.mean())  # fmt: skip
    return Model(Pipeline([("prepare", prepare), ("network", _network(layers, matrix.shape[1]))]))


def _preparing(X: pd.DataFrame) -> ColumnTransformer:
    numbers = [n for n in X.columns if pd.api.types.is_numeric_dtype(X[n])]
    words = [n for n in X.columns if isinstance(X[n].dtype, pd.CategoricalDtype)]
    if len(numbers) + len(words) < len(X.columns):
        raise Refused("The adversarial network reads numbers and categories; these features hold free text or arrays. Use "
                      "reweighing, which works with any trainer.")  # fmt: skip
    scaled = Pipeline([("fill", SimpleImputer()), ("scale", StandardScaler())])
    levels = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_LEVELS, sparse_output=False)
    return ColumnTransformer([("numbers", scaled, numbers), ("words", levels, words)])


def _network(layers: Layers, inputs: int) -> MLPClassifier:
    """Scikit-learn's network with the layers in it, as if it had been fitted."""
    network = MLPClassifier(hidden_layer_sizes=tuple(len(offset) for offset in layers.offsets[:-1]))
    network.coefs_, network.intercepts_ = list(layers.matrices), list(layers.offsets)
    network.n_layers_, network.n_outputs_, network.n_features_in_ = len(layers.offsets) + 1, 1, inputs
    network.classes_, network.out_activation_, network.n_iter_ = np.array([0, 1]), "logistic", 1
    network._label_binarizer = LabelBinarizer().fit(network.classes_)
    return network
