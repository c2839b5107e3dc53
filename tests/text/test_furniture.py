"""Site furniture is found line by line, in any spelling, and news is left alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.text.furniture import furniture_lines, patterns

FURNITURE = [
    "تخطى إلى المحتوى", "تخطي الى المحتوى", "زر الذهاب إلى الأعلى", "اقرأ أيضاً : طريق جديد إلى المعبر",
    "إقرأ ايضاً: خبر آخر",
    "اقرأ أيضاً فرنان جديدان في البلدة", "◄ اقرأ أيضاً", "مقالات ذات صلة", "مــقــالات ذات صـلـة",
    "الرئيسية » أخبار » دير الزور",
    "الصفحة الرئيسية / تقارير", "🏠 الرئيسية > أخبار محلية", "شارك هذا الموضوع:", "شارك المقال : فيسبوك – X – تلغرام",
    "نسخ الرابط",
    "تابعنا ليصلك كل جديد", "تابعونا على تلغرام 👇", "تابعونا على: https://t.me/x", "‏اشترك بقناتنا ليصلك كل جديد 👇",
    "اشترك في نشرتنا البريدية", "© جميع الحقوق محفوظة 2024", "فيسبوك | تويتر | واتساب", "اترك تعليقاً",
    "© 2024 موقع البلدة",
]  # fmt: skip
NEWS = [
    "اقرأ كتاباً في الثكنة قبل أن يفر.", "شارك المقاتلون في معارك البادية", "شارك الخبر أهالي البلدة فخرجوا إلى الساحة",
    "تابعنا في التقرير السابق انشقاق عناصر الفرقة الرابعة", "شاهد أيضاً المراسل رتلاً للنظام",
    "شاهد : لحظة سقوط الصاروخ على دمشق",
    "وقال قرأنا مقالات ذات صلة بالملف", "الطريق الرئيسية مقطوعة بين الرقة ودير الزور",
    "انضم إلى صفوف قسد عشرات العناصر",
    "انضم عنصران إلى قناتنا التلفزيونية.", "تابعوا سيرهم نحو البوكمال", "المصدر : متابعين القناة",
    "الحقوق محفوظة للمعتقلين، بحسب القانون",
    "زار الوفد الصفحة الرئيسية للتاريخ", "اشترك في الهجوم ثلاثون عنصراً", "اشترك في نشرتنا ثلاثون صحفياً.",
    "تابع التنظيم هجماته في البادية", "", "...",
    "قسد",
]  # fmt: skip


@pytest.mark.parametrize("line", FURNITURE)
def test_furniture_is_found(line):
    assert furniture_lines(line) == [(0, len(line))]


@pytest.mark.parametrize("line", NEWS)
def test_news_is_left_alone(line):
    assert furniture_lines(line) == []


@pytest.mark.parametrize(("kind", "pattern", "example"), patterns())
def test_every_row_of_the_table_finds_its_own_example(kind, pattern, example):
    assert furniture_lines(example) == [(0, len(example))]


@given(
    line=st.sampled_from(FURNITURE),
    left=st.text("•◄►👇🔔-–|«[(. ", max_size=120),
    right=st.text("•◄►👇🔔-–|»:، ", max_size=120),
)
@settings(max_examples=100, deadline=None)
def test_what_is_drawn_around_a_line_does_not_count(line, left, right):
    text = left + line + right
    assert furniture_lines(text) == [(0, len(text))]


def test_a_line_longer_than_site_furniture_is_left_alone():
    assert furniture_lines("فيسبوك | " * 10) and not furniture_lines("فيسبوك | " * 40)


@pytest.mark.parametrize("part", ["©", "©,", "•", "فيسبوك ©"])
def test_a_line_without_end_takes_no_time(part):
    assert not furniture_lines(part * 100_000)  # in time quadratic in its length this would take minutes


def test_ranges_are_of_whole_lines_whatever_the_view_did_to_the_lines_before():
    text = "انشـ.ـقّ عنصران &#10; https://t.co/x\r\n  زر الذهاب إلى الأعلى \r\n\nمقالات ذات صلة"
    assert [text[start:end] for start, end in furniture_lines(text)] == ["  زر الذهاب إلى الأعلى \r", "مقالات ذات صلة"]


@given(lines=st.lists(st.sampled_from([*FURNITURE, *NEWS, "ـ", "&#10;", "<br", ">"]), max_size=6))
@settings(max_examples=40, deadline=None)
def test_a_line_is_judged_by_itself(lines):
    text = "\n".join(lines)
    alone = [start for start, line in zip(starts(lines), lines) if furniture_lines(line)]
    assert [start for start, _ in furniture_lines(text)] == alone


def starts(lines):
    return [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines))]
