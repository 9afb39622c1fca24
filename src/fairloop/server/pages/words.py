"""Values as people read them: times, sizes, money, shares, and every state as a colour, an icon and a word."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

from fairloop.core.clock import rfc3339
from fairloop.core.units import show_bytes

STATES: dict[str, tuple[str, str, str]] = {
    # state: (tone, icon, word); a tone is one of pass, fail, unsure, run, wait, idle
    "pass": ("pass", "check", "Pass"),
    "fail": ("fail", "x", "Fail"),
    "insufficient_evidence": ("unsure", "unsure", "Insufficient evidence"),
    "pending": ("idle", "clock", "Not started"),
    "ready": ("idle", "clock", "Ready"),
    "running": ("run", "run", "Running"),
    "done": ("pass", "check", "Done"),
    "failed": ("fail", "x", "Failed"),
    "cancelled": ("idle", "minus", "Cancelled"),
    "skipped": ("idle", "minus", "Skipped"),
    "cached": ("pass", "cached", "From cache"),
    "RUNNING": ("run", "run", "Running"),
    "SCHEDULED": ("idle", "clock", "Scheduled"),
    "FINISHED": ("pass", "check", "Finished"),
    "FAILED": ("fail", "x", "Failed"),
    "KILLED": ("idle", "minus", "Stopped"),
    "data": ("run", "run", "Preparing data"),
    "train": ("run", "run", "Training"),
    "mitigate": ("run", "run", "Mitigating"),
    "gate": ("run", "run", "Judging"),
    "approve": ("wait", "person", "Waiting for approval"),
    "roll_out": ("run", "run", "Rolling out"),
    "live": ("pass", "check", "Live"),
    "refused": ("fail", "x", "Refused"),
    "waiting": ("wait", "person", "Waiting for a person"),
    "approved": ("pass", "check", "Approved"),
    "expired": ("idle", "clock", "Expired"),
    "starting": ("run", "run", "Starting"),
    "retired": ("idle", "minus", "Retired"),
    "up": ("pass", "check", "Up"),
    "down": ("fail", "x", "Down"),
    "stopped": ("idle", "minus", "Stopped"),
    "smoke": ("run", "run", "Smoke test"),
    "held": ("wait", "person", "Held for a person"),
    "promoted": ("pass", "check", "Promoted"),
    "rolled_back": ("fail", "back", "Rolled back"),
    "open": ("fail", "alert", "Open"),
    "acknowledged": ("wait", "person", "Acknowledged"),
    "resolved": ("pass", "check", "Resolved"),
    "judged": ("idle", "check", "Judged"),
    "dominated": ("idle", "minus", "Dominated"),
    "chosen": ("pass", "check", "Chosen"),
    "candidate": ("idle", "clock", "Candidate"),
    "none": ("idle", "minus", "Not judged"),
    "READY": ("pass", "check", "Ready"),
    "PENDING_REGISTRATION": ("run", "run", "Registering"),
    "FAILED_REGISTRATION": ("fail", "x", "Failed to register"),
    "well": ("pass", "check", "Well"),
    "needs_you": ("wait", "person", "Needs you"),
    "broken": ("fail", "x", "Broken"),
    "empty": ("idle", "clock", "Not started"),
    "idle": ("idle", "minus", "Idle"),
    "appeal_open": ("wait", "person", "Undecided"),
    "appeal_upheld": ("pass", "check", "Upheld"),
    "appeal_rejected": ("idle", "minus", "Not upheld"),
    "looking": ("run", "run", "Looking"),
    "label_bias": ("fail", "alert", "Looks wrong"),
    "label_noise": ("unsure", "unsure", "Noise, in other groups too"),
    "label_clear": ("pass", "check", "No sign of it"),
    "label_insufficient": ("unsure", "unsure", "Insufficient evidence"),
    "labels_open": ("wait", "person", "Open"),
    "labels_closing": ("run", "run", "Being measured"),
    "labels_closed": ("pass", "check", "Closed"),
    "labels_cancelled": ("idle", "minus", "Cancelled"),
    "invitation_waiting": ("wait", "clock", "Waiting"),
    "invitation_accepted": ("pass", "check", "Accepted"),
    "invitation_revoked": ("idle", "minus", "Ended"),
    "invitation_expired": ("idle", "clock", "Ran out"),
}
EVENTS: dict[str, tuple[str, str, str]] = {
    # what a cycle's timeline calls a thing that has happened, where the state of the same name is one that lasts
    "started": ("wait", "run", "Started"),
    "data": ("pass", "data", "Data gathered"),
    "train": ("pass", "runs", "Trained"),
    "chosen": ("pass", "check", "Candidate chosen"),
    "refused_candidate": ("fail", "x", "Plain candidate refused"),
    "search": ("run", "search", "Searching"),
    "gate": ("pass", "check", "Gate"),
    "roll_out": ("pass", "arrow", "Rollout released"),
    "rollout": ("pass", "arrow", "Rollout"),
    "mitigate": ("run", "run", "Mitigation"),
}

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "demographic_parity_difference": "Demographic parity difference",
    "equalized_odds_difference": "Equalized odds difference",
    "latency_p50_ms": "Latency p50",
    "r2": "R squared",
    "latency_p99_ms": "Latency p99",
    "cost_usd": "Cost",
    "size_bytes": "Model size",
    "memory_bytes": "Memory",
    "f1": "F1",
    "macro_f1": "F1 averaged over classes",
    "macro_roc_auc": "ROC AUC averaged over classes",
    "roc_auc_difference": "ROC AUC difference",
    "lift_top_tenth": "Lift of the best-scored tenth",
    "quantile_loss_10": "Quantile loss at 10 %",
    "quantile_loss_90": "Quantile loss at 90 %",
    "label_kl_divergence": "Kullback-Leibler divergence of labels",
    "label_js_divergence": "Jensen-Shannon divergence of labels",
    "label_lp_norm": "Euclidean distance of labels",
    "label_ks_distance": "Largest label difference",
}


def state(value: object) -> dict[str, str]:
    """Tone, icon and word of a state; an unknown one is shown as itself, without a colour."""
    tone, icon, word = STATES.get(str(value), ("idle", "minus", str(value).replace("_", " ").capitalize()))
    return {"tone": tone, "icon": icon, "word": word}


def happened(kind: str) -> tuple[str, str, str]:
    """Tone, icon and word of an event: that of the state it led to, unless it has a word of its own."""
    return EVENTS.get(kind) or STATES.get(kind) or ("idle", "check", kind.replace("_", " ").capitalize())


def metric(name: object) -> str:
    """``demographic_parity_difference`` as ``Demographic parity difference``."""
    text = str(name)
    return METRIC_NAMES.get(text, text.replace("_", " ").capitalize() if text.islower() else text)


def number(value: Any, digits: int = 3) -> str:
    """A number with so many decimals, or a dash; large ones grouped."""
    if value is None or isinstance(value, bool):
        return "–" if value is None else ("yes" if value else "no")
    if not isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("∞" if value > 0 else "-∞")
    if isinstance(value, int) or (abs(value) >= 1000 and value == int(value)):
        return f"{int(value):,}"
    if value != 0 and abs(value) < 10**-digits:
        return f"{value:.2g}"
    return f"{value:,.{digits}f}"


def measured(name: str, value: Any) -> str:
    """A metric's value with its unit."""
    if value is None:
        return "–"
    if name.endswith("_ms"):
        return f"{value:.1f} ms" if value < 100 else f"{value:,.0f} ms"
    if name.endswith("_usd"):
        return money(value)
    if name.endswith("_bytes"):
        return show_bytes(value)
    return number(value)


