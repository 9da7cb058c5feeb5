"""What looks like a phone or an e-mail is seen in any column, alike by polars and by Python; other figures are not."""

from __future__ import annotations

import polars as pl
import pytest

from ingestion.privacy.signs import people_fields, shows_people

SEEN = {
    "remark": [
        "13812345678", "138 1234 5678", "138-1234-5678", "+86 138-1234-5678", "8613812345678", "call 13812345678.",
        "电话13812345678", "tel13812345678", "经办人13812345678李", '{"p":13812345678}', "１３８１２３４５６７８",
        "(212) 555-0123", "1-212-555-0123", "020 7946 0958", "0755-8888888", "+442079460958", "+33.1.23.45.67.89",
        "ask Lina@Example.com", "lina＠example.com",
    ],
    "经办人电话": ["88888888"],
    "contactPhone": ["5551234 99"],
    "phone_no": ["13812345678"],
    "order_no": ["lina@example.com", "+8613812345678", "138-1234-5678"],
}  # fmt: skip
UNSEEN = {
    "remark": [
        "2026-01-01 10:00:00", "2026-01-01T10:00:00+08:00", "2026/01/01", "138123456789", "1381234567", "A13812345678",
        "13812345678.5", "1.13812345678", "9-13812345678", "4006381333931", "1700000000000", "+12.345678", "+100.00",
        "-12345678", "12.345.678,90", "lina@", "@lina", "",
    ],
    "order_no": ["13812345678"],
    "orderId": ["13812345678"],
    "单号": ["13812345678"],
    "is_mobile": ["true"],
    "hotel": ["13812345"],
    "tel": ["123"],
}  # fmt: skip
CASES = [
    (name, text, is_seen) for is_seen, told in ((True, SEEN), (False, UNSEEN)) for name in told for text in told[name]
]


@pytest.mark.parametrize(("name", "text", "is_seen"), CASES)
def test_a_field_shows_people_or_does_not(name: str, text: str, is_seen: bool) -> None:
    assert people_fields(pl.DataFrame({name: [None, "x", text]}), [name]) == ([name] if is_seen else [])
    assert shows_people({"other": None, name: text}) == is_seen


def test_only_text_is_looked_at_and_an_empty_page_shows_nobody() -> None:
    assert people_fields(pl.DataFrame({"remark": [13812345678]}), ["remark"]) == []
    assert people_fields(pl.DataFrame(schema={"remark": pl.String}), ["remark"]) == []
