"""Files whose content is wrong, odd or dangerous: faults 6, 9, 10, 11, 12 and 27, by the whole way in over FTP."""

from __future__ import annotations

import gzip
import io
import json
import re
import zipfile
from pathlib import Path

import pytest
import xlsxwriter

from tests.faults.till import till

GOOD = "store_id,name,changed\n0007,good,2026-01-01\n"


def document(records: list[dict[str, str]]) -> str:
    return json.dumps(records)


BROKEN = {
    "s1.csv.gz": (gzip.compress(GOOD.encode() * 50)[:-9], "the gzip stream ends early"),
    "s1.json": (document([{"store_id": "1"}])[:-4], r"broken or cut off: .*char \d+"),
    "s1.jsonl": ('{"store_id": "1"}\n{"store_', r"s1\.jsonl:2: the file is cut off"),
    "s1.xml": ("<r><s><store_id>1</store_id></s><s>", r"broken or cut off: .*line 1, column \d+"),
    "s1.zip": (b"PK\x03\x04" + bytes(50), "no valid zip"),
    "s1.parquet": (b"PAR1" + bytes(50), "broken or cut off"),
    "s1.xlsx": (b"PK\x03\x04" + bytes(50), "no valid zip"),
    "s1.csv": ("store_id,name\n1,\xff".encode("latin-1"), "byte 16 is not utf-8"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_truncated_or_invalid_file_stops_with_its_position_and_the_rest_lands(tmp_path: Path, name: str) -> None:
    """Fault 6."""
    data, words = BROKEN[name]
    with till(tmp_path, 'records = "s"' if name.endswith("xml") else "") as source:
        source.write(name, data)
        source.write("s2.csv", GOOD)
        result = source.pull()
        assert result.error is not None
        assert f"out/{name}" in result.error
        assert re.search(words, result.error)
        assert "Next: " in result.error
        assert (result.landed, source.current()) == (1, {"0007": "good"})
        again = source.pull()
        assert (again.pulled, again.error) == (0, result.error)
        source.write(name, "", at=0)
        assert source.pull().error is None


@pytest.mark.parametrize("text", ['[{"store_id": NaN}]', '[{"store_id": Infinity}]'])
def test_nan_and_infinity_are_no_numbers(tmp_path: Path, text: str) -> None:
    """Fault 6."""
    with till(tmp_path) as source:
        source.write("s1.json", text)
        assert "is no number" in (source.pull().error or "")


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_any_encoding_that_proves_itself_and_any_line_end_is_read_exactly(
    tmp_path: Path, encoding: str, end: str
) -> None:
    """Fault 9: the quoted line end within a field stays as it is."""
    rows = ["store_id,name,changed", f'0012,"北京{end}西单店",2026-01-01', "0013,上海南京路店,2026-01-01", ""]
    with till(tmp_path, 'encoding = "auto"') as source:
        source.write("s1.csv", end.join(rows).encode(encoding))
        assert source.pull().error is None
        assert source.current() == {"0012": f"北京{end}西单店", "0013": "上海南京路店"}


def test_an_encoding_that_proves_nothing_stops_and_a_declared_one_is_not_bent(tmp_path: Path) -> None:
    """Fault 9: never lossy, never guessed."""
    text = "store_id,name,changed\n1,Größe,2026-01-01\n"
    with till(tmp_path / "auto", 'encoding = "auto"') as source:
        source.write("s1.csv", text.encode("cp1252"))
        assert "its bytes do not prove another encoding" in (source.pull().error or "")
    with till(tmp_path / "told", 'encoding = "cp1252"') as source:
        source.write("s1.csv", text.encode("cp1252"))
        source.pull()
        assert source.current() == {"1": "Größe"}


def test_short_long_and_total_rows_are_quarantined_with_their_line(tmp_path: Path) -> None:
    """Fault 10: the rows beside them land, ids stay text."""
    with till(tmp_path) as source:
        source.write("s1.csv", GOOD + "1\n2,a,2026-01-01,x\n,,\n3,mixed,no date\n合计,,3\n0008,b,2026-01-01\n")
        result = source.pull()
        assert (result.landed, result.quarantined) == (2, 5)
        assert source.current() == {"0007": "good", "0008": "b"}
        told = {row["position"]: (row["reason"], row["raw"]) for row in source.quarantined().iter_rows(named=True)}
        assert told["out/s1.csv:3"] == ("1 fields where the header has 3", "1")
        assert told["out/s1.csv:4"] == ("4 fields where the header has 3", "2,a,2026-01-01,x")
        assert told["out/s1.csv:5"][0] == "store_id is missing"
        assert told["out/s1.csv:6"][0].startswith("updated_at is not a timestamp")
        assert "合计" in told["out/s1.csv:7"][1]


@pytest.mark.parametrize("is_1904", [False, True])
def test_every_row_of_a_worksheet_is_accounted_for(tmp_path: Path, is_1904: bool) -> None:
    """Fault 11: merged cells, serial and real dates in either base, ids as text, hidden sheets, a total row."""
    serial = 46_023 - (1_462 if is_1904 else 0)  # 1 January 2026
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "date_1904": is_1904}) as book:
        book.add_worksheet("old").hide()
        page = book.add_worksheet("stores")
        page.activate()
        day = book.add_format({"num_format": "yyyy/m/d"})
        page.write_row(0, 0, ["store_id", "name", "changed", "region"])
        for row, number in enumerate(("0012", "0013", "0014"), start=1):
            page.write_string(row, 0, number)
            page.write(row, 1, f"n{number}")
            page.write_number(row, 2, serial, *([day] if row > 1 else []))
        page.merge_range(1, 3, 3, 3, "north")
        page.write_row(5, 0, ["", "total", 3])
        page.write_formula(6, 0, "=VLOOKUP(1,H1:H2,1)", None, "#N/A")
    form = "excel_1904" if is_1904 else "excel_1900"
    fields = f'updated_at = {{ field = "changed", format = "{form}" }}'
    with till(tmp_path, 'fill_merged = ["region"]', fields) as source:
        source.write("s1.xlsx", data.getvalue())
        result = source.pull()
        assert (result.error, result.landed, result.quarantined) == (None, 3, 2)
        rows = source.landed().sort("store_id").select("store_id", "region", "updated_at")
        assert [(number, region, at.isoformat()) for number, region, at in rows.rows()] == [
            (number, "north", "2025-12-31T16:00:00+00:00") for number in ("0012", "0013", "0014")
        ]
        assert source.quarantined()["position"].to_list() == ["out/s1.xlsx:6", "out/s1.xlsx:7"]
        assert source.quarantined()["reason"][1] == "store_id is #N/A"


