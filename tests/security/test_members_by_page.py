"""Roles are given by who may give them over REST too: the page asks for the same permission."""

from __future__ import annotations

import pytest

from support.asgi import HOST, World

FORM = {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{HOST}"}


@pytest.mark.parametrize("role", ["manager", "ml_engineer", "auditor", "viewer"])
@pytest.mark.parametrize("path", ["/projects/own/members", "/projects/own/members/remove"])
def test_only_an_administrator_changes_members_by_page(secured: World, role: str, path: str) -> None:
    headers = {**secured.headers[role], **FORM}
    assert secured.call("POST", path, headers=headers, body=b"name=gone&role=viewer").status == 403


def test_an_administrator_does(secured: World) -> None:
    headers = {**secured.headers["administrator"], **FORM}
    answer = secured.call("POST", "/projects/own/members", headers=headers, body=b"name=gone&role=viewer")
    assert answer.status in {302, 303}
