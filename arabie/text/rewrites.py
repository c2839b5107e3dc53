"""The rewrites that look at more than one character, each from a text to the edits it needs."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from arabie.text.characters import BLANK, LETTERS, WORD, fold_character
from arabie.text.draft import Edit
from arabie.text.profile import Profile

_HTML = re.compile(
    r"&(?P<escaped>(?:(?:amp|\#38|\#x26);)*)(?P<entity>\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});"
    r"|</?[a-z][^<>\n]{0,300}>",
    re.IGNORECASE | re.ASCII,
)
_URL = re.compile(r"""(?:https?://|ftp://|www\.)[^\s<>"«»“”]*[^\s<>"«»“”.,;:!?()\[\]،؛؟…'*]""", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![A-Za-z0-9_.+-])[A-Za-z0-9_][A-Za-z0-9_.+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_MENTION = re.compile(r"(?<![^\W_])(?<!@)(?:@\w+)+")
_COMBINING = re.compile("[\u0300-\u036f\u0653-\u0655]")
_COMPOSABLE = re.compile(
    "[^\\W\\d_][\u064b-\u0652\u0670]*[\u0300-\u036f\u0653-\u0655][\u0300-\u036f\u064b-\u0655\u0670]*"
)
_NUMBER_EDGE = re.compile(f"(?<=[0-9])(?=[{LETTERS}])|(?<=[{LETTERS}])(?=[0-9])")


def html_edits(text: str) -> Iterator[Edit]:
    """HTML entities of one character as that character, however often escaped (&amp;amp;quot;); tags as a space."""
    if "&" not in text and "<" not in text:
        return
    for match in _HTML.finditer(text):
        start, end = match.span()
        if match["entity"] is None:
            yield Edit(start, end, " ")
        elif len(plain := html.unescape(f"&{match['entity']};")) == 1:
            yield Edit(start, end, " " if plain.isspace() else plain)
        elif match["escaped"]:
            yield Edit(start, match.end("escaped"), "&")


def url_edits(text: str, profile: Profile) -> Iterator[Edit]:
    """Web addresses as the profile's token."""
    if profile.urls is not None and ("://" in text or "ww." in text or "WW." in text):
        for match in _URL.finditer(text):
            yield _token(*match.span(), text, profile.urls)


def email_edits(text: str, profile: Profile) -> Iterator[Edit]:
    """E-mail addresses as the profile's token."""
    if profile.emails is not None and "@" in text:
        for match in _EMAIL.finditer(text):
            yield _token(*match.span(), text, profile.emails)


def mention_edits(text: str, profile: Profile) -> Iterator[Edit]:
    """Mentions as the profile's token, without its @."""
    if profile.mentions is not None and "@" in text:
        for match in _MENTION.finditer(text):
            token = _token(*match.span(), text, profile.mentions)
            yield Edit(token.start, token.start + 1, "")
            yield token._replace(start=token.start + 1)


def _token(start: int, end: int, text: str, token: str) -> Edit:
    """The token as one word, with a space to each side that has none."""
    before = " " if start > 0 and not text[start - 1].isspace() else ""
    after = " " if end < len(text) and not text[end].isspace() else ""
    kinds = [BLANK] * len(before) + [WORD] * len(token) + [BLANK] * len(after)
    return Edit(start, end, before + token + after, bytes(kinds))


def composition_edits(text: str, profile: Profile) -> Iterator[Edit]:
    """A letter with combining marks as the one letter they make together, folded."""
    for match in _COMPOSABLE.finditer(text) if _COMBINING.search(text) else ():
        composed = _composed(match[0], profile)
        if composed != match[0]:
            yield Edit(*match.span(), composed)


@lru_cache(maxsize=4096)
def _composed(letter: str, profile: Profile) -> str:
    return "".join(fold_character(part, profile) for part in unicodedata.normalize("NFC", letter))


def number_edges(text: str) -> np.ndarray:
    """The places where a number and Arabic letters are written together."""
    return np.array([match.start() for match in _NUMBER_EDGE.finditer(text)], np.int64)
