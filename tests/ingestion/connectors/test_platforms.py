"""The worked blocks of docs/sources against servers on loopback that answer in the shapes the platforms document."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

import polars as pl

from ingestion.connectors import signing
from ingestion.landing.ledger import Ledger
from ingestion.prepare import prepare
from ingestion.privacy.tokens import create_keys, load_keys
from ingestion.pulling import pull_all
from ingestion.sources import bind
from tests.faults.http_server import FaultServer, Reply, Request, failing, told
from tests.ingestion.connectors.fixtures import SETTINGS, make_workspace, write_secret
from tests.ingestion.connectors.servers import serving
from tillmill.workspace import Workspace

PAGES = Path(__file__).parents[3] / "docs" / "sources"
SECRET = "s3cr3t-of-the-shop"
CHINA = ZoneInfo("Asia/Shanghai")
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).replace(microsecond=0)
Rows = dict[str, list[dict[str, Any]]]


def block(page: str) -> str:
    """The first block of a page."""
    found = re.search(r"^```toml\n(.*?)^```", (PAGES / f"{page}.md").read_text(encoding="utf-8"), re.M | re.S)
    assert found is not None
    return found[1]


def pulled(root: Path, page: str, answer: Callable[[Request], Reply]) -> tuple[Rows, Workspace]:
    """The landed rows by stream, after the page's block was pulled from the server."""
    text = block(page)
    for reference in set(re.findall(r'"file:(secrets/[a-z.]+)"', text)):
        write_secret(root / reference, SECRET)
    with serving(FaultServer(answer).run) as port:
        text = re.sub(r'"https://[^/"]+', f'"http://127.0.0.1:{port}', text)
        text = re.sub(r"^start = .*", f"start = {YESTERDAY.isoformat().replace('+00:00', 'Z')}", text, flags=re.M)
        text = re.sub(r"^requests_per_second = .*", "requests_per_second = 1000", text, flags=re.M)
        workspace = make_workspace(root, SETTINGS.replace("USD", "CNY") + text)
        for folder in workspace.folders():
            folder.mkdir(parents=True, exist_ok=True)
        create_keys(workspace)
        keys = load_keys(workspace)
        for result in pull_all(workspace, bind(workspace), lambda stream, one: prepare(stream, one, keys)):
            assert (result.error, result.quarantined) == (None, 0), result.stream
        for result in pull_all(workspace, bind(workspace), lambda stream, one: prepare(stream, one, keys)):
            assert (result.error, result.pulled) == (None, 0), f"{result.stream} lands again"
    with Ledger(workspace.ledger) as ledger:
        manifest = ledger.manifest().filter(pl.col("landed") > 0)
    return {
        name: pl.read_parquet(path).to_dicts() for name, path in manifest.select("stream", "path").iter_rows()
    }, workspace


def in_china(at: datetime) -> str:
    return at.astimezone(CHINA).strftime("%Y-%m-%d %H:%M:%S")


NOON = YESTERDAY + timedelta(hours=9)


def told_utc(row: dict[str, Any], *names: str) -> None:
    for name in names:
        assert row[name] == NOON, name


def window(asked: dict[str, str], start: str, end: str) -> bool:
    """Whether NOON lies in the span asked for, which is never longer than the platform allows."""
    since, until = (datetime.fromisoformat(asked[name]).replace(tzinfo=CHINA) for name in (start, end))
    assert until - since <= timedelta(days=1)
    return since <= NOON < until


