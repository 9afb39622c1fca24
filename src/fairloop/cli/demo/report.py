"""The numbers of a cycle, for ``--report`` and for whoever checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fairloop.core.records import to_wire

if TYPE_CHECKING:
    from fairloop.client.client import Client
    from fairloop.core.cycles import Cycle


def cycle_report(client: Client, cycle: Cycle) -> dict[str, Any]:
    """Trigger, candidates with their metrics and stored predictions, verdicts, approver, rollout and alert of a cycle."""
    lineage = client.cycles.lineage(cycle.id)
    rollout = client.endpoints.rollout(cycle.rollout_id) if cycle.rollout_id else None
    return {
        "number": cycle.number,
        "id": cycle.id,
        "stage": str(cycle.stage),
        "trigger": cycle.trigger,
        "words": cycle.words,
        "cost_usd": cycle.cost_usd,
        "gates": to_wire(cycle.gates),
        "candidates": [_candidate(client, found) for found in client.candidates.list(cycle_id=cycle.id).items],
        "chosen": cycle.chosen_candidate_id,
        "verdicts": lineage["gates"],
        "approval": lineage["approval"],
        "alert": lineage["alert"],
        "dataset_versions": [d["id"] for d in lineage["dataset_versions"]],
        "model_version": cycle.model_version_id,
        "rollout": to_wire(rollout) if rollout else None,
    }


def _candidate(client: Client, candidate: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": candidate.id, "method": candidate.method, "strength": candidate.strength,
                            "state": candidate.state, "run_id": candidate.run_id}  # fmt: skip
    told["evaluations"] = [
        {"part": e.part, "n": e.n, "metrics": e.metrics, "predictions_sha256": e.predictions_sha256,
         "uses_of_part": e.uses_of_part}
        for e in client.candidates.evaluations(candidate.id)
    ]  # fmt: skip
    return told
