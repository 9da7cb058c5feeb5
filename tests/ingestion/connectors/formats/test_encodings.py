"""Text is read in the encoding that is declared, or that the bytes prove; never by a guess, never with loss."""

from __future__ import annotations

import codecs
import io

import pytest

from ingestion.connectors.formats import encodings
from ingestion.connectors.formats.encodings import detect, utf8_chunks
from tillmill.errors import SourceError

CHINESE = "门店编码,商品名称,数量\n0012,纯牛奶 250ml×12盒,3\n0013,全麦面包（大）,镕记\n"
KOREAN = "매장코드,상품명,수량\n0012,우유 이백오십 밀리리터,3\n0013,통밀빵 큰것,5\n"
JAPANESE = "店舗コード,商品名,数量\n0012,牛乳パック,3\n0013,ぜんりゅうふんパン,5\n"
GERMAN = "Größe,Käse,Straße\nÜbergröße,Brötchen,Öl\nßß,äöü,éèê\n"


def read(data: bytes, encoding: str = "auto") -> str:
    return b"".join(utf8_chunks(io.BytesIO(data), "f.csv", encoding)).decode()


@pytest.mark.parametrize("text", [CHINESE, GERMAN, KOREAN, "plain\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_or_strict_utf_8_decides(text: str, encoding: str) -> None:
    assert read(text.encode(encoding)) == text


@pytest.mark.parametrize("mark", [codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE])
def test_both_byte_orders_are_known_by_their_mark(mark: bytes) -> None:
    order = "utf-16-be" if mark == codecs.BOM_UTF16_BE else "utf-16-le"
    assert read(mark + CHINESE.encode(order)) == CHINESE


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_chinese_text_proves_gb_18030(encoding: str) -> None:
    assert detect(io.BytesIO(CHINESE.encode(encoding)), "f") == "gb18030"
    assert read(CHINESE.encode(encoding)) == CHINESE


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (KOREAN, "euc-kr"),
        (JAPANESE, "shift_jis"),
        (JAPANESE, "euc-jp"),
        ("商品名稱,數量\n鮮奶,三\n麵包,五\n", "big5"),
        ("Цена,Молоко\nХлеб,Сыр\n", "cp1251"),
        ("café,thé\n", "latin-1"),
        ("店品,1\n", "gb18030"),
        ("品,1\n", "gb18030"),  # its two bytes are one letter in UTF-8
    ],
)
def test_what_proves_nothing_stops_and_says_what_to_set(text: str, encoding: str) -> None:
    with pytest.raises(
        SourceError, match=r"f\.csv: it (is not UTF-8|may be UTF-8 or GB 18030), and its bytes do not prove"
    ) as caught:
        read(text.encode(encoding))
    assert "pull.encoding" in str(caught.value)
    assert read(text.encode(encoding), encoding) == text


@pytest.mark.parametrize("chunk", [1, 2, 3, 7])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_where_the_bytes_are_cut_changes_nothing(monkeypatch: pytest.MonkeyPatch, chunk: int, encoding: str) -> None:
    monkeypatch.setattr(encodings, "CHUNK", chunk)
    text = "店,😀,é\n" * 3
    assert read(text.encode(encoding), encoding.removesuffix("-sig")) == text


@pytest.mark.parametrize("chunk", [1, 5, 100])
def test_the_byte_that_is_not_in_the_encoding_is_named(monkeypatch: pytest.MonkeyPatch, chunk: int) -> None:
    monkeypatch.setattr(encodings, "CHUNK", chunk)
    with pytest.raises(SourceError, match=r"byte 7 is not utf-8"):
        read("a,店\n".encode() + b"x\xff", "utf-8")
    with pytest.raises(SourceError, match=r"is not utf-8"):
        read("a,店".encode()[:-1], "utf-8")
