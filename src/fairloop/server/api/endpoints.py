"""Endpoints, deployments, rollouts and predictions over REST."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import Request

from fairloop.core.endpoints import Deployment, Endpoint, Rollout
from fairloop.core.models import ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.core.records import Page, to_plain, to_wire
from fairloop.errors import InvalidInput, NotFound
from fairloop.server.services import Services
from fairloop.serving.feedback import Told


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    name: str
    log_mode: str = "best_effort"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDeployment:
    """``model_version`` is an id, ``name/version``, ``name@alias``, or the same after ``models:/``."""

    model_version: str
    share: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShares:
    shares: dict[str, int]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutDecision:
    """``decision`` is hold, resume, promote or roll_back."""

    decision: str
    reason: str


def find(services: Services, project: Project, name: str) -> Endpoint:
    """An endpoint by name or id."""
    try:
        return services.serving.endpoint(project.id, name)
    except NotFound:
        return services.serving.endpoint_by_id(project.id, name)


def shown(services: Services, endpoint: Endpoint) -> dict[str, Any]:
    """An endpoint as REST and the pages show it."""
    traffic = {d: {k: v for k, v in to_plain(t).items() if k != "slow"}
               for d, t in services.serving.traffic(endpoint.id).items()}  # fmt: skip
    stats = services.serving.stats(endpoint.id)
    return {
        **to_wire(endpoint),
        "url": f"http://{endpoint.host}:{endpoint.port}" if endpoint.port and endpoint.state != "stopped" else None,
        "deployments": to_wire(services.serving.deployments(endpoint.project_id, endpoint.id)),
        "rollouts": to_wire(services.serving.rollouts(endpoint.project_id, endpoint.id)),
        "traffic": traffic,
        "log": {"sent": stats.sent, "logged": stats.logged, "dropped": stats.dropped},
    }


def version_named(services: Services, project: Project, text: str) -> ModelVersion:
    """The model version a person means; InvalidInput says how to name one."""
    name = text.removeprefix("models:/").strip("/")
    if "@" in name:
        model, _, alias = name.rpartition("@")
        aliases = services.registry.model(project.id, model).aliases
        if alias not in aliases:
            raise NotFound(f"The model {model!r} has no alias {alias[:80]!r}.")
        return services.registry.version(project.id, model, aliases[alias])
    if "/" not in name:
        return services.registry.version_by_id(project.id, name)
    model, _, number = name.rpartition("/")
    if not number.isdecimal():
        raise InvalidInput(f"{text[:120]!r} names no model version; write models:/NAME/VERSION or models:/NAME@ALIAS.")
    return services.registry.version(project.id, model, int(number))


# ------------------------------------------------------------------ endpoints
def list_endpoints(services: Services, project: Project) -> Page[dict[str, Any]]:
    """Every endpoint with its traffic."""
    return Page(items=[shown(services, e) for e in services.serving.endpoints(project.id)])


def create_endpoint(services: Services, project: Project, identity: Identity, data: NewEndpoint) -> dict[str, Any]:
    """Make an endpoint; it starts with its first deployment."""
    endpoint = services.serving.ensure_endpoint(project.id, data.name, log_mode=data.log_mode)
    services.audit.record(identity, "endpoint.create", project_id=project.id, object=endpoint.id,
                          detail={"name": data.name, "log_mode": endpoint.log_mode})  # fmt: skip
    return shown(services, endpoint)


def get_endpoint(services: Services, project: Project, name: str) -> dict[str, Any]:
    """One endpoint: where it answers, its split, deployments, rollouts and counters."""
    return shown(services, find(services, project, name))


def stop_endpoint(services: Services, project: Project, identity: Identity, name: str, data: Reason) -> dict[str, Any]:
    """Finish what is in flight, then stop the endpoint's process."""
    endpoint = find(services, project, name)
    _reasoned(data.reason)
    services.audit.record(identity, "endpoint.stop", project_id=project.id, object=endpoint.id,
                          detail={"reason": data.reason})  # fmt: skip
    return shown(services, services.serving.stop(project.id, endpoint.id))


def start_endpoint(services: Services, project: Project, identity: Identity, name: str) -> dict[str, Any]:
    """Start a stopped endpoint with the deployments it had."""
    endpoint = find(services, project, name)
    services.audit.record(identity, "endpoint.start", project_id=project.id, object=endpoint.id)
    return shown(services, services.serving.start(project.id, endpoint.id))


