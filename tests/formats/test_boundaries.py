from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.formats.boundaries import Boundaries
from arabie.text import view, words

PIECES = ["قسد", "هـ.روب", "#دير_الزور", "3.5%", " ", "\n", "،", "\u200f", "ُ", "&quot;"]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=2)), max_size=12).map("".join)


@settings(max_examples=60, deadline=None)
@given(TEXTS)
def test_splits_count_and_places_agree_with_going_through_all_words(text):
    boundaries, units = Boundaries(text), words(view(text))
    ranges = [(start, end) for start, end, is_word in zip(units.raw_starts, units.raw_ends, units.is_word) if is_word]
    inside = {at for start, end in ranges for at in range(start + 1, end)}
    assert [at for at in range(len(text) + 1) if boundaries.splits(at)] == sorted(inside)
    assert boundaries.total == len(ranges)
    for start in range(0, len(text), 3):
        for end in range(start + 1, min(start + 4, len(text)) + 1):
            assert boundaries.count(start, end) == sum(start <= at < end for at, _ in ranges)
            surface = text[start:end]
            standing = [at for at in range(len(text)) if text.startswith(surface, at)]
            assert list(boundaries.places(surface)) == [at for at in standing if not {at, at + len(surface)} & inside]


@pytest.mark.parametrize(("text", "surface", "fault"), [
    ("وفرّ العناصر", "فرّ", "inside a word"),
    ("هـ.روب جماعي", "روب", "inside a word"),
    ("«قسد»", "«قسد", "punctuation or space"),
    ("قسد تنفي", "قسد ", "punctuation or space"),
    ("#دير_الزور", "#دير_الزور", "punctuation or space"),
    ("قسد\nتنفي", "قسد\nتنفي", "line break"),
    ("أعلنت \"قسد\"", "أعلنت \"قسد", "more than one word"),
])
def test_a_span_that_breaks_a_rule_is_told_why(text, surface, fault):
    start = text.index(surface)
    assert fault in Boundaries(text).fault(start, start + len(surface), one_word=True)


@pytest.mark.parametrize(("text", "surface"), [
    ("هـ.روب جماعي", "هـ.روب"), ("#دير_الزور", "دير_الزور"), ("قتلُوا،", "قتلُوا"),
    ("نحو 30% منهم", "30%"), ("نحو ٣٠٪ منهم", "٣٠٪"),
])
def test_whole_words_may_be_spans(text, surface):
    start = text.index(surface)
    assert Boundaries(text).fault(start, start + len(surface), one_word=True) is None
