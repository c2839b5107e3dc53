"""How a schema is set up in brat: Equiv, status attributes, and the annotation.conf and visual.conf of a folder."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from arabie.errors import SchemaError, nearest
from arabie.formats.losses import Losses
from arabie.formats.options import mapped
from arabie.schema import Schema

ALIAS = "ALIAS"
BOM = "\ufeff"
EVENTS = "events"
COLOURS = ("#8fb2ff", "#ffd27f", "#9fe6a0", "#f5a3b7", "#c9b3ff", "#8fd9d9", "#e6e08a", "#d0d0d0", "#f2b48c")
STATUS_ATTRIBUTES = ("Negation", "Speculation")  # brat's names for a schema's second and third status
BREAKS = re.compile("[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]+")  # where brat, like str.splitlines, ends a line


@dataclass(frozen=True)
class Convention:
    """What a conversion goes by: the schema, the unit of offsets, the relation that is Equiv, status to attribute."""

    schema: Schema
    losses: Losses
    unit: str
    alias: str | None
    attributes: Mapping[str, str]

    @classmethod
    def of(cls, schema: Schema, losses: Losses, unit: str, alias: str,
           attributes: str | Mapping[str, str] | None) -> Convention:
        """The convention that the options ask for; SchemaError for an ``alias`` that is no relation."""
        if alias != ALIAS and alias not in schema.relation_names:
            raise SchemaError(f"alias={alias!r} is no relation of the schema; {nearest(alias, schema.relation_names)}")
        return cls(schema, losses, unit, alias if alias in schema.relation_names else None,
                   status_attributes(schema) if attributes is None else mapped(attributes, "attributes"))

    def role(self, name: str) -> str:
        """A role without the number that brat gives repeated ones: Theme2 is Theme, unless the schema has a Theme2."""
        return name if name in self.schema.relation_names else re.sub(r"(?<=[^0-9])[0-9]+$", "", name)


def status_attributes(schema: Schema) -> dict[str, str]:
    """The attribute for each status but the first, which is meant where none is written.

    Negation, then Speculation, then ``Status`` with the status itself as its value.

    >>> from arabie.schema import default_schema
    >>> status_attributes(default_schema())
    {'NEGATED': 'Negation', 'POSSIBLE': 'Speculation'}
    """
    others = schema.statuses[1:]
    named = len(STATUS_ATTRIBUTES)
    return dict(zip(others, (*STATUS_ATTRIBUTES, *(f"Status {status}" for status in others[named:]))))


def joined(parts: Iterable[tuple[int, int]], text: str) -> tuple[tuple[int, int], ...]:
    """The parts of a span in text order, those joined that touch, or that only a line break and spaces part.

    brat divides a span at each line break, so such parts are one stretch of text.
    """
    found: list[tuple[int, int]] = []
    for start, end in sorted(parts):
        gap = text[found[-1][1]:start] if found else "…"
        if not gap or gap.isspace() and BREAKS.search(gap):
            found[-1] = found[-1][0], max(end, found[-1][1])
        else:
            found.append((start, end))
    return tuple(found)


def annotation_conf(convention: Convention) -> str:
    """What may be annotated: the schema's labels, relations, roles and statuses."""
    schema = convention.schema
    events = list(schema.labels(EVENTS))
    sections = {
        "entities": [label for label in schema.all_labels if label not in events],
        "relations": [*_relations(schema, events), *_equivalences(schema, convention.alias),
                      "<OVERLAP>\tArg1:<ANY>, Arg2:<ANY>, <OVL-TYPE>:<ANY>"],
        "events": [f"{label}\t{', '.join(_roles(schema, label))}".rstrip() for label in events],
        "attributes": _attributes(schema, events, convention.attributes),
    }
    return "\n".join("\n".join((f"[{name}]", *lines, "")) for name, lines in sections.items())


def visual_conf(schema: Schema) -> str:
    """How it looks: the schema's titles, a colour a label, right to left."""
    names = dict.fromkeys((*schema.all_labels, *schema.relation_names))
    titles = [f"{name} | {schema.titles[name]}" for name in names if name in schema.titles]
    colours = [f"{label}\tbgColor:{COLOURS[place % len(COLOURS)]}"
               for layer in schema.layers for place, label in enumerate(layer.labels)]
    drawing = ("SPAN_DEFAULT\tfgColor:black, bgColor:#d0d0d0, borderColor:darken",
               "ARC_DEFAULT\tcolor:black, arrowHead:triangle-5",
               "ATTRIBUTE_DEFAULT\tglyph:*")
    sections = {"labels": titles, "drawing": (*drawing, *colours), "options": ("Text direction:rtl",)}
    return "\n".join("\n".join((f"[{name}]", *lines, "")) for name, lines in sections.items())


def _relations(schema: Schema, events: list[str]) -> list[str]:
    """A line for each relation and set of tails, for heads that are not events."""
    lines = []
    for relation in schema.relations:
        heads_by_tails: dict[tuple[str, ...], list[str]] = {}
        for head in schema.all_labels:
            tails = tuple(tail for tail in schema.all_labels if (head, tail) in relation.joins)
            if tails and head not in events:
                heads_by_tails.setdefault(tails, []).append(head)
        lines += [f"{relation.name}\tArg1:{'|'.join(heads)}, Arg2:{'|'.join(tails)}"
                  for tails, heads in heads_by_tails.items()]
    return lines


def _equivalences(schema: Schema, alias: str | None) -> list[str]:
    return [f"Equiv\tArg1:{label}, Arg2:{label}, <REL-TYPE>:symmetric-transitive"
            for label in schema.all_labels if alias is not None and schema.allows(alias, label, label)]


def _roles(schema: Schema, event: str) -> list[str]:
    """The arguments of one event; brat numbers repeated ones, so a role that ends in a digit cannot be repeated."""
    roles = []
    for relation in schema.relations:
        tails = [tail for tail in schema.all_labels if (event, tail) in relation.joins]
        if tails:
            roles.append(f"{relation.name}{'?' if relation.name[-1].isdigit() else '*'}:{'|'.join(tails)}")
    return roles


def _attributes(schema: Schema, events: list[str], attributes: Mapping[str, str]) -> list[str]:
    """A line for each attribute, with its values if it has any, for the labels that carry a status."""
    labels = [label for label in schema.all_labels if schema.default_status(label)]
    bearers = "<EVENT>" if labels == events else "|".join(labels)
    values: dict[str, list[str]] = {}
    for attribute in attributes.values():
        name, _, value = attribute.partition(" ")
        values.setdefault(name, []).append(value)
    return [f"{name}\tArg:{bearers}" + (f", Value:{'|'.join(given)}" if all(given) else "")
            for name, given in values.items()]
