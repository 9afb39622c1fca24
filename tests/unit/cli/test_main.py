"""Options of every command may stand anywhere; errors have their exit codes."""

from __future__ import annotations

import subprocess
import sys

import pytest

from fairloop import errors
from fairloop.cli import main as cli
from fairloop.cli.output import clean, when


@pytest.mark.parametrize(("given", "ordered"), [
    (["status", "--url", "u"], ["--url", "u", "status"]),
    (["status", "--url=u", "--json"], ["--url=u", "status", "--json"]),
    (["--person", "A", "run", "--debug"], ["--person", "A", "--debug", "run"]),
    (["predict", "--", "--url"], ["predict", "--", "--url"]),
    (["x", "--url"], ["--url", "x"]),
])  # fmt: skip
def test_hoist(given: list[str], ordered: list[str]) -> None:
    assert cli.hoist(given) == ordered


def test_every_error_has_an_exit_code() -> None:
    kinds = [
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.FairloopError)
    ]
    assert {cli.exit_code_of(kind("x")) for kind in kinds} == {1, 2, 3, 4}
    assert cli.exit_code_of(errors.Unreachable("x")) == 3
    assert cli.exit_code_of(errors.StaleLease("x")) == 4


def test_the_version_loads_no_parser() -> None:
    code = ("import sys; from fairloop.cli.main import main\ntry: main(['--version'])\nexcept SystemExit: pass\n"
            "assert not {'typer', 'rich', 'httpx', 'msgspec', 'numpy'} & set(sys.modules), sys.modules")  # fmt: skip
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout.startswith(b"fairloop ")


def test_help_loads_nothing_heavy() -> None:
    code = (
        "import sys; from fairloop.cli.main import run\nrun(['predict', '--help'])\n"
        "assert not {'httpx', 'numpy', 'polars', 'sqlalchemy', 'litestar'} & set(sys.modules), sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)


def test_text_from_people_cannot_command_the_terminal() -> None:
    assert clean("a\x1b[31m\nb") == "a [31m b"
    assert when("2026-11-22T14:02:03.004Z") == "2026-11-22 14:02:03"
    assert when(None) == "-"
