"""The vault: the clear values that are needed at all, encrypted, one entry per landed record, every reading noted."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ingestion.contracts.contract import Contract, landed_name
from ingestion.privacy import keyfiles
from ingestion.privacy.vaultfile import Entry, VaultFile, apart
from tillmill.errors import RefusedError, SettingsError, UsageError
from tillmill.workspace import Workspace, now

NONCE_BYTES = 12
ROTATED_AT_ONCE = 20_000
OPENED_AT_ONCE = 10_000
PLACE: dict[str, pl.DataType] = {
    "source": pl.String(),
    "stream": pl.String(),
    "load_id": pl.String(),
    "load_seq": pl.Int64(),
    "row": pl.Int64(),
}


class Vault(VaultFile):
    """The open vault with its keys. Raises SettingsError where a key is missing or can be read by others."""

    def __init__(self, workspace: Workspace) -> None:
        self._keys = keyfiles.read_keys(workspace, workspace.settings.privacy.vault_key)
        self._ciphers = {keyfiles.name_of(key): AESGCM(key[:32]) for key in self._keys}
        super().__init__(workspace)

    def put(self, contract: Contract, source: str, load_id: str, landed_by: int, clear: pl.DataFrame) -> int:
        """Keep the clear values of the load number `landed_by`, which is about to land; returns how many entries.

        `clear` has `_load_seq` and `_row` as the rows will have them, the contract's vaulted columns and their tokens.
        Nothing counts before the ledger knows the load: `sweep` removes what never landed.
        """
        named = [name for name in contract.vaulted if name in clear.columns]
        texts = clear.select(pl.struct(named).struct.json_encode().alias("text")).to_series()
        places = list(clear.select("_load_seq", "_row").iter_rows())
        joined = pl.concat_str([landed_name(contract, name) for name in named], ignore_nulls=True)
        tokens = [bytes.fromhex(text) for text in clear.select(joined.alias("tokens")).to_series()]
        entries = (
            (*place, landed_by, some, *self.sealed(source, contract.name, place, text))
            for place, some, text in zip(places, tokens, texts, strict=True)
        )
        with self.transaction() as connection:
            connection.execute(
                "insert into loads (landed_by, load_id, source, stream) values (?, ?, ?, ?)",
                (landed_by, load_id, source, contract.name),
            )
            if (clear["_load_seq"] != landed_by).any():
                # A replay that never landed may have left the entry of a row that now does.
                self.delete(connection, places)
            connection.executemany(
                "insert into entries (load_seq, row, landed_by, tokens, key, sealed) values (?, ?, ?, ?, ?, ?)", entries
            )
            # In the order of their tree: one pass over its pages instead of a jump for each.
            connection.executemany(
                "insert into tokens (token, load_seq, row) values (?, ?, ?)",
                sorted({(token, *place) for place, some in zip(places, tokens, strict=True) for token in apart(some)}),
            )
        return len(places)

    def read(
        self, *, tokens: Sequence[str] = (), records: Iterable[Entry] = (), who: str, purpose: str
    ) -> pl.DataFrame:
        """The clear values of the entries that carry one of `tokens`, and of `records` (`_load_seq`, `_row`).

        One row per entry, the latest load last: PLACE, then each vaulted column that any of them has. The reading is
        noted (who, when, what for, how many) before a value is given out. Raises UsageError without who and purpose.
        """
        if not who.strip() or not purpose.strip():
            raise UsageError("the vault is read for a purpose by somebody: both must be said")
        asked = len(tokens)
        wanted = set(self.entries_of(tokens))
        for record in records:
            wanted.add(record)
            asked += 1
        ordered = sorted(wanted)
        # In parts: what is clear in Python's own objects takes many times the room that it takes in a frame.
        parts = [pl.DataFrame(schema=PLACE)]
        with self.transaction() as connection:
            for start in range(0, len(ordered), OPENED_AT_ONCE):
                found = self._entries(ordered[start : start + OPENED_AT_ONCE])
                opened = [self._open(row) for row in found]
                places = {name: [row[name] for row in found] for name in PLACE}
                columns = dict.fromkeys(name for values in opened for name in values)
                clear = {name: [values.get(name) for values in opened] for name in columns}
                parts.append(pl.DataFrame(places | clear, schema=PLACE | dict.fromkeys(columns, pl.String())))
            connection.execute(
                "insert into readings (at, who, purpose, asked, found) values (?, ?, ?, ?, ?)",
                (now().isoformat(), who, purpose, asked, sum(part.height for part in parts)),
            )
        return pl.concat(parts, how="diagonal")

    def entries_of(self, tokens: Sequence[str]) -> list[Entry]:
        """Load number and row of every entry that carries one of the tokens."""
        found: set[Entry] = set()
        for token in tokens:
            rows = self._connection.execute("select load_seq, row from tokens where token = ?", (bytes.fromhex(token),))
            found |= {(row["load_seq"], row["row"]) for row in rows}
        return sorted(found)

    def sealed(self, source: str, stream: str, entry: Entry, text: str) -> tuple[str, bytes]:
        """The name of the current key and the text encrypted with it for this entry."""
        name, cipher = self._current()
        return name, _encrypt(cipher, text, _bound(source, stream, entry))

    def rotate(self) -> int:
        """Make a new key current, encrypt every entry with it, retire the old ones; returns the number of entries.

        Killed half-way, or given two keys by hand (`env:`), it goes on where it stopped.
        """
        reference = self.workspace.settings.privacy.vault_key
        path = keyfiles.path_of(self.workspace, reference)
        if len(self._keys) == 1:
            if path is None:
                raise SettingsError(
                    f"{reference} is no file of the workspace, so Tillmill cannot write a new key there",
                    state="Nothing was changed.",
                    next_command="add the new key as a last line, then: tillmill vault rotate",
                )
            self._use([*self._keys, keyfiles.new_key()])
            keyfiles.replace(path, self._keys)
        name, cipher = self._current()
        moved, last = 0, (-1, -1)
        while batch := self._connection.execute(
            """select e.load_seq, e.row, e.key, e.tokens, e.sealed, l.source, l.stream from entries as e
            join loads as l on e.landed_by = l.landed_by where (e.load_seq, e.row) > (?, ?)
            order by e.load_seq, e.row limit ?""",
            (*last, ROTATED_AT_ONCE),
        ).fetchall():
            last = _entry_of(batch[-1])
            again = [
                (name, self._reencrypted(row, cipher), *_entry_of(row), row["sealed"])
                for row in batch
                if row["key"] != name
            ]
            with self.transaction() as connection:
                connection.executemany(
                    "update entries set key = ?, sealed = ? where load_seq = ? and row = ? and sealed = ?", again
                )
            moved += len(again)
        self.wipe_log()
        if path is not None:
            self._use(self._keys[-1:])
            keyfiles.replace(path, self._keys)
        return moved

    def state(self) -> dict[str, Any]:
        """Entries, tokens and readings, and the short names of the keys in use (the last is current)."""
        counts = {
            name: int(self._connection.execute(statement).fetchone()[0])
            for name, statement in (
                ("entries", "select count(*) from entries"),
                ("tokens", "select count(*) from tokens"),
                ("readings", "select count(*) from readings"),
                ("left_out", "select count(*) from suppressed"),
            )
        }
        return {**counts, "keys": list(self._ciphers)}

    def readings(self) -> pl.DataFrame:
        """Who read the vault when, what for, how many were asked and found; newest first."""
        rows = self._connection.execute("select at, who, purpose, asked, found from readings order by reading desc")
        return pl.DataFrame(
            [tuple(row) for row in rows],
            schema={"at": pl.String, "who": pl.String, "purpose": pl.String, "asked": pl.Int64, "found": pl.Int64},
            orient="row",
        )

    def _entry(self, entry: Entry) -> Any:
        return next(iter(self._entries([entry])), None)

    def _entries(self, entries: Sequence[Entry]) -> list[Any]:
        """Those of the entries that are there, in their order."""
        return self._connection.execute(
            """select e.load_seq, e.row, e.key, e.tokens, e.sealed, l.source, l.stream, l.load_id
            from json_each(?) as wanted cross join entries as e on e.load_seq = json_extract(wanted.value, '$[0]')
                and e.row = json_extract(wanted.value, '$[1]')
            join loads as l on e.landed_by = l.landed_by order by wanted.key""",
            (json.dumps(entries),),
        ).fetchall()

    def _open(self, row: Any) -> dict[str, str]:
        clear = _decrypt(self._ciphers, row)
        return {name: value for name, value in json.loads(clear).items() if value is not None}

    def _reencrypted(self, row: Any, cipher: AESGCM) -> bytes:
        return _encrypt(cipher, _decrypt(self._ciphers, row), _bound(row["source"], row["stream"], _entry_of(row)))

    def _current(self) -> tuple[str, AESGCM]:
        name = keyfiles.name_of(self._keys[-1])
        return name, self._ciphers[name]

    def _use(self, keys: list[bytes]) -> None:
        self._keys = keys
        self._ciphers = {keyfiles.name_of(key): AESGCM(key[:32]) for key in keys}


def sweep(workspace: Workspace, source: str, stream: str, landed: set[int]) -> int:
    """Remove the entries of loads of this stream that never landed; returns how many loads.

    The caller holds the stream's lock; `landed` are the numbers of the loads the ledger counts.
    """
    if not workspace.vault.exists():
        return 0
    with VaultFile(workspace) as vault:
        return vault.sweep(source, stream, landed)


def _entry_of(row: Any) -> Entry:
    return row["load_seq"], row["row"]


def _bound(source: str, stream: str, entry: Entry) -> str:
    return f"{source}/{stream}/{entry[0]}/{entry[1]}"


def _encrypt(cipher: AESGCM, text: str, bound: str) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, text.encode(), bound.encode())


def _decrypt(ciphers: dict[str, AESGCM], row: Any) -> str:
    bound = _bound(row["source"], row["stream"], _entry_of(row))
    try:
        cipher = ciphers[row["key"]]
        return cipher.decrypt(row["sealed"][:NONCE_BYTES], row["sealed"][NONCE_BYTES:], bound.encode()).decode()
    except (InvalidTag, KeyError) as error:
        raise RefusedError(
            f"the vault's entry {bound} does not open with this workspace's vault key",
            next_command="put the key that was current back into its file as the first line",
        ) from error
