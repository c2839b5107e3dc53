"""Every engine gives what torch in fp32 gives, within what its precision allows; on toy texts and on real articles."""

from __future__ import annotations

import json

import numpy as np
import pytest

from arabie.document import Document
from arabie.encoding import windows
from arabie.engines.choice import KINDS
from arabie.model_folder import DEFAULT_MODEL

REFERENCE = ("torch", "fp32")
ENGINES = [(name, precision) for name, kind in KINDS.items() for precision in kind.precisions if precision != "fp16"]
OTHERS = [engine for engine in ENGINES if engine != REFERENCE]
EXACT = [engine for engine in ENGINES if engine[1] == "fp32"]
OFF = {"fp32": 1e-4, "bf16": 0.02, "int8": 0.15}  # of the size of the states, what rounding may change


def inputs(extractor, texts):
    return [extractor.encoder.window_input(encoded, window) for encoded in extractor.encoder.encode_many(texts)
            for window in windows(encoded, extractor.facts.windows)]


def found(documents: list[Document]) -> list[tuple[set, set]]:
    return [(set(document.spans), set(document.relations)) for document in documents]


def off(states: np.ndarray, reference: np.ndarray) -> float:
    return float(np.sqrt(((states - reference) ** 2).mean() / (reference ** 2).mean()))


@pytest.mark.parametrize("model", ["toy_model", "toy_letters_model"])
@pytest.mark.parametrize("engine, precision", OTHERS)
def test_states_are_those_of_the_reference(request, model, loaded, texts, engine, precision):
    folder = request.getfixturevalue(model)
    reference, other = loaded(folder, *REFERENCE), loaded(folder, engine, precision)
    given = inputs(reference, texts)
    expected, got = (np.concatenate([output.states for output in e.engine.run(given)]) for e in (reference, other))
    assert off(got, expected) <= OFF[precision]


@pytest.mark.parametrize("engine, precision", [engine for engine in EXACT if engine != REFERENCE])
def test_in_fp32_the_documents_are_the_same(toy_model, loaded, texts, engine, precision):
    expected, got = (list(loaded(toy_model, *one).extract_many(texts)) for one in (REFERENCE, (engine, precision)))
    assert found(got) == found(expected)
    assert sum(len(document.relations) for document in expected) > 20
    for before, after in zip(expected, got):
        for one, two in zip((*before.spans, *before.relations), (*after.spans, *after.relations)):
            assert one.score == pytest.approx(two.score, abs=1e-3)


@pytest.mark.parametrize("engine, precision", ENGINES)
def test_a_window_comes_back_in_its_place_as_if_run_alone(toy_model, loaded, texts, engine, precision):
    extractor = loaded(toy_model, engine, precision)
    given = inputs(extractor, texts)
    together = extractor.engine.run(given)
    assert [len(output.states) for output in together] == [len(one.first) for one in given]
    for one, output in list(zip(given, together))[::3]:
        (alone,) = extractor.engine.run([one])
        assert off(alone.states, output.states) <= OFF[precision]
    assert extractor.engine.run([]) == []


@pytest.mark.parametrize("engine, precision", EXACT)
def test_relations_of_many_windows_are_those_of_each(toy_model, loaded, texts, engine, precision):
    extractor = loaded(toy_model, engine, precision)
    states = [output.states for output in extractor.engine.run(inputs(extractor, texts)) if len(output.states) > 6]
    of_each = [(0, 1, 0), (2, 3, 9), (3, 4, 17), (5, 6, 3)]
    spans = np.array([(number, *span) for number in range(len(states)) for span in of_each])
    pairs = np.array([(head, tail) for head in range(len(spans)) for tail in range(len(spans))
                      if head // 4 == tail // 4 and head != tail])
    together = extractor.engine.relate(states, spans, pairs)
    assert len(states) > 3 and np.allclose(together.sum(axis=1), 1, atol=1e-5)
    for number, state in enumerate(states):
        alone = extractor.engine.relate([state], np.array([(0, *span) for span in of_each]), pairs[:12])
        assert np.allclose(alone, together[12 * number:12 * number + 12], atol=1e-4)


@pytest.mark.parametrize("engine, precision", OTHERS)
def test_on_real_articles_the_default_model_agrees(shared, loaded, engine, precision):
    """In fp32 to the last span and relation; in less as far as may be hoped: the bar for its use is set elsewhere."""
    sources = sorted((shared / "real").glob("*.jsonl"))
    if not sources:
        pytest.skip("needs articles in real/ of the folder beside the repository")
    texts = [json.loads(line)["text"] for line in sources[0].read_text(encoding="utf-8").splitlines()[:6]]
    both = [found(loaded(DEFAULT_MODEL, *one).extract_many(texts)) for one in (REFERENCE, (engine, precision))]
    for kind, least in enumerate({"fp32": (1.0, 1.0), "bf16": (0.97, 0.9), "int8": (0.8, 0.6)}[precision]):
        same = sum(len(one[kind] & two[kind]) for one, two in zip(*both))
        assert same >= least * sum(len(one[kind] | two[kind]) for one, two in zip(*both)) > 0
