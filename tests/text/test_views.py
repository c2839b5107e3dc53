"""What a view reads, spelling by spelling, and where each character came from."""

from __future__ import annotations

import numpy as np
import pytest

from arabie.text import Profile, view

READINGS = [
    ("ﺃﻭﻗﻔﺖ", "اوقفت"),  # presentation forms
    ("ﻻ ﷲ", "لا الله"),
    ("\ufc60\ufe76ﺏ", "ب"),  # marks that are presentation forms
    ("مَقتَلُ قِياديٍّ", "مقتل قيادي"),
    ("قُرْآنٌ هٰذا", "قران هذا"),
    ("مـــحـمد", "محمد"),
    ("أحمد إلى آب ٱلله", "احمد الي اب الله"),
    ("على ی ے", "علي ي ي"),
    ("کوباني ہم", "كوباني هم"),
    ("ة ؤ ئ ء", "ة ؤ ئ ء"),
    ("٣ ۴ 5", "3 4 5"),
    ("SDF", "sdf"),
    ("مبروووك جدااا عاااجل", "مبروك جدا عاجل"),
    ("تتتابع لللاجئين وووجهت 1000 www", "تتابع للاجئين ووجهت 1000 www"),
    ("مبروـووك", "مبروك"),
    ("مي\u200cخواهم \u200fقسد\u200f \ufeffالرقة م\xadدينة", "ميخواهم قسد الرقة مدينة"),
    ("دير\xa0الزور", "دير الزور"),
    ("e\u0301 é", "é é"),
    ("J\u030c", "ǰ"),  # has a composed form in lower case only
    ("ا\u0653 و\u064e\u0654", "ا ؤ"),
    ("&quot;قسد&quot; &amp;", '"قسد" &'),
    ("&#1575;لرقة &#x627;ب &#1611;", "الرقة اب "),
    ("&amp;amp;quot; &unknown; &amp;unknown;", '" &unknown; &unknown;'),
    ("سطر&#10;واحد&nbsp;فقط", "سطر واحد فقط"),
    ("سطر<br />آخر", "سطر اخر"),
    ("3 < 5 > 2", "3 < 5 > 2"),
    ("شاهد https://t.co/aB_c?x=1.", "شاهد رابط ."),
    ("قال:WWW.sana.sy/ar،", "قال: رابط ،"),
    ("@user_1 كتب (@محمد)", "مستخدم كتب ( مستخدم )"),
    ("راسل a.b@c-d.org", "راسل بريد"),
    ("\ud800ب", "\ufffdب"),
    ("#دير_الزور __ _", "#دير الزور  "),
    ("#ديـ.ـر_الزور", "#دير الزور"),
]
CUTS = [
    ("هـ.روب", "هروب"), ("قـ.وات", "قوات"), ("السـ,خط", "السخط"), ("هـــ.جمات", "هجمات"), ("زجّـ.هم", "زجهم"),
    ("عسكرـ.ية", "عسكرية"), ("انشـ.ـقاق", "انشقاق"), ("الـ/نظام", "النظام"), ("د1عـ.ـش", "داعش"),
    ("الدوا1عـ.ش", "الدواعش"), ("د1عش", "داعش"), ("دا3ش", "داعش"), ("اعتـ*ـقال", "اعتقال"), ("قصـ_ف", "قصف"),
    ("هـ ـروب", "هروب"),
    ("العابـ،ـدين", "العابدين"), ("احتـ,ـجـ.ـزت", "احتجزت"), ("لـقـ.وات", "لقوات"), ("ق.ـصف", "قصف"), ("قـ-ـصف", "قصف"),
    ("هـ\u200f.ـروب", "هروب"), ("قتـ...ـلى", "قتلي"),
]
NOT_CUTS = [
    "قسد.وقال", "ص.ب", "د.ب.ع", "3.5", "القائم،البوكمال", "16/3/2024", "نيسان/ابريل", "الرقة - دير", "من5عناصر",
    "و7ر92", "ل1اكتوبر", "من1عنصر", "داعش, قسد", "الحكومة.", "3/الرقة",
]


@pytest.mark.parametrize(("raw", "text"), READINGS)
def test_default_reading(raw, text):
    assert view(raw).text == text


