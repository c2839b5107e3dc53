"""Rich ERE: ``name.rich_ere.xml`` with its text, such as ``name.cmp.txt``, beside it or in ``../source``.

Offsets are characters of the source file as it stands, tags and ``&amp;`` included. Mentions of entities and fillers
become spans, triggers of events spans of their own, their arguments relations. A label is the type, or type:subtype.
The realis "actual" is the schema's first status, "other" its third.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate
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

SUFFIX = ".rich_ere.xml"
EVENTS = "events"
EXTENTS = ("extent", "head")
TAGS = ("keep", "drop")
PARTS = ("entities", "fillers", "relations", "hoppers")
_SOURCES = (".cmp.txt", ".mpdf.xml", ".xml", ".txt")
ENDS = ("rel_arg1", "rel_arg2")
_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'


def read(path: str | Path, *, schema: Schema, losses: Losses, extent: str = "extent", tags: str = "keep",
         source: str | Path | None = None) -> Iterator[Document]:
    """The Documents of one .rich_ere.xml, or of every one below a folder, in the order of their paths.

    ``extent`` says whether a mention's whole extent or its head becomes the span, ``tags`` whether those of the source
    stay in the text, ``source`` which folder holds the texts. Raises FileError with file:line, also where the
    characters that a mention quotes are not those at its offset.
    """
    for name, value, known in (("extent", extent, EXTENTS), ("tags", tags, TAGS)):
        if value not in known:
            raise ArabieError(f"unknown {name} {value!r}; {nearest(value, known)}")
    path = Path(path)
    files = sorted(path.rglob(f"*{SUFFIX}")) if path.is_dir() else [path]
    if not files:
        raise FileError(f"{path}: the folder holds no {SUFFIX} file; name the folder that does")
    for file in files:
        root = parse(file)
        if root.tag != "deft_ere":
            raise FileError(f"{file}:{root.line}: <{root.tag}> is not <deft_ere>, with which Rich ERE begins")
        text = _Text(read_text(_source(file, source)), tags == "drop")
        yield _Reading(root, text, file, extent, schema, losses).document()


def _source(file: Path, folder: str | Path | None) -> Path:
    """The file of the text that a file of annotations is about."""
    folders = [file.parent, file.parent.parent / "source"] if folder is None else [Path(folder)]
    stem = file.name.removesuffix(SUFFIX).removesuffix(".xml")
    sources = [place / (stem + suffix) for place in folders for suffix in _SOURCES]
    found = next((source for source in sources if source != file and source.exists()), None)
    if found is None:
        raise FileError(f"{file}: its text, {' or '.join(stem + suffix for suffix in _SOURCES)}, is not in "
                        f"{' or '.join(map(str, folders))}; put it there, or name its folder with source=FOLDER")
    return found


class _Text:
    """A source with or without its tags, and the way from the characters of one to those of the other."""

    def __init__(self, source: str, dropped: bool) -> None:
        tags = [found.span() for found in TAG.finditer(source)] if dropped else []
        self.source, self.text = source, TAG.sub("", source) if dropped else source
        self._starts, self._ends = [start for start, _ in tags], [end for _, end in tags]
        self._gone = [0, *accumulate(end - start for start, end in tags)]

    def place(self, start: int, end: int) -> tuple[int, int] | None:
        """Where a range of the source stands in the text; None for one that begins or ends inside a tag."""
        ends = []
        for character in (start, end - 1):
            before = bisect_right(self._starts, character)
            if before and character < self._ends[before - 1]:
                return None
            ends.append(character - self._gone[before])
        return ends[0], ends[1] + 1


class _Reading:
    """One <deft_ere> on its way to a Document. ``dropped`` holds the ids of mentions that stand in tags."""

    def __init__(self, root: Node, text: _Text, file: Path, extent: str, schema: Schema, losses: Losses) -> None:
        self.root, self.text, self.extent, self.schema, self.losses = root, text, extent, schema, losses
        self.mentions = Mentions(file, losses)
        self.dropped: set[str] = set()

    def document(self) -> Document:
        for part in self.root:
            if part.tag not in PARTS:
                self._lose(f"<{part.tag}> of an annotation not kept", part)
        for entity in self.root.iter("entity"):
            self._entity(entity)
        for filler in self.root.iter("filler"):
            self._add(filler, filler, self._label(filler), None, "filler")
        for hopper in self.root.iter("hopper"):
            self._hopper(hopper)
        relations = [*self._arguments(), *self._relations()]
        relations = each_once(relations, self.losses, self.mentions.where(self.root))
        return Document(self.text.text, tuple(self.mentions.spans), relations, self.root.get("doc_id"), {}, self.schema)

    def _lose(self, cause: str, node: Node) -> None:
        self.losses.add(cause, self.mentions.where(node))

    def _label(self, node: Node) -> str:
        subtype = node.get("subtype")
        return self.mentions.get(node, "type") + ("" if subtype is None else f":{subtype}")

    def _entity(self, entity: Node) -> None:
        mentions = entity.findall("entity_mention")
        if len(mentions) > 1:
            self._lose("coreference of the mentions of an entity not kept", entity)
        if entity.get("specificity", "specific") != "specific":
            self._lose("specificity of an entity not kept", entity)
        for mention in mentions:
            extent, head = mention, mention.find("nom_head")
            if mention.get("noun_type", "NAM") != "NAM":
                self._lose("level of a mention, such as NOM or PRO, not kept", mention)
            if head is not None and self._range(head) != self._range(mention):
                self._lose("head and whole extent of a mention differ; one is not kept", mention)
                extent = head if self.extent == "head" else mention
            self._add(mention, extent, self._label(entity), None, "mention")

    def _hopper(self, hopper: Node) -> None:
        mentions = hopper.findall("event_mention")
        if len(mentions) > 1:
            self._lose("coreference of the mentions of an event not kept", hopper)
        for mention in mentions:
            trigger = mention.find("trigger")
            if trigger is None:
                raise FileError(f"{self.mentions.where(mention)}: <event_mention> has no <trigger>; add it")
            self._add(mention, trigger, self._label(mention), self._status(mention), "event")

    def _status(self, mention: Node) -> str | None:
        """The status that the realis of an event stands for; None for the default."""
        realis = mention.get("realis", "actual")
        if realis == "other" and len(self.schema.statuses) > 2:
            return self.schema.statuses[2]
        if realis != "actual":
            self._lose("realis of an event that no status of the schema tells", mention)
        return None

    def _add(self, mention: Node, extent: Node, label: str, status: str | None, what: str) -> None:
        id, place = self.mentions.get(mention, "id"), self.text.place(*self._range(extent))
        if place is None:
            self._lose("mention inside a tag of the source, which tags=drop takes out", mention)
            self.dropped.add(id)
        else:
            self.mentions.add(mention, Span(*place, label, status or self.schema.default_status(label), id=id), what)

    def _range(self, node: Node) -> tuple[int, int]:
        """Where a mention, head, filler or trigger stands in the source, proved against what it quotes."""
        start, length = self.mentions.numbers(node, "offset", "length")
        end, source = start + length, self.text.source
        if not 0 <= start < end <= len(source):
            raise FileError(f"{self.mentions.where(node)}: {length} characters at {start} do not lie in the source of "
                            f"{len(source)}; offsets are counted from 0, tags included")
        quoted = node.find("mention_text") if node.tag == "entity_mention" else node
        if quoted is not None:
            self.mentions.prove(quoted, source[start:end], f"{start} to {end - 1}")
        return start, end

    def _arguments(self) -> Iterator[Relation]:
        for mention in self.root.iter("event_mention"):
            for argument in mention.findall("em_arg"):
                self._count_realis(argument)
                role, head, tail = self.mentions.get(argument, "role"), self._span(mention, "id"), self._end(argument)
                yield from self._related(role, head, tail, argument)

    def _relations(self) -> Iterator[Relation]:
        for relation in self.root.iter("relation"):
            label = self._label(relation)
            for mention in relation.findall("relation_mention"):
                self._count_realis(mention)
                if mention.find("trigger") is not None:
                    self._lose("trigger of a relation not kept", mention)
                arguments = [mention.find(name) for name in ENDS]
                if None in arguments:
                    raise FileError(f"{self.mentions.where(mention)}: the relation {label} needs <rel_arg1> and "
                                    "<rel_arg2>; add them")
                if [argument.get("role") for argument in arguments] != list(ENDS):
                    self._lose("roles of the ends of a relation not kept", mention)
                yield from self._related(label, *map(self._end, arguments), mention)

    def _related(self, type: str, head: Span | None, tail: Span | None, node: Node) -> Iterator[Relation]:
        if head is None or tail is None:
            self._lose("relation or argument of a mention inside a tag of the source", node)
        else:
            yield Relation(type, head, tail)

    def _end(self, argument: Node) -> Span | None:
        filled = argument.get("entity_mention_id") is None and argument.get("filler_id") is not None
        return self._span(argument, "filler_id" if filled else "entity_mention_id")

    def _span(self, node: Node, name: str) -> Span | None:
        """The span of the mention that an attribute names; None if it stands in a tag that is not in the text."""
        return None if node.get(name) in self.dropped else self.mentions.referred(node, name)

    def _count_realis(self, node: Node) -> None:
        if node.get("realis", "true") != "true":
            self._lose("realis of a relation or argument not kept", node)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write a new folder, a pair of files a Document: its text as .txt and its annotations as .rich_ere.xml.

    Spans of the layer ``events`` become event mentions, each in a hopper of its own, with their relations to other
    spans as arguments; all other spans become entities of one mention, all other relations relations.
    """
    with atomic_folder(path) as folder:
        for name, document in named(documents):
            count_uncarried(document, losses, {"relations", "status", "id"})
            if document.id is None:
                losses.add("document without id, given the name of its file", name)
            write_text(folder / f"{name}.txt", "\ufeff" * document.text.startswith("\ufeff") + document.text)
            tree = _Writing(document, name, schema, losses).tree()
            write_text(folder / (name + SUFFIX), f"{_HEADER}{ElementTree.tostring(tree, encoding='unicode')}\n")