def packed(name: str, size: int) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, bytes(size))
    return data.getvalue()


ENTITIES = "".join(f"<!ENTITY e{n} '{f'&e{n - 1};' * 10 if n else 'ha'}'>" for n in range(9))
DANGEROUS = {
    "s1.csv.gz": (gzip.compress(bytes(100 << 20)), "unpacks to more than"),
    "s1.zip": (packed("x.csv", 100 << 20), "unpacks to more than"),
    "s2.zip": (packed("../../x.csv", 10), "leads out of the archive"),
    "s1.xlsx": (packed("xl/workbook.xml", 100 << 20), "unpacks to more than"),
    "s1.xml": (f"<!DOCTYPE r [{ENTITIES}]><r><s><store_id>&e8;</store_id></s></r>", "document type"),
    "s2.xml": (
        "<!DOCTYPE r [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><r><s><store_id>&e;</store_id></s></r>",
        "document type",
    ),
}


@pytest.mark.parametrize("name", DANGEROUS)
def test_bombs_entities_and_names_that_climb_are_refused_before_unpacking(tmp_path: Path, name: str) -> None:
    """Fault 12: within a second, with nothing landed of it, and the files beside it read."""
    data, words = DANGEROUS[name]
    with till(tmp_path, 'records = "s"' if name.endswith("xml") else "") as source:
        source.write(name, data)
        source.write("s3.csv", GOOD)
        result = source.pull()
        assert words in (result.error or "")
        assert f"out/{name}" in (result.error or "")
        assert source.current() == {"0007": "good"}
        assert result.seconds < 10


def test_unicode_forms_are_one_identifier_and_the_original_stays(tmp_path: Path) -> None:
    """Fault 27: full-width digits, combining marks, emoji, right-to-left text and NUL, in names and in values."""
    names = {"００７": "emoji 😀", "b\u0000": "שלום", "e\u0301": "combining"}
    text = "store_id,name,changed\n" + "".join(f"{key},{name},2026-01-01\n" for key, name in names.items())
    with till(tmp_path) as source:
        source.write("s_１😀_שלום.csv", text)
        assert source.pull().error is None
        assert source.current() == {"007": "emoji 😀", "b": "שלום", "é": "combining"}
        originals = [json.loads(extra)["store_id_original"] for extra in source.landed()["_extra"]]
        assert sorted(originals) == sorted(names)
