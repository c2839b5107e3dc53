"""Which labels there are, in which layers, and which relations may join them.

A schema is a TOML file. Nothing in the code knows a label's name: another schema is another file.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
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
        labels = [label for layer in self.layers for label in layer.labels]
        for what, names in (("layer", [layer.name for layer in self.layers]), ("label", labels), ("relation", self.relation_names)):
            if doubled := next((name for name in names if names.count(name) > 1), None):
                raise SchemaError(f"schema {self.name!r}: the {what} {doubled!r} stands in two places; each has one")
        for layer in self.layers:
            if layer.statuses and layer.statuses != self.statuses:
                raise SchemaError(f"schema {self.name!r}: the layers with statuses share one list; {layer.name} has another")
            for label, slots in layer.slots.items():
                self._check_labels(f"layer {layer.name} has slots for", [label], layer.labels)
                self._check_labels(f"a slot of {label} looks for", slots.values(), labels)
        for relation in self.relations:
            self._check_labels(f"relation {relation.name} joins", sorted({label for pair in relation.joins for label in pair}), labels)

    def _check_labels(self, told: str, labels: Iterable[str], known: Sequence[str]) -> None:
        for label in labels:
            if label not in known:
                raise SchemaError(f"schema {self.name!r}: {told} {label!r}, which is no label there; {nearest(label, known)}")

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
            data = tomllib.loads(Path(path).read_text(encoding="utf-8-sig"))
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
        layers = tuple(_read_layer(item) for item in _tables(data, "layers"))
        if not layers:
            raise SchemaError("a schema has at least one layer, written [[layers]]")
        relations = tuple(_read_relation(item, layers) for item in _tables(data, "relations"))
        return cls(_name(data, "schema", "unnamed"), layers, relations, _titles(data.get("titles", {}), "titles"))

    def to_dict(self) -> dict[str, Any]:
        """A dictionary that ``from_dict`` reads back; it is what a model's config holds."""
        layers = [{"name": layer.name, "labels": list(layer.labels), "statuses": list(layer.statuses),
                   "one_word": layer.one_word, "slots": {k: dict(v) for k, v in layer.slots.items()}} for layer in self.layers]
        relations = [{"name": r.name, "joins": [[[h], [t]] for h, t in sorted(r.joins)]} for r in self.relations]
        return {"name": self.name, "layers": layers, "relations": relations, "titles": dict(self.titles)}


def _read_layer(item: Mapping[str, Any]) -> Layer:
    _known_keys(item, ("name", "labels", "statuses", "one_word", "slots"), "layer")
    name = _name(item, "layer")
    labels, statuses = (_strings(item.get(key, []), f"{key} of the layer {name}") for key in ("labels", "statuses"))
    if not labels:
        raise SchemaError(f"the layer {name} needs labels, a list of names")
    one_word, slots = item.get("one_word", False), item.get("slots", {})
    if not isinstance(one_word, bool):
        raise SchemaError(f"one_word of the layer {name} is true or false, not {one_word!r}")
    if not isinstance(slots, Mapping):
        raise SchemaError(f"slots of the layer {name} is a table of labels, not {slots!r}")
    return Layer(name, labels, statuses, one_word, {label: _titles(found, f"slots of {label}") for label, found in slots.items()})


def _read_relation(item: Mapping[str, Any], layers: Sequence[Layer]) -> RelationType:
    _known_keys(item, ("name", "joins"), "relation")
    name, joins = _name(item, "relation"), item.get("joins")
    if not isinstance(joins, (list, tuple)) or not joins or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in joins):
        raise SchemaError(f"the relation {name} needs joins, a list of [head labels, tail labels], not {joins!r}")
    by_name = {f"@{layer.name}": layer.labels for layer in layers}
    sides = [[_strings([side] if isinstance(side, str) else side, f"joins of {name}") for side in pair] for pair in joins]
    expanded = [[[found for label in side for found in by_name.get(label, (label,))] for side in pair] for pair in sides]
    return RelationType(name, frozenset((head, tail) for heads, tails in expanded for head in heads for tail in tails))


def _tables(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    tables = data.get(key) or []
    if not isinstance(tables, (list, tuple)) or not all(isinstance(item, Mapping) for item in tables):
        raise SchemaError(f"{key} is a list of tables, each written [[{key}]]")
    return list(tables)


def _name(item: Mapping[str, Any], what: str, default: str = "") -> str:
    name = item.get("name", default)
    if not isinstance(name, str) or not name:
        raise SchemaError(f"each {what} needs a name, not {name!r}")
    return name


def _strings(value: Any, what: str) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) and item for item in value):
        raise SchemaError(f"{what} is a list of names, not {value!r}")
    return tuple(value)


def _titles(value: Any, what: str) -> dict[str, str]:
    if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
        raise SchemaError(f"{what} is a table of names, not {value!r}")
    return dict(value)


def _known_keys(item: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    for key in item:
        if key not in known:
            raise SchemaError(f"unknown key {key!r} in a {what}; {nearest(key, known)}")


@cache
def default_schema() -> Schema:
    """The schema of the annotation guidelines: entities, events and causes of the Syrian conflict."""
    return Schema.load(DEFAULT)
