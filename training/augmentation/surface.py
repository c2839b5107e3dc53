"""How a mention stands in its text: its prefix, its core, and the shape that another in its place must have."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from arabie.document import Document, Span
from training.augmentation.lists import feminine, generic, key

_PREFIX = re.compile("[وف]?[بلكع]|[وف]")
_THE = "ال"
_ENDINGS = re.compile(r"(?<=\w\w)(?:ون|ين|ان|ات|ة|هم|هن|ها|نا|ه|ا|ي)\Z")
_NAME = re.compile(r"[^\W_]+(?:[ _-]+[^\W_]+)*")
_PLAIN = re.compile("[0-9A-Za-z\u0621-\u063a\u0641-\u064a -]+")
_WORD_BEFORE = re.compile(r"(\w+) [«“\"]?\Z")
CLITICS = "وفبلكع"  # ع for على in posts: «عالرقة»
_NEAR = 40  # characters looked at before a mention


@dataclass(frozen=True)
class Mention:
    """A span whose text is a prefix and a name. ``core`` is the name as the view reads it, ``raw`` as it is written."""

    span: Span
    prefix: str
    core: str
    raw: str
    follows_generic: bool
    hashtag: bool

    @property
    def label(self) -> str:
        return self.span.label

    def with_core(self, name: str) -> str:
        """The mention's text with another name."""
        text = attach(self.prefix, name)
        return text.replace(" ", "_") if self.hashtag else text


def splits(word: str) -> Iterator[tuple[str, str]]:
    """The ways to see a prefix in a word, the shortest first; «للرقة» is ل and الرقة.

    >>> list(splits("والرقة"))
    [('و', 'الرقة')]
    >>> list(splits("للواء"))
    [('ل', 'لواء'), ('ل', 'الواء'), ('ل', 'اللواء')]
    """
    for length in (1, 2):
        prefix, rest = word[:length], word[length:]
        if len(rest) > 1 and _PREFIX.fullmatch(prefix):
            yield prefix, rest
            if prefix.endswith("ل") and rest.startswith("ل"):
                yield prefix, _THE + rest[1:]
                yield prefix, _THE + rest


def attach(prefix: str, name: str) -> str:
    """A name with a prefix written on it.

    >>> attach("ل", "الرقة"), attach("ول", "اللاذقية"), attach("ب", "حلب"), attach("ل", "SDF")
    ('للرقة', 'وللاذقية', 'بحلب', 'لـSDF')
    """
    if prefix and name[0].isascii():
        return f"{prefix}ـ{name}"
    if prefix.endswith("ل") and name.startswith(_THE):
        rest = name[len(_THE):]
        return prefix + (rest if rest.startswith("ل") else "ل" + rest)
    return prefix + name


def divide(name: str, known: Callable[[str], bool]) -> tuple[str, str] | None:
    """The prefix and the core of a mention's key, or None where that cannot be told.

    ``known`` says whether a key is a name by itself.
    """
    if known(name):
        return "", name
    head, *others = name.split(" ", 1)
    ways = [(prefix, " ".join([rest, *others])) for prefix, rest in splits(head)]
    for prefix, core in ways:
        if known(core):
            return prefix, core
    if head[0] not in CLITICS:
        return "", name
    return next(((prefix, core) for prefix, core in ways if core.startswith(_THE) and len(core.split()[0]) > 4), None)


def mention(document: Document, span: Span, edges: Sequence[int], known: Callable[[str], bool]) -> Mention | None:
    """The mention of a span, or None where no other can be put in its place without harm.

    That is where it is in pieces, holds quotes or brackets, another span starts or ends inside it (``edges``: where
    spans start and end, in order), or its prefix cannot be told.
    """
    name = key(span.text)
    if span.fragments or not _NAME.fullmatch(name):
        return None
    if bisect_left(edges, span.end) > bisect_right(edges, span.start):
        return None
    found = divide(name, known)
    if found is None:
        return None
    prefix, core = found
    written = span.text.replace("_", " ")[len(prefix):]
    raw = written if _PLAIN.fullmatch(written) and key(written) == core else core
    before = document.text[max(0, span.start - _NEAR):span.start]
    return Mention(span, prefix, core, raw, _follows_generic(before), before.endswith("#") or "_" in span.text)


def _follows_generic(before: str) -> bool:
    found = _WORD_BEFORE.search(before)
    word = key(found[1]) if found else ""
    return any(form.removeprefix(_THE) in generic() for form in (word, *(rest for _, rest in splits(word))))


@lru_cache(maxsize=100_000)
def shape(name: str) -> tuple:
    """What another name in a name's place must have as well.

    Its script, number of words and article, the ending of its first word and the gender of that, as far as it shows.
    """
    first = key(name.split()[0])
    article = name.startswith(_THE)
    ending = _ENDINGS.search(first)
    looks_female = bool(ending and ending[0] in ("ة", "ات"))
    female = looks_female or first in feminine() or article and first.removeprefix(_THE) in feminine()
    return first.isascii(), min(name.count(" "), 2), article, ending[0] if ending else "", female
