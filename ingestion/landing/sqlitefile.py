"""A SQLite file of the workspace's state: how it is opened, brought up to date by scripts, and written."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self

from ingestion.landing.locks import held
from tillmill.errors import TillmillError

BUSY_SECONDS = 30.0


class SqliteFile:
    """One connection to one file; each thread and each process opens its own, as a context manager.

    A file of an older version is brought up to date by the `migrations` it lacks. Raises TillmillError where the file
    cannot be opened or written, or where a newer Tillmill made it.
    """

    called: ClassVar[str]
    # Each script takes the file from one version to the next.
    migrations: ClassVar[tuple[str, ...]]
    # FULL: a commit is on disk before the next step relies on it, through a power cut too.
    pragmas: ClassVar[tuple[str, ...]] = ("foreign_keys = on", "synchronous = full")

    def __init__(self, path: Path) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = sqlite3.connect(path, isolation_level=None, timeout=BUSY_SECONDS)
        self._connection.row_factory = sqlite3.Row
        try:
            self._prepare()
        except sqlite3.Error as error:
            self.close()
            raise self._failed(error) from error
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the last one to close folds the write-ahead log into the file."""
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All of it or nothing, on disk when this returns. Raises TillmillError when the file cannot be written."""
        try:
            self._connection.execute("begin immediate")
            yield self._connection
            self._connection.execute("commit")
        except sqlite3.OperationalError as error:
            self._roll_back()
            raise self._failed(error) from error
        except BaseException:
            self._roll_back()
            raise

    def _prepare(self) -> None:
        for pragma in self.pragmas:
            self._connection.execute(f"pragma {pragma}")
        if version_of(self._connection) < len(self.migrations):
            with held(self.path.with_suffix(".lock"), self.called, wait=True):
                if version_of(self._connection) == 0:
                    self._log_ahead()
                self._migrate()
        if (version := version_of(self._connection)) != len(self.migrations):
            raise TillmillError(
                f"{self.path} has schema version {version}, this Tillmill knows {len(self.migrations)}",
                state="Nothing was changed.",
                next_command="install the Tillmill that made this workspace, or a newer one",
            )

    def _log_ahead(self) -> None:
        """Turn to write-ahead logging: SQLite needs the file for itself, and does not wait for who looks at it."""
        patience = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                self._connection.execute("pragma journal_mode = wal")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > patience:
                    raise
                time.sleep(0.01)

    def _migrate(self) -> None:
        """All steps in one transaction: killed or failing, the file is as it was."""
        steps = self.migrations[version_of(self._connection) :]
        if not steps:
            return
        script = ("begin immediate;", *steps, f"pragma user_version = {len(self.migrations)};", "commit;")
        try:
            self._connection.executescript("\n".join(script))
        except BaseException:
            self._roll_back()
            raise

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("rollback")

    def _failed(self, error: sqlite3.Error) -> TillmillError:
        return TillmillError(
            f"{self.path}: {error}",
            state="The transaction was rolled back: nothing of it is visible, nothing is lost.",
            next_command="make room or make the folder writable, then: tillmill run",
        )


def version_of(connection: sqlite3.Connection) -> int:
    """The version of the file's tables; 0 of a new file."""
    return int(connection.execute("pragma user_version").fetchone()[0])
