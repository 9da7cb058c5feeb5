"""How shop platforms want a request signed: one pure function each, from a call, its keys and a time to a signed call.

| signer | checked against |
|---|---|
| shopify | nothing to compute: the token stands in a header |
| woocommerce | RFC 5849 and the base string of section 3.4.1 (over HTTPS: basic authentication) |
| taobao | the platform's published example, MD5 (`66987CB1…`); the HMAC forms are unverified |
| jd | the platform's published example (`D7082534…`) |
| douyin | unverified: the platform publishes the rule and an on-line tool, but no worked example that we could find |
| wangdiantong | unverified: as for douyin |
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from urllib.parse import quote

CHINA = timezone(timedelta(hours=8))
Value = str | int


@dataclass(frozen=True)
class Keys:
    """What the platform gave us; `digest` is the method of signing where a platform offers several."""

    app_key: str = ""
    app_secret: str = field(default="", repr=False)
    access_token: str = field(default="", repr=False)
    digest: str = ""


@dataclass(frozen=True)
class Call:
    """A request before it is sent: `params` of the query (of the form, for a POST without `content`)."""

    method: str
    url: str
    params: Mapping[str, Value]
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes = b""


Signer = Callable[[Call, Keys, datetime], Call]


def shopify(call: Call, keys: Keys, at: datetime) -> Call:
    """Shopify Admin: the app's token in a header of its own."""
    return replace(call, headers={**call.headers, "X-Shopify-Access-Token": keys.access_token})


def woocommerce(call: Call, keys: Keys, at: datetime) -> Call:
    """WooCommerce: basic authentication over HTTPS, one-legged OAuth 1.0a (RFC 5849, HMAC-SHA256) over plain HTTP."""
    if call.url.startswith("https:"):
        both = base64.b64encode(f"{keys.app_key}:{keys.app_secret}".encode()).decode()
        return replace(call, headers={**call.headers, "Authorization": f"Basic {both}"})
    stamp = str(int(at.timestamp()))
    # Unique for a key and a second, as the standard asks, and the same for the same call: the function stays pure.
    told = f"{at.isoformat()} {call.method} {call.url} {sorted(call.params.items())}"
    params = {name: str(value) for name, value in call.params.items()} | {
        "oauth_consumer_key": keys.app_key,
        "oauth_timestamp": stamp,
        "oauth_nonce": hashlib.sha256(told.encode()).hexdigest()[:32],
        "oauth_signature_method": "HMAC-SHA256",
    }
    base = oauth1_base_string(call.method, call.url, params)
    # WooCommerce has no token secret: the key is the consumer's secret and a bare ampersand.
    digest = hmac.digest(f"{_percent(keys.app_secret)}&".encode(), base.encode(), "sha256")
    return replace(call, params={**params, "oauth_signature": base64.b64encode(digest).decode()})


def oauth1_base_string(method: str, url: str, params: Mapping[str, str]) -> str:
    """What OAuth 1.0a signs (RFC 5849, 3.4.1): method, address without query, and the sorted parameters."""
    pairs = sorted((_percent(name), _percent(value)) for name, value in params.items())
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    return "&".join((method.upper(), _percent(url), _percent(normal)))


def taobao(call: Call, keys: Keys, at: datetime) -> Call:
    """Taobao and Tmall (TOP): system parameters added, all sorted by name and strung together, and digested.

    `keys.digest` is md5 (the default), hmac or hmac-sha256; the last two are unverified.
    """
    digest = keys.digest or "md5"
    params = {
        **{name: str(value) for name, value in call.params.items()},
        "app_key": keys.app_key,
        "timestamp": _china(at),
        "format": "json",
        "v": "2.0",
        "sign_method": digest,
    }
    if keys.access_token:
        params["session"] = keys.access_token
    text = _strung(params)
    if digest == "md5":
        sign = _md5(f"{keys.app_secret}{text}{keys.app_secret}")
    else:
        method = "sha256" if digest == "hmac-sha256" else "md5"
        sign = hmac.digest(keys.app_secret.encode(), text.encode(), method).hex().upper()
    return replace(call, params={**params, "sign": sign})


def jd(call: Call, keys: Keys, at: datetime) -> Call:
    """JD (routerjson): the method's own parameters as one JSON text, then as TOP with MD5; `method` names the call."""
    own = {name: value for name, value in call.params.items() if name != "method"}
    params = {
        "360buy_param_json": sorted_json(own),
        "access_token": keys.access_token,
        "app_key": keys.app_key,
        "method": str(call.params.get("method", "")),
        "timestamp": at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3] + "+0800",
        "v": "2.0",
    }
    return replace(call, params={**params, "sign": _md5(f"{keys.app_secret}{_strung(params)}{keys.app_secret}")})


def douyin(call: Call, keys: Keys, at: datetime) -> Call:
    """Douyin shop (unverified): the method's own parameters as sorted JSON in the body, HMAC-SHA256 over five fields.

    The path is the method's name with slashes; the access token is sent but not signed.
    """
    method = str(call.params.get("method", ""))
    own = sorted_json({name: value for name, value in call.params.items() if name != "method"})
    signed = {"app_key": keys.app_key, "method": method, "param_json": own, "timestamp": _china(at), "v": "2"}
    text = f"{keys.app_secret}{_strung(signed)}{keys.app_secret}"
    params = {
        **{name: value for name, value in signed.items() if name != "param_json"},
        "access_token": keys.access_token,
        "sign_method": "hmac-sha256",
        "sign": hmac.digest(keys.app_secret.encode(), text.encode(), "sha256").hex(),
    }
    url = f"{call.url.rstrip('/')}/{method.replace('.', '/')}"
    headers = {**call.headers, "Content-Type": "application/json"}
    return replace(call, method="POST", url=url, params=params, headers=headers, content=own.encode())


def wangdiantong(call: Call, keys: Keys, at: datetime) -> Call:
    """Wangdiantong (unverified): sorted parameters with the lengths of names and values, the secret last, MD5.

    `keys.app_key` is the application's key; the seller's `sid` stands among the call's own parameters.
    """
    params = {name: str(value) for name, value in call.params.items()} | {
        "appkey": keys.app_key,
        "timestamp": str(int(at.timestamp())),
    }
    told = ";".join(f"{len(name):02d}-{name}:{len(value):04d}-{value}" for name, value in sorted(params.items()))
    return replace(call, params={**params, "sign": _md5(told + keys.app_secret).lower()})


SIGNERS: dict[str, Signer] = {
    "shopify": shopify,
    "woocommerce": woocommerce,
    "taobao": taobao,
    "jd": jd,
    "douyin": douyin,
    "wangdiantong": wangdiantong,
}


def sorted_json(value: Mapping[str, object]) -> str:
    """Compact JSON with sorted names, letters as they are: what is signed must be what is sent, byte for byte."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _strung(params: Mapping[str, str]) -> str:
    return "".join(f"{name}{value}" for name, value in sorted(params.items()) if value != "")


def _china(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


def _md5(text: str) -> str:
    # The platform's choice, not ours: it proves who asks, and TLS protects what is said.
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest().upper()


def _percent(text: str) -> str:
    return quote(text, safe="-._~")
