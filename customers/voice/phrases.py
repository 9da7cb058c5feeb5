"""What buyers of everyday goods say, written by us: words that the labelled texts, of books, hotels and films, lack.

Every phrase trains like a text of its label; a neutral one like one good and one bad text. Scoring does not read them.
"""

from __future__ import annotations

PHRASES: dict[str, dict[str, str]] = {
    "zh": {
        "good": (
            "回购了 已经回购很多次 会继续回购 无限回购 会回购的 又来买了 还会再来 以后还买 一直在买 囤货 囤了很多 "
            "多囤点 多买了几份 划算 很划算 太划算了 活动很划算 实惠 经济实惠 价格实惠 价格实在 很实在 物美价廉 "
            "物超所值 性价比高 性价比很高 优惠力度大 活动给力 新鲜 很新鲜 非常新鲜 日期新鲜 日期很新 生产日期很近 "
            "新鲜好吃 好吃 很好吃 真好吃 太好吃了 好喝 很好喝 真好喝 味道好 味道很好 味道正宗 味道很正 口感好 "
            "口感细腻 口感顺滑 奶香浓郁 香浓 醇厚 酸甜可口 香甜 很甜 脆甜 多汁 个头大 个大饱满 皮薄 甜而不腻 "
            "入口即化 孩子爱吃 宝宝喜欢 家人都爱 老人爱吃 孩子很喜欢 全家都喜欢 大人小孩都爱 包装精美 包装完好 "
            "包装严实 包装很用心 完好无损 冰袋还没化 物流快 发货快 送货快 送货上门 第二天就到 快递给力 服务好 "
            "服务周到 客服耐心 客服态度好 售后及时 正品 是正品 品质好 质量好 质量不错 做工精细 面料舒服 不掉色 "
            "合身 尺码标准 好用 很好用 洗得干净 温和不刺激 柔顺 去屑效果好 推荐 强烈推荐 推荐购买 值得推荐 "
            "值得购买 值得信赖 放心 吃得放心 信得过 满意 非常满意 好评 五星好评 惊喜 超出预期 赞 点赞 棒 太棒了 "
            "爱了 真香 没毛病 没得说 良心 良心商家 一如既往 不油腻 无异味 没有异味 不踩雷"
        ),
        "neutral": (
            "中规中矩 一般般 还行吧 凑合 就那样 说不上好坏 不好不坏 有人知道吗 请问哪里有卖 哪里产的 哪里生产的 "
            "是什么牌子 今天买了 买了一盒 晚饭吃 早餐配 刚收到 还没用 还没吃 先看看 路过看到 第一次买 多少钱 "
            "什么时候有 求问 打卡"
        ),
        "bad": (
            "难吃 很难吃 太难吃了 难喝 不好吃 不好喝 没味道 味道怪 味道很怪 变味了 有股怪味 异味 有异味 酸了 发酸 "
            "馊了 臭了 口感差 口感变差 太甜了 齁甜 太咸 太腻 像水一样 没有奶味 不新鲜 一点都不新鲜 变质 变质了 "
            "发霉 发霉了 长毛 坏了 坏的 烂了 烂掉了 全烂了 一半是坏的 过期 过期了 临期 快过期了 日期不新鲜 "
            "日期太旧 漏了 漏液 漏奶 洒了 破了 压坏了 压扁了 碎了 破损 包装破损 包装简陋 胀包 鼓包 化了 全化了 "
            "冰都化了 缺货 老是缺货 断货 买不到 少发 漏发 发错货 物流慢 快递太慢 发货慢 等了一周 迟迟不发货 "
            "送货不上门 暴力快递 客服不理 客服态度差 没人理 服务差 售后差 不给退 不退款 拒绝退货 推卸责任 退货 "
            "退款 要求退款 投诉 假货 是假的 山寨 骗人 欺骗消费者 虚假宣传 与描述不符 图文不符 缩水 分量少 缺斤少两 "
            "个头小 太小了 涨价 刚买就降价 贵 太贵 不值 不值这个价 坑 坑人 质量差 质量太差 做工差 掉色 起球 开线 "
            "有线头 褪色 有虫 有虫子 有头发 有异物 吃出头发 吃坏肚子 拉肚子 过敏 起疹子 恶心 洗不干净 刺激 掉发 "
            "死机 卡顿 发热 失望 太失望了 很失望 后悔 后悔买 上当 差评 不推荐 别买 千万别买 不会再买 再也不买 "
            "不会回购 拉黑 垃圾 踩雷 智商税 不如以前 一次不如一次 没有以前好"
        ),
    },
    "en": {
        "good": (
            "tastes great|so fresh|always fresh|really creamy|delicious|so tasty|yummy|my kids love it|"
            "the whole family loves it|great value|fair price|good price|worth every penny|bargain|"
            "on offer and worth it|bought two|stocked up|will buy again|would buy again|buying it again|"
            "my favourite|my favorite|highly recommend|recommended|fast delivery|arrived early|well packaged|"
            "arrived cold|friendly staff|helpful service|no complaints|no problems|never disappoints|good quality|"
            "just right|not too sweet|works well|love it|best in town|best ever|better than before|"
            "can't get enough|thank you|happy with it|pleasantly surprised"
        ),
        "neutral": (
            "it is fine|it's fine|it is ok|it's okay|so so|average|nothing special|picked up|picked up today|"
            "for dinner|for breakfast|for lunch|does anybody know|where is it made|where do they make it|"
            "how much is it|when is it back|bought it today|first time trying|not tried it yet"
        ),
        "bad": (
            "out of stock|always out of stock|sold out again|third time|nowhere to be found|expired|past its date|"
            "before its date|gone off|went off|sour|had gone off|mouldy|moldy|stale|rotten|spoiled|curdled|"
            "tastes off|tastes watery|watery|bland|tasteless|too sweet|too salty|box was crushed|crushed|leaked|"
            "leaking|had leaked|damaged|broken seal|dented|arrived warm|melted|late delivery|never arrived|"
            "missing items|wrong item|money back|want a refund|want my money back|refund|rude staff|no reply|"
            "overpriced|too expensive|price went up|shrunk|smaller than before|not worth it|never again|"
            "not buying again|won't buy again|not buying it again|disappointed|disappointing|waste of money|"
            "made me sick|upset stomach|hair in it|plastic in it|allergic reaction|poor quality|fell apart|"
            "stopped working|fake|avoid|do not buy|please sort it out|worse than before"
        ),
    },
}


def phrases(language: str) -> tuple[list[str], list[bool]]:
    """Phrases of a language and whether each is good; a neutral one is there as both."""
    texts, good = [], []
    for mood, listed in PHRASES[language].items():
        for phrase in listed.split("|") if "|" in listed else listed.split():
            for is_good in {"good": [True], "bad": [False], "neutral": [True, False]}[mood]:
                texts.append(phrase)
                good.append(is_good)
    return texts, good
