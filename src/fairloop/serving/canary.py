"""The canary judge: one look at a rollout's step, from cumulative counts only. Pure Python, no state.

Every interval is valid however often one looks, so the judge may be asked after each request: the chance that a version
no worse than its limits is ever rolled back is at most 5 %, all tests together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fairloop.core.checks import Check, Status, Verdict
from fairloop.serving.counters import Traffic, slower_than
from fairloop.stats.estimate import Estimate
from fairloop.stats.sequential import decide, proportion, proportion_difference, selection_gap

Decision = Literal["go", "hold", "roll_back"]
FALSE_ALARM = 0.05
ERROR_MARGIN = 0.02
"""How much higher the share of failed requests may be than the incumbent's."""
GAP_MARGIN = 0.05
"""A gap proved above its limit rolls back; all traffic asks for proof that it is at most this much above. That it keeps
the limit itself was proved at the gate on many more rows than a canary sees."""
SELECTION_MARGIN = 0.10
"""How much lower a group's selection rate may be than under the incumbent, where no gate sets a limit."""
SLOW_SHARE = 0.01
"""What a p99 limit means: one answer in a hundred may be slower."""
SMALL_ROWS = 30
SMALL_SHARE = 0.02
POOLED = "(small groups together)"
_STATUS = {"pass": Status.PASS, "fail": Status.FAIL, "open": Status.INSUFFICIENT}


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """``answers`` are the predictions the candidate gave in this step."""

    decision: Decision
    reason: str
    verdicts: list[Verdict]
    answers: int


def judge_step(candidate: Traffic, incumbent: Traffic, *, gates: list[Check], judge_by: list[str], last: bool,
               answers: int, min_answers: int) -> Judgement:  # fmt: skip
    """Judge the candidate on its traffic since the rollout began.

    Parameters
    ----------
    candidate, incumbent : Traffic
        What each version answered since the rollout began, side by side in time.
    gates : list of Check
        Limits; those on latency and on demographic parity by an attribute of ``judge_by`` are used.
    judge_by : list of str
        Sensitive attributes whose groups are compared.
    last : bool
        Whether the next step gives the candidate all traffic: then errors (if there were any) and groups must be proved
        within their limits, where an earlier step only asks that nothing is proved beyond them.
    answers, min_answers : int
        Predictions the candidate gave in this step, and how many the step asks for.

    Returns
    -------
    Judgement
        "roll_back" when a limit is proved broken, "go" when the step has done its work, else "hold".
    """
    slow = [g for g in gates if g.metric in {"latency_p99_ms", "latency_p50_ms"} and g.at_most is not None]
    tests = 1 + len(slow) + len(judge_by)
    confidence = 1 - 2 * FALSE_ALARM / tests
    decisive = [_errors(candidate, incumbent, confidence)]
    decisive += [_groups(candidate, incumbent, attribute, gates, confidence) for attribute in judge_by]
    verdicts = decisive + [_latency(candidate, incumbent, gate, confidence) for gate in slow]
    failed = [v for v in verdicts if v.status is Status.FAIL]

    def judged(decision: Decision, reason: str) -> Judgement:
        return Judgement(decision=decision, reason=reason, verdicts=verdicts, answers=answers)

    if failed:
        return judged("roll_back", " ".join(str(v.detail["words"]) for v in failed))
    if answers < min_answers:
        so_far = f"{answers} of {min_answers} answers in this step so far"
        return judged("hold", f"{so_far}; nothing speaks against the new version.")
    unproved = [v for v in decisive if v.status is not Status.PASS and not (v is decisive[0] and candidate.errors == 0)]
    if last and unproved:
        return judged("hold", "Not yet proved: " + " ".join(str(v.detail["words"]) for v in unproved))
    well = "errors and groups are within their limits" if last else "nothing speaks against the new version"
    return judged("go", f"{answers} answers in this step; {well}.")


def _verdict(check: Check, status: Status, found: Estimate, words: str, **detail: object) -> Verdict:
    return Verdict(check=check, status=status, estimate=found.estimate, low=found.low, high=found.high, n=found.n,
                   method=found.method, detail={"words": words, **detail})  # fmt: skip


def _errors(candidate: Traffic, incumbent: Traffic, confidence: float) -> Verdict:
    """Non-inferiority in the share of failed requests."""
    found = proportion_difference(candidate.errors, candidate.requests, incumbent.errors, incumbent.requests,
                                  confidence=confidence)  # fmt: skip
    status = _STATUS[decide(found, ERROR_MARGIN)]
    words = (f"Failed requests: {candidate.errors} of {candidate.requests}, before {incumbent.errors} of "
             f"{incumbent.requests}{_between(found)}; at most {ERROR_MARGIN:g} more is allowed.")  # fmt: skip
    return _verdict(Check(metric="error_rate", at_most=ERROR_MARGIN), status, found, words, compared="difference")


