"""The PLM's documents: each revision once, in the release of its night, as the files connector reads them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import polars as pl
import pytest

from demo import days, extracts, world
from ingestion.connectors.formats import xmltext
from ingestion.connectors.formats.layout import Layout

LAYOUT = Layout(records="Item/Revision", parents=["Item/@number", "Item/Material"])
COLUMNS = {"Item/@number": "item", "@id": "revision", "Item/Material": "material", "State": "state"} | {
    "ValidFrom": "valid_from",
    "Specification": "specification",
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("releases")
    world.build(root, skus=20)
    return root


def documents(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((extracts.folder(root) / "plm").glob("*.xml"))}


def told(root: Path) -> pl.DataFrame:
    frames = []
    for path in sorted((extracts.folder(root) / "plm").glob("release_*.xml")):
        with path.open("rb") as source:
            frames += [frame.rename(COLUMNS, strict=False) for frame in xmltext.read(source, path.name, LAYOUT)]
    return pl.concat(frames, how="diagonal").select(*COLUMNS.values())


def known(root: Path, days_on: int) -> pl.DataFrame:
    rows = world.table(root, "plm.items").filter(pl.col("known_at") <= days.CLOCK_AT_START + timedelta(days=days_on))
    return rows.collect().select(*(pl.col(name).cast(pl.String) for name in COLUMNS.values()))


def test_the_documents_tell_every_revision_that_is_known_and_a_night_later_the_next(root: Path) -> None:
    extracts.publish(root, days.CLOCK_AT_START)
    before = documents(root)
    assert told(root).equals(known(root, 0))
    assert known(root, 0)["revision"].value_counts().height == 2
    # One of the twenty items changes in this week.
    extracts.publish(root, days.CLOCK_AT_START + timedelta(days=7))
    assert told(root).equals(known(root, 7))
    assert known(root, 7).height > known(root, 0).height
    after = documents(root)
    assert {name: after[name] for name in before} == before
    last = extracts.folder(root) / "plm" / max(after)
    assert (last.stat().st_mtime - days.FIRST_EXTRACT.timestamp()) % 86_400 == 0


def test_a_revision_follows_on_the_one_it_supersedes(root: Path) -> None:
    rows = world.table(root, "plm.items").collect()
    newer = rows.filter(pl.col("revision") == "B")
    older = rows.filter(pl.col("state") == "superseded")
    assert newer["item"].to_list() == older["item"].to_list() != []
    assert (newer["valid_from"] > older["valid_from"]).all()
    assert (newer["known_at"] == older["known_at"]).all()
    assert not rows.select("item", "revision", "state").is_duplicated().any()
