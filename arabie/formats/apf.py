"""ACE annotations: ``name.apf.xml`` with its text ``name.sgm``, ``.sgml`` or ``.txt`` beside it.

Offsets are characters of the text without its tags, counted from the start of the file, the end inclusive; ``&amp;``
and the like count as written. A label is TYPE, or TYPE:SUBTYPE. Mentions of entities, values and times become spans,
anchors of events become spans of their own, their arguments relations. POLARITY="Negative" is the schema's second
status, MODALITY="Other" its third.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError, nearest
from arabie.formats.files import atomic_folder, read_text, write_text
from arabie.formats.folders import named
from arabie.formats.losses import Losses, name_of
from arabie.formats.mentions import TAG, Mentions, Node, legal, parse, typed, without_controls
from arabie.formats.records import each_once
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

SUFFIX = ".apf.xml"
EVENTS = "events"
EXTENTS = ("extent", "head")
_SOURCES = (".sgm", ".sgml", ".txt")
_NOT_ID = re.compile(r"[\s\ufffe\uffff]")
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE source_file SYSTEM "apf.v5.1.1.dtd">\n'


def read(path: str | Path, *, schema: Schema, losses: Losses, extent: str = "extent") -> Iterator[Document]:
    """The Documents of one .apf.xml, or of every one below a folder, in the order of their paths.

    ``extent`` says whether a mention's whole extent or its head becomes the span. Raises FileError with file:line, also
    where the characters that a charseq quotes are not those at its offsets.
    """
    if extent not in EXTENTS:
        raise ArabieError(f"unknown extent {extent!r}; {nearest(extent, EXTENTS)}")
    path = Path(path)
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise FileError(f"{path}: the folder holds no {SUFFIX} file; name the folder that does")
    for file in files:
        root, text = parse(file), _source(file)
        documents = [root] if root.tag == "document" else root.findall("document")
        if not documents:
            raise FileError(f"{file}:{root.line}: no <document> in <{root.tag}>; APF is <source_file><document>…")
        for document in documents:
            yield _Reading(document, text, file, extent, schema, losses).document()


def _source(file: Path) -> str:
    """The text that a file of annotations is about: what stands beside it, without tags if it is SGML."""
    stem = file.name.removesuffix(SUFFIX).removesuffix(".xml")
    sources = [file.with_name(stem + suffix) for suffix in _SOURCES]
    source = next((source for source in sources if source.exists()), None)
    if source is None:
        raise FileError(f"{file}: its text is not beside it; add {' or '.join(source.name for source in sources)}")
    text = read_text(source)
    return text if source.suffix == ".txt" else TAG.sub("", text)


class _Reading:
    """One <document> on its way to a Document."""

    def __init__(self, tree: Node, text: str, file: Path, extent: str, schema: Schema, losses: Losses) -> None:
        self.tree, self.text, self.extent = tree, text, extent
        self.schema, self.losses = schema, losses
        self.mentions = Mentions(file, losses)

    def document(self) -> Document:
        for kind in ("entity", "value", "timex2"):
            for node in self.tree.iter(kind):
                self._mentions(node, kind)
        for event in self.tree.iter("event"):
            self._triggers(event)
        relations = [found for event in self.tree.iter("event") for found in self._arguments(event)]
        relations += [found for relation in self.tree.iter("relation") for found in self._relations(relation)]
        relations = each_once(relations, self.losses, self.mentions.where(self.tree))
        return Document(self.text, tuple(self.mentions.spans), relations, self.tree.get("DOCID"), {}, self.schema)

    def _lose(self, cause: str, node: Node) -> None:
        self.losses.add(cause, self.mentions.where(node))

    def _type(self, node: Node) -> str:
        subtype = node.get("SUBTYPE")
        return self.mentions.get(node, "TYPE") + ("" if subtype is None else f":{subtype}")

    def _mentions(self, node: Node, kind: str) -> None:
        label = kind.upper() if kind == "timex2" else self._type(node)
        mentions = node.findall(f"{kind}_mention")
        if len(mentions) > 1:
            self._lose("coreference of the mentions of an entity not kept", node)
        if node.get("CLASS", "SPC") != "SPC" or node.get("VAL") is not None:
            self._lose("class of an entity or value of a time not kept", node)
        for mention in mentions:
            place, head = self._extent(mention, "extent"), mention.find("head")
            if head is not None and (head_place := self._charseq(head)) != place:
                self._lose("head and whole extent of a mention differ; one is not kept", mention)
                place = head_place if self.extent == "head" else place
            status = self.schema.default_status(label)
            if mention.get("TYPE", "NAM") != "NAM":
                self._lose("level of a mention, such as NOM or PRO, not kept", mention)
            self.mentions.add(mention, Span(*place, label, status, id=self.mentions.get(mention, "ID")), "mention")

    def _extent(self, mention: Node, name: str) -> tuple[int, int]:
        node = mention.find(name)
        if node is None:
            raise FileError(f"{self.mentions.where(mention)}: <{mention.tag}> has no <{name}>; "
                            "add it, with its <charseq>")
        return self._charseq(node)

    def _charseq(self, node: Node) -> tuple[int, int]:
        """The range of an extent, head or anchor, proved against the characters that it quotes."""
        found = node.find("charseq")
        if found is None:
            raise FileError(f'{self.mentions.where(node)}: <{node.tag}> has no <charseq START="…" END="…">; add it')
        start, end = self.mentions.numbers(found, "START", "END")
        if not 0 <= start <= end < len(self.text):
            raise FileError(f"{self.mentions.where(found)}: {start} to {end} does not lie in the text of "
                            f"{len(self.text)} characters; offsets are counted from 0 without tags, and END is the "
                            "last character itself")
        self.mentions.prove(found, self.text[start:end + 1], f"{start} to {end}")
        return start, end + 1

    def _triggers(self, event: Node) -> None:
        label, status = self._type(event), self._status(event)
        if event.get("GENERICITY", "Specific") != "Specific" or event.get("TENSE", "Unspecified") != "Unspecified":
            self._lose("genericity or tense of an event not kept", event)
        for mention in event.findall("event_mention"):
            place = self._extent(mention, "anchor")
            status = status or self.schema.default_status(label)
            self.mentions.add(mention, Span(*place, label, status, id=self.mentions.get(mention, "ID")), "event")

    def _status(self, event: Node) -> str | None:
        """The status that an event's polarity and modality stand for; None for the default."""
        stated = [event.get("POLARITY", "Positive") == "Negative", event.get("MODALITY", "Asserted") != "Asserted"]
        statuses = [status for is_stated, status in zip(stated, self.schema.statuses[1:]) if is_stated]
        if len(statuses) != sum(stated) or len(statuses) > 1:
            self._lose("polarity or modality of an event that no status of the schema tells", event)
        return statuses[0] if statuses else None

    def _arguments(self, event: Node) -> Iterator[Relation]:
        for mention in event.findall("event_mention"):
            for argument in mention.findall("event_mention_argument"):
                role, tail = self.mentions.get(argument, "ROLE"), self.mentions.referred(argument, "REFID")
                yield Relation(role, self.mentions.referred(mention, "ID"), tail)

    def _relations(self, relation: Node) -> Iterator[Relation]:
        type = self._type(relation)
        for mention in relation.findall("relation_mention"):
            arguments = mention.findall("relation_mention_argument")
            ends = {self.mentions.get(argument, "ROLE"): self.mentions.referred(argument, "REFID")
                    for argument in arguments}
            if not {"Arg-1", "Arg-2"} <= ends.keys():
                raise FileError(f"{self.mentions.where(mention)}: the relation {type} needs arguments with the ROLEs "
                                "Arg-1 and Arg-2; add them")
            if len(arguments) > 2:
                self._lose("further argument of a relation, such as its time, not kept", mention)
            yield Relation(type, ends["Arg-1"], ends["Arg-2"])


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write a new folder, a pair of files a Document: .apf.xml, and .sgm, or .txt for a text that looks like SGML.

    Spans of the layer ``events`` become anchors of events with their relations to other spans as arguments; all other
    spans become entities of one mention, all other relations relations.
    """
    with atomic_folder(path) as folder:
        for name, document in named(documents):
            count_uncarried(document, losses, {"relations", "status", "id"})
            if document.id is None:
                losses.add("document without id, given the name of its file", name)
            suffix, source = _source_of(document.text)
            tree = _Writing(document, name, schema, losses).tree(name + suffix)
            write_text(folder / (name + suffix), source)
            write_text(folder / (name + SUFFIX), _HEADER + ElementTree.tostring(tree, encoding="unicode") + "\n")


def _source_of(text: str) -> tuple[str, str]:
    """The suffix and content of the file from which the same text is read back."""
    marked = f"<DOC><TEXT>{text}</TEXT></DOC>"
    if TAG.sub("", marked) == text:
        return ".sgm", marked
    return ".txt", "\ufeff" * text.startswith("\ufeff") + text


class _Writing:
    """One Document on its way to a tree of APF."""

    def __init__(self, document: Document, name: str, schema: Schema, losses: Losses) -> None:
        self.document, self.schema, self.losses = document, schema, losses
        self.prefix = _NOT_ID.sub("_", name)
        self.name = name if document.id is None else document.id
        self.names: dict[Span, str] = {}
        self.numbers = count(1)

    def tree(self, source: str) -> ElementTree.Element:
        root = ElementTree.Element("source_file", URI=self._legal(source), SOURCE="newswire", TYPE="text",
                                   ENCODING="UTF-8")
        tree = ElementTree.SubElement(root, "document", DOCID=self._legal(self.name))
        events = {span: number for number, span in enumerate(
            (span for span in self.document.spans if self.schema.layer_of(span.label) == EVENTS), 1)}
        for span in self.document.spans:
            if span not in events:
                self._entity(tree, span)
        self.names |= {span: f"{self.prefix}-EV{number}-1" for span, number in events.items()}
        for relation in self.document.relations:
            if relation.head not in events or relation.tail in events:
                self._relation(tree, relation)
        nodes = {span: self._event(tree, span) for span in events}
        for relation in self.document.relations:
            if relation.head in nodes and relation.tail not in nodes:
                argument = ElementTree.SubElement(nodes[relation.head], "event_mention_argument",
                                                  REFID=self.names[relation.tail], ROLE=self._legal(relation.type))
                self._extent(argument, "extent", relation.tail)
        ElementTree.indent(root)
        return root

    def _legal(self, text: str) -> str:
        return legal(text, self.document, self.losses)

    def _type(self, label: str) -> dict[str, str]:
        return {name.upper(): value for name, value in typed(self._legal(label)).items()}

    def _extent(self, parent: ElementTree.Element, tag: str, span: Span) -> None:
        extent, ends = ElementTree.SubElement(parent, tag), {"START": str(span.start), "END": str(span.end - 1)}
        ElementTree.SubElement(extent, "charseq", ends).text = without_controls(span.text)

    def _entity(self, tree: ElementTree.Element, span: Span) -> None:
        name = f"{self.prefix}-E{next(self.numbers)}"
        self.names[span] = f"{name}-1"
        if span.status is not None:
            self.losses.add("status of a span that is no event", f"{name_of(self.document)}: {span.label}")
        entity = ElementTree.SubElement(tree, "entity", ID=name, CLASS="SPC", **self._type(span.label))
        mention = ElementTree.SubElement(entity, "entity_mention", ID=self.names[span], TYPE="NAM", LDCTYPE="NAM")
        self._extent(mention, "extent", span)
        self._extent(mention, "head", span)

    def _event(self, tree: ElementTree.Element, span: Span) -> ElementTree.Element:
        """The event of a trigger; returns its mention, to which arguments are added."""
        _, negated, possible, *_ = (*self.schema.statuses, None, None, None)
        if span.status not in (None, self.schema.default_status(span.label), negated, possible):
            self.losses.add("status that polarity and modality cannot tell", f"{name_of(self.document)}: {span.status}")
        polarity = "Negative" if span.status is not None and span.status == negated else "Positive"
        modality = "Other" if span.status is not None and span.status == possible else "Asserted"
        event = ElementTree.SubElement(tree, "event", ID=self.names[span].removesuffix("-1"), **self._type(span.label),
                                       MODALITY=modality, POLARITY=polarity, GENERICITY="Specific", TENSE="Unspecified")
        mention = ElementTree.SubElement(event, "event_mention", ID=self.names[span])
        for tag in ("extent", "anchor"):
            self._extent(mention, tag, span)
        return mention

    def _relation(self, tree: ElementTree.Element, relation: Relation) -> None:
        name = f"{self.prefix}-R{next(self.numbers)}"
        node = ElementTree.SubElement(tree, "relation", ID=name, **self._type(relation.type))
        ends = (("Arg-1", relation.head), ("Arg-2", relation.tail))
        for role, span in ends:
            ElementTree.SubElement(node, "relation_argument", REFID=self.names[span].removesuffix("-1"), ROLE=role)
        mention = ElementTree.SubElement(node, "relation_mention", ID=f"{name}-1")
        for role, span in ends:
            argument = ElementTree.SubElement(mention, "relation_mention_argument", REFID=self.names[span], ROLE=role)
            self._extent(argument, "extent", span)
