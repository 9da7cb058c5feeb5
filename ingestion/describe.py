"""A starting block for the workspace file, written from the connectors' own models, so that it is never out of date."""

from __future__ import annotations

import json
import textwrap
import types
from collections.abc import Iterator, Sequence
from typing import Any, Literal, Union, get_args, get_origin

import polars as pl
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ingestion import contracts
from ingestion.contracts.contract import Contract
from ingestion.contracts.describe import missing_means
from ingestion.sources import connector

WIDTH = 116
KINDS: dict[type, str] = {
    pl.String: "text",
    pl.Date: "date",
    pl.Datetime: "time",
    pl.Decimal: "number",
    pl.Float64: "number",
    pl.Int64: "whole number",
    pl.Boolean: "true or false",
}
EXAMPLES: dict[type, object] = {str: "", int: 0, float: 0.0, bool: False}


def source_block(connector_name: str, stream: str | None = None) -> str:
    """The commented TOML of a source of this connector: what it must be told stands open, what it may be told as a
    comment with its default; with `stream`, its contract's columns too. Raises SettingsError for an unknown name."""
    protocol = connector(connector_name)
    contract = contracts.contract(stream) if stream is not None else None
    lines = [
        "[[sources]]",
        'name = "my_source"                # lands as _source beside every row',
        f'connector = "{connector_name}"',
        '# timezone = "UTC"                # of times without a zone',
        "",
        *_table("sources.connection", protocol.connection),
        "",
        "[[sources.streams]]",
        f'stream = "{stream or "domain.stream"}"',
        "# timezone = \"UTC\"                # of this stream's times without a zone, where it is not the source's",
        '# deletes = "is_deleted"          # the raw field that says true, 1 or delete where a row is gone,',
        "#                                 # or { snapshot = true }: each pull is the whole list",
        "# unused = []                     # raw fields known and not wanted, * for any signs: kept in _extra, no news",
        "# drop = []                       # raw fields that are never kept, such as a clerk's phone",
        "# may_carry = true                # people in unmapped fields: seal all of these",
        "# max_quarantined_rate = 0.2      # more bad rows than this stop the stream",
        "",
        *_table("sources.streams.pull", protocol.pull),
        "",
        *_fields(contract),
    ]
    return "\n".join(lines) + "\n"


def _table(name: str, model: type[BaseModel]) -> Iterator[str]:
    if model.__doc__ and model.__doc__ != BaseModel.__doc__:
        yield from _comment(model.__doc__)
    yield f"[{name}]"
    for key, info in model.model_fields.items():
        said = _said(info)
        about = f"  # {said}" if said else ""
        if info.is_required():
            yield f"{key} = {_toml(_example(info.annotation))}{about or '  # required'}"
        else:
            default = info.get_default(call_default_factory=True)
            example = _example(info.annotation) if default is None else default
            yield f"# {key} = {_toml(example)}{about}"


def _said(info: FieldInfo) -> str:
    choices = [str(choice) for part in _parts(info.annotation) for choice in _choices(part)]
    one_of = f"one of {', '.join(filter(None, choices))}" if any(choices) else ""
    needed = "required" if info.is_required() and (one_of or info.description) else ""
    return "; ".join(part for part in (needed, info.description or "", one_of) if part)


def _fields(contract: Contract | None) -> Iterator[str]:
    yield from _comment(
        "The contract's column = the source's field; a field named like the column needs no line. "
        "Other forms: docs/first-source.md."
    )
    yield "[sources.streams.fields]"
    if contract is None:
        yield '# column = "field"'
        return
    for name, column in contract.schema.columns().items():
        stand_in = _stand_in(contract, name) or missing_means(column)
        about = [
            KINDS[type(column.dtype)],
            *(["key"] if name in contract.key else []),
            *(["personal: lands as a token"] if name in contract.personal else []),
            *([f"{stand_in} where it is missing"] if stand_in else [] if column.nullable else ["required"]),
        ]
        yield f'# {name} = "{name}"  # {", ".join(about)}'


def _stand_in(contract: Contract, column: str) -> str:
    """What stands in for a value that the source does not state, '' for nothing."""
    if column == contract.version:
        return "when the source said it"
    if column in contract.defaults:
        return f"'{contract.defaults[column]}'"
    return "the brand's currency" if column == "currency" else ""


def _comment(text: str) -> Iterator[str]:
    for paragraph in textwrap.dedent(f"    {text.strip()}").split("\n\n"):
        for line in textwrap.wrap(" ".join(paragraph.split()), WIDTH, break_on_hyphens=False):
            yield f"# {line}"


def _parts(annotation: Any) -> Sequence[Any]:
    """The annotation's alternatives, None left out."""
    if get_origin(annotation) in (Union, types.UnionType):
        return [part for part in get_args(annotation) if part is not type(None)]
    return [annotation]


def _choices(annotation: Any) -> Sequence[Any]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()


def _example(annotation: Any) -> object:
    """A value of the annotation's type, as small as it can be and still show the shape."""
    part = _parts(annotation)[0]
    origin = get_origin(part) or part
    if choices := _choices(part):
        return choices[0]
    if isinstance(origin, type) and issubclass(origin, BaseModel):
        return {key: _example(info.annotation) for key, info in origin.model_fields.items() if info.is_required()}
    if origin in (list, tuple):
        inner = _parts(get_args(part)[0])[0] if get_args(part) else str
        is_model = isinstance(inner, type) and issubclass(inner, BaseModel)
        return [_example(inner)] if is_model else []
    if origin is dict:
        return {}
    return EXAMPLES.get(origin, "") if isinstance(origin, type) else ""


def _toml(value: object) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", exclude_none=True)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, dict):
        inside = ", ".join(
            f"{json.dumps(key) if not key.isidentifier() else key} = {_toml(one)}" for key, one in value.items()
        )
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(_toml(one) for one in value)}]"
    return json.dumps(str(value), ensure_ascii=False)
