"""Forgetting a person: every file that holds them is written anew without them, and what is left is counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from ingestion.contracts import ALL
from ingestion.contracts.contract import Contract, landed_name
from ingestion.landing import files, originals
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.prepare import FORGOTTEN
from ingestion.privacy import looking, records
from ingestion.privacy.normalise import IDENTIFYING, calling_code_of, kind_of
from ingestion.privacy.person import Asked, find_person, visible_files
from ingestion.privacy.requests import Request, Requests
from ingestion.privacy.seal import MARK, NAMELESS, is_sealed, unseal
from ingestion.privacy.search import Finder
from ingestion.privacy.signs import LOOKS
from ingestion.privacy.suppression import Erased, Tokens, erase, read_suppressed
from ingestion.privacy.tokens import Keys, load_keys
from ingestion.privacy.vaultfile import Entry
from tillmill.workspace import Workspace

# People may stand in whatever a source sends along; what Tillmill learns has no more than its columns.
LOOKED_AT = [contract for contract in ALL.values() if contract.is_sealed or not contract.is_learnt]


@dataclass
class Survey:
    """What holds a person: rows by stream, and the names of their records and of the customers these make."""

    rows: Counter[str] = field(default_factory=Counter)
    record_tokens: set[str] = field(default_factory=set)
    customers: set[str] = field(default_factory=set)


def ask(workspace: Workspace, ledger: Ledger, asked: Asked, *, by: str) -> Request:
    """Note that a person is to be forgotten; from here on no pull brings them back, and the next run finishes the work.

    The caller holds the run lock. Raises UsageError where it is not clear who is meant.
    """
    person = find_person(workspace, ledger, asked)
    return _ask(workspace, ledger, person.tokens, person.words, asked.source, by)


def ask_again(workspace: Workspace, ledger: Ledger, *, by: str) -> list[Request]:
    """Note that everybody on the list is to be forgotten again: after a backup was restored that still has them.

    The caller holds the run lock.
    """
    listed = read_suppressed(workspace).by_source
    return [_ask(workspace, ledger, tokens, [], source, by) for source, tokens in sorted(listed.items())]


def _ask(workspace: Workspace, ledger: Ledger, tokens: Tokens, words: list[str], source: str, by: str) -> Request:
    found = survey(workspace, ledger, tokens, source)
    detail = {"words": words, "records": sorted(found.record_tokens), "customers": sorted(found.customers)}
    with Requests(workspace) as requests:
        return requests.ask("forget", by=by, source=source, tokens=tokens, detail=detail)


def survey(workspace: Workspace, ledger: Ledger, tokens: Tokens, source: str = "") -> Survey:
    """Where the person stands, read only."""
    finder = _finder(workspace, tokens)
    found = Survey()
    for contract, load, file in visible_files(ledger, LOOKED_AT, source):
        rows = _read(workspace, finder, (contract, load, file))
        erased = _erase(workspace, contract, load, rows, finder)
        if erased.touched:
            found.rows[contract.name] += erased.touched
            found.record_tokens |= records.of_rows(
                contract.name, load.source, rows.filter(erased.gone | erased.unlinked)
            )
    for load, _, theirs in _quarantined(workspace, ledger, finder, source):
        found.rows[f"{load.stream}, quarantined"] += int(theirs.sum())
    for _, _, file in visible_files(ledger, [ALL["customers.identities"]]):
        rows = pl.read_parquet(workspace.root / file, columns=["record_token", "customer_id"])
        found.customers |= {*rows.filter(pl.col("record_token").is_in(list(found.record_tokens)))["customer_id"]}
    return found


def carry_out(workspace: Workspace, ledger: Ledger, request: Request) -> None:
    """Take the person out of lake, vault, quarantine, originals and exports; again after a kill is safe.

    The caller holds the run lock, and no candidate is pending.
    """
    with Requests(workspace) as requests:
        tokens = requests.tokens(request)
        finder = _finder(workspace, tokens)
        _forget_records(workspace, ledger, request)
        for contract, load, file in list(visible_files(ledger, LOOKED_AT, request.source)):
            with stream_lock(workspace, load.source, load.stream):
                _forget_rows(workspace, ledger, requests, request, finder, (contract, load, file))
        for load, rows, theirs in list(_quarantined(workspace, ledger, finder, request.source)):
            assert load.quarantine_file is not None
            with stream_lock(workspace, load.source, load.stream):
                _drop_originals(workspace, ledger, requests, request, load, {load.load_id})
                said = {"raw": "", "field": "", "reason": FORGOTTEN}
                emptied = rows.with_columns(
                    pl.when(theirs).then(pl.lit(text)).otherwise(name).alias(name) for name, text in said.items()
                )
                ledger.drop_fixes(load.load_id, rows["row"].filter(theirs).unique().to_list())
                ledger.rewrite(load.load_id, load.quarantine_file, emptied, why=request.why, rows=int(theirs.sum()))
        _forget_files(workspace, ledger, requests, request)
        requests.move_to(request, "rewritten")


def _forget_rows(
    workspace: Workspace,
    ledger: Ledger,
    requests: Requests,
    request: Request,
    finder: Finder,
    where: tuple[Contract, Load, Path],
) -> None:
    contract, load, file = where
    rows = _read(workspace, finder, where)
    erased = _erase(workspace, contract, load, rows, finder)
    if not erased.touched:
        return
    # The file goes last: as long as it holds the person, a run that was cut off finds the rest by it.
    whole = erased.gone if contract.goes_with_person else erased.unlinked
    requests.forget_entries(request, load.load_id, _entries(rows, whole))
    if contract.goes_with_person and erased.unlinked.any():
        for column in (name for name in contract.vaulted if kind_of(name) in IDENTIFYING):
            name = landed_name(contract, column)
            lost = erased.unlinked & rows[name].is_not_null() & erased.rows[name].is_null()
            requests.trim(_entries(rows, lost), [column], finder.tokens[kind_of(column)])
    theirs = rows.filter(erased.gone | erased.unlinked)["_load_id"].unique()
    _drop_originals(workspace, ledger, requests, request, load, set(theirs))
    ledger.rewrite(load.load_id, file, erased.rows, why=request.why, rows=erased.touched)


def _entries(rows: pl.DataFrame, which: pl.Series) -> list[Entry]:
    return list(rows.filter(which).select("_load_seq", "_row").iter_rows())


def _forget_records(workspace: Workspace, ledger: Ledger, request: Request) -> None:
    """Take the person's records out of what was learnt of who is who, and their customers out of what followed."""
    named = {name: (columns, list(request.detail["records"])) for name, columns in records.COLUMNS.items()}
    customers = list(request.detail["customers"])
    named |= {name: ((column,), customers) for name, column in records.CUSTOMER_COLUMNS.items()}
    for contract, load, file in list(visible_files(ledger, (ALL[name] for name in named))):
        columns, theirs = named[contract.name]
        rows = pl.read_parquet(workspace.root / file)
        gone = rows.select(pl.any_horizontal(pl.col(columns).is_in(theirs))).to_series()
        if gone.any():
            kept = {*contract.key, contract.version}
            nobody = pl.format("forgotten|{}|{}", "_load_id", "_row")
            anew = rows.with_columns(
                *(pl.when(~gone).then(name).alias(name) for name in contract.columns if name not in kept),
                *(pl.when(gone).then(nobody).otherwise(name).alias(name) for name in columns),
                pl.when(gone).then(pl.lit("delete")).otherwise("_op").alias("_op"),
            )
            with stream_lock(workspace, load.source, load.stream):
                ledger.rewrite(load.load_id, file, anew, why=request.why, rows=int(gone.sum()))


