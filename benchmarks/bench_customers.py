"""Who is who, against the published figures of Splink alone and exact keys, on public and on made records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.report import Figure, report

COMMAND = "make bench-customers"
QUICK = bool(os.environ.get("QUICK"))
RECORDS = 10_000 if QUICK else 100_000
MANY = 500_000 if QUICK else 5_000_000
SHARED = Path("../shared/data/identity")
PUBLISHED = {"FEBRL3": (0.995, 0.992), "FEBRL2": (0.997, 0.996), "fake_1000": (0.87, 0.824)}


def main() -> None:
    """Each measurement runs in a process of its own, so that peaks of memory are its own."""
    seed = int(time.time())
    figures = []
    if SHARED.exists():
        for name, (reach, peer) in PUBLISHED.items():
            found = _child("public", name)
            told = f"Splink's own defaults, {peer}; to reach"
            figures.append(
                Figure(f"{name}, pairwise F1, unsupervised", found["f1"], "", "higher", told, reach, COMMAND)
            )
    else:
        print("../shared/data is not here: the public sets are left out")
    few = _child("omnichannel", RECORDS, seed)
    size = f"{RECORDS:,} omnichannel records, seed {seed}"
    keys = f"keys alone {few['key_precision']:.4f} / {few['key_recall']:.3f}; to reach"
    figures += [
        Figure(f"{size}: precision", few["precision"], "of pairs", "higher", keys, 0.995, COMMAND),
        Figure(f"{size}: recall", few["recall"], "of pairs", "higher", keys, 0.70, COMMAND),
        Figure(
            f"{size}: recall over what can be linked", few["recall"] / few["ceiling"], "", "higher", "", 1.0, COMMAND
        ),
    ]
    many = _child("omnichannel", MANY, seed + 1)
    size = f"{MANY:,} records"
    bare = f"a bare group by on each key, {many['bare_seconds']:.1f} s"
    figures += [
        Figure(f"{size}: time", many["seconds"] / 60, "minutes", "lower", "to stay under", 10.0, COMMAND),
        Figure(f"{size}: time", many["seconds"] / many["bare_seconds"], "× bare", "lower", bare, 1.0, COMMAND),
        Figure(f"{size}: peak memory", many["peak_gib"], "GiB", "lower", "to stay under", 12.0, COMMAND),
        Figure(f"{size}: precision", many["precision"], "of pairs", "higher", "", 0.995, COMMAND),
        Figure(f"{size}: recall", many["recall"], "of pairs", "higher", "", 0.70, COMMAND),
    ]
    report("customers", figures)


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
