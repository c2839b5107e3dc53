"""GLiNER's training data: ``tokenized_text``, ``ner`` as [first, last, label] and ``relations`` as [head, tail, type].

First and last are tokens of the record, the last included; head and tail are places in the ``ner`` list. Relations as
[first, last, label, first, last, label, type], which GLiNER's joint model also takes, are read too. The text is rebuilt
with one space between tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import FileError
from arabie.formats.files import read_records
from arabie.formats.losses import Losses, name_of
from arabie.formats.records import count_unread, each_once, fields, list_at, shown, strings, token_range, write_records
from arabie.formats.tags import Chunk
from arabie.formats.tokens import Tokens, count_respaced, place_spans
from arabie.formats.uncarried import count_uncarried
from arabie.schema import Schema

KEYS = ("tokenized_text", "ner", "relations")


def read(path: str | Path, *, schema: Schema, losses: Losses) -> Iterator[Document]:
    """The Documents of a file of JSON lines or of one JSON list, a record each. Raises FileError with file:line."""
    for where, record in read_records(path):
        count_unread(record, KEYS, losses, where)
        tokens = Tokens.joined([strings(record.get("tokenized_text"), '"tokenized_text"', where)])
        chunks = [_chunk(item, len(tokens.flat), where) for item in list_at(record, "ner", where)]
        spans = tokens.spans(chunks, losses, where)
        named = {(*tokens.locate(span.start, span.end), span.label): span for span in spans}
        rows = list_at(record, "relations", where)
        relations = each_once((_relation(row, chunks, named, len(tokens.flat), where) for row in rows), losses, where)
        yield Document(tokens.text, spans, relations, None, tokens.meta, schema)


def _chunk(item: Any, length: int, where: str) -> Chunk:
    first, last, label = fields(item, (int, int, str), "an item of ner", where)
    return Chunk(*token_range(first, last, 0, length, f"{label} in ner", where), label)


def _relation(item: Any, chunks: list[Chunk], named: Mapping[tuple, Span], length: int, where: str) -> Relation:
    if isinstance(item, list) and len(item) == 7:
        *ends, type = fields(item, (int, int, str, int, int, str, str), "an item of relations", where)
        head, tail = ((*token_range(first, last, 0, length, f"the {label} of {type}", where), label)
                      for first, last, label in (ends[:3], ends[3:]))
    else:
        head, tail, type = fields(item, (int, int, str), "an item of relations", where)
        if not (0 <= head < len(chunks) and 0 <= tail < len(chunks)):
            raise FileError(f"{where}: {shown(item)} in relations points outside the ner list, "
                            f"which has places 0 to {len(chunks) - 1}")
        head, tail = ((chunks[place].start, chunks[place].end, chunks[place].label) for place in (head, tail))
    if head not in named or tail not in named:
        raise FileError(f"{where}: {shown(item)} in relations joins what is not in ner; add it there")
    return Relation(type, named[head], named[tail])


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses) -> None:
    """Write a record for each Document: one JSON list if the path ends in .json, else JSON lines."""
    write_records((_record(document, losses) for document in documents), path)


def _record(document: Document, losses: Losses) -> dict[str, Any]:
    count_uncarried(document, losses, {"relations"})
    tokens = Tokens.of(document, losses)
    forms = [form for sentence in tokens.forms for form in sentence]
    count_respaced(document, " ".join(forms), losses)
    placed = place_spans(document, tokens, losses, whole_sentences=False)
    numbers = {span: number for number, span in enumerate(placed)}
    ner = [[first, after - 1, span.label] for span, (first, after) in placed.items()]
    relations = []
    for relation in document.relations:
        if relation.head in numbers and relation.tail in numbers:
            relations.append([numbers[relation.head], numbers[relation.tail], relation.type])
        else:
            losses.add("relation of a span that is left out", f"{name_of(document)}: {relation.type}")
    return {"tokenized_text": forms, "ner": ner, "relations": relations}
