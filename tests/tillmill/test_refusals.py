"""A workspace file that cannot be used is told by file, source, stream, key and the nearest valid key, in our words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tillmill.errors import SettingsError
from tillmill.workspace import SETTINGS_FILE, open_workspace

BRAND = '[brand]\nname = "Harvest"\ncurrency = "USD"\ntimezone = "America/New_York"\n'
SOURCE = '[[sources]]\nname = "till"\nconnector = "files"\n'
STREAM = '[[sources.streams]]\nstream = "pos.sale_lines"\n'


def refused(folder: Path, text: str) -> str:
    """What the workspace file with this text is refused with, without the file's own name."""
    path = folder / SETTINGS_FILE
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsError) as found:
        open_workspace(folder)
    assert str(found.value).startswith(f"{path}: "), "the file is named first"
    return str(found.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BRAND + 'colour = "red"\n', "brand.colour: no such key; there are name, currency, timezone, "),
        (BRAND + "[planing]\n", "planing: no such key; did you mean 'planning'?"),
        (BRAND.replace("currency", "curency"), "brand.curency: no such key; did you mean 'currency'?"),
        (
            BRAND + SOURCE + STREAM + STREAM.replace("sale_lines", "payments") + 'pul = { path = "*.csv" }\n',
            "source 'till', stream 'pos.payments': pul: no such key; did you mean 'pull'?",
        ),
        (BRAND + SOURCE + '[[sources.streams]]\npull = {}\n', "source 'till', stream no. 1: stream: is missing"),
        (BRAND + '[[sources]]\nnmae = "till"\n', "source no. 1: nmae: no such key; did you mean 'name'?"),
        (BRAND + SOURCE, "source 'till': streams: is missing"),
        (
            BRAND + SOURCE + STREAM.replace("[[", "[").replace("]]", "]"),
            "source 'till': streams: must be a list, [[sources.streams]] starts each of its tables",
        ),
        (BRAND + SOURCE + 'streams = ["pos.sale_lines"]\n', "source 'till', stream no. 1: must be a table"),
        (BRAND + SOURCE.replace("till", "My till") + STREAM, "source 'My till': name: 'My till' is not a small letter"),
        ('brand = "Harvest"\n', "brand: must be a table, [brand], or { name = value }"),
        (BRAND.replace("USD", "usd"), "brand.currency: 'usd' is not three capitals, such as EUR"),
        (BRAND + 'day_starts_at = "27:00"\n', "brand.day_starts_at: '27:00' is not a time of day, such as 04:00"),
        (BRAND.replace("New_York", "Nowhere"), "brand.timezone: 'America/Nowhere' is no time zone"),
        (BRAND + "[planning]\nservice_level = 2\n", "planning.service_level: must be less than 1"),
        (BRAND + '[planning]\nhorizon_weeks = "8 weeks"\n', "planning.horizon_weeks: must be a whole number"),
        (BRAND + "[forecasting]\nhorizon_weeks = 0\n", "forecasting.horizon_weeks: must be at least 1"),
        (BRAND + "[planning\n", "Expected ']'"),
        ("[brand]\nname = \"\udce9t\udce9\"\n", "'utf-8' codec can't decode byte 0xe9"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_in_our_words(tmp_path: Path, text: str, said: str) -> None:
    found = refused(tmp_path, text)
    assert found.startswith(said)
    assert "Extra inputs" not in found
    assert "Input should" not in found


def test_a_secret_of_the_wrong_kind_is_not_repeated(tmp_path: Path) -> None:
    assert "4711" not in refused(tmp_path, BRAND + "[privacy]\ntoken_key = 4711\n")


def test_a_byte_order_mark_before_the_first_line_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / SETTINGS_FILE).write_bytes(b"\xef\xbb\xbf" + BRAND.encode())
    assert open_workspace(tmp_path).settings.brand.name == "Harvest"
