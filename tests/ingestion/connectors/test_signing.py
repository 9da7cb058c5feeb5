"""Signers against what platforms and standards publish; where none is published, against the rule in other words."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from ingestion.connectors.signing import (
    SIGNERS,
    Call,
    Keys,
    douyin,
    jd,
    oauth1_base_string,
    shopify,
    taobao,
    wangdiantong,
    woocommerce,
)

NOON_IN_CHINA = datetime(2016, 1, 1, 4, 0, 0, tzinfo=UTC)
SECRETS = Keys("12345678", "helloworld", "test")


def call(url: str = "https://example.com/api", **params: Any) -> Call:
    return Call("GET", url, params)


def test_taobao_signs_the_platforms_published_example() -> None:
    item = call(method="taobao.item.seller.get", fields="num_iid,title,nick,price,num", num_iid="11223344")
    signed = taobao(item, SECRETS, NOON_IN_CHINA).params
    assert signed["sign"] == "66987CB115214E59E6EC978214934FB8"
    assert (signed["session"], signed["timestamp"]) == ("test", "2016-01-01 12:00:00")


def test_taobao_signs_by_hmac_where_it_is_told_to() -> None:
    keys = Keys("12345678", "helloworld", "", "hmac-sha256")
    signed = taobao(call(method="m", empty=""), keys, NOON_IN_CHINA).params
    text = "app_key12345678formatjsonmethodmsign_methodhmac-sha256timestamp2016-01-01 12:00:00v2.0"
    assert signed["sign"] == hmac.new(b"helloworld", text.encode(), hashlib.sha256).hexdigest().upper()
    assert len(str(taobao(call(method="m"), Keys("k", "s", "", "hmac"), NOON_IN_CHINA).params["sign"])) == 32


def test_jd_signs_the_platforms_published_example() -> None:
    """Its words are null, which a workspace file cannot say: they are given as the platform gives them."""
    own: dict[str, Any] = {"end_date": None, "optional_fields": None, "start_date": None}
    own |= {"order_state": "WAIT_SELLER_STOCK_OUT", "page": "1", "page_size": "200"}
    at = datetime(2021, 5, 7, 1, 20, 39, 683_000, tzinfo=UTC)
    signed = jd(call(method="jingdong.pop.order.search", **own), Keys("yourappkey", "yourappSecret", "yourtoken"), at)
    assert signed.params["sign"] == "D70825340F4084360B9362B60DFD7930"
    assert signed.params["timestamp"] == "2021-05-07 09:20:39.683+0800"


def test_douyin_signs_the_sorted_body_it_sends() -> None:
    given = call("https://example.com", method="order.searchList", size=100, page=0, note="中文")
    signed = douyin(given, SECRETS, NOON_IN_CHINA)
    assert (signed.method, signed.url) == ("POST", "https://example.com/order/searchList")
    assert signed.content.decode() == '{"note":"中文","page":0,"size":100}'
    text = (
        "helloworldapp_key12345678methodorder.searchListparam_json"
        + signed.content.decode()
        + "timestamp2016-01-01 12:00:00v2helloworld"
    )
    assert signed.params["sign"] == hmac.new(b"helloworld", text.encode(), hashlib.sha256).hexdigest()
    assert signed.params["access_token"] == "test"


def test_wangdiantong_signs_names_and_values_with_their_lengths() -> None:
    signed = wangdiantong(
        call(sid="demo", page_no=0), Keys("test2-xx", "12345"), datetime.fromtimestamp(1_470_000_000, UTC)
    )
    text = "06-appkey:0008-test2-xx;07-page_no:0001-0;03-sid:0004-demo;09-timestamp:0010-147000000012345"
    assert signed.params["sign"] == hashlib.md5(text.encode()).hexdigest()


def test_the_base_string_of_oauth_is_the_published_one() -> None:
    """OAuth Core 1.0, appendix A.5: its base string and, with its key, its signature."""
    params = {
        "file": "vacation.jpg",
        "size": "original",
        "oauth_consumer_key": "dpf43f3p2l4k3l03",
        "oauth_token": "nnch734d00sl2jdk",
        "oauth_nonce": "kllo9940pd9333jh",
        "oauth_timestamp": "1191242096",
        "oauth_signature_method": "HMAC-SHA1",
        "oauth_version": "1.0",
    }
    base = oauth1_base_string("get", "http://photos.example.net/photos", params)
    assert base == (
        "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oauth_consumer_key%3Ddpf43f3p2l4k3l03"
        "%26oauth_nonce%3Dkllo9940pd9333jh%26oauth_signature_method%3DHMAC-SHA1%26oauth_timestamp%3D1191242096"
        "%26oauth_token%3Dnnch734d00sl2jdk%26oauth_version%3D1.0%26size%3Doriginal"
    )
    signature = hmac.digest(b"kd94hf93k423kf44&pfkkdhi9sl3r4s00", base.encode(), "sha1")
    assert base64.b64encode(signature).decode() == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


def test_woocommerce_signs_over_http_and_shows_the_key_over_https_alone() -> None:
    keys = Keys("ck_1", "cs_2")
    open_call = woocommerce(call("http://shop.example/wp-json/wc/v3/orders", page=2), keys, NOON_IN_CHINA)
    told = {name: str(value) for name, value in open_call.params.items() if name != "oauth_signature"}
    base = oauth1_base_string("GET", open_call.url, told)
    assert (
        open_call.params["oauth_signature"] == base64.b64encode(hmac.digest(b"cs_2&", base.encode(), "sha256")).decode()
    )
    assert (told["oauth_timestamp"], len(told["oauth_nonce"]), told["page"]) == ("1451620800", 32, "2")
    assert "cs_2" not in json.dumps(dict(open_call.params))
    other = woocommerce(call("http://shop.example/wp-json/wc/v3/orders", page=3), keys, NOON_IN_CHINA)
    assert other.params["oauth_nonce"] != told["oauth_nonce"]
    closed = woocommerce(call("https://shop.example/wp-json/wc/v3/orders", page=2), keys, NOON_IN_CHINA)
    assert closed.headers["Authorization"] == "Basic " + base64.b64encode(b"ck_1:cs_2").decode()
    assert closed.params == {"page": 2}


def test_shopify_shows_its_token_in_a_header() -> None:
    assert shopify(call(), SECRETS, NOON_IN_CHINA).headers == {"X-Shopify-Access-Token": "test"}


@pytest.mark.parametrize("name", sorted(SIGNERS))
def test_a_signer_is_pure_and_no_secret_is_shown(name: str) -> None:
    given = call(method="a.b", z="1")
    first, second = (SIGNERS[name](given, SECRETS, NOON_IN_CHINA) for _ in range(2))
    assert first == second
    assert given == call(method="a.b", z="1")
    assert "helloworld" not in repr(SECRETS) + json.dumps(dict(first.params))
