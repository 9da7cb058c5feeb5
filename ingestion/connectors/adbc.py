"""PostgreSQL through ADBC: rows as Arrow, straight from libpq."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import adbc_driver_manager
import adbc_driver_postgresql
import polars as pl
import pyarrow as pa

from ingestion.connectors.access import Access, Session, failed
from ingestion.connectors.sqltext import Sql


def address(access: Access) -> str:
    """The URL as libpq takes it: with the password, TLS, and time-outs that notice a server that has gone."""
    parts = urlsplit(access.target)
    options = {
        "application_name": "tillmill",
        "connect_timeout": str(access.timeout_seconds),
        "tcp_user_timeout": str(access.timeout_seconds * 1000),
        "keepalives_idle": str(access.timeout_seconds),
        "sslmode": access.tls,
    }
    if access.tls_root:
        options["sslrootcert"] = access.tls_root
    if access.password:
        options["password"] = access.password
    options |= dict(parse_qsl(parts.query))
    return urlunsplit(parts._replace(query=urlencode(options, quote_via=quote)))


def connect(access: Access) -> Session:
    """A new connection."""
    try:
        database = adbc_driver_postgresql.connect(address(access))
        return _Adbc(access, database, adbc_driver_manager.AdbcConnection(database))
    except adbc_driver_manager.Error as error:
        raise failed(access, str(error), error.sqlstate or "") from None


@dataclass
class _Adbc:
    access: Access
    database: adbc_driver_manager.AdbcDatabase
    connection: adbc_driver_manager.AdbcConnection

    def read(self, statement: Sql) -> pl.DataFrame:
        try:
            asked = adbc_driver_manager.AdbcStatement(self.connection)
            try:
                asked.set_sql_query(statement.text(numbered=True))
                if statement.values:
                    asked.prepare()
                    asked.bind(pa.record_batch({str(at): [value] for at, value in enumerate(statement.values)}))
                handle, _ = asked.execute_query()
                return pl.DataFrame(handle)
            finally:
                asked.close()
        except adbc_driver_manager.Error as error:
            raise failed(self.access, str(error), error.sqlstate or "") from None
        except pl.exceptions.PolarsError as error:
            # An error that comes with the rows is passed on by whoever reads them.
            raise failed(self.access, str(error), "") from None

    def kinds(self, statement: Sql) -> dict[str, str]:
        return dict.fromkeys(self.read(statement).columns, "unknown")

    def close(self) -> None:
        self.connection.close()
        self.database.close()
