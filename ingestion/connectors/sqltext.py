"""SQL put together from parts: keywords of ours, names that are quoted, values that are only ever bound."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from tillmill.errors import SettingsError

DialectName = Literal["postgresql", "sqlserver", "mysql", "oracle", "sqlite"]
MOST_NAME = 128


@dataclass(frozen=True)
class Bound:
    """A value's place in a statement; the value itself never becomes part of the text."""

    value: str


@dataclass(frozen=True)
class Sql:
    """A piece of a statement: text and bound values in their order."""

    parts: tuple[str | Bound, ...]

    def text(self, numbered: bool = False) -> str:
        """The statement with `?` for each value, or (`numbered`) `$1`, `$2`, as PostgreSQL's own protocol wants."""
        told: list[str] = []
        count = 0
        for part in self.parts:
            if isinstance(part, Bound):
                count += 1
                told.append("$" + str(count) if numbered else "?")
            else:
                told.append(part)
        return " ".join(told)

    @property
    def values(self) -> list[str]:
        return [part.value for part in self.parts if isinstance(part, Bound)]


def join(*parts: Sql | str | Bound) -> Sql:
    """One statement of many parts; a bare string must be a keyword of our own."""
    flat: list[str | Bound] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Sql) else (part,))
    return Sql(tuple(flat))


def between(separator: str, pieces: Iterable[Sql]) -> Sql:
    """The pieces with a separator between them, such as a comma or `and`."""
    joined: list[Sql | str] = []
    for piece in pieces:
        joined += [separator, piece] if joined else [piece]
    return join(*joined)


@dataclass(frozen=True)
class Dialect:
    """How one database writes what we need; everything else we ask is the same in all of them.

    `session` runs on every new connection, so that it can read and not write. `casts` turns a bound text into the kind
    a key or cursor column has, `{}` standing for the value. `texts` has the server itself write a column of that kind
    as text, exactly, `{}` standing for the column (`*`: any other kind); what it does not name, the driver writes.
    """

    name: DialectName
    session: tuple[str, ...]
    casts: Mapping[str, str]
    quotes: tuple[str, str] = ('"', '"')
    limit: Literal["limit", "fetch"] = "limit"
    compares_rows: bool = False
    texts: Mapping[str, str] = field(default_factory=dict)
    has_timeout: bool = True
    autocommit: bool = True
    driver_options: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, identifier: str) -> Sql:
        """A quoted name. Raises SettingsError for what no database calls anything."""
        if not identifier or len(identifier) > MOST_NAME or any(ord(letter) < 32 for letter in identifier):
            raise SettingsError(f"{identifier!r} is no name of a table or column")
        first, last = self.quotes
        return Sql((first + identifier.replace(last, last * 2) + last,))

    def column(self, identifier: str) -> Sql:
        """A column of the relation a statement reads, which is always called q."""
        return Sql(("q." + self.name_of(identifier).text(),))

    def table(self, name: str) -> Sql:
        """A table by its dotted name (schema.table)."""
        parts = name.split(".")
        if len(parts) > 3:
            raise SettingsError(f"{name!r} is no table; write schema.table")
        return Sql((".".join(self.name_of(part).text() for part in parts),))

    def bound(self, value: str, kind: str) -> Sql:
        """A bound value as what its column is."""
        before, _, after = self.casts[kind].partition("{}")
        return join(*(part for part in (before.strip(), Bound(value), after.strip()) if part != ""))

    def written(self, column: Sql, kind: str) -> Sql:
        """A column as text, where the server writes it better than the driver."""
        template = self.texts.get(kind, self.texts.get("*", "{}"))
        return Sql((column.text().join(template.split("{}")),))

    def first(self, rows: int) -> Sql:
        """The clause at a statement's end that keeps its first rows."""
        count = str(int(rows))
        if self.limit == "limit":
            return join("limit", count)
        return join("offset 0 rows fetch next", count, "rows only")

    def after(self, columns: Sequence[Sql], values: Sequence[Sql]) -> Sql:
        """The condition that a row stands behind `values` in the order of `columns`."""
        if len(columns) == 1:
            return join(columns[0], ">", values[0])
        if self.compares_rows:
            return join("(", between(",", columns), ") > (", between(",", values), ")")
        # The first comparison says nothing new, but an index can follow it, and no `or`.
        rest = self.after(columns[1:], values[1:])
        return join(
            "(", columns[0], ">=", values[0], "and (", columns[0], ">", values[0],
            "or (", columns[0], "=", values[0], "and", rest, ") ) )",
        )  # fmt: skip


