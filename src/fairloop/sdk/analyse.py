"""fl.analyse and fl.explain: ask a question about a model or data, and get its answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fairloop.core.analyses import Analysis
from fairloop.sdk.session import session


def analyse(kind: str, subject: str, *, timeout_s: float = 600.0, **params: Any) -> Analysis:
    """Ask, wait, and get the analysis with its whole result.

    Parameters
    ----------
    kind : str
        The question: ``explain``, ``counterfactual`` and others, see the documentation.
    subject : str
        ``models:/NAME/VERSION``, ``models:/NAME@ALIAS``, ``datasets:/NAME/VERSION``, ``predictions:/ID``, or the id of a
        model version, candidate, dataset version or cycle.
    timeout_s : float
        How long to wait; a slower one goes on and is found again by asking the same.
    **params
        What the kind takes.

    Returns
    -------
    Analysis
        ``words`` says the finding, ``result`` holds the numbers.

    Raises
    ------
    StepFailed
        It failed; the message says why.
    Unavailable
        It is not done in time.
    """
    client = session()
    started = client.analyses.start(kind, subject, params)
    return client.analyses.wait(started.id, timeout_s=timeout_s)


def explain(model: str, *, part: str = "validation", data: str = "", attributes: Sequence[str] | None = None,
            criterion: str = "selection", columns: Sequence[str] | None = None, answer: Any = None,
            timeout_s: float = 600.0) -> Analysis:  # fmt: skip
    """Why a model answers as it does: where gaps between groups come from, which columns betray a sensitive attribute,
    where it errs most, and what moves its answers.

    Parameters
    ----------
    model : str
        ``models:/NAME/VERSION`` or ``models:/NAME@ALIAS``, or the id of a model version, candidate or cycle.
    part : {"validation", "test", "train"}
        Which of the rows that trained or judged the model.
    data : str, optional
        A dataset version instead: its id, ``NAME`` or ``NAME/VERSION``. Needed for a model that no pipeline judged.
    attributes : sequence of str, optional
        Sensitive attributes; all by default.
    criterion : {"selection", "found", "wrongly_selected"}
        Whose answers are compared between groups: everybody's, or only those whose true answer is yes, or no.
    columns : sequence of str, optional
        Columns to draw curves for; the strongest by default.
    answer : optional
        For more than two answers: the one to look at.

    Returns
    -------
    Analysis
        See :func:`analyse`.
    """
    told: dict[str, Any] = {"part": part, "data": data, "criterion": criterion}
    named = {"attributes": attributes, "columns": columns}
    told |= {name: list(value) for name, value in named.items() if value is not None}
    return analyse("explain", model, timeout_s=timeout_s, **told, **({} if answer is None else {"answer": answer}))
