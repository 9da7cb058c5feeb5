"""How the streams are: the published tables of data health for the portal's tests."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from tests.apps.brand import FORMULA, MARKUP


def marts() -> dict[str, pl.DataFrame]:
    """The tables by name."""
    return {
        "mart_data_health": _health(),
        "mart_load": _loads(),
        "mart_quarantine": _quarantine(),
        "mart_field_change": _fields(),
    }


def _health() -> pl.DataFrame:
    shared: dict[str, Any] = {
        "connector": "files", "is_bound": True,
        "loads": 3, "pulled_rows": 100, "landed_rows": 98, "quarantined_rows": 2, "dismissed_rows": 0,
        "refused_rows": 5, "replayed_rows": 3,
        "last_loaded_at": datetime(2017, 12, 6, 14, tzinfo=UTC), "watermark_at": datetime(2017, 12, 6, 13, tzinfo=UTC),
        "last_pulled_rows": 40, "last_landed_rows": 38, "last_quarantined_rows": 2,
        "reasons": 2, "main_reason": "units is not a number that fits", "current_rows": 98,
        "lag_hours": 2.0, "expected_hours": 48,
        "control_rows_diff": 0, "control_units_diff": 0.0, "control_amount_diff": 0.0,
        "lost_fields": "", "new_fields": MARKUP, "retyped_fields": "PRICE", "unmapped_fields": "",
        "is_accounted": True, "is_fresh": True, "is_equal_to_control": True, "verdict": "quarantined",
    }  # fmt: skip
    fine = {
        "pulled_rows": 98, "quarantined_rows": 0, "refused_rows": 0, "replayed_rows": 0, "reasons": 0,
        "main_reason": "", "new_fields": "", "retyped_fields": "", "verdict": "fine",
    }  # fmt: skip
    late = fine | {"lag_hours": 60.0, "is_fresh": False, "is_equal_to_control": None, "verdict": "late"}
    nothing = fine | {
        "loads": 0, "pulled_rows": 0, "landed_rows": 0, "last_loaded_at": None, "watermark_at": None,
        "last_pulled_rows": None, "last_landed_rows": None, "last_quarantined_rows": None, "current_rows": None,
        "lag_hours": None, "expected_hours": None, "control_rows_diff": None, "control_units_diff": None,
        "control_amount_diff": None, "is_fresh": None, "is_equal_to_control": None, "verdict": "never",
    }  # fmt: skip
    no_source = {"_source": "-", "connector": "-", "is_bound": False, "verdict": "not_connected"}
    return pl.DataFrame(
        [
            {"_source": "pos", "stream": "pos.sale_lines", **shared},
            {"_source": "wms", "stream": "wms.stock", **shared, **late},
            {"_source": "pos", "stream": "pos.stores", **shared, **fine},
            {"_source": "mes", "stream": "mes.results", **shared, **nothing},
            {"stream": "ads.daily", **shared, **nothing, **no_source},
        ]
    )


def _loads() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "watermark_at": datetime(2017, 12, 6, 13, tzinfo=UTC)}
    rows = [("replay", 0, 3, -3, 14), ("pull", 40, 38, 2, 12), ("pull", 60, 57, 3, 10)]
    return pl.DataFrame(
        [
            {
                "_load_id": f"pos.sale_lines-pos-{place}", **shared, "kind": kind, "pulled_rows": pulled,
                "landed_rows": landed, "quarantined_rows": quarantined,
                "loaded_at": datetime(2017, 12, 6, hour, tzinfo=UTC), "place": place,
            }
            for place, (kind, pulled, landed, quarantined, hour) in enumerate(rows, start=1)
        ]
    )  # fmt: skip


def _quarantine() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "reason_rows": 1}
    seen = {name: datetime(2017, 12, 6, 12, tzinfo=UTC) for name in ("first_seen_at", "last_seen_at")}
    return pl.DataFrame(
        [
            {**shared, **seen, "field": "units", "reason": "units is not a number that fits", "example": "till.csv:7"},
            {**shared, **seen, "field": "", "reason": MARKUP, "example": FORMULA},
        ]
    )


def _fields() -> pl.DataFrame:
    shared = {"_source": "pos", "stream": "pos.sale_lines", "since_at": datetime(2017, 12, 6, 12, tzinfo=UTC)}
    shared |= {"old_kind": None, "new_kind": None}
    retyped = {
        "change": "retyped",
        "mapped_column": "sold_at",
        "old_kind": "number 0,0, date 00/00/yyyy",
        "new_kind": "text",
    }
    return pl.DataFrame(
        [
            {**shared, "field": "PRICE", **retyped},
            {**shared, "field": MARKUP, "change": "new", "mapped_column": None},
            {**shared, "field": "ARTICLE", "change": "lost", "mapped_column": "sku"},
        ]
    )
