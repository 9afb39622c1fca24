"""Send what the outbox holds: at least once, in order about one thing, again after failures, given up after a day."""

from __future__ import annotations

import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from fairloop.client.outbound import Outbound
from fairloop.core.clock import Clock
from fairloop.core.ids import new_id
from fairloop.core.notices import Channel, Delivery, Notice
from fairloop.core.people import Identity
from fairloop.core.signals import Signals
from fairloop.errors import FairloopError, InvalidInput, Unavailable
from fairloop.notices import formats, mail
from fairloop.notices.channels import PEOPLE, Channels
from fairloop.settings import Settings
from fairloop.storage import notices as rows
from fairloop.storage import people as people_rows
from fairloop.storage import projects as project_rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)
DELAYS_S = (5, 30, 120, 600, 1800, 3600, 7200, 14_400, 28_800)
"""Pauses after each failed attempt; after the last one it is given up, sixteen hours after the first."""
_LEASE_MS = 90_000
"""A delivery somebody is sending is not taken by anybody else for so long; then that sender counts as dead."""
_AT_ONCE = 4
_BATCH = 100


class Deliverer:
    """The background worker that sends. Each channel has one delivery on its way at a time: a slow one delays itself."""

    interval_s = 2.0

    def __init__(self, database: Database, clock: Clock, signals: Signals, settings: Settings, channels: Channels,
                 outbound: Outbound) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._signals = signals
        self._settings = settings
        self._channels = channels
        self._outbound = outbound
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._pool = ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="fairloop-notices")

    def tick(self) -> None:
        now = self._clock.now_ms()
        for delivery in self._database.read(lambda c: rows.due(c, now, _BATCH)):
            with self._lock:
                if delivery.channel_id in self._busy:
                    continue
                self._busy.add(delivery.channel_id)
            try:
                self._pool.submit(self._attempt, delivery)
            except RuntimeError:  # closing
                self._free(delivery.channel_id)

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _free(self, channel_id: str) -> None:
        with self._lock:
            self._busy.discard(channel_id)

    def _attempt(self, delivery: Delivery) -> None:
        try:
            self._try(delivery)
        except FairloopError as cause:
            log.warning("delivery %s: %s", delivery.id, cause.message)
        except Exception:  # ours: the channel must not stay busy for ever, and the lease brings it back
            log.exception("delivery %s failed", delivery.id)
        finally:
            self._free(delivery.channel_id)
            self._signals.notify()

    def _try(self, delivery: Delivery) -> None:
        """Claim, send, write down how it went."""
        taken = replace(delivery, attempts=delivery.attempts + 1, next_ms=self._clock.now_ms() + _LEASE_MS)
        claimed = self._database.write(
            lambda c: rows.change_delivery(c, delivery, attempts=taken.attempts, next_ms=taken.next_ms))  # fmt: skip
        if not claimed:
            return  # another server was faster
        reason = ""
        try:
            self.send(taken)
        except FairloopError as cause:
            reason = cause.message
        now = self._clock.now_ms()
        if not reason:
            done: dict[str, object] = {"state": "sent", "sent_ms": now, "reason": ""}
        elif taken.attempts > len(DELAYS_S):
            done = {"state": "dead", "reason": f"Given up after {taken.attempts} attempts: {reason}"}
        else:
            done = {"reason": reason, "next_ms": now + DELAYS_S[taken.attempts - 1] * 1000}
        self._database.write(lambda c: rows.change_delivery(c, taken, **done))

    def send(self, delivery: Delivery) -> None:
        """One attempt; raises when it did not arrive."""

        def look(connection: Connection) -> tuple[Notice | None, Channel | None, str, list[str]]:
            project = project_rows.by_id(connection, delivery.project_id)
            return (rows.notice_by_id(connection, delivery.notice_id), rows.channel_by_id(connection, delivery.channel_id),
                    project.name if project else "", rows.addresses(connection, delivery.notice_id))  # fmt: skip

        notice, channel, project, addresses = self._database.read(look)
        if notice is None or channel is None:
            raise InvalidInput("The notice or the channel is gone.")
        self._send(notice, channel, delivery, project, addresses)

    def test(self, project_id: str, channel_id: str, identity: Identity) -> dict[str, object]:
        """Send a test now: whether it arrived, and in one sentence how. Nothing of an answer's text is handed back."""
        channel = self._channels.get(project_id, channel_id)
        now = self._clock.now_ms()
        notice = Notice(id=new_id("not"), project_id=project_id, kind="test", subject=f"A test of {channel.name}",
                        text=f"{identity.name} tests this channel of Fairloop.", created_ms=now)  # fmt: skip
        delivery = Delivery(id=new_id("dlv"), project_id=project_id, notice_id=notice.id, channel_id=channel_id)

        def look(connection: Connection) -> tuple[str, list[str]]:
            project = project_rows.by_id(connection, project_id)
            person = people_rows.by_id(connection, identity.person_id)
            return project.name if project else "", [person.email] if person and person.email else []

        project, addresses = self._database.read(look)
        try:
            told = self._send(notice, channel, delivery, project, addresses)
        except InvalidInput:
            raise
        except FairloopError as cause:
            return {"arrived": False, "words": cause.message}
        return {"arrived": True, "words": told}

    def _send(self, notice: Notice, channel: Channel, delivery: Delivery, project: str, addresses: list[str]) -> str:
        opened = self._channels.opened(channel.id)
        base = self._settings.public_url.rstrip("/") or f"http://{self._settings.host}:{self._settings.port}"
        url = base + (notice.href or f"/projects/{project}")
        if channel.kind == "email":
            return self._mail(opened.target, addresses, notice, delivery, formats.mail_text(notice, project, url))
        shape = {"slack": formats.slack, "teams": formats.teams}.get(channel.kind)
        body = formats.body_of(
            shape(notice, project, url) if shape else formats.webhook(notice, delivery, project, url)
        )
        headers = {"Content-Type": "application/json", "User-Agent": "fairloop", formats.DELIVERY: delivery.id,
                   formats.EVENT: notice.kind}  # fmt: skip
        if opened.secret:
            headers[formats.SIGNATURE] = formats.sign(opened.secret, self._clock.now_ms() // 1000, body)
        status = self._outbound.post(opened.target, body, headers)
        if not 200 <= status < 300:
            raise Unavailable(f"It answered {status // 100}xx instead of 2xx.")
        return "It answered 2xx."

    def _mail(self, target: str, addresses: list[str], notice: Notice, delivery: Delivery, text: str) -> str:
        named = [part.strip() for part in target.split(",") if part.strip()]
        to = list(dict.fromkeys([*(n for n in named if n != PEOPLE), *(addresses if PEOPLE in named else [])]))
        if to:
            mail.send(self._settings, [mail.check_address(a) for a in to], notice, delivery, text)
        return f"The mail server took it for {len(to)} addresses." if to else "Nobody it is for has an e-mail address."