def _forget_files(workspace: Workspace, ledger: Ledger, requests: Requests, request: Request) -> None:
    """Remove what is no load's: originals and exports that hold the person's words, files the ledger never knew."""
    words = [*request.detail["words"], *(re.escape(one) for one in request.detail["customers"])]
    words += [one for some in requests.tokens(request).values() for one in some]
    pattern = re.compile("|".join(words).encode(), re.IGNORECASE)
    for original in originals.listed(workspace, ledger, source=request.source or None):
        # After a restored backup nobody's words are known, and each value is held against their tokens.
        finder = None if request.detail["words"] else _finder(workspace, requests.tokens(request))
        if why := _why_dropped(workspace, ledger, original, pattern, finder):
            theirs = [
                row for row in ledger.originals(original.source, original.stream) if row.content == original.content
            ]
            requests.note(request, why, original.content, 1)
            originals.drop(workspace, ledger, theirs)
    # What a whole table held when it was last read, sealed: without it every row lands again, once.
    for path in (workspace.ledger.parent / "reads").glob("*"):
        requests.note(request, "last readings", path.name, 1)
        files.remove(path)
    for path in sorted(workspace.exports.rglob("*")):
        if path.is_file() and pattern.search(_text_of(path)):
            requests.note(request, "exports", str(path.relative_to(workspace.root)), 1)
            files.remove(path)
    for contract in LOOKED_AT:
        for lake in (workspace.landing, workspace.quarantine):
            for path in (lake / contract.name).glob(f"*/.*{files.UNKNOWN}"):
                requests.note(request, "unknown files", str(path.relative_to(workspace.root)), 1)
                files.remove(path)


