"""In however many steps records come, change and go, who is who is what all of them at once would have given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from benchmarks.customers_child import as_identity_records
from benchmarks.omnichannel import make
from customers import incremental
from customers.doubtful import link_version
from customers.identity import IDENTITY_COLUMNS
from customers.incremental import Known, Resolved, changes, resolve
from customers.keys import LINK_COLUMNS
from customers.scoring import Model

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING_SAID = pl.DataFrame(schema=LINK_COLUMNS)
COLUMNS = (
    "record_token", "member_id_token", "union_id_token", "phone_token", "email_token", "name_token",
    "name", "phone", "email", "street", "city", "birth_date",
)  # fmt: skip


def never(left: str, right: str) -> pl.DataFrame:
    row = {"left_record": left, "right_record": right, "rule": "person", "model_version": "-", "verdict": "never"}
    return pl.DataFrame([row | {"weight": 1.0, "evidence": "two brothers", "at": T0}], schema=LINK_COLUMNS)


class Nights:
    """One run after the other, each knowing what the last one left, as the pipeline lands it."""

    def __init__(self) -> None:
        self.known = incremental.NOTHING_KNOWN
        self.landed = pl.DataFrame(schema=LINK_COLUMNS)
        self.touched: list[int] = []

    def run(self, records: pl.DataFrame, said: pl.DataFrame = NOTHING_SAID) -> Resolved:
        at = T0 + timedelta(days=len(self.touched))
        found = resolve(records, said, self.known, at=at)
        history = [found.identities] if self.known.identities is None else [self.known.identities, found.identities]
        self.known = Known(records, found.links, pl.concat(history), found.model)
        self.landed = pl.concat([self.landed, found.changes]).unique(incremental.LINK_KEY, keep="last")
        self.touched.append(found.touched)
        holding = self.landed.filter(pl.col("verdict") != incremental.WITHDRAWN)
        assert ordered(holding).equals(ordered(found.links)), "what landed is what holds"
        return found

    def groups(self, records: pl.DataFrame) -> set[frozenset[str]]:
        assert self.known.identities is not None
        return groups(self.known.identities, records)


def ordered(links: pl.DataFrame) -> pl.DataFrame:
    return links.sort(incremental.LINK_KEY)


def groups(identities: pl.DataFrame, records: pl.DataFrame) -> set[frozenset[str]]:
    """Who stands together, by each record's latest decision."""
    latest = identities.sort("decided_at").group_by("record_token").last().join(records, on="record_token", how="semi")
    assert latest.height == records.height
    return {frozenset(group) for group in latest.group_by("customer_id").agg("record_token")["record_token"]}


def same_as_at_once(nights: Nights, records: pl.DataFrame, said: pl.DataFrame = NOTHING_SAID) -> None:
    """All records in one go, by the same model: the same links to the last digit, the same people."""
    at_once = resolve(records, said, Known(pl.DataFrame(), NOTHING_SAID, None, nights.known.model), at=T0)
    assert at_once.model == nights.known.model
    assert ordered(at_once.links).equals(ordered(nights.known.links))
    assert groups(at_once.identities, records) == nights.groups(records)


@pytest.fixture(scope="module")
def world() -> pl.DataFrame:
    return as_identity_records(make(7_000, seed=77).records).sort("seen_on", "record_token")


@pytest.fixture(scope="module")
def first_night(world: pl.DataFrame) -> Nights:
    nights = Nights()
    nights.run(world.head(5_000))
    return nights


@pytest.fixture
def nights(first_night: Nights) -> Nights:
    mine = Nights()
    mine.known, mine.landed, mine.touched = first_night.known, first_night.landed, list(first_night.touched)
    return mine


def test_in_steps_as_at_once_with_late_changed_and_deleted_records(world: pl.DataFrame, nights: Nights) -> None:
    late = world[::50]  # held back for some nights, wherever they belong in time
    rest = world.join(late, on="record_token", how="anti")
    records = rest.head(5_000)
    for upto in (5_400, 5_900, 6_500):
        records = rest.head(upto)
        nights.run(records)
        assert nights.touched[-1] < 0.7 * records.height
    same_as_at_once(nights, records)
    records = pl.concat([records, late])
    nights.run(records)
    same_as_at_once(nights, records)
    # Some get the phone of the next one, some a new name, some a member number; some are deleted.
    moved = pl.int_range(pl.len()) % 97
    records = records.with_columns(
        pl.when(moved == 1).then(pl.col(column).shift(-1)).otherwise(column).alias(column)
        for column in ("phone", "phone_token")
    ).with_columns(
        pl.when(moved == 2).then(pl.col(column).shift(1)).otherwise(column).alias(column)
        for column in ("name", "name_token")
    )
    records = records.with_columns(
        member_id_token=pl.when(moved == 3).then(pl.col("member_id_token").shift(1)).otherwise("member_id_token")
    ).filter(moved != 4)
    nights.run(records)
    same_as_at_once(nights, records)


