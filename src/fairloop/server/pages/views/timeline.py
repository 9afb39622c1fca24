"""A cycle's events as one vertical timeline, from its trigger to its end."""

from __future__ import annotations

from typing import Any

from fairloop.core.cycles import ApprovalRequest, Cycle, CycleEvent
from fairloop.server.pages.views.verdicts import cards
from fairloop.server.pages.words import happened, state

TRIGGERS = {
    "alert": ("fail", "alert", "An alert started it"),
    "person": ("idle", "person", "A person started it"),
    "schedule": ("idle", "clock", "The schedule started it"),
    "data": ("idle", "data", "New data started it"),
    "git": ("idle", "pipelines", "A push started it"),
}
_NOW = {
    "data": "Gathering the labelled traffic",
    "train": "Training the plain candidate",
    "mitigate": "Training mitigated candidates",
    "gate": "The test part answers once for the chosen candidate",
    "roll_out": "Moving the traffic step by step",
}


def entries(cycle: Cycle, events: list[CycleEvent], request: ApprovalRequest | None) -> list[dict[str, Any]]:
    """One entry an event, with what to draw under it; the last says what happens now."""
    drawn = [_entry(cycle, event) for event in events]
    _place(drawn, "candidates", ("chosen", "refused_candidate", "refused"))
    _place(drawn, "rollout", ("rollout", "roll_out"))
    if request is not None and request.decision == "waiting":
        drawn.append(
            {
                "tone": "wait",
                "icon": "person",
                "head": f"Waiting for a {request.role.replace('_', ' ')}",
                "at_ms": request.requested_ms,
                "text": "",
                "verdicts": [],
                "anchor": "approve",
                "shows": {"approval"},
                "alert_id": None,
            }
        )
    elif not cycle.stage.final:
        drawn.append(
            {
                "tone": "run",
                "icon": "run",
                "head": state(cycle.stage)["word"],
                "at_ms": None,
                "text": _NOW.get(str(cycle.stage), ""),
                "verdicts": [],
                "anchor": "now",
                "shows": set(),
                "alert_id": None,
            }
        )
    return drawn


def _entry(cycle: Cycle, event: CycleEvent) -> dict[str, Any]:
    tone, icon, head = happened(event.kind)
    shows: set[str] = set()
    verdicts: list[dict[str, Any]] = []
    if event.kind == "started":
        tone, icon, head = TRIGGERS.get(str(cycle.trigger.get("kind")), TRIGGERS["person"])
    if event.kind == "gate":
        verdicts = cards(event.data.get("verdicts") or [])
        passed = bool(event.data.get("passed"))
        tone, icon, head = ("pass", "check", "Gate passed") if passed else ("fail", "x", "Gate refused")
    return {
        "tone": tone,
        "icon": icon,
        "head": head,
        "at_ms": event.at_ms,
        "text": event.text,
        "verdicts": verdicts,
        "anchor": {"gate": "gate", "approved": "approve"}.get(event.kind, f"e{event.seq}"),
        "shows": shows,
        "kind": event.kind,
        "alert_id": event.data.get("alert_id") if event.kind == "started" else None,
    }


def _place(drawn: list[dict[str, Any]], what: str, kinds: tuple[str, ...]) -> None:
    """Mark the one entry under which ``what`` is drawn: the last of the first kind that happened."""
    for kind in kinds:
        if found := [e for e in drawn if e.get("kind") == kind]:
            found[-1]["shows"].add(what)
            found[-1]["anchor"] = what
            return
