"""Deletes by absence: what a source that hands over its whole list each time no longer names is deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl

from ingestion.connectors.page import FILE, OBSERVED, Page
from ingestion.contracts.contract import Contract, landed_key, landed_name, landed_schema
from ingestion.landing.lake import EVERY_ROW, Piece
from ingestion.landing.ledger import Ledger
from tillmill.errors import ContractError
from tillmill.workspace import Workspace

ABSENT = "absent_from_snapshot"
# A short list may lose a few of its rows in a day, whatever share of it they are.
FEW = 10


class Snapshot:
    """The keys that one pull names. Where the source hands over files, each file is a whole list: the last one counts.

    A pull says what is gone only if all of it is known: none when a row of it is in quarantine (its key may be the
    missing one), and none when it began within a file (`partial` in its cursor).
    """

    def __init__(self, contract: Contract, *, hands_over_files: bool, began_within: bool) -> None:
        self._contract = contract
        self._hands_over_files = hands_over_files
        self._keys: list[pl.DataFrame] = []
        self._file: str | None = None
        self._is_whole = not began_within
        self._said_at = datetime.min.replace(tzinfo=UTC)

    def take(self, page: Page, good: pl.DataFrame) -> None:
        """Adds what a page names; `good` are its rows that land, `_row` their place in it."""
        records = page.records.with_row_index("_place")
        if self._hands_over_files and records.height:
            last = records[FILE][-1]
            is_new_here = records[FILE].n_unique() > 1 or self._file not in (None, last)
            if is_new_here:
                self._keys, self._is_whole = [], True
            self._file = last
            records = records.filter(pl.col(FILE) == last)
        named = good.filter(pl.col("_row").is_in(records["_place"].implode()))
        self._keys.append(named.select(landed_key(self._contract)))
        self._is_whole = self._is_whole and named.height == records.height
        self._said_at = max(self._said_at, min(_last_said(records) or page.extracted_at, page.extracted_at))

    def tombstones(
        self, workspace: Workspace, ledger: Ledger, source: str, pieces: Sequence[Piece], most_share: float
    ) -> Piece | None:
        """The rows that say which current keys are gone, after the last of `pieces`; None where none is, or none can
        be told. They count as pulled: the source said so by its silence.

        Raises ContractError where more than `most_share` of the current keys, and more than a few, would go.
        """
        if not pieces or not self._keys or not self._is_whole:
            return None
        key = list(landed_key(self._contract))
        current = _current(workspace, ledger, source, self._contract, pieces)
        named = pl.concat(self._keys).unique()
        gone = current.join(named, on=key, how="anti").sort(key)
        if gone.is_empty():
            return None
        if named.is_empty() or (gone.height > FEW and gone.height > most_share * current.height):
            raise ContractError(
                f"{source} {self._contract.name}: {gone.height:,} of {current.height:,} rows are missing from a whole "
                f"list ({gone.height / current.height:.0%}; at most {most_share:.0%} may be)",
                state="None was deleted; the cursor has not moved past this list.",
                next_command="see whether the list was cut off; if it is right, raise most_share of deletes, then: "
                "tillmill run",
            )
        return self._as_piece(gone, pieces[-1])

    def _as_piece(self, gone: pl.DataFrame, last: Piece) -> Piece:
        version = self._contract.version
        schema = landed_schema(self._contract)
        empty = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in gone.columns]
        # Not older than the row it deletes, and not newer than the list: what comes later may bring the key back.
        at = pl.max_horizontal(version, pl.lit(self._said_at).cast(schema[version])).alias(version)
        good = gone.with_columns(*empty, at).with_columns(
            pl.int_range(pl.len(), dtype=pl.Int64).alias("_row"),
            pl.lit("delete").alias("_op"),
            pl.lit(None, pl.String).alias("_extra"),
            pl.lit(ABSENT).alias("_flags"),
        )
        return Piece(good, last.bad.clear(), gone.height, last.cursor, last.extracted_at)


def _last_said(records: pl.DataFrame) -> datetime | None:
    told = records[OBSERVED].max() if OBSERVED in records.columns else None
    return datetime.fromisoformat(told) if isinstance(told, str) else None


def _current(
    workspace: Workspace, ledger: Ledger, source: str, contract: Contract, pieces: Sequence[Piece]
) -> pl.DataFrame:
    """Key and version of every row that is current and not deleted, the pieces about to land included."""
    key, version = list(landed_key(contract)), landed_name(contract, contract.version)
    columns = list(dict.fromkeys([*key, version, "_load_seq", "_row", "_op"]))
    files = dict.fromkeys(
        workspace.root / load.file
        for load in ledger.loads(source, contract.name)
        if load.state == "visible" and load.file is not None
    )
    frames = [pl.scan_parquet(path).select(columns) for path in files]
    latest = EVERY_ROW["_load_seq"].max()  # type: ignore[attr-defined]
    for number, piece in enumerate(pieces):
        # What is about to land comes after all that has, piece by piece.
        order = [latest.alias("_load_seq"), (pl.col("_row") + (number << 40)).alias("_row")]
        frames.append(piece.good.lazy().with_columns(order).select(columns))
    last = pl.concat(frames, how="vertical_relaxed").sort(version, "_load_seq", "_row").unique(key, keep="last")
    return last.filter(pl.col("_op") != "delete").select(list(dict.fromkeys([*key, version]))).collect()
