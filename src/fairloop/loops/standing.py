"""Who may decide: the role somebody has, decisions handed to them, and whether their account is their own."""

from __future__ import annotations

from collections.abc import Collection

from fairloop.access.permit import role_in
from fairloop.core.people import Identity, Role
from fairloop.errors import InvalidInput, PermissionDenied
from fairloop.storage import audit as audit_rows
from fairloop.storage import people as people_rows
from fairloop.storage import policies as rows
from fairloop.storage.engine import Connection

_PASSWORDS = ("person.password", "person.create")


def reasoned(reason: str) -> str:
    text = reason.strip()
    if not 3 <= len(text) <= 2000:
        raise InvalidInput("Give a reason of 3 to 2,000 characters: the record keeps it.")
    return text


def person_kind(identity: Identity) -> None:
    """Refuse everything that is not a person or a person's token: a step's process decides nothing."""
    if identity.kind not in {"person", "token"} or not identity.name:
        raise PermissionDenied("Only a person decides; log in as one.")


def standing(connection: Connection, project_id: str, identity: Identity, roles: Collection[str], on_behalf_of: str,
             now_ms: int) -> tuple[str, str]:  # fmt: skip
    """(role, giver): the role in which ``identity`` decides, and who handed them the decision, empty when nobody.

    Raises
    ------
    PermissionDenied
        Neither their role nor a delegation lets them decide.
    """
    wanted = {*roles, str(Role.ADMINISTRATOR)}
    own = role_in(identity, project_id)
    if not on_behalf_of and own is not None and str(own) in wanted:
        return str(own), ""
    handed = {d.giver: role for d in rows.in_force(connection, project_id, identity.name, now_ms)
              if (role := role_of(connection, project_id, d.giver)) in wanted}  # fmt: skip
    if on_behalf_of in handed:
        return handed[on_behalf_of], on_behalf_of
    if on_behalf_of:
        raise PermissionDenied(
            f"{on_behalf_of[:80]} has not handed such decisions to {identity.name}, or not any more."
        )
    if len(handed) > 1:
        raise InvalidInput(
            f"Say for whom: {', '.join(handed)} handed their decisions to {identity.name} (on_behalf_of)."
        )
    if handed:
        return next(iter(handed.values())), next(iter(handed))
    names = " or ".join(repr(r) for r in roles)
    raise PermissionDenied(f"The policy asks for the role {names}; {identity.name} is {own or 'not a member'} here.")


def role_of(connection: Connection, project_id: str, name: str) -> str:
    """The role that ``name`` has in the project now; empty without one, or when they may not come in any more."""
    person = people_rows.by_name(connection, name)
    if person is None or person.disabled:
        return ""
    if person.administrator:
        return str(Role.ADMINISTRATOR)
    mine = people_rows.members(connection, project_id=project_id, person_id=person.id)
    return str(mine[0].role) if mine else ""


def password_setter(connection: Connection, identity: Identity) -> str:
    """Who set the password ``identity`` logs in with, where that was somebody else: they could be one person.

    An account whose password its owner chose (by an invitation, or by changing it) answers with empty text.
    """
    if not identity.verified or not identity.person_id:
        return ""
    last = audit_rows.newest_about(connection, identity.person_id, _PASSWORDS)
    if last is None or (last.action == "person.create" and not last.detail.get("password")):
        return ""
    return "" if last.person == identity.name else last.person
