"""People, memberships, sessions, tokens and the server's keys: rows <-> dataclasses."""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from fairloop.core.people import Membership, Person, Role, Session, Token
from fairloop.storage.tables import memberships, people, server_keys, sessions, tokens

_SHOWN = [people.c[f.name] for f in dataclasses.fields(Person)]


def _values(record: Any) -> dict[str, Any]:
    return {f.name: getattr(record, f.name) for f in dataclasses.fields(record)}


# ---- people
def add(connection: Connection, person: Person, password_hash: str | None = None) -> None:
    connection.execute(insert(people).values(**_values(person), password_hash=password_hash))


def by_name(connection: Connection, name: str) -> Person | None:
    row = connection.execute(select(*_SHOWN).where(people.c.name == name)).mappings().first()
    return Person(**row) if row else None


def by_id(connection: Connection, person_id: str) -> Person | None:
    row = connection.execute(select(*_SHOWN).where(people.c.id == person_id)).mappings().first()
    return Person(**row) if row else None


def listed(connection: Connection) -> list[Person]:
    return [Person(**row) for row in connection.execute(select(*_SHOWN).order_by(people.c.name)).mappings()]


def password_hash(connection: Connection, person_id: str) -> str | None:
    return connection.execute(select(people.c.password_hash).where(people.c.id == person_id)).scalar()


def change(connection: Connection, person_id: str, **values: Any) -> None:
    connection.execute(update(people).where(people.c.id == person_id).values(**values))


def administrators(connection: Connection, *, with_password: bool) -> list[str]:
    """Ids of the people who administer the server and are not disabled."""
    query = select(people.c.id).where(people.c.administrator.is_(True), people.c.disabled.is_(False))
    if with_password:
        query = query.where(people.c.password_hash.is_not(None))
    return list(connection.execute(query).scalars())


# ---- memberships
def _membership(row: RowMapping) -> Membership:
    return Membership(project_id=row["project_id"], person_id=row["person_id"], name=row["name"],
                      role=Role(row["role"]), created_ms=row["created_ms"])  # fmt: skip


def members(connection: Connection, *, project_id: str | None = None, person_id: str | None = None) -> list[Membership]:
    """Memberships of a project or of a person, by name."""
    query = select(memberships, people.c.name).join(people, people.c.id == memberships.c.person_id)
    if project_id is not None:
        query = query.where(memberships.c.project_id == project_id)
    if person_id is not None:
        query = query.where(memberships.c.person_id == person_id)
    return [_membership(row) for row in connection.execute(query.order_by(people.c.name)).mappings()]


def set_member(connection: Connection, membership: Membership) -> None:
    remove_member(connection, membership.project_id, membership.person_id)
    values = {k: v for k, v in _values(membership).items() if k != "name"}
    connection.execute(insert(memberships).values(**values))


def remove_member(connection: Connection, project_id: str, person_id: str) -> int:
    mine = (memberships.c.project_id == project_id) & (memberships.c.person_id == person_id)
    return connection.execute(delete(memberships).where(mine)).rowcount


# ---- sessions
def add_session(connection: Connection, session: Session) -> None:
    connection.execute(insert(sessions).values(**_values(session)))


def session(connection: Connection, hash_: str) -> Session | None:
    row = connection.execute(select(sessions).where(sessions.c.hash == hash_)).mappings().first()
    return Session(**row) if row else None


def seen(connection: Connection, hash_: str, now_ms: int) -> None:
    connection.execute(update(sessions).where(sessions.c.hash == hash_).values(seen_ms=now_ms))


def end_sessions(connection: Connection, *, hash_: str | None = None, person_id: str | None = None,
                 expired_ms: int | None = None) -> int:  # fmt: skip
    """Delete one session, all of a person's, or those whose time ended before ``expired_ms``."""
    query = delete(sessions)
    if hash_ is not None:
        query = query.where(sessions.c.hash == hash_)
    if person_id is not None:
        query = query.where(sessions.c.person_id == person_id)
    if expired_ms is not None:
        query = query.where(sessions.c.expires_ms < expired_ms)
    return connection.execute(query).rowcount


# ---- tokens
_TOKEN = [tokens.c[f.name] for f in dataclasses.fields(Token)]


def add_token(connection: Connection, token: Token, hash_: str) -> None:
    connection.execute(insert(tokens).values(**_values(token), hash=hash_))


def token_by_hash(connection: Connection, hash_: str) -> Token | None:
    row = connection.execute(select(*_TOKEN).where(tokens.c.hash == hash_)).mappings().first()
    return Token(**row) if row else None


def tokens_of(connection: Connection, person_id: str | None) -> list[Token]:
    """Newest first; everybody's when no person is named."""
    query = select(*_TOKEN).order_by(tokens.c.created_ms.desc(), tokens.c.id)
    if person_id is not None:
        query = query.where(tokens.c.person_id == person_id)
    return [Token(**row) for row in connection.execute(query).mappings()]


def hashes_of(connection: Connection, project_id: str, now_ms: int) -> list[tuple[str, str]]:
    """(hash, person id) of every usable token that reaches into ``project_id``: for endpoint processes."""
    query = select(tokens.c.hash, tokens.c.person_id).where(
        tokens.c.revoked_ms.is_(None), tokens.c.expires_ms > now_ms,
        (tokens.c.project_id == project_id) | tokens.c.project_id.is_(None))  # fmt: skip
    return [(row[0], row[1]) for row in connection.execute(query)]


def used(connection: Connection, token_id: str, now_ms: int) -> None:
    connection.execute(update(tokens).where(tokens.c.id == token_id).values(last_used_ms=now_ms))


def revoke(connection: Connection, now_ms: int, *, token_id: str | None = None, person_id: str | None = None) -> int:
    query = update(tokens).where(tokens.c.revoked_ms.is_(None)).values(revoked_ms=now_ms)
    if token_id is not None:
        query = query.where(tokens.c.id == token_id)
    if person_id is not None:
        query = query.where(tokens.c.person_id == person_id)
    return connection.execute(query).rowcount


# ---- keys
def ensure_key(connection: Connection, name: str, fresh: str) -> str:
    """The server key ``name``; ``fresh`` becomes it when there is none yet."""
    found = connection.execute(select(server_keys.c.value).where(server_keys.c.name == name)).scalar()
    if found is None:
        connection.execute(insert(server_keys).values(name=name, value=fresh))
        return fresh
    return str(found)


def replace_key(connection: Connection, name: str, value: str | None) -> None:
    connection.execute(delete(server_keys).where(server_keys.c.name == name))
    if value is not None:
        connection.execute(insert(server_keys).values(name=name, value=value))


def key(connection: Connection, name: str) -> str | None:
    return connection.execute(select(server_keys.c.value).where(server_keys.c.name == name)).scalar()
