"""A project: its loops drawn live, what is in production, its cycles, its settings."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.access.permissions import Permission
from fairloop.access.permit import permitted
from fairloop.core.cycles import Cycle
from fairloop.core.people import Identity, Project
from fairloop.server.api import projects as api
from fairloop.server.pages import cycles, gather, home, live
from fairloop.server.pages.forms import Form, act, optional_number
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import questions, stations
from fairloop.server.pages.views.stations import LoopState
from fairloop.server.pages.words import metric
from fairloop.server.services import Services

_CYCLES = 20
SHORT = {"roc_auc": "AUC", "demographic_parity_difference": "DP", "equalized_odds_difference": "EO"}


def overview(
    request: Asked, services: Services, identity: Identity, project: Project, before: str | None = None
) -> Html:
    """The ten questions, the loop as it stands, and the cycles."""
    found = services.loops.cycles(project.id, limit=_CYCLES, cursor=before)
    return page(
        request,
        "project.html",
        title=project.name,
        section="project",
        loops_part=_loops_part(request, services, identity, project),
        answers=questions.of_loop(None, _asked(services, identity, project, None)),
        cycles=[cycle_row(services, project, c) for c in found.items],
        older=f"{within(project)}?before={found.next}" if found.next else "",
        counts=_counts(services, project),
    )


def loops(request: Asked, services: Services, identity: Identity, project: Project) -> Html:
    """The drawing of the loops alone, for the page to renew."""
    return live.renewed(request, "parts/loops.html", **_loops_view(services, identity, project))


def _loops_part(request: Asked, services: Services, identity: Identity, project: Project) -> str:
    return live.part(request, "parts/loops.html", **_loops_view(services, identity, project))


def _loops_view(services: Services, identity: Identity, project: Project) -> dict[str, Any]:
    drawn = []
    for loop in gather.loop_states(services, project):
        alert = next(iter(loop.alerts), None)
        drawn.append(
            {
                "name": loop.name,
                "answers": questions.of_loop(loop, _asked(services, identity, project, loop)),
                "stations": stations.draw(loop),
                "health": stations.health(loop),
                "cycle": loop.cycle,
                "alert": alert.words if alert else "",
                "running": gather.under_way(loop.cycle),
                "cycle_href": within(project, "cycles", loop.cycle.id) if loop.cycle else "",
            }
        )
    return {"loops": drawn, "renew": within(project, "loops")}


def _asked(services: Services, identity: Identity, project: Project, loop: LoopState | None) -> questions.Asked:
    """What the ten questions need beside the loop."""

    def may(permission: Permission) -> bool:
        return permitted(identity, permission, project.id)

    gap, judged_on = gather.judged_gap(services, project, loop) if loop else (None, "")
    request = loop.approval if loop and loop.approval and loop.approval.decision == "waiting" else None
    return questions.Asked(
        goal=project.goal,
        production=gather.production_words(services, project, loop) if loop else [],
        judged=gap,
        judged_on=judged_on,
        spent=home.spent(services, project),
        budget=project.budget_usd,
        may_approve=bool(request and not cycles.decision(services, identity, project, request)["why"]),
        may_watch=may(Permission.MONITOR_EDIT),
        appeals=services.appeals.undecided(project.id)[0],
        may_decide_appeals=may(Permission.APPEAL_DECIDE),
        cycle_href=within(project, "cycles", loop.cycle.id) if loop and loop.cycle else "",
        alerts_href=within(project, "alerts"),
        appeals_href=within(project, "appeals"),
        live_href=within(project, "cycles", loop.live.id) if loop and loop.live else "",
    )


def cycle_row(services: Services, project: Project, cycle: Cycle) -> dict[str, Any]:
    candidates = services.evaluations.candidates(project.id, cycle_id=cycle.id)
    values: dict[str, Any] = {}
    if cycle.chosen_candidate_id:
        found = services.evaluations.evaluation(
            project.id, cycle.chosen_candidate_id, "test"
        ) or services.evaluations.evaluation(project.id, cycle.chosen_candidate_id, "validation")
        for gate in cycle.gates:
            key = next((k for k in (gate.name, gate.metric) if found and k in found.metrics), None)
            if key and found and len(values) < 2 and not gate.metric.startswith(("latency", "cost", "size")):
                values[SHORT.get(gate.metric, metric(gate.metric))] = found.metrics[key].get("estimate")
    return {
        "cycle": cycle,
        "href": within(project, "cycles", cycle.id),
        "candidates": len(candidates),
        "values": values,
    }


def _counts(services: Services, project: Project) -> dict[str, int]:
    """Whether the project holds anything yet, for its empty state."""
    return {
        "runs": len(services.tracking.search(project.id, limit=1).items),
        "data": len(services.datasets.list(project.id, limit=1).items),
    }


def settings(request: Asked, services: Services, project: Project) -> Html:
    """The goal, the budget, the members, and the loops' policies as they stand in their files."""
    policies = [
        {
            "name": loop.name,
            "version": loop.version,
            "definition": loop.definition,
            "at_ms": loop.created_ms,
            "author": loop.author,
        }
        for loop in services.loops.loops(project.id)
    ]
    return page(
        request,
        "settings.html",
        title="Settings",
        section="settings",
        members=services.people.members(project.id),
        policies=policies,
    )


def change(request: Asked, services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Change the project's goal and budget; an empty budget means none."""

    def save() -> Project:
        budget = optional_number(data.get("budget_usd", ""))
        wanted = api.ProjectChange(goal=data.get("goal", "").strip(), budget_usd=budget, no_budget=budget is None)
        return api.change_project(services, identity, project, wanted)

    return act(within(project, "settings"), save, "Saved.")


def create(request: Asked, services: Services, identity: Identity, data: Form) -> Redirect:
    """Make a project."""
    name = data.get("name", "").strip()

    def make() -> Project:
        budget = optional_number(data.get("budget_usd", ""))
        wanted = api.NewProject(name=name, goal=data.get("goal", "").strip(), budget_usd=budget)
        return api.create_project(services, identity, wanted)

    return act("/", make, f"Project {name} was made.")
