"""Which engine is taken: the one named, or the fastest that was found to agree; and what is said of what cannot be."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, replace

import pytest

from arabie import load
from arabie.document import Document
from arabie.engines.agreement import AGREEMENT, REFERENCE, Agreement, fastest, keep, key_of, known, survey
from arabie.engines.choice import KINDS, Choice, best_device, has_bf16, offered
from arabie.engines.comparison import compare
from arabie.errors import ModelError
from arabie.extractor import EngineCheck
from arabie.model_folder import digest

ONNX = Choice("onnx", "cpu", "fp32")
VINO = Choice("openvino", "cpu", "fp32")
installed = pytest.mark.skipif(not all(choice.kind.installed() for choice in (ONNX, VINO)),
                               reason="needs openvino and onnxruntime")


@pytest.fixture
def measured(toy_model):
    """An Agreement that passes."""
    f1 = {"entities": 0.8, "causes": 0.5, "relations": 0.4}
    of_torch = f1 | {"entities": 0.802, "relations": 0.6}
    return Agreement(*key_of(ONNX, digest(toy_model)), 50, 0.999, 0.98, f1, of_torch, 2.0)


@pytest.mark.parametrize("given, told", [
    ({"engine": "openvin"}, "unknown engine 'openvin'; did you mean 'openvino'?"),
    ({"precision": "int4"}, "unknown precision 'int4'; did you mean 'int8'?"),
    ({"device": "toaster"}, "device 'toaster' cannot be used here.*try device='cpu'"),
    ({"engine": "onnx", "device": "cuda"}, "device 'cuda' cannot be used here by onnx"),
    ({"engine": "onnx", "precision": "bf16"}, "precision 'bf16' isn't offered on cpu: onnx offers fp32, int8"),
    ({"engine": "torch", "precision": "int8"}, "torch offers fp32, bf16, fp16"),
])
def test_what_cannot_be_is_told(toy_model, given, told):
    if given.get("engine") == "onnx" and not KINDS["onnx"].installed():
        pytest.skip("needs onnxruntime")
    with pytest.raises(ModelError, match=told):
        load(toy_model, **given)


def test_what_is_not_installed_is_told_with_what_to_do(toy_model):
    code = """
import sys
sys.modules["openvino"] = None  # as if it weren't there
import arabie
arabie.load(sys.argv[1], engine="openvino")
"""
    done = subprocess.run([sys.executable, "-c", code, str(toy_model)], capture_output=True, text=True)
    assert done.stderr.strip().endswith("""engine 'openvino' isn't installed; pip install "arabie[openvino]\"""")


def test_without_a_measurement_it_is_torch_in_fp32(toy_model, empty_cache):
    assert load(toy_model, device="cpu").engine.runtime.choice == REFERENCE
    assert not empty_cache.exists()


def test_what_is_named_is_taken(toy_model):
    chosen = load(toy_model, engine="torch", precision="bf16").engine.runtime.choice
    assert chosen == Choice("torch", best_device("torch", "bf16"), "bf16")


@installed
def test_the_fastest_of_what_agrees_is_taken(toy_model, measured, empty_cache):
    choices = offered(None, "cpu", None)
    assert choices[0] == REFERENCE and fastest(toy_model, choices) == REFERENCE
    keep(measured)
    assert fastest(toy_model, choices) == ONNX
    keep(replace(measured, engine="openvino", version=VINO.version, speed=1.5))
    assert fastest(toy_model, choices) == ONNX
    keep(replace(measured, engine="openvino", version=VINO.version, speed=3.0))
    assert fastest(toy_model, choices) == VINO
    assert len(known(toy_model, choices)) == 2, "a new measurement takes the old one's place"
    assert fastest(toy_model, offered("onnx", "cpu", None)) == ONNX
    half = Choice("torch", "cpu", "fp16")
    of_half = Agreement(*key_of(half, digest(toy_model)), 50, 0.999, 0.98, measured.f1, measured.reference_f1, 3.5)
    keep(of_half)
    assert fastest(toy_model, [*choices, half]) == VINO, "nearly as fast, and it starts without torch"
    keep(replace(of_half, speed=4.0))
    assert fastest(toy_model, [*choices, half]) == half


@installed
@pytest.mark.parametrize("change", [
    {"version": "0.1"}, {"model": "0" * 64}, {"export": -1}, {"machine": "abacus"}, {"device": "cuda"},
    {"precision": "int8"}, {"spans": 0.994}, {"f1": {"entities": 0.8, "causes": 0.5031, "relations": 0.4}}],
    ids=lambda change: next(iter(change)))
