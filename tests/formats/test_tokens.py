from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_documents import PIECES, SCHEMA, documents

from arabie.document import Document, Span
from arabie.formats.losses import Losses
from arabie.formats.tags import Chunk
from arabie.formats.tokens import Tokens, fill_columns, place_spans

QUICK = settings(max_examples=80, deadline=None)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=14).map("".join)
FORMS = st.lists(st.lists(st.sampled_from(["قسد", "a", "،", "3.5", "😀", "U.N.", "«", "دير الزور", "", "\u200f"]),
                          max_size=4), max_size=4)


@QUICK
@given(TEXTS)
def test_found_tokens_are_solid_in_order_and_one_line_each(text):
    tokens = Tokens.found(text)
    assert tokens.text == text and all(tokens.sentences)
    edges = [edge for token in tokens.flat for edge in token]
    assert edges == sorted(edges) and all(form and not any(map(str.isspace, form)) for row in tokens.forms
                                          for form in row)
    for sentence in tokens.sentences:
        assert "\n" not in text[sentence[0][0]:sentence[-1][1]]
    left_out = set("".join(text)) - set("".join(form for row in tokens.forms for form in row))
    assert all(character.isspace() or character in "\u200f\ufeff\u200d" for character in left_out)


@QUICK
@given(FORMS)
def test_tokens_joined_are_found_again_in_the_text_and_in_its_meta(sentences):
    tokens = Tokens.joined(sentences)
    assert tokens.forms == [row for row in sentences if row]
    assert tokens.text == "\n".join(" ".join(row) for row in sentences if row)
    losses = Losses()
    assert Tokens.of(Document(tokens.text, meta=tokens.meta), losses) == tokens and not losses
    assert [tokens.sentence_of(n) for n in range(len(tokens.flat))] == [s for s, row in enumerate(tokens.forms)
                                                                        for _ in row]


@QUICK
@given(TEXTS, st.data())
def test_locate_is_what_a_search_through_all_tokens_finds(text, data):
    tokens = Tokens.found(text)
    start, end = (data.draw(st.integers(0, len(text))) for _ in range(2))
    slow = [(first, after) for first in range(len(tokens.flat)) for after in range(first + 1, len(tokens.flat) + 1)
            if (tokens.flat[first][0], tokens.flat[after - 1][1]) == (start, end)]
    assert tokens.locate(start, end) == (slow[0] if slow else None)


def test_a_word_cut_against_censorship_is_one_token():
    assert Tokens.found("هـ.روب عناصر قسد، #دير_الزور").forms == [["هـ.روب", "عناصر", "قسد", "،", "#", "دير_الزور"]]


@pytest.mark.parametrize("stated", [[[[0, 3], [2, 5]]], [[[0, 99]]], [[[3, 1]]], "abc", [[["a", "b"]]], [[[0]]], 5,
                                    [[[-1, 2]]]])
def test_tokens_in_meta_that_do_not_fit_are_counted_and_found_anew(stated):
    losses = Losses()
    assert Tokens.of(Document("فر ضابط", meta={"tokens": stated}), losses) == Tokens.found("فر ضابط")
    assert losses.counts == {'tokens in meta["tokens"] that do not fit the text': 1}


@QUICK
@given(documents())
def test_placed_spans_are_those_of_whole_tokens(document):
    losses, tokens = Losses(), Tokens.found(document.text)
    placed = place_spans(document, tokens, losses)
    for span, (first, after) in placed.items():
        assert (tokens.flat[first][0], tokens.flat[after - 1][1]) == (span.start, span.end)
        assert tokens.sentence_of(first) == tokens.sentence_of(after - 1)
    assert len(placed) + sum(losses.counts.values()) == len(document.spans)
    assert set(losses.counts) <= {"span that does not begin and end with a token",
                                  "span that runs over the end of a sentence"}


@QUICK
@given(documents())
def test_columns_never_overlap_and_leave_out_nothing_uncounted(document):
    losses, columns = Losses(), ["entities", "entities", "events"]
    placed = place_spans(document, Tokens.found(document.text), Losses())
    filled = fill_columns(placed, columns, SCHEMA, losses, "here")
    for column, chunks in zip(columns, filled):
        places = [place for chunk in chunks for place in range(chunk.start, chunk.end)]
        assert len(places) == len(set(places))
        assert all(SCHEMA.layer_of(chunk.label) in (column, None) for chunk in chunks)
    assert sum(map(len, filled)) + sum(losses.counts.values()) == len(placed)


def test_a_nested_span_goes_to_the_second_column_and_a_discontinuous_one_gives_way():
    text = "قائد شرطة دير الزور"
    whole, part = Span(0, 19, "ROLE"), Span(10, 19, "LOC")
    broken = Span(0, 9, "ORG", fragments=((0, 1), (8, 9)))
    document, losses = Document(text, (whole, part, broken)), Losses()
    placed = place_spans(document, Tokens.found(text), losses)
    assert fill_columns(placed, ["entities", "entities"], SCHEMA, losses, "d") == [
        [Chunk(0, 4, "ROLE")], [Chunk(2, 4, "LOC"), Chunk(0, 2, "ORG")]]
    assert fill_columns(placed, ["entities"], SCHEMA, losses, "d") == [[Chunk(0, 4, "ROLE")]]
    assert losses.counts == {"span that overlaps another in its column": 2}


def test_chunks_become_spans_once_and_never_empty():
    tokens, losses = Tokens.joined([["a", "", "b"]]), Losses()
    spans = tokens.spans([Chunk(0, 1, "X"), Chunk(0, 1, "X"), Chunk(1, 2, "X"), Chunk(1, 3, "X")], losses, "f:1")
    assert spans == (Span(0, 1, "X"), Span(2, 4, "X"))
    assert losses.counts == {"span given twice": 1, "span over an empty token": 1}


def test_importing_the_formats_loads_no_heavy_package():
    modules = ["apf", "conll", "conllu", "datasets", "dygie", "gliner", "spacy"]
    code = (f"import importlib, sys; [importlib.import_module('arabie.formats.' + name) for name in {modules}]; "
            "print({'torch', 'transformers', 'spacy', 'datasets', 'pyarrow'} & set(sys.modules))")
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
