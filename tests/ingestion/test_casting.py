from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.casting import Cast, Reading, cast

AMOUNT = pl.Decimal(18, 4)
AT = pl.Datetime("us", "UTC")
NEW_YORK = Reading("America/New_York")


def read(values: list[str | None], dtype: pl.DataType, reading: Reading = NEW_YORK, **more: bool) -> Cast:
    return cast(pl.Series(values, dtype=pl.String), dtype, reading, **more)


def failed(found: Cast) -> list[bool]:
    return found.failed.to_list() if found.failed is not None else [False] * found.values.len()


def test_timestamps_of_all_spellings_become_utc() -> None:
    found = read(
        [
            "2017-06-01T12:00:00Z",
            "2017-06-01T12:00:00.123456Z",
            "2017-06-01T20:00:00+08:00",
            "2017-06-01 08:00:00-0400",
            "2017-06-01 08:00:00",
            "2017-06-01T08:00",
            "2017/06/01 08:00:00",
            "20170601080000",
            "2017-06-01",
            " ２０１７-06-01T12:00:00Z",
            "",
            None,
        ],
        AT,
    )
    noon = datetime(2017, 6, 1, 12, tzinfo=UTC)
    assert found.values.to_list() == [
        noon,
        noon.replace(microsecond=123456),
        *[noon] * 6,
        noon.replace(hour=4),
        noon,
        None,
        None,
    ]
    assert not any(failed(found))


def test_the_hour_that_clocks_skip_fails_and_the_hour_they_repeat_is_the_first_and_noted() -> None:
    found = read(["2017-03-12 02:30:00", "2017-11-05 01:30:00", "2017-11-05 03:30:00"], AT)
    assert failed(found) == [True, False, False]
    assert "skip" in found.why
    assert found.values.to_list()[1] == datetime(2017, 11, 5, 5, 30, tzinfo=UTC)
    assert found.notes["dst_overlap"].to_list() == [False, True, False]


@pytest.mark.parametrize("text", ["2017-13-01", "yesterday", "2017-06-01T25:00:00Z", "12", "2017-06-01T12:00:00+99:00"])
def test_what_is_no_time_fails(text: str) -> None:
    assert failed(read([text, "2017-06-01T12:00:00Z"], AT)) == [True, False]


def test_epochs_and_own_formats_are_read_where_told() -> None:
    noon = datetime(2017, 6, 1, 12, tzinfo=UTC)
    assert read(["1496318400"], AT, Reading(format="epoch_s")).values.item() == noon
    assert read(["1496318400000"], AT, Reading(format="epoch_ms")).values.item() == noon
    assert read(["01.06.2017 14:00"], AT, Reading("Europe/Berlin", "%d.%m.%Y %H:%M")).values.item() == noon


def test_dates_are_read_and_a_time_of_day_is_not_cut_off_in_silence() -> None:
    found = read(["2017-06-01", "20170601", "2017/06/01", "2017-06-01T00:00:00", "2017-06-01T23:00:00"], pl.Date())
    assert found.values.to_list() == [date(2017, 6, 1)] * 4 + [None]
    assert failed(found) == [False] * 4 + [True]


def test_a_date_from_a_timestamp_is_the_day_in_the_zone_named() -> None:
    reading = Reading("America/New_York", to_business_date=True)
    assert read(["2017-12-04T04:01:20Z"], pl.Date(), reading).values.item() == date(2017, 12, 3)


def test_decimals_are_exact_rounding_is_noted_and_what_does_not_fit_fails() -> None:
    found = read(
        ["1.25", "-0.0001", "1e3", "１２．５", " 7 ", "0.12345", "NaN", "1,234", "99999999999999999", None], AMOUNT
    )
    assert found.values.to_list()[:6] == [Decimal(text) for text in ("1.25", "-0.0001", "1000", "12.5", "7", "0.1234")]
    assert failed(found) == [False] * 6 + [True] * 3 + [False]
    assert found.notes["rounded"].to_list() == [False] * 5 + [True] + [False] * 4