def test_tmall(tmp_path: Path) -> None:
    line = {"oid": "901", "num_iid": "77", "sku_id": "88", "outer_sku_id": "00123", "num": "2", "price": "10.00"}
    line |= {"divide_order_fee": "18.00", "refund_status": "NO_REFUND"}
    trade = {"tid": "900", "status": "TRADE_FINISHED", "type": "step", "created": in_china(NOON), "payment": "18.00"}
    trade |= {"modified": in_china(NOON), "buyer_open_uid": "AAH", "post_fee": "0.00", "orders": {"order": [line]}}
    refund = {"refund_id": "1", "tid": "900", "oid": "901", "status": "SUCCESS", "refund_fee": "9.00"}
    refund |= {"has_good_return": True, "created": in_china(NOON), "modified": in_china(NOON)}

    def answer(request: Request) -> Reply:
        asked = request.query
        given = {name: value for name, value in asked.items() if name not in ("sign", "session", "timestamp")}
        keys = signing.Keys("12345678", SECRET, SECRET)
        at = datetime.fromisoformat(asked["timestamp"]).replace(tzinfo=CHINA)
        own = {name: value for name, value in given.items() if name not in ("app_key", "format", "v", "sign_method")}
        if signing.taobao(signing.Call("GET", "", own), keys, at).params["sign"] != asked["sign"]:
            return told({"error_response": {"code": 25, "sub_msg": "Invalid signature"}})
        is_in = window(asked, "start_modified", "end_modified")
        if asked["method"] == "taobao.refunds.receive.get":
            found: dict[str, Any] = {"refunds": {"refund": [refund]}} if is_in else {}
            return told({"refunds_receive_get_response": {"total_results": int(is_in), **found}})
        found = {"trades": {"trade": [trade]}} if is_in else {}
        return told({"trades_sold_increment_get_response": {"total_results": int(is_in), **found}})

    rows, _ = pulled(tmp_path, "tmall", answer)
    [order], [landed], [back] = (rows[f"ecommerce.{name}"] for name in ("orders", "order_lines", "refunds"))
    assert (order["order_id"], order["order_type"], str(order["total_amount"])) == ("900", "presale", "18.0000")
    told_utc(order, "placed_at", "updated_at")
    assert (landed["line_no"], landed["sku"], str(landed["list_amount"])) == (901, "00123", "20.0000")
    assert (back["kind"], back["line_no"], str(back["amount"])) == ("return_refund", 901, "9.0000")


def test_jd(tmp_path: Path) -> None:
    item = {"skuId": "1", "wareId": "2", "outerSkuId": "00123", "itemTotal": "2", "jdPrice": "10.00"}
    order = {"orderId": "300", "orderState": "FINISHED_L", "orderStartTime": in_china(NOON), "modified": in_china(NOON)}
    order |= {"orderPayment": "18.00", "freightPrice": "0.00", "itemInfoList": [item]}

    def answer(request: Request) -> Reply:
        own = json.loads(request.query["360buy_param_json"])
        assert request.query["method"] == "jingdong.pop.order.search"
        is_in = window(own, "start_date", "end_date")
        result = {"apiResult": {"success": True}, "orderInfoList": [order] if is_in else [], "orderTotal": int(is_in)}
        return told({"jingdong_pop_order_search_responce": {"searchorderinfo_result": result, "code": "0"}})

    rows, _ = pulled(tmp_path, "jd", answer)
    [landed], [line] = rows["ecommerce.orders"], rows["ecommerce.order_lines"]
    told_utc(landed, "placed_at", "updated_at")
    assert (line["order_id"], line["line_no"], line["sku"], str(line["units"])) == ("300", 1, "00123", "2.000")


