"""What the tables say about one sku at one location: policy, source, demand, supply, and what hangs below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from math import floor, sqrt
from typing import Any, NamedTuple

import polars as pl

from planning.bom import Bom, low_level_codes
from planning.policy import EPSILON, consume_forecast, safety_stock, sigma_from_quantile
from planning.requirements import NEVER, Demand, Lot, LotRule

HOLDING_COST = 0.01  # per unit and week, where the policy is silent
BACKORDER_COST = 1.0  # per unit and week, where the policy is silent
PRIORITY = 5
CONSUME_BACK = CONSUME_FORWARD = 1  # weeks around an order whose forecast it uses up
FOREVER = 10_000


class Place(NamedTuple):
    """A sku at a location."""

    sku: str
    location_id: str

    def __str__(self) -> str:
        return f"{self.sku} at {self.location_id}"


@dataclass(frozen=True)
class Policy:
    service_level: float
    lead_time_days: int
    rule: LotRule
    most: float
    scrap_rate: float
    frozen_days: float
    slushy_days: float
    safety_units: float | None
    holding: float
    backorder: float

    @property
    def shortfall(self) -> float:
        """Cost of a unit missing from the safety stock: what it saves in holding, and the chance that it is missed."""
        return self.holding + (1 - self.service_level) * self.backorder


class Network:
    """The checked In tables, answered by sku and location; `mondays` are the weeks of the horizon."""

    def __init__(
        self, tables: dict[str, pl.DataFrame], mondays: list[date], start_on: date, service_level: float
    ) -> None:
        self.mondays, self.start_on, self.service_level = mondays, start_on, service_level
        self.bom = Bom(tables["bom"])
        self.routes = _grouped(
            tables["routing"].sort("is_preferred", "line_id", descending=[True, False], nulls_last=True), "sku"
        )
        self._policies = {
            Place(row["sku"], row["location_id"]): row for row in tables["item_policy"].iter_rows(named=True)
        }
        self._sources = _grouped(tables["sources"].sort("priority", "source_id", nulls_last=True), "sku", "location_id")
        self._feeds: dict[tuple[str, str], list[str]] = defaultdict(list)
        for row in (
            tables["sources"].filter(pl.col("kind") == "transfer").sort("sku", "location_id").iter_rows(named=True)
        ):
            self._feeds[row["sku"], row["source_id"]].append(row["location_id"])
        self._reject = {
            (row["channel_id"], row["sku"]): row["reject_days"] for row in tables["channel_life"].iter_rows(named=True)
        }
        self._stock = _grouped(_usable(tables["stock"]), "sku", "location_id")
        firm = tables["receipts"].filter(pl.col("is_firm").fill_null(True)).sort("due_on", "receipt_id")
        self.receipts = _grouped(firm, "sku", "location_id")
        self.demands, self._variance = self._read_demand(tables["demand"], tables["orders"])
        self.used_stock: set[Place] = set()

    def week_of(self, on: date) -> int:
        """Index of the week a date falls in; below 0 before the horizon, ≥ its length after."""
        return (on - self.mondays[0]).days // 7

    def policy(self, place: Place) -> Policy:
        row = self._policies.get(place) or self._policies.get(Place(place.sku, "*")) or {}
        source = self.source(place)
        lead = row.get("lead_time_days")
        if lead is None and source is not None:
            lead = source["lead_time_days"]
        rule = LotRule(
            row.get("lot_min_units") or 0.0,
            row.get("lot_multiple_units") or 0.0,
            row.get("lot_max_units") or 0.0,
            row.get("shelf_life_days") or 0.0,
        )
        holding, backorder = row.get("holding_cost"), row.get("backorder_cost")
        return Policy(
            service_level=row.get("service_level") or self.service_level,
            lead_time_days=int(lead or 0),
            rule=rule,
            most=rule.most,
            scrap_rate=row.get("scrap_rate") or 0.0,
            frozen_days=row.get("frozen_days") or 0.0,
            slushy_days=row.get("slushy_days") or 0.0,
            safety_units=row.get("safety_stock_units"),
            holding=HOLDING_COST if holding is None else holding,
            backorder=BACKORDER_COST if backorder is None else backorder,
        )

    def has_policy(self, place: Place) -> bool:
        return place in self._policies or Place(place.sku, "*") in self._policies

    def source(self, place: Place) -> dict[str, Any] | None:
        """The first source by priority of a sku at a location (`*` = every sku), None where none is given."""
        rows = self._sources.get((place.sku, place.location_id)) or self._sources.get(("*", place.location_id))
        return rows[0] if rows else None

    def mode(self, place: Place) -> str:
        """make, buy or transfer; without a source an item with a bill or a routing is made, any other is bought."""
        source = self.source(place)
        if source is not None and source["kind"] in ("make", "buy", "transfer"):
            return str(source["kind"])
        return "make" if place.sku in self.bom or place.sku in self.routes else "buy"

    def is_phantom(self, place: Place) -> bool:
        """Made inside its parents' runs: it has a bill, no line makes it, and nobody asks for it by itself.

        Where no routing is known at all, nothing can be told from a missing one.
        """
        is_inside = place.sku in self.bom and place.sku not in self.routes and place not in self.demands
        return bool(self.routes) and is_inside and self.mode(place) == "make"

    def worth(self, place: Place) -> float:
        """What a unit cost to get, which is lost when it spoils; 0 where sources names no cost."""
        return float((self.source(place) or {}).get("cost") or 0.0)

    def below(self, place: Place) -> list[Place]:
        mode = self.mode(place)
        if mode == "transfer":
            return [Place(place.sku, str((self.source(place) or {})["source_id"]))]
        return [Place(sku, place.location_id) for sku in self.bom.children(place.sku)] if mode == "make" else []

    def stages(self, asked: Iterable[Place]) -> list[list[Place]]:
        """Places in planning order, one list per level of the bill; within a level a destination before its source.

        They are those with demand, those `asked` besides, and what hangs below either.
        """
        edges: dict[Place, list[Place]] = {}
        open_places = sorted({*self.demands, *asked})
        for place in open_places:
            if place not in edges:
                edges[place] = self.below(place)
                open_places.extend(edges[place])
        skus = {place.sku for place in edges}
        levels = low_level_codes({sku: self.bom.children(sku) for sku in sorted(skus)})
        codes = low_level_codes(edges)
        stages: dict[int, list[Place]] = defaultdict(list)
        for place in sorted(edges, key=lambda one: (codes[one], one)):
            stages[levels[place.sku]].append(place)
        return [stages[level] for level in sorted(stages)]

    def firm_orders(self) -> list[dict[str, Any]]:
        """Firm receipts that are made here, the earliest due first."""
        rows = [row for found in self.receipts.values() for row in found if row["kind"] == "production"]
        return sorted(rows, key=lambda one: (one["due_on"], one["receipt_id"]))

    def lots(self, place: Place, moved: dict[str, int]) -> list[Lot]:
        """Stock of a place, of the places below it that nobody demands from by name, and its firm receipts.

        `moved` holds the week of receipts that a full line made later (-1 = does not come).
        """
        found = []
        for location in self._echelon(place):
            here = Place(place.sku, location)
            self.used_stock.add(here)
            for number, row in enumerate(self._stock.get((place.sku, location), [])):
                lot_id = row["lot_id"] or str(number + 1)
                supply_id = f"stock:{location}:{place.sku}:{lot_id}:{row['owner_id'] or '-'}"
                found.append(Lot(supply_id, 0, row["free_units"], row["expiry_on"] or NEVER))
            found.extend(self._receipt_lots(here, moved))
        return found

    def unlinked_stock(self) -> dict[str, float]:
        """Units by location of demanded skus in places no demand can reach."""
        skus = {place.sku for place in self.demands}
        found: dict[str, float] = defaultdict(float)
        for (sku, location), rows in self._stock.items():
            if sku in skus and Place(sku, location) not in self.used_stock:
                found[location] += sum(row["free_units"] for row in rows)
        return dict(sorted(found.items()))

    def reject_days(self, sku: str, channel_id: str) -> float:
        for key in ((channel_id, sku), (channel_id, "*"), ("*", sku)):
            if key in self._reject:
                return float(self._reject[key] or 0.0)
        return 0.0

    def keep_weeks(self, place: Place, demands: Iterable[Demand]) -> int:
        """How many weeks after its own a unit made mid-week still serves, less the strictest channel's reject days."""
        life = self.policy(place).rule.shelf_life_days
        if not life:
            return FOREVER
        reject = max((demand.reject_days for demand in demands), default=0.0)
        return max(0, floor((life - reject) / 7 - 0.5))

    def safety(self, place: Place, gross: list[float], keep_weeks: int) -> list[float]:
        """Safety stock (units) per week: the policy's, else z·σ·√(lead + review); never more than will sell in time."""
        policy, weeks = self.policy(place), len(self.mondays)
        if policy.safety_units is not None:
            target = [policy.safety_units] * weeks
        else:
            sigmas = [sqrt(units) for units in self._variance.get(place, [0.0] * weeks)]
            target = [safety_stock(sigma, policy.lead_time_days, policy.service_level) for sigma in sigmas]
        if keep_weeks >= weeks:
            return target
        usual = sum(gross) / weeks
        ahead = [*gross, *([usual] * keep_weeks)]
        return [min(units, sum(ahead[week + 1 : week + 1 + keep_weeks])) for week, units in enumerate(target)]

    def _echelon(self, place: Place) -> list[str]:
        found, open_locations = [], [place.location_id]
        for location in open_locations:
            if location not in found:
                found.append(location)
                fed = [*self._feeds.get((place.sku, location), []), *self._feeds.get(("*", location), [])]
                open_locations.extend(one for one in fed if Place(place.sku, one) not in self.demands)
        return found

    def _receipt_lots(self, place: Place, moved: dict[str, int]) -> list[Lot]:
        life, found = self.policy(place).rule.shelf_life_days, []
        for row in self.receipts.get((place.sku, place.location_id), []):
            week = moved.get(row["receipt_id"], max(0, self.week_of(row["due_on"])))
            if 0 <= week < len(self.mondays):
                arrives = max(row["due_on"], self.mondays[week])
                expiry = arrives + timedelta(days=life) if life else NEVER
                found.append(Lot(f"receipt:{row['receipt_id']}", week, row["units"], expiry, "receipt"))
        return found

    def _read_demand(
        self, demand: pl.DataFrame, orders: pl.DataFrame
    ) -> tuple[dict[Place, list[Demand]], dict[Place, list[float]]]:
        weeks = len(self.mondays)
        forecast: dict[tuple[str, str, str], list[tuple[int, float, int]]] = defaultdict(list)
        variance: dict[Place, list[float]] = defaultdict(lambda: [0.0] * weeks)
        for row in demand.sort("sku", "location_id", "channel_id", "week_on").iter_rows(named=True):
            week = self.week_of(row["week_on"])
            if 0 <= week < weeks:
                priority = PRIORITY if row["priority"] is None else row["priority"]
                forecast[row["sku"], row["location_id"], row["channel_id"]].append((week, row["mean"], priority))
                variance[Place(row["sku"], row["location_id"])][week] += _sigma(row) ** 2
        booked: dict[tuple[str, str, str], list[float]] = defaultdict(lambda: [0.0] * weeks)
        found: dict[Place, list[Demand]] = defaultdict(list)
        for row in orders.sort("order_id", "line_no").iter_rows(named=True):
            week = self.week_of(row["due_on"])
            if week < weeks and row["units"] > EPSILON:
                if week >= 0:  # an overdue order was part of a forecast that is past as well
                    booked[row["sku"], row["location_id"], row["channel_id"]][week] += row["units"]
                found[Place(row["sku"], row["location_id"])].append(
                    Demand(
                        f"order:{row['order_id']}:{row['line_no'] or '-'}",
                        max(0, week),  # an overdue order is due now
                        row["units"],
                        PRIORITY - 1 if row["priority"] is None else row["priority"],
                        self.reject_days(row["sku"], row["channel_id"]),
                    )
                )
        for (sku, location, channel), rows in forecast.items():
            left, order_units = [0.0] * weeks, booked.get((sku, location, channel))
            for week, mean, _ in rows:
                left[week] += mean
            if order_units is not None:
                left = consume_forecast(order_units, left, CONSUME_BACK, CONSUME_FORWARD)
            reject = self.reject_days(sku, channel)
            priorities = {week: priority for week, _, priority in rows}
            found[Place(sku, location)].extend(
                Demand(
                    f"demand:{sku}:{location}:{channel}:{self.mondays[week]}",
                    week,
                    units,
                    priorities.get(week, PRIORITY),
                    reject,
                )
                for week, units in enumerate(left)
                if units > EPSILON
            )
        return {place: rows for place, rows in found.items() if rows}, dict(variance)


def _sigma(row: dict[str, Any]) -> float:
    if row["sigma"] is not None:
        return float(row["sigma"])
    return 0.0 if row["q90"] is None else sigma_from_quantile(row["mean"], row["q90"])


def _usable(stock: pl.DataFrame) -> pl.DataFrame:
    free = pl.col("on_hand_units") - pl.col("reserved_units").fill_null(0.0)
    good = stock.filter(pl.col("quality").fill_null("good") == "good").with_columns(free.alias("free_units"))
    return good.filter(pl.col("free_units") > EPSILON).sort(
        "sku", "location_id", "expiry_on", "lot_id", "owner_id", nulls_last=True
    )


def _grouped(frame: pl.DataFrame, *keys: str) -> dict[Any, list[dict[str, Any]]]:
    """Rows by key in the order they come: the key itself for one column, a tuple for several."""
    found: dict[Any, list[dict[str, Any]]] = defaultdict(list)
    for row in frame.iter_rows(named=True):
        found[row[keys[0]] if len(keys) == 1 else tuple(row[key] for key in keys)].append(row)
    return dict(found)
