"""A document's id as the name of its files, and folders that appear whole or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.document import Document
from arabie.errors import FileError
from arabie.formats import write
from arabie.formats.folders import named

FOLDERS = ["brat", "apf", "webanno", "cas", "datasets"]


def names(*ids, **options):
    return [name for name, _ in named([Document("", id=id) for id in ids], **options)]


@pytest.mark.parametrize("id, name", [
    ("خبر 1", "خبر 1"), ("a.b", "a.b"), ("a/b", "a_b"), ('a:b*c?"<d>|\\', "a_b_c___d___"), ("a\n\x7f", "a__"),
    (" .a. ", "a"), ("ن" * 300, "ن" * 100), ("a" + "ن" * 300, "a" + "ن" * 99), ("x\ud83d", "x_"),
    (None, "document-1"), ("", "document-1"), ("..", "document-1"), (" ", "document-1"),
])
def test_an_id_is_made_a_name_that_every_system_takes(id, name):
    assert names(id) == [name]


def test_names_are_told_apart_on_systems_that_ignore_case():
    assert names("a", "A", "a", "b", "A-2") == ["a", "A-2", "a-3", "b", "A-2-2"]
    assert names("document-2", None, None) == ["document-2", "document-2-2", "document-3"]


def test_a_slash_parts_folders_where_the_format_has_them():
    assert names("a/b", "a/B", "/a", "a//b", "../a", "a/..", "a /b?", folders=True) == [
        "a/b", "a/B-2", "document-3", "document-4", "document-5", "document-6", "a/b_"]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.none() | st.text(st.characters(), max_size=5) | st.sampled_from(["A/b", "a/B", "..", "a", "a.TXT/b", "a" * 300]),
                max_size=6), st.booleans())
def test_every_name_makes_a_file_of_its_own_inside_the_folder(tmp_path_factory, ids, folders):
    folder = tmp_path_factory.mktemp("names")
    found = names(*ids, folders=folders, endings=(".txt",))
    for name in found:
        path = folder / f"{name}.txt"
        path.parent.mkdir(parents=folders, exist_ok=folders or path.parent == folder)
        path.touch(exist_ok=False)
        assert folder in path.resolve().parents
    assert len({name.casefold() for name in found}) == len(ids)


@pytest.mark.parametrize("format", FOLDERS)
def test_half_of_a_surrogate_pair_is_told_and_leaves_no_folder(format, tmp_path):
    with pytest.raises(FileError) as error:
        write([Document("نص", id="a"), Document("نص \ud83d", id="b")], tmp_path / "out", format)
    assert str(error.value) == (
        f"{tmp_path / 'out'}: cannot be written as UTF-8: half of a surrogate pair, '\\ud83d', stands in a text; "
        "take it out or put the whole character back")
    assert list(tmp_path.iterdir()) == []
