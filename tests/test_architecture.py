"""Rules of the code that no tool checks for us. What may import what is import-linter's (pyproject.toml)."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import fairloop
from fairloop import errors
from fairloop.server.routes import ROUTES
from fairloop.settings import Settings
from fairloop.storage.tables import metadata

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "fairloop"
FILES = sorted(SOURCE.rglob("*.py"))
WRITTEN = [file for file in FILES if "migrations/versions" not in file.as_posix()]
"""Without the first migration, which tests/support/freeze_schema.py writes."""
TEXT = {file: file.read_text("utf-8") for file in FILES}
TREES = {file: ast.parse(text) for file, text in TEXT.items()}

LONGEST_FILE, LONGEST_BODY = 600, 60
CALLED_BY_A_LIBRARY = {"list_commands", "process_bind_param", "process_result_value"}
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "misc", "base", "shared"}


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function below its signature and docstring."""
    body = function.body[1:] if ast.get_docstring(function, clean=False) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def words(*leave_out: Path) -> set[str]:
    """Every word of the code but that of some files."""
    return {word for file, text in TEXT.items() if file not in leave_out for word in re.findall(r"\w+", text)}


def test_no_file_is_too_long() -> None:
    parts = [*FILES, *(SOURCE / "server").rglob("static/js/*.js"), *(SOURCE / "server").rglob("templates/**/*.html")]
    long = {str(f.relative_to(ROOT)): n for f in parts if (n := len(f.read_text("utf-8").splitlines())) > LONGEST_FILE}
    assert long == {}


def test_no_function_is_too_long() -> None:
    long = {f"{file.relative_to(SOURCE)}:{f.name}": body_lines(f)
            for file in WRITTEN for f in functions(TREES[file]) if body_lines(f) > LONGEST_BODY}  # fmt: skip
    assert long == {}


def test_names_of_modules_say_something() -> None:
    assert [str(file) for file in FILES if file.stem in EMPTY_NAMES or file.parent.name in EMPTY_NAMES] == []


def test_every_module_says_what_it_is_for() -> None:
    bare = [
        str(f.relative_to(SOURCE))
        for f in WRITTEN
        if TEXT[f].strip() and f.stem != "__main__" and ast.get_docstring(TREES[f]) is None
    ]
    assert bare == []


def test_nothing_is_left_for_later() -> None:
    marks = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    assert [str(f.relative_to(SOURCE)) for f in FILES if marks.search(TEXT[f])] == []


def test_imports_are_absolute() -> None:
    relative = [f"{file.relative_to(SOURCE)}:{node.lineno}" for file in FILES for node in ast.walk(TREES[file])
                if isinstance(node, ast.ImportFrom) and node.level]  # fmt: skip
    assert relative == []


def test_only_storage_speaks_sql() -> None:
    users = {file for file in FILES for node in ast.walk(TREES[file])
             for name in ([a.name for a in node.names] if isinstance(node, ast.Import)
                          else [node.module or ""] if isinstance(node, ast.ImportFrom) else [])
             if name.split(".")[0] in {"sqlalchemy", "alembic"}}  # fmt: skip
    assert {file.relative_to(SOURCE).parts[0] for file in users} == {"storage"}


# ------------------------------------------------------------------ the public surface
def test_public_names_are_sorted_whole_and_importable() -> None:
    assert list(fairloop.__all__) == sorted(fairloop.__all__)
    assert set(fairloop.__all__) == {*fairloop._PUBLIC, "__version__"}
    assert set(dir(fairloop)) == set(fairloop.__all__)
    for name, module in fairloop._PUBLIC.items():
        assert getattr(fairloop, name) is getattr(importlib.import_module(module), name)
    with pytest.raises(AttributeError, match="public names"):
        fairloop.nothing_of_the_kind  # noqa: B018


