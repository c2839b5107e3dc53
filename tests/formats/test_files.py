from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.errors import FileError
from arabie.formats.files import atomic_folder, atomic_writer, read_lines, read_records, read_text

RECORDS = [{"a": 1}, {"b": ["]", "،"]}]


@pytest.mark.parametrize("content, lines", [
    ('{"a": 1}\n\n{"b": ["]", "،"]}', [1, 3]),
    ('\ufeff{"a": 1}\r\n{"b": ["]", "،"]}\r\n', [1, 2]),
    ('[{"a": 1}, {"b": ["]", "،"]}]', [1, 1]),
    ('\ufeff\n [\n{"a":\n1}\n,\n{"b": ["]", "،"]}\n]\n', [3, 6]),
    ('\ufeff\r\n {\r\n"a":\n1\n}\n\n', [2]),
])
def test_records_of_lines_and_of_a_list_are_the_same(content, lines, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(content.encode())
    assert list(read_records(path)) == [(f"{path}:{line}", record) for line, record in zip(lines, RECORDS)]


@pytest.mark.parametrize("content", ["", "\n \n", "[]", " [ ] "])
def test_a_file_may_hold_no_record(content, tmp_path):
    (tmp_path / "file").write_text(content)
    assert list(read_records(tmp_path / "file")) == []


@pytest.mark.parametrize("content, message", [
    ('{"a": 1}\n{"a"', "file:2: not JSON"),
    ('{"a": 1}\n3', "file:2: 3 is not an object"),
    ('[{"a": 1}\n{"a": 1}]', "file:2: not JSON: expecting a comma or the end of the list"),
    ('[\n{"a": 1},\n{"a": }]', "file:3: not JSON"),
    ('[\n{"a": 1}', "file:2: not JSON: expecting a comma or the end of the list"),
    ('[{"a": 1}]\n]', "not JSON: something stands after the end of the list"),
    ('[\n"a"]', 'file:2: "a" is not an object'),
    ('\n{\n"a": \n}', "file:4: not JSON: Expecting value at column 1; a brace alone on the first line begins"),
    ('{\n"a": 1\n}\n{\n"a": 2\n}', "file:4: not JSON: Extra data at column 1; .* write several objects on a line each"),
    ('{"a": 1,\n"b": 2}', "file:1: not JSON: .* at column 9; each line is one whole object"),
    ("[" * 100000, "file:1: JSON that cannot be read"),
    ('{"a":' * 100000, "file:1: JSON that cannot be read"),
])
def test_broken_json_is_named_with_its_line(content, message, tmp_path):
    (tmp_path / "file").write_text(content)
    with pytest.raises(FileError, match=message):
        list(read_records(tmp_path / "file"))


NUMBERS = st.integers() | st.integers(2**62, 2**66) | st.integers(-2**66, -2**62) | st.floats()
VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | st.text(st.characters(), max_size=4), lambda inner: (
    st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)), max_leaves=6)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES, max_size=3), max_size=4), st.booleans(),
       st.sampled_from(["\n", "\r\n", "\n \n", " \n\t"]))
def test_lines_are_read_as_the_json_of_the_standard_library(tmp_path_factory, records, ascii, end):
    path = tmp_path_factory.mktemp("lines") / "file"
    text = end.join(json.dumps(record, ensure_ascii=ascii) for record in records)
    path.write_bytes(text.encode("utf-8", "replace"))
    text = path.read_text(encoding="utf-8")
    expected = [json.loads(line) for line in text.split("\n") if line.strip()]
    assert repr([record for _, record in read_records(path)]) == repr(expected)


@pytest.mark.parametrize("number", [
    "-0", "-0.0", "1e400", "18446744073709551615", "18446744073709551616", "-9223372036854775808",
    "-9223372036854775809", "9" * 4000, "0." + "1234567890" * 3, "1" * 30 + "e2", "1" * 30 + ".5", "5e-324", "NaN",
    "-Infinity",
])
def test_numbers_keep_their_kind_and_value(number, tmp_path):
    (tmp_path / "file").write_text('{"n": %s, "a": 1, "n": %s}' % (number, number))
    [(_, record)] = read_records(tmp_path / "file")
    assert repr(record) == repr({"n": json.loads(number), "a": 1})


def test_records_inside_a_zip(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("a.jsonl", '{"a": 1}\n[')
    rows = read_records(zipfile.Path(tmp_path / "d.zip") / "a.jsonl")
    assert next(rows) == (f"{tmp_path}/d.zip/a.jsonl:1", {"a": 1})
    with pytest.raises(FileError, match=r"d\.zip/a\.jsonl:2: not JSON"):
        next(rows)


@pytest.mark.parametrize("content, message", [
    ("قسد".encode("cp1256"), "file:1: not UTF-8: byte 0 .*is 0xde; .* iconv -f cp1256 -t utf-8 old.txt > new.txt"),
    ("قسد".encode("utf-16"), "file: is UTF-16, not UTF-8; convert it: iconv -f utf-16 -t utf-8"),
    (b"\xfe\xff" + "قسد".encode("utf-16-be"), "file: is UTF-16"),
    (b"%PDF-1.7\n", "file: is a PDF, not text; save it as plain text in UTF-8"),
    (b"{\\rtf1 a}", "file: is a document in Rich Text Format"),
    (b"\xd0\xcf\x11\xe0\xa1", "file: is a Word, Excel or PowerPoint document, not text"),
    (b"PK\x03\x04", "file: is a Word, Excel or PowerPoint document or another zip, not text"),
    (gzip.compress(b"a"), "file: is compressed"), (bz2.compress(b"a"), "file: is compressed"),
    (lzma.compress(b"a"), "file: is compressed"),
    (b"\x89PNG\0\0", "file:1: is not text in UTF-8: it holds bytes that are zero"),
])
def test_what_is_not_text_in_utf8_is_told_apart(content, message, tmp_path):
    (tmp_path / "file").write_bytes(content)
    for reading in (read_text, lambda path: list(read_lines(path)), lambda path: list(read_records(path))):
        with pytest.raises(FileError, match=message):
            reading(tmp_path / "file")


def test_half_a_surrogate_pair_is_refused_and_leaves_the_file_as_it_was(tmp_path):
    (tmp_path / "out").write_text("before")
    with pytest.raises(FileError, match="half of a surrogate pair"):
        with atomic_writer(tmp_path / "out") as stream:
            stream.write("x" * 100000 + "\ud83d")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("out", "before")]


@pytest.mark.parametrize("name", ["", os.devnull])
def test_what_is_no_file_is_not_replaced(name, tmp_path):
    with pytest.raises(FileError, match="cannot be written: it is there and is no file"):
        with atomic_writer(tmp_path / name):
            raise AssertionError("told before the work")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    with pytest.raises(ValueError):
        with atomic_folder(tmp_path / "out") as folder:
            (folder / "a").write_text("a")
            raise ValueError
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "out").mkdir()
    with atomic_folder(tmp_path / "out") as folder:
        (folder / "a").write_text("a")
    assert [file.name for file in tmp_path.rglob("*")] == ["out", "a"]
    with pytest.raises(FileError, match="is not an empty folder; name a new folder"):
        with atomic_folder(tmp_path / "out"):
            pass
    with pytest.raises(FileError, match="missing/out: cannot be written: No such file"):
        with atomic_folder(tmp_path / "missing" / "out"):
            pass
