"""``@fl.pipeline``: a function that wires steps into a graph, and runs it."""

from __future__ import annotations

import functools
import hashlib
import inspect
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fairloop.client.client import Client
from fairloop.core.pipelines import Capture, Graph, StepSpec
from fairloop.errors import InvalidInput, NotFound
from fairloop.pipelines import cache, capture, functions, values
from fairloop.pipelines.graph import is_stored, plan, system_step
from fairloop.pipelines.workspace import project_root
from fairloop.sdk.result import PipelineResult, follow
from fairloop.sdk.session import session
from fairloop.sdk.step import Step
from fairloop.sdk.tracing import Call, Handle, Trace, current, tracing, type_name

JUDGE = ("fairloop.evaluation.steps", "judge")


def candidate(model: Any, valid: Any, test: Any) -> Any:
    """Judge ``model`` on the validation part and register it as a candidate; ``test`` is kept for its gate.

    Only inside a pipeline function: it becomes a step of its own.
    """
    trace = current()
    if trace is None:
        raise InvalidInput("fl.candidate belongs into a function decorated with @fl.pipeline.")
    return trace.system("candidate", *JUDGE, {"model": model, "valid": valid, "test": test}, "candidate")


class Pipeline:
    """A traced function. ``run`` executes it through the server; calling it is refused."""

    def __init__(self, function: Callable[..., Any]) -> None:
        functools.update_wrapper(self, function)
        self.__fairloop_function__ = function
        self.name = function.__name__
        self.signature = inspect.signature(function)
        for parameter in self.signature.parameters.values():
            if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
                raise InvalidInput(
                    f"The pipeline {self.name} takes {parameter}; give every parameter a name of its own."
                )

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise InvalidInput(f"{self.name} is a pipeline; run it with {self.name}.run(...).")

    def run(self, *, client: Client | None = None, wait: bool = True, quiet: bool = False,
            **params: Any) -> PipelineResult:  # fmt: skip
        """Run the pipeline on the server and follow it.

        Parameters
        ----------
        client : Client, optional
            The server and project; by default those of :func:`fairloop.connect`.
        wait : bool
            Return when it has ended; otherwise at once, to be followed with ``.wait()``.
        quiet : bool
            Print no progress.
        **params
            The pipeline's parameters: JSON values, Tables, or names of datasets where a Table is declared.

        Raises
        ------
        StepFailed
            A step failed; the message holds its error.
        """
        if current() is not None:
            raise InvalidInput(f"{self.name}.run() stands inside a pipeline function; call it after the definition.")
        self._check_names(params)
        client = client or session()
        graph, captured = self.prepare(client, tables={n for n, v in params.items() if _is_table(v)})
        given = {name: self._param(name, value, client) for name, value in params.items()}
        run = client.pipelines.start(graph, captured, given)
        result = PipelineResult(client, run)
        return follow(result, quiet=quiet) if wait else result

    def prepare(
        self, client: Client, *, python: str | None = None, tables: set[str] | None = None
    ) -> tuple[Graph, Capture]:
        """The graph and what surrounds it, stored on the server: all that is needed to run it any time later."""
        file = _file_of(self.__fairloop_function__)
        root = project_root(file)
        graph = self.graph(client.blobs, root, tables=tables)
        loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
        extra = [Path(name).resolve() for name in loaded if name]
        inside = [path for path in extra if root in path.parents and not functions.installed(path)]
        return graph, capture.take(client.blobs, root, entry=file, extra=inside, python=python)

    def outline(self) -> Graph:
        """The graph, with nothing stored anywhere: to check it before anything is sent."""
        return self.graph(_Nowhere(), project_root(_file_of(self.__fairloop_function__)))

    def graph(self, blobs: values.BlobStore, root: Path, *, tables: set[str] | None = None) -> Graph:
        """The pipeline function run once on handles, as data."""
        trace, returned = self.trace()
        steps = [_spec(call, blobs, root) for call in trace.calls]
        params = {name: self._default(name, tables or set()) for name in self.signature.parameters}
        graph = Graph(name=self.name, steps=steps, params=params, result=_form(returned, blobs, "the result"))
        plan(graph)
        return graph

    def trace(self) -> tuple[Trace, Any]:
        """The calls the function makes, and what it returns; InvalidInput says what cannot be traced."""
        handles = {name: Handle({"param": name}, f"the parameter {name!r}", parameter.annotation)
                   for name, parameter in self.signature.parameters.items()}  # fmt: skip
        with tracing(self.name) as trace:
            returned = self.__fairloop_function__(**handles)
        return trace, returned

    def _default(self, name: str, tables: set[str]) -> Any:
        parameter = self.signature.parameters[name]
        if name in tables or type_name(parameter.annotation) == "Table":
            return {"table": True}
        if parameter.default is parameter.empty:
            return None
        if not values.is_json(parameter.default):
            raise InvalidInput(f"The default of {name!r} in {self.name} is not a JSON value; build it inside a step.")
        return parameter.default

    def _check_names(self, params: dict[str, Any]) -> None:
        known = self.signature.parameters
        if unknown := [name for name in params if name not in known]:
            raise InvalidInput(
                f"The pipeline {self.name} has no parameter {unknown[0]!r}; it has: {', '.join(known) or 'none'}."
            )
        if missing := [n for n, p in known.items() if n not in params and p.default is p.empty]:
            raise InvalidInput(f"The pipeline {self.name} needs {missing[0]!r}: {self.name}.run({missing[0]}=...).")

    def _param(self, name: str, value: Any, client: Client) -> Any:
        if _is_table(value):
            return values.store(value, client.blobs)
        if type_name(self.signature.parameters[name].annotation) == "Table" and not is_stored(value):
            return _dataset(name, value, client)
        if not values.is_json(value) and not is_stored(value):
            raise InvalidInput(
                f"The parameter {name!r} is a {type(value).__name__}; give a JSON value, a Table or a dataset."
            )
        return value

    def __repr__(self) -> str:
        return f"<pipeline {self.name}{self.signature}>"


