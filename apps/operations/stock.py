"""Stock: where will we run out, what will expire before it is sold, and what lies in the channel?"""

from __future__ import annotations

from datetime import timedelta

import polars as pl
from streamlit.delta_generator import DeltaGenerator

from apps import format as write
from apps.components import cards, filters, frame, tables
from apps.components.cards import Card, row
from apps.components.filters import Choice
from apps.components.view import View
from apps.operations import stock_channel, stock_charts, stock_life
from apps.queries import supply

_DAYS = 91
_COVER_DAYS = 28
_OWNERS = {"ours": True, "sold": False}
_RISKS = {
    "stock_out": pl.col("is_stock_out_risk"),
    "expiring": pl.col("expiry_risk_units") >= 1,
    "excess": pl.col("excess_units") >= 1,
}
_TONES = {"keep": "quiet", "order_less": "quiet", "sell_down": "warn", "check_life": "warn"}


@frame.page(
    "stock", needs=("mart_stock_position", "fct_stock_day", "dim_product", "dim_location", "mart_channel_stock")
)
def page(view: View, export: DeltaGenerator) -> None:
    """Draws the page for the owner, place, product and risk of the URL; our stock unless it says what is sold."""
    held = supply.locations(view.warehouse)
    owners = [owner for owner, is_ours in _OWNERS.items() if is_ours in held["is_ours"]] or ["ours"]
    is_ours = _OWNERS[filters.allowed("owner", owners, owners[0])]
    places = {
        code: view.item(name) if name else code
        for code, name in held.filter(pl.col("is_ours") == is_ours).select("code", "name").iter_rows()
    }

    def label(code: str) -> str:
        return view.words("filter.all.location") if code == filters.ALL else places.get(code, code)

    def whose(owner: str) -> str:
        return view.words(f"owner.{owner}")

    choices = [
        *([Choice("owner", owners, whose, ":material/handshake:", owners[0])] if len(owners) > 1 else []),
        Choice("location", [filters.ALL, *places], label, ":material/warehouse:"),
        *filters.standard(view, "product"),
        filters.coded(view, "risk", list(_RISKS), ":material/warning:"),
    ]
    chosen = filters.row(view, choices)
    location, category = chosen["location"], chosen.get("product")
    positions = supply.positions(view.warehouse, is_ours=is_ours, location=location, category=category)
    last = supply.last_stock_on(view.warehouse)
    days = supply.stock_days(
        view.warehouse,
        (last or view.today) - timedelta(days=_DAYS - 1),
        is_ours=is_ours,
        location=location,
        category=category,
    )
    frame.finding(finding(view, positions))
    row(view, figures(view, positions, days))
    stock_charts.draw(view, positions, days)
    listed = _listed(view, positions, chosen["risk"])
    columns = _columns(view)
    summed = ("on_hand_units", "out_units", "expiry_risk_units", "excess_units")
    totals = {name: float(listed[name].sum() or 0) for name in summed}
    tables.table(
        view, listed, columns, title=view.words("stock.table"), key="positions", totals=totals, is_exported=True
    )
    stock_life.draw(view, is_ours=is_ours, location=location, category=category)
    stock_channel.draw(view, category=category)
    category_column = tables.Column("category", view.words("term.category"), view.category)
    tables.export(view, export, listed, [*columns, category_column], name="stock")


def finding(view: View, positions: pl.DataFrame) -> str:
    """One sentence: items that will run out, the one most asked for, and what will expire before it is sold."""
    words = view.words
    if positions.is_empty():
        return words("stock.finding.none")
    risky = positions.filter(pl.col("is_stock_out_risk"))
    said = {
        "risky": write.exact(risky.height),
        "items": write.exact(positions.height),
        "expiring": write.plain(view.short(float(positions["expiry_risk_units"].sum() or 0))),
        "worth": write.plain(view.money(float(positions["expiry_risk_amount"].sum() or 0))),
    }
    if risky.is_empty():
        return words("stock.finding.calm", **said)
    first = risky.row(0, named=True)
    said |= {"out": write.exact(positions.filter(pl.col("is_out")).height)}
    said |= {"product": write.plain(view.item(first["name"] or first["sku"]))}
    said |= {"place": write.plain(view.item(first["location_name"] or first["location_id"]))}
    return words("stock.finding.risk", **said)


