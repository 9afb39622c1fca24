"""Pipelines on a real server with real worker processes, written as a user would."""

from __future__ import annotations

import dataclasses
import importlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import psutil
import pytest

import fairloop as fl
from fairloop.client.client import Client
from fairloop.core.datasets import Roles
from fairloop.core.pipelines import Graph, State
from fairloop.core.records import to_plain
from fairloop.errors import InvalidInput, StepFailed
from fairloop.pipelines import context
from fairloop.pipelines.graph import system_step
from fairloop.sdk.result import PipelineResult


@pytest.fixture(scope="module")
def client(server: object) -> Iterator[Client]:
    made = Client(server.url)  # type: ignore[attr-defined]
    yield made
    made.close()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., ModuleType]:
    """Write a module into a project folder and import it, again after each change."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def write(name: str, text: str) -> ModuleType:
        (tmp_path / f"{name}.py").write_text(text)
        sys.modules.pop(name, None)
        importlib.invalidate_caches()
        # the file may change within the granularity of its time stamp: no cached bytecode may answer for it
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        return importlib.import_module(name)

    return write


def until(true: Callable[[], bool], limit_s: float = 30) -> None:
    began = time.monotonic()
    while not true():
        assert time.monotonic() - began < limit_s, "it never came true"
        time.sleep(0.02)


CHAIN = """
import fairloop as fl

@fl.step(cache=False)
def split(n: int) -> tuple[int, int]:
    print("splitting", n)
    return n // 2, n - n // 2

@fl.step(cache=False)
def add(left: int, right: int, *, scale: float = 1.0) -> dict:
    return {"sum": left + right, "scale": scale}

@fl.pipeline
def chain(n: int, scale: float = 2.0):
    left, right = split(n)
    return {"answer": add(left, right=right, scale=scale), "parts": [left, right], "n": n, "fixed": 7}
"""


def test_a_pipeline_runs_and_gives_its_values(client: Client, project: Callable[..., ModuleType]) -> None:
    result = project("chains", CHAIN).chain.run(client=client, n=9, quiet=True)
    assert result.state is State.DONE
    assert result.outputs == {"answer": {"sum": 9, "scale": 2.0}, "parts": [4, 5], "n": 9, "fixed": 7}
    assert [s.key for s in result.steps] == ["split", "add"]
    used = result.steps[0].used
    assert used["memory_bytes"] > 1_000_000
    assert used["cost_usd"] > 0
    assert 0 <= used["cpu_s"] <= used["wall_s"] + 1
    assert result.log("split") == "splitting 9"
    assert "splitting" not in result._repr_html_()
    assert "add" in result._repr_html_()
    captured = result.run.capture
    assert captured.hardware["cores"] >= 1
    assert captured.python == sys.executable
    assert "fairloop==" in client.blobs.get(captured.environment).decode()


def test_progress_is_told_in_lines(
    client: Client, project: Callable[..., ModuleType], capsys: pytest.CaptureFixture[str]
) -> None:
    project("told", CHAIN).chain.run(client=client, n=2)
    told = capsys.readouterr().err
    assert "split" in told
    assert "done in" in told


def test_closures_and_their_values(client: Client) -> None:
    factor = 3

    @fl.step(cache=False)
    def times(x: int) -> int:
        return x * factor

    @fl.pipeline
    def closed(x: int = 2):
        return times(times(x))

    assert closed.run(client=client, quiet=True).outputs == 18


def test_dataclasses_of_the_project_pass_between_steps(client: Client, project: Callable[..., ModuleType]) -> None:
    module = project(
        "shapes",
        """
from dataclasses import dataclass
import fairloop as fl

@dataclass(frozen=True)
class Box:
    sides: tuple[int, int]

@fl.step
def make(a: int) -> Box:
    return Box((a, a + 1))

@fl.step
def area(box: Box) -> tuple[int, Box]:
    assert isinstance(box, Box)
    return box.sides[0] * box.sides[1], box

@fl.pipeline
def boxes(a: int = 3):
    found, box = area(make(a))
    return found, box
