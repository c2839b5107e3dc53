"""Profiles: the named ones, their dictionaries, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest

from arabie.errors import ConfigError
from arabie.text import PROFILES, Profile, view


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_survives_its_dictionary(name):
    profile = PROFILES[name]
    assert profile.name == name
    assert Profile.from_dict(profile.to_dict()) == profile


def test_what_a_dictionary_leaves_out_is_off():
    profile = Profile.from_dict({"name": "digits", "fold_digits": True})
    assert view("أحمدُ ٣", profile).text == "أحمدُ 3"


def test_an_unknown_key_names_the_nearest():
    with pytest.raises(ConfigError, match="'fold_alif'.*did you mean 'fold_alef'"):
        Profile.from_dict({"fold_alif": True})


IMPOSSIBLE = [{"fold_alef": "yes"}, {"fold_alef": 1}, {"max_repeats": True}, {"max_repeats": -1}, {"urls": 3}]


@pytest.mark.parametrize("bad", IMPOSSIBLE)
def test_an_impossible_value_is_refused_by_its_key(bad):
    with pytest.raises(ConfigError, match=next(iter(bad))):
        Profile.from_dict(bad)


def test_an_unknown_profile_names_the_nearest():
    with pytest.raises(ConfigError, match="did you mean 'arabert'"):
        view("نص", "arabret")


def test_a_profile_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        PROFILES["default"].fold_ya = False
