"""What buyers say in public of what they bought: short posts in English and Chinese, made from one seed."""

from __future__ import annotations

import polars as pl

from demo import draws

POSTING_SHARE = 0.03  # of the baskets
WITH_PHONE_SHARE = 0.02  # of the posts: people leave a number to be called
GOOD, BAD = 0.62, 0.82  # up to the first good, from the second on bad, neutral between

ENGLISH = {
    "good": [
        "Love this {}, the kids ask for it every week.",
        "{} again today. Fresh, fair price, no complaints.",
        "Best {} in town, and I have tried them all!",
        "Bought the {} on offer and will buy it at full price too.",
    ],
    "neutral": ["Picked up {} today. It is fine.", "Does anybody know where they make this {}?", "{} for dinner."],
    "bad": [
        "The {} had gone off two days before its date. Disappointed.",
        "Third time the {} is out of stock. Please sort it out.",
        "Box was crushed and the {} had leaked. I want my money back.",
        "{} tastes watery since the summer, not buying it again.",
    ],
}
CHINESE = {
    "good": [
        "这家的{}真好喝也好吃，孩子天天要。",
        "又回购了{}，新鲜，价格也实在。",
        "{}活动价太划算了，囤了两份。",
        "{}味道很正，推荐！",
    ],
    "neutral": ["今天买了{}，中规中矩。", "有人知道这个{}是哪里产的吗？", "晚饭配{}。"],
    "bad": [
        "{}还没到期就坏了，太失望了。",
        "{}又缺货，跑了三次都没有。",
        "快递把{}压坏了，漏了一箱，要求退款。",
        "{}口感变淡了，不会再买。",
    ],
}
WARES = {
    "FLUID MILK PRODUCTS": ("milk", "鲜奶"),
    "MILK BY-PRODUCTS": ("sour cream", "酸奶油"),
    "YOGURT": ("yogurt", "酸奶"),
    "CHEESE": ("cheese", "奶酪"),
    "ICE CREAM/MILK/SHERBTS": ("ice cream", "冰淇淋"),
    "FRZN NOVELTIES/WTR ICE": ("ice pops", "雪糕"),
    "BAKED BREAD/BUNS/ROLLS": ("bread", "面包"),
}
CALL_ME = {"en": " Call me on {}.", "zh": "请打我电话{}。"}


def posts(
    lines: pl.DataFrame, people: pl.DataFrame, wares: pl.DataFrame, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """social.posts as a platform tells it, and the truth: post, household_id, sentiment.

    One post for a share of the baskets, on one of its products, a day to six after. Each is told twice: the day it was
    written, and a week later with the likes it has by then.
    """
    said = (
        lines.sort("basket_id", "line_no")
        .group_by("basket_id", maintain_order=True)
        .agg(pl.col("product_id", "household_id", "sold_at").first())
    )
    said = said.filter(draws.column(seed, "posts", said["basket_id"]) < POSTING_SHARE)
    said = said.join(
        people.select("household_id", "is_chinese", "phone"), on="household_id", maintain_order="left"
    ).join(wares.select("product_id", "product_category"), on="product_id", maintain_order="left")
    ids = said["basket_id"]
    mood = draws.column(seed, "post mood", ids)
    said = said.with_columns(
        language=pl.when("is_chinese").then(pl.lit("zh")).otherwise(pl.lit("en")),
        sentiment=pl.select(
            pl.when(mood < GOOD).then(pl.lit("good")).when(mood >= BAD).then(pl.lit("bad")).otherwise(pl.lit("neutral"))
        ).to_series(),
        posted_at=pl.col("sold_at")
        + pl.duration(seconds=pl.lit(draws.column(seed, "post delay", ids) * 5 * 86_400 + 86_400).cast(pl.Int64)),
        likes=pl.lit(draws.column(seed, "post likes", ids) ** 4 * 240).cast(pl.Int64),
        chance=draws.column(seed, "post words", ids),
        leaves_phone=draws.column(seed, "post phone", ids) < WITH_PHONE_SHARE,
    )
    texts = [_text(row) for row in said.iter_rows(named=True)]
    told = said.select(
        post=pl.lit("P") + pl.col("basket_id").cast(pl.String),
        platform=pl.format("microblog_{}", "language"),
        handle=pl.lit("@u") + (pl.col("household_id") * 69_621 % 2_147_483_647).cast(pl.String),
        posted_at="posted_at",
        language="language",
        text=pl.Series(texts, dtype=pl.String),
        tag=pl.col("product_id").cast(pl.String),
        likes="likes",
        household_id="household_id",
        sentiment="sentiment",
    ).with_columns(shares=pl.col("likes") // 9, replies=pl.col("likes") // 7)
    first = told.with_columns(seen_at=pl.col("posted_at"), likes=pl.lit(0, pl.Int64), shares=pl.lit(0, pl.Int64))
    later = told.with_columns(seen_at=pl.col("posted_at") + pl.duration(days=7))
    both = pl.concat([first.with_columns(replies=pl.lit(0, pl.Int64)), later], how="diagonal").with_columns(
        known_at="seen_at"
    )
    truth = told.select("post", "household_id", "sentiment")
    return both.drop("household_id", "sentiment").sort("known_at", "post"), truth


def _text(row: dict[str, object]) -> str:
    phrases = (CHINESE if row["language"] == "zh" else ENGLISH)[str(row["sentiment"])]
    english, chinese = WARES.get(str(row["product_category"]), ("dairy", "乳品"))
    phrase = phrases[int(float(str(row["chance"])) * len(phrases))]
    text = phrase.format(chinese if row["language"] == "zh" else english)
    text = text[0].upper() + text[1:]
    return text + CALL_ME[str(row["language"])].format(row["phone"]) if row["leaves_phone"] else text
