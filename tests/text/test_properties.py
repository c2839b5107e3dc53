"""Random text: the way back always holds, and the default view agrees with a slow reading, character by character."""

from __future__ import annotations

import itertools
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.text import PROFILES, view, words

MARKS = set("ًٌٍَُِّْٰ")
LETTERS = set("ابتثجحخدذرزسشصضطظعغفقكلمنهويةىأإآئؤءگپ")
INVISIBLE = set("\u200c\u200d\u200f\u202b\ufeff\xad")
ALEF = {"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي"}
QUOTES = set("\"'«»()")

arabic = st.text(st.sampled_from(sorted(LETTERS)), min_size=1, max_size=5)
cuts = "ـ|ـ.|ـ.ـ|.ـ|ـ,|ـ،ـ|ـ*ـ|ـ-ـ|ـ ـ|ـ_|ـ...ـ|ـ/|_|#|ووو|ااا|تتتت".split("|")
signs = [*'.,،*/-!«»"( \n', "👇", "25", "٨", "هـ", "x", "Zé"]
pieces = st.one_of(arabic, st.sampled_from(cuts), st.sampled_from(signs), st.sampled_from(sorted(MARKS | INVISIBLE)))
arabic_text = st.lists(pieces, max_size=14).map("".join)
hard = st.sampled_from([
    "&", "amp;", "&amp;", "&quot;", "#38;", "&#1611;", "&#x640;", "&lt;br&gt;", "<b>", "</", ">", "@", "@user",
    "a@b.co", ".co", "www.", "http://", "HTTPS://x.y", "/", "ﷺ", "ﷲ", "ﻻ", "ﱞ", "\u0301", "\u0653", "\u0654", "ي", "و", "e",
    "İ", "J\u030c", "\ud800", "\udfff", "1️⃣", "❤️", "👨\u200d", "\u20e3", "\ufe0f", "د1عش", "دوا1", "1", "o", "_", "\u2028",
    "\r", "\x00", "𝐀",
])  # fmt: skip
any_text = st.one_of(
    st.text(st.characters(exclude_categories=()), max_size=20),
    st.lists(st.one_of(pieces, hard), max_size=14).map("".join),
)


@pytest.mark.parametrize("profile", PROFILES)
@given(raw=any_text)
@settings(max_examples=60, deadline=None)
def test_every_character_and_unit_leads_back(profile, raw):
    seen = view(raw, profile)
    found = words(seen)
    starts, ends = seen.starts.tolist(), seen.ends.tolist()
    assert len(starts) == len(ends) == len(seen.text) <= 18 * len(raw)
    assert all(0 <= start < end <= len(raw) for start, end in zip(starts, ends))
    assert starts == sorted(starts) and ends == sorted(ends)
    reached = view_reached = 0
    for raw_start, raw_end, start, end in zip(found.raw_starts, found.raw_ends, found.view_starts, found.view_ends):
        assert reached <= raw_start < raw_end <= len(raw)
        assert view_reached <= start < end <= len(seen.text)
        assert seen.to_raw(start, end) == (raw_start, raw_end)
        assert not seen.text[start:end].isspace() and seen.text[start:end] == seen.text[start:end].strip()
        reached, view_reached = raw_end, end


@given(raw=any_text)
@settings(max_examples=60, deadline=None)
def test_in_the_raw_profile_every_visible_character_is_in_a_unit(raw):
    found = words(view(raw, "raw"))
    covered = {i for start, end in zip(found.raw_starts, found.raw_ends) for i in range(start, end)}
    visible = {i for i, c in enumerate(raw) if unicodedata.category(c)[0] in "LMNPS"}
    assert {i for i in visible - covered if "VARIATION SELECTOR" not in unicodedata.name(raw[i], "")} == set()


@given(raw=any_text)
@settings(max_examples=100, deadline=None)
def test_a_view_has_nothing_left_to_rewrite(raw):
    text = view(raw).text
    assert view(text).text == text


@given(raw=arabic_text)
@settings(max_examples=150, deadline=None)
def test_the_default_view_agrees_with_a_slow_reading(raw):
    seen = view(raw)
    found = words(seen)
    texts = [seen.text[start:end] for start, end in zip(found.view_starts, found.view_ends)]
    fast = zip(found.raw_starts.tolist(), found.raw_ends.tolist(), texts, found.is_word.tolist())
    assert list(fast) == slow_units(raw)


def slow_units(raw):
    """(start, end, text, is word) of every unit, by looking at one character after another."""
    places = [i for i, c in enumerate(raw) if c not in INVISIBLE]  # as if the invisible were not there
    solid = [i for i in places if raw[i] not in MARKS]
    chars = [raw[i] for i in solid]
    cut = {i for k, i in enumerate(solid) if slow_cut(chars, k) or slow_long_cut(chars, k)}
    found, run = [], []
    for i in [*places, None]:
        if i is not None and (i in cut or raw[i] in MARKS or is_word_like(raw[i])):
            run.append(i)
            continue
        text = slow_text([raw[j] for j in run if j not in cut])
        if text:
            found.append((run[0], run[-1] + 1, text, True))
        if i is not None and not raw[i].isspace():
            found.append((i, i + 1, raw[i], False))
        run = []
    return found


def is_word_like(char):
    return char in "ـ_" or unicodedata.category(char)[0] in "LN"


def slow_cut(chars, k):
    """Whether the k-th character is one of the common cuts, a tatweel beside it and a letter after."""
    before, after = chars[:k], chars[k + 1 :]
    if not (letter_follows(after) and before):
        return False
    if chars[k] == " ":
        return after[0] == before[-1] == "ـ" and k > 1 and before[-2] in LETTERS
    if chars[k] not in ".,،*/_":
        return False
    if before[-1] == "ـ":
        return not re.search("[0-9٠-٩] ?هـ$", "".join(before))
    return before[-1] in LETTERS and after[0] == "ـ"


def slow_long_cut(chars, k):
    """Whether the k-th character is of one to three signs with a tatweel on both sides and a letter after."""
    first = last = k
    while first >= 0 and is_sign(chars[first]):
        first -= 1
    while last < len(chars) and is_sign(chars[last]):
        last += 1
    between = chars[first] == "ـ" and chars[last : last + 1] == ["ـ"] if first >= 0 else False
    return between and 1 <= last - first - 1 <= 3 and letter_follows(chars[last:])


def is_sign(char):
    return not (char.isspace() or char in QUOTES or is_word_like(char))


def letter_follows(chars):
    """Whether the first character that is no tatweel is a letter."""
    return next((char in LETTERS for char in chars if char != "ـ"), False)


def slow_text(chars):
    """The letters of a word as the default view reads them."""
    letters = [ALEF.get(c, c).lower() for c in chars if c not in MARKS and c != "ـ"]
    letters = [str(unicodedata.decimal(c)) if c.isdecimal() else c for c in letters]
    text = ""
    for letter, run in itertools.groupby(letters):
        length = len(list(run))
        if letter in LETTERS and length > 2:
            length = 1 if letter in "او" and text else 2
        text += letter * length
    return " ".join(part for part in text.split("_") if part)