@given(st.lists(st.decimals(min_value=-(10**9), max_value=10**9, places=4), min_size=1, max_size=20))
def test_every_amount_of_four_digits_comes_through_unchanged(amounts: list[Decimal]) -> None:
    assert read([str(amount) for amount in amounts], AMOUNT).values.to_list() == amounts


def test_minor_units_are_scaled_exactly() -> None:
    assert read(["1999"], AMOUNT, Reading(scale=Decimal("0.01"))).values.item() == Decimal("19.99")


@pytest.mark.parametrize(("sign", "other"), [(",", "."), (".", ",")])
def test_a_wrong_decimal_sign_is_answered_with_the_one_that_reads_the_value(sign: str, other: str) -> None:
    values = [f"1{sign}234{other}50", f"12{other}50", f"12{sign}50", "9" * 20, "many", None]
    found = read(values, AMOUNT, Reading(decimal=sign))
    assert failed(found) == [True, True, False, True, True, False]
    assert found.hinted is not None
    assert found.hinted.to_list() == [True, True, False, False, False, False]
    assert found.hint == f"is not a number that fits: say decimal = {other!r} for its field, not {sign!r}"


def test_nan_and_infinity_are_not_numbers() -> None:
    assert failed(read(["0.5", "nan", "inf", "-Infinity", "1e999"], pl.Float64())) == [False] + [True] * 4


def test_whole_numbers_and_booleans_refuse_what_they_are_not() -> None:
    whole = read(["12", "12.0", "12.5", "0012", "x"], pl.Int64())
    assert whole.values.to_list() == [12, 12, None, 12, None]
    assert failed(whole) == [False, False, True, False, True]
    truth = read(["true", "1", "No", "F", "maybe"], pl.Boolean())
    assert truth.values.to_list() == [True, True, False, False, None]
    assert failed(truth) == [False] * 4 + [True]


def test_identifiers_take_one_unicode_form_and_keep_leading_zeros() -> None:
    found = read(["００１２", "0012 ", "a\x00b", "店１", "plain"], pl.String(), is_identifier=True)
    assert found.values.to_list() == ["0012", "0012", "ab", "店1", "plain"]
    assert found.notes["normalised"].to_list() == [True, False, True, True, False]


def test_free_text_stays_as_it_is() -> None:
    words = ["  Ｆｕｌｌ ", "emoji 🥛", "\u202eright to left", ""]
    assert read(words, pl.String()).values.to_list() == [*words[:3], None]


READINGS = [
    Reading(),
    Reading(scale=Decimal("0.01")),
    Reading(scale=Decimal(1000)),
    Reading(decimal=","),
    Reading(decimal=".", scale=Decimal("0.01")),
    Reading("Europe/Berlin", "%d.%m.%Y", to_business_date=True),
    Reading(format="%d.%m.%Y"),
    Reading(format="epoch_ms"),
    Reading(format="excel_1900"),
]
TYPES = [AMOUNT, pl.Float64(), pl.Int64(), pl.Boolean(), pl.Date(), AT]


@pytest.mark.parametrize("reading", READINGS, ids=str)
@pytest.mark.parametrize("dtype", TYPES, ids=str)
@settings(deadline=None, max_examples=30)
@given(texts=st.lists(st.text("0123456789.,-+eE '’T:Z/Oabinft", max_size=30), min_size=1, max_size=4))
def test_no_value_becomes_null_without_being_told(dtype: pl.DataType, reading: Reading, texts: list[str]) -> None:
    """Fault 10: however a column is read, what was there and could not be read has failed, in words."""
    found = read([*texts, None], dtype, reading)
    stated = [bool(text.strip()) for text in texts] + [False]
    lost = [was and is_null for was, is_null in zip(stated, found.values.is_null(), strict=True)]
    assert failed(found) == lost
    assert bool(found.why) or not any(lost)


