"""The command line: parse -> call -> print. Errors become one sentence and an exit code here and nowhere else."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from fairloop import __version__, errors

DONE, FAILED, USAGE, CANNOT_REACH, REFUSED = 0, 1, 2, 3, 4
INTERRUPTED = 130

EXIT_CODES: dict[type[errors.FairloopError], int] = {
    errors.InvalidInput: USAGE,
    errors.NotFound: USAGE,
    errors.AlreadyExists: USAGE,
    errors.TooLarge: USAGE,
    errors.MissingExtra: USAGE,
    errors.Unavailable: CANNOT_REACH,
    errors.TooManyRequests: CANNOT_REACH,
    errors.Refused: REFUSED,
    errors.PermissionDenied: REFUSED,
    errors.Unauthenticated: REFUSED,
    errors.Conflict: REFUSED,
}

_ANYWHERE = {"--url": True, "--project": True, "--person": True, "--debug": False}
"""Options that mean the same for every command, with whether a value follows: they may stand behind it too."""


def exit_code_of(error: errors.FairloopError) -> int:
    return next((EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES), FAILED)


def hoist(arguments: Sequence[str]) -> list[str]:
    """The arguments with the options of every command in front, where the parser looks for them."""
    front: list[str] = []
    rest: list[str] = []
    given = list(arguments)
    while given:
        argument = given.pop(0)
        if argument == "--":
            return [*front, *rest, argument, *given]
        name, equals, _ = argument.partition("=")
        if name not in _ANYWHERE:
            rest.append(argument)
            continue
        front.append(argument)
        if _ANYWHERE[name] and not equals and given:
            front.append(given.pop(0))
    return [*front, *rest]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed verdict, 2 usage, 3 cannot reach, 4 refused."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given == ["--version"]:  # without the parser, which takes longer to load than this takes to answer
        print(f"fairloop {__version__}")
        raise SystemExit(DONE)
    raise SystemExit(run(given))


def run(arguments: Sequence[str]) -> int:
    """The exit code of a command, its errors told on stderr."""
    import typer

    from fairloop.cli.app import app

    # typer brings its own parser or uses click's, as versions go: the base of all usage errors lives in either
    usage_error: Any = typer.BadParameter.__base__

    ordered = hoist(arguments)
    debug = "--debug" in ordered
    try:
        code = app(args=ordered, prog_name="fairloop", standalone_mode=False)
        return code if isinstance(code, int) else DONE
    except usage_error as cause:
        words = str(cause.format_message())
        if words.startswith("Usage:"):  # asked for nothing: the help is the answer
            print(words)
            return USAGE
        return _tell(cause, f"{words.rstrip('.')}. See: fairloop --help", USAGE, debug)
    except (typer.Abort, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
        return INTERRUPTED
    except errors.FairloopError as cause:
        return _tell(cause, cause.message, exit_code_of(cause), debug)
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stderr.close()
        return DONE
    except Exception as cause:  # noqa: BLE001  # a fault of ours: one sentence, the rest on request
        words = f"Something went wrong inside Fairloop ({type(cause).__name__}: {cause})."
        return _tell(cause, f"{words} Run it again with --debug for the traceback.", FAILED, debug)


def _tell(cause: BaseException, words: str, code: int, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(cause)
    print(f"fairloop: {words}", file=sys.stderr)
    return code


if __name__ == "__main__":
    main()
