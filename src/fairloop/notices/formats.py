"""A notice as each kind of channel wants it, and the signature of a webhook."""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Any

from fairloop.core import codec
from fairloop.core.clock import rfc3339
from fairloop.core.notices import KINDS, Delivery, Notice

SIGNATURE, DELIVERY, EVENT = "X-Fairloop-Signature", "X-Fairloop-Delivery", "X-Fairloop-Event"
SCHEMA = 1
_MARKDOWN = re.compile(r"([\\`*_\[\]()#<>~|])")


def webhook(notice: Notice, delivery: Delivery, project: str, url: str) -> dict[str, Any]:
    """The documented JSON of a webhook."""
    return {"schema": SCHEMA, "delivery": delivery.id, "notice": notice.id, "kind": notice.kind, "project": project,
            "subject": notice.subject, "text": notice.text, "about": notice.about, "url": url,
            "at": rfc3339(notice.created_ms)}  # fmt: skip


def slack(notice: Notice, project: str, url: str) -> dict[str, Any]:
    """Slack's incoming webhook: one section and a link. What people typed can neither mention nor link."""
    said = f"*{_slack(notice.subject)}*\n{_slack(notice.text)}"
    where = f"<{url}|Open in Fairloop> · {_slack(project)} · {KINDS[notice.kind]}"
    return {"text": _slack(notice.subject), "blocks": [
        {"type": "section", "text": {"type": "mrkdwn", "text": said[:2900]}},
        {"type": "context", "elements": [{"type": "mrkdwn", "text": where}]}]}  # fmt: skip


def teams(notice: Notice, project: str, url: str) -> dict[str, Any]:
    """Microsoft Teams' workflow webhook: an adaptive card."""
    body = [{"type": "TextBlock", "text": _plain(notice.subject), "weight": "Bolder", "size": "Medium", "wrap": True},
            {"type": "TextBlock", "text": _plain(notice.text), "wrap": True},
            {"type": "TextBlock", "text": _plain(f"{project}: {KINDS[notice.kind]}"), "isSubtle": True, "wrap": True}]  # fmt: skip
    card = {"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
            "body": body, "actions": [{"type": "Action.OpenUrl", "title": "Open in Fairloop", "url": url}]}  # fmt: skip
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def mail_text(notice: Notice, project: str, url: str) -> str:
    return f"{notice.text}\n\n{url}\n\nProject {project}. {KINDS[notice.kind]}.\n"


def sign(secret: str, at_s: int, body: bytes) -> str:
    """``t=<seconds>,v1=<hex>``: an HMAC-SHA256 over the time, a point and the body, so that neither can be replaced."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={mac}"


def body_of(value: dict[str, Any]) -> bytes:
    """JSON bytes; the foreign ``$schema`` key is outside our codec's language."""
    if "attachments" in value:
        import json  # a foreign format

        return json.dumps(value, ensure_ascii=False).encode()
    return codec.dumps(value).encode()


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _plain(text: str) -> str:
    """Text in which Markdown means nothing."""
    return _MARKDOWN.sub(r"\\\1", text)
