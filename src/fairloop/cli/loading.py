"""A user's loop.py: loaded, and its mistakes told with file and line."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from fairloop.errors import FairloopError, InvalidInput, NotFound

if TYPE_CHECKING:
    from fairloop.core.policy import Policy
    from fairloop.sdk.loop import Loop

POLICY_FILE = "policy.yaml"
"""Beside a loop's file: the policy that goes with it."""


def load_module(file: Path) -> ModuleType:
    """The module in ``file``, its folder importable as if it were run there.

    Raises
    ------
    InvalidInput
        The file does not run; the message says where and what.
    """
    path = file.resolve()
    if not path.is_file():
        raise NotFound(f"There is no file {str(file)!r}; check the path, or make one with: fairloop new")
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if path.suffix != ".py" or spec is None or spec.loader is None:
        raise InvalidInput(f"{file.name} is not a Python file; give a loop.py.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    try:
        spec.loader.exec_module(module)
    except SyntaxError as cause:
        raise InvalidInput(f"{_name(cause.filename, file)}, line {cause.lineno}: {cause.msg}.") from cause
    except (Exception, SystemExit) as cause:  # the user's code may raise anything
        del sys.modules[path.stem]
        raise InvalidInput(f"{_where(cause, path)}: {_what(cause)}") from cause
    return module


def _name(filename: str | None, file: Path) -> str:
    return Path(filename).name if filename else file.name


def _where(cause: BaseException, path: Path) -> str:
    """The last line of the user's own that was running."""
    lines = [
        f for f in traceback.extract_tb(cause.__traceback__) if not f.filename.startswith("<")
    ]  # <string>: made code
    own = [f for f in lines if path.parent in Path(f.filename).resolve().parents]
    return f"{Path(own[-1].filename).name}, line {own[-1].lineno}" if own else path.name


def _what(cause: BaseException) -> str:
    if isinstance(cause, FairloopError):
        return cause.message
    if isinstance(cause, ModuleNotFoundError):
        return f"the module {cause.name!r} is not installed here; install it, or correct the name."
    return f"{type(cause).__name__}: {str(cause).splitlines()[0] if str(cause) else 'no message'}."


def find_loop(file: Path, name: str = "") -> Loop:
    """The one Loop in ``file``, or the one with this name."""
    from fairloop.sdk.loop import Loop

    module = load_module(file)
    found = {id(v): v for v in vars(module).values() if isinstance(v, Loop)}
    loops = [loop for loop in found.values() if name in {"", loop.name}]
    if not loops:
        wanted = f" named {name!r}" if name else ""
        raise InvalidInput(f"{file.name} defines no loop{wanted}; end it with: loop = fl.Loop(name=..., data=..., "
                           "pipeline=...).")  # fmt: skip
    if len(loops) > 1:
        names = ", ".join(repr(loop.name) for loop in loops)
        raise InvalidInput(f"{file.name} defines several loops ({names}); say which with --loop NAME.")
    return with_policy(loops[0], file.resolve().with_name(POLICY_FILE))


def with_policy(loop: Loop, file: Path) -> Loop:
    """The loop with the policy file that stands beside it, unless its code names a policy."""
    if file.is_file() and loop.definition.policy is None:
        loop.definition = replace(loop.definition, policy=policy_in(file))
    return loop


def policy_in(file: Path) -> Policy:
    """The policy that a file holds; the file is named in what is wrong with it."""
    from fairloop.core.policy_file import read_policy

    try:
        return read_policy(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as cause:
        raise NotFound(f"There is no readable policy {str(file)!r}; write one, see docs/policy.md.") from cause
    except InvalidInput as cause:
        raise InvalidInput(f"{file.name}: {cause.message}") from cause
