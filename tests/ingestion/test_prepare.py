from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.connectors.formats.csvtext import parse
from ingestion.connectors.page import FILE, OBSERVED, OP
from ingestion.contracts.contract import landed_schema
from ingestion.prepare import Prepared, prepare
from ingestion.privacy.seal import unseal
from tests.ingestion.streams import KEYS, READ_AT, make_page, make_stream

LINE: dict[str, Any] = {
    "sale_id": "s1",
    "line_no": "1",
    "store_id": "12",
    "sold_at": "2017-06-01T12:00:00Z",
    "sku": "800123",
    "line_kind": "sale",
    "units": "2",
    "unit_price": "1.25",
    "net_amount": "2.50",
}


def lines(*changes: dict[str, Any], fields: dict[str, Any] | None = None, **more: Any) -> Prepared:
    rows = [LINE | {"line_no": str(number)} | change for number, change in enumerate(changes, start=1)]
    return prepare(make_stream("pos.sale_lines", fields, **more), make_page(rows), KEYS)


def flags(found: Prepared) -> list[str]:
    return found.good["_flags"].to_list()


def test_a_good_row_lands_in_the_contracts_shape() -> None:
    found = lines({"member_id": "M1"})
    stream = make_stream("pos.sale_lines")
    wanted = landed_schema(stream.contract) | {
        "_row": pl.Int64,
        "_op": pl.String,
        "_extra": pl.String,
        "_flags": pl.String,
    }
    assert dict(found.good.schema) == wanted
    [row] = found.good.to_dicts()
    assert row["sold_at"] == datetime(2017, 6, 1, 12, tzinfo=UTC)
    assert row["net_amount"] == Decimal("2.5")
    assert (row["currency"], row["observed_at"], row["_op"], row["_flags"]) == ("USD", READ_AT, "upsert", "")
    assert "M1" not in str(row)
    assert found.bad.is_empty()


@pytest.mark.parametrize(
    ("change", "field", "reason"),
    [
        ({"units": "two"}, "units", "is not a number that fits"),
        ({"units": None}, "units", "is missing"),
        ({"net_amount": "99999999999"}, "net_amount", "is above what is possible"),
        ({"sold_at": "1970-01-01T00:00:00Z"}, "sold_at", "is below what is possible"),
        ({"sold_at": "2031-01-01T00:00:00Z"}, "sold_at", "lies in the future"),
        ({"sold_at": "2017-03-12 02:30:00"}, "sold_at", "clocks of America/New_York skip"),
        ({"line_kind": "barter"}, "line_kind", "is none of the allowed values"),
        ({"currency": "XXZ"}, "currency", "is no currency"),
        ({"sku": "  "}, "sku", "is missing"),
        ({"line_no": "1.5"}, "line_no", "is not a whole number"),
        ({"is_tax_inclusive": "perhaps"}, "is_tax_inclusive", "is neither true nor false"),
    ],
)
def test_an_impossible_value_is_quarantined_with_field_reason_and_raw_form(
    change: dict[str, Any], field: str, reason: str
) -> None:
    found = lines({}, change, {})
    assert found.good["line_no"].to_list() == [1, 3]
    [bad] = found.bad.to_dicts()
    assert (bad["row"], bad["field"]) == (1, field)
    assert reason in bad["reason"]
    assert bad["position"] == "a page, row 2"
    assert json.loads(unseal(bad["raw"], KEYS.sealing, "test/pos.sale_lines")) == LINE | {"line_no": "2"} | change | {
        name: None for name in change if change[name] is None
    }


