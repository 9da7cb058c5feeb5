"""What was asked and may outlast a kill: to forget a person, to change the token key or the sealing key."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from ingestion.privacy.vault import NONCE_BYTES, Vault
from ingestion.privacy.vaultfile import Entry, apart
from tillmill.workspace import now

Phase = Literal["asked", "rewritten", "done"]


@dataclass(frozen=True)
class Request:
    """One request: `asked` until every file is without the person (or under the new key), `rewritten` until a version
    built from those files is published, then `done`. `detail` is what carrying it out needs, and is gone at the end.
    """

    request: int
    kind: Literal["forget", "rekey", "reseal"]
    phase: Phase
    asked_at: datetime
    asked_by: str
    source: str
    detail: Mapping[str, Any]

    @property
    def why(self) -> str:
        """Its name in the ledger's list of files that were written anew."""
        return f"{self.kind} {self.request}"


@dataclass(frozen=True)
class Done:
    """What was done in one place: rows or files, and what stood there before and after."""

    place: str
    item: str
    rows: int


class Requests(Vault):
    """The vault with its requests. The caller holds the run lock: requests are carried out one at a time."""

    def ask(
        self, kind: str, *, by: str, source: str, tokens: Mapping[str, frozenset[str]], detail: Mapping[str, Any]
    ) -> Request:
        """Note a request, and that these tokens are to be left out from now on, in one transaction."""
        with self.transaction() as connection:
            made = connection.execute(
                "insert into requests (kind, phase, asked_at, asked_by, source) values (?, 'asked', ?, ?, ?)",
                (kind, now().isoformat(), by, source),
            )
            number = made.lastrowid
            assert number is not None
            connection.execute("update requests set detail = ? where request = ?", (self._hide(detail, number), number))
            connection.executemany(
                "insert or replace into suppressed (source, kind, token, request) values (?, ?, ?, ?)",
                [(source, kind, token, number) for kind, some in tokens.items() for token in sorted(some)],
            )
        return self.request(number)

    def request(self, number: int) -> Request:
        """The request of this number."""
        row = self._connection.execute("select * from requests where request = ?", (number,)).fetchone()
        return self._to_request(row)

    def open_requests(self) -> list[Request]:
        """Requests that are not done, oldest first."""
        rows = self._connection.execute("select * from requests where phase <> 'done' order by request")
        return [self._to_request(row) for row in rows]

    def move_to(self, request: Request, phase: Phase) -> None:
        """Note how far the request is; at its end its detail goes, from the log too."""
        with self.transaction() as connection:
            connection.execute("update requests set phase = ? where request = ?", (phase, request.request))
            if phase == "done":
                connection.execute("update requests set detail = null where request = ?", (request.request,))
        self.wipe_log()

    def update(self, request: Request, detail: Mapping[str, Any], also: Callable[[], None] = lambda: None) -> None:
        """Replace the request's detail, and change the vault with `also`, in one transaction."""
        with self.transaction() as connection:
            also()
            connection.execute(
                "update requests set detail = ? where request = ?",
                (self._hide(detail, request.request), request.request),
            )

    def forget_entries(self, request: Request, load_id: str, entries: Sequence[Entry]) -> None:
        """Delete entries with their tokens, and count them, in one transaction."""
        with self.transaction() as connection:
            if gone := self.delete(connection, entries):
                # Which rows these were is not kept: it would tie the person's sales together again.
                connection.execute(
                    """insert into done (request, place, item, rows) values (?, 'vault', ?, ?)
                    on conflict do update set rows = rows + excluded.rows""",
                    (request.request, load_id, gone),
                )

    def trim(self, entries: Sequence[Entry], columns: Sequence[str], tokens: frozenset[str]) -> None:
        """Take columns out of entries that stay: what another person gave and is to be left out."""
        with self.transaction() as connection:
            for entry in entries:
                row = self._entry(entry)
                if row is None:
                    continue
                values = {name: value for name, value in self._open(row).items() if name not in columns}
                name, sealed = self.sealed(row["source"], row["stream"], entry, json.dumps(values, ensure_ascii=False))
                lost = {bytes.fromhex(token) for token in tokens}
                kept = b"".join(token for token in apart(row["tokens"]) if token not in lost)
                connection.execute(
                    "update entries set key = ?, tokens = ?, sealed = ? where load_seq = ? and row = ?",
                    (name, kept, sealed, *entry),
                )
                connection.executemany(
                    "delete from tokens where token = ? and load_seq = ? and row = ?",
                    [(token, *entry) for token in lost],
                )

    def move_tokens(self, moved: Callable[[str], str]) -> None:
        """Put each token's successor in its place, here and in the list of who is left out; within `update`."""

        def all_moved(old: bytes) -> bytes:
            return b"".join(bytes.fromhex(moved(token.hex())) for token in apart(old))

        self._connection.create_function("moved", 1, all_moved, deterministic=True)
        self._connection.create_function("moved_text", 1, moved, deterministic=True)
        self._connection.execute("update tokens set token = moved(token)")
        self._connection.execute("update entries set tokens = moved(tokens)")
        self._connection.execute("update suppressed set token = moved_text(token)")

    def note(self, request: Request, place: str, item: str, rows: int) -> None:
        """Note what is about to be done with `item`; saying it again changes nothing."""
        with self.transaction() as connection:
            connection.execute(
                "insert or replace into done (request, place, item, rows) values (?, ?, ?, ?)",
                (request.request, place, item, rows),
            )

    def done(self, request: Request) -> list[Done]:
        """Everything noted for the request."""
        rows = self._connection.execute(
            "select place, item, rows from done where request = ? order by place, item", (request.request,)
        )
        return [Done(*row) for row in rows]

    def tokens(self, request: Request) -> dict[str, frozenset[str]]:
        """The tokens by kind that the request leaves out."""
        found: dict[str, set[str]] = {}
        rows = self._connection.execute("select kind, token from suppressed where request = ?", (request.request,))
        for row in rows:
            found.setdefault(row["kind"], set()).add(row["token"])
        return {kind: frozenset(some) for kind, some in found.items()}

    def _hide(self, detail: Mapping[str, Any], number: int) -> bytes:
        name, cipher = self._current()
        nonce = os.urandom(NONCE_BYTES)
        text = json.dumps(detail, ensure_ascii=False).encode()
        return name.encode() + nonce + cipher.encrypt(nonce, text, f"request/{number}".encode())

    def _to_request(self, row: sqlite3.Row) -> Request:
        detail: Mapping[str, Any] = {}
        if row["detail"] is not None:
            name, nonce, hidden = (
                row["detail"][:8],
                row["detail"][8 : 8 + NONCE_BYTES],
                row["detail"][8 + NONCE_BYTES :],
            )
            cipher = self._ciphers[name.decode()]
            detail = json.loads(cipher.decrypt(nonce, hidden, f"request/{row['request']}".encode()))
        return Request(
            row["request"],
            row["kind"],
            row["phase"],
            datetime.fromisoformat(row["asked_at"]),
            row["asked_by"],
            row["source"],
            detail,
        )
