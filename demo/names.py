"""Common words that made-up people's names are drawn from, and numbers that ring nowhere."""

from __future__ import annotations


def _words(text: str) -> list[str]:
    return text.split()


FIRST_NAMES = _words(
    """
    James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard Susan Joseph Jessica
    Thomas Karen Carlos Sarah Daniel Nancy Matthew Lisa Anthony Margaret Mark Sandra Steven Ashley Andrew Emily Paul
    Donna Joshua Carol
    """
)
LAST_NAMES = _words(
    """
    Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez Gonzalez Wilson Anderson
    Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris Sanchez Clark Ramirez Lewis Robinson Walker Young
    Allen King O'Brien
    """
)
# Characters and their Latin spelling.
SURNAMES = _words(
    """
    王Wang 李Li 张Zhang 刘Liu 陈Chen 杨Yang 赵Zhao 黄Huang 周Zhou 吴Wu 徐Xu 孙Sun 胡Hu 朱Zhu 高Gao 林Lin 何He 郭Guo
    欧阳Ouyang
    """
)
GIVEN_NAMES = _words(
    """
    伟Wei 芳Fang 娜Na 敏Min 静Jing 丽Li 强Qiang 磊Lei 军Jun 洋Yang 勇Yong 艳Yan 杰Jie 娟Juan 涛Tao 明Ming 超Chao
    秀英Xiuying 建国Jianguo 晓明Xiaoming 雪梅Xuemei 子涵Zihan 思远Siyuan 佳怡Jiayi
    """
)
CITIES = [
    "New York",
    "Buffalo",
    "Rochester",
    "Syracuse",
    "Albany",
    "Newark",
    "Cincinnati",
    "Columbus",
    "Cleveland",
    "Richmond",
]
MAIL_DOMAINS = ["example.com", "example.org", "example.net"]
# North American area codes; with 555-01xx behind them they are kept for fiction.
AREAS = _words(
    """
    201 202 203 205 206 207 208 209 210 212 213 214 215 216 217 218 219 224 225 228 229 231 234 239 240 248 251 252 253
    254 256 260 262 267 269 270 276 281 301 302 303 304 305 307 308 309 310 312 313 314 315 316 317 318 319 320 321 323
    325 330
    """
)
