from __future__ import annotations

import pytest

from ingestion.connectors.sqltext import DIALECTS, Bound, DialectName, between, join
from tillmill.errors import SettingsError

EVIL = """a"]`b"""


@pytest.mark.parametrize(
    ("dialect", "name"),
    [
        ("postgresql", '"a""]`b"'),
        ("oracle", '"a""]`b"'),
        ("sqlite", '"a""]`b"'),
        ("sqlserver", '[a"]]`b]'),
        ("mysql", '`a"]``b`'),
    ],
)
def test_a_name_cannot_end_its_own_quotes(dialect: DialectName, name: str) -> None:
    assert DIALECTS[dialect].name_of(EVIL).text() == name


@pytest.mark.parametrize("name", ["", "a\0b", "a\nb", "x" * 129])
def test_what_is_no_name_is_refused(name: str) -> None:
    with pytest.raises(SettingsError, match="no name"):
        DIALECTS["postgresql"].name_of(name)


def test_a_table_has_at_most_a_database_and_a_schema() -> None:
    assert DIALECTS["sqlserver"].table("erp.dbo.items").text() == "[erp].[dbo].[items]"
    with pytest.raises(SettingsError, match="no table"):
        DIALECTS["sqlserver"].table("a.b.c.d")


def test_values_are_bound_and_never_part_of_the_text() -> None:
    statement = join("select 1 where a =", Bound(EVIL), "and b =", Bound("2"))
    assert statement.text() == "select 1 where a = ? and b = ?"
    assert statement.text(numbered=True) == "select 1 where a = $1 and b = $2"
    assert statement.values == [EVIL, "2"]


@pytest.mark.parametrize(
    ("dialect", "condition"),
    [
        ("postgresql", '( q."at" , q."id" ) > ( cast( ? as timestamp without time zone) , cast( ? as bigint) )'),
        ("sqlite", '( q."at" , q."id" ) > ( ? , cast( ? as numeric) )'),
        (
            "sqlserver",
            "( q.[at] >= cast( ? as datetime2(7)) and ( q.[at] > cast( ? as datetime2(7)) "
            "or ( q.[at] = cast( ? as datetime2(7)) and q.[id] > cast( ? as bigint) ) ) )",
        ),
    ],
)
def test_rows_behind_a_row_are_asked_for_in_every_dialect(dialect: DialectName, condition: str) -> None:
    speaks = DIALECTS[dialect]
    kind = "text" if dialect == "sqlite" else "timestamp"
    columns = [speaks.column("at"), speaks.column("id")]
    told = speaks.after(columns, [speaks.bound("t", kind), speaks.bound("7", "integer")])
    assert told.text() == condition
    assert [value for value in told.values if value != "t"] == ["7"]


@pytest.mark.parametrize(
    ("dialect", "clause"), [("mysql", "limit 5"), ("oracle", "offset 0 rows fetch next 5 rows only")]
)
def test_the_first_rows_are_asked_for_in_every_dialect(dialect: DialectName, clause: str) -> None:
    assert DIALECTS[dialect].first(5).text() == clause


def test_pieces_stand_between_separators() -> None:
    assert between(",", (join(letter) for letter in "abc")).text() == "a , b , c"
