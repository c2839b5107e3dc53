"""Random documents against slow references that are plainly right."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache, partial
from itertools import product
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arabie.document import Document, Relation, Span
from arabie.errors import DocumentError
from arabie.evaluation import evaluate, same_texts
from arabie.evaluation.calibration import calibration
from arabie.evaluation.matching import matching
from arabie.evaluation.spans import STRETCH
from arabie.formats.losses import Losses
from arabie.schema import Schema
from arabie.text import view, words

SCHEMA = Schema.from_dict({
    "layers": [{"name": "things", "labels": ["A", "B", "C"]},
               {"name": "acts", "labels": ["X", "Y"], "statuses": ["YES", "NO", "MAYBE"]}],
    "relations": [{"name": "R", "joins": [["@acts", "@things"]]}, {"name": "S", "joins": [["@things", "@things"]]}],
})
PIECES = ["قوات", "النظام", "هـ.روب", "ال", "12", ".", "«", "ﷺ", "#دير_الزور", "👍🏽", "a"]
examples = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LAYERS = {layer.name: layer.labels for layer in SCHEMA.layers}


@st.composite
def spans(draw, text: str, aligned: bool) -> Span:
    """A span at unit boundaries, or (unless aligned) anywhere and perhaps in two pieces."""
    units = words(view(text))
    label = draw(st.sampled_from(SCHEMA.all_labels))
    status = draw(st.sampled_from(SCHEMA.statuses)) if label in LAYERS["acts"] else None
    score = draw(st.none() | st.floats(0, 1))
    if aligned or draw(st.integers(0, 3)):
        first = draw(st.integers(0, len(units) - 1))
        last = draw(st.integers(first, min(first + 3, len(units) - 1)))
        return Span(int(units.raw_starts[first]), int(units.raw_ends[last]), label, status, score)
    start, end = sorted(draw(st.lists(st.integers(0, len(text)), min_size=2, max_size=2, unique=True)))
    if end - start > 3 and draw(st.booleans()):
        return Span(start, end, label, status, score, ((start, start + 1), (end - 1, end)))
    return Span(start, end, label, status, score)


@st.composite
def documents(draw, text: str, like: Document | None = None, aligned: bool = False) -> Document:
    """Spans and relations over a text; some of them those of ``like``."""
    kept = [replace(span, score=None) for span in like.spans if draw(st.booleans())] if like else []
    found = list(dict.fromkeys([*kept, *draw(st.lists(spans(text, aligned), max_size=8))]))
    if aligned:
        found = without_overlaps(found)
    ends = st.sampled_from(found) if found else st.nothing()
    relations = draw(st.lists(st.builds(Relation, st.sampled_from("RS"), ends, ends), max_size=8)) if found else []
    if like:
        relations += [r for r in like.relations if r.head in found and r.tail in found]
    return Document(text, tuple(found), tuple(dict.fromkeys(relations)), schema=SCHEMA)


@st.composite
def corpora(draw, aligned: bool = False) -> tuple[list[Document], list[Document]]:
    gold, predicted = [], []
    for _ in range(draw(st.integers(1, 2))):
        text = draw(st.sampled_from(["", " "])).join(draw(st.lists(st.sampled_from(PIECES), min_size=1, max_size=10)))
        gold.append(draw(documents(text, aligned=aligned)))
        predicted.append(draw(documents(text, gold[-1], aligned)))
    return gold, predicted


def without_overlaps(found: list[Span]) -> list[Span]:
    """The spans but those that overlap an earlier one of their layer, in text order."""
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (s.start, -s.end, s.label)):
        if not any(SCHEMA.layer_of(span.label) == SCHEMA.layer_of(other.label) and meet(span, other) for other in kept):
            kept.append(span)
    return kept


def characters(span: Span) -> set[int]:
    return {place for start, end in span.fragments or ((span.start, span.end),) for place in range(start, end)}


def meet(one: Span, other: Span) -> bool:
    return bool(characters(one) & characters(other))


def key(span: Span) -> tuple:
    return span.start, span.end, span.label, span.fragments


def most_pairs(gold: list, predicted: list, fits) -> int:
    """The size of a largest one-to-one matching, by trying everything."""
    @cache
    def best(row: int, free: frozenset[int]) -> int:
        if row == len(gold):
            return 0
        options = [1 + best(row + 1, free - {column}) for column in free if fits(gold[row], predicted[column])]
        return max([best(row + 1, free), *options])
    return best(0, frozenset(range(len(predicted))))


def check(scores, rows: dict[str, tuple[int, int, int]]) -> None:
    """Compare Scores with counts of (right, predicted, gold) by label."""
    def f1(right, predicted, gold):
        return 2 * right / (predicted + gold) if predicted + gold else 0
    rows = {label: row for label, row in rows.items() if row[1] or row[2]}
    assert set(scores.labels) == set(rows)
    for label, (right, predicted, gold) in rows.items():
        found = scores.labels[label]
        assert found.support == gold and found.f1 == pytest.approx(f1(right, predicted, gold))
        assert found.precision == pytest.approx(right / predicted if predicted else 0)
        assert found.recall == pytest.approx(right / gold if gold else 0)
    assert scores.micro.f1 == pytest.approx(f1(*map(sum, zip(*rows.values()))) if rows else 0)
    assert scores.macro.f1 == pytest.approx(sum(f1(*row) for row in rows.values()) / len(rows) if rows else 0)


@examples(max_examples=40)
@given(corpora())
def test_strict_scores_are_the_set_intersection(corpus):
    report = evaluate(*corpus, SCHEMA)
    for layer, labels in LAYERS.items():
        counts = {}
        for label in labels:
            sides = [[{key(span) for span in document.spans if span.label == label} for document in side] for side in corpus]
            counts[label] = (sum(len(one & other) for one, other in zip(*sides)), *(sum(map(len, side)) for side in reversed(sides)))
        check(report.layers[layer].strict, counts)
    assert not report.left_out


@examples(max_examples=25)
@given(corpora(aligned=True))
def test_aligned_documents_lose_nothing_and_turn_round(corpus):
    gold, predicted = corpus
    report, turned, same = (evaluate(*sides, SCHEMA) for sides in ((gold, predicted), (predicted, gold), (gold, gold)))
    assert not report.left_out
    for layer in LAYERS:
        for measure in ("strict", "relaxed"):
            one, other, perfect = (getattr(made.layers[layer], measure).micro for made in (report, turned, same))
            assert one.precision == pytest.approx(other.recall) and one.f1 == pytest.approx(other.f1)
            assert perfect.f1 == any(span.label in LAYERS[layer] for document in gold for span in document.spans)
        assert report.layers[layer].relaxed.micro.f1 >= report.layers[layer].strict.micro.f1 - 1e-9
    assert not same.errors


@examples(max_examples=40)
@given(corpora())
def test_relaxed_scores_have_as_many_matches_as_there_can_be(corpus):
    report = evaluate(*corpus, SCHEMA)
    for layer, labels in LAYERS.items():
        counts = dict.fromkeys(labels, (0, 0, 0))
        for pair, label in product(zip(*corpus), labels):
            gold, predicted = ([*{key(s): s for s in document.spans if s.label == label}.values()] for document in pair)
            found = most_pairs(gold, predicted, meet), len(predicted), len(gold)
            counts[label] = tuple(map(sum, zip(counts[label], found)))
        check(report.layers[layer].relaxed, counts)


@examples(max_examples=40)
@given(corpora())
def test_relation_scores(corpus):
    def name(relation):
        return relation.type, key(relation.head), key(relation.tail)

    def fits(one, other):
        return (meet(one.head, other.head) and meet(one.tail, other.tail) and one.head.label == other.head.label
                and one.tail.label == other.tail.label)

    report = evaluate(*corpus, SCHEMA, relations_given=corpus[1])
    strict, relaxed = (dict.fromkeys("RS", (0, 0, 0)) for _ in range(2))
    for pair, type in product(zip(*corpus), "RS"):
        gold, predicted = ({name(r): r for r in document.relations if r.type == type} for document in pair)
        sizes = len(predicted), len(gold)
        strict[type] = tuple(map(sum, zip(strict[type], (len(gold.keys() & predicted.keys()), *sizes))))
        most = most_pairs(list(gold.values()), list(predicted.values()), fits)
        relaxed[type] = tuple(map(sum, zip(relaxed[type], (most, *sizes))))
    check(report.relations.strict, strict)
    check(report.relations.given, strict)
    check(report.relations.relaxed, relaxed)


@examples(max_examples=30)
@given(corpora(aligned=True))
def test_status_accuracy_is_the_share_of_found_spans_with_the_right_status(corpus):
    report = evaluate(*corpus, SCHEMA)
    both = [(one.status, other.status) for gold, predicted in zip(*corpus)
            for one in gold.spans for other in predicted.spans if key(one) == key(other) and one.status]
    right = sum(one == other for one, other in both)
    assert report.status.found == len(both)
    assert report.status.accuracy == (pytest.approx(right / len(both)) if both else None)
    for one, other in product(SCHEMA.statuses, repeat=2):
        assert report.status.confusion[one][other] == both.count((one, other))


@examples(max_examples=40)
@given(corpora())
def test_every_item_that_is_not_right_is_in_one_error_of_the_right_kind(corpus):
    errors = evaluate(*corpus, SCHEMA).errors
    for layer, labels in LAYERS.items():
        wrong, chosen = Counter(), [error for error in errors if error.layer == layer]
        for pair in zip(*corpus):
            gold, predicted = ({key(s) for s in document.spans if s.label in labels} for document in pair)
            wrong.update([("gold", *k) for k in gold - predicted] + [("predicted", *k) for k in predicted - gold])
        assert wrong == Counter((side, *key(getattr(error, side))) for error in chosen
                                for side in ("gold", "predicted") if getattr(error, side) is not None)
        for error in chosen:
            assert error.kind == kind_of(error.gold, error.predicted)


def kind_of(gold: Span | None, predicted: Span | None) -> str:
    if gold is None or predicted is None:
        return "spurious" if gold is None else "missed"
    assert meet(gold, predicted)
    if key(gold)[:2] + key(gold)[3:] == key(predicted)[:2] + key(predicted)[3:]:
        return "type"
    return "boundary" if gold.label == predicted.label else "boundary+type"


@examples(max_examples=30)
@given(corpora())
def test_what_is_missed_has_no_partner_among_what_is_spurious(corpus):
    gold, predicted = corpus
    for number in range(len(gold)):
        errors = evaluate(gold[number:number + 1], predicted[number:number + 1], SCHEMA).errors
        missed = [error.gold for error in errors if error.kind == "missed"]
        spurious = [error.predicted for error in errors if error.kind == "spurious"]
        for one, other in product(missed, spurious):
            if isinstance(one, Span) and isinstance(other, Span):
                assert SCHEMA.layer_of(one.label) != SCHEMA.layer_of(other.label) or not meet(one, other)
            elif isinstance(one, Relation) and isinstance(other, Relation):
                ends, turned = (key(one.head), key(one.tail)), (key(one.tail), key(one.head))
                assert (key(other.head), key(other.tail)) not in ((ends, turned) if one.type == other.type else (ends,))


@examples(max_examples=15)
@given(st.integers(0, 2**32))
def test_a_document_longer_than_a_stretch_scores_as_the_set_intersection(seed):
    random = Random(seed)
    text = " ".join("ab"[random.randrange(2)] for _ in range(random.randrange(STRETCH, 4 * STRETCH)))
    sides = []
    for _ in range(2):
        found, place, longest = [], 0, random.choice([3, 2 * STRETCH])
        while (place := place + random.randrange(4)) < len(text) // 2:
            end = min(place + random.randint(1, longest), len(text) // 2)
            found.append(Span(2 * place, 2 * end - 1, random.choice("AB")))
            place = end
        sides.append([Document(text, tuple(found), schema=SCHEMA)])
    gold, predicted = (set(side[0].spans) for side in sides)
    check(evaluate(*sides, SCHEMA).layers["things"].strict, {label: tuple(
        sum(span.label == label for span in part) for part in (gold & predicted, predicted, gold)) for label in "AB"})


intervals = st.lists(st.tuples(st.integers(0, 12), st.integers(1, 5), st.sampled_from("AB")), max_size=7, unique=True)


@examples(max_examples=60)
@given(intervals, intervals)
def test_matching_is_one_to_one_and_as_large_as_can_be(gold, predicted):
    gold = [Span(start, start + length, label) for start, length, label in gold]
    predicted = [Span(start, start + length, label) for start, length, label in predicted]
    pairs = matching(gold, predicted, lambda span: span.label, lambda span: (span,))
    assert all(one.label == other.label and meet(one, other) for one, other in pairs)
    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert len(pairs) == most_pairs(gold, predicted, lambda one, other: one.label == other.label and meet(one, other))


edges = st.sampled_from([0.0, 1.0, *(number / 15 for number in range(1, 15))])


@examples(max_examples=40)
@given(st.lists(st.tuples(edges | st.floats(0, 1), st.booleans()), min_size=1, max_size=30))
def test_calibration_by_going_through_the_bins(scored):
    found, error = calibration(scored), 0.0
    for number, part in enumerate(found.bins):
        inside = [(score, right) for score, right in scored
                  if number / 15 < score <= (number + 1) / 15 or number == score == 0]
        assert part.count == len(inside)
        if inside:
            error += abs(sum(score - right for score, right in inside)) / len(scored)
    assert found.error == pytest.approx(error, abs=1e-12)
    assert found.brier == pytest.approx(sum((score - right) ** 2 for score, right in scored) / len(scored))


named = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([None, "1", "2", "3"])), max_size=8)


@given(named, named)
def test_documents_pair_up_by_their_texts(gold, predicted):
    gold, predicted = ([Document(text, id=id) for text, id in side] for side in (gold, predicted))
    expected, rest = {}, list(enumerate(predicted))
    for same in (lambda a, b: (a.text, a.id) == (b.text, b.id), lambda a, b: a.text == b.text):
        for number, document in enumerate(gold):
            partner = next((other for other in rest if same(document, other[1])), None)
            if partner and number not in expected:
                rest.remove(partner)
                expected[number] = partner[0]
    alone = [document for number, document in enumerate(gold) if number not in expected]
    losses = Losses()
    if not expected or {d.id for d in alone if d.id} & {d.id for _, d in rest}:
        with pytest.raises(DocumentError, match="no text of the gold|differs from the gold text"):
            same_texts(gold, predicted, losses)
        return
    ours, theirs = same_texts(gold, predicted, losses)
    assert [(id(one), id(other)) for one, other in zip(ours, theirs, strict=True)] == [
        (id(gold[number]), id(predicted[expected[number]])) for number in sorted(expected)]
    assert sum(losses.counts.values()) == len(alone) + len(rest)