def _latency(candidate: Traffic, incumbent: Traffic, gate: Check, confidence: float) -> Verdict:
    """The share of answers slower than the limit. A machine that is slow for both is not the candidate's fault."""
    limit = gate.at_most or 0.0
    allowed = SLOW_SHARE if gate.metric == "latency_p99_ms" else 0.5
    slow, before = slower_than(candidate.slow, limit), slower_than(incumbent.slow, limit)
    answered, answered_before = sum(candidate.slow), sum(incumbent.slow)
    found = proportion(slow, answered, confidence=confidence)
    status = _STATUS[decide(found, allowed)]
    if status is Status.FAIL:
        against = proportion_difference(slow, answered, before, answered_before, confidence=confidence)
        if against.low is None or against.low <= 0:
            status = Status.INSUFFICIENT
    value = candidate.latency_p99_ms if gate.metric == "latency_p99_ms" else candidate.latency_p50_ms
    words = (f"Slower than {limit:g} ms: {slow} of {answered} answers, before {before} of {answered_before}; "
             f"{allowed:.0%} is allowed.")  # fmt: skip
    return Verdict(check=gate, status=status, estimate=value, low=None, high=None, n=answered, method=found.method,
                   detail={"words": words, "share": found.plain()})  # fmt: skip


def _groups(candidate: Traffic, incumbent: Traffic, attribute: str, gates: list[Check], confidence: float) -> Verdict:
    gate = next((g for g in gates if g.metric == "demographic_parity_difference" and g.by == attribute
                 and g.at_most is not None), None)  # fmt: skip
    groups = pooled(candidate.groups.get(attribute, {}))
    if len(groups) < 2:
        check = gate or Check(metric="demographic_parity_difference", at_most=SELECTION_MARGIN, by=attribute)
        words = (f"Too few values of {attribute!r} have arrived to compare groups; send them in "
                 "parameters.sensitive or later by prediction id.")  # fmt: skip
        nothing = selection_gap({}, confidence=confidence)
        return _verdict(check, Status.INSUFFICIENT, nothing, words)
    if gate is None:
        return _against_incumbent(groups, candidate, incumbent, attribute, confidence)
    found = selection_gap({g: (k, n) for g, (n, k) in groups.items()}, confidence=confidence)
    limit = gate.at_most or 0.0
    words = (f"Selection by {attribute}: {_rates(groups)}; gap {found.estimate:.3f}{_between(found)}, limit {limit:g}, "
             f"of which {GAP_MARGIN:g} more must be ruled out.")  # fmt: skip
    status = Status.FAIL if decide(found, limit) == "fail" else Status.INSUFFICIENT
    if status is not Status.FAIL and decide(found, limit + GAP_MARGIN) == "pass":
        status = Status.PASS
    return _verdict(gate, status, found, words, counts=groups)


def _against_incumbent(groups: dict[str, tuple[int, int]], candidate: Traffic, incumbent: Traffic, attribute: str,
                       confidence: float) -> Verdict:  # fmt: skip
    """Without a limit of the policy's own: no group may be selected clearly less often than before."""
    check = Check(metric="demographic_parity_difference", at_most=SELECTION_MARGIN, by=attribute)
    before = incumbent.groups.get(attribute, {})
    each = 1 - (1 - confidence) / len(groups)
    falls: dict[str, Estimate] = {}
    for group in groups:
        if group != POOLED and group in before:
            (n, k), (n_before, k_before) = candidate.groups[attribute][group], before[group]
            falls[group] = proportion_difference(k_before, n_before, k, n, confidence=each)
    known = {g: f for g, f in falls.items() if f.estimate is not None}
    if len(known) < 2:
        words = f"Too few values of {attribute!r} have arrived under both versions to compare groups."
        return _verdict(check, Status.INSUFFICIENT, selection_gap({}), words)
    group, worst = max(known.items(), key=lambda item: item[1].estimate or 0.0)
    found = [decide(f, SELECTION_MARGIN) for f in known.values()]
    if "fail" in found:
        group, worst = next((g, f) for g, f in known.items() if decide(f, SELECTION_MARGIN) == "fail")
    status = Status.FAIL if "fail" in found else Status.PASS if set(found) == {"pass"} else Status.INSUFFICIENT
    words = (f"Selection of {attribute}={group} fell by {worst.estimate:.3f}{_between(worst)}; "
             f"at most {SELECTION_MARGIN:g} is allowed.")  # fmt: skip
    return _verdict(check, status, worst, words, counts=groups, compared="difference")


def pooled(groups: dict[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Groups large enough to compare; the small ones count together, and not at all while they are few."""
    rows = sum(n for n, _ in groups.values())
    least = max(SMALL_ROWS, SMALL_SHARE * rows)
    found = {g: (n, k) for g, (n, k) in groups.items() if n >= least}
    small = [(n, k) for g, (n, k) in groups.items() if g not in found]
    together = (sum(n for n, _ in small), sum(k for _, k in small))
    return {**found, POOLED: together} if together[0] >= least else found


def _rates(groups: dict[str, tuple[int, int]]) -> str:
    return ", ".join(f"{group} {k / n:.3f} of {n}" for group, (n, k) in sorted(groups.items()))


def _between(found: Estimate) -> str:
    return "" if found.low is None or found.high is None else f" ({found.low:.3f} to {found.high:.3f})"
