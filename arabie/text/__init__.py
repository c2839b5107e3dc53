"""Raw Arabic text as a model reads it, with an exact way back to every raw character."""

from __future__ import annotations

from arabie.text.profile import PROFILES, Profile
from arabie.text.reading import Reading, read
from arabie.text.units import Words, words
from arabie.text.views import TextView, view

__all__ = ["PROFILES", "Profile", "Reading", "TextView", "Words", "read", "view", "words"]