""",
    )
    found, box = module.boxes.run(client=client, quiet=True).outputs
    assert found == 12
    assert box == module.Box((3, 4))
    assert dataclasses.is_dataclass(box)


def test_values_too_large_for_a_row_go_by_hash(client: Client) -> None:
    @fl.step(cache=False)
    def large() -> tuple[list, dict]:
        import numpy as np

        return list(range(20_000)), {"array": np.arange(5.0), "odd": (1, 2)}

    @fl.step(cache=False)
    def look(numbers: list, things: dict) -> list:
        return [len(numbers), float(things["array"].sum()), type(things["odd"]).__name__]

    @fl.pipeline
    def sizes():
        numbers, things = large()
        return look(numbers, things)

    result = sizes.run(client=client, quiet=True)
    assert result.outputs == [20_000, 10.0, "tuple"]
    assert [o["kind"] for o in result.steps[0].outputs] == ["json", "pickle"]


EDITED = """
import fairloop as fl
from support_of_edited import OFFSET
@fl.step
def shift(x: int) -> int:
    {comment}
    return x + OFFSET {change}
@fl.step
def untouched(x: int) -> int:
    return x
@fl.pipeline
def edited(x: int = 1):
    return shift(untouched(x))
"""


def test_an_edited_module_runs_new_code_and_only_then(client: Client, project: Callable[..., ModuleType]) -> None:
    def run(offset: int, change: str = "", comment: str = "") -> tuple[int, list[bool]]:
        project("support_of_edited", f"OFFSET = {offset}\n")
        module = project("edited", EDITED.format(change=change, comment=comment))
        result = module.edited.run(client=client, quiet=True)
        return result.outputs, [s.cached_from is not None for s in result.steps]

    assert run(10) == (11, [False, False])
    assert run(10) == (11, [True, True])
    assert run(10, comment="# only a remark") == (11, [True, True])
    assert run(10, change="+ 1") == (12, [True, False])
    assert run(20, change="+ 1") == (22, [True, False])


SCRIPT = """
from dataclasses import dataclass
import fairloop as fl
import beside

@dataclass
class Pair:
    a: int
    b: int

OFFSET = 100

@fl.step
def make(n: int) -> Pair:
    return Pair(n, beside.double(n))

@fl.step
def total(pair: Pair) -> int:
    assert isinstance(pair, Pair), type(pair)
    return pair.a + pair.b + OFFSET

@fl.pipeline
def scripted(n: int = 4):
    pair = make(n)
    return pair, total(pair)

if __name__ == "__main__":
    pair, found = scripted.run(n=4).outputs
    assert isinstance(pair, Pair)
    print("found", found, pair.b)
"""


def test_a_script_defines_its_steps_in_main(server: object, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    (tmp_path / "beside.py").write_text("def double(n):\n    return 2 * n\n")
    environment = os.environ | {"FAIRLOOP_URL": server.url}  # type: ignore[attr-defined]
    for _ in range(2):
        done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, env=environment, capture_output=True,
                              text=True, timeout=60, check=False)  # fmt: skip
        assert done.stdout == "found 112 8\n", done.stderr
        assert "from cache" not in done.stderr  # the class of a pair is this session's own


def test_a_failing_step_says_where_and_why(client: Client, project: Callable[..., ModuleType]) -> None:
    module = project(
        "breaks",
        """
import fairloop as fl
@fl.step
def broken(x: int) -> int:
    print("about to break")
    return 1 // (x - x)
@fl.step
def never(x: int) -> int:
    return x
@fl.pipeline
def breaks(x: int = 1):
    return never(broken(x))
""",
    )
    with pytest.raises(StepFailed, match="Step 'broken' failed: ZeroDivisionError"):
        module.breaks.run(client=client, quiet=True)
    run = client.pipelines.list().items[0]
    steps = client.pipelines.steps(run.id)
    assert [str(s.state) for s in steps] == ["failed", "skipped"]
    assert "breaks.py, line 6" in steps[0].error
    log = list(client.pipelines.log(steps[0].id))
    assert log[0].text == "about to break"
    assert any("ZeroDivisionError" in line.text and line.stream == "err" for line in log)


@pytest.mark.parametrize(("code", "words"), [
    ("import os; os._exit(3)", "exit code 3"),
    ("import sys; sys.exit('enough')", "sys.exit"),
    ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "SIGSEGV"),
    ("import threading; return threading.Lock()", "cannot pass between steps"),
])  # fmt: skip
def test_ends_that_are_no_result(client: Client, project: Callable[..., ModuleType], code: str, words: str) -> None:
    module = project(
        "ends",
        f"""
import fairloop as fl
@fl.step(cache=False)
def ends() -> int:
    {code}
@fl.pipeline
def ending():
    return ends()
