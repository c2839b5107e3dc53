"""Naming what a round trip changed, so that it can be held against the loss report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from arabie.document import Document, Span


def changes(before: Document, after: Document) -> set[str]:
    """What differs between two Documents: "text", "id", "meta", "spans", "fragments", "statuses", "relations"."""
    def place(span: Span) -> tuple:
        return span.start, span.end, span.label

    views = {
        "text": lambda d: d.text,
        "id": lambda d: d.id,
        "meta": lambda d: d.meta,
        "spans": lambda d: sorted(map(place, d.spans)),
        "fragments": lambda d: sorted((*place(s), s.fragments) for s in d.spans),
        "statuses": lambda d: sorted((*place(s), s.status or "") for s in d.spans),
        "relations": lambda d: sorted((r.type, place(r.head), place(r.tail)) for r in d.relations),
    }
    return {name for name, view in views.items() if view(before) != view(after)}


def explained(causes: Iterable[str], effects: Mapping[str, str]) -> set[str]:
    """What the causes of a loss report allow to change; ``effects`` tells it by the words that a cause begins with."""
    found: set[str] = set()
    for cause in causes:
        effect = next((effect for start, effect in effects.items() if cause.startswith(start)), None)
        assert effect is not None, f"no test expects the loss {cause!r}"
        found.update(effect.split())
    return found