def test_douyin(tmp_path: Path) -> None:
    at = int(NOON.timestamp())
    line = {"order_id": 501, "parent_order_id": "500", "product_id": 7, "sku_id": 8, "code": "00123", "item_num": 2}
    line |= {"order_amount": 2000, "pay_amount": 1800}
    order = {
        "order_id": "500",
        "create_time": at,
        "pay_time": at,
        "finish_time": 0,
        "update_time": at,
        "order_status": 3,
    }
    order |= {"pay_amount": 1800, "post_amount": 0, "doudian_open_id": "open", "shop_id": 1, "sku_order_list": [line]}

    def answer(request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/order/searchList")
        own = request.json
        assert request.body.decode() == signing.sorted_json(own)
        is_in = own["update_time_start"] <= at < own["update_time_end"] and own["page"] == 0
        return told({"code": 10000, "data": {"shop_order_list": [order] if is_in else [], "total": int(is_in)}})

    rows, _ = pulled(tmp_path, "douyin", answer)
    [landed], [line] = rows["ecommerce.orders"], rows["ecommerce.order_lines"]
    told_utc(landed, "placed_at", "paid_at", "updated_at")
    assert (landed["completed_at"], str(landed["total_amount"])) == (None, "18.0000")
    assert (line["order_id"], str(line["list_amount"]), str(line["paid_amount"])) == ("500", "20.0000", "18.0000")


def test_woocommerce(tmp_path: Path) -> None:
    at = NOON.strftime("%Y-%m-%dT%H:%M:%S")
    line = {
        "id": 31,
        "product_id": 7,
        "variation_id": 0,
        "sku": "00123",
        "quantity": 2,
        "subtotal": "20",
        "total": "18",
    }
    order = {"id": 30, "number": "1030", "status": "completed", "currency": "CNY", "prices_include_tax": False}
    order |= {"date_created_gmt": at, "date_modified_gmt": at, "date_paid_gmt": at, "date_completed_gmt": None}
    order |= {"total": "18.00", "shipping_total": "0", "customer_id": 0, "line_items": [line], "customer_note": ""}
    order |= {"billing": {"phone": "", "email": "a@example.com", "last_name": "Li"}, "shipping": {"state": "ZJ"}}
    order |= {"refunds": [{"id": 40, "reason": "broken", "total": "-9.00"}]}

    def answer(request: Request) -> Reply:
        assert request.path == "/wp-json/wc/v3/orders"
        signed = {name: value for name, value in request.query.items() if name != "oauth_signature"}
        base = signing.oauth1_base_string("GET", f"http://{request.headers['host']}{request.path}", signed)
        digest = signing.hmac.digest(f"{SECRET}&".encode(), base.encode(), "sha256")
        if request.query["oauth_signature"] != signing.base64.b64encode(digest).decode():
            return failing(401)
        return told([order] if request.query["page"] == "1" else [])

    rows, _ = pulled(tmp_path, "woocommerce", answer)
    [landed], [line], [back] = (rows[f"ecommerce.{name}"] for name in ("orders", "order_lines", "refunds"))
    told_utc(landed, "placed_at", "paid_at", "updated_at")
    assert (landed["buyer_shop_uid_token"], landed["order_id"]) == (None, "1030")
    assert (line["order_id"], line["line_no"], str(line["paid_amount"])) == ("1030", 31, "18.0000")
    assert (back["order_id"], str(back["amount"])) == ("1030", "9.0000")


def money(amount: str) -> dict[str, Any]:
    return {"shopMoney": {"amount": amount}}


def test_shopify(tmp_path: Path) -> None:
    at = NOON.strftime("%Y-%m-%dT%H:%M:%SZ")
    line = {"id": "gid://shopify/LineItem/5", "sku": "00123", "quantity": 2, "variant": {"id": "gid://shopify/V/8"}}
    line |= {
        "product": {"id": "gid://shopify/Product/7"},
        "originalTotalSet": money("20.0"),
        "discountedTotalSet": money("18.0"),
    }
    order = {"id": "gid://shopify/Order/600", "name": "#1001", "createdAt": at, "processedAt": at, "updatedAt": at}
    order |= {"totalPriceSet": money("18.0"), "currencyCode": "CNY", "customer": {"id": "gid://shopify/Customer/9"}}
    order |= {"email": "a@example.com", "phone": None, "shippingAddress": None, "cancelledAt": None, "closedAt": None}
    order |= {"totalShippingPriceSet": money("0.0"), "displayFinancialStatus": "PAID"}
    lines = {"order": order["id"], "updatedAt": at, "currencyCode": "CNY", "taxesIncluded": True}
    lines |= {"lineItems": {"nodes": [line], "pageInfo": {"hasNextPage": False}}}

    def answer(request: Request) -> Reply:
        assert (request.path, request.headers["x-shopify-access-token"]) == ("/admin/api/2026-07/graphql.json", SECRET)
        node = lines if "lineItems" in request.json["query"] else order
        page = {"nodes": [node], "pageInfo": {"hasNextPage": False, "endCursor": "x"}}
        return told({"data": {"orders": page}})

    rows, _ = pulled(tmp_path, "shopify", answer)
    [landed], [row] = rows["ecommerce.orders"], rows["ecommerce.order_lines"]
    told_utc(landed, "placed_at", "updated_at")
    assert (landed["order_id"], landed["platform_order_id"]) == ("600", "#1001")
    assert (row["order_id"], row["line_no"], row["sku"], row["variant_id"]) == ("600", 1, "00123", "8")
    assert (str(row["list_amount"]), row["is_tax_inclusive"]) == ("20.0000", True)


def test_vendure(tmp_path: Path) -> None:
    at = NOON.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    line = {"id": "5", "quantity": 2, "taxRate": 13, "linePriceWithTax": 2000, "proratedLinePriceWithTax": 1800}
    line |= {"productVariant": {"id": "8", "sku": "00123", "product": {"id": "7"}}}
    order = {"id": "1", "code": "ABC", "state": "PaymentSettled", "createdAt": at, "orderPlacedAt": at, "updatedAt": at}
    order |= {"currencyCode": "CNY", "totalWithTax": 1800, "shippingWithTax": 0, "customer": None, "lines": [line]}

    def answer(request: Request) -> Reply:
        assert (request.path, request.headers["vendure-api-key"]) == ("/admin-api", SECRET)
        assert request.json["variables"]["options"]["sort"] == {"id": "ASC"}
        return told({"data": {"orders": {"totalItems": 1, "items": [order]}}})

    rows, _ = pulled(tmp_path, "vendure", answer)
    [landed], [row] = rows["ecommerce.orders"], rows["ecommerce.order_lines"]
    told_utc(landed, "placed_at", "updated_at")
    assert (landed["order_id"], str(landed["total_amount"])) == ("ABC", "18.0000")
    assert (row["order_id"], row["line_no"], str(row["paid_amount"]), row["tax_rate"]) == ("ABC", 5, "18.0000", 0.13)


def test_django_oscar(tmp_path: Path) -> None:
    line = {"product": "http://shop/api/products/7/", "quantity": 2, "price_incl_tax": "18.00"}
    line |= {"price_incl_tax_excl_discounts": "20.00", "price_currency": "CNY"}

    def answer(request: Request) -> Reply:
        assert request.headers["authorization"].startswith("Basic ")
        if request.path != "/api/orders/":
            return told([line])
        own = f"http://{request.headers['host']}/api/orders/1/lines/"
        order = {"number": "10001", "date_placed": NOON.isoformat(), "currency": "CNY", "total_incl_tax": "18.00"}
        return told({"results": [order | {"lines": own, "email": "a@example.com"}], "next": None})

    rows, _ = pulled(tmp_path, "django-oscar", answer)
    [landed], [row] = rows["ecommerce.orders"], rows["ecommerce.order_lines"]
    told_utc(landed, "placed_at")
    assert (row["order_id"], row["line_no"], row["sku"], str(row["list_amount"])) == ("10001", 1, "7", "20.0000")


def test_kingdee(tmp_path: Path) -> None:
    lost = [
        [{"Result": {"ResponseStatus": {"IsSuccess": False, "MsgCode": 1, "Errors": [{"Message": "会话信息已丢失"}]}}}]
    ]
    sessions: list[int] = []

    def answer(request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode()))
        if "ValidateUser" in request.path:
            sessions.append(1)
            good = (form["username"], form["password"], form["lcid"]) == ("tillmill", SECRET, "2052")
            return told(
                {"LoginResultType": int(good)}, **{"Set-Cookie": f"kdservice-sessionid={len(sessions)}; path=/"}
            )
        if len(sessions) == 1 or f"kdservice-sessionid={len(sessions)}" not in request.headers["cookie"]:
            return told(lost)
        data = json.loads(form["data"])
        if data["FormId"] == "BD_MATERIAL":
            assert data["FilterString"].startswith("FDocumentStatus = 'C'")
            row = ["00123", "Milk", "4006381333931", "kg", in_china(NOON)]
        else:
            assert data["FormId"] == "SAL_SaleOrder"
            row = ["XSDD0001", 1, "C01", "00123", 12, 1.86, "2026-12-01 00:00:00", "C", in_china(NOON)]
        return told([row] if data["StartRow"] == 0 else [])

    rows, _ = pulled(tmp_path, "kingdee", answer)
    [item], [order] = rows["erp.items"], rows["erp.sales_orders"]
    assert (order["so_id"], order["sku"], str(order["price_amount"])) == ("XSDD0001", "00123", "1.8600")
    assert (item["sku"], item["base_unit"]) == ("00123", "kg")
    told_utc(item, "updated_at")


