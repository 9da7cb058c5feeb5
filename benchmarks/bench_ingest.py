"""Landing against its limit (a bare write) and its peer (dlt), on the same rows in the same run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import plant
from benchmarks.report import Figure, report

COMMAND = "make bench-ingest"
ROWS = 500_000 if os.environ.get("QUICK") else 5_000_000
ROUNDS = 3
PEER_PYTHON = Path(".venv-bench/bin/python")


def main() -> None:
    """Runs each way of landing in a process of its own, the short ones in turns, and reports ratios of medians."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as name:
        folder = Path(name)
        _ours("chunks", folder, ROWS)
        bare, land, check, peer = [], [], [], []
        for number in range(ROUNDS):
            bare.append(_ours("bare", folder, ROWS)["seconds"])
            own = _round(folder, number)
            land.append(_ours("land", own, ROWS)["seconds"])
            check.append(_ours("check", own, ROWS)["seconds"])
            dlt = _json([str(PEER_PYTHON), "benchmarks/dlt_child.py", str(own)])
            peer.append(dlt["seconds"])
        shorter, longer = _ours("pull", folder, ROWS), _ours("pull", folder, 4 * ROWS)
        empty = _ours("empty", folder, ROWS)["seconds"]
    limit, landing = median(bare), median(land)
    write = {"unit": "× the bare write", "better": "lower", "peer": f"bare zstd write and fsync, {limit:.1f} s"}
    memory = {"unit": "MiB", "better": "lower", "command": COMMAND}
    figures = [
        Figure("landing alone", landing / limit, **write, peer_value=1.3, command=COMMAND),
        Figure("contract and two token columns", median(check) / limit, **write, peer_value=4.0, command=COMMAND),
        Figure(
            "landing, against dlt given Arrow tables",
            landing / median(peer),
            "× dlt",
            "lower",
            f"dlt, snappy, no fsync, {median(peer):.1f} s",
            0.7,
            COMMAND,
        ),
        Figure(
            "landing, against dlt given records",
            landing / ROWS * 1_000_000 / dlt["per_million_records"],
            "× dlt",
            "lower",
            f"dlt, {dlt['per_million_records']:.0f} s a million",
            0.7,
            COMMAND,
        ),
        Figure(
            "a pull with nothing new",
            empty * 1000,
            "ms",
            "lower",
            f"dlt, {dlt['empty_seconds'] * 1000:,.0f} ms",
            20,
            COMMAND,
        ),
        Figure(f"peak memory, {ROWS:,} rows", shorter["peak_mib"], peer="limit", peer_value=1024, **memory),
        Figure(f"peak memory, {4 * ROWS:,} rows", longer["peak_mib"], peer="limit", peer_value=1024, **memory),
    ]
    figures += [
        _a_second("Modbus", plant.modbus_readings(), "pymodbus alone", plant.bare_modbus_readings()),
        _a_second("OPC UA", plant.opcua_readings(), "asyncua alone", plant.bare_opcua_readings()),
    ]
    report("ingest", figures)


def _a_second(what: str, ours: tuple[int, float], peer: str, theirs: tuple[int, float]) -> Figure:
    """Readings a second, of us and of the bare client library."""
    rate, bare = (readings / seconds for readings, seconds in (ours, theirs))
    return Figure(f"{what} readings", rate, "a second", "higher", peer, bare, COMMAND)


def _round(folder: Path, number: int) -> Path:
    """A folder of its own for a round, with the same chunks."""
    own = folder / f"round{number}"
    own.mkdir()
    for chunk in folder.glob("chunk*.parquet"):
        (own / chunk.name).symlink_to(chunk)
    return own


def _ours(mode: str, folder: Path, rows: int) -> dict[str, Any]:
    return _json([sys.executable, "-m", "benchmarks.ingest_child", mode, str(folder), str(rows)])


def _json(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