def test_what_was_measured_of_something_else_or_does_not_agree_is_not_taken(toy_model, measured, empty_cache, change):
    (empty_cache / digest(toy_model)[:32]).mkdir(parents=True)
    path = empty_cache / digest(toy_model)[:32] / AGREEMENT
    path.write_text(json.dumps([asdict(measured)]))
    assert fastest(toy_model, [REFERENCE, ONNX]) == ONNX
    path.write_text(json.dumps([asdict(replace(measured, **change))]))
    assert fastest(toy_model, [REFERENCE, ONNX]) == REFERENCE


def test_in_fp32_what_was_measured_holds_for_every_processor_of_the_architecture():
    machines = {precision: key_of(Choice("openvino", "cpu", precision), "m")[3] for precision in ("fp32", "bf16", "int8")}
    assert machines["fp32"] == platform.machine()
    assert machines["bf16"] == machines["int8"] == platform.machine() + (" bf16" if has_bf16() else "")


@installed
@pytest.mark.parametrize("content", ["", "{", "{}", "[1]", '[{"engine": "onnx"}]', "null"])
def test_a_broken_file_is_as_none(toy_model, measured, empty_cache, content):
    keep(measured)
    (path,) = empty_cache.rglob(AGREEMENT)
    path.write_text(content)
    assert fastest(toy_model, [REFERENCE, ONNX]) == REFERENCE
    keep(measured)
    assert fastest(toy_model, [REFERENCE, ONNX]) == ONNX


@pytest.fixture
def with_agreement(toy_model, measured, tmp_path):
    """A copy of the model whose folder brings along that onnx agrees."""
    folder = tmp_path / "model"
    shutil.copytree(toy_model, folder)
    (folder / AGREEMENT).write_text(json.dumps([asdict(measured)]))
    return folder


@installed
def test_a_model_may_bring_its_measurements_and_those_made_here_go_before_them(with_agreement, measured, empty_cache):
    assert fastest(with_agreement, [REFERENCE, ONNX]) == ONNX
    keep(replace(measured, spans=0.9))
    assert fastest(with_agreement, [REFERENCE, ONNX]) == REFERENCE


@installed
def test_where_the_fast_one_cannot_be_had_torch_goes_on_and_says_so(with_agreement, tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARABIE_CACHE", str(tmp_path / "file"))
    assert load(with_agreement, device="cpu").engine.runtime.choice == REFERENCE
    assert "Going on with torch fp32 on cpu" in capsys.readouterr().err
    with pytest.raises(ModelError, match="ARABIE_CACHE"):
        load(with_agreement, engine="onnx", precision="fp32")


def test_agreement_counts_what_is_the_same(toy_model, loaded, texts):
    extractor = loaded(toy_model, "torch", "fp32")
    gold = list(extractor.extract_many(texts))
    same = compare(ONNX, "m", gold, gold, gold, extractor.schema, 2.0)
    assert same.spans == same.relations == 1.0 and same.f1 == same.reference_f1 and same.passed
    spans = sum(len(document.spans) for document in gold)
    one_less = [*gold[:-1], Document(gold[-1].text, [s for s in gold[-1].spans[1:]])]
    off = compare(ONNX, "m", gold, gold, one_less, extractor.schema, 2.0)
    assert off.spans == pytest.approx(2 * (spans - 1) / (2 * spans - 1))
    assert off.relations < 1 and min(off.f1[layer] - off.reference_f1[layer] for layer in off.f1) < 0


def test_a_check_measures_and_keeps(toy_model, loaded, texts, empty_cache):
    choice = Choice("torch", "cpu", "bf16")
    gold = list(loaded(toy_model, "torch", "fp32").extract_many(texts))
    found = EngineCheck(toy_model, gold).run(choice)
    assert found.documents == len(texts) and found.reference_f1["entities"] == 1.0
    assert 0.5 < found.spans <= 1 and found.speed > 0
    assert known(toy_model, [choice]) == {choice: found}
    assert [status.agreement for status in survey(toy_model) if status.choice == choice] == [found]


def test_a_survey_names_every_engine(toy_model, empty_cache):
    found = list(survey(toy_model))
    assert [(status.choice.engine, status.choice.precision) for status in found] == [
        (name, precision) for name, kind in KINDS.items() for precision in kind.precisions]
    assert all(status.exported == (status.choice.engine == "torch") and status.agreement is None for status in found)