def test_an_unchanged_night_changes_nothing(world: pl.DataFrame, nights: Nights) -> None:
    found = nights.run(world.head(5_000))
    assert (found.changes.height, found.identities.height, found.touched) == (0, 0, 0)


def person(token: str, **said: str) -> dict[str, str]:
    keys = {f"{key}_token": said[key] for key in ("member_id", "phone", "email", "name") if key in said}
    return {"record_token": token} | {key: said[key] for key in said if key != "member_id"} | keys


def with_people(world: pl.DataFrame, *people: dict[str, str]) -> pl.DataFrame:
    """The world and some more, seen last."""
    rows = [dict.fromkeys(COLUMNS) | {"seen_on": world["seen_on"].max()} | one for one in people]
    return pl.concat([world, pl.DataFrame(rows, schema=world.schema)])


def test_a_late_record_merges_two_customers_and_a_never_parts_them_again(world: pl.DataFrame, nights: Nights) -> None:
    base = world.head(5_000)
    two = (
        person("a1", name="ada quist", phone="p1", member_id="m1"),
        person("a2", name="ada quist", phone="p1"),
        person("b1", name="ada quist", email="e1"),
    )
    records = with_people(base, *two)
    nights.run(records)
    assert {frozenset({"a1", "a2"}), frozenset({"b1"})} <= nights.groups(records)
    late = with_people(records, person("c1", name="ada quist", phone="p1", email="e1"))
    late = late.with_columns(
        seen_on=pl.when(pl.col("record_token") == "c1").then(pl.min("seen_on")).otherwise("seen_on")
    )
    found = nights.run(late)
    assert frozenset({"a1", "a2", "b1", "c1"}) in nights.groups(late)
    assert found.identities.select("record_token", "reason").rows() == [("b1", "merged"), ("c1", "new")]
    assert found.touched < 20
    same_as_at_once(nights, late)
    said = never("a1", "b1")
    found = nights.run(late, said)
    parted = {group for group in nights.groups(late) if group & {"a1", "b1"}}
    assert len(parted) == 2
    assert found.changes.is_empty()
    same_as_at_once(nights, late, said)
    # And for good: another record that links the two changes nothing.
    more = with_people(late, person("d1", name="ada quist", phone="p1", email="e1", member_id="m1"))
    nights.run(more, said)
    assert not any({"a1", "b1"} <= group for group in nights.groups(more))
    same_as_at_once(nights, more, said)
    # Until it is taken back: then what linked them counts again, though no record of theirs has moved.
    taken_back = said.with_columns(verdict=pl.lit(incremental.WITHDRAWN))
    found = nights.run(more, taken_back)
    assert any({"a1", "a2", "b1", "c1", "d1"} == group for group in nights.groups(more))
    assert found.touched < 20
    same_as_at_once(nights, more, taken_back)
    same_as_at_once(nights, more)


def test_a_forgotten_record_takes_its_links_along(world: pl.DataFrame, nights: Nights) -> None:
    base = world.head(5_000)
    chain = (
        person("a", name="ada quist", phone="p1"),
        person("b", name="ada quist", phone="p1", email="e1"),
        person("c", name="ada quist", email="e1"),
    )
    records = with_people(base, *chain)
    nights.run(records)
    assert frozenset("abc") in nights.groups(records)
    less = records.filter(pl.col("record_token") != "b")
    found = nights.run(less)
    assert {frozenset("a"), frozenset("c")} <= nights.groups(less)
    assert set(found.changes["verdict"]) == {incremental.WITHDRAWN}
    same_as_at_once(nights, less)


def test_the_model_is_learnt_anew_when_records_have_doubled(world: pl.DataFrame) -> None:
    nights = Nights()
    first = nights.run(world.head(2_000)).model
    assert first is not None
    assert nights.run(world.head(3_900)).model == first
    second = nights.run(world.head(4_000))
    assert second.model is not None
    assert second.model.records == 4_000
    assert second.model.version != first.version
    assert set(nights.known.links["model_version"].unique()).isdisjoint({link_version(first)})


def test_a_model_is_text_and_holds_no_value(world: pl.DataFrame, nights: Nights) -> None:
    model = nights.known.model
    assert model is not None
    text = model.to_json()
    assert Model.from_json(text) == model
    assert Model.from_json(text).version == model.version
    names = world["name"].drop_nulls().filter(world["name"].drop_nulls().str.len_chars() > 5)
    assert not any(name in text for name in names.head(500))


def test_changes_bring_one_state_to_the_other(nights: Nights) -> None:
    links = nights.known.links
    less, more = links[10:], links.with_columns(weight=pl.col("weight") * 1)
    found = changes(links, less)
    assert found.height == 10
    assert set(found["verdict"]) == {incremental.WITHDRAWN}
    assert changes(links, more).is_empty()
    assert changes(less, links).equals(ordered(links[:10]))
    assert dict(resolve(pl.DataFrame(schema=nights.known.records.schema), NOTHING_SAID).identities.schema) == (
        IDENTITY_COLUMNS
    )
