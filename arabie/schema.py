"""Which labels there are, in which layers, and which relations may join them.

A schema is a TOML file. Nothing in the code knows a label's name: another schema is another file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arabie.errors import FileError, SchemaError, nearest

if TYPE_CHECKING:
    from arabie.document import Document

DEFAULT = Path(__file__).parent / "schemas" / "conflict.toml"


@dataclass(frozen=True)
class Layer:
    """Labels whose spans do not overlap one another. ``statuses`` (first: the default) if its spans carry one."""

    name: str
    labels: tuple[str, ...]
    statuses: tuple[str, ...] = ()
    one_word: bool = False
    slots: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class RelationType:
    """A relation's name and the (head label, tail label) pairs it may join."""

    name: str
    joins: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Schema:
    """Layers, relation types and titles; ``Schema.load(path)`` reads one from a TOML file.

    >>> schema = default_schema()
    >>> schema.layer_of("LOC"), schema.default_status("RAID"), schema.allows("TIME", "RAID", "DATE")
    ('entities', 'ACTUAL', True)
    """

    name: str
    layers: tuple[Layer, ...]
    relations: tuple[RelationType, ...] = ()
    titles: Mapping[str, str] = field(default_factory=dict, compare=False)

    def __post_init__(self) -> None:
        seen: set[str] = set()
        for layer in self.layers:
            for label in layer.labels:
                if label in seen:
                    raise SchemaError(f"schema {self.name!r}: the label {label!r} stands in two places; a label belongs to one layer")
                seen.add(label)
        for relation in self.relations:
            for label in sorted(label for pair in relation.joins for label in pair):
                if label not in seen:
                    raise SchemaError(f"schema {self.name!r}: relation {relation.name} joins {label!r}, which no layer has; {nearest(label, seen)}")

    def __hash__(self) -> int:
        return hash((self.name, tuple(layer.labels for layer in self.layers), self.relations))

    @cached_property
    def _layer_by_label(self) -> dict[str, Layer]:
        return {label: layer for layer in self.layers for label in layer.labels}

    @cached_property
    def _relation_by_name(self) -> dict[str, RelationType]:
        return {relation.name: relation for relation in self.relations}

    @property
    def relation_names(self) -> tuple[str, ...]:
        return tuple(relation.name for relation in self.relations)

    @property
    def all_labels(self) -> tuple[str, ...]:
        """Every span label, layer by layer."""
        return tuple(self._layer_by_label)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The statuses of the layers that have them (they share one list), default first."""
        return next((layer.statuses for layer in self.layers if layer.statuses), ())

    def labels(self, layer: str) -> tuple[str, ...]:
        """The labels of a layer; none if the schema has no such layer."""
        return next((found.labels for found in self.layers if found.name == layer), ())

    def layer_of(self, label: str) -> str | None:
        """The name of a label's layer, or None for a label the schema does not have."""
        layer = self._layer_by_label.get(label)
        return layer.name if layer else None

    def default_status(self, label: str) -> str | None:
        """The status of a span that states none; None for labels without status."""
        layer = self._layer_by_label.get(label)
        return layer.statuses[0] if layer and layer.statuses else None

    def slots(self, label: str) -> Mapping[str, str]:
        """What to look for inside a span of this label: slot name to the label of the span within."""
        layer = self._layer_by_label.get(label)
        return layer.slots.get(label, {}) if layer else {}

    def allows(self, relation: str, head: str, tail: str) -> bool:
        """Whether a relation type may join these two labels."""
        found = self._relation_by_name.get(relation)
        return found is not None and (head, tail) in found.joins

    def problems(self, document: Document) -> list[str]:
        """What in a document this schema does not allow, in words; empty when all is well."""
        found, reached = [], {}
        for span in document.spans:
            layer = self._layer_by_label.get(span.label)
            told = f"{span.label} «{span.text}» at {span.start}–{span.end}"
            if layer is None:
                found.append(f"{told}: unknown label; {nearest(span.label, self.all_labels)}")
                continue
            if span.status is not None and span.status not in layer.statuses:
                found.append(f"{told}: status {span.status!r} is not one of {layer.name}; known: {', '.join(layer.statuses) or 'none'}")
            before = reached.get(layer.name)
            if before is not None and span.start < before.end:
                found.append(f"{told} overlaps {before.label} «{before.text}» at {before.start}–{before.end} in the layer {layer.name}")
            if before is None or span.end > before.end:
                reached[layer.name] = span
        for relation in document.relations:
            told = f"{relation.type} «{relation.head.text}» → «{relation.tail.text}»"
            if relation.type not in self._relation_by_name:
                found.append(f"{told}: unknown relation; {nearest(relation.type, self._relation_by_name)}")
            elif not self.allows(relation.type, relation.head.label, relation.tail.label):
                found.append(f"{told}: {relation.type} does not join {relation.head.label} to {relation.tail.label}")
        return found

    @classmethod
    def load(cls, path: str | Path) -> Schema:
        """The schema of a TOML file. Raises FileError or SchemaError saying what to mend."""
        try:
            data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except OSError as error:
            raise FileError(f"{path}: cannot read the schema: {error.strerror}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SchemaError(f"{path}: not a TOML file: {error}") from None
        try:
            return cls.from_dict(data)
        except SchemaError as error:
            raise SchemaError(f"{path}: {error}") from None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Schema:
        """The schema of a dictionary laid out as the TOML files are; ``"@layer"`` in ``joins`` stands for its labels."""
        _known_keys(data, ("name", "layers", "relations", "titles"), "schema")
        layers = []
        for item in data.get("layers") or ():
            _known_keys(item, ("name", "labels", "statuses", "one_word", "slots"), "layer")
            if not item.get("name") or not item.get("labels"):
                raise SchemaError("each layer needs a name and labels")
            layers.append(Layer(item["name"], tuple(item["labels"]), tuple(item.get("statuses", ())),
                                bool(item.get("one_word", False)), item.get("slots", {})))
        if not layers:
            raise SchemaError("a schema has at least one layer, written [[layers]]")
        by_name = {f"@{layer.name}": layer.labels for layer in layers}
        relations = []
        for item in data.get("relations") or ():
            _known_keys(item, ("name", "joins"), "relation")
            if not item.get("name") or not item.get("joins"):
                raise SchemaError("each relation needs a name and joins")
            pairs = [(_expand(heads, by_name), _expand(tails, by_name)) for heads, tails in item["joins"]]
            relations.append(RelationType(item["name"], frozenset((h, t) for hs, ts in pairs for h in hs for t in ts)))
        return cls(data.get("name", "unnamed"), tuple(layers), tuple(relations), dict(data.get("titles", {})))

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``from_dict`` reads back; it is what a model's config holds."""
        layers = [{"name": layer.name, "labels": list(layer.labels), "statuses": list(layer.statuses),
                   "one_word": layer.one_word, "slots": {k: dict(v) for k, v in layer.slots.items()}} for layer in self.layers]
        relations = [{"name": r.name, "joins": [[[h], [t]] for h, t in sorted(r.joins)]} for r in self.relations]
        return {"name": self.name, "layers": layers, "relations": relations, "titles": dict(self.titles)}


def _expand(labels: str | list[str], layers: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    labels = [labels] if isinstance(labels, str) else labels
    return tuple(found for label in labels for found in layers.get(label, (label,)))


def _known_keys(item: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in item:
        if key not in known:
            raise SchemaError(f"unknown key {key!r} in a {what}; {nearest(key, known)}")


@cache
def default_schema() -> Schema:
    """The schema of the annotation guidelines: entities, events and causes of the Syrian conflict."""
    return Schema.load(DEFAULT)
