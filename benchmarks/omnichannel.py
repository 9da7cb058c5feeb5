"""Records of people as six systems hold them, with the truth: typos, shared and recycled phones, masked buyers.

A record is a membership, a web order, a till receipt, a chat contact or a call. Who it is about is known (`person`), so
that linking can be judged. Every draw comes from the seed; nothing is taken from real people.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

RECORDS_PER_PERSON = 4.0
# Source, its share of the records.
SOURCES = {"club": 0.12, "shop_a": 0.28, "shop_b": 0.28, "till": 0.15, "chat": 0.08, "service": 0.09}
DAYS = 730
PLACEHOLDER = "+8613800138000"  # what clerks type when nobody gives a number
CITIES = 240
HAN_SURNAMES = list(
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文"
)
HAN_GIVEN = list(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀英霞平刚桂兰玉萍红鹏华飞鑫波斌莉宇浩凯健俊帆帅雪梅琳倩颖佳怡欣悦子涵思远梓轩雨桐晨曦嘉诚志强建国文博天宇若曦诗琪浩然一诺皓宸语嫣"
)


def _words(text: str) -> list[str]:
    return text.split()


STARTS = _words("b br c ch d dr f g gr h j k kr l m n p r s sh st t th tr v w")
VOWELS = _words("a e i o u ai ea ie oo")
ENDS = _words("n l r s t ck ng nd rt ll m x th son ton man ley ford")
DOMAINS = ["example.com", "example.org", "example.net", "mail.example", "post.example"]
LETTERS = np.array(list("abcdefghijklmnopqrstuvwxyz"))


@dataclass(frozen=True)
class Omnichannel:
    """`records`: one row per record, clear values, null where its source does not know; `truth`: record_id, person."""

    records: pl.DataFrame
    truth: pl.DataFrame


def make(n: int, seed: int) -> Omnichannel:
    """Return `n` records of about a quarter as many people.

    Columns of `records`: record_id, source, seen_on, member_id, union_id, phone, email, name, birth_date, street, city.
    """
    rng = np.random.default_rng(seed)
    people = _people(max(10, round(n / RECORDS_PER_PERSON)), rng)
    records = _records(people, n, rng)
    return Omnichannel(records.drop("person"), records.select("record_id", "person"))


def _latin_names(count: int, rng: np.random.Generator, syllables: int) -> np.ndarray:
    parts = [rng.choice(kind, count) for _ in range(syllables) for kind in (STARTS, VOWELS)]
    parts.append(rng.choice(ENDS, count))
    return np.unique(["".join(one).capitalize() for one in zip(*parts, strict=True)])


def _zipf(pool: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draws as names are drawn: the n-th name of the pool in proportion to 1 / (n + 10)."""
    weights = 1 / (np.arange(len(pool)) + 10)
    return pool[rng.choice(len(pool), count, p=weights / weights.sum())]


