"""What distributors order from us, buy, hold and sell on: told again from what the warehouse sent to their stores.

Goods go from the warehouse to a distributor's outlets directly; title goes through the distributor. No unit moves
because of anything here.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from demo import days, draws, partners

UNITS, PRICE = pl.Decimal(12, 3), pl.Decimal(12, 4)
TRADE_PRICE = 0.7  # of list price
LATE_SHARE, SHORT_SHARE = 0.04, 0.02  # of lines that were wanted a day earlier, or in a larger number
SHORT_BY = 0.25  # of what came, at least a unit
# To reach its half-year target D2 bought four more weeks at once, of lots yet to be made.
PUSHED, PUSHED_TO = (date(2017, 5, 29), date(2017, 11, 27)), "D2"
PUSHED_WEEKS = 4


def served(movements: pl.DataFrame, stores: pl.DataFrame) -> pl.DataFrame:
    """What left the warehouse for distributors' outlets: `movements` (movement_no, material, batch, qty, to_site,
    moved_at) with distributor, day, week, and the week on whose Monday the distributor bought it (bought_week); what
    was bought ahead bears no lot (`-`) in the distributor's books (own_batch)."""
    outlets = stores.filter(
        pl.col("FORMAT") == "neighbourhood", pl.col("REGION").is_in(list(partners.DISTRIBUTORS))
    ).select(to_site="STORE_ID", distributor=pl.col("REGION").replace_strict(partners.DISTRIBUTORS))
    sold = (
        movements.filter(pl.col("type") == "delivery")
        .join(outlets, on="to_site", maintain_order="left")
        .with_columns(day=days.day_of(days.local_on(pl.col("moved_at"))))
        .with_columns(week=pl.col("day") // 7)
        .with_columns(bought_week="week")
    )
    for monday in PUSHED:
        pushed = (monday - days.DAY_ZERO).days // 7
        ahead = (pl.col("distributor") == PUSHED_TO) & pl.col("week").is_between(pushed + 1, pushed + PUSHED_WEEKS)
        sold = sold.with_columns(bought_week=pl.when(ahead).then(pl.lit(pushed, pl.Int32)).otherwise("bought_week"))
    is_ahead = pl.col("bought_week") < pl.col("week")
    return sold.with_columns(own_batch=pl.when(is_ahead).then(pl.lit("-")).otherwise("batch"))


def distribution(sold: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """What distributors booked (distributor.movements) and what they held each Wednesday (distributor.stock).

    They buy on Monday what their stores will get in that week, lot by lot, and report on Sunday night. `sold` is
    `served`.
    """
    lot = ["distributor", "material", "batch"]
    sold = sold.with_columns(batch="own_batch")
    bought = (
        sold.group_by(*lot, week="bought_week")
        .agg(pl.col("qty").sum().cast(UNITS))
        .sort("distributor", "week", *lot[1:])
    )
    reported = days.to_utc(days.local_at(pl.col("week") * 7 + 6, 20 * 60))
    purchases = bought.select(
        pl.format("{}-P{}-{}-{}", "distributor", "week", "material", "batch").alias("entry"),
        *lot,
        "qty",
        type=pl.lit("purchase"),
        outlet=pl.lit(None, pl.String),
        booked_at=days.to_utc(days.local_at(pl.col("week") * 7, 5 * 60)),
        known_at=reported,
    )
    sales = sold.select(
        pl.format("{}-S{}", "distributor", pl.col("movement_no").str.strip_prefix("MV")).alias("entry"),
        *lot,
        "qty",
        type=pl.lit("sale"),
        outlet="to_site",
        booked_at="moved_at",
        known_at=reported,
    )
    return (
        pl.concat([purchases, sales]).sort("known_at", "entry"),
        _held(bought, sold).select(*lot, "on_hand", "as_of", evidence=pl.lit("books"), known_at=reported),
    )


def _held(bought: pl.DataFrame, sold: pl.DataFrame) -> pl.DataFrame:
    """What of each lot is bought and not yet sold at the close of each Wednesday: ..., week, as_of, on_hand (> 0)."""
    lot = ["distributor", "material", "batch"]
    # What leaves from Thursday on is still there on the Wednesday before.
    gone = sold.select(*lot, week=(pl.col("day") + 4) // 7, units=-pl.col("qty"))
    steps = pl.concat([bought.select(*lot, "week", units=pl.col("qty").cast(gone.schema["units"])), gone])
    weekly = steps.group_by(*lot, "week").agg(pl.col("units").sum()).sort(*lot, "week")
    running = weekly.with_columns(
        on_hand=pl.col("units").cum_sum().over(lot).cast(UNITS), until=pl.col("week").shift(-1).over(lot)
    ).filter(pl.col("on_hand") > 0)
    return (
        running.with_columns(week=pl.int_ranges("week", "until"))
        .explode("week")
        .with_columns(as_of=days.on_day(pl.col("week") * 7 + 2))
        .sort("week", *lot)
    )


def trade(sold: pl.DataFrame, items: pl.DataFrame, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The distributors' orders (erp.sales_orders) and how they were served (erp.deliveries).

    On Monday a distributor orders, for each day of a delivery, what its stores need; the order stands open until that
    day's goods have arrived. Some lines were wanted a day earlier, some in a larger number. `sold` is `served`.
    """
    head = ["distributor", "bought_week", "day", "material"]
    monday = days.on_day(pl.col("bought_week") * 7)
    lines = (
        sold.group_by(head)
        .agg(pl.col("qty").sum(), sent_at=pl.col("moved_at").max())
        .sort(head)
        .with_columns(
            so_no=pl.format("SO{}-{}", monday.dt.strftime("%G%V"), "distributor"),
            line=pl.int_range(1, pl.len() + 1).over("distributor", "bought_week"),
        )
    )
    drawn = [lines[name].cast(pl.Int64) for name in ("material", "day")]
    drawn.append(lines["distributor"].str.slice(1).cast(pl.Int64))
    is_late = (draws.column(seed, "wanted earlier", *drawn) < LATE_SHARE) & (lines["day"] % 7 > 0)
    is_short = draws.column(seed, "wanted more", *drawn) < SHORT_SHARE
    more = (pl.col("qty") * SHORT_BY).ceil().clip(1)
    price = (
        items.sort("changed_at")
        .unique("material", keep="first")
        .select("material", price=pl.col("list_price") * TRADE_PRICE)
    )
    lines = lines.join(price, on="material", how="left", maintain_order="left").select(
        *head,
        "so_no",
        "line",
        customer="distributor",
        qty=(pl.col("qty") + pl.when(is_short).then(more).otherwise(0)).cast(UNITS),
        price=pl.col("price").round(4).cast(PRICE),
        currency=pl.lit("USD"),
        wanted_on=days.on_day(pl.col("day") - is_late.cast(pl.Int32)),
        sent=pl.col("qty").cast(UNITS),
        sent_at="sent_at",
    )
    shown = ["so_no", "line", "customer", "material", "qty", "price", "currency", "wanted_on"]
    placed = days.to_utc(days.local_at(pl.col("bought_week") * 7, 4 * 60))
    arrived = pl.col("sent_at") + pl.duration(hours=5)
    orders = [
        lines.select(*shown, sent=sent.cast(UNITS), state=pl.lit(state), changed_at=moment, known_at=moment)
        for sent, state, moment in ((pl.lit(0), "open", placed), (pl.col("sent"), "delivered", arrived))
    ]
    parcels = (
        sold.group_by(*head, "batch")
        .agg(pl.col("qty").sum().cast(UNITS), sent_at=pl.col("moved_at").max())
        .join(lines.select(*head, "so_no", so_line="line"), on=head)
        .sort("so_no", "so_line", "batch")
    )
    note = pl.format("DN{}-{}", days.on_day(pl.col("day")).dt.strftime("%Y%m%d"), "distributor")
    delivered = parcels.with_columns(delivery_no=note).select(
        "delivery_no",
        "so_no",
        "so_line",
        "material",
        "batch",
        "qty",
        "sent_at",
        line=pl.int_range(1, pl.len() + 1).over("delivery_no"),
        received=pl.col("qty"),
        received_at=arrived,
        changed_at=arrived,
        known_at=arrived,
    )
    return (
        pl.concat(orders).sort("known_at", "so_no", "line"),
        delivered.sort("known_at", "delivery_no", "line"),
    )
