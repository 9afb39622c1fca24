"""Notifications: the channels of a project, what was sent, and one's own inbox."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.notices import CHANNEL_KINDS, KINDS, NewChannel
from fairloop.core.people import Identity, Project
from fairloop.errors import FairloopError
from fairloop.server.pages.forms import SHOWN_ON_THE_PAGE, Form, act, local_path, told
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

_SHOWN = 30


def show(request: Asked, services: Services, project: Project) -> Html:
    """Where notices go, and what became of the last ones."""
    return _page(request, services, project)


def _page(request: Asked, services: Services, project: Project, made: NewChannel | None = None) -> Html:
    names = {c.id: c.name for c in services.channels.list(project.id)}
    deliveries = services.channels.deliveries(project.id, limit=_SHOWN).items
    return page(
        request,
        "notifications.html",
        title="Notifications",
        section="settings",
        crumbs=[("Settings", within(project, "settings"))],
        channels=services.channels.list(project.id),
        deliveries=[(d, names.get(d.channel_id, "removed")) for d in deliveries],
        kinds=KINDS,
        channel_kinds=CHANNEL_KINDS,
        mail=bool(services.settings.smtp_host),
        made=made,
        post=within(project, "settings", "notifications"),
    )


def add(request: Asked, services: Services, identity: Identity, project: Project, data: Form) -> Html | Redirect:
    """Add a channel; a webhook's secret is shown in this answer and never again."""
    only = [kind for kind in KINDS if data.get(f"kind:{kind}") == "on"]
    try:
        made = services.channels.create(project.id, identity, data.get("name", "").strip(), data.get("kind", ""),
                                        data.get("target", "").strip(), kinds=only)  # fmt: skip
    except SHOWN_ON_THE_PAGE as cause:
        return told(cause, within(project, "settings", "notifications"))
    return _page(request, services, project, made)


def attempt(services: Services, identity: Identity, project: Project, channel_id: str) -> Redirect:
    """Send a test through a channel now."""

    def words(told_: dict[str, Any]) -> str:
        return (
            f"The test arrived. {told_['words']}" if told_["arrived"] else f"!The test did not arrive: {told_['words']}"
        )

    return act(within(project, "settings", "notifications"),
               lambda: services.deliverer.test(project.id, channel_id, identity), words)  # fmt: skip


def change(services: Services, identity: Identity, project: Project, channel_id: str, data: Form) -> Redirect:
    """Switch a channel off or on, or remove it."""
    to = data.get("to", "")

    def do() -> Any:
        if to == "removed":
            return services.channels.remove(project.id, identity, channel_id)
        return services.channels.switch(project.id, identity, channel_id, enabled=to == "on")

    done = {"removed": "Removed.", "on": "It is on again."}.get(to, "It is off: nothing is sent through it.")
    return act(within(project, "settings", "notifications"), do, done)


def retry(services: Services, identity: Identity, project: Project, delivery_id: str) -> Redirect:
    """Try again what was given up."""
    return act(within(project, "settings", "notifications"),
               lambda: services.channels.retry(project.id, identity, delivery_id), "It is tried again.")  # fmt: skip


def read(services: Services, identity: Identity, data: Form) -> Redirect:
    """Mark one's notices as read: one, and go where it leads, or all."""
    which = data.get("notice", "")
    answer = Redirect(local_path(data.get("to") or "/"), status_code=303)
    try:
        services.notices.read(identity, which or None)
    except FairloopError as cause:
        return told(cause, "/")
    return answer
