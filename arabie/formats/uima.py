"""How Documents stand in UIMA type systems, as INCEpTION and WebAnno lay them out; shared by ``webanno`` and ``cas``.

A layer of the schema is a span layer (a type) with the features label, status, score and id. A relation between two
spans of one layer is an annotation of the relation layer that belongs to it (INCEpTION allows one for each span layer,
and within it only); a relation to a span of another layer is a link, with the relation's type as its role, in the
feature ``arguments`` of its head.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite, nan
from xml.etree import ElementTree

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats.losses import Losses
from arabie.formats.tokens import Tokens
from arabie.schema import Schema

PREFIX = "webanno.custom."
ANNOTATION = "uima.tcas.Annotation"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"
TOKEN = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Token"
SOURCE, TARGET = "Governor", "Dependent"
LINKS = "arguments"


@dataclass(eq=False)
class Mark:
    """A span annotation: its type, its code points, its features that have a value, its links to other marks."""

    layer: str
    start: int
    end: int
    features: dict[str, str] = field(default_factory=dict)
    links: list[Link] = field(default_factory=list)


@dataclass(eq=False)
class Link:
    """A filled slot of a mark; ``role`` is None where the tool gives none."""

    feature: str
    role: str | None
    target: Mark | None
    score: str | None = None


@dataclass(eq=False)
class Arc:
    """A relation annotation of a relation layer."""

    layer: str
    source: Mark | None
    target: Mark | None
    features: dict[str, str] = field(default_factory=dict)


class Layers:
    """The types that stand for the layers of a schema.

    >>> from arabie.schema import default_schema
    >>> layers = Layers(default_schema())
    >>> layers.span("LOC"), layers.relation("LOC"), layers.link("RAID")
    ('webanno.custom.Entities', 'webanno.custom.EntitiesRelation', 'webanno.custom.EventsArgumentsLink')
    """

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._spans: dict[str | None, str] = {None: f"{PREFIX}Span"}  # for labels that the schema does not have
        for layer in schema.layers:
            self._spans[layer.name] = _unique(_type_name(layer.name), self._spans.values())
        taken = list(self._spans.values())
        self._relations = {name: taken.append(_unique(f"{span}Relation", taken)) or taken[-1]
                           for name, span in self._spans.items()}

    def span(self, label: str) -> str:
        return self._spans[self._schema.layer_of(label)]

    def relation(self, label: str) -> str:
        return self._relations[self._schema.layer_of(label)]

    def link(self, label: str) -> str:
        return f"{self.span(label)}ArgumentsLink"

    def attached(self) -> Iterator[tuple[str, str]]:
        """(span type, the relation type that joins its spans) of each layer."""
        return ((self._spans[name], self._relations[name]) for name in self._spans)


def _type_name(layer: str) -> str:
    """ASCII letters and digits only: an underscore in a type's name breaks the header of WebAnno TSV."""
    short = "".join(part[0].upper() + part[1:] for part in re.findall("[A-Za-z0-9]+", layer))
    return PREFIX + (short if short[:1].isalpha() else f"Layer{short}")


def _unique(name: str, taken: Iterable[str]) -> str:
    taken, number, found = set(taken), 1, name
    while found in taken:
        number += 1
        found = f"{name}{number}"
    return found


def annotations(document: Document, layers: Layers) -> tuple[list[Mark], list[Arc]]:
    """A Document's spans as marks (with their links) and its relations within a layer as arcs."""
    marks = {}
    for span in document.spans:
        features = {"label": span.label, "status": span.status, "score": _number(span.score), "id": span.id}
        if span.fragments:
            features["fragments"] = " ".join(f"{start}-{end}" for start, end in span.fragments)
        marks[span] = Mark(layers.span(span.label), span.start, span.end,
                           {name: value for name, value in features.items() if value is not None})
    arcs = []
    for relation in document.relations:
        head, tail = marks[relation.head], marks[relation.tail]
        if head.layer == tail.layer:
            features = {"label": relation.type} | ({} if relation.score is None else {"score": _number(relation.score)})
            arcs.append(Arc(layers.relation(relation.head.label), head, tail, features))
        else:
            head.links.append(Link(LINKS, relation.type, tail, _number(relation.score)))
    return list(marks.values()), arcs


def _number(score: float | None) -> str | None:
    return None if score is None else str(round(float(score), 4))


