"""A pipeline run as a graph to draw, and as bars on a time axis."""

from __future__ import annotations

from typing import Any

from fairloop.core import codec
from fairloop.core.checks import Check
from fairloop.core.pipelines import Graph, PipelineRun, State, StepRun
from fairloop.core.records import from_plain
from fairloop.core.units import show_bytes
from fairloop.server.pages.words import duration, short, state


def steps_before(value: Any) -> list[str]:
    """Keys of the steps an input is made from."""
    if isinstance(value, dict):
        if "step" in value:
            return [str(value["step"])]
        return [key for part in value.values() for key in steps_before(part)]
    if isinstance(value, list):
        return [key for part in value for key in steps_before(part)]
    return []


def shown_state(step: StepRun) -> str:
    return "cached" if step.cached_from and step.state is State.DONE else str(step.state)


def graph(plan: Graph, steps: list[StepRun]) -> dict[str, Any]:
    """Nodes and edges of the DAG; nodes carry what the drawing shows."""
    runs = {step.key: step for step in steps}
    nodes, edges = [], set()
    for spec in plan.steps:
        run = runs.get(spec.key)
        told = state(shown_state(run)) if run else state("pending")
        took = duration((run.ended_ms - run.started_ms) / 1000) if run and run.started_ms and run.ended_ms else ""
        nodes.append(
            {
                "id": spec.key,
                "name": spec.name,
                "tone": told["tone"],
                "line": f"{told['word']}{', ' + took if took else ''}",
                "kind": spec.returns,
                "run": run.id if run else "",
            }
        )
        edges |= {(before, spec.key) for part in spec.inputs.values() for before in steps_before(part)}
        edges |= {(before, spec.key) for before in spec.after}
    return {"nodes": nodes, "edges": sorted(edges)}


def bars(run: PipelineRun, steps: list[StepRun], now_ms: int) -> list[dict[str, Any]]:
    """Each step's place on the run's time axis, in percent."""
    begun = [s for s in steps if s.started_ms is not None]
    if not begun:
        return []
    start = min(s.started_ms or 0 for s in begun)
    end = max(s.ended_ms or now_ms for s in begun)
    size = max(1, end - start)
    return [
        {
            "id": s.id,
            "name": s.name,
            "left": round(100 * ((s.started_ms or start) - start) / size, 2),
            "width": round(100 * ((s.ended_ms or now_ms) - (s.started_ms or start)) / size, 2),
            "tone": "cached" if s.cached_from else {"failed": "fail", "running": "run"}.get(str(s.state), ""),
            "took": duration(((s.ended_ms or now_ms) - (s.started_ms or start)) / 1000),
        }
        for s in begun
    ]


def value_words(value: Any) -> str:
    """A step's input or output in a few words."""
    if not isinstance(value, dict):
        return _plain(value)
    if "json" in value or "value" in value:
        return _plain(value.get("json", value.get("value")))
    if "kind" in value:
        size = f", {show_bytes(value['size_bytes'])}" if value.get("size_bytes") else ""
        rows = f", {value['rows']:,} rows" if value.get("rows") else ""
        return f"{value['kind']} {short(value.get('sha256'))}{rows}{size}"
    if "param" in value:
        return f"parameter {value['param']}"
    if "step" in value:
        return f"output {int(value.get('output', 0)) + 1} of {value['step']}"
    if "stored" in value:
        return value_words(value["stored"])
    if "dataset_version" in value:
        return f"dataset version {short(value['dataset_version'])}"
    inner = value.get("list") or list((value.get("dict") or {}).values())
    return "; ".join(value_words(v) for v in inner[:4]) or _plain(value)


def _plain(value: Any) -> str:
    """Text as it is, checks by their questions, anything else as JSON."""
    if value is None:
        return "none"
    if isinstance(value, list) and value and all(isinstance(v, dict) and "metric" in v for v in value):
        return " ".join(from_plain(Check, check).question for check in value)
    return (value if isinstance(value, str) else codec.dumps(value))[:300]


def used(step: StepRun) -> list[dict[str, Any]]:
    """Requested against used, each with the share of the request that was used."""
    wall, cpu, memory = step.used.get("wall_s"), step.used.get("cpu_s"), step.used.get("memory_bytes")
    cores = cpu / wall if cpu is not None and wall else None
    rows = [
        {
            "name": "CPU",
            "asked": f"{step.needs.cpu:g}",
            "used": "–" if cores is None else f"{cores:.2f} cores",
            "share": None if cores is None or not step.needs.cpu else cores / step.needs.cpu,
        },
        {
            "name": "Memory",
            "asked": show_bytes(step.needs.memory_bytes) if step.needs.memory_bytes else "any",
            "used": "–" if memory is None else f"{show_bytes(memory)} peak",
            "share": memory / step.needs.memory_bytes if memory and step.needs.memory_bytes else None,
        },
        {
            "name": "Time",
            "asked": duration(step.needs.time_s) if step.needs.time_s else "any",
            "used": duration(wall),
            "share": wall / step.needs.time_s if wall and step.needs.time_s else None,
        },
    ]
    if step.needs.gpu:
        rows.append({"name": "GPU", "asked": str(step.needs.gpu), "used": "–", "share": None})
    return rows