def money(value: Any) -> str:
    """US dollars; amounts below a cent keep two significant digits, written out."""
    if value is None:
        return "–"
    if value == 0:
        return "0 USD"
    if abs(value) >= 0.01:
        return f"{value:,.2f} USD"
    return f"{value:.{1 - math.floor(math.log10(abs(value)))}f} USD" if abs(value) >= 1e-6 else "under 0.000001 USD"


def share(value: Any, digits: int = 1) -> str:
    """``0.183`` as ``18.3 %``."""
    return "–" if value is None else f"{value * 100:.{digits}f} %"


def duration(seconds: Any) -> str:
    """``0.3 s``, ``41 s``, ``3 min 5 s``, ``2 h 4 min``, ``3 d 4 h``."""
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    for size, big, small, unit in ((3600, 60, 1, ("min", "s")), (86_400, 3600, 60, ("h", "min"))):
        if whole < size:
            rest = whole % big // small
            return f"{whole // big} {unit[0]}" + (f" {rest} {unit[1]}" if rest else "")
    return f"{whole // 86_400} d" + (f" {whole % 86_400 // 3600} h" if whole % 86_400 >= 3600 else "")


def lasted(started_ms: int | None, ended_ms: int | None, now_ms: int) -> str:
    """How long something took, or has taken so far."""
    return "–" if started_ms is None else duration(((ended_ms or now_ms) - started_ms) / 1000)


def ago(at_ms: int | None, now_ms: int) -> str:
    """``just now``, ``3 min ago``, ``in 2 d``."""
    if at_ms is None:
        return "–"
    seconds = (now_ms - at_ms) / 1000
    size = abs(seconds)
    if size < 10:
        return "just now"
    for limit, unit, word in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (math.inf, 86_400, "d")):
        if size < limit:
            text = f"{int(size // unit)} {word}"
            break
    return f"{text} ago" if seconds > 0 else f"in {text}"


def exact(at_ms: int | None) -> str:
    """``Tue 24 Nov 2026, 14:02:03 UTC``."""
    return "" if at_ms is None else datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%a %d %b %Y, %H:%M:%S UTC")


def iso(at_ms: int | None) -> str:
    return rfc3339(at_ms) or ""


def short(identifier: Any) -> str:
    """The end of an id, enough for eyes to tell two apart."""
    text = str(identifier or "")
    if "_" in text[:6]:
        prefix, rest = text.split("_", 1)
        return f"{prefix}_…{rest[-6:]}" if len(rest) > 8 else text
    return text[:8] if len(text) > 12 else text


def plural(count: int, one: str, many: str | None = None) -> str:
    """``1 run``, ``1,000 runs``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


FILTERS = {
    "metric": metric,
    "number": number,
    "measured": measured,
    "money": money,
    "share": share,
    "duration": duration,
    "lasted": lasted,
    "ago": ago,
    "exact": exact,
    "iso": iso,
    "short": short,
    "plural": plural,
    "bytes": show_bytes,
    "state": state,
}
