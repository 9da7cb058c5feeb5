"""One spelling for each person's phone, e-mail, name and code, so that equal persons give equal tokens."""

from __future__ import annotations

import re
import unicodedata

from tillmill.workspace import Brand

# Which normalisation a personal column takes; a code (member, union, shop user) keeps its letters as they are.
KINDS = {
    "phone": "phone",
    "buyer_phone": "phone",
    "email": "email",
    "buyer_email": "email",
    "name": "name",
    "buyer_name": "name",
    "ship_address": "address",
}
# Kinds that tell one person from all others; names and addresses are shared.
IDENTIFYING = ("code", "phone", "email")

_EXTENSION = re.compile(r"(?:ext\.?|x|#|转|,|;)\s*\d+$|^(?:\+?86[\s-]?)?1[3-9]\d{9}-\d{1,6}$", re.IGNORECASE)
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s]+$")
_ONE_DIGIT = re.compile(r"(\d)\1{6,}$")
_SPACES = re.compile(r"\s+")
_PLACEHOLDERS = ("13800138000", "12345678", "1234567890", "0123456789")
# Calling code by currency of the brand, for currencies of one country.
CALLING_CODES = {"USD": "1", "CAD": "1", "CNY": "86", "GBP": "44", "JPY": "81", "KRW": "82", "HKD": "852", "TWD": "886"}


def calling_code_of(brand: Brand) -> str:
    """Where the brand's phones without a country come from, unless a field says otherwise; empty where nobody knows."""
    return brand.calling_code or CALLING_CODES.get(brand.currency, "")


def kind_of(column: str) -> str:
    """The normalisation of a personal column: phone, email, name, address or code."""
    return KINDS.get(column, "code")


def normalise(kind: str, value: str, calling_code: str = "") -> str | None:
    """The one spelling of a value, or None where it identifies nobody (masked, pooled, placeholder, malformed)."""
    plain = value if value.isascii() else unicodedata.normalize("NFKC", value)
    plain = _SPACES.sub(" ", plain).strip()
    if not plain:
        return None
    if kind == "phone":
        return phone(plain, calling_code)
    if "*" in plain:
        return None
    if kind == "email":
        return plain.lower() if _EMAIL.match(plain) else None
    if kind in {"name", "address"}:
        return plain.casefold()
    return plain


def phone(value: str, calling_code: str = "") -> str | None:
    """A phone as E.164 digits without the plus; None for masked, extended (pooled) and placeholder numbers.

    A number without its country takes `calling_code`; without one it stays as dialled.
    """
    if "*" in value or _EXTENSION.search(value):
        return None
    digits = re.sub(r"\D", "", value.replace("(0)", ""))
    if not 7 <= len(digits) <= 17 or _ONE_DIGIT.search(digits) or digits.endswith(_PLACEHOLDERS):
        return None
    if value.lstrip().startswith("+"):
        return digits
    if digits.startswith("00"):
        return digits[2:]
    if not calling_code:
        return digits
    if digits.startswith(calling_code) and len(digits) == len(calling_code) + _national_length(calling_code):
        return digits
    return calling_code + digits.removeprefix("0")


def _national_length(calling_code: str) -> int:
    """Digits of a national number: ten in most countries, eleven on Chinese mobiles."""
    return {"86": 11, "852": 8, "886": 9}.get(calling_code, 10)
