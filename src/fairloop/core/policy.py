"""Policy as code: what every loop of a project must have, what may happen without a person, and who must say yes.

:func:`evaluate` is the one evaluator. The command line, a CI job and the server's driver call it with the same policy
and the same facts, so they cannot disagree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from fairloop.core.checks import GROUP_METRICS, Check, Status, Verdict
from fairloop.core.people import Role
from fairloop.core.units import parse_seconds
from fairloop.errors import InvalidInput

AUTOMATIC = ("release", "alert")
"""``release``: a candidate that passes every gate goes live without being asked for. ``alert``: also one that an alert
started, where the loop says ``on_alert="auto"``."""
INSUFFICIENT = ("block", "person")
STAGES = ("definition", "release")
LIVE_ALIASES = ("production", "champion")


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """Who must say yes before a candidate serves, and by when.

    ``people`` different persons with one of the roles must say yes; one refusal is enough to refuse. With
    ``two_person``, or ``people`` above 1, whoever started the work never counts, and nobody counts twice: not through
    a token, nor as somebody's delegate. ``verified`` accepts only people who logged in to a secured server.
    ``remind`` says how long before the expiry they are reminded.
    """

    role: str | list[str] = "manager"
    expires: str = "3d"
    two_person: bool = False
    people: int = 1
    verified: bool = False
    remind: list[str] = field(default_factory=lambda: ["1d", "1h"])

    def __post_init__(self) -> None:
        parse_seconds(self.expires)
        for text in self.remind:
            parse_seconds(text)
        if isinstance(self.people, bool) or not isinstance(self.people, int) or not 1 <= self.people <= 20:
            raise InvalidInput(f"people={self.people!r}: say how many persons must agree, from 1 to 20.")
        if not self.roles:
            raise InvalidInput("role=[] names nobody who could approve; use for example 'manager'.")

    @property
    def roles(self) -> list[str]:
        return [self.role] if isinstance(self.role, str) else list(self.role)

    @property
    def without_author(self) -> bool:
        return self.two_person or self.people > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Primary:
    """The fairness criterion that decides, and why this one: where base rates differ, no model meets all of them."""

    metric: str
    because: str
    by: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in GROUP_METRICS:
            raise InvalidInput(f"The primary criterion {self.metric!r} compares no groups; use one of "
                               f"{', '.join(sorted(GROUP_METRICS))}.")  # fmt: skip
        if len(self.because.strip()) < 3:
            raise InvalidInput("The primary criterion needs its reason: write it after 'because'.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What a project demands of every loop. A loop's own policy adds to it and never takes away.

    ``aliases`` are the names of a model version that mean *live* to those who read it from the registry: they point
    only at versions that the policy lets go live.
    """

    gates: list[Check] = field(default_factory=list)
    primary: Primary | None = None
    limits: list[Check] = field(default_factory=list)
    automatic: list[str] = field(default_factory=list)
    approval: Approval = field(default_factory=Approval)
    insufficient_evidence: str = "block"
    allow_attribute_at_prediction: bool = False
    aliases: list[str] = field(default_factory=lambda: list(LIVE_ALIASES))

    def __post_init__(self) -> None:
        for name in self.automatic:
            if name not in AUTOMATIC:
                raise InvalidInput(f"automatic: {name!r} is not one of {', '.join(AUTOMATIC)}.")
        if self.insufficient_evidence not in INSUFFICIENT:
            raise InvalidInput(
                f"insufficient_evidence={self.insufficient_evidence!r}; use one of {', '.join(INSUFFICIENT)}."
            )
        for check in self.required_checks:
            if check.drop is not None:
                raise InvalidInput(f"{check.name}: a policy limits by at_least or at_most; a drop is for watching.")

    @property
    def required_checks(self) -> list[Check]:
        return [*self.gates, *self.limits]


