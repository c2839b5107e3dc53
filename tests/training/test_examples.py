"""What the model is given to learn from: every annotation in its place, or counted with its cause."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import AutoTokenizer

from arabie.document import Document, Relation, Span
from arabie.encoding import Encoder, WindowSettings
from arabie.errors import SchemaError
from arabie.formats import read
from arabie.formats.losses import Losses
from arabie.model import IGNORED
from arabie.schema import default_schema
from training.examples import Collator, examples

SCHEMA = default_schema()


@pytest.fixture(scope="module")
def encoder(toy_encoder):
    return Encoder(AutoTokenizer.from_pretrained(toy_encoder))


def made(encoder, document, size=256, overlap=64):
    left_out = Losses()
    return list(examples([document], encoder, SCHEMA, WindowSettings(size, overlap), left_out)), left_out


def test_every_annotation_of_the_corpus_is_in_some_window(encoder):
    """Tags read back from the windows, by a slow reading of BIO, are the gold spans; relations and statuses too."""
    for document in list(read("training/corpus/dev.jsonl"))[:12]:
        rows, left_out = made(encoder, document, 128, 48)
        encoded = encoder.encode(document.text)
        found, statuses, relations, start = set(), {}, set(), 0
        from arabie.encoding import windows

        for row, window in zip(rows, windows(encoded, WindowSettings(128, 48)), strict=True):
            spans = [(encoded.to_raw(first + window.start, last + window.start), SCHEMA.all_labels[label]) for first, last, label in row["spans"]]
            found.update(spans)
            for first, last, label in row["spans"]:
                layer = next(n for n, made_layer in enumerate(SCHEMA.layers) if SCHEMA.all_labels[label] in made_layer.labels)
                tag = 2 * SCHEMA.layers[layer].labels.index(SCHEMA.all_labels[label]) + 1
                assert row["tags"][layer][first] == tag
                assert row["tags"][layer][first + 1:last + 1] == [tag + 1] * (last - first)
            tagged = sum(tag % 2 == 1 for layer in row["tags"] for tag in layer if tag != IGNORED)
            assert tagged == len(row["spans"])
            for (place, label), (first, _, _) in zip(spans, row["spans"]):
                if row["statuses"][first] != IGNORED and label in SCHEMA.labels("events"):
                    statuses[place, label] = SCHEMA.statuses[row["statuses"][first]]
            for head, tail, kind in row["relations"]:
                relations.add((SCHEMA.relation_names[kind - 1], spans[head], spans[tail]))
        gold = {((s.start, s.end), s.label) for s in document.spans}
        assert found == gold
        assert statuses == {((e.start, e.end), e.type): e.status for e in document.events}
        wanted = {(r.type, ((r.head.start, r.head.end), r.head.label), ((r.tail.start, r.tail.end), r.tail.label)) for r in document.relations}
        assert len(wanted - relations) == sum(left_out.counts.values())


def test_a_span_that_a_window_cuts_is_ignored_there(encoder):
    text = " ".join(["ا"] * 90)
    document = Document(text, [Span(2 * 50, 2 * 70 - 1, "OTHER")])
    rows, left_out = made(encoder, document, 62, 30)
    causes = [row["tags"][2] for row in rows]
    assert not left_out and len(rows) >= 2
    assert any(IGNORED in tags for tags in causes)
    assert sum(tags.count(2 * 9 + 1) for tags in causes) == sum(len(row["spans"]) for row in rows) >= 1


def test_what_cannot_be_learnt_from_is_counted(encoder):
    text = "انشق ضابط من قسد في الرقة"
    spans = [Span(0, 4, "DEFECTION"), Span(5, 12, "PERSON"), Span(5, 9, "ROLE"), Span(13, 15, "GROUP"), Span(13, 25, "LOC", fragments=((13, 16), (20, 25)))]
    links = [Relation("AGENT", spans[0], spans[1]), Relation("TARGET", spans[0], spans[1]), Relation("FROM", spans[0], spans[3]),
             Relation("CAUSES", spans[0], spans[1])]
    _, left_out = made(encoder, Document(text, spans, links, id="d"))
    assert left_out.counts == {"span that overlaps another of its layer": 1, "span that does not start and end at words": 1,
                               "span in several pieces": 1, "second relation between the same two spans": 1,
                               "relation of a span that was left out": 1, "relation that the schema does not allow": 1}


def test_unknown_labels_are_an_error(encoder):
    with pytest.raises(SchemaError, match="did you mean 'GROUP'"):
        made(encoder, Document("قسد", [Span(0, 3, "GROUPS")]))


def test_batches_hold_each_example_and_padding(encoder):
    documents = list(read("training/corpus/dev.jsonl"))[:4]
    rows = [row for document in documents for row in made(encoder, document)[0]]
    rows.append(made(encoder, Document("لا شيء هنا"))[0][0])
    batch = Collator(SCHEMA, pad=0)(rows)
    for n, row in enumerate(rows):
        length, units, spans = len(row["ids"]), len(row["first"]), len(row["spans"])
        assert batch["input_ids"][n, :length].tolist() == row["ids"] and batch["attention_mask"][n].sum() == length
        assert batch["tags"][n, :, :units].tolist() == row["tags"] and (batch["tags"][n, :, units:] == IGNORED).all()
        related = {(head, tail): kind for head, tail, kind in row["relations"]}
        for head in range(batch["targets"].shape[1]):
            for tail in range(batch["targets"].shape[2]):
                wanted = IGNORED
                if head < spans and tail < spans and head != tail:
                    labels = [SCHEMA.all_labels[row["spans"][x][2]] for x in (head, tail)]
                    if any(tuple(labels) in r.joins for r in SCHEMA.relations):
                        wanted = related.get((head, tail), 0)
                assert batch["targets"][n, head, tail] == wanted
    assert np.all(batch["statuses"].numpy()[-1] == IGNORED)


def test_hidden_units_are_hidden_whole_and_only_they(encoder):
    row = made(encoder, next(iter(read("training/corpus/dev.jsonl"))))[0][0]
    collator = Collator(SCHEMA, 0, mask=4, mask_units=0.3)
    shares = []
    for _ in range(30):
        ids = collator([row])["input_ids"][0].tolist()
        for first, last in zip(row["first"], row["last"]):
            changed = [ids[n] != row["ids"][n] for n in range(first, last + 1)]
            assert all(ids[n] in (4, row["ids"][n]) for n in range(first, last + 1)) and len(set(changed)) == 1
            shares.append(changed[0])
        assert (ids[0], ids[len(row["ids"]) - 1]) == (row["ids"][0], row["ids"][-1])
    assert 0.25 < np.mean(shares) < 0.35
