"""What changes in the world changes what the product says of it."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import published, run_demo, tillmill

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def ask(workspace: Path, question: str, *values: object) -> list[tuple[object, ...]]:
    with duckdb.connect(str(published(workspace)), read_only=True) as connection:
        return connection.execute(question, list(values)).fetchall()


def edited(workspace: Path, *words: str) -> Path:
    """The world changed by one edit, then run."""
    done = tillmill("demo", "edit", *words, "--workspace", str(workspace))
    assert done.returncode == 0, done.stdout + done.stderr
    run_demo(workspace)
    return workspace


def test_without_its_placement_a_promotion_is_no_longer_found(small_run: Path, fresh_world: Path) -> None:
    sku, promotion = ask(
        small_run, "select sku, promotion_id from mart_promotion order by treated_units desc, promotion_id limit 1"
    )[0]
    edited(fresh_world, "delete-placement", str(sku))
    assert ask(small_run, "select count(*) from mart_promotion where promotion_id = ?", promotion)[0][0] == 1
    assert ask(fresh_world, "select count(*) from mart_promotion where sku = ?", sku)[0][0] == 0


def test_a_stopped_line_makes_nothing_that_week(small_run: Path, fresh_world: Path) -> None:
    line, week, units = ask(
        small_run,
        "select line_id, week_on, sum(units) from mart_production_plan where units > 0 "
        "group by all order by week_on, 3 desc limit 1",
    )[0]
    edited(fresh_world, "stop-line", str(line), str(week))
    stopped = ask(
        fresh_world,
        "select coalesce(sum(units), 0) from mart_production_plan where line_id = ? and week_on = ?",
        line,
        week,
    )[0][0]
    assert units > 0  # type: ignore[operator]
    assert stopped == 0


def test_a_doubled_price_doubles_the_sales_of_that_product(small_run: Path, fresh_world: Path) -> None:
    # Double 11's coupons are amounts, not shares: they do not double with the price.
    baskets = "fct_sales_line where not regexp_matches(sale_id, '^[AB]11-')"
    sku, net = ask(
        small_run, f"select sku, sum(net_sales_amount) from {baskets} group by sku order by 2 desc, sku limit 1"
    )[0]
    edited(fresh_world, "double-price", str(sku), "2017-01-01")
    doubled = ask(fresh_world, f"select sum(net_sales_amount) from {baskets} and sku = ?", sku)[0][0]
    assert doubled == 2 * net  # type: ignore[operator]
