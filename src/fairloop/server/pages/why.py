"""Why a model version answers as it does: the analyses asked about it, newest of each kind, and forms to ask."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from litestar.response import Redirect

from fairloop.core import codec
from fairloop.core.analyses import Analysis, AnalysisState
from fairloop.core.models import ModelVersion
from fairloop.core.people import Identity, Project
from fairloop.evaluation.analyses import KINDS
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.live import part, renewed
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.pages.views import why
from fairloop.server.services import Services

_VIEWS = {"explain": why.explanation, "counterfactual": why.one_person}
_SHOWN_PEOPLE = 3
_LOOKED_AT = 200


def show(request: Asked, services: Services, project: Project, model_name: str, version: int) -> Html:
    """Everything asked about a version."""
    found = services.registry.version(project.id, model_name, version)
    return page(
        request,
        "why.html",
        title=f"Why: {found.model} v{found.version}",
        section="models",
        v=found,
        back=within(project, "models", found.model, found.version),
        crumbs=[
            ("Models", within(project, "models")),
            (found.model, within(project, "models", found.model)),
            (f"v{found.version}", within(project, "models", found.model, found.version)),
        ],
        answers=part(request, "parts/why.html", **_answers(services, project, found)),
    )


def now(request: Asked, services: Services, project: Project, model_name: str, version: int) -> Html:
    """The same answers, when one of them has changed."""
    found = services.registry.version(project.id, model_name, version)
    return renewed(request, "parts/why.html", **_answers(services, project, found))


def ask(
    services: Services, identity: Identity, project: Project, model_name: str, version: int, data: Form
) -> Redirect:
    """Ask a question about this version; what the form's fields say are its parameters."""
    found = services.registry.version(project.id, model_name, version)
    given: dict[str, Any] = {k: v.strip() for k, v in data.items() if v.strip()}
    kind = given.pop("kind", "explain")
    back = within(project, "models", model_name, version, "why")
    return act(
        back,
        lambda: services.analyses.start(project.id, kind, "model_version", found.id, given, identity),
        "Asked. The answer comes here by itself.",
    )


def subjects(found: ModelVersion) -> list[str]:
    """Ids under which something about a version may have been asked."""
    return [i for i in (found.id, found.candidate_id, found.cycle_id) if i]


def _answers(services: Services, project: Project, found: ModelVersion) -> dict[str, Any]:
    page_of = services.analyses.page(project.id, subject_ids=subjects(found), limit=_LOOKED_AT)
    shown: list[dict[str, Any]] = []
    seen: dict[str, int] = {}
    waiting = [a for a in page_of.items if not a.state.final]
    for analysis in page_of.items:
        count = seen.get(analysis.kind, 0)
        most = _SHOWN_PEOPLE if analysis.kind == "counterfactual" else 1
        if analysis.state is AnalysisState.DONE and count < most and analysis.kind in KINDS:
            seen[analysis.kind] = count + 1
            shown.append(_view(services, project, analysis))
    order = list(KINDS)
    shown.sort(key=lambda answer: order.index(answer["a"].kind))
    newest = {a.kind: a for a in reversed(page_of.items)}
    return {
        "v": found,
        "answers": shown,
        "under_way": [(a, within(project, "pipelines", a.pipeline_run_id)) for a in waiting],
        "failed": [
            (a, _reason(a), within(project, "pipelines", a.pipeline_run_id))
            for a in newest.values()
            if a.state is AnalysisState.FAILED
        ],
        "renew": within(project, "models", found.model, found.version, "why", "now"),
        "known_rows": found.candidate_id is not None,
    }


def _reason(analysis: Analysis) -> str:
    """The last line of an error without the name of its class."""
    last = (analysis.error.splitlines() or ["no reason was given"])[-1]
    return re.sub(r"^[A-Za-z_.]+: ", "", last)


def _view(services: Services, project: Project, analysis: Analysis) -> dict[str, Any]:
    """The analysis with what its partial draws; a kind without a view of its own draws its result."""
    if set(analysis.result) == {"blob"}:
        whole = codec.loads(services.files.read_blob(project.id, analysis.result["blob"]))
        analysis = replace(analysis, result=whole)
    build = _VIEWS.get(analysis.kind)
    return {
        "a": analysis,
        "view": build(analysis.result) if build else analysis.result,
        "template": f"parts/analysis-{analysis.kind}.html",
        "sentences": analysis.result.get("findings") or [analysis.words],
    }
