"""The files of an evidence pack, made from facts. The same facts at the same time make the same bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fairloop import __version__
from fairloop.access.signing import SigningKeys
from fairloop.core.clock import rfc3339
from fairloop.core.records import to_wire
from fairloop.errors import MissingExtra
from fairloop.evidence.annex_iv import annex_iv
from fairloop.evidence.archive import build, json_bytes
from fairloop.evidence.cards import data_card, model_card
from fairloop.evidence.gather import AuditSlice, Facts, plain_audit
from fairloop.evidence.nist import nist
from fairloop.evidence.sbom import bill_of_materials
from fairloop.evidence.sections import Card, as_html, as_json, as_markdown

_README = """Evidence pack: {model} v{version}

Open index.html in a browser: it needs no server and fetches nothing.

Every file here is named with its sha256 in manifest.json, and signature.json signs the manifest.
To check that nothing was changed, on any machine:

    pip install fairloop
    fairloop verify {file}

Public key of the server that signed: {public_key}
Compare it with what the server's people tell you, and give it: fairloop verify {file} --key {public_key}

index.html         everything below as one page to read or print
model-card.*       what it is, how well, how fairly, who decided, where it runs
data-card.*        what it learned from
annex-iv.*         the headings of Annex IV of the EU AI Act, with what is missing (supports, does not certify)
nist-ai-rmf.*      the categories of the NIST AI Risk Management Framework, the same way
verdicts.json      each gate: question, estimate, interval, rows, method
evaluations.json   every number measured, and the hash of the predictions it was measured on
approvals.json     who was asked, who decided, why
lineage.json       cycle, step runs, dataset versions, commit, alert
policy.json        the loop as it was defined, and the project's policy
analyses.json      explanations and other analyses about this version
appeals.json       what people it judged contested, and how it was decided
audit.json         audit entries about this version, with the hashes that chain them
environment.lock   every package of the training environment
sbom.cdx.json      the same as CycloneDX
hardware.json      the machine it was trained on
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    data: bytes
    key_id: str
    missing: list[str]


def cards_of(facts: Facts) -> dict[str, Card]:
    """File name without suffix to card, in the order they are read."""
    return {"model-card": model_card(facts), "data-card": data_card(facts), "annex-iv": annex_iv(facts),
            "nist-ai-rmf": nist(facts)}  # fmt: skip


def make(facts: Facts, audit: AuditSlice, keys: SigningKeys, *, file_name: str, made_ms: int, made_by: str,
         because: str) -> Made:  # fmt: skip
    """The signed archive."""
    cards = cards_of(facts)
    missing = [f"{card.title.split(':')[0]}, {what}" for card in cards.values() for what in card.missing]
    files = _records(facts) | {"audit.json": json_bytes(plain_audit(audit))}
    for name, card in cards.items():
        files[f"{name}.json"] = json_bytes(as_json(card))
        files[f"{name}.md"] = as_markdown(card).encode()
        files[f"{name}.html"] = as_html(card.title, [card], [("Everything", "index.html")]).encode()
    links = [(card.title.split(":")[0], f"{name}.html") for name, card in cards.items()]
    files["index.html"] = as_html(
        f"Evidence: {facts.version.model} v{facts.version.version}", list(cards.values()), links
    ).encode()
    if not audit.verification.ok:
        missing.append(f"an unbroken audit log: entry {audit.verification.broken_seq} does not match its hash")
    try:
        files |= _software(facts, made_ms)
    except MissingExtra as cause:
        missing.append(f"sbom.cdx.json: {cause.message}")
    key = keys.keys()[0]
    words = {
        "model": facts.version.model,
        "version": facts.version.version,
        "file": file_name,
        "public_key": key.public_key,
    }
    files["readme.txt"] = _README.format(**words).encode()
    about = _about(facts, audit, key.id, made_ms, made_by, because) | {"missing": missing}
    signed_with: list[str] = []

    def sign(data: bytes) -> tuple[str, str]:
        signature = keys.sign(data)
        signed_with.append(signature.key.id)
        return signature.key.public_key, signature.signature

    data = build(files, about, sign)
    return Made(data=data, key_id=signed_with[0], missing=missing)


def _about(facts: Facts, audit: AuditSlice, key_id: str, made_ms: int, made_by: str, because: str) -> dict[str, Any]:
    v = facts.version
    return {
        "subject": {"project": facts.project.name, "model": v.model, "version": v.version, "model_version_id": v.id,
                    "files": {f.path: f.sha256 for f in facts.files}},
        "made": {"at": rfc3339(made_ms), "by": made_by, "because": because, "fairloop": __version__},
        "signing_key": key_id,
        "audit_head": audit.verification.head,
        "note": "Supports an assessment. States what was recorded; certifies nothing.",
    }  # fmt: skip


def _records(facts: Facts) -> dict[str, bytes]:
    """What the cards were written from, as it stands in the records."""
    cycle = facts.cycle
    return {
        "model-version.json": json_bytes({"version": to_wire(facts.version), "candidate": to_wire(facts.candidate),
                                          "files": to_wire(facts.files)}),
        "verdicts.json": json_bytes(to_wire(facts.verdicts)),
        "evaluations.json": json_bytes(to_wire(facts.evaluations)),
        "approvals.json": json_bytes(to_wire(facts.approvals)),
        "lineage.json": json_bytes({**facts.lineage, "candidates": to_wire(facts.candidates),
                                    "timeline": to_wire(facts.events), "rollout": to_wire(facts.rollout)}),
        "watch.json": json_bytes({"monitor": to_wire(facts.monitor), "alerts": to_wire(facts.alerts)}),
        "policy.json": json_bytes({"loop": to_wire(facts.definition), "gates": to_wire(cycle.gates) if cycle else [],
                                   "project": to_wire(facts.policy), "says_now": to_wire(facts.judged)}),
        "analyses.json": json_bytes(to_wire(facts.analyses)),
        "appeals.json": json_bytes(to_wire(facts.appeals)),
        "hardware.json": json_bytes(facts.capture.hardware if facts.capture else {}),
    }  # fmt: skip


def _software(facts: Facts, made_ms: int) -> dict[str, bytes]:
    if not facts.environment:
        return {}
    bill = bill_of_materials(facts.environment, facts.version.model, str(facts.version.version), made_ms)
    return {"environment.lock": facts.environment.encode(), "sbom.cdx.json": bill}
