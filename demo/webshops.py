"""The share of the baskets that reaches the brand through two web shops instead of the till, and who ordered them."""

from __future__ import annotations

import polars as pl

from demo import draws

# 45 % of the households order on the web at all, and these some 28 % of their baskets: about 12 % of all baskets.
WEB_HOUSEHOLDS = 0.45
WEB_BASKETS = 0.285
LOGIN_SHARE = 0.6  # of a member's orders; the others are placed as a guest
TYPO_SHARE = 0.08  # of the guests' orders, in the phone or the e-mail
REJECTED_REFUND_SHARE = 0.02


def baskets(lines: pl.DataFrame, people: pl.DataFrame, seed: int) -> pl.DataFrame:
    """One row per basket: basket_id, household_id, sold_at, day, channel (`store`, `shop_a`, `shop_b`)."""
    table = lines.group_by("basket_id", maintain_order=True).agg(pl.col("household_id", "sold_at", "day").first())
    table = table.join(people.select("household_id", "is_chinese"), on="household_id", maintain_order="left")
    web = (draws.column(seed, "web household", table["household_id"]) < WEB_HOUSEHOLDS) & (
        draws.column(seed, "web basket", table["basket_id"]) < WEB_BASKETS
    )
    second = draws.column(seed, "second shop", table["basket_id"]) < table["is_chinese"].cast(pl.Float64) * 0.5 + 0.25
    return table.with_columns(
        channel=pl.when(~web).then(pl.lit("store")).when(second).then(pl.lit("shop_b")).otherwise(pl.lit("shop_a"))
    ).drop("is_chinese")


