"""Every route, as every role, in one's own project, another's and one that does not exist.

What each role may do is written down here a second time, on purpose: a slip in access/permissions.py must show.
"""

from __future__ import annotations

import json
import re

import pytest

from fairloop.access.permissions import Permission
from support.asgi import Answer, Url, World
from support.bodies import body_for
from support.catalogue import seed

VIEWER = {"public", "signed_in", "project_read", "comment"}
SCIENTIST = VIEWER | {
    "run_write",
    "run_delete",
    "data_write",
    "pipeline_run",
    "model_write",
    "predict",
    "feedback",
    "label",
}
ENGINEER = SCIENTIST | {"endpoint_deploy", "monitor_edit"}
MANAGER = VIEWER | {
    "label",
    "model_approve",
    "monitor_edit",
    "project_edit",
    "policy_edit",
    "audit_read",
    "appeal_read",
    "appeal_decide",
}
AUDITOR = VIEWER | {"audit_read", "sensitive_read", "appeal_read"}
ADMINISTRATOR = ENGINEER | MANAGER | AUDITOR | {"members_manage"}
MAY = {
    "anonymous": {"public"},
    "revoked": {"public"},
    "viewer": VIEWER,
    "data_scientist": SCIENTIST,
    "ml_engineer": ENGINEER,
    "manager": MANAGER,
    "auditor": AUDITOR,
    "administrator": ADMINISTRATOR,
    "worker": (ENGINEER | {"work", "sensitive_read"}) - {"signed_in", "comment"},
    "server_administrator": ADMINISTRATOR | {"people_manage"},
}
MISSING = "q" * 24


def test_the_table_here_names_every_permission() -> None:
    assert set(Permission) == ADMINISTRATOR | {"people_manage", "work"}


def ask(world: World, url: Url, role: str, project: str, ids: dict[str, str] | None = None) -> Answer:
    """One request to ``url``, with every path parameter, query and body field that names an object filled in."""
    known = ids or {}

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name == "project_name":
            return project
        return known.get(
            name, "0" * 64 if "sha" in name else "1" if name in {"version", "seq", "position"} else MISSING
        )

    path = re.sub(r"\{(\w+):\w+\}", fill, url.path)
    headers = dict(world.headers[role])
    query, body = "", b""
    if url.surface == "mlflow":
        headers["X-MLFLOW-WORKSPACE"] = project
        named = {k: known.get(k, MISSING) for k in ("run_id", "run_uuid", "model_id", "name", "path")}
        named |= {
            "experiment_id": known.get("experiment_id", "999999"),
            "version": "1",
            "metric_key": "m",
            "alias": "a",
        }
        if url.method == "GET":
            query = "&".join(f"{k}={v}" for k, v in named.items() if k != "path")
        else:
            body = json.dumps(named).encode()
    else:
        value = body_for(url.handler, known)
        body = json.dumps(value).encode() if value is not None else b""
    if body:
        headers["Content-Type"] = "application/json"
    return world.call(url.method, path, headers=headers, body=body, query=query)


def refused_by_role(answer: Answer) -> bool:
    return answer.status == 403 and b"Your role does not allow this" in answer.body


@pytest.mark.parametrize("role", MAY)
def test_in_ones_own_project_the_role_decides(secured: World, role: str) -> None:
    for url in secured.urls():
        answer = ask(secured, url, role, "own")
        where = (role, url.method, url.path, answer.status, answer.body[:300])
        assert answer.status != 500, where
        if url.permission.value in MAY[role]:
            assert not refused_by_role(answer), where
            public_with_login = url.permission is Permission.PUBLIC
            assert answer.status != 401 or public_with_login, where
        elif role in {"anonymous", "revoked"}:
            assert answer.status in ({401, 303} if url.surface == "page" else {401}), where
        else:
            assert refused_by_role(answer), where


@pytest.mark.parametrize("role", [r for r in MAY if r not in {"anonymous", "revoked", "server_administrator"}])
def test_another_project_answers_exactly_like_a_missing_one(secured: World, role: str) -> None:
    for url in (u for u in secured.urls() if u.in_project and u.permission is not Permission.PUBLIC):
        theirs, missing = ask(secured, url, role, "other"), ask(secured, url, role, "missing")
        where = (role, url.method, url.path, theirs.status, theirs.body[:300], missing.body[:300])
        assert theirs.status == 404, where
        assert theirs.same_as() == missing.same_as(), where


def test_strangers_cannot_tell_projects_apart(secured: World) -> None:
    for url in (u for u in secured.urls() if u.in_project):
        assert ask(secured, url, "anonymous", "own").same_as() == ask(secured, url, "anonymous", "missing").same_as()


def test_the_roles_hold_for_named_people_in_local_mode(local: World) -> None:
    for role in local.headers:
        for url in (u for u in local.urls() if u.permission is not Permission.PUBLIC):
            answer = ask(local, url, role, "own")
            assert refused_by_role(answer) == (url.permission.value not in MAY[role]), (
                role,
                url.method,
                url.path,
            )
            if url.in_project:
                theirs, missing = ask(local, url, role, "other"), ask(local, url, role, "missing")
                assert theirs.same_as() == missing.same_as(), (role, url.method, url.path)


def test_another_projects_object_answers_exactly_like_a_missing_one(secured: World) -> None:
    """Asked for in one's own project, by its true id, name or hash: as if it had never been."""
    assert secured.other is not None
    theirs = seed(secured.services.database, secured.other.id)
    nothing = {k: "999999" if v.isdecimal() else "9" * 64 if len(v) == 64 else "z" * len(v) for k, v in theirs.items()}
    reached = set()
    for url in (u for u in secured.urls() if u.in_project and u.permission is not Permission.PUBLIC):
        role = "worker" if url.permission is Permission.WORK else "administrator"
        found, missing = ask(secured, url, role, "own", theirs), ask(secured, url, role, "own", nothing)
        where = (url.method, url.path, found.status, missing.status, found.body[:300], missing.body[:300])
        assert found.status == missing.status, where
        assert found.status != 500, where
        if found.status >= 400:
            assert without(found, theirs) == without(missing, nothing), where
        if found.status == 404:
            reached.add(url.path)
    assert len(reached) > 30  # most URLs that name an object got as far as looking for it


def without(answer: Answer, ids: dict[str, str]) -> tuple[int, bytes]:
    """The comparable part of an answer, with the ids that were asked for taken out."""
    status, body = answer.same_as()
    shown = {
        *ids.values(),
        *(v[:12] for v in ids.values() if len(v) == 64),
    }  # hashes are shown by their beginning
    for value in sorted(shown, key=len, reverse=True):
        body = re.sub(rb"\b%s\b" % re.escape(value.encode()), b"ASKED", body)
    return status, body
