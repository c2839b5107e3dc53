from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.errors import ArabieError, DocumentError
from arabie.formats.offsets import UNITS, Offsets

from made_documents import PIECES

TEXTS = st.one_of(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.text(max_size=20))
CLUSTERS = ["a", "é", "e\u0301", "بٌ", "لَّ", "👨‍👩‍👧", "👍🏽", "🇸🇾", "\r\n", "\n", " ", "\u0600٣"]
WIDTHS = {
    "code-points": lambda text: len(text),
    "utf-16": lambda text: len(text.encode("utf-16-le")) // 2,
    "utf-8": lambda text: len(text.encode("utf-8")),
}


@pytest.mark.parametrize("unit", WIDTHS)
@settings(max_examples=40, deadline=None)
@given(text=TEXTS, data=st.data())
def test_both_ways_agree_with_encoding_what_stands_before(unit, text, data):
    start, end = sorted(data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))))
    offsets, width = Offsets(text, unit), WIDTHS[unit]
    assert offsets.from_code_points(start, end) == (width(text[:start]), width(text[:end]))
    assert offsets.to_code_points(width(text[:start]), width(text[:end])) == (start, end)
    assert offsets.length == width(text)


@pytest.mark.parametrize("unit", ["utf-16", "utf-8"])
@settings(max_examples=40, deadline=None)
@given(text=TEXTS)
def test_an_offset_is_refused_exactly_if_no_character_begins_there(unit, text):
    width = WIDTHS[unit]
    boundaries = {width(text[:place]) for place in range(len(text) + 1)}
    offsets = Offsets(text, unit)
    for offset in range(width(text) + 1):
        if offset in boundaries:
            offsets.to_code_points(offset, offset)
        else:
            with pytest.raises(DocumentError, match="inside the character"):
                offsets.to_code_points(offset, offset)


@settings(max_examples=60, deadline=None)
@given(clusters=st.lists(st.sampled_from(CLUSTERS), max_size=10))
def test_grapheme_clusters_are_counted_one_by_one(clusters):
    text = "".join(clusters)
    offsets = Offsets(text, "graphemes")
    ends = [len("".join(clusters[:count])) for count in range(len(clusters) + 1)]
    assert offsets.length == len(clusters)
    for number, place in enumerate(ends):
        assert offsets.to_code_points(number, number) == (place, place)
        assert offsets.from_code_points(place, place) == (number, number)
    for place in set(range(len(text) + 1)).difference(ends):
        with pytest.raises(DocumentError, match="inside the grapheme cluster"):
            offsets.from_code_points(place, place)


def test_half_of_a_surrogate_pair_is_named():
    with pytest.raises(DocumentError, match=r"offset 1 \(UTF-16 units\) falls inside the character '\\U0001f600' at "):
        Offsets("😀!", "utf-16").to_code_points(0, 1)


@pytest.mark.parametrize("unit", UNITS)
def test_offsets_outside_the_text_are_refused(unit):
    offsets = Offsets("خبر 😀", unit)
    for start, end in ((-1, 2), (0, offsets.length + 1)):
        with pytest.raises(DocumentError, match="outside the text"):
            offsets.to_code_points(start, end)
    with pytest.raises(DocumentError, match="outside the text of 5 code points"):
        offsets.from_code_points(0, 6)


def test_an_unknown_unit_is_refused_with_the_nearest():
    with pytest.raises(ArabieError, match="did you mean 'utf-16'"):
        Offsets("خبر", "utf16")