def figures(view: View, positions: pl.DataFrame, days: pl.DataFrame) -> list[Card]:
    """Units on hand, median days of cover, positions about to run out, what will expire before it is sold."""
    words = view.words
    on_hand = float(positions["on_hand_units"].sum() or 0)
    month_ago = days.filter(pl.col("stock_on") == days["stock_on"].max() - timedelta(days=28)) if days.height else days  # type: ignore[operator]
    before = float(month_ago["closing_units"].sum()) if month_ago.height else None
    now = float(days["closing_units"].tail(1).sum()) if days.height else None
    cover = positions.select(pl.col("days_of_cover").cast(pl.Float64).median()).item() if positions.height else None
    risky = positions.filter("is_stock_out_risk")
    empty = risky.filter(pl.col("on_hand_units") <= 0)
    worth = float(positions["expiry_risk_amount"].sum() or 0)
    lots = positions.filter(_RISKS["expiring"]).height
    outs = days.select(pl.when(pl.col("items") > 0).then(pl.col("stock_outs") / pl.col("items"))).to_series()
    return [
        cards.of(
            view,
            "on_hand",
            on_hand,
            write.change(now, before),
            "",
            words("stock.month_note"),
            days["closing_units"].to_list(),
        ),
        cards.of(view, "days_of_cover", cover, note=words("stock.cover_note"), bars=_covers(positions)),
        cards.of(
            view,
            "stock_out_risks",
            risky.height,
            note=words("stock.risky_note", out=write.exact(empty.height)),
            course=outs.to_list(),
        ),
        cards.of(
            view,
            "expiry_risk_value",
            worth,
            note=words("stock.expiring_note", items=write.exact(lots)),
            bars=_expiries(view, positions),
        ),
    ]


def _covers(positions: pl.DataFrame) -> list[float]:
    """How many positions last 0, 1, 2 … 27 days, and 28 or more."""
    days = positions["days_of_cover"].drop_nulls().cast(pl.Float64).clip(0, _COVER_DAYS).floor().cast(pl.Int64)
    found = dict(days.value_counts().iter_rows())
    return [float(found.get(day, 0)) for day in range(_COVER_DAYS + 1)]


def _expiries(view: View, positions: pl.DataFrame) -> list[float]:
    """What will expire before it is sold, by the day of the position's first expiry, over the next four weeks."""
    due = (
        positions.filter(pl.col("expiry_risk_units") > 0)
        .group_by("expiry_risk_on")
        .agg(pl.col("expiry_risk_amount").sum())
    )
    found = {day: float(amount or 0) for day, amount in due.iter_rows() if day is not None}
    return [found.get(view.today + timedelta(days=ahead), 0.0) for ahead in range(_COVER_DAYS + 1)]


def _listed(view: View, positions: pl.DataFrame, risk: str | None) -> pl.DataFrame:
    shown = positions.filter(_RISKS[risk]) if risk else positions
    return shown.with_columns(
        pl.coalesce("name", "sku").alias("product"),
        pl.coalesce("location_name", "location_id").alias("place"),
        pl.col("advice").map_elements(lambda code: view.words.code("advice", code), return_dtype=pl.String),
    )


def _columns(view: View) -> list[tables.Column]:
    words = view.words
    tones = {words.code("advice", code): tone for code, tone in _TONES.items()}
    return [
        tables.Column("product", words("term.product"), view.item, width=210),
        tables.Column("place", words("term.place"), view.item, width=140),
        tables.Column("advice", words("term.advice"), tone=lambda value: tones.get(value, "bad")),
        tables.Column("days_of_cover", view.metric("days_of_cover").name, write.few),
        tables.Column("stock_out_rate", words("term.stock_out_rate"), lambda rate: write.percent(rate, 0)),
        tables.Column("on_hand_units", view.metric("on_hand").name, view.short),
        tables.Column("out_units", words("stock.out_4_weeks"), view.short),
        tables.Column(
            "expiry_risk_units",
            view.metric("expiry_risk_value").name,
            view.short,
            help=view.metric("expiry_risk_value").meaning,
        ),
        tables.Column(
            "excess_units", view.metric("excess_units").name, view.short, help=view.metric("excess_units").meaning
        ),
        tables.Column("expiry_next_on", words("stock.expiry_next"), view.day),
        tables.Column("sku", words("term.sku")),
    ]
