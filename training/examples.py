"""From annotated Documents to training examples: the windows of each text with their targets, padded into batches."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from arabie.decoding import spans_to_tags
from arabie.document import Document, Relation, Span
from arabie.encoding import Encoded, Encoder, Window, WindowSettings, windows
from arabie.engines.batching import padded
from arabie.errors import SchemaError, nearest
from arabie.formats.losses import Losses
from arabie.model import IGNORED
from arabie.schema import Schema


@dataclass(frozen=True)
class Annotation:
    """A document's usable gold: spans with their units, layer by layer, and one relation for each pair of them."""

    units: dict[Span, tuple[int, int]]
    relations: list[Relation]


def examples(documents: Iterable[Document], encoder: Encoder, schema: Schema, settings: WindowSettings, left_out: Losses) -> Iterator[dict[str, Any]]:
    """One example a window. ``left_out`` counts the annotations that cannot be learnt from, by cause.

    Fields: length, ids, first, last, letters (see encoding.WindowInput; letters only of an encoder that gives them), tags [layers][units], statuses [units], spans [n][first, last, label],
    relations [m][head, tail, type]. A span that a window cuts is IGNORED there; another window has it whole.
    """
    for document in documents:
        _check_names(document, schema)
        encoded = encoder.encode(document.text)
        annotation = _usable(document, encoded, schema, left_out)
        cut = windows(encoded, settings)
        reached: set[Relation] = set()
        for window in cut:
            yield _example(encoded, window, annotation, schema, encoder, reached)
        for relation in annotation.relations:
            if relation not in reached:
                left_out.add("relation that reaches farther than a window", _where(document, relation.head))


def _check_names(document: Document, schema: Schema) -> None:
    """Refuse labels and relations that the schema does not have; they would be lost without a word."""
    for what, known, names in (("label", schema.all_labels, [span.label for span in document.spans]),
                               ("relation", schema.relation_names, [relation.type for relation in document.relations])):
        for name in names:
            if name not in known:
                raise SchemaError(f"document {document.id!r}: unknown {what} {name!r}; {nearest(name, known)}; correct the data, or name "
                                  "another schema in the config")


def _where(document: Document, span: Span) -> str:
    return f"{document.id}: {span.label} «{span.text}» at {span.start}–{span.end}"


def _usable(document: Document, encoded: Encoded, schema: Schema, left_out: Losses) -> Annotation:
    units: dict[Span, tuple[int, int]] = {}
    reached: dict[str, int] = {}
    for span in document.spans:
        layer = schema.layer_of(span.label)
        place = None if span.fragments else encoded.to_units(span.start, span.end)
        if span.fragments:
            left_out.add("span in several pieces", _where(document, span))
        elif place is None:
            left_out.add("span that does not start and end at words", _where(document, span))
        elif place[0] <= reached.get(layer, -1):
            left_out.add("span that overlaps another of its layer", _where(document, span))
        else:
            units[span] = place
            reached[layer] = place[1]
    relations: dict[tuple[Span, Span], Relation] = {}
    for relation in document.relations:
        pair = relation.head, relation.tail
        if not (relation.head in units and relation.tail in units):
            left_out.add("relation of a span that was left out", _where(document, relation.head))
        elif not schema.allows(relation.type, relation.head.label, relation.tail.label):
            left_out.add("relation that the schema does not allow", _where(document, relation.head))
        elif pair in relations:
            left_out.add("second relation between the same two spans", _where(document, relation.head))
        else:
            relations[pair] = relation
    return Annotation(units, list(relations.values()))


