"""The loop as eight stations: where it stands, from rows the caller fetched."""

from __future__ import annotations

from dataclasses import dataclass, field

from fairloop.core.checks import Status
from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent, Stage
from fairloop.core.endpoints import Deployment, DeploymentState, Endpoint, Rollout
from fairloop.core.monitors import Alert, Window
from fairloop.server.pages.words import state

NAMES = (
    ("data", "Data"),
    ("train", "Train"),
    ("evaluate", "Evaluate"),
    ("gate", "Gate"),
    ("approve", "Approve"),
    ("roll_out", "Roll out"),
    ("serve", "Serve"),
    ("watch", "Watch"),
)
_REACHED = {Stage.DATA: 0, Stage.TRAIN: 1, Stage.MITIGATE: 1, Stage.GATE: 3, Stage.APPROVE: 4, Stage.ROLL_OUT: 5}
_TONES = {
    "pass": ("check", "Done"),
    "fail": ("x", "Failed"),
    "run": ("run", "Running"),
    "wait": ("person", "Waiting"),
    "unsure": ("unsure", "Unsure"),
    "idle": ("clock", "Not yet"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopState:
    """What the drawing needs of one loop: its newest cycle, and what serves."""

    name: str
    goal: str = ""
    cycle: Cycle | None = None
    live: Cycle | None = None
    events: list[CycleEvent] = field(default_factory=list)
    approval: ApprovalRequest | None = None
    endpoint: Endpoint | None = None
    deployments: list[Deployment] = field(default_factory=list)
    rollout: Rollout | None = None
    window: Window | None = None
    alerts: list[Alert] = field(default_factory=list)
    lines: dict[str, str] = field(default_factory=dict)
    """One short line of detail per station."""
    links: dict[str, str] = field(default_factory=dict)


def draw(loop: LoopState) -> list[dict[str, str]]:
    """The eight stations in order, each with tone, icon, word, line and link."""
    tones = _cycle_tones(loop)
    tones["serve"] = _serving(loop)
    tones["watch"] = _watching(loop)
    drawn = []
    for key, name in NAMES:
        tone, word = tones[key]
        drawn.append(
            {
                "key": key,
                "name": name,
                "tone": tone,
                "icon": _TONES[tone][0],
                "word": word or _TONES[tone][1],
                "line": loop.lines.get(key, ""),
                "href": loop.links.get(key, ""),
            }
        )
    return drawn


def _cycle_tones(loop: LoopState) -> dict[str, tuple[str, str]]:
    cycle = loop.cycle
    tones: dict[str, tuple[str, str]] = {key: ("idle", "") for key, _ in NAMES}
    if cycle is None:
        return tones
    broke = cycle.stage in {Stage.REFUSED, Stage.FAILED, Stage.CANCELLED}
    at = _broke_at(loop) if broke else _REACHED.get(cycle.stage, len(NAMES))
    for number, (key, _) in enumerate(NAMES[:6]):
        tones[key] = ("pass", "") if number < at else ("idle", "")
    if cycle.stage is Stage.APPROVE:
        tones["approve"] = ("wait", "Waiting")
    elif broke and at < len(NAMES):
        word = state(cycle.stage)["word"]
        tones[NAMES[at][0]] = ("idle" if cycle.stage is Stage.CANCELLED else "fail", word)
    elif not cycle.stage.final:
        tones[NAMES[at][0]] = ("run", state(cycle.stage)["word"])
        if cycle.stage is Stage.ROLL_OUT and loop.rollout is not None and loop.rollout.state == "held":
            tones["roll_out"] = ("wait", "Held")
    if cycle.stage is Stage.LIVE and loop.approval is None:
        tones["approve"] = ("idle", "Not asked")
    return tones


def _broke_at(loop: LoopState) -> int:
    """The station at which a cycle ended badly, told by how far its timeline and its runs got."""
    kinds = [event.kind for event in loop.events]
    if "rolled_back" in kinds or "roll_out" in kinds or "rollout" in kinds:
        return 5
    if loop.approval is not None:
        return 4
    runs = loop.cycle.pipeline_run_ids if loop.cycle else {}
    if "gate" in kinds or "refused_candidate" in kinds or any(key.startswith("gate:") for key in runs):
        return 3
    return 1 if "train" in runs or not runs else 0


def _serving(loop: LoopState) -> tuple[str, str]:
    if loop.endpoint is None:
        return "idle", ""
    if loop.endpoint.state == "down":
        return "fail", "Down"
    live = [d for d in loop.deployments if d.state is DeploymentState.LIVE]
    if not live:
        return ("run", "Starting") if loop.endpoint.state == "starting" else ("idle", "No model")
    return "pass", "Live"


def _watching(loop: LoopState) -> tuple[str, str]:
    if any(a.state == "open" for a in loop.alerts):
        return "fail", "Alert"
    if any(a.state == "acknowledged" for a in loop.alerts):
        return "wait", "Acknowledged"
    if loop.window is None:
        return "idle", "No window yet" if loop.endpoint else ""
    statuses = {v.status for v in loop.window.verdicts}
    if Status.FAIL in statuses:
        return "unsure", "One window failed"
    return ("pass", "Well") if Status.PASS in statuses else ("unsure", "Too few rows")


def health(loop: LoopState) -> str:
    """well, needs_you, broken, running or empty: the word on the home page."""
    cycle = loop.cycle
    if loop.endpoint is not None and loop.endpoint.state == "down":
        return "broken"
    if (
        cycle is not None
        and cycle.stage is Stage.FAILED
        and (loop.live is None or cycle.started_ms > loop.live.started_ms)
    ):
        return "broken"
    held = loop.rollout is not None and loop.rollout.state == "held"
    if (cycle is not None and cycle.stage is Stage.APPROVE) or held or any(a.state == "open" for a in loop.alerts):
        return "needs_you"
    if cycle is not None and not cycle.stage.final:
        return "running"
    return "well" if loop.live is not None else "empty"
