"""Documents as hypothesis makes them, with what converters stumble over: emoji, marks, odd white space, odd labels."""

from __future__ import annotations

from hypothesis import strategies as st

from arabie.document import Document, Relation, Span
from arabie.schema import default_schema

SCHEMA = default_schema()
PIECES = [
    "قسد", "انشقّ", "هـ.روب", "#دير_الزور", "ﻻ", "a", ".", "،", "[1]", "*", "_", "|", "\\", "\\t", "->", "#Text=",
    "<b>", "&amp;", "\u200f", "\u064b", "e\u0301", "\ufeff", "😀", "👨‍👩‍👧",
    " ", "  ", "\n", "\n\n", "\r\n", "\t", "\u00a0", "\u2028", "\x0b", "\x1c",
]
ODD_NAMES = ["نجمة", "a_b", "x|y[2];*", "A->B", "\\", "ROLE_x", "tab\there"]


@st.composite
def documents(draw, pieces=PIECES, odd_names=ODD_NAMES, fragments=True) -> Document:
    text = "".join(draw(st.lists(st.sampled_from(pieces), max_size=14)))
    spans = []
    for number in range(draw(st.integers(0, 6)) if text else 0):
        start = draw(st.integers(0, len(text) - 1))
        end = draw(st.integers(start + 1, min(len(text), start + 12)))
        label = draw(st.sampled_from([*SCHEMA.all_labels, *odd_names]))
        status = draw(st.sampled_from(SCHEMA.statuses)) if SCHEMA.default_status(label) else None
        parts = ()
        if fragments and end - start > 2 and draw(st.integers(0, 3)) == 0:
            parts = (start, start + 1), (end - 1, end)
        score = draw(st.none() | st.integers(0, 10000).map(lambda n: n / 10000))
        name = draw(st.sampled_from([None, f"T{number}", f"جزء_{number}"]))
        span = Span(start, end, label, status, score, parts, name)
        if span not in spans:
            spans.append(span)
    relations = set()
    for _ in range(draw(st.integers(0, 5)) if spans else 0):
        head, tail = draw(st.sampled_from(spans)), draw(st.sampled_from(spans))
        kind = draw(st.sampled_from([*SCHEMA.relation_names, *odd_names]))
        relations.add(Relation(kind, head, tail, draw(st.none() | st.integers(0, 100).map(lambda n: n / 100))))
    values = st.sampled_from(["x", "نص", 3, [1, "a"], None])
    meta = draw(st.dictionaries(st.sampled_from(["source", "date", "عدد"]), values, max_size=2))
    return Document(text, tuple(spans), tuple(relations), draw(st.sampled_from([None, "d1", "وثيقة"])), meta)


def marks(document: Document) -> list:
    """What equality of Documents leaves out: ids and scores."""
    return [(span.id, span.score) for span in document.spans] + [relation.score for relation in document.relations]
