"""Pieces, units and windows: nothing lost, nothing twice, exact ways back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from arabie.encoding import PIECES_A_UNIT, Encoder, WindowSettings, windows
from arabie.errors import ConfigError
from arabie.text import view, words

quick = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
texts = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(["انشق", "عنصر", "قسد", "#دير_الزور", "هـ.روب", "،", "\n", "«", "25", "x" * 40, "😀", "اقرأ أيضاً: خبر"]),
                                                   max_size=120).map(" ".join))


@pytest.fixture(scope="module")
def encoder(toy_encoder):
    return Encoder(AutoTokenizer.from_pretrained(toy_encoder))


@quick
@given(text=texts)
def test_every_unit_has_its_pieces(encoder, text):
    encoded = encoder.encode(text)
    counts = np.diff(encoded.first_piece)
    assert len(counts) == len(encoded.units)
    assert (counts >= 1).all() and (counts <= PIECES_A_UNIT).all()
    assert encoded.first_piece[0] == 0 and encoded.first_piece[-1] == len(encoded.pieces)


@quick
@given(text=texts)
@example("25\x0c30\x0b7\x1c8\x858")
def test_pieces_are_those_of_the_unit_alone(encoder, text):
    """BERT's tokenizer splits at white space and punctuation, so a unit's pieces are those it has by itself."""
    encoded = encoder.encode(text)
    for n in range(len(encoded)):
        alone = encoded.view.text[encoded.units.view_starts[n]:encoded.units.view_ends[n]]
        pieces = encoder.tokenizer.backend_tokenizer.encode(alone, add_special_tokens=False).ids[:PIECES_A_UNIT]
        pieces = pieces or [encoder.tokenizer.unk_token_id]
        assert encoded.pieces[encoded.first_piece[n]:encoded.first_piece[n + 1]].tolist() == pieces


def test_long_text_is_tokenised_in_chunks_without_a_seam(encoder):
    text = "انشق 25 عنصراً من قسد، " * 4000
    encoded = encoder.encode(text)
    once = encoder.tokenizer.backend_tokenizer.encode(view(text).text, add_special_tokens=False).ids
    assert encoded.pieces.tolist() == once
    endless = "ا،" * 30_000
    assert len(encoder.encode(endless)) == len(words(view(endless)))


def test_furniture_is_not_read(encoder):
    text = "انشق عنصران\nزر الذهاب إلى الأعلى\nمن قسد"
    encoded = encoder.encode(text)
    read = [text[start:end] for start, end in zip(encoded.units.raw_starts, encoded.units.raw_ends)]
    assert read == ["انشق", "عنصران", "من", "قسد"]


@quick
@given(text=texts)
def test_to_units_finds_exactly_the_unit_ranges(encoder, text):
    encoded = encoder.encode(text)
    starts, ends = encoded.units.raw_starts.tolist(), encoded.units.raw_ends.tolist()
    for start in range(0, len(text), 3):
        for end in range(start + 1, min(len(text), start + 12) + 1):
            slow = (starts.index(start), ends.index(end)) if start in starts and end in ends else None
            assert encoded.to_units(start, end) == slow
            if slow:
                assert encoded.to_raw(*slow) == (start, end)


@quick
@example(text="0:000:00000000000000", size=20, share=2)
@given(text=texts, size=st.integers(20, 80), share=st.integers(0, 3))
def test_each_unit_is_owned_by_one_window(encoder, text, size, share):
    encoded = encoder.encode(text)
    overlap = size * share // 8
    if size - 2 < 2 * overlap:
        overlap = (size - 2) // 2
    cut = windows(encoded, WindowSettings(size, overlap))
    owned = [unit for window in cut for unit in range(window.own_start, window.own_end)]
    assert owned == list(range(len(encoded)))
    for window in cut:
        assert window.start <= window.own_start <= window.own_end <= window.end
        assert encoded.first_piece[window.end] - encoded.first_piece[window.start] <= size - 2
    for before, after in zip(cut, cut[1:]):
        assert before.start < after.start <= before.end < after.end
    for window in cut[:-1]:  # full: the next unit would not have gone in
        assert encoded.first_piece[window.end + 1] - encoded.first_piece[window.start] > size - 2


def test_a_window_too_small_is_refused():
    with pytest.raises(ConfigError, match="too small"):
        WindowSettings(size=10, overlap=2)
    with pytest.raises(ConfigError, match="too small"):
        WindowSettings(size=128, overlap=100)
