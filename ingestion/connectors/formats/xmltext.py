"""XML records as text by dotted name, read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl

from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.rows import frame_of
from ingestion.connectors.formats.xmlsafe import BrokenXmlError, local_name, safe_parse
from ingestion.connectors.page import field_name
from tillmill.errors import SettingsError, SourceError

ROWS = 20_000

Record = dict[str, str | None]


def read(source: BinaryIO, name: str, layout: Layout) -> Iterator[pl.DataFrame]:
    """One record for each element at the path `layout.records`, whose last parts must fit (`Item`, `Items/Item`).

    Names are without namespaces: a child's text is `Name`, a grandchild's `Outer.Name`, an attribute's `@id` or
    `Name.@id`, the text of an element that has children `Name.#text`; a child that comes more than once is a list as
    JSON text. `layout.parents` repeats fields of ancestors (`Item/@id`, `Item/Number`) that stand before the record.
    LINE is the record's place among the records. Raises SourceError with the line where the file is broken.
    """
    if not layout.records:
        raise SettingsError(f"{name}: pull.records must name the path to one record, such as Items/Item")
    rows: list[Record] = []
    first = 1
    try:
        for record in _records(source, name, layout.records.strip("/").split("/"), layout.parents):
            rows.append(record)
            if len(rows) == ROWS:
                yield frame_of(rows, range(first, first + ROWS))
                first, rows = first + ROWS, []
    except BrokenXmlError as error:
        raise SourceError(f"{name}: broken or cut off: {error.msg}") from error
    yield frame_of(rows, range(first, first + len(rows)))


def _records(source: BinaryIO, name: str, path: list[str], parents: list[str]) -> Iterator[Record]:
    told = [tuple(parent.rpartition("/")[::2]) for parent in parents]
    children = {child for _, child in told}
    for element in safe_parse(source, name, path[-1], keeps=lambda other: local_name(other) in children):
        above = [local_name(ancestor) for ancestor in element.iterancestors()][::-1]
        if [*above, path[-1]][-len(path) :] != path or _is_within(above, path):
            continue
        yield {f"{ancestor}/{child}": _above(element, ancestor, child) for ancestor, child in told} | flat(element)
        element.clear(keep_tail=True)


def _is_within(above: list[str], path: list[str]) -> bool:
    """Whether a record stands above: then this one is a part of it."""
    return any(above[: end + 1][-len(path) :] == path for end, name in enumerate(above) if name == path[-1])


def _above(element: Any, ancestor: str, wanted: str) -> str | None:
    """The attribute (`@id`) or the child's text that stands before the record in the nearest ancestor called so."""
    for above in element.iterancestors():
        if local_name(above) == ancestor:
            if wanted.startswith("@"):
                return {f"@{_local(key)}": value for key, value in above.attrib.items()}.get(wanted)
            return next((_text(child) for child in above if child is not element and local_name(child) == wanted), None)
    return None


def flat(element: Any, prefix: str = "") -> Record:
    """The element's attributes, text and children by dotted name."""
    found: Record = {field_name(f"{prefix}@{_local(key)}"): value for key, value in element.attrib.items()}
    groups: dict[str, list[Any]] = {}
    for child in element:
        groups.setdefault(local_name(child), []).append(child)
    text = _text(element)
    # The text of a child without children stands under the child's own name.
    if text and (groups or not prefix):
        found[f"{prefix}#text"] = text
    for child_name, children in groups.items():
        name = f"{prefix}{child_name}"
        if len(children) > 1:
            found[field_name(name)] = json.dumps([_value(child) for child in children], ensure_ascii=False)
            continue
        [child] = children
        if len(child) == 0:
            found[field_name(name)] = _text(child)
        found |= flat(child, f"{name}.")
    return found


def _value(element: Any) -> Any:
    """A repeated child: its text, or an object of what it holds."""
    held = flat(element, "_.")
    if not held:
        return _text(element)
    fields = {name.removeprefix("_."): value for name, value in held.items()}
    return fields if len(element) else fields | {"#text": _text(element)}


def _text(element: Any) -> str | None:
    """The element's own text, that between its children too; null where there is none."""
    if len(element) == 0:
        return element.text or None
    parts = [element.text, *(child.tail for child in element)]
    return "".join(part.strip() for part in parts if part) or None


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
