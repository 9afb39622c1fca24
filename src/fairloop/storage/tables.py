"""Every SQL table. Times are milliseconds since 1970 UTC; JSON columns go through core/codec.py."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)  # fmt: skip
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

from fairloop.core import codec

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Json(TypeDecorator[Any]):
    """A JSON value as text, bit-exact."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else codec.dumps(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else codec.loads(value, trusted=True)


SERIAL = BigInteger().with_variant(Integer, "sqlite")  # SQLite numbers rows only in INTEGER PRIMARY KEY


def _id() -> Column[str]:
    return Column("id", String, primary_key=True)


def _project() -> Column[str]:
    return Column("project_id", String, ForeignKey("projects.id"), nullable=False)


def _ms(name: str, *, nullable: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=nullable)


def _json(name: str) -> Column[Any]:
    return Column(name, Json, nullable=False)


def _text(name: str, *, nullable: bool = False) -> Column[str]:
    return Column(name, Text, nullable=nullable)


# ------------------------------------------------------------------ people and access
projects = Table("projects", metadata, _id(), Column("name", String, nullable=False, unique=True), _text("goal"),
                 Column("budget_usd", Float), _ms("created_ms"))  # fmt: skip
people = Table("people", metadata, _id(), Column("name", String, nullable=False, unique=True), _text("email"),
               _text("password_hash", nullable=True), Column("administrator", Boolean, nullable=False),
               Column("disabled", Boolean, nullable=False), _ms("created_ms"))  # fmt: skip
memberships = Table("memberships", metadata,
                    Column("project_id", String, ForeignKey("projects.id"), primary_key=True),
                    Column("person_id", String, ForeignKey("people.id"), primary_key=True),
                    Column("role", String, nullable=False), _ms("created_ms"))  # fmt: skip
tokens = Table("tokens", metadata, _id(), Column("person_id", String, ForeignKey("people.id"), nullable=False),
               _text("name"), Column("hash", String, nullable=False, unique=True),
               Column("project_id", String, ForeignKey("projects.id")), _ms("created_ms"), _ms("expires_ms"),
               _ms("last_used_ms", nullable=True), _ms("revoked_ms", nullable=True))  # fmt: skip
sessions = Table("sessions", metadata, Column("hash", String, primary_key=True),
                 Column("person_id", String, ForeignKey("people.id"), nullable=False), _ms("created_ms"),
                 _ms("seen_ms"), _ms("expires_ms"))  # fmt: skip
server_keys = Table("server_keys", metadata, Column("name", String, primary_key=True),
                    Column("value", String, nullable=False))  # fmt: skip
audit = Table("audit", metadata, Column("seq", SERIAL, primary_key=True, autoincrement=True), _ms("at_ms"),
              _text("person"), Column("verified", Boolean, nullable=False), Column("project_id", String),
              Column("action", String, nullable=False), _text("object"), _json("detail"), _text("ip"),
              _text("request_id"), Column("previous", String, nullable=False), Column("hash", String, nullable=False),
              Index(None, "project_id", "seq"), Index(None, "action"))  # fmt: skip
idempotency = Table("idempotency", metadata, Column("key", String, primary_key=True), Column("status", Integer),
                    _text("body", nullable=True), Column("request_hash", String, nullable=False), _ms("at_ms"))  # fmt: skip

# ------------------------------------------------------------------ artifacts
artifacts = Table("artifacts", metadata, Column("owner_kind", String, primary_key=True),
                  Column("owner_id", String, primary_key=True), Column("path", String, primary_key=True), _project(),
                  Column("sha256", String, nullable=False), Column("size_bytes", BigInteger, nullable=False),
                  _ms("created_ms"), Index(None, "sha256"))  # fmt: skip
blobs = Table("blobs", metadata, Column("project_id", String, ForeignKey("projects.id"), primary_key=True),
              Column("sha256", String, primary_key=True), Column("size_bytes", BigInteger, nullable=False),
              _ms("created_ms"))  # fmt: skip

