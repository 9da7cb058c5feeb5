"""What is to be said of a stream: one code for how it is, a sentence on what is wrong, the command to type next."""

from __future__ import annotations

import shlex
from typing import Any

import polars as pl

from apps import format as write
from apps.components import reasons
from apps.components.view import View

_HOURS_PER_DAY = 24
# From here on an age says nothing by its tenths.
_WHOLE_FROM = 10
# The worst first; what comes before `changed` needs somebody.
STATES = ("lost", "stopped", "differs", "quarantined", "never", "fields_lost", "late", "changed", "fine")
NEEDY = STATES[: STATES.index("changed")]
_TONES = {"fine": "good", "changed": "quiet", "late": "warn", "quarantined": "warn", "fields_lost": "warn"}
COMMANDS = {
    "lost": "status",
    "quarantined": "show",
    "late": "ingest",
    "fine": "ingest",
}
OWN = "tillmill"


def judged(view: View, streams: pl.DataFrame) -> pl.DataFrame:
    """The streams with code, rank, key (SOURCE/STREAM), state, what, next_command and lag as written; worst first."""
    rows = [_judged(view, found) for found in streams.iter_rows(named=True)]
    schema = {"code": pl.String, "rank": pl.Int64, "key": pl.String, "name": pl.String, "state": pl.String}
    said = pl.DataFrame(rows, schema=schema | {"what": pl.String, "next_command": pl.String, "control": pl.String})
    return pl.concat([streams, said], how="horizontal").sort("rank", "system", "stream", "source")


def tone(view: View) -> dict[str, str]:
    """The tone of each state's word; a state that is not here is bad."""
    return {view.words(f"health.state.{code}"): tone for code, tone in _TONES.items()}


def command(view: View, name: str, source: str, stream: str) -> str:
    """One command to type in the workspace."""
    return view.words(f"command.{name}", source=shlex.quote(source), stream=shlex.quote(stream))


def lag(view: View, hours: float | None) -> str:
    """An age in hours, from two days on in days."""
    if hours is None:
        return write.NONE
    hours = max(0.0, hours)
    if hours >= 2 * _HOURS_PER_DAY:
        return view.words("unit.days", days=_age(hours / _HOURS_PER_DAY))
    return view.words("unit.hours", hours=_age(hours))


def _age(count: float) -> str:
    return write.exact(count, 0 if count >= _WHOLE_FROM or count.is_integer() else 1)


def _judged(view: View, found: dict[str, Any]) -> dict[str, Any]:
    source, stream = found["source"], found["stream"]
    code = "stopped" if _failure(view, found) and found["verdict"] != "lost" else found["verdict"]
    control = found["is_equal_to_control"]
    return {
        "code": code,
        "rank": STATES.index(code),
        "key": f"{source}/{stream}",
        "name": f"{source} · {stream}",
        "state": view.words(f"health.state.{code}"),
        "what": view.words("health.what.join").join(_wrongs(view, found)),
        "next_command": command(view, COMMANDS.get(code, "check"), source, stream),
        "control": write.NONE if control is None else view.words(f"health.control.{'equal' if control else 'differs'}"),
    }


def _failure(view: View, found: dict[str, Any]) -> str:
    """What stopped its last pull; what state that left and what to type stand on lines of their own, and here below."""
    return view.failed.get(f"{found['source']} {found['stream']}", "").partition("\n")[0].rstrip(".")


def _wrongs(view: View, found: dict[str, Any]) -> list[str]:
    """All that is wrong with a stream, the worst first, each in a few words."""
    words, said = view.words, []
    if not found["is_accounted"]:
        rest = found["pulled_rows"] - found["landed_rows"] - found["quarantined_rows"] - found["dismissed_rows"]
        said.append(words("health.what.lost", rows=write.exact(rest)))
    if failure := _failure(view, found):
        said.append(words("health.what.stopped", error=failure))
    if found["is_equal_to_control"] is False:
        said.append(words("health.what.differs", rows=write.signed(write.exact(found["control_rows_diff"]))))
    if found["quarantined_rows"]:
        more = "" if found["reasons"] < 2 else words("health.what.more", count=found["reasons"] - 1)
        rows = write.exact(found["quarantined_rows"])
        reason = reasons.refused(words, found["main_reason"])
        said.append(words("health.what.quarantined", rows=rows, reason=reason, more=more))
    if found["verdict"] == "never":
        said.append(words("health.what.never"))
    if found["lost_fields"]:
        said.append(words("health.what.fields_lost", fields=found["lost_fields"]))
    if found["is_fresh"] is False:
        due = lag(view, float(found["expected_hours"]))
        said.append(words("health.what.late", lag=lag(view, found["lag_hours"]), due=due))
    if found["new_fields"]:
        said.append(words("health.what.changed", fields=found["new_fields"]))
    if found["retyped_fields"]:
        said.append(words("health.what.retyped", fields=found["retyped_fields"]))
    return said
