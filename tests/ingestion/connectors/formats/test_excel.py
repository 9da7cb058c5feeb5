"""Worksheets: every row with its number, every cell as it is stored, and nothing from a sheet nobody named.

`workbooks/stock_1904.xls` was written by xlwt with the 1904 base, `workbooks/stock.ods` by odfpy; both have an empty
third row, and the first a hidden second sheet.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import xlsxwriter

from ingestion.casting import Reading, cast
from ingestion.connectors.formats import excel
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import FAULT, FILE, LINE, RAW
from tillmill.errors import RefusedError, SourceError

WORKBOOKS = Path(__file__).with_name("workbooks")


def workbook(fill: Callable[[Any], None], **options: Any) -> bytes:
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True} | options) as book:
        fill(book)
    return data.getvalue()


def sheet(*rows: list[Any], **options: Any) -> bytes:
    def fill(book: Any) -> None:
        page = book.add_worksheet("库存")
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        moment = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                if isinstance(value, datetime):
                    page.write_datetime(number, column, value, moment)
                elif isinstance(value, date):
                    page.write_datetime(number, column, value, day)
                else:
                    page.write(number, column, value)

    return workbook(fill, **options)


def read(data: bytes, **layout: Any) -> pl.DataFrame:
    return pl.concat(excel.read(io.BytesIO(data), "f.xlsx", Layout(**layout)), how="diagonal")


def test_cells_are_text_as_stored_and_rows_keep_their_numbers() -> None:
    data = sheet(["id", "n", "ok"], ["0012", 2.5, True], [], ["x y ", 12345678901234, False], ["合计", 0.1])
    assert read(data).rows() == [
        ("0012", "2.5", "true", 2),
        ("x y ", "12345678901234", "false", 4),
        ("合计", "0.1", None, 5),
    ]


@pytest.mark.parametrize("is_1904", [False, True])
def test_dates_of_either_base_are_exact(is_1904: bool) -> None:
    at = datetime.fromisoformat("2024-02-29 13:59:59.500")
    found = read(sheet(["on", "at"], [date(2024, 2, 29), at], [date(1999, 12, 31), at], date_1904=is_1904))
    assert found.rows()[0][:2] == ("2024-02-29 00:00:00", "2024-02-29 13:59:59.500")
    assert cast(found["on"], pl.Date(), Reading()).values.to_list() == [date(2024, 2, 29), date(1999, 12, 31)]


@pytest.mark.parametrize(("form", "serial"), [("excel_1900", 45351), ("excel_1904", 43889)])
def test_a_date_kept_as_its_serial_number_is_read_by_its_base(form: str, serial: int) -> None:
    found = read(sheet(["on"], [serial], [serial + 0.5], [datetime.fromisoformat("2024-02-29 12:00")], ["soon"]))
    days = cast(found["on"], pl.Date(), Reading(format=form))
    assert days.values.to_list() == [date(2024, 2, 29), None, None, None]
    times = cast(found["on"], pl.Datetime("us", "UTC"), Reading("Asia/Shanghai", form))
    assert [at and at.strftime("%d %H:%M") for at in times.values] == ["28 16:00", "29 04:00", "29 04:00", None]


@pytest.mark.parametrize("name", ["stock_1904.xls", "stock.ods"])
def test_old_and_open_workbooks_are_read_alike(name: str) -> None:
    found = read((WORKBOOKS / name).read_bytes())
    assert found["编码"].to_list() == ["0012", "0013"]
    assert found[LINE].to_list() == [2, 4]
    assert cast(found["日期"], pl.Date(), Reading()).values.to_list() == [date(2024, 2, 29), None]
    moment = cast(found["时间"], pl.Datetime("us", "UTC"), Reading()).values[0]
    assert moment.isoformat() == "2024-02-29T13:59:59+00:00"


def several(book: Any) -> None:
    for name, hidden in (("说明", False), ("一月", False), ("旧", True)):
        page = book.add_worksheet(name)
        page.write_column(0, 0, ["id", name])
        if hidden:
            page.hide()


def test_a_sheet_is_named_numbered_or_the_only_visible_one() -> None:
    data = workbook(several)
    assert read(data, sheet="一月")["id"].to_list() == ["一月"]
    assert read(data, sheet=1)["id"].to_list() == ["说明"]
    assert read(data, sheet="旧")["id"].to_list() == ["旧"]  # hidden, and asked for
    assert read(data, sheet="*").select("id", FILE).rows() == [("说明", "f.xlsx#说明"), ("一月", "f.xlsx#一月")]
    for sheet_, words in (("", "which sheet"), ("二月", "no sheet is called '二月'"), (9, "no sheet number 9")):
        with pytest.raises(SourceError, match=rf"f\.xlsx: {words}.* it has 说明, 一月, and hidden 旧"):
            read(data, sheet=sheet_)


def test_a_header_may_stand_lower_and_columns_may_be_named() -> None:
    data = sheet(["Stock list", ""], ["", ""], ["id", "n"], ["1", 2])
    assert read(data, header_row=3).rows() == [("1", "2", 4)]
    with pytest.raises(SourceError, match=r"sheet 库存: no header in row 2"):
        read(data, header_row=2)
    assert read(sheet(["1", 2]), columns=["id", "n"]).rows() == [("1", "2", 1)]
    with pytest.raises(SourceError, match="no header in row 1; the sheet has 0 rows"):
        read(workbook(lambda book: book.add_worksheet("empty")))


def merged(book: Any) -> None:
    page = book.add_worksheet("m")
    page.write_row(1, 1, ["store", "sku", "amount"])
    page.merge_range(2, 1, 4, 1, "北京")
    page.merge_range(2, 3, 3, 3, 90)
    page.write_column(2, 2, ["a", "b", "c"])
    page.write(5, 1, "上海")


def test_a_merged_value_stands_in_its_first_cell_unless_its_column_is_to_be_filled() -> None:
    data = workbook(merged)
    plain = read(data, header_row=2)
    assert plain.rows() == [("北京", "a", "90", 3), (None, "b", None, 4), (None, "c", None, 5), ("上海", None, None, 6)]
    filled = read(data, header_row=2, fill_merged=["store"])
    assert filled["store"].to_list() == ["北京", "北京", "北京", "上海"]
    assert filled["amount"].to_list() == ["90", None, None, None]  # an amount is not multiplied
    with pytest.raises(SourceError, match="fill_merged names shop"):
        read(data, header_row=2, fill_merged=["shop"])
    with pytest.raises(SourceError, match=r"\.xlsx workbook only"):
        read((WORKBOOKS / "stock_1904.xls").read_bytes(), fill_merged=["编码"])


def test_a_row_with_an_error_cell_comes_out_marked() -> None:
    def fill(book: Any) -> None:
        page = book.add_worksheet("e")
        page.write_row(0, 0, ["sku", "n"])
        page.write_formula(1, 0, "=VLOOKUP(1,A9:B9,2)", None, "#N/A")
        page.write(1, 1, 5)
        page.write_row(2, 0, ["a", 1])
        page.write_formula(3, 1, "=1/0", None, "#DIV/0!")

    found = read(workbook(fill))
    assert found.select("sku", "n", LINE, FAULT).rows() == [
        (None, None, 2, "sku is #N/A"),
        ("a", "1", 3, None),
        (None, None, 4, "n is #DIV/0!"),
    ]
    assert found[RAW].to_list() == ['{"sku":null,"n":"5"}', None, '{"sku":null,"n":null}']


def test_a_workbook_too_large_to_hold_is_refused_by_what_it_unpacks_to() -> None:
    data = sheet(["id"], *([f"{number:05}"] for number in range(5000)))
    with pytest.raises(RefusedError, match=r"a workbook of .* are not held in memory") as caught:
        read(data, most_held_bytes=2 * len(data))
    assert "pull.most_held_bytes" in caught.value.next_command
    assert read(data, most_held_bytes=40 * len(data)).height == 5000


def test_a_workbook_that_is_none_or_a_bomb_stops() -> None:
    with pytest.raises(SourceError, match="no workbook that can be read"):
        read(b"nonsense")
    data = sheet(["id"], ["1"])
    with pytest.raises(SourceError, match=r"f\.xlsx: no valid zip"):
        read(data[: len(data) // 2])
    bomb = io.BytesIO(data)
    with zipfile.ZipFile(bomb, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/image1.png", bytes(100 << 20))
    with pytest.raises(RefusedError, match="unpacks to more than"):
        read(bomb.getvalue())
