"""Every URL of the server, with its permission. Deny by default: what is not here does not exist."""

from __future__ import annotations

from fairloop.access.permissions import Permission as P
from fairloop.server.api import (
    alerts,
    audit,
    blobs,
    candidates,
    cycles,
    datasets,
    endpoints,
    health,
    loops,
    monitors,
    people,
    pipelines,
    projects,
    session,
    tokens,
    work,
)
from fairloop.server.mlflow_api.routes import ROUTES as MLFLOW
from fairloop.server.pages.routes import ROUTES as PAGES
from fairloop.server.routing import Route

V1 = "/api/v1"
IN = V1 + "/projects/{project_name:str}"

ROUTES: list[Route] = [
    # ---- server
    Route("GET", "/health", health.health, P.PUBLIC),
    # ---- projects and people
    Route("GET", V1 + "/projects", projects.list_projects, P.SIGNED_IN),
    Route("POST", V1 + "/projects", projects.create_project, P.PEOPLE_MANAGE, status=201),
    Route("GET", IN, projects.get_project, P.PROJECT_READ),
    Route("PATCH", IN, projects.change_project, P.PROJECT_EDIT),
    Route("GET", IN + "/members", people.list_members, P.PROJECT_READ),
    Route("PUT", IN + "/members/{name:str}", people.set_member, P.MEMBERS_MANAGE),
    Route("DELETE", IN + "/members/{name:str}", people.remove_member, P.MEMBERS_MANAGE),
    Route("GET", V1 + "/people", people.list_people, P.PEOPLE_MANAGE),
    Route("POST", V1 + "/people", people.create_person, P.PEOPLE_MANAGE, status=201),
    Route("GET", V1 + "/people/{person_id:str}", people.get_person, P.PEOPLE_MANAGE),
    Route("PATCH", V1 + "/people/{person_id:str}", people.change_person, P.PEOPLE_MANAGE),
    Route("POST", V1 + "/people/{person_id:str}/password", people.set_password, P.SIGNED_IN),
    Route("GET", V1 + "/tokens", tokens.list_tokens, P.SIGNED_IN),
    Route("POST", V1 + "/tokens", tokens.create_token, P.SIGNED_IN, status=201),
    Route("DELETE", V1 + "/tokens/{token_id:str}", tokens.revoke_token, P.SIGNED_IN),
    Route("POST", V1 + "/login", session.login, P.PUBLIC),
    Route("POST", V1 + "/setup", session.setup, P.PUBLIC),
    Route("POST", V1 + "/logout", session.logout, P.PUBLIC),
    Route("GET", V1 + "/me", session.me, P.SIGNED_IN),
    Route("POST", V1 + "/act-as", session.act_as, P.SIGNED_IN),
    # ---- blobs and artifacts
    Route("PUT", IN + "/blobs/{sha256:str}", blobs.put_blob, P.RUN_WRITE, upload=True),
    Route("GET", IN + "/blobs/{sha256:str}", blobs.get_blob, P.PROJECT_READ),
    # ---- datasets
    Route("POST", IN + "/datasets", datasets.create_version, P.DATA_WRITE, status=201),
    Route("GET", IN + "/datasets", datasets.list_datasets, P.PROJECT_READ),
    Route("GET", IN + "/datasets/{dataset:str}/versions", datasets.list_versions, P.PROJECT_READ),
    Route("GET", IN + "/datasets/{dataset:str}/versions/{version:str}", datasets.get_by_number, P.PROJECT_READ),
    Route("GET", IN + "/dataset-versions/{version_id:str}", datasets.get_version, P.PROJECT_READ),
    # ---- tracking
    # ---- registry
    # ---- pipelines and work
    Route("POST", IN + "/pipeline-runs", pipelines.start, P.PIPELINE_RUN, status=201),
    Route("GET", IN + "/pipeline-runs", pipelines.list_runs, P.PROJECT_READ),
    Route("GET", IN + "/pipeline-runs/{pipeline_run_id:str}", pipelines.get, P.PROJECT_READ),
    Route("GET", IN + "/pipeline-runs/{pipeline_run_id:str}/steps", pipelines.steps, P.PROJECT_READ),
    Route("GET", IN + "/pipeline-runs/{pipeline_run_id:str}/events", pipelines.events, P.PROJECT_READ),
    Route("POST", IN + "/pipeline-runs/{pipeline_run_id:str}/cancel", pipelines.cancel, P.PIPELINE_RUN),
    Route("GET", IN + "/step-runs/{step_run_id:str}", pipelines.step, P.PROJECT_READ),
    Route("GET", IN + "/step-runs/{step_run_id:str}/log", pipelines.log, P.PROJECT_READ),
    Route("GET", IN + "/step-runs/{step_run_id:str}/log/events", pipelines.log_events, P.PROJECT_READ),
    Route("POST", IN + "/work/claim", work.claim, P.WORK),
    Route("POST", IN + "/work/{step_run_id:str}/heartbeat", work.heartbeat, P.WORK),
    Route("POST", IN + "/work/{step_run_id:str}/result", work.result, P.WORK),
    # ---- evaluation
    Route("POST", IN + "/candidates", candidates.create_candidate, P.RUN_WRITE, status=201),
    Route("GET", IN + "/candidates", candidates.list_candidates, P.PROJECT_READ),
    Route("GET", IN + "/candidates/{candidate_id:str}", candidates.get_candidate, P.PROJECT_READ),
    Route("POST", IN + "/candidates/{candidate_id:str}/evaluations", candidates.add_evaluation, P.RUN_WRITE, status=201),
    Route("GET", IN + "/candidates/{candidate_id:str}/evaluations", candidates.list_evaluations, P.PROJECT_READ),
    # ---- loops, cycles, approvals
    Route("POST", IN + "/loops", loops.register_loop, P.PIPELINE_RUN, status=201),
    Route("GET", IN + "/loops", loops.list_loops, P.PROJECT_READ),
    Route("GET", IN + "/loops/{name:str}", loops.get_loop, P.PROJECT_READ),
    Route("POST", IN + "/loops/{name:str}/cycles", loops.start_cycle, P.PIPELINE_RUN, status=202),
    Route("GET", IN + "/cycles", cycles.list_cycles, P.PROJECT_READ),
    Route("GET", IN + "/cycles/{cycle_id:str}", cycles.get_cycle, P.PROJECT_READ),
    Route("GET", IN + "/cycles/{cycle_id:str}/events", cycles.list_events, P.PROJECT_READ),
    Route("GET", IN + "/cycles/{cycle_id:str}/lineage", cycles.get_lineage, P.PROJECT_READ),
    Route("POST", IN + "/cycles/{cycle_id:str}/cancel", cycles.cancel_cycle, P.PIPELINE_RUN),
    Route("GET", IN + "/approvals", cycles.list_approvals, P.PROJECT_READ),
    Route("GET", IN + "/approvals/{approval_id:str}", cycles.get_approval, P.PROJECT_READ),
    Route("POST", IN + "/approvals/{approval_id:str}/decision", cycles.decide_approval, P.MODEL_APPROVE),
    Route("POST", IN + "/alerts/{alert_id:str}/cycle", cycles.cycle_of_alert, P.PIPELINE_RUN, status=202),
    Route("GET", IN + "/predictions/{prediction_id:str}", cycles.get_prediction, P.PROJECT_READ),
    # ---- endpoints, predictions
    Route("GET", IN + "/endpoints", endpoints.list_endpoints, P.PROJECT_READ),
    Route("POST", IN + "/endpoints", endpoints.create_endpoint, P.ENDPOINT_DEPLOY, status=201),
    Route("GET", IN + "/endpoints/{name:str}", endpoints.get_endpoint, P.PROJECT_READ),
    Route("POST", IN + "/endpoints/{name:str}/start", endpoints.start_endpoint, P.ENDPOINT_DEPLOY),
    Route("POST", IN + "/endpoints/{name:str}/stop", endpoints.stop_endpoint, P.ENDPOINT_DEPLOY),
    Route("POST", IN + "/endpoints/{name:str}/deployments", endpoints.deploy, P.ENDPOINT_DEPLOY, status=201),
    Route("DELETE", IN + "/endpoints/{name:str}/deployments/{deployment_id:str}", endpoints.retire, P.ENDPOINT_DEPLOY),
    Route("PUT", IN + "/endpoints/{name:str}/shares", endpoints.set_shares, P.ENDPOINT_DEPLOY),
    Route("POST", IN + "/endpoints/{name:str}/rollback", endpoints.roll_back_endpoint, P.ENDPOINT_DEPLOY),
    Route("POST", IN + "/endpoints/{name:str}/predict", endpoints.predict, P.PREDICT),
    Route("POST", IN + "/endpoints/{name:str}/feedback", endpoints.send_feedback, P.FEEDBACK),
    Route("GET", IN + "/endpoints/{name:str}/predictions", endpoints.recent_predictions, P.PROJECT_READ),
    Route("POST", IN + "/endpoints/{name:str}/seal", endpoints.seal, P.WORK),
    Route("GET", IN + "/endpoints/{name:str}/rollouts", endpoints.list_rollouts, P.PROJECT_READ),
    Route("GET", IN + "/rollouts/{rollout_id:str}", endpoints.get_rollout, P.PROJECT_READ),
    Route("POST", IN + "/rollouts/{rollout_id:str}/decision", endpoints.decide_rollout, P.ENDPOINT_DEPLOY),
    # ---- monitors, alerts
    Route("GET", IN + "/monitors", monitors.list_monitors, P.PROJECT_READ),
    Route("POST", IN + "/monitors", monitors.ensure_monitor, P.MONITOR_EDIT, status=201),
    Route("GET", IN + "/monitors/{monitor_id:str}", monitors.get_monitor, P.PROJECT_READ),
    Route("PATCH", IN + "/monitors/{monitor_id:str}", monitors.switch_monitor, P.MONITOR_EDIT),
    Route("POST", IN + "/monitors/{monitor_id:str}/runs", monitors.start_watch, P.PIPELINE_RUN, status=202),
    Route("GET", IN + "/monitors/{monitor_id:str}/windows", monitors.list_windows, P.PROJECT_READ),
    Route("POST", IN + "/monitors/{monitor_id:str}/windows", monitors.record_windows, P.WORK),
    Route("GET", IN + "/monitors/{monitor_id:str}/watching", monitors.watching, P.WORK),
    Route("GET", IN + "/alerts", alerts.list_alerts, P.PROJECT_READ),
    Route("GET", IN + "/alerts/{alert_id:str}", alerts.get_alert, P.PROJECT_READ),
    Route("POST", IN + "/alerts/{alert_id:str}/acknowledgement", alerts.acknowledge_alert, P.MONITOR_EDIT),
    Route("POST", IN + "/alerts/{alert_id:str}/resolution", alerts.resolve_alert, P.MONITOR_EDIT),
    # ---- audit
    Route("GET", V1 + "/audit", audit.list_audit, P.PEOPLE_MANAGE),
    Route("GET", V1 + "/audit/verification", audit.verify, P.PEOPLE_MANAGE),
    Route("GET", IN + "/audit", audit.list_project_audit, P.AUDIT_READ),
    # ---- MLflow dialect
    *MLFLOW,
    # ---- pages
    *PAGES,
]
"""The REST API. The MLflow dialect and the pages add theirs in mlflow_api/routes.py and pages/routes.py."""
