"""Inboxes, channels and deliveries over REST."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any

from litestar.params import QueryParameter

from fairloop.core.notices import Channel, Delivery, NewChannel, Notice
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelRequest:
    """``target`` is a URL, or e-mail addresses separated by commas (``people``: those a notice is meant for)."""

    name: str
    kind: str
    target: str
    kinds: list[str] = field(default_factory=list)
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelChange:
    enabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """``notice_id`` marks one notice as read; empty all of them."""

    notice_id: str = ""


def list_notices(services: Services, identity: Identity, unread: bool = False, limit: int = 50,
                 cursor: str | None = None) -> Page[Notice]:  # fmt: skip
    """Your inbox, newest first."""
    return services.notices.inbox(identity, unread=unread, limit=limit, cursor=cursor)


def read_notices(services: Services, identity: Identity, data: Read) -> dict[str, int]:
    """Mark your notices as read."""
    return {"read": services.notices.read(identity, data.notice_id or None)}


def list_channels(services: Services, project: Project) -> Page[Channel]:
    """Where the project's notices go; addresses are shown without their secrets."""
    return Page(items=services.channels.list(project.id))


def create_channel(services: Services, project: Project, identity: Identity, data: ChannelRequest) -> NewChannel:
    """Add a channel; a webhook's secret is shown this once."""
    return services.channels.create(project.id, identity, data.name, data.kind, data.target, kinds=data.kinds,
                                    secret=data.secret)  # fmt: skip


def change_channel(services: Services, project: Project, identity: Identity, channel_id: str,
                   data: ChannelChange) -> Channel:  # fmt: skip
    """Switch a channel off or on."""
    return services.channels.switch(project.id, identity, channel_id, enabled=data.enabled)


def remove_channel(services: Services, project: Project, identity: Identity, channel_id: str) -> dict[str, bool]:
    """Remove a channel, and what is still on its way through it."""
    services.channels.remove(project.id, identity, channel_id)
    return {"removed": True}


def test_channel(services: Services, project: Project, identity: Identity, channel_id: str) -> dict[str, Any]:
    """Send a test through a channel now; says whether it arrived, and nothing of what came back."""
    return services.deliverer.test(project.id, channel_id, identity)


def list_deliveries(services: Services, project: Project,
                    in_state: Annotated[str | None, QueryParameter(name="state")] = None, limit: int = 50,
                    cursor: str | None = None) -> Page[Delivery]:  # fmt: skip
    """What was sent, waits or was given up, newest first."""
    return services.channels.deliveries(project.id, state=in_state, limit=limit, cursor=cursor)


def retry_delivery(services: Services, project: Project, identity: Identity, delivery_id: str) -> Delivery:
    """Try again what was given up."""
    again = services.channels.retry(project.id, identity, delivery_id)
    services.signals.notify()
    return again
