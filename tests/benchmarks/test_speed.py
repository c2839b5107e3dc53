"""benchmarks/speed.py: its texts, clocks, shares and tables, which need no model, and the script on a toy model."""

from __future__ import annotations

import doctest
import importlib
import re
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest
import speed
from arabert_shape import vocabulary
from hypothesis import given, settings
from hypothesis import strategies as st
from machine import OPERATIONS
from mixing import LONGEST, SHORTEST, mixed
from naive import Pipeline
from parts import ENCODE, PARTS, Clock, made_up, where, where_rows
from processes import spent
from rounds import Work, ratio, share, timed
from speed import check_names, contenders, main, speed_table

from arabie import load
from arabie.engines.agreement import REFERENCE
from arabie.engines.choice import Choice
from arabie.errors import ArabieError, ConfigError, ModelError
from arabie.extractor import Extractor
from arabie.schema import default_schema

ROOT = Path(__file__).resolve().parents[2]
TEXTS = st.lists(st.text("ابت \n", max_size=30), min_size=1, max_size=5).filter(lambda texts: "".join(texts).split())
WORK = Work(words=1000, texts=10, pieces=2000, weights=OPERATIONS // 8000)


@pytest.mark.parametrize("name", ["pages", "rounds"])
def test_examples_in_docstrings_hold(name):
    found = doctest.testmod(importlib.import_module(name))
    assert found.attempted and not found.failed


@settings(max_examples=30, deadline=None)
@given(TEXTS, st.integers(SHORTEST, 5000), st.integers(0, 9))
def test_mixed_texts_keep_to_their_bounds(texts, words, seed):
    made = mixed(texts, words, seed)
    sizes = [len(text.split()) for text in made]
    assert all(SHORTEST <= size <= LONGEST for size in sizes) and words - SHORTEST < sum(sizes) <= words
    assert {word for text in made for word in text.split()} <= {word for text in texts for word in text.split()}


def test_mixed_texts_are_the_same_each_time_and_of_many_lengths():
    texts = [f"كلمة {number}\nسطر {number}" for number in range(50)]
    assert mixed(texts, 20_000, 1) == mixed(texts, 20_000, 1) != mixed(texts, 20_000, 2)
    sizes = [len(text.split()) for text in mixed(texts, 20_000)]
    assert min(sizes) < 40 and max(sizes) > 1000


def test_mixed_texts_follow_the_lines_of_a_text():
    assert mixed(["1 2 3\n4 5 6 7\n8 9"], 10)[0].startswith("1 2 3\n4 5 6 7\n8 9\n1")


@pytest.mark.parametrize("texts, words", [([], 100), ([" \n"], 100), (["نص"], SHORTEST - 1)])
def test_texts_without_words_are_told(texts, words):
    with pytest.raises(ConfigError, match="no words"):
        mixed(texts, words)


def test_rounds_take_turns_and_the_first_does_not_count():
    order = []
    now = count()
    found = timed({"a": lambda: order.append("a"), "b": lambda: (order.append("b"), next(now))}, 2, lambda: next(now))
    assert order == ["a", "b"] * 3 and found == {"a": [1, 1], "b": [2, 2]}


def test_ratios_are_of_the_same_round():
    seconds = {"slow": [10, 100, 10], "fast": [5, 50, 1]}
    assert ratio(seconds, "fast", "slow") == 2 and ratio(seconds, "fast", "missing") is None


def test_the_share_is_of_the_peak_in_that_precision():
    assert WORK.operations == 2 * 2000 * WORK.weights
    peaks = {"fp32": [1.0], "bf16": [0.25]}
    half = pytest.approx(0.5, rel=1e-3)
    assert share({"a": [1.0]}, peaks, "a", "fp32", WORK) == half
    assert share({"a": [0.25]}, peaks, "a", "bf16", WORK) == share({"a": [0.25]}, peaks, "a", "int8", WORK) == half
    assert share({"a": [0.25]}, {"fp32": [1.0]}, "a", "int8", WORK) is None


def test_the_table_compares_with_the_pipelines_that_ran():
    found = {"peak-fp32": [1.0, 2.0], "pipeline-1": [2.0, 4.0], "torch-fp32": [1.0, 2.0], "onnx-int8": [0.5, 1.0]}
    rows = [line.split(" | ") for line in speed_table(found, WORK).splitlines()[2:5]]
    assert rows[0] == ["| pipeline, batch 1", "333", "3.3", "1.00", "–", "25.0% |"]
    assert rows[1][:5] == ["| arabie, torch fp32", "667", "6.7", "2.00", "–"]
    assert rows[2][3:] == ["4.00", "–", "– |"]


def test_time_in_a_part_within_another_counts_once():
    clock = Clock(now=lambda ticks=count(): next(ticks))
    with clock.part("outer"):
        with clock.part("inner"):
            pass
        assert list(clock.each("made", [1, 2])) == [1, 2]
    assert clock.seconds == {"inner": 1, "made": 3, "outer": 5}


def test_a_part_that_fails_ends():
    clock = Clock(now=lambda ticks=count(): next(ticks))
    with pytest.raises(ZeroDivisionError):
        clock.timed("a", lambda: 1 // 0)()
    with clock.part("b"):
        pass
    assert clock.seconds == {"a": 1, "b": 1}


def test_parts_add_up(toy_model):
    extractor = load(toy_model, device="cpu", engine="torch", precision="fp32")
    texts = ["انشق عنصر من قسد"] * 3
    before = list(extractor.extract_many(texts))
    seconds, overlapped = where(extractor, texts, 1)
    assert set(seconds) == set(PARTS) and all(taken > 0 for taken in (*seconds.values(), overlapped))
    assert list(extractor.extract_many(texts)) == before


def test_all_but_the_encoder_is_the_sum_of_the_rest():
    rows = where_rows({**dict.fromkeys(PARTS, 1e-3), ENCODE: 4e-3}, 5e-3, 1000)
    told = {name: figures for name, *figures in rows}
    assert told[ENCODE] == ["4.0", "40.0%"] and told["**all but the encoder**"] == ["6.0", "60.0%"]
    assert told["**all but the encoder and the heads**"] == ["4.0", "40.0%"]
    assert told["**one after another**"] == ["10.0", "100.0%"]


def test_made_up_spans_are_in_order_and_pairs_may_relate():
    schema = default_schema()
    (states,), spans, pairs = made_up(schema, 8, 60)
    assert states.shape[1] == 8 and (spans[:, 1] <= spans[:, 2]).all() and spans[:, 2].max() < len(states)
    assert (spans[1:, 1] >= spans[:-1, 1]).all() and len(pairs)
    joins = {join for relation in schema.relations for join in relation.joins}
    assert all((schema.all_labels[spans[head, 3]], schema.all_labels[spans[tail, 3]]) in joins for head, tail in pairs)


def test_the_pipeline_has_the_weights_of_the_model_and_finds_nothing(toy_model):
    import torch

    from arabie.model_folder import load_model

    pipeline = Pipeline(toy_model)
    ours, theirs = load_model(toy_model).encoder, pipeline._run.model.base_model
    given = {"input_ids": torch.tensor([[2, 7, 8, 3]])}
    with torch.inference_mode():
        assert torch.allclose(ours.eval()(**given).last_hidden_state, theirs(**given).last_hidden_state, atol=1e-5)
    assert pipeline(["انشق عنصر", "قسد " * 600], batch=2) == [[], []]


def test_an_engine_that_cannot_be_used_is_told_and_left_out(toy_model, monkeypatch, capsys):
    load_any = Extractor.load

    def load_most(folder, device, engine, precision):
        if engine != "torch":
            raise ModelError("no quantiser")
        return load_any(folder, device, engine, precision)

    monkeypatch.setattr(speed, "choices", lambda: {"torch-fp32": REFERENCE, "other": Choice("onnx", "cpu", "int8")})
    monkeypatch.setattr(Extractor, "load", load_most)
    assert list(contenders(toy_model, ["other", "torch-fp32"])) == ["torch-fp32"]
    assert capsys.readouterr().err == "note: other: no quantiser\n"


def test_the_vocabulary_of_araberts_shape_fits_its_texts():
    texts = ["انشق عنصر من قسد وانشق آخر ثم انشق ثالث"]
    pieces = vocabulary(texts)
    assert sorted(pieces.values()) == list(range(64_000)) and pieces == vocabulary(texts)
    assert {"انشق", "ق", "##ق"} <= set(pieces) and list(pieces)[:2] == ["[PAD]", "[UNK]"]


def test_a_process_tells_what_it_took_or_why_it_failed():
    light, heavy = (spent([sys.executable, "-c", code]) for code in ("pass", "x = bytes(range(250)) * 400_000"))
    assert heavy.peak - light.peak > 80 and light.seconds > 0
    with pytest.raises(ArabieError, match="no such thing"):
        spent([sys.executable, "-c", "raise SystemExit('no such thing')"])


def test_options_that_do_not_fit_are_told():
    with pytest.raises(ConfigError, match="did you mean 'torch-fp32'"):
        check_names(["torch-fp31"], ["torch-fp32", "pipeline-1"])
    with pytest.raises(ConfigError, match="one after the other"):
        main(where=True, memory=True)
    with pytest.raises(ConfigError, match="leave out --write"):
        main(raw=True, write=[Path("page.md")])
    with pytest.raises(ConfigError, match="cores only|needs Linux"):
        main(threads=100_000)


def test_the_script_measures_a_model_and_writes_the_page(toy_model, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("<!-- speed: a -->\n<!-- /speed -->\n<!-- speed-where: a -->\nkept\n<!-- /speed-where -->\n")
    main(words=40, model=toy_model, engine=["pipeline-16", "torch-fp32"], repeat=1, write=[page])
    found = page.read_text(encoding="utf-8")
    assert "| pipeline, batch 16 |" in found and "| arabie, torch fp32 |" in found and "\nkept\n" in found


def test_a_script_ends_with_one_line(tmp_path):
    done = subprocess.run([sys.executable, ROOT / "benchmarks/speed.py", "--engine", "none"], cwd=tmp_path,
                          capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("speed: unknown engine 'none'")
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_page_has_a_place_for_every_table():
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    marks = re.findall(r"<!-- ([\w-]+): .*? -->\n(?:.*?\n)*?<!-- /\1 -->", page)
    assert set(marks) == {"speed", "speed-arabert", "length",
                          *(f"speed-{mode}" for mode in ("scaling", "where", "start", "memory", "relations"))}
