"""Text out of bytes, strictly: in a declared encoding, or in one that the bytes themselves prove."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO

from ingestion.connectors.formats.layout import AUTO
from tillmill.errors import SourceError

CHUNK = 16 << 20
UTF8 = ("utf-8", "utf8", "utf-8-sig")
# The four bytes before the two: the mark of UTF-32 LE begins like that of UTF-16 LE.
MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# The commonest characters of written Chinese, and those of trade. They are about half of any Chinese text, but an
# eighth of what another language's bytes happen to spell in GB 18030.
COMMON = frozenset(
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学"
    "如都同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将"
    "两高间由问很最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及"
    "比员解水名真论处走义各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统"
    "区保至队形社便空决治展马科司五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共"
    "确传师观清今切院让识候带导争运"
    "店商号售销额价元单货码编订客户会员姓名称省州京广深圳杭城县街购存库箱瓶袋包盒件组积券卡支付款税退换仓储物料批次厂牌季节奶面糕饼果汁茶酒"
)
HAN = re.compile("[\u4e00-\u9fff]")
LONG = re.compile("[\u0800-\U0010ffff]")
# How often a character is common, another of GB 2312, or beyond it: in Chinese text; in Latin text whose bytes happen
# to pair; in Korean or Japanese text of the same kind of encoding.
CHINESE = (0.5, 0.495, 0.005)
OTHERS = ((0.065, 0.435, 0.5), (0.13, 0.865, 0.005))
PROOF = math.log(100)
ENOUGH = 20_000


def utf8_chunks(source: BinaryIO, name: str, encoding: str) -> Iterator[bytes]:
    """The text of `source` as UTF-8 without byte order mark, in pieces that break no character.

    Raises SourceError naming the byte that is not in the encoding, or why none could be proved.
    """
    told = detect(source, name) if encoding == AUTO else encoding
    decode = _as_it_is if told.lower().replace("_", "-") in UTF8 else _by(told)
    source.seek(0)
    held, done, is_first = b"", 0, True
    while True:
        piece = source.read(CHUNK)
        try:
            text, held = decode(held + piece if held else piece, not piece)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"{name}: byte {done - len(held) + error.start:,} is not {told} ({error.reason})",
                next_command='set pull.encoding to what the file is written in, such as "gb18030", or to "auto"',
            ) from error
        done += len(piece)
        if is_first and text:
            text, is_first = text.removeprefix(codecs.BOM_UTF8), False
        if text:
            yield text
        if not piece:
            return


def _as_it_is(data: bytes, is_last: bool) -> tuple[bytes, bytes]:
    """UTF-8 is checked and passed on, but for a character that goes on in the next piece."""
    _, used = codecs.utf_8_decode(data, "strict", is_last)
    return (data, b"") if used == len(data) else (data[:used], data[used:])


def _by(encoding: str) -> Callable[[bytes, bool], tuple[bytes, bytes]]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")

    def decode(data: bytes, is_last: bool) -> tuple[bytes, bytes]:
        return decoder.decode(data, is_last).encode("utf-8"), b""

    return decode


def detect(source: BinaryIO, name: str) -> str:
    """The encoding that the whole of `source` proves: by its mark, else strict UTF-8, else plausible GB 18030.

    Any bytes at all are some Latin-1, and most are GB 18030, so that a text decodes proves little: its characters must
    be those that Chinese is written with, 100 to 1. Raises SourceError where nothing is proved.
    """
    source.seek(0)
    start = source.read(4)
    for mark, encoding in MARKS:
        if start.startswith(mark):
            return encoding
    is_utf8, is_certain = _as_utf8(source)
    if is_certain:
        return "utf-8"
    evidence = _evidence(source)
    # Two bytes of one Chinese character may be one Latin or Greek letter in UTF-8: a short text can be both.
    if is_utf8 and evidence <= 0:
        return "utf-8"
    if not is_utf8 and evidence >= PROOF:
        return "gb18030"
    raise SourceError(
        f"{name}: {'it may be UTF-8 or GB 18030' if is_utf8 else 'it is not UTF-8'}, "
        f"and its bytes do not prove {'which' if is_utf8 else 'another encoding'}",
        next_command='set pull.encoding to what the file is written in, such as "gb18030", "big5" or "cp1252"',
    )


def _texts(source: BinaryIO, encoding: str) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder(encoding)(errors="strict")
    source.seek(0)
    while piece := source.read(CHUNK):
        yield decoder.decode(piece)
    yield decoder.decode(b"", final=True)


def _as_utf8(source: BinaryIO) -> tuple[bool, bool]:
    """Whether the bytes are UTF-8, and whether they are no other text: plain ASCII, or with longer sequences."""
    is_ascii = is_long = True
    try:
        for number, text in enumerate(_texts(source, "utf-8")):
            is_long = LONG.search(text) is not None or (bool(number) and is_long)
            is_ascii = is_ascii and text.isascii()
    except UnicodeDecodeError:
        return False, False
    return True, is_ascii or is_long


def _evidence(source: BinaryIO) -> float:
    """How much (a logarithm) the characters speak for Chinese in GB 18030, against the likelier of the others."""
    seen: list[str] = []
    count = 0
    try:
        for text in _texts(source, "gb18030"):
            if count < ENOUGH:
                seen.append(re.sub(r"[\x00-\x7f]+", "", text)[: ENOUGH - count])
                count += len(seen[-1])
    except UnicodeDecodeError:
        return -math.inf
    characters = "".join(seen)
    hanzi = sum(HAN.match(character) is not None for character in characters)
    if hanzi * 2 < len(characters):
        return -math.inf
    common = sum(character in COMMON for character in characters)
    strange = len(characters) - len(characters.encode("gb2312", errors="ignore")) // 2
    counts = (common, max(0, len(characters) - common - strange), strange)
    return min(
        sum(count * math.log(here / there) for count, here, there in zip(counts, CHINESE, other, strict=True))
        for other in OTHERS
    )
