"""The workbench's door: figures add up, wrong input is named, and what cannot be known is said."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from promotions.effect import effect
from promotions.panel import as_json, measure_panel
from tillmill.errors import UsageError

START = date(2017, 1, 2)


def panel(days: int = 60, stores: int = 12, lift: float = 0.0, noise: float = 1.0, seed: int = 1) -> pl.DataFrame:
    """Stores s00.. with a common wave; s00 and s01 sell `lift` more a day from day 40 to 49."""
    random = np.random.default_rng(seed)
    rows = []
    for number in range(stores):
        level = 20 + 5 * number
        for day in range(days):
            value = level + 4 * np.sin(day / 5) + noise * random.normal()
            if number < 2 and 40 <= day < 50:
                value += lift
            rows.append((f"s{number:02d}", START + timedelta(days=day), value))
    return pl.DataFrame(rows, schema={"store": pl.String, "day": pl.Date, "units": pl.Float64}, orient="row")


def measure(frame: pl.DataFrame, **changes: object) -> dict[str, object]:
    given = {"treated": ["s00", "s01"], "start": "2017-02-11", "end": "2017-02-20"} | changes
    return as_json(effect(frame, "store", "day", "units", **given))  # type: ignore[arg-type]


def test_figures_follow_from_the_average_effect() -> None:
    found = measure(panel(lift=5.0))
    assert found["verdict"] == "measured"
    assert found["att"] == pytest.approx(5.0, abs=1.0)
    assert found["incremental"] == pytest.approx(found["att"] * 2 * 10)
    assert found["low"] < found["incremental"] < found["high"]
    assert found["low"] > 0
    assert sum(found["weights"].values()) == pytest.approx(1)
    assert set(found["weights"]).isdisjoint({"s00", "s01"})
    assert "more than chance" in found["why"]


def test_nothing_is_not_called_something() -> None:
    found = measure(panel(lift=0.0))
    assert found["low"] < 0 < found["high"]
    assert "may be chance" in found["why"]


def test_later_days_are_not_read() -> None:
    whole, cut = panel(lift=5.0), panel(lift=5.0).filter(pl.col("day") < START + timedelta(days=50))
    assert measure(whole) == measure(cut)


def test_days_after_the_end_pay_back_what_was_pulled_forward() -> None:
    frame = panel(lift=5.0, noise=0.1)
    assert measure(frame, post_days=10)["incremental"] == pytest.approx(measure(frame)["incremental"], rel=0.1)
    assert measure(frame, post_days=10)["att"] == pytest.approx(2.5, abs=0.3)


def test_more_confidence_is_a_wider_interval() -> None:
    narrow, wide = measure(panel(), confidence=0.8), measure(panel(), confidence=0.95)
    assert wide["low"] < narrow["low"] < narrow["high"] < wide["high"]


def test_row_order_and_text_dates_change_nothing() -> None:
    frame = panel(lift=5.0)
    turned = frame.sample(fraction=1, shuffle=True, seed=3).with_columns(pl.col("day").cast(pl.String))
    one, other = measure(frame), measure(turned)
    assert one["incremental"] == pytest.approx(other["incremental"])
    assert one["low"] == pytest.approx(other["low"])


def test_no_donors_is_not_measurable() -> None:
    found = measure(panel(stores=3))
    assert found["verdict"] == "not measurable"
    assert found["why"].startswith("1 untreated units")
    assert found["incremental"] is None


def test_a_short_history_is_not_measurable() -> None:
    found = measure(panel(), start="2017-01-09", end="2017-01-12")
    assert found["verdict"] == "not measurable"
    assert found["why"].startswith("only 7 periods before the start")


def test_noise_that_hides_a_doubling_is_not_measurable() -> None:
    found = measure(panel(noise=60.0), treated=["s00"], start="2017-02-11", end="2017-02-11")
    assert found["verdict"] == "not measurable"
    assert found["why"].startswith("too noisy")


def test_a_donor_with_a_gap_is_left_out() -> None:
    frame = panel().filter(~((pl.col("store") == "s05") & (pl.col("day") == START + timedelta(days=10))))
    assert "s05" not in measure(frame)["weights"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"treated": ["nobody"]}, "no unit named nobody"),
        ({"end": "2017-02-01"}, "before start"),
        ({"start": "soon"}, "start: soon cannot be read as a date"),
        ({"start": "2018-01-01", "end": "2018-01-02"}, "no period from"),
        ({"confidence": 1.0}, "confidence"),
    ],
)
def test_wrong_words_are_named(changes: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        measure(panel(), **changes)


def test_wrong_columns_and_rows_are_named() -> None:
    with pytest.raises(UsageError, match="column sold is missing"):
        effect(panel(), "store", "day", "sold", ["s00"], "2017-02-11", "2017-02-20")
    with pytest.raises(UsageError, match="column units must hold numbers"):
        measure(panel().with_columns(pl.col("units").cast(pl.String)))
    with pytest.raises(UsageError, match="more than one row"):
        measure(pl.concat([panel(), panel().head(1)]))
    with pytest.raises(UsageError, match="row 3: empty or not readable"):
        measure(
            panel()
            .with_columns(pl.col("day").cast(pl.String))
            .with_columns(day=pl.when(pl.int_range(pl.len()) == 2).then(pl.lit("tomorrow")).otherwise("day"))
        )
    with pytest.raises(UsageError, match="treated unit has no value"):
        measure(panel().filter(~((pl.col("store") == "s00") & (pl.col("day") == START))))


def test_many_panels_in_one_call_are_as_one_by_one() -> None:
    dairy, bakery = panel(lift=5.0, seed=1), panel(lift=0.0, seed=2)
    other = panel(stores=6).filter(pl.col("store") != "s00")
    names = {"dairy": dairy, "bakery": bakery, "other": other}
    frame = pl.concat([part.with_columns(aisle=pl.lit(name)) for name, part in names.items()])
    found = measure_panel(
        frame,
        unit="store",
        time="day",
        value="units",
        treated="s00, s01",
        start="2017-02-11",
        end="2017-02-20",
        panel_column="aisle",
    )
    assert found["panel"].to_list() == ["bakery", "dairy", "other"]
    assert found["incremental"].to_list()[:2] == [measure(bakery)["incremental"], measure(dairy)["incremental"]]
    assert found["verdict"].to_list()[2] == "not measurable"
    assert "s00" in found["why"].to_list()[2]
