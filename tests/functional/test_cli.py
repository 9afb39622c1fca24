"""The real command in an empty folder: from a table to a watched endpoint, and every kind of mistake."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fairloop.cli import main as cli
from support.serving import end_endpoints

COMMAND = [str(Path(sys.executable).with_name("fairloop"))]


@dataclass
class Shell:
    """A folder and its environment; no server of another folder is ever found from it."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, code: int = 0, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLOOP_")}
        environment |= {"FAIRLOOP_PORT": "0", "XDG_CONFIG_HOME": str(self.folder / "config"), **self.environment}
        done = subprocess.run([*COMMAND, *arguments], cwd=self.folder, env=environment, text=True, capture_output=True,
                              input=stdin, timeout=120)  # fmt: skip
        assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def inside(self, *arguments: str) -> tuple[int, str, str]:
        """The same in this process, where the libraries are loaded already: exit code, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(arguments)
        return code, out.getvalue(), err.getvalue()

    def end(self) -> None:
        record = self.folder / ".fairloop" / "server.json"
        if record.exists():
            os.kill(json.loads(record.read_text())["pid"], signal.SIGTERM)
            for _ in range(200):
                if not record.exists():
                    break
                time.sleep(0.05)
        end_endpoints(self.folder / ".fairloop")


def write_people(path: Path, rows: int = 1200) -> None:
    draw = np.random.default_rng(0)
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["age", "hours", "job", "sex", "income"])
        for _ in range(rows):
            age, hours = int(draw.integers(18, 80)), int(draw.integers(10, 60))
            rich = age + hours + draw.normal(0, 6) > 85
            out.writerow(["" if draw.random() < 0.03 else age, hours, draw.choice(["clerk", "smith"]),
                          draw.choice(["Female", "Male"]), ">50K" if rich else "<=50K"])  # fmt: skip


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    found = Shell(tmp_path_factory.mktemp("work"))
    write_people(found.folder / "people.csv")
    yield found
    found.end()


@pytest.fixture(scope="module")
def live(shell: Shell) -> Shell:
    """The four commands from a table to an endpoint."""
    shell.run("new", "--data", "people.csv", "--target", "income", "--sensitive", "sex")
    ran = shell.run("run", "loop.py")
    assert "started" in ran.stdout
    assert "fairloop approve apr_" in ran.stdout
    approved = shell.run("approve", "--reason", "the numbers hold")
    assert "not verified: local mode" in approved.stdout
    assert "is live with all traffic" in approved.stderr
    return shell


def test_version_and_help_need_no_server(shell: Shell) -> None:
    assert shell.run("--version").stdout.startswith("fairloop ")
    told = shell.run("--help").stdout
    for command in [
        "up",
        "new",
        "run",
        "deploy",
        "demo",
        "status",
        "approve",
        "refuse",
        "predict",
        "feedback",
        "cancel",
        "login",
        "token",
        "doctor",
    ]:
        assert f"\n  {command} " in told
    assert not (shell.folder / ".fairloop").exists()


def test_predict_by_row_and_by_file(live: Shell) -> None:
    row = json.dumps({"age": 70, "hours": 55, "job": "clerk"})
    told = live.run("predict", "people", "--row", row).stdout
    assert "prd_" in told
    assert "prediction" in told
    answer = live.json("predict", "people", "--file", "people.csv", "--sensitive", "sex")
    assert len(answer["predictions"]) == len(answer["prediction_ids"]) == 1200
    one = live.json("predict", "people", "--row", row, "--row", row, "--sensitive", '{"sex": "Female"}')
    assert one["scores"][0] == one["scores"][1]
    (live.folder / "rows.jsonl").write_text(row + "\n" + row + "\n")
    assert live.json("predict", "people", "--file", "rows.jsonl")["scores"] == one["scores"]


def test_feedback_then_a_watch_run_judges(live: Shell) -> None:
    answer = live.json("predict", "people", "--file", "people.csv", "--sensitive", "sex")
    assert live.json("feedback", "people", answer["prediction_ids"][0], "--label", ">50K")["accepted"] == 1
    with (live.folder / "labels.csv").open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["prediction_id", "label", "sex"])
        out.writerows((p, ">50K" if y else "<=50K", "Male") for p, y in
                      zip(answer["prediction_ids"], answer["predictions"], strict=True))  # fmt: skip
    told = live.run("feedback", "people", "--file", "labels.csv", "--sensitive", "sex").stdout
    assert told.startswith("1200 accepted")
    monitor = live.json("monitors", "list")["items"][0]
    assert "done" in live.run("monitors", "run", monitor["id"]).stdout
    assert live.json("alerts", "list", "--where", "state=open")["items"] == []


@pytest.fixture
def near(live: Shell, monkeypatch: pytest.MonkeyPatch) -> Shell:
    """The live folder as the working folder of this process."""
    monkeypatch.chdir(live.folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(live.folder / "config"))
    for name in [n for n in os.environ if n.startswith("FAIRLOOP_")]:
        monkeypatch.delenv(name)
    return live


def test_status_reads_well_without_colour(live: Shell) -> None:
    told = live.run("status").stdout
    assert "Nothing waits for a decision." in told
    assert "\x1b" not in told
    assert live.json("status")["endpoints"][0]["name"] == "people"


def test_every_noun_lists_and_shows(near: Shell) -> None:
    for noun in (
        "loops",
        "approvals",
        "alerts",
        "monitors",
        "endpoints",
        "models",
        "datasets",
        "runs",
        "pipelines",
        "cycles",
    ):
        code, told, _ = near.inside(noun, "list")
        assert (code, bool(told)) == (0, True)
        page = json.loads(near.inside(noun, "list", "--json", "--limit", "5")[1])
        for item in page["items"][:1]:
            by_name = {"loops": "name", "endpoints": "name", "models": "name", "datasets": "dataset"}
            assert near.inside(noun, "show", item[by_name.get(noun, "id")])[0] == 0
    cycle = json.loads(near.inside("cycles", "list", "--json")[1])["items"][0]
    assert "is live with all traffic" in near.inside("cycles", "show", cycle["id"])[1]
    assert json.loads(near.inside("models", "show", "people", "--json")[1])["aliases"] == {"production": 1}


def test_deploy_beside_another(live: Shell) -> None:
    done = live.json("deploy", "models:/people@production", "--endpoint", "second")
    assert done["state"] == "live"
    told = live.run("deploy", "models:/people/7", code=2).stderr
    assert "No such model version" in told


def test_tokens(live: Shell) -> None:
    made = live.run("token", "create", "ci")
    assert made.stdout.startswith("flp_")
    found = next(t for t in live.json("token", "list")["items"] if t["name"] == "ci")
    live.run("token", "revoke", found["id"])
    assert "revoked" in live.run("token", "list").stdout
    assert "No such token" in live.run("token", "revoke", found["id"] + "x", code=2).stderr


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["nonsense"], 2, "No such command 'nonsense'"),
    (["predict", "people"], 2, "--row"),
    (["predict", "people", "--row", "{age: 3}"], 2, "--row is not JSON"),
    (["predict", "nobody", "--row", "{}"], 2, "No such endpoint"),
    (["predict", "people", "--row", '{"age": "old", "hours": 3, "job": "clerk"}'], 2, "'age'"),
    (["predict", "people", "--file", "none.csv"], 2, "no file 'none.csv'"),
    (["predict", "people", "--file", "people.csv", "--sensitive", "race"], 2, "no column 'race'"),
    (["run", "none.py"], 2, "no file 'none.py'"),
    (["approve", "--reason", "yes"], 2, "Nothing waits"),
    (["approve", "apr_x", "--reason", "yes"], 2, "No such approval"),
    (["deploy", "people"], 2, "names no model version"),
    (["cancel", "xyz"], 2, "neither a cycle"),
    (["alerts", "show", "alr_x"], 2, "No such alert"),
    (["alerts", "list", "--where", "color=red"], 2, "narrowed by: state"),
    (["status", "--url", "http://127.0.0.1:9"], 3, "No Fairloop server answers"),
    (["status", "--person", "Nobody Known"], 4, "Nobody named"),
    (["new", "--data", "people.csv", "--target", "income"], 2, "loop.py exists"),
    (["new", "--data", "people.csv", "--target", "pay", "--out", "x.py"], 2, "'pay'"),
])  # fmt: skip
def test_mistakes_are_one_sentence_with_the_fix(near: Shell, arguments: list[str], code: int, words: str) -> None:
    found, _, told = near.inside(*arguments)
    assert (found, words in told) == (code, True), told
    assert len(told.strip().splitlines()) == 1
    assert told.startswith("fairloop: ")


@pytest.mark.parametrize(("arguments", "code", "words"), [
    (["up", "--port", "0"], 4, "nother"),
    (["up", "--host", "0.0.0.0", "--port", "0", "--data", "other"], 2, "--auth"),
])  # fmt: skip
def test_a_server_that_may_not_start_says_why(live: Shell, arguments: list[str], code: int, words: str) -> None:
    told = live.run(*arguments, code=code).stderr
    assert words in told
    assert len(told.strip().splitlines()) == 1


def test_debug_shows_the_traceback(live: Shell) -> None:
    done = subprocess.run(
        [*COMMAND, "status", "--url", "http://127.0.0.1:9", "--debug"], capture_output=True, text=True
    )
    assert done.returncode == 3
    assert "Traceback" in done.stderr


def test_doctor(shell: Shell) -> None:
    found = {entry["what"]: entry for entry in shell.json("doctor")}
    assert found["disk space"]["state"] in {"ok", "warning"}
    assert {"SQLite", "git", "libgomp", "data folder", "clock", "server"} <= set(found)
    loose = shell.folder / "loose"
    loose.mkdir()
    loose.chmod(0o755)
    assert "chmod 700" in shell.run("doctor", "--data", str(loose)).stdout


def test_login_keeps_a_token_only_its_owner_can_read(live: Shell) -> None:
    url = live.json("status")["url"]
    secret = live.run("token", "create", "laptop").stdout.strip()
    live.run("login", "--url", url, "--token-stdin", stdin=secret + "\n")
    file = live.folder / "config" / "fairloop" / "login.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["current"] == url
    elsewhere = Shell(live.folder / "elsewhere", {"XDG_CONFIG_HOME": str(live.folder / "config")})
    elsewhere.folder.mkdir()
    assert elsewhere.json("status")["url"] == url
    assert live.run("login", "--url", url, "--token-stdin", stdin="flp_wrong\n", code=4).stderr.startswith("fairloop: ")
