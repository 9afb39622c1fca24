"""What goes wrong is told in one sentence with the fix, and nothing is changed: the same rows and files as before.

Every mistake is made through the command line, against a server with one live loop.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import resource
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.conftest import RunningServer, running

from fairloop.cli import main as cli
from support.loops import people
from support.serving import end_endpoints

pytestmark = pytest.mark.slow
ROW = {"skill": 0.1, "place": 0.2, "luck": 0.3}
LOOP = """
import fairloop as fl

@fl.step
def split(rows: fl.Table) -> tuple[fl.Table, fl.Table, fl.Table]:
    return rows.split(0.4, 0.2, 0.4)

@fl.step
def fit(train: fl.Table) -> fl.Model:
    from sklearn.linear_model import LogisticRegression
    return fl.Model(LogisticRegression().fit(train.X, train.y, sample_weight=train.weight))

@fl.pipeline
def learn(rows: fl.Table):
    train, valid, test = split(rows)
    return fl.candidate(fit(train), valid, test)

loop = fl.Loop(
    name="people",
    data=fl.Data("people.parquet", target="label", positive="good", sensitive=["group"]),
    pipeline=learn,
    gates=[fl.gate("roc_auc", at_least=0.6)],
)
"""


@dataclass
class Desk:
    """A folder with a table and a loop file, beside a server that runs for it."""

    folder: Path
    data: Path
    server: RunningServer

    def say(self, *arguments: str) -> tuple[int, str, str]:
        """A command in this process: exit code, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = cli.run(arguments)
        return code, out.getvalue(), err.getvalue()

    def state(self) -> dict[str, Any]:
        """How many rows each table has, and every stored file."""
        path = self.data / "fairloop.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as plain:
            names = [n for (n,) in plain.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            found: dict[str, Any] = {n: plain.execute(f'SELECT count(*) FROM "{n}"').fetchone()[0] for n in names}
        kept = [p for folder in ("artifacts", "logs") for p in (self.data / folder).rglob("*") if p.is_file()]
        return found | {"files": sorted(map(str, kept)), "here": sorted(p.name for p in self.folder.iterdir())}

    def refused(self, *arguments: str, code: int, words: str) -> None:
        """The command ends with ``code`` and one sentence that holds ``words``; nothing has changed."""
        before = self.state()
        found, _, told = self.say(*arguments)
        assert re.search(words, told), told
        assert found == code, told
        lines = told.strip().splitlines()
        assert len(lines) == 1, told
        assert lines[0].startswith("fairloop: ")
        assert "Something went wrong inside" not in told
        assert "Traceback" not in told
        assert self.state() == before


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    data = tmp_path_factory.mktemp("data")
    people().write_parquet(folder / "people.parquet")
    (folder / "loop.py").write_text(LOOP)
    try:
        with running(data) as server:
            yield Desk(folder, data, server)
    finally:
        end_endpoints(data)


@pytest.fixture
def here(world: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    """The folder as the working folder of this process, its server as the one commands speak to."""
    for name in [n for n in os.environ if n.startswith("FAIRLOOP_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(world.folder)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("FAIRLOOP_URL", world.server.url)
    return world


@pytest.fixture
def live(here: Desk) -> Desk:
    if here.say("endpoints", "show", "people")[0] != 0:
        code, told, wrong = here.say("run", "loop.py")
        assert code == 0, told + wrong
    return here


def changed(desk: Desk, old: str, new: str) -> str:
    """The loop file with one thing changed, under another name."""
    assert old in LOOP
    name = "wrong.py"
    (desk.folder / name).write_text(LOOP.replace(old, new))
    return name


# ---------------------------------------------------------------------- the loop file
@pytest.mark.parametrize(("old", "new", "words"), [
    ("pipeline=learn,", "pipeline=learn", r"wrong\.py, line \d+: .*comma"),
    ("at_least=0.6", "at_least=limit", r"wrong\.py, line \d+: NameError: name 'limit'"),
    ('"roc_auc"', '"rocauc"', r"wrong\.py, line \d+: Unknown metric 'rocauc'; known are: .*roc_auc"),
    ("at_least=0.6", "", r"needs exactly one of at_least"),
    ("import fairloop as fl", "import fairlop as fl", r"'fairlop' is not installed here"),
    ("loop = fl.Loop(", "fl.Loop(", r"defines no loop"),
    ("gates=[", "gate=[", r"line \d+: TypeError: .*'gate'"),
    ("pipeline=learn,", "pipeline=split,", r"is not a pipeline; decorate"),
    ("return fl.candidate(fit(train), valid, test)", "return fit(train)", r"must end in one fl\.candidate"),
    ("gates=[", "approval=fl.Approval(role='viewer'), gates=[", r"role 'viewer' may not approve models; use manager"),
    ("gates=[", "approval=fl.Approval(expires='soon'), gates=[", r"'soon'"),
    ("gates=[", "rollout=fl.Canary(steps=[10, 50]), gates=[", r"must rise to 100"),
    ("gates=[", "rollout=fl.Canary(judge_by=['sex']), gates=[", r"judged by 'sex'.*add it to Data"),
    ("gates=[", "watch=[fl.Drift(), fl.Drift()], gates=[", r"'drift' stands twice"),
    ("gates=[", "watch_every='10ms', gates=[", r"10ms"),
    ("gates=[", "mitigate=['magic'], gates=[", r"Unknown mitigation 'magic'; choose from reweighing"),
    ("gates=[", "on_alert='panic', gates=[", r"on_alert='panic'; choose one of"),
    ('name="people"', 'name="my/people"', r"'my/people'"),
])  # fmt: skip
def test_a_broken_loop_file(here: Desk, old: str, new: str, words: str) -> None:
    name = changed(here, old, new)
    here.refused("run", name, code=2, words=words)


@pytest.mark.parametrize(("old", "new", "words"), [
    ("gates=[", "window='many', gates=[", r"window='many': give a whole number"),
    ("gates=[fl.gate(\"roc_auc\", at_least=0.6)]", "gates=fl.gate(\"roc_auc\", at_least=0.6)", r"give a list of fl\.gate"),
    ("at_least=0.6", "at_least='high'", r"threshold of roc_auc is 'high'; give a finite number"),
    ("gates=[", "mitigate='reweighing', gates=[", r"mitigate='reweighing': give a list"),
    ("gates=[", "approval='manager', gates=[", r"approval='manager': give fl\.Approval"),
    ('fl.Data("people.parquet", target="label", positive="good", sensitive=["group"])', '"people.parquet"',
     r"data='people\.parquet': give fl\.Data"),
    ('sensitive=["group"]', 'sensitive="group"', r"sensitive='group'\): give a list"),
    ("at_least=0.6", "at_least=float('nan')", r"threshold of roc_auc is nan; give a finite number"),
])  # fmt: skip
def test_a_wrong_type_or_nan_in_the_loop_file(here: Desk, old: str, new: str, words: str) -> None:
    here.refused("run", changed(here, old, new), code=2, words=words)


# ---------------------------------------------------------------------- the data
@pytest.mark.parametrize(("old", "new", "words"), [
    ('target="label"', 'target="labels"', r"no column 'labels'.*skill"),
    ('sensitive=["group"]', 'sensitive=["sex"]', r"'sex'.*group"),
    ('positive="good"', 'positive="great"', r"positive='great' is not among.*'good'"),
    ('"people.parquet"', '"persons.parquet"', r"persons\.parquet"),
    ('"people.parquet"', '"persons"', r"no dataset, file or sample called 'persons'"),
])  # fmt: skip
def test_a_missing_column_or_file(here: Desk, old: str, new: str, words: str) -> None:
    here.refused("run", changed(here, old, new), code=2, words=words)


@pytest.mark.parametrize(("name", "frame", "words"), [
    ("nan", people(200).with_columns(label=pl.when(pl.col("luck") > 1).then(np.nan).otherwise(pl.col("luck"))),
     r"target 'label' is NaN or infinite in \d+ of 200 rows; remove these rows"),
    ("infinite", people(200).with_columns(label=pl.Series([float("inf"), *[0.5] * 199])), r"NaN or infinite in 1 of 200"),
    ("gaps", people(200).with_columns(label=pl.Series([None, *["good", "bad"] * 99, "bad"])), r"missing in 1 of 200 rows"),
    ("same", people(200).with_columns(label=pl.lit("good")), r"nothing to learn"),
    ("empty", people(200).clear(), r"no rows"),
    ("lone", people(200).with_columns(group=pl.lit("A")), r"only one group"),
])  # fmt: skip
def test_a_table_that_cannot_be_learned_from(here: Desk, name: str, frame: pl.DataFrame, words: str) -> None:
    frame.write_parquet(here.folder / f"{name}.parquet")
    text = LOOP.replace("people.parquet", f"{name}.parquet")
    if frame["label"].dtype.is_float():
        text = text.replace('positive="good", ', "").replace('"roc_auc"', '"r2"')
    (here.folder / "wrong.py").write_text(text)
    here.refused("run", "wrong.py", code=2, words=words)


def test_a_file_that_is_no_table(here: Desk) -> None:
    (here.folder / "people2.parquet").write_bytes(b"PAR1 but not really")
    here.refused("run", changed(here, "people.parquet", "people2.parquet"), code=2, words=r"people2\.parquet")


# ---------------------------------------------------------------------- requests
@pytest.mark.parametrize(("row", "words"), [
    ({"skill": 0.1, "place": 0.2}, r"'luck'"),
    (ROW | {"luck": "high"}, r"'luck'"),
    (ROW | {"luck": [1]}, r"'luck'"),
    ("[1, 2]", r"--row"),
    ('{"skill": 0.1, "place": 0.2, "luck": NaN}', r"NaN"),
    ('{"skill": 0.1, "place": 0.2, "luck": 1e999}', r"infinite|finite|1e999"),
])  # fmt: skip
def test_a_row_the_model_cannot_read(live: Desk, row: Any, words: str) -> None:
    live.refused("predict", "people", "--row", row if isinstance(row, str) else json.dumps(row), code=2, words=words)


def test_a_label_that_is_no_answer(live: Desk) -> None:
    told = json.loads(live.say("predict", "people", "--row", json.dumps(ROW), "--json")[1])
    (prediction,) = told["prediction_ids"]
    live.refused("feedback", "people", prediction, "--label", "NaN", code=2, words=r"NaN")
    live.refused("feedback", "people", "prd_nothing", "--label", "good", code=2, words=r"prediction")


# ---------------------------------------------------------------------- the model
def test_a_model_that_fails_its_smoke_test(live: Desk) -> None:
    client = live.server.client()
    client.models.create_version("bad", {"MLmodel": b"flavors: {}\n", "model.lgb": b"nonsense"})
    shares = [(d.id, d.share) for d in client.endpoints.deployments("people") if d.share]
    code, _, told = live.say("deploy", "models:/bad/1", "--endpoint", "people")
    assert code == 1
    assert "bad version 1 failed its smoke test and sees no traffic: Fairloop loads the flavors sklearn" in told
    assert len(told.strip().splitlines()) == 2, told  # what it does, and what came out
    assert "Traceback" not in told
    assert [(d.id, d.share) for d in client.endpoints.deployments("people") if d.share] == shares
    assert live.say("predict", "people", "--row", json.dumps(ROW))[0] == 0


# ---------------------------------------------------------------------- the machine
@contextlib.contextmanager
def full_disk(pid: int) -> Iterator[None]:
    """No file of this process can grow: every write ends like one on a full disk."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def test_a_full_disk(live: Desk) -> None:
    """What asks for a write is refused, what only reads goes on, and afterwards all is as before."""
    name = changed(live, "at_least=0.6", "at_least=0.65")
    with full_disk(live.server.process.pid):
        live.refused("run", name, code=3, words=r"disk is full.*Free some space")
        live.refused("token", "create", "ci", code=3, words=r"disk is full.*Free some space")
        assert live.say("status")[0] == 0
        assert live.say("predict", "people", "--row", json.dumps(ROW))[0] == 0  # the endpoint has a disk of its own
    assert live.server.process.poll() is None
    assert live.server.client().audit.verify().ok
    assert live.say("token", "create", "ci")[0] == 0


def test_a_server_on_a_full_disk_does_not_start_half(tmp_path: Path) -> None:
    def nothing_grows() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    done = up(tmp_path, "--port", "0", "--data", "new", preexec_fn=nothing_grows)
    assert done.returncode == 3, done.stderr
    assert re.search("disk is full.*Free some space", done.stderr)
    assert len(done.stderr.strip().splitlines()) == 1
    assert "Traceback" not in done.stderr


def test_a_port_in_use(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = up(tmp_path, "--port", str(port), "--data", "new")
    assert done.returncode == 4
    assert done.stderr.strip() == (
        f"fairloop: Port {port} is used by another program; choose another with --port, for example --port {port + 1}. "
        "Nothing was changed."
    )
    assert list(tmp_path.iterdir()) == []


def up(folder: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("fairloop")), "up", *arguments]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("FAIRLOOP_")}
    return subprocess.run(command, cwd=folder, env=environment, text=True, capture_output=True, timeout=60, **options)