@pytest.mark.parametrize(
    ("change", "flag"),
    [
        ({"units": "-1"}, "negative_without_return"),
        ({"units": "0"}, "zero_units"),
        ({"unit_price": "0.00"}, "zero_price"),
        ({"gtin": "4006381333932"}, "bad_gtin"),
        ({"net_amount": "0.123456"}, "rounded"),
        ({"sold_at": "2017-11-05 01:30:00"}, "dst_overlap"),
        ({"sku": "８００１２３"}, "normalised"),
    ],
)
def test_an_odd_but_possible_value_lands_with_a_flag(change: dict[str, Any], flag: str) -> None:
    found = lines(change)
    assert flags(found) == [flag]


def test_a_return_may_be_negative() -> None:
    assert flags(lines({"units": "-1", "line_kind": "return"})) == [""]


def test_full_duplicates_are_flagged_after_the_first_and_none_is_lost() -> None:
    found = lines({}, {"line_no": "1"}, {"line_no": "1", "units": "3"}, {"line_no": "1", "units": "0"})
    assert flags(found) == ["", "full_duplicate", "", "zero_units"]


def test_the_same_line_in_two_files_is_still_a_full_duplicate() -> None:
    rows = [LINE | {FILE: "a.csv", "_line": 2}, LINE | {FILE: "b.csv", "_line": 2}]
    assert flags(prepare(make_stream("pos.sale_lines"), make_page(rows), KEYS)) == ["", "full_duplicate"]


def test_unmapped_fields_are_kept_sealed_and_reported_as_drift() -> None:
    found = lines({"coupon": "0.5"}, {"coupon": None})
    assert found.extra_fields == ["coupon"]
    first, second = found.good["_extra"]
    assert json.loads(unseal(first, KEYS.sealing, "test/pos.sale_lines")) == {"coupon": "0.5"}
    assert second is None


def test_extra_fields_of_a_stream_without_persons_stay_readable() -> None:
    row = {"sku": "1", "unit": "case", "base_units": "12", "colour": "red"}
    found = prepare(make_stream("erp.item_units"), make_page([row]), KEYS)
    assert found.good["_extra"].to_list() == ['{"colour":"red"}']


def test_the_original_of_a_normalised_key_stays_beside_it() -> None:
    row = {"sku": "１", "unit": "case", "base_units": "12"}
    found = prepare(make_stream("erp.item_units"), make_page([row]), KEYS)
    assert found.good["sku"].item() == "1"
    assert json.loads(found.good["_extra"].item()) == {"sku_original": "１"}


def test_a_line_that_could_not_be_read_is_quarantined_with_its_number() -> None:
    text = b"sku,unit,base_units\n1,case,12\n2,case\n3,case,x\nTOTAL,,,9\n"
    found = prepare(
        make_stream("erp.item_units"),
        make_page(next(parse([text], "u.csv")).with_columns(pl.lit("u.csv").alias(FILE))),
        KEYS,
    )
    assert found.good["sku"].to_list() == ["1"]
    assert found.bad.select("position", "reason").rows() == [
        ("u.csv:3", "2 fields where the header has 3"),
        ("u.csv:4", "base_units is not a number that fits"),
        ("u.csv:5", "4 fields where the header has 3"),
    ]
    assert [unseal(text, KEYS.sealing, "test/erp.item_units") for text in found.bad["raw"]] == [
        "2,case",
        '{"sku":"3","unit":"case","base_units":"x"}',
        "TOTAL,,,9",
    ]


def test_a_sources_own_words_never_stand_in_for_the_reason_of_a_quarantine() -> None:
    """A source may call its fields what quarantine calls its own: field, reason, raw, row, position."""
    words = {"reason": "too small", "field": "a field", "raw": "a form", "row": "7", "position": "left"}
    rows = [{"shop_id": "a", "refund_id": "1", "order_id": "1", "kind": "refund_only", "amount": "x"} | words]
    [bad] = prepare(make_stream("ecommerce.refunds"), make_page(rows), KEYS).bad.to_dicts()
    assert (bad["row"], bad["position"], bad["field"]) == (0, "a page, row 1", "amount")
    assert bad["reason"] == "amount is not a number that fits"
    assert json.loads(unseal(bad["raw"], KEYS.sealing, "test/ecommerce.refunds")) == rows[0]


