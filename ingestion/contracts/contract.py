"""A contract: what one row of a stream must be, and the shape in which it lands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import dataframely as dy
import polars as pl


@dataclass(frozen=True)
class Contract:
    """The columns, key and version of one stream (model.md), and which values are odd but possible.

    `key` are the contract's own columns (the full key is `_source` and these); `version` decides which of two rows with
    one key is current; `event` is the column whose highest value is the stream's watermark; `personal` columns land as
    keyed tokens, and the clear value of the `vaulted` ones among them is kept, encrypted, in the vault; `free_text`
    columns hold what people wrote: phones and e-mails inside them are masked; `defaults` fill nulls (`-` none, `*` all;
    as a line number 0, the whole document); `flags` name the oddities a row lands with. `is_about_person`: its rows go
    when the person asks to be forgotten; other rows stay, unlinked. `may_carry`: what its source sends along with it is
    personal although no column is. `is_learnt`: Tillmill lands it itself, no source has to bring it.
    """

    name: str
    schema: type[dy.Schema]
    key: tuple[str, ...]
    version: str
    event: str | None = None
    personal: tuple[str, ...] = ()
    defaults: Mapping[str, str | int] = field(default_factory=dict)
    flags: Mapping[str, pl.Expr] = field(default_factory=dict, compare=False)
    free_text: tuple[str, ...] = ()
    vaulted: tuple[str, ...] = ()
    is_about_person: bool = False
    may_carry: bool = False
    is_learnt: bool = False

    def __post_init__(self) -> None:
        columns = set(self.schema.column_names())
        named = {*self.key, self.version, *self.personal, *self.defaults, *([self.event] if self.event else [])}
        if missing := (named | {*self.free_text}) - columns:
            raise ValueError(f"contract {self.name}: no column {sorted(missing)}")
        if clear := {*self.vaulted} - {*self.personal}:
            raise ValueError(f"contract {self.name}: {sorted(clear)} land in clear; only personal columns are vaulted")
        if odd := {*self.free_text} & {*self.personal, *self.key}:
            raise ValueError(f"contract {self.name}: {sorted(odd)} cannot be free text")

    @property
    def domain(self) -> str:
        """The part of the name before the dot: the kind of system it comes from."""
        return self.name.partition(".")[0]

    @property
    def is_sealed(self) -> bool:
        """True where unknown fields, quarantined rows and originals are encrypted."""
        return bool(self.personal or self.free_text or self.may_carry)

    @property
    def goes_with_person(self) -> bool:
        """True where a row says something about a person, so that it cannot outlast them."""
        return self.is_about_person or bool({*self.key} & {*self.personal})

    @property
    def columns(self) -> list[str]:
        """The contract's columns in order, personal ones by their clear name."""
        return self.schema.column_names()


def landed_name(contract: Contract, column: str) -> str:
    """The name under which a contract column lands: `<name>_token` for a personal one."""
    return f"{column}_token" if column in contract.personal else column


def landed_key(contract: Contract) -> tuple[str, ...]:
    """The key's columns as they land, without `_source`."""
    return tuple(landed_name(contract, column) for column in contract.key)


def landed_schema(contract: Contract) -> dict[str, pl.DataType]:
    """Column to dtype of the contract's part of a landed row, in order; `landing` adds the columns every row has."""
    return {landed_name(contract, name): column.dtype for name, column in contract.schema.columns().items()}
