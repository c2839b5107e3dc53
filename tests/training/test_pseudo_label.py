"""Pseudo-labels: documents drawn fairly, cut between paragraphs, and kept only where the model is sure."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

import arabie
from arabie.errors import ArabieError
from training import pseudo_label as script
from training.pseudo_label import drawn, passages

NEWS = [f"انشق {n} عناصر من قسد قرب الرقة.\tوقصف الطيران بلدة التبني {n}" for n in range(12)]

paragraphs = st.lists(st.lists(st.sampled_from(["قسد", "قصف", "a"]), max_size=9).map(" ".join), max_size=12)


@given(paragraphs=paragraphs, words=st.integers(1, 12))
def test_passages_hold_every_paragraph_once_and_are_as_long_as_may_be(paragraphs, words):
    found = [text.split("\n") for _, text in passages([("a", "\n".join(paragraphs))], words)]
    assert [line for part in found for line in part] == [line for line in paragraphs if line.strip()]
    sizes = [sum(len(line.split()) for line in part) for part in found]
    assert all(size <= words or len(part) == 1 for size, part in zip(sizes, found))
    assert all(size + len(after[0].split()) > words for size, after in zip(sizes, found[1:]))


def test_documents_are_drawn_alike_without_those_excluded():
    documents = [("a", line, f"text {line}") for line in range(10)]
    seen = Counter(id for seed in range(2000) for id, _ in drawn(documents, {("a", 3)}, 3, seed))
    assert seen.keys() == {f"a-{line}" for line in range(10) if line != 3} and sum(seen.values()) == 6000
    assert max(seen.values()) - min(seen.values()) < 150  # of about 667 each
    assert drawn(documents, set(), 20, 1) == [(f"a-{line}", f"text {line}") for line in range(10)]


def test_what_is_written_is_what_the_model_says_where_it_is_sure(toy_model, tmp_path):
    (tmp_path / "news.txt").write_text("\n".join(NEWS), encoding="utf-8")
    told = {"id": "x", "text": "قسد", "meta": {"source": "news", "line": 4}}
    (tmp_path / "annotated.jsonl").write_text(json.dumps(told), encoding="utf-8")
    out, model = tmp_path / "silver.jsonl", arabie.load(toy_model)
    every = {f"news-{line}-{part}": model.extract(text) for line, news in enumerate(NEWS) if line != 4
             for part, text in enumerate(news.split("\t"), 1)}
    least = sorted(min(span.score for span in found.spans) for found in every.values() if found.spans)[len(every) // 2]
    script.main(toy_model, [tmp_path / "news.txt"], out, [tmp_path / "annotated.jsonl"], documents=50, words=8, least=least, seed=1)
    written = {document.id: document for document in arabie.read(out)}
    assert written.keys() == {id for id, found in every.items() if found.spans and min(span.score for span in found.spans) >= least}
    assert 0 < len(written) < len(every)
    for id, document in written.items():
        assert document.text == every[id].text and document.spans == every[id].spans
        assert Counter(document.relations) == Counter(every[id].relations)


def test_a_folder_without_texts_is_told(toy_model, tmp_path):
    with pytest.raises(ArabieError, match=r"no \*\.txt"):
        script.main(toy_model, [tmp_path], tmp_path / "out.jsonl", [], documents=1, words=9, least=0.5, seed=1)
    assert not (tmp_path / "out.jsonl").exists()
