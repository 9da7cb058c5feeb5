"""How a database is reached, and what its errors mean: trouble of the moment, or a Stop in the database's words."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import quote, urlsplit

import polars as pl

from ingestion.connectors.sqltext import Dialect, Sql
from tillmill.errors import SourceError

STATE = "The cursor has not moved; other streams go on."
# What will be the same on the next try: a value, a name, a right or a driver that is wrong; a statement cancelled.
LASTING = ("0A", "22", "23", "25", "28", "3D", "3F", "42", "57014", "HYT00", "IM", "HY092", "HYC00", "01000")


class PassingError(Exception):
    """The database's trouble of the moment; the same read may succeed on a new connection."""


@dataclass(frozen=True)
class Access:
    """How to reach a database: `target` is its URL or ODBC connection string, without a password."""

    target: str
    dialect: Dialect
    password: str = field(default="", repr=False)
    tls: str = "require"
    tls_root: str = ""
    timeout_seconds: int = 30
    statement_seconds: int = 600
    attempts: int = 4
    first_wait_seconds: float = 0.5
    most_text: int = 1 << 20

    @property
    def is_url(self) -> bool:
        return self.target.startswith(("postgresql://", "postgres://"))

    @property
    def where(self) -> str:
        """The database in words, for messages: host and name, never a password."""
        if self.is_url:
            parts = urlsplit(self.target)
            return f"{parts.hostname or 'local'}:{parts.port or 5432}{parts.path}"
        told = options_of(self.target)
        host = told.get("server") or told.get("servername") or told.get("dsn") or "local"
        name = told.get("database") or told.get("dbq") or ""
        return name if name.startswith("/") else f"{host}/{name}".rstrip("/")


class Session(Protocol):
    """One open connection."""

    def read(self, statement: Sql) -> pl.DataFrame: ...
    def kinds(self, statement: Sql) -> dict[str, str]: ...
    def close(self) -> None: ...


def failed(access: Access, words: str, sqlstate: str) -> Exception:
    """The error to raise: one that passes, or a Stop. The database's own words, on one line, without the password."""
    told = " ".join(words.split())
    if access.password:
        told = told.replace(access.password, "***").replace(quote(access.password, safe=""), "***")
    if sqlstate.startswith(LASTING) or "password authentication failed" in told or "canceling statement" in told:
        return SourceError(f"{access.where}: {told}", state=STATE)
    return PassingError(told)


def options_of(connection_string: str) -> dict[str, str]:
    """The connection string's keys (lower case) and values."""
    found = re.findall(r"\s*([^=;]+?)\s*=\s*(\{(?:[^}]|\}\})*\}|[^;]*)", connection_string)
    return {key.lower(): value.strip().strip("{}") for key, value in found}