# ------------------------------------------------------------------ tracking
experiments = Table("experiments", metadata, Column("id", SERIAL, primary_key=True, autoincrement=True), _project(),
                    Column("name", String, nullable=False), Column("active", Boolean, nullable=False),
                    _ms("created_ms"), _ms("updated_ms"), _json("tags"),
                    UniqueConstraint("project_id", "name"))  # fmt: skip
runs = Table("runs", metadata, Column("seq", SERIAL, primary_key=True, autoincrement=True),
             Column("id", String, nullable=False, unique=True), _project(),
             Column("experiment_id", BigInteger, ForeignKey("experiments.id"), nullable=False), _text("name"),
             Column("status", String, nullable=False), _text("user"), Column("active", Boolean, nullable=False),
             _ms("start_ms"), _ms("end_ms", nullable=True), Column("step_run_id", String), _text("status_reason"),
             Column("lease_s", Float, nullable=False), _ms("touched_ms"), _json("inputs"), _json("outputs"),
             Index(None, "experiment_id", "active", "start_ms"), Index(None, "project_id", "active", "start_ms"),
             Index(None, "step_run_id"),
             Index(None, "status"))  # fmt: skip
params = Table("params", metadata, Column("run_seq", BigInteger, ForeignKey("runs.seq"), primary_key=True),
               Column("key", String, primary_key=True), _text("value"), Index(None, "key", "value"))  # fmt: skip
run_tags = Table("run_tags", metadata, Column("run_seq", BigInteger, ForeignKey("runs.seq"), primary_key=True),
                 Column("key", String, primary_key=True), _text("value"), Index(None, "key", "value"))  # fmt: skip
series = Table("series", metadata, Column("id", SERIAL, primary_key=True, autoincrement=True),
               Column("run_seq", BigInteger, ForeignKey("runs.seq"), nullable=False),
               Column("key", String, nullable=False), Column("count", BigInteger, nullable=False),
               Column("step", BigInteger), Column("timestamp_ms", BigInteger), Column("bits", BigInteger),
               Column("value", Float), UniqueConstraint("run_seq", "key"), Index(None, "key", "value"))  # fmt: skip
"""The series of a run with its latest point; ``bits`` are the IEEE bits, ``value`` is for search only (NaN: null)."""
points = Table("points", metadata, Column("series_id", BigInteger, primary_key=True),
               Column("step", BigInteger, primary_key=True), Column("timestamp_ms", BigInteger, primary_key=True),
               Column("bits", BigInteger, primary_key=True), sqlite_with_rowid=False)  # fmt: skip
logged_models = Table("logged_models", metadata, _id(), _project(),
                      Column("experiment_id", BigInteger, ForeignKey("experiments.id"), nullable=False),
                      _text("name"), Column("run_id", String), Column("status", String, nullable=False),
                      _text("status_message"), _text("model_type"), _json("params"), _json("tags"), _json("metrics"),
                      _ms("created_ms"), _ms("updated_ms"), Index(None, "experiment_id"))  # fmt: skip

# ------------------------------------------------------------------ datasets
dataset_versions = Table("dataset_versions", metadata, _id(), _project(), Column("dataset", String, nullable=False),
                         Column("version", Integer, nullable=False), Column("sha256", String, nullable=False),
                         Column("rows", BigInteger, nullable=False), Column("size_bytes", BigInteger, nullable=False),
                         _json("schema"), _json("roles"), _json("profile"), _json("parents"), _json("origin"),
                         _text("owner"), _text("licence"), _ms("created_ms"),
                         UniqueConstraint("project_id", "dataset", "version"))  # fmt: skip

# ------------------------------------------------------------------ registry
models = Table("models", metadata, _id(), _project(), Column("name", String, nullable=False), _text("description"),
               _ms("created_ms"), _ms("updated_ms"), _json("tags"), _json("aliases"),
               UniqueConstraint("project_id", "name"))  # fmt: skip
model_versions = Table("model_versions", metadata, _id(), _project(),
                       Column("model_id", String, ForeignKey("models.id"), nullable=False),
                       Column("version", Integer, nullable=False), Column("status", String, nullable=False),
                       Column("decision", String, nullable=False), Column("run_id", String),
                       Column("cycle_id", String), Column("candidate_id", String), _text("description"),
                       _text("user"), _ms("created_ms"), _ms("updated_ms"), _json("signature"), _json("origin"),
                       _json("tags"), UniqueConstraint("model_id", "version"))  # fmt: skip