def test_a_lost_required_field_quarantines_every_row_and_is_named() -> None:
    found = lines({}, {}, fields={"sku": "article"})
    assert found.good.is_empty()
    assert found.lost_fields == ["article"]
    assert found.bad["reason"].to_list() == ["sku is missing"] * 2


def test_persons_become_tokens_that_agree_across_streams() -> None:
    member = {
        "member_id": "M7",
        "name": "Ana",
        "phone": "+1 212 555 0123",
        "email": "ANA@example.org",
        "updated_at": "2017-01-01T00:00:00Z",
    }
    order = {
        "shop_id": "a",
        "order_id": "1",
        "placed_at": "2017-06-01T12:00:00Z",
        "buyer_phone": "(212) 555-0123",
        "buyer_email": "ana@example.org",
        "buyer_brand_uid": "M7",
        "updated_at": "2017-06-01T12:00:00Z",
    }
    club = prepare(make_stream("crm.members"), make_page([member]), KEYS).good
    shop = prepare(make_stream("ecommerce.orders"), make_page([order]), KEYS).good
    assert club["phone_token"].item() == shop["buyer_phone_token"].item()
    assert club["email_token"].item() == shop["buyer_email_token"].item()
    assert club["member_id_token"].item() == shop["buyer_brand_uid_token"].item()
    assert not any(word in str(club.to_dicts() + shop.to_dicts()) for word in ("0123", "ana@", "Ana"))


def test_a_masked_phone_makes_no_token_and_a_masked_key_no_row() -> None:
    rows = [
        {"member_id": "M7", "phone": "138****0000", "updated_at": "2017-01-01T00:00:00Z"},
        {"member_id": "M*", "phone": "", "updated_at": "2017-01-01T00:00:00Z"},
    ]
    found = prepare(make_stream("crm.members"), make_page(rows), KEYS)
    assert found.good["phone_token"].to_list() == [None]
    assert flags(found) == ["unusable_phone"]
    assert json.loads(unseal(found.good["_extra"].item(), KEYS.sealing, "test/crm.members")) == {
        "member_id_original": None,
        "phone_original": "138****0000",
    }
    assert found.bad["reason"].to_list() == ["member_id identifies nobody"]


def test_a_number_takes_the_country_its_mapping_names() -> None:
    rows = [{"member_id": "M7", "phone": "15400001234", "updated_at": "2017-01-01T00:00:00Z"}]
    chinese = make_stream("crm.members", {"phone": {"field": "phone", "calling_code": "86"}})
    plus = [rows[0] | {"phone": "+86 154 0000 1234"}]
    assert (
        prepare(chinese, make_page(rows), KEYS).good["phone_token"].item()
        == prepare(make_stream("crm.members"), make_page(plus), KEYS).good["phone_token"].item()
    )


def test_a_tombstone_needs_its_key_alone() -> None:
    rows = [
        {"sku": "1", "unit": "case", "base_units": None, "gone": "1"},
        {"sku": None, "unit": "case", "base_units": None, "gone": "1"},
    ]
    found = prepare(make_stream("erp.item_units", deletes="gone"), make_page(rows), KEYS)
    assert found.good.select("sku", "_op").rows() == [("1", "delete")]
    assert found.bad["reason"].to_list() == ["sku is missing"]


def test_a_field_said_to_be_unused_is_kept_and_is_no_news() -> None:
    rows = [{"sku": "1", "unit": "case", "base_units": "6", "colour": "red", "weight": "2"}]
    found = prepare(make_stream("erp.item_units", unused=frozenset({"colour"})), make_page(rows), KEYS)
    assert found.extra_fields == ["weight"]
    assert found.good["_extra"].to_list() == ['{"colour":"red","weight":"2"}']


