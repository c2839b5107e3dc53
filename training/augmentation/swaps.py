"""Names replaced by others, from the lists or from the corpus; one name by one other all through a document."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable

from arabie.document import Document, Span
from training.augmentation.edits import Edit, rewrite
from training.augmentation.lists import Names, Place, generic, key, labels
from training.augmentation.seen import Seen
from training.augmentation.surface import Mention, shape

_KUNYA = ("ابو", "ابي", "ابا", "ام")
_SYRIA = "places"
_DIRECTIONS = set("شمال شمالي جنوب جنوبي شرق شرقي غرب غربي وسط محيط ريف".split())
_TRIES = 20  # names drawn before giving up on a free one


class Swapper:
    """Draws other names for the mentions of documents. ``documents``: those whose mentions may be put into others."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self.corpus = Seen(documents)

    def __call__(self, document: Document, rng: random.Random, listed: float, seen: float) -> Document:
        """The document with other names.

        ``listed``: the probability that a name is replaced by one from the lists; ``seen``: that one which was not is
        replaced by one of the corpus.
        """
        mentions = self.corpus.mentions(document)
        draw = _Draw(self.corpus, document, mentions, rng)
        new: dict[Mention, str] = {}
        if listed:
            new |= draw.places(listed) | draw.persons(listed) | draw.named(listed)
        if seen:
            new |= draw.seen(seen, [found for found in mentions if found not in new])
        edits = (Edit(found.span.start, found.span.end, found.with_core(name)) for found, name in new.items())
        return rewrite(document, edits)


