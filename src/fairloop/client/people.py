"""People, members, tokens, and who one is."""

from __future__ import annotations

from typing import Any

from fairloop.client.http import Http
from fairloop.core.people import Invitation, Membership, NewInvitation, NewToken, Person, Role, Token
from fairloop.core.records import from_wire

_V1 = "/api/v1"


class People:
    def __init__(self, http: Http, path: str) -> None:
        self._http = http
        self._path = path

    def me(self) -> dict[str, Any]:
        """Who this client speaks for: name, kind, verified, administrator, secured, roles by project name."""
        told: dict[str, Any] = self._http.json("GET", f"{_V1}/me")
        return told

    def all(self) -> list[Person]:
        return [from_wire(Person, p) for p in self._http.json("GET", f"{_V1}/people")["items"]]

    def create(self, name: str, *, email: str = "", administrator: bool = False, password: str | None = None) -> Person:
        body = {"name": name, "email": email, "administrator": administrator, "password": password}
        return from_wire(Person, self._http.json("POST", f"{_V1}/people", json=body))

    def change(self, person_id: str, **changes: Any) -> Person:
        """``changes``: email, administrator, disabled."""
        return from_wire(Person, self._http.json("PATCH", f"{_V1}/people/{person_id}", json=changes))

    def set_password(self, person_id: str, password: str, *, current: str | None = None) -> None:
        body = {"password": password, "current": current}
        self._http.json("POST", f"{_V1}/people/{person_id}/password", json=body)

    def members(self) -> list[Membership]:
        return [from_wire(Membership, m) for m in self._http.json("GET", f"{self._path}/members")["items"]]

    def set_member(self, name: str, role: Role | str) -> Membership:
        body = {"role": Role(role).value}
        return from_wire(Membership, self._http.json("PUT", f"{self._path}/members/{name}", json=body))

    def remove_member(self, name: str) -> None:
        self._http.json("DELETE", f"{self._path}/members/{name}")

    # ---- invitations
    def invite(self, role: Role | str, *, name: str = "", email: str = "", days: float = 7.0) -> NewInvitation:
        """A link by which somebody joins the project, once; its secret is shown here only."""
        body = {"role": Role(role).value, "name": name, "email": email, "days": days}
        return from_wire(NewInvitation, self._http.json("POST", f"{self._path}/invitations", json=body))

    def invitations(self) -> list[Invitation]:
        found = self._http.json("GET", f"{self._path}/invitations")["items"]
        return [from_wire(Invitation, item) for item in found]

    def revoke_invitation(self, invitation_id: str) -> None:
        self._http.json("DELETE", f"{self._path}/invitations/{invitation_id}")

    def accept_invitation(self, token: str, password: str, *, name: str = "") -> Person:
        """Make an account from an invitation; this client keeps the session cookie."""
        self._http.speak_as_page()
        body = {"token": token, "name": name, "password": password}
        return from_wire(Person, self._http.json("POST", f"{_V1}/invitation-acceptance", json=body))

    # ---- tokens and the first administrator
    def tokens(self, *, everybody: bool = False) -> list[Token]:
        told = self._http.json("GET", f"{_V1}/tokens", params={"everybody": "true" if everybody else None})
        return [from_wire(Token, t) for t in told["items"]]

    def create_token(self, name: str, *, project: str | None = None, days: float = 90.0) -> NewToken:
        body = {"name": name, "project": project, "days": days}
        return from_wire(NewToken, self._http.json("POST", f"{_V1}/tokens", json=body))

    def revoke_token(self, token_id: str) -> None:
        self._http.json("DELETE", f"{_V1}/tokens/{token_id}")

    def login(self, name: str, password: str) -> Person:
        """Log in; this client keeps the session cookie. Programs better use a token."""
        self._http.speak_as_page()
        return from_wire(Person, self._http.json("POST", f"{_V1}/login", json={"name": name, "password": password}))

    def setup(self, token: str, name: str, password: str) -> Person:
        """Make the first administrator with the set-up token the server printed, and stay logged in as them."""
        self._http.speak_as_page()
        body = {"token": token, "name": name, "password": password}
        return from_wire(Person, self._http.json("POST", f"{_V1}/setup", json=body))

    def logout(self) -> None:
        self._http.json("POST", f"{_V1}/logout")