NO_POLICY = Policy(automatic=["release"], allow_attribute_at_prediction=True, aliases=[])
"""What holds where nobody wrote one: gates and approval are what the loop itself says, and an alert's model waits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """One person's yes or no. ``on_behalf_of`` names who handed them the decision, ``password_by`` who set the
    password they log in with where that was somebody else."""

    person: str
    decision: str = "approved"
    role: str = ""
    on_behalf_of: str = ""
    password_by: str = ""
    verified: bool = False
    reason: str = ""
    at_ms: int = 0

    @property
    def names(self) -> set[str]:
        return {self.person, self.on_behalf_of} - {""}


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a policy judges. At ``stage`` *definition* only what the loop says; at *release* also the verdicts and
    the votes. ``trigger`` is person, schedule, data, git, alert, or *hand* for a version registered without a loop."""

    stage: str = "definition"
    trigger: str = "person"
    on_alert: str = "propose"
    approval: Approval | None = None
    gates: list[Check] = field(default_factory=list)
    primary: str = ""
    uses_attribute: bool = False
    verdicts: list[Verdict] = field(default_factory=list)
    authors: list[str] = field(default_factory=list)
    votes: list[Vote] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.stage not in STAGES:
            raise InvalidInput(f"stage={self.stage!r}; use one of {', '.join(STAGES)}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVerdict:
    """``reasons`` say why not; ``needs`` what people must still do. A definition may need people later and be allowed."""

    allowed: bool
    reasons: list[str] = field(default_factory=list)
    needs: list[str] = field(default_factory=list)


def evaluate(policy: Policy, facts: Facts) -> PolicyVerdict:
    """The policy's answer to the facts: pure, the same wherever it is asked."""
    reasons = [*_loop_reasons(policy, facts)]
    if facts.stage == "definition":
        reasons += [r for check in policy.required_checks if (r := _missing(check, facts.gates))]
        return PolicyVerdict(allowed=not reasons, reasons=reasons, needs=_asked_later(policy, facts))
    failing, unsure = _judged(policy, facts)
    if policy.insufficient_evidence == "block":
        failing += unsure
    reasons += failing
    asked = required_approval(policy, facts)
    votes = facts.votes if asked is not None else []
    reasons += [f"{v.person} refused it: {v.reason}." for v in votes if v.decision == "refused"]
    needs = _still_needed(asked, facts) if asked is not None else []
    return PolicyVerdict(allowed=not reasons and not needs, reasons=reasons, needs=needs)


def combined(first: Policy, second: Policy) -> Policy:
    """The policy that demands what either demands: a loop's own beside its project's."""
    return Policy(
        gates=[*first.gates, *(c for c in second.gates if c not in first.gates)],
        limits=[*first.limits, *(c for c in second.limits if c not in first.limits)],
        primary=first.primary or second.primary,
        automatic=[name for name in first.automatic if name in second.automatic],
        approval=both(first.approval, second.approval),
        insufficient_evidence="block" if "block" in {first.insufficient_evidence, second.insufficient_evidence} else "person",
        allow_attribute_at_prediction=first.allow_attribute_at_prediction and second.allow_attribute_at_prediction,
        aliases=[*first.aliases, *(a for a in second.aliases if a not in first.aliases)])  # fmt: skip


def both(first: Approval, second: Approval) -> Approval:
    """The approval that satisfies two demands at once; administrators decide where no role satisfies both."""
    roles = [role for role in first.roles if role in second.roles] or [str(Role.ADMINISTRATOR)]
    return Approval(role=roles[0] if len(roles) == 1 else roles, people=max(first.people, second.people),
                    two_person=first.two_person or second.two_person, verified=first.verified or second.verified,
                    expires=min(first.expires, second.expires, key=parse_seconds),
                    remind=list(dict.fromkeys([*first.remind, *second.remind])))  # fmt: skip


def required_approval(policy: Policy, facts: Facts) -> Approval | None:
    """Who must say yes to these facts; None where nobody has to."""
    alert = facts.trigger == "alert"
    free = ("alert" in policy.automatic and facts.on_alert == "auto") if alert else "release" in policy.automatic
    unsure = facts.stage == "release" and bool(_judged(policy, facts)[1])
    policys = None if free and not unsure else policy.approval
    if policys is not None and facts.approval is not None:
        return facts.approval if policy == NO_POLICY else both(policys, facts.approval)
    return policys or facts.approval


# ------------------------------------------------------------------ votes
def objection(vote: Vote, before: Sequence[Vote], asked: Approval, authors: Sequence[str]) -> str:
    """Why this yes does not count beside those before it; empty when it does."""
    if vote.role not in {*asked.roles, str(Role.ADMINISTRATOR)}:
        return f"{vote.person} decides as {vote.role or 'nobody'}; the policy asks for {_or(asked.roles)}"
    if asked.verified and not vote.verified:
        return f"the policy wants a verified person, and {vote.person} did not log in to a secured server"
    if vote.on_behalf_of and (own := vote.names & set(authors)):
        return f"{min(own)} started this, so the decision cannot be handed to or by them"
    if not asked.without_author:
        return _again(vote, before)
    if own := vote.names & set(authors):
        return f"the policy wants a second person, and {min(own)} started this"
    others = {*authors, *(name for other in before for name in other.names)}
    if vote.password_by in others:
        return f"{vote.password_by} set the password of {vote.person}, who must choose their own first"
    if tied := [other for other in before if other.password_by in vote.names]:
        return f"{tied[0].password_by} set the password of {tied[0].person}, who said yes already"
    return _again(vote, before)


def counted(votes: Sequence[Vote], asked: Approval, authors: Sequence[str]) -> list[Vote]:
    """The yes votes that count, in their order."""
    found: list[Vote] = []
    for vote in votes:
        if vote.decision == "approved" and not objection(vote, found, asked, authors):
            found.append(vote)
    return found


def _again(vote: Vote, before: Sequence[Vote]) -> str:
    seen = {name for other in before for name in other.names}
    return f"{min(vote.names & seen)} decided this already" if vote.names & seen else ""


def _still_needed(asked: Approval, facts: Facts) -> list[str]:
    missing = asked.people - len(counted(facts.votes, asked, facts.authors))
    return [approval_words(replace(asked, people=missing), facts.authors)] if missing > 0 else []


def approval_words(asked: Approval, authors: Sequence[str]) -> str:
    """``approval by 2 managers, none of them ana``."""
    who = f"a {_or(asked.roles)}" if asked.people == 1 else f"{asked.people} people, each {_or(asked.roles)}"
    other = f", other than {_or(sorted(set(authors)))}" if asked.without_author and authors else ""
    return f"approval by {who}{other}{', logged in to a secured server' if asked.verified else ''}"


# ------------------------------------------------------------------ the loop and its evidence
def _loop_reasons(policy: Policy, facts: Facts) -> list[str]:
    found = []
    if facts.on_alert == "auto" and "alert" not in policy.automatic:
        found.append('on_alert="auto" lets a model go live without a person, and no policy allows that; write '
                     "automatic: [alert], or use on_alert=\"propose\".")  # fmt: skip
    if facts.uses_attribute and not policy.allow_attribute_at_prediction:
        found.append("It is told the sensitive attribute of the person it judges, which the policy does not allow.")
    if policy.primary is not None and facts.trigger != "hand":
        wanted, by = policy.primary.metric, policy.primary.by
        if facts.primary != wanted:
            found.append(f"The policy's primary criterion is {wanted}; the loop decides by {facts.primary or 'none'}.")
        if not any(c.metric == wanted and by in {None, c.by} for c in facts.gates):
            found.append(f"No gate asks for the primary criterion {wanted}{f' by {by}' if by else ''}.")
    return found


def _strict_enough(check: Check, wanted: Check) -> bool:
    """Whether ``check`` demands at least what ``wanted`` demands."""
    if (check.metric, check.by) != (wanted.metric, wanted.by):
        return False
    if wanted.at_least is not None:
        return check.at_least is not None and check.at_least >= wanted.at_least
    if wanted.at_most is not None:
        return check.at_most is not None and check.at_most <= wanted.at_most
    return True


def _limit(check: Check) -> str:
    side = "at least" if check.at_least is not None else "at most"
    return f"{check.name} {side} {check.threshold:g}" if check.threshold is not None else check.name


def _missing(wanted: Check, gates: Sequence[Check]) -> str:
    if any(_strict_enough(check, wanted) for check in gates):
        return ""
    weaker = next((c for c in gates if (c.metric, c.by) == (wanted.metric, wanted.by)), None)
    told = f"; the loop asks only for {_limit(weaker)}" if weaker else "; no gate of the loop asks for it"
    return f"The policy demands {_limit(wanted)}{told}."


def _judged(policy: Policy, facts: Facts) -> tuple[list[str], list[str]]:
    """(what fails or was never judged, what the evidence does not settle), in words."""
    failing: list[str] = []
    unsure: list[str] = []
    for wanted in dict.fromkeys(_key(c) for c in [*policy.required_checks, *facts.gates]):
        answers = [v for v in facts.verdicts if _strict_enough(v.check, wanted.check)]
        states = {v.status for v in answers}
        if Status.PASS in states:
            continue
        told = _limit(wanted.check)
        if not answers:
            failing.append(f"There is no verdict on {told}.")
        elif Status.FAIL in states:
            failing.append(f"{told} fails.")
        else:
            unsure.append(f"The evidence does not settle {told}.")
    return failing, unsure


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A check without its reason: the same demand twice is one."""

    check: Check


def _key(check: Check) -> _Wanted:
    return _Wanted(replace(check, because=None))


def _asked_later(policy: Policy, facts: Facts) -> list[str]:
    asked = required_approval(policy, facts)
    return [approval_words(asked, facts.authors)] if asked is not None else []


def _or(names: Sequence[str]) -> str:
    return " or ".join(name.replace("_", " ") for name in names)