class _Draw:
    """The names drawn for one document; each method gives the new cores of some mentions."""

    def __init__(self, corpus: Seen, document: Document, mentions: list[Mention], rng: random.Random) -> None:
        self.corpus, self.mentions, self.rng = corpus, mentions, rng
        self.aliases = [(one.head, one.tail) for one in document.relations if one.type in labels().alias]
        cores = {found.span: found.core for found in mentions}
        renamed = (pair for pair in self.aliases if len({cores.get(span, span) for span in pair}) > 1)
        self.renamed = {span for pair in renamed for span in pair}
        self.taken = set(cores.values())

    def _of(self, wanted: Iterable[str]) -> list[Mention]:
        return [found for found in self.mentions if found.label in wanted]

    def _free(self, names: list[str]) -> str | None:
        """One of the names that the document does not have yet, if it is soon found."""
        for _ in range(_TRIES if names else 0):
            name = self.rng.choice(names)
            if key(name) not in self.taken:
                self.taken.add(key(name))
                return name
        return None

    # Places

    def places(self, rate: float) -> dict[Mention, str]:
        """Listed places, alone or within a longer name («ريف حماة الشمالي»).

        All places of a region move to one other region, towns to towns and villages to villages, so that what lies in
        what stays true. A place that has another name in the document stays.
        """
        gazetteer = self.corpus.gazetteer
        candidates = [found for found in self._of(labels().places + labels().inside) if found.span not in self.renamed]
        parts = {found: part for found in candidates if (part := self._listed_part(found))}
        levels: dict[tuple[str, str], set[str]] = defaultdict(set)
        for _, _, name in parts.values():
            self.taken.add(name)
            levels[gazetteer.where[name].home].add(gazetteer.where[name].level)
        regions = {home: self.rng.choice(gazetteer.regions(home[0], needed)) for home, needed in levels.items()
                   if self.rng.random() < rate}
        moved: dict[str, str | None] = {}
        new = {}
        for found, (start, end, name) in parts.items():
            place = gazetteer.where[name]
            if place.home in regions and name not in moved:
                moved[name] = self._free(gazetteer.names[place._replace(region=regions[place.home])])
            if moved.get(name):
                words = found.raw.split()
                new[found] = " ".join([*words[:start], moved[name], *words[end:]])
        return new

    def _listed_part(self, found: Mention) -> tuple[int, int, str] | None:
        """The longest listed place in a mention: its first word, its end, its key."""
        gazetteer, words = self.corpus.gazetteer, found.core.split()
        if len(words) != len(found.raw.split()):
            return None
        for length in range(min(gazetteer.longest, len(words)), 0, -1):
            for start in range(len(words) - length + 1):
                name, end = " ".join(words[start:start + length]), start + length
                if name in gazetteer.where and _is_place(found, words[:start], words[end:], gazetteer.where[name]):
                    return start, end, name
        return None

    # Persons

    def persons(self, rate: float) -> dict[Mention, str]:
        """Persons, part by part, so that «خالد الجبوري» and «الجبوري» stay one man."""
        moved: dict[tuple[str, str], str | None] = {}
        new = {}
        for found in self._of(labels().people):
            words, raw = found.core.split(), found.raw.split()
            parts, at = [], 0
            while at < len(words) == len(raw):
                kind, length = self._part(words, at)
                part = kind, " ".join(words[at:at + length])
                if part not in moved:
                    chosen = kind and self.rng.random() < rate
                    moved[part] = self._free(self.corpus.people.names[kind]) if chosen else None
                parts += [moved[part]] if moved[part] else raw[at:at + length]
                at += length
            if parts and parts != raw:
                new[found] = " ".join(parts)
        return new

    def _part(self, words: list[str], at: int) -> tuple[str, int]:
        """The kind of the part of a name that starts at a word («» if that is open), and its number of words."""
        after_kunya = at > 0 and words[at - 1] in _KUNYA
        last = not after_kunya and (at > 0 or len(words) == 1)
        families = ("family", "family-the") if last else ()
        kinds = ("kunya",) if after_kunya else ("given-male", "given-female", *families)
        for length in (2, 1):
            name = " ".join(words[at:at + length])
            for kind in kinds:
                if at + length <= len(words) and name in self.corpus.people.keys[kind]:
                    return kind, length
        return ("family-the" if last and words[at].startswith("ال") and len(words[at]) > 4 else ""), 1

    # What is listed by kind

    def named(self, rate: float) -> dict[Mention, str]:
        """Forces, media and the like; names of one thing give way to names of one, full to full, short to short."""
        new = {}
        for group in self._things():
            if self.rng.random() < rate:
                cores = self._other_names(self.corpus.names[group[0].label], group)
                new |= {found: cores[found.core] for found in group if found.core in cores}
        return new

    def _things(self) -> list[list[Mention]]:
        """The mentions grouped by what they name: those of one core, of one entry of a list, or joined by an alias.

        What has an alias that is no mention, and so would stay, is left out.
        """
        mentions = self._of(self.corpus.names)
        by_span = {found.span: found for found in mentions}
        links: dict[object, set[object]] = defaultdict(set)

        def link(one: object, other: object) -> None:
            links[one].add(other)
            links[other].add(one)

        for found in mentions:
            link(found, (found.label, found.core))
            for entry, _ in self.corpus.names[found.label].places.get(found.core, ()):
                link(found, entry)
        for head, tail in self.aliases:
            if head in by_span or tail in by_span:
                link(by_span.get(head, head), by_span.get(tail, tail))
        groups, reached = [], set()
        for found in mentions:
            if found not in reached:
                group = _connected(found, links)
                reached |= group
                if not any(isinstance(node, Span) for node in group):
                    groups.append([other for other in mentions if other in group])
        return groups

    def _other_names(self, names: Names, group: list[Mention]) -> dict[str, str]:
        """Another name for each core of a thing, or for none."""
        cores = list(dict.fromkeys(found.core for found in group))
        home = names.list_of(cores[0])
        rank = {core: min((number for _, number in names.places.get(core, ())), default=0) for core in cores}
        if home is None or any(names.list_of(core) != home for core in cores) or len(set(rank.values())) < len(cores):
            return {}
        entries = [entry.names for entry in names.entries
                   if entry.list == home and not self.taken & {key(name) for name in entry.names}]
        behind = any(found.follows_generic for found in group)
        cores.sort(key=rank.get)
        if len(cores) == 1:  # a full name for a full one: short ones are understood only after it
            usable = ((name,) for entry in entries for name in entry[:1 if rank[cores[0]] == 0 else None])
            free = [given for given in usable if _fits(given[0], group[0])]
        else:
            free = [entry for entry in entries if len(entry) >= len(cores) and not behind
                    and all(shape(name)[3:] == shape(core)[3:] for name, core in zip(entry, cores))]
        chosen = dict(zip(cores, self.rng.choice(free))) if free else {}
        self.taken |= {key(name) for name in chosen.values()}
        return chosen

    # What the corpus has

    def seen(self, rate: float, mentions: list[Mention]) -> dict[Mention, str]:
        """Names met in the corpus. A name with an alias, or a person's that shares a part with another, stays."""
        things: dict[tuple[str, str], list[Mention]] = defaultdict(list)
        for found in mentions:
            things[found.label, found.core].append(found)
        sharing: dict[str, set[str]] = defaultdict(set)
        for found in self._of(labels().people):
            for word in found.core.split():
                sharing[word].add(found.core)
        new = {}
        for (label, core), group in things.items():
            shares = label in labels().people and any(len(sharing[word]) > 1 for word in core.split())
            if shares or any(found.span in self.renamed for found in group) or self.rng.random() >= rate:
                continue
            name = self._free(self.corpus.like(group[0]))
            if name:
                new |= dict.fromkeys(group, name)
        return new


def _is_place(found: Mention, before: list[str], after: list[str], place: Place) -> bool:
    """Whether a listed place in a mention is meant: it is in «غربي اليمن», but not in «الإمارات العربية المتحدة»."""
    if found.label in labels().inside:
        return len(before) == 1
    return place.country == _SYRIA or not after and set(before) <= _DIRECTIONS


def _connected(start: object, links: dict[object, set[object]]) -> set[object]:
    """All that can be reached over links."""
    group, todo = {start}, [start]
    while todo:
        fresh = links[todo.pop()] - group
        group |= fresh
        todo += fresh
    return group


def _fits(name: str, found: Mention) -> bool:
    """Whether a listed name can stand where a mention stands; behind a word such as «وكالة» it has none of its own."""
    return shape(name) == shape(found.raw) and not (found.follows_generic and key(name).split()[0] in generic())
