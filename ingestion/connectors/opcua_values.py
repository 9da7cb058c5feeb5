"""What OPC UA says as text: values with their status and both times, events with their fields."""

from __future__ import annotations

import dataclasses
import enum
import json
import math
import re
import uuid
from datetime import UTC, datetime
from typing import Any

from asyncua import ua

from ingestion.connectors.messages import Record

GOOD = "good"


def reading(value: ua.DataValue, scale: float, is_counter: bool, at: datetime) -> Record:
    """The fields of a reading: read_at (the source's time, else the server's, else `at`), server_at, value, text,
    quality, status, counter_raw.

    `quality` is `good` or the status in small letters (`uncertain_last_usable_value`, `bad_sensor_failure`). A bad
    value has none: what came with it is `last_value`.
    """
    status = value.StatusCode or ua.StatusCode()
    raw = None if value.Value is None else value.Value.Value
    number = raw if isinstance(raw, (int, float)) else None
    quality = GOOD if status.is_good() else snake(status.name)
    if quality == GOOD and raw is None:
        quality = "no_value"
    if number is not None and not math.isfinite(number):
        number, raw, quality = None, None, "not_a_number" if quality == GOOD else quality
    record: Record = {
        "read_at": stamp(value.SourceTimestamp or value.ServerTimestamp or at),
        "server_at": stamp(value.ServerTimestamp) if value.ServerTimestamp else None,
        "value": None if number is None else repr(float(number * scale)),
        "text": None if number is not None or raw is None else text_of(raw),
        "quality": quality,
        "status": status.name,
        "counter_raw": str(int(raw)) if is_counter and isinstance(raw, int) else None,
        "last_value": None,
    }
    if status.is_bad():
        record |= {"last_value": record["value"] or record["text"], "value": None, "text": None, "counter_raw": None}
    return record


def event_fields(event: Any) -> Record:
    """An event's fields by name, `EventId` in hexadecimal, nested ones as `ActiveState.Id`."""
    fields = event.get_event_props_as_fields_dict()
    return {name.replace("/", "."): text_of(variant.Value) for name, variant in fields.items()}


def text_of(value: Any) -> str | None:
    """Any OPC UA value as text: times as ISO UTC, bytes in hexadecimal, lists and structures as JSON."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)) and not isinstance(value, enum.Enum):
        return repr(value)
    plain = _plain(value)
    return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)


def snake(name: str) -> str:
    """`BadSensorFailure` as `bad_sensor_failure`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def stamp(at: datetime) -> str:
    """ISO UTC with microseconds."""
    aware = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    return aware.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _plain(value: Any) -> Any:
    """The value in the types that JSON knows."""
    if isinstance(value, enum.Enum):
        return value.name
    if value is None or isinstance(value, (str, bool, int, float)):
        return value
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, ua.LocalizedText):
        return value.Text
    if isinstance(value, (ua.NodeId, ua.QualifiedName)):
        return value.to_string()
    if isinstance(value, ua.StatusCode):
        return value.name
    if isinstance(value, ua.Variant):
        return _plain(value.Value)
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return str(value) if isinstance(value, uuid.UUID) else repr(value)
