"""Home: one row a project, and what waits for a person."""

from __future__ import annotations

from fairloop.access.permit import visible
from fairloop.core.people import Identity
from fairloop.server.pages import inbox
from fairloop.server.pages.shell import Asked, Html, page
from fairloop.server.services import Services


def home(request: Asked, services: Services, identity: Identity) -> Html:
    """Every project you see: is it well, what changed, what must you do."""
    projects = [p for p in services.projects.list() if visible(identity, p.id)]
    return page(request, "home.html", title="Home", section="home", rows=[], waits=inbox.waiting(services, projects))
