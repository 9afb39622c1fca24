"""API tokens over REST: one's own; administrators see and revoke everybody's."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.access.permit import visible
from fairloop.core.people import Identity, NewToken, Token
from fairloop.core.records import Page
from fairloop.errors import NotFound
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    name: str
    project: str | None = None
    """Restrict the token to this project."""
    days: float = 90.0


def list_tokens(services: Services, identity: Identity, everybody: bool = False) -> Page[Token]:
    """Your tokens; with ``everybody`` all of the server's (administrators)."""
    all_of_them = everybody and identity.administrator and identity.token_project_id is None
    found = services.tokens.of(None if all_of_them else identity.person_id)
    if identity.token_project_id is not None:
        found = [t for t in found if t.project_id == identity.token_project_id]
    return Page(items=found)


def create_token(services: Services, identity: Identity, data: TokenRequest) -> NewToken:
    """Make a token; its secret is in this answer and nowhere else."""
    project_id = None
    if data.project is not None:
        project = services.projects.find(data.project)
        if not visible(identity, project.id):
            raise NotFound("No such project, or you may not see it.")
        project_id = project.id
    return services.tokens.create(identity, data.name, project_id=project_id, days=data.days)


def revoke_token(services: Services, identity: Identity, token_id: str) -> dict[str, bool]:
    """End a token at once."""
    services.tokens.revoke(identity, token_id)
    return {"revoked": True}
