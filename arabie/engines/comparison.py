"""How an engine's answers compare with those of torch in fp32."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from arabie.document import Document
from arabie.engines.agreement import Agreement, key_of
from arabie.engines.choice import Choice
from arabie.evaluation import evaluate
from arabie.schema import Schema


def compare(choice: Choice, model: str, gold: Sequence[Document], reference: Sequence[Document],
            found: Sequence[Document], schema: Schema, speed: float) -> Agreement:
    """The Agreement of what an engine found in documents with what torch in fp32 found; ``model`` is its digest."""
    same = [_same(reference, found, of) for of in (_spans, _relations)]
    f1 = [_f1(gold, documents, schema) for documents in (found, reference)]
    return Agreement(*key_of(choice, model), len(gold), *same, *f1, speed)


def _f1(gold: Sequence[Document], found: Sequence[Document], schema: Schema) -> dict[str, float]:
    summary = evaluate(gold, found, schema).summary()
    names = [layer.name for layer in schema.layers] + (["relations"] if schema.relations else [])
    return {name: round(summary[f"{name}_f1"], 5) for name in names}


def _same(first: Sequence[Document], second: Sequence[Document], of: Callable[[Document], set]) -> float:
    sets = [(of(a), of(b)) for a, b in zip(first, second, strict=True)]
    total = sum(len(a) + len(b) for a, b in sets)
    return 2 * sum(len(a & b) for a, b in sets) / total if total else 1.0


def _spans(document: Document) -> set:
    return {(span.start, span.end, span.label, span.status) for span in document.spans}


def _relations(document: Document) -> set:
    ends = ((relation.type, relation.head, relation.tail) for relation in document.relations)
    return {(kind, *((span.start, span.end, span.label) for span in pair)) for kind, *pair in ends}
