"""Batches: every window once, in few padded pieces, bounded."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arabie.encoding import WindowInput
from arabie.engines.batching import batches

lengths = st.lists(st.integers(1, 60), max_size=40)


def window(pieces: int, number: int) -> WindowInput:
    units = np.arange(1, max(2, pieces - 1))
    return WindowInput(np.full(pieces, 100 + number), units, units)


@given(lengths=lengths, pieces=st.integers(1, 300))
def test_every_window_is_in_one_batch_as_it_was(lengths, pieces):
    windows = [window(length, number) for number, length in enumerate(lengths)]
    seen = []
    for batch in batches(windows, pieces, pad=7):
        assert len(batch.numbers) == 1 or batch.ids.size <= pieces
        assert batch.ids.shape == batch.mask.shape and batch.first.shape == batch.last.shape
        for row, number in enumerate(batch.numbers):
            length, units = len(windows[number].ids), len(windows[number].first)
            assert (batch.ids[row, :length] == windows[number].ids).all() and (batch.ids[row, length:] == 7).all()
            assert batch.mask[row].tolist() == [1] * length + [0] * (batch.ids.shape[1] - length)
            assert (batch.first[row, :units] == windows[number].first).all()
            assert (batch.last[row, :units] == windows[number].last).all()
        seen += batch.numbers
    assert sorted(seen) == list(range(len(windows)))


@given(lengths=lengths.filter(bool), pieces=st.integers(60, 300))
def test_a_batch_is_padded_to_its_own_longest_and_like_goes_with_like(lengths, pieces):
    windows = [window(length, number) for number, length in enumerate(lengths)]
    cut = list(batches(windows, pieces, pad=0))
    for batch in cut:
        assert batch.ids.shape[1] == max(len(windows[number].ids) for number in batch.numbers)
    for before, after in zip(cut, cut[1:]):
        shortest = min(len(windows[number].ids) for number in before.numbers)
        assert shortest >= max(len(windows[number].ids) for number in after.numbers)
        assert (len(before.numbers) + 1) * before.ids.shape[1] > pieces  # full: another would not have gone in