def test_wangdiantong(tmp_path: Path) -> None:
    trade = {"trade_no": "JY1", "src_tids": "900", "shop_no": "01", "trade_time": in_china(NOON), "trade_status": 110}
    trade |= {"modified": in_china(NOON), "paid": "18.00", "post_amount": "0", "warehouse_no": "WH1"}

    def answer(request: Request) -> Reply:
        form = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
        given = {name: value for name, value in form.items() if name not in ("sign", "appkey", "timestamp")}
        at = datetime.fromtimestamp(int(form["timestamp"]), UTC)
        keys = signing.Keys("your-appkey", SECRET)
        if signing.wangdiantong(signing.Call("POST", "", given), keys, at).params["sign"] != form["sign"]:
            return told({"code": 1010, "message": "sign"})
        since, until = (datetime.fromisoformat(form[name]) for name in ("start_time", "end_time"))
        assert until - since <= timedelta(hours=1)
        is_in = window(form, "start_time", "end_time") and request.path.endswith("trade_query.php")
        return told({"code": 0, "total_count": int(is_in), "trades": [trade] if is_in else []})

    rows, _ = pulled(tmp_path, "oms", answer)
    [order] = rows["ecommerce.orders"]
    assert (order["order_id"], order["platform_order_id"], order["shop_id"]) == ("JY1", "900", "01")
    told_utc(order, "placed_at", "updated_at")


