"""One Double 11 in the brand's web shops: who orders what between 1 and 11 November 2017, and how each order goes on.

All of it is made, beside the package's baskets. An order's number bears the mark `A11-` or `B11-`; the truth says who
stands behind it and which orders are fake. What follows an order (refunds, parcels) is in `demo.double11_after`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import polars as pl

from demo import days, double11_goods, draws, people, webshops

ELEVENTH = (date(2017, 11, 11) - days.DAY_ZERO).days
FIRST = ELEVENTH - 10
MARK = "^[AB]11-"
ORDERS, LEAST_ORDERS = 1_200, 300  # of the whole brand, of a few SKUs
LINES_OF_ALL = 126_557
FAKES, FAKE_FROM = 40, 100_000  # serial numbers of fake orders start here
PRESALE_SHARE, EXPIRED_SHARE = 0.4, 0.15
STRANGER_SHARE, STRANGERS = 0.22, range(3_001, 3_251)  # beyond the package's households
FAKE_ACCOUNTS = range(3_301, 3_305)
VIRTUAL_SHARE, VIRTUAL_PHONES = 0.1, range(4_001, 4_010)
PICK_UP_SHARE, PICK_UP_PHONES = 0.06, range(4_101, 4_104)
FAKE_ADDRESS = "14 Depot Lane, Newark"
SUSPECTED_FAKES, SUSPECTED_OTHERS = 0.4, 0.003
MOMENT = pl.Datetime("us", "UTC")


@dataclass(frozen=True)
class Double11:
    """What the shops know of it (every version, with `known_at`), what leaves DC for it, and the truth."""

    tables: dict[str, pl.DataFrame]  # orders, order_lines, discounts, listings, bundles; each with its shop
    plan: pl.DataFrame  # one row per order: serial, shop, number, kind, total (cents) and the moments of its life
    bought: pl.DataFrame  # the plan with its buyers
    lines: pl.DataFrame  # `double11_goods.baskets`
    discounts: pl.DataFrame
    truth: pl.DataFrame
    strangers: pl.DataFrame  # people who are no household of the package


def make(shelf: pl.DataFrame, crowd: pl.DataFrame, lines_of_year: int, seed: int) -> Double11:
    """The orders of Double 11 from `shelf` (`double11_goods.shelf`) by people of `crowd` and others.

    A world of fewer SKUs (fewer `lines_of_year`) has fewer orders; those it has are by the same people.
    """
    count = max(LEAST_ORDERS, round(ORDERS * lines_of_year / LINES_OF_ALL))
    plan = _plan(count, seed)
    lines, discounts = double11_goods.baskets(plan, shelf, seed)
    plan = plan.join(lines.group_by("serial").agg(total=pl.col("paid").sum()), on="serial", maintain_order="left")
    strangers = people.households(pl.Series([*STRANGERS, *FAKE_ACCOUNTS]), seed).with_columns(
        is_member=pl.lit(False), member_id=pl.lit(None, pl.String), joined_at=pl.lit(None, MOMENT)
    )
    bought, truth = _buyers(plan, crowd, strangers, seed)
    listings, bundles = double11_goods.catalogue(shelf)
    tables = {
        "orders": versions(bought),
        "order_lines": double11_goods.line_rows(lines, plan),
        "discounts": double11_goods.discount_rows(discounts, plan),
        "listings": listings,
        "bundles": bundles,
    }
    return Double11(tables, plan, bought, lines, discounts, truth, strangers)


def _plan(count: int, seed: int) -> pl.DataFrame:
    """One row per order: serial, shop, number, kind and the moments of its life."""
    ids = pl.Series("serial", [*range(count), *range(FAKE_FROM, FAKE_FROM + FAKES)], dtype=pl.Int64)

    def draw(purpose: str) -> pl.Series:
        return draws.column(seed, f"double 11 {purpose}", ids)

    chance = {name: draw(name) for name in ("shop", "presale", "fate", "day", "minute", "pay", "ship", "done")}
    fate, is_fake = pl.col("fate"), pl.col("serial") >= FAKE_FROM
    plan = pl.DataFrame({"serial": ids, **chance}).with_columns(
        shop=pl.when(pl.col("shop") < 0.45).then(pl.lit("shop_a")).otherwise(pl.lit("shop_b")),
        kind=pl.when(is_fake)
        .then(pl.lit("fake"))
        .when(pl.col("presale") < PRESALE_SHARE)
        .then(pl.when(fate < EXPIRED_SHARE).then(pl.lit("presale expired")).otherwise(pl.lit("presale paid")))
        .when(fate < 0.04)
        .then(pl.lit("unpaid"))
        .when(fate < 0.08)
        .then(pl.lit("unpaid closed"))
        .when(fate < 0.12)
        .then(pl.lit("cancelled"))
        .otherwise(pl.lit("normal")),
    )
    is_presale, kind = pl.col("kind").str.starts_with("presale"), pl.col("kind")
    before = FIRST + (pl.col("day") * 10).floor().cast(pl.Int32)
    # Many wait for midnight; what is ordered on other days is ordered by daylight.
    night, daylight = (pl.col("minute") ** 2 * 1_430).floor(), (480 + pl.col("minute") * 840).floor()
    on_the_day = ~is_presale & (pl.col("day") < 0.88) & (kind != "fake")
    placed = (
        pl.when(on_the_day)
        .then(_moment(pl.lit(ELEVENTH), night))
        .when(kind == "fake")
        .then(_moment(pl.lit(ELEVENTH - 1), daylight))
        .otherwise(_moment(before, daylight))
    )
    plan = plan.with_columns(placed=placed).with_columns(
        paid=pl.when(kind == "presale paid")
        .then(_moment(pl.lit(ELEVENTH), (pl.col("pay") ** 2 * 1_400).floor()))
        .when(kind.is_in(["normal", "cancelled"]))
        .then(pl.col("placed") + pl.duration(seconds=(20 + pl.col("pay") * 900).floor().cast(pl.Int64)))
        .when(kind == "fake")
        .then(pl.col("placed") + pl.duration(seconds=40))
    )
    paid_day = days.day_of(days.local_on(pl.col("paid")))
    delay = pl.when(kind == "fake").then(0).otherwise((pl.col("ship") * 3).floor()).cast(pl.Int32)
    plan = plan.with_columns(
        shipped_day=pl.when(kind.is_in(["normal", "presale paid", "fake"])).then(paid_day + 1 + delay),
        cancelled=pl.when(kind == "presale expired")
        .then(_moment(pl.lit(ELEVENTH + 1), pl.lit(30.0)))
        .when(kind == "unpaid closed")
        .then(pl.col("placed") + pl.duration(days=1))
        .when(kind == "cancelled")
        .then(pl.col("paid") + pl.duration(minutes=(20 + pl.col("done") * 90).floor().cast(pl.Int64))),
    )
    # A fake buyer confirms within the hour.
    after = pl.when(kind == "fake").then(0.02).otherwise(5 + pl.col("done") * 5)
    return plan.with_columns(
        shipped=_moment(pl.col("shipped_day"), pl.lit(600.0)),
        number=pl.when(pl.col("shop") == "shop_a").then(pl.lit("A11-")).otherwise(pl.lit("B11-"))
        + pl.col("serial").cast(pl.String).str.zfill(6),
    ).select(
        "serial",
        "shop",
        "number",
        "kind",
        "placed",
        "paid",
        "cancelled",
        "shipped_day",
        "shipped",
        completed=pl.col("shipped") + pl.duration(minutes=(after * 1_440).floor().cast(pl.Int64)),
    )


def _moment(day: pl.Expr, minute: pl.Expr) -> pl.Expr:
    return days.to_utc(days.local_at(day, minute))


def _buyers(
    plan: pl.DataFrame, crowd: pl.DataFrame, strangers: pl.DataFrame, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The plan with its buyers as the shops know them, and the truth: shop, number, household_id (null for others),
    is_fake, is_pooled_phone, kind."""
    ids = plan["serial"]

    def one_of(choices: pl.Series, purpose: str) -> pl.Series:
        place = (draws.column(seed, f"double 11 {purpose}", ids) * choices.len()).cast(pl.Int64)
        return choices.gather(place)

    is_fake = ids >= FAKE_FROM
    is_stranger = draws.column(seed, "double 11 stranger", ids) < STRANGER_SHARE
    person = (
        pl.when(is_fake)
        .then(one_of(pl.Series([*FAKE_ACCOUNTS]), "fake account"))
        .when(is_stranger)
        .then(one_of(pl.Series([*STRANGERS]), "which stranger"))
        .otherwise(one_of(crowd["household_id"].cast(pl.Int64), "which household"))
    )
    known = pl.concat([crowd, strangers], how="vertical_relaxed").with_columns(pl.col("household_id").cast(pl.Int64))
    table = (
        plan.with_columns(household_id=person, channel="shop", sold_at="placed")
        .join(known, on="household_id", maintain_order="left")
        .with_columns(pooling=draws.column(seed, "double 11 pooled phone", ids))
    )
    given = webshops.buyers(table, ids, seed, "double 11 ")
    virtual = ~is_fake & (table["pooling"] < VIRTUAL_SHARE)
    picked_up = ~is_fake & table["pooling"].is_between(VIRTUAL_SHARE, VIRTUAL_SHARE + PICK_UP_SHARE)
    pools = {
        "virtual": people.households(pl.Series([*VIRTUAL_PHONES]), seed)["phone"],
        "pick-up": people.households(pl.Series([*PICK_UP_PHONES]), seed)["phone"],
    }
    suspicion = draws.column(seed, "double 11 suspect", ids)
    suspect = suspicion < pl.select(pl.when(is_fake).then(SUSPECTED_FAKES).otherwise(SUSPECTED_OTHERS)).to_series()
    bought = plan.hstack(given.drop("is_login", "is_mistyped").get_columns()).with_columns(
        phone=pl.when(virtual)
        .then(one_of(pools["virtual"], "virtual phone"))
        .when(picked_up)
        .then(one_of(pools["pick-up"], "pick-up phone"))
        .otherwise("phone"),
        # Whoever hides behind the platform's number gives the shop no other address.
        email=pl.when(virtual).then(None).otherwise("email"),
        ship_address=pl.when(is_fake).then(pl.lit(FAKE_ADDRESS)).otherwise("ship_address"),
        is_virtual_phone=virtual,
        is_suspect=suspect,
        suspect_rule=pl.when(suspect).then(pl.lit("one address, many orders")),
        author=pl.when(draws.column(seed, "double 11 influencer", ids) < double11_goods.INFLUENCER_SHARE).then(
            pl.lit("KOL-7")
        ),
    )
    truth = table.select(
        "shop",
        "number",
        household_id=pl.when(~is_fake & ~is_stranger).then("household_id"),
        is_fake=is_fake,
        is_pooled_phone=virtual | picked_up,
        kind="kind",
    )
    # Behind the exchange of an order stand the same people.
    return bought.hstack(truth.select("household_id", "is_fake", "is_pooled_phone").get_columns()), truth


