"""What a model must not lean on: concepts in what a network sees, and terms that name groups in a text."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fairloop.core.checks import Check
from fairloop.core.names import check_name
from fairloop.errors import InvalidInput

CONCEPT_METRIC, SWAP_METRIC = "concept_influence", "identity_swap_gap"
FEWEST_TEXTS = 30


@dataclass(frozen=True, slots=True)
class Concept:
    """A concept that people name, told by examples. Exactly one of ``where``, ``examples`` and ``data`` is given.

    Parameters
    ----------
    name : str
        What people call it: ``fl.gate("concept_influence", at_most=0.1, by=name)``.
    where : dict
        The rows of the judged part that show it, for example ``{"sex": "Male"}``; of columns the model does not read.
        Concept and other rows are matched on the true answer.
    examples : list of str
        Texts that show it, 30 or more, for a model that reads one column of text.
    data : str
        A dataset, or a file, of inputs that show it.
    against : str
        A dataset or file of inputs without it that random concepts are drawn from; by default the judged rows.
    layers : list of str
        Where in the network to look; by default the last hidden layer.
    """

    name: str
    where: dict[str, Any] = field(default_factory=dict)
    examples: list[str] = field(default_factory=list)
    data: str = ""
    against: str = ""
    layers: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        check_name(self.name, "concept")
        if sum(bool(told) for told in (self.where, self.examples, self.data)) != 1:
            raise InvalidInput(f"The concept {self.name!r} needs exactly one of where=, examples= and data=.")
        if self.examples and len(self.examples) < FEWEST_TEXTS:
            raise InvalidInput(
                f"The concept {self.name!r} has {len(self.examples)} examples; give at least {FEWEST_TEXTS}."
            )
        if self.against and self.where:
            raise InvalidInput(f"The concept {self.name!r} is told by rows, so the other rows are those without it; "
                               "leave out against=.")  # fmt: skip

    def pinned(self, data: str, against: str) -> Concept:
        """The same with other names for its datasets."""
        return replace(self, data=data, against=against)


@dataclass(frozen=True, slots=True)
class Terms:
    """Pairs of words that mean two groups, for example ``fl.Terms("sex", [("he", "she"), ("man", "woman")])``."""

    name: str
    pairs: list[tuple[str, str]]

    def __post_init__(self) -> None:
        check_name(self.name, "terms")
        good = bool(self.pairs) and all(
            len(pair) == 2
            and all(isinstance(t, str) and t.strip() for t in pair)
            and pair[0].lower() != pair[1].lower()
            for pair in self.pairs
        )
        if not good:
            raise InvalidInput(f"The terms {self.name!r} need pairs of two different words, such as [('he', 'she')].")
        words = [term.lower() for pair in self.pairs for term in pair]
        if twice := sorted({w for w in words if words.count(w) > 1}):
            raise InvalidInput(f"The term {twice[0]!r} stands twice in {self.name!r}; keep one pair for each word.")


def check_probes(checks: list[Check], concepts: list[Concept], terms: list[Terms]) -> None:
    """InvalidInput when a check names a concept or terms that the loop does not tell."""
    for what, metric, known in (("concept", CONCEPT_METRIC, [c.name for c in concepts]),
                                ("term list", SWAP_METRIC, [t.name for t in terms])):  # fmt: skip
        if twice := {name for name in known if known.count(name) > 1}:
            raise InvalidInput(f"The {what} {min(twice)!r} stands twice; keep one.")
        for check in checks:
            if check.metric == metric and check.by not in known:
                told = ", ".join(known) or "none"
                example = 'concepts=[fl.Concept("male", where={"sex": "Male"})]' if metric == CONCEPT_METRIC else (
                    'terms=[fl.Terms("sex", [("he", "she")])]')  # fmt: skip
                raise InvalidInput(f"The check on {metric} names the {what} {check.by!r}, but the loop tells {told}; "
                                   f"add it: {example}.")  # fmt: skip
