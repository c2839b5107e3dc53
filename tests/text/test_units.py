"""The units of a view: what is one word, what is one sign, and where each stands."""

from __future__ import annotations

import numpy as np
import pytest

from arabie.text import PROFILES, view, words


def units(raw, profile="default"):
    seen = view(raw, profile)
    found = words(seen)
    in_raw = [raw[start:end] for start, end in zip(found.raw_starts, found.raw_ends)]
    in_view = [seen.text[start:end] for start, end in zip(found.view_starts, found.view_ends)]
    return in_raw, in_view


SPLITS = [
    ("قسد.وقال", ["قسد", ".", "وقال"]),
    ("ص.ب", ["ص", ".", "ب"]),
    ("3.5", ["3", ".", "5"]),
    ("القائم،البوكمال", ["القائم", "،", "البوكمال"]),
    ("16/3/2024", ["16", "/", "3", "/", "2024"]),
    ("الـ 25 عنصراً", ["الـ", "25", "عنصراً"]),
    ('الـ"قسد"', ["الـ", '"', "قسد", '"']),
    ("بـ٣٥ ألف", ["بـ٣٥", "ألف"]),
    ("#دير_الزور", ["#", "دير_الزور"]),
    ("(قسد)!؟", ["(", "قسد", ")", "!", "؟"]),
    ("🔻القتـ.لى", ["🔻", "القتـ.لى"]),
    ("👨\u200d👩\u200d👧 ❤️ 👍🏽 🇸🇾🇹🇷", ["👨\u200d👩\u200d👧", "❤️", "👍🏽", "🇸🇾", "🇹🇷"]),
    ("مي\u200cخواهم \u200fقسد\u200f", ["مي\u200cخواهم", "قسد"]),
    ("cafe\u0301 x\u0303y", ["cafe\u0301", "x\u0303y"]),
    ("‏اشترك‏!", ["اشترك", "!"]),
    ("هـ ـروب ثم", ["هـ ـروب", "ثم"]),
    ("100% $5", ["100", "%", "$", "5"]),
    ("❶", ["❶"]),
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize(("raw", "expected"), SPLITS)
def test_units_are_the_same_in_every_profile(raw, expected, profile):
    assert units(raw, profile)[0] == expected


@pytest.mark.parametrize(("raw", "expected"), [
    ("#دير_الزور", ["#", "دير الزور"]),
    ("#حزب__الله_ _x_", ["#", "حزب الله", "x"]),
    ("شاهد https://t.co/x_y?a=1 و @user_1 و a@b.org", ["شاهد", "رابط", "و", "مستخدم", "و", "بريد"]),
    ("ﷺ قال", ["صلي الله عليه وسلم", "قال"]),
    ("1️⃣ أول", ["1", "اول"]),
    ("&quot;قسد&quot;", ['"', "قسد", '"']),
])  # fmt: skip
def test_a_unit_as_the_view_reads_it(raw, expected):
    assert units(raw)[1] == expected


def test_an_address_is_one_unit_of_the_whole_address_and_a_mention_leaves_out_its_at():
    assert units("(https://t.co/x_y?a=1) @user_1")[0] == ["(", "https://t.co/x_y?a=1", ")", "user_1"]


@pytest.mark.parametrize("nothing", ["", "  \n", "\u064b", "ـ", "\u200f", "_ __", "<br>", "ـَ \u0651"])
def test_what_leaves_nothing_in_the_view_is_no_unit(nothing):
    found = words(view(nothing))
    assert len(found) == 0
    assert all(len(array) == 0 for array in vars(found).values())


def test_words_are_told_from_signs():
    assert words(view("قسد: 25 👇")).is_word.tolist() == [True, False, True, False]


def test_lines_are_counted_over_every_kind_of_line_end():
    found = words(view("\nأ\r\nب ج\rد\u2029ه\n\nو"))
    assert found.line.tolist() == [1, 2, 2, 3, 4, 6]


def test_the_arrays_are_small_integers():
    found = words(view("قسد: 25"))
    arrays = vars(found)
    assert arrays.pop("is_word").dtype == bool
    assert {array.dtype for array in arrays.values()} == {np.dtype(np.int32)}
