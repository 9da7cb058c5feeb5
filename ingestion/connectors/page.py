"""A page: what a connector yields, raw records with the state to go on from after them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import polars as pl

# Columns a connector may add beside the source's own fields; `prepare` consumes them.
FILE = "_file"  # the file a record stands in
LINE = "_line"  # its position: the line in a file, the place in a response (1 is the first)
OBSERVED = "_observed_at"  # when the source said it, as ISO UTC text
FAULT = "_fault"  # why a record cannot be read; its raw form is in RAW
RAW = "_raw"  # the record as it stood, where it has no fields
OP = "_op"  # "delete" on a tombstone of the connector's own finding, else null
RESERVED = (FILE, LINE, OBSERVED, FAULT, RAW, OP)
ROW = "_row"


def field_name(name: str) -> str:
    """A source's field under a name that none of ours has."""
    return f"{name}_" if name in (*RESERVED, ROW) else name


@dataclass(frozen=True)
class Original:
    """What the source handed over, byte for byte, before anything was unpacked or decoded; kept for a while for replay.

    `name` is the source's own name for it (a file's path from its place's root), `content` the sha256 of `data`.
    """

    name: str
    content: str
    data: bytes = field(repr=False)


@dataclass(frozen=True)
class Page:
    """Raw records and the cursor after them.

    Every column is text (nested values as JSON text, null stays null), save LINE, which is Int64.
    `cursor` is JSON-able and complete: a pull that starts from it yields what follows this page. `extracted_at` is UTC.
    `position` says in words where the page stands in its source, for messages and quarantine. `originals` are the files
    the records were read from, for sources that hand over files. A page that `lands_at_once` is landed before the next
    is asked for: what a connector does after such a `yield` (an acknowledgement) is done when the rows are visible in
    the ledger, and not at all when they could not land. `news` is what a person should know of how the source is read,
    in words; nothing is stopped by it. `unread` says which of the files looked at so far could not be read, and why;
    the source stops for them when all others have been read.
    """

    records: pl.DataFrame
    cursor: dict[str, Any]
    extracted_at: datetime
    position: str
    originals: Sequence[Original] = ()
    lands_at_once: bool = False
    news: str = ""
    unread: Sequence[str] = ()
