"""Figures and dates read the same everywhere, in both languages."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from apps import format as write


@pytest.mark.parametrize(
    ("value", "english", "chinese"),
    [
        (0, "0", "0"),
        (8, "8", "8"),
        (9_876, "9,876", "9,876"),
        (9_999.6, "10,000", "10,000"),
        (10_000, "10k", "1万"),
        (63_249, "63.2k", "6.32万"),
        (999_950, "1M", "100万"),
        (12_000_000, "12M", "1,200万"),
        (219_000_000, "219M", "2.19亿"),
        (-63_249, "−63.2k", "−6.32万"),
        (Decimal("63249.5"), "63.2k", "6.32万"),
        (None, "–", "–"),
        (float("nan"), "–", "–"),
    ],
)
def test_a_figure_takes_the_units_of_the_language(value: float | None, english: str, chinese: str) -> None:
    assert (write.short(value, "en"), write.short(value, "zh")) == (english, chinese)


def test_money_puts_the_sign_before_the_symbol_and_keeps_cents_below_a_hundred() -> None:
    assert write.money(-1_348.2, "USD", "en") == "−$1,348"
    assert write.money(4.146, "USD", "en") == "$4.15"
    assert write.money(219_000_000, "CNY", "zh") == "¥2.19亿"
    assert write.money(5, "SEK", "en") == "SEK 5.00"


def test_a_change_within_half_a_percent_is_neither_good_nor_bad() -> None:
    assert write.change(100.4, 100).direction == "flat"
    assert write.change(99.5, 100).direction == "flat"
    assert write.change(100.6, 100).direction == "up"
    assert write.change(99.4, 100).direction == "down"


def test_no_negative_zero_is_ever_shown() -> None:
    assert write.change(99.999, 100).text == "0.0 %"
    assert write.exact(-0.2) == "0"
    assert write.points(0.1, 0.1002, "pts").text == "0.0 pts"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (write.exact(3), "+3"),
        (write.exact(0.05, 2), "+0.05"),
        (write.money(120, "USD", "en"), "+$120"),
        (write.exact(-3), "−3"),
        (write.money(-120, "USD", "en"), "−$120"),
        (write.exact(0), "0"),
        (write.exact(0.004, 1), "0.0"),
        (write.exact(-0.004, 2), "0.00"),
        (write.money(0, "USD", "en"), "$0"),
        (write.money_exact(0, "CNY"), "¥0.00"),
        (write.NONE, write.NONE),
    ],
)
def test_only_what_is_above_zero_has_a_plus(text: str, shown: str) -> None:
    assert write.signed(text) == shown


def test_without_an_earlier_figure_there_is_no_change() -> None:
    assert write.change(5, None).direction == "none"
    assert write.change(5, 0).direction == "none"
    assert write.points(None, 0.1, "pts").direction == "none"


def test_dates_are_written_as_the_language_does() -> None:
    day = date(2017, 12, 3)
    assert (write.day(day, "en"), write.day(day, "zh")) == ("3 Dec 2017", "2017年12月3日")
    assert write.span(date(2017, 9, 4), date(2017, 11, 26), "en") == "4 Sep – 26 Nov 2017"
    assert write.span(date(2016, 12, 26), date(2017, 1, 8), "zh") == "2016年12月26日–2017年1月8日"
    assert write.moment(datetime(2017, 12, 3, 23, 1, tzinfo=UTC), "en") == "3 Dec 2017 23:01"
    assert write.monday(date(2017, 12, 3)) == date(2017, 11, 27)


def test_foreign_text_cannot_act_in_a_sentence() -> None:
    text = write.plain("![x](http://evil) $y$ :red[z] <b> `c` **d**\n# e")
    assert "![" not in text
    assert "$y" not in text.replace("\\$", "")
    assert "\n" not in text
    for mark in "[]()$:<>`*#!":
        assert all(text[at - 1] == "\\" for at, found in enumerate(text) if found == mark)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("FLUID MILK PRODUCTS", "Fluid milk products"),
        ("BAKED BREAD/BUNS/ROLLS", "Baked bread/buns/rolls"),
        ("Chocolate Milk 12 OZ", "Chocolate Milk 12 OZ"),
        ("DC", "DC"),
        ("IM-12", "IM-12"),
        ("牛奶", "牛奶"),
        (None, write.NONE),
    ],
)
def test_a_name_in_capitals_becomes_a_sentence_and_any_other_stays(given: str | None, shown: str) -> None:
    assert write.name(given) == shown
