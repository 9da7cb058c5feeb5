"""XML: records at a path, everything in them kept, document types refused, memory bounded."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ingestion.connectors.formats import xmlsafe, xmltext
from ingestion.connectors.formats.layout import Layout
from ingestion.connectors.page import LINE
from tillmill.errors import RefusedError, SettingsError, SourceError

STATM = Path("/proc/self/statm")
PLM = """<?xml version="1.0" encoding="UTF-8"?>
<!-- export -->
<plm:Export xmlns:plm="urn:plm" plant="P1">
  <plm:Item id="0012" rev="A">
    <plm:Number>牛奶</plm:Number>
    <plm:Weight unit="kg">1.50</plm:Weight>
    <plm:Pack><plm:Units>12</plm:Units><plm:Box/></plm:Pack>
    <plm:Tag>a</plm:Tag><plm:Tag>b &amp; c</plm:Tag>
    <plm:Note><![CDATA[x < y]]></plm:Note>
    <plm:Bom>
      <plm:Line sku="S1"><plm:Qty>1</plm:Qty></plm:Line><plm:Line sku="S2"><plm:Qty>2</plm:Qty></plm:Line>
    </plm:Bom>
  </plm:Item>
  <plm:Item id="0013"/>
</plm:Export>
"""


def read(text: str | bytes, records: str = "Item", **layout: Any) -> pl.DataFrame:
    data = text.encode() if isinstance(text, str) else text
    return pl.concat(xmltext.read(io.BytesIO(data), "f.xml", Layout(records=records, **layout)), how="diagonal")


def test_attributes_and_nested_elements_are_dotted_names() -> None:
    first, second = read(PLM).to_dicts()
    assert first == {
        "@id": "0012",
        "@rev": "A",
        "Number": "牛奶",
        "Weight": "1.50",
        "Weight.@unit": "kg",
        "Pack.Units": "12",
        "Pack.Box": None,
        "Tag": '["a", "b & c"]',
        "Note": "x < y",
        "Bom.Line": '[{"@sku": "S1", "Qty": "1"}, {"@sku": "S2", "Qty": "2"}]',
        LINE: 1,
    }
    assert {name: value for name, value in second.items() if value is not None} == {"@id": "0013", LINE: 2}


def test_a_record_may_repeat_what_stands_above_it() -> None:
    found = read(PLM, "Bom/Line", parents=["Item/@id", "Item/Number", "Export/@plant", "Item/None"])
    assert found.select("Item/@id", "Item/Number", "Export/@plant", "Item/None", "@sku", "Qty").rows() == [
        ("0012", "牛奶", "P1", None, "S1", "1"),
        ("0012", "牛奶", "P1", None, "S2", "2"),
    ]


def test_a_path_is_held_to_all_its_parts_and_text_beside_children_is_kept() -> None:
    text = "<r><a><i>1</i></a><b><i>2</i></b><i>3</i><i k='v'>x<c>4</c>y</i></r>"
    assert read(text, "a/i")["#text"].to_list() == ["1"]
    assert read(text, "r/i").rows(named=True) == [
        {"#text": "3", "@k": None, "c": None, LINE: 1},
        {"#text": "xy", "@k": "v", "c": "4", LINE: 2},
    ]
    assert read(text, "none").height == 0
    with pytest.raises(SettingsError, match=r"pull\.records must name"):
        read(text, "")


def test_records_under_one_parent_may_differ_and_each_keeps_what_it_has() -> None:
    lists = "".join(f"<v>{n}</v>" for n in range(300))
    text = (
        f"<r><g><i><a>1</a><b/></i><i><a> </a><a>2</a></i><i><b><c>3</c></b>t<a>4</a></i><i>{lists}</i></g>"
        "<g><name>late</name><i><a>5</a></i></g><g><i><a>6</a></i><name>later</name><i><a>7</a></i></g></r>"
    )
    rows = [{k: v for k, v in row.items() if v} for row in read(text, "g/i", parents=["g/name"]).to_dicts()]
    assert rows[:3] == [
        {"a": "1", LINE: 1},
        {"a": '[" ", "2"]', LINE: 2},
        {"#text": "t", "b.c": "3", "a": "4", LINE: 3},
    ]
    assert json.loads(rows[3]["v"] or "") == [str(n) for n in range(300)]
    assert [(row.get("g/name"), row["a"]) for row in rows[4:]] == [("late", "5"), (None, "6"), ("later", "7")]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb2312", "GBK", "gb18030", "iso-8859-1"])
def test_the_declared_encoding_is_read_and_gb_2312_as_what_it_is_used_for(encoding: str) -> None:
    value = "é" if encoding == "iso-8859-1" else "镕"
    told = "UTF-8" if encoding == "utf-8-sig" else encoding
    written = "gb18030" if encoding == "gb2312" else encoding
    text = f'<?xml version="1.0" encoding="{told}"?><r><Item>{value}</Item></r>'
    assert read(text.encode(written))["#text"].to_list() == [value]


def test_what_is_cut_off_or_broken_stops_with_the_line() -> None:
    with pytest.raises(SourceError, match=r"f\.xml: broken or cut off: .*line [56]"):
        read(PLM[:200])
    with pytest.raises(SourceError, match="broken or cut off"):
        read("<r><Item>&unknown;</Item></r>")
    with pytest.raises(SourceError, match="no XML"):
        read("a,b\n1,2\n")
    with pytest.raises(SourceError, match="no XML"):
        read("")


BOMB = "<!DOCTYPE r [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;'>]>"
FILES = "<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"


@pytest.mark.parametrize("doctype", [BOMB, FILES, "<!DOCTYPE r SYSTEM 'http://127.0.0.1/x.dtd'>", "<!DOCTYPE r>"])
@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n<!-- <r> --><?pi <r> ?>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_document_type_is_refused_wherever_it_hides(doctype: str, before: str, encoding: str) -> None:
    with pytest.raises(RefusedError, match="document type"):
        read(f"{before}{doctype}<r a='&b;'><Item>&a;</Item></r>".encode(encoding))


def test_an_encoding_in_which_a_document_type_could_hide_is_not_read() -> None:
    hidden = "<?xml version='1.0' encoding='UTF-7'?>+ADwAIQ-DOCTYPE r+AD4-<r><Item/></r>"
    with pytest.raises(SourceError, match="not read in the encoding 'utf-7'"):
        read(hidden)


@pytest.mark.skipif(not STATM.exists(), reason="tells resident memory on Linux alone")
@pytest.mark.parametrize("parents", [[], ["Item/@id", "Head/Name"]])
def test_a_long_file_is_read_as_a_stream(monkeypatch: pytest.MonkeyPatch, parents: list[str]) -> None:
    monkeypatch.setattr(xmlsafe, "PIECE", 1 << 16)
    monkeypatch.setattr(xmltext, "ROWS", 1000)
    item = "<Item id='{0}'><Name>{0}</Name><Lines>" + "<Line><Qty>{0}</Qty></Line>" * 5 + "</Lines></Item>"
    text = f"<r><Head><Name>x</Name></Head>{''.join(item.format(n) for n in range(15_000))}</r>".encode()
    before, most, rows = resident(), 0, 0
    for frame in xmltext.read(io.BytesIO(text), "f.xml", Layout(records="Lines/Line", parents=parents)):
        rows += frame.height
        most = max(most, resident() - before)
    assert rows == 75_000
    assert most < 15 << 20  # as a tree it takes three times as much


def resident() -> int:
    """Bytes of this process in memory."""
    return int(STATM.read_text().split()[1]) * 4096