@dataclass(frozen=True)
class Reading:
    """Which layers to read, the feature that gives each its label, and the feature that gives a status.

    ``layers`` is written "NamedEntity:value Span:label", by full or short type name; empty means every layer. A layer
    named without a feature has the features "label" or "value", or else its only one, for a label; a layer that has
    none, and an annotation without a value, is labelled with the layer's own short name.
    """

    layers: str = ""
    status: str = "status"

    def __post_init__(self) -> None:
        for part in self._parts():
            if not re.fullmatch(r"[^:]+(:[^:]+)?", part):
                raise ArabieError(f"layers={self.layers!r}: {part!r} is not LAYER or LAYER:FEATURE, "
                                  "such as NamedEntity:value")

    def _parts(self) -> list[str]:
        return self.layers.replace(",", " ").split()

    def wants(self, layer: str) -> bool:
        return not self.layers or any(part.split(":")[0] in (layer, short_name(layer)) for part in self._parts())

    def label_feature(self, layer: str, used: Sequence[str], declared: Sequence[str], where: str) -> str | None:
        """The feature that holds the label of a layer, None if it has none. Raises FileError where it is not plain."""
        for part in self._parts():
            name, _, feature = part.partition(":")
            if name in (layer, short_name(layer)) and feature:
                if feature in declared:
                    return feature
                raise FileError(f"{where}: the layer {layer} has no feature {feature!r}; "
                                f"it has {', '.join(declared) or 'none'}")
        plain = [name for name in used if name not in (self.status, "score", "id", "fragments")]
        for name in ("label", "value"):
            if name in plain:
                return name
        if len(plain) > 1:
            example = f"{short_name(layer)}:{plain[0]}"
            raise FileError(f"{where}: the layer {layer} has the features {', '.join(plain)}; say which one is the "
                            f"label with layers={example!r}, or name only the layers you want")
        return plain[0] if plain else None


def short_name(layer: str) -> str:
    """The last part of a type's name."""
    return layer.rsplit(".", 1)[-1]


class Builder:
    """Makes a Document of marks and arcs; ``used`` gives the features in use of each layer, ``declared`` all it has.

    What a Document cannot hold is counted in ``losses``. Raises FileError where a label is not plain.
    """

    def __init__(self, text: str, used: Mapping[str, Sequence[str]], declared: Mapping[str, Sequence[str]],
                 reading: Reading, schema: Schema, losses: Losses, where: str) -> None:
        self.text, self.reading, self.schema, self.losses, self.where = text, reading, schema, losses, where
        self._labels = {layer: reading.label_feature(layer, names, declared[layer], where)
                        for layer, names in used.items() if reading.wants(layer)}
        self._spans: dict[Mark, Span] = {}
        self._known: dict[Span, Span] = {}
        self._names: set[str | None] = set()
        self._relations: dict[Relation, None] = {}

    def build(self, marks: Iterable[Mark], arcs: Iterable[Arc], id: str | None, meta: Mapping) -> Document:
        marks = list(marks)
        for mark in marks:
            self._add_mark(mark)
        for arc in arcs:
            if arc.layer not in self._labels:
                self._lose(f"relation of a layer not asked for ({short_name(arc.layer)})", "")
                continue
            kind = arc.features.pop(self._labels[arc.layer], None) or short_name(arc.layer)
            score = self._score(arc.layer, arc.features.pop("score", None))
            self._lose_features(arc.layer, arc.features)
            self._add_relation(kind, arc.source, arc.target, score)
        for mark in marks:
            for link in mark.links if mark.layer in self._labels else ():
                kind = link.role if link.role is not None else link.feature
                self._add_relation(kind, mark, link.target, self._score(mark.layer, link.score))
        return Document(self.text, tuple(self._known), tuple(self._relations), id, dict(meta), self.schema)

    def _lose(self, cause: str, what: str) -> None:
        self.losses.add(cause, f"{self.where}: {what}" if what else self.where)

    def _lose_features(self, layer: str, features: Mapping[str, str]) -> None:
        for name, value in features.items():
            self._lose(f"feature of an annotation ({short_name(layer)}:{name})", value)

    def _score(self, layer: str, value: str | None) -> float | None:
        if value is None:
            return None
        try:
            score = float(value)
        except ValueError:
            score = nan
        return score if isfinite(score) else self._lose_features(layer, {"score": value})

    def _add_mark(self, mark: Mark) -> None:
        if mark.layer not in self._labels:
            return self._lose(f"annotation of a layer not asked for ({short_name(mark.layer)})",
                              f"{mark.start}–{mark.end}")
        if mark.start >= mark.end:
            return self._lose("annotation without extent", f"{short_name(mark.layer)} at {mark.start}")
        features = dict(mark.features)
        label = features.pop(self._labels[mark.layer], None)
        label = short_name(mark.layer) if label is None else label
        status = features.pop(self.reading.status, None) or self.schema.default_status(label)
        score, name = self._score(mark.layer, features.pop("score", None)), features.pop("id", None)
        fragments = self._fragments(mark, features.pop("fragments", ""))
        self._lose_features(mark.layer, features)
        if name in self._names:
            name = None
        self._names.add(name)
        span = Span(mark.start, mark.end, label, status, score, fragments, name)
        if span in self._known:
            self._lose("annotation that is there twice", f"{label} at {span.start}–{span.end}")
        self._spans[mark] = self._known.setdefault(span, span)

    def _fragments(self, mark: Mark, value: str) -> tuple[tuple[int, int], ...]:
        found = tuple((int(start), int(end)) for start, end in re.findall(r"(\d+)-(\d+)", value))
        if found and (found[0][0], found[-1][1]) == (mark.start, mark.end):
            return found
        if value:
            self._lose("fragments that do not fit their annotation", f"{value} in {mark.start}–{mark.end}")
        return ()

    def _add_relation(self, kind: str, head: Mark | None, tail: Mark | None, score: float | None) -> None:
        if head not in self._spans or tail not in self._spans:
            return self._lose("relation of an annotation that is left out", kind)
        relation = Relation(kind, self._spans[head], self._spans[tail], score)
        if relation in self._relations:
            return self._lose("relation that is there twice", kind)
        self._relations[relation] = None


