"""A new token key: every token in lake and vault is wrapped with it, and values to come go through the whole chain."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from ingestion.contracts import ALL
from ingestion.contracts.contract import Contract, landed_name
from ingestion.landing.ledger import Ledger
from ingestion.landing.locks import stream_lock
from ingestion.privacy import keyfiles, records
from ingestion.privacy.person import visible_files
from ingestion.privacy.requests import Request, Requests
from ingestion.privacy.tokens import TOKEN_BYTES, moved
from tillmill.errors import SettingsError
from tillmill.workspace import Workspace

_TOKEN = rf"^[0-9a-f]{{{2 * TOKEN_BYTES}}}$"


def ask(workspace: Workspace, *, by: str) -> Request:
    """Make the new key and note that it is to be used; the next run finishes the work. The caller holds the run lock.

    Raises SettingsError where the token key is not in a file of the workspace.
    """
    _, waiting = _files(workspace)
    key = keyfiles.new_key()
    # Beside the keys in use until every file has moved: whatever stands in between, a value has one token.
    keyfiles.replace(waiting, [key])
    with Requests(workspace) as requests:
        return requests.ask("rekey", by=by, source="", tokens={}, detail={"key": keyfiles.name_of(key)})


def carry_out(workspace: Workspace, ledger: Ledger, request: Request) -> None:
    """Move every token; again after a kill is safe. The caller holds the run lock, and no candidate is pending."""
    path, waiting = _files(workspace)
    keys = keyfiles.read_keys(workspace, workspace.settings.privacy.token_key)
    with Requests(workspace) as requests:
        if keyfiles.name_of(keys[-1]) != request.detail["key"]:
            [key] = [bytes.fromhex(line) for line in waiting.read_text().split()]
            if keyfiles.name_of(key) != request.detail["key"]:
                raise SettingsError(
                    f"{waiting} holds another key than the one the tokens are moving to",
                    state="Files that have moved stay; nothing else was changed.",
                    next_command=f"put {waiting.name} back from a backup, then: tillmill run",
                )
            _move_files(workspace, ledger, request, key)
            if not request.detail.get("is_vault_moved"):
                detail = {**request.detail, "is_vault_moved": True}
                requests.update(request, detail, also=lambda: requests.move_tokens(lambda old: moved(old, key)))
            keyfiles.replace(path, [*keys, key])
        waiting.unlink(missing_ok=True)
        requests.move_to(request, "rewritten")


def _files(workspace: Workspace) -> tuple[Path, Path]:
    reference = workspace.settings.privacy.token_key
    path = keyfiles.path_of(workspace, reference)
    if path is None:
        raise SettingsError(
            f"{reference} is no file of the workspace, so Tillmill cannot add a key to it",
            state="Nothing was changed.",
            next_command="set [privacy] token_key to a file: reference with the same keys, then: tillmill rekey",
        )
    return path, path.with_name(f"{path.name}.next")


def _move_files(workspace: Workspace, ledger: Ledger, request: Request, key: bytes) -> None:
    done = {replaced.load_id for replaced in ledger.replaced(request.why)}
    # Learnt streams first: as long as one of them is left, every member's file still has the old tokens.
    names = _moved_records(workspace, ledger, key, done)
    for contract, load, file in list(visible_files(ledger, (ALL[name] for name in records.COLUMNS))):
        if load.load_id not in done:
            rows = pl.read_parquet(workspace.root / file)
            anew = rows.with_columns(pl.col(name).replace(names) for name in records.COLUMNS[contract.name])
            with stream_lock(workspace, load.source, load.stream):
                ledger.rewrite(load.load_id, file, anew, why=request.why, rows=rows.height)
    personal = [contract for contract in ALL.values() if contract.personal]
    for contract, load, file in list(visible_files(ledger, personal)):
        if load.load_id not in done:
            rows = pl.read_parquet(workspace.root / file)
            with stream_lock(workspace, load.source, load.stream):
                ledger.rewrite(load.load_id, file, _moved(contract, rows, key), why=request.why, rows=rows.height)


def _moved(contract: Contract, rows: pl.DataFrame, key: bytes) -> pl.DataFrame:
    columns = [landed_name(contract, name) for name in contract.personal]
    return rows.with_columns(_moved_column(rows[name], key) for name in columns)


def _moved_column(tokens: pl.Series, key: bytes) -> pl.Series:
    """Each token's successor; the keys of tombstones, which are nobody's, stay."""
    old = tokens.filter(tokens.str.contains(_TOKEN).fill_null(False)).unique().to_list()
    return tokens.replace(old, [moved(one, key) for one in old]) if old else tokens


def _moved_records(workspace: Workspace, ledger: Ledger, key: bytes, done: set[str]) -> dict[str, str]:
    """New names of the records that are named by a token: the members'."""
    names: dict[str, str] = {}
    for _, load, file in visible_files(ledger, [ALL["crm.members"]]):
        if load.load_id in done:
            continue
        kind, (column,) = records.NAMED_BY["crm.members"]
        for one in pl.read_parquet(workspace.root / file, columns=[column])[column].unique():
            if len(one) == 2 * TOKEN_BYTES:
                old = records.record_token(load.source, kind, one)
                names[old] = records.record_token(load.source, kind, moved(one, key))
    return names
