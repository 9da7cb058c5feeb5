"""Replay: quarantined rows go through preparation again, after a mapping, a contract or the row itself was mended."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl

from ingestion.checking import ROW
from ingestion.connectors.page import FILE, LINE, OBSERVED, OP, Page
from ingestion.contracts.contract import landed_schema
from ingestion.landing import lake, quarantine
from ingestion.landing.ledger import Ledger, Load
from ingestion.landing.locks import stream_lock
from ingestion.landing.recovery import recover_stream
from ingestion.prepare import Prepared
from ingestion.privacy.seal import is_sealed, unseal
from ingestion.sources import Stream
from tillmill.workspace import Workspace, now

# A replay is landed in loads of about this many rows; a first load, which is read whole, has not many more.
LOAD_ROWS = 250_000
UNREADABLE = "cannot be read until somebody says what it should have been (tillmill quarantine fix)"

Record = dict[str, str | None]


@dataclass
class Replayed:
    """What a replay of one stream did: rows that were open, landed and left; why those left stay; names of loads."""

    source: str
    stream: str
    opened: int = 0
    landed: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    loads: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """Rows that are still open."""
        return self.opened - self.landed


def replay(
    workspace: Workspace,
    ledger: Ledger,
    stream: Stream,
    prepare: Callable[[Stream, Page], Prepared],
    sealing: Sequence[bytes],
) -> Replayed:
    """Prepare the stream's open rows again and land those that pass; the others stay as they are.

    A row comes as it was pulled, with what people have said of it since (`ledger.fixes`), and with the times of its
    first appearance: an older row beats no newer truth. Killed anywhere, a second replay lands the rest, each row once.
    Raises LockedError where the stream is being pulled, RefusedError where a sealed row does not open.
    """
    done = Replayed(stream.source, stream.name)
    waiting: list[tuple[Load, lake.Piece]] = []
    with stream_lock(workspace, stream.source, stream.name):
        recover_stream(workspace, ledger, stream.source, stream.name)
        stream = stream.carrying(ledger.people_fields(stream.source, stream.name))
        for first, rows in quarantine.open_rows(workspace, ledger, source=stream.source, stream=stream.name):
            done.opened += rows["row"].n_unique()
            for piece in _prepared(ledger, stream, prepare, sealing, rows, done):
                waiting.append((first, piece))
                if sum(piece.good.height for _, piece in waiting) >= LOAD_ROWS:
                    _land(workspace, ledger, stream, waiting, done)
                    waiting = []
        _land(workspace, ledger, stream, waiting, done)
    return done


def _land(
    workspace: Workspace, ledger: Ledger, stream: Stream, pieces: list[tuple[Load, lake.Piece]], done: Replayed
) -> None:
    if not pieces:
        return
    load = lake.land_replay(
        workspace,
        ledger,
        source=stream.source,
        stream=stream.name,
        schema=landed_schema(stream.contract),
        event=stream.contract.event,
        pieces=pieces,
        started_at=now(),
    )
    done.landed += load.landed
    done.loads.append(load.load_id)


def _prepared(
    ledger: Ledger,
    stream: Stream,
    prepare: Callable[[Stream, Page], Prepared],
    sealing: Sequence[bytes],
    rows: pl.DataFrame,
    done: Replayed,
) -> Iterator[lake.Piece]:
    """The good rows of one first load, a piece for each time of extraction, numbered as they were in that load."""
    fixes = fixed_fields(ledger, stream, rows["load_id"][0], sealing)
    for (extracted_at,), told in rows.unique("row", maintain_order=True).group_by("extracted_at", maintain_order=True):
        assert isinstance(extracted_at, datetime)
        records = {
            row: (record or {}) | fixes.get(row, {})
            for row, record in raw_records(stream, told, sealing).items()
            if record is not None or row in fixes
        }
        if unreadable := told.height - len(records):
            done.reasons[UNREADABLE] += unreadable
        if not records:
            continue
        kept = told.filter(pl.col("row").is_in(list(records)))
        prepared = prepare(stream, Page(_frame(kept, list(records.values())), {}, extracted_at, "quarantine"))
        done.reasons.update(prepared.bad["reason"].to_list())
        refused: dict[int, list[tuple[str, str]]] = {}
        for place, *told_why in prepared.bad.select("row", "field", "reason").iter_rows():
            refused.setdefault(kept["row"][place], []).append((told_why[0], told_why[1]))
        ledger.record_refusals(rows["load_id"][0], refused)
        if prepared.good.is_empty():
            continue
        numbered = prepared.good.with_columns(kept["row"].gather(prepared.good[ROW]).alias(ROW))
        mended = pl.col(ROW).is_in(list(fixes))
        flags = pl.concat_str(
            pl.when(pl.col("_flags") != "").then("_flags"), pl.lit("fixed"), separator=",", ignore_nulls=True
        )
        good = numbered.with_columns(pl.when(mended).then(flags).otherwise("_flags").alias("_flags"))
        clear = prepared.clear
        if clear is not None:
            clear = clear.with_columns(kept["row"].gather(clear[ROW]).alias(ROW))
        yield lake.Piece(good, pl.DataFrame(), 0, {}, extracted_at, clear=clear)


def raw_records(stream: Stream, rows: pl.DataFrame, sealing: Sequence[bytes]) -> dict[int, Record | None]:
    """Row number to the record's raw fields, None where the record could not be read."""
    return {
        row: None if name == "" else parse_fields(opened(stream, raw, sealing))
        for row, name, raw in rows.select("row", "field", "raw").iter_rows()
    }


def fixed_fields(ledger: Ledger, stream: Stream, load_id: str, sealing: Sequence[bytes]) -> dict[int, Record]:
    """Row number to the fields people have given since, a later word before an earlier one."""
    fixed: dict[int, Record] = {}
    for fix in ledger.fixes(load_id):
        told = parse_fields(opened(stream, fix.fields, sealing))
        fixed[fix.place.row] = fixed.get(fix.place.row, {}) | told
    return fixed


def opened(stream: Stream, text: str, sealing: Sequence[bytes]) -> str:
    """The clear text of what quarantine keeps."""
    return unseal(text, sealing, stream.context) if is_sealed(text) else text


def parse_fields(text: str) -> Record:
    """A record's fields from JSON, every value as the text it was."""
    found: dict[str, object] = json.loads(text, parse_float=str, parse_int=str)
    return {name: value if value is None else str(value) for name, value in found.items()}


def _frame(rows: pl.DataFrame, records: list[Record]) -> pl.DataFrame:
    """The records as a connector would have given them, with place, time and what is gone."""
    names = dict.fromkeys(name for record in records for name in record)
    texts = {name: pl.Series([record.get(name) for record in records], dtype=pl.String) for name in names}
    place = {FILE: rows["file"], LINE: rows["line"], OBSERVED: rows["observed_at"], OP: rows["op"]}
    known = {name: values for name, values in place.items() if values.null_count() < values.len()}
    return pl.DataFrame(texts | known)
