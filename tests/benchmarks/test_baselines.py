"""The baselines on a few documents: they learn, what they find lies where the words are, and scores are kept."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest
from baselines import Experiment, baseline, f1, main, table, taggers
from hypothesis import given
from hypothesis import strategies as st
from pages import replaced, rewrite
from sets import documents, named
from tagging import lines

from arabie.document import Document, Span
from arabie.encoding import Encoder
from arabie.errors import ArabieError, ConfigError
from arabie.evaluation import evaluate
from arabie.formats import read
from arabie.formats.losses import Losses
from arabie.schema import default_schema

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = default_schema()
ENTITIES, EVENTS, _ = SCHEMA.layers


@pytest.fixture(scope="module")
def few() -> list[Document]:
    return sorted(read(ROOT / "training/corpus/dev.jsonl"), key=lambda d: len(d.text))[:6]


@pytest.fixture(scope="module")
def experiment(few) -> Experiment:
    return Experiment(SCHEMA, few, few, {"seen": few, "two": few[:2]})


@pytest.mark.parametrize("name", ["crf", "kept", "pages", "sets", "tagging", "cleananercorp"])
def test_examples_in_docstrings_hold(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_gold_tags_give_back_every_span(experiment, few):
    for layer in SCHEMA.layers:
        for document in few:
            found = [span for line in experiment.lines([document], layer) for span in line.spans(line.tags)]
            gold = [Span(span.start, span.end, span.label) for span in document.layer(layer.name)]
            assert found == gold
    assert not experiment.left_out


def test_a_span_that_tags_cannot_hold_is_counted(experiment):
    text = "انشق ضابط\nقرب الرقة"
    inside_a_word, over_a_line, whole = Span(1, 4, "LOC"), Span(5, 13, "LOC"), Span(14, 19, "LOC")
    left_out = Losses()
    made = list(lines(Document(text, (inside_a_word, over_a_line, whole)), ENTITIES, experiment.encoder, left_out))
    assert [line.tags for line in made] == [["O", "O"], ["O", "B-LOC"]]
    assert sum(left_out.counts.values()) == 2


@given(st.lists(st.sampled_from(["O", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]), min_size=3, max_size=3))
def test_any_tags_are_spans_of_whole_words(experiment, tags):
    (line,) = lines(Document("«هـ.روب» من الرقة"), ENTITIES, experiment.encoder, Losses())
    tags = ["O", *tags, "O", "O"][:len(line.words)]
    covered = [any(span.start <= start and end <= span.end for span in line.spans(tags)) for start, end in line.ranges]
    assert covered == [tag != "O" for tag in tags]


@pytest.mark.parametrize("name", ["crf", "spacy"])
def test_a_tool_learns_what_it_is_shown(experiment, few, name, monkeypatch):
    tool = taggers()[name]
    if name == "spacy":
        monkeypatch.setattr(tool, "settings", tool.settings | {"max_steps": 120, "eval_frequency": 40})
    scores = experiment.scores(tool(), EVENTS)
    assert set(scores) == {"seen", "two"} and scores["seen"][0] > 0.8


def test_the_crf_is_deterministic(experiment):
    crf = taggers()["crf"]
    assert experiment.scores(crf(), EVENTS) == experiment.scores(crf(), EVENTS)


class Silent:
    """A tool that finds nothing, and counts how often it is trained."""

    name, settings, trained = "silent", {"a": 1}, 0

    def fit(self, train, dev) -> None:
        Silent.trained += 1

    def tag(self, words) -> list[str]:
        return ["O"] * len(words)


def test_scores_are_kept_until_settings_or_data_change(experiment, few, tmp_path, monkeypatch):
    first = baseline(experiment, "silent", Silent, tmp_path)
    assert first["entities"] == {"seen": [0.0, 0.0], "two": [0.0, 0.0]} and Silent.trained == len(SCHEMA.layers)
    assert baseline(experiment, "silent", Silent, tmp_path) == first and Silent.trained == len(SCHEMA.layers)
    monkeypatch.setattr(Silent, "settings", {"a": 2})
    baseline(experiment, "silent", Silent, tmp_path)
    assert Silent.trained == 2 * len(SCHEMA.layers)
    baseline(Experiment(SCHEMA, few[1:], few, experiment.sets), "silent", Silent, tmp_path)
    assert Silent.trained == 3 * len(SCHEMA.layers)


def test_scores_are_those_of_the_evaluation(experiment, few):
    report = evaluate(few, [Document(d.text, d.entities[:1], id=d.id) for d in few], SCHEMA)
    assert f1(report, ENTITIES) == [report.summary()["entities_f1"], report.summary()["entities_relaxed_f1"]]
    assert 0 < f1(report, ENTITIES)[0] < 1 and f1(report, EVENTS) == [0.0, 0.0]


def test_the_table_has_a_row_for_each_set_and_tool():
    rows = {"one": {"names": {"dev": [0.5, 0.75], "test": [0.25, 1.0]}},
            "two": {"names": {"dev": [0, 0], "test": [1, 1]}}}
    assert table(rows, ["dev", "test"], ["names"]).splitlines()[2:] == [
        "| dev | one | 0.500 / 0.750 |", "| dev | two | 0.000 / 0.000 |",
        "| test | one | 0.250 / 1.000 |", "| test | two | 1.000 / 1.000 |"]


def test_only_what_stands_between_the_marks_is_made_anew(tmp_path):
    page = tmp_path / "page.md"
    before = "# A\n<!-- a: a.py -->\nold\n<!-- /a -->\n<!-- b: b.py -->\nkept\n<!-- /b -->\n"
    page.write_text(before, encoding="utf-8")
    rewrite(page, "a", "| \\1 |\n")
    assert page.read_text(encoding="utf-8") == before.replace("old", "| \\1 |")
    with pytest.raises(ArabieError, match="no place"):
        replaced(page.read_text(encoding="utf-8"), "c", "")


@pytest.mark.parametrize("item", ["real-c", "=file.src", "name="])
def test_a_set_without_name_or_file_is_told(item):
    with pytest.raises(ConfigError, match="NAME=FILE"):
        named([item])


def test_other_formats_are_refused(tmp_path):
    with pytest.raises(ConfigError, match="arabie convert"):
        documents([tmp_path / "a.conll"], SCHEMA)


@pytest.mark.parametrize("options, told", [
    ({"tool": ["crff"]}, "did you mean 'crf'"),
    ({"also": ["real-c"]}, "NAME=FILE"),
    ({"schema": Path("nowhere.toml")}, "cannot read the schema"),
])
def test_a_wrong_option_is_told(options, told):
    with pytest.raises(ArabieError, match=told):
        main(**options)


@pytest.mark.parametrize("arguments, told", [
    (["baselines.py", "--schema", "nowhere.toml"], "baselines: nowhere.toml: cannot read the schema"),
    (["cleananercorp.py", "nowhere", "nowhere"], "cleananercorp: nowhere"),
])
def test_a_script_ends_with_one_line(arguments, told, tmp_path):
    script = ROOT / "benchmarks" / arguments[0]
    done = subprocess.run([sys.executable, script, *arguments[1:]], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith(told)
