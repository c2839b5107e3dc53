"""Engines of the toy model; what they export is kept for the session in a folder of its own."""

from __future__ import annotations

import importlib.util
import random
from pathlib import Path

import pytest

from arabie.engines.choice import KINDS

WORDS = ["انشق", "عنصر", "من", "قسد", "قصف", "هـ.روب", "#دير_الزور", "25", "،", "«الجيش»", "أمس", "في", "الرقة", "مقتل", "\n"]


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


def news(words: int, seed: int) -> str:
    """An invented text."""
    return " ".join(random.Random(seed).choices(WORDS, k=words))


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Texts of mixed lengths, of none to several windows."""
    return [news(words, seed=words) for words in (0, 1, 3, 12, 40, 90, 250, 30, 7)]


def need(engine: str, *modules: str) -> None:
    """Skip the test unless the engine, and what else it takes, is installed."""
    for module in (KINDS[engine].package, *modules):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"needs {module}; pip install {KINDS[engine].install}")
