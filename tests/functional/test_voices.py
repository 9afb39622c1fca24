"""Comments, mentions, members, invitations and the audit log over HTTP and on the command line, on a secured server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.conftest import RunningServer, running

from fairloop.cli.main import main
from fairloop.client.client import Client
from fairloop.errors import NotFound, PermissionDenied, Refused

GOOD = "seven tall lamps hum"


class Team:
    def __init__(self, server: RunningServer) -> None:
        self.server = server
        first = server.client()
        first.people.setup((server.data / "setup-token").read_text().strip(), "Ada", GOOD)
        first.projects.create("lending", goal="Lend fairly")
        self.ada = Client(server.url, project="lending", http=first.http)
        self.token = first.people.create_token("t").secret
        self.dana, self.vic = self.join("Dana", "data_scientist"), self.join("Vic", "viewer")
        self.run = self.dana.runs.create(name="first").id

    def join(self, name: str, role: str) -> Client:
        """Somebody new, by invitation."""
        made = self.ada.people.invite(role)
        client = self.server.client(project="lending")
        client.people.accept_invitation(made.secret, f"{name} likes long odd sentences", name=name)
        return client


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    with running(tmp_path_factory.mktemp("data"), auth="true") as server:
        yield Team(server)


@dataclass
class Done:
    returncode: int
    stdout: str
    stderr: str


def fairloop(team: Team, folder: Path, *words: str) -> Done:
    """A command, in this process: starting one for each would take longer than all they do."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        patch.setenv("FAIRLOOP_TOKEN", team.token)
        patch.chdir(folder)
        with pytest.raises(SystemExit) as ended:
            main([f"--url={team.server.url}", "--project=lending", *words])
    assert "Traceback" not in err.getvalue()
    return Done(int(ended.value.code or 0), out.getvalue(), err.getvalue())


def test_a_mention_reaches_the_inbox_of_who_sees_the_project(team: Team) -> None:
    said = team.dana.discussion.add("run", team.run, "Is this fair, @Vic? And @Nobody, @Dana?")
    assert said.mentions == ["Vic", "Dana"]
    inbox = team.vic.http.json("GET", "/api/v1/notices")["items"]
    assert inbox[0]["subject"] == "Dana on Run first"
    assert inbox[0]["href"].endswith("#discussion")
    assert not team.dana.http.json("GET", "/api/v1/notices")["items"]  # nobody is told of their own words


def test_comments_are_their_authors(team: Team) -> None:
    said = team.vic.discussion.add("run", team.run, "A viewer may ask.")
    with pytest.raises(PermissionDenied):
        team.dana.discussion.edit(said.id, "mine")
    with pytest.raises(PermissionDenied):
        team.dana.discussion.delete(said.id)
    assert team.ada.discussion.delete(said.id).body == ""
    assert team.vic.discussion.list("run", team.run).items[0].deleted_ms is not None
    assert [t.subject_id for t in team.vic.discussion.threads().items] == [team.run]
    with pytest.raises(NotFound):
        team.vic.discussion.add("run", "0" * 32, "no such run")


def test_members_cannot_invite_or_raise_themselves(team: Team) -> None:
    for who in (team.dana, team.vic):
        with pytest.raises(PermissionDenied):
            who.people.invite("administrator")
    roles = {m.name: m.role for m in team.ada.people.members()}
    assert roles == {"Dana": "data_scientist", "Vic": "viewer"}


def test_a_used_or_ended_invitation_opens_nothing(team: Team) -> None:
    made = team.ada.people.invite("viewer", name="Rosa")
    page = httpx.get(team.server.url + made.path)
    assert page.status_code == 200
    assert "Rosa" in page.text
    team.ada.people.revoke_invitation(made.invitation.id)
    assert httpx.get(team.server.url + made.path).status_code == 404
    assert made.secret not in str(team.ada.people.invitations())
    stranger = team.server.client()
    with pytest.raises(NotFound):
        stranger.people.accept_invitation(made.secret, GOOD, name="Rosa")


def test_a_local_server_says_why_it_has_no_invitations(server: RunningServer) -> None:
    with pytest.raises(Refused, match="nobody logs in here"):
        server.client().people.invite("viewer")


def test_the_audit_log_is_checked_here_and_elsewhere(team: Team, tmp_path: Path) -> None:
    checked = fairloop(team, tmp_path, "audit", "verify")
    assert checked.returncode == 0, checked.stderr
    assert "entries holds" in checked.stdout
    head = checked.stdout.rsplit(" ", 1)[1].strip().rstrip(".")
    assert fairloop(team, tmp_path, "audit", "export", "whole.jsonl", "--server").returncode == 0
    assert fairloop(team, tmp_path, "audit", "export", "part.jsonl").returncode == 0
    assert fairloop(team, tmp_path, "audit", "export", "part.jsonl").returncode == 2  # never overwrites
    assert fairloop(team, tmp_path, "audit", "verify", "nowhere.jsonl").returncode == 2
    whole = fairloop(team, tmp_path, "audit", "verify", "whole.jsonl", "--head", head)
    assert (whole.returncode, "The whole chain" in whole.stdout) == (0, True), whole.stdout + whole.stderr
    assert fairloop(team, tmp_path, "audit", "verify", "part.jsonl").returncode == 0
    text = (tmp_path / "whole.jsonl").read_text("utf-8")
    (tmp_path / "forged.jsonl").write_text(text.replace("data_scientist", "administrator", 1), "utf-8")
    forged = fairloop(team, tmp_path, "audit", "verify", "forged.jsonl")
    assert (forged.returncode, "was changed" in forged.stdout) == (1, True)


def test_commands_for_members_and_comments(team: Team, tmp_path: Path) -> None:
    def said(*words: str) -> str:
        done = fairloop(team, tmp_path, *words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "/invitation/fli_" in said("members", "invite", "manager", "--email", "mira@example.org", "--days", "7")
    assert "mira@example.org" in said("members", "invitations")
    assert "auditor" in said("members", "set", "Vic", "auditor")
    assert "Vic" in said("members", "list")
    assert "told Vic" in said("comments", "add", "run", team.run, "Look, @Vic")
    assert "Look, @Vic" in said("comments", "list", "run", team.run)
    assert "Nobody has appealed" in said("appeals", "list")
    assert "member.set" in said("audit", "list")


def test_guests_see_the_questions_in_their_own_role(team: Team) -> None:
    def page(client: Client) -> str:
        found: Any = client.http.request("GET", "/projects/lending", headers={"Accept": "text/html"})
        return str(found.text)

    assert all("What must I do?" in page(who) for who in (team.ada, team.vic))