@pytest.mark.parametrize(("raw", "text"), CUTS)
def test_a_cut_word_is_read_whole_and_leads_back_whole(raw, text):
    seen = view(f"قال: {raw}.")
    assert seen.text == f"قال: {text}."
    assert seen.to_raw(5, 5 + len(text)) == (5, 5 + len(raw))


@pytest.mark.parametrize("raw", NOT_CUTS)
def test_ordinary_punctuation_stays(raw):
    assert view(raw).text == raw


@pytest.mark.parametrize(("raw", "text"), [
    ("1445هـ.وقال", "1445ه.وقال"), ("1445 هـ,وقال", "1445 ه,وقال"), ("الرقة ـ دير الزور", "الرقة  دير الزور"),
    ("الـ.25", "ال.25"),
    ('الـ"قسد"', 'ال"قسد"'), ("الـ«إم»", "ال«ام»"), ("بـ'هدنة", "ب'هدنة"), ("لـ... ثم", "ل... ثم"),
    ("جـ- ثالثا", "ج- ثالثا"),
    ("بـ3ملايين", "ب3ملايين"),
])  # fmt: skip
def test_a_tatweel_beside_punctuation_is_no_cut(raw, text):
    assert view(raw).text == text


def test_dropped_characters_belong_to_the_character_before_or_first_to_the_one_after():
    seen = view("ـكِتـ.ابٌ!")
    assert seen.text == "كتاب!"
    ranges = [seen.raw[start:end] for start, end in zip(seen.starts, seen.ends)]
    assert ranges == ["ـكِ", "تـ.", "ا", "بٌ", "!"]


def test_what_stands_at_the_edge_of_a_word_and_is_not_of_it_is_left_out():
    seen = view("\u200fقسد\u200f ")
    assert seen.to_raw(0, 3) == (1, 4)


def test_a_ligature_gives_every_letter_the_same_raw_character():
    seen = view("ﻻ")
    assert (seen.text, seen.starts.tolist(), seen.ends.tolist()) == ("لا", [0, 0], [1, 1])


def test_an_entity_gives_its_character_the_whole_entity():
    seen = view("ب&#1575;ب")
    assert [seen.raw[start:end] for start, end in zip(seen.starts, seen.ends)] == ["ب", "&#1575;", "ب"]


@pytest.mark.parametrize(("raw", "text"), [
    ("أُصيبَ إلى على آب", "أصيب إلى على آب"),  # alef and ya as they are
    ("عناصر: ٢٥ SDF", "عناصر: 25 SDF"),
    ("25عنصراً", "25 عنصرا"),
    ("16/3/2024", "16-3-2024"),
    ("مبروووك", "مبرووك"),
    ("https://t.co/x @user a@b.org", "[رابط] [مستخدم] [بريد]"),
    ("#دير_الزور هـ.روب", "#دير الزور هروب"),
    ("کوباني", "كوباني"),
])  # fmt: skip
def test_arabert_reading(raw, text):
    assert view(raw, "arabert").text == text


def test_an_inserted_space_leads_back_to_the_digit():
    seen = view("25عنصراً", "arabert")
    assert [seen.to_raw(i, i + 1) for i in range(4)] == [(0, 1), (1, 2), (1, 2), (2, 3)]


@pytest.mark.parametrize("raw", ["هـ.روبٌ ﻻ @a &amp; ٣ \u200fx\u200dy", "", "\t \n", "👨\u200d👩\u200d👧"])
def test_raw_rewrites_nothing(raw):
    seen = view(raw, "raw")
    assert seen.text == raw
    assert seen.starts.tolist() == list(range(len(raw)))
    assert seen.ends.tolist() == list(range(1, len(raw) + 1))


def test_a_rewrite_can_be_asked_for_alone():
    assert view("هـ.روب أحمد", Profile(join_cuts=True)).text == "هـروب أحمد"
    assert view("هـ.روب أحمد", Profile(strip_tatweel=True)).text == "ه.روب أحمد"
    assert view("قُتِلَ أحمد", Profile(fold_alef=True)).text == "قُتِلَ احمد"


@pytest.mark.parametrize("empty", [(0, 0), (2, 1), (-1, 1), (0, 9)])
def test_an_empty_or_outside_range_has_no_way_back(empty):
    with pytest.raises(IndexError):
        view("هـ.رب").to_raw(*empty)


def test_the_arrays_are_small_integers():
    seen = view("قسد")
    assert seen.starts.dtype == seen.ends.dtype == np.int32