""",
    )
    with pytest.raises(StepFailed, match=words):
        module.ending.run(client=client, quiet=True)


def test_a_step_is_tried_again(client: Client, tmp_path: Path) -> None:
    marker = tmp_path / "tries"

    @fl.step(retries=2, cache=False)
    def moody(marker: str) -> int:
        from pathlib import Path

        tries = len(Path(marker).read_text()) + 1 if Path(marker).exists() else 1
        Path(marker).write_text("x" * tries)
        if tries < 3:
            raise RuntimeError(f"try {tries}")
        return tries

    @fl.pipeline
    def stubborn(marker: str):
        return moody(marker)

    result = stubborn.run(client=client, marker=str(marker), quiet=True)
    assert result.outputs == 3
    assert result.steps[0].attempt == 3


def test_time_is_limited(client: Client) -> None:
    @fl.step(time="1s", cache=False)
    def endless() -> None:
        import time

        print("begun", flush=True)
        time.sleep(600)

    @fl.pipeline
    def limited():
        return endless()

    with pytest.raises(StepFailed, match="longer than its 1 s"):
        limited.run(client=client, quiet=True)


def test_logs_arrive_while_the_step_runs(client: Client, tmp_path: Path) -> None:
    gate = tmp_path / "gate"

    @fl.step(cache=False)
    def chatty(gate: str) -> str:
        import subprocess
        import sys
        import time
        from pathlib import Path

        print("first line")
        print("to stderr", file=sys.stderr)
        subprocess.run(["echo", "from a child"], check=True)
        while not Path(gate).exists():
            time.sleep(0.02)
        sys.stdout.write("no newline at the end")
        return "ok"

    @fl.pipeline
    def talking(gate: str):
        return chatty(gate)

    result = talking.run(client=client, gate=str(gate), wait=False)
    step = result.steps[0]

    def texts() -> list[str]:
        return [line.text for line in client.pipelines.log(step.id)]

    until(lambda: {"first line", "to stderr", "from a child"} <= set(texts()))
    assert client.pipelines.step(step.id).state is State.RUNNING
    events: list[bytes] = []
    path = f"{client.path}/pipeline-runs/{result.id}/events"
    reader = threading.Thread(target=lambda: events.extend(client.http.stream(path)))
    reader.start()
    gate.touch()
    assert result.wait(quiet=True).outputs == "ok"
    assert "no newline at the end" in texts()
    reader.join(20)
    told = b"".join(events)
    assert b"event: run" in told
    assert b'"state":"done"' in told


def test_cancel_ends_the_whole_process_tree(client: Client, tmp_path: Path) -> None:
    note = tmp_path / "pids"

    @fl.step(cache=False, retries=3)
    def family(note: str) -> None:
        import os
        import subprocess
        import time
        from pathlib import Path

        plain = subprocess.Popen(["sleep", "600"])
        apart = subprocess.Popen(["sleep", "600"], start_new_session=True)
        Path(note + ".tmp").write_text(f"{os.getpid()} {plain.pid} {apart.pid}")
        Path(note + ".tmp").rename(note)
        time.sleep(600)

    @fl.step
    def later(x: None) -> None: ...

    @fl.pipeline
    def familial(note: str):
        return later(family(note))

    result = familial.run(client=client, note=str(note), wait=False)
    until(note.exists)
    pids = [int(text) for text in note.read_text().split()]
    assert all(psutil.pid_exists(pid) for pid in pids)
    result.cancel()
    assert result.wait(quiet=True).state is State.CANCELLED
    assert [str(s.state) for s in result.steps] == ["cancelled", "cancelled"]
    until(lambda: not any(_alive(pid) for pid in pids), 10)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def test_workers_stay_warm_and_are_shared_by_runs(client: Client, project: Callable[..., ModuleType]) -> None:
    module = project(
        "warm",
        """
import os
import fairloop as fl
@fl.step(cache=False)
def who(x: int) -> int:
    return os.getpid()
@fl.pipeline
def warm(x: int = 0):
    return who(x), who(x)
