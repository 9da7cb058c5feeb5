"""XML without DTDs: a document type is refused before the parser sees it, and nothing outside the file is read."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from typing import IO, Any, BinaryIO, cast

from lxml import etree

from tillmill.errors import RefusedError, SourceError

BrokenXmlError: type[SyntaxError] = etree.XMLSyntaxError
MOST_PROLOG = 1 << 20
PIECE = 1 << 20
# A file may have any number of names; those remembered have not.
MOST_NAMES = 10_000
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
ROOT = re.compile(r"<([^!?/>\s]+)")
DECLARED = re.compile(r"<\?xml[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)[\"']")


def safe_parse(
    source: IO[bytes], name: str, wanted: str | tuple[str, ...], keeps: Callable[[Any], bool] | None = None
) -> Iterator[Any]:
    """The elements called `wanted` (without namespace), each when it has been read whole; `source` must be seekable.

    All others are let go as the file is read, but for those that `keeps` names and those above: memory does not grow
    with the file. Raises RefusedError for a document type (entity bombs and external entities need one), SourceError
    for an encoding in which one could hide; BrokenXmlError for what is not well-formed.
    """
    names = {wanted} if isinstance(wanted, str) else set(wanted)
    encoding, root_name = _check_prolog(cast(BinaryIO, source), name)
    parser = etree.XMLPullParser(
        events=("start", "end"),
        tag=[f"{{*}}{told}" for told in (*names, root_name)],
        encoding=encoding,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        # Blanks between elements, which are half of many a file; those that are an element's only text stay.
        remove_blank_text=True,
        remove_comments=True,
        remove_pis=True,
    )
    source.seek(0)
    root: Any = None
    while piece := source.read(PIECE):
        parser.feed(piece)
        for event, element in parser.read_events():
            root = element if root is None else root
            if event == "end" and local_name(element) in names:
                yield element
        if root is not None:
            _let_go(root, names, keeps)
    parser.close()


class _Local(dict[str, str]):
    """Names of elements and attributes without their namespaces, each worked out once."""

    def __missing__(self, tag: str) -> str:
        local = tag.rpartition("}")[2]
        if len(self) < MOST_NAMES:
            self[tag] = local
        return local


LOCAL = _Local()


def local_name(element: Any) -> str:
    """The element's name without its namespace."""
    return LOCAL[element.tag]


def _let_go(element: Any, names: set[str], keeps: Callable[[Any], bool] | None) -> None:
    """Removes what has been read: all that does not stand on the way to the element the parser is in."""
    while len(element) and local_name(element) not in names and not (keeps and keeps(element)):
        if keeps is None:
            del element[:-1]
        else:
            for child in element[:-1]:
                if not keeps(child):
                    element.remove(child)
        element = element[-1]


def _check_prolog(source: BinaryIO, name: str) -> tuple[str | None, str]:
    """The encoding to read the file in, where it is another than the declared one, and the name of its root."""
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
    root = ROOT.match(text, place)
    if root is None:
        raise SourceError(f"{name}: no XML: it does not begin with an element")
    root_name = root[1] if wide else root[1].encode("latin-1").decode(declared)
    return "gb18030" if wide is None and declared in WIDENED else None, root_name.rpartition(":")[2]
