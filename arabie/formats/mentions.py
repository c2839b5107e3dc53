"""What the XML formats of the LDC share: trees that know their lines, and mentions that others point to by id."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.parsers import expat

from arabie.document import Document, Span
from arabie.errors import FileError, nearest
from arabie.formats.files import read_bytes
from arabie.formats.losses import Losses, name_of

TAG = re.compile(r"<[/!?]?[A-Za-z][^<>]*>")
_NOT_COMPARED = re.compile("[\\s\x00-\x1f\ufffe\uffff]+")
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Node(ElementTree.Element):
    """An element that knows its line."""

    line = 0


def parse(file: Path) -> Node:
    """The tree of an XML file. Entities are refused and external ones never fetched."""
    builder, parser = ElementTree.TreeBuilder(element_factory=Node), expat.ParserCreate()

    def start(tag: str, attributes: dict[str, str]) -> None:
        builder.start(tag, attributes).line = parser.CurrentLineNumber

    def refuse(name: str, *_: Any) -> None:
        raise FileError(f"{file}:{parser.CurrentLineNumber}: the entity {name!r} is declared or used; "
                        "write the characters themselves and take the declaration out")

    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, builder.end, builder.data
    parser.EntityDeclHandler = parser.SkippedEntityHandler = refuse
    try:
        parser.Parse(read_bytes(file), True)
    except expat.ExpatError as error:
        fault = f"{expat.errors.messages[error.code]} at column {error.offset + 1}"
        raise FileError(f"{file}:{error.lineno}: not XML: {fault}; mend it, or export it again") from None
    except (ValueError, LookupError) as error:
        raise FileError(f"{file}:1: the encoding that it declares cannot be read: {error}; save it as UTF-8") from None
    return builder.close()


class Mentions:
    """The spans of one document by the id of their mention. Every error names file and line."""

    def __init__(self, file: Path, losses: Losses) -> None:
        self.file, self.losses = file, losses
        self.spans: dict[Span, Span] = {}
        self._by_id: dict[str, Span] = {}

    def where(self, node: Node) -> str:
        return f"{self.file}:{node.line}"

    def get(self, node: Node, name: str) -> str:
        """An attribute that has to be there."""
        value = node.get(name)
        if value is None:
            raise FileError(f"{self.where(node)}: <{node.tag}> has no {name}; add it")
        return value

    def numbers(self, node: Node, *names: str) -> list[int]:
        """Attributes that have to be there and be whole numbers."""
        try:
            return [int(self.get(node, name)) for name in names]
        except ValueError:
            told = " ".join(f"{name}={node.get(name)!r}" for name in names)
            raise FileError(f"{self.where(node)}: {told}; they must be numbers") from None

    def prove(self, node: Node, covered: str, place: str) -> None:
        """Raise FileError if a node quotes other characters than those covered; white space and escapes may differ."""
        quoted = "".join(node.itertext())
        if quoted.strip() and _bare(quoted) not in (_bare(covered), _bare(html.unescape(covered))):
            raise FileError(f"{self.where(node)}: {quoted[:40]!r} is not what stands at {place}, "
                            f"{covered[:40]!r}; check that this is the text that was annotated, line ends included")

    def add(self, node: Node, span: Span, what: str) -> None:
        """Take in the span of a mention, which the document's spans have once."""
        if span.id in self._by_id:
            raise FileError(f"{self.where(node)}: the ID {span.id!r} is used twice; give one another")
        if span in self.spans:
            self.losses.add(f"{what} at the place of another with the same label, joined with it", self.where(node))
        self._by_id[span.id] = self.spans.setdefault(span, span)

    def referred(self, node: Node, name: str) -> Span:
        """The span of the mention whose id an attribute gives."""
        id = self.get(node, name)
        if id not in self._by_id:
            raise FileError(f"{self.where(node)}: {name}={id!r} is the ID of no mention; "
                            f"{nearest(id, list(self._by_id)[:20])}")
        return self._by_id[id]


def _bare(text: str) -> str:
    """A text without what XML changes or cannot hold: white space and control characters."""
    return _NOT_COMPARED.sub("", text)


def without_controls(text: str) -> str:
    """A text without the characters that XML cannot hold."""
    return _NOT_XML.sub("", text)


def legal(text: str, document: Document, losses: Losses) -> str:
    """``without_controls``, with a loss where that changes an id, label or type."""
    found = without_controls(text)
    if found != text:
        losses.add("control character in an id, label or type, which XML cannot hold", name_of(document))
    return found


def typed(label: str) -> dict[str, str]:
    """A label as type and subtype, which a colon parts.

    >>> typed("Conflict:Attack"), typed("PER")
    ({'type': 'Conflict', 'subtype': 'Attack'}, {'type': 'PER'})
    """
    type, colon, subtype = label.partition(":")
    return {"type": type, "subtype": subtype} if colon else {"type": type}
