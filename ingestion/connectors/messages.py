"""From the bytes of one message to its records: JSON, separated values, a pattern, or plain text."""

from __future__ import annotations

import base64
import re
from fnmatch import fnmatchcase
from typing import Any, Literal, Self

import polars as pl
from pydantic import Field, field_validator, model_validator

from ingestion.connectors.answers import strict_json
from ingestion.connectors.connector import Settings
from ingestion.connectors.page import FAULT, RAW, field_name
from ingestion.connectors.records import flatten, text_of

Record = dict[str, str | None]


class Format(Settings):
    """How a message is written.

    `json`: an object is a record, a list a record each; `items` names a nested list whose elements are the records
    (each with the message's other fields), and `tags` the fields (patterns) that become records `tag`, `value` of their
    own. `delimited`: values between `separator`s, called `names` in their order. `pattern`: a regular expression that
    fits the whole message and whose named groups are the fields. `text`: one field `value`.
    """

    format: Literal["json", "delimited", "pattern", "text"] = "json"
    encoding: str = "utf-8"
    items: str = ""
    tags: tuple[str, ...] = ()
    separator: str = Field(default=",", min_length=1)
    names: tuple[str, ...] = ()
    pattern: str = ""

    @field_validator("encoding")
    @classmethod
    def _known(cls, value: str) -> str:
        try:
            "".encode(value)
        except LookupError as error:
            raise ValueError(f"no encoding is called {value!r}") from error
        return value

    @field_validator("pattern")
    @classmethod
    def _with_names(cls, value: str) -> str:
        try:
            groups = re.compile(value).groupindex if value else True
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if not groups:
            raise ValueError("has no named group (?P<name>...)")
        return value

    @model_validator(mode="after")
    def _coherent(self) -> Self:
        if self.format == "pattern" and not self.pattern:
            raise ValueError("format pattern needs pattern")
        if self.format == "delimited" and not self.names:
            raise ValueError("format delimited needs names")
        return self


def parse(data: bytes, how: Format) -> list[Record]:
    """The message's records as text by field name. Raises ValueError that says why it cannot be read."""
    text = data.decode(how.encoding)
    if how.format == "text":
        return [{"value": text}]
    if how.format == "pattern":
        found = re.fullmatch(how.pattern, text)
        if found is None:
            raise ValueError("does not fit the pattern")
        return [_named(found.groupdict())]
    if how.format == "delimited":
        values = [value.strip() for value in text.split(how.separator)]
        if len(values) != len(how.names):
            raise ValueError(f"has {len(values)} values, not {len(how.names)}")
        return [_named(dict(zip(how.names, values, strict=True)))]
    try:
        told = strict_json(text.encode())
    except ValueError as error:
        raise ValueError(f"is no JSON: {error}") from error
    except RecursionError as error:
        raise ValueError("is nested too deeply") from error
    return [row for one in _elements(told, how.items) for row in _spread(_flat(one), how.tags)]


def raw(data: bytes, encoding: str = "utf-8") -> str:
    """The message as text, or, where it is none in its encoding, as `base64:...`: nothing of it is lost."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(data).decode('ascii')}"


def unreadable(data: bytes, why: str, encoding: str = "utf-8") -> Record:
    """A record that goes to quarantine with its reason and its raw form."""
    return {FAULT: why, RAW: raw(data, encoding)}


def to_frame(records: list[Record]) -> pl.DataFrame:
    """The records as text columns, each field where any record has it."""
    names = dict.fromkeys(name for record in records for name in record)
    return pl.DataFrame({name: pl.Series([record.get(name) for record in records], dtype=pl.String) for name in names})


def _named(values: dict[str, str | None]) -> Record:
    return {field_name(name): value for name, value in values.items()}


def _elements(told: Any, items: str) -> list[Any]:
    """What is a record of its own: the message, its elements, or those of the list it names, with its other fields."""
    if not items:
        return told if isinstance(told, list) else [told]
    inner, outer = told, dict(told) if isinstance(told, dict) else {}
    for key in items.split("."):
        inner = inner.get(key) if isinstance(inner, dict) else None
    if not isinstance(inner, list):
        raise ValueError(f"has no list {items!r}")
    outer.pop(items.partition(".")[0], None)
    return [outer | one if isinstance(one, dict) else outer | {"value": one} for one in inner]


def _flat(one: Any) -> Record:
    return flatten(one) if isinstance(one, dict) else {"value": text_of(one)}


def _spread(record: Record, tags: tuple[str, ...]) -> list[Record]:
    """The record, or one per field that fits `tags`, with the fields that do not."""
    if not tags:
        return [record]
    spread = [name for name in record if any(fnmatchcase(name, pattern) for pattern in tags)]
    rest = {name: value for name, value in record.items() if name not in spread}
    if not spread:
        raise ValueError(f"has no field like {', '.join(tags)}")
    return [rest | {"tag": name, "value": record[name]} for name in spread]
