"""Running a pipeline function once to see which steps it calls on what: values are handles, not data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from inspect import Signature
from typing import Any, NoReturn, Protocol

from fairloop.errors import InvalidInput


class Traced(Protocol):
    """What tracing needs to know of a step."""

    name: str
    signature: Signature

    @property
    def declared(self) -> list[Any]: ...

    @property
    def returns(self) -> str: ...


_active: ContextVar[Trace | None] = ContextVar("fairloop_trace", default=None)


def current() -> Trace | None:
    return _active.get()


class Handle:
    """What a step will return, or a parameter will hold, once the pipeline runs."""

    __slots__ = ("declared", "form", "words")

    def __init__(self, form: dict[str, Any], words: str, declared: Any = None) -> None:
        self.form = form
        self.words = words
        self.declared = declared

    def _unknown(self, *_: object, **__: object) -> NoReturn:
        raise InvalidInput(
            f"The value of {self.words} is known only when the pipeline runs, so a pipeline function cannot test, compare, "
            "loop over or compute with it; do that inside a step."
        )

    __bool__ = __iter__ = __len__ = __contains__ = __getitem__ = _unknown
    __lt__ = __le__ = __gt__ = __ge__ = __eq__ = __ne__ = _unknown
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = _unknown
    __neg__ = __int__ = __float__ = __index__ = __call__ = _unknown
    __hash__ = object.__hash__

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise InvalidInput(f"{self.words}.{name} is known only when the pipeline runs; use it inside a step.")

    def __repr__(self) -> str:
        return f"<{self.words}>"


@dataclass(frozen=True, slots=True)
class Call:
    """One node: a step or a system step, called on arguments that may hold handles."""

    key: str
    step: Traced | None
    arguments: dict[str, Any]
    system: tuple[str, str] | None = None
    returns: str = ""


@dataclass(slots=True)
class Trace:
    pipeline: str
    calls: list[Call] = field(default_factory=list)

    def call(self, step: Traced, arguments: dict[str, Any]) -> Any:
        key, declared = self._key(step.name), step.declared
        for name, value in arguments.items():
            _check_type(step, name, value)
        self.calls.append(Call(key, step, arguments, returns=step.returns))
        if len(declared) == 1:
            return Handle({"step": key, "output": 0}, f"the result of {key}()", declared[0])
        return tuple(Handle({"step": key, "output": i}, f"result {i + 1} of {key}()", part)
                     for i, part in enumerate(declared))  # fmt: skip

    def system(self, key: str, module: str, qualname: str, arguments: dict[str, Any], returns: str) -> Handle:
        key = self._key(key)
        self.calls.append(Call(key, None, arguments, (module, qualname), returns))
        return Handle({"step": key, "output": 0}, f"the result of {key}()")

    def _key(self, name: str) -> str:
        taken = sum(1 for call in self.calls if call.key == name or call.key.rpartition("-")[0] == name)
        return f"{name}-{taken + 1}" if taken else name


@contextmanager
def tracing(pipeline: str) -> Iterator[Trace]:
    if current() is not None:
        raise InvalidInput(f"The pipeline {pipeline} is called inside another one; call steps there instead.")
    trace = Trace(pipeline)
    token = _active.set(trace)
    try:
        yield trace
    finally:
        _active.reset(token)


def type_name(annotation: Any) -> str:
    """``"Table"`` or ``"Model"`` for fairloop's own types, however they were written; else empty."""
    if isinstance(annotation, str):
        name = annotation.rpartition(".")[2].strip("'\" ")
        return name if name in {"Table", "Model"} else ""
    own = getattr(annotation, "__module__", "").startswith("fairloop.")
    name = getattr(annotation, "__name__", "")
    return name if own and name in {"Table", "Model"} else ""


def _check_type(step: Traced, name: str, value: Any) -> None:
    """Refuse a Model where a Table is declared, and the reverse; other types are the user's business."""
    if not isinstance(value, Handle):
        return
    given, wanted = type_name(value.declared), type_name(step.signature.parameters[name].annotation)
    if given and wanted and given != wanted:
        raise InvalidInput(f"{step.name}({name}=...) takes a {wanted}, but {value.words} is a {given}.")
