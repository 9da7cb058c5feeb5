"""What the PLM releases: one XML document a night, the items of that night with their revisions in them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from lxml import etree

from demo import days, nights

TABLE = "plm.items"
NAMESPACE = "urn:harvest-lane:plm"
# Elements of a revision by column; one that is null is left out.
ELEMENTS = {"state": "State", "valid_from": "ValidFrom", "specification": "Specification"}


def publish(root: Path, target: Path, done: int, last: int) -> int:
    """Writes the releases after night `done` up to `last` into `target`; returns how many files."""
    written = 0
    for night in nights.of_table(root, TABLE, done, last):
        label = days.extract_label(night.number)
        tree = _document(night, label)
        write = partial(tree.write, xml_declaration=True, encoding="utf-8", pretty_print=True)
        nights.put(target / f"release_{label}.xml", night.number, write)
        written += 1
    return written


def _document(night: nights.Night, label: str) -> etree._ElementTree:
    """<Release><Item><Material/><Revision>...</Revision>...</Item>...</Release>, items in the order of the rows."""
    release = etree.Element("Release", nsmap={None: NAMESPACE}, number=f"ECN{label}")
    items: dict[str, etree._Element] = {}
    for row in night.rows.iter_rows(named=True):
        if row["item"] not in items:
            items[row["item"]] = item = etree.SubElement(release, "Item", number=row["item"])
            etree.SubElement(item, "Material").text = row["material"]
        revision = etree.SubElement(items[row["item"]], "Revision", id=row["revision"])
        for column, name in ELEMENTS.items():
            if row[column] is not None:
                etree.SubElement(revision, name).text = str(row[column])
    return etree.ElementTree(release)
