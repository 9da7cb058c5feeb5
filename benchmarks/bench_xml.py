"""Reading XML against bare lxml on the same file: seconds of the processor, for records a second read as text."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from lxml import etree

from benchmarks.report import Figure, report
from ingestion.connectors.formats import xmltext
from ingestion.connectors.formats.layout import Layout

COMMAND = "make bench-xml"
RECORDS = 50_000 if os.environ.get("QUICK") else 500_000
ROUNDS = 3
RECORD = (
    '<Line id="{0}"><Sku>0012{0}</Sku><Name>Milk</Name><Qty unit="kg">1.50</Qty><Units>12</Units><Price>3.99</Price>'
    "<Store>S1</Store><At>2026-01-01T00:00:00Z</At><Pack><Units>12</Units><Kind>box</Kind></Pack></Line>\n"
)


def main() -> None:
    """Writes a file of records with eight fields and two levels, reads it each way in turns, reports ratios."""
    with tempfile.TemporaryDirectory(prefix="bench-xml-") as name:
        path = Path(name) / "lines.xml"
        with path.open("w") as file:
            file.write("<Export><Lines>\n")
            file.writelines(RECORD.format(number) for number in range(RECORDS))
            file.write("</Lines></Export>")
        taken: dict[str, list[float]] = {}
        for _ in range(ROUNDS):
            for told, way in (("bare", _bare), ("fields", _fields), ("ours", _ours)):
                taken.setdefault(told, []).append(_seconds(way, path))
    seconds = {told: median(some) for told, some in taken.items()}
    rate = RECORDS / seconds["ours"]
    figures = [
        Figure(
            f"XML, {rate:,.0f} records a second",
            seconds["ours"] / seconds[told],
            "× lxml",
            "lower",
            f"lxml's iterparse, {what}, {RECORDS / seconds[told]:,.0f} a second",
            limit,
            COMMAND,
        )
        for told, what, limit in (("bare", "nothing read", 6.0), ("fields", "children's own text read", 4.0))
    ]
    report("xml", figures)


def _bare(path: Path) -> int:
    count = 0
    for _, element in etree.iterparse(str(path), tag="Line"):
        count += 1
        _clear(element)
    return count


def _fields(path: Path) -> int:
    count = 0
    for _, element in etree.iterparse(str(path), tag="Line"):
        count += bool({child.tag: child.text for child in element})
        _clear(element)
    return count


def _clear(element: etree._Element) -> None:
    element.clear(keep_tail=True)
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _ours(path: Path) -> int:
    with path.open("rb") as source:
        return sum(frame.height for frame in xmltext.read(source, path.name, Layout(records="Lines/Line")))


def _seconds(way: Callable[[Path], int], path: Path) -> float:
    started = time.process_time()
    assert way(path) == RECORDS
    return time.process_time() - started


if __name__ == "__main__":
    main()