# ------------------------------------------------------------------ deployments and traffic
def deploy(services: Services, project: Project, identity: Identity, name: str, data: NewDeployment) -> Deployment:
    """Serve a model version after its smoke test; a bad model answers as a failed deployment with the reason."""
    version = version_named(services, project, data.model_version)
    deployment = services.serving.deploy(project.id, name, version.id, share=data.share, by=identity.name)
    services.audit.record(identity, "endpoint.deploy", project_id=project.id, object=deployment.id,
                          detail={"endpoint": name, "model": version.model, "version": version.version,
                                  "share": data.share, "state": deployment.state.value})  # fmt: skip
    return deployment


def set_shares(services: Services, project: Project, identity: Identity, name: str, data: NewShares) -> dict[str, Any]:
    """Split the traffic: percent per deployment id, 100 together."""
    endpoint = find(services, project, name)
    services.serving.set_shares(project.id, endpoint.id, data.shares)
    services.audit.record(identity, "endpoint.shares", project_id=project.id, object=endpoint.id,
                          detail={"shares": data.shares, "reason": data.reason})  # fmt: skip
    return shown(services, endpoint)


def roll_back_endpoint(services: Services, project: Project, identity: Identity, name: str, data: Reason) -> Deployment:
    """All traffic back to the version that served before; an open rollout is taken back."""
    endpoint = find(services, project, name)
    _reasoned(data.reason)
    deployment = services.serving.go_back(project.id, endpoint.id, reason=f"{identity.name}: {data.reason}")
    services.audit.record(identity, "endpoint.roll_back", project_id=project.id, object=endpoint.id,
                          detail={"to": deployment.id, "reason": data.reason})  # fmt: skip
    return deployment


def retire(services: Services, project: Project, identity: Identity, name: str, deployment_id: str) -> Deployment:
    """Unload a deployment that serves no traffic."""
    endpoint = find(services, project, name)
    if services.serving.deployment(project.id, deployment_id).endpoint_id != endpoint.id:
        raise NotFound("No such deployment, or you may not see it.")
    services.audit.record(identity, "endpoint.retire", project_id=project.id, object=deployment_id)
    return services.serving.retire(project.id, deployment_id)


# ------------------------------------------------------------------ rollouts
def list_rollouts(services: Services, project: Project, name: str) -> Page[Rollout]:
    """The endpoint's rollouts, the newest first."""
    return Page(items=services.serving.rollouts(project.id, find(services, project, name).id))


def get_rollout(services: Services, project: Project, rollout_id: str) -> Rollout:
    """One rollout with the verdicts of its steps."""
    return services.serving.rollout(project.id, rollout_id)


def decide_rollout(services: Services, project: Project, identity: Identity, rollout_id: str,
                   data: RolloutDecision) -> Rollout:  # fmt: skip
    """Hold, resume, promote or roll back by a person's decision, with a reason."""
    serving = services.serving
    acts = {"hold": serving.hold, "resume": serving.resume, "promote": serving.promote, "roll_back": serving.roll_back}
    if data.decision not in acts:
        raise InvalidInput(f"decision={data.decision[:40]!r}; choose one of {', '.join(acts)}.")
    _reasoned(data.reason)
    rollout = acts[data.decision](project.id, rollout_id, reason=f"{identity.name}: {data.reason}")
    services.audit.record(identity, f"rollout.{data.decision}", project_id=project.id, object=rollout_id,
                          detail={"reason": data.reason, "state": rollout.state})  # fmt: skip
    return rollout


def _reasoned(reason: str) -> None:
    if not reason.strip():
        raise InvalidInput("Say why: this decision needs a reason.")


# ------------------------------------------------------------------ predictions
async def predict(request: Request[Any, Any, Any], services: Services, project: Project, name: str) -> Any:
    """Ask the endpoint, through the server; the body is that of MLflow's /invocations."""
    body = await request.body()
    return await asyncio.to_thread(services.serving.predictions.predict, project.id, name, body)


def send_feedback(services: Services, project: Project, name: str, data: list[Told]) -> dict[str, int]:
    """Labels and sensitive values by prediction id; on disk when this answers."""
    if any(line.source for line in data):
        raise InvalidInput("Who knew a label is noted by Fairloop; leave source away.")
    return {"accepted": services.serving.predictions.feedback(project.id, name, data)}


def recent_predictions(services: Services, project: Project, name: str, limit: int = 50) -> dict[str, Any]:
    """The newest predictions, without sensitive values."""
    return {"items": services.serving.predictions.recent(project.id, name, limit), "next": None}


def seal(services: Services, project: Project, name: str) -> dict[str, bool]:
    """Close the spool's open segments so that a monitor reads everything up to now."""
    services.serving.predictions.seal(project.id, find(services, project, name).name)
    return {"sealed": True}