@pytest.mark.parametrize("text", ["1.234,50", "abc", "12x", "12,5O", "9" * 30, "1e999"])
@pytest.mark.parametrize("scale", [None, Decimal("0.01"), Decimal(1000), Decimal(-1000)])
def test_an_amount_that_cannot_be_read_fails_whatever_its_scale(text: str, scale: Decimal | None) -> None:
    found = read([text, "1990", None], AMOUNT, Reading(scale=scale))
    assert failed(found) == [True, False, False]
    assert found.why == "is not a number that fits"
    assert found.values.to_list()[1] == Decimal(1990) * (scale or 1)


@pytest.mark.parametrize(
    ("sign", "text", "number"),
    [
        (",", "1234,5", "1234.5"),
        (",", "1.234.567,50", "1234567.5"),
        (",", "-1 234,5", "-1234.5"),
        (",", "1\u202f234\u00a0567", "1234567"),
        (",", "１２３，５", "123.5"),
        (",", "1'234", "1234"),
        (",", "1.234", "1234"),
        (",", "12.5", None),
        (",", "1.23.456", None),
        (",", "1.234 567", None),
        (",", "1,234,567", None),
        (".", "1,234.50", "1234.5"),
        (".", "+1,234", "1234"),
        (".", "12,5", None),
        (".", "12.", None),
        (".", "", None),
    ],
)
def test_numbers_as_people_write_them_are_read_by_the_decimal_sign_that_is_told(
    sign: str, text: str, number: str | None
) -> None:
    """Thousands are set apart in threes, all in one way; what is written otherwise is refused and not guessed at."""
    told = Reading(decimal=sign)
    found = read([text], AMOUNT, told)
    assert found.values.item() == (None if number is None else Decimal(number))
    assert failed(found) == [bool(text) and number is None]
    assert read([text], pl.Float64(), told).values.item() == (None if number is None else float(number))
    if number is not None and "." not in number:
        assert read([text], pl.Int64(), told).values.item() == int(number)


def test_a_decimal_sign_and_a_scale_are_both_heeded() -> None:
    assert read(["1.990,5"], AMOUNT, Reading(decimal=",", scale=Decimal("0.01"))).values.item() == Decimal("19.905")


@pytest.mark.parametrize(
    ("text", "dtype", "hint"),
    [
        ("1.234,50", AMOUNT, "is not a number that fits: say decimal = ',' or '.' for its field"),
        ("1,234", pl.Int64(), "is not a number that fits: say decimal = ',' or '.' for its field"),
        ("12,5O", AMOUNT, ""),
        ("9" * 30, AMOUNT, ""),
        ("31.12.2026", pl.Date(), "is not a date: give its field a format"),
        ("31.12.2026 10:00", AT, "is not a timestamp: give its field a format"),
        ("soon", pl.Date(), ""),
    ],
)
def test_what_the_mapping_could_be_told_to_read_is_hinted_at(text: str, dtype: pl.DataType, hint: str) -> None:
    found = read([text, None], dtype)
    assert failed(found) == [True, False]
    assert found.hinted is not None
    assert found.hinted.to_list() == [bool(hint), False]
    assert not hint or found.hint == hint


@pytest.mark.parametrize("text", ["4006381333931", "999999999", "-999999999", "1e18"])
@pytest.mark.parametrize("dtype", [pl.Date(), AT], ids=str)
def test_a_number_that_is_no_spreadsheets_day_fails_and_ends_nothing(text: str, dtype: pl.DataType) -> None:
    """Fault 11: an article number in a date's place once made the reader panic, and with it the whole run."""
    found = read([text, "42887"], dtype, Reading("Europe/Berlin", "excel_1900"))
    assert failed(found) == [True, False]


@pytest.mark.parametrize("form", ["epoch_s", "epoch_ms", "epoch_us"])
@pytest.mark.parametrize("text", ["9" * 20, "-" + "9" * 31, "9" * 40])
def test_a_number_that_is_no_moment_fails_and_ends_nothing(text: str, form: str) -> None:
    assert failed(read([text, "0"], AT, Reading(format=form))) == [True, False]
