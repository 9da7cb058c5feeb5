"""One table night by night: what became known up to each nightly extract, and the file that tells of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from demo import days, world


@dataclass(frozen=True)
class Night:
    """The rows of one table that became known up to one nightly extract."""

    number: int
    rows: pl.DataFrame


def of_table(root: Path, table: str, done: int, last: int) -> Iterator[Night]:
    """The nights after `done` up to `last` that have rows of the table; none where the world lacks it."""
    path = world.folder(root) / f"{table}.parquet"
    if not path.exists():
        return
    rows = pl.read_parquet(path).with_columns(night=days.extract_number(pl.col("known_at")))
    rows = rows.filter(pl.col("night").is_between(done + 1, last)).drop("known_at")
    for (number,), part in sorted(rows.partition_by("night", as_dict=True, include_key=False).items()):
        yield Night(int(number), part)


def put(target: Path, number: int, write: Callable[[Path], object]) -> None:
    """A file that is whole or not there, with the time of its night."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unseen = target.with_name(f".{target.name}.tmp")
    write(unseen)
    moment = days.FIRST_EXTRACT.timestamp() + number * 86_400
    os.utime(unseen, (moment, moment))
    unseen.replace(target)
