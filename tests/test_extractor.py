"""Texts in, Documents out: exact offsets, order, any length, and windows that agree with reading a text whole."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import arabie
from arabie import extractor as module
from arabie.decoding import best_tags, forbid, tags_to_spans
from arabie.document import Document, Span
from arabie.encoding import windows
from arabie.validation import boundary_problems

WORDS = ["انشق", "عنصر", "من", "قسد", "قصف", "هـ.روب", "#دير_الزور", "25", "،", "«الجيش»", "أمس", "في", "الرقة", "مقتل"]


@pytest.fixture(scope="module")
def extractor(toy_model):
    return arabie.load(toy_model, device="cpu")


def news(words: int, seed: int = 0, lines: bool = True) -> str:
    rng = random.Random(seed)
    parts = []
    for n in range(words):
        parts += [rng.choice(WORDS), "\n" if lines and rng.random() < 0.04 else " "]
    return "".join(parts)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(max_size=200), st.lists(st.sampled_from(WORDS + ["\n", "😀", "\u200f", "&quot;"]), max_size=150).map(" ".join)))
def test_spans_are_words_of_the_raw_text(extractor, text):
    document = extractor.extract(text)
    assert document.text == text
    assert not document.schema.problems(document)
    assert list(boundary_problems(document, document.schema)) == []
    for span in document.spans:
        assert span.text == text[span.start:span.end] and 0 < span.score <= 1


@pytest.mark.parametrize("text", ["", " ", "\n\n", "ـ", "\u200f", "."])
def test_nothing_in_nothing_out(extractor, text):
    assert extractor.extract(text).spans == ()


def slow_spans(extractor, text):
    """Every window run by itself, the scores of all units laid side by side, and each layer decoded in one piece."""
    encoded = extractor.encoder.encode(text)
    rows = [[] for _ in extractor.schema.layers]
    for window in windows(encoded, extractor.facts.windows):
        (output,) = extractor.engine.run([extractor.encoder.window_input(encoded, window)])
        for kept, scores in zip(rows, output.tags):
            kept.append(scores[window.own_start - window.start:window.own_end - window.start])
    found = set()
    for layer, parts in zip(extractor.schema.layers, rows):
        scores = forbid(np.concatenate(parts), encoded.units.is_word, layer.one_word)
        for span in tags_to_spans(best_tags(scores, encoded.units.line), scores, encoded.units.is_word, layer.labels):
            found.add((*encoded.to_raw(span.first, span.last), span.label))
    return found


@pytest.mark.parametrize("words, lines", [(30, True), (400, True), (400, False), (1500, True)])
def test_windows_agree_with_the_slow_way(extractor, words, lines):
    text = news(words, lines=lines)
    document = extractor.extract(text)
    assert {(s.start, s.end, s.label) for s in document.spans} == slow_spans(extractor, text)
    assert document.relations


def test_a_line_longer_than_what_is_decoded_at_once(extractor, monkeypatch):
    text = news(600, lines=False)
    whole = extractor.extract(text)
    monkeypatch.setattr("arabie.assembly.LONGEST_LINE", 60)
    assert len(extractor.extract(text).spans) >= 0.97 * len(whole.spans)


def test_many_texts_come_in_order_and_as_each_alone(extractor, monkeypatch):
    texts = [news(n, seed=n) for n in (5, 0, 300, 1, 40, 700, 2, 8)]
    alone = [extractor.extract(text) for text in texts]
    for size in (1, 3, 256):
        monkeypatch.setattr(module, "WINDOWS_A_ROUND", size)
        together = list(extractor.extract_many(texts))
        assert [d.text for d in together] == texts
        assert [d.spans for d in together] == [d.spans for d in alone]
        assert [[(r.type, r.head, r.tail) for r in d.relations] for d in together] == [[(r.type, r.head, r.tail) for r in d.relations] for d in alone]


def test_texts_are_read_as_results_are_taken(extractor, monkeypatch):
    monkeypatch.setattr(module, "WINDOWS_A_ROUND", 4)
    read = []

    def endless():
        number = 0
        while True:
            read.append(number)
            yield news(10, seed=number)
            number += 1

    documents = extractor.extract_many(endless())
    for _ in range(20):
        next(documents)
    assert len(read) <= 30


def test_relations_of_given_spans(extractor):
    text = "انشق 7 عناصر من قسد في الرقة أمس"
    spans = [Span(0, 4, "DEFECTION"), Span(5, 12, "COUNT"), Span(16, 19, "GROUP"), Span(23, 28, "LOC"), Span(1, 3, "PERSON")]
    (document,) = extractor.relate_many([Document(text, tuple(spans), id="d", meta={"source": "x"})])
    assert document.id == "d" and document.meta == {"source": "x"}
    assert [s.label for s in document.spans] == ["DEFECTION", "COUNT", "GROUP", "LOC"], "a span that is no word is left out"
    assert all(s.score is None for s in document.spans)
    assert not document.schema.problems(document)


def test_a_relation_is_scored_in_the_window_that_owns_its_middle(extractor):
    """The relations of a long text are those that reading each window by itself gives to the pairs in its middle."""
    text = news(500, seed=9)
    document = extractor.extract(text)
    encoded = extractor.encoder.encode(text)
    cut = windows(encoded, extractor.facts.windows)
    assert len(cut) > 3
    for relation in document.relations:
        units = [encoded.to_units(span.start, span.end) for span in (relation.head, relation.tail)]
        first, last = min(u[0] for u in units), max(u[1] for u in units)
        (owner,) = [w for w in cut if w.own_start <= (first + last) // 2 < w.own_end]
        assert owner.start <= first and last < owner.end


@pytest.mark.parametrize("texts", ["نص", b"a", Document("نص")])
def test_one_text_is_not_many(extractor, texts):
    with pytest.raises(arabie.ArabieError, match="the texts are a list of strings, .* put one text in a list"):
        extractor.extract_many(texts)


@pytest.mark.parametrize("text", [Path("a.txt"), b"a", None, float("nan"), Document("نص")])
def test_a_text_is_a_string(extractor, text):
    for labelling in (lambda: extractor.extract(text), lambda: list(extractor.extract_many(["نص", text]))):
        with pytest.raises(arabie.ArabieError, match=f"a text is a string, not {type(text).__name__}: "):
            labelling()


def test_default_model_needs_no_path():
    document = arabie.extract("انشق 7 عناصر من قسد في الرقة")
    assert document.text[document.entities[0].start:document.entities[0].end] == document.entities[0].text
