"""What the health marts are told beside the manifest: streams and their sources, open quarantine, changed fields."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

import polars as pl

from ingestion.contracts import ALL, contract
from ingestion.kinds import TEXT
from ingestion.landing import files
from ingestion.landing.ledger import Ledger, Load
from ingestion.mending import open_reasons
from ingestion.privacy.signs import PERSON
from ingestion.unused import unwanted
from tillmill.workspace import StreamSettings, Workspace, now

FOLDER = "health"
NOBODY = "-"
_TIMESTAMP = pl.Datetime("us", "UTC")
STREAMS = pl.Schema({"source": pl.String(), "stream": pl.String(), "connector": pl.String()})
REASONS = pl.Schema(
    {
        "source": pl.String(),
        "stream": pl.String(),
        "field": pl.String(),
        "reason": pl.String(),
        "rows": pl.Int64(),
        "first_seen_at": _TIMESTAMP,
        "last_seen_at": _TIMESTAMP,
        "example": pl.String(),
    }
)
FIELDS = pl.Schema(
    {
        "source": pl.String(),
        "stream": pl.String(),
        "field": pl.String(),
        "change": pl.String(),
        "column": pl.String(),
        "since_at": _TIMESTAMP,
        "old_kind": pl.String(),
        "new_kind": pl.String(),
    }
)
DISMISSED = pl.Schema({"source": pl.String(), "stream": pl.String(), "dismissed": pl.Int64()})
FROZEN = {"streams": STREAMS, "quarantine": REASONS, "dismissed": DISMISSED, "fields": FIELDS}

Change = Literal["lost", "retyped", "new", "unmapped"]
# A field that has held values of a new kind for so long holds them by right.
NEWS = timedelta(days=30)
# What the first rows hold is how it is, not what has changed.
JUDGED_FROM_ROWS = 100


@dataclass(frozen=True)
class Field:
    """A raw field that the mapping and the source do not share, or that holds what it did not hold before.

    `lost`: mapped (to `column`), and in no row any more, or never; `retyped`: mapped, and some values are of a kind
    (`new_kind`, of `ingestion.kinds`) that none was before (`old_kind`); `new`: unmapped, first seen after the stream's
    first load; `unmapped`: so from the first load on. `since_at` is the end of the first load that said so (UTC).
    """

    name: str
    change: Change
    column: str
    since_at: datetime | None
    old_kind: str = ""
    new_kind: str = ""


def freeze(workspace: Workspace, ledger: Ledger) -> Path:
    """Write the four tables FROZEN into `build/health/` for a candidate and return the folder; the caller holds the
    run's lock, so that they tell of the same loads as its manifest."""
    folder = workspace.build / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        "streams": streams(workspace),
        "quarantine": quarantine(workspace),
        "dismissed": dismissed(ledger),
        "fields": fields(workspace, ledger),
    }
    for name, table in tables.items():
        files.write_whole(table, folder / f"{name}.parquet")
    return folder


def streams(workspace: Workspace) -> pl.DataFrame:
    """Every stream that a source is bound to, then those no source brings (source and connector '-'): columns STREAMS.

    What Tillmill learns and what people own as reference tables is not among them: nobody has to connect it.
    """
    bound = [
        (source.name, stream.stream, source.connector)
        for source in workspace.settings.sources
        for stream in source.streams
    ]
    brought = {stream for _, stream, _ in bound}
    left = [
        (NOBODY, name, NOBODY)
        for name, one in sorted(ALL.items())
        if name not in brought and not one.is_learnt and one.domain != "reference"
    ]
    return pl.DataFrame([*bound, *left], schema=STREAMS, orient="row")


def quarantine(workspace: Workspace) -> pl.DataFrame:
    """The rows that are open now, by reason: columns REASONS, most rows first within each stream.

    `example` is the first one's place in its source; where a stream carries personal fields, its place in the ledger
    (LOAD:ROW), because a file or an address may be named after a person.
    """
    sealed = [name for name in ALL if contract(name).is_sealed]
    said = [f"{one.name} {some.stream}" for one in workspace.settings.sources for some in one.streams if some.may_carry]
    is_sealed = pl.col("stream").is_in(sealed) | pl.concat_str("source", "stream", separator=" ").is_in(said)
    shown = pl.when(is_sealed).then("example_row").otherwise("example")
    return open_reasons(workspace).with_columns(shown.alias("example")).select(REASONS.names())


def dismissed(ledger: Ledger) -> pl.DataFrame:
    """How many quarantined rows of each stream people closed: columns DISMISSED."""
    rows = [(source, stream, count) for (source, stream), count in ledger.dismissed_rows().items()]
    return pl.DataFrame(rows, schema=DISMISSED, orient="row")


