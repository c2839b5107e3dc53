"""What a view rewrites: a Profile, and the three that have names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from arabie.errors import ConfigError, nearest


@dataclass(frozen=True)
class Profile:
    """Which rewrites a view makes; a model keeps its profile in its config.

    ``max_repeats`` n: an Arabic letter written three times or more in a row is written n times (0: left alone);
    with ``shorten_vowels`` an ا or و inside a word is then written once.
    ``urls``, ``emails``, ``mentions``: what stands in the view for each one found (None: left alone).
    The rest are switches.
    """

    name: str = "custom"
    unescape_html: bool = False  # &quot; &#1575; become their character, <br> and other tags a space
    presentation_forms: bool = False  # ﺃﻭﻗﻔﺖ, ﻻ and ﷲ become plain letters
    strip_diacritics: bool = False
    strip_tatweel: bool = False
    strip_invisible: bool = False  # zero-width, bidi and control characters
    compose: bool = False  # e + combining acute becomes é
    fold_spaces: bool = False  # no-break, thin and other odd spaces become a space
    fold_alef: bool = False  # أ إ آ ٱ become ا
    fold_ya: bool = False  # ى becomes ي
    fold_persian: bool = False  # ک ی ہ ە and other Persian and Urdu forms of Arabic letters
    fold_digits: bool = False  # ٣ and ۳ become 3
    slash_to_dash: bool = False
    lower_latin: bool = False
    max_repeats: int = 0
    shorten_vowels: bool = False  # عاااجل becomes عاجل
    urls: str | None = None
    emails: str | None = None
    mentions: str | None = None
    join_cuts: bool = False  # هـ.روب becomes هروب
    look_alikes: bool = False  # د1عش becomes داعش
    split_hashtags: bool = False  # #دير_الزور becomes #دير الزور, still one unit
    split_digits: bool = False  # 25عنصراً becomes 25 عنصراً, still one unit

    def __post_init__(self) -> None:
        for field in fields(self):
            value, kind = getattr(self, field.name), field.type
            wanted = {"bool": bool, "int": int, "str": str, "str | None": (str, type(None))}[kind]
            if not isinstance(value, wanted) or kind == "int" and isinstance(value, bool):
                raise ConfigError(f"profile {self.name!r}: {field.name} is {value!r}; it must be of type {kind}")
        if self.max_repeats < 0:
            raise ConfigError(f"profile {self.name!r}: max_repeats is {self.max_repeats}; it must be 0 (off) or more")

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``from_dict`` reads back."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Profile:
        """The Profile of a dictionary; what it leaves out is off. An unknown key is a ConfigError."""
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise ConfigError(f"unknown key {key!r} in a text profile; {nearest(key, known)}")
        return cls(**data)


# default: everything that lets one spelling stand for many, but not ة ؤ ئ ء, which tell words apart.
# arabert: what AraBERT v02 was pretrained on, after `preprocess.py` of the repository aub-mind/arabert (commit
#   ae4f9eb1, `_preprocess_v2`): entities unescaped, tags, diacritics and tatweel away, [رابط] [بريد] [مستخدم], digits
#   ASCII, runs of three or more cut to two, words parted from punctuation and numbers, «/» as «-»; alef, ya, ta marbuta
#   and case untouched, no Farasa segmentation (that is v1 and v2). Ours beyond it: cuts and look-alikes, hashtags, and
#   Persian letters and presentation forms, which theirs turns into spaces as it does emoji, which ours keeps.
# raw: nothing; words are still read whole across cuts.
PROFILES = {
    profile.name: profile
    for profile in (
        Profile(
            "default", unescape_html=True, presentation_forms=True, strip_diacritics=True, strip_tatweel=True,
            strip_invisible=True, compose=True, fold_spaces=True, fold_alef=True, fold_ya=True, fold_persian=True,
            fold_digits=True, lower_latin=True, max_repeats=2, shorten_vowels=True, urls="رابط", emails="بريد",
            mentions="مستخدم", join_cuts=True, look_alikes=True, split_hashtags=True,
        ),
        Profile(
            "arabert", unescape_html=True, presentation_forms=True, strip_diacritics=True, strip_tatweel=True,
            strip_invisible=True, compose=True, fold_spaces=True, fold_persian=True, fold_digits=True,
            slash_to_dash=True, max_repeats=2, urls="[رابط]", emails="[بريد]", mentions="[مستخدم]", join_cuts=True,
            look_alikes=True, split_hashtags=True, split_digits=True,
        ),
        Profile("raw"),
    )
}
