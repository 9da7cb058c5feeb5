"""XML records as text by dotted name, read as a stream."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import polars as pl

from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.rows import frame_of
from ingestion.connectors.formats.xmlsafe import BrokenXmlError, safe_parse
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
    open_elements: list[str] = []
    depth_of_record = 0
    for event, element in safe_parse(source, name, events=("start", "end")):
        if event == "start":
            open_elements.append(_local(element.tag))
            if not depth_of_record and open_elements[-len(path) :] == path:
                depth_of_record = len(open_elements)
            continue
        depth = len(open_elements)
        open_elements.pop()
        if depth == depth_of_record:
            depth_of_record = 0
            above = {told: _above(element, told) for told in parents}
            yield above | flat(element)
            _forget(element)
        elif not depth_of_record and not _is_told(element, open_elements, parents):
            _forget(element)


def _is_told(element: Any, above: list[str], parents: list[str]) -> bool:
    """Whether a record that follows may repeat this element's text."""
    return any(told.split("/") == [*above[-told.count("/") :], _local(element.tag)] for told in parents if "/" in told)


def _forget(element: Any) -> None:
    """What has been read is let go, or the file would be in memory in the end."""
    parent = element.getparent()
    element.clear(keep_tail=True)
    if parent is not None:
        # One element stays behind, empty: the parser still stands on it.
        previous = element.getprevious()
        if previous is not None and not len(previous) and not previous.text and not previous.attrib:
            parent.remove(previous)


def _above(element: Any, told: str) -> str | None:
    """The text of `Ancestor/@attribute` or `Ancestor/Child`, of the nearest ancestor called so."""
    ancestor, _, wanted = told.partition("/")
    for above in element.iterancestors():
        if _local(above.tag) == ancestor:
            fields = {f"@{_local(key)}": value for key, value in above.attrib.items()}
            fields |= {_local(child.tag): child.text for child in above if child is not element}
            return fields.get(wanted)
    return None


def flat(element: Any, prefix: str = "") -> Record:
    """The element's attributes, text and children by dotted name."""
    found: Record = {field_name(f"{prefix}@{_local(key)}"): value for key, value in element.attrib.items()}
    groups: dict[str, list[Any]] = {}
    for child in element:
        groups.setdefault(_local(child.tag), []).append(child)
    text = _text(element)
    if not prefix and text and not groups:
        found["#text"] = text
    elif prefix and groups and text:
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