def versions(bought: pl.DataFrame) -> pl.DataFrame:
    """Every version of each order: what the shop said of it from each of its moments on."""
    is_presale = pl.col("kind").str.starts_with("presale")
    steps = {
        "placed": pl.when(is_presale).then(pl.lit("deposit_paid")).otherwise(pl.lit("placed")),
        "paid": pl.lit("paid"),
        "shipped": pl.lit("shipped"),
        "completed": pl.lit("completed"),
        "cancelled": pl.when(pl.col("kind") == "cancelled").then(pl.lit("cancelled")).otherwise(pl.lit("closed")),
    }
    said = pl.concat(bought.with_columns(known_at=pl.col(step), state=state) for step, state in steps.items())

    def so_far(moment: str) -> pl.Expr:
        return pl.when(pl.col(moment) <= pl.col("known_at")).then(moment)

    return (
        said.drop_nulls("known_at")
        .select(
            "shop",
            "number",
            "state",
            *webshops.BUYER,
            "is_virtual_phone",
            "is_suspect",
            "suspect_rule",
            "author",
            type=pl.when(is_presale)
            .then(pl.lit("presale"))
            .when(pl.col("kind") == "exchange")
            .then(pl.lit("exchange"))
            .otherwise(pl.lit("normal")),
            created_at="placed",
            paid_at=so_far("paid"),
            completed_at=so_far("completed"),
            cancelled_at=so_far("cancelled"),
            deposit=pl.when(is_presale).then(double11_goods.money(pl.col("total") // 5)),
            deposit_paid_at=pl.when(is_presale).then("placed"),
            balance_paid_at=pl.when(is_presale).then(so_far("paid")),
            presale_state=pl.when(is_presale).then(
                pl.when(pl.col("state") == "deposit_paid")
                .then(pl.lit("deposit_paid"))
                .when(pl.col("state") == "closed")
                .then(pl.lit("expired"))
                .otherwise(pl.lit("balance_paid"))
            ),
            total=double11_goods.money(pl.col("total")),
            currency=pl.lit("USD"),
            updated_at="known_at",
            known_at="known_at",
        )
        .sort("known_at", "number")
    )
