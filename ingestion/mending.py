"""What people do about quarantine: see what is open and why, say what a row should have been, replay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger, Load, Place
from ingestion.landing.locks import fixes_lock, run_lock
from ingestion.mapping import reads
from ingestion.prepare import prepare
from ingestion.privacy.seal import seal
from ingestion.privacy.signs import shows_people
from ingestion.privacy.tokens import Keys, load_keys
from ingestion.replay import Record, Replayed, fixed_fields, opened, raw_records, replay
from ingestion.sources import Stream, bind
from tillmill.errors import UsageError
from tillmill.refusals import nearest
from tillmill.workspace import Workspace

REASONS = pl.Schema(
    {
        "source": pl.String(),
        "stream": pl.String(),
        "field": pl.String(),
        "reason": pl.String(),
        "rows": pl.Int64(),
        "first_seen_at": pl.Datetime("us", "UTC"),
        "last_seen_at": pl.Datetime("us", "UTC"),
        "example": pl.String(),
        "example_row": pl.String(),
    }
)


def open_reasons(workspace: Workspace, source: str | None = None, stream: str | None = None) -> pl.DataFrame:
    """Open rows by source, stream, field and reason, most rows first within each stream: columns REASONS.

    A row that a replay has tried is told with the replay's reason.
    `first_seen_at` and `last_seen_at` are UTC; `example` is where the first of them stands in its source, `example_row`
    the same row's place (LOAD:ROW, which `tillmill quarantine fix` takes). A row that fails in two fields is one row,
    under both names.
    """
    with Ledger(workspace.ledger) as ledger:
        # Load by load: what is held is reasons, however many rows they keep out.
        found = [
            _reasons(quarantine.reasons_now(ledger, rows))
            for _, rows in quarantine.open_rows(workspace, ledger, source=source, stream=stream)
        ]
    return (
        pl.concat([REASONS.to_frame(), *found])
        .group_by("source", "stream", "field", "reason", maintain_order=True)
        .agg(
            pl.col("rows").sum(),
            pl.col("first_seen_at").min(),
            pl.col("last_seen_at").max(),
            pl.col("example", "example_row").first(),
        )
        .sort("source", "stream", "rows", "reason", "field", descending=[False, False, True, False, False])
    )


def _reasons(rows: pl.DataFrame) -> pl.DataFrame:
    """The open rows of one load by reason: columns REASONS."""
    return (
        rows.group_by("source", "stream", "field", "reason", maintain_order=True)
        .agg(
            pl.len().alias("rows"),
            pl.col("extracted_at").min().alias("first_seen_at"),
            pl.col("extracted_at").max().alias("last_seen_at"),
            pl.col("position").first().alias("example"),
            pl.format("{}:{}", pl.col("load_id").first(), pl.col("row").first()).alias("example_row"),
        )
        .cast(REASONS)
    )


@dataclass(frozen=True)
class OpenRow:
    """One open row: where it stands, why it is here, and its fields as pulled with what people said since.

    `record` is None where the row is sealed and was not asked to be opened, or could not be read (`unreadable` is then
    its text, if it may be seen).
    """

    place: Place
    position: str
    reason: str
    record: Record | None
    unreadable: str = ""
    is_sealed: bool = False


def open_rows(
    workspace: Workspace, source: str, stream: str, *, unsealed: bool = False, limit: int | None = None
) -> list[OpenRow]:
    """The stream's open rows, oldest first. Those of streams with personal fields, and those that show a phone or an
    e-mail address, stay sealed unless asked for."""
    bound, keys = _bound(workspace, source, stream), load_keys(workspace)
    found: list[OpenRow] = []
    with Ledger(workspace.ledger) as ledger:
        for load, rows in quarantine.open_rows(workspace, ledger, source=source, stream=stream):
            told = rows.unique("row", keep="first", maintain_order=True)
            told = told if limit is None else told.head(limit - len(found))
            found.extend(_seen(ledger, bound, load, told, keys, unsealed))
            if limit is not None and len(found) >= limit:
                break
    return found


def _seen(
    ledger: Ledger, stream: Stream, load: Load, rows: pl.DataFrame, keys: Keys, unsealed: bool
) -> Iterator[OpenRow]:
    hides = stream.is_sealed and not unsealed
    records = {} if hides else raw_records(stream, rows, keys.sealing)
    fixes = {} if hides else fixed_fields(ledger, stream, load.load_id, keys.sealing)
    # The first of a row's reasons, as in its file.
    reasons = dict(quarantine.reasons_now(ledger, rows).select("row", "reason").reverse().iter_rows())
    for told in rows.to_dicts():
        row, record = told["row"], records.get(told["row"])
        if row in fixes:
            record = (record or {}) | fixes[row]
        text = "" if hides or told["field"] else opened(stream, told["raw"], keys.sealing)
        about = (Place(load.load_id, row), told["position"], reasons[row])
        if hides or (not unsealed and shows_people((record or {}) | {"": text})):
            yield OpenRow(*about, None, is_sealed=True)
        else:
            yield OpenRow(*about, record, text)


def fields_of(workspace: Workspace, source: str, stream: str) -> list[str]:
    """The raw fields that the stream's mapping reads: what a row needs whose own could not be told apart."""
    bound = _bound(workspace, source, stream)
    columns = bound.contract.schema.columns()
    needed = [name for name, spec in columns.items() if not spec.nullable and name not in bound.rules]
    return [*sorted(reads(bound.rules)), *needed]


