"""The labelling configuration of a Label Studio project, made from a schema."""

from __future__ import annotations

from colorsys import hls_to_rgb
from xml.etree import ElementTree

from arabie.schema import Schema

TEXT, STATUS = "text", "status"  # the names of the text and of the control for statuses


def control(schema: Schema, label: str) -> str:
    """The name of the control that sets a label: its layer's, or "labels" for a label the schema does not have.

    >>> from arabie.schema import default_schema
    >>> control(default_schema(), "LOC"), control(default_schema(), "STAR")
    ('entities', 'labels')
    """
    layer = schema.layer_of(label)
    return "labels" if layer is None else f"{layer} labels" if layer in (TEXT, STATUS, "labels") else layer


def labelling_config(schema: Schema) -> str:
    """The configuration as XML, to paste into a project's settings: labels by layer, relations, status, the text from
    right to left.

    >>> from arabie.schema import default_schema
    >>> labelling_config(default_schema()).splitlines()[0]
    '<View>'
    """
    view = ElementTree.Element("View")
    if schema.relations:
        relations = ElementTree.SubElement(view, "Relations")
        for relation in schema.relations:
            ElementTree.SubElement(relations, "Relation", value=relation.name)
    colours = iter(_colours(len(schema.all_labels)))
    for layer in schema.layers:
        labels = ElementTree.SubElement(view, "Labels", name=control(schema, layer.labels[0]), toName=TEXT)
        for label in layer.labels:
            ElementTree.SubElement(labels, "Label", value=label, background=next(colours), **_hint(schema, label))
    with_status = [control(schema, layer.labels[0]) for layer in schema.layers if layer.statuses]
    if with_status:
        narrowed = {"whenTagName": with_status[0]} if len(with_status) == 1 else {}
        choices = ElementTree.SubElement(view, "Choices", name=STATUS, toName=TEXT, choice="single-radio",
                                         perRegion="true", visibleWhen="region-selected", **narrowed)
        for status in schema.statuses:
            ElementTree.SubElement(choices, "Choice", value=status, **_hint(schema, status))
    page = ElementTree.SubElement(view, "View", style="direction: rtl; text-align: right")
    ElementTree.SubElement(page, "Text", name=TEXT, value=f"${TEXT}")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"


def is_labelling_config(content: bytes) -> bool:
    """Whether this is the XML of a labelling configuration for spans of a text."""
    try:
        view = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError):  # the last two for an encoding that is not known
        return False
    return view.tag == "View" and view.find(".//Labels") is not None and view.find(".//Text") is not None


def _hint(schema: Schema, name: str) -> dict[str, str]:
    return {"hint": schema.titles[name]} if name in schema.titles else {}


def _colours(number: int) -> list[str]:
    """Colours as far apart in hue as can be."""
    shades = [hls_to_rgb(place / max(number, 1), 0.6, 0.7) for place in range(number)]
    return ["#" + "".join(f"{round(255 * part):02x}" for part in shade) for shade in shades]