""",
    )
    pids = {pid for _ in range(3) for pid in module.warm.run(client=client, quiet=True).outputs}
    assert len(pids) <= (os.cpu_count() or 1)


def test_more_than_one_kind_of_worker_than_there_is_room_for(client: Client) -> None:
    """Different environments cannot share a worker: idle ones make room."""
    results: list[PipelineResult] = []
    for number in range(4):

        @fl.step(cache=False)
        def named(n: int) -> int:
            return n

        @fl.pipeline
        def crowd(n: int):
            return named(n)

        graph, capture = crowd.prepare(client)
        run = client.pipelines.start(graph, dataclasses.replace(capture, environment=f"{number:064d}"), {"n": number})
        results.append(PipelineResult(client, run))
    assert [r.wait(quiet=True).outputs for r in results] == [0, 1, 2, 3]


def test_a_missing_interpreter_or_snapshot_fails_with_words(client: Client) -> None:
    @fl.step(cache=False)
    def any_step() -> int:
        return 1

    @fl.pipeline
    def lost():
        return any_step()

    graph, capture = lost.prepare(client)
    run = client.pipelines.start(graph, dataclasses.replace(capture, snapshot="0" * 64))
    ended = client.pipelines.wait(run.id, timeout_s=60)
    assert ended.state is State.FAILED
    assert "No such file" in ended.error


def test_a_system_step_needs_no_sources(client: Client) -> None:
    step = system_step("size", "fairloop.core.units", "parse_bytes", {"value": {"value": "2KiB"}})
    run = client.pipelines.wait(client.pipelines.start(Graph(name="measure", steps=[step])).id, timeout_s=60)
    assert run.state is State.DONE
    assert client.pipelines.steps(run.id)[0].outputs == [{"json": 2048}]


def test_a_schedule_starts_a_pipeline(client: Client) -> None:
    step = system_step("size", "fairloop.core.units", "parse_bytes", {"value": {"value": "3KiB"}})
    body = {"graph": to_plain(Graph(name="again", steps=[step])), "capture": {}, "params": {}, "every_s": 1}
    made = client.http.json("POST", f"{client.path}/schedules", json=body)
    until(lambda: sum(run.pipeline == "again" for run in client.pipelines.list().items) >= 2)
    client.http.json("DELETE", f"{client.path}/schedules/{made['id']}")
    assert client.http.json("GET", f"{client.path}/schedules")["items"] == []


def test_what_a_step_knows_of_its_run(client: Client) -> None:
    @fl.step(cache=False)
    def inner() -> str:
        from fairloop.pipelines.context import current

        return current().key

    @fl.pipeline
    def outer():
        return inner()

    assert outer.run(client=client, quiet=True).outputs == "inner"
    with pytest.raises(InvalidInput, match="only inside a step"):
        context.current()


def test_mlflow_inside_a_trainer_logs_to_the_steps_run(client: Client, project: Callable[..., ModuleType]) -> None:
    module = project(
        "trains",
        """
import fairloop as fl
import numpy as np
import pandas as pd
import polars as pl

@fl.step(cache=False)
def fit(people: fl.Table, C: float = 1.0) -> fl.Model:
    import mlflow
    from sklearn.linear_model import LogisticRegression
    mlflow.log_metric("loss", 0.25, step=3)
    mlflow.log_param("flavour", "plain")
    return fl.Model(LogisticRegression(C=C).fit(people.X, people.y))

@fl.step(cache=False)
def score(model: fl.Model, people: fl.Table) -> list:
    import mlflow
    assert mlflow.active_run() is None
    return [round(float(v), 6) for v in model.scores(people.X)]

@fl.pipeline
def trains(people: fl.Table, C: float = 1.0):
    model = fit(people, C=C)
    return model, score(model, people)
""",
    )
    import polars as pl

    frame = pl.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 1.0, 0.0], "sex": ["f", "m", "f", "m"],
                          "y": ["no", "no", "yes", "yes"]})  # fmt: skip
    roles = Roles(target="y", positive="yes", sensitive=["sex"])
    result = module.trains.run(client=client, people=fl.Table(frame, roles), C=0.5, quiet=True)
    model, scores = result.outputs
    assert scores == [round(float(v), 6) for v in model.scores(fl.Table(frame, roles).X)]
    fit, score = result.steps
    assert score.run_id is None
    assert fit.run_id is not None
    run = client.runs.get(fit.run_id)
    assert run.params["flavour"] == "plain"
    assert run.params["C"] == "0.5"
    latest = {m.key: m.value for m in run.metrics}
    assert latest["loss"] == 0.25
    assert latest["system/memory_bytes"] > 0
    until(lambda: client.runs.get(str(fit.run_id)).status == "FINISHED")
    assert run.step_run_id == fit.id
