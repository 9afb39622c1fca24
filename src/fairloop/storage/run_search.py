"""Searches over runs: the tree of core/search.py compiled to SQL, every value a bound parameter.

A page ordered by a metric, param or tag comes in two phases, runs that have it and then the rest, so that each phase
can walk an index and stop after the page.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Join,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
    text,
    true,
)
from sqlalchemy.ext.compiler import compiles

from fairloop.core.search import EVERYTHING, All, Any_, Comparison, Filter, Order
from fairloop.errors import InvalidInput
from fairloop.storage.tables import experiments, params, run_tags, runs, series

ATTRIBUTES: dict[str, Any] = {
    "run_id": runs.c.id,
    "id": runs.c.id,
    "run_name": runs.c.name,
    "run name": runs.c.name,
    "name": runs.c.name,
    "status": runs.c.status,
    "start_time": runs.c.start_ms,
    "created": runs.c.start_ms,
    "end_time": runs.c.end_ms,
    "user_id": runs.c.user,
    "user": runs.c.user,
    "experiment_id": runs.c.experiment_id,
    "step_run_id": runs.c.step_run_id,
}
_NUMBERS = {"start_time", "created", "end_time", "experiment_id"}
_TABLES: dict[str, tuple[Any, str]] = {
    "metric": (series, "value"),
    "param": (params, "value"),
    "tag": (run_tags, "value"),
}
_FEW = 2000
"""So many rows are sorted sooner than an index is walked for them."""
_DATASETS = {
    "sqlite": "SELECT 1 FROM json_each(runs.inputs, '$.datasets') AS d WHERE json_extract(d.value, '$.' || :field) {}",
    "postgresql": "SELECT 1 FROM jsonb_array_elements(coalesce((runs.inputs::jsonb)->'datasets', '[]')) AS d"
    " WHERE d->>:field {}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What to look for. ``active`` None means deleted ones too."""

    project_id: str
    experiment_ids: tuple[int, ...] = ()
    """Empty: every experiment of the project."""
    tree: Filter = EVERYTHING
    orders: tuple[Order, ...] = ()
    active: bool | None = True


def page(
    connection: Connection, search: Search, *, phase: int = 0, offset: int = 0, limit: int
) -> tuple[list[int], tuple[int, int] | None]:
    """(row numbers of runs, where the next page begins as (phase, offset) or None)."""
    if search.experiment_ids:
        mine = select(experiments.c.id).where(
            experiments.c.project_id == search.project_id, experiments.c.id.in_(search.experiment_ids)
        )
        search = replace(search, experiment_ids=tuple(connection.execute(mine).scalars()))
        if not search.experiment_ids:
            return [], None
    phases = 2 if search.orders and search.orders[0].kind in _TABLES else 1
    found: list[int] = []
    while phase < phases and len(found) < limit:
        wanted = limit - len(found) + 1
        rows = _Compiler(connection, search).rows(phase if phases > 1 else None)
        seqs = list(connection.execute(rows.offset(offset).limit(wanted)).scalars())
        if len(seqs) == wanted:
            found += seqs[:-1]
            return found, (phase, offset + wanted - 1)
        found += seqs
        phase, offset = phase + 1, 0
    if phase < phases:
        return found, (phase, offset)
    return found, None


class _InOrder(Join):
    """A join that SQLite does in the order written; other databases know their tables well enough."""

    inherit_cache = True


@compiles(_InOrder, "sqlite")
def _in_order(element: _InOrder, compiler: Any, **options: Any) -> str:
    inside = {**options, "asfrom": True}
    left, right = (compiler.process(side, **inside) for side in (element.left, element.right))
    if (linter := options.get("from_linter")) is not None:  # what SQLAlchemy's own joins tell it: these two are joined
        linter.edges.update(itertools.product(element.left._from_objects, element.right._from_objects))
    on = compiler.process(element.onclause, **{**options, "from_linter": None})
    return f"{left} CROSS JOIN {right} ON {on}"


