"""A JSON value as a raw record: text by dotted name, a nested list as records of its own, faults told."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import polars as pl

from ingestion.connectors.answers import Unreadable
from ingestion.connectors.page import FAULT, FILE, LINE, RAW, field_name
from tillmill.refusals import nearest

Row = dict[str, str | None]
# An answer may have ids, phones, addresses or whole sentences in the place of names.
NAME, DATA = re.compile(r"[\w@$:.-]{1,40}"), re.compile(r".@.|[0-9]{4}")
MOST_NAMES, DEEPEST = 200, 3


def dig(value: Any, path: str) -> Any:
    """What stands behind a dotted path (numbers index lists), None where nothing does; a key may have dots itself."""
    return _found(value, path)[1]


def holds(value: Any, path: str) -> bool:
    """Whether a key stands at the end of the path, or something on the way to it is said to be null."""
    return _found(value, path)[0]


def _found(value: Any, path: str) -> tuple[bool, Any]:
    rest = path
    while rest:
        if value is None:
            return True, None
        if isinstance(value, dict) and rest in value:
            return True, value[rest]
        key, _, rest = rest.partition(".")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdecimal() and int(key) < len(value):
            value = value[int(key)]
        else:
            return False, None
    return True, value


def names_in(value: Any, above: str = "") -> list[str]:
    """The dotted names of an answer's keys as far as they can be told: no list's elements, nothing that may be data."""
    found: list[str] = []
    for key, inner in value.items() if isinstance(value, dict) else ():
        if not NAME.fullmatch(key) or DATA.search(key):
            continue
        found.append(above + key)
        if above.count(".") < DEEPEST:
            found += names_in(inner, f"{above}{key}.")
    return found[:MOST_NAMES]


def flatten(item: dict[str, Any], prefix: str = "") -> Row:
    """One record as text by dotted name; lists as JSON text, null as null."""
    flat: Row = {}
    for name, value in item.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[field_name(prefix + name)] = text_of(value)
    return flat


def text_of(value: Any) -> str | None:
    """A JSON value as text; strict_json has left numbers as the text they were."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False)


def named(items: Iterable[Any], columns: Sequence[str]) -> list[Any]:
    """Rows that come as bare lists of values, as records with the names told; of another length: Unreadable."""
    found: list[Any] = []
    for item in items:
        if isinstance(item, list) and len(item) == len(columns):
            found.append(dict(zip(columns, item, strict=True)))
        elif isinstance(item, list):
            found.append(unreadable(item, f"{len(item)} values where {len(columns)} columns are named"))
        else:
            found.append(item)
    return found


def unreadable(item: Any, why: str) -> Unreadable:
    """The item as it stood, with why it is no record."""
    return Unreadable(json.dumps(item, ensure_ascii=False), why)


def rows_of(
    item: Any, position: str, place: int, explode: str = "", parents: Sequence[str] = (), may_be_missing: bool = False
) -> Iterator[Row]:
    """The raw records of one item: itself, or one for each element of the list under `explode`.

    A nested list that is not there (unless it `may_be_missing`), or that its source says is not all there
    (`pageInfo.hasNextPage` beside it), makes one unreadable record of the whole item: half of an order's lines is worse
    than none, and a misspelt name must not pass for orders without lines.
    """
    told: Row = {FILE: position, LINE: str(place)}
    if not isinstance(item, (dict, Unreadable)):
        item = unreadable(item, "no record: neither an object nor a list of the columns named")
    if isinstance(item, dict) and explode and (why := _why_not(item, explode, may_be_missing)):
        item = unreadable(item, why)
    if isinstance(item, Unreadable):
        yield told | {FAULT: item.why, RAW: item.raw}
    elif not explode:
        yield flatten(item) | told
    else:
        every = flatten({name: value for name, value in item.items() if name != explode.split(".")[0]})
        kept = {name: every[name] if name in every else text_of(dig(item, name)) for name in parents}
        # Its place is the element's, within the list of this record.
        told[FILE] = f"{position} {explode}"
        for line, element in enumerate(_elements(item, explode), start=1):
            child = element.get("node", element) if explode.endswith("edges") and isinstance(element, dict) else element
            found = flatten(child) if isinstance(child, dict) else {"value": text_of(child)}
            yield kept | found | told | {LINE: str(line)}


def lacks(items: Sequence[Any], parents: Sequence[str]) -> str:
    """What is said of names in `parents` that none of these items has, with the nearest name of what they have."""
    there = [item for item in items if isinstance(item, dict)]
    told = [name for name in parents if there and not any(holds(item, name) for item in there)]
    said = [f"no record has {name!r}, which pull.parents names{nearest(name, names_in(there[0]))}" for name in told]
    return "; ".join(said)


def _elements(item: dict[str, Any], explode: str) -> list[Any]:
    found = dig(item, explode)
    return found if isinstance(found, list) else []


def _why_not(item: dict[str, Any], explode: str, may_be_missing: bool) -> str:
    found = dig(item, explode)
    if found is not None and not isinstance(found, list):
        return f"{explode} is no list"
    above, _, name = explode.rpartition(".")
    holder = dig(item, above)
    if not may_be_missing and not (isinstance(holder, dict) and name in holder):
        lists = [key for key, value in holder.items() if isinstance(value, list)] if isinstance(holder, dict) else []
        # Who misspelt the list must not be led to say that it may be missing.
        advice = "; if that is how the source tells an empty list: explode_may_be_missing = true"
        return f"has no {explode}{nearest(name, lists) or advice}"
    if above and dig(item, f"{above}.pageInfo.hasNextPage") is True:
        return f"{explode} has more than the query asks for; ask for a longer page of it"
    return ""


def frame(rows: Sequence[Row]) -> pl.DataFrame:
    """The records as a page's frame: text columns, LINE as a number."""
    if not rows:
        return pl.DataFrame()
    names = dict.fromkeys(name for row in rows for name in row if name != LINE)
    columns = {name: pl.Series([row.get(name) for row in rows], dtype=pl.String) for name in names}
    return pl.DataFrame(columns | {LINE: pl.Series([int(row[LINE] or 0) for row in rows], dtype=pl.Int64)})
