"""Nightly CSV extracts: each holds what its system learnt since the one before, and never changes once written.

What the PLM releases (`demo.releases`) and what people carry (`demo.carried`) is there from the same night on.
"""

from __future__ import annotations

import io
import os
import shutil
from datetime import datetime
from pathlib import Path

import numpy as np
import polars as pl

from demo import carried, days, releases, world

FOLDERS = ("pos", "trade", "wms", "plm", "distributor", "settlement")
# The warehouse has a file server of its own; all others leave their files on one.
ON_FTP = ("wms",)
# What is told in another way: by workbooks of a distributor, the warehouse's own service, the PLM's XML.
UNWRITTEN = {table for sheets in carried.WORKBOOKS.values() for table in sheets} | {"wms.locations", releases.TABLE}


def folder(root: Path) -> Path:
    """What the file server shows of workspace `root`: one folder per system."""
    return root / "run" / "sftp"


def warehouse_folder(root: Path) -> Path:
    """What the warehouse's own file server shows."""
    return root / "run" / "ftp"


def number_at(clock: datetime) -> int:
    """The number of the last extract that has run at `clock`; -1 before the first."""
    return int((clock - days.FIRST_EXTRACT).total_seconds() // 86_400)


def publish(root: Path, clock: datetime) -> int:
    """Writes the extracts up to `clock` that are not there yet; returns how many files. Repeating it changes nothing.

    Each file appears whole, with the time of its extract; the mark of the last extract is set when all are there.
    """
    mark = folder(root) / ".last"
    done = int(mark.read_text()) if mark.exists() else -1
    last = min(number_at(clock), days.EXTRACTS - 1)
    if last <= done:
        return 0
    unseen = root / "run" / "sftp.new"
    unseen.mkdir(parents=True, exist_ok=True)
    written = 0
    for path in sorted(world.folder(root).glob("*.parquet")):
        system, name = path.stem.split(".")
        if system in FOLDERS and path.stem not in UNWRITTEN:
            target = (warehouse_folder(root) if system in ON_FTP else folder(root)) / system
            target.mkdir(parents=True, exist_ok=True)
            written += _write(pl.scan_parquet(path), target, name, unseen / path.stem, done, last)
    shutil.rmtree(unseen)
    written += releases.publish(root, folder(root) / "plm", done, last)
    written += carried.publish(root, done, last)
    fresh = mark.with_name(".last.new")
    fresh.write_text(str(last))
    fresh.replace(mark)
    return written


def _write(rows: pl.LazyFrame, target: Path, name: str, unseen: Path, done: int, last: int) -> int:
    """One table's files of the extracts after `done`, up to `last`.

    The whole table is written once and cut at line ends: thousands of small files in a second.
    """
    number = days.extract_number(pl.col("known_at"))
    after = pl.lit(days.FIRST_EXTRACT) + pl.duration(days=done)
    known = (pl.col("known_at") > after) if done >= 0 else pl.lit(True)
    upto = pl.col("known_at") <= pl.lit(days.FIRST_EXTRACT) + pl.duration(days=last)
    table = rows.filter(known & upto).with_columns(extract=number).collect()
    if table.is_empty():
        return 0
    sizes = table.group_by("extract", maintain_order=True).len()
    naive = any(dtype == pl.Datetime("us") for dtype in table.schema.values())
    buffer = io.BytesIO()
    table.drop("extract", "known_at").write_csv(
        buffer, datetime_format="%Y-%m-%d %H:%M:%S" if naive else "%Y-%m-%dT%H:%M:%SZ"
    )
    text = buffer.getvalue()
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n")) + 1
    if len(ends) != table.height + 1:
        raise AssertionError(f"{name}: a field holds a line break")
    header, start = text[: ends[0]], int(ends[0])
    row = 0
    for extract, rows_of in sizes.iter_rows():
        row += rows_of
        end = int(ends[row])
        unseen.write_bytes(header + text[start:end])
        moment = (days.FIRST_EXTRACT.timestamp()) + extract * 86_400
        os.utime(unseen, (moment, moment))
        unseen.replace(target / f"{name}_{days.extract_label(extract)}.csv")
        start = end
    return sizes.height
