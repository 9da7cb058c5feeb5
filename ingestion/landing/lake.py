"""The lake: rows become immutable Parquet files, each load whole or not there at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingestion.contracts import ALL, contract
from ingestion.contracts.contract import landed_schema
from ingestion.landing import files
from ingestion.landing.ledger import ZERO_ROWS, Cursor, Kept, Ledger, Load, Place
from ingestion.landing.locks import held, stream_lock
from ingestion.landing.quarantine import QUARANTINE, to_quarantine
from ingestion.landing.recovery import Recovered, recover, recover_stream
from ingestion.privacy.vault import Vault
from tillmill.errors import ContractError
from tillmill.workspace import Workspace, now

__all__ = [
    "EVERY_ROW",
    "LEARNT_SOURCE",
    "Piece",
    "Recovered",
    "drift",
    "land",
    "land_learnt",
    "land_replay",
    "recover",
    "recover_stream",
    "write_empty_files",
]

LEARNT_SOURCE = "tillmill"
# What every landed row has beside its contract's columns, in this order, last.
EVERY_ROW: dict[str, pl.DataType] = {
    "_source": pl.String(),
    "_load_id": pl.String(),
    "_load_seq": pl.Int64(),
    "_row": pl.Int64(),
    "_extracted_at": pl.Datetime("us", "UTC"),
    "_op": pl.String(),
    "_extra": pl.String(),
    "_flags": pl.String(),
}


@dataclass(frozen=True)
class Piece:
    """One page, checked and protected: what lands of it.

    `good` has the contract's landed columns and `_row, _op, _extra, _flags`; `bad` has row, position, field, reason,
    raw and, for a replay, file, line, observed_at, op; `pulled` is the number of records the page had, `cursor` the
    state after it; `clear` has `_row` and what goes to the vault; `originals` are the source's files, already kept;
    `kinds` says of its mapped fields what they hold.
    """

    good: pl.DataFrame
    bad: pl.DataFrame
    pulled: int
    cursor: dict[str, Any]
    extracted_at: datetime
    extra_fields: Sequence[str] = ()
    lost_fields: Sequence[str] = ()
    clear: pl.DataFrame | None = None
    originals: Sequence[Kept] = ()
    kinds: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def quarantined(self) -> int:
        """Records, not reasons: one record may break two rules."""
        return int(self.bad.get_column("row").n_unique())


def land(
    workspace: Workspace,
    ledger: Ledger,
    *,
    source: str,
    stream: str,
    schema: Mapping[str, pl.DataType],
    event: str | None,
    pieces: Sequence[Piece],
    read: Cursor,
    started_at: datetime,
    cursor_name: str = "",
) -> Load:
    """Land the pieces of a pull as one load and move the cursor behind the last of them; the load is then visible.

    The caller holds the stream's lock; `read` is the cursor the pull started from, `cursor_name` says which;
    `event` is the column whose highest value is the watermark (without one: when the rows were extracted). `_row`, in a
    piece its place in the page, counts on through the pieces: of two equal versions in one load the later one wins.
    Raises CursorMovedError, ContractError (a record neither landed nor quarantined) or TillmillError (disk full, folder
    not writable); then nothing of the load is visible.
    """
    load_seq = ledger.reserve_load_seq()
    # Named by the cursor's revision: the same pull after a crash makes the same name again.
    load_id = "-".join(filter(None, (stream, source, cursor_name, f"{read.revision + 1:08d}")))
    good, bad = _numbered(pieces, source=source, stream=stream, load_id=load_id, load_seq=load_seq, schema=schema)
    load = Load(
        load_id=load_id,
        load_seq=load_seq,
        source=source,
        stream=stream,
        pulled=sum(piece.pulled for piece in pieces),
        landed=good.height,
        quarantined=sum(piece.quarantined for piece in pieces),
        started_at=started_at,
        extra_fields=drift(pieces),
        watermark_at=_watermark(good, event),
        cursor_name=cursor_name,
        kinds=tuple(sorted({(name, kind) for piece in pieces for name in piece.kinds for kind in piece.kinds[name]})),
    )
    _keep_clear(workspace, load, [(load_seq, _clear(pieces))])
    kept = [original for piece in pieces for original in piece.originals]
    return _commit(workspace, ledger, load, good, bad, read=read, cursor=pieces[-1].cursor, originals=kept)


def land_replay(
    workspace: Workspace,
    ledger: Ledger,
    *,
    source: str,
    stream: str,
    schema: Mapping[str, pl.DataType],
    event: str | None,
    pieces: Sequence[tuple[Load, Piece]],
    started_at: datetime,
) -> Load:
    """Land rows that were quarantined, each piece with the load it had first appeared in, as one load of their own.

    The caller holds the stream's lock; `_row` is the row's number in its first load. Rows keep that load's `_load_seq`
    and their `_row` and `_extracted_at`: of two versions that a source states alike, the one that came later still
    wins. Raises CursorMovedError where another replay has landed one of them, or TillmillError; then nothing lands.
    """
    load_seq = ledger.reserve_load_seq()
    load_id = f"{stream}-{source}-replay-{load_seq:08d}"
    columns = pl.Schema(dict(schema) | EVERY_ROW)
    good = pl.concat(
        _stamped(piece.good, piece.extracted_at, source, load_id, first.load_seq, columns) for first, piece in pieces
    )
    load = Load(
        load_id=load_id,
        load_seq=load_seq,
        source=source,
        stream=stream,
        pulled=0,
        landed=good.height,
        quarantined=-good.height,
        started_at=started_at,
        watermark_at=_watermark(good, event),
    )
    clear = [(first.load_seq, piece.clear) for first, piece in pieces if piece.clear is not None]
    _keep_clear(workspace, load, clear)
    replays = [Place(first.load_id, row) for first, piece in pieces for row in piece.good["_row"]]
    return _commit(workspace, ledger, load, good, _no_bad_rows(), replays=replays)


def land_learnt(
    workspace: Workspace, ledger: Ledger, stream: str, frame: pl.DataFrame, *, run_id: str, candidate: str
) -> Load:
    """Land what a room has learnt (the columns of the stream's contract), pending: visible to `candidate` alone.

    Where the room leaves them out, the version is now, `currency` the workspace's, and key columns are the contract's
    defaults.
    Landing a `run_id` again that is visible, or pending for the same candidate, is a no-op that returns that load.
    Raises ContractError when a column is missing, unknown, or a row breaks the contract; then nothing lands.
    """
    load_id = f"{stream}-{LEARNT_SOURCE}-{files.safe_name(run_id)}"
    with stream_lock(workspace, LEARNT_SOURCE, stream):
        recover_stream(workspace, ledger, LEARNT_SOURCE, stream)
        known = ledger.load(load_id)
        if known is not None and (
            known.state == "visible" or (known.state == "pending" and known.candidate == candidate)
        ):
            return known
        started_at = now()
        load_seq = ledger.reserve_load_seq()
        rows = _as_landed(checked(workspace, stream, frame, started_at))
        piece = Piece(rows, _no_bad_rows(), pulled=frame.height, cursor={}, extracted_at=started_at)
        schema = landed_schema(contract(stream))
        good, bad = _numbered(
            [piece], source=LEARNT_SOURCE, stream=stream, load_id=load_id, load_seq=load_seq, schema=schema
        )
        load = Load(
            load_id=load_id,
            load_seq=load_seq,
            source=LEARNT_SOURCE,
            stream=stream,
            pulled=frame.height,
            landed=good.height,
            quarantined=0,
            started_at=started_at,
            watermark_at=started_at,
            run_id=run_id,
            candidate=candidate,
        )
        return _commit(workspace, ledger, load, good, bad)


def land_said(
    workspace: Workspace,
    ledger: Ledger,
    *,
    source: str,
    stream: str,
    frame: pl.DataFrame,
    read: Cursor,
    cursor: dict[str, Any],
) -> Load:
    """Land rows that people said (`checked` takes them) and move the cursor behind them; the load is then visible.

    The caller holds the stream's lock. Raises as `land` and `checked` do; then nothing of it is visible.
    """
    at = now()
    good = _as_landed(checked(workspace, stream, frame, at))
    piece = Piece(good, _no_bad_rows(), pulled=frame.height, cursor=cursor, extracted_at=at)
    return land(
        workspace,
        ledger,
        source=source,
        stream=stream,
        schema=landed_schema(contract(stream)),
        event=None,
        pieces=[piece],
        read=read,
        started_at=at,
    )


def write_empty_files(workspace: Workspace) -> None:
    """Write one typed file without rows per contract: a stream nobody uses can be read too; again is a no-op."""
    with held(workspace.run / "locks" / "zero_rows.lock", "the empty files", wait=True):
        for name, one in ALL.items():
            path = workspace.landing / files.safe_name(name) / ZERO_ROWS
            schema = pl.Schema(landed_schema(one) | EVERY_ROW)
            for left in path.parent.glob(f".{ZERO_ROWS}.*{files.SPOOL}"):
                files.remove(left)
            if not path.exists() or pl.read_parquet_schema(path) != schema:
                files.write_whole(schema.to_frame(), path)


def _commit(
    workspace: Workspace,
    ledger: Ledger,
    load: Load,
    good: pl.DataFrame,
    bad: pl.DataFrame,
    *,
    read: Cursor | None = None,
    cursor: dict[str, Any] | None = None,
    originals: Sequence[Kept] = (),
    replays: Sequence[Place] = (),
) -> Load:
    """Spool and fsync; record with the cursor; rename and fsync the folder; make visible. A kill anywhere is repaired
    by `recover_stream`: before the record the spool is swept, after it the load is rolled forward."""
    place = (
        Path(files.safe_name(load.stream)) / files.safe_name(load.source) / f"{files.safe_name(load.load_id)}.parquet"
    )
    moves: list[tuple[Path, Path]] = []
    try:
        if good.height:
            target = workspace.landing / place
            moves.append((files.spool_of(target, load.load_seq), target))
            written = files.write_frame(good, moves[-1][0])
            load = replace(load, file=target.relative_to(workspace.root), bytes=written.bytes, sha256=written.sha256)
        if bad.height:
            target = workspace.quarantine / place
            moves.append((files.spool_of(target, load.load_seq), target))
            written = files.write_frame(bad, moves[-1][0])
            load = replace(load, quarantine_file=target.relative_to(workspace.root), quarantine_sha256=written.sha256)
        for spool, _ in moves:
            files.fsync(spool.parent)
        ledger.record(load, read=read, cursor=cursor, originals=originals, replays=replays)
    except BaseException:
        for spool, _ in moves:
            files.remove(spool)
        raise
    for spool, target in moves:
        files.put_in_place(spool, target)
    return ledger.mark_visible(load.load_id)


def _numbered(
    pieces: Sequence[Piece], *, source: str, stream: str, load_id: str, load_seq: int, schema: Mapping[str, pl.DataType]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The good rows in landed columns and dtypes, and the bad rows, of all pieces, numbered on through them."""
    columns = pl.Schema(dict(schema) | EVERY_ROW)
    good, bad, last = [columns.to_frame()], [], 0
    for piece in pieces:
        rows = piece.good.with_columns(pl.col("_row") + last)
        good.append(_stamped(rows, piece.extracted_at, source, load_id, load_seq, columns))
        at = pl.lit(piece.extracted_at).alias("extracted_at")
        bad.append(to_quarantine(piece.bad.with_columns(pl.col("row") + last, at), stream, source, load_id))
        last += piece.pulled
    return pl.concat(good), pl.concat(bad)


def _stamped(
    rows: pl.DataFrame, extracted_at: datetime, source: str, load_id: str, load_seq: int, columns: pl.Schema
) -> pl.DataFrame:
    """The rows with what every landed row says of its load, in landed columns and dtypes."""
    said = {"_source": source, "_load_id": load_id, "_load_seq": load_seq, "_extracted_at": extracted_at}
    stamped = rows.with_columns(
        *(pl.lit(value).cast(EVERY_ROW[name]).alias(name) for name, value in said.items()),
        # Null, because polars writes a column of nothing but empty texts ten times as slowly as any other.
        pl.col("_flags").replace("", None),
    )
    return stamped.select(columns.names()).cast(columns)


def _keep_clear(workspace: Workspace, load: Load, clear: Sequence[tuple[int, pl.DataFrame]]) -> None:
    """Puts clear values, by the `_load_seq` of their rows, into the vault before the load lands: a row that is seen
    has its entry; one whose load never lands is swept with its other traces."""
    stated = [frame.with_columns(pl.lit(seq, pl.Int64).alias("_load_seq")) for seq, frame in clear if frame.height]
    if stated:
        with Vault(workspace) as vault:
            vault.put(
                contract(load.stream), load.source, load.load_id, load.load_seq, pl.concat(stated, how="diagonal")
            )


def _clear(pieces: Sequence[Piece]) -> pl.DataFrame:
    """What goes to the vault of all pieces, numbered as their rows are."""
    found, last = [pl.DataFrame()], 0
    for piece in pieces:
        if piece.clear is not None:
            found.append(piece.clear.with_columns(pl.col("_row") + last))
        last += piece.pulled
    return pl.concat(found, how="diagonal")


def drift(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Fields no mapping used, by name, then with a minus the mapped ones that no page with records had."""
    new = {name for piece in pieces for name in piece.extra_fields}
    lost = [set(piece.lost_fields) for piece in pieces if piece.pulled]
    gone = set.intersection(*lost) if lost else set()
    return (*sorted(new), *(f"-{name}" for name in sorted(gone)))


def _watermark(good: pl.DataFrame, event: str | None) -> datetime | None:
    highest = good.get_column(event or "_extracted_at").cast(EVERY_ROW["_extracted_at"]).max()
    return highest if isinstance(highest, datetime) else None


def _as_landed(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.with_columns(
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("_row"),
        pl.lit("upsert").alias("_op"),
        pl.lit(None, pl.String()).alias("_extra"),
        pl.lit("").alias("_flags"),
    )


def checked(workspace: Workspace, stream: str, frame: pl.DataFrame, at: datetime) -> pl.DataFrame:
    """The rows of our own stream as its contract has them; what is left out is filled in as `land_learnt` says.

    Raises ContractError when a column is missing, unknown, or a row breaks the contract.
    """
    one = contract(stream)
    left_out = {**one.defaults, "currency": workspace.settings.brand.currency, one.version: at}
    added = [name for name in left_out if name in one.columns and name not in frame.columns]
    frame = frame.with_columns(pl.lit(left_out[name]).alias(name) for name in added)
    frame = frame.with_columns(pl.col(name).fill_null(value) for name, value in one.defaults.items())
    wanted, given = set(one.schema.column_names()), set(frame.columns)
    if wanted != given:
        raise ContractError(
            f"{stream}: columns missing {sorted(wanted - given)}, unknown {sorted(given - wanted)}",
            state="Nothing of it has landed.",
        )
    good, failure = one.schema.filter(frame, cast=True)
    if len(failure):
        raise ContractError(
            f"{stream}: {len(failure):,} of {frame.height:,} learnt rows break the contract: {failure.counts()}",
            state="Nothing of it has landed; the last published version is still served.",
        )
    if doubled := int(good.select(pl.struct(*one.key).is_duplicated().sum()).item()):
        raise ContractError(
            f"{stream}: {doubled:,} of {frame.height:,} learnt rows have a key that another has ({', '.join(one.key)})",
            state="Nothing of it has landed; the last published version is still served.",
        )
    return good


def _no_bad_rows() -> pl.DataFrame:
    return QUARANTINE.to_frame()
