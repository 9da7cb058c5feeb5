"""The people who asked to be forgotten, as tokens alone: what a pull, a replay or a back-fill brings of them goes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from ingestion.contracts.contract import Contract, landed_name
from ingestion.privacy.normalise import IDENTIFYING, kind_of
from ingestion.privacy.vaultfile import VaultFile
from tillmill.workspace import Workspace

EVERY_SOURCE = ""
Tokens = Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class Suppressed:
    """Tokens by source ('' for all) and kind."""

    by_source: Mapping[str, Tokens] = field(default_factory=dict)

    def of(self, source: str) -> dict[str, frozenset[str]]:
        """The tokens by kind that count for rows of `source`."""
        found = (self.by_source.get(EVERY_SOURCE, {}), self.by_source.get(source, {}))
        kinds = {kind for tokens in found for kind in tokens}
        return {kind: frozenset().union(*(tokens.get(kind, frozenset()) for tokens in found)) for kind in kinds}


def read_suppressed(workspace: Workspace) -> Suppressed:
    """The workspace's list; empty where nobody has asked."""
    if not workspace.vault.exists():
        return Suppressed()
    found: dict[str, dict[str, set[str]]] = {}
    with VaultFile(workspace) as vault:
        for row in vault.suppressed():
            found.setdefault(row["source"], {}).setdefault(row["kind"], set()).add(row["token"])
    return Suppressed(
        {source: {kind: frozenset(some) for kind, some in kinds.items()} for source, kinds in found.items()}
    )


@dataclass(frozen=True)
class Erased:
    """The rows without the person, in the same order: `gone` rows say nothing of anybody, `unlinked` stay as facts."""

    rows: pl.DataFrame
    gone: pl.Series
    unlinked: pl.Series

    @property
    def touched(self) -> int:
        """How many rows have changed."""
        return int((self.gone | self.unlinked).sum())


def erase(
    contract: Contract, rows: pl.DataFrame, tokens: Tokens, place: pl.Expr, named: pl.Series | None = None
) -> Erased:
    """Take the person with these tokens out of landed rows (or of rows about to land: personal columns as tokens).

    A row that is about a person becomes a tombstone of nobody: its key from `place` (text) and the row's number, its
    version kept, all else null. A fact (a sale, an order) keeps units and money and loses every personal column,
    `_extra` and free text. `named` marks rows that hold the person elsewhere, in `_extra`.
    """
    nobody = pl.repeat(False, rows.height, dtype=pl.Boolean, eager=True)
    kinds = {column: kind_of(column) for column in contract.personal if kind_of(column) in IDENTIFYING}
    hits = {
        column: rows[landed_name(contract, column)].is_in(list(tokens.get(kind, ()))).fill_null(False)
        for column, kind in kinds.items()
    }
    if not contract.goes_with_person:
        unlinked = _any([nobody, *hits.values(), *([named] if named is not None else [])])
        return Erased(_unlinked(contract, rows, unlinked) if unlinked.any() else rows, nobody, unlinked)
    deciding = [column for column in kinds if column in contract.key] or list(kinds)
    gone = _any([nobody, *(hits[column] for column in deciding)])
    rows = _gone(contract, rows, gone, place) if gone.any() else rows
    # Another member who gave the same phone stays, without the phone.
    shared = _any([nobody, *hits.values(), *([named] if named is not None else [])]) & ~gone
    if shared.any():
        rows = rows.with_columns(
            *(
                pl.when(~(hits[column] & shared))
                .then(landed_name(contract, column))
                .alias(landed_name(contract, column))
                for column in kinds
                if column not in contract.key
            ),
            pl.when(~(shared & (nobody if named is None else named))).then("_extra").alias("_extra"),
        )
    return Erased(rows, gone, shared)


def _unlinked(contract: Contract, rows: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    emptied = [landed_name(contract, column) for column in contract.personal] + [*contract.free_text, "_extra"]
    # No flag says so: rows that one flag joins would still be one person's.
    return rows.with_columns(pl.when(~which).then(name).alias(name) for name in emptied)


def _gone(contract: Contract, rows: pl.DataFrame, which: pl.Series, place: pl.Expr) -> pl.DataFrame:
    kept = {*contract.key, contract.version}
    emptied = [landed_name(contract, name) for name in contract.columns if name not in kept] + ["_extra"]
    keys = [landed_name(contract, name) for name in contract.key if name in contract.personal]
    nobody = pl.format("{}{}|{}", pl.lit("forgotten|"), place, pl.col("_row"))
    return rows.with_columns(
        *(pl.when(~which).then(name).alias(name) for name in emptied),
        *(pl.when(which).then(nobody).otherwise(name).alias(name) for name in keys),
        pl.when(which).then(pl.lit("delete")).otherwise("_op").alias("_op"),
        pl.when(which).then(pl.lit("forgotten")).otherwise("_flags").alias("_flags"),
    )


def _any(masks: list[pl.Series]) -> pl.Series:
    found = masks[0]
    for mask in masks[1:]:
        found = found | mask
    return found
