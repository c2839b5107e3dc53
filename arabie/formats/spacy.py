"""spaCy: a DocBin (``.spacy``), or what ``Doc.to_json`` gives, as a JSON list or JSON lines.

Spans of the schema's first layer are ``doc.ents`` where they do not overlap; all others are in the span group named
after their layer, those with a label that the schema does not know in the group "sc". What spaCy has no place for is
in four extension attributes: ``doc._.relations``, ``doc._.details`` (status, score, fragments and id of spans),
``doc._.doc_id`` and ``doc._.meta``. To use one, register it: ``Doc.set_extension("relations", default=None)``. In JSON
they are keys of the record, for Doc.from_json refuses attributes that are not registered. Tokens are those of
``arabie.formats.tokens``, divided also where a span begins or ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats.files import atomic_writer, read_bytes, read_records
from arabie.formats.losses import Losses, name_of
from arabie.formats.records import count_unread, each_once, list_at, shown, write_records
from arabie.formats.tokens import Tokens
from arabie.schema import Schema

ATTRIBUTES = ("relations", "details", "doc_id", "meta")
OTHERS = "sc"  # spaCy's own name for a span group
_RUN = re.compile(r"\s+|\S+")
_WORD_FEATURES = ("TAG", "POS", "MORPH", "LEMMA", "DEP")

Place = tuple[int, int, str]


@dataclass
class _Parts:
    """What either shape gives of one document; ``sentences`` holds its tokens, if it has them."""

    where: str
    text: str
    spans: list[Place]
    attributes: Mapping[str, Any]
    sentences: list[list[tuple[int, int]]]
    losses: list[str] = field(default_factory=list)


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a DocBin if the path ends in .spacy, which needs the package spacy; else of JSON or JSON lines.

    Raises FileError with the line, or the number of the Doc, and why.
    """
    for parts in _docs(path) if Path(path).suffix == ".spacy" else _records(path, losses):
        yield _document(parts, schema, losses)


def _docs(path: str | Path) -> Iterator[_Parts]:
    """The parts of each Doc of a DocBin."""
    data = read_bytes(path)
    tokens = _spacy_tokens()
    from spacy.vocab import Vocab
    try:
        docs = list(tokens.DocBin().from_bytes(data).get_docs(Vocab()))
    except Exception as error:  # whatever its decoders meet in bytes that are no DocBin
        raise FileError(f"{path}: not a DocBin: {type(error).__name__}: {error}; write it with DocBin.to_disk, "
                        "and name JSON files .json or .jsonl") from None
    for number, doc in enumerate(docs, 1):
        where = f"{path}: Doc {number}"
        groups = [span for _, group in doc.spans.items() for span in group]
        spans = [(span.start_char, span.end_char, span.label_) for span in (*doc.ents, *groups)]
        attributes = {key[1]: _lists(value) for key, value in doc.user_data.items()
                      if isinstance(key, tuple) and len(key) == 4 and key[0] == "._." and key[2] is None}
        sentences = doc.sents if len(doc) and doc.has_annotation("SENT_START") else [doc]
        placed = [[(token.idx, token.idx + len(token)) for token in row if not token.is_space] for row in sentences]
        missing = {
            "words' tags, lemmas or syntax not kept": len(doc) and any(map(doc.has_annotation, _WORD_FEATURES)),
            "text categories not kept": bool(doc.cats),
            "ids in a knowledge base not kept": any(span.kb_id for span in (*doc.ents, *groups)),
            "spaces between words unknown; one space is assumed": doc.has_unknown_spaces,
            "user data not kept": len(attributes) < len(doc.user_data),
        }
        yield _Parts(where, doc.text, spans, attributes, placed, [cause for cause in missing if missing[cause]])


def _lists(value: Any) -> Any:
    """A value with tuples as lists again, which a DocBin does not tell apart."""
    if isinstance(value, dict):
        return {key: _lists(item) for key, item in value.items()}
    return [_lists(item) for item in value] if isinstance(value, (list, tuple)) else value


