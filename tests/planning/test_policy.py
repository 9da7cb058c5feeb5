"""Safety stock and lot sizes against the textbook."""

from __future__ import annotations

import pytest

from planning.policy import (
    consume_forecast,
    eoq,
    eoq_backorders,
    lot_size,
    newsvendor_normal,
    safety_stock,
    sigma_from_quantile,
    wagner_whitin,
)


def test_eoq_gives_the_printed_quantity_and_cost() -> None:
    """Snyder & Shen, Fundamentals of Supply Chain Theory: K=8 h=.225 D=1300."""
    assert eoq(8, 0.225, 1300) == pytest.approx((304.0467800, 68.4105255), abs=5e-8)


def test_eoq_with_backorders_gives_the_printed_quantity_share_and_cost() -> None:
    """Snyder & Shen: the same with p=5."""
    quantity, share, cost = eoq_backorders(8, 0.225, 1300, 5)
    assert quantity == pytest.approx(310.8126, abs=5e-5)
    assert share == pytest.approx(0.04306, abs=5e-6)
    assert cost == pytest.approx(66.9214, abs=5e-5)


@pytest.mark.parametrize(
    ("setup", "holding", "demand", "prices", "lots", "cost"),
    [
        (500, 2, [90, 120, 80, 70], None, [210, 0, 150, 0], 1380),
        (120, 0.8, [150, 100, 80, 200], None, [150, 180, 0, 200], 424),
        (100, 0.1, [400, 500, 500, 1100, 900], [3, 1, 4, 6, 6], [400, 3000, 0, 0, 0], 4940),
    ],
)
def test_wagner_whitin_finds_the_printed_lots(
    setup: float, holding: float, demand: list[float], prices: list[float] | None, lots: list[float], cost: float
) -> None:
    """Snyder & Shen, chapter 3, examples and problems on dynamic lot sizing."""
    found, value = wagner_whitin(setup, holding, demand, prices)
    assert found == lots
    assert value == pytest.approx(cost)


@pytest.mark.parametrize(
    ("arguments", "level", "cost"),
    [
        ((0.18, 0.7, 50, 8), 56.6039559, 1.9976052),
        ((0.18, 0.7, 50, 8, 4, 1), 264.7668944, 4.4667810),
        ((43, 79, 900, 60), 922.7214, 2718.1968),
    ],
)
def test_newsvendor_gives_the_printed_level_and_cost(arguments: tuple[float, ...], level: float, cost: float) -> None:
    """Snyder & Shen, section 4.3 (the second with lead time 4 and review 1)."""
    found = newsvendor_normal(*arguments)
    assert found == pytest.approx((level, cost), abs=6e-5)


@pytest.mark.parametrize(
    ("orders", "forecast", "window", "left"),
    [
        ([130, 100, 80], [350] * 3, 0, [220, 250, 270]),
        ([300, 500, 280, 0], [350] * 4, 1, [0, 0, 0, 320]),
        ([300, 500, 280, 0], [350] * 4, 0, [50, 0, 70, 350]),
    ],
)
def test_orders_use_up_the_forecast(orders: list[float], forecast: list[float], window: int, left: list[float]) -> None:
    """Known answers 10 and 11 of forecast consumption: own week, then the earlier ones, then the later ones."""
    assert consume_forecast(orders, forecast, window, window) == left


def test_safety_stock_of_one_week_at_90_percent_is_the_distance_to_the_90_percent_quantile() -> None:
    sigma = sigma_from_quantile(100, 140)
    assert safety_stock(sigma, lead_time_days=0, service_level=0.9) == pytest.approx(40)


def test_safety_stock_grows_with_the_root_of_the_time_it_covers_and_is_never_negative() -> None:
    assert safety_stock(10, 21, 0.95) == pytest.approx(2 * safety_stock(10, 0, 0.95))
    assert safety_stock(10, 0, 0.3) == 0
    assert sigma_from_quantile(100, 80) == 0


@pytest.mark.parametrize(
    ("net", "least", "multiple", "lot"),
    [(0, 10, 5, 0), (3, 10, 0, 10), (11, 10, 5, 15), (15, 10, 5, 15), (7.2, 0, 0, 7.2)],
)
def test_a_lot_is_at_least_the_least_and_whole_multiples(net: float, least: float, multiple: float, lot: float) -> None:
    assert lot_size(net, least, multiple) == pytest.approx(lot)
