"""Every page, with its permission."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fairloop.access.permissions import Permission as P
from fairloop.server.pages import (
    alerts,
    appeals,
    assets,
    cycles,
    data,
    data_bias,
    discussion,
    endpoints,
    evidence,
    home,
    labels,
    members,
    models,
    notices,
    people,
    pipelines,
    policy,
    projects,
    runs,
    search,
    session,
    why,
)
from fairloop.server.routing import Route

IN = "/projects/{project_name:str}"
VERSION = IN + "/models/{model_name:str}/{version:int}"
ENDPOINT = IN + "/endpoints/{endpoint_name:str}"


def _get(path: str, handler: Callable[..., Any], permission: P) -> Route:
    return Route("GET", path, handler, permission, surface="page")


def _post(path: str, handler: Callable[..., Any], permission: P) -> Route:
    return Route("POST", path, handler, permission, surface="page")


ROUTES: list[Route] = [
    _get("/static/{version:str}/{path:path}", assets.static_file, P.PUBLIC),
    # ---- who one is
    _get("/login", session.login_form, P.PUBLIC),
    _post("/login", session.login, P.PUBLIC),
    _get("/setup", session.setup_form, P.PUBLIC),
    _post("/setup", session.setup, P.PUBLIC),
    _post("/logout", session.logout, P.SIGNED_IN),
    _post("/act-as", session.act_as, P.SIGNED_IN),
    _get("/invitation/{secret:str}", members.invitation, P.PUBLIC),
    _post("/invitation/{secret:str}", members.accept, P.PUBLIC),
    # ---- people who were judged
    _get("/appeal/{endpoint_id:str}", appeals.form, P.PUBLIC),
    _post("/appeal/{endpoint_id:str}", appeals.file, P.PUBLIC),
    _get("/appeal-answer", appeals.answer_form, P.PUBLIC),
    _post("/appeal-answer", appeals.answer, P.PUBLIC),
    # ---- server
    _get("/", home.home, P.SIGNED_IN),
    _post("/notices", notices.read, P.SIGNED_IN),
    _post("/projects", projects.create, P.PEOPLE_MANAGE),
    _get("/people", people.people, P.PEOPLE_MANAGE),
    _post("/people", people.create, P.PEOPLE_MANAGE),
    _post("/people/{person_id:str}", people.change, P.PEOPLE_MANAGE),
    _get("/tokens", people.tokens, P.SIGNED_IN),
    _post("/tokens", people.create_token, P.SIGNED_IN),
    _post("/tokens/{token_id:str}/revoke", people.revoke_token, P.SIGNED_IN),
    # ---- project
    _get(IN, projects.overview, P.PROJECT_READ),
    _get(IN + "/loops", projects.loops, P.PROJECT_READ),
    _get(IN + "/search", search.search, P.PROJECT_READ),
    _get(IN + "/settings", projects.settings, P.PROJECT_READ),
    _post(IN + "/settings", projects.change, P.PROJECT_EDIT),
    _get(IN + "/settings/policy", policy.show, P.PROJECT_READ),
    _post(IN + "/settings/policy", policy.save, P.POLICY_EDIT),
    _get(IN + "/settings/policy/{version:int}", policy.difference, P.PROJECT_READ),
    _post(IN + "/settings/policy/{version:int}", policy.decide, P.POLICY_EDIT),
    _post(IN + "/settings/delegations", policy.delegate, P.MODEL_APPROVE),
    _post(IN + "/settings/delegations/{delegation_id:str}", policy.end_delegation, P.PROJECT_READ),
    _get(IN + "/settings/notifications", notices.show, P.POLICY_EDIT),
    _post(IN + "/settings/notifications", notices.add, P.POLICY_EDIT),
    _post(IN + "/settings/notifications/{channel_id:str}", notices.change, P.POLICY_EDIT),
    _post(IN + "/settings/notifications/{channel_id:str}/test", notices.attempt, P.POLICY_EDIT),
    _post(IN + "/settings/deliveries/{delivery_id:str}", notices.retry, P.POLICY_EDIT),
    _get(IN + "/members", members.members, P.PROJECT_READ),
    _post(IN + "/members", members.set_member, P.MEMBERS_MANAGE),
    _post(IN + "/members/remove", members.remove_member, P.MEMBERS_MANAGE),
    _post(IN + "/members/invite", members.invite, P.MEMBERS_MANAGE),
    _post(IN + "/members/revoke", members.revoke, P.MEMBERS_MANAGE),
    _get(IN + "/audit", people.audit, P.AUDIT_READ),
    # ---- appeals
    _get(IN + "/appeals", appeals.listing, P.APPEAL_READ),
    _post(IN + "/appeals/desks", appeals.switch, P.APPEAL_DECIDE),
    _post(IN + "/appeals/{appeal_id:str}", appeals.decide, P.APPEAL_DECIDE),
    # ---- discussion
    _get(IN + "/discussion", discussion.threads, P.PROJECT_READ),
    _get(IN + "/discussion/{kind:str}/{subject_id:str}", discussion.thread, P.PROJECT_READ),
    _post(IN + "/comments", discussion.add, P.COMMENT),
    _post(IN + "/comments/{comment_id:str}", discussion.change, P.COMMENT),
    # ---- cycles
    _get(IN + "/cycles/{cycle_id:str}", cycles.show, P.PROJECT_READ),
    _get(IN + "/cycles/{cycle_id:str}/timeline", cycles.timeline, P.PROJECT_READ),
    _post(IN + "/cycles/{cycle_id:str}/cancel", cycles.cancel, P.PIPELINE_RUN),
    _post(IN + "/approvals/{approval_id:str}", cycles.decide, P.PROJECT_READ),
    # ---- pipelines
    _get(IN + "/pipelines", pipelines.listing, P.PROJECT_READ),
    _get(IN + "/pipelines/{pipeline_run_id:str}", pipelines.show, P.PROJECT_READ),
    _get(IN + "/pipelines/{pipeline_run_id:str}/state", pipelines.state, P.PROJECT_READ),
    _post(IN + "/pipelines/{pipeline_run_id:str}/cancel", pipelines.cancel, P.PIPELINE_RUN),
    _get(IN + "/step-runs/{step_run_id:str}", pipelines.step, P.PROJECT_READ),
    # ---- runs
    _get(IN + "/runs", runs.listing, P.PROJECT_READ),
    _get(IN + "/runs/{run_id:str}", runs.show, P.PROJECT_READ),
    _get(IN + "/runs/{run_id:str}/head", runs.head, P.PROJECT_READ),
    _get(IN + "/runs/{run_id:str}/metrics", runs.metrics, P.PROJECT_READ),
    # ---- data and models
    _get(IN + "/data", data.listing, P.PROJECT_READ),
    _get(IN + "/data/{dataset:str}/{version:int}", data.version, P.PROJECT_READ),
    _get(IN + "/data/{dataset:str}/{version:int}/doubts", data_bias.doubts, P.PROJECT_READ),
    _post(IN + "/data/{dataset:str}/{version:int}/look", data_bias.look, P.PIPELINE_RUN),
    _post(IN + "/data/{dataset:str}/{version:int}/prescription", data_bias.prescribe, P.PIPELINE_RUN),
    _post(IN + "/data/{dataset:str}/{version:int}/cycle", data_bias.start_cycle, P.PIPELINE_RUN),
    # ---- labelling
    _get(IN + "/labels", labels.listing, P.PROJECT_READ),
    _post(IN + "/labels", labels.open_task, P.DATA_WRITE),
    _get(IN + "/labels/{task_id:str}", labels.show, P.PROJECT_READ),
    _get(IN + "/labels/{task_id:str}/now", labels.now, P.PROJECT_READ),
    _get(IN + "/labels/{task_id:str}/row", labels.row, P.LABEL),
    _post(IN + "/labels/{task_id:str}/answer", labels.answer, P.LABEL),
    _post(IN + "/labels/{task_id:str}/undo", labels.undo, P.LABEL),
    _get(IN + "/labels/{task_id:str}/rows.csv", labels.rows_file, P.LABEL),
    _get(IN + "/labels/{task_id:str}/labels.csv", labels.labels_file, P.DATA_WRITE),
    _post(IN + "/labels/{task_id:str}/bring", labels.bring, P.LABEL),
    _post(IN + "/labels/{task_id:str}/close", labels.close, P.DATA_WRITE),
    _post(IN + "/labels/{task_id:str}/cancel", labels.cancel, P.DATA_WRITE),
    _get(IN + "/models", models.listing, P.PROJECT_READ),
    _get(IN + "/models/{model_name:str}", models.model, P.PROJECT_READ),
    _get(VERSION, models.version, P.PROJECT_READ),
    _post(VERSION + "/deploy", models.deploy, P.ENDPOINT_DEPLOY),
    _post(VERSION + "/approval", policy.ask, P.MODEL_WRITE),
    _get(VERSION + "/why", why.show, P.PROJECT_READ),
    _get(VERSION + "/why/now", why.now, P.PROJECT_READ),
    _post(VERSION + "/why", why.ask, P.PIPELINE_RUN),
    _get(VERSION + "/evidence", evidence.show, P.PROJECT_READ),
    _post(VERSION + "/evidence", evidence.make, P.AUDIT_READ),
    _get(VERSION + "/evidence/{pack_id:str}", evidence.download, P.AUDIT_READ),
    # ---- endpoints
    _get(IN + "/endpoints", endpoints.listing, P.PROJECT_READ),
    _get(ENDPOINT, endpoints.show, P.PROJECT_READ),
    _get(ENDPOINT + "/now", endpoints.now, P.PROJECT_READ),
    _post(ENDPOINT + "/try", endpoints.attempt, P.PREDICT),
    _post(ENDPOINT + "/roll-back", endpoints.roll_back, P.ENDPOINT_DEPLOY),
    _post(ENDPOINT + "/rollouts/{rollout_id:str}", endpoints.decide_rollout, P.ENDPOINT_DEPLOY),
    _post(ENDPOINT + "/switch", endpoints.switch, P.ENDPOINT_DEPLOY),
    # ---- alerts
    _get(IN + "/alerts", alerts.listing, P.PROJECT_READ),
    _post(IN + "/alerts/{alert_id:str}/acknowledge", alerts.acknowledge, P.MONITOR_EDIT),
    _post(IN + "/alerts/{alert_id:str}/resolve", alerts.resolve, P.MONITOR_EDIT),
    _post(IN + "/alerts/{alert_id:str}/cycle", alerts.start_cycle, P.PIPELINE_RUN),
]
