"""The model card and the data card: who made what from what, how well and how fairly, who decided, what is missing."""

from __future__ import annotations

from fairloop.core.checks import Status, Verdict
from fairloop.core.cycles import ApprovalRequest
from fairloop.core.datasets import DatasetVersion
from fairloop.core.units import show_bytes
from fairloop.evidence import say
from fairloop.evidence.gather import Facts
from fairloop.evidence.sections import Card, Section, Table


def model_card(facts: Facts) -> Card:
    v = facts.version
    return Card(
        title=f"Model card: {v.model} v{v.version}",
        lead=_lead(facts),
        sections=[_identity(facts), _purpose(facts), _decision(facts), _policy(facts), _gates(facts), _groups(facts), _quality(facts),
                  _drivers(facts), _choice(facts), _production(facts), _appeals(facts), _environment(facts), _files(facts)],
    )  # fmt: skip


# ------------------------------------------------------------------ is it well, unfair to whom, who decided
def _lead(facts: Facts) -> list[str]:
    v = facts.version
    passed = sum(x.status is Status.PASS for x in facts.verdicts)
    told = [f"{v.model} v{v.version} of the project {facts.project.name}, made {say.when(v.created_ms)}."]
    told.append(f"{passed} of {len(facts.verdicts)} gates passed on rows the model had not seen." if facts.verdicts
                else "No gate judged it.")  # fmt: skip
    told += say.gaps(facts.verdicts)[:2]
    decided = [a for a in facts.approvals if a.decided_ms]
    told.append(_decided(decided[0]) if decided else f"No person's decision is recorded; its state is: {v.decision}.")
    told.append(f"It serves on {', '.join(facts.serving)}." if facts.serving else "It serves nowhere now.")
    return told


def _decided(approval: ApprovalRequest) -> str:
    who = approval.decided_by or "nobody"
    sure = "logged in" if approval.verified else "not proved by a login"
    reason = f", because: {approval.reason}" if approval.reason else ""
    return f"{approval.decision.capitalize()} by {who} ({sure}) on {say.when(approval.decided_ms)}{reason}."


def _identity(facts: Facts) -> Section:
    v, cycle = facts.version, facts.cycle
    known = [("Model", f"{v.model} v{v.version}"), ("Project", facts.project.name), ("Made", say.when(v.created_ms)),
             ("Made by", v.user or "an unknown client"), ("Id", v.id)]  # fmt: skip
    if cycle is not None:
        known += [("Cycle", f"{cycle.loop} {cycle.number} ({cycle.stage})"),
                  ("Began because", str(cycle.trigger.get("words") or cycle.trigger.get("kind") or "unknown")),
                  ("Cost", f"{cycle.cost_usd:.4f} US dollars")]  # fmt: skip
    missing = [] if cycle else ["the cycle that made it: the version was registered without a loop"]
    return Section(title="What it is", facts=known, missing=missing)


def _purpose(facts: Facts) -> Section:
    goal = facts.definition.goal if facts.definition else ""
    words = [w for w in (goal, facts.version.description) if w]
    missing = [] if words else ["what it is for"]
    return Section(title="What it is for", words=words, missing=[*missing, "what it must not be used for"])


def _decision(facts: Facts) -> Section:
    rows = []
    for a in facts.approvals:
        asked = [a.role.replace("_", " "), say.when(a.requested_ms)]
        for vote in a.votes:
            whose = f"{vote.person} for {vote.on_behalf_of}" if vote.on_behalf_of else vote.person
            rows.append([vote.decision, whose, _yes(vote.verified), *asked, say.when(vote.at_ms), vote.reason or "-"])
        if not a.votes:
            decided = say.when(a.decided_ms) if a.decided_ms else "-"
            rows.append([a.decision, a.decided_by or "-", _yes(a.verified), *asked, decided, a.reason or "-"])
    return Section(title="Who decided, and why", missing=[] if rows else ["a person's approval with a reason"],
                   table=Table(head=["Decision", "By", "Logged in", "Role asked", "Asked", "Decided", "Reason"], rows=rows))  # fmt: skip


def _yes(true: bool) -> str:
    return "yes" if true else "no"


def _policy(facts: Facts) -> Section:
    written, judged = facts.policy, facts.judged
    words = []
    if written is not None:
        words.append(f"Version {written.version} of the project's policy is in force, written by {written.author} on "
                     f"{say.when(written.created_ms)}{f', because: {written.reason}' if written.reason else ''}.")  # fmt: skip
        words += [f"It demands: {check.question}" for check in written.policy.required_checks]
    if judged is not None and written is not None:
        words.append(
            "It lets this version go live." if judged.verdict.allowed else "It does not let this version go live now:"
        )
        words += [*judged.verdict.reasons, *judged.verdict.needs]
    loop = facts.definition
    words += [f"The loop itself asks: {check.question}" for check in (loop.gates if loop else [])]
    return Section(title="What the policy says", words=words,
                   missing=[] if written else ["a policy of the project: only what the loop itself asks holds"])  # fmt: skip


