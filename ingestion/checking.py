"""The check of a page against its contract: which rows fail in which field and why, and which are odd but possible."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache

import dataframely as dy
import polars as pl

from ingestion.contracts.contract import Contract

ROW = "_row"
# A clock may run ahead by a zone that was not told; by more than a day it is wrong.
CLOCK_SKEW = timedelta(days=1)
# Times that may lie ahead: a plan or a validity, not something that happened.
PLANNED = ("planned_", "starts_", "ends_", "requested_", "promised_", "confirmed_", "expires_")
REASONS = {
    "nullability": "is missing",
    "min": "is below what is possible",
    "min_exclusive": "is below what is possible",
    "max": "is above what is possible",
    "max_exclusive": "is above what is possible",
    "check__one_of": "is none of the allowed values",
    "check__known_currency": "is no currency of ISO 4217",
    "inf": "is not a finite number",
    "nan": "is not a finite number",
}


@dataclass
class Findings:
    """Failures (frames of `_row`, field, reason; a row may fail twice) and oddities (flag to rows) of one page."""

    failures: list[pl.DataFrame] = field(default_factory=list)
    flags: dict[str, pl.Series] = field(default_factory=dict)

    def fail(self, rows: pl.Series, column: str, reason: str) -> None:
        """Adds that `rows` (numbers) fail in `column`."""
        if rows.len():
            named = {"field": pl.lit(column), "reason": pl.lit(f"{column} {reason}")}
            self.failures.append(pl.DataFrame({ROW: rows.cast(pl.Int64)}).with_columns(**named))

    def flag(self, name: str, rows: pl.Series) -> None:
        """Adds that `rows` (numbers) are odd."""
        if rows.len():
            self.flags[name] = pl.concat([self.flags[name], rows]).unique() if name in self.flags else rows

    def failed_rows(self) -> pl.DataFrame:
        """One row per failed row: `_row`, field (comma-joined), reason (joined by semicolons)."""
        if not self.failures:
            return pl.DataFrame(schema={ROW: pl.Int64, "field": pl.String, "reason": pl.String})
        told = pl.concat(self.failures).unique([ROW, "field"], keep="first", maintain_order=True)
        return told.group_by(ROW, maintain_order=True).agg(
            pl.col("field").str.join(","), pl.col("reason").str.join("; ")
        )

    def flag_column(self, rows: pl.Series) -> pl.Series:
        """The `_flags` text of each row number, oddities comma-joined in order of name, '' for none."""
        text = pl.repeat("", rows.len(), dtype=pl.String, eager=True)
        frame = pl.DataFrame({ROW: rows, "_flags": text})
        for name, odd in sorted(self.flags.items()):
            joined = pl.when(pl.col("_flags") == "").then(pl.lit(name)).otherwise(pl.col("_flags") + f",{name}")
            is_odd = pl.col(ROW).is_in(odd.implode())
            frame = frame.with_columns(pl.when(is_odd).then(joined).otherwise("_flags").alias("_flags"))
        return frame["_flags"]


def check(contract: Contract, typed: pl.DataFrame, extracted_at: datetime, findings: Findings) -> None:
    """Adds to `findings` what the contract refuses in `typed` (its columns, `_row`, `_op`).

    A tombstone is held to its key and version alone: a source that deletes a row seldom repeats the rest of it.
    """
    needed = [*contract.key, contract.version]
    deletes = typed.filter(pl.col("_op") == "delete")
    for column in needed:
        findings.fail(deletes[ROW].filter(deletes[column].is_null()), column, REASONS["nullability"])
    upserts = typed.filter(pl.col("_op") != "delete") if deletes.height else typed
    _, failure = _with_row(contract.schema).filter(upserts.drop("_op"), cast=False)
    if len(failure):
        details = failure.details()
        for rule in (name for name in details.columns if "|" in name):
            column, _, kind = rule.partition("|")
            rows = details[ROW].filter((details[rule] == "invalid").fill_null(False))
            findings.fail(rows, column, REASONS.get(kind, f"breaks the rule {kind}"))
    latest = extracted_at + CLOCK_SKEW
    for column, dtype in typed.schema.items():
        if isinstance(dtype, pl.Datetime) and not column.startswith(PLANNED):
            findings.fail(typed[ROW].filter((typed[column] > latest).fill_null(False)), column, "lies in the future")


@cache
def _with_row(schema: type[dy.Schema]) -> type[dy.Schema]:
    """The schema with the row number beside its columns, so that a failure can say which row it is."""
    return type(f"{schema.__name__}WithRow", (schema,), {"row_number": dy.Int64(alias=ROW)})


def flag(contract: Contract, typed: pl.DataFrame, raw: pl.DataFrame, findings: Findings) -> None:
    """Adds the contract's oddities, and `full_duplicate` for each row equal in every raw field to an earlier one."""
    for name, odd in contract.flags.items():
        findings.flag(name, typed[ROW].filter(typed.select(odd.fill_null(False).alias("odd")).to_series()))
    findings.flag("full_duplicate", typed[ROW].filter(full_duplicates(raw)))


def full_duplicates(raw: pl.DataFrame) -> pl.Series:
    """True for each row equal to an earlier one in every column."""
    if raw.width == 0 or raw.height < 2:
        return pl.repeat(False, raw.height, dtype=pl.Boolean, eager=True)
    hashes = raw.hash_rows()
    if hashes.n_unique() == raw.height:
        return pl.repeat(False, raw.height, dtype=pl.Boolean, eager=True)
    # Equal hashes are only a suspicion: those rows, and no others, are compared in full.
    suspects = raw.with_row_index("_place").filter(hashes.is_duplicated())
    repeated = suspects.filter(~pl.struct(raw.columns).is_first_distinct())["_place"]
    return pl.int_range(raw.height, eager=True, dtype=pl.UInt32).is_in(repeated.implode())
