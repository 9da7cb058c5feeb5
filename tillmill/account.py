"""Shows at the terminal what a workspace holds: a table for 80 columns, and a line for whatever needs a person."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from ingestion.landing.lake import LEARNT_SOURCE
from tillmill.refusals import closest
from tillmill.workspace import SETTINGS_FILE

# From here on there is room for times of day and every count.
WIDE = 110
COUNTED = ("pulled", "landed", "quarantined", "dismissed")
_HOURS_PER_DAY = 24
_WHOLE_FROM = 10


def show_status(found: dict[str, Any], console: Console) -> None:
    """Prints what `tillmill.status.status` found; names are folded where they are long, never cut."""
    version = found["published"]
    served = (
        f"version {version['version']}, published {_time(version['published_at'])}"
        if version
        else "nothing published yet"
    )
    console.print(f"Clock {_time(found['clock'])} UTC · {served}", style="bold", soft_wrap=True, highlight=False)
    console.print(_table(found["streams"], console.width >= WIDE))
    for stream in found["streams"]:
        if not stream["is_accounted"]:
            said = f"{_counts(stream)}; {_rest(stream):,} have no place"
            console.print(f"{_name(stream)}: {said}", style="red", markup=False, soft_wrap=True)
    for streams, kind in ((_pulled(found), "stream"), (_learnt(found), "learnt stream")):
        if streams:
            whole = {name: sum(stream[name] for stream in streams) for name in COUNTED}
            account = "all" if all(stream["is_accounted"] for stream in streams) else "NOT all"
            said = f"{len(streams)} {kind}{'' if len(streams) == 1 else 's'}: {_counts(whole)}; {account} accounted for"
            console.print(said, soft_wrap=True, highlight=False)
    show_fields(found, console)
    if any(stream["quarantined"] for stream in found["streams"]):
        console.print("Next: tillmill quarantine list", markup=False, highlight=False)


def show_fields(found: dict[str, Any], console: Console) -> None:
    """Prints a line for each stream whose fields and mapping do not meet, and what to type then; nothing otherwise."""
    concerned = [stream for stream in found["streams"] if fields_line(stream)]
    for stream in concerned:
        style = "yellow" if stream["missing_fields"] else ""
        console.print(fields_line(stream), style=style, markup=False, highlight=False, soft_wrap=True)
    if concerned:
        root = Path(found["workspace"])
        is_amiss = any(stream["missing_fields"] for stream in concerned)
        said = "mend them" if is_amiss else "to use them, name them"
        others = "" if is_amiss else " (or in unused, to hear no more of them)"
        run = f"tillmill run --workspace {shlex.quote(str(root))}"
        line = f"Next: {said} in {root / SETTINGS_FILE}{others}, then: {run}"
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    show_people(found, console)


def show_people(found: dict[str, Any], console: Console) -> None:
    """Prints a line for each stream that brings people where nobody said so, and what to say then."""
    concerned = [stream for stream in found["streams"] if stream["people_fields"]]
    for stream in concerned:
        line = f"{_name(stream)}: phones or e-mails, sealed: {', '.join(stream['people_fields'])}"
        console.print(line, style="yellow", markup=False, highlight=False, soft_wrap=True)
    if concerned:
        names = ", ".join(json.dumps(name, ensure_ascii=False) for name in concerned[0]["people_fields"])
        line = (
            f"Next: say of the stream in {Path(found['workspace']) / SETTINGS_FILE} may_carry = true (seal all that is "
            f"unmapped), drop = [{names}] (never keep them) or may_carry = false (no people)"
        )
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def fields_line(stream: dict[str, Any]) -> str:
    """One line on a stream's fields that are mapped and do not come, or are news and not mapped; '' where all is well.

    What came unmapped from the first load on was seen then, and is no news. A missing field that looks like an unknown
    one is asked after: it is mostly that one, misspelt, so that with it all are named.
    """
    missing, unknown = [], stream["unknown_fields"] if stream["missing_fields"] else stream["new_fields"]
    for name, column in stream["missing_fields"].items():
        like = closest(name, unknown)
        missing.append(f"{name} (for {column}{f'; is it {like}?' if like else ''})")
    said = []
    if missing:
        said.append(f"no such field came: {', '.join(missing)}")
    if unknown:
        said.append(f"{'' if missing else 'new, '}unmapped, kept in _extra: {', '.join(unknown)}")
    return f"{_name(stream)}: {'; '.join(said)}" if said else ""


def _table(streams: list[dict[str, Any]], is_wide: bool) -> Table:
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("source", overflow="fold")
    table.add_column("stream", overflow="fold")
    table.add_column("newest (UTC)" if is_wide else "newest", no_wrap=True)
    numbers = ("loads", "pulled", "landed", "quarantined") if is_wide else ("landed", "quarantined")
    for name in ("behind", *numbers):
        table.add_column(name, justify="right", no_wrap=True)
    for stream in streams:
        newest = _time(stream["watermark_at"]) if stream["watermark_at"] else "-"
        counts = (f"{stream[name]:,}" for name in numbers)
        shown = newest if is_wide else newest[:10]
        table.add_row(stream["source"], stream["stream"], shown, _age(stream["lag_hours"]), *counts)
    return table


def _pulled(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [stream for stream in found["streams"] if stream["source"] != LEARNT_SOURCE]


def _learnt(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [stream for stream in found["streams"] if stream["source"] == LEARNT_SOURCE]


def _counts(rows: dict[str, Any]) -> str:
    said = f"{rows['pulled']:,} rows pulled = {rows['landed']:,} landed + {rows['quarantined']:,} quarantined"
    return said + (f" + {rows['dismissed']:,} dismissed" if rows["dismissed"] else "")


def _rest(rows: dict[str, Any]) -> int:
    return int(rows["pulled"] - rows["landed"] - rows["quarantined"] - rows["dismissed"])


def _name(stream: dict[str, Any]) -> str:
    return f"{stream['source']} {stream['stream']}"


def _age(hours: float | None) -> str:
    if hours is None:
        return "-"
    count, unit = (hours, "h") if hours < 2 * _HOURS_PER_DAY else (hours / _HOURS_PER_DAY, "d")
    return f"{count:.{1 if count < _WHOLE_FROM else 0}f} {unit}"


def _time(text: str) -> str:
    return text[:16].replace("T", " ")
