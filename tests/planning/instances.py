"""Planning tables for tests: small ones by hand, and one of a real plant's size made from a seed."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

START = date(2017, 12, 4)


def mondays(weeks: int) -> list[date]:
    return [START + timedelta(days=7 * week) for week in range(weeks)]


def demand(
    sku: str, units: list[float], location: str = "PLANT", channel: str = "store", q90: float = 1.0
) -> pl.DataFrame:
    """Weekly demand of one sku; `q90` is the 90 % quantile as a multiple of the mean."""
    return pl.DataFrame(
        {
            "sku": sku,
            "location_id": location,
            "channel_id": channel,
            "week_on": mondays(len(units)),
            "mean": [float(one) for one in units],
            "q50": [float(one) for one in units],
            "q90": [q90 * float(one) for one in units],
            "priority": 5,
        }
    )


def calendar(line: str, minutes: list[float], overtime: float = 0.0, cost: float = 1.0) -> pl.DataFrame:
    weeks = mondays(len(minutes))
    return pl.DataFrame(
        {
            "line_id": line,
            "week_on": weeks,
            "available_minutes": [float(one) for one in minutes],
            "overtime_minutes": overtime,
            "overtime_cost_per_minute": cost,
        }
    )


def routing(
    sku: str, line: str = "L1", per_hour: float = 60.0, setup: float = 0.0, cost: float = 0.0, family: str = "f"
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "sku": [sku],
            "line_id": [line],
            "units_per_hour": [per_hour],
            "setup_minutes": [setup],
            "setup_cost": [cost],
            "setup_family": [family],
            "min_run_units": [0.0],
            "is_preferred": [True],
        }
    )


def policy(sku: str, location: str = "PLANT", **columns: float) -> pl.DataFrame:
    return pl.DataFrame(
        {"sku": [sku], "location_id": [location], **{name: [float(value)] for name, value in columns.items()}}
    )


def plant(
    skus: int = 700, weeks: int = 8, seed: int = 7, load: float = 1.0, overtime: float = 600.0
) -> dict[str, pl.DataFrame]:
    """A dairy and bakery: three lines, families, two channels, short and long shelf life, bills with shared components.

    `load` scales demand; at 1.0 the lines are nearly full.
    """
    draw = np.random.default_rng(seed)
    days = mondays(weeks)
    names = [f"{number:06d}" for number in range(skus)]
    line = draw.choice([1, 2, 3], skus, p=[0.45, 0.35, 0.2])
    family = [f"L{one}-{draw.integers(1, 4)}" for one in line]
    life = np.where(
        line == 3,
        draw.integers(5, 12, skus),
        np.where(line == 1, draw.integers(14, 40, skus), draw.integers(60, 360, skus)),
    )
    weekly = draw.gamma(0.6, 8.0, skus) * load
    rows = []
    for number, name in enumerate(names):
        for channel, share in (("store", 0.88), ("shop_a", 0.12)):
            for day in days:
                mean = float(weekly[number] * share * draw.lognormal(0, 0.2))
                rows.append((name, "PLANT", channel, day, mean, 0.9 * mean, mean + 1.28 * (mean**0.5), 3))
    demand_rows = pl.DataFrame(
        rows, schema=["sku", "location_id", "channel_id", "week_on", "mean", "q50", "q90", "priority"], orient="row"
    )
    stock = pl.DataFrame(
        [
            (
                name,
                place,
                f"lot{part}",
                "good",
                "brand",
                float(draw.integers(0, int(3 + weekly[number]))),
                0.0,
                START + timedelta(days=int(life[number] * draw.uniform(0.1, 1))),
            )
            for number, name in enumerate(names)
            for part, place in enumerate(("PLANT", "DC"))
        ],
        schema=["sku", "location_id", "lot_id", "quality", "owner_id", "on_hand_units", "reserved_units", "expiry_on"],
        orient="row",
    )
    pieces = [f"C{number:03d}" for number in range(40)]
    bom = pl.DataFrame(
        [
            (name, str(piece), START - timedelta(days=300), float(draw.integers(1, 4)), 0.02)
            for name in names
            for piece in draw.choice(pieces, 3, replace=False)
        ],
        schema=["parent_sku", "component_sku", "effective_from", "quantity_per", "scrap_rate"],
        orient="row",
    )
    item_policy = pl.DataFrame(
        [
            (name, "PLANT", 0.95, 2.0, 12.0, 6.0, 0.0, float(life[number]), 0.01, 0.0, 14.0, 0.02, 1.5)
            for number, name in enumerate(names)
        ]
        + [(piece, "PLANT", 0.95, 7.0, 100.0, 50.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.005, 1.0) for piece in pieces],
        schema=[
            "sku",
            "location_id",
            "service_level",
            "lead_time_days",
            "lot_min_units",
            "lot_multiple_units",
            "lot_max_units",
            "shelf_life_days",
            "scrap_rate",
            "frozen_days",
            "slushy_days",
            "holding_cost",
            "backorder_cost",
        ],
        orient="row",
    )
    calendars = pl.concat(
        [calendar(f"L{one}", [minutes] * weeks, overtime, 0.8) for one, minutes in ((1, 4800), (2, 3600), (3, 2880))]
    )
    routes = pl.concat(
        [
            routing(name, f"L{line[number]}", float(draw.integers(40, 200)), 12.0, 5.0, family[number])
            for number, name in enumerate(names)
        ]
    )
    changeover = pl.DataFrame(
        [
            (f"L{one}", f"L{one}-{a}", f"L{one}-{b}", 30.0 + 10 * abs(a - b))
            for one in (1, 2, 3)
            for a in (1, 2, 3)
            for b in (1, 2, 3)
            if a != b
        ],
        schema=["line_id", "from_family", "to_family", "minutes"],
        orient="row",
    )
    sources = pl.DataFrame(
        [
            *((name, "PLANT", "PLANT", "make", 1) for name in names),
            *((name, "DC", "PLANT", "transfer", 1) for name in names),
            *((piece, "PLANT", "SUP", "buy", 1) for piece in pieces),
        ],
        schema=["sku", "location_id", "source_id", "kind", "priority"],
        orient="row",
    )
    return {
        "demand": demand_rows,
        "stock": stock,
        "item_policy": item_policy,
        "bom": bom,
        "routing": routes,
        "changeover": changeover,
        "calendar": calendars,
        "sources": sources,
    }
