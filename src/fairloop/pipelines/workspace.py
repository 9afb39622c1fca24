"""Source snapshots: the project's text files as one archive named by its hash, and back into a folder."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Protocol

from fairloop.core import codec
from fairloop.errors import IntegrityError, InvalidInput

SUFFIXES = {
    ".py",
    ".pyi",
    ".toml",
    ".yaml",
    ".yml",
    ".json",
    ".txt",
    ".md",
    ".cfg",
    ".ini",
    ".sql",
    ".jinja",
    ".j2",
}
MARKERS = (".git", "pyproject.toml", "setup.py", "setup.cfg")
PATHS_FILE = ".fairloop-paths.json"
_MAX_FILE, _MAX_FILES, _MAX_TOTAL = 262_144, 5_000, 50 * 2**20
_SKIPPED = {"__pycache__", "node_modules", "site-packages", "build", "dist", "venv", "env"}
_NOT_SOURCES = ("pyvenv.cfg", "fairloop.db")
"""Files that mark a folder as an environment, or as a server's own data."""
_EPOCH = (1980, 1, 1, 0, 0, 0)


class Readable(Protocol):
    def get(self, sha256: str) -> bytes: ...


def project_root(file: Path | None) -> Path:
    """The folder that is the project of ``file``: the nearest one above with a marker, else the file's own.

    A file that the repository around it ignores is not part of that project: its own folder is.
    """
    folder = (file.parent if file else Path.cwd()).resolve()
    home = Path.home().resolve()
    if file is not None and _ignored_by_git(file):
        return folder
    for candidate in (folder, *folder.parents):
        if candidate in {home, Path(candidate.anchor)}:
            break
        if any((candidate / marker).exists() for marker in MARKERS):
            return candidate
    return folder


def source_files(root: Path) -> list[Path]:
    """The text files of a project, sorted; ignored ones, hidden folders, environments and links left out."""
    found = [p for p in _listed_by_git(root) or _walked(root) if _wanted(p)]
    if len(found) > _MAX_FILES:
        raise InvalidInput(f"{root} holds more than {_MAX_FILES} source files; put a pyproject.toml into the folder "
                           "that is your project, or list the others in .gitignore.")  # fmt: skip
    return sorted(found)


def _wanted(path: Path) -> bool:
    try:
        return path.suffix in SUFFIXES and not path.is_symlink() and path.is_file() and path.stat().st_size <= _MAX_FILE
    except OSError:
        return False


def _listed_by_git(root: Path) -> list[Path]:
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        told = subprocess.run(command, capture_output=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    return [root / name for name in told.decode("utf-8", "surrogateescape").split("\0")
            if name and not any((root / part).is_symlink() for part in Path(name).parents)]  # fmt: skip


def _ignored_by_git(file: Path) -> bool:
    command = ["git", "-C", str(file.parent), "check-ignore", "--quiet", str(file)]
    try:
        return subprocess.run(command, capture_output=True, timeout=20, check=False).returncode == 0
    except (OSError, subprocess.SubprocessError):
        return False


def _walked(root: Path) -> list[Path]:
    found: list[Path] = []
    for folder, names, files in os.walk(root):
        here = Path(folder)
        names[:] = sorted(n for n in names if n not in _SKIPPED and not n.startswith(".")
                          and not any((here / n / mark).exists() for mark in _NOT_SOURCES))  # fmt: skip
        found += [here / name for name in files]
        if len(found) > 20 * _MAX_FILES:
            break
    return found


def import_paths(root: Path) -> list[str]:
    """The folders of the project that this process imports from, relative to its root."""
    found = []
    for entry in sys.path:
        path = Path(entry or ".").resolve()
        if path.is_dir() and (path == root or root in path.parents) and "site-packages" not in path.parts:
            inside = path.relative_to(root).as_posix()
            if not any(part.startswith(".") and part != "." for part in inside.split("/")):
                found.append(inside)
    return list(dict.fromkeys([*found, "."]))


def pack(root: Path, extra: list[Path]) -> bytes:
    """The snapshot's bytes: equal sources give equal bytes."""
    files = dict.fromkeys([*source_files(root), *(p for p in extra if _wanted(p))])
    buffer, total = io.BytesIO(), 0
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        paths = codec.dumps({"schema": 1, "paths": import_paths(root)})
        archive.writestr(zipfile.ZipInfo(PATHS_FILE, _EPOCH), paths)
        for path in sorted(files):
            data = path.read_bytes()
            total += len(data)
            if total > _MAX_TOTAL:
                raise InvalidInput(
                    f"The sources below {root} are larger than 50 MiB; list what is not code in .gitignore."
                )
            entry = zipfile.ZipInfo(path.relative_to(root).as_posix(), _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    return buffer.getvalue()


def enter_workspace(snapshot: str, folder: Path, blobs: Readable) -> None:
    """Make this process import from a snapshot and stand in its folder; an empty snapshot changes nothing."""
    if not snapshot:
        return
    root = unpack(snapshot, folder, blobs)
    told = codec.loads((root / PATHS_FILE).read_text("utf-8"))
    sys.path[:0] = [str(root / path) for path in told["paths"]]
    os.chdir(root)


def unpack(snapshot: str, folder: Path, blobs: Readable) -> Path:
    """The snapshot as a folder, visible whole or not at all; any number of processes may ask at once."""
    final = folder / snapshot
    if final.is_dir():
        return final
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    temporary = folder / f"{snapshot}.{os.getpid()}"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(mode=0o700)
    with zipfile.ZipFile(io.BytesIO(blobs.get(snapshot))) as archive:
        for entry in archive.infolist():
            target = (temporary / entry.filename).resolve()
            if temporary.resolve() not in target.parents:
                raise IntegrityError(f"The snapshot {snapshot[:12]} names a file outside its folder; it is not used.")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(archive.read(entry))
    try:
        temporary.rename(final)
    except OSError:
        if not final.is_dir():
            raise
        shutil.rmtree(temporary, ignore_errors=True)  # another process was first
    return final