def _records(path: str | Path, losses: Losses) -> Iterator[_Parts]:
    """The parts of each record of Doc.to_json."""
    for where, record in read_records(path):
        text = record.get("text")
        if not isinstance(text, str):
            raise FileError(f'{where}: "text" is {shown(text)}; a record is what Doc.to_json gives, with text and ents')
        count_unread(record, ("text", "ents", "spans", "tokens", "sents", "_", *ATTRIBUTES), losses, where)
        groups, attributes = record.get("spans") or {}, record.get("_") or {}
        if not isinstance(groups, dict) or not isinstance(attributes, dict):
            raise FileError(f'{where}: "spans" and "_" are objects: lists of spans by group, and attributes by name')
        attributes |= {name: record[name] for name in ATTRIBUTES if name in record}
        rows = [*list_at(record, "ents", where), *(row for group in groups for row in list_at(groups, group, where))]
        spans = [(*_ends(row, len(text), where), _label(row, where)) for row in rows]
        parts = _Parts(where, text, spans, attributes, _sentences(record, len(text), where))
        if any(name.lower() in token for token in record.get("tokens") or () for name in _WORD_FEATURES):
            parts.losses.append("words' tags, lemmas or syntax not kept")
        if any(row.get("kb_id") for row in rows):
            parts.losses.append("ids in a knowledge base not kept")
        yield parts


def _ends(row: Any, length: int, where: str) -> tuple[int, int]:
    start, end = (row.get("start"), row.get("end")) if isinstance(row, dict) else (None, None)
    if type(start) is not int or type(end) is not int or not 0 <= start <= end <= length:
        raise FileError(f"{where}: {shown(row)} needs start and end: code points of the text of {length} characters, "
                        "end exclusive")
    return start, end


def _label(row: Mapping[str, Any], where: str) -> str:
    if not isinstance(row.get("label"), str):
        raise FileError(f"{where}: {shown(row)} needs a label, a string")
    return row["label"]


def _sentences(record: Mapping[str, Any], length: int, where: str) -> list[list[tuple[int, int]]]:
    tokens = [_ends(row, length, where) for row in list_at(record, "tokens", where)]
    if any(a[1] > b[0] for a, b in zip(tokens, tokens[1:])):
        raise FileError(f"{where}: the tokens overlap or are out of order; list them as they stand in the text")
    tokens = [(start, end) for start, end in tokens if record["text"][start:end].strip()]
    sentences = [_ends(row, length, where) for row in list_at(record, "sents", where)] or [(0, length)]
    return [[token for token in tokens if low <= token[0] and token[1] <= high] for low, high in sentences]


def _document(parts: _Parts, schema: Schema, losses: Losses) -> Document:
    where, attributes = parts.where, parts.attributes
    for cause in parts.losses:
        losses.add(cause, where)
    for name in attributes:
        if name not in ATTRIBUTES:
            losses.add(f"extension attribute {name!r} not kept", where)
    try:
        details = {(row["start"], row["end"], row["label"]): row for row in attributes.get("details") or ()}
        solid = (place for place in parts.spans if place[2] and place[0] < place[1])
        spans = {place: _span(place, details.get(place, {})) for place in solid}
        if len(spans) < len(set(parts.spans)):
            losses.add("span without a label or without a character", where)
        relations = []
        for row in attributes.get("relations") or ():
            head, tail = (spans.get(tuple(row[end])) for end in ("head", "tail"))
            if head and tail:
                relations.append(Relation(row["type"], head, tail, row.get("score")))
            else:
                losses.add("relation of a span that is not there", f"{where}: {row['type']}")
        name, meta = attributes.get("doc_id"), attributes.get("meta")
        if meta is None:
            sentences = tuple(tuple(row) for row in parts.sentences if row)
            meta = Tokens(parts.text, sentences).meta if sentences else {}
        return Document(parts.text, tuple(spans.values()), each_once(relations, losses, where), name, meta, schema)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        if isinstance(error, DocumentError):
            raise FileError(f"{where}: {error}") from None
        fault = f"{type(error).__name__}: {error}"
        raise FileError(f"{where}: relations, details or meta are not as arabie writes them ({fault}); "
                        "rename those attributes if they are your own") from None


