"""From a source's fields to a contract's columns, as the workspace file says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from ingestion.casting import Reading
from ingestion.connectors.formats.csvtext import DELIMITERS, say_delimiter
from ingestion.connectors.page import FILE, LINE, RESERVED
from ingestion.contracts.contract import Contract
from tillmill.errors import ContractError, SettingsError
from tillmill.refusals import in_words, nearest

MOST_FAILED_EXPRESSIONS = 1_000


class FieldRule(BaseModel):
    """Where one contract column comes from (exactly one of field, const, expr, position) and how it is written.

    `optional`: the source may be without the field, and a value without what `pattern` looks for.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    field: str | None = None
    const: str | None = None
    expr: str | None = None
    position: Literal["row", "file"] | None = None
    pattern: str | None = None
    values: dict[str, str] = {}
    timezone: str | None = None
    format: str | None = None
    scale: Decimal | None = None
    decimal: Literal[",", "."] | None = None
    calling_code: str = ""
    optional: bool = False

    @field_validator("const", mode="before")
    @classmethod
    def _as_text(cls, value: object) -> object:
        return str(value).lower() if isinstance(value, bool) else str(value) if value is not None else None

    @field_validator("scale", mode="before")
    @classmethod
    def _exact(cls, value: object) -> object:
        return str(value) if isinstance(value, float) else value

    @field_validator("timezone")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value is not None:
            ZoneInfo(value)
        return value

    @field_validator("pattern")
    @classmethod
    def _captures(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                groups = pl.Series([""]).str.extract_groups(value).struct.fields
            except pl.exceptions.PolarsError as error:
                raise ValueError(f"is no pattern: {error}") from error
            if not groups:
                raise ValueError("needs a part in brackets: what is taken of the value, such as ([0-9]+)")
        return value

    @field_validator("expr")
    @classmethod
    def _reads(cls, value: str | None) -> str | None:
        if value is not None:
            try:
                pl.sql_expr(value)
            except (pl.exceptions.PolarsError, TypeError) as error:
                raise ValueError(f"is no expression: {error}") from error
        return value

    @model_validator(mode="after")
    def _one_origin(self) -> Self:
        named = [name for name in ("field", "const", "expr", "position") if getattr(self, name) is not None]
        if len(named) != 1:
            raise ValueError("needs exactly one of field, const, expr, position")
        return self


@dataclass(frozen=True)
class Mapped:
    """The raw values by contract column, which raw fields were used, which needed ones are not there, and by column the
    rows on which an expression failed or a pattern was not found (`reasons` says which)."""

    values: dict[str, pl.Series]
    used: set[str]
    lost: set[str]
    failed: dict[str, pl.Series] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def read_rules(fields: Mapping[str, Any], contract: Contract, where: str) -> dict[str, FieldRule]:
    """The rules by contract column. Raises SettingsError naming `where`, the column, and the nearest there is."""
    rules: dict[str, FieldRule] = {}
    for column, value in fields.items():
        if column not in contract.columns:
            raise SettingsError(
                f"{where}.fields: {contract.name} has no column {column!r}{nearest(column, contract.columns)}"
            )
        if not isinstance(value, (str, dict)):
            raise SettingsError(f"{where}.fields.{column}: a raw field's name or a table such as {{ const = ... }}")
        try:
            rules[column] = FieldRule(field=value) if isinstance(value, str) else FieldRule.model_validate(value)
        except ValidationError as error:
            raise SettingsError(in_words(error, FieldRule, value, f"{where}.fields.{column}")) from error
        except Exception as error:  # an unknown time zone raises by its own kind
            raise SettingsError(f"{where}.fields.{column}: {error}") from error
        if said := _unfit(rules[column], contract.schema.columns()[column].dtype):
            raise SettingsError(f"{where}.fields.{column}: {said}")
    return rules


def _unfit(rule: FieldRule, dtype: pl.DataType) -> str:
    """What the rule says and no value of this type would heed, in words; '' where all of it counts."""
    is_number = dtype.is_numeric() and not dtype.is_integer()
    if rule.scale is not None and not is_number:
        return "scale is for amounts and other numbers with decimals; this column is none"
    if rule.decimal is not None and not dtype.is_numeric():
        return "decimal is for numbers; this column is none"
    if rule.format is not None and not dtype.is_temporal():
        return "format is for dates and times; this column is none"
    if rule.timezone is not None and not dtype.is_temporal():
        return "timezone is for dates and times; this column is none"
    return ""


def reads(rules: Mapping[str, FieldRule]) -> set[str]:
    """The raw fields that the rules read, by name or within an expression."""
    named = {rule.field for rule in rules.values() if rule.field is not None}
    expressions = [pl.sql_expr(rule.expr) for rule in rules.values() if rule.expr is not None]
    return named.union(*(expression.meta.root_names() for expression in expressions))


def reading(rule: FieldRule | None, timezone: str) -> Reading:
    """How the column's text is to be read; naive times are in the source's zone unless the rule says otherwise."""
    if rule is None:
        return Reading(timezone)
    is_dated = rule.timezone is not None
    return Reading(rule.timezone or timezone, rule.format, rule.scale, to_business_date=is_dated, decimal=rule.decimal)


def apply(records: pl.DataFrame, rules: Mapping[str, FieldRule], contract: Contract, where: str) -> Mapped:
    """The raw values (text, or what an expression gives) of each contract column the page has something for."""
    raw = [name for name in records.columns if name not in RESERVED]
    values: dict[str, pl.Series] = {}
    used: set[str] = set()
    lost: set[str] = set()
    failed: dict[str, pl.Series] = {}
    reasons: dict[str, str] = {}
    for column in contract.columns:
        rule = rules.get(column)
        if rule is None:
            if column in raw:
                values[column] = records[column]
                used.add(column)
            continue
        if rule.const is not None:
            values[column] = pl.repeat(rule.const, records.height, dtype=pl.String, eager=True)
        elif rule.position is not None:
            values[column] = _position(records, rule.position)
        elif rule.field is not None and rule.field in raw:
            values[column] = records[rule.field]
            used.add(rule.field)
        elif rule.field is not None:
            lost |= set() if rule.optional else {rule.field}
            continue
        elif rule.expr is not None:
            expression = pl.sql_expr(rule.expr)
            roots = set(expression.meta.root_names())
            missing = roots - set(raw)
            lost |= set() if rule.optional else missing
            used |= roots - missing
            there = records.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in sorted(missing))
            values[column], broken = _evaluate(there, expression, f"{where}.fields.{column}")
            if broken is not None:
                failed[column], reasons[column] = broken, "cannot be worked out from the row's fields"
        if rule.pattern:
            before = values[column].cast(pl.String)
            values[column] = before.str.extract(rule.pattern)
            without = values[column].is_null() & (before.str.strip_chars() != "").fill_null(False)
            if without.any() and not rule.optional:
                failed[column], reasons[column] = without, "does not have what its pattern looks for"
        if rule.values:
            values[column] = _translate(values[column], rule.values)
    return Mapped(values, used, lost, failed, reasons)