def test_type_checkers_see_the_public_names() -> None:
    block = next(node for node in TREES[SOURCE / "__init__.py"].body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert seen == fairloop._PUBLIC


def test_every_route_says_what_it_does() -> None:
    bare = [f"{r.method} {r.path}" for r in ROUTES if not (inspect.getdoc(r.handler) or "").strip()]
    assert bare == []


def test_no_address_is_answered_twice() -> None:
    asked = [(r.method, re.sub(r"\{\w+:", "{", r.path)) for r in ROUTES]
    assert [a for a in set(asked) if asked.count(a) > 1] == []


def test_every_error_has_a_code_of_its_own() -> None:
    kinds = [k for k in vars(errors).values() if isinstance(k, type) and issubclass(k, errors.FairloopError)]
    codes = [str(vars(kind)["code"]) for kind in kinds]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    told = errors.__doc__ or ""
    assert [kind.__name__ for kind in kinds if kind.__name__ not in told] == []


def test_one_version() -> None:
    told = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    newest = re.search(r"^## \[(\d[^\]]*)\]", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert newest is not None
    assert fairloop.__version__ == told == newest[1]


# ------------------------------------------------------------------ nothing unused
def test_every_setting_is_read() -> None:
    used = {node.attr for file, tree in TREES.items() for node in ast.walk(tree) if isinstance(node, ast.Attribute)
            if file != SOURCE / "settings.py"}  # fmt: skip
    within = {node.attr for node in ast.walk(TREES[SOURCE / "settings.py"]) if isinstance(node, ast.Attribute)}
    assert {f.name for f in fields(Settings)} - used - (within & {"database"}) == set()


def test_every_table_and_column_is_used() -> None:
    schema = [SOURCE / "storage" / "tables.py", *(f for f in FILES if f not in WRITTEN)]
    found = words(*schema)
    assert sorted(set(metadata.tables) - found) == []
    assert (
        sorted(f"{t.name}.{c.name}" for t in metadata.tables.values() for c in t.columns if c.name not in found) == []
    )


def test_every_module_is_imported() -> None:
    """But those a process starts with, and the demo's loop, which is loaded as a user's file."""
    started = {"fairloop.server.__main__", "fairloop.serving.endpoint", "fairloop.cli.main", "fairloop.pipelines.worker",
               "fairloop.cli.demo.income_loop"}  # fmt: skip
    nodes = [node for tree in TREES.values() for node in ast.walk(tree)]
    imported = {f"{n.module}.{a.name}" for n in nodes if isinstance(n, ast.ImportFrom) for a in n.names}
    imported |= {n.module or "" for n in nodes if isinstance(n, ast.ImportFrom)}
    imported |= {a.name for n in nodes if isinstance(n, ast.Import) for a in n.names}
    named = {n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    modules = {".".join(f.relative_to(SOURCE.parent).with_suffix("").parts) for f in WRITTEN if f.stem != "__init__"}
    assert sorted(modules - started - imported - named) == []


def test_every_template_is_rendered() -> None:
    folder = SOURCE / "server" / "templates"
    pages = {str(file.relative_to(folder)): file.read_text("utf-8") for file in folder.rglob("*.html")}
    asked = "\n".join([*TEXT.values(), *pages.values()])
    parts = re.findall(r'f"(parts/[\w-]+)\{', asked)  # rendered by a name put together
    alone = [name for name in pages if f'"{name}"' not in asked and not name.startswith(tuple(parts))]
    assert alone == []


def test_every_public_function_is_used() -> None:
    """A function or class nothing else names, in the code, templates, tests or documentation, is dead."""
    outside = [*(ROOT / "tests").rglob("*.py"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").rglob("*.py"),
               *(SOURCE / "server" / "templates").rglob("*.html")]  # fmt: skip
    counts: dict[str, int] = {}
    for text in [*TEXT.values(), *(f.read_text("utf-8") for f in outside if f.name != Path(__file__).name)]:
        for word in re.findall(r"\w+", text):
            counts[word] = counts.get(word, 0) + 1
    named = [(file, node.name) for file in WRITTEN for node in ast.walk(TREES[file])
             if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
             and not node.decorator_list and node.name not in CALLED_BY_A_LIBRARY]  # fmt: skip
    dead = [f"{file.relative_to(SOURCE)}:{name}" for file, name in named
            if counts[name] == 1 and not (name.startswith("__") and name.endswith("__"))]  # fmt: skip
    assert dead == []
