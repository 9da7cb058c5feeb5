"""XML without DTDs: a document type is refused before the parser sees it, and nothing outside the file is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from typing import IO, Any, BinaryIO, cast

from lxml import etree  # type: ignore[import-untyped]  # it has no stubs

from tillmill.errors import RefusedError, SourceError

BrokenXmlError: type[SyntaxError] = etree.XMLSyntaxError
MOST_PROLOG = 1 << 20
WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
# Encodings in which markup is written in the bytes of ASCII, so that the prolog can be read without knowing more.
ASCII_LIKE = re.compile(
    r"(utf-?8|us-ascii|ascii|iso-?8859-\d+|latin-?1|windows-125\d|cp125\d|koi8-\w|gb2312|gbk|gb18030|big5|euc-\w+|shift_jis)$"
)
# GBK and GB 18030 are supersets, and files that call themselves GB 2312 hold names beyond it.
WIDENED = ("gb2312", "gbk")
SKIPPED = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
DECLARED = re.compile(r"<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")


def safe_parse(
    source: IO[bytes], name: str, tag: str | tuple[str, ...] | None = None, events: tuple[str, ...] = ("end",)
) -> Iterator[tuple[str, Any]]:
    """The events of lxml's iterparse over the file, which must be seekable.

    Raises RefusedError for a document type (entity bombs and external entities need one), SourceError for an encoding
    in which one could hide; BrokenXmlError for what is not well-formed.
    """
    encoding = _check_prolog(cast(BinaryIO, source), name)
    source.seek(0)
    return cast(
        Iterator[tuple[str, Any]],
        etree.iterparse(
            source,
            events=events,
            tag=tag,
            encoding=encoding,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        ),
    )


def _check_prolog(source: BinaryIO, name: str) -> str | None:
    """The encoding to read the file in, where it is another than the declared one."""
    source.seek(0)
    start = source.read(MOST_PROLOG)
    wide = next((encoding for mark, encoding in WIDE if start.startswith(mark)), None)
    text = start.decode(wide or "latin-1", errors="ignore").removeprefix("\ufeff").removeprefix("ï»¿")
    declared = found[1].lower() if (found := DECLARED.match(text)) else "utf-8"
    if wide is None and not ASCII_LIKE.match(declared):
        raise SourceError(f"{name}: XML is not read in the encoding {declared!r} without a byte order mark")
    place = 0
    while found := SKIPPED.match(text, place):
        place = found.end()
    if text.startswith("<!", place):
        raise RefusedError(
            f"{name}: it has a document type, which can name other files and grow without end",
            next_command="ask for the file without <!DOCTYPE>",
        )
    if not re.match(r"<[^!?\s]", text[place : place + 2]):
        raise SourceError(f"{name}: no XML: it does not begin with an element")
    return "gb18030" if wide is None and declared in WIDENED else None
