"""The learning curve: parts are nested and stable, points are trained once, and the table says what was measured."""

from __future__ import annotations

from pathlib import Path

import learning_curve
import pytest
from hypothesis import given
from hypothesis import strategies as st
from learning_curve import Curve, part, table

from arabie.document import Document
from arabie.formats import read, write

ROOT = Path(__file__).resolve().parents[2]


@given(st.lists(st.text(min_size=1, max_size=4), unique=True), st.integers(1, 100), st.integers(1, 100), st.randoms())
def test_parts_are_nested_and_do_not_depend_on_order(ids, one, other, random):
    documents = [Document("نص", id=name) for name in ids]
    smaller, greater = ([d.id for d in part(documents, share)] for share in sorted((one, other)))
    assert greater[:len(smaller)] == smaller and len(greater) == round(len(ids) * max(one, other) / 100)
    random.shuffle(ids)
    assert [d.id for d in part([Document("نص", id=name) for name in ids], max(one, other))] == greater
    assert sorted(d.id for d in part(documents, 100)) == sorted(ids)


@pytest.fixture()
def curve(toy_settings, tmp_path) -> Curve:
    data = tmp_path / "few.jsonl"
    write(sorted(read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:4], data)
    return Curve(toy_settings(data), [data], {"test": data}, tmp_path / "curve")


def test_a_point_is_trained_once(curve, monkeypatch):
    point = curve.point(50)
    assert point["documents"] == 2 and 0 < point["words"] < sum(len(d.text.split()) for d in curve.train)
    assert {"entities_f1", "relations_relaxed_f1"} <= set(point["scores"]["test"])
    monkeypatch.setattr(learning_curve, "run_training", lambda *_, **__: pytest.fail("trained again"))
    assert curve.point(50) == point


def test_a_killed_training_goes_on(curve, monkeypatch):
    began, train = [], learning_curve.run_training

    def killed(*arguments, resume):
        began.append(resume)
        train(*arguments, resume=resume)
        raise KeyboardInterrupt

    monkeypatch.setattr(learning_curve, "run_training", killed)
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            curve.point(50)
    assert began == [False, True] and not list(curve.out.glob("*/scores.json"))


def test_the_table_names_parts_and_sets():
    scores = {"names_f1": 0.5, "names_relaxed_f1": 0.75}
    points = {25: {"documents": 2, "words": 1000, "scores": {"test": scores}},
              100: {"documents": 8, "words": 4000, "scores": {"test": scores}}}
    assert table(points, ["names"]).splitlines()[2:] == [
        "| test | 25 % | 2 | 1,000 | 0.500 / 0.750 |", "| test | 100 % | 8 | 4,000 | 0.500 / 0.750 |"]
