"""One more night on top of the last one, and beside it the same lake built anew: no table may differ."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.dbt_project.conftest import Warehouse
from tests.dbt_project.lake import SmallLake
from tests.e2e.compare import differences

Night = Callable[[SmallLake, Path], None]


def restated_in(night: Night, warehouse: Warehouse, selections: Sequence[str], query: str) -> list[str]:
    """The dates that the night's increment restates, as the query finds them.

    Fails where a table of the increment is not that of a full build. The next night goes on from the increment; the
    project's own tests are left to whoever builds last, because they cost as much as the tables.
    """
    night(warehouse.lake, warehouse.reference)
    warehouse.build(*selections, tests=False)
    restated = [str(on) for (on,) in warehouse.rows(query)]
    by_night = warehouse.keep("by_night")
    warehouse.build(*selections, full_refresh=True, tests=False)
    found = differences(by_night, warehouse.candidate)
    assert not found, f"after {night.__name__}: {found}"
    shutil.copyfile(by_night, warehouse.candidate)
    return restated


def edit(file: Path, old: str, new: str) -> None:
    """Replaces one text in a file that people own; fails where it does not stand there once."""
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{file.name}: {old!r} stands there {text.count(old)} times"
    file.write_text(text.replace(old, new), encoding="utf-8")


def append(file: Path, *rows: str) -> None:
    """Adds rows to a file that people own."""
    text = file.read_text(encoding="utf-8").rstrip("\n")
    file.write_text("\n".join((text, *rows)) + "\n", encoding="utf-8")