def _gates(facts: Facts) -> Section:
    rows = [say.verdict_row(v) for v in facts.verdicts]
    test = facts.test
    words = [f"Judged on the {test.part} part, {test.n:,} rows, which has now judged {test.uses_of_part} "
             f"candidate{'s' if test.uses_of_part != 1 else ''}."] if test and rows else []  # fmt: skip
    words += _reasons(facts.verdicts)
    return Section(title="What it had to pass", words=words, table=Table(head=say.VERDICT_HEAD, rows=rows),
                   missing=[] if rows else ["gates: nothing was asked of it before it was registered"])  # fmt: skip


def _reasons(verdicts: list[Verdict]) -> list[str]:
    return [f"{v.check.question} Asked because: {v.check.because}." for v in verdicts if v.check.because]


def _groups(facts: Facts) -> Section:
    test = facts.test
    rows = []
    for attribute, groups in sorted((test.groups if test else {}).items()):
        for group in groups:
            rates = {k: x for k, x in group.items() if isinstance(x, dict) and "estimate" in x}
            shown = [f"{k.replace('_', ' ')} {say.number(x['estimate'])} ({say.interval(x.get('low'), x.get('high'))})"
                     for k, x in rates.items()]  # fmt: skip
            rows.append([attribute, str(group.get("group")), say.number(group.get("n")), "; ".join(shown)])
    missing = [] if rows else ["a comparison between groups: no sensitive attribute was named or known"]
    return Section(title="How it treats groups", words=say.gaps(facts.verdicts), missing=missing,
                   table=Table(head=["Attribute", "Group", "Rows", "Rates (95 % interval)"], rows=rows))  # fmt: skip


def _quality(facts: Facts) -> Section:
    test = facts.test
    rows = say.metric_rows(test.metrics) if test else []
    return Section(title="Every number measured", missing=[] if rows else ["an evaluation"],
                   table=Table(head=["Metric", "Measured", "95 % interval", "Rows", "Method"], rows=rows))  # fmt: skip


def _drivers(facts: Facts) -> Section:
    drivers = next((e.drivers for e in facts.evaluations if e.drivers), [])
    rows = [[str(d.get("column")), say.number(d.get("importance")), say.interval(d.get("low"), d.get("high"))]
            for d in drivers[:20]]  # fmt: skip
    words = [f"{a.kind.replace('_', ' ').capitalize()}: {a.words}" for a in facts.analyses]
    return Section(title="What drives its answers", words=words,
                   table=Table(head=["Column", "Quality lost when it is shuffled", "95 % interval"], rows=rows),
                   missing=[] if rows or words else ["an explanation of what drives its answers"])  # fmt: skip


# ------------------------------------------------------------------ what changed, where it runs
def _choice(facts: Facts) -> Section:
    words = [facts.cycle.words] if facts.cycle and facts.cycle.words else []
    rows = [[c.method.replace("_", " "), say.number(c.strength) if c.strength is not None else "-", c.state,
             "this one" if facts.candidate and c.id == facts.candidate.id else ""] for c in facts.candidates]  # fmt: skip
    return Section(title="Why this candidate", words=words, missing=[] if rows else ["other candidates to compare with"],
                   table=Table(head=["Method", "Strength", "State", ""], rows=rows))  # fmt: skip


def _production(facts: Facts) -> Section:
    rollout, monitor = facts.rollout, facts.monitor
    known = [("Serves on", ", ".join(facts.serving) or "nowhere now")]
    if rollout is not None:
        steps = ", ".join(f"{step} %" for step in rollout.steps)
        known.append(("Rolled out", f"in steps of {steps}, judged by {', '.join(rollout.judge_by) or 'all answers together'}: "
                                    f"{rollout.state.replace('_', ' ')}. {rollout.reason}".strip()))  # fmt: skip
    words = [f"Watched every {monitor.every_s:g} seconds: {c.question}" for c in monitor.checks] if monitor else []
    rows = [[say.when(a.opened_ms), a.state, a.words] for a in facts.alerts]
    missing = [] if monitor else ["a watch over its live answers"]
    return Section(title="In production", facts=known, words=words, missing=missing,
                   table=Table(head=["Alert since", "State", "What"], rows=rows))  # fmt: skip


