"""What version 0.2.0 stores beside the first schema. Written by tests/support/freeze_schema.py."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


# fmt: off
# ruff: noqa: E501
def upgrade() -> None:
    _part_1()
    _part_2()
    _part_3()
    _part_4()
    _part_5()


def _part_1() -> None:
    op.create_table('analyses', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('kind', sa.String(), nullable=False),
        sa.Column('subject_kind', sa.String(), nullable=False),
        sa.Column('subject_id', sa.String(), nullable=False), sa.Column('params', sa.Text(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('result', sa.Text(), nullable=False),
        sa.Column('error', sa.Text(), nullable=False), sa.Column('words', sa.Text(), nullable=False),
        sa.Column('pipeline_run_id', sa.String(), nullable=False),
        sa.Column('author', sa.Text(), nullable=False), sa.Column('key', sa.String(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_analyses_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_analyses')) )
    op.create_index(op.f('ix_analyses_project_id_key'), 'analyses', ['project_id', 'key'], unique=False)
    op.create_index(op.f('ix_analyses_project_id_subject_id'), 'analyses', ['project_id', 'subject_id'],
        unique=False)
    op.create_table('appeal_desks', sa.Column('scope_id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('open', sa.Boolean(), nullable=True),
        sa.Column('run_id', sa.String(), nullable=True),
        sa.Column('asked_ms', sa.BigInteger(), nullable=True),
        sa.Column('judged_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_appeal_desks_project_id')),
        sa.PrimaryKeyConstraint('scope_id', name=op.f('pk_appeal_desks')) )
    op.create_table('appeals', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('endpoint_id', sa.String(), nullable=False),
        sa.Column('deployment_id', sa.String(), nullable=False),
        sa.Column('model_version_id', sa.String(), nullable=False),
        sa.Column('prediction_id', sa.String(), nullable=False),
        sa.Column('reason', sa.Text(), nullable=False), sa.Column('contact', sa.Text(), nullable=False),
        sa.Column('filer', sa.String(), nullable=False), sa.Column('receipt', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('answered', sa.Boolean(), nullable=True),
        sa.Column('label', sa.Text(), nullable=True), sa.Column('decided_by', sa.Text(), nullable=False),
        sa.Column('verified', sa.Boolean(), nullable=False),
        sa.Column('decision_reason', sa.Text(), nullable=False),
        sa.Column('filed_ms', sa.BigInteger(), nullable=False),
        sa.Column('decided_ms', sa.BigInteger(), nullable=True),
        sa.Column('labelled_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_appeals_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_appeals')),
        sa.UniqueConstraint('receipt', name=op.f('uq_appeals_receipt')) )
    op.create_index(op.f('ix_appeals_endpoint_id_state'), 'appeals', ['endpoint_id', 'state'], unique=False)
    op.create_index(op.f('ix_appeals_model_version_id'), 'appeals', ['model_version_id'], unique=False)
    op.create_index(op.f('ix_appeals_prediction_id'), 'appeals', ['prediction_id'], unique=False)
    op.create_index(op.f('ix_appeals_project_id_state_filed_ms'), 'appeals',
        ['project_id', 'state', 'filed_ms'], unique=False)


def _part_2() -> None:
    op.create_table('channels', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('name', sa.String(), nullable=False),
        sa.Column('kind', sa.String(), nullable=False), sa.Column('shown', sa.Text(), nullable=False),
        sa.Column('sealed', sa.Text(), nullable=False), sa.Column('kinds', sa.Text(), nullable=False),
        sa.Column('enabled', sa.Boolean(), nullable=False), sa.Column('author', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_channels_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_channels')),
        sa.UniqueConstraint('project_id', 'name', name=op.f('uq_channels_project_id_name')) )
    op.create_table('comments', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('subject_kind', sa.String(), nullable=False),
        sa.Column('subject_id', sa.String(), nullable=False), sa.Column('author', sa.Text(), nullable=False),
        sa.Column('verified', sa.Boolean(), nullable=False), sa.Column('body', sa.Text(), nullable=False),
        sa.Column('mentions', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('edited_ms', sa.BigInteger(), nullable=True),
        sa.Column('deleted_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_comments_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_comments')) )
    op.create_index(op.f('ix_comments_project_id_created_ms'), 'comments', ['project_id', 'created_ms'],
        unique=False)
    op.create_index(op.f('ix_comments_project_id_subject_kind_subject_id_created_ms'), 'comments',
        ['project_id', 'subject_kind', 'subject_id', 'created_ms'], unique=False)
    op.create_table('delegations', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('giver', sa.String(), nullable=False),
        sa.Column('taker', sa.String(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('until_ms', sa.BigInteger(), nullable=False),
        sa.Column('ended_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_delegations_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_delegations')) )
    op.create_index(op.f('ix_delegations_project_id_taker'), 'delegations', ['project_id', 'taker'],
        unique=False)
    op.create_table('evidence_packs', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('model_version_id', sa.String(), nullable=False),
        sa.Column('model', sa.String(), nullable=False), sa.Column('version', sa.Integer(), nullable=False),
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('size_bytes', sa.BigInteger(), nullable=False),
        sa.Column('key_id', sa.String(), nullable=False), sa.Column('made_by', sa.Text(), nullable=False),
        sa.Column('because', sa.Text(), nullable=False), sa.Column('missing', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_evidence_packs_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_evidence_packs')) )
    op.create_index(op.f('ix_evidence_packs_model_version_id_id'), 'evidence_packs',
        ['model_version_id', 'id'], unique=False)


def _part_3() -> None:
    op.create_table('invitations', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('role', sa.String(), nullable=False),
        sa.Column('name', sa.Text(), nullable=False), sa.Column('email', sa.Text(), nullable=False),
        sa.Column('invited_by', sa.Text(), nullable=False), sa.Column('hash', sa.String(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('expires_ms', sa.BigInteger(), nullable=False),
        sa.Column('accepted_ms', sa.BigInteger(), nullable=True),
        sa.Column('accepted_by', sa.Text(), nullable=False),
        sa.Column('revoked_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_invitations_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_invitations')),
        sa.UniqueConstraint('hash', name=op.f('uq_invitations_hash')) )
    op.create_index(op.f('ix_invitations_project_id_created_ms'), 'invitations', ['project_id', 'created_ms'],
        unique=False)
    op.create_table('label_tasks', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('dataset_version_id', sa.String(), nullable=False),
        sa.Column('title', sa.Text(), nullable=False), sa.Column('question', sa.Text(), nullable=False),
        sa.Column('positive', sa.Text(), nullable=False), sa.Column('negative', sa.Text(), nullable=False),
        sa.Column('people', sa.Integer(), nullable=False), sa.Column('items', sa.Integer(), nullable=False),
        sa.Column('by', sa.Text(), nullable=False), sa.Column('metric', sa.Text(), nullable=False),
        sa.Column('promise', sa.Text(), nullable=False),
        sa.Column('prescription_id', sa.String(), nullable=True),
        sa.Column('state', sa.String(), nullable=False), sa.Column('author', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('closed_by', sa.Text(), nullable=False),
        sa.Column('closed_ms', sa.BigInteger(), nullable=True),
        sa.Column('effect_id', sa.String(), nullable=True),
        sa.Column('published_version_id', sa.String(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_label_tasks_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_label_tasks')) )
    op.create_index(op.f('ix_label_tasks_dataset_version_id'), 'label_tasks', ['dataset_version_id'],
        unique=False)
    op.create_index(op.f('ix_label_tasks_project_id_state'), 'label_tasks', ['project_id', 'state'],
        unique=False)
    op.create_index(op.f('ix_label_tasks_published_version_id'), 'label_tasks', ['published_version_id'],
        unique=False)
    op.create_table('notices', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False), sa.Column('kind', sa.String(), nullable=False),
        sa.Column('subject', sa.Text(), nullable=False), sa.Column('text', sa.Text(), nullable=False),
        sa.Column('href', sa.Text(), nullable=False), sa.Column('about', sa.Text(), nullable=False),
        sa.Column('people', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('key', sa.String(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_notices_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_notices')),
        sa.UniqueConstraint('key', name=op.f('uq_notices_key')) )
    op.create_index(op.f('ix_notices_project_id_created_ms'), 'notices', ['project_id', 'created_ms'],
        unique=False)


def _part_4() -> None:
    op.create_table('policies', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('version', sa.Integer(), nullable=False), sa.Column('text', sa.Text(), nullable=False),
        sa.Column('policy', sa.Text(), nullable=False), sa.Column('state', sa.String(), nullable=False),
        sa.Column('author', sa.Text(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('decided_by', sa.Text(), nullable=False),
        sa.Column('decision_reason', sa.Text(), nullable=False),
        sa.Column('decided_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['project_id'],
        ['projects.id'], name=op.f('fk_policies_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_policies')),
        sa.UniqueConstraint('project_id', 'version', name=op.f('uq_policies_project_id_version')) )
    op.create_table('deliveries', sa.Column('id', sa.String(), nullable=False),
        sa.Column('project_id', sa.String(), nullable=False),
        sa.Column('notice_id', sa.String(), nullable=False),
        sa.Column('channel_id', sa.String(), nullable=False), sa.Column('state', sa.String(), nullable=False),
        sa.Column('attempts', sa.Integer(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('next_ms', sa.BigInteger(), nullable=False),
        sa.Column('created_ms', sa.BigInteger(), nullable=False),
        sa.Column('sent_ms', sa.BigInteger(), nullable=True), sa.Column('about', sa.String(), nullable=False),
        sa.ForeignKeyConstraint(['notice_id'], ['notices.id'], name=op.f('fk_deliveries_notice_id')),
        sa.ForeignKeyConstraint(['project_id'], ['projects.id'], name=op.f('fk_deliveries_project_id')),
        sa.PrimaryKeyConstraint('id', name=op.f('pk_deliveries')),
        sa.UniqueConstraint('notice_id', 'channel_id', name=op.f('uq_deliveries_notice_id_channel_id')) )
    op.create_index(op.f('ix_deliveries_state_next_ms'), 'deliveries', ['state', 'next_ms'], unique=False)
    op.create_table('inbox', sa.Column('person_id', sa.String(), nullable=False),
        sa.Column('notice_id', sa.String(), nullable=False),
        sa.Column('read_ms', sa.BigInteger(), nullable=True), sa.ForeignKeyConstraint(['notice_id'],
        ['notices.id'], name=op.f('fk_inbox_notice_id')), sa.ForeignKeyConstraint(['person_id'],
        ['people.id'], name=op.f('fk_inbox_person_id')),
        sa.PrimaryKeyConstraint('person_id', 'notice_id', name=op.f('pk_inbox')) )
    op.create_index(op.f('ix_inbox_person_id_read_ms'), 'inbox', ['person_id', 'read_ms'], unique=False)
    op.create_table('label_answers', sa.Column('task_id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False), sa.Column('person', sa.String(), nullable=False),
        sa.Column('answer', sa.String(), nullable=False), sa.Column('at_ms', sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(['task_id'], ['label_tasks.id'], name=op.f('fk_label_answers_task_id')),
        sa.PrimaryKeyConstraint('task_id', 'position', 'person', name=op.f('pk_label_answers')) )
    op.create_index(op.f('ix_label_answers_task_id_person'), 'label_answers', ['task_id', 'person'],
        unique=False)
    op.create_table('label_items', sa.Column('task_id', sa.String(), nullable=False),
        sa.Column('position', sa.Integer(), nullable=False),
        sa.Column('row_id', sa.BigInteger(), nullable=False), sa.Column('values', sa.Text(), nullable=False),
        sa.Column('state', sa.String(), nullable=False), sa.Column('answer', sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(['task_id'], ['label_tasks.id'], name=op.f('fk_label_items_task_id')),
        sa.PrimaryKeyConstraint('task_id', 'position', name=op.f('pk_label_items')),
        sa.UniqueConstraint('task_id', 'row_id', name=op.f('uq_label_items_task_id_row_id')) )
    op.create_index(op.f('ix_label_items_task_id_state'), 'label_items', ['task_id', 'state'], unique=False)


def _part_5() -> None:
    op.create_table('votes', sa.Column('approval_id', sa.String(), nullable=False),
        sa.Column('person', sa.String(), nullable=False), sa.Column('decision', sa.String(), nullable=False),
        sa.Column('role', sa.Text(), nullable=False), sa.Column('on_behalf_of', sa.Text(), nullable=False),
        sa.Column('password_by', sa.Text(), nullable=False),
        sa.Column('verified', sa.Boolean(), nullable=False), sa.Column('reason', sa.Text(), nullable=False),
        sa.Column('at_ms', sa.BigInteger(), nullable=False), sa.ForeignKeyConstraint(['approval_id'],
        ['approvals.id'], name=op.f('fk_votes_approval_id')),
        sa.PrimaryKeyConstraint('approval_id', 'person', name=op.f('pk_votes')) )
    op.add_column('approvals', sa.Column('people', sa.Integer(), nullable=True))
    op.add_column('approvals', sa.Column('roles', sa.Text(), nullable=True))
    op.add_column('approvals', sa.Column('authors', sa.Text(), nullable=True))
    op.add_column('approvals', sa.Column('needs_verified', sa.Boolean(), nullable=True))
    op.add_column('approvals', sa.Column('remind', sa.Text(), nullable=True))
    op.add_column('approvals', sa.Column('reminded', sa.Integer(), nullable=True))
    op.create_index(op.f('ix_audit_action'), 'audit', ['action'], unique=False)
    op.add_column('candidates', sa.Column('settings', sa.Text(), nullable=True))
# fmt: on
