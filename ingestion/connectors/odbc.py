"""Any database through its ODBC driver: every value asked for as the driver's own exact text."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl
import pyarrow as pa

from ingestion.connectors.access import Access, Session, failed, options_of
from ingestion.connectors.sqltext import Sql
from tillmill.errors import SettingsError

# Rows are handed over in buffers that hold each column's longest text; longer ones ask again with larger buffers.
FIRST_TEXT = 16_384
TOO_SMALL = "too large to be written into the allocated buffer"
BUFFER_BYTES = 16 << 20
# However long a text may get, a row of this many of them fits.
WIDE_COLUMNS = 64
BATCH_ROWS = 1_000
KINDS = (
    (pa.types.is_integer, "integer"),
    (pa.types.is_decimal, "decimal"),
    (pa.types.is_date, "date"),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, "timestamptz"),
    (pa.types.is_timestamp, "timestamp"),
    (pa.types.is_string, "text"),
    (pa.types.is_boolean, "boolean"),
)


def connect(access: Access) -> Session:
    """A new connection. Raises SettingsError where arrow-odbc is not installed."""
    try:
        import arrow_odbc
    except ImportError as error:
        raise SettingsError(
            "ODBC sources need the extra [odbc] and the system's unixODBC",
            next_command='pip install "tillmill[odbc]"',
        ) from error
    given = options_of(access.target)
    added = {key: value for key, value in access.dialect.driver_options.items() if key.lower() not in given}
    text = access.target.rstrip("; ") + ";" + "".join(key + "=" + value + ";" for key, value in added.items())
    try:
        connection = arrow_odbc.connect(
            text,
            password=access.password or None,
            login_timeout_sec=access.timeout_seconds,
            autocommit=access.dialect.autocommit,
        )
    except arrow_odbc.Error as error:
        raise _odbc_failed(access, error) from None
    return _Odbc(access, connection)


def _odbc_failed(access: Access, error: Exception) -> Exception:
    found = re.search(r"State: (\w{5})", str(error))
    # What arrow-odbc says itself, about types and buffers, has no state, and will be the same again.
    return failed(access, str(error), found[1] if found else "22")


@dataclass
class _Odbc:
    access: Access
    connection: Any
    longest: int = FIRST_TEXT

    def read(self, statement: Sql) -> pl.DataFrame:
        import arrow_odbc

        while True:
            reader = self._reader(statement, _as_text)
            try:
                return _texts(pa.Table.from_batches(list(reader), schema=reader.schema))
            except arrow_odbc.Error as error:
                if TOO_SMALL not in str(error) or self.longest >= self.access.most_text:
                    raise _odbc_failed(self.access, error) from None
                self.longest = min(self.longest * 8, self.access.most_text)

    def kinds(self, statement: Sql) -> dict[str, str]:
        seen: list[pa.Schema] = []

        def look(schema: pa.Schema) -> pa.Schema:
            seen.append(schema)
            return _as_text(schema)

        self._reader(statement, look)
        return {
            column.name: next((kind for is_one, kind in KINDS if is_one(column.type)), "other") for column in seen[0]
        }

    def _reader(self, statement: Sql, map_schema: Callable[[pa.Schema], pa.Schema]) -> Any:
        import arrow_odbc

        try:
            return self.connection.read_arrow_batches(
                statement.text(),
                parameters=statement.values or None,
                batch_size=BATCH_ROWS,
                max_bytes_per_batch=max(BUFFER_BYTES, WIDE_COLUMNS * self.longest),
                max_text_size=self.longest,
                max_binary_size=self.longest,
                map_schema=map_schema,
                fetch_concurrently=False,
                query_timeout_sec=self.access.statement_seconds if self.access.dialect.has_timeout else None,
            )
        except arrow_odbc.Error as error:
            raise _odbc_failed(self.access, error) from None

    def close(self) -> None:
        # The connection ends with its last reference.
        self.connection = None


def _as_text(schema: pa.Schema) -> pa.Schema:
    """What a driver is asked for: its own exact text for numbers and times, never its idea of their type.

    Drivers call double precision a 32-bit float and cut decimals whose scale they do not know; asked for the double
    and for text, they give all digits.
    """

    def wanted(kind: pa.DataType) -> pa.DataType:
        if pa.types.is_floating(kind):
            return pa.float64()
        if pa.types.is_boolean(kind) or pa.types.is_binary(kind) or pa.types.is_fixed_size_binary(kind):
            return kind
        return pa.string()

    return pa.schema([pa.field(column.name, wanted(column.type)) for column in schema])


def _texts(table: pa.Table) -> pl.DataFrame:
    frame = pl.DataFrame(table) if table.num_columns else pl.DataFrame()
    return frame.select(
        pl.col(name).bin.encode("hex") if dtype == pl.Binary
        else pl.col(name).cast(pl.Int8).cast(pl.String) if dtype == pl.Boolean
        else pl.col(name).cast(pl.String)
        for name, dtype in frame.schema.items()
    )  # fmt: skip
