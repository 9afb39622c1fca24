"""The first schema: every table of version 0.1.0. Written by tests/support/freeze_schema.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


# fmt: off
# ruff: noqa: E501
def upgrade() -> None:
    _part_1()
    _part_2()
    _part_3()
    _part_4()
    _part_5()
    _part_6()
    _part_7()
    _part_8()
    _part_9()


def _part_1() -> None:
    op.create_table('audit',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False), sa.Column('person', sa.Text(), nullable=False),
        sa.Column('verified', sa.Boolean(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=True), sa.Column('action', sa.String(), nullable=False),
        sa.Column('object', sa.Text(), nullable=False), sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('ip', sa.Text(), nullable=False), sa.Column('request_id', sa.Text(), nullable=False),
        sa.Column('previous', sa.String(), nullable=False), sa.Column('hash', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('seq', name=op.f('pk_audit')) )
    op.create_index(op.f('ix_audit_project_id_seq'), 'audit', ['project_id', 'seq'], unique=False)
    op.create_table('idempotency', sa.Column('key', sa.String(), nullable=False),
        sa.Column('status', sa.Integer(), nullable=True), sa.Column('body', sa.Text(), nullable=True),
        sa.Column('request_hash', sa.String(), nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('key', name=op.f('pk_idempotency')) )
    op.create_table('people', sa.Column('id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False), sa.Column('email', sa.Text(), nullable=False),
        sa.Column('password_hash', sa.Text(), nullable=True),
        sa.Column('administrator', sa.Boolean(), nullable=False),
        sa.Column('disabled', sa.Boolean(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_people')),
        sa.UniqueConstraint('name', name=op.f('uq_people_name')) )
    op.create_table('points', sa.Column('series_id', sa.BigInteger(), nullable=False),
        sa.Column('step', sa.BigInteger(), nullable=False),
        sa.Column('timestamp_ms', sa.BigInteger(), nullable=False),
        sa.Column('bits', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('series_id', 'step', 'timestamp_ms', 'bits', name=op.f('pk_points')),
        sqlite_with_rowid=False )
    op.create_table('projects', sa.Column('id', sa.String(), nullable=False),
        sa.Column('name', sa.String(), nullable=False), sa.Column('goal', sa.Text(), nullable=False),
        sa.Column('budget_usd', sa.Float(), nullable=True),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_projects')),
        sa.UniqueConstraint('name', name=op.f('uq_projects_name')) )
    op.create_table('schedule_slots', sa.Column('schedule_id', sa.String(), nullable=False),
        sa.Column('slot_ms', sa.BigInteger(), nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint('schedule_id', 'slot_ms', name=op.f('pk_schedule_slots')) )
    op.create_table('server_keys', sa.Column('name', sa.String(), nullable=False),
        sa.Column('value', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('name', name=op.f('pk_server_keys')) )
    op.create_table('step_logs', sa.Column('step_run_id', sa.String(), nullable=False),
        sa.Column('seq', sa.BigInteger(), nullable=False), sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False),
        sa.Column('data', sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint('step_run_id', 'seq', name=op.f('pk_step_logs')) )


def _part_2() -> None:
    op.create_table('alerts', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('endpoint_id', sa.String(), nullable=False),
        sa.Column('monitor_id', sa.String(), nullable=False),
        sa.Column('deployment_id', sa.String(), nullable=False),
        sa.Column('window_id', sa.String(), nullable=False),
        sa.Column('check_name', sa.String(), nullable=False), sa.Column('verdict', sa.Text(), nullable=False),
        sa.Column('words', sa.Text(), nullable=False), sa.Column('state', sa.String(), nullable=False),
        sa.Column('cycle_id', sa.String(), nullable=True),
        sa.Column('acknowledged_by', sa.Text(), nullable=False),
        sa.Column('opened_ms', sa.BigInteger(), nullable=False),
        sa.Column('updated_ms', sa.BigInteger(), nullable=False),
        sa.Column('windows', sa.Integer(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_alerts_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts')) )
    op.create_index(op.f('ix_alerts_endpoint_id_state'), 'alerts', ['endpoint_id', 'state'], unique=False)
    op.create_table('approvals', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('cycle_id', sa.String(), nullable=False),
        sa.Column('model_version_id', sa.String(), nullable=False),
        sa.Column('role', sa.String(), nullable=False), sa.Column('two_person', sa.Boolean(), nullable=False),
        sa.Column('author', sa.Text(), nullable=False), sa.Column('decision', sa.String(), nullable=False),
        sa.Column('decided_by', sa.Text(), nullable=False),
        sa.Column('verified', sa.Boolean(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('requested_ms', sa.BigInteger(), nullable=False),
        sa.Column('expires_ms', sa.BigInteger(), nullable=False),
        sa.Column('decided_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_approvals_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_approvals')) )
    op.create_index(op.f('ix_approvals_cycle_id'), 'approvals', ['cycle_id'], unique=False)
    op.create_index(op.f('ix_approvals_decision'), 'approvals', ['decision'], unique=False)
    op.create_table('artifacts', sa.Column('owner_kind', sa.String(), nullable=False),
        sa.Column('owner_id', sa.String(), nullable=False), sa.Column('path', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('size_bytes', sa.BigInteger(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_artifacts_project_id')),
        sa.PrimaryKeyConstraint('owner_kind', 'owner_id', 'path', name=op.f('pk_artifacts')) )
    op.create_index(op.f('ix_artifacts_sha256'), 'artifacts', ['sha256'], unique=False)
    op.create_table('blobs', sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('size_bytes', sa.BigInteger(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_blobs_project_id')),
        sa.PrimaryKeyConstraint('project_id', 'sha256', name=op.f('pk_blobs')) )


def _part_3() -> None:
    op.create_table('candidates', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('pipeline_run_id', sa.String(), nullable=False),
        sa.Column('cycle_id', sa.String(), nullable=True), sa.Column('method', sa.String(), nullable=False),
        sa.Column('strength', sa.Float(), nullable=True), sa.Column('run_id', sa.String(), nullable=True),
        sa.Column('model_sha256', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('profile', sa.Text(), nullable=False),
        sa.Column('signature', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_candidates_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_candidates')) )
    op.create_index(op.f('ix_candidates_cycle_id'), 'candidates', ['cycle_id'], unique=False)
    op.create_index(op.f('ix_candidates_pipeline_run_id'), 'candidates', ['pipeline_run_id'], unique=False)
    op.create_table('cycles', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('loop', sa.String(), nullable=False),
        sa.Column('number', sa.Integer(), nullable=False), sa.Column('stage', sa.String(), nullable=False),
        sa.Column('trigger', sa.Text(), nullable=False), sa.Column('gates', sa.Text(), nullable=False),
        sa.Column('loop_id', sa.String(), nullable=False),
        sa.Column('dataset_version_id', sa.String(), nullable=False),
        sa.Column('pipeline_run_ids', sa.Text(), nullable=False),
        sa.Column('chosen_candidate_id', sa.String(), nullable=True),
        sa.Column('model_version_id', sa.String(), nullable=True),
        sa.Column('rollout_id', sa.String(), nullable=True), sa.Column('words', sa.Text(), nullable=False),
        sa.Column('author', sa.Text(), nullable=False), sa.Column('cost_usd', sa.Float(), nullable=False),
        sa.Column('started_ms', sa.BigInteger(), nullable=False),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True),
        sa.Column('live_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_cycles_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_cycles')),
        sa.UniqueConstraint('project_id', 'loop', 'number', name=op.f('uq_cycles_project_id_loop_number')) )
    op.create_index(op.f('ix_cycles_stage'), 'cycles', ['stage'], unique=False)
    op.create_table('dataset_versions', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('dataset', sa.String(), nullable=False), sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False), sa.Column('rows', sa.BigInteger(), nullable=False),
        sa.Column('size_bytes', sa.BigInteger(), nullable=False),
        sa.Column('schema', sa.Text(), nullable=False), sa.Column('roles', sa.Text(), nullable=False),
        sa.Column('profile', sa.Text(), nullable=False), sa.Column('parents', sa.Text(), nullable=False),
        sa.Column('origin', sa.Text(), nullable=False), sa.Column('owner', sa.Text(), nullable=False),
        sa.Column('licence', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_dataset_versions_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_dataset_versions')),
        sa.UniqueConstraint('project_id', 'dataset', 'version', name=op.f('uq_dataset_versions_project_id_dataset_version')) )


def _part_4() -> None:
    op.create_table('endpoints', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('log_mode', sa.String(), nullable=False),
        sa.Column('host', sa.Text(), nullable=False), sa.Column('port', sa.Integer(), nullable=False),
        sa.Column('pid', sa.Integer(), nullable=False), sa.Column('loop', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_endpoints_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_endpoints')),
        sa.UniqueConstraint('project_id', 'name', name=op.f('uq_endpoints_project_id_name')) )
    op.create_table('evaluations', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('candidate_id', sa.String(), nullable=False),
        sa.Column('part', sa.String(), nullable=False), sa.Column('n', sa.BigInteger(), nullable=False),
        sa.Column('predictions_sha256', sa.String(), nullable=False),
        sa.Column('part_sha256', sa.String(), nullable=False),
        sa.Column('metrics', sa.Text(), nullable=False), sa.Column('groups', sa.Text(), nullable=False),
        sa.Column('drivers', sa.Text(), nullable=False), sa.Column('verdicts', sa.Text(), nullable=False),
        sa.Column('uses_of_part', sa.Integer(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_evaluations_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_evaluations')),
        sa.UniqueConstraint('candidate_id', 'part', name=op.f('uq_evaluations_candidate_id_part')) )
    op.create_index(op.f('ix_evaluations_part_sha256'), 'evaluations', ['part_sha256'], unique=False)
    op.create_table('experiments',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('updated_ms', sa.BigInteger(), nullable=False),
        sa.Column('tags', sa.Text(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_experiments_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_experiments')),
        sa.UniqueConstraint('project_id', 'name', name=op.f('uq_experiments_project_id_name')) )
    op.create_table('loops', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('definition', sa.Text(), nullable=False), sa.Column('graph', sa.Text(), nullable=False),
        sa.Column('capture', sa.Text(), nullable=False), sa.Column('author', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_loops_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_loops')),
        sa.UniqueConstraint('project_id', 'name', 'version', name=op.f('uq_loops_project_id_name_version')) )
    op.create_table('memberships', sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('person_id', sa.String(), nullable=False), sa.Column('role', sa.String(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['person_id'],
        ['people.id'], name=op.f('fk_memberships_person_id')), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_memberships_project_id')),
        sa.PrimaryKeyConstraint('project_id', 'person_id', name=op.f('pk_memberships')) )


def _part_5() -> None:
    op.create_table('models', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('description', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('updated_ms', sa.BigInteger(), nullable=False),
        sa.Column('tags', sa.Text(), nullable=False), sa.Column('aliases', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_models_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_models')),
        sa.UniqueConstraint('project_id', 'name', name=op.f('uq_models_project_id_name')) )
    op.create_table('monitors', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('endpoint_id', sa.String(), nullable=False), sa.Column('loop', sa.Text(), nullable=False),
        sa.Column('checks', sa.Text(), nullable=False), sa.Column('every_s', sa.Float(), nullable=False),
        sa.Column('window', sa.Integer(), nullable=False), sa.Column('enabled', sa.Boolean(), nullable=False),
        sa.Column('cursor', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_monitors_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_monitors')),
        sa.UniqueConstraint('endpoint_id', name=op.f('uq_monitors_endpoint_id')) )
    op.create_table('pipeline_runs', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('pipeline', sa.String(), nullable=False), sa.Column('state', sa.String(), nullable=False),
        sa.Column('graph', sa.Text(), nullable=False), sa.Column('capture', sa.Text(), nullable=False),
        sa.Column('params', sa.Text(), nullable=False), sa.Column('cycle_id', sa.String(), nullable=True),
        sa.Column('purpose', sa.String(), nullable=False), sa.Column('author', sa.Text(), nullable=False),
        sa.Column('error', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('started_ms', sa.BigInteger(), nullable=True),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True),
        sa.Column('cost_usd', sa.Float(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_pipeline_runs_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_pipeline_runs')) )
    op.create_index(op.f('ix_pipeline_runs_cycle_id'), 'pipeline_runs', ['cycle_id'], unique=False)
    op.create_index(op.f('ix_pipeline_runs_project_id_created_ms'), 'pipeline_runs',
        ['project_id', 'created_ms'], unique=False)
    op.create_index(op.f('ix_pipeline_runs_state'), 'pipeline_runs', ['state'], unique=False)


def _part_6() -> None:
    op.create_table('rollouts', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('endpoint_id', sa.String(), nullable=False),
        sa.Column('to_deployment_id', sa.String(), nullable=False),
        sa.Column('from_deployment_id', sa.String(), nullable=True),
        sa.Column('cycle_id', sa.String(), nullable=True), sa.Column('steps', sa.Text(), nullable=False),
        sa.Column('step', sa.Integer(), nullable=False), sa.Column('judge_by', sa.Text(), nullable=False),
        sa.Column('gates', sa.Text(), nullable=False), sa.Column('base', sa.Text(), nullable=False),
        sa.Column('min_requests', sa.Integer(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('history', sa.Text(), nullable=False),
        sa.Column('started_ms', sa.BigInteger(), nullable=False),
        sa.Column('step_started_ms', sa.BigInteger(), nullable=False),
        sa.Column('expires_ms', sa.BigInteger(), nullable=False),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_rollouts_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_rollouts')) )
    op.create_index(op.f('ix_rollouts_state'), 'rollouts', ['state'], unique=False)
    op.create_table('schedules', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('kind', sa.String(), nullable=False),
        sa.Column('cron', sa.Text(), nullable=False), sa.Column('every_s', sa.Float(), nullable=True),
        sa.Column('payload', sa.Text(), nullable=False),
        sa.Column('next_ms', sa.BigInteger(), nullable=False),
        sa.Column('enabled', sa.Boolean(), nullable=False),
        sa.Column('subject_id', sa.String(), nullable=True),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_schedules_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_schedules')) )
    op.create_index(op.f('ix_schedules_enabled_next_ms'), 'schedules', ['enabled', 'next_ms'], unique=False)
    op.create_table('sessions', sa.Column('hash', sa.String(), nullable=False),
        sa.Column('person_id', sa.String(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('seen_ms', sa.BigInteger(), nullable=False),
        sa.Column('expires_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['person_id'],
        ['people.id'], name=op.f('fk_sessions_person_id')),
        sa.PrimaryKeyConstraint('hash', name=op.f('pk_sessions')) )
    op.create_table('tokens', sa.Column('id', sa.String(), nullable=False),
        sa.Column('person_id', sa.String(), nullable=False), sa.Column('name', sa.Text(), nullable=False),
        sa.Column('hash', sa.String(), nullable=False), sa.Column('project_id', sa.String(), nullable=True),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('expires_ms', sa.BigInteger(), nullable=False),
        sa.Column('last_used_ms', sa.BigInteger(), nullable=True),
        sa.Column('revoked_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['person_id'],
        ['people.id'], name=op.f('fk_tokens_person_id')), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_tokens_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_tokens')),
        sa.UniqueConstraint('hash', name=op.f('uq_tokens_hash')) )


def _part_7() -> None:
    op.create_table('windows', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('monitor_id', sa.String(), nullable=False),
        sa.Column('deployment_id', sa.String(), nullable=False),
        sa.Column('start_ms', sa.BigInteger(), nullable=False),
        sa.Column('end_ms', sa.BigInteger(), nullable=False), sa.Column('n', sa.Integer(), nullable=False),
        sa.Column('labelled', sa.Integer(), nullable=False), sa.Column('verdicts', sa.Text(), nullable=False),
        sa.Column('detail', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('pending', sa.Boolean(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_windows_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_windows')) )
    op.create_index(op.f('ix_windows_monitor_id_deployment_id_end_ms'), 'windows',
        ['monitor_id', 'deployment_id', 'end_ms'], unique=False)
    op.create_index(op.f('ix_windows_monitor_id_pending'), 'windows', ['monitor_id', 'pending'], unique=False)
    op.create_table('cycle_events',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('cycle_id', sa.String(), nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False), sa.Column('kind', sa.String(), nullable=False),
        sa.Column('text', sa.Text(), nullable=False), sa.Column('data', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['cycle_id'], ['cycles.id'], name=op.f('fk_cycle_events_cycle_id')),
        sa.PrimaryKeyConstraint('seq', name=op.f('pk_cycle_events')) )
    op.create_index(op.f('ix_cycle_events_cycle_id_seq'), 'cycle_events', ['cycle_id', 'seq'], unique=False)
    op.create_table('deployments', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('endpoint_id', sa.String(), nullable=False),
        sa.Column('model_version_id', sa.String(), nullable=False),
        sa.Column('share', sa.Integer(), nullable=False), sa.Column('state', sa.String(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('live_ms', sa.BigInteger(), nullable=True),
        sa.Column('retired_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['endpoint_id'],
        ['endpoints.id'], name=op.f('fk_deployments_endpoint_id')), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_deployments_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deployments')) )
    op.create_index(op.f('ix_deployments_endpoint_id'), 'deployments', ['endpoint_id'], unique=False)
    op.create_table('logged_models', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('experiment_id', sa.BigInteger(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False), sa.Column('run_id', sa.String(), nullable=True),
        sa.Column('status', sa.String(), nullable=False),
        sa.Column('status_message', sa.Text(), nullable=False),
        sa.Column('model_type', sa.Text(), nullable=False), sa.Column('params', sa.Text(), nullable=False),
        sa.Column('tags', sa.Text(), nullable=False), sa.Column('metrics', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('updated_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['experiment_id'],
        ['experiments.id'], name=op.f('fk_logged_models_experiment_id')),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_logged_models_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_logged_models')) )
    op.create_index(op.f('ix_logged_models_experiment_id'), 'logged_models', ['experiment_id'], unique=False)


def _part_8() -> None:
    op.create_table('model_versions', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('model_id', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False), sa.Column('status', sa.String(), nullable=False),
        sa.Column('decision', sa.String(), nullable=False), sa.Column('run_id', sa.String(), nullable=True),
        sa.Column('cycle_id', sa.String(), nullable=True),
        sa.Column('candidate_id', sa.String(), nullable=True),
        sa.Column('description', sa.Text(), nullable=False), sa.Column('user', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('updated_ms', sa.BigInteger(), nullable=False),
        sa.Column('signature', sa.Text(), nullable=False), sa.Column('origin', sa.Text(), nullable=False),
        sa.Column('tags', sa.Text(), nullable=False), sa.ForeignKeyConstraint(['model_id'],
        ['models.id'], name=op.f('fk_model_versions_model_id')), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_model_versions_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_model_versions')),
        sa.UniqueConstraint('model_id', 'version', name=op.f('uq_model_versions_model_id_version')) )
    op.create_table('runs',
        sa.Column('seq', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('id', sa.String(), nullable=False), sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('experiment_id', sa.BigInteger(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False), sa.Column('status', sa.String(), nullable=False),
        sa.Column('user', sa.Text(), nullable=False), sa.Column('active', sa.Boolean(), nullable=False),
        sa.Column('start_ms', sa.BigInteger(), nullable=False),
        sa.Column('end_ms', sa.BigInteger(), nullable=True),
        sa.Column('step_run_id', sa.String(), nullable=True),
        sa.Column('status_reason', sa.Text(), nullable=False),
        sa.Column('lease_s', sa.Float(), nullable=False),
        sa.Column('touched_ms', sa.BigInteger(), nullable=False),
        sa.Column('inputs', sa.Text(), nullable=False), sa.Column('outputs', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['experiment_id'], ['experiments.id'], name=op.f('fk_runs_experiment_id')),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_runs_project_id')),
        sa.PrimaryKeyConstraint('seq', name=op.f('pk_runs')),
        sa.UniqueConstraint('id', name=op.f('uq_runs_id')) )
    op.create_index(op.f('ix_runs_experiment_id_active_start_ms'), 'runs',
        ['experiment_id', 'active', 'start_ms'], unique=False)
    op.create_index(op.f('ix_runs_project_id_active_start_ms'), 'runs', ['project_id', 'active', 'start_ms'],
        unique=False)
    op.create_index(op.f('ix_runs_status'), 'runs', ['status'], unique=False)
    op.create_index(op.f('ix_runs_step_run_id'), 'runs', ['step_run_id'], unique=False)


def _part_9() -> None:
    op.create_table('step_runs', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('pipeline_run_id', sa.String(), nullable=False),
        sa.Column('key', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('attempt', sa.Integer(), nullable=False),
        sa.Column('losses', sa.Integer(), nullable=False),
        sa.Column('token', sa.BigInteger(), nullable=False),
        sa.Column('heartbeat', sa.BigInteger(), nullable=False),
        sa.Column('worker', sa.Text(), nullable=False), sa.Column('worker_key', sa.String(), nullable=False),
        sa.Column('inputs', sa.Text(), nullable=False), sa.Column('outputs', sa.Text(), nullable=False),
        sa.Column('needs', sa.Text(), nullable=False), sa.Column('used', sa.Text(), nullable=False),
        sa.Column('error', sa.Text(), nullable=False), sa.Column('cache_key', sa.String(), nullable=False),
        sa.Column('cached_from', sa.String(), nullable=True), sa.Column('run_id', sa.String(), nullable=True),
        sa.Column('ready_ms', sa.BigInteger(), nullable=True),
        sa.Column('started_ms', sa.BigInteger(), nullable=True),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True),
        sa.Column('cancel', sa.Boolean(), nullable=False), sa.ForeignKeyConstraint(['pipeline_run_id'],
        ['pipeline_runs.id'], name=op.f('fk_step_runs_pipeline_run_id')),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_step_runs_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_step_runs')),
        sa.UniqueConstraint('pipeline_run_id', 'key', name=op.f('uq_step_runs_pipeline_run_id_key')) )
    op.create_index(op.f('ix_step_runs_project_id_cache_key'), 'step_runs', ['project_id', 'cache_key'],
        unique=False)
    op.create_index(op.f('ix_step_runs_state_worker_key'), 'step_runs', ['state', 'worker_key'], unique=False)
    op.create_table('params', sa.Column('run_seq', sa.BigInteger(), nullable=False),
        sa.Column('key', sa.String(), nullable=False), sa.Column('value', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['run_seq'], ['runs.seq'], name=op.f('fk_params_run_seq')),
        sa.PrimaryKeyConstraint('run_seq', 'key', name=op.f('pk_params')) )
    op.create_index(op.f('ix_params_key_value'), 'params', ['key', 'value'], unique=False)
    op.create_table('run_tags', sa.Column('run_seq', sa.BigInteger(), nullable=False),
        sa.Column('key', sa.String(), nullable=False), sa.Column('value', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['run_seq'], ['runs.seq'], name=op.f('fk_run_tags_run_seq')),
        sa.PrimaryKeyConstraint('run_seq', 'key', name=op.f('pk_run_tags')) )
    op.create_index(op.f('ix_run_tags_key_value'), 'run_tags', ['key', 'value'], unique=False)
    op.create_table('series',
        sa.Column('id', sa.BigInteger().with_variant(sa.Integer(), 'sqlite'), autoincrement=True, nullable=False),
        sa.Column('run_seq', sa.BigInteger(), nullable=False), sa.Column('key', sa.String(), nullable=False),
        sa.Column('count', sa.BigInteger(), nullable=False),
        sa.Column('step', sa.BigInteger(), nullable=True),
        sa.Column('timestamp_ms', sa.BigInteger(), nullable=True),
        sa.Column('bits', sa.BigInteger(), nullable=True), sa.Column('value', sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(['run_seq'], ['runs.seq'], name=op.f('fk_series_run_seq')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_series')),
        sa.UniqueConstraint('run_seq', 'key', name=op.f('uq_series_run_seq_key')) )
    op.create_index(op.f('ix_series_key_value'), 'series', ['key', 'value'], unique=False)
# fmt: on