candidates = Table("candidates", metadata, _id(), _project(), Column("pipeline_run_id", String, nullable=False),
                   Column("cycle_id", String), Column("method", String, nullable=False), Column("strength", Float), Column("settings", Json),
                   Column("run_id", String), Column("model_sha256", String, nullable=False),
                   Column("state", String, nullable=False), _json("profile"), _json("signature"), _ms("created_ms"),
                   Index(None, "cycle_id"), Index(None, "pipeline_run_id"))  # fmt: skip
evaluations = Table("evaluations", metadata, _id(), _project(), Column("candidate_id", String, nullable=False),
                    Column("part", String, nullable=False), Column("n", BigInteger, nullable=False),
                    Column("predictions_sha256", String, nullable=False), Column("part_sha256", String, nullable=False),
                    _json("metrics"), _json("groups"), _json("drivers"), _json("verdicts"),
                    Column("uses_of_part", Integer, nullable=False), _ms("created_ms"),
                    UniqueConstraint("candidate_id", "part"), Index(None, "part_sha256"))  # fmt: skip

analyses = Table("analyses", metadata, _id(), _project(), Column("kind", String, nullable=False),
                 Column("subject_kind", String, nullable=False), Column("subject_id", String, nullable=False),
                 _json("params"), Column("state", String, nullable=False), _json("result"), _text("error"), _text("words"),
                 Column("pipeline_run_id", String, nullable=False), _text("author"), Column("key", String, nullable=False),
                 _ms("created_ms"), _ms("ended_ms", nullable=True), Index(None, "project_id", "subject_id"),
                 Index(None, "project_id", "key"))  # fmt: skip

# ------------------------------------------------------------------ labelling
label_tasks = Table("label_tasks", metadata, _id(), _project(), Column("dataset_version_id", String, nullable=False),
                    _text("title"), _text("question"), _text("positive"), _text("negative"),
                    Column("people", Integer, nullable=False), Column("items", Integer, nullable=False), _text("by"),
                    _text("metric"), _json("promise"), Column("prescription_id", String),
                    Column("state", String, nullable=False), _text("author"), _ms("created_ms"), _text("closed_by"),
                    _ms("closed_ms", nullable=True), Column("effect_id", String), Column("published_version_id", String),
                    Index(None, "project_id", "state"), Index(None, "dataset_version_id"),
                    Index(None, "published_version_id"))  # fmt: skip
label_items = Table("label_items", metadata, Column("task_id", String, ForeignKey("label_tasks.id"), primary_key=True),
                    Column("position", Integer, primary_key=True), Column("row_id", BigInteger, nullable=False),
                    _json("values"), Column("state", String, nullable=False), _text("answer"),
                    UniqueConstraint("task_id", "row_id"), Index(None, "task_id", "state"))  # fmt: skip
label_answers = Table("label_answers", metadata, Column("task_id", String, ForeignKey("label_tasks.id"), primary_key=True),
                      Column("position", Integer, primary_key=True), Column("person", String, primary_key=True),
                      Column("answer", String, nullable=False), _ms("at_ms"), Index(None, "task_id", "person"))  # fmt: skip

# ------------------------------------------------------------------ pipelines
pipeline_runs = Table("pipeline_runs", metadata, _id(), _project(), Column("pipeline", String, nullable=False),
                      Column("state", String, nullable=False), _json("graph"), _json("capture"), _json("params"),
                      Column("cycle_id", String), Column("purpose", String, nullable=False), _text("author"),
                      _text("error"), _ms("created_ms"), _ms("started_ms", nullable=True), _ms("ended_ms", nullable=True),
                      Column("cost_usd", Float, nullable=False), Index(None, "project_id", "created_ms"),
                      Index(None, "cycle_id"), Index(None, "state"))  # fmt: skip
