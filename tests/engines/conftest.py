"""Engines of the toy model and the default one; what they export is kept for the session in a folder of its own."""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from arabie import load
from arabie.engines.choice import KINDS, has_bf16
from arabie.extractor import Extractor

WORDS = ["انشق", "عنصر", "من", "قسد", "قصف", "هـ.روب", "#دير_الزور", "25", "،", "«الجيش»", "أمس", "في", "الرقة", "\n"]
TO_EXPORT = {("openvino", "int8"): "nncf", ("onnx", "fp32"): "onnxscript", ("onnx", "int8"): "onnxscript"}


@pytest.fixture(scope="session")
def cache(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(autouse=True)
def in_cache(cache, monkeypatch) -> None:
    monkeypatch.setenv("ARABIE_CACHE", str(cache))


@pytest.fixture
def empty_cache(tmp_path, monkeypatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("ARABIE_CACHE", str(folder))
    return folder


@pytest.fixture(scope="session")
def news() -> Callable[[int, int], str]:
    """Invented texts, of so many words, by a seed."""
    return lambda words, seed: " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.fixture(scope="session")
def texts(news) -> list[str]:
    """Texts of mixed lengths, of none to several windows."""
    return [news(words, words) for words in (0, 1, 3, 12, 40, 90, 250, 30, 7)]


@pytest.fixture(scope="session")
def loaded() -> Callable[[Path, str, str], Extractor]:
    """The Extractor of a folder by an engine and precision; the test is skipped where it cannot be had."""
    found: dict[tuple[Path, str, str], Extractor] = {}

    def load_once(folder: Path, engine: str, precision: str) -> Extractor:
        for module in filter(None, (KINDS[engine].package, TO_EXPORT.get((engine, precision)))):
            if importlib.util.find_spec(module) is None:
                pytest.skip(f"needs {module}; pip install {KINDS[engine].install}")
        if engine == "openvino" and precision == "bf16" and not has_bf16():
            pytest.skip("needs a processor that computes in bf16")
        key = folder, engine, precision
        if key not in found:
            found[key] = load(folder, device="cpu", engine=engine, precision=precision)
        return found[key]

    return load_once
