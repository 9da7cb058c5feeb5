"""Links come from keys that one person can own, and a key that several people use links each of them alone."""

from __future__ import annotations

from datetime import date

import polars as pl
import pytest

from customers.keys import LINK_COLUMNS, link_records

TEXT = ("record_token", "member_id_token", "phone_token", "email_token", "union_id_token", "name_token", "name")


def records(*rows: dict[str, object]) -> pl.DataFrame:
    schema = dict.fromkeys(TEXT, pl.String) | {"seen_on": pl.Date}
    return pl.DataFrame([dict.fromkeys(schema) | {"seen_on": date(2017, 3, 1)} | row for row in rows], schema=schema)


def record(token: str, **keys: object) -> dict[str, object]:
    plain = {"name", "name_token", "seen_on"}
    return {"record_token": token} | {key if key in plain else f"{key}_token": value for key, value in keys.items()}


def pairs(frame: pl.DataFrame) -> list[tuple[str, str]]:
    return sorted(link_records(frame).select("left_record", "right_record").rows())


@pytest.mark.parametrize("rule", ["member_id", "phone", "email", "union_id"])
def test_a_shared_key_links(rule: str) -> None:
    frame = records(record("a", **{rule: "k"}), record("b", **{rule: "k"}), record("c", **{rule: "other"}), record("d"))
    links = link_records(frame)
    assert links.select("left_record", "right_record", "rule").rows() == [("a", "b", rule)]
    assert dict(links.schema) == LINK_COLUMNS


def test_a_phone_of_two_people_links_each_of_them_alone() -> None:
    frame = records(
        record("a1", phone="p", name="anna berg"),
        record("a2", phone="p", name="anna berg"),
        record("b1", phone="p", name="carl berg"),
        record("b2", phone="p", name="carl berg"),
        record("till", phone="p"),
    )
    assert pairs(frame) == [("a1", "a2"), ("b1", "b2")], "and the nameless till sale is nobody's for sure"


@pytest.mark.parametrize(
    "other",
    ["ana berg", "anna berk", "berg anna", "annaberg", "Anna Berg"],
    ids=["short", "slip", "turned", "one", "case"],
)
def test_a_name_written_otherwise_is_one_person(other: str) -> None:
    frame = records(
        record("a", phone="p", name="anna berg"), record("b", phone="p", name=other), record("c", phone="p")
    )
    assert pairs(frame) == [("a", "b"), ("a", "c")]


@pytest.mark.parametrize(
    ("chinese", "other"), [("王小明", "xiaoming wang"), ("欧阳建国", "Jianguo Ouyang"), ("王小明", "王晓明")]
)
def test_a_chinese_name_in_latin_letters_or_by_its_sound_is_one_person(chinese: str, other: str) -> None:
    assert pairs(records(record("a", phone="p", name=chinese), record("b", phone="p", name=other))) == [("a", "b")]


def test_two_chinese_names_on_one_phone_are_two_people() -> None:
    assert pairs(records(record("a", phone="p", name="王伟"), record("b", phone="p", name="李娜"))) == []


def test_without_names_a_phone_of_two_members_links_nobody() -> None:
    frame = records(
        record("a", member_id="1", phone="p"), record("b", member_id="2", phone="p"), record("c", phone="p")
    )
    assert pairs(frame) == []


def test_tokens_of_names_tell_people_apart_where_clear_names_are_kept_away() -> None:
    frame = records(
        record("a", phone="p", name_token="x"),
        record("b", phone="p", name_token="x"),
        record("c", phone="p", name_token="y"),
    ).drop("name")
    assert pairs(frame) == [("a", "b")]


def test_a_pooled_phone_links_not_even_namesakes() -> None:
    names = ["anna berg", "carl dorn", "eva frey", "gert hahn", "ida jung"]
    crowd = records(*(record(f"{name}{n}", phone="p", name=name) for name in names for n in (1, 2)))
    assert pairs(crowd) == []
    assert len(pairs(crowd.filter(~pl.col("name").eq("ida jung")))) == 4


def test_an_owner_who_prevails_keeps_the_phone() -> None:
    names = ["anna berg"] * 12 + ["carl dorn", "eva frey", "gert hahn", "ida jung"]
    frame = records(*(record(f"r{n:02d}", phone="p", name=name) for n, name in enumerate(names)))
    assert len(pairs(frame)) == 11


def test_a_key_nothing_vouches_for_links_nobody() -> None:
    frame = records(*(record(f"r{number:03d}", phone="p") for number in range(201)))
    assert pairs(frame) == []
    assert len(pairs(frame.head(200))) == 199


def test_links_do_not_change_as_records_of_the_same_people_arrive() -> None:
    early = records(record("m", phone="p"), record("z", phone="p", seen_on=date(2017, 4, 1)))
    late = records(record("a", phone="p", seen_on=date(2017, 5, 1)))
    before, after = link_records(early), link_records(pl.concat([early, late]))
    assert after.join(before, on=list(LINK_COLUMNS), how="semi").equals(before)
    assert after.height == 2


def test_evidence_says_whether_the_names_agree_and_shows_none() -> None:
    frame = records(
        record("a", email="e", name="anna berg"), record("b", email="e", name="ana berg"), record("c", email="e")
    )
    assert link_records(frame)["evidence"].to_list() == [
        "same email, name written otherwise",
        "same email, no name to compare",
    ]


def test_no_records_no_links() -> None:
    assert link_records(records()).is_empty()
