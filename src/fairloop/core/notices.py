"""Notices: what people are told, through which channels, and whether it arrived."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = {
    "approval.requested": "A decision is asked for",
    "approval.reminder": "A decision is still open",
    "approval.decided": "A decision was taken",
    "approval.expired": "Nobody decided in time",
    "alert.opened": "A check on live traffic fails",
    "policy.proposed": "A change of the policy waits for a second person",
    "policy.changed": "The policy changed",
    "mention": "Somebody named you in a comment",
    "appeal.flood": "Many appeals for one group",
    "test": "A test of this channel",
}
"""What happened, to the words for it. A channel takes some of these or all."""
CHANNEL_KINDS = ("webhook", "email", "slack", "teams")
DELIVERY_STATES = ("waiting", "sent", "dead")


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something people were told: one headline and a few sentences, never data of the model.

    ``about`` is the id of what it tells of, ``href`` the page on this server, ``people`` the names it addresses.
    """

    id: str
    project_id: str
    kind: str
    subject: str
    text: str
    href: str = ""
    about: str = ""
    people: list[str] = field(default_factory=list)
    created_ms: int = 0
    read_ms: int | None = None
    """When the person who asks has read it; null elsewhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """Where a project's notices go. ``shown`` is what may be seen of the address: secrets in it are never shown again.

    ``kinds`` narrows it to some kinds of notices; empty means all.
    """

    id: str
    project_id: str
    name: str
    kind: str
    shown: str
    kinds: list[str] = field(default_factory=list)
    enabled: bool = True
    author: str = ""
    created_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChannel:
    """A channel just made; ``secret`` signs a webhook's notices and is shown this once."""

    channel: Channel
    secret: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One notice on its way through one channel: at least once, and always under the same id."""

    id: str
    project_id: str
    notice_id: str
    channel_id: str
    state: str = "waiting"
    attempts: int = 0
    reason: str = ""
    """Why the last attempt did not succeed."""
    next_ms: int = 0
    created_ms: int = 0
    sent_ms: int | None = None
    about: str = ""