POSTGRESQL = Dialect(
    "postgresql",
    session=(
        "set default_transaction_read_only = on",
        "set timezone = 'UTC'",
        "set datestyle = 'ISO'",
        "set intervalstyle = 'iso_8601'",
        "set bytea_output = 'hex'",
        "set extra_float_digits = 1",
    ),
    casts={
        "integer": "cast( {} as bigint)",
        "decimal": "cast( {} as numeric)",
        "timestamptz": "cast( {} as timestamp with time zone)",
        "timestamp": "cast( {} as timestamp without time zone)",
        "date": "cast( {} as date)",
        "uuid": "cast( {} as uuid)",
        "char": "cast( {} as bpchar)",
        "text": "cast( {} as text)",
    },
    compares_rows=True,
    texts={"money": "cast(cast({} as numeric) as text)", "*": "cast({} as text)"},
    # Text longer than the driver's 255 or 8,190 characters is an error otherwise.
    driver_options={"MaxVarcharSize": "16777216", "MaxLongVarcharSize": "16777216", "BoolsAsChar": "0"},
)
# SQLite keeps numbers and text side by side in one column, whatever its driver says of it; its own text of a real has
# 15 digits, which is not always all of them.
SQLITE_TEXT = """case typeof({}) when 'blob' then hex({})
when 'real' then case when cast(printf('%!.15g', {}) as real) = {} then printf('%!.15g', {})
else printf('%!.17g', {}) end
else cast({} as text) end"""
SQLITE = Dialect(
    "sqlite",
    session=("pragma query_only = on",),
    casts={"integer": "cast( {} as numeric)", "decimal": "cast( {} as numeric)", "text": "{}"},
    compares_rows=True,
    texts={"*": SQLITE_TEXT},
    has_timeout=False,
    driver_options={"NoCreat": "1", "NoWCHAR": "1", "Timeout": "10000"},
)
SQLSERVER = Dialect(
    "sqlserver",
    # ApplicationIntent asks for a readable copy where there is one; what may be written is the login's to say.
    session=("set dateformat ymd",),
    casts={
        "integer": "cast( {} as bigint)",
        "decimal": "cast( {} as decimal(38, 10))",
        "timestamptz": "cast( {} as datetimeoffset(7))",
        "timestamp": "cast( {} as datetime2(7))",
        "date": "cast( {} as date)",
        "text": "{}",
    },
    quotes=("[", "]"),
    limit="fetch",
    driver_options={"ApplicationIntent": "ReadOnly"},
)
MYSQL = Dialect(
    "mysql",
    session=("set session transaction read only", "set time_zone = '+00:00'"),
    casts={
        "integer": "cast( {} as decimal(65, 0))",
        "decimal": "cast( {} as decimal(65, 30))",
        "timestamp": "cast( {} as datetime(6))",
        "date": "cast( {} as date)",
        "text": "{}",
    },
    quotes=("`", "`"),
    # MariaDB's driver announces 19 characters for a time, whatever its fraction, and hands over a bit as null.
    texts={"timestamp": "cast({} as char(32))", "boolean": "cast({} + 0 as char(1))"},
    has_timeout=False,
    driver_options={"Charset": "utf8mb4"},
)
ORACLE = Dialect(
    "oracle",
    # A read-only transaction, which lasts as long as nothing commits.
    autocommit=False,
    session=(
        "alter session set time_zone = 'UTC'",
        "alter session set nls_numeric_characters = '.,'",
        "set transaction read only",
    ),
    casts={
        "integer": "cast( {} as number)",
        "decimal": "cast( {} as number)",
        "timestamp": "to_timestamp( {} , 'YYYY-MM-DD HH24:MI:SS.FF9')",
        "date": "to_date( {} , 'YYYY-MM-DD')",
        "text": "{}",
    },
    limit="fetch",
)
DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in (POSTGRESQL, SQLSERVER, MYSQL, ORACLE, SQLITE)}
