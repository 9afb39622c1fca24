"""One object for everything a project offers over REST; one attribute per noun."""

from __future__ import annotations

from fairloop.client.blobs import Blobs
from fairloop.client.datasets import Datasets
from fairloop.client.http import Http


class Client:
    """A project on a server.

    Parameters
    ----------
    url : str
        Where the server is, for example ``http://127.0.0.1:8700``.
    project : str
        The project's name.
    token : str, optional
        An API token (secured mode).
    person : str, optional
        Whom to act as (local mode).
    """

    def __init__(self, url: str, *, project: str = "default", token: str | None = None, person: str | None = None) -> None:
        self.http = Http(url, token=token, person=person)
        self.url = self.http.url
        self.project = project
        self.path = f"/api/v1/projects/{project}"
        self.blobs = Blobs(self.http, self.path)
        self.datasets = Datasets(self.http, self.path)

    def close(self) -> None:
        self.http.close()
