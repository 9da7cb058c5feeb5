"""An open database that is read one statement at a time, and opened again when its connection is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import polars as pl
import stamina

from ingestion.connectors import adbc, odbc
from ingestion.connectors.access import STATE, Access, PassingError, Session
from ingestion.connectors.retries import at
from ingestion.connectors.sqltext import Sql, join
from tillmill.errors import SourceError

Answer = TypeVar("Answer")


@dataclass
class Database:
    """A connection that opens itself again when it is lost; every read is one statement, so trying again is safe."""

    access: Access
    _session: Session | None = None

    def read(self, statement: Sql) -> pl.DataFrame:
        """The statement's rows, every value as text. Raises SourceError with the database's words."""
        return self._tried(lambda session: session.read(statement))

    def kinds(self, statement: Sql) -> dict[str, str]:
        """The kind of each of the statement's columns by name (`integer`, `text`, `timestamp`, `other`)."""
        return self._tried(lambda session: session.kinds(statement))

    def _tried(self, what: Callable[[Session], Answer]) -> Answer:
        access = self.access
        try:
            for attempt in stamina.retry_context(
                on=PassingError,
                attempts=access.attempts,
                timeout=None,
                wait_initial=access.first_wait_seconds,
                wait_jitter=access.first_wait_seconds,
            ):
                with attempt, at(access.where):
                    try:
                        if self._session is None:
                            self._session = _open(access)
                        return what(self._session)
                    except PassingError:
                        self.close()
                        raise
        except PassingError as error:
            raise SourceError(f"{access.where}: {error}, after {access.attempts} attempts", state=STATE) from None
        raise SourceError(f"{access.where}: no attempt was made", state=STATE)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close()


@contextmanager
def open_database(access: Access) -> Iterator[Database]:
    """The database, connected when it is first read."""
    database = Database(access)
    try:
        yield database
    finally:
        database.close()


def _open(access: Access) -> Session:
    session: Session = adbc.connect(access) if access.is_url else odbc.connect(access)
    try:
        for statement in access.dialect.session:
            session.read(join(statement))
        if access.dialect.name == "postgresql":
            session.read(join("set statement_timeout =", str(access.statement_seconds * 1000)))
    except BaseException:
        session.close()
        raise
    return session
