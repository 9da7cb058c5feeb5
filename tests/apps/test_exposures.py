"""What reads the marts is declared beside them: each page's exposure names the tables that it asks, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest
import yaml
from streamlit.testing.v1 import AppTest

from apps.queries.warehouse import Warehouse
from tests.apps import marts
from tests.apps.test_pages import PAGES
from tillmill import activation, pipeline, segments

MARTS = Path(__file__).parents[2] / "dbt_project" / "models" / "marts"
EXPOSURES = {
    exposure["name"]: exposure for exposure in yaml.safe_load((MARTS / "_exposures.yml").read_text())["exposures"]
}
# What only some addresses of a page ask for: one lot, one stream, the places of one channel.
ADDRESSES: dict[str, list[dict[str, str]]] = {
    "overview": [{}, {"channel": "store"}],
    "data_health": [{}, {"stream": "pos/pos.sale_lines"}],
}


def named(exposure: str) -> set[str]:
    """The models that an exposure says it depends on."""
    return {re.fullmatch(r"ref\('(\w+)'\)", one)[1] for one in EXPOSURES[exposure]["depends_on"]}  # type: ignore[index]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tests' marts with the tables that a page reads only where they are there."""
    tables = marts.marts()
    regions = pl.DataFrame([("North", "North", "北区")], schema=["region", "name", "name_zh"], orient="row")
    root = tmp_path_factory.mktemp("exposures")
    return marts.publish(root, tables | {"regions": regions})


@pytest.mark.parametrize("page", PAGES)
def test_a_page_reads_what_its_exposure_names(published: Path, page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    rows, table, is_empty = Warehouse.rows, Warehouse.table, Warehouse.is_empty

    def told_rows(self: Warehouse, sql: str, **parameters: object) -> pl.DataFrame:
        # Parameters are values, and a name of a table is none.
        read.update(self.connection.cursor().get_table_names(re.sub(r"\$\w+", "null", sql)))
        return rows(self, sql, **parameters)  # type: ignore[arg-type]

    def told_table(self: Warehouse, name: str) -> pl.DataFrame:
        read.add(name)
        return table(self, name)

    def told_empty(self: Warehouse, name: str) -> bool:
        read.add(name)
        return is_empty(self, name)

    monkeypatch.setattr(Warehouse, "rows", told_rows)
    monkeypatch.setattr(Warehouse, "table", told_table)
    monkeypatch.setattr(Warehouse, "is_empty", told_empty)
    monkeypatch.setenv("TILLMILL_WORKSPACE", str(published))
    for address in ADDRESSES.get(page, [{}]):
        at = AppTest.from_string(f"from apps.{PAGES[page]} import page\npage()", default_timeout=60)
        for key, value in address.items():
            at.query_params[key] = value
        at.run()
        assert not at.exception
        assert not at.error
    assert named(f"page_{page}") == read


def test_the_exports_read_what_their_exposures_name() -> None:
    asked = set(re.findall(r'tables\("(\w+)"\)', Path(activation.__file__).read_text()))
    assert named("segment_export") == asked | {segments.CUSTOMERS}
    assert named("plan_export") == {f"stg_planning__{name}" for name in pipeline.HANDED_OVER}


def test_every_exposure_says_in_both_languages_what_it_is_for() -> None:
    assert set(EXPOSURES) == {*(f"page_{page}" for page in PAGES), "segment_export", "plan_export"}
    for name, exposure in EXPOSURES.items():
        meta = exposure["config"]["meta"]
        assert exposure["label"], name
        assert exposure["description"], name
        assert all(re.search(r"[\u4e00-\u9fff]", meta[key]) for key in ("label_zh", "zh")), name