def fix(workspace: Workspace, told: Mapping[Place, Record], author: str) -> dict[Place, Record]:
    """Keep what `author` says these open rows should have been, beside the originals; returns what that changes.

    A field is named as the source names it, or by the contract column that reads it. Raises UsageError for a row that
    is not open or a field that nothing reads; then nothing is kept.
    """
    changes: dict[Place, Record] = {}
    texts: dict[Place, str] = {}
    with fixes_lock(workspace), Ledger(workspace.ledger) as ledger:
        keys = load_keys(workspace)
        for load_id in dict.fromkeys(place.load_id for place in told):
            for place, record, stream in _to_fix(workspace, ledger, load_id, told, keys):
                changed = _changed(stream, record, told[place])
                if not changed:
                    continue
                changes[place] = changed
                text = json.dumps(changed, ensure_ascii=False)
                texts[place] = str(seal([text], keys.sealing, stream.context, [f"fix of {place.row}"])[0])
        ledger.record_fixes(texts, author)
    return changes


def replay_open(workspace: Workspace, source: str | None = None, stream: str | None = None) -> list[Replayed]:
    """Replay every configured stream that has open rows, or those named; one result per stream that had some.

    Raises LockedError while a run is at work, UsageError where no such stream is configured.
    """
    keys = load_keys(workspace)
    wanted = _named(workspace, source, stream)
    with run_lock(workspace), Ledger(workspace.ledger) as ledger:
        done = [
            replay(workspace, ledger, one, lambda stream, page: prepare(stream, page, keys), keys.sealing)
            for one in wanted
        ]
    return [result for result in done if result.opened]


def _to_fix(
    workspace: Workspace, ledger: Ledger, load_id: str, told: Mapping[Place, Record], keys: Keys
) -> Iterator[tuple[Place, Record | None, Stream]]:
    """The named rows of one load, each with its record as it stands now and its stream."""
    load = ledger.load(load_id)
    wanted = sorted(place.row for place in told if place.load_id == load_id)
    rows = quarantine.QUARANTINE.to_frame() if load is None else quarantine.open_of(workspace, ledger, load)
    rows = rows.filter(pl.col("row").is_in(wanted)).unique("row", keep="first", maintain_order=True)
    missing = sorted(set(wanted) - set(rows["row"]))
    if load is None or missing:
        raise UsageError(
            f"{load_id} has no open row {', '.join(map(str, missing))} in quarantine",
            state="Nothing was changed.",
            next_command="tillmill quarantine list",
        )
    stream = _bound(workspace, load.source, load.stream)
    records = raw_records(stream, rows, keys.sealing)
    fixes = fixed_fields(ledger, stream, load_id, keys.sealing)
    for row, record in records.items():
        yield Place(load_id, row), (record or {}) | fixes[row] if row in fixes else record, stream


def _changed(stream: Stream, record: Record | None, told: Record) -> Record:
    """What is said of a record beyond what it already has, by raw field."""
    before = record or {}
    # A column's name stands for the field it is read from: to empty the column is to change that one.
    read_from = {name for name, rule in stream.rules.items() if rule.field not in (None, name)}
    stated = {name: value for name, value in told.items() if name in read_from or before.get(name) != value}
    named = {_field(stream, record, name): value for name, value in stated.items()}
    return {name: value for name, value in named.items() if before.get(name) != value}


def _field(stream: Stream, record: Record | None, name: str) -> str:
    """The raw field that `name` means: itself, or the one that the contract column of this name is read from."""
    read, rule = reads(stream.rules), stream.rules.get(name)
    if record is None or name in {*record, *read, stream.deletes}:
        return name
    if rule is not None and rule.field is None:
        its_own = ", ".join(sorted(reads({name: rule})))
        raise UsageError(
            f"{name} of {stream.name} is not read from a field of its own",
            state="Nothing was changed.",
            next_command=(f"set the fields it comes from ({its_own}), or " if its_own else "") + "mend its mapping",
        )
    if name not in stream.contract.columns:
        known = sorted({*record, *read, *stream.contract.columns})
        raise UsageError(
            f"{stream.source} {stream.name} has no field {name!r}{nearest(name, known)}", state="Nothing was changed."
        )
    return name if rule is None or rule.field is None else rule.field


def _named(workspace: Workspace, source: str | None, stream: str | None) -> list[Stream]:
    found = [one for one in bind(workspace) if source in (None, one.source) and stream in (None, one.name)]
    if not found:
        raise UsageError(
            f"no source of this workspace is {' '.join(filter(None, (source, stream)))}",
            state="Its rows, if there are any, stay in quarantine.",
            next_command="tillmill sources list",
        )
    return found


def _bound(workspace: Workspace, source: str, stream: str) -> Stream:
    return _named(workspace, source, stream)[0]
