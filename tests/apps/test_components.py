"""Exports that no spreadsheet runs, cards that colour only good and bad, reasons in the reader's language."""

from __future__ import annotations

import csv
import io

import polars as pl
import pytest

from apps.components.cards import tone
from apps.components.reasons import evidence, reason, refused
from apps.components.tables import Column, _heading, _line, neutral, to_csv
from apps.i18n import load
from ingestion.checking import REASONS
from tests.apps.brand import FORMULA


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@sum", "\tx", "\rx", "\n=1", "  =1", "\u3000=1", "\ufeff=1", FORMULA]
)
def test_text_that_a_spreadsheet_would_run_is_made_text(text: str) -> None:
    assert neutral(text) == f"'{text}"


@pytest.mark.parametrize("value", [-5, -1.5, None, "Milk 1 l", "1=1", "牛奶"])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert neutral(value) == value


def test_an_export_holds_every_row_with_its_plain_values() -> None:
    rows = pl.DataFrame({"name": [FORMULA, "牛奶"], "moved": [-5.5, None], "hidden": [1, 2]})
    content = to_csv(rows, [Column("name", "=产品"), Column("moved", "Change", lambda value: "written")])
    read = list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    assert read == [["'=产品", "Change"], [f"'{FORMULA}", "-5.5"], ["牛奶", ""]]


def test_red_and_green_say_good_and_bad_never_up_and_down() -> None:
    assert tone("up", "good") == "green"
    assert tone("up", "bad") == "red"
    assert tone("down", "bad") == "green"
    assert tone("down", "") == "gray"
    assert tone("flat", "good") == "gray"


def test_reasons_are_said_in_the_readers_language_and_keep_their_figures() -> None:
    chinese = load("zh")
    assert reason(chinese, "only 3 stores were without it; 8 are needed") == "只有 3 家门店没有做，至少需要 8 家"
    chance = "25.0% more than expected, judged against 40 placebo dates: more than chance"
    added = f"{chance}; every store was in the mailer, so this is what the display added"
    assert reason(chinese, added) == "对照 40 个安慰剂日期，海报之外的陈列效果"
    less = "3.1% less than expected, judged against 7 placebo dates: it may be chance"
    assert reason(load("en"), less) == "By 7 placebo dates"
    assert reason(chinese, "a reason nobody wrote before") == "a reason nobody wrote before"
    assert reason(chinese, None) == ""


def test_what_a_contract_refuses_is_said_in_the_readers_language() -> None:
    chinese = load("zh")
    assert refused(chinese, "units is not a number that fits; sku is missing") == "units 不是符合要求的数值；sku 缺失"
    assert refused(load("en"), "sku is missing") == "sku is missing"
    # What a source says of its own record stays as it is, and so does a rule without a word.
    assert refused(chinese, "payload of 3 bytes; sku breaks the rule x") == "payload of 3 bytes；sku breaks the rule x"
    assert refused(chinese, None) == ""


def test_every_reason_of_a_contract_has_a_word() -> None:
    """A reason added to the checks without a word here would be English on the Chinese page."""
    for what in REASONS.values():
        assert refused(load("zh"), f"sku {what}") != f"sku {what}", what


def test_why_two_records_are_one_person_is_said_in_the_readers_language() -> None:
    chinese = load("zh")
    assert evidence(chinese, "same member_id, no name to compare") == "会员号相同，无姓名可比"
    assert evidence(chinese, "name same (+9.3); phone one slip (-1.0)") == "姓名相同（+9.3）；手机差一处（-1.0）"
    assert evidence(chinese, "two values of birth_date") == "生日有两个值"
    assert evidence(load("en"), "same email, name written otherwise") == "Same e-mail, name written otherwise"
    assert evidence(chinese, "two brothers") == "two brothers"
    assert evidence(chinese, None) == ""


def test_numbers_stand_right_with_their_headings_and_sort_by_value() -> None:
    rows = pl.DataFrame({"name": [FORMULA], "net": [12_345.6], "address": ["demand?sku=1"]})
    columns = [Column("name", "Product"), Column("net", "Net sales", lambda value: f"{value:.0f}", lambda _: "good")]
    assert [_heading(rows, column)["right"] for column in columns] == [False, True]
    line = _line(rows.row(0, named=True), columns, "address")
    assert line == {
        "texts": [FORMULA, "12346"],
        "tones": ["", "good"],
        "keys": [FORMULA, 12_345.6],
        "link": "demand?sku=1",
    }
