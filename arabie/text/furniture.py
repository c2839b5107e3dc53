"""Site furniture: the lines of a page that are not its text, such as «مقالات ذات صلة»."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

from arabie.text.profile import PROFILES
from arabie.text.views import TextView, view

_NETWORKS = (
    "فيسبوك|فيس بوك|تويتر|اكس|واتساب|واتس اب|تلغرام|تليغرام|تيليغرام|تلجرام|تيليجرام|انستغرام|انستقرام|انستجرام|"
    "لينكد ?ان|لينكدين|بينتريست|يوتيوب|ماسنجر|مسنجر|تيك توك|سناب شات|ريديت|طباعة|نسخ الرابط|نسخ|البريد الالكتروني|"
    "البريد|ايميل|رابط|مستخدم|بريد|facebook|twitter|x|whatsapp|telegram|instagram|linkedin|pinterest|youtube|"
    "messenger|tiktok|email|print|copy link|rss"
)
_PARTS = {
    "NETS": rf"(?:[^\w]*(?:و ?)?(?:{_NETWORKS})(?!\w))*[^\w]*",
    "ANY": r"(?:.{0,149}[^.])?",
    "SEP": r" ?[:|»>›←⬅–—…-]",
}
_BODY_START = re.compile(r"[\w©]")  # a line's body has no bullets, emoji and arrows around it
_BODY_END = re.compile(r"[\w.)\]؟!][^\w.)\]؟!]*\Z")
_LONGEST = 200


@cache
def patterns() -> tuple[tuple[str, str, str], ...]:
    """The table: kind, regular expression of a whole line in the default view's spelling, and an example."""
    rows = []
    for line in files(__package__).joinpath("furniture.tsv").read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            kind, pattern, example = line.split("\t")
            for name, part in _PARTS.items():
                pattern = pattern.replace(name, part)
            rows.append((kind, pattern, example))
    return tuple(rows)


@cache
def _furniture() -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for _, pattern, _ in patterns()))


def _body(line: str) -> str:
    start, end = _BODY_START.search(line), _BODY_END.search(line)
    return line[start.start():end.start() + 1] if start and end else ""


def furniture_lines(text: str) -> list[tuple[int, int]]:
    """The ranges of the lines of a text that are site furniture, in order, without their line ends.

    >>> text = "الرئيسية » أخبار\\nانشق عنصران.\\nزر الذهاب إلى الأعلى"
    >>> [text[start:end] for start, end in furniture_lines(text)]
    ['الرئيسية » أخبار', 'زر الذهاب إلى الأعلى']
    """
    return furniture_of(view(text))


def furniture_of(seen: TextView) -> list[tuple[int, int]]:
    """The same, of the raw text of a view."""
    if seen.profile != PROFILES["default"]:
        seen = view(seen.raw)
    found, start = [], 0
    for raw, line in zip(seen.raw.split("\n"), seen.text.split("\n"), strict=True):
        body = _body(line)
        if body and len(body) <= _LONGEST and _furniture().fullmatch(body):
            found.append((start, start + len(raw)))
        start += len(raw) + 1
    return found
