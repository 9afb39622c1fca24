"""fl.deploy: serve a model without a Loop."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fairloop.core.endpoints import Deployment, DeploymentState
from fairloop.errors import InvalidInput, Refused
from fairloop.sdk.session import session

if TYPE_CHECKING:
    from fairloop.registry.model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployed:
    """A model that serves: where it answers, and what it is."""

    endpoint: str
    url: str
    model_version: str
    deployment: Deployment

    def predict(self, rows: Sequence[dict[str, Any]], *, sensitive: dict[str, Any] | None = None) -> dict[str, Any]:
        """Predictions, scores and prediction ids for rows of input values."""
        return session().predictions.predict(self.endpoint, rows, sensitive=sensitive)


def deploy(model: Model | str, endpoint: str = "", *, share: int = 100) -> Deployed:
    """Serve a model on an endpoint, after a smoke test on its own sample rows.

    Parameters
    ----------
    model : fairloop.Model or str
        A fitted model, registered under the endpoint's name first; or a registered version,
        ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``.
    endpoint : str, optional
        Where; made when there is none. By default the registered model's name.
    share : int, default 100
        Percent of the endpoint's traffic.

    Raises
    ------
    InvalidInput
        The model has no signature, or no endpoint is named.
    Refused
        The model failed its smoke test and sees no traffic; the message says why.
    """
    client = session()
    if isinstance(model, str):
        named = model
        endpoint = endpoint or model.removeprefix("models:/").rpartition("@" if "@" in model else "/")[0]
    else:
        if not endpoint:
            raise InvalidInput("Name the endpoint: fl.deploy(model, endpoint='income').")
        named = _register(model, endpoint)
    deployment = client.endpoints.deploy(endpoint, named, share=share)
    if deployment.state is DeploymentState.FAILED:
        raise Refused(f"{named} failed its smoke test and sees no traffic: {deployment.reason}")
    url = str(client.endpoints.describe(endpoint)["url"])
    return Deployed(endpoint=endpoint, url=url, model_version=named, deployment=deployment)


def _register(model: Model, name: str) -> str:
    """The model's folder as the next version of ``name``."""
    if not getattr(model, "columns", None):
        raise InvalidInput(
            "The model does not say what it reads; call model.describe(X) with input rows before fl.deploy."
        )
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        files = {str(p.relative_to(folder)): p.read_bytes() for p in sorted(Path(folder).rglob("*")) if p.is_file()}
    version = session().models.create_version(name, files, signature=model.signature)
    return f"models:/{name}/{version.version}"
