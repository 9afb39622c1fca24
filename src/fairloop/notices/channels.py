"""Where a project's notices go: webhooks, e-mail, Slack and Teams; their addresses and keys are sealed."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from fairloop.access.audit import Audit
from fairloop.access.sealing import Sealer
from fairloop.client.outbound import Outbound
from fairloop.core import codec
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.names import check_name
from fairloop.core.notices import CHANNEL_KINDS, DELIVERY_STATES, KINDS, Channel, Delivery, NewChannel
from fairloop.core.people import Identity
from fairloop.core.records import Page
from fairloop.errors import AlreadyExists, Conflict, InvalidInput, NotFound
from fairloop.notices.mail import check_address
from fairloop.settings import Settings
from fairloop.storage import notices as rows
from fairloop.storage.engine import Connection, Database

PEOPLE = "people"
"""In an e-mail channel: the addresses of those a notice is for."""
_SHORTEST_SECRET = 16
_MOST_CHANNELS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A channel's sealed part."""

    target: str
    secret: str = ""


class Channels:
    def __init__(self, database: Database, clock: Clock, audit: Audit, settings: Settings, outbound: Outbound) -> None:
        self._database = database
        self._clock = clock
        self._audit = audit
        self._settings = settings
        self._outbound = outbound
        self._sealer = Sealer(settings.data)

    def list(self, project_id: str) -> list[Channel]:
        return self._database.read(lambda c: rows.channels_of(c, project_id))

    def get(self, project_id: str, channel_id: str) -> Channel:
        found = self._database.read(lambda c: rows.channel_by_id(c, channel_id))
        if found is None or found.project_id != project_id:
            raise NotFound("No such channel, or you may not see it.")
        return found

    def create(self, project_id: str, identity: Identity, name: str, kind: str, target: str, *,
               kinds: Sequence[str] = (), secret: str = "") -> NewChannel:  # fmt: skip
        """A new channel. A webhook's secret is made here unless given, and shown this once.

        Raises
        ------
        InvalidInput
            The target is no public URL, or no list of e-mail addresses.
        """
        check_name(name, "channel")
        if kind not in CHANNEL_KINDS:
            raise InvalidInput(f"kind={kind[:40]!r}; use one of {', '.join(CHANNEL_KINDS)}.")
        if unknown := [k for k in kinds if k not in KINDS]:
            raise InvalidInput(f"{unknown[0][:40]!r} is no kind of notice; use some of {', '.join(KINDS)}.")
        shown = self._shown(kind, target)
        if secret and len(secret) < _SHORTEST_SECRET:
            raise InvalidInput(
                f"The secret has {len(secret)} characters; use {_SHORTEST_SECRET} or more, or leave it away."
            )
        key = (secret or "whs_" + secrets.token_urlsafe(32)) if kind == "webhook" else ""
        sealed = self._sealer.seal(codec.dumps({"target": target, "secret": key}))
        channel = Channel(id=new_id("chn"), project_id=project_id, name=name, kind=kind, shown=shown,
                          kinds=list(kinds), author=identity.name, created_ms=self._clock.now_ms())  # fmt: skip
        entry = self._audit.entry(identity, "channel.create", project_id=project_id, object=channel.id,
                                  detail={"name": name, "kind": kind, "shown": shown, "kinds": list(kinds)})  # fmt: skip

        def work(connection: Connection) -> None:
            known = rows.channels_of(connection, project_id)
            if len(known) >= _MOST_CHANNELS:
                raise Conflict(f"The project has {len(known)} channels; remove one first.")
            if any(c.name == name for c in known):
                raise AlreadyExists(f"A channel named {name!r} exists; choose another name.")
            rows.add_channel(connection, channel, sealed)
            self._audit.append(connection, entry)

        self._database.write(work)
        return NewChannel(channel=channel, secret="" if secret else key)

    def _shown(self, kind: str, target: str) -> str:
        """What of the address may be seen; InvalidInput when nothing may be sent there."""
        if kind == "email":
            names = [part.strip() for part in target.split(",") if part.strip()]
            if not names:
                raise InvalidInput(f"Name e-mail addresses, or {PEOPLE!r} for those a notice is meant for.")
            if not self._settings.smtp_host:
                raise InvalidInput("This server has no mail server; an administrator sets smtp_host first.")
            return ", ".join(name if name == PEOPLE else check_address(name) for name in names)
        self._outbound.check(target)
        parts = urlsplit(target)
        return f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}/..."

    def switch(self, project_id: str, identity: Identity, channel_id: str, *, enabled: bool) -> Channel:
        """Stop sending through a channel, or go on."""
        channel = self.get(project_id, channel_id)
        entry = self._audit.entry(identity, "channel.change", project_id=project_id, object=channel_id,
                                  detail={"enabled": enabled})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.change_channel(connection, channel_id, enabled=enabled)
            self._audit.append(connection, entry)

        self._database.write(work)
        return replace(channel, enabled=enabled)

    def remove(self, project_id: str, identity: Identity, channel_id: str) -> None:
        channel = self.get(project_id, channel_id)
        entry = self._audit.entry(identity, "channel.remove", project_id=project_id, object=channel_id,
                                  detail={"name": channel.name, "kind": channel.kind})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.remove_channel(connection, channel_id)
            self._audit.append(connection, entry)

        self._database.write(work)

    def opened(self, channel_id: str) -> Opened:
        """The address and key of a channel, for sending only."""
        sealed = self._database.read(lambda c: rows.sealed_of(c, channel_id))
        if sealed is None:
            raise NotFound("The channel is gone.")
        return Opened(**codec.loads(self._sealer.open(sealed)))

    def deliveries(self, project_id: str, *, state: str | None = None, limit: int = 50,
                   cursor: str | None = None) -> Page[Delivery]:  # fmt: skip
        """What was sent, waits or was given up, newest first."""
        if state is not None and state not in DELIVERY_STATES:
            raise InvalidInput(f"state={state[:40]!r}; use one of {', '.join(DELIVERY_STATES)}.")
        if not 1 <= limit <= 1000:
            raise InvalidInput(f"limit={limit} is out of range; use 1 to 1000.")
        found = self._database.read(lambda c: rows.listed_deliveries(c, project_id, state, limit + 1, cursor))
        return Page(items=found[:limit], next=found[limit - 1].id if len(found) > limit else None)

    def retry(self, project_id: str, identity: Identity, delivery_id: str) -> Delivery:
        """Try a delivery again that was given up."""
        entry = self._audit.entry(identity, "delivery.retry", project_id=project_id, object=delivery_id)

        def work(connection: Connection) -> Delivery:
            found = rows.delivery_by_id(connection, delivery_id)
            if found is None or found.project_id != project_id:
                raise NotFound("No such delivery, or you may not see it.")
            if found.state != "dead":
                raise Conflict(f"This delivery is {found.state}; only one that was given up can be tried again.")
            values = {"state": "waiting", "attempts": 0, "next_ms": self._clock.now_ms()}
            rows.change_delivery(connection, found, **values)
            self._audit.append(connection, entry)
            again = rows.delivery_by_id(connection, delivery_id)
            assert again is not None  # noqa: S101  # read above in the same unit
            return again

        return self._database.write(work)