def fields(workspace: Workspace, ledger: Ledger) -> pl.DataFrame:
    """Fields that came or went, of every bound stream: columns FIELDS."""
    loads: dict[tuple[str, str], list[Load]] = defaultdict(list)
    for load in ledger.loads():
        if load.state == "visible":
            loads[load.source, load.stream].append(load)
    rows = [
        (source.name, stream.stream, *astuple(field))
        for source in workspace.settings.sources
        for stream in source.streams
        for field in _changes(stream, loads[source.name, stream.stream], ledger.kinds(source.name, stream.stream))
    ]
    return pl.DataFrame(rows, schema=FIELDS, orient="row")


def _changes(stream: StreamSettings, loads: Sequence[Load], kinds: Iterable[tuple[str, str, str]]) -> Iterator[Field]:
    """One change for each field that has one, the worst of them."""
    found = changed_fields(stream, loads)
    told = {field.name for field in found}
    yield from found
    since = now() - NEWS
    for field in retyped_fields(stream, loads, kinds):
        if field.name not in told and field.since_at is not None and field.since_at >= since:
            yield field


def retyped_fields(stream: StreamSettings, loads: Iterable[Load], kinds: Iterable[tuple[str, str, str]]) -> list[Field]:
    """Fields of which some load held values of a kind that no load before it had, each with the last such change.

    `kinds` are field, kind, and the first load that had one (`Ledger.kinds`). What could be any text may turn out to be
    any other kind, and the kinds of the first JUDGED_FROM_ROWS rows are where it starts from.
    """
    pulls = sorted((load for load in loads if load.pulled), key=lambda load: load.visible_seq or 0)
    first: dict[str, int] = {}
    known: dict[str, list[str]] = defaultdict(list)
    changed: dict[str, Field] = {}
    at = {load.load_id: place for place, load in enumerate(pulls)}
    columns = mapped_fields(stream)
    held = ((at[load_id], name, kind) for name, kind, load_id in kinds if load_id in at and kind != PERSON)
    for place, name, kind in sorted(held):
        start = first.setdefault(name, place)
        before = known[name]
        is_start = place == start or sum(load.pulled for load in pulls[start:place]) < JUDGED_FROM_ROWS
        if not is_start and TEXT not in before:
            old = ", ".join(before)
            changed[name] = Field(name, "retyped", columns.get(name, name), pulls[place].ended_at, old, kind)
        before.append(kind)
    return [changed[name] for name in sorted(changed)]


def changed_fields(stream: StreamSettings, loads: Iterable[Load]) -> list[Field]:
    """What the stream's visible loads say of its mapping as it stands now: lost fields by name, then others as seen.

    A mapped field is lost when it was missed by a load, and by every one with rows since: one that came later, as an
    optional field of a small page may, or that a mended mapping no longer names, is not.
    """
    mapped = mapped_fields(stream)
    lost: dict[str, datetime | None] = {}
    came: set[str] = set()
    unknown: dict[str, Field] = {}
    pulls = sorted((load for load in loads if load.pulled), key=lambda load: load.visible_seq or 0)
    for place, load in enumerate(pulls):
        missed = [name[1:] for name in load.extra_fields if name.startswith("-")]
        came |= lost.keys() - set(missed)
        lost = {name: lost.get(name, load.ended_at) for name in missed if name not in came}
        for name in load.extra_fields:
            if not name.startswith("-"):
                change: Change = "new" if place else "unmapped"
                unknown.setdefault(name, Field(name, change, "", load.ended_at))
    known = unwanted(unknown, stream.unused)
    return [
        *(Field(name, "lost", mapped[name], since) for name, since in sorted(lost.items()) if name in mapped),
        *(field for field in unknown.values() if field.name not in mapped and field.name not in known),
    ]


def mapped_fields(stream: StreamSettings) -> dict[str, str]:
    """The raw fields that the stream's mapping reads, each with the first contract column that is made of it."""
    found: dict[str, str] = {}
    for column, rule in stream.fields.items():
        names: list[str] = []
        if isinstance(rule, str):
            names = [rule]
        elif isinstance(rule, dict) and isinstance(rule.get("field"), str):
            names = [rule["field"]]
        elif isinstance(rule, dict) and isinstance(rule.get("expr"), str):
            try:
                names = pl.sql_expr(rule["expr"]).meta.root_names()
            except pl.exceptions.PolarsError:
                names = []  # the next run refuses it, with its place
        for name in names:
            found.setdefault(name, column)
    return found
