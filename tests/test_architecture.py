"""The house as docs/architecture.md draws it: imports go one way, modules stay small, public names are few."""

from __future__ import annotations

import ast
import doctest
import importlib
import pkgutil
import re
from pathlib import Path

import pytest

import arabie

ROOT = Path(__file__).resolve().parents[1]
# From what everything may use to what uses everything; a room imports from its own line and from those above it.
ROOMS = [["errors"], ["scaling", "letters"], ["schema", "spans", "document"], ["text"], ["formats"], ["evaluation"], ["encoding"], ["decoding"],
         ["crf"], ["model"], ["model_folder"], ["engines"], ["assembly"], ["extractor"], ["terminal"], ["validation"], ["__init__"], ["streaming"],
         ["cli"], ["__main__"]]
LINE = {room: number for number, line in enumerate(ROOMS) for room in line}
HEAVY = {"torch", "transformers", "tokenizers", "safetensors"}
MODULES = sorted((ROOT / "arabie").rglob("*.py"))
SCRIPTS = sorted((ROOT / "training").rglob("*.py"))


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "arabie").with_suffix("").parts[0]


def imported(path: Path) -> set[str]:
    """Every module that a file imports, anywhere in it, as a dotted name; names of a package as modules of it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def rooms_used(path: Path) -> set[str]:
    names = [name.split(".") for name in imported(path) if name.split(".")[0] == "arabie"]
    return {parts[1] if len(parts) > 1 and parts[1] in LINE else "__init__" for parts in names}


def test_every_module_has_its_room():
    assert {room_of(path) for path in MODULES} == set(LINE)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_down_the_list_only(path):
    own = room_of(path)
    wrong = {room for room in rooms_used(path) if LINE[room] > LINE[own]}
    assert wrong == set(), f"{own} may use only what stands above it"
    assert not any(name.split(".")[0] in ("training", "tests") for name in imported(path))
    if LINE[own] < LINE["encoding"] or own in ("terminal", "validation"):
        assert not {name.split(".")[0] for name in imported(path)} & HEAVY


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_training_uses_the_library_and_not_the_tests(path):
    assert not any(name.split(".")[0] == "tests" for name in imported(path))


@pytest.mark.parametrize("path", MODULES + SCRIPTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_small(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_the_public_names_are_those_of_all():
    homes = {name: getattr(value, "__module__", None) or "" for name, value in vars(arabie).items()}
    here = {name for name, home in homes.items() if home.startswith("arabie") and not name.startswith("_")}
    assert here == set(arabie.__all__)
    assert arabie.__all__ == sorted(arabie.__all__) and arabie.__version__


def test_the_page_names_every_room_and_no_other():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(?:arabie/)?(\w+)(?:\.py|/)`", page))
    assert set(LINE) - {"__main__"} <= named, "rooms that docs/architecture.md does not name"
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and "." not in path.name} - {"runs", "__pycache__"}
    inner = {path.stem for path in [*(ROOT / "arabie").iterdir(), *SCRIPTS]}
    assert folders <= named, "folders that docs/architecture.md does not name"
    assert named <= folders | inner | set(LINE) | {"arabie"}, "what docs/architecture.md names is there"


@pytest.mark.parametrize("name", [
    name for _, name, _ in pkgutil.walk_packages(arabie.__path__, "arabie.") if not name.endswith("__main__")])
def test_examples_in_docstrings_hold(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
