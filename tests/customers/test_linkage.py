"""Records of one person are found without labels, on public sets whose truth is known."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from customers.linkage import PAIR_COLUMNS, Linked, link_frames
from customers.roles import roles_of
from tillmill.errors import UsageError

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "identity"


def febrl(number: int) -> pl.DataFrame:
    path = SHARED / "febrl" / f"dataset{number}.csv"
    if not path.exists():
        pytest.skip("the public identity sets (../shared/data/identity) are not here")
    frame = pl.read_csv(path, infer_schema=False)
    frame = frame.rename({name: name.strip() for name in frame.columns}).with_columns(pl.all().str.strip_chars())
    return frame.with_columns(person=pl.col("rec_id").str.extract(r"rec-(\d+)-", 1))


def fake_1000() -> pl.DataFrame:
    path = SHARED / "splink" / "fake_1000.csv"
    if not path.exists():
        pytest.skip("the public identity sets (../shared/data/identity) are not here")
    return pl.read_csv(path, infer_schema=False).rename({"unique_id": "rec_id", "cluster": "person"})


def true_pairs(frame: pl.DataFrame, record: str, group: str) -> set[tuple[str, str]]:
    both = frame.select(record, group).join(frame.select(record, group), on=group, suffix="_right")
    return set(both.filter(pl.col(record) < pl.col(f"{record}_right")).select(record, f"{record}_right").rows())


def f1(found: set[tuple[str, str]], truth: set[tuple[str, str]]) -> float:
    return 2 * len(found & truth) / (len(found) + len(truth))


def linked(frame: pl.DataFrame) -> Linked:
    table = frame.drop("person")
    return link_frames(table, None, roles_of(table.columns, apart="rec_id"), id_column="rec_id")


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("febrl3", 0.995), ("febrl2", 0.997), ("fake_1000", 0.87)])
def test_the_published_sets_are_linked_better_than_splink_alone(name: str, least: float) -> None:
    """Splink's own defaults reach .992, .996 and .824 (pairwise F1, unsupervised); one default setting for all here."""
    frame = fake_1000() if name == "fake_1000" else febrl(int(name[-1]))
    found = linked(frame)
    truth = true_pairs(frame, "rec_id", "person")
    assert f1(set(found.pairs.select("left_id", "right_id").rows()), truth) >= least
    assert f1(true_pairs(found.clusters, "id", "cluster_id"), truth) >= least


PEOPLE = [
    ("anna", "berg", "19800131", "anna@example.com"),
    ("carl", "dorn", "19790502", "carl@example.com"),
    ("eva", "frey", "19911111", "eva@example.com"),
    ("gert", "hahn", "19650715", "gert@example.com"),
    ("ida", "jung", "20010909", "ida@example.com"),
]


def people(copies: int = 40) -> pl.DataFrame:
    """Two records of each of 200 people, the second with one letter of the name missing."""
    rows = []
    for copy in range(copies):
        for given, family, born, mail in PEOPLE:
            person = f"{given}{copy}"
            base = {"person": person, "surname": f"{family}{chr(97 + copy % 26)}{chr(97 + copy // 26)}"}
            base |= {"birth_date": str(int(born) + copy), "email": f"{copy}{mail}"}
            rows += [
                base | {"id": f"{person}-1", "given_name": given},
                base | {"id": f"{person}-2", "given_name": given[1:]},
            ]
    return pl.DataFrame(rows)


def test_misspelt_people_are_found_and_the_reasons_said() -> None:
    frame = people()
    found = link_frames(frame.drop("person"), None, roles_of(frame.drop("person").columns, apart="id"), id_column="id")
    assert dict(found.pairs.schema) == PAIR_COLUMNS
    assert f1(set(found.pairs.select("left_id", "right_id").rows()), true_pairs(frame, "id", "person")) >= 0.99
    reasons = found.pairs["explanation"][0]
    assert reasons.startswith("name ")
    assert "email same (+" in reasons
    assert "birth_date same (+" in reasons
    assert "example.com" not in reasons, "reasons show no values"


def test_two_files_are_linked_with_each_other_alone() -> None:
    frame = people()
    first, second = frame.filter(pl.col("id").str.ends_with("-1")), frame.filter(pl.col("id").str.ends_with("-2"))
    roles = roles_of(frame.drop("person").columns, apart="id")
    twice = pl.concat([second, second.head(1).with_columns(id=pl.lit("twin"))])
    found = link_frames(first.drop("person"), twice.drop("person"), roles, id_column="id")
    assert found.pairs["left_id"].is_in(first["id"].implode()).all()
    assert found.pairs["right_id"].is_in(twice["id"].implode()).all()
    assert found.pairs.height >= 199
    assert set(found.clusters["side"]) == {"left", "right"}


def test_what_follows_from_two_links_is_listed_as_such() -> None:
    frame = pl.concat([people(), people().with_columns(id=pl.col("id") + "x", email=pl.lit(None, pl.String))])
    roles = roles_of(["surname", "birth_date", "email", "given_name"])
    found = link_frames(frame, None, roles, id_column="id")
    groups = found.clusters.group_by("cluster_id").len().filter(pl.col("len") > 2)
    assert groups.height > 0
    listed = set(found.pairs.select("left_id", "right_id").rows())
    assert listed == true_pairs(found.clusters, "id", "cluster_id")
    assert found.pairs["probability"].min() >= 0.9  # type: ignore[operator]


def test_ids_that_stand_twice_or_are_missing_are_named() -> None:
    frame = pl.DataFrame({"id": ["1", "1", None], "name": ["a b", "a b", "c d"]})
    with pytest.raises(UsageError, match="empty in row 3"):
        link_frames(frame, None, {"name": "name"}, id_column="id")
    with pytest.raises(UsageError, match="'1' stands twice"):
        link_frames(frame.head(2), None, {"name": "name"}, id_column="id")


def test_nothing_in_common_is_nothing_to_link() -> None:
    frame = pl.DataFrame({"id": ["1", "2"], "name": ["anna berg", "carl dorn"]})
    with pytest.raises(UsageError, match="nothing to link"):
        link_frames(frame, None, {"name": "name"}, id_column="id")
