"""People where nobody said that there are any: fields and texts that look like a phone or an e-mail address.

One search by the column, in patterns that polars and Python read alike. It may see a person where there is none, which
costs a sealed field; it is blind to names and addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import polars as pl

# What a field is known to hold, in the ledger, beside the kinds of `ingestion.kinds`.
PERSON = "person"

_DIGIT = "[0-9０-９]"
_WORD = "tel|phone|mobile|cell|call|sms|whatsapp"
# Neither within a word or a longer number, nor behind the point, the dash or the slash of one.
_START = rf"(?:^|[^0-9０-９A-Za-z_.\-/]|(?:^|[^0-9０-９])[.\-/]|{_WORD})"
_END = r"(?:$|[^0-9０-９A-Za-z_.]|\.(?:$|[^0-9０-９]))"
_APART = rf"(?:(?:\+|00)?86[ \-]?)1[3-9]{_DIGIT}[ \-]?{_DIGIT}{{4}}[ \-]?{_DIGIT}{{4}}"
_SPACED = rf"1[3-9]{_DIGIT}[ \-]{_DIGIT}{{4}}[ \-]{_DIGIT}{{4}}"
_BARE = rf"[1１][3-9３-９]{_DIGIT}{{9}}"
_INTERNATIONAL = rf"[+＋][1-9](?:[ \-()]{{0,2}}{_DIGIT}){{6,14}}|\+[1-9][0-9]{{0,2}}(?:\.[0-9]{{1,4}}){{3,6}}"
_NORTH_AMERICAN = r"(?:1[ .\-]?)?(?:\([2-9][0-9]{2}\) ?|[2-9][0-9]{2}[ .\-])[2-9][0-9]{2}[ .\-][0-9]{4}"
_NATIONAL = r"(?:\(0[1-9][0-9]{1,3}\) ?|0[1-9][0-9]{1,3}[ \-])[0-9]{3,4}[ \-]?[0-9]{3,4}"
_EMAIL = r"[A-Za-z0-9][A-Za-z0-9._%+\-]*[@＠][A-Za-z0-9\-]+(?:\.[A-Za-z0-9\-]+)*\.[A-Za-z]{2,}"
_WRITTEN_AS_PHONE = f"{_INTERNATIONAL}|{_APART}|{_SPACED}|{_NORTH_AMERICAN}|{_NATIONAL}"
# In a field of numbers (orders, parcels, articles) eleven digits alone are one of these.
_IN_NUMBERS = rf"(?i){_START}(?:{_WRITTEN_AS_PHONE}){_END}|{_EMAIL}"
LOOKS = rf"(?i){_START}(?:{_WRITTEN_AS_PHONE}|{_BARE}){_END}|{_EMAIL}"
# Under a name that speaks of phones or e-mails, whatever could be one is one.
REACHABLE = r"[@＠]|(?:[0-9０-９][^0-9０-９]{0,3}){7}"
_SPEAKS = re.compile(
    r"(?:^|[^a-z])(?:phone|telephone|tel|mobile|cell|msisdn|whatsapp|wechat|fax|e?mail)(?:s|no|number|phone)?(?:[^a-z]|$)"
    r"|电话|手机|邮箱|邮件|联系方式|微信|传真",
    re.IGNORECASE,
)
_NUMBERS = re.compile(
    r"(?:^|[^a-z])(?:id|no|nr|num|number|code|sku|gtin|ean|upc|barcode|serial|sn|lot|batch|ref|order|invoice|tracking"
    r"|parcel|receipt)s?$|单号|编号|编码|条码|批号|批次|序列号|流水号|货号",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def people_fields(records: pl.DataFrame, names: Iterable[str]) -> list[str]:
    """Those of the fields in which some value looks like a phone or an e-mail address, in their order."""
    texts = [name for name in names if records.schema[name] == pl.String]
    if not texts or records.is_empty():
        return []
    found = records.select(pl.col(name).str.contains(_pattern(name)).any() for name in texts).row(0)
    return [name for name, is_theirs in zip(texts, found, strict=True) if is_theirs]


def shows_people(record: Mapping[str, str | None]) -> bool:
    """Whether a value of the record looks like a phone or an e-mail address; '' names a text without fields."""
    return any(value is not None and re.search(_pattern(name), value) for name, value in record.items())


def _pattern(name: str) -> str:
    """What to look for in a field of this name."""
    words = _HUMP.sub("_", name)
    if _SPEAKS.search(words):
        return REACHABLE
    return _IN_NUMBERS if _NUMBERS.search(words) else LOOKS
