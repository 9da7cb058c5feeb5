"""Who is who, against Splink alone and exact keys, on public and on made records, at once and in steps."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks import cdnow
from benchmarks.report import Figure, report

COMMAND = "make bench-customers"
QUICK = bool(os.environ.get("QUICK"))
RECORDS = 10_000 if QUICK else 100_000
MANY = 500_000 if QUICK else 5_000_000
SHARED = Path("../shared/data/identity")
REACH = {"FEBRL3": 0.995, "FEBRL2": 0.997, "fake_1000": 0.87}


def main() -> None:
    """Each measurement runs in a process of its own, so that peaks of memory are its own."""
    seed = int(time.time())
    report("customers", [*_public_sets(), *_omnichannel(seed), *_many(seed + 1), *_value()])


def _public_sets() -> list[Figure]:
    if not SHARED.exists():
        print("../shared/data is not here: the public sets are left out")
        return []
    figures = []
    for name, reach in REACH.items():
        found = _child("public", name)
        told = f"Splink set up as in its tutorial (to reach {reach})"
        what = f"{name}, pairwise F1, unsupervised"
        figures.append(Figure(what, found["f1"], "", "higher", told, found["peer_f1"], COMMAND))
    return figures


def _omnichannel(seed: int) -> list[Figure]:
    few = _child("omnichannel", RECORDS, seed)
    size = f"{RECORDS:,} omnichannel records, seed {seed}"
    figures = []
    for measure, reach in (("precision", 0.995), ("recall", 0.70)):
        for peer, told in (("key", "exact keys alone"), ("splink", "Splink alone")):
            value, other = few[measure], few[f"{peer}_{measure}"]
            told = f"{told} (to reach {reach})"
            figures.append(Figure(f"{size}: {measure}", value, "of pairs", "higher", told, other, COMMAND))
    whole = "what can be linked at all"
    return [*figures, Figure(f"{size}: recall", few["recall"], "of pairs", "higher", whole, few["ceiling"], COMMAND)]


def _many(seed: int) -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        _child("write", MANY * 101 // 100, seed, folder)
        many = _child("many", folder, MANY)
    size, more = f"{MANY:,} records", f"{many['more_records']:,} records more"
    busy = f"to stay under (load {many['load']:.0f}; {many['processor'] / 60:.1f} minutes of processor time)"
    busy_more = f"to stay under ({many['more_processor']:.0f} s of processor time, {many['more_touched']:,} touched)"
    bare = "a bare group by on each key"
    return [
        Figure(f"{size}: time", many["seconds"] / 60, "minutes", "lower", busy, 10.0 * MANY / 5e6, COMMAND),
        Figure(f"{size}: time", many["seconds"], "s", "lower", bare, many["bare_seconds"], COMMAND),
        Figure(f"{size}: peak memory", many["peak_gib"], "GiB", "lower", "to stay under", 12.0, COMMAND),
        Figure(f"{more}: time", many["more_seconds"], "s", "lower", busy_more, 60.0 * MANY / 5e6, COMMAND),
        Figure(f"{more}: peak memory", many["more_peak_gib"], "GiB", "lower", "to stay under", 12.0, COMMAND),
        Figure(f"{size}: precision", many["precision"], "of pairs", "higher", "as of 100,000", 0.995, COMMAND),
        Figure(f"{size}: recall", many["recall"], "of pairs", "higher", "as of 100,000", 0.70, COMMAND),
    ]


def _value() -> list[Figure]:
    if not cdnow.MEMBERS.exists():
        print("../shared/data is not here: CDNOW is left out")
        return []
    found = _child("value")
    what, peer = "CDNOW, 39 weeks after: RMSE of order days", "plain BG/NBD (to reach 1.60)"
    return [Figure(what, found["error"], "order days", "lower", peer, found["plain"], COMMAND)]


def _child(*arguments: object) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.customers_child", *map(str, arguments)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def pairs_in(frame: pl.DataFrame, *by: str) -> float:
    """The number of pairs of rows that agree on all these columns."""
    return float(frame.group_by(by).len().select((pl.col("len") * (pl.col("len") - 1.0) / 2).sum()).item())


if __name__ == "__main__":
    main()