def covering(tokens: Tokens) -> Tokens:
    """The tokens that are not empty, and one for each stretch between them that is not white space."""
    placed = [(token, number) for number, sentence in enumerate(tokens.sentences)
              for token in sentence if token[0] < token[1]]
    sentences: list[list[tuple[int, int]]] = [[] for _ in tokens.sentences] or [[]]
    reached, current = 0, 0
    for (start, end), number in [*placed, ((len(tokens.text),) * 2, None)]:
        for found in re.finditer(r"\S+", tokens.text[reached:start]):
            at_next = number is not None and (not reached or "\n" in tokens.text[reached:reached + found.start()])
            sentences[number if at_next else current].append((reached + found.start(), reached + found.end()))
        if number is not None:
            sentences[number].append((start, end))
            reached, current = end, number
    return Tokens(tokens.text, tuple(tuple(sentence) for sentence in sentences if sentence))


def tokens_meta(tokens: Tokens) -> dict:
    """What the meta of a Document must hold for these tokens to be written again; nothing for the usual ones."""
    return {} if tokens == covering(Tokens.found(tokens.text)) else tokens.meta


def type_system(schema: Schema) -> str:
    """The UIMA type system of a schema, as XML; INCEpTION imports it under "Layers"."""
    layers, string, real = Layers(schema), "uima.cas.String", "uima.cas.Float"
    root = ElementTree.Element("typeSystemDescription", xmlns="http://uima.apache.org/resourceSpecifier")
    ElementTree.SubElement(root, "name").text = schema.name
    types = ElementTree.SubElement(root, "types")
    for segment in (SENTENCE, TOKEN):
        _add_type(types, segment, ANNOTATION, {})
    labels = {layers.span(label): label for label in (*schema.all_labels, "")}
    for span, relation in layers.attached():
        link = layers.link(labels[span])
        _add_type(types, link, "uima.cas.TOP", {"role": string, "target": ANNOTATION, "score": real})
        _add_type(types, span, ANNOTATION, {"label": string, "status": string, "score": real, "id": string,
                                            "fragments": string, LINKS: f"{link}[]"})
        _add_type(types, relation, ANNOTATION, {SOURCE: span, TARGET: span, "label": string, "score": real})
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_type(types: ElementTree.Element, name: str, parent: str, features: Mapping[str, str]) -> None:
    """Append a type; the range "X[]" of a feature is an array of X."""
    made = ElementTree.SubElement(types, "typeDescription")
    for tag, text in (("name", name), ("description", ""), ("supertypeName", parent)):
        ElementTree.SubElement(made, tag).text = text
    listed = ElementTree.SubElement(made, "features")
    for feature, kind in features.items():
        item = ElementTree.SubElement(listed, "featureDescription")
        array = kind.endswith("[]")
        rows = (("name", feature), ("description", ""), ("rangeTypeName", "uima.cas.FSArray" if array else kind))
        for tag, text in rows + ((("elementType", kind[:-2]),) if array else ()):
            ElementTree.SubElement(item, tag).text = text
