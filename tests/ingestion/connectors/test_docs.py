"""The worked pages of docs/sources that read files: their own files and TOML, from a folder, give what they say."""

from __future__ import annotations

import os
import re
from pathlib import Path

import polars as pl
import xlsxwriter

from ingestion.landing import quarantine
from ingestion.landing.ledger import Ledger
from ingestion.privacy.tokens import create_keys
from ingestion.runner import ingest
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace
from tests.ingestion.folder import landed
from tillmill.workspace import Workspace

SOURCES = Path(__file__).resolve().parents[3] / "docs" / "sources"
LONG_AGO = 1_480_000_000


def blocks(page: str, language: str) -> list[str]:
    """The page's fenced blocks in one language, those within a list without its indent."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", (SOURCES / page).read_text(), re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", text, flags=re.MULTILINE) for indent, text in found]


def pulled(root: Path, toml: str, name: str, data: bytes) -> tuple[Workspace, pl.DataFrame]:
    """The workspace after one pull of a file by the page's TOML, its place made a folder; and what landed."""
    local = re.sub(r"\[sources\.connection\]\n.*?(?=\[\[)", '[sources.connection]\nurl = "in"\n', toml, flags=re.DOTALL)
    workspace = make_workspace(root, SETTINGS + local)
    create_keys(workspace)
    (root / "in").mkdir()
    (root / "in" / name).write_bytes(data)
    os.utime(root / "in" / name, (LONG_AGO, LONG_AGO))
    [result] = ingest(workspace)
    assert result.error is None
    with Ledger(workspace.ledger) as ledger:
        return workspace, landed(workspace, ledger.manifest())


def test_the_till_lands_two_lines_and_its_total_is_quarantined(tmp_path: Path) -> None:
    [toml] = blocks("pos-folder.md", "toml")
    [csv] = blocks("pos-folder.md", "csv")
    workspace, rows = pulled(tmp_path, toml, "sales_20261102.csv", csv.encode("gbk"))
    assert rows.select("sale_id", "line_no", "store_id", "sku").rows() == [
        ("A1001", 1, "0014", "6901234567892"),
        ("A1001", 2, "0014", "0012345"),
    ]
    assert quarantine.rows(workspace)["position"].to_list() == ["sales_20261102.csv:4"]


def test_the_distributor_s_sheet_lands_both_articles_for_the_merged_warehouse(tmp_path: Path) -> None:
    [toml] = blocks("excel.md", "toml")
    with xlsxwriter.Workbook(tmp_path / "book.xlsx") as book:
        page = book.add_worksheet("库存")
        day = book.add_format({"num_format": "yyyy/m/d"})
        page.write(0, 0, "华东经销商库存周报")
        page.write_row(1, 0, ["仓库", "商品编码", "库存数量", "日期"])
        page.merge_range(2, 0, 3, 0, "上海仓")
        for row, (sku, units) in enumerate([("0012345", 120), ("0012346", 36)], start=2):
            page.write_string(row, 1, sku)
            page.write(row, 2, units)
            page.write(row, 3, 46_328, day)
        page.write_row(4, 0, ["合计", "", 156])
    book_data = (tmp_path / "book.xlsx").read_bytes()
    workspace, rows = pulled(tmp_path / "w", toml, "库存_2026W45.xlsx", book_data)
    told = rows.select("location_id", "sku", pl.col("on_hand_units").cast(pl.Int64), pl.col("as_of").cast(pl.String))
    assert told.rows() == [("上海仓", "0012345", 120, "2026-11-02"), ("上海仓", "0012346", 36, "2026-11-02")]
    assert quarantine.rows(workspace)["position"].to_list() == ["库存_2026W45.xlsx:5"]


def test_the_plm_s_lines_land_under_their_item(tmp_path: Path) -> None:
    toml = blocks("files.md", "toml")[-1]
    [xml] = blocks("files.md", "xml")
    _, rows = pulled(tmp_path, toml, "bom_2026-11-02.xml", xml.encode())
    told = rows.select("parent_sku", "component_sku", "quantity_per", "_extra").rows()
    assert [row[:3] for row in told] == [("4711", "RAW-1", 1.02), ("4711", "PACK-7", 1.0)]
    assert '"Qty.@unit":"l"' in told[0][3]