def uncut(names: Iterable[str], missed: set[str]) -> str:
    """What to say where fields that are missed stand within a header's names, as those of a file that was read with
    another delimiter than its own; '' where not two of them do."""
    for sign in DELIMITERS:
        parts = {part.strip().strip('"') for name in names if sign in name for part in name.split(sign)}
        if len(missed & parts) > 1:
            return say_delimiter(sign)
    return ""


def _position(records: pl.DataFrame, kind: str) -> pl.Series:
    if kind == "file":
        return records[FILE]
    if LINE in records.columns:
        return records[LINE]
    return pl.int_range(1, records.height + 1, eager=True)


def _translate(values: pl.Series, table: dict[str, str]) -> pl.Series:
    """Values by the table; `*` stands for any other value, and without it others stay as they are."""
    named = {old: new for old, new in table.items() if old != "*"}
    text = values.cast(pl.String)
    if "*" not in table:
        return text.replace(named)
    return text.replace_strict(named, default=table["*"], return_dtype=pl.String)


def _evaluate(records: pl.DataFrame, expression: pl.Expr, where: str) -> tuple[pl.Series, pl.Series | None]:
    """The expression's values and the rows it fails on; halves the rows until the failing ones stand alone."""
    broken: list[int] = []

    def values(start: int, length: int) -> list[pl.Series]:
        try:
            found = records.slice(start, length).select(expression.alias("value")).to_series()
            return [found if found.len() == length else found.new_from_index(0, length)]
        except (pl.exceptions.InvalidOperationError, pl.exceptions.ComputeError) as error:
            if length == 1:
                broken.append(start)
                if len(broken) > MOST_FAILED_EXPRESSIONS:
                    raise ContractError(
                        f"{where}: the expression fails on more than {MOST_FAILED_EXPRESSIONS:,} rows of a page",
                        state="Nothing of this pull has landed; its cursor has not moved.",
                    ) from error
                return [pl.Series([None], dtype=pl.Null)]
            half = length // 2
            return values(start, half) + values(start + half, length - half)

    parts = [part.cast(pl.String) for part in values(0, records.height)] if records.height else []
    if not parts:
        return pl.Series([], dtype=pl.String), None
    joined = pl.concat(parts)
    if not broken:
        return joined, None
    return joined, pl.Series(range(records.height)).is_in(broken)