step_runs = Table("step_runs", metadata, _id(), _project(),
                  Column("pipeline_run_id", String, ForeignKey("pipeline_runs.id"), nullable=False),
                  Column("key", String, nullable=False), Column("name", String, nullable=False),
                  Column("state", String, nullable=False), Column("attempt", Integer, nullable=False),
                  Column("losses", Integer, nullable=False), Column("token", BigInteger, nullable=False), Column("heartbeat", BigInteger, nullable=False),
                  _text("worker"), Column("worker_key", String, nullable=False), _json("inputs"), _json("outputs"),
                  _json("needs"), _json("used"), _text("error"), Column("cache_key", String, nullable=False),
                  Column("cached_from", String), Column("run_id", String),
                  _ms("ready_ms", nullable=True), _ms("started_ms", nullable=True), _ms("ended_ms", nullable=True),
                  Column("cancel", Boolean, nullable=False), UniqueConstraint("pipeline_run_id", "key"),
                  Index(None, "state", "worker_key"), Index(None, "project_id", "cache_key"))  # fmt: skip
step_logs = Table("step_logs", metadata, Column("step_run_id", String, primary_key=True),
                  Column("seq", BigInteger, primary_key=True), Column("attempt", Integer, nullable=False),
                  _ms("at_ms"), Column("data", LargeBinary, nullable=False))  # fmt: skip
schedules = Table("schedules", metadata, _id(), _project(), Column("kind", String, nullable=False), _text("cron"),
                  Column("every_s", Float), _json("payload"), _ms("next_ms"), Column("enabled", Boolean, nullable=False),
                  Column("subject_id", String), _ms("created_ms"), Index(None, "enabled", "next_ms"))  # fmt: skip
schedule_slots = Table("schedule_slots", metadata, Column("schedule_id", String, primary_key=True),
                       Column("slot_ms", BigInteger, primary_key=True), _ms("at_ms"))  # fmt: skip

# ------------------------------------------------------------------ loops
loops = Table("loops", metadata, _id(), _project(), Column("name", String, nullable=False),
              Column("version", Integer, nullable=False), _json("definition"), _json("graph"), _json("capture"),
              _text("author"), _ms("created_ms"), UniqueConstraint("project_id", "name", "version"))  # fmt: skip
cycles = Table("cycles", metadata, _id(), _project(), Column("loop", String, nullable=False),
               Column("number", Integer, nullable=False), Column("stage", String, nullable=False), _json("trigger"),
               _json("gates"), Column("loop_id", String, nullable=False), Column("dataset_version_id", String, nullable=False),
               _json("pipeline_run_ids"), Column("chosen_candidate_id", String), Column("model_version_id", String),
               Column("rollout_id", String), _text("words"), _text("author"), Column("cost_usd", Float, nullable=False),
               _ms("started_ms"), _ms("ended_ms", nullable=True), _ms("live_ms", nullable=True),
               UniqueConstraint("project_id", "loop", "number"), Index(None, "stage"))  # fmt: skip
cycle_events = Table("cycle_events", metadata, Column("seq", SERIAL, primary_key=True, autoincrement=True),
                     Column("cycle_id", String, ForeignKey("cycles.id"), nullable=False), _ms("at_ms"),
                     Column("kind", String, nullable=False), _text("text"), _json("data"),
                     Index(None, "cycle_id", "seq"))  # fmt: skip
approvals = Table("approvals", metadata, _id(), _project(), Column("cycle_id", String, nullable=False),
                  Column("model_version_id", String, nullable=False), Column("role", String, nullable=False),
                  Column("two_person", Boolean, nullable=False), _text("author"),
                  Column("decision", String, nullable=False), _text("decided_by"),
                  Column("verified", Boolean, nullable=False), _text("reason"), _ms("requested_ms"), _ms("expires_ms"),
                  _ms("decided_ms", nullable=True), Column("people", Integer), Column("roles", Json),
                  Column("authors", Json), Column("needs_verified", Boolean), Column("remind", Json),
                  Column("reminded", Integer), Index(None, "cycle_id"), Index(None, "decision"))  # fmt: skip
votes = Table("votes", metadata, Column("approval_id", String, ForeignKey("approvals.id"), primary_key=True),
              Column("person", String, primary_key=True), Column("decision", String, nullable=False), _text("role"),
              _text("on_behalf_of"), _text("password_by"), Column("verified", Boolean, nullable=False), _text("reason"),
              _ms("at_ms"))  # fmt: skip