def pipeline(function: Callable[..., Any]) -> Pipeline:
    """Make a function that calls steps a pipeline."""
    if not inspect.isfunction(function):
        raise InvalidInput(f"@fl.pipeline decorates functions, not {function!r}; write it without brackets.")
    return Pipeline(function)


class _Nowhere:
    """Where :meth:`Pipeline.outline` stores: names by hash, and forgets."""

    def put(self, data: bytes) -> str:
        return hashlib.sha256(data).hexdigest()

    def get(self, sha256: str) -> bytes:
        raise NotFound(f"{sha256} was not kept: this graph is an outline only.")


def _dataset(name: str, value: Any, client: Client) -> dict[str, Any]:
    """A dataset by name or version as a parameter."""
    if isinstance(value, dict) and "dataset_version" in value:
        return value
    if isinstance(value, str):
        return {"dataset_version": client.datasets.find(value).id}
    if isinstance(getattr(value, "sha256", None), str) and isinstance(getattr(value, "id", None), str):
        return {"dataset_version": value.id}
    raise InvalidInput(f"The parameter {name!r} is a table; give a Table or the name of a dataset, not {value!r:.80}.")


def _is_table(value: Any) -> bool:
    return type(value).__module__ == "fairloop.tables.table" and type(value).__name__ == "Table"


def _file_of(function: Callable[..., Any]) -> Path | None:
    file = Path(function.__code__.co_filename)
    return file.resolve() if file.is_file() else None


def _spec(call: Call, blobs: values.BlobStore, root: Path) -> StepSpec:
    inputs = {name: _form(value, blobs, f"{call.key}({name}=...)") for name, value in call.arguments.items()}
    if call.step is None:
        assert call.system is not None  # noqa: S101  # Trace.call and Trace.system are the only makers
        return system_step(call.key, *call.system, inputs, returns=call.returns)
    assert isinstance(call.step, Step)  # noqa: S101  # only steps call Trace.call
    function = call.step.__fairloop_function__
    source = cache.source_hash(function, root) if call.step.cache else ""
    return StepSpec(key=call.key, name=call.step.name, function=functions.refer(function, root, blobs), inputs=inputs,
                    outputs=len(call.step.declared), returns=call.returns, needs=call.step.needs,
                    cache=call.step.cache, source=source)  # fmt: skip


def _form(value: Any, blobs: values.BlobStore, where: str) -> dict[str, Any]:
    """An argument as the graph holds it: handles by reference, JSON as it is, anything else stored."""
    if isinstance(value, Handle):
        return value.form
    if isinstance(value, (list, tuple)) and _holds_handle(value):
        return {"list": [_form(part, blobs, where) for part in value]}
    if isinstance(value, dict) and _holds_handle(value.values()):
        if not all(isinstance(name, str) for name in value):
            raise InvalidInput(f"The names in the dict given to {where} are not all text.")
        return {"dict": {name: _form(part, blobs, where) for name, part in value.items()}}
    output = values.store(value, blobs)
    return {"value": output["json"]} if "json" in output else {"stored": output}


def _holds_handle(parts: Any) -> bool:
    return any(isinstance(p, Handle) or (isinstance(p, (list, tuple)) and _holds_handle(p))
               or (isinstance(p, dict) and _holds_handle(p.values())) for p in parts)  # fmt: skip