def test_wecom(tmp_path: Path) -> None:
    contact = {"external_userid": "wm1", "name": "Li", "gender": 2, "unionid": "ozynq"}
    follow = {"userid": "zhang.san", "createtime": int(NOON.timestamp()), "remark": ""}

    def answer(request: Request) -> Reply:
        if request.path == "/cgi-bin/gettoken":
            assert request.query == {"corpid": "ww0000000000000000", "corpsecret": SECRET}
            return told({"errcode": 0, "access_token": "token-1", "expires_in": 7200})
        assert request.query == {"access_token": "token-1"}
        assert request.json["userid_list"] == ["zhang.san", "li.si"]
        if "cursor" in request.json:
            return told({"errcode": 0, "external_contact_list": [], "next_cursor": ""})
        page = [{"external_contact": contact, "follow_info": follow}]
        return told({"errcode": 0, "external_contact_list": page, "next_cursor": "c1"})

    rows, workspace = pulled(tmp_path, "wecom-crm", answer)
    [member] = rows["crm.members"]
    assert (member["gender"], member["source"]) == ("female", "wecom")
    told_utc(member, "joined_at")
    kept = [path.read_bytes() for path in workspace.root.rglob("*") if path.is_file() and "secrets" not in path.parts]
    assert not any(b"token-1" in text or b"ozynq" in text for text in kept)


