"""Model folders on disk: an MLmodel file that MLflow reads, native LightGBM, skops or a network beside it, never a
pickle."""

from __future__ import annotations

import importlib.metadata
import platform
import zipfile
from pathlib import Path
from typing import Any

import lightgbm
import yaml

from fairloop.core import codec
from fairloop.core.clock import Clock, rfc3339
from fairloop.core.ids import new_run_id
from fairloop.errors import InvalidInput, Refused
from fairloop.registry.nets import Net

NATIVE, SKOPS, NETWORK = "model.lgb", "model.skops", "network.json"
TRUSTED = (
    "collections.OrderedDict",
    "collections.defaultdict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "numpy.dtype",
    "sklearn._loss.loss.HalfTweedieLossIdentity",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.gaussian_process._gpc._BinaryGaussianProcessClassifierLaplace",
    "sklearn.gaussian_process.kernels.ConstantKernel",
    "sklearn.gaussian_process.kernels.Product",
    "sklearn.gaussian_process.kernels.RBF",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.neural_network._stochastic_optimizers.AdamOptimizer",
    "sklearn.tree._tree.Tree",
)
"""What a skops file may hold beyond the scikit-learn, NumPy and SciPy types that skops itself lists."""
PICKLES = {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill"}
_PACKAGES = ("scikit-learn", "lightgbm", "skops", "numpy", "scipy", "pandas")


def save_estimator(estimator: Any, folder: Path) -> str:
    """Write ``estimator`` in its safest format; returns the file's name."""
    if isinstance(estimator, Net):
        return estimator.save(folder)
    booster = estimator.booster_ if isinstance(estimator, lightgbm.LGBMModel) else estimator
    if isinstance(booster, lightgbm.Booster):
        booster.save_model(folder / NATIVE)
        return NATIVE
    file = folder / SKOPS
    import skops.io  # as below: an endpoint that serves native LightGBM starts without it

    try:
        skops.io.dump(estimator, file)
    except (TypeError, AttributeError, ValueError) as cause:
        raise InvalidInput(f"The {type(estimator).__name__} cannot be stored without pickle: {cause}.") from cause
    check_types(file)
    return SKOPS


def load_estimator(file: Path) -> Any:
    """The estimator in a native LightGBM or skops file; anything else is refused."""
    if file.suffix == ".skops":
        import skops.io  # half a second and 21 MiB that native LightGBM does not need

        check_types(file)
        return skops.io.load(file, trusted=list(TRUSTED))
    if file.suffix in {".lgb", ".txt"}:
        try:
            return lightgbm.Booster(model_file=str(file))
        except lightgbm.basic.LightGBMError as cause:
            raise InvalidInput(f"{file.name} is not a LightGBM model file; save the model again.") from cause
    if file.name == NETWORK:
        return Net.load(file.parent)
    raise Refused(f"{file.name} is not loaded: only skops and native LightGBM files are. Save the model with skops.")


def check_types(file: Path) -> None:
    """Refused when the skops file holds a type outside the allow-list; nothing is loaded to find out."""
    import skops.io

    try:
        unknown = [t for t in skops.io.get_untrusted_types(file=file) if t not in TRUSTED]
    except (zipfile.BadZipFile, KeyError, ValueError, TypeError, OSError) as cause:
        raise Refused(f"{file.name} is not a skops file; it is not loaded. Save the model with skops.") from cause
    if unknown:
        raise Refused(
            f"The model holds {unknown[0]}, which is not on the list of safe types, so it is neither stored nor "
            "loaded; build it from scikit-learn and LightGBM parts only."
        )


def read_mlmodel(folder: Path) -> dict[str, Any]:
    file = folder / "MLmodel"
    if not file.is_file():
        raise InvalidInput("This is not a model folder: the file MLmodel is missing.")
    try:
        found = yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as cause:
        raise InvalidInput("The file MLmodel is not valid YAML; log the model again.") from cause
    if not isinstance(found, dict) or not isinstance(found.get("flavors"), dict):
        raise InvalidInput("The file MLmodel names no flavors; log the model again.")
    return found


def model_file(folder: Path, mlmodel: dict[str, Any]) -> Path:
    """The file that holds the estimator, from the flavors of an MLmodel file; Refused for a pickle."""
    flavors: dict[str, Any] = mlmodel["flavors"]
    for flavor, key in (("lightgbm", "data"), ("fairloop", "data"), ("sklearn", "pickled_model")):
        conf = flavors.get(flavor)
        if not isinstance(conf, dict):
            continue
        name = str(conf.get(key, ""))
        file = (folder / name).resolve()
        native = (flavor == "lightgbm" and Path(name).suffix == ".lgb") or (flavor == "fairloop" and name == NETWORK)
        if Path(name).suffix in PICKLES or (not native and conf.get("serialization_format") != "skops"):
            raise Refused(
                f"The model is a pickle ({name or flavor}), which can run any code when loaded, so Fairloop never "
                "loads it. Log it again with serialization_format='skops'."
            )
        if folder.resolve() not in file.parents or not file.is_file():
            raise InvalidInput(f"The file MLmodel names {name!r}, which is not in the model folder; log it again.")
        return file
    names = ", ".join(sorted(flavors)) or "none"
    raise Refused(f"Fairloop loads the flavors sklearn (skops) and lightgbm (native); this model has: {names}.")


def write_mlmodel(folder: Path, file: str, inputs: list[dict[str, Any]], output: str) -> None:
    """The MLmodel file with its flavors, and the requirements beside it. JSON, which is YAML too."""
    flavors: dict[str, Any] = {"python_function": {
        "loader_module": {NATIVE: "mlflow.lightgbm", SKOPS: "mlflow.sklearn"}.get(file, "fairloop.registry.pyfunc"),
        "env": {"virtualenv": "python_env.yaml"}, "python_version": platform.python_version()}}  # fmt: skip
    if file == NATIVE:
        flavors["python_function"]["data"] = file
        flavors["lightgbm"] = {"data": file, "model_class": "lightgbm.basic.Booster", "code": None,
                               "lgb_version": lightgbm.__version__}  # fmt: skip
    elif file == SKOPS:
        flavors["python_function"] |= {"model_path": file, "predict_fn": "predict"}
        flavors["sklearn"] = {"pickled_model": file, "serialization_format": "skops", "code": None,
                              "skops_trusted_types": list(TRUSTED),
                              "sklearn_version": importlib.metadata.version("scikit-learn")}  # fmt: skip
    else:
        flavors["python_function"]["data"] = "."
        if file == NETWORK:
            flavors["fairloop"] = {"data": file, "torch_version": importlib.metadata.version("torch")}
    content: dict[str, Any] = {
        "flavors": flavors,
        "model_uuid": new_run_id(),
        "utc_time_created": rfc3339(Clock().now_ms()),
    }
    if inputs:
        content["signature"] = {"inputs": codec.dumps(inputs), "params": None,
                                "outputs": codec.dumps([{"type": output, "required": True}])}  # fmt: skip
    (folder / "MLmodel").write_text(codec.dumps(content) + "\n", "utf-8")
    packages = (*_PACKAGES, "torch", "safetensors") if file == NETWORK else _PACKAGES
    pinned = [f"{name}=={importlib.metadata.version(name)}" for name in packages]
    (folder / "requirements.txt").write_text("\n".join(pinned) + "\n", "utf-8")
    (folder / "python_env.yaml").write_text(
        f"python: {platform.python_version()}\nbuild_dependencies: []\ndependencies:\n- -r requirements.txt\n", "utf-8"
    )