class _Writing:
    """One Document on its way to a tree of Rich ERE."""

    def __init__(self, document: Document, name: str, schema: Schema, losses: Losses) -> None:
        self.document, self.name, self.schema, self.losses = document, without_controls(name), schema, losses
        self.ids = {span: f"m-{number}" for number, span in enumerate(document.spans, 1)}

    def tree(self) -> ElementTree.Element:
        id = self.name if self.document.id is None else self._legal(self.document.id)
        root = ElementTree.Element("deft_ere", kit_id=self.name, doc_id=id, source_type="newswire")
        entities, _, relations, hoppers = (ElementTree.SubElement(root, part) for part in PARTS)
        events = {}
        for span in self.document.spans:
            if self.schema.layer_of(span.label) == EVENTS:
                events[span] = self._event(hoppers, span)
            else:
                self._entity(entities, span)
        for number, relation in enumerate(self.document.relations, 1):
            if relation.head in events and relation.tail not in events:
                role = self._legal(relation.type)
                self._end(events[relation.head], "em_arg", relation.tail, role=role, realis="true")
            else:
                self._relation(relations, number, relation)
        ElementTree.indent(root)
        return root

    def _legal(self, text: str) -> str:
        return legal(text, self.document, self.losses)

    def _place(self, span: Span) -> dict[str, str]:
        return {"source": self.name, "offset": str(span.start), "length": str(span.end - span.start)}

    def _entity(self, parent: ElementTree.Element, span: Span) -> None:
        if span.status is not None:
            self.losses.add("status of a span that is no event", f"{name_of(self.document)}: {span.label}")
        id, label = self.ids[span], self._legal(span.label)
        entity = ElementTree.SubElement(parent, "entity", id=f"ent-{id}", type=label, specificity="specific")
        mention = ElementTree.SubElement(entity, "entity_mention", id=id, noun_type="NAM", **self._place(span))
        ElementTree.SubElement(mention, "mention_text").text = without_controls(span.text)

    def _event(self, parent: ElementTree.Element, span: Span) -> ElementTree.Element:
        """The mention of an event, to which its arguments are added."""
        actual, other = self.schema.default_status(span.label), (*self.schema.statuses, None, None, None)[2]
        if span.status not in (None, actual, other):
            self.losses.add("status that realis cannot tell", f"{name_of(self.document)}: {span.status}")
        realis = "actual" if span.status in (None, actual) else "other"
        id, types = self.ids[span], typed(self._legal(span.label))
        hopper = ElementTree.SubElement(parent, "hopper", id=f"h-{id}")
        mention = ElementTree.SubElement(hopper, "event_mention", id=id, **types, realis=realis)
        ElementTree.SubElement(mention, "trigger", self._place(span)).text = without_controls(span.text)
        return mention

    def _relation(self, parent: ElementTree.Element, number: int, relation: Relation) -> None:
        node = ElementTree.SubElement(parent, "relation", id=f"r-{number}", **typed(self._legal(relation.type)))
        mention = ElementTree.SubElement(node, "relation_mention", id=f"relm-{number}", realis="true")
        for name, span in zip(ENDS, (relation.head, relation.tail)):
            self._end(mention, name, span, role=name)

    def _end(self, parent: ElementTree.Element, tag: str, span: Span, **attributes: str) -> None:
        ids = {"entity_id": f"ent-{self.ids[span]}", "entity_mention_id": self.ids[span]}
        ElementTree.SubElement(parent, tag, ids, **attributes).text = without_controls(span.text)
