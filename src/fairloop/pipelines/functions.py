"""Step functions between machines: by name where the snapshot or an installed package has them, else by value."""

from __future__ import annotations

import importlib
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import cloudpickle

from fairloop.errors import InvalidInput

_loaded: dict[str, Callable[..., Any]] = {}


class BlobStore(Protocol):
    def put(self, data: bytes) -> str: ...

    def get(self, sha256: str) -> bytes: ...


def unwrapped(thing: Any) -> Any:
    """The plain function behind a decorated step."""
    return getattr(thing, "__fairloop_function__", thing)


def importable(function: Callable[..., Any], root: Path) -> bool:
    """Whether a worker finds ``function`` by module and name: in the snapshot of ``root``, or installed."""
    module = sys.modules.get(function.__module__)
    file = getattr(module, "__file__", None)
    if function.__module__ == "__main__" or "<" in function.__qualname__ or file is None:
        return False
    found: Any = module
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    if unwrapped(found) is not function:
        return False
    path = Path(file).resolve()
    return root in path.parents or installed(path)


def installed(path: Path) -> bool:
    """Whether a file belongs to the Python environment (or to fairloop itself) rather than to a project."""
    places = [Path(sysconfig.get_path(name)).resolve() for name in ("purelib", "platlib", "stdlib")]
    places.append(Path(__file__).resolve().parents[1])
    return any(place in path.parents for place in places)


def refer(function: Callable[..., Any], root: Path, blobs: BlobStore) -> dict[str, str]:
    """How a graph names ``function``: ``{"module", "qualname"}``, or ``{"pickle", "qualname"}``."""
    if importable(function, root):
        return {"module": function.__module__, "qualname": function.__qualname__}
    module = sys.modules.get(function.__module__)
    by_value = module is not None and function.__module__ != "__main__" and not installed(
        Path(getattr(module, "__file__", None) or "/").resolve())  # fmt: skip
    known = module is not None and module.__name__ in cloudpickle.list_registry_pickle_by_value()
    if by_value and not known:
        cloudpickle.register_pickle_by_value(module)
    try:
        data = cloudpickle.dumps(function)
    except (TypeError, AttributeError, ValueError, RecursionError) as cause:
        raise InvalidInput(f"The step {function.__qualname__} uses something that cannot be sent to its process: {cause}. "
                           "Create it inside the step.") from cause  # fmt: skip
    finally:
        if by_value and not known:
            cloudpickle.unregister_pickle_by_value(module)
    return {"pickle": blobs.put(data), "qualname": function.__qualname__}


def load(reference: dict[str, str], blobs: BlobStore) -> Callable[..., Any]:
    """The function a graph names. Only for processes that run steps: it imports or unpickles the user's code."""
    if "pickle" in reference:
        if reference["pickle"] not in _loaded:
            _loaded[reference["pickle"]] = unwrapped(cloudpickle.loads(blobs.get(reference["pickle"])))
        return _loaded[reference["pickle"]]
    found: Any = importlib.import_module(reference["module"])
    for name in reference["qualname"].split("."):
        found = getattr(found, name, None)
        if found is None:
            raise InvalidInput(f"{reference['module']} has no {reference['qualname']!r}; was it renamed?")
    function: Callable[..., Any] = unwrapped(found)
    return function