delegations = Table("delegations", metadata, _id(), _project(), Column("giver", String, nullable=False),
                    Column("taker", String, nullable=False), _text("reason"), _ms("created_ms"), _ms("until_ms"),
                    _ms("ended_ms", nullable=True), Index(None, "project_id", "taker"))  # fmt: skip
policies = Table("policies", metadata, _id(), _project(), Column("version", Integer, nullable=False), _text("text"),
                 _json("policy"), Column("state", String, nullable=False), _text("author"), _text("reason"),
                 _ms("created_ms"), _text("decided_by"), _text("decision_reason"), _ms("decided_ms", nullable=True),
                 UniqueConstraint("project_id", "version"))  # fmt: skip

# ------------------------------------------------------------------ serving and watching
endpoints = Table("endpoints", metadata, _id(), _project(), Column("name", String, nullable=False),
                  Column("state", String, nullable=False), Column("log_mode", String, nullable=False), _text("host"),
                  Column("port", Integer, nullable=False), Column("pid", Integer, nullable=False), _text("loop"),
                  _ms("created_ms"), UniqueConstraint("project_id", "name"))  # fmt: skip
deployments = Table("deployments", metadata, _id(), _project(),
                    Column("endpoint_id", String, ForeignKey("endpoints.id"), nullable=False),
                    Column("model_version_id", String, nullable=False), Column("share", Integer, nullable=False),
                    Column("state", String, nullable=False), _text("reason"), _ms("created_ms"),
                    _ms("live_ms", nullable=True), _ms("retired_ms", nullable=True), Index(None, "endpoint_id"))  # fmt: skip
rollouts = Table("rollouts", metadata, _id(), _project(), Column("endpoint_id", String, nullable=False),
                 Column("to_deployment_id", String, nullable=False), Column("from_deployment_id", String),
                 Column("cycle_id", String), _json("steps"), Column("step", Integer, nullable=False), _json("judge_by"),
                 _json("gates"), _json("base"),
                 Column("min_requests", Integer, nullable=False), Column("state", String, nullable=False),
                 _text("reason"), _json("history"), _ms("started_ms"), _ms("step_started_ms"), _ms("expires_ms"),
                 _ms("ended_ms", nullable=True), Index(None, "state"))  # fmt: skip
monitors = Table("monitors", metadata, _id(), _project(), Column("endpoint_id", String, nullable=False),
                 _text("loop"), _json("checks"), Column("every_s", Float, nullable=False),
                 Column("window", Integer, nullable=False), Column("enabled", Boolean, nullable=False),
                 _json("cursor"), _ms("created_ms"), UniqueConstraint("endpoint_id"))  # fmt: skip
windows = Table("windows", metadata, _id(), _project(), Column("monitor_id", String, nullable=False),
                Column("deployment_id", String, nullable=False), _ms("start_ms"), _ms("end_ms"),
                Column("n", Integer, nullable=False), Column("labelled", Integer, nullable=False), _json("verdicts"),
                _json("detail"), _ms("created_ms"), Column("pending", Boolean, nullable=False),
                Index(None, "monitor_id", "deployment_id", "end_ms"), Index(None, "monitor_id", "pending"))  # fmt: skip
alerts = Table("alerts", metadata, _id(), _project(), Column("endpoint_id", String, nullable=False),
               Column("monitor_id", String, nullable=False), Column("deployment_id", String, nullable=False),
               Column("window_id", String, nullable=False), Column("check_name", String, nullable=False),
               _json("verdict"), _text("words"), Column("state", String, nullable=False), Column("cycle_id", String),
               _text("acknowledged_by"), _ms("opened_ms"), _ms("updated_ms"), Column("windows", Integer, nullable=False),
               Index(None, "endpoint_id", "state"))  # fmt: skip

