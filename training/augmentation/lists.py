"""The lists of names in ``training/lists``, and which labels take theirs from where."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from arabie.text import view

LISTS = Path(__file__).resolve().parents[1] / "lists"


@lru_cache(maxsize=100_000)
def key(text: str) -> str:
    """How a name is looked up: as the default view reads it, its words one space apart."""
    return " ".join(view(text).text.replace("_", " ").split())


def _lines(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The lines of a list, each with the heading it stands under and its names."""
    heading = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        elif line.strip():
            yield heading, line.split("\t")


@dataclass(frozen=True)
class Labels:
    """What the labels of a schema take their names from.

    ``people``: given, family and other names of persons. ``places``: a place, alone or behind another word; ``inside``:
    only behind another word. ``names``: the folder of lists of each label; ``strict``: labels whose names are only ever
    replaced by one of the same list. ``dates`` and ``counts`` hold numbers. ``hashtags``: may be written as a hashtag.
    ``alias``: relations between two names of one thing.
    """

    people: tuple[str, ...]
    places: tuple[str, ...]
    inside: tuple[str, ...]
    names: dict[str, str]
    strict: tuple[str, ...]
    dates: tuple[str, ...]
    counts: tuple[str, ...]
    hashtags: tuple[str, ...]
    alias: tuple[str, ...]


@cache
def labels() -> Labels:
    """``labels.toml`` beside the lists."""
    table = tomllib.loads((LISTS / "labels.toml").read_text(encoding="utf-8"))
    return Labels(**{name: value if isinstance(value, dict) else tuple(value) for name, value in table.items()})


class Place(NamedTuple):
    """Where a place is listed: ``region`` is its file, ``level`` the heading, ``country`` the folder."""

    country: str
    region: str
    level: str

    @property
    def home(self) -> tuple[str, str]:
        """All places of which move together."""
        return self.country, self.region


class Gazetteer:
    """The listed places: ``where`` has the Place of each key, the most important one of those of the same name."""

    LEVELS = ("countries", "capitals", "governorate", "districts", "sub-districts", "towns and villages", "quarters")

    def __init__(self) -> None:
        self.names: dict[Place, list[str]] = {}
        for path in sorted([*(LISTS / "places").glob("*.txt"), *(LISTS / "abroad").glob("*.txt")]):
            for level, (name,) in _lines(path):
                self.names.setdefault(Place(path.parent.name, path.stem, level), []).append(name)
        self.where: dict[str, Place] = {}
        for place in sorted(self.names, key=lambda place: self.LEVELS.index(place.level)):
            for name in self.names[place]:
                self.where.setdefault(key(name), place)
        self.longest = max(len(name.split()) for name in self.where)

    def rank(self, name: str) -> str | None:
        """Roughly what kind of place a key is: a state, a governorate, or one inside of it."""
        if name not in self.where:
            return None
        place = self.where[name]
        return place.level if place.level in self.LEVELS[:3] else place.country

    def regions(self, country: str, levels: Iterable[str]) -> list[str]:
        """The regions of a country that have names of all these levels."""
        regions = sorted({place.region for place in self.names if place.country == country})
        return [region for region in regions if all(Place(country, region, level) in self.names for level in levels)]


class Entry(NamedTuple):
    """A line of a list: the names of one thing, the full one first."""

    list: str
    names: tuple[str, ...]


class Names:
    """The lists of a folder. ``places``: for each key its entries, and which name of each it is."""

    def __init__(self, folder: str) -> None:
        paths = sorted((LISTS / folder).glob("*.txt"))
        self.entries = [Entry(path.stem, tuple(names)) for path in paths for _, names in _lines(path)]
        self.places: dict[str, list[tuple[Entry, int]]] = defaultdict(list)
        heads: dict[str, set[str]] = defaultdict(set)
        for entry in self.entries:
            for number, name in enumerate(entry.names):
                self.places[key(name)].append((entry, number))
                heads[key(name).split()[0]].add(entry.list)
        self._heads = {head: next(iter(found)) for head, found in heads.items() if len(found) == 1}

    def list_of(self, name: str) -> str | None:
        """The list that a key is in or, by the words it starts with and holds, belongs to; None if that is open."""
        found = {entry.list for entry, _ in self.places.get(name, ())}
        if not found and name.split()[0] in self._heads:
            found = {self._heads[word] for word in name.split() if word in self._heads}
        return found.pop() if len(found) == 1 else None


class People:
    """Names of persons; each kind is a list."""

    def __init__(self) -> None:
        paths = sorted((LISTS / "people").glob("*.txt"))
        self.names = {path.stem: [names[0] for _, names in _lines(path)] for path in paths}
        self.names["family-the"] = [name for name in self.names["family"] if name.startswith("ال")]
        self.names["family"] = [name for name in self.names["family"] if not name.startswith("ال")]
        self.keys = {kind: {key(name) for name in names} for kind, names in self.names.items()}
        self.firsts = {name.split()[0] for names in self.keys.values() for name in names}


@cache
def generic() -> frozenset[str]:
    """Words that say what kind of thing the name behind them is («وكالة», «ميليشيا»), as keys."""
    return frozenset(key(names[0]) for _, names in _lines(LISTS / "generic.txt"))


@cache
def feminine() -> frozenset[str]:
    """First words that verbs and adjectives agree with in the feminine, though they do not look it, as keys."""
    return frozenset(key(names[0]) for _, names in _lines(LISTS / "feminine.txt"))