def sale_lines(lines: pl.DataFrame, channels: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """pos.sale_lines: the lines of the baskets that went over a till, amounts as they stand in the package.

    A basket bears its household's member number once the household has joined.
    """
    till = lines.join(
        channels.filter(pl.col("channel") == "store").select("basket_id"),
        on="basket_id",
        how="semi",
        maintain_order="left",
    ).join(people.select("household_id", "member_id", "joined_at"), on="household_id", maintain_order="left")
    return till.select(
        BASKET_ID=pl.col("basket_id").cast(pl.String),
        LINE_NO="line_no",
        STORE_ID=pl.col("store_id").cast(pl.String),
        TRANSACTION_TIMESTAMP="sold_at",
        PRODUCT_ID=pl.col("product_id").cast(pl.String),
        QUANTITY="quantity",
        SALES_VALUE="sales_value",
        RETAIL_DISC="retail_disc",
        COUPON_DISC="coupon_disc",
        COUPON_MATCH_DISC="coupon_match_disc",
        LOYALTY_ID=pl.when(pl.col("sold_at") >= pl.col("joined_at")).then("member_id"),
        known_at="sold_at",
    ).sort("TRANSACTION_TIMESTAMP", "BASKET_ID", "LINE_NO")


def _mistyped_phone(phone: pl.Expr) -> pl.Expr:
    """A phone with its sixth-last digit left out: too short to be anyone else's."""
    return phone.str.slice(0, phone.str.len_chars() - 6) + phone.str.tail(5)


def _mistyped_email(email: pl.Expr) -> pl.Expr:
    """An e-mail at a domain that is spelled wrong: nobody else's."""
    return email.str.replace("@example", "@exmaple", literal=True)


def _as_typed(phone: pl.Expr, form: pl.Expr, home: pl.Expr) -> pl.Expr:
    """A phone as people write it, with blanks and brackets; the country code may be left out in the shop's `home`
    country (`+1` or `+86`) alone."""
    parts = phone.str.slice(2, 3), phone.str.slice(5, 3), phone.str.slice(8, 4)
    american = (
        pl.when(form < 0.5)
        .then(phone)
        .when(home != "+1")
        .then(pl.format("+1 {}-{}-{}", *parts))
        .when(form < 0.75)
        .then(pl.format("({}) {}-{}", *parts))
        .otherwise(pl.format("{}-{}-{}", *parts))
    )
    chinese = (
        pl.when(form < 0.4)
        .then(phone)
        .when((form < 0.8) & (home == "+86"))
        .then(phone.str.slice(3))
        .otherwise(pl.format("+86 {} {} {}", phone.str.slice(3, 3), phone.str.slice(6, 4), phone.str.slice(10, 4)))
    )
    return pl.when(phone.str.starts_with("+86")).then(chinese).otherwise(american)


BUYER = ["account", "member", "phone", "email", "open_id", "buyer", "ship_region", "ship_address", "ship_from"]


def buyers(web: pl.DataFrame, ids: pl.Series, seed: int, purpose: str = "") -> pl.DataFrame:
    """Who orders, as the shop knows them: the columns `BUYER`, is_login, is_mistyped; one row per row of `web`.

    `web` has channel, sold_at and the columns of `people.households`; draws depend on `ids` and on `purpose`.
    """
    web = web.with_columns(
        _form=draws.column(seed, f"{purpose}phone form", ids),
        _typo=draws.column(seed, f"{purpose}typo", ids),
        _given=draws.column(seed, f"{purpose}given", ids),
        is_login=(draws.column(seed, f"{purpose}login", ids) < LOGIN_SHARE)
        & (pl.col("joined_at") <= pl.col("sold_at")).fill_null(False),
    ).with_columns(
        # Guests give a phone, an e-mail, or both.
        has_phone=pl.col("is_login") | (pl.col("_given") < 0.7),
        has_email=pl.col("is_login") | (pl.col("_given") >= 0.4),
        is_mistyped=~pl.col("is_login") & (pl.col("_typo") < TYPO_SHARE),
    )
    home = pl.when(pl.col("channel") == "shop_b").then(pl.lit("+86")).otherwise(pl.lit("+1"))
    phone = (
        pl.when("is_mistyped")
        .then(_mistyped_phone(pl.col("phone")))
        .otherwise(_as_typed(pl.col("phone"), pl.col("_form"), home))
    )
    email = (
        pl.when("is_mistyped")
        .then(_mistyped_email(pl.col("email")))
        .when(pl.col("_form") > 0.9)
        .then(pl.col("email").str.to_titlecase())
        .otherwise(pl.col("email"))
    )
    account = pl.col("channel").str.replace("shop_", "u", literal=True) + (
        pl.col("household_id") * 48_271 % 2_147_483_647
    ).cast(pl.String)
    return web.select(
        account=pl.when("is_login").then(account),
        member=pl.when("is_login").then("member_id"),
        phone=pl.when("has_phone").then(phone),
        email=pl.when("has_email").then(email),
        open_id=pl.when((pl.col("channel") == "shop_b") & pl.col("is_login")).then(pl.lit("ob") + account),
        buyer=pl.when(pl.col("channel") == "shop_b").then("name").otherwise("latin_name"),
        ship_region="city",
        ship_address=pl.format("{} Mill Road, {}", pl.col("household_id") % 980 + 1, pl.col("city")),
        ship_from=pl.lit("DC"),
        is_login="is_login",
        is_mistyped="is_mistyped",
    )


def orders(
    lines: pl.DataFrame, channels: pl.DataFrame, people: pl.DataFrame, seed: int
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The shops' orders, one row per order, and the truth about them.

    Orders carry shop, number, placed_at (= paid = completed: the package knows one time), buyer identity and total;
    the total is the sum of the lines. Truth: shop, number, basket_id, household_id, is_login, is_mistyped.
    """
    web = (
        channels.filter(pl.col("channel") != "store")
        .join(lines.group_by("basket_id").agg(total=pl.col("sales_value").sum()), on="basket_id", maintain_order="left")
        .join(people, on="household_id", maintain_order="left")
        .sort("sold_at", "basket_id")
    )
    given = buyers(web, web["basket_id"], seed)
    table = web.select("channel", "basket_id", "household_id", "sold_at", "total").hstack(given.get_columns())
    table = table.with_columns(
        number=pl.when(pl.col("channel") == "shop_a").then(pl.lit("A")).otherwise(pl.lit("B"))
        + pl.col("basket_id").cast(pl.String)
    )
    result = table.select(
        *BUYER,
        shop="channel",
        number="number",
        type=pl.lit("normal"),
        state=pl.lit("completed"),
        created_at="sold_at",
        paid_at="sold_at",
        completed_at="sold_at",
        updated_at="sold_at",
        is_virtual_phone=pl.lit(False),
        is_suspect=pl.lit(False),
        total="total",
        currency=pl.lit("USD"),
        known_at="sold_at",
    )
    return result, table.select("channel", "number", "basket_id", "household_id", "is_login", "is_mistyped")


def order_lines(lines: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """The lines of the shops' orders: shop, number, position, kind, sku, qty, list_total, paid_total, known_at."""
    return (
        lines.join(truth.select("basket_id", "channel", "number"), on="basket_id", maintain_order="left")
        .select(
            shop="channel",
            number="number",
            position="line_no",
            kind=pl.lit("sale"),
            sku=pl.col("product_id").cast(pl.String),
            qty="quantity",
            list_total=pl.col("sales_value") + pl.col("retail_disc") + pl.col("coupon_match_disc"),
            paid_total="sales_value",
            known_at="sold_at",
        )
        .with_columns(pl.col("list_total").cast(pl.Decimal(12, 2)))
        .sort("known_at", "number", "position")
    )


def refunds(lines: pl.DataFrame, truth: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Refunds that were asked for and turned down two days later: they must not cut sales."""
    asked = truth.filter(pl.lit(draws.column(seed, "refund", truth["basket_id"])) < REJECTED_REFUND_SHARE)
    first = order_lines(lines, asked).filter(pl.col("position") == 1)
    return first.select(
        shop="shop",
        refund_no=pl.lit("R") + pl.col("number"),
        number="number",
        position="position",
        kind=pl.lit("refund_only"),
        state=pl.lit("rejected"),
        qty="qty",
        amount="paid_total",
        reason=pl.lit("changed my mind"),
        asked_at=pl.col("known_at") + pl.duration(days=1),
        updated_at=pl.col("known_at") + pl.duration(days=3),
    ).with_columns(known_at=pl.col("updated_at"))
