"""Clear values link what keys cannot, and namesakes, siblings and contradictions stay apart."""

from __future__ import annotations

import polars as pl
import pytest

from benchmarks.customers_child import as_identity_records, quality
from benchmarks.omnichannel import make
from customers.doubtful import link_doubtful
from customers.identity import resolve_customers
from customers.keys import link_records
from customers.vetoes import contradictions


@pytest.fixture(scope="module")
def world() -> tuple[pl.DataFrame, pl.DataFrame]:
    """8,000 records as the identity step sees them, and whose they are."""
    made = make(8_000, seed=5)
    return as_identity_records(made.records), made.truth.rename({"record_id": "record_token"})


def test_all_steps_together_find_more_than_keys_and_stay_precise(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    records, truth = world
    exact = link_records(records)
    doubtful, _ = link_doubtful(records, exact)
    links = pl.concat([exact, doubtful])
    links = pl.concat([links, contradictions(records, links)])
    by_keys = quality(resolve_customers(records, exact), truth)
    by_all = quality(resolve_customers(records, links), truth)
    assert by_keys[0] >= 0.995
    assert by_all[0] >= 0.995
    assert by_all[1] >= 0.70
    assert by_all[1] >= by_keys[1] + 0.1
    assert not doubtful["evidence"].str.contains(r"@|\d{5}").any(), "evidence shows no values"
    assert doubtful.join(exact, on=["left_record", "right_record"], how="semi").is_empty()


def test_a_handful_of_people_without_a_single_proven_pair_is_no_error() -> None:
    """A newcomer's first twenty members: names that are alike, and nothing by which two of them are one."""
    people = 20
    records = pl.DataFrame(
        {
            "record_token": [f"r{number:02d}" for number in range(people)],
            "seen_on": [None] * people,
            "name": [("Li Wei", "Wang Fang", "Zhang Na", "Liu Min", "Chen Jing")[n % 5] for n in range(people)],
            "phone": [f"+861381234{n:04d}" for n in range(people)],
            "city": ["Shanghai"] * people,
            "member_id_token": [f"m{n}" for n in range(people)],
            "phone_token": [f"p{n}" for n in range(people)],
            "name_token": [f"n{n % 5}" for n in range(people)],
        },
        schema_overrides={"seen_on": pl.Date},
    ).with_columns(pl.lit(None, pl.String).alias(name) for name in ("union_id_token", "email_token"))
    doubtful, _ = link_doubtful(records, link_records(records))
    assert doubtful.is_empty(), "members of one name in one town are not one person"


def test_namesakes_in_one_street_with_an_e_mail_each_are_two(world: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    """E-mails made of one name are close to each other, which says nothing for one person."""
    records, _ = world
    said = {"name": "ada quist", "name_token": "ada quist", "city": "City 1", "seen_on": records["seen_on"].max()}
    rows = [
        said | {"record_token": "q1", "email": "ada.quist85@example.com", "street": "118 Elmwood Avenue"},
        said | {"record_token": "q2", "email": "ada.quist2771@example.com", "street": "119 Elmwood Avenue"},
    ]
    rows = [dict.fromkeys(records.columns) | row | {"email_token": row["email"]} for row in rows]
    table = pl.concat([records, pl.DataFrame(rows, schema=records.schema)])
    found, _ = link_doubtful(table, link_records(table))
    assert found.filter(pl.col("left_record").is_in(["q1", "q2"])).is_empty()
    alike = table.with_columns(
        email=pl.when(pl.col("record_token") == "q2").then(pl.lit("ada.quist85@example.org")).otherwise("email")
    )
    found, _ = link_doubtful(alike, link_records(alike))
    assert found.filter(pl.col("left_record") == "q1")["right_record"].to_list() == ["q2"]


def test_two_union_ids_or_birth_dates_are_never_one_person() -> None:
    records = pl.DataFrame(
        {
            "record_token": ["a", "b", "c", "d"],
            "seen_on": [None] * 4,
            "union_id_token": ["u1", "u2", None, None],
            "birth_date": [None, None, "1980-01-31", "1991-07-02"],
        },
        schema_overrides={"seen_on": pl.Date},
    )
    link = {"rule": "phone", "model_version": "-", "verdict": "link", "weight": 0.97, "evidence": "", "at": None}
    links = pl.DataFrame(
        [{"left_record": left, "right_record": right} | link for left, right in [("a", "b"), ("b", "c"), ("c", "d")]],
        schema=dict(contradictions(records, link_records(_no_keys(records))).schema),
    )
    found = contradictions(records, links)
    assert found.select("left_record", "right_record", "rule", "verdict").rows() == [
        ("a", "b", "union_id", "never"),
        ("c", "d", "birth_date", "never"),
    ]
    mistyped = records.with_columns(birth_date=pl.col("birth_date").str.replace("1991-07-02", "1980-01-13"))
    assert contradictions(mistyped, links)["rule"].to_list() == ["union_id"]


def _no_keys(records: pl.DataFrame) -> pl.DataFrame:
    columns = ("member_id_token", "phone_token", "email_token", "name_token")
    return records.with_columns(pl.lit(None, pl.String).alias(column) for column in columns)
