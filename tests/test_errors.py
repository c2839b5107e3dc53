"""Errors: one family, and messages that offer the nearest name."""

from __future__ import annotations

import pytest

import arabie
from arabie import errors
from arabie.document import Document, Span
from arabie.errors import ArabieError, DocumentError, nearest


def test_every_error_is_of_one_family():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert len(kinds) > 3 and all(issubclass(kind, ArabieError) for kind in kinds)
    with pytest.raises(arabie.ArabieError):
        Document("", (Span(0, 1, "LOC"),))
    with pytest.raises(ValueError):
        Document("", (Span(0, 1, "LOC"),))
    assert issubclass(DocumentError, ValueError)


@pytest.mark.parametrize(("name", "told"), [
    ("GRUOP", "did you mean 'GROUP'?"), ("xyz", "known: GROUP, LOC"), (7, "known: GROUP, LOC"),
    (None, "known: GROUP, LOC"),
])
def test_a_wrong_name_brings_the_nearest_or_all(name, told):
    assert nearest(name, iter(["GROUP", "LOC"])) == told


def test_a_format_that_is_not_there_brings_the_nearest(tmp_path):
    with pytest.raises(ArabieError, match="unknown format 'jsonlines'; did you mean 'jsonl'?"):
        arabie.read(tmp_path / "a", "jsonlines")
    with pytest.raises(ArabieError, match="unknown format 'docano'; did you mean 'doccano'?"):
        arabie.write([], tmp_path / "a", "docano")
    assert list(tmp_path.iterdir()) == []
