"""A rewritten text with the way back to the raw one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from arabie.errors import ConfigError, nearest
from arabie.text.characters import BLANK, EXTEND, INVISIBLE, LIGATURE, MARK, SYMBOL, TATWEEL, WORD, fold, fold_character
from arabie.text.disguise import cuts, look_alike_edits, repeats
from arabie.text.draft import Draft, Edit, blocks
from arabie.text.profile import PROFILES, Profile
from arabie.text.rewrites import composition_edits, email_edits, html_edits, mention_edits, number_edges, url_edits

_PICTURE = (  # symbols only: circled digits are words
    "[\u203c\u2049\u2122\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u2775\u2794-\u27bf\u2934\u2935\u2b05-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001f0ff\U0001f170-\U0001faff]"
    "[\ufe0e\ufe0f\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
)
_EMOJI = re.compile(f"[\U0001f1e6-\U0001f1ff]{{2}}|{_PICTURE}(?:\u200d{_PICTURE})*")
_NESTING = 4  # how deep HTML may be escaped within HTML


@dataclass(frozen=True, eq=False)
class TextView:
    """A text as the model reads it: character i of ``text`` came from ``raw[starts[i]:ends[i]]``.

    ``starts`` and ``ends`` are int32 arrays, neither ever decreasing. A character that the view leaves out of a word (a
    diacritic, a tatweel, the dot of a cut) belongs to the character before it, or after it at the start of the word.
    ``kinds`` tells ``words`` what each character is (``arabie.text.characters``).
    """

    raw: str
    text: str
    starts: np.ndarray = field(repr=False)
    ends: np.ndarray = field(repr=False)
    kinds: np.ndarray = field(repr=False)
    profile: Profile = field(repr=False)

    def __len__(self) -> int:
        return len(self.text)

    def to_raw(self, start: int, end: int) -> tuple[int, int]:
        """The raw range that the view's characters from ``start`` to ``end`` came from; the range must not be empty."""
        if not 0 <= start < end <= len(self.text):
            raise IndexError(f"no characters {start}–{end} in a view of {len(self.text)}")
        return int(self.starts[start]), int(self.ends[end - 1])


def view(raw: str, profile: str | Profile = "default") -> TextView:
    """Rewrite a text as the profile says; time and memory grow with its length.

    A lone surrogate is U+FFFD in every view.

    >>> seen = view("هـ.روبُ ٣ عناصر")
    >>> seen.text, seen.to_raw(0, 4)
    ('هروب 3 عناصر', (0, 7))
    """
    profile = _profile(profile)
    draft = Draft.of(raw)
    _characters(draft, profile)
    for _ in range(_NESTING if profile.unescape_html else 0):
        if not draft.replace(html_edits(draft.text())):
            break
        _characters(draft, profile)
    _join(draft, profile)
    if profile.look_alikes:
        draft.replace(look_alike_edits(draft, raw))
    draft.drop(repeats(draft, profile))
    for edits in (url_edits, email_edits, mention_edits):
        draft.replace(edits(draft.text(), profile))
    if profile.split_hashtags:
        _underscores(draft)
    if profile.split_digits:
        draft.insert_spaces(number_edges(draft.text()))
    if profile.slash_to_dash:
        draft.codes[draft.codes == ord("/")] = ord("-")
    return TextView(raw, draft.text(), draft.starts, draft.ends, draft.kinds, profile)


def _profile(profile: str | Profile) -> Profile:
    if isinstance(profile, Profile):
        return profile
    if profile not in PROFILES:
        raise ConfigError(f"unknown text profile {profile!r}; {nearest(profile, PROFILES)}")
    return PROFILES[profile]


def _characters(draft: Draft, profile: Profile) -> None:
    """Fold every character, and leave out those that a reader does not see or need."""
    _mark_emoji(draft)
    _place_invisible(draft, profile)
    codes, draft.codes = draft.codes, fold(draft.codes, profile)
    places = np.flatnonzero(draft.codes == LIGATURE)
    parts = (fold_character(chr(code), profile) for code in codes[places].tolist())
    draft.replace(Edit(at, at + 1, part, bytes([WORD]) * len(part)) for at, part in zip(places.tolist(), parts))
    if profile.compose:
        draft.replace(composition_edits(draft.text(), profile))
    marks = draft.kinds == MARK
    draft.kinds[marks] = WORD
    if profile.strip_diacritics:
        draft.drop(marks)


def _mark_emoji(draft: Draft) -> None:
    if draft.codes.max(initial=0) >= 0x203C:
        for match in _EMOJI.finditer(draft.text()):
            draft.kinds[match.start()] = SYMBOL
            draft.kinds[match.start() + 1 : match.end()] = EXTEND


def _place_invisible(draft: Draft, profile: Profile) -> None:
    """Count an invisible character to the word it stands inside, if any; leave all out where the profile says so."""
    invisible = draft.kinds == INVISIBLE
    if not invisible.any():
        return
    starts, ends = blocks(invisible)
    around = np.concatenate(([BLANK], draft.kinds, [BLANK]))
    inside = np.isin(around[starts], (WORD, MARK)) & np.isin(around[ends + 1], (WORD, MARK))
    draft.kinds[invisible] = np.repeat(np.where(inside, WORD, BLANK), ends - starts)
    if profile.strip_invisible:
        draft.drop(invisible)


def _join(draft: Draft, profile: Profile) -> None:
    """Read words that are cut, or drawn out with tatweel, as whole."""
    dropped = (draft.codes == TATWEEL) if profile.strip_tatweel else np.zeros(len(draft.codes), bool)
    for start, end in cuts(draft.text()):
        draft.kinds[start:end] = WORD
        dropped[start:end] = profile.join_cuts
    draft.drop(dropped)


def _underscores(draft: Draft) -> None:
    """Read the underscores between the words of a hashtag as one space, and leave out those at its edges."""
    dropped = np.zeros(len(draft.codes), bool)
    starts, ends = blocks(draft.codes == ord("_"))
    for start, end in zip(starts.tolist(), ends.tolist()):
        dropped[start:end] = True
        if start > 0 and end < len(dropped) and draft.kinds[start - 1] == WORD == draft.kinds[end]:
            draft.codes[start] = ord(" ")
            dropped[start] = False
    draft.drop(dropped)
