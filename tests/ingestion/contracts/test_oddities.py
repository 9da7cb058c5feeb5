from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from ingestion.contracts import contract, oddities
from ingestion.contracts.oddities import bad_gtin, check_digit

EPCIS = Path(__file__).resolve().parents[4] / "shared" / "data" / "messages" / "epcis"


def is_bad(*gtins: str | None) -> list[bool]:
    return pl.DataFrame({"gtin": gtins}, schema={"gtin": pl.String}).select(bad_gtin()).to_series().to_list()


def epcis_texts() -> list[str]:
    """GS1's EPCIS 2.0 samples."""
    if not EPCIS.is_dir():
        pytest.skip("the EPCIS samples are not on this machine")
    files = (path for path in sorted(EPCIS.rglob("*")) if path.suffix in {".json", ".jsonld", ".xml"})
    return [path.read_text(encoding="utf-8") for path in files]


def test_gtins_of_the_epcis_samples_pass_and_no_other_check_digit_does() -> None:
    """Known answer 25, as digital links `/01/<GTIN>`."""
    gtins = sorted({gtin for text in epcis_texts() for gtin in re.findall(r"/01/(\d{14})", text)})
    assert len(gtins) >= 6
    assert not any(is_bad(*gtins))
    for gtin in gtins:
        others = [gtin[:-1] + digit for digit in "0123456789" if digit != gtin[-1]]
        assert all(is_bad(*others)), gtin


def test_the_check_digit_of_an_epc_name_is_that_of_the_same_goods_digital_link() -> None:
    """Known answer 25: an EPC name, `sgtin:<company>.<indicator><item>`, has no check digit; four goods have both."""
    texts = epcis_texts()
    named = {found for text in texts for found in re.findall(r":[ls]gtin:(\d+)\.(\d)(\d+)", text)}
    linked = {gtin[:-1]: gtin[-1] for text in texts for gtin in re.findall(r"/01/(\d{14})", text)}
    both = sorted({indicator + company + item for company, indicator, item in named} & set(linked))
    assert len(both) >= 4
    digits = pl.select(check_digit(pl.lit(pl.Series(both))).cast(pl.String)).to_series().to_list()
    assert digits == [linked[body] for body in both]


def test_all_four_lengths_are_checked_as_text() -> None:
    # 96385074 and 4006381333931 are GS1's and everybody's examples of GTIN-8 and GTIN-13.
    assert is_bad("96385074", "036000291452", "4006381333931", "04006381333931") == [False] * 4
    assert is_bad("96385075", "36000291452", "４００６３８１３３３９３１", "400638133393X", "", None) == [True] * 5 + [
        False
    ]


def odd(expression: pl.Expr, **columns: list[object]) -> list[bool | None]:
    return pl.DataFrame(columns, strict=False).select(odd=expression).to_series().to_list()


def test_a_gtin_of_a_case_is_one_of_fourteen_digits_with_an_indicator() -> None:
    """Fault 14: cases reported as eaches."""
    gtins = ["14006381333938", "04006381333931", "4006381333931", "94006381333934", None]
    assert odd(oddities.case_gtin(), gtin=gtins) == [True, False, False, False, None]


def test_a_unit_nobody_can_name_is_odd_and_spelling_is_not() -> None:
    units = ["each", "EA", "Pcs.", "箱", "ＫＧ", "blorp", None]
    assert odd(oddities.unknown_unit("unit"), unit=units) == [False, False, False, False, False, True, None]


def test_moments_out_of_order_and_minutes_without_time_for_them() -> None:
    early, late = datetime(2017, 6, 1, 6, tzinfo=UTC), datetime(2017, 6, 1, 7, tzinfo=UTC)
    moments = {"first": [early, late, None], "second": [late, early, late]}
    assert odd(oddities.out_of_order("first", "second"), **moments) == [False, True, None]
    shift = {"start": [early, early], "end": [late, late], "minutes": [60.0, 61.0]}
    assert odd(oddities.more_minutes_than("minutes", "start", "end"), **shift) == [False, True]


def test_any_of_several_values_below_zero_is_odd_and_none_stated_is_not() -> None:
    assert odd(oddities.negative("a", "b"), a=[1, 1, None, None], b=[1, -1, -1, None])[:3] == [False, True, True]


def test_a_refund_that_is_completed_on_no_day_is_odd() -> None:
    refunds = {
        "status": ["Completed", "completed", "asked", None],
        "refunded_at": [None, datetime(2017, 11, 2, tzinfo=UTC), None, None],
    }
    flag = contract("ecommerce.refunds").flags["completed_without_date"]
    assert odd(flag, **refunds) == [True, False, False, None]
