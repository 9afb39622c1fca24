"""People and the members of projects over REST."""

from __future__ import annotations

from dataclasses import dataclass

from fairloop.core.people import Identity, Invitation, Membership, NewInvitation, Person, Project, Role
from fairloop.core.records import Page
from fairloop.server.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPerson:
    name: str
    email: str = ""
    administrator: bool = False
    password: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonChange:
    email: str | None = None
    administrator: bool | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPassword:
    password: str
    current: str | None = None
    """Needed to change one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewRole:
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    role: Role
    name: str = ""
    """What the person will be called; empty lets them choose."""
    email: str = ""
    days: float = 7.0


def list_people(services: Services) -> Page[Person]:
    """Everybody, by name."""
    return Page(items=services.people.list())


def create_person(services: Services, identity: Identity, data: NewPerson) -> Person:
    """Add a person."""
    return services.people.create(identity, data.name, email=data.email, administrator=data.administrator,
                                  password=data.password)  # fmt: skip


def get_person(services: Services, person_id: str) -> Person:
    """One person."""
    return services.people.get(person_id)


def change_person(services: Services, identity: Identity, person_id: str, data: PersonChange) -> Person:
    """Change a person's address, disable them, or make them an administrator."""
    return services.people.change(identity, person_id, email=data.email, administrator=data.administrator,
                                  disabled=data.disabled)  # fmt: skip


def set_password(services: Services, identity: Identity, person_id: str, data: NewPassword) -> dict[str, bool]:
    """Set a password; the person's logins and tokens end."""
    services.people.set_password(identity, person_id, data.password, current=data.current)
    return {"changed": True}


def list_members(services: Services, project: Project) -> Page[Membership]:
    """The project's members and their roles."""
    return Page(items=services.people.members(project.id))


def set_member(services: Services, identity: Identity, project: Project, name: str, data: NewRole) -> Membership:
    """Give a person a role in the project."""
    return services.people.set_member(identity, project.id, name, data.role)


def remove_member(services: Services, identity: Identity, project: Project, name: str) -> dict[str, bool]:
    """Take a person out of the project."""
    services.people.remove_member(identity, project.id, name)
    return {"removed": True}


# ------------------------------------------------------------------ invitations
def list_invitations(services: Services, project: Project) -> Page[Invitation]:
    """Invitations to the project, newest first, without their tokens."""
    return Page(items=services.invitations.listed(project.id))


def invite(services: Services, identity: Identity, project: Project, data: Invited) -> NewInvitation:
    """Make a link by which somebody joins the project, once; its token is shown in this answer only."""
    return services.invitations.invite(identity, project.id, data.role, name=data.name, email=data.email,
                                       days=data.days)  # fmt: skip


def revoke_invitation(services: Services, identity: Identity, project: Project, invitation_id: str) -> dict[str, bool]:
    """End an invitation that nobody has used."""
    services.invitations.revoke(identity, project.id, invitation_id)
    return {"revoked": True}
