"""Streams and pages as tests of preparation need them: real contracts and rules, records given by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl

from ingestion.connectors.page import Page
from ingestion.contracts import contract
from ingestion.mapping import read_rules
from ingestion.privacy.tokens import Keys
from ingestion.sources import Stream

KEYS = Keys(token=b"t" * 32, sealing=(b"s" * 32,))
READ_AT = datetime(2017, 12, 4, 4, 1, 20, tzinfo=UTC)


def make_stream(name: str, fields: dict[str, Any] | None = None, **settings: Any) -> Stream:
    found = contract(name)
    given: dict[str, Any] = {
        "source": "test",
        "name": name,
        "contract": found,
        "max_quarantined_rate": 0.2,
        "rules": read_rules(fields or {}, found, "tillmill.toml: test"),
        "timezone": "America/New_York",
        "deletes": None,
        "currency": "USD",
        "calling_code": "1",
        "where": "tillmill.toml: test",
        "pages": lambda cursor: iter(()),
    }
    return Stream(**(given | settings))


def make_page(rows: list[dict[str, Any]] | pl.DataFrame) -> Page:
    records = rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows, infer_schema_length=None)
    return Page(records, {}, READ_AT, "a page")