class _Compiler:
    """One statement: what must hold is joined, the rest are conditions.

    SQLite's planner does not know how many runs have a value, so this class asks: a comparison that few rows satisfy is
    where the search starts; else it starts from the index that gives the order, and stops after the page.
    """

    def __init__(self, connection: Connection, search: Search) -> None:
        self._connection = connection
        self._dialect = connection.dialect.name
        self._search = search
        self._joined: dict[tuple[str, str], Any] = {}
        self._outer: list[tuple[Any, ColumnElement[bool]]] = []
        self._where: list[ColumnElement[bool]] = []

    def rows(self, phase: int | None) -> Any:
        """SELECT of row numbers in order; ``phase`` 0 only those with the first order key, 1 only those without."""
        search = self._search
        first = search.orders[0] if phase is not None else None
        few: Any = None
        if first is not None and phase == 0:
            self._where.append(self._join(first.kind, first.key).c[_TABLES[first.kind][1]].is_not(None))
        for part in search.tree.parts if isinstance(search.tree, All) else (search.tree,):
            selective = self._top(part)
            few = selective if few is None else few
        by: list[Any] = []
        for order in search.orders:
            if phase == 1 and order is first:
                self._where.append(self._without(order))
                continue
            by += self._order(order, required=phase == 0 and order is first)
        by += [runs.c.start_ms.desc(), runs.c.seq.desc()]
        start = few
        if start is None and first is not None and phase == 0:
            start = self._joined[(first.kind, first.key)]
        return select(runs.c.seq).select_from(self._source(start)).where(self._owned(), *self._where).order_by(*by)

    def _owned(self) -> ColumnElement[bool]:
        """Which runs are looked at; their experiments are known to be the project's."""
        search = self._search
        mine = runs.c.project_id == search.project_id
        if ids := search.experiment_ids:
            mine = runs.c.experiment_id == ids[0] if len(ids) == 1 else runs.c.experiment_id.in_(ids)
        return mine if search.active is None else and_(mine, runs.c.active == search.active)

    def _source(self, start: Any) -> FromClause:
        joins = [(alias, _of_run(alias, key)) for (_, key), alias in self._joined.items()]
        source: FromClause = runs
        if start is not None:
            on = next(on for alias, on in joins if alias is start)
            source = _InOrder(start, runs, on)
        for alias, on in joins:
            if alias is not start:
                source = _InOrder(source, alias, on)
        for alias, on in self._outer:
            source = source.join(alias, on, isouter=True)
        return source

    def _join(self, kind: str, key: str) -> Any:
        return self._joined.setdefault((kind, key), _TABLES[kind][0].alias())

    def _top(self, part: Filter) -> Any:
        """Take in a comparison that must hold; returns its table when few rows satisfy it."""
        if not (isinstance(part, Comparison) and part.kind in _TABLES and part.op != "missing"):
            self._where.append(self._condition(part))
            return None
        alias = self._join(part.kind, part.key)
        if part.op == "exists":
            return None
        column = alias.c[_TABLES[part.kind][1]]
        test = self._compare(column, part)
        self._where.append(test)
        if self._dialect != "sqlite" or part.op in {"!=", "not in", "like", "ilike"}:
            return None
        some = select(alias.c.run_seq).where(alias.c.key == part.key, test).limit(_FEW + 1).subquery()
        count = self._connection.execute(select(func.count()).select_from(some)).scalar_one()
        return alias if count <= _FEW else None

    def _condition(self, part: Filter) -> ColumnElement[bool]:
        if isinstance(part, All):
            return and_(true(), *(self._condition(p) for p in part.parts))
        if isinstance(part, Any_):
            return or_(*(self._condition(p) for p in part.parts))
        if part.kind == "attribute":
            return self._attribute(part)
        if part.kind == "dataset":
            return self._dataset(part)
        table, column = _TABLES[part.kind]
        mine = table.alias()
        owned = and_(mine.c.run_seq == runs.c.seq, mine.c.key == part.key)
        if part.op in {"exists", "missing"}:
            there = exists().where(owned)
            return there if part.op == "exists" else not_(there)
        return exists().where(owned, self._compare(mine.c[column], part))

    def _attribute(self, part: Comparison) -> ColumnElement[bool]:
        column = attribute(part.key)
        if part.op in {"exists", "missing"}:
            found: ColumnElement[bool] = column.is_not(None) if part.op == "exists" else column.is_(None)
            return found
        values = part.value if isinstance(part.value, tuple) else (part.value,)
        if part.key.lower() in _NUMBERS:
            if not all(isinstance(v, (int, float)) or str(v).isdigit() for v in values):
                raise InvalidInput(f"{part.key} is a number; compare it with one, not with {part.value!r}.")
            values = tuple(v if isinstance(v, float) else int(v) for v in values)
        else:
            values = tuple(str(v) for v in values)
        return self._compare(
            column,
            Comparison(
                kind="attribute", key=part.key, op=part.op, value=values if isinstance(part.value, tuple) else values[0]
            ),
        )

    def _dataset(self, part: Comparison) -> ColumnElement[bool]:
        if part.key not in {"name", "digest", "context"}:
            raise InvalidInput(f"Datasets are searched by name, digest or context, not by {part.key!r}.")
        if part.op in {"exists", "missing"} or part.op in {"<", "<=", ">", ">="}:
            raise InvalidInput(f"{part.op} does not apply to datasets; use = != LIKE ILIKE or IN.")
        values = part.value if isinstance(part.value, tuple) else (part.value,)
        marks = {f"value_{i}": str(v) for i, v in enumerate(values)}
        word = {"in": "IN", "not in": "NOT IN", "like": "LIKE", "ilike": "LIKE"}.get(part.op, part.op)
        if word == "LIKE" and self._dialect == "postgresql":
            word = part.op.upper()
        test = f"{word} ({', '.join(':' + m for m in marks)})" if "IN" in word.split() else f"{word} :value_0"
        return text(f"EXISTS ({_DATASETS[self._dialect].format(test)})").bindparams(
            bindparam("field", part.key, unique=True), *(bindparam(m, v, unique=True) for m, v in marks.items())
        )  # type: ignore[return-value]  # a text clause serves as a condition

    def _compare(self, column: Any, part: Comparison) -> ColumnElement[bool]:
        value, op = part.value, part.op
        if part.kind == "metric":
            for number in value if isinstance(value, tuple) else (value,):
                if not isinstance(number, (int, float)):
                    raise InvalidInput(f"Metrics are numbers: compare {part.key} with a number, not with {number!r}.")
            if op in {"like", "ilike"}:
                raise InvalidInput(f"Metrics are numbers: {op.upper()} does not apply to {part.key}.")
        elif part.kind in {"param", "tag"}:
            value = tuple(str(v) for v in value) if isinstance(value, tuple) else str(value)
        if op in {"in", "not in"}:
            found: ColumnElement[bool] = column.in_(value) if op == "in" else column.not_in(value)
            return found
        if op in {"like", "ilike"}:
            return self._like(column, str(value), folded=op == "ilike")
        tests = {
            "=": column.__eq__,
            "!=": column.__ne__,
            "<": column.__lt__,
            "<=": column.__le__,
            ">": column.__gt__,
            ">=": column.__ge__,
        }
        result: ColumnElement[bool] = tests[op](value)
        return result

    def _like(self, column: Any, pattern: str, *, folded: bool) -> ColumnElement[bool]:
        if folded:
            column, pattern = func.lower(column), pattern.lower()
        found: ColumnElement[bool]
        if self._dialect == "sqlite":  # its LIKE ignores case; GLOB does not
            table = {"%": "*", "_": "?", "*": "[*]", "?": "[?]", "[": "[[]"}
            found = column.op("GLOB")("".join(table.get(c, c) for c in pattern))
        else:
            found = column.like(pattern.replace("\\", "\\\\"))
        return found

    def _order(self, order: Order, *, required: bool) -> list[Any]:
        if order.kind == "attribute":
            column = attribute(order.key)
            keys = [column.is_(None)] if column is runs.c.end_ms or column is runs.c.step_run_id else []
        elif order.kind in _TABLES:
            table, name = _TABLES[order.kind]
            mine = self._joined.get((order.kind, order.key))
            if mine is None:
                mine = table.alias()
                self._outer.append((mine, _of_run(mine, order.key)))
            column, keys = mine.c[name], [] if required else [mine.c[name].is_(None)]
        else:
            raise InvalidInput("Runs are not ordered by datasets; use metrics, params, tags or attributes.")
        return [*keys, column.desc() if order.descending else column.asc()]

    @staticmethod
    def _without(order: Order) -> ColumnElement[bool]:
        table, name = _TABLES[order.kind]
        mine = table.alias()
        owned = and_(mine.c.run_seq == runs.c.seq, mine.c.key == order.key, mine.c[name].is_not(None))
        return not_(exists().where(owned))


def _of_run(alias: Any, key: str) -> ColumnElement[bool]:
    return and_(alias.c.run_seq == runs.c.seq, alias.c.key == key)


def attribute(key: str) -> Any:
    """The column of a run's attribute; InvalidInput lists those there are."""
    column = ATTRIBUTES.get(key.lower())
    if column is None:
        raise InvalidInput(
            f"Runs have no attribute {key!r}; there are: {', '.join(sorted(set(ATTRIBUTES) - {'run name'}))}."
        )
    return column
