"""Texts read together are read as each is by itself."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.text import PROFILES, Profile, read, view, words
from arabie.text import reading as module
from arabie.text.furniture import furniture_lines

PIECES = [
    "انشـ.ـقّ", "د1عش", "#دير_الزور", "25", "هـ", "ووو", "@user", "https://t.co/x", "ﷺ", "&quot;", "<br>", "e\u0301", "👍🏽",
    "", "\n", "\r", " ", "ـ", "ـ.", ".ـ", "\u0301", "\u064b", "\u200f", "\u200d", "👍", "🏽", "🇸", "🇾", "ا", "_", "1",
    "\u2028", "\ud83d", "\ude00", "مقالات ذات صلة", "زر الذهاب إلى الأعلى\n",
]  # fmt: skip
pieces = st.one_of(st.sampled_from(PIECES), st.text(st.characters(exclude_categories=()), max_size=5))
many = st.lists(st.lists(pieces, max_size=5).map("".join), max_size=8)
ODD = Profile(strip_invisible=True, strip_tatweel=True, urls="a\nb", mentions="")


def alone(text, profile):
    """What is read of one text: everything that stands in the arrays of its view and of its units."""
    seen = view(text, profile)
    found = words(seen)
    lines = furniture_lines(text)
    kept = [not any(start <= at < end for start, end in lines) for at in found.raw_starts.tolist()]
    columns = {name: column[np.array(kept, dtype=bool)] for name, column in vars(found).items()}
    return told(seen, columns)


def told(seen, columns):
    arrays = {"starts": seen.starts, "ends": seen.ends, "kinds": seen.kinds, **columns}
    listed = {name: (array.dtype, array.tolist()) for name, array in arrays.items()}
    return seen.raw, seen.text, seen.profile, listed


@pytest.mark.parametrize("profile", [*PROFILES, ODD])
@given(texts=many)
@settings(max_examples=60, deadline=None)
def test_texts_are_read_as_each_by_itself(profile, texts):
    assert [told(one.view, vars(one.units)) for one in read(texts, profile)] == [alone(text, profile) for text in texts]


@pytest.mark.parametrize("together", [1, 7, 20, 1000])
def test_order_is_kept_whatever_is_read_together(together, monkeypatch):
    monkeypatch.setattr(module, "_TOGETHER", together)
    texts = ["انشق عنصران", "x" * 30, "a &amp; b", "", "قسد", "<br>", "هـ.روب\nأمس", "و" * 25]
    assert [reading.view.raw for reading in read(texts)] == texts
    assert [reading.view.text for reading in read(texts)] == [view(text).text for text in texts]


def test_html_in_one_text_changes_nothing_in_another():
    cut_apart = "👍\u200f🏽"  # two symbols, one once the mark between them is gone
    assert [len(reading.units) for reading in read([cut_apart, "&quot;"])] == [len(words(view(cut_apart))), 1]


def test_units_on_lines_of_furniture_are_left_out_in_every_profile():
    text = "انشق عنصران\nزر الذهاب إلى الأعلى\nمن قسد"
    for profile in PROFILES:
        for reading in read([text, text], profile):
            found = [text[start:end] for start, end in zip(reading.units.raw_starts, reading.units.raw_ends)]
            assert found == ["انشق", "عنصران", "من", "قسد"] and reading.units.line.tolist() == [0, 0, 2, 2]