def _people(count: int, rng: np.random.Generator) -> pl.DataFrame:
    """One row per person; households share an address, mostly a surname, and some of them one phone."""
    house = np.sort(rng.integers(0, max(1, int(count / 2.2)), count))
    houses = int(house.max()) + 1
    han_house = rng.random(houses) < 0.4
    latin = _zipf(rng.permutation(_latin_names(6000, rng, 1)), houses, rng)
    surname = np.where(han_house, _zipf(np.array(HAN_SURNAMES), houses, rng), latin)[house]
    other = np.where(han_house, _zipf(np.array(HAN_SURNAMES), houses, rng), _zipf(latin, houses, rng))[house]
    han = han_house[house]
    surname = np.where(rng.random(count) < 0.25, other, surname)
    double = rng.random(count) < 0.75
    han_given = np.char.add(
        _zipf(np.array(HAN_GIVEN), count, rng), np.where(double, _zipf(np.array(HAN_GIVEN), count, rng), "")
    )
    given = np.where(han, han_given, _zipf(rng.permutation(_latin_names(900, rng, 1)), count, rng))
    number = rng.permutation(count * 3)
    phone = _phones(number[:count], han)
    second = _phones(number[count : 2 * count], han)
    moved_on = rng.integers(0, DAYS, count)
    changes = rng.random(count) < 0.10
    # One number in fifty was somebody's before: given on when its first owner took another.
    givers = np.flatnonzero(changes)
    takers = rng.permutation(count)[: len(givers) // 5]
    second[takers] = phone[givers[: len(takers)]]
    changes[takers] = True
    moved_on[takers] = np.minimum(DAYS - 1, moved_on[givers[: len(takers)]] + 90)
    head = pl.DataFrame({"house": house, "phone": phone}).with_columns(first=pl.col("phone").first().over("house"))
    shares = rng.random(count) < 0.12
    phone = np.where(shares, head["first"].to_numpy(), phone)
    street = np.char.add(
        np.char.add(rng.integers(1, 400, houses).astype(str), " "), _zipf(_latin_names(4000, rng, 1), houses, rng)
    )
    handle = np.where(
        han,
        np.char.add("u", number[:count].astype(str)),
        np.char.add(np.char.lower(given.astype(str)), np.char.add(".", np.char.lower(surname.astype(str)))),
    )
    handle = np.char.add(handle.astype(str), (number[:count] % 997).astype(str))
    member = np.where(rng.random(count) < 0.6, np.char.add("M", np.char.zfill(np.arange(count).astype(str), 8)), "")
    union = np.where(rng.random(count) < 0.55, np.char.add("un", number[2 * count :].astype(str)), "")
    born = np.datetime64("1945-01-01") + rng.integers(0, 60 * 365, count)
    return pl.DataFrame(
        {
            "person": np.arange(count),
            "han": han,
            "given": given.astype(str),
            "surname": surname.astype(str),
            "phone": phone,
            "second_phone": np.where(changes, second, phone),
            "moved_on": moved_on,
            "email": np.char.add(np.char.add(handle, "@"), rng.choice(DOMAINS, count)),
            "second_email": np.char.add(
                np.char.add("x", number[:count].astype(str)), np.char.add("@", rng.choice(DOMAINS, count))
            ),
            "member_id": member,
            "union_id": union,
            "birth_date": born.astype(str),
            "street": street[house],
            "city": np.char.add("City ", _zipf(np.arange(CITIES).astype(str), houses, rng))[house],
        }
    )


def _phones(number: np.ndarray, han: np.ndarray) -> np.ndarray:
    """Numbers in ranges that ring nowhere, eight free digits each."""
    digits = np.char.zfill((number.astype(np.int64) * 7919 % 100_000_000).astype(str), 8)
    return np.where(han, np.char.add("+86154", digits), np.char.add("+1555", np.char.add("0", digits).astype("U9")))


def _records(people: pl.DataFrame, n: int, rng: np.random.Generator) -> pl.DataFrame:
    # Some come once, some come often.
    weight = rng.gamma(0.9, 1.0, people.height)
    who = rng.choice(people.height, n, p=weight / weight.sum())
    source = rng.choice(list(SOURCES), n, p=list(SOURCES.values()))
    day = rng.integers(0, DAYS, n)
    chance = {name: rng.random(n) for name in ("member", "union", "phone", "email", "name", "birth", "second", "mask")}
    table = people[who].with_columns(
        pl.Series("record_id", np.char.add("r", np.char.zfill(rng.permutation(n).astype(str), 9))),
        pl.Series("source", source),
        pl.Series("day", day),
        *(pl.Series(f"_{name}", draw) for name, draw in chance.items()),
    )
    source_is = pl.col("source")

    def known(draw: str, **shares: float) -> pl.Expr:
        share = source_is.replace_strict(list(shares), list(shares.values()), default=0.0, return_dtype=pl.Float64)
        return pl.col(f"_{draw}") < share

    phone = pl.when(pl.col("day") >= pl.col("moved_on")).then("second_phone").otherwise("phone")
    email = pl.when(pl.col("_second") < 0.15).then("second_email").otherwise("email")
    name = pl.when("han").then(pl.col("surname") + pl.col("given")).otherwise(pl.format("{} {}", "given", "surname"))
    is_masked = (source_is == "shop_b") & (pl.col("_mask") < 0.3)
    table = table.select(
        "record_id",
        "person",
        "source",
        seen_on=pl.date(2024, 1, 1) + pl.duration(days=pl.col("day")),
        member_id=pl.when(known("member", club=1.0, shop_a=0.35, till=0.75) & (pl.col("member_id") != "")).then(
            "member_id"
        ),
        union_id=pl.when(known("union", club=0.35, shop_b=0.25, chat=0.9) & (pl.col("union_id") != "")).then(
            "union_id"
        ),
        phone=pl.when(
            known("phone", club=0.95, shop_a=0.7, shop_b=0.7, till=0.6, chat=0.5, service=1.0) & ~is_masked
        ).then(phone),
        email=pl.when(known("email", club=0.6, shop_a=0.7, service=0.3)).then(email),
        name=pl.when(is_masked)
        .then(pl.format("{}**", name.str.head(1)))
        .when(known("name", club=1.0, shop_a=1.0, shop_b=1.0, chat=0.4, service=0.9))
        .then(name),
        birth_date=pl.when(known("birth", club=0.75, service=0.2)).then("birth_date"),
        street=pl.when(source_is.is_in(["shop_a", "shop_b"]) & ~is_masked).then("street"),
        city=pl.when(source_is != "till").then("city"),
    )
    for column, share in (("name", 0.05), ("phone", 0.03), ("email", 0.04), ("street", 0.06), ("birth_date", 0.02)):
        table = _misspelt(table, column, share, rng)
    swapped = (pl.col("name").str.contains(" ")) & pl.Series(rng.random(n) < 0.02)
    return table.with_columns(
        name=pl.when(swapped).then(pl.col("name").str.replace(r"^(\S+) (\S+)$", "$2 $1")).otherwise("name"),
        phone=pl.when((pl.col("source") == "service") & pl.Series(rng.random(n) < 0.03))
        .then(pl.lit(PLACEHOLDER))
        .otherwise("phone"),
    )


def _misspelt(table: pl.DataFrame, column: str, share: float, rng: np.random.Generator) -> pl.DataFrame:
    """One letter or digit of some values left out, doubled, changed or swapped with the next."""
    hit = rng.random(table.height) < share
    at = rng.random(table.height)
    kind = rng.integers(0, 4, table.height)
    letter = rng.choice(LETTERS, table.height)
    digit = rng.integers(0, 10, table.height).astype(str)
    values = table[column].to_list()
    for row in np.flatnonzero(hit):
        text = values[row]
        if text is None or len(text) < 4:
            continue
        place = 1 + int(at[row] * (len(text) - 2))
        old = text[place]
        new = str(digit[row]) if old.isdigit() else str(letter[row])
        values[row] = (
            text[:place] + text[place + 1 :],
            text[:place] + old + text[place:],
            text[:place] + new + text[place + 1 :],
            text[:place] + text[place + 1] + old + text[place + 2 :],
        )[kind[row]]
    return table.with_columns(pl.Series(column, values, dtype=pl.String))