def test_an_optional_key_says_none() -> None:
    row = {"sku": "1", "store_id": "2", "week_on": "2017-01-02", "promotion_id": ""}
    assert prepare(make_stream("trade.placements"), make_page([row]), KEYS).good["promotion_id"].item() == "-"


def test_a_rate_without_a_currency_is_refused_and_one_of_zero_too() -> None:
    """Fault 14: an unknown currency; amounts without a currency are the brand's, a rate without one is nobody's."""
    rows = [
        {"currency": "CNY", "on": "2017-06-01", "rate": "0.1468"},
        {"currency": None, "on": "2017-06-01", "rate": "0.1468"},
        {"currency": "EUR", "on": "2017-06-01", "rate": "0"},
        {"currency": "EURO", "on": "2017-06-01", "rate": "1.12"},
    ]
    found = prepare(make_stream("erp.exchange_rates"), make_page(rows), KEYS)
    assert found.good.select("currency", "rate").rows() == [("CNY", 0.1468)]
    assert found.bad["reason"].to_list() == [
        "currency is missing",
        "rate is below what is possible",
        "currency is no currency of ISO 4217",
    ]


def test_what_a_scheduler_confirms_may_lie_ahead_and_what_it_said_may_not() -> None:
    """Fault 13: future timestamps."""
    answer = {"bod_id": "b1", "version": "1", "verdict": "accepted", "received_at": "2017-12-04T00:00:00Z"}
    rows = [
        answer | {"order_id": "1", "confirmed_end_at": "2017-12-24T00:00:00Z"},
        answer | {"order_id": "2", "received_at": "2017-12-24T00:00:00Z"},
    ]
    found = prepare(make_stream("scheduling.acknowledgements"), make_page(rows), KEYS)
    assert found.good["order_id"].to_list() == ["1"]
    assert found.bad["reason"].to_list() == ["received_at lies in the future"]


def test_a_discount_of_a_whole_order_has_line_zero() -> None:
    row = {"shop_id": "a", "order_id": "1", "seq": "1", "kind": "threshold", "amount": "30", "borne_by": "platform"}
    found = prepare(
        make_stream("ecommerce.discounts"), make_page([row | {"line_no": ""}, row | {"line_no": "x"}]), KEYS
    )
    assert found.good["line_no"].to_list() == [0]
    assert found.bad["reason"].to_list() == ["line_no is not a whole number"]


def test_codes_mean_the_same_in_any_unicode_form_in_every_column_that_names_something() -> None:
    """Fault 27: the member of a reply, the new code of a crosswalk, a component: what other rows are joined by."""
    row = {"kind": "sku", "old_code": "Ａ１", "valid_from": "2017-01-01", "new_code": "Ａ２"}
    found = prepare(make_stream("reference.code_crosswalk"), make_page([row]), KEYS).good
    assert found.select("old_code", "new_code", "_flags").rows() == [("A1", "A2", "normalised")]


def test_a_version_the_source_leaves_out_is_when_it_said_it_but_never_after_it_was_read() -> None:
    rows = [
        {"sku": "1", "unit": "case", "base_units": "12", OBSERVED: "2017-05-01T00:00:00.000000Z"},
        {"sku": "2", "unit": "case", "base_units": "12", OBSERVED: "2026-05-01T00:00:00.000000Z"},
    ]
    found = prepare(make_stream("erp.item_units"), make_page(rows), KEYS)
    assert found.good["observed_at"].to_list() == [datetime(2017, 5, 1, tzinfo=UTC), READ_AT]


def test_an_empty_page_is_fine() -> None:
    found = prepare(make_stream("pos.sale_lines"), make_page(pl.DataFrame()), KEYS)
    assert (found.good.height, found.bad.height, found.lost_fields) == (0, 0, [])


