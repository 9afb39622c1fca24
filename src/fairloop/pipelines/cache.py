"""The hash of a step's code: the function, what it uses from its module, and the project modules it imports.

For a function the worker imports, everything is read from the files, so it is what will run. For one sent by value
(``__main__``, notebooks, closures) the live objects are walked: source, closure, defaults and globals it names.
"""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle

from fairloop.core import codec
from fairloop.pipelines.functions import importable, installed, unwrapped
from fairloop.pipelines.values import is_json
from fairloop.pipelines.workspace import import_paths


def source_hash(function: Callable[..., Any], root: Path) -> str:
    """Empty when the code uses something that cannot be compared: such a step always runs."""
    sources = Sources(root)
    parts: set[str] | None
    if importable(function, root):
        parts = sources.of_function(Path(inspect.getfile(function)).resolve(), function.__qualname__)
    else:
        parts = Values(sources).of(function)
    if parts is None:
        return ""
    return hashlib.sha256("\0".join(sorted(parts)).encode("utf-8", "surrogatepass")).hexdigest()


class Sources:
    """Project files, read and parsed once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._paths = [root / path for path in import_paths(root)]
        self._trees: dict[Path, ast.Module | None] = {}

    def of_function(self, file: Path, qualname: str) -> set[str]:
        """The definition of ``qualname``, what it uses of its module, and the modules that it imports."""
        if not self._in_project(file):
            return {f"{file.name}:{qualname}"}
        tree = self._tree(file)
        if tree is None:
            return {self._text(file)}
        names, parts, queue = _top_level(tree), set(), [qualname.split(".")[0]]
        seen: set[str] = set()
        while queue:
            name = queue.pop()
            if name in seen:
                continue
            seen.add(name)
            for node in names.get(name, ()):
                if isinstance(node, (ast.Import, ast.ImportFrom)):
                    parts |= self._imported(node, file)
                    continue
                bare = _without_decorators(node) if name == qualname else node
                parts.add(ast.unparse(bare))
                queue += [n.id for n in ast.walk(bare) if isinstance(n, ast.Name)]
                for inner in ast.walk(bare):
                    if isinstance(inner, (ast.Import, ast.ImportFrom)):
                        parts |= self._imported(inner, file)
        for node in names.get("*", ()):
            parts |= self._imported(node, file)
        return parts

    def of_module(self, file: Path) -> set[str]:
        """A whole module and every project module it imports, directly or not."""
        parts: set[str] = set()
        queue, seen = [file], set()
        while queue:
            here = queue.pop()
            if here in seen or not self._in_project(here):
                continue
            seen.add(here)
            parts.add(f"{here.relative_to(self._root)}\n{self._text(here)}")
            tree = self._tree(here)
            if tree is not None:
                queue += [f for node in ast.walk(tree) for f in self._files(node, here)]
        return parts

    def _imported(self, node: ast.AST, file: Path) -> set[str]:
        return {part for found in self._files(node, file) for part in self.of_module(found)}

    def _files(self, node: ast.AST, file: Path) -> Iterator[Path]:
        """The project files an import statement reads."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from self._find(alias.name.split("."), self._paths)
        elif isinstance(node, ast.ImportFrom):
            base = (node.module or "").split(".") if node.module else []
            places = [file.parents[node.level - 1]] if node.level else self._paths
            yield from self._find(base, places)
            for alias in node.names:
                yield from self._find([*base, alias.name], places)

    def _find(self, parts: list[str], places: list[Path]) -> Iterator[Path]:
        for place in places:
            for count in range(1, len(parts) + 1):
                stem = place.joinpath(*parts[:count])
                for candidate in (stem.with_name(stem.name + ".py"), stem / "__init__.py"):
                    if candidate.is_file():
                        yield candidate.resolve()

    def _in_project(self, file: Path) -> bool:
        return self._root in file.parents and not installed(file)

    def _text(self, file: Path) -> str:
        return file.read_bytes().decode("utf-8", "replace")

    def _tree(self, file: Path) -> ast.Module | None:
        if file not in self._trees:
            try:
                self._trees[file] = ast.parse(self._text(file))
            except SyntaxError:
                self._trees[file] = None
        return self._trees[file]


def _top_level(tree: ast.Module) -> dict[str, list[ast.stmt]]:
    """Name to the statements that bind it at module level, also inside ``if`` and ``try``."""
    found: dict[str, list[ast.stmt]] = {}
    queue: list[ast.stmt] = list(tree.body)
    while queue:
        node = queue.pop(0)
        for name in _bound(node):
            found.setdefault(name, []).append(node)
        if isinstance(node, (ast.If, ast.Try, ast.With)):
            queue += [n for n in ast.iter_child_nodes(node) if isinstance(n, ast.stmt)]
            queue += [n for handler in getattr(node, "handlers", []) for n in handler.body]
    return found


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [alias.asname or alias.name.split(".")[0] for alias in node.names]
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        return [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]
    return []


def _without_decorators(node: ast.stmt) -> ast.stmt:
    """The definition alone: asking for more memory does not change a result."""
    if isinstance(node, ast.FunctionDef) and node.decorator_list:
        fields = {name: getattr(node, name) for name in node._fields}
        return ast.copy_location(ast.FunctionDef(**{**fields, "decorator_list": []}), node)
    return node


class Values:
    """Live objects as comparable text."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._seen: set[int] = set()

    def of(self, value: Any) -> set[str] | None:
        """None when something cannot be compared."""
        value = unwrapped(value)
        if id(value) in self._seen:
            return set()
        self._seen.add(id(value))
        if is_json(value):
            return {codec.dumps(value)}
        if isinstance(value, types.ModuleType):
            file = getattr(value, "__file__", None)
            return {value.__name__} | (self._sources.of_module(Path(file).resolve()) if file else set())
        if isinstance(value, types.FunctionType):
            return self._of_function(value)
        if isinstance(value, type):
            return {_source(value)}
        if isinstance(value, types.BuiltinFunctionType):
            return {repr(value.__qualname__)}
        try:
            return {hashlib.sha256(cloudpickle.dumps(value)).hexdigest()}
        except (TypeError, AttributeError, ValueError, RecursionError):
            return None

    def _of_function(self, function: types.FunctionType) -> set[str] | None:
        file = Path(inspect.getfile(function)).resolve() if not function.__code__.co_filename.startswith("<") else None
        if file is not None and installed(file):
            return {f"{function.__module__}.{function.__qualname__}"}
        parts = {_source(function)}
        used = [cell.cell_contents for cell in function.__closure__ or () if _filled(cell)]
        used += [function.__globals__[n] for n in _names(function.__code__) if n in function.__globals__]
        used += [function.__defaults__, function.__kwdefaults__]
        for value in used:
            found = self.of(value)
            if found is None:
                return None
            parts |= found
        return parts


def _filled(cell: types.CellType) -> bool:
    try:
        return cell.cell_contents is not cell
    except ValueError:
        return False


def _names(code: types.CodeType) -> set[str]:
    """Global names a code object uses, those of functions inside it too."""
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


def _source(thing: Any) -> str:
    try:
        text = textwrap.dedent(inspect.getsource(thing))
        node = ast.parse(text).body[0]
        return ast.unparse(_without_decorators(node))
    except (OSError, TypeError, SyntaxError):
        code = getattr(thing, "__code__", None)
        return f"{code.co_code.hex()}{code.co_consts!r}" if code else repr(thing)
