"""Word boundaries agree with the compiler of the annotations, on everything that is annotated."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path

import pytest

from arabie.text import PROFILES, view, words
from arabie.text.furniture import furniture_lines

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
COMPILER = SHARED / "tools" / "compile_annotations.py"
SOURCES = sorted([*SHARED.glob("corpus/*.src"), *SHARED.glob("real/*.src")])
COMPILED = sorted([*SHARED.glob("dev/*.jsonl"), *ROOT.glob("training/corpus/*.jsonl")])


@functools.cache
def compiler():
    if not COMPILER.exists():
        pytest.skip("the folder shared is not beside the repository")
    spec = importlib.util.spec_from_file_location("compile_annotations", COMPILER)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def documents(path):
    """The (id, text, spans) of a file of either kind."""
    if path.suffix == ".jsonl":
        found = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    else:
        found = [compiler().compile_document(doc)[0] for doc in compiler().documents(path.read_text(encoding="utf-8"))]
    return [(doc["id"], doc["text"], doc["spans"]) for doc in found if "spans" in doc]


ABSENT = pytest.param(None, marks=pytest.mark.skip(reason="shared and training/corpus are absent: nothing annotated"))
PATHS = [pytest.param(path, id=f"{path.parent.name}/{path.name}") for path in [*SOURCES, *COMPILED]]
files = pytest.mark.parametrize("path", PATHS or [ABSENT])


@files
@pytest.mark.parametrize("profile", PROFILES)
def test_every_gold_span_starts_and_ends_with_a_unit(path, profile):
    for ident, text, spans in documents(path):
        units = words(view(text, profile))
        starts, ends = set(units.raw_starts.tolist()), set(units.raw_ends.tolist())
        off = [(ident, text[s["start"] : s["end"]]) for s in spans if s["start"] not in starts or s["end"] not in ends]
        assert not off


@files
def test_a_unit_never_parts_what_the_compiler_takes_for_one_word(path):
    is_word_char = compiler().is_word_char
    for ident, text, _ in documents(path):
        text = text.replace("\ufe0f", "")  # the compiler counts the emoji selector, a mark, to the word after
        units = words(view(text, "raw"))
        edges = {*units.raw_starts.tolist(), *units.raw_ends.tolist()}
        parted = [at for at in edges if is_word_char(text, at - 1) and is_word_char(text, at)]
        assert not [(ident, text[max(at - 5, 0) : at + 5]) for at in parted]


@files
def test_no_gold_span_stands_in_site_furniture(path):
    for ident, text, spans in documents(path):
        for start, end in furniture_lines(text):
            assert not [(ident, text[start:end], span) for span in spans if span["start"] < end and start < span["end"]]