CELL = st.one_of(
    st.none(), st.text(max_size=8), st.sampled_from(["1", "-1", "0", "2017-06-01", "NaN", "sale", "1e309"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.fixed_dictionaries(dict.fromkeys(LINE, CELL)), min_size=1, max_size=8))
def test_whatever_a_source_says_every_row_is_good_or_bad(rows: list[dict[str, str | None]]) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(LINE, pl.String))
    found = prepare(make_stream("pos.sale_lines"), make_page(frame), KEYS)
    assert sorted([*found.good["_row"], *found.bad["row"]]) == list(range(len(rows)))


@pytest.mark.slow
def test_two_million_rows_are_mapped_checked_and_landed_in_shape_in_seconds() -> None:
    rows = 2_000_000
    number = pl.int_range(rows, eager=True)
    frame = pl.DataFrame(
        {
            "product": (number % 1335 + 800_000).cast(pl.String),
            "store": (number // 1335 % 300).cast(pl.String),
            "week_on": pl.Series(["2017-01-02"]).new_from_index(0, rows),
            "display": (number % 10).cast(pl.String),
        }
    )
    started = time.process_time()
    found = prepare(make_stream("trade.placements", {"sku": "product", "store_id": "store"}), make_page(frame), KEYS)
    assert found.good.height == rows
    assert time.process_time() - started < 20


def test_a_connectors_own_tombstone_needs_no_more_than_its_key_and_is_no_loss_of_fields() -> None:
    stream = make_stream("erp.items", {"sku": "code", "name": "title"})
    schema = {"code": pl.String, "title": pl.String, OP: pl.String}
    page = make_page(pl.DataFrame({"code": ["007"], "title": [None], OP: ["delete"]}, schema=schema))
    prepared = prepare(stream, page, KEYS)
    assert prepared.good.select("sku", "name", "_op", "updated_at").rows() == [("007", None, "delete", READ_AT)]
    assert (prepared.bad.height, prepared.lost_fields, prepared.extra_fields) == (0, [], [])


def test_an_unreadable_amount_of_minor_units_is_quarantined_as_unreadable_and_not_as_missing() -> None:
    """A value that is there and cannot be read is never null, and a column that must be there says so of it."""
    fields = {"net_amount": {"field": "cents", "scale": 0.01}, "unit_price": {"field": "each", "scale": 0.01}}
    found = lines(
        {"cents": "1990", "each": "995"},
        {"cents": "12,5O", "each": "995"},
        {"cents": "1990", "each": "1.234,50"},
        {"cents": None, "each": "995"},
        fields=fields,
    )
    assert found.good["net_amount"].to_list() == [Decimal("19.90")]
    assert found.bad.select("row", "field", "reason").rows() == [
        (1, "net_amount", "net_amount is not a number that fits"),
        (2, "unit_price", "unit_price is not a number that fits: say decimal = ',' or '.' for its field"),
        (3, "net_amount", "net_amount is missing"),
    ]


def test_a_key_without_what_its_pattern_looks_for_says_so() -> None:
    found = lines({"sale_id": "R-7"}, {"sale_id": "R"}, fields={"sale_id": {"field": "sale_id", "pattern": "([0-9]+)"}})
    assert found.good["sale_id"].to_list() == ["7"]
    assert found.bad["reason"].to_list() == ["sale_id does not have what its pattern looks for"]


def test_a_record_of_an_answer_is_told_by_its_number_once() -> None:
    rows = [
        {"sku": "1", "unit": "case", "base_units": "x", FILE: "units, page 1, record 10", "_line": 10},
        {"sku": "2", "unit": "case", "base_units": "x", FILE: "units, page 1, record 10 lines", "_line": 10},
        {"sku": "3", "unit": "case", "base_units": "x", FILE: "units.csv", "_line": 10},
    ]
    found = prepare(make_stream("erp.item_units"), make_page(rows), KEYS)
    assert found.bad["position"].to_list() == [
        "units, page 1, record 10",
        "units, page 1, record 10 lines:10",
        "units.csv:10",
    ]
