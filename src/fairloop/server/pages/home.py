"""Home: one row a project, and what waits for a person."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fairloop.access.permit import visible
from fairloop.core.monitors import Window
from fairloop.core.people import Identity, Project
from fairloop.server.pages import gather, inbox
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import stations
from fairloop.server.pages.views.stations import LoopState
from fairloop.server.services import Services

_WORST = ("broken", "needs_you", "running", "well", "empty")


def home(request: Asked, services: Services, identity: Identity) -> Html:
    """Every project you see: is it well, what changed, what must you do."""
    projects = [p for p in services.projects.list() if visible(identity, p.id)]
    rows = [row for p in projects if (row := _row(services, p)) is not None]
    rows.sort(key=lambda r: (_WORST.index(r["health"]), r["name"]))
    return page(request, "home.html", title="Home", section="home", rows=rows, waits=inbox.waiting(services, projects, identity),
                news=services.notices.inbox(identity, unread=True, limit=8).items, unread=services.notices.unread(identity))  # fmt: skip


def _row(services: Services, project: Project) -> dict[str, Any] | None:
    """None for the untouched default project, which everybody has and nobody needs to see."""
    loops = gather.loop_states(services, project)
    if project.name == "default" and not loops and not project.goal:
        return None
    drawn = [{"name": loop.name, "stations": stations.draw(loop), "health": stations.health(loop)} for loop in loops]
    healths = [d["health"] for d in drawn] or ["empty"]
    return {
        "name": project.name,
        "goal": project.goal or next((loop.goal for loop in loops if loop.goal), ""),
        "href": within(project),
        "loops": drawn,
        "health": min(healths, key=_WORST.index),
        "live": [_live(services, project, loop) for loop in loops if loop.live is not None],
        "last": max((e for loop in loops for e in loop.events), key=lambda e: e.at_ms, default=None),
        "spent": spent(services, project),
        "budget": project.budget_usd,
    }


def _live(services: Services, project: Project, loop: LoopState) -> dict[str, Any]:
    live = loop.live
    assert live is not None  # noqa: S101  # asked for loops with a live cycle only
    words = gather.production_words(services, project, loop)
    windows = gather.windows_of(services, project.id, loop.endpoint, limit=30) if loop.endpoint else []
    return {"model": words[0] if words else loop.name, "since_ms": live.live_ms, "spark": spark(windows)}


def spark(windows: list[Window]) -> dict[str, Any] | None:
    """The gap over the last windows as an SVG path, with its limit; None with fewer than three."""
    gaps = [(v.estimate, v.check) for w in reversed(windows) for v in w.verdicts if v.check.by]
    found = [(e, check) for e, check in gaps if e is not None and check.name == gaps[0][1].name]
    values = [float(e) for e, _ in found if e is not None]
    if len(values) < 3:
        return None
    limit = found[-1][1].at_most
    top = max([*values, limit or 0.0]) * 1.1 or 1.0
    width = 180 / (len(values) - 1)
    path = "M" + "L".join(f"{i * width:.1f} {32 - v / top * 30:.1f}" for i, v in enumerate(values))
    return {
        "path": path,
        "limit": None if limit is None else round(32 - limit / top * 30, 1),
        "words": f"Gap by {found[-1][1].by} in the last {len(values)} windows, now {values[-1]:.3f}",
        "now": values[-1],
        "by": found[-1][1].by,
    }


def spent(services: Services, project: Project) -> float:
    """What the project's cycles of this month cost."""
    now = datetime.fromtimestamp(services.clock.now_ms() / 1000, UTC)
    start = datetime(now.year, now.month, 1, tzinfo=UTC).timestamp() * 1000
    return sum(c.cost_usd for c in services.loops.cycles(project.id, limit=200).items if c.started_ms >= start)