def _why_dropped(
    workspace: Workspace,
    ledger: Ledger,
    original: originals.Listed,
    pattern: re.Pattern[bytes],
    finder: Finder | None,
) -> str:
    """Under which heading of the proof a kept file goes; '' where it stays.

    A file is its source's, byte for byte, and never rewritten. One that cannot be looked into goes with the person
    where its stream may hold people.
    """
    try:
        is_theirs = looking.holds(originals.read(workspace, original), pattern, finder.holds if finder else None)
    except looking.UnreadableError:
        may_hold = _may_hold(workspace, ledger, original.source, original.stream)
        return "originals that cannot be searched" if may_hold else ""
    return "originals" if is_theirs else ""


def _may_hold(workspace: Workspace, ledger: Ledger, source: str, stream: str) -> bool:
    """Whether the stream has people: by its contract, by the workspace file, or because some were seen."""
    return _is_sealed(workspace, source, stream) or bool(ledger.people_fields(source, stream))


def _is_sealed(workspace: Workspace, source: str, stream: str) -> bool:
    carrying = ((one.name, some.stream) for one in workspace.settings.sources for some in one.streams if some.may_carry)
    return ALL[stream].is_sealed or (source, stream) in carrying


def _finder_of(workspace: Workspace, finder: Finder, load: Load) -> Finder:
    return finder if _is_sealed(workspace, load.source, load.stream) else finder.by_shape()


def _text_of(path: Path) -> bytes:
    if path.suffix != ".parquet":
        return path.read_bytes()
    return pl.read_parquet(path).select(pl.all().cast(pl.String, strict=False)).write_csv().encode()


def _drop_originals(
    workspace: Workspace, ledger: Ledger, requests: Requests, request: Request, load: Load, theirs_of: set[str]
) -> None:
    """Remove the source's files behind these loads, all of the stream of `load`."""
    theirs = [row for row in ledger.originals(load.source, load.stream) if row.load_id in theirs_of]
    for row in theirs:
        requests.note(request, "originals", row.content, 1)
    contents = {row.content for row in theirs}
    originals.drop(
        workspace, ledger, [row for row in ledger.originals(load.source, load.stream) if row.content in contents]
    )


def _quarantined(
    workspace: Workspace, ledger: Ledger, finder: Finder, source: str
) -> Iterator[tuple[Load, pl.DataFrame, pl.Series]]:
    """Loads with quarantined rows of the person: the load, its rows, and which are theirs."""
    for contract in LOOKED_AT:
        for load in ledger.loads(source or None, contract.name):
            if load.state != "visible" or load.quarantine_file is None:
                continue
            path = workspace.root / load.quarantine_file
            rows = pl.read_parquet(path)
            if "raw" not in rows.columns:
                continue
            here = _finder_of(workspace, finder, load)
            theirs = pl.Series(_holds(here, rows["raw"], load), dtype=pl.Boolean)
            # What people said of a row counts as much as what its source said.
            fixes = pl.DataFrame(ledger.said_of(load.load_id), {"row": pl.Int64, "fields": pl.String}, orient="row")
            mended = fixes["row"].filter(pl.Series(_holds(here, fixes["fields"], load), dtype=pl.Boolean))
            theirs = theirs | rows["row"].is_in(mended.implode())
            if theirs.any():
                yield load, rows, theirs


def _read(workspace: Workspace, finder: Finder, where: tuple[Contract, Load, Path]) -> pl.DataFrame:
    """A landed file's rows; none of a stream without people where no unmapped field holds this one."""
    contract, load, file = where
    path = workspace.root / file
    if not contract.is_sealed:
        extra = pl.read_parquet(path, columns=["_extra"])["_extra"].drop_nulls().unique()
        # In clear are what was seen to be of nobody, and what an older version landed.
        reached = extra.filter(extra.str.contains(f"^(?:{MARK}|{NAMELESS})|{LOOKS}"))
        if not any(_holds(_finder_of(workspace, finder, load), reached, load)):
            return pl.read_parquet(path, n_rows=0)
    return pl.read_parquet(path)


def _holds(finder: Finder, sealed: pl.Series, load: Load) -> list[bool]:
    context = f"{load.source}/{load.stream}"
    found = {
        text: finder.holds(unseal(text, finder.keys.sealing, context) if is_sealed(text) else text)
        for text in sealed.drop_nulls().unique()
    }
    return [found.get(text, False) for text in sealed]


def _erase(workspace: Workspace, contract: Contract, load: Load, rows: pl.DataFrame, finder: Finder) -> Erased:
    named = pl.Series(_holds(_finder_of(workspace, finder, load), rows["_extra"], load), dtype=pl.Boolean)
    return erase(contract, rows, finder.tokens, pl.col("_load_id"), named)


def _finder(workspace: Workspace, tokens: Tokens) -> Finder:
    keys: Keys = load_keys(workspace)
    return Finder(tokens, keys, (calling_code_of(workspace.settings.brand), ""))
