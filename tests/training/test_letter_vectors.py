"""Embeddings of letters from raw text: words get their vectors back, and forms never seen get one like their kin's."""

from __future__ import annotations

import lzma

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from arabie.errors import ArabieError
from arabie.letters import Letters
from arabie.model import LetterEmbedding
from training import letters as script
from training.letters import fit_parts, write_words

BUCKETS, SIZE = 5000, 8


def vector(table, word):
    embedding = LetterEmbedding(*table.shape, 1, 0.0)
    embedding.parts.weight = torch.nn.Parameter(table)
    return embedding.mean(torch.from_numpy(Letters(len(table)).of([word]).copy()))[0].detach()


def test_parts_give_words_their_vectors_and_unseen_forms_those_of_their_kin():
    names = ["انشق", "انشقوا", "منشق", "قصف", "قصفت", "يقصف", "مدرسة", "مدارس"]
    rng = np.random.default_rng(0)
    kinds = rng.normal(size=(3, SIZE))
    vectors = np.stack([kinds[kind] for kind in (0, 0, 0, 1, 1, 1, 2, 2)]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    table = fit_parts(names, np.full(len(names), 10), vectors, BUCKETS, rounds=300, seed=1)
    assert table.shape == (BUCKETS, SIZE) and not table[0].any()

    def nearest(word):
        return int(np.argmax(vectors @ vector(table, word).numpy()))

    assert all(np.dot(vectors[n], vector(table, name).numpy()) > 0.95 for n, name in enumerate(names))
    assert [nearest(word) // 3 for word in ("وانشق", "بقصف", "بمدرسة")] == [0, 1, 2]


def test_words_are_written_as_a_model_reads_them_a_line_a_line(tmp_path):
    documents = [("a", 0, "انشـ.ـقّ عنصران\n\nقرب #دير_الزور."), ("a", 1, "left out"), ("b", 1, "قصف")]
    write_words(documents, "default", {("a", 1)}, tmp_path / "words.txt")
    lines = (tmp_path / "words.txt").read_text(encoding="utf-8").splitlines()
    assert [line.split() for line in lines if line.strip()] == [["انشق", "عنصران"], ["قرب", "#", "دير", "الزور", "."], ["قصف"]]


def test_the_script_makes_a_file_that_training_reads_the_same_each_time(tmp_path):
    with lzma.open(tmp_path / "news.txt.xz", "wt", encoding="utf-8") as stream:
        stream.write("انشق خمسة عناصر من قسد\nقصف الطيران بلدة التبني\n" * 30)
    made = []
    for name in ("one", "two"):
        out = tmp_path / f"{name}.safetensors"
        script.main([tmp_path], out, buckets=300, size=4, epochs=1, rounds=2)
        made.append(load_file(out)["parts"])
    assert made[0].shape == (300, 4) and made[0].dtype == torch.float16 and made[0].abs().sum() > 0
    assert torch.equal(*made)


def test_too_little_text_is_told(tmp_path):
    (tmp_path / "news.txt").write_text("قصف\n", encoding="utf-8")
    with pytest.raises(ArabieError, match="no word comes 3 times"):
        script.main([tmp_path / "news.txt"], tmp_path / "out.safetensors")
    assert not (tmp_path / "out.safetensors").exists()
