"""Mentions met in the training corpus, and what can stand for what among them."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from functools import partial

from arabie.document import Document
from training.augmentation.lists import Gazetteer, Names, People, key, labels
from training.augmentation.surface import CLITICS, Mention, mention, shape

_KUNYA = re.compile("(?:ابو|ابي|ابا|ام) ")
_RAREST = 3  # so many names that start with one word start with it, and not with a prefix


class Seen:
    """The mentions of a corpus by label, kind and shape; and the lists, which tell what is a name."""

    def __init__(self, documents: Iterable[Document]) -> None:
        documents = list(documents)
        self.gazetteer, self.people = Gazetteer(), People()
        self.names = {label: Names(folder) for label, folder in labels().names.items()}
        self.wanted = {*labels().people, *labels().places, *labels().inside, *self.names}
        self._whole: set[tuple[str, str]] = set()
        self._firsts: dict[tuple[str, str], set[str]] = defaultdict(set)
        for span in (span for document in documents for span in document.spans if span.label in self.wanted):
            name = key(span.text)
            if name:
                self._whole.add((span.label, name))
                self._firsts[span.label, name.split()[0]].add(name)
        pool: dict[tuple, dict[str, str]] = defaultdict(dict)
        for found in (found for document in documents for found in self.mentions(document)):
            kind = self.kind(found)
            if kind is not None and pool[kind].get(found.core, found.core) == found.core:
                pool[kind][found.core] = found.raw  # as it is written, where that is known
        self._pool = {kind: list(names.values()) for kind, names in pool.items()}

    def mentions(self, document: Document) -> list[Mention]:
        """The mentions of a document that another name can be put in the place of."""
        edges = sorted(place for span in document.spans for place in (span.start, span.end))
        found = (mention(document, span, edges, partial(self.known, span.label))
                 for span in document.spans if span.label in self.wanted)
        return [one for one in found if one is not None]

    def known(self, label: str, name: str) -> bool:
        """Whether a key is a name by itself, as far as the lists and the corpus tell."""
        common = len(self._firsts.get((label, name.split()[0]), ())) >= _RAREST
        return common or self.listed(label, name) or name[0] not in CLITICS and (label, name) in self._whole

    def listed(self, label: str, name: str) -> bool:
        """Whether a key is in a list of its label."""
        return (label in labels().places and name in self.gazetteer.where
                or label in labels().people and name.split()[0] in self.people.firsts
                or label in self.names and name in self.names[label].places)

    def kind(self, found: Mention) -> tuple | None:
        """What must agree between a mention and another in its place; None if it must not be replaced by a seen one."""
        if found.label in self.names:
            group = self.names[found.label].list_of(found.core)
            if group is None and found.label in labels().strict:
                return None
            group = group or _head(found.core)
        elif found.label in labels().people:
            female = found.core.split()[0] in self.people.keys["given-female"]
            group = "female" if female else "kunya" if _KUNYA.match(found.core) else None
        else:
            group = _head(found.core) or self.gazetteer.rank(found.core)
        return found.label, group, found.follows_generic, shape(found.raw)

    def like(self, found: Mention) -> list[str]:
        """The seen names of the same kind."""
        kind = self.kind(found)
        return self._pool.get(kind, []) if kind is not None else []


def _head(name: str) -> str | None:
    """The first word of a name of several; it often says what kind of thing is named."""
    return name.split()[0] if " " in name else None
