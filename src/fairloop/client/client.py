"""One object for everything a project offers over REST; one attribute per noun."""

from __future__ import annotations

from typing import Self

from fairloop.client.alerts import Alerts
from fairloop.client.analyses import Analyses
from fairloop.client.appeals import Appeals
from fairloop.client.audit import Audit
from fairloop.client.blobs import Blobs
from fairloop.client.candidates import Candidates
from fairloop.client.cycles import Approvals, Cycles, Loops
from fairloop.client.datasets import Datasets
from fairloop.client.discussion import Discussion
from fairloop.client.endpoints import Endpoints
from fairloop.client.evidence import Evidence
from fairloop.client.http import Http
from fairloop.client.labeling import Labeling
from fairloop.client.models import Models
from fairloop.client.monitors import Monitors
from fairloop.client.notices import Channels, Notices
from fairloop.client.people import People
from fairloop.client.pipelines import Pipelines
from fairloop.client.policy import Delegations, Policies
from fairloop.client.predictions import Predictions
from fairloop.client.projects import Projects
from fairloop.client.runs import Runs


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
    http : Http, optional
        A connection to use instead of a new one.
    """

    def __init__(self, url: str, *, project: str = "default", token: str | None = None, person: str | None = None,
                 http: Http | None = None) -> None:  # fmt: skip
        self.http = http or Http(url, token=token, person=person)
        self.url = self.http.url
        self.project = project
        self.path = f"/api/v1/projects/{project}"
        self.projects = Projects(self.http, self.path)
        self.people = People(self.http, self.path)
        self.audit = Audit(self.http, self.path)
        self.blobs = Blobs(self.http, self.path)
        self.datasets = Datasets(self.http, self.path)
        self.labeling = Labeling(self.http, self.path)
        self.candidates = Candidates(self.http, self.path)
        self.analyses = Analyses(self.http, self.path)
        self.runs = Runs(self.http, self.path)
        self.models = Models(self.http, self.path)
        self.loops = Loops(self.http, self.path)
        self.cycles = Cycles(self.http, self.path)
        self.approvals = Approvals(self.http, self.path)
        self.policy = Policies(self.http, self.path)
        self.delegations = Delegations(self.http, self.path)
        self.notices = Notices(self.http, self.path)
        self.channels = Channels(self.http, self.path)
        self.pipelines = Pipelines(self.http, self.path)
        self.endpoints = Endpoints(self.http, self.path)
        self.predictions = Predictions(self.http, self.path)
        self.monitors = Monitors(self.http, self.path)
        self.evidence = Evidence(self.http, self.path)
        self.alerts = Alerts(self.http, self.path)
        self.discussion = Discussion(self.http, self.path)
        self.appeals = Appeals(self.http, self.path)

    def close(self) -> None:
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
