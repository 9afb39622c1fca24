"""Models and their versions: the evidence an approver reads."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.core.checks import Verdict
from fairloop.core.cycles import ApprovalRequest, Cycle
from fairloop.core.endpoints import DeploymentState
from fairloop.core.models import Candidate, Evaluation, ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.core.records import from_plain
from fairloop.errors import NotFound
from fairloop.server.pages import cycles, gather, why
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import evidence, lineage, questions, signature, summary
from fairloop.server.pages.views.verdicts import cards
from fairloop.server.services import Services


def listing(request: Asked, services: Services, project: Project) -> Html:
    """Registered models, each with its newest version."""
    rows = []
    for model in services.registry.models(project.id):
        versions = services.registry.search(project.id, name=model.name)
        rows.append(
            {
                "model": model,
                "href": within(project, "models", model.name),
                "versions": len(versions),
                "newest": versions[0] if versions else None,
                "newest_href": within(project, "models", model.name, versions[0].version) if versions else "",
            }
        )
    return page(request, "models.html", title="Models", section="models", rows=rows)


def model(request: Asked, services: Services, identity: Identity, project: Project, model_name: str) -> Html:
    """One model: the ten questions about the version that serves, else the newest; and its versions."""
    found = services.registry.model(project.id, model_name)
    names = {version: alias for alias, version in found.aliases.items()}
    rows = []
    versions = services.registry.search(project.id, name=model_name)
    for version in versions:
        evaluation = _evaluation(services, project, version.candidate_id)
        rows.append(
            {
                "version": version,
                "href": within(project, "models", model_name, version.version),
                "alias": names.get(version.version, ""),
                "metrics": evidence.metric_rows(evaluation)[:1] if evaluation else [],
            }
        )
    return page(
        request,
        "model.html",
        title=found.name,
        section="models",
        model=found,
        rows=rows,
        **_spokesman(services, identity, project, versions),
        crumbs=[("Models", within(project, "models"))],
    )


def _spokesman(
    services: Services, identity: Identity, project: Project, versions: list[ModelVersion]
) -> dict[str, Any]:
    """The version that speaks for a model, and its answers; none for a model without versions."""
    live = {
        d.model_version_id
        for e in services.serving.endpoints(project.id)
        for d in services.serving.deployments(project.id, e.id)
        if d.state is DeploymentState.LIVE
    }
    found = next((v for v in versions if v.id in live), versions[0] if versions else None)
    if found is None:
        return {"answers": [], "speaks": None}
    cycle = services.loops.cycle(project.id, found.cycle_id) if found.cycle_id else None
    candidate = services.evaluations.candidate(project.id, found.candidate_id) if found.candidate_id else None
    test = _evaluation(services, project, found.candidate_id, "test") or _evaluation(
        services, project, found.candidate_id
    )
    judged = _judgement(services, identity, project, found, cycle, candidate, test)
    return {"answers": judged["answers"], "speaks": found}


def version(
    request: Asked, services: Services, identity: Identity, project: Project, model_name: str, version: int
) -> Html:
    """A version with its evidence."""
    found = services.registry.version(project.id, model_name, version)
    cycle = services.loops.cycle(project.id, found.cycle_id) if found.cycle_id else None
    candidate = services.evaluations.candidate(project.id, found.candidate_id) if found.candidate_id else None
    test = _evaluation(services, project, found.candidate_id, "test") or _evaluation(
        services, project, found.candidate_id
    )
    return page(
        request,
        "version.html",
        title=f"{found.model} v{found.version}",
        section="models",
        v=found,
        cycle=cycle,
        crumbs=[("Models", within(project, "models")), (found.model, within(project, "models", found.model))],
        candidate=candidate,
        evaluation=test,
        files=services.registry.files_of(found),
        inputs=signature.inputs(found.signature),
        contested=services.appeals.summary(found.id),
        policy=services.loops.policies.of_version(found).verdict,
        why=services.analyses.newest(project.id, "explain", why.subjects(found)),
        **_judgement(services, identity, project, found, cycle, candidate, test),
        **_origin(services, project, found, cycle),
    )


def _evaluation(
    services: Services, project: Project, candidate_id: str | None, part: str = "validation"
) -> Evaluation | None:
    return services.evaluations.evaluation(project.id, candidate_id, part) if candidate_id else None


def _judgement(
    services: Services,
    identity: Identity,
    project: Project,
    found: ModelVersion,
    cycle: Cycle | None,
    candidate: Candidate | None,
    test: Evaluation | None,
) -> dict[str, Any]:
    """Gates, groups, frontier, drivers, sentences and the decision."""
    approvals = services.loops.approvals(project.id, model_version_id=found.id)
    approval = next((a for a in approvals if a.model_version_id == found.id), None)
    event = gather.gate_event(services.loops.events(project.id, cycle.id)) if cycle else None
    verdicts = (
        [from_plain(Verdict, v) for v in event.data.get("verdicts", [])]
        if event
        else list(test.verdicts if test else [])
    )
    rivals = services.evaluations.candidates(project.id, cycle_id=cycle.id) if cycle else []
    before = _before(services, project, found)
    serving = [
        e.name
        for e in services.serving.endpoints(project.id)
        for d in services.serving.deployments(project.id, e.id)
        if d.model_version_id == found.id and d.state is DeploymentState.LIVE
    ]
    data = _data(services, project, cycle)
    decide = cycles.decision(services, identity, project, approval) if approval else None
    return {
        "verdicts": cards(verdicts),
        "approval": approval,
        "decide": decide,
        "groups": evidence.group_charts(
            test,
            cycle.gates if cycle else [],
            _evaluation(services, project, before.candidate_id if before else None, "test"),
        ),
        "frontier": evidence.frontier(
            gather.judged(services, project.id, rivals), cycle.gates if cycle else [], found.candidate_id
        ),
        "drivers": evidence.drivers(test),
        "metrics": evidence.metric_rows(test) if test else [],
        "data": data,
        "data_href": within(project, "data", data.dataset, data.version) if data else "",
        "serving": serving,
        "answers": _answers(
            services, project, found, cycle, candidate, test, verdicts, approval, serving, decide, before
        ),
        "sentences": summary.sentences(
            found,
            candidate=candidate,
            evaluation=test,
            cycle=cycle,
            data=data,
            verdicts=verdicts,
            approval=approval,
            serving=serving,
        ),
    }


def _answers(
    services: Services,
    project: Project,
    found: ModelVersion,
    cycle: Cycle | None,
    candidate: Candidate | None,
    test: Evaluation | None,
    verdicts: list[Verdict],
    approval: ApprovalRequest | None,
    serving: list[str],
    decide: dict[str, Any] | None,
    before: ModelVersion | None,
) -> list[questions.Answer]:
    """The ten questions about this version."""
    deployments = [
        (e, d) for e in services.serving.endpoints(project.id) for d in services.serving.deployments(project.id, e.id)
    ]
    live = [(e, d) for e, d in deployments if d.state is DeploymentState.LIVE]
    mine = [d for _, d in live if d.model_version_id == found.id]
    others = [services.registry.version_by_id(project.id, d.model_version_id) for _, d in live]
    instead = next((v for v in others if v.model == found.model and v.id != found.id), None)
    goals = [
        str(x.definition.get("goal") or "") for x in services.loops.loops(project.id) if cycle and x.name == cycle.loop
    ]
    return questions.of_version(
        questions.AskedVersion(
            name=f"{found.model} v{found.version}",
            goal=found.description or next((g for g in goals if g), "") or project.goal,
            decision=found.decision,
            verdicts=verdicts,
            serving=serving,
            since_ms=min((d.live_ms for d in mine if d.live_ms), default=None),
            instead=f"{instead.model} v{instead.version}" if instead else "",
            alerts=[
                a for a in services.monitoring.alerts(project.id, "open") if a.deployment_id in {d.id for d in mine}
            ],
            approval=approval,
            cycle=cycle,
            made=f"It was made by {evidence.method_words(candidate).lower()} training" if candidate else "",
            test=test,
            before=_evaluation(services, project, before.candidate_id if before else None, "test"),
            before_name=f"{before.model} v{before.version}" if before else "",
            may_decide=bool(decide and not decide["why"]),
            appeals=services.appeals.summary(found.id).words,
        )
    )


def _before(services: Services, project: Project, found: ModelVersion) -> ModelVersion | None:
    older = [
        v
        for v in services.registry.search(project.id, name=found.model)
        if v.version < found.version and v.candidate_id
    ]
    return max(older, key=lambda v: v.version, default=None)


def _data(services: Services, project: Project, cycle: Cycle | None) -> Any:
    try:
        return services.datasets.get(project.id, cycle.dataset_version_id) if cycle else None
    except NotFound:
        return None


def _origin(services: Services, project: Project, found: ModelVersion, cycle: Cycle | None) -> dict[str, Any]:
    """Where it comes from: data, run, environment, hardware, and what it may be deployed to."""
    parts = []
    if (data := _data(services, project, cycle)) is not None:
        parts.append(lineage.data(project, data))
    run = gather.run_of(services, project.id, cycle.pipeline_run_ids.get("train", "")) if cycle else None
    if run is not None:
        parts.append(lineage.pipeline(project, run.id, run.pipeline))
    if cycle is not None:
        parts.append(lineage.cycle(project, cycle.id, cycle.number))
    elif found.run_id:
        parts.append(lineage.run(project, found.run_id, ""))
    parts.append(lineage.model(project, found, here=True))
    endpoints = services.serving.endpoints(project.id)
    return {
        "strip": parts,
        "capture": run.capture if run else None,
        "endpoints": [e.name for e in endpoints],
        "run_href": within(project, "runs", found.run_id) if found.run_id else "",
    }


def deploy(
    services: Services, identity: Identity, project: Project, model_name: str, version: int, data: Form
) -> Redirect:
    """Serve this version with all traffic of an endpoint, after its smoke test."""
    found = services.registry.version(project.id, model_name, version)
    name = data.get("endpoint", "").strip() or found.model

    def serve() -> Any:
        done = services.serving.deploy(project.id, name, found.id, share=100, by=identity.name)
        services.audit.record(
            identity, "endpoint.deploy", project_id=project.id, object=name, detail={"model_version": found.id}
        )
        return done

    def words(done: Any) -> str:
        failed = done.state is DeploymentState.FAILED
        return (
            f"!The smoke test failed, nothing changed: {done.reason}"
            if failed
            else f"{found.model} v{found.version} serves on {name}."
        )

    back = within(project, "models", model_name, version)
    return act(back, serve, words)
