"""Letters of words as numbers, and a model that reads them."""

from __future__ import annotations

from binascii import crc32

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from arabie.encoding import Encoder, windows
from arabie.errors import ArabieError
from arabie.extractor import Extractor
from arabie.letters import LONGEST, PARTS, Letters, parts
from arabie.model_folder import ModelFacts, load_model

BUCKETS = 1000
words = st.one_of(st.text("اسكنفقهـ1٣<>", max_size=60), st.text(st.characters(exclude_categories=()), max_size=12))


def slow(word):
    """The parts of a word one by one, from the places where they start and end."""
    letters = ["0" if letter.isdecimal() else letter for letter in word[:LONGEST]]
    edged = ["<", *letters, ">"]
    found = ["".join(edged), "".join(edged[:2]), "".join(edged[-2:])]
    for size in (3, 4):
        for start in range(len(edged)):
            if start + size <= len(edged):
                found.append("".join(edged[start:start + size]))
    once = []
    for part in found:
        if part not in once:
            once.append(part)
    return [crc32(part.encode("utf-8", "surrogatepass")) % (BUCKETS - 1) + 1 for part in once[:PARTS]]


@given(st.lists(words, max_size=8))
@settings(deadline=None)
def test_rows_are_those_of_the_slow_way_whatever_was_asked_before(some):
    letters = Letters(BUCKETS)
    for _ in range(2):
        rows = letters.of(some)
        assert rows.shape == (len(some), PARTS) and rows.dtype == np.int32
        assert [[number for number in row if number] for row in rows.tolist()] == [slow(word) for word in some]
        assert all(0 not in row[:np.count_nonzero(row)] for row in rows), "0 stands after the last part only"


def test_forms_of_a_word_share_parts_and_other_words_do_not():
    shared = {(one, two): len(set(parts(one)) & set(parts(two))) for one, two in
              [("انشق", "انشقا"), ("انشق", "وانشق"), ("انشق", "هطول"), ("2024", "1999")]}
    assert shared["انشق", "انشقا"] >= 5 and shared["انشق", "وانشق"] >= 3 and shared["انشق", "هطول"] == 0
    assert parts("2024") == parts("1999")


def test_a_pasted_page_without_spaces_costs_no_more_than_a_long_word():
    assert Letters(BUCKETS).of(["ا" * 10**6]).tolist() == Letters(BUCKETS).of(["ا" * LONGEST]).tolist()


def test_too_few_buckets():
    with pytest.raises(ArabieError, match="letters is a number of buckets"):
        Letters(1)


def test_a_model_reads_letters_of_what_its_profile_leaves(toy_letters_model):
    extractor = Extractor.load(toy_letters_model, engine="torch")
    encoded = extractor.encoder.encode("انشـ.ـقّ عنصران من #دير_الزور")
    (window,) = windows(encoded, extractor.facts.windows)
    assert encoded.words(0, len(encoded)) == ["انشق", "عنصران", "من", "#", "دير الزور"]
    expected = Letters(extractor.facts.letters).of(encoded.words(0, len(encoded)))
    assert extractor.encoder.window_input(encoded, window).letters.tolist() == expected.tolist()


def test_a_window_has_the_letters_of_its_own_units(toy_letters_model):
    extractor = Extractor.load(toy_letters_model, engine="torch")
    encoded = extractor.encoder.encode("انشق عنصران من قسد في الرقة " * 20)
    for window in windows(encoded, extractor.facts.windows):
        expected = Letters(extractor.facts.letters).of(encoded.words(window.start, window.end))
        assert extractor.encoder.window_input(encoded, window).letters.tolist() == expected.tolist()


def test_states_depend_on_the_letters_of_a_unit_and_its_neighbours_on_them_too(toy_letters_model):
    model = load_model(toy_letters_model).eval()
    ids, mask = torch.tensor([[2, 7, 8, 9, 3]]), torch.ones(1, 5, dtype=torch.long)
    first = torch.tensor([[1, 3]])
    letters = torch.from_numpy(Letters(300).of(["انشق", "قسد"]).copy())[None]
    changed = letters.clone()
    changed[0, 1] = 0
    with torch.inference_mode():
        one, two = (model.unit_states(ids, mask, first, first, given) for given in (letters, changed))
    assert not torch.allclose(one[0, 1], two[0, 1]) and not torch.allclose(one[0, 0], two[0, 0], atol=1e-5)


def test_in_training_the_letters_of_some_units_are_left_out(toy_letters_model):
    embedding = load_model(toy_letters_model).letters
    letters = torch.from_numpy(Letters(300).of(["انشق"] * 400).copy())[None]
    embedding.dropout = 0.25
    _, states = embedding.train()(letters)
    assert 0.15 < (states == 0).all(dim=-1).float().mean() < 0.35
    _, states = embedding.eval()(letters)
    assert not (states == 0).all(dim=-1).any() and (states == states[0, 0]).all()


def test_an_encoder_without_buckets_gives_none(toy_model):
    extractor = Extractor.load(toy_model, engine="torch")
    encoded = extractor.encoder.encode("انشق")
    assert ModelFacts.load(toy_model).letters == 0 and isinstance(extractor.encoder, Encoder)
    assert extractor.encoder.window_input(encoded, windows(encoded, extractor.facts.windows)[0]).letters is None
