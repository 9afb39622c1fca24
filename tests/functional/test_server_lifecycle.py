"""A server's life as a user meets it: one per folder, one sentence when it cannot start, nothing left behind."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from fairloop.client.client import Client
from fairloop.client.discover import find, find_or_start
from fairloop.errors import Unauthenticated, Unavailable

START = [sys.executable, "-m", "fairloop.server"]


def environment(data: Path, **settings: str) -> dict[str, str]:
    given = {f"FAIRLOOP_{k.upper()}": v for k, v in {"port": "0", **settings}.items()}
    return {**os.environ, "FAIRLOOP_DATA": str(data), **given}


def fails(data: Path, **settings: str) -> str:
    """The one sentence a start that must fail says."""
    done = subprocess.run(START, env=environment(data, **settings), capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr.strip()


def stop(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.02)


def test_eight_programs_at_once_get_one_server(tmp_path: Path) -> None:
    code = (
        "import sys; from fairloop.client.discover import find_or_start; "
        "f = find_or_start(sys.argv[1]); print(f.url, f.pid)"
    )
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(
                subprocess.run,
                [sys.executable, "-c", code, str(tmp_path / "data")],
                capture_output=True,
                text=True,
                timeout=120,
            )
            for _ in range(8)
        ]
        told = [a.result() for a in asked]
    assert {a.returncode for a in told} == {0}, [a.stderr for a in told]
    assert len({a.stdout for a in told}) == 1
    pid = int(told[0].stdout.split()[1])
    assert [p for p in psutil.process_iter() if str(tmp_path) in " ".join(_environment_of(p))] != []
    stop(pid)
    assert not (tmp_path / "data" / "server.json").exists()


def _environment_of(process: psutil.Process) -> list[str]:
    try:
        return list(process.environ().values())
    except psutil.Error:
        return []


def test_server_json_is_private_and_goes_with_the_server(tmp_path: Path) -> None:
    found = find_or_start(tmp_path / "data")
    record = tmp_path / "data" / "server.json"
    assert stat.S_IMODE(record.stat().st_mode) == 0o600
    assert json.loads(record.read_text())["pid"] == found.pid
    assert find(tmp_path / "data") == found
    stop(found.pid)
    assert not record.exists()
    assert find(tmp_path / "data") is None


def test_everything_written_is_its_owners_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        found = find_or_start(tmp_path / "data")
    finally:
        os.umask(before)
    client = Client(found.url)
    client.blobs.put(b"bytes")
    client.close()
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    stop(found.pid)


def test_a_killed_server_leaves_nothing_that_misleads(tmp_path: Path) -> None:
    first = find_or_start(tmp_path / "data")
    os.kill(first.pid, signal.SIGKILL)
    second = find_or_start(tmp_path / "data")
    assert second.pid != first.pid
    stop(second.pid)


def test_a_server_of_another_folder_on_the_old_port_is_not_taken_for_ours(tmp_path: Path) -> None:
    other = find_or_start(tmp_path / "other")
    stale = json.loads((tmp_path / "other" / "server.json").read_text()) | {"token": "not the token of that server"}
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "server.json").write_text(json.dumps(stale))
    assert find(tmp_path / "data") is None
    stop(other.pid)


def test_an_unused_server_ends_itself(tmp_path: Path) -> None:
    found = find_or_start(tmp_path / "data", idle_exit_s=0.3)
    for _ in range(600):
        if find(tmp_path / "data") is None and not (tmp_path / "data" / "server.json").exists():
            break
        time.sleep(0.4)  # longer than idle_exit_s: asking keeps it alive
    assert not (tmp_path / "data" / "server.json").exists()
    assert found.url


def test_a_taken_port_is_one_sentence_and_changes_nothing(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = fails(tmp_path / "data", port=str(port))
    assert f"Port {port} is used by another program" in said
    assert f"--port {port + 1}" in said
    assert not (tmp_path / "data").exists()


def test_a_second_server_on_the_same_folder_says_where_the_first_is(tmp_path: Path) -> None:
    found = find_or_start(tmp_path / "data")
    assert "Another Fairloop server uses" in fails(tmp_path / "data")
    port = found.url.rsplit(":", 1)[1]
    assert f"already runs on this folder at {found.url}" in fails(tmp_path / "data", port=port)
    stop(found.pid)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.5", "example.org"])
def test_local_mode_listens_on_this_machine_only(tmp_path: Path, host: str) -> None:
    said = fails(tmp_path / "data", host=host)
    assert "without --auth" in said.lower()
    assert repr(host) in said
    assert not (tmp_path / "data").exists()


def test_a_start_that_fails_is_reported_to_who_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAIRLOOP_HOST", "0.0.0.0")
    with pytest.raises(Unavailable, match=r"Without --auth"):
        find_or_start(tmp_path / "data")


def test_s28_a_secured_server_prints_its_setup_token_once(tmp_path: Path) -> None:
    process = subprocess.Popen(START, env=environment(tmp_path, auth="1"), stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        token = process.stdout.readline().strip().rsplit(" ", 1)[1]
        _set_up(tmp_path, token)
    finally:
        process.terminate()
        said = process.communicate()[0]
    assert process.returncode == 0
    assert "fls_" not in said


def _set_up(data: Path, token: str) -> None:
    file = data / "setup-token"
    assert file.read_text().strip() == token
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    while not (data / "server.json").exists():
        time.sleep(0.02)
    client = Client(json.loads((data / "server.json").read_text())["url"])
    with pytest.raises(Unauthenticated):
        client.people.me()
    client.people.setup(token, "ann", "seven tall lamps hum")
    assert client.people.me()["administrator"] is True
    assert not file.exists()
    secret = client.people.create_token("laptop").secret
    client.people.logout()
    client.close()
    with_token = Client(client.url, token=secret)
    assert with_token.people.me()["name"] == "ann"
    with_token.close()


def test_the_request_being_served_ends_before_the_server_does(tmp_path: Path) -> None:
    found = find_or_start(tmp_path / "data")
    host, port = found.url.removeprefix("http://").split(":")
    body = b"x" * 100_000
    with socket.create_connection((host, int(port))) as connection:
        sha256 = hashlib.sha256(body).hexdigest()
        path = f"/api/v1/projects/default/blobs/{sha256}"
        head = f"PUT {path} HTTP/1.1\r\nHost: {host}:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body[:1000])
        time.sleep(0.2)
        ending = threading.Thread(target=stop, args=(found.pid,))
        ending.start()
        time.sleep(0.2)
        connection.sendall(body[1000:])
        assert connection.recv(12) == b"HTTP/1.1 200"
    ending.join()


def test_a_new_folder_answers_soon_and_idles_small(tmp_path: Path) -> None:
    found = find_or_start(tmp_path / "data")
    assert urllib.request.urlopen(f"{found.url}/health").status == 200
    loaded = Path(f"/proc/{found.pid}/maps").read_text()
    heavy = [
        name for name in ("numpy", "pandas", "polars", "pyarrow", "sklearn", "lightgbm", "mlflow") if name in loaded
    ]
    assert heavy == []
    rollup = Path(f"/proc/{found.pid}/smaps_rollup").read_text().splitlines()
    assert sum(int(line.split()[1]) for line in rollup if line.startswith("Pss:")) < 200 * 1024
    stop(found.pid)
