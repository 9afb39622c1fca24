"""``@fl.step``: a typed function that a pipeline runs in a process of its own."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Generic, ParamSpec, TypeVar, get_args, get_origin, overload

from fairloop.core.pipelines import Needs
from fairloop.core.units import parse_bytes, parse_seconds
from fairloop.errors import InvalidInput
from fairloop.sdk import tracing

P = ParamSpec("P")
R = TypeVar("R")


class Step(Generic[P, R]):
    """A function with what it needs. Called in a pipeline it becomes a node; called anywhere else it simply runs."""

    def __init__(self, function: Callable[P, R], needs: Needs, *, cache: bool) -> None:
        functools.update_wrapper(self, function)
        self.__fairloop_function__ = function
        self.name = function.__name__
        self.needs = needs
        self.cache = cache
        self.signature = inspect.signature(function)
        for parameter in self.signature.parameters.values():
            if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY}:
                raise InvalidInput(f"The step {self.name} takes {parameter}; give every argument a name of its own.")

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        trace = tracing.current()
        if trace is None:
            return self.__fairloop_function__(*args, **kwargs)
        result: R = trace.call(self, self.bind(args, kwargs))
        return result

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name, defaults filled in; InvalidInput names one that is wrong or missing."""
        names = list(self.signature.parameters)
        if unknown := [name for name in kwargs if name not in names]:
            raise InvalidInput(
                f"The step {self.name} has no argument {unknown[0]!r}; it takes {', '.join(names) or 'none'}."
            )
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as cause:
            raise InvalidInput(f"The step {self.name} cannot be called so: {cause}.") from cause
        bound.apply_defaults()
        return dict(bound.arguments)

    @property
    def declared(self) -> list[Any]:
        """The declared type of each result: several for ``-> tuple[A, B]``."""
        annotation = self._return_annotation()
        parts = get_args(annotation)
        if get_origin(annotation) is tuple and parts and Ellipsis not in parts:
            return list(parts)
        return [annotation]

    def _return_annotation(self) -> Any:
        annotation = self.signature.return_annotation
        if not isinstance(annotation, str):
            return annotation
        try:  # from __future__ import annotations: text that means something where the function was written
            return eval(annotation, self.__fairloop_function__.__globals__)  # noqa: S307  # the user's own annotation
        except (NameError, AttributeError, SyntaxError, TypeError):
            return annotation

    @property
    def returns(self) -> str:
        """``"model"`` for a trainer, else empty."""
        return "model" if any(tracing.type_name(part) == "Model" for part in self.declared) else ""

    def __repr__(self) -> str:
        return f"<step {self.name}{self.signature}>"


@overload
def step(function: Callable[P, R]) -> Step[P, R]: ...


@overload
def step(*, cpu: float = 1, memory: str | int = 0, gpu: int = 0, tpu: int = 0, disk: str | int = 0, retries: int = 0,
         time: str | float = 0, cache: bool = True) -> Callable[[Callable[P, R]], Step[P, R]]: ...  # fmt: skip


def step(function: Callable[P, R] | None = None, *, cpu: float = 1, memory: str | int = 0, gpu: int = 0, tpu: int = 0,
         disk: str | int = 0, retries: int = 0, time: str | float = 0,
         cache: bool = True) -> Step[P, R] | Callable[[Callable[P, R]], Step[P, R]]:  # fmt: skip
    """Make a function a step of pipelines.

    Parameters
    ----------
    cpu : float
        Cores it keeps busy.
    memory, disk : str
        What it needs at most, for example ``"2GiB"``.
    gpu, tpu : int
        Accelerators.
    retries : int
        Further attempts after it raised.
    time : str
        How long it may take, for example ``"30m"``; it is ended then. 0 means as long as it likes.
    cache : bool
        Whether an earlier result with the same code, inputs and environment may be used instead of running it.
    """
    if retries < 0 or cpu < 0 or gpu < 0 or tpu < 0:
        raise InvalidInput("cpu, gpu, tpu and retries of a step are 0 or more.")
    needs = Needs(cpu=float(cpu), memory_bytes=parse_bytes(memory), gpu=gpu, tpu=tpu, disk_bytes=parse_bytes(disk),
                  time_s=parse_seconds(time), retries=retries)  # fmt: skip

    def decorate(found: Callable[P, R]) -> Step[P, R]:
        if not inspect.isfunction(found):
            raise InvalidInput(f"@fl.step decorates functions, not {found!r}.")
        return Step(found, needs, cache=cache)

    return decorate if function is None else decorate(function)
