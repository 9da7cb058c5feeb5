"""The demo's world: from the package's receipts to every table a source system of the brand would export.

What is given passes unchanged; what is made comes from one seed and is documented in demo/README.md, with the truth
under `truth/` for tests alone. Every row carries `known_at`, the moment its source knew it, so that servers can
withhold what is later than the clock.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import polars as pl
from pydantic import BaseModel, ConfigDict, Field

from demo import (
    checks,
    controls,
    days,
    double11,
    double11_after,
    double11_goods,
    edits,
    factory,
    floor,
    goods,
    lots,
    mill_records,
    package,
    partners,
    people,
    places,
    rates,
    sell_in,
    signals,
    stock,
    voices,
    webshops,
)

VERSION = 6
SEED = 69
MARK = "world.json"
SHOPS = ("shop_a", "shop_b")
Tables = dict[str, pl.DataFrame]


class About(BaseModel):
    """What a world was built from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: int
    seed: int
    skus: int | None
    edits: list[Annotated[edits.Change, Field(discriminator="kind")]]


def folder(root: Path) -> Path:
    """Where a workspace keeps its world: `<source>.<table>.parquet` per source table, and `world.json`."""
    return root / "run" / "world"


def about(root: Path) -> About | None:
    """What the world of workspace `root` was built from; None where there is none, or one of another version."""
    mark = folder(root) / MARK
    if not mark.exists():
        return None
    text = mark.read_text()
    return About.model_validate_json(text) if json.loads(text).get("version") == VERSION else None


