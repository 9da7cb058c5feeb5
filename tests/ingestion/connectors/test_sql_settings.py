from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from ingestion.connectors.access import Access
from ingestion.connectors.adbc import address
from ingestion.connectors.sql import Connection, Pull
from ingestion.connectors.sqltext import POSTGRESQL, SQLITE


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "one of url and odbc"),
        ({"url": "postgresql://a@h/d", "odbc": "DSN=erp"}, "one of url and odbc"),
        ({"url": "postgresql://a:s3cret@h/d"}, "url holds a password"),
        ({"url": "postgresql://h/d?user=a&password=s3cret"}, "holds a password"),
        ({"odbc": "DSN=erp;Pwd={s3cret}"}, "holds a password"),
        ({"odbc": "DSN=erp; PASSWORD = s3cret"}, "holds a password"),
        ({"url": "mysql://a@h/d"}, "reached by odbc"),
        ({"url": "postgresql://a@h/d", "dialect": "mysql"}, "dialect is for odbc"),
    ],
)
def test_a_connection_that_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        Connection.model_validate(given)
    assert all("s3cret" not in told["msg"] for told in caught.value.errors())


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"key": "a"}, "one of table and query"),
        ({"table": "t", "query": "select 1", "key": "a"}, "one of table and query"),
        ({"table": "t", "key": []}, "at least 1"),
        ({"table": "t", "key": "a", "cursor": "b", "snapshot": True}, "excludes cursor"),
        (
            {"table": "t", "key": "a", "cursor": "updated_at", "columns": ["a", "价"]},
            r'need updated_at, which columns leaves out; write columns = \["a", "价", "updated_at"\]',
        ),
        ({"table": "t", "key": "a", "columns": ["b"]}, "need a, which columns leaves out"),
        ({"table": "t", "key": "a", "until": "2026-01-01T00:00:00Z"}, "since and until need cursor"),
    ],
)
def test_a_pull_that_cannot_be_meant_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Pull.model_validate(given)


def test_the_address_carries_tls_time_outs_and_the_password_with_its_signs_escaped() -> None:
    access = Access(
        "postgresql://mill@db:5433/erp?target_session_attrs=any", POSTGRESQL, "p@ss/w&rd=1", "verify-full", "ca.pem"
    )
    told = address(access)
    assert told.startswith("postgresql://mill@db:5433/erp?")
    for part in ("sslmode=verify-full", "sslrootcert=ca.pem", "connect_timeout=30", "target_session_attrs=any"):
        assert part in told
    assert "password=p%40ss%2Fw%26rd%3D1" in told
    assert access.password not in repr(access)


@pytest.mark.parametrize(
    ("target", "where"),
    [
        ("postgresql://mill@db/erp", "db:5432/erp"),
        ("Driver=SQLite3;Database=/data/till.db", "/data/till.db"),
        ("Driver={ODBC Driver 18 for SQL Server};Server=db,1433;Database=erp;UID=mill", "db,1433/erp"),
        ("DSN=erp", "erp"),
    ],
)
def test_a_database_is_named_by_host_and_name(target: str, where: str) -> None:
    assert Access(target, SQLITE).where == where
