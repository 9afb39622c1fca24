"""Pipeline runs: the list, and one run with its graph and an inspector."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.people import Project
from fairloop.core.pipelines import PipelineRun, State, StepRun
from fairloop.errors import NotFound
from fairloop.server.pages import live
from fairloop.server.pages.forms import act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import graph
from fairloop.server.services import Services

_PURPOSES = ("pipeline", "train", "mitigate", "gate", "data", "monitor")
_LOG_CHARACTERS = 200_000
_PARTS = ("head", "graph", "bars")


def listing(request: Asked, services: Services, project: Project, purpose: str = "", cursor: str | None = None) -> Html:
    """Executions of pipelines, newest first."""
    found = services.pipelines.list(project.id, purpose or None, cursor)
    here = within(project, "pipelines")
    rows = [
        {
            "run": r,
            "href": within(project, "pipelines", r.id),
            "cycle_href": within(project, "cycles", r.cycle_id) if r.cycle_id else "",
        }
        for r in found.items
    ]
    older = f"{here}?{'purpose=' + purpose + '&' if purpose else ''}cursor={found.next}" if found.next else ""
    return page(
        request,
        "pipelines.html",
        title="Pipelines",
        section="pipelines",
        rows=rows,
        purpose=purpose,
        purposes=_PURPOSES,
        older=older,
        newest=here if cursor else "",
    )


def show(request: Asked, services: Services, project: Project, pipeline_run_id: str, step: str = "") -> Html:
    """One run: the graph on the left, a step's log, inputs, outputs and resources on the right."""
    run = services.pipelines.get(project.id, pipeline_run_id)
    steps = services.pipelines.steps(project.id, run.id)
    chosen = next((s for s in steps if s.id == step or s.key == step), None) or _interesting(steps)
    return page(
        request,
        "pipeline.html",
        title=f"{run.pipeline} {run.purpose}",
        section="pipelines",
        run=run,
        crumbs=[("Pipelines", within(project, "pipelines"))],
        chosen=chosen,
        **_parts(request, _view(services, project, run, steps)),
        inspector=live.part(request, "parts/step.html", **_step(services, project, chosen)) if chosen else "",
        cycle=services.loops.cycle(project.id, run.cycle_id) if run.cycle_id else None,
        inputs={k: graph.value_words(v) for k, v in run.params.items()},
    )


def _parts(request: Asked, view: dict[str, Any]) -> dict[str, Any]:
    return {part: live.part(request, f"parts/pipeline-{part}.html", **view) for part in _PARTS}


def _interesting(steps: list[StepRun]) -> StepRun | None:
    """The step a visitor most likely came for: what failed, else what runs, else the last one."""
    for wanted in (State.FAILED, State.RUNNING):
        if found := next((s for s in steps if s.state is wanted), None):
            return found
    done = [s for s in steps if s.state is State.DONE]
    return done[-1] if done else (steps[0] if steps else None)


def state(request: Asked, services: Services, project: Project, pipeline_run_id: str, part: str = "head") -> Html:
    """The run's head, graph or bars alone, for the page to renew."""
    if part not in _PARTS:
        raise NotFound(f"No such part of this page; there are {', '.join(_PARTS)}.")
    run = services.pipelines.get(project.id, pipeline_run_id)
    view = _view(services, project, run, services.pipelines.steps(project.id, run.id))
    return live.renewed(request, f"parts/pipeline-{part}.html", **view)


def _view(services: Services, project: Project, run: PipelineRun, steps: list[StepRun]) -> dict[str, Any]:
    now = services.clock.now_ms()
    here = within(project, "pipelines", run.id)
    return {
        "run": run,
        "graph": graph.graph(run.graph, steps),
        "bars": graph.bars(run, steps, now),
        "here_href": here,
        "renew": here + "/state",
        "live": not run.state.final,
        "done": sum(s.state.final for s in steps),
        "count": len(steps),
        "cost": sum(float(s.used.get("cost_usd") or 0.0) for s in steps),
    }


def step(request: Asked, services: Services, project: Project, step_run_id: str) -> Html:
    """The inspector of one step, for the page to put in place."""
    return live.renewed(
        request, "parts/step.html", **_step(services, project, services.pipelines.step(project.id, step_run_id))
    )


def _step(services: Services, project: Project, found: StepRun) -> dict[str, Any]:
    lines = services.pipelines.log(project.id, found.id)
    text = "".join(line.text if line.text.endswith("\n") else line.text + "\n" for line in lines)
    return {
        "step": found,
        "state": graph.shown_state(found),
        "used": graph.used(found),
        "log": text[-_LOG_CHARACTERS:],
        "cut": len(text) > _LOG_CHARACTERS,
        "inputs": {k: graph.value_words(v) for k, v in found.inputs.items()},
        "outputs": [graph.value_words(v) for v in found.outputs],
        "renew": within(project, "step-runs", found.id),
        "run_href": within(project, "runs", found.run_id) if found.run_id else "",
        "live": not found.state.final,
    }


def cancel(services: Services, project: Project, pipeline_run_id: str) -> Redirect:
    """Stop a run; running steps are ended with all their processes."""
    services.pipelines.get(project.id, pipeline_run_id)
    return act(
        within(project, "pipelines", pipeline_run_id),
        lambda: services.pipelines.cancel(project.id, pipeline_run_id),
        "Cancelled. Running steps are being stopped.",
    )
