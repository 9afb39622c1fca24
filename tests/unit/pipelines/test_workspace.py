from __future__ import annotations

import io
import subprocess
import zipfile
from pathlib import Path

import pytest

from fairloop.errors import IntegrityError
from fairloop.pipelines.workspace import PATHS_FILE, pack, project_root, source_files, unpack


def project(root: Path) -> Path:
    for name in (
        "a.py",
        "sub/b.py",
        "conf.toml",
        "data.csv",
        ".hidden/c.py",
        "venv/lib.py",
        "big.json",
        ".gitignore",
    ):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("x = 1\n")
    (root / "big.json").write_text(" " * 300_000)
    (root / "link.py").symlink_to("/etc/passwd")
    (root / "outside").symlink_to("/etc")
    return root


def names(root: Path) -> list[str]:
    return [path.relative_to(root).as_posix() for path in source_files(root)]


def test_text_files_only_and_no_links(tmp_path: Path) -> None:
    assert names(project(tmp_path)) == ["a.py", "conf.toml", "sub/b.py"]


def test_git_decides_what_is_ignored(tmp_path: Path) -> None:
    project(tmp_path)
    (tmp_path / ".gitignore").write_text("conf.toml\nsub/\n")
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert [n for n in names(tmp_path) if not n.startswith((".", "venv"))] == ["a.py"]


def test_equal_sources_give_equal_bytes(tmp_path: Path) -> None:
    first = pack(project(tmp_path), [])
    (tmp_path / "a.py").touch()
    assert pack(tmp_path, []) == first
    (tmp_path / "a.py").write_text("x = 2\n")
    assert pack(tmp_path, []) != first


class One:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def get(self, sha256: str) -> bytes:
        return self.data


def test_unpacking_gives_the_files_back(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    data = pack(project(source), [source / "data.csv"])
    root = unpack("f" * 64, tmp_path / "workspaces", One(data))
    assert (root / "sub/b.py").read_text() == "x = 1\n"
    assert (root / PATHS_FILE).exists()
    assert not (root / "data.csv").exists()
    assert unpack("f" * 64, tmp_path / "workspaces", One(b"not read again")) == root


def test_an_archive_that_climbs_is_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../../evil.py", "x")
    with pytest.raises(IntegrityError, match="outside its folder"):
        unpack("e" * 64, tmp_path / "workspaces", One(buffer.getvalue()))
    assert not (tmp_path / "evil.py").exists()


def test_the_project_is_the_nearest_marked_folder(tmp_path: Path) -> None:
    inner = tmp_path / "repo" / "src" / "pkg"
    inner.mkdir(parents=True)
    assert project_root(inner / "x.py") == inner
    (tmp_path / "repo" / "pyproject.toml").touch()
    assert project_root(inner / "x.py") == tmp_path / "repo"


def test_a_file_the_repository_ignores_is_a_project_of_its_own(tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / ".gitignore").write_text("scratch/\n")
    loop = tmp_path / "scratch" / "loop.py"
    loop.parent.mkdir()
    loop.write_text("x = 1\n")
    assert project_root(loop) == loop.parent
    assert source_files(loop.parent) == [loop]
    assert project_root(tmp_path / "kept.py") == tmp_path


def test_a_servers_data_folder_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text("x = 1\n")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "fairloop.db").touch()
    (tmp_path / "mine" / "state.json").write_text("{}")
    assert source_files(tmp_path) == [tmp_path / "loop.py"]
