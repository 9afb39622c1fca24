"""The filter language of searches, as text to tree and back to truth.

``metrics.auc > 0.9 and params.model = 'gbm' and tags."team name" like 'a%'``: comparisons joined by AND, OR and
parentheses. A key with other signs than letters, digits, ``_ . - /`` stands in backticks or double quotes, text in
single quotes. storage/run_search.py compiles the tree to SQL with bound parameters; :func:`holds` evaluates it
directly.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fairloop.errors import InvalidInput

MAX_TEXT = 8192
MAX_COMPARISONS = 100
KINDS = {
    "metric": "metric",
    "metrics": "metric",
    "param": "param",
    "params": "param",
    "parameter": "param",
    "parameters": "param",
    "tag": "tag",
    "tags": "tag",
    "attribute": "attribute",
    "attributes": "attribute",
    "attr": "attribute",
    "run": "attribute",
    "dataset": "dataset",
    "datasets": "dataset",
}
ORDERED = {"=", "!=", "<", "<=", ">", ">="}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))"
    r"|(?P<text>'(?:[^'\\]|''|\\.)*')"
    r'|(?P<quoted>"(?:[^"])*"|`[^`]*`)'
    r"|(?P<op><=|>=|!=|<>|==|=|<|>)"
    r"|(?P<mark>[(),.])"
    r"|(?P<word>[^\s'\"`()<>=!,.]+))"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """``kind`` is metric, param, tag, attribute or dataset.

    ``op`` is one of ``= != < <= > >= like ilike in``, ``not in``, ``exists`` and ``missing``.
    """

    kind: str
    key: str
    op: str
    value: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class All:
    parts: tuple[Filter, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Any_:
    parts: tuple[Filter, ...]


Filter = Comparison | All | Any_
EVERYTHING = All(parts=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    kind: str
    key: str
    descending: bool = False


def parse_filter(text: str | None) -> Filter:
    """The tree of ``text``; an empty text matches everything. InvalidInput names what cannot be read."""
    if not text or not text.strip():
        return EVERYTHING
    return _Parser(text).whole()


def parse_order(text: str) -> Order:
    """``metrics.auc DESC`` as an Order."""
    found = re.fullmatch(r"\s*(.+?)(?:\s+(asc|desc))?\s*", text, re.IGNORECASE | re.DOTALL)
    if found is None or len(text) > MAX_TEXT:
        raise InvalidInput(f"{text[:80]!r} names nothing to order by; write for example 'metrics.auc DESC'.")
    parser = _Parser(found.group(1))
    kind, key = parser.subject()
    parser.finished()
    return Order(kind=kind, key=key, descending=(found.group(2) or "asc").lower() == "desc")


class _Parser:
    def __init__(self, text: str) -> None:
        if len(text) > MAX_TEXT:
            raise InvalidInput(f"The filter has {len(text)} characters; {MAX_TEXT} are allowed.")
        self._text = text
        self._tokens = self._split(text)
        self._at = 0
        self._comparisons = 0

    @staticmethod
    def _split(text: str) -> list[tuple[str, str, int]]:
        tokens, at = [], 0
        while text[at:].strip():
            found = _TOKEN.match(text, at)
            if found is None or found.lastgroup is None:
                raise InvalidInput(
                    f"The filter cannot be read at {text[at : at + 40]!r}; text values stand in single quotes."
                )
            tokens.append((found.lastgroup, found.group(found.lastgroup), found.start(found.lastgroup)))
            at = found.end()
        return tokens

    def _peek(self) -> tuple[str, str]:
        kind, value, _ = self._tokens[self._at] if self._at < len(self._tokens) else ("end", "", 0)
        return kind, value

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _is_word(self, word: str) -> bool:
        kind, value = self._peek()
        return kind == "word" and value.lower() == word

    def _fail(self, wanted: str) -> InvalidInput:
        where = self._text[self._tokens[self._at][2] :][:40] if self._at < len(self._tokens) else "its end"
        return InvalidInput(
            f"The filter cannot be read at {where!r}: {wanted} expected, as in metrics.auc > 0.9 "
            "and params.model = 'gbm'."
        )

    def finished(self) -> None:
        if self._at < len(self._tokens):
            raise self._fail("the end")

    def whole(self) -> Filter:
        tree = self._either(0)
        self.finished()
        return tree

    def _either(self, depth: int) -> Filter:
        parts = [self._both(depth)]
        while self._is_word("or"):
            self._next()
            parts.append(self._both(depth))
        return parts[0] if len(parts) == 1 else Any_(parts=tuple(parts))

    def _both(self, depth: int) -> Filter:
        parts = [self._one(depth)]
        while self._is_word("and"):
            self._next()
            parts.append(self._one(depth))
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def _one(self, depth: int) -> Filter:
        if self._peek() == ("mark", "("):
            if depth >= 20:
                raise InvalidInput("The filter has more than 20 nested parentheses; simplify it.")
            self._next()
            tree = self._either(depth + 1)
            if self._next() != ("mark", ")"):
                self._at -= 1
                raise self._fail("a closing parenthesis")
            return tree
        self._comparisons += 1
        if self._comparisons > MAX_COMPARISONS:
            raise InvalidInput(f"The filter has more than {MAX_COMPARISONS} comparisons; simplify it.")
        return self._comparison()

    def subject(self) -> tuple[str, str]:
        """What is compared: (kind, key); a bare name is an attribute."""
        pieces = [self._name()]
        while self._peek() == ("mark", "."):
            self._next()
            pieces.append(self._name())
        kind = KINDS.get(pieces[0].lower())
        if len(pieces) > 1 and kind:
            return kind, ".".join(pieces[1:])
        if len(pieces) == 1:
            return "attribute", pieces[0]
        raise InvalidInput(
            f"{pieces[0]!r} is not something to search by; use metrics, params, tags, attributes or datasets."
        )

    def _name(self) -> str:
        kind, value = self._next()
        if kind == "quoted":
            return value[1:-1]
        if kind in {"word", "number"}:
            return value
        self._at -= 1
        raise self._fail("a name such as metrics.auc")

    def _comparison(self) -> Comparison:
        kind, key = self.subject()
        op = self._operator()
        if op in {"exists", "missing"}:
            return Comparison(kind=kind, key=key, op=op)
        value = self._list() if op in {"in", "not in"} else self._value()
        return Comparison(kind=kind, key=key, op=op, value=value)

    def _operator(self) -> str:
        kind, value = self._next()
        word = value.lower()
        if kind == "op":
            return {"==": "=", "<>": "!="}.get(value, value)
        if kind == "word" and word in {"like", "ilike", "in"}:
            return word
        if kind == "word" and word == "not" and self._is_word("in"):
            self._next()
            return "not in"
        if kind == "word" and word == "is":
            negated = self._is_word("not")
            if negated:
                self._next()
            if self._is_word("null"):
                self._next()
                return "exists" if negated else "missing"
        self._at -= 1
        raise self._fail("one of = != < <= > >= LIKE ILIKE IN")

    def _value(self) -> str | float | int:
        kind, value = self._next()
        if kind == "number":
            number = float(value)
            if math.isinf(number):
                raise InvalidInput(f"{value[:40]} is too large for a 64-bit float; compare with a smaller number.")
            return int(value) if re.fullmatch(r"[+-]?\d+", value) else number
        if kind == "text":
            return re.sub(r"\\(['\\])", r"\1", value[1:-1].replace("''", "'"))
        if kind == "quoted" and value.startswith('"'):
            return value[1:-1]
        self._at -= 1
        raise self._fail("a number, or text in single quotes,")

    def _list(self) -> tuple[str | float | int, ...]:
        if self._next() != ("mark", "("):
            self._at -= 1
            raise self._fail("a list in parentheses")
        values = [self._value()]
        while self._peek() == ("mark", ","):
            self._next()
            values.append(self._value())
        if self._next() != ("mark", ")"):
            self._at -= 1
            raise self._fail("a closing parenthesis")
        if len(values) > 1000:
            raise InvalidInput(f"The list has {len(values)} values; 1000 are allowed.")
        return tuple(values)


def holds(tree: Filter, read: Callable[[str, str], Any]) -> bool:
    """Whether an object satisfies ``tree``; ``read(kind, key)`` gives its value, None when it has none."""
    if isinstance(tree, All):
        return all(holds(part, read) for part in tree.parts)
    if isinstance(tree, Any_):
        return any(holds(part, read) for part in tree.parts)
    return _compare(read(tree.kind, tree.key), tree.op, tree.value)


def _compare(found: Any, op: str, value: Any) -> bool:
    if op in {"exists", "missing"}:
        return (found is None) == (op == "missing")
    if found is None:
        return False
    if op in {"in", "not in"}:
        return (found in value) == (op == "in")
    if op in {"like", "ilike"}:
        text, pattern = str(found), str(value)
        return _like(text.lower(), pattern.lower()) if op == "ilike" else _like(text, pattern)
    if isinstance(found, str) != isinstance(value, str):
        found, value = str(found), str(value)
    if op in {"=", "!="}:
        return bool((found == value) == (op == "="))
    return bool({"<": found < value, "<=": found <= value, ">": found > value, ">=": found >= value}[op])


def _like(text: str, pattern: str) -> bool:
    """SQL's LIKE in linear space and without backtracking blow-up: only the last ``%`` is ever tried again."""
    t = p = 0
    star, retry = -1, 0
    while t < len(text):
        if p < len(pattern) and pattern[p] == "%":
            star, retry = p, t
            p += 1
        elif p < len(pattern) and pattern[p] in {"_", text[t]}:
            t, p = t + 1, p + 1
        elif star >= 0:
            retry += 1
            t, p = retry, star + 1
        else:
            return False
    return pattern[p:].strip("%") == ""
