"""Evidence about a model version, to read, print, and take away as a signed pack."""

from __future__ import annotations

from litestar.response import Redirect, Stream

from fairloop.core.people import Identity, Project
from fairloop.errors import NotFound
from fairloop.server.api.evidence import get_file
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

_SHOWN = 20


def show(request: Asked, services: Services, project: Project, model_name: str, version: int) -> Html:
    """Everything recorded about a version as one page, with the packs made of it."""
    found = services.registry.version(project.id, model_name, version)
    keys = services.evidence.keys()
    there = within(project, "models", found.model, found.version)
    return page(
        request,
        "evidence.html",
        title=f"Evidence: {found.model} v{found.version}",
        section="models",
        crumbs=[("Models", within(project, "models")), (found.model, within(project, "models", found.model)),
                (f"v{found.version}", there)],
        v=found,
        cards=services.evidence.cards(project, found),
        packs=services.evidence.page(project.id, model_version_id=found.id, limit=_SHOWN).items,
        key=keys[0],
        keys=keys,
    )  # fmt: skip


def make(
    services: Services, identity: Identity, project: Project, model_name: str, version: int, data: Form
) -> Redirect:
    """Make a signed pack."""
    found = services.registry.version(project.id, model_name, version)
    return act(
        within(project, "models", found.model, found.version, "evidence"),
        lambda: services.evidence.make(project, found, identity, because=data.get("because", "")),
        lambda pack: f"A pack was made and signed with the key {pack.key_id}.",
    )


def download(services: Services, project: Project, model_name: str, version: int, pack_id: str) -> Stream:
    """A pack of this version as a file."""
    found = services.registry.version(project.id, model_name, version)
    if services.evidence.get(project.id, pack_id).model_version_id != found.id:
        raise NotFound("No such evidence pack, or you may not see it.")
    return get_file(services, project, pack_id)