# ------------------------------------------------------------------ people who talk, join and appeal
comments = Table("comments", metadata, _id(), _project(), Column("subject_kind", String, nullable=False),
                 Column("subject_id", String, nullable=False), _text("author"), Column("verified", Boolean, nullable=False),
                 _text("body"), _json("mentions"), _ms("created_ms"), _ms("edited_ms", nullable=True),
                 _ms("deleted_ms", nullable=True), Index(None, "project_id", "created_ms"),
                 Index(None, "project_id", "subject_kind", "subject_id", "created_ms"))  # fmt: skip
invitations = Table("invitations", metadata, _id(), _project(), Column("role", String, nullable=False), _text("name"),
                    _text("email"), _text("invited_by"), Column("hash", String, nullable=False, unique=True),
                    _ms("created_ms"), _ms("expires_ms"), _ms("accepted_ms", nullable=True), _text("accepted_by"),
                    _ms("revoked_ms", nullable=True), Index(None, "project_id", "created_ms"))  # fmt: skip
appeals = Table("appeals", metadata, _id(), _project(), Column("endpoint_id", String, nullable=False),
                Column("deployment_id", String, nullable=False), Column("model_version_id", String, nullable=False),
                Column("prediction_id", String, nullable=False), _text("reason"), _text("contact"),
                Column("filer", String, nullable=False), Column("receipt", String, nullable=False, unique=True),
                Column("state", String, nullable=False), Column("answered", Boolean), Column("label", Json),
                _text("decided_by"), Column("verified", Boolean, nullable=False), _text("decision_reason"),
                _ms("filed_ms"), _ms("decided_ms", nullable=True), _ms("labelled_ms", nullable=True),
                Index(None, "project_id", "state", "filed_ms"),
                Index(None, "prediction_id"), Index(None, "model_version_id"), Index(None, "endpoint_id", "state"))  # fmt: skip
"""``filer`` is a keyed hash of where an appeal came from: it tells many from one, and nobody who they are."""
appeal_desks = Table("appeal_desks", metadata, Column("scope_id", String, primary_key=True), _project(),
                     Column("open", Boolean), Column("run_id", String), _ms("asked_ms", nullable=True),
                     _ms("judged_ms", nullable=True))  # fmt: skip
"""Whether a project or an endpoint takes appeals, and when its decided ones were last compared by group."""

# ------------------------------------------------------------------ notices
notices = Table("notices", metadata, _id(), _project(), Column("kind", String, nullable=False), _text("subject"),
                _text("text"), _text("href"), _text("about"), _json("people"), _ms("created_ms"),
                Column("key", String, unique=True), Index(None, "project_id", "created_ms"))  # fmt: skip
inbox = Table("inbox", metadata, Column("person_id", String, ForeignKey("people.id"), primary_key=True),
              Column("notice_id", String, ForeignKey("notices.id"), primary_key=True),
              _ms("read_ms", nullable=True), Index(None, "person_id", "read_ms"))  # fmt: skip
channels = Table("channels", metadata, _id(), _project(), Column("name", String, nullable=False),
                 Column("kind", String, nullable=False), _text("shown"), _text("sealed"), _json("kinds"),
                 Column("enabled", Boolean, nullable=False), _text("author"), _ms("created_ms"),
                 UniqueConstraint("project_id", "name"))  # fmt: skip
deliveries = Table("deliveries", metadata, _id(), _project(),
                   Column("notice_id", String, ForeignKey("notices.id"), nullable=False),
                   Column("channel_id", String, nullable=False), Column("state", String, nullable=False),
                   Column("attempts", Integer, nullable=False), _text("reason"), _ms("next_ms"), _ms("created_ms"),
                   _ms("sent_ms", nullable=True), Column("about", String, nullable=False),
                   UniqueConstraint("notice_id", "channel_id"), Index(None, "state", "next_ms"))  # fmt: skip

# ------------------------------------------------------------------ evidence
evidence_packs = Table("evidence_packs", metadata, _id(), _project(), Column("model_version_id", String, nullable=False),
                       Column("model", String, nullable=False), Column("version", Integer, nullable=False),
                       Column("sha256", String, nullable=False), Column("size_bytes", BigInteger, nullable=False),
                       Column("key_id", String, nullable=False), _text("made_by"), _text("because"), _json("missing"),
                       _ms("created_ms"), Index(None, "model_version_id", "id"))  # fmt: skip
