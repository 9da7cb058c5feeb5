"""The people behind the households: who is a member of the club, and how they can be reached. All of it is made."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from demo import days, draws, names

TIERS = ["bronze", "bronze", "bronze", "silver", "silver", "gold"]
NEXT_TIER = {"bronze": "silver", "silver": "gold", "gold": "platinum"}

# The share of those who answer that agrees to be written to, by medium.
MEDIA_AGREED = {"email": 0.74, "sms": 0.58, "mini_program": 0.66}

MEMBER_SHARE = 0.72
CHINESE_SHARE = 0.3


def households(ids: pl.Series, seed: int) -> pl.DataFrame:
    """One row per household: household_id, is_member, member_id (null for others), name, latin_name, is_chinese, phone,
    email, gender, birth_year, city, tier, joined_at (null for others).

    Phones are from ranges that ring nowhere: North American 555-01xx, and the unassigned Chinese prefix 154.
    """
    ids = ids.unique().sort().alias("household_id")
    table = pl.DataFrame({"household_id": ids}).with_columns(
        is_member=draws.column(seed, "member", ids) < MEMBER_SHARE,
        is_chinese=draws.column(seed, "chinese", ids) < CHINESE_SHARE,
        first=draws.pick(seed, "first name", names.FIRST_NAMES, ids),
        last=draws.pick(seed, "last name", names.LAST_NAMES, ids),
        surname=draws.pick(seed, "surname", names.SURNAMES, ids),
        given=draws.pick(seed, "given name", names.GIVEN_NAMES, ids),
        gender=draws.pick(seed, "gender", ["F", "M"], ids),
        birth_year=(draws.column(seed, "birth year", ids) * 55 + 1940).cast(pl.Int64),
        city=draws.pick(seed, "city", names.CITIES, ids),
        tier=draws.pick(seed, "tier", TIERS, ids),
        domain=draws.pick(seed, "mail domain", names.MAIL_DOMAINS, ids),
        _join=draws.column(seed, "joins in the year", ids),
        _day=draws.column(seed, "join day", ids),
        _minute=(draws.column(seed, "join minute", ids) * 660 + 540).cast(pl.Int32),
    )
    han = pl.col("surname").str.extract(r"^(\p{Han}+)") + pl.col("given").str.extract(r"^(\p{Han}+)")
    latin_given, latin_surname = (
        pl.col("given").str.extract(r"([A-Z]\w*)$"),
        pl.col("surname").str.extract(r"([A-Z]\w*)$"),
    )
    number = pl.col("household_id")
    # Multiplying by a number coprime to the range scatters the ids without two meeting.
    block = (number * 3_719 + seed * 977) % (len(names.AREAS) * 100)
    american = (
        pl.lit("+1")
        + pl.lit(pl.Series("area", names.AREAS)).implode().list.get(block // 100)
        + pl.lit("55501")
        + (block % 100).cast(pl.String).str.zfill(2)
    )
    chinese = pl.lit("+86154") + ((number * 7_368_787 + seed * 1_000_003) % 100_000_000).cast(pl.String).str.zfill(8)
    join_day = (
        pl.when(pl.col("_join") < 0.8)
        .then(-5 - (pl.col("_day") * 600).floor())
        .otherwise(7 + (pl.col("_day") * 300).floor())
    ).cast(pl.Int32)
    latin = (
        pl.when("is_chinese")
        .then(latin_given + pl.lit(" ") + latin_surname)
        .otherwise(pl.col("first") + pl.lit(" ") + pl.col("last"))
    )
    return (
        table.with_columns(
            latin_name=latin,
            name=pl.when("is_chinese").then(han).otherwise(latin),
            phone=pl.when("is_chinese").then(chinese).otherwise(american),
            member_id=pl.when("is_member").then(pl.lit("M") + number.cast(pl.String).str.zfill(6)),
            joined_at=pl.when("is_member").then(days.to_utc(days.local_at(join_day, pl.col("_minute")))),
        )
        .with_columns(
            email=pl.col("latin_name").str.to_lowercase().str.replace_all("[^a-z]+", ".")
            + number.cast(pl.String)
            + pl.lit("@")
            + pl.col("domain")
        )
        .drop("first", "last", "surname", "given", "domain", "_join", "_day", "_minute")
    )


def members(people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """crm.members: one row per version of a member; about one in eight rises a tier during the year.

    About a tenth left no e-mail, a twentieth no phone; a third of the Chinese members joined by a mini program and have
    a union_id.
    """
    club = people.filter("is_member")
    ids = club["household_id"]
    club = club.with_columns(
        _mail=draws.column(seed, "no mail", ids),
        _phone=draws.column(seed, "no phone", ids),
        _union=draws.column(seed, "union id", ids),
        _rise=draws.column(seed, "rises", ids),
        _rise_day=(draws.column(seed, "rise day", ids) * 340 + 15).cast(pl.Int32),
    )
    first = club.select(
        "household_id",
        member_no="member_id",
        full_name="name",
        mobile=pl.when((pl.col("_phone") >= 0.05) | (pl.col("_mail") < 0.1)).then("phone"),
        mail=pl.when(pl.col("_mail") >= 0.1).then("email"),
        union_id=pl.when(pl.col("is_chinese") & (pl.col("_union") < 0.33)).then(
            pl.lit("o6") + (pl.col("household_id") * 2_654_435_761 % 4_294_967_296).cast(pl.String)
        ),
        birth_year="birth_year",
        sex="gender",
        city="city",
        level="tier",
        joined_via=pl.when(pl.col("is_chinese") & (pl.col("_union") < 0.33))
        .then(pl.lit("mini_program"))
        .otherwise(pl.lit("till")),
        joined_at="joined_at",
        state=pl.lit("active"),
        updated_at="joined_at",
    )
    risen = (
        first.with_columns(
            level=pl.col("level").replace_strict(NEXT_TIER),
            updated_at=days.to_utc(days.local_at(pl.lit(club["_rise_day"]), 600)),
        )
        .filter(club["_rise"] < 0.125)
        .filter(pl.col("updated_at") > pl.col("joined_at"))
    )
    return (
        pl.concat([first, risen])
        .drop("household_id")
        .with_columns(known_at=pl.col("updated_at"))
        .sort("known_at", "member_no")
    )


def consents(people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """crm.consents: one row per answer of a member to being written to; about one in eleven who agreed withdraws later.

    The club asks for e-mail and text messages on joining, and the Chinese members for its mini program too; about one
    in seven leaves a question open, which is no consent.
    """
    club = people.filter("is_member")
    asked = []
    for medium, share in MEDIA_AGREED.items():
        ids = club["household_id"]
        answers = club.select(
            member_no="member_id",
            purpose=pl.lit("marketing"),
            medium=pl.lit(medium),
            answered_at="joined_at",
            granted=draws.column(seed, f"agrees to {medium}", ids) < share,
            proof=pl.lit("form of the club"),
            _answers=draws.column(seed, f"answers on {medium}", ids) < 0.86,
            _leaves=draws.column(seed, f"withdraws {medium}", ids) < 0.09,
            _day=(draws.column(seed, f"withdraws {medium} on", ids) * 330 + 20).cast(pl.Int32),
            _asked=pl.lit(medium != "mini_program") | pl.col("is_chinese"),
        ).filter("_answers", "_asked")
        gone = answers.with_columns(
            granted=pl.lit(False),
            proof=pl.lit("unsubscribed"),
            answered_at=days.to_utc(days.local_at(pl.col("_day"), 600)),
        ).filter(answers["granted"], answers["_leaves"], pl.col("answered_at") > answers["answered_at"])
        asked += [answers, gone]
    return (
        pl.concat(asked)
        .drop("_answers", "_leaves", "_day", "_asked")
        .with_columns(known_at=pl.col("answered_at"))
        .sort("known_at", "member_no", "medium")
    )


def campaigns(table: pl.DataFrame, seed: int) -> pl.DataFrame:
    """crm.campaigns: the package's campaigns with their dates, known two weeks before they start; the cost is made."""
    start = pl.col("start_date")
    early = pl.lit(datetime(2016, 11, 1, 14, tzinfo=UTC)).cast(pl.Datetime("us", "UTC"))
    known = (start - pl.duration(days=14)).cast(pl.Datetime("us")).dt.replace_time_zone("UTC") + pl.duration(hours=14)
    cost = (draws.column(seed, "campaign cost", table["campaign_id"]) * 2_000 + 500).round(2)
    return (
        table.select(
            campaign=pl.lit("C") + pl.col("campaign_id").cast(pl.String).str.zfill(3),
            title=pl.lit("Coupon campaign ") + pl.col("campaign_id").cast(pl.String),
            type="campaign_type",
            starts_on="start_date",
            ends_on="end_date",
            cost=pl.lit(cost).cast(pl.Decimal(12, 2)),
            updated_at=pl.max_horizontal(known, early),
        )
        .with_columns(known_at=pl.col("updated_at"))
        .sort("known_at", "campaign")
    )
