"""Appeals: the page for people without an account, and the one for who decides."""

from __future__ import annotations

from typing import Any

from litestar.response import Redirect

from fairloop.access.identities import ANONYMOUS
from fairloop.core import codec
from fairloop.core.appeals import Appeal
from fairloop.core.people import Identity, Project
from fairloop.errors import FairloopError, InvalidInput, NotFound, TooManyRequests
from fairloop.server.pages.forms import Form, act
from fairloop.server.pages.shell import Asked, Html, page, within
from fairloop.server.services import Services

_PAGE = 50
_STATUS: dict[type[FairloopError], int] = {InvalidInput: 400, NotFound: 404, TooManyRequests: 429}


# ------------------------------------------------------------------ for everybody
def form(request: Asked, services: Services, endpoint_id: str, prediction: str = "") -> Html:
    """Where somebody who was judged contests the answer; no account needed."""
    services.appeals.desk(endpoint_id)
    return _form(request, endpoint_id, {"prediction": prediction[:100]})


def file(request: Asked, services: Services, endpoint_id: str, data: Form) -> Html:
    """Take an appeal; the answer never tells whether the number was known."""
    services.appeals.desk(endpoint_id)
    try:
        receipt = services.appeals.file(endpoint_id, data.get("prediction", ""), data.get("reason", ""),
                                        contact=data.get("contact", ""), address=_address(request, services))  # fmt: skip
    except (InvalidInput, TooManyRequests) as cause:
        return _form(request, endpoint_id, data, wrong=cause)
    return page(_stranger(request), "appeal-taken.html", title="Received", receipt=receipt)


def answer_form(request: Asked) -> Html:
    """Where the code of an appeal opens its answer."""
    return page(_stranger(request), "appeal-answer.html", title="The answer to your appeal", found=None, wrong="")


def answer(request: Asked, services: Services, data: Form) -> Html:
    """How an appeal stands."""
    try:
        found = services.appeals.answer(data.get("code", ""), address=_address(request, services))
    except (NotFound, TooManyRequests) as cause:
        return page(_stranger(request), "appeal-answer.html", title="The answer to your appeal", found=None,
                    wrong=cause.message, status=_STATUS[type(cause)])  # fmt: skip
    return page(_stranger(request), "appeal-answer.html", title="The answer to your appeal", found=found, wrong="")


def _form(request: Asked, endpoint_id: str, typed: dict[str, str], *, wrong: FairloopError | None = None) -> Html:
    return page(
        _stranger(request),
        "appeal.html",
        title="Contest a decision",
        action=f"/appeal/{endpoint_id}",
        typed=typed,
        wrong=wrong.message if wrong else "",
        status=_STATUS[type(wrong)] if wrong else 200,
    )


def _stranger(request: Asked) -> Asked:
    """The same page for everybody: who happens to be logged in is not shown, nor what they may see."""
    request.scope["state"]["identity"] = ANONYMOUS
    return request


def _address(request: Asked, services: Services) -> str:
    """Where the request comes from; behind a proxy that ends https, what that proxy saw."""
    forwarded = request.headers.get("x-forwarded-for", "") if services.settings.tls else ""
    return forwarded.rpartition(",")[2].strip() or str(request.scope["state"].get("ip", ""))


# ------------------------------------------------------------------ for reviewers
def listing(request: Asked, services: Services, identity: Identity, project: Project, show: str = "open",
            cursor: str | None = None) -> Html:  # fmt: skip
    """Appeals by prediction, what waits first."""
    found = services.appeals.page(project.id, show, limit=_PAGE, cursor=cursor)
    here = within(project, "appeals")
    places = services.appeals.from_one_place(project.id)
    seen: dict[str, dict[str, Any]] = {}
    for appeal in found.items:
        seen.setdefault(appeal.prediction_id, _contested(services, project, appeal, places))
    return page(
        request,
        "appeals.html",
        title="Appeals",
        section="appeals",
        state=show,
        contested=list(seen.values()),
        desks=services.appeals.desks(project.id),
        post=here,
        older=f"{here}?show={show}&cursor={found.next}" if found.next else "",
    )


def _contested(services: Services, project: Project, appeal: Appeal, places: dict[str, int]) -> dict[str, Any]:
    version = services.registry.version_by_id(project.id, appeal.model_version_id)
    return {
        "a": appeal,
        "all": services.appeals.same_prediction(appeal),
        "model": f"{version.model} v{version.version}",
        "model_href": within(project, "models", version.model, version.version),
        "answered": {True: "yes", False: "no", None: "a value"}[appeal.answered],
        "from_there": places.get(appeal.filer, 0),
        "href": within(project, "appeals", appeal.id),
    }


def decide(services: Services, identity: Identity, project: Project, appeal_id: str, data: Form) -> Redirect:
    """Uphold or reject."""
    services.appeals.get(project.id, appeal_id)
    uphold = data.get("decision") == "uphold"
    typed = data.get("label", "").strip()
    return act(
        within(project, "appeals"),
        lambda: services.appeals.decide(project.id, appeal_id, identity, uphold=uphold, reason=data.get("reason", ""),
                                        label=_label(typed)),
        "Upheld: it becomes a label, and who appealed reads your reason." if uphold
        else "Not upheld: who appealed reads your reason.",
    )  # fmt: skip


def _label(typed: str) -> Any:
    """What was typed as the right answer: a number where it is one, else text; nothing when left empty."""
    if not typed:
        return None
    try:
        return codec.loads(typed.encode())
    except InvalidInput:
        return typed


def switch(services: Services, identity: Identity, project: Project, data: Form) -> Redirect:
    """Take appeals, or stop."""
    takes, endpoint = data.get("takes") == "yes", data.get("endpoint", "")
    what = f"for {endpoint}" if endpoint else "in this project"
    return act(within(project, "appeals"),
               lambda: services.appeals.switch(project.id, identity, takes=takes, endpoint_name=endpoint),
               f"Appeals are {'taken' if takes else 'not taken any more'} {what}.")  # fmt: skip
