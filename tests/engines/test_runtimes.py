"""Every engine gives what torch in fp32 gives, within what its precision allows; on toy texts and on real articles."""

from __future__ import annotations

import json

import numpy as np
import pytest

from arabie import load
from arabie.document import Document
from arabie.encoding import windows
from arabie.engines.choice import KINDS, has_bf16
from arabie.extractor import Extractor
from arabie.model_folder import DEFAULT_MODEL
from tests.engines.conftest import need

NEEDED = {("openvino", "int8"): ("nncf",), ("onnx", "fp32"): ("onnxscript",), ("onnx", "int8"): ("onnxscript",)}
OTHERS = [(name, precision) for name, kind in KINDS.items() for precision in kind.precisions
          if (name, precision) not in (("torch", "fp32"), ("torch", "fp16"))]
EXACT = [other for other in OTHERS if other[1] == "fp32"]


def loaded(folder, engine: str, precision: str) -> Extractor:
    need(engine, *NEEDED.get((engine, precision), ()))
    if engine == "openvino" and precision == "bf16" and not has_bf16():
        pytest.skip("needs a processor that computes in bf16")
    return load(folder, device="cpu", engine=engine, precision=precision)


@pytest.fixture(scope="module")
def reference(toy_model):
    return load(toy_model, device="cpu", engine="torch", precision="fp32")


def inputs(extractor, texts):
    return [extractor.encoder.window_input(encoded, window) for encoded in extractor.encoder.encode_many(texts)
            for window in windows(encoded, extractor.window_settings)]


def found(documents: list[Document]) -> list[tuple[set, set]]:
    return [(set(document.spans), set(document.relations)) for document in documents]


@pytest.mark.parametrize("engine, precision", OTHERS)
def test_scores_are_those_of_the_reference(toy_model, reference, texts, engine, precision):
    other = loaded(toy_model, engine, precision)
    given = inputs(reference, texts)
    states = np.concatenate([output.states for output in reference.engine.run(given)])
    close = {"fp32": 1e-4, "bf16": 0.02, "int8": 0.15}[precision]
    off = np.concatenate([output.states for output in other.engine.run(given)]) - states
    assert np.sqrt((off ** 2).mean()) <= close * np.sqrt((states ** 2).mean())


@pytest.mark.parametrize("engine, precision", EXACT)
def test_in_fp32_the_documents_are_the_same(toy_model, reference, texts, engine, precision):
    other = loaded(toy_model, engine, precision)
    expected, got = list(reference.extract_many(texts)), list(other.extract_many(texts))
    assert found(got) == found(expected)
    assert sum(len(document.relations) for document in expected) > 20
    for before, after in zip(expected, got):
        for one, two in zip((*before.spans, *before.relations), (*after.spans, *after.relations)):
            assert one.score == pytest.approx(two.score, abs=1e-3)


@pytest.mark.parametrize("engine, precision", [("torch", "fp32"), *OTHERS])
def test_order_and_company_do_not_matter(toy_model, texts, engine, precision):
    """Each window comes back in its place, as if it had been run alone; in int8 on its own it is quantised a little otherwise."""
    extractor = loaded(toy_model, engine, precision)
    given = inputs(extractor, texts)
    together = extractor.engine.run(given)
    assert [len(output.states) for output in together] == [len(one.first) for one in given]
    for one, output in list(zip(given, together))[::3]:
        (alone,) = extractor.engine.run([one])
        off = np.sqrt(((alone.states - output.states) ** 2).mean() / (output.states ** 2).mean())
        assert off <= {"fp32": 1e-4, "bf16": 0.02, "int8": 0.15}[precision]


@pytest.mark.parametrize("engine, precision", [("torch", "fp32"), *EXACT])
def test_relations_of_many_windows_are_those_of_each(toy_model, texts, engine, precision):
    extractor = loaded(toy_model, engine, precision)
    outputs = [output for output in extractor.engine.run(inputs(extractor, texts)) if len(output.states) > 6]
    spans = np.array([(number, start, start + 1, label) for number in range(len(outputs)) for start, label in ((0, 0), (2, 9), (3, 17), (5, 3))])
    pairs = np.array([(head, tail) for head in range(len(spans)) for tail in range(len(spans)) if head // 4 == tail // 4 and head != tail])
    together = extractor.engine.relate([output.states for output in outputs], spans, pairs)
    assert np.allclose(together.sum(axis=1), 1, atol=1e-5)
    for number, output in enumerate(outputs):
        alone = extractor.engine.relate([output.states], spans[:4] * [0, 1, 1, 1], pairs[:12])
        assert np.allclose(alone, together[12 * number:12 * number + 12], atol=1e-4)


@pytest.mark.parametrize("engine, precision", OTHERS)
def test_on_real_articles_the_default_model_agrees(shared, engine, precision):
    """fp32 to the last span; lower precisions as far as one may hope, the bar for choosing them being set by ``agreement``."""
    sources = sorted((shared / "real").glob("*.jsonl"))
    if not sources:
        pytest.skip("needs articles in real/ of the folder beside the repository")
    texts = [json.loads(line)["text"] for line in sources[0].read_text(encoding="utf-8").splitlines()[:6]]
    expected = found(list(load(DEFAULT_MODEL, device="cpu", engine="torch", precision="fp32").extract_many(texts)))
    got = found(list(loaded(DEFAULT_MODEL, engine, precision).extract_many(texts)))
    least = {"fp32": 1.0, "bf16": 0.97, "int8": 0.85}[precision]
    for kind in range(2):
        both = sum(len(one[kind] & two[kind]) for one, two in zip(expected, got))
        assert both >= least * sum(len(one[kind] | two[kind]) for one, two in zip(expected, got)) > 0