def build(root: Path, *, seed: int = SEED, skus: int | None = None, changes: Sequence[edits.Change] = ()) -> bool:
    """Writes the world of workspace `root` and its truth; False when the same world stands there already.

    `skus` restricts it to the best-selling ones. A killed build leaves no half world: the folder appears whole.
    """
    wanted = About(version=VERSION, seed=seed, skus=skus, edits=list(changes))
    if about(root) == wanted:
        return False
    tables, truth = make(seed=seed, skus=skus, changes=changes)
    fresh = folder(root).with_name("world.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, table in tables.items():
        table.write_parquet(fresh / f"{name}.parquet", compression="lz4")
    (fresh / MARK).write_text(wanted.model_dump_json(indent=1))
    (root / "truth").mkdir(exist_ok=True)
    for name, table in truth.items():
        table.write_parquet(root / "truth" / f"{name}.parquet")
    # What an older world has put on the file servers is no longer true.
    for shown in ("sftp", "ftp", "inbox"):
        shutil.rmtree(root / "run" / shown, ignore_errors=True)
    shutil.rmtree(folder(root), ignore_errors=True)
    fresh.replace(folder(root))
    return True


def table(root: Path, name: str) -> pl.LazyFrame:
    """One table of the world, sorted by `known_at`."""
    return pl.scan_parquet(folder(root) / f"{name}.parquet")


def make(*, seed: int = SEED, skus: int | None = None, changes: Sequence[edits.Change] = ()) -> tuple[Tables, Tables]:
    """The source tables by `<source>.<table>`, each sorted by `known_at`, and the truth by name."""
    products = package.products()
    lines = package.receipts(products["product_id"])
    chosen = package.best_sellers(lines, skus) if skus else lines["product_id"].unique().sort()
    given = lines.filter(pl.col("product_id").is_in(chosen.implode()))
    lines = edits.edit_receipts(given, changes)
    wares = goods.finished(products.filter(pl.col("product_id").is_in(chosen.implode())), lines, seed)
    tables: Tables = {}
    truth: Tables = {}
    crowd = people.households(lines["household_id"], seed)
    baskets = webshops.baskets(lines, crowd, seed)
    shop_lines = _shops(tables, truth, lines, baskets, crowd, seed)
    offered = double11_goods.shelf(given, wares, double11.ELEVENTH, changes)
    eleventh = double11.make(offered, crowd, given.height, seed)
    followed = _double_11(tables, truth, eleventh, seed)
    till = lines.join(baskets.filter(pl.col("channel") == "store").select("basket_id"), on="basket_id", how="semi")
    shelves = stock.store_stock(till, seed)
    shop_lines = pl.concat([shop_lines, followed.leaving.select(shop_lines.columns)], how="vertical_relaxed")
    out = lots.leaving(shelves, stock.other_deliveries(till, shelves.pairs), shop_lines, wares, seed)
    made, arrivals = _mill(tables, truth, out, wares, seed, changes)
    _warehouse(tables, truth, shelves, out, arrivals, made, wares, seed)
    _trade(tables, chosen, seed, changes)
    tables["pos.stores"] = places.stores(lines["store_id"], tables["trade.placements"]["STORE_ID"], seed)
    tables["wms.locations"] = places.locations(tables["pos.stores"])
    master, boxes = goods.item_master(wares, seed), double11_goods.bundle_items(offered)
    tables["erp.items"] = pl.concat([master, boxes], how="diagonal_relaxed")
    tables["erp.item_units"] = goods.item_packs(wares)
    tables["erp.costs"] = rates.costs()
    tables["plm.bom"], tables["plm.items"] = goods.recipes(wares), goods.revisions(wares, seed)
    _split(tables, "shipments", double11_after.parcels(tables["wms.movements"], eleventh))
    _partners(tables, double11_after.paid_orders(eleventh), followed.billed, seed)
    tables["social.posts"], truth["posts"] = voices.posts(lines, crowd, wares, seed)
    _control(tables)
    return {name: _by_time(frame) for name, frame in sorted(tables.items())}, truth


def _by_time(frame: pl.DataFrame) -> pl.DataFrame:
    return frame if frame["known_at"].is_sorted() else frame.sort("known_at", maintain_order=True)


def _shops(
    tables: Tables, truth: Tables, lines: pl.DataFrame, baskets: pl.DataFrame, crowd: pl.DataFrame, seed: int
) -> pl.DataFrame:
    """Till, web shops and member club; returns what the shops sold: product_id, day, number, units."""
    tables["pos.sale_lines"] = webshops.sale_lines(lines, baskets, crowd)
    orders, known = webshops.orders(lines, baskets, crowd, seed)
    order_lines, refunds = webshops.order_lines(lines, known), webshops.refunds(lines, known, seed)
    for name, frame in (("orders", orders), ("order_lines", order_lines), ("refunds", refunds)):
        _split(tables, name, frame)
    tables["crm.members"] = people.members(crowd, seed)
    tables["crm.consents"] = people.consents(crowd, seed)
    tables["crm.campaigns"] = people.campaigns(package.campaigns(), seed)
    truth["households"], truth["orders"], truth["baskets"] = crowd, known, baskets
    return lines.join(known.select("basket_id", "number"), on="basket_id", maintain_order="left").select(
        "product_id", "day", "number", units="quantity"
    )


def _split(tables: Tables, name: str, rows: pl.DataFrame) -> None:
    """Gives each shop its rows of a table, beside those it has."""
    for shop in SHOPS:
        own = rows.filter(pl.col("shop") == shop)
        known = tables.get(f"{shop}.{name}")
        tables[f"{shop}.{name}"] = own if known is None else pl.concat([known, own], how="diagonal_relaxed")


def _double_11(tables: Tables, truth: Tables, made: double11.Double11, seed: int) -> double11_after.After:
    """Double 11's part of the shops' tables and of the truth; returns what follows it."""
    followed = double11_after.follow(made, seed)
    for name, frame in made.tables.items():
        _split(tables, name, frame)
    _split(tables, "orders", followed.orders)
    _split(tables, "order_lines", followed.order_lines)
    _split(tables, "refunds", followed.refunds)
    truth["double11"] = pl.concat([made.truth, followed.truth])
    truth["strangers"] = made.strangers
    return followed


def _mill(
    tables: Tables, truth: Tables, out: pl.DataFrame, wares: pl.DataFrame, seed: int, changes: Sequence[edits.Change]
) -> tuple[pl.DataFrame, tuple[pl.DataFrame, pl.DataFrame]]:
    """Orders, results and calendars; returns the results, and the opening stock beside what had to be bought in."""
    programme, opening = factory.programme_of(out.select("product_id", "day", "units"), wares, seed)
    usual = factory.shifts(set())
    routes = factory.routings(programme, wares, usual)
    calendar = factory.shifts(edits.stopped_weeks(changes))
    orders, pieces, missed = factory.schedule(programme, routes, calendar, seed)
    orders = mill_records.named(orders)
    made = mill_records.results(orders, pieces, seed)
    tables["erp.production_orders"] = mill_records.production_order_export(orders, made)
    tables["mes.work_orders"] = mill_records.work_order_export(orders, made)
    tables["mes.results"] = mill_records.result_export(made)
    tables["mes.routings"] = mill_records.routing_export(routes)
    tables["mes.changeovers"] = mill_records.changeover_export(routes)
    tables["mes.calendars"] = mill_records.calendar_export(calendar)
    tables["mes.quality"] = checks.quality(made, seed)
    tables["scada.shifts"] = mill_records.shift_counts(made, calendar).with_columns(known_at=pl.col("ended_at"))
    truth["shift_counts"] = mill_records.shift_counts(made, calendar)
    _lines(tables, made, calendar, seed)
    return made, (opening, missed)


def _lines(tables: Tables, made: pl.DataFrame, calendar: pl.DataFrame, seed: int) -> None:
    """What goes on at the lines while they make it, and what is repaired."""
    work = floor.runs(made, seed)
    alarms = floor.alarms(work, calendar)
    turns = signals.states(work, calendar)
    tables["scada.runs"] = work
    tables["scada.alarms"] = floor.messages(alarms)
    tables["scada.kept"] = signals.kept(turns, work, seed)
    tables["scada.hall"] = signals.hall(turns, seed)
    tables["maintenance.orders"] = floor.repairs(work, alarms)


def _warehouse(
    tables: Tables,
    truth: Tables,
    shelves: stock.StoreStock,
    out: pl.DataFrame,
    arrivals: tuple[pl.DataFrame, pl.DataFrame],
    made: pl.DataFrame,
    wares: pl.DataFrame,
    seed: int,
) -> None:
    """Counts and movements of stores, warehouse and mill."""
    kept = lots.flows(out, arrivals[0], made, arrivals[1], wares, seed)
    parts, part_counts = lots.component_flows(made, wares)
    tables["mes.consumption"] = checks.consumption(made, wares, parts, part_counts)
    tables["wms.movements"] = places.movements(kept.bookings, shelves.shrink, parts)
    tables["wms.stock"] = places.counts(shelves.counts, lots.monday_counts(kept), part_counts, kept.lots, wares)
    truth["stock_days"], truth["stock_outs"] = shelves.closing, shelves.stock_outs
    truth["adjustments"] = (
        tables["wms.movements"].filter(pl.col("type") == "count").select("site", "material", "batch", "qty", "moved_at")
    )


def _trade(tables: Tables, chosen: pl.Series, seed: int, changes: Sequence[edits.Change]) -> None:
    rows = edits.edit_placements(package.placements(chosen), changes)
    tables["trade.placements"] = places.placements(rows)
    tables["trade.promotions"] = places.promotions(tables["trade.placements"], seed)


def _partners(tables: Tables, paid_later: pl.DataFrame, billed: pl.DataFrame, seed: int) -> None:
    """What those around the brand report of what has happened, each in its own words; `paid_later` and `billed` are
    Double 11's part of the shops' bills."""
    movements, stores = tables["wms.movements"], tables["pos.stores"]
    tables["erp.purchase_orders"], letters = partners.purchases(movements)
    for supplier in letters["supplier"].unique():
        tables[f"supplier.{supplier.lower()}"] = letters.filter(pl.col("supplier") == supplier)
    tables["distributor.partners"] = partners.distributors()
    sold_on = sell_in.served(movements, stores)
    tables["erp.sales_orders"], tables["erp.deliveries"] = sell_in.trade(sold_on, tables["erp.items"], seed)
    booked, held = sell_in.distribution(sold_on)
    for name in partners.DISTRIBUTORS.values():
        own = pl.col("distributor") == name
        tables[f"distributor.{name.lower()}_movements"] = booked.filter(own)
        tables[f"distributor.{name.lower()}_stock"] = held.filter(own)
    tables["retail.sell_out"] = partners.sell_out(tables["pos.sale_lines"], stores)
    orders = pl.concat([tables[f"{shop}.orders"] for shop in SHOPS], how="diagonal_relaxed")
    baskets = orders.filter(~pl.col("number").str.contains(double11.MARK)).select(
        "shop", "number", "total", "currency", on=days.local_on(pl.col("created_at"))
    )
    tables["settlement.bills"] = partners.bills(pl.concat([baskets, paid_later.select(baskets.columns)]), billed)


def _control(tables: Tables) -> None:
    """The control totals of each source."""
    sold_on, day = days.local_on(pl.col("TRANSACTION_TIMESTAMP")), days.local_on(pl.col("known_at"))
    tables["pos.controls"] = controls.totals(
        "pos.sale_lines", tables["pos.sale_lines"], sold_on, "QUANTITY", "SALES_VALUE"
    )
    tables["trade.controls"] = controls.totals("trade.placements", tables["trade.placements"], pl.col("WEEK_ON"))
    first = tables["erp.production_orders"].unique("order_no", keep="first", maintain_order=True)
    tables["erp.controls"] = controls.totals("erp.production_orders", first, day, "qty")
    tables["wms.controls"] = controls.together(
        controls.totals("wms.stock", tables["wms.stock"], pl.col("as_of"), "on_hand"),
        controls.totals("wms.movements", tables["wms.movements"], days.local_on(pl.col("moved_at")), "qty"),
    )
    checked = tables["mes.quality"].unique("check_no", keep="first", maintain_order=True)
    tables["mes.controls"] = controls.together(
        controls.totals("mes.results", tables["mes.results"], pl.col("ended_at").dt.date(), "good_qty"),
        controls.totals("mes.quality", checked, days.local_on(pl.col("checked_at"))),
    )
    for shop in SHOPS:
        orders, refunds = (
            tables[f"{shop}.{name}"]
            .sort("known_at", maintain_order=True)
            .unique(key, keep="first", maintain_order=True)
            for name, key in (("orders", "number"), ("refunds", "refund_no"))
        )
        tables[f"{shop}.controls"] = controls.together(
            controls.totals("ecommerce.orders", orders, day, None, "total"),
            controls.totals("ecommerce.order_lines", tables[f"{shop}.order_lines"], day, "qty", "paid_total"),
            controls.totals("ecommerce.discounts", tables[f"{shop}.discounts"], day, None, "amount"),
            controls.totals("ecommerce.refunds", refunds, day, "qty", "amount"),
        )
    joined = tables["crm.members"].unique("member_no", keep="first", maintain_order=True)
    tables["crm.controls"] = controls.totals("crm.members", joined, days.local_on(pl.col("joined_at")))
