"""Appeals: taken from anybody who holds a prediction id, decided by a person, and then labels and evidence.

Nothing that strangers can do changes anything but the list a reviewer reads: an appeal makes no label, no alert and no
number before somebody has decided it. An id that was never given out is answered exactly like one that was.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from typing import Any, Protocol

from fairloop.access.audit import Audit
from fairloop.access.keys import Key, hash_of
from fairloop.access.limits import Rate
from fairloop.core.appeals import STATES, Appeal, AppealAnswer, AppealDesk, AppealSummary, Receipt
from fairloop.core.clock import Clock, rfc3339
from fairloop.core.endpoints import Deployment, Endpoint
from fairloop.core.ids import new_id
from fairloop.core.people import Identity
from fairloop.core.records import Page, page_size, page_start
from fairloop.core.signals import Signals
from fairloop.errors import Conflict, InvalidInput, NotFound, Refused, TooManyRequests
from fairloop.storage import appeals as rows
from fairloop.storage import endpoints as endpoint_rows
from fairloop.storage import loops as loop_rows
from fairloop.storage.engine import Connection, Database

log = logging.getLogger(__name__)

SHORTEST, LONGEST, LONGEST_CONTACT = 10, 4000, 200
MOST_OF_ONE = 200
"""Undecided appeals kept against one prediction: far more than the one person it is about can fill."""
EACH_HOUR, TOGETHER_HOUR = 10, 300
STRANGER = Identity(kind="anonymous", name="somebody who was judged")
TAKEN = ("If this number names a decision of ours, a person will look at it. Keep the code below: with it you see the "
         "answer.")  # fmt: skip
_CLOSED = "Appeals are not taken at this address."
_NONE = "No such appeal, or you may not see it."


class Read(Protocol):
    """What a prediction id says."""

    @property
    def deployment_id(self) -> str: ...

    @property
    def positive(self) -> bool | None: ...


class Appeals:
    """``read`` authenticates a prediction id, ``label`` writes one into an endpoint's log, ``positive`` tells which
    label is the positive answer of a deployment's model."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, audit: Audit, *, read: Callable[[str], Read],
                 label: Callable[[Appeal], None], positive: Callable[[Deployment], Any]) -> None:  # fmt: skip
        self._database = database
        self._clock = clock
        self._signals = signals
        self._audit = audit
        self._read = read
        self._label = label
        self._positive = positive
        self._key = Key(database, "appeals")
        self._filing = Rate(clock, each=EACH_HOUR, together=TOGETHER_HOUR, span_s=3600.0)
        self._asking = Rate(clock, each=10 * EACH_HOUR, together=10 * TOGETHER_HOUR, span_s=3600.0)

    # ------------------------------------------------------------------ by who was judged
    def desk(self, endpoint_id: str) -> Endpoint:
        """The endpoint whose predictions can be contested at this address; NotFound when none can."""
        endpoint = self._database.read(lambda c: endpoint_rows.endpoint_by_id(c, endpoint_id))
        if endpoint is None or not self._takes(endpoint):
            raise NotFound(_CLOSED)
        return endpoint

    def file(self, endpoint_id: str, prediction_id: str, reason: str, *, contact: str = "", address: str = "") -> Receipt:  # fmt: skip
        """Take an appeal from somebody without an account.

        The answer is the same whether the id was ever given out or not, and so is the work: one row of the audit log.
        """
        endpoint = self.desk(endpoint_id)
        self._filing.take(address)
        reason, contact = _checked(reason, contact)
        code = self._code()
        filer = self._key.sign(f"address {address}")[:16]
        try:
            deployment, told = self._given(endpoint, prediction_id.strip())
        except NotFound:
            entry = self._audit.entry(STRANGER, "appeal.unknown", project_id=endpoint.project_id, object=endpoint.id,
                                      detail={"from": filer}, ip="not kept")  # fmt: skip
            self._database.write(lambda c: self._audit.append(c, entry))
        else:
            self._keep(deployment, told, prediction_id.strip(), reason, contact, filer, code, STRANGER)
        return Receipt(code=code, words=TAKEN)

    def file_for(self, project_id: str, endpoint_name: str, identity: Identity, prediction_id: str, reason: str, *,
                 contact: str = "") -> Receipt:  # fmt: skip
        """Hand in an appeal that reached the project another way: by letter, or a page of its own."""
        endpoint = self._endpoint(project_id, endpoint_name)
        if not self._takes(endpoint):
            raise Refused(f"The endpoint {endpoint.name!r} takes no appeals; switch them on first.")
        reason, contact = _checked(reason, contact)
        deployment, told = self._given(endpoint, prediction_id.strip())
        code = self._code()
        if not self._keep(deployment, told, prediction_id.strip(), reason, contact, "", code, identity):
            raise TooManyRequests(f"{MOST_OF_ONE} appeals against this prediction wait already; decide them first.")
        return Receipt(code=code, words=TAKEN)

    def answer(self, code: str, *, address: str = "") -> AppealAnswer:
        """How an appeal stands, by its code. A code for an id nobody knows waits for ever, as an undecided one does."""
        self._asking.take(address)
        random, _, signature = code.strip().partition(".")
        if not random.startswith("apc_") or not self._key.signed(random, signature):
            raise NotFound("This is no code of ours; type it as it was shown, or copy it whole.")
        found = self._database.read(lambda c: rows.by_receipt(c, hash_of(code.strip())))
        if found is None or found.state == "open":
            return AppealAnswer(state="open", words="It waits for a person to look at it.")
        word = "Upheld: the answer was wrong" if found.state == "upheld" else "Not upheld: the answer stands"
        return AppealAnswer(state=found.state, words=f"{word}. {found.decision_reason}", decided_ms=found.decided_ms)

    def _code(self) -> str:
        random = "apc_" + secrets.token_urlsafe(18)
        return f"{random}.{self._key.sign(random)}"

    def _given(self, endpoint: Endpoint, prediction_id: str) -> tuple[Deployment, Read]:
        told = self._read(prediction_id)
        deployment = self._database.read(lambda c: endpoint_rows.deployment_by_id(c, told.deployment_id))
        if deployment is None or deployment.endpoint_id != endpoint.id:
            raise NotFound(f"No such prediction: {prediction_id[:80]!r}. Use an id this endpoint gave.")
        return deployment, told

    def _keep(self, deployment: Deployment, told: Read, prediction_id: str, reason: str, contact: str, filer: str,
              code: str, identity: Identity) -> bool:  # fmt: skip
        appeal = Appeal(id=new_id("app"), project_id=deployment.project_id, endpoint_id=deployment.endpoint_id,
                        deployment_id=deployment.id, model_version_id=deployment.model_version_id,
                        prediction_id=prediction_id, reason=reason, contact=contact, filer=filer,
                        answered=told.positive, filed_ms=self._clock.now_ms())  # fmt: skip
        entry = self._audit.entry(identity, "appeal.file", project_id=appeal.project_id, object=appeal.id,
                                  detail={"prediction_id": prediction_id, "from": filer},
                                  ip="not kept" if identity is STRANGER else "")  # fmt: skip

        def work(connection: Connection) -> bool:
            waiting = [a for a in rows.of_prediction(connection, prediction_id) if a.state == "open"]
            if len(waiting) < MOST_OF_ONE:
                rows.add(connection, appeal, hash_of(code))
            self._audit.append(connection, entry)
            return len(waiting) < MOST_OF_ONE

        return self._database.write(work)

    # ------------------------------------------------------------------ by reviewers
    def page(self, project_id: str, state: str | None = None, *, limit: int = 100, cursor: str | None = None) -> Page[Appeal]:  # fmt: skip
        """Appeals, newest first."""
        if state is not None and state not in STATES:
            raise InvalidInput(f"state={state[:40]!r}; use {', '.join(STATES)}.")
        size, before = page_size(limit), page_start(cursor)
        found = self._database.read(lambda c: rows.listed(c, project_id, state=state, limit=size + 1, before=before))
        last = found[size - 1] if len(found) > size else None
        return Page(items=found[:size], next=f"{last.filed_ms}-{last.id}" if last else None)

    def get(self, project_id: str, appeal_id: str) -> Appeal:
        found = self._database.read(lambda c: rows.by_id(c, appeal_id))
        if found is None or found.project_id != project_id:
            raise NotFound(_NONE)
        return found

    def same_prediction(self, appeal: Appeal) -> list[Appeal]:
        """Every appeal against the same prediction, oldest first."""
        return self._database.read(lambda c: rows.of_prediction(c, appeal.prediction_id))

    def undecided(self, project_id: str) -> tuple[int, int]:
        """(how many predictions somebody contests and nobody has decided, when the newest was filed)."""
        return self._database.read(lambda c: rows.undecided(c, project_id))

    def from_one_place(self, project_id: str) -> dict[str, int]:
        """How many open appeals came from one address, by its keyed hash."""
        return self._database.read(lambda c: rows.from_one_place(c, project_id))

    def decide(self, project_id: str, appeal_id: str, identity: Identity, *, uphold: bool, reason: str,
               label: Any = None) -> Appeal:  # fmt: skip
        """Uphold or reject every open appeal against one prediction; who appealed reads the reason.

        An upheld one becomes the prediction's label: ``label``, or the opposite of what the model answered.
        """
        reason = reason.strip()
        if not 3 <= len(reason) <= 2000:
            raise InvalidInput("The decision needs a reason of 3 to 2,000 characters; who appealed will read it.")
        if label is not None and (isinstance(label, (dict, list)) or len(str(label)) > 500):
            raise InvalidInput("The right answer must be one number, truth value or short text.")
        appeal = self.get(project_id, appeal_id)
        self._second_person(appeal, identity)
        right = (label if label is not None else self._opposite(appeal)) if uphold else None
        now, state = self._clock.now_ms(), "upheld" if uphold else "rejected"
        entry = self._audit.entry(identity, f"appeal.{state}", project_id=project_id, object=appeal.id,
                                  detail={"prediction_id": appeal.prediction_id, "reason": reason, "label": right,
                                          "model_version_id": appeal.model_version_id})  # fmt: skip

        def work(connection: Connection) -> None:
            if not rows.decide(connection, appeal.prediction_id, state=state, label=right, decided_by=identity.name,
                               verified=identity.verified, decision_reason=reason, decided_ms=now):  # fmt: skip
                raise Conflict(f"This appeal is decided already ({appeal.state}); nothing was changed.")
            if uphold:
                rows.set_desk(connection, project_id, appeal.endpoint_id, asked_ms=now)
            self._audit.append(connection, entry)

        self._database.write(work)
        self._signals.notify()
        return self.get(project_id, appeal_id)

    def _second_person(self, appeal: Appeal, identity: Identity) -> None:
        """Where the policy asks for two people, who made the model does not judge complaints about it."""

        def authors(connection: Connection) -> set[str]:
            asked = loop_rows.approvals_where(connection, project_id=appeal.project_id)
            mine = [request for request in asked if request.model_version_id == appeal.model_version_id]
            return {name for request in mine if request.asked.without_author for name in request.starters}

        if identity.name in self._database.read(authors):
            raise Refused("The policy asks for a second person: you started the cycle that made this model, so "
                          "somebody else decides appeals against it.")  # fmt: skip

    def _opposite(self, appeal: Appeal) -> Any:
        """The other answer of a yes-or-no model; None where there is no one other."""
        if appeal.answered is None:
            return None
        deployment = self._database.read(lambda c: endpoint_rows.deployment_by_id(c, appeal.deployment_id))
        positive = self._positive(deployment) if deployment else None
        if not appeal.answered:
            return True if positive is None else positive
        return positive in {0} if isinstance(positive, (bool, int, float)) else False

    def send_labels(self) -> int:
        """Write the labels of upheld appeals into the prediction logs; how many predictions got one."""
        waiting = self._database.read(rows.unlabelled)
        sent: set[str] = set()
        for appeal in waiting:
            if appeal.prediction_id not in sent:
                self._label(appeal)
                sent.add(appeal.prediction_id)
            now = self._clock.now_ms()
            self._database.write(lambda c, a=appeal, n=now: rows.note_label(c, a.id, n))  # type: ignore[misc]
        return len(sent)

    # ------------------------------------------------------------------ desks
    def desks(self, project_id: str) -> list[AppealDesk]:
        """Every endpoint of the project, with the page where its predictions can be contested."""

        def work(connection: Connection) -> list[AppealDesk]:
            project_open = rows.is_open(connection, project_id)
            return [AppealDesk(endpoint=e.name, endpoint_id=e.id, open=rows.is_open(connection, e.id),
                               project_open=project_open, address=f"/appeal/{e.id}")
                    for e in endpoint_rows.listed_endpoints(connection, project_id)]  # fmt: skip

        return self._database.read(work)

    def switch(self, project_id: str, identity: Identity, *, takes: bool, endpoint_name: str = "") -> list[AppealDesk]:
        """Take appeals, or stop, for the whole project or for one endpoint."""
        scope = self._endpoint(project_id, endpoint_name).id if endpoint_name else project_id
        entry = self._audit.entry(identity, "appeals.on" if takes else "appeals.off", project_id=project_id,
                                  object=scope, detail={"endpoint": endpoint_name})  # fmt: skip

        def work(connection: Connection) -> None:
            rows.set_desk(connection, project_id, scope, open=takes)
            self._audit.append(connection, entry)

        self._database.write(work)
        return self.desks(project_id)

    def _takes(self, endpoint: Endpoint) -> bool:
        return self._database.read(lambda c: rows.is_open(c, endpoint.project_id) and rows.is_open(c, endpoint.id))

    def _endpoint(self, project_id: str, name: str) -> Endpoint:
        endpoint = self._database.read(lambda c: endpoint_rows.endpoint_by_name(c, project_id, name))
        if endpoint is None:
            raise NotFound("No such endpoint, or you may not see it.")
        return endpoint

    # ------------------------------------------------------------------ evidence
    def summary(self, model_version_id: str) -> AppealSummary:
        """The appeals against a model version, counted by prediction: what its page and its evidence pack show."""
        found = self._database.read(lambda c: rows.of_version(c, model_version_id))
        newest: dict[str, Appeal] = {}
        for appeal in sorted(found, key=lambda a: (a.decided_ms or 0, a.filed_ms)):
            newest[appeal.prediction_id] = appeal
        waiting = {a.prediction_id for a in found if a.state == "open"}
        counts = {s: sum(a.state == s for a in newest.values()) for s in ("upheld", "rejected")}
        decided = [{"prediction_id": a.prediction_id, "state": a.state, "label": a.label, "decided_by": a.decided_by,
                    "verified": a.verified, "decision_reason": a.decision_reason, "decided_at": rfc3339(a.decided_ms),
                    "filed_at": rfc3339(a.filed_ms)}
                   for a in sorted(newest.values(), key=lambda a: -(a.decided_ms or 0)) if a.state != "open"]  # fmt: skip
        return AppealSummary(model_version_id=model_version_id, predictions=len(newest), open=len(waiting),
                             upheld=counts["upheld"], rejected=counts["rejected"], decided=decided,
                             words=_summary_words(len(newest), len(waiting), counts))  # fmt: skip

    def filer_of(self, appeal: Appeal) -> str:
        """Who counts as one person: everybody with the same contact."""
        return self._key.sign(f"contact {appeal.contact.lower()}")[:16] if appeal.contact else ""


def _checked(reason: str, contact: str) -> tuple[str, str]:
    reason, contact = reason.replace("\0", "").strip(), contact.replace("\0", "").strip()
    if not SHORTEST <= len(reason) <= LONGEST:
        raise InvalidInput(f"Say in {SHORTEST} to {LONGEST:,} characters what is wrong with the answer.")
    if len(contact) > LONGEST_CONTACT:
        raise InvalidInput(f"The contact is longer than {LONGEST_CONTACT} characters; an address or number is enough.")
    return reason, contact


def _summary_words(predictions: int, waiting: int, counts: dict[str, int]) -> str:
    if not predictions:
        return "Nobody has contested an answer of this version."
    what = f"{predictions} answer{'s' if predictions != 1 else ''} of this version {'were' if predictions != 1 else 'was'} contested"
    return f"{what}: {counts['upheld']} upheld, {counts['rejected']} rejected, {waiting} undecided."
