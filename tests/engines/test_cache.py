"""Exports are made once, never stale, whole or not at all, also with two processes at work."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arabie import load
from arabie.engines.cache import MANIFEST, exported, is_whole, place_of
from arabie.engines.choice import Choice
from arabie.errors import ModelError

pytest.importorskip("openvino")
FP32, BF16, INT8 = (Choice("openvino", "cpu", precision) for precision in ("fp32", "bf16", "int8"))
EXTRACT = """
import sys, arabie
print(len(arabie.load(sys.argv[1], engine="openvino", precision="fp32").extract("انشق 7 عناصر من قسد في الرقة").spans))
"""


@pytest.fixture
def place(toy_model) -> Path:
    """The place of an export, as it was made."""
    return exported(toy_model, FP32)


def test_it_is_made_once(toy_model, place, capfd):
    made = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    assert exported(toy_model, FP32) == exported(toy_model, BF16) == place
    assert {path.name: path.stat().st_mtime_ns for path in place.iterdir()} == made
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("part", ["config.json", "model.safetensors", "tokenizer.json"])
def test_another_model_has_another_place(toy_model, tmp_path, part):
    folder = tmp_path / "model"
    shutil.copytree(toy_model, folder)
    assert place_of(folder, FP32) == place_of(toy_model, FP32) != place_of(toy_model, INT8)
    with open(folder / part, "ab") as stream:
        stream.write(b" ")
    assert place_of(folder, FP32) != place_of(toy_model, FP32)


def test_what_the_place_depends_on_is_in_its_name(toy_model, monkeypatch):
    place = place_of(toy_model, FP32)
    assert FP32.version in place.name
    monkeypatch.setattr("arabie.engines.cache.EXPORT", 1_000)
    assert place_of(toy_model, FP32) != place


def overwritten(path: Path) -> None:
    """As long as it was, with one byte changed."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


@pytest.mark.parametrize("break_it", [
    lambda place: (place / MANIFEST).unlink(),
    lambda place: (place / MANIFEST).write_text("{"),
    lambda place: (place / MANIFEST).write_text("[]"),
    lambda place: (place / "encoder.bin").write_bytes(b""),
    lambda place: (place / "heads.xml").unlink(),
    lambda place: overwritten(place / "encoder.bin"),
], ids=["no manifest", "half a manifest", "no object", "cut off", "a file gone", "a byte changed"])
def test_what_is_broken_is_not_used(place, tmp_path, break_it):
    copy = tmp_path / "copy"
    shutil.copytree(place, copy)
    assert is_whole(copy)
    break_it(copy)
    assert not is_whole(copy)


def test_what_is_broken_is_made_anew(toy_model, place, capfd):
    before = load(toy_model, engine="openvino", precision="fp32").extract("انشق 7 عناصر من قسد").spans
    overwritten(place / "encoder.bin")
    assert load(toy_model, engine="openvino", precision="fp32").extract("انشق 7 عناصر من قسد").spans == before
    out, err = capfd.readouterr()
    assert is_whole(place) and not out and err.count("exporting the model for openvino") == 1


def test_two_at_once_export_once(toy_model, empty_cache):
    command = [sys.executable, "-c", EXTRACT, str(toy_model)]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    told = [process.communicate() for process in running]
    assert [process.returncode for process in running] == [0, 0], told
    assert told[0][0] == told[1][0] and sum(err.count("exporting") for _, err in told) == 1
    (folder,) = empty_cache.iterdir()
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [place_of(toy_model, FP32).name]


def test_a_failed_export_leaves_nothing_and_says_why(toy_model, tmp_path, empty_cache):
    folder = tmp_path / "model"
    shutil.copytree(toy_model, folder)
    (folder / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="cannot be exported for openvino.*cannot be loaded") as error:
        exported(folder, FP32)
    assert "\n" not in str(error.value)
    left = [path for path in empty_cache.rglob("*") if path.suffix != ".lock"]
    assert left == [place_of(folder, FP32).parent]


def test_a_folder_that_cannot_be_written_is_told(toy_model, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ARABIE_CACHE", str(tmp_path / "file"))
    with pytest.raises(ModelError, match="ARABIE_CACHE"):
        exported(toy_model, FP32)


def test_extracting_loads_neither_torch_nor_transformers(toy_model, place):
    """What takes seconds to load is left out, by an engine that does without."""
    code = EXTRACT + "print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code, str(toy_model)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    spans, modules = done.stdout.splitlines()
    assert int(spans) > 0 and "openvino" in modules.split()
    assert not set(modules.split()) & {"torch", "transformers", "scipy", "sklearn", "seqeval", "pandas", "nncf"}
