"""Two readers and a model side by side: readings of the same texts, whose agreement is what evaluation says of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from readers import compared, main, table

from arabie import load
from arabie.errors import ConfigError
from arabie.evaluation import evaluate
from arabie.formats import read
from training.standoff import read_stripped

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND = ROOT / "training/corpus/test.jsonl", ROOT / "benchmarks/readings/test.jsonl"
MARKS = "before\n<!-- readers: x -->\nold\n<!-- /readers -->\nafter\n"


@pytest.fixture(scope="module")
def toy(toy_model):
    return load(toy_model, device="cpu", engine="torch", precision="fp32")


def test_each_is_measured_by_the_other_on_what_both_have_read(toy):
    first, second = list(read(FIRST))[:3], list(read(SECOND))[2:0:-1]
    rows = compared(toy, first, second)
    assert list(rows) == ["second reader by the first", "arabie by the first", "arabie by the second"]
    assert rows["second reader by the first"] == evaluate(first[1:], second[::-1], toy.schema).summary()
    assert rows["arabie by the second"]["entities_f1"] < rows["second reader by the first"]["entities_f1"] < 1
    made = table({"test": rows}, ["entities", "events", "causes"])
    assert made.count("\n") == 5 and made.splitlines()[2].startswith("| test: second reader by the first | ")


def test_the_figures_go_into_a_page(toy_model, tmp_path, capsys):
    page = tmp_path / "page.md"
    page.write_text(MARKS, encoding="utf-8")
    main([f"test={FIRST}"], [f"test={SECOND}"], toy_model, [page])
    assert capsys.readouterr().out.strip() in page.read_text(encoding="utf-8")
    with pytest.raises(ConfigError, match="more: read by one reader only"):
        main([f"test={FIRST}", f"more={FIRST}"], [f"test={SECOND}"], toy_model, [])


def test_readings_are_of_the_texts_measured_on():
    assert [(d.id, d.text) for d in read(SECOND)] == [(d.id, d.text) for d in read(FIRST)]
    kept = {record["sha256"] for _, record in read_stripped(ROOT / "training/articles/dev.jsonl")}
    assert {record["sha256"] for _, record in read_stripped(ROOT / "benchmarks/readings/articles.jsonl")} < kept
