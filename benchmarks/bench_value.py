"""How well the orders to come are expected: the CDNOW sample's held-out weeks, and earlier days that choose the model.

Models are chosen by days inside the 39 weeks that they may learn from: fitted to each of `WITHIN`, held against what
came from there to 1997-09-30. Only what was chosen there is then held against the 39 weeks after it.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from benchmarks import cdnow
from benchmarks.report import Figure, report
from customers import bg_nbd, pareto_nbd
from customers.history import Array, history_of

COMMAND = "make bench-value"
# Thirds to two thirds of the weeks, so that as much is left to come as was seen, as in what is asked for.
WITHIN = (date(1997, 4, 30), date(1997, 5, 9), date(1997, 5, 16), date(1997, 5, 23), date(1997, 5, 31))
MEAN, MEAN_BY_SIZE = "mean of both", "mean of both, by size"


def main() -> None:
    """Prints every model's error at the days within, and what was chosen and its baseline on the weeks after."""
    if not cdnow.MEMBERS.exists():
        raise SystemExit(f"{cdnow.MEMBERS} is not there: the shared CDNOW sample is needed")
    found = [errors(until, (cdnow.UNTIL - until).days / 7) for until in WITHIN]
    within = pl.DataFrame(found).with_columns(until=pl.Series(WITHIN))
    with pl.Config(tbl_cols=-1, tbl_width_chars=160, float_precision=4):
        print(within.select("until", pl.exclude("until")))
        print(within.select(pl.exclude("until").mean()))
    after = errors(cdnow.UNTIL, cdnow.WEEKS)
    figures = [
        Figure("CDNOW, days within: mean error of what ships", _mean(found, MEAN_BY_SIZE), "orders", "lower",
               "plain BG/NBD", _mean(found, "BG/NBD"), COMMAND),
        Figure("CDNOW, 39 weeks after: error of what ships", after[MEAN_BY_SIZE], "orders", "lower",
               "plain BG/NBD", after["BG/NBD"], COMMAND),
    ]  # fmt: skip
    report("value", figures)


def errors(until: date, weeks: float) -> dict[str, float]:
    """Root mean square error of each model, fitted to a day, over the weeks after it."""
    people = cdnow.people(until)
    came = people.join(cdnow.came_after(until, weeks), on="customer_id", how="left")["came"].fill_null(0).to_numpy()
    history = history_of(people)
    expected: dict[str, Array] = {}
    for name, by_size in (("", False), (", by size", True)):
        one, other = bg_nbd.fit(history, by_size=by_size), pareto_nbd.fit(history, by_size=by_size)
        expected[f"BG/NBD{name}"] = bg_nbd.expected_orders(one, history, weeks)
        expected[f"Pareto/NBD{name}"] = pareto_nbd.expected_orders(other, history, weeks)
        expected[f"{MEAN}{name}"] = (expected[f"BG/NBD{name}"] + expected[f"Pareto/NBD{name}"]) / 2
    return {name: float(np.sqrt(((came - value) ** 2).mean())) for name, value in expected.items()}


def _mean(found: list[dict[str, float]], name: str) -> float:
    return float(np.mean([one[name] for one in found]))


if __name__ == "__main__":
    main()
