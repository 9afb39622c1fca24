"""The steps that judge, mitigate and gate. They run in a worker and speak to the server over HTTP."""

from __future__ import annotations

from typing import Any

from fairloop.core.checks import DATA_METRICS, GROUP_METRICS, Check
from fairloop.core.clock import Clock
from fairloop.core.models import Candidate, Evaluation
from fairloop.core.records import from_plain
from fairloop.core.runs import Metric
from fairloop.errors import InvalidInput, Refused
from fairloop.evaluation.evidence import Evidence, gather
from fairloop.evaluation.probes import gather_probes
from fairloop.evaluation.repairs import Repairs
from fairloop.evaluation.trainer import Trainer
from fairloop.pipelines import functions, values
from fairloop.pipelines.context import Context, current
from fairloop.registry.model import Model
from fairloop.tables.table import Table

SHARED_ROWS = 0.01
"""Equal rows at equal positions happen by chance; a larger share of a part means that the parts overlap."""


def judge(model: Model, valid: Table, test: Table, checks: list[Any] | None = None, method: str = "plain",
          strength: float | None = None, probes: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    """Judge ``model`` on the validation part and register it as a candidate. ``test`` is left untouched for the gate."""
    _check_parts(model, valid, test)
    return register(current(), model, valid, _checks(checks), method, strength, probes)


def mitigate(trainer: dict[str, str], arguments: dict[str, Any], valid: Table, method: str, strength: float | None = None,
             checks: list[Any] | None = None, probes: dict[str, Any] | None = None,
             allow_attribute: bool = False) -> dict[str, Any]:  # fmt: skip
    """Train again through the trainer hook, with a mitigation, and judge the outcome like any candidate."""
    context = current()
    asked = _checks(checks)
    hook = Trainer(functions.load(trainer, context.client.blobs), arguments)
    first = next((check for check in asked if check.metric in GROUP_METRICS - DATA_METRICS), None)
    sensitive = hook.table.roles.sensitive
    attribute = "&".join(first.attributes) if first is not None else next(iter(sensitive), "")
    if not attribute:
        raise Refused("Mitigation needs a sensitive attribute; name one in fl.Data(sensitive=[...]).")
    criterion = first.metric if first is not None else "demographic_parity_difference"
    model = Repairs(hook, attribute, criterion, allow_attribute=allow_attribute).make(method, strength)
    return register(context, model, valid, asked, method, strength, probes)


def gate(candidate_id: str, model: Model, test: Table, checks: list[Any] | None = None,
         probes: dict[str, Any] | None = None) -> dict[str, Any]:  # fmt: skip
    """Judge a candidate on the test part, once; the evaluation counts how often these rows have judged."""
    client = current().client
    client.candidates.get(candidate_id)
    known = client.candidates.evaluations(candidate_id)
    baselines = {name: found["estimate"] for e in known if e.part == "validation" for name, found in e.metrics.items()
                 if found.get("estimate") is not None}  # fmt: skip
    evidence = gather(model, test, _checks(checks), explain=False, baselines=baselines,
                      probes=gather_probes(client, probes))  # fmt: skip
    evaluation = _keep(current(), candidate_id, "test", evidence)
    return {"evaluation_id": evaluation.id, "uses_of_part": evaluation.uses_of_part}


def register(context: Context, model: Model, valid: Table, checks: list[Check], method: str, strength: float | None,
             probes: dict[str, Any] | None = None, *, slot: int = 0, settings: dict[str, Any] | None = None,
             run_id: str | None = None) -> dict[str, Any]:  # fmt: skip
    """Judge ``model`` on the validation part and register it. A step that registers several counts them by ``slot`` and
    names the run of each."""
    evidence = gather(model, valid, checks, probes=gather_probes(context.client, probes))
    manifest = values.store(evidence.model, context.client.blobs)
    if run_id is None and context.run_id is not None:
        shown = {"method": method} | ({} if strength is None else {"strength": f"{strength:g}"})
        context.client.runs.log(context.run_id, params=shown)
    candidate: Candidate = context.client.candidates.create(
        pipeline_run_id=context.pipeline_run_id, step_run_id=context.step_run_id, cycle_id=context.cycle_id, run_id=run_id or context.run_id, method=method,
        strength=strength, slot=slot, settings=settings, model_sha256=manifest["sha256"], profile=evidence.profile, signature=evidence.model.signature,
    )  # fmt: skip
    _keep(context, candidate.id, "validation", evidence, run_id)
    return {"candidate_id": candidate.id}


def _keep(context: Context, candidate_id: str, part: str, evidence: Evidence, run_id: str | None = None) -> Evaluation:
    _log(context, part, evidence, run_id or context.run_id)
    return context.client.candidates.add_evaluation(
        candidate_id, part=part, n=evidence.n, predictions_sha256=context.client.blobs.put(evidence.predictions),
        part_sha256=evidence.part_sha256, metrics=evidence.measured.metrics, groups=evidence.measured.groups,
        drivers=evidence.drivers, verdicts=evidence.verdicts,
    )  # fmt: skip


def _log(context: Context, part: str, evidence: Evidence, run_id: str | None) -> None:
    """The numbers as metrics of the Run, those of the test part under ``test/``."""
    if run_id is None:
        return
    now, prefix = Clock().now_ms(), "test/" if part == "test" else ""
    known = {name: found["estimate"] for name, found in evidence.measured.metrics.items()}
    points = [Metric(key=prefix + name, value=float(value), timestamp_ms=now) for name, value in known.items()
              if value is not None]  # fmt: skip
    context.client.runs.log(run_id, metrics=points)


def _checks(checks: list[Any] | None) -> list[Check]:
    return from_plain(list[Check], checks or [])


def _check_parts(model: Model, valid: Table, test: Table) -> None:
    for name, value, kind in (("model", model, Model), ("valid", valid, Table), ("test", test, Table)):
        if not isinstance(value, kind):
            raise InvalidInput(
                f"fl.candidate's {name} is a {type(value).__name__}; pass the fl.{kind.__name__} a step returned."
            )
    shared = len(_rows(valid) & _rows(test))
    if shared > SHARED_ROWS * min(len(valid), len(test)):
        raise InvalidInput(f"{shared} rows are in both the validation and the test part; split them apart, for example "
                           "with people.split(0.6, 0.2, 0.2).")  # fmt: skip


def _rows(table: Table) -> set[tuple[int, int]]:
    """Id and content of every row: ids alone may be positions that a step counted anew in each part."""
    content = table.frame.select(table.columns).hash_rows().to_list()
    return set(zip(table.row_ids.tolist(), content, strict=True))