def _span(place: Place, detail: Mapping[str, Any]) -> Span:
    fragments = tuple((start, end) for start, end in detail.get("fragments") or ())
    return Span(*place, detail.get("status"), detail.get("score"), fragments, detail.get("id"))


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write a DocBin if the path ends in .spacy, a JSON list if in .json, else JSON lines; whole or not at all."""
    drawn = (_Drawn(document, schema, losses) for document in documents)
    if Path(path).suffix != ".spacy":
        return write_records((doc.to_json() for doc in drawn), path)
    tokens = _spacy_tokens()
    from spacy.vocab import Vocab
    vocab, docs = Vocab(), tokens.DocBin(attrs=["ENT_IOB", "ENT_TYPE"], store_user_data=True)
    with atomic_writer(path, "wb") as stream:
        for doc in drawn:
            docs.add(doc.to_spacy(tokens.Doc, vocab))
        stream.write(docs.to_bytes())
    return None


class _Drawn:
    """A Document as spaCy's tokens, entities, span groups and attributes, in offsets of the text."""

    def __init__(self, document: Document, schema: Schema, losses: Losses) -> None:
        self.text = document.text
        self.tokens = _divide(document, losses)
        starts, ends = {start for start, _, _ in self.tokens}, {end for _, end, _ in self.tokens}
        kept: dict[Place, Span] = {}
        for span in document.spans:
            place = span.start, span.end, span.label
            told = f"{name_of(document)}: {span.label} at {span.start}–{span.end}"
            if span.start not in starts or span.end not in ends:
                losses.add("span that begins or ends with white space", told)
            elif not span.label:
                losses.add("span with an empty label", told)
            elif place in kept:
                losses.add("span that differs from another only in status or fragments", told)
            else:
                kept[place] = span
        self.ents, self.groups = _shared_out(kept.values(), schema)
        relations = [_relation(row) for row in document.relations if _ends_kept(row, kept, document, losses)]
        details = [row for row in map(_detail, kept.values()) if len(row) > 3]
        self.attributes = {"relations": relations, "details": details, "doc_id": document.id,
                           "meta": dict(document.meta)}

    def to_json(self) -> dict[str, Any]:
        groups = {name: [{**_place(span), "kb_id": ""} for span in spans] for name, spans in self.groups.items()}
        tokens = [{"id": number, "start": start, "end": end} for number, (start, end, _) in enumerate(self.tokens)]
        return {"text": self.text, "ents": list(map(_place, self.ents)), "tokens": tokens, "spans": groups,
                **self.attributes}

    def to_spacy(self, doc_class: type, vocab: Any) -> Any:
        words = [self.text[start:end] for start, end, _ in self.tokens]
        doc = doc_class(vocab, words, [space for _, _, space in self.tokens])
        doc.ents = [doc.char_span(span.start, span.end, span.label) for span in self.ents]
        for name, spans in self.groups.items():
            doc.spans[name] = [doc.char_span(span.start, span.end, span.label) for span in spans]
        doc.user_data.update({("._.", name, None, None): value for name, value in self.attributes.items()})
        return doc


def _divide(document: Document, losses: Losses) -> list[tuple[int, int, bool]]:
    """(start, end, whether a space follows) of tokens that cover the whole text, as spaCy needs it."""
    text = document.text
    edges = {edge for token in Tokens.of(document, losses).flat for edge in token}
    edges |= {edge for span in document.spans for edge in (span.start, span.end)}
    tokens: list[tuple[int, int, bool]] = []
    for run in _RUN.finditer(text):
        start, end = run.span()
        if not run[0].isspace():
            cuts = [start, *sorted(edge for edge in range(start + 1, end) if edge in edges), end]
            tokens += [(low, high, False) for low, high in zip(cuts, cuts[1:])]
            continue
        if tokens and run[0][0] == " ":
            tokens[-1] = *tokens[-1][:2], True
            start += 1
        if start < end:
            tokens.append((start, end, False))
    return tokens


def _shared_out(spans: Iterable[Span], schema: Schema) -> tuple[list[Span], dict[str, list[Span]]]:
    """The spans for doc.ents and those for each span group."""
    ents: list[Span] = []
    groups: dict[str, list[Span]] = {}
    for span in spans:
        layer = schema.layer_of(span.label)
        if layer == schema.layers[0].name and (not ents or ents[-1].end <= span.start):
            ents.append(span)
        else:
            groups.setdefault(layer or OTHERS, []).append(span)
    return ents, groups


def _place(span: Span) -> dict[str, Any]:
    return {"start": span.start, "end": span.end, "label": span.label}


def _detail(span: Span) -> dict[str, Any]:
    fragments = [list(part) for part in span.fragments]
    more = {"status": span.status, "score": span.score, "fragments": fragments, "id": span.id}
    return _place(span) | {name: value for name, value in more.items() if value not in (None, [])}


def _relation(row: Relation) -> dict[str, Any]:
    ends = {name: [span.start, span.end, span.label] for name, span in (("head", row.head), ("tail", row.tail))}
    return {"type": row.type, **ends, **({} if row.score is None else {"score": row.score})}


def _ends_kept(row: Relation, kept: Mapping[Place, Span], document: Document, losses: Losses) -> bool:
    whole = all(kept.get((span.start, span.end, span.label)) == span for span in (row.head, row.tail))
    if not whole:
        losses.add("relation of a span that is left out", f"{name_of(document)}: {row.type}")
    return whole


def _spacy_tokens() -> Any:
    try:
        from spacy import tokens
    except ImportError:
        raise ArabieError("a DocBin needs the package spacy; install it with: pip install 'arabie[spacy]', "
                          "or write a .json or .jsonl file, which does not need it") from None
    return tokens