def _example(encoded: Encoded, window: Window, annotation: Annotation, schema: Schema, encoder: Encoder, reached: set[Relation]) -> dict[str, Any]:
    read = encoder.window_input(encoded, window)
    length = window.end - window.start
    labels = {label: number for number, label in enumerate(schema.all_labels)}
    inside = {span: (first - window.start, last - window.start) for span, (first, last) in annotation.units.items()
              if window.start <= first and last < window.end}
    numbers = {span: n for n, span in enumerate(inside)}
    statuses = np.full(length, IGNORED)
    for span, (first, _) in inside.items():
        if span.status is not None:
            statuses[first] = schema.statuses.index(span.status)
    tags = []
    for layer in schema.layers:
        row = spans_to_tags([(*inside[span], layer.labels.index(span.label)) for span in inside if span.label in layer.labels], length)
        for span, (first, last) in annotation.units.items():
            if span.label in layer.labels and span not in inside and last >= window.start and first < window.end:
                row[max(0, first - window.start):last + 1 - window.start] = IGNORED
        tags.append(row.tolist())
    relations = [r for r in annotation.relations if r.head in inside and r.tail in inside]
    reached.update(relations)
    names = schema.relation_names
    letters = {} if read.letters is None else {"letters": read.letters.tolist()}
    return letters | {
        "length": len(read.ids),
        "ids": read.ids.tolist(),
        "first": read.first.tolist(),
        "last": read.last.tolist(),
        "tags": tags,
        "statuses": statuses.tolist(),
        "spans": [[*place, labels[span.label]] for span, place in inside.items()],
        "relations": [[numbers[r.head], numbers[r.tail], names.index(r.type) + 1] for r in relations],
    }


class Collator:
    """Pads examples into the tensors of ``ArabieModel.forward``.

    With ``mask_units`` that share of the units is hidden behind the mask piece, so that the model learns to tell a name
    from what stands around it; torch's random state decides which. Whether a hidden unit is a label of one word, an
    event, is not to be learnt: another word in its place would be none.
    """

    def __init__(self, schema: Schema, pad: int, mask: int = 0, mask_units: float = 0.0) -> None:
        self.schema, self.pad, self.mask, self.mask_units = schema, pad, mask, mask_units
        labels = schema.all_labels
        self.candidates = np.array([[any((h, t) in r.joins for r in schema.relations) for t in labels] for h in labels], dtype=bool)

    def __call__(self, batch: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        layers = len(self.schema.layers)
        batch = [self._with_hidden(example) for example in batch]
        fields = {
            "input_ids": _padded([e["ids"] for e in batch], self.pad),
            "attention_mask": _padded([[1] * len(e["ids"]) for e in batch], 0),
            "first": _padded([e["first"] for e in batch], 0),
            "last": _padded([e["last"] for e in batch], 0),
            "tags": torch.stack([_padded([e["tags"][n] for e in batch], IGNORED) for n in range(layers)], dim=1),
            "statuses": _padded([e["statuses"] for e in batch], IGNORED),
        }
        if "letters" in batch[0]:
            letters = [np.array(e["letters"], dtype=np.int32) for e in batch]
            fields["letters"] = torch.from_numpy(padded(letters, 0))
        width = max(1, *(len(e["spans"]) for e in batch))
        spans = np.zeros((len(batch), width, 3), dtype=np.int64)
        targets = np.full((len(batch), width, width), IGNORED, dtype=np.int64)
        for row, example in enumerate(batch):
            if not example["spans"]:
                continue
            given = np.array(example["spans"])
            count = len(given)
            spans[row, :count] = given
            possible = self.candidates[np.ix_(given[:, 2], given[:, 2])] & ~np.eye(count, dtype=bool)
            targets[row, :count, :count][possible] = 0
            for head, tail, kind in example["relations"]:
                targets[row, head, tail] = kind
        return fields | {"spans": torch.from_numpy(spans), "targets": torch.from_numpy(targets)}

    def _with_hidden(self, example: dict[str, Any]) -> dict[str, Any]:
        """The example, with the pieces of some units masked and their letters left out."""
        if not self.mask_units:
            return example
        hidden = torch.rand(len(example["first"])) < self.mask_units
        ids, tags = list(example["ids"]), [list(row) for row in example["tags"]]
        for unit in torch.nonzero(hidden).flatten().tolist():
            for place in range(example["first"][unit], example["last"][unit] + 1):
                ids[place] = self.mask
            for row, layer in zip(tags, self.schema.layers):
                if layer.one_word:
                    row[unit] = IGNORED
        changed = example | {"ids": ids, "tags": tags}
        if "letters" in example:
            changed["letters"] = np.where(hidden.numpy()[:, None], 0, np.array(example["letters"], dtype=np.int32))
        return changed


def _padded(rows: Sequence[Sequence[int]], value: int) -> torch.Tensor:
    return torch.from_numpy(padded([np.array(row, dtype=np.int64) for row in rows], value))
