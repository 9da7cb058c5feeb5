"""What a text is about: eleven themes of consumer goods, by the words that people use for them."""

from __future__ import annotations

import re
from functools import cache

# Every theme: its Chinese words, and its English ones as beginnings of words. A word may stand under one theme only.
# Add what your customers say; where a change should reach old posts, raise VERSION.
VERSION = "1"
LEXICON: dict[str, tuple[str, str]] = {
    "taste": (
        (
            "味道 口感 好吃 难吃 好喝 难喝 太甜 太咸 太淡 变淡 偏甜 香味 奶味 腥味 苦味 口味 风味 入口 美味 爽口 "
            "齁 不甜 香甜 香浓 醇厚"
        ),
        "tast flavo delicious yummy bland watery salty bitter sweet creamy mouthfeel texture tangy",
    ),
    "freshness": (
        "新鲜 变质 发霉 霉 馊 坏了 坏的 坏掉 烂了 烂的 过期 临期 到期 保质期 生产日期 酸了 发酸 臭了 变味 日期",
        "fresh stale expir spoil mould mold rotten rancid sour curdl gone\\s+off went\\s+off best\\s+before",
    ),
    "packaging": (
        "包装 盒子 瓶子 瓶盖 袋子 漏 破损 压坏 压扁 挤压 胀包 胀袋 密封 外壳 罐子 封口 碎了",
        "packag box bottle carton lid leak crush dent seal broken wrapp damaged pouch",
    ),
    "price": (
        "价格 价钱 便宜 贵 划算 实惠 优惠 活动价 促销 打折 降价 涨价 性价比 实在 值得 不值 差价 保价",
        "price pricey cheap expensive cost offer discount deal afford value overpriced bargain on\\s+sale",
    ),
    "delivery": (
        "快递 物流 发货 送货 配送 到货 收货 派送 骑手 送达 运费 派件",
        "deliver ship courier arriv parcel dispatch postage late\\s+by",
    ),
    "service": (
        "客服 服务 态度 售后 退款 退货 换货 投诉 卖家 商家 店家 前台 店员 不理 回复 赔",
        "service staff refund return complain support rude seller money\\s+back replacement cashier",
    ),
    "quality": (
        "质量 品质 做工 材质 掉色 起球 异物 头发 虫 假货 正品 山寨 瑕疵 次品 耐用 结实 做得",
        "quality defect fake flimsy sturdy durable contaminat hair\\s+in foreign\\s+object workmanship",
    ),
    "size": (
        "大小 尺寸 尺码 偏大 偏小 个头 分量 份量 容量 克重 斤两 缺斤 太小 太大 小包",
        "size small large portion tiny huge amount shrunk shrink quantity",
    ),
    "health": (
        (
            "过敏 拉肚子 腹泻 肚子疼 肚子痛 呕吐 恶心 不舒服 营养 健康 添加剂 防腐剂 低糖 无糖 热量 蛋白 脂肪 乳糖 "
            "食物中毒 红疹"
        ),
        (
            "allerg sick ill nause vomit diarrh health nutrit additive preservative sugar calori protein lactose "
            "stomach poison rash"
        ),
    ),
    "availability": (
        "缺货 没货 断货 买不到 售罄 补货 下架 抢不到 都没有 有货",
        "out\\s+of\\s+stock sold\\s+out unavailable restock in\\s+stock cannot\\s+find can't\\s+find empty\\s+shel",
    ),
    "loyalty": (
        "回购 再买 还会买 不会再买 不会买 推荐 老顾客 一直买 囤 常买 天天要",
        "recommend again repurchase regular loyal buying\\s+it\\s+again buy\\s+it\\s+again stock\\s+up every\\s+week",
    ),
}
THEMES = tuple(LEXICON)


def themes_of(text: str) -> list[str]:
    """The themes of which a word stands in the text, in the order of LEXICON."""
    text = text.lower()
    return [
        theme
        for theme, (chinese, english) in _words().items()
        if any(word in text for word in chinese) or english.search(text)
    ]


@cache
def _words() -> dict[str, tuple[tuple[str, ...], re.Pattern[str]]]:
    return {
        theme: (tuple(chinese.split()), re.compile(rf"\b(?:{'|'.join(english.split())})", re.ASCII))
        for theme, (chinese, english) in LEXICON.items()
    }