def _appeals(facts: Facts) -> Section:
    if facts.appeals is None:
        return Section(title="Appeals of people it judged", missing=["appeals: this server takes none"])
    rows = [[str(d["state"]), str(d["decided_by"]), str(d["decision_reason"]), str(d["decided_at"])]
            for d in facts.appeals.decided]  # fmt: skip
    return Section(title="Appeals of people it judged", words=[facts.appeals.words],
                   table=Table(head=["Outcome", "Decided by", "Reason", "When"], rows=rows))  # fmt: skip


def _environment(facts: Facts) -> Section:
    capture = facts.capture
    if capture is None:
        return Section(title="Environment and hardware", missing=["the environment and hardware it was trained in"])
    git = capture.git
    known = (
        [("Commit", f"{git['commit']}{' with uncommitted changes, kept' if git.get('dirty') else ''}")] if git else []
    )
    known += [("Python", capture.python)] if capture.python else []
    for name, value in capture.hardware.items():
        if value:
            shown = show_bytes(value) if name.endswith("_bytes") else say.one_line(value)
            known.append((name.removesuffix("_bytes").replace("_", " ").capitalize(), shown))
    lines = len([line for line in facts.environment.splitlines() if "==" in line])
    words = [f"{lines} packages, pinned in environment.lock and listed in sbom.cdx.json."] if lines else []
    missing = [*([] if git else ["a git commit: the sources were in no repository; the source snapshot is kept"]),
               *([] if lines else ["the lock of the Python environment"])]  # fmt: skip
    return Section(title="Environment and hardware", facts=known, words=words, missing=missing)


def _files(facts: Facts) -> Section:
    rows = [[f.path, show_bytes(f.size_bytes), f.sha256] for f in facts.files]
    rows += [[f"predictions on the {e.part} part ({e.n:,} rows)", "-", e.predictions_sha256] for e in facts.evaluations]
    return Section(title="Files, named by their hash", table=Table(head=["File", "Size", "sha256"], rows=rows),
                   missing=[] if facts.files else ["the model's files"])  # fmt: skip


# ------------------------------------------------------------------ data
def data_card(facts: Facts) -> Card:
    v = facts.version
    sections = [section for d in facts.datasets for section in (_dataset(d), _columns(d))]
    lead = [f"What {v.model} v{v.version} learned from and was judged on, nearest first."]
    if not sections:
        sections = [Section(title="Data", missing=["the dataset it was trained on: registered without a loop"])]
    return Card(title=f"Data card: {v.model} v{v.version}", lead=lead, sections=sections)


def _dataset(d: DatasetVersion) -> Section:
    roles = d.roles
    known = [("Rows", f"{d.rows:,}"), ("Size", show_bytes(d.size_bytes)), ("sha256", d.sha256),
             ("Target", f"{roles.target or 'none'}{f', positive is {roles.positive}' if roles.positive is not None else ''}"),
             ("Sensitive attributes", ", ".join(roles.sensitive) or "none named"),
             ("Made from", ", ".join(d.parents) or "no other dataset"), ("Published", say.when(d.created_ms))]  # fmt: skip
    if d.owner:
        known.append(("Owner", d.owner))
    if d.licence:
        known.append(("Licence", d.licence))
    if d.origin:
        known.append(("Origin", say.one_line(d.origin)))
    missing = [what for what, there in (("its licence", d.licence), ("its owner", d.owner),
                                        ("where it came from", d.origin or d.parents),
                                        ("sensitive attributes: groups cannot be compared", roles.sensitive),
                                        ("how it was collected, and whether people agreed", "")) if not there]  # fmt: skip
    return Section(title=f"{d.dataset} v{d.version}", facts=known, missing=missing)


def _columns(d: DatasetVersion) -> Section:
    profile = d.profile.get("columns", {})
    rows = []
    for name, kind in d.schema.items():
        told = profile.get(name, {})
        span = say.interval(told.get("min"), told.get("max")) or ", ".join(
            str(f[0]) for f in told.get("frequent", [])[:5]
        )
        rows.append([name, str(told.get("kind") or kind), say.number(told.get("missing")), say.number(told.get("distinct")),
                     say.one_line(span)])  # fmt: skip
    gaps = [f"{name} is missing in {told['missing']:,} rows." for name, told in profile.items() if told.get("missing")]
    return Section(title=f"Columns of {d.dataset} v{d.version}", words=gaps,
                   table=Table(head=["Column", "Kind", "Missing", "Distinct", "Values"], rows=rows))  # fmt: skip
