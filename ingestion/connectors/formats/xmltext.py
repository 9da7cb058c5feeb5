"""XML records as text by dotted name, read as a stream."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, BinaryIO

import polars as pl

from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.formats.rows import frame_of
from ingestion.connectors.formats.xmlsafe import LOCAL, BrokenXmlError, local_name, safe_parse
from ingestion.connectors.page import field_name
from tillmill.errors import SettingsError, SourceError

ROWS = 20_000
# A file may have any number of kinds of records, of any length; those remembered have not.
MOST_KINDS, MOST_CHILDREN = 1_000, 200

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
    children = {child for _, child in told if not child.startswith("@")}
    keeps = (lambda other: local_name(other) in children) if children else None
    above: Any = None
    is_record = False
    repeated: Record = {}
    for element in safe_parse(source, name, path[-1], keeps):
        # Whoever holds an element has the same object again: what stands above is looked at once for all its records.
        parent = element.getparent()
        if parent is None or parent is not above:
            above, is_record, repeated = parent, _is_at(element, path), {}
        if not is_record:
            continue
        for ancestor, child in told:
            field = f"{ancestor}/{child}"
            # A field that has not come yet may stand before the next record.
            if repeated.get(field) is None:
                repeated[field] = _above(element, ancestor, child)
        yield repeated | flat(element)
        element.clear(keep_tail=True)


def _is_at(element: Any, path: list[str]) -> bool:
    """Whether the element's last names are those of the path; within a record it is a part of that."""
    above = [local_name(ancestor) for ancestor in element.iterancestors()][::-1]
    return [*above, path[-1]][-len(path) :] == path and not _is_within(above, path)


def _is_within(above: list[str], path: list[str]) -> bool:
    """Whether a record stands above: then this one is a part of it."""
    return any(above[: end + 1][-len(path) :] == path for end, name in enumerate(above) if name == path[-1])


def _above(element: Any, ancestor: str, wanted: str) -> str | None:
    """The attribute (`@id`) or the child's text that stands before the record in the nearest ancestor called so."""
    inner = element
    for above in element.iterancestors():
        if local_name(above) == ancestor:
            if wanted.startswith("@"):
                return {f"@{LOCAL[key]}": value for key, value in above.items()}.get(wanted)
            # What stands behind may have been read along, or not: that depends on where the file was cut for reading.
            for child in above:
                if child is inner:
                    break
                if local_name(child) == wanted:
                    return _text(child)
            return None
        inner = above
    return None


def flat(element: Any, prefix: str = "") -> Record:
    """The element's attributes, text and children by dotted name."""
    children = list(element)
    found: Record = {}
    if attributes := element.items():
        found = {field_name(f"{prefix}@{LOCAL[key]}"): value for key, value in attributes}
    # The text of a child without children stands under the child's own name.
    if (children or not prefix) and (text := _text(element)):
        found[f"{prefix}#text"] = text
    tags = tuple([child.tag for child in children])
    names = _names(prefix, tags) if len(tags) <= MOST_CHILDREN else _names_of(prefix, tags)
    for name, child in zip(names, children, strict=True):
        if name is None:
            continue
        if len(child):
            found |= flat(child, f"{prefix}{local_name(child)}.")
            continue
        found[name] = child.text or None
        if attributes := child.items():
            found |= {f"{name}.@{LOCAL[key]}": value for key, value in attributes}
    if None in names:
        found |= _lists(prefix, children)
    return found


def _names_of(prefix: str, tags: tuple[str, ...]) -> tuple[str | None, ...]:
    """The name of each child's field; None for one that comes more than once."""
    local = [LOCAL[tag] for tag in tags]
    times = Counter(local)
    return tuple(field_name(prefix + name) if times[name] == 1 else None for name in local)


# Records look alike: names are worked out once for each kind.
_names = lru_cache(MOST_KINDS)(_names_of)


def _lists(prefix: str, children: list[Any]) -> Record:
    """The children that come more than once, each name's as a list in JSON."""
    groups: dict[str, list[Any]] = {}
    for child in children:
        groups.setdefault(local_name(child), []).append(child)
    return {
        field_name(prefix + name): json.dumps([_value(child) for child in some], ensure_ascii=False)
        for name, some in groups.items()
        if len(some) > 1
    }


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
    parts = [part.strip() for part in (element.text, *[child.tail for child in element]) if part]
    return "".join(parts) or None
