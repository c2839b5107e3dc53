"""The table of runs: what differs, and means over seeds."""

from __future__ import annotations

import json

import pytest
from ablations import main, read_run, rows, table

from arabie.errors import ArabieError


@pytest.fixture
def run(tmp_path):
    def made(name, events, encoder="training/encoder", **training):
        told = {"settings": {"name": name, "model": {"encoder": encoder, "letters": 0}, "training": {"seed": 1, "epochs": 14} | training},
                "data": {"train_documents": 3}, "encoder": {"pieces_seen": 12_000_000, "held_out_perplexity": 110.25},
                "dev": {"events_f1": events, "events_relaxed_f1": 1.0, "relations_f1": 0.1, "relations_relaxed_f1": 0.5}}
        (tmp_path / name / "model").mkdir(parents=True)
        (tmp_path / name / "model" / "training.json").write_text(json.dumps(told), encoding="utf-8")
        return read_run(tmp_path / name)

    return made


def test_runs_that_differ_in_the_seed_alone_are_one_row(run):
    found = rows([run("a", 0.7), run("b", 0.8, epochs=20), run("c", 0.72, seed=2, encoder="x/encoder"), run("d", 0.74, seed=3)])
    assert [(told, len(scores)) for told, scores in found] == [("–", 3), ("training.epochs 20", 1)]
    lines = table(found).splitlines()
    assert lines[0] == "| what differs | runs | events | relations relaxed |"
    assert lines[2:] == ["| – | 3 | 0.720 ± 0.020 | 0.500 ± 0.000 |", "| training.epochs 20 | 1 | 0.800 | 0.500 |"]


def test_what_is_off_is_not_told_and_what_is_on_is(run):
    found = rows([run("a", 0.7, compile=True), run("b", 0.7, mask_units=0.0), run("c", 0.7, mask_units=0.1)])
    assert [told for told, _ in found] == ["–", "training.mask_units 0.1"]
    assert [told for told, _ in rows([run("e", 0.7, mask_units=0.1), run("f", 0.7)])] == ["–", "training.mask_units none"]


def test_augmentation_and_letters_that_are_off_are_told_once(run):
    def with_parts(settings, **parts):
        return settings | {name.replace("__", "."): value for name, value in parts.items()}

    (settings, scores), (other, _) = run("a", 0.7), run("b", 0.7, epochs=20)
    first = with_parts(settings, augmentation__share=0.6, augmentation__dates=0.2, model__letters=9, model__letter_vectors="x")
    assert [told for told, _ in rows([(first, scores), (other, scores)])] == [
        "–", "training.epochs 20, model.letters none, augmentation none"]
    assert [told for told, _ in rows([(first, scores), (first | {"augmentation.dates": 0.5}, scores)])] == [
        "–", "augmentation.dates 0.5"]


def test_a_run_that_went_on_from_a_model_has_the_settings_of_that(run, tmp_path):
    first, path = run("a", 0.7), tmp_path / "a" / "model" / "training.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    told |= {"encoder": json.loads(path.read_text(encoding="utf-8")), "data": {"train_documents": 5}}
    told["settings"] = {"model": {"encoder": "default", "letters": 7}, "training": {"seed": 1, "epochs": 3}}
    path.write_text(json.dumps(told), encoding="utf-8")
    assert [told for told, _ in rows([first, read_run(path)])] == [
        "–", "training.epochs 3, data.documents 5, going on from a model of 3 documents"]
    told["encoder"]["grown_to_layers"] = 9
    path.write_text(json.dumps(told), encoding="utf-8")
    assert "grown to layers 9" in rows([first, read_run(path)])[1][0]


def test_a_run_is_its_folder_or_what_its_model_says_of_itself(run, tmp_path):
    assert run("a", 0.7) == read_run(tmp_path / "a" / "model" / "training.json")


def test_a_name_stands_for_what_differs(run, tmp_path, capsys):
    run("a", 0.7), run("b", 0.8, epochs=20), run("c", 0.9, epochs=20, seed=2)
    main([f"first={tmp_path / 'a'}", f"longer={tmp_path / 'b'}", str(tmp_path / "c")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| name | runs | events |")
    assert [line.split(" | ")[:3] for line in lines[2:5]] == [
        ["| first", "1", "0.700"], ["| longer", "1", "0.800"], ["| training.epochs 20", "1", "0.900"]]


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(ArabieError, match="training.json"):
        read_run(tmp_path)
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "training.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ArabieError, match="not what training/train.py writes"):
        read_run(tmp_path)
