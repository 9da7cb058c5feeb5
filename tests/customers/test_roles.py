"""Columns are known by their names, in English and Chinese, and every value gets one spelling."""

from __future__ import annotations

import polars as pl
import pytest

from customers import roles, spelling
from customers.roles import COMPOUND_SURNAMES, conform, parse_roles, roles_of
from tillmill.errors import UsageError


def test_names_of_columns_tell_their_roles() -> None:
    columns = ["rec_id", "First Name", "last_name", "DOB", "soc_sec_id", "address_1", "suburb", "手机号", "note"]
    assert roles_of(columns, apart="rec_id") == {
        "given_name": "First Name",
        "surname": "last_name",
        "birth_date": "DOB",
        "national_id": "soc_sec_id",
        "phone": "手机号",
        "street": "address_1",
        "suburb": "suburb",
    }


def test_a_given_role_wins_over_a_guess() -> None:
    roles = roles_of(["id", "name", "recipient_text"], parse_roles("name=recipient_text"), apart="id")
    assert roles == {"name": "recipient_text"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("nam=x", "no role 'nam'"),
        ("name=y", "no column 'y'"),
        ("name", "is not role=column"),
        ("", "says who a person is"),
    ],
)
def test_what_cannot_be_read_is_said(given: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        roles_of(["id", "x"], parse_roles(given), apart="id")


def test_values_get_one_spelling() -> None:
    frame = pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "name": [" Anna  BERG ", "王小明", "欧阳建国", ""],
            "phone": ["+86 154 1234 5678", "0154-12345678", "(555) 010-1234", "-"],
            "dob": ["1990-01-31", "31/01/1990", "1990.1.31", None],
        }
    )
    table = conform(frame, roles_of(frame.columns, apart="id"), id_column="id")
    assert table["record_id"].to_list() == ["1", "2", "3", "4"]
    assert table["given_name"].to_list() == ["anna", "小明", "建国", None]
    assert table["surname"].to_list() == ["berg", "王", "欧阳", None]
    assert table["full_name"].to_list() == ["anna berg", "小明 王", "建国 欧阳", None]
    assert table["phone"].to_list() == ["15412345678", "15412345678", "5550101234", None]
    assert table["birth_date"].to_list() == ["19900131", "31011990", "1990131", None]


def test_a_surname_of_two_characters_is_one_wherever_a_name_is_split() -> None:
    assert spelling.COMPOUND_SURNAMES is roles.COMPOUND_SURNAMES
    names = pl.DataFrame({"id": range(len(COMPOUND_SURNAMES)), "name": [f"{one}明" for one in COMPOUND_SURNAMES]})
    table = conform(names, {"name": "name"}, id_column="id")
    assert table["surname"].to_list() == list(COMPOUND_SURNAMES)
    assert [name.split()[0] for name in spelling.in_latin(names["name"])] == ["ming"] * names.height
