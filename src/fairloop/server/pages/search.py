"""Search over a project's models, data, endpoints, cycles and runs."""

from __future__ import annotations

from fairloop.core.people import Project
from fairloop.core.search import Comparison
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

Hit = tuple[str, str, str]


def search(request: Asked, services: Services, project: Project, q: str = "") -> Html:
    """What bears the words, or the id, one typed."""
    text = q.strip()[:200]
    return page(
        request, "search.html", title="Search", search_text=text, hits=_hits(services, project, text) if text else []
    )


def _hits(services: Services, project: Project, text: str) -> list[tuple[str, str, list[Hit]]]:
    low = text.lower()

    def fits(*names: str) -> bool:
        return any(low in name.lower() for name in names)

    models = [
        (m.name, "", within(project, "models", m.name))
        for m in services.registry.models(project.id)
        if fits(m.name, m.id, m.description)
    ]
    data = [
        (f"{v.dataset} v{v.version}", f"{v.rows:,} rows", within(project, "data", v.dataset, v.version))
        for v in services.datasets.list(project.id).items
        if fits(v.dataset, v.id)
    ]
    endpoints = [
        (e.name, e.state, within(project, "endpoints", e.name))
        for e in services.serving.endpoints(project.id)
        if fits(e.name, e.id)
    ]
    cycles = [
        (f"Cycle {c.number} of {c.loop}", c.words, within(project, "cycles", c.id))
        for c in services.loops.cycles(project.id, limit=200).items
        if fits(c.id, c.loop, c.words, f"cycle {c.number}")
    ]
    named = Comparison(kind="attribute", key="run_name", op="ilike", value=f"%{text}%")
    runs = [
        (r.name, str(r.status).lower(), within(project, "runs", r.id))
        for r in services.tracking.search(project.id, named, limit=20).items
    ]
    return [
        (head, icon, found[:20])
        for head, icon, found in (
            ("Cycles", "project", cycles),
            ("Models", "models", models),
            ("Data", "data", data),
            ("Endpoints", "endpoints", endpoints),
            ("Runs", "runs", runs),
        )
        if found
    ]
