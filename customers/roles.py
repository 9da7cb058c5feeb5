"""Which column of a file says what about a person, and each value in one spelling."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from tillmill.errors import UsageError

# Every role with the names that columns of it go by, compared in lower case without blanks, dots and underscores.
NAMES: dict[str, tuple[str, ...]] = {
    "given_name": ("givenname", "firstname", "forename", "given", "first", "名"),
    "surname": ("surname", "lastname", "familyname", "family", "last", "姓"),
    "name": ("name", "fullname", "buyername", "customername", "recipient", "姓名", "收件人", "客户"),
    "birth_date": ("birthdate", "dateofbirth", "dob", "birthday", "birth", "生日", "出生日期"),
    "national_id": ("nationalid", "socsecid", "ssn", "idnumber", "taxid", "身份证", "身份证号"),
    "email": ("email", "mail", "emailaddress", "buyeremail", "邮箱", "电子邮箱"),
    "phone": ("phone", "mobile", "telephone", "tel", "phonenumber", "buyerphone", "手机", "手机号", "电话"),
    "street_number": ("streetnumber", "housenumber", "门牌号"),
    "street": ("street", "address1", "address", "addressline1", "shipaddress", "地址", "收货地址"),
    "street_more": ("address2", "addressline2", "building"),
    "suburb": ("suburb", "district", "区县"),
    "city": ("city", "town", "shipregion", "城市"),
    "postcode": ("postcode", "zip", "zipcode", "postalcode", "邮编"),
    "state": ("state", "province", "region", "省份"),
    "gender": ("gender", "sex", "性别"),
    "member_id": ("memberid", "memberno", "loyaltyid", "会员号"),
}
# Without one of these nothing says who a person is.
TELLING = {"given_name", "surname", "name", "national_id", "email", "phone", "member_id"}
COMPOUND_SURNAMES = (
    "欧阳", "司马", "上官", "诸葛", "司徒", "东方", "皇甫",
    "尉迟", "公孙", "慕容", "令狐", "宇文", "长孙", "端木",
)  # fmt: skip


def roles_of(columns: list[str], given: Mapping[str, str] | None = None, *, apart: str = "") -> dict[str, str]:
    """Return role → column: the roles `given` (column by role), and those that the other columns' names tell.

    `apart` is the column of ids, which tells nothing. Raises UsageError for an unknown role or column, and where no
    column says who a person is.
    """
    found = dict(given or {})
    for role, column in found.items():
        if role not in NAMES:
            raise UsageError(f"no role {role!r}; there are {', '.join(NAMES)}")
        if column not in columns:
            raise UsageError(f"no column {column!r}; there are {', '.join(columns)}")
    for column in columns:
        if column == apart or column in found.values():
            continue
        plain = column.lower().translate(str.maketrans("", "", " ._-"))
        for role, names in NAMES.items():
            if plain in names:
                found.setdefault(role, column)
    if not TELLING & found.keys():
        raise UsageError(
            f"no column of {', '.join(columns)} says who a person is. "
            f"Next: name one, for example --columns name={columns[-1]}"
        )
    return {role: found[role] for role in NAMES if role in found}


def parse_roles(text: str) -> dict[str, str]:
    """Return role → column of `role=column,role=column`; raises UsageError where a part is no such pair."""
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    for role, equals, column in pairs:
        if not (role.strip() and equals and column.strip()):
            raise UsageError(f"{role + equals + column!r} is not role=column, as in name=buyer_name")
    return {role.strip(): column.strip() for role, _, column in pairs}


def conform(frame: pl.DataFrame, roles: Mapping[str, str], *, id_column: str) -> pl.DataFrame:
    """Return one row per row of `frame`: record_id and a column per role, each value in one spelling, '' made null.

    Text is NFKC, lower case, blanks collapsed; dates and numbers keep their digits alone; a full name is also split
    into given_name and surname, where the frame has none of its own, and a full_name is made of both.
    """
    # Step by step: an expression that names another one twice would work it out twice.
    table = frame.select(
        record_id=pl.col(id_column).cast(pl.String), **{role: _plain(pl.col(column)) for role, column in roles.items()}
    )
    table = table.with_columns(
        pl.col(role).str.replace_all(r"[\s./:-]|t00.*$", "")
        for role in ("birth_date", "postcode", "national_id")
        if role in roles
    )
    if "phone" in roles:
        table = table.with_columns(pl.col("phone").str.replace_all(r"\D", "").str.strip_chars_start("0"))
        table = table.with_columns(phone=_without_country(pl.col("phone")))
    table = table.with_columns(pl.when(pl.col(role) != "").then(role).alias(role) for role in roles)
    if "name" in roles and not {"given_name", "surname"} & roles.keys():
        table = table.with_columns(_split_name(pl.col("name")))
    for part in ("given_name", "surname"):
        if part not in table.columns:
            table = table.with_columns(pl.lit(None, pl.String).alias(part))
    whole = pl.concat_str("given_name", "surname", separator=" ")
    return table.drop("name", strict=False).with_columns(full_name=whole)


def _plain(column: pl.Expr) -> pl.Expr:
    text = column.cast(pl.String).str.normalize("NFKC").str.to_lowercase()
    return text.str.replace_all(r"\s+", " ").str.strip_chars(" .,;-")


def _without_country(digits: pl.Expr) -> pl.Expr:
    """A number without its country's code: a Chinese mobile has 11 digits, most others ten at most."""
    chinese = pl.when(digits.str.contains(r"^86\d{11}$")).then(digits.str.slice(2))
    return chinese.when(digits.str.contains(r"^1[3-9]\d{9}$")).then(digits).otherwise(digits.str.tail(10))


def _split_name(name: pl.Expr) -> list[pl.Expr]:
    """Given name and surname: by blanks the first and the last word, of a Chinese name the surname comes first."""
    chinese = name.str.contains(r"^\p{Han}{2,5}$")
    family = name.str.extract(f"^({'|'.join(COMPOUND_SURNAMES)}|.)", 1)
    words = name.str.split(" ")
    return [
        pl.when(chinese).then(name.str.strip_prefix(family)).otherwise(words.list.first()).alias("given_name"),
        pl.when(chinese)
        .then(family)
        .when(words.list.len() > 1)
        .then(words.list.last())
        .otherwise(pl.lit(None, pl.String))
        .alias("surname"),
    ]
