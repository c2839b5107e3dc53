"""Counting the parts of a Document that a format has no place for."""

from __future__ import annotations

from collections.abc import Collection

from arabie.document import Document
from arabie.formats.losses import Losses, name_of
from arabie.formats.tokens import stated_sentences


def count_uncarried(document: Document, losses: Losses, carried: Collection[str]) -> None:
    """Count the parts not among ``carried``: of "relations", "status", "score", "fragments", "id", "meta".

    A status is a loss where it is not the default, and tokens of the text in ``meta["tokens"]`` none, for they only
    divide it.
    """
    name, schema = name_of(document), document.schema
    for span in document.spans:
        told = f"{name}: {span.label} at {span.start}–{span.end}"
        if "status" not in carried and span.status != schema.default_status(span.label):
            losses.add("status not carried by this format", f"{told} is {span.status}")
        if "score" not in carried and span.score is not None:
            losses.add("score not carried by this format", told)
        if "fragments" not in carried and span.fragments:
            losses.add("parts of a discontinuous span not carried by this format; it is written as one stretch", told)
    for relation in document.relations:
        head, tail = relation.head, relation.tail
        told = f"{name}: {relation.type} {head.start}–{head.end} → {tail.start}–{tail.end}"
        if "relations" not in carried:
            losses.add("relation not carried by this format", told)
        elif "score" not in carried and relation.score is not None:
            losses.add("score not carried by this format", told)
    if "id" not in carried and document.id is not None:
        losses.add("document id not carried by this format", document.id)
    keys = [key for key in document.meta if key != "tokens" or stated_sentences(document) is None]
    if "meta" not in carried and keys:
        losses.add("meta not carried by this format", f"{name}: {', '.join(map(str, keys))}")
