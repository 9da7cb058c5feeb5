"""A table or query of a database: its columns and what they are, and its rows in pages by key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl

from ingestion.connectors.databases import Database
from ingestion.connectors.sqltext import Dialect, Sql, between, join
from tillmill.errors import SourceError

# Beside a page's own columns: the values it is ordered by.
ORDER = "_order_"
POSTGRESQL_KINDS = {
    "smallint": "integer",
    "integer": "integer",
    "bigint": "integer",
    "numeric": "decimal",
    "timestamp with time zone": "timestamptz",
    "timestamp without time zone": "timestamp",
    "date": "date",
    "uuid": "uuid",
    "character": "char",
    "character varying": "text",
    "text": "text",
    "money": "money",
}
SQLITE_KINDS = {"integer": "integer", "real": "decimal", "text": "text"}


@dataclass(frozen=True)
class Rows:
    """One page: its records, the values they are ordered by (ORDER columns), and those of its last row."""

    records: pl.DataFrame
    order: pl.DataFrame
    last: list[str]


@dataclass(frozen=True)
class Relation:
    """What is read, always called q in a statement. `kinds` is the kind of each column, in order."""

    database: Database
    dialect: Dialect
    label: str
    source: Sql
    kinds: dict[str, str]

    def column(self, name: str) -> Sql:
        return self.dialect.column(name)

    def count(self, where: Sql) -> int:
        """How many rows meet a condition."""
        counted = join("select count(*) as", self.dialect.name_of("n"), "from", self.source, "q where", where)
        return int(self.database.read(counted).item())

    def highest(self, expression: Sql, kind: str) -> str:
        """The highest value of an expression, as it is written; '' where there is none."""
        highest = self.dialect.written(join("max(", expression, ")"), kind)
        found = self.database.read(join("select", highest, "as", self.dialect.name_of("n"), "from", self.source, "q"))
        return found.item() or ""

    def ordered(
        self, order: Sequence[tuple[Sql, str]], where: Sequence[Sql], after: Sequence[str] | None, page_rows: int
    ) -> Iterator[Rows]:
        """Pages of the rows that meet all of `where`, from behind `after`, in the order of expressions with kinds.

        Each page is asked for by the values of the last one's last row, so that rows that come, go or move while
        reading shift no page. Raises SourceError where two rows share the values they are ordered by.
        """
        names = [ORDER + str(number) for number in range(len(order))]
        expressions = [expression for expression, _ in order]
        wanted = [
            *((self.dialect.written(self.column(name), kind), name) for name, kind in self.kinds.items()),
            *(
                (self.dialect.written(expression, kind), name)
                for (expression, kind), name in zip(order, names, strict=True)
            ),
        ]
        columns = between(",", (join(value, "as", self.dialect.name_of(name)) for value, name in wanted))
        last = list(after) if after is not None else None
        is_more = True
        while is_more:
            conditions = list(where)
            if last is not None:
                values = [self.dialect.bound(value, kind) for value, (_, kind) in zip(last, order, strict=True)]
                conditions.append(self.dialect.after(expressions, values))
            statement = join("select", columns, "from", self.source, "q")
            if conditions:
                statement = join(statement, "where", between("and", conditions))
            # One row more than the page says whether there is another page, and whether the order is one.
            statement = join(statement, "order by", between(",", expressions), self.dialect.first(page_rows + 1))
            found = self.database.read(self._widened(statement, [name for _, name in wanted]))
            found = found.rename(dict(zip(found.columns, (name for _, name in wanted), strict=True)))
            self._check_order(found.select(names), last)
            is_more = found.height > page_rows
            found = self._zoned(found.head(page_rows))
            if found.height:
                placed = found.select(names)
                last = list(placed.row(-1))
                yield Rows(found.drop(names), placed, last)

    def _check_order(self, placed: pl.DataFrame, last: list[str] | None) -> None:
        if placed.is_duplicated().any():
            raise SourceError(
                f"{self.label}: two rows share one key; rows could be missed at a page's edge",
                state="The cursor has not moved past the last full load.",
                next_command="name in pull.key the columns that tell any two rows apart, then: tillmill run",
            )
        if last is not None and placed.height and list(placed.row(0)) == last:
            raise SourceError(
                f"{self.label}: asked for the rows behind one row, the database answers that row again; its cursor "
                "column is finer than what it writes",
                state="The cursor has not moved past the last full load.",
                next_command="round the column in pull.query, then: tillmill run",
            )

    def _widened(self, statement: Sql, names: list[str]) -> Sql:
        """SQLite's driver gives an expression 255 characters, and a column declared as text as many as it needs.

        The first, empty half of a union decides; `sql` is a text column that every SQLite database has.
        """
        if self.dialect.name != "sqlite":
            return statement
        typed = between(",", (join("sql as", self.dialect.name_of(name)) for name in names))
        return join("select", typed, "from sqlite_master where 0 union all select * from (", statement, ")")

    def _zoned(self, found: pl.DataFrame) -> pl.DataFrame:
        """Times of PostgreSQL that have a zone, in ISO form; the session is in UTC."""
        zoned = [name for name, kind in self.kinds.items() if kind == "timestamptz"]
        return found.with_columns(
            pl.col(name).str.replace(r"^(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)\+00$", "${1}T${2}Z")
            for name in zoned
        )


def describe(
    database: Database, dialect: Dialect, label: str, source: Sql, columns: Sequence[str], order: Sequence[str] = ()
) -> Relation:
    """The relation behind a table's name or a query in parentheses, with `columns` of it (none named: all).

    Raises SourceError where it has not all of these, or of `order`, the columns that rows are asked for by.
    """
    found = database.kinds(join("select * from", source, "q where 1 = 0"))
    if missing := [name for name in (*columns, *order) if name not in found]:
        raise SourceError(
            f"{label}: there is no column {', '.join(missing)}; there are {', '.join(found)}",
            state="The cursor has not moved; other streams go on.",
        )
    kinds = {name: found[name] for name in (columns or found)}
    if dialect.name == "postgresql" and kinds:
        asked = between(
            ",",
            (join("cast(pg_typeof(", dialect.column(name), ") as text) as", dialect.name_of(name)) for name in found),
        )
        # An empty table has types too: the join brings one row of nulls.
        told = database.read(join("select", asked, "from (select 1) one left join", source, "q on true limit 1"))
        types = told.row(0, named=True)
        kinds = {name: POSTGRESQL_KINDS.get(types[name], "other") for name in kinds}
    return Relation(database, dialect, label, source, kinds)


def kind_of(relation: Relation, expression: Sql, name: str) -> str:
    """The kind of a column rows are ordered by. Raises SourceError for one that has no order we can ask for."""
    kind = relation.kinds.get(name, "text")
    if relation.dialect.name == "sqlite":
        # Declared types bind nothing there; what stands in the first row decides.
        asked = join(
            "select typeof(", expression, ") as", relation.dialect.name_of("kind"), "from", relation.source,
            "q where", expression, "is not null limit 1",
        )  # fmt: skip
        told = relation.database.read(asked)
        kind = SQLITE_KINDS.get(told.item(), "other") if told.height else "text"
    if kind not in relation.dialect.casts:
        raise SourceError(
            f"{relation.label}: {name} cannot be a key or cursor: rows cannot be asked for in its order",
            state="The cursor has not moved; other streams go on.",
            next_command="cast it in pull.query to a number, text or time, then: tillmill run",
        )
    return kind
