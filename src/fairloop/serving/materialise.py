"""A model version's files from the artifact store into an endpoint's folder, hashes verified; then the smoke test."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

from fairloop.core import codec
from fairloop.errors import FairloopError, IntegrityError, InvalidInput, NotFound, Refused
from fairloop.projects.files import Files
from fairloop.serving.process import command, environment

_PICKLES = {".pkl", ".pickle", ".joblib", ".cloudpickle", ".dill"}


def materialise(files: Files, version_id: str, folder: Path) -> None:
    """Write the version's files to ``folder``, which appears whole or not at all.

    Raises
    ------
    Refused
        A file is missing, damaged or a pickle; the message names it.
    """
    if folder.is_dir():
        return
    found = files.list(("version", version_id))
    if not found:
        raise Refused("This model version has no files; register it again with its model folder.")
    for file in found:
        if Path(file.path).suffix in _PICKLES:
            raise Refused(
                f"The model holds the pickle {file.path}, which can run any code when loaded, so it is never served. "
                "Log it again with serialization_format='skops'."
            )
    temporary = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(temporary, ignore_errors=True)
    for file in found:
        target = temporary / file.path
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with target.open("wb") as out:
                for chunk in files.store.stream(file.sha256):
                    out.write(chunk)
        except NotFound as cause:
            raise Refused(f"The file {file.path} of this model version is missing from the artifact store.") from cause
        except IntegrityError as cause:
            raise Refused(f"The file {file.path} does not match its hash: the stored bytes are damaged.") from cause
    root = _model_root(temporary)
    root.rename(folder)
    if root != temporary:
        shutil.rmtree(temporary, ignore_errors=True)


def _model_root(folder: Path) -> Path:
    """The folder that holds the file MLmodel: the top, or the only folder below it that has one."""
    if (folder / "MLmodel").is_file():
        return folder
    below = [p.parent for p in sorted(folder.glob("*/MLmodel"))]
    if len(below) != 1:
        raise Refused("The files of this model version hold no file MLmodel; log the model with fl.Model or mlflow.")
    return below[0]


def smoke_test(folder: Path, *, within_s: float) -> str:
    """Why the model in ``folder`` may not serve; empty when its own sample rows are answered.

    It runs in a process of its own, which is ended after ``within_s``.
    """
    result = folder.with_name(f".{folder.name}.smoke.json")
    log = folder.with_name(f".{folder.name}.smoke.txt")
    for file in (result, log):
        file.unlink(missing_ok=True)
    line = command("fairloop.serving.smoke", str(folder), str(result), f"{within_s:g}")
    writing = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    pid = os.posix_spawn(line[0], line, environment(), setsid=True, file_actions=[
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, str(log), writing, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2)])  # fmt: skip
    try:
        code = _wait(pid, within_s)
        if code is None:
            return f"The model did not answer its sample rows within {within_s:g} s."
        try:
            told = codec.loads(result.read_bytes())
        except (OSError, InvalidInput):
            words = log.read_text("utf-8", errors="replace").strip().splitlines()
            how = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
            return f"The process that tried the model {how} without an answer{': ' + words[-1][:300] if words else ''}."
        return str(told["reason"])
    finally:
        for file in (result, log):
            file.unlink(missing_ok=True)


def _wait(pid: int, within_s: float) -> int | None:
    """The exit code of our child; None after it was ended for taking too long."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.killpg(pid, signal.SIGKILL)  # its session is its process group: helpers it started end too
    os.waitpid(pid, 0)
    return None


def try_version(files: Files, version_id: str, folder: Path, *, within_s: float) -> str:
    """Why the version may not serve, in words; empty when it may."""
    try:
        materialise(files, version_id, folder)
        return smoke_test(folder, within_s=within_s)
    except FairloopError as cause:
        return cause.message
    except OSError as cause:
        return f"The model's files cannot be written: {cause.strerror or cause}."