def test_odoo(tmp_path: Path) -> None:
    item = {
        "id": 1,
        "default_code": "00123",
        "name": "Milk",
        "barcode": False,
        "categ_id": [4, "Dairy"],
        "uom_id": [1, "kg"],
    }
    item |= {"standard_price": 1.2, "list_price": 2.0, "active": True, "write_date": NOON.strftime("%Y-%m-%d %H:%M:%S")}
    line = {"id": 31, "order_id": [5, "S00005"], "order_partner_id": [9, "Partner"], "product_id": [1, "[00123] Milk"]}
    line |= {
        "product_uom_qty": 12.0,
        "qty_delivered": 4.0,
        "price_unit": 1.86,
        "currency_id": [6, "CNY"],
        "state": "sale",
    }
    line |= {"write_date": item["write_date"]}
    told_of = {"product.product": item, "sale.order.line": line}
    kinds = {"barcode": "char", "active": "boolean"}
    linked = ("categ_id", "uom_id", "order_id", "order_partner_id", "product_id", "currency_id")
    kinds |= dict.fromkeys(linked, "many2one")

    def answer(request: Request) -> Reply:
        params = request.json["params"]
        if params["service"] == "common":
            return told({"result": 7 if params["args"][2] == SECRET else False})
        _, _, _, model, method, args, _ = params["args"]
        if method == "fields_get":
            return told({"result": {name: {"type": kinds.get(name, "char")} for name in args[0]}})
        is_first = not any(term[0] == "id" for term in args[0])
        return told({"result": [told_of[model]] if is_first else []})

    rows, _ = pulled(tmp_path, "odoo", answer)
    [landed], [order] = rows["erp.items"], rows["erp.sales_orders"]
    assert (order["so_id"], order["line_no"], order["sku"], order["currency"]) == ("S00005", 31, "00123", "CNY")
    assert (landed["sku"], landed["gtin"], landed["category"], landed["base_unit"]) == ("00123", None, "Dairy", "kg")
    told_utc(landed, "updated_at")


def test_tryton(tmp_path: Path) -> None:
    at = {name: getattr(NOON, name) for name in ("year", "month", "day", "hour", "minute", "second", "microsecond")}
    item = {"id": 1, "code": "00123", "template": 9, "create_date": {"__class__": "datetime", **at}, "write_date": None}
    price = {"__class__": "Decimal", "decimal": "2.00"}
    item |= {"template.": {"name": "Milk", "list_price": price, "default_uom": 1, "default_uom.": {"symbol": "kg"}}}

    line = {"id": 7, "quantity": 12.0, "unit_price": {"__class__": "Decimal", "decimal": "1.86"}, "shipping_date": None}
    line |= {
        "sale.": {"number": "SO5", "state": "processing", "party.": {"code": "C01"}},
        "product.": {"code": "00123"},
    }
    line |= {"create_date": item["create_date"], "write_date": None}

    def answer(request: Request) -> Reply:
        if request.json["method"] == "common.db.login":
            return told({"result": [4, "session"]})
        domain = request.json["params"][0]
        record = line if request.json["method"].startswith("model.sale.line.") else item
        return told({"result": [] if any(term[0] == "id" for term in domain) else [record]})

    rows, _ = pulled(tmp_path, "tryton", answer)
    [landed], [order] = rows["erp.items"], rows["erp.sales_orders"]
    assert (order["so_id"], order["line_no"], order["sku"], str(order["price_amount"])) == ("SO5", 7, "00123", "1.8600")
    assert (landed["sku"], landed["name"], landed["base_unit"]) == ("00123", "Milk", "kg")
    told_utc(landed, "updated_at")
