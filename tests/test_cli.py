"""The command line as a new user meets it: results on standard output, one line on standard error for a failure."""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from arabie.cli import main
from arabie.document import Document
from arabie.engines.choice import has_bf16

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "defections.txt"
NEWS = "انشق 7 عناصر من قسد في الرقة أمس"
GOLD = Document.from_dict({"id": "g1", "text": NEWS, "spans": [
    {"id": "T1", "start": 0, "end": 4, "label": "DEFECTION"}, {"id": "T2", "start": 5, "end": 12, "label": "COUNT"},
    {"id": "T3", "start": 16, "end": 19, "label": "GROUP"}],
    "relations": [{"type": "FROM", "head": "T1", "tail": "T3"}]}).to_dict()


@pytest.fixture
def arabie(monkeypatch, capsys):
    """Runs the command in this process; gives its exit code, standard output and standard error."""
    monkeypatch.setenv("COLUMNS", "100")

    def run(*args, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["arabie", *map(str, args)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin))
        with pytest.raises(SystemExit) as end:
            main()
        return end.value.code or 0, *capsys.readouterr()

    return run


def fails(result, *told):
    """An error is one line, exit code 1, and nothing that could be taken for a result."""
    code, out, err = result
    assert (code, out, err.count("\n")) == (1, "", 1) and err.startswith("arabie: "), result
    assert all(part in err for part in told), err


def changed(document=GOLD, **parts):
    return json.dumps({**document, **parts}, ensure_ascii=False)


def span(start, end, label="LOC", **fields):
    return {"start": start, "end": end, "label": label, **fields}


def file(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# what goes wrong before any model is loaded, so that no model has to be there


@pytest.mark.parametrize(("name", "content", "told"), [
    ("none.txt", None, "none.txt: no such file"),
    ("none.jsonl", None, "none.jsonl: no such file"),
    ("a.txt", "قسد\nنعم ".encode() + "لا".encode("cp1256"),
     "a.txt:2: not UTF-8: byte 14 is 0xe1; save the file as UTF-8"),
    ("a.txt", "قسد".encode("cp1256"), "if it is Windows Arabic: iconv -f cp1256 -t utf-8 old.txt > new.txt"),
    ("a.txt", "قسد".encode("utf-16"), "a.txt: is UTF-16, not UTF-8; convert it: iconv -f utf-16 -t utf-8 old.txt > new.txt"),
    ("a.jsonl", changed().encode("utf-16"), "a.jsonl: is UTF-16"),
    ("a.docx", b"PK\x03\x04\x14\0\n", "a.docx: is a Word, Excel or PowerPoint document or another zip, not text"),
    ("a.pdf", "%PDF-1.4\n", "a.pdf: is a PDF, not text; save it as plain text in UTF-8"),
    ("a.txt.gz", gzip.compress(b"", mtime=0), "a.txt.gz: is compressed; unpack it"),
    ("a.csv", "date,text\n", "a.csv: is a table, not a text; make a .jsonl file of it"),
    ("a.HTM", "<p>", "a.HTM: is a web page, not a text"),
    ("a.txt", '\n{"id": 1, "message": "قسد"}', 'a.txt:2: no "text" in this line (it has "id", "message"); name the key'),
    ("a.json", "قسد", "a.json: is JSON, not text"),
    ("a.jsonl", changed().encode() + b"\n{\"text\": \"\xe1\"}\n", "a.jsonl:2: not UTF-8: byte 10 of the line is 0xe1"),
    ("a.jsonl", changed() + "\n\n{\"text\": \n",
     "a.jsonl:3: not JSON: Expecting value at column 10; each line is one whole object"),
    ("a.jsonl", changed() + "\n7", "a.jsonl:2: 7 is not an object"),
    ("a.jsonl", changed() + "\n{}", 'a.jsonl:2: no "text" in this line (it has no key)'),
    ("a.jsonl", changed(text=7), 'a.jsonl:1: "text" is a string, not 7'),
    ("a.jsonl", changed(id=7.5), 'a.jsonl:1: "id" is a string, not 7.5'),
    ("a.jsonl", changed(spans=[span(30, 99)], relations=[]),
     "a.jsonl:1: document 'g1': LOC at 30–99 does not lie in the text of 32 characters"),
    ("a.jsonl", changed(spans=[span(True, 4)], relations=[]),
     'a.jsonl:1: spans[0]: "start" and "end" are integers, not True and 4'),
    ("a.jsonl", changed(relations=[{"type": "FROM", "head": "T1", "tail": "T9"}]),
     "a.jsonl:1: relations[0]: tail 'T9' is not the id of a span"),
    ("a.jsonl", '{"text": "\\ud83d"}', 'a.jsonl:1: "text" holds half of a surrogate pair'),
    ("a.jsonl", "[" * 100_000, "a.jsonl:1: JSON that cannot be read"),
    ("a.jsonl", '{"text": "", "meta": {"n": ' + "9" * 5000 + "}}", "a.jsonl:1: JSON that cannot be read"),
    ("a.src", "=== d\nقسد\n--- spans\nT1 GROUP داعش\n", "a.src:4: "),
    ("a.json", '[{"text": "قسد"}]', "a.json: is JSON, not text; give texts, or a .jsonl file"),
])
def test_input_that_cannot_be_read(arabie, tmp_path, name, content, told):
    if content is not None:
        file(tmp_path / name, content)
    out = file(tmp_path / "out.jsonl", "as it was")
    fails(arabie("extract", EXAMPLE, tmp_path / name, "-o", out, "--overwrite", "-m", tmp_path / "no_model"), told)
    assert out.read_text() == "as it was" and len(list(tmp_path.iterdir())) == 1 + (content is not None)


def test_a_file_of_another_tool_is_to_be_converted(arabie, tmp_path):
    lines = file(tmp_path / "doccano.jsonl", '{"text": 7, "entities": [[0, 3, "LOC"]]}\n')
    command = f"It looks like doccano; to convert it: arabie convert {lines} NEW.jsonl --from doccano --to jsonl"
    fails(arabie("extract", lines), 'doccano.jsonl:1: "text" is a string, not 7', command)


@pytest.mark.parametrize(("options", "told"), [
    (["--resume"], "--resume goes on with a file; name it with -o"),
    (["--overwrite"], "--overwrite replaces a file; name it with -o"),
    (["--workers", 2], "--workers is for many texts; write them with -o FILE or --json"),
])
def test_options_that_do_not_go_together(arabie, options, told):
    fails(arabie("extract", EXAMPLE, *options), told)


def test_an_unfinished_run_is_told_before_the_work(arabie, tmp_path):
    out = tmp_path / "out.jsonl"
    part = file(tmp_path / "out.jsonl.part", "")
    fails(arabie("extract", "none.txt", "-o", out), "out.jsonl.part: was left by an unfinished run; go on with it with")
    part.rename(out)
    fails(arabie("extract", "none.txt", "-o", out, "--resume"), "out.jsonl: is finished, there is no out.jsonl.part")


def test_a_folder_is_no_file(arabie, tmp_path):
    fails(arabie("evaluate", tmp_path), f"{tmp_path}: is a folder; name the files in it")
    (tmp_path / "inner.txt").mkdir()
    file(tmp_path / ".txt", NEWS)
    code, out, err = arabie("extract", tmp_path)
    assert (code, out) == (1, "") and err == (
        f"arabie: {tmp_path}: holds nothing to read: .txt, .jsonl, .ndjson and .src files of a folder are read, "
        "not those of folders in it\n")


def test_every_fault_is_told_up_to_twenty(arabie, tmp_path):
    lines = file(tmp_path / "a.jsonl", "\n".join(['{"', changed(), "7"]))
    source = file(tmp_path / "s.src", f"=== s1\n{NEWS}\n--- spans\nT1 GROUP داعش\nT2 GROUP أسد\n=== s2\n{NEWS}\n")
    code, out, err = arabie("extract", lines, tmp_path / "none.txt", source, "-o", tmp_path / "out.jsonl")
    assert (code, out) == (1, "")
    assert [line.split(": ")[:2] for line in err.splitlines()] == [
        ["arabie", place] for place in (f"{lines}:1", f"{lines}:3", str(tmp_path / "none.txt"), f"{source}:4", f"{source}:5")]
    code, out, err = arabie("extract", file(tmp_path / "b.jsonl", "7\n" * 1021))
    assert code == 1 and err.count("\n") == 21
    assert [line.partition("b.jsonl:")[2][:2] for line in err.splitlines()[18:20]] == ["19", "20"]
    assert err.endswith("\narabie: and 1,001 more\n")


@pytest.fixture
def links(tmp_path):
    """Gives other names of a file."""

    def made(path):
        (tmp_path / "link").symlink_to(path)
        (tmp_path / "hard").hardlink_to(path)
        return path, tmp_path / "." / ".." / tmp_path.name / path.name, tmp_path / "link", tmp_path / "hard"

    return made


def test_what_is_there_is_not_replaced_by_a_slip(arabie, toy_model, tmp_path, links):
    lines, done = file(tmp_path / "a.jsonl", changed()), file(tmp_path / "done.jsonl", "as it was")
    extract, convert = ("extract", lines, "-m", toy_model, "-o"), ("convert", lines, "--from", "jsonl", "--to", "jsonl")
    for command in (extract, convert):
        for name in links(lines) if command == extract else (lines, tmp_path / "link"):
            fails(arabie(*command, name, "--overwrite"), f"{name}: is one of the inputs; name another file to write")
        fails(arabie(*command, done), "done.jsonl: is there already; name another file, or add --overwrite")
        assert (lines.read_text("utf-8"), done.read_text()) == (changed(), "as it was")
    code, out, err = arabie("extract", tmp_path, "-o", done, "--overwrite")
    assert code == 1 and f"{done}: is one of the inputs" in err and done.read_text() == "as it was"
    file(tmp_path / "tasks.xml", "as it was")
    fails(arabie("convert", lines, tmp_path / "tasks.json", "--from", "jsonl", "--to", "label-studio"), "tasks.xml: is there")
    types = file(tmp_path / "a.TypeSystem.xml", "as it was")
    fails(arabie("convert", lines, tmp_path / "a.xmi", "--from", "jsonl", "--to", "cas"), f"{types}: is there already")
    for command in (extract, convert):
        code, out, err = arabie(*command, done, "--overwrite")
        assert (code, out, err) == (0, "", f"wrote {done}: 1 document\n")
        assert Document.from_dict(json.loads(done.read_text("utf-8"))).text == NEWS


def test_an_unfinished_run_that_would_replace_a_file(arabie, toy_model, tmp_path):
    lines, done = file(tmp_path / "a.jsonl", changed()), file(tmp_path / "done.jsonl", "as it was")
    file(tmp_path / "done.jsonl.part", "")
    command = "extract", lines, "-m", toy_model, "-o", done
    fails(arabie(*command, "--overwrite"), "done.jsonl.part: was left by an unfinished run")
    fails(arabie(*command, "--resume"), "done.jsonl: is there already")


def test_standard_input_that_is_not_utf8(arabie, toy_model):
    fails(arabie("extract", "-", "-m", toy_model, stdin="قسد\n".encode() + b"\xff"), "standard input:2: not UTF-8: byte 7 is 0xff")


@pytest.mark.parametrize(("target", "told"), [
    ("", "it is there and is no file"), ("none/out", "there is no folder"), (os.devnull, "it is there and is no file"),
])
def test_a_target_that_cannot_be_written_is_told_before_the_work(arabie, tmp_path, target, told):
    fails(arabie("extract", EXAMPLE, "-o", tmp_path / target, "-m", tmp_path / "no_model"), told)
    gold = file(tmp_path / "g.jsonl", changed())
    fails(arabie("evaluate", gold, "--json", tmp_path / target, "-m", tmp_path / "no_model"), told)


def test_the_terminal_is_told_that_it_is_read_from(arabie, toy_model):
    class Typed(io.BytesIO):
        def isatty(self):
            return True

    code, out, err = arabie("extract", "-", "-m", toy_model, stdin=Typed(b""))
    assert code == 0 and out.strip() == "nothing found"
    assert err.startswith("Reading the text from the terminal") and err.count("\n") == 1


def test_interrupting_leaves_no_traceback_and_no_file(arabie, toy_model, tmp_path):
    class Interrupted(io.BytesIO):
        def read(self, *args):
            raise KeyboardInterrupt

    code, out, err = arabie("extract", "-", "-o", tmp_path / "out.jsonl", "-m", toy_model, stdin=Interrupted())
    assert code != 0 and out == "" and "Traceback" not in err and list(tmp_path.iterdir()) == []


# model folders


@pytest.fixture
def broken(toy_model, tmp_path):
    """A copy of the toy model to break."""
    return Path(shutil.copytree(toy_model, tmp_path / "model"))


def test_a_model_that_is_not_there(arabie, tmp_path):
    for command in (["extract", EXAMPLE], ["evaluate", file(tmp_path / "g.jsonl", changed())], ["info"]):
        fails(arabie(*command, "-m", tmp_path / "model"), "model: no such folder; give the folder that training wrote")


@pytest.mark.parametrize("part", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_model_folder_with_a_part_missing(arabie, broken, part):
    (broken / part).unlink()
    for command in (["extract", EXAMPLE], ["info"]):
        fails(arabie(*command, "-m", broken), f"model: {part} missing")


def test_a_model_folder_of_another_kind(arabie, broken, toy_encoder):
    shutil.copy(toy_encoder / "config.json", broken)
    for command in (["extract", EXAMPLE], ["info"]):
        fails(arabie(*command, "-m", broken), "a folder of model type 'bert', not an arabie model")


@pytest.mark.parametrize(("part", "content", "told"), [
    ("config.json", "{", "config.json is not JSON"), ("model.safetensors", "{", "the model cannot be loaded"),
    ("tokenizer.json", "{", "the tokenizer cannot be loaded"),
])
def test_a_model_folder_with_a_part_broken(arabie, broken, part, content, told):
    file(broken / part, content)
    fails(arabie("extract", EXAMPLE, "-m", broken), "model: ", told)


def test_a_model_folder_mixed_from_two(arabie, broken):
    config = json.loads((broken / "config.json").read_text())
    config["schema"] = {"name": "s", "layers": [{"name": "things", "labels": ["A"]}]}
    file(broken / "config.json", json.dumps(config))
    fails(arabie("extract", EXAMPLE, "-m", broken), "model.safetensors does not fit config.json")


def test_a_training_file_that_cannot_be_read(arabie, broken):
    file(broken / "training.json", "{}")
    fails(arabie("info", "-m", broken), "training.json: is not what training/train.py writes")


def test_a_device_that_is_not_there(arabie, toy_model):
    fails(arabie("extract", EXAMPLE, "-m", toy_model, "--device", "abacus"), "device 'abacus' cannot be used here",
          "try device='cpu'")


# extract


def test_texts_of_every_kind_come_out_in_order_as_jsonl(arabie, toy_model, tmp_path):
    text = "\ufeff" + NEWS.replace(" من ", " من\r\n") + "\r\n"
    one, empty = file(tmp_path / "one.txt", text), file(tmp_path / "empty.txt", "")
    lines = file(tmp_path / "more.JSONL",
                 f"\n{changed(meta={'day': 3})}\n" + changed(id=None, text="", spans=[], relations=[]))
    source = file(tmp_path / "s.src", f"=== s1\n@source me\n{NEWS}\n--- spans\nT1 GROUP قسد\n")
    command = "extract", one, empty, lines, source, "-", "-m", toy_model, "--device", "cpu"
    code, out, err = arabie(*command, "--json", stdin=NEWS.encode())
    found = [Document.from_dict(json.loads(line)) for line in out.splitlines()]
    assert (code, err) == (0, "")
    assert [(d.id, d.text, dict(d.meta)) for d in found] == [
        ("one", text[1:], {}), ("empty", "", {}), ("g1", NEWS, {"day": 3}), (None, "", {}),
        ("s1", NEWS, {"source": "me"}), (None, NEWS, {})]
    assert found[1].spans == found[3].spans == () and found[0].spans and found[2].spans
    assert found[2].spans == found[5].spans != Document.from_dict(GOLD).spans, "labelled anew"
    assert all(found[0].text[s.start:s.end] == s.text and 0 < s.score <= 1 for s in found[0].spans)

    code, shown, err = arabie(*command, "-o", tmp_path / "out.jsonl", stdin=NEWS.encode())
    assert (code, shown, err) == (0, "", f"wrote {tmp_path / 'out.jsonl'}: 6 documents\n")
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == out
    assert len(list(tmp_path.iterdir())) == 5

    code, shown, err = arabie(*command, "-o", tmp_path / "again.jsonl", "--resume", stdin=NEWS.encode())
    assert (code, shown) == (0, "") and (tmp_path / "again.jsonl").read_text(encoding="utf-8") == out
    assert err.splitlines() == [
        f"note: there is no {tmp_path / 'again.jsonl'}.part to go on with, so this begins at the beginning",
        f"wrote {tmp_path / 'again.jsonl'}: 6 documents"]


def test_the_view_of_several_texts(arabie, toy_model, tmp_path):
    one, two = file(tmp_path / "one.txt", NEWS), file(tmp_path / "two.txt", "")
    code, out, err = arabie("extract", one, two, "-m", toy_model)
    assert (code, err) == (0, "") and "\x1b" not in out and "Traceback" not in out
    first, second = out.split("─" * 100)
    assert first.startswith("one\n") and NEWS in first and "\nEvents\n" in first
    assert second == "\ntwo\n\n\nnothing found\n"


def test_a_name_that_is_not_utf8(arabie, toy_model, tmp_path):
    name = os.fsdecode(b"\xde\xd3\xcf.txt")
    try:
        odd = file(tmp_path / name, NEWS)
    except (OSError, UnicodeEncodeError):
        pytest.skip("the file system takes names in UTF-8 only")
    code, out, err = arabie("extract", odd, "-m", toy_model, "--json")
    assert (code, err) == (0, "") and json.loads(out)["id"] == "���"


def test_lines_of_other_programs(arabie, toy_model, tmp_path):
    """An id may be a number, the text under another key; further keys are kept in the meta, wherever the lines stand."""
    lines = [{"id": 12, "message": NEWS, "day": 3, "meta": {"k": [1]}}, {"message": NEWS, "text": "x", "meta": None},
             {"message": "", "day": 3, "meta": {"day": 4}}]
    content = "\n".join(map(json.dumps, lines))
    paths = [file(tmp_path / name, content) for name in ("a.ndjson", "b.txt", "c.json", "d")]
    code, out, err = arabie("extract", *paths, "-", "-m", toy_model, "--json", "--text-key", "message", stdin=content.encode())
    found = [Document.from_dict(json.loads(line)) for line in out.splitlines()]
    assert code == 0 and [(d.id, d.text, dict(d.meta)) for d in found] == 5 * [
        ("12", NEWS, {"day": 3, "k": [1]}), (None, NEWS, {"text": "x"}), (None, "", {"day": 4})]
    told = "note: {} × key of the meta data that is there twice, the last value kept (such as {}:3: day=3"
    assert err.startswith(told.format(4, paths[0])) and told.format(1, "standard input") in err


def test_folders_and_patterns(arabie, toy_model, tmp_path):
    folder = tmp_path / "posts"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.txt", "a.TXT", "inner/c.txt", "notes.md"):
        file(folder / name, NEWS)
    file(folder / "c.jsonl", changed())
    code, out, err = arabie("extract", folder, folder / "*.t?t", "-m", toy_model, "--json")
    assert code == 0 and [json.loads(line)["id"] for line in out.splitlines()] == ["a", "b", "g1", "b"]
    assert err == (f"note: 2 × name in the folder {folder} passed over: .txt, .jsonl, .ndjson and .src files are read "
                   "(such as inner; notes.md)\n")
    fails(arabie("extract", folder / "*.doc"), "*.doc: no such file")


def test_texts_that_are_hardly_arabic_are_noted(arabie, toy_model, tmp_path):
    broken = NEWS.encode().decode("cp1252", "replace")
    lines = file(tmp_path / "a.jsonl", "\n".join(
        json.dumps({"id": id, "text": text}) for id, text in [("a", NEWS), ("b", broken), ("c", "English " * 9), ("d", "ok")]))
    code, out, err = arabie("extract", lines, "-m", toy_model, "--json")
    assert code == 0 and out.count("\n") == 4
    assert err == ("note: 2 × text with hardly any Arabic letters (another language, or a wrong encoding), in which labels "
                   "mean little (such as b; c)\n")


# evaluate


def test_measuring_a_model(arabie, toy_model, tmp_path):
    gold = file(tmp_path / "g.jsonl", changed() + "\n" + changed(id=None))
    source = file(tmp_path / "s.src", f"=== s1\n{NEWS}\n--- spans\nT1 GROUP قسد\n")
    command = "evaluate", gold, source, "-m", toy_model, "--json", tmp_path / "figures.json", "--errors", "--limit", 2
    code, out, err = arabie(*command)
    assert (code, err) == (0, "")
    for part in ("3 documents", "\nentities\n", "strict", "relaxed", "gold spans given", "micro", "errors", " more\n"):
        assert part in out
    assert sum(line.startswith("  context") for line in out.splitlines()) == 2
    figures = json.loads((tmp_path / "figures.json").read_text(encoding="utf-8"))
    assert figures["documents"] == 3 and figures["layers"]["entities"]["strict"]["micro"]["support"] == 5
    assert len(figures["errors"]) > 2 and "events_f1" in figures["summary"]


@pytest.mark.parametrize(("content", "told"), [
    (changed(spans=[span(0, 4, "DEFECTION"), span(5, 12, "NUMBER")], relations=[]),
     ["document 'g1': NUMBER «7 عناصر» at 5–12: unknown label; ",
      "the model or the schema it was made for; the schema here is 'conflict'", "'arabie validate'"]),
    (changed() + "\n" + changed(id=None, spans=[span(5, 12, "COUNT"), span(7, 19, "GROUP")], relations=[]),
     ["document number 2: GROUP", "overlaps COUNT"]),
    (changed(spans=[span(0, 4, "DEFECTION", status="DENIED")], relations=[]),
     ["status 'DENIED' is not one of events; known: ACTUAL"]),
    (changed(relations=[{"type": "FORM", "head": "T1", "tail": "T3"}]), ["unknown relation; did you mean 'FROM'?"]),
    (changed(relations=[{"type": "TIME", "head": "T1", "tail": "T3"}, {"type": "TO", "head": "T1", "tail": "T2"}]),
     ["TO does not join DEFECTION to COUNT (and 1 more)"]),
    (changed(spans=[span(5, 99)], relations=[]), ["g.jsonl:1: document 'g1': LOC at 5–99 does not lie"]),
    ("", ["g.jsonl: no document in it, so there is nothing to measure"]),
])
def test_annotations_that_cannot_be_measured_on(arabie, toy_model, tmp_path, content, told):
    gold = file(tmp_path / "g.jsonl", content)
    fails(arabie("evaluate", gold, "-m", toy_model, "--json", tmp_path / "figures.json"), "g.jsonl:", *told)
    assert list(tmp_path.iterdir()) == [gold]


def test_files_that_hold_no_annotations(arabie, tmp_path):
    fails(arabie("evaluate", EXAMPLE), "defections.txt: annotated documents are read from .jsonl and .src files")
    fails(arabie("evaluate", tmp_path / "none.jsonl"), "none.jsonl: no such file")


def test_measuring_another_reader(arabie, tmp_path):
    longer, figures = NEWS + ".", tmp_path / "figures.json"
    mine = file(tmp_path / "mine.jsonl", "\n".join([
        changed(), changed(id="g2", text=longer), changed(id="g3", text="لا شيء", spans=[], relations=[])]))
    theirs = file(tmp_path / "theirs.jsonl", "\n".join([
        changed(id="7", text=longer, spans=[span(16, 19, "ORG")], relations=[]), changed(id="8"),
        changed(id=None, text="لا\nشيء", spans=[], relations=[])]))
    code, out, err = arabie("evaluate", mine, "--predictions", theirs, "--json", figures)
    assert code == 0 and "2 documents" in out and "Calibration was not measured" in out
    assert err.splitlines() == ["note: 1 × gold document that is not among the predictions (such as g3)",
                                "note: 1 × predicted document that is not in the gold (such as لا شيء …)"]
    found = json.loads(figures.read_text(encoding="utf-8"))
    assert found["layers"]["entities"]["strict"]["micro"] == {
        "precision": pytest.approx(2 / 3), "recall": 0.5, "f1": pytest.approx(4 / 7), "support": 4}
    assert found["relations"]["strict"]["micro"]["recall"] == 0.5
    assert [error["kind"] for error in found["errors"] if error["layer"] == "entities"] == ["missed", "type"]
    assert arabie("evaluate", theirs, "--predictions", mine, "--json", figures)[0] == 0
    assert json.loads(figures.read_text(encoding="utf-8"))["summary"] == found["summary"]


@pytest.mark.parametrize(("content", "options", "told"), [
    (changed(text=NEWS + " !"), [], "document 'g1': its text in the predictions differs from the gold text from character 32 on"),
    (changed(id="other", text=NEWS + " !"), [], "no text of the gold is among the predictions"),
    (changed(spans=[span(0, 4, "DESERTION")], relations=[]), [], "DESERTION «انشق» at 0–4: unknown label"),
    ("", [], "no document in it"),
    (changed(), ["--model", "m"], "--predictions measures files, without a model"),
    (changed(), ["--engine", "torch"], "--predictions measures files, without a model"),
])
def test_predictions_that_cannot_be_measured(arabie, tmp_path, content, options, told):
    gold, other = file(tmp_path / "g.jsonl", changed()), file(tmp_path / "other.jsonl", content)
    fails(arabie("evaluate", gold, "--predictions", other, *options), told)


def test_a_schema_goes_with_predictions(arabie, tmp_path):
    gold = file(tmp_path / "g.jsonl", changed())
    schema = ROOT / "configs/schemas/cleananercorp.toml"
    fails(arabie("evaluate", gold, "--schema", schema), "--schema goes with --predictions")
    fails(arabie("evaluate", gold, "--predictions", gold, "--schema", schema), "unknown label", "the schema here is")


# convert and formats


def test_converting_tells_what_could_not_be_carried(arabie, tmp_path):
    lines = file(tmp_path / "a.jsonl", changed(url="x"))
    code, out, err = arabie("convert", lines, tmp_path / "tasks.json", "--from", "jsonl", "--to", "label-studio")
    told = f'not carried: 1 × "url" of a document not kept; what is under "meta" is (such as {lines}:1)\n'
    assert (code, out) == (0, "")
    assert err == f"{told}wrote {tmp_path / 'tasks.json'} and {tmp_path / 'tasks.xml'}: 1 document\n"
    assert arabie("convert", tmp_path / "tasks.json", tmp_path / "b.jsonl", "--from", "label-studio", "--to", "jsonl",
                  "--read", "use=predictions")[0] == 0
    back = Document.from_dict(json.loads((tmp_path / "b.jsonl").read_text(encoding="utf-8")))
    assert back.spans == Document.from_dict(GOLD).spans
    table = tmp_path / "a.conll"
    code, out, err = arabie("convert", lines, table, "--from", "jsonl", "--to", "conll", "--write", "scheme=BILOU")
    assert (code, out) == (0, "") and "U-GROUP" in table.read_text(encoding="utf-8")
    assert "not carried: 1 × relation not carried by this format" in err


@pytest.mark.parametrize(("source", "target", "options", "told"), [
    ("none.jsonl", "out", ["jsonl", "conll"], "none.jsonl: cannot be read"),
    ("a.jsonl", "out", ["jsnol", "conll"], "unknown format 'jsnol'; did you mean 'jsonl'"),
    ("a.jsonl", "out", ["jsonl", "conll", "--write", "shceme=BILOU"],
     "conll has no option 'shceme' to write; did you mean 'scheme'"),
    ("a.jsonl", "out", ["jsonl", "conll", "--write", "scheme"], "'scheme' is no option; write it as KEY=VALUE"),
    ("a.jsonl", "out", ["jsonl", "conll", "--strict"], "relation not carried by this format"),
    ("a.jsonl", "", ["jsonl", "jsonl"], "it is there and is no file"),
    ("b.jsonl", "out", ["jsonl", "jsonl"], "b.jsonl:2: not JSON"),
])
def test_what_cannot_be_converted(arabie, tmp_path, source, target, options, told):
    sources = [file(tmp_path / "a.jsonl", changed()), file(tmp_path / "b.jsonl", changed() + "\n{")]
    read_as, write_as, *rest = options
    fails(arabie("convert", tmp_path / source, tmp_path / target, "--from", read_as, "--to", write_as, *rest), told)
    assert sorted(tmp_path.iterdir()) == sources


def test_the_list_of_formats(arabie):
    code, out, err = arabie("formats")
    assert (code, err) == (0, "") and all(part in out for part in ("brat", "label-studio", "unit=code-points", "use="))


# validate and info


def test_validating_sound_and_broken_files(arabie, tmp_path):
    good = file(tmp_path / "good.src", f"=== s1\n{NEWS}\n--- spans\nT1 GROUP قسد\nT2 LOC الرقة\n")
    code, out, err = arabie("validate", good)
    assert (code, err) == (0, "")
    assert out.splitlines() == ["sound documents: 1, words: 8, spans: 2, relations: 0, problems: 0, warnings: 0",
                                "spans by kind: GROUP 1, LOC 1"]
    bad = file(tmp_path / "bad.jsonl",
               changed(spans=[span(0, 3, "DEFECTION"), span(5, 12, "NUMBER")], relations=[]) + "\n{\n" + "[" * 100_000)
    code, out, err = arabie("validate", good, bad)
    assert code == 1 and out.startswith("sound documents: 1, ") and "problems: 4" in out
    lines = err.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"{bad}:{number}" for number in (1, 1, 2, 3)]
    assert "unknown label" in lines[0] and "inside a word" in lines[1]


@pytest.mark.parametrize(("name", "told"), [
    ("none.src", "cannot be read: No such file"), ("a.txt", "cannot be validated"), ("l.jsonl", ":1: not UTF-8")])
def test_files_that_cannot_be_validated(arabie, tmp_path, name, told):
    file(tmp_path / "l.jsonl", b"\xff")
    fails(arabie("validate", tmp_path / name), name, told)


def test_validating_by_another_schema(arabie, tmp_path):
    path = file(tmp_path / "a.jsonl", changed(spans=[span(16, 19, "FORCE")], relations=[]))
    schema = file(tmp_path / "s.toml", '[[layers]]\nname = "things"\nlabels = ["FORCE"]\n')
    assert arabie("validate", path)[0] == 1 and arabie("validate", path, "--schema", schema)[0] == 0
    fails(arabie("validate", path, "--schema", file(tmp_path / "s.toml", "[[layers]]\nname = 3")),
          "s.toml: each layer needs a name")
    fails(arabie("validate", path, "--schema", tmp_path / "none.toml"), "none.toml: cannot read the schema")


def test_what_a_model_is(arabie, toy_model):
    code, out, err = arabie("info", "-m", toy_model)
    assert (code, err) == (0, "")
    for part in ("arabie 0.", f"model: {toy_model}", "schema: conflict", "  causes: AIRSTRIKES, ", "statuses: ACTUAL",
                 "bert, 2 layers of 32", "weights: "):
        assert part in out


# engines


def test_engines_are_listed_and_measured(arabie, toy_model, tmp_path, monkeypatch):
    monkeypatch.setenv("ARABIE_CACHE", str(tmp_path / "cache"))
    code, out, err = arabie("engines", "-m", toy_model)
    rows = {cells[1]: cells[2:] for line in out.splitlines() if len(cells := [cell.strip() for cell in line.split("│")]) > 2}
    assert (code, err) == (0, "") and out.endswith("taken on a CPU where none is named: torch fp32 on cpu\n")
    assert rows["torch fp32"][:2] == ["installed", "the reference"] and rows["torch bf16"][1] == "not measured"
    assert {"openvino int8", "onnx int8"} < rows.keys()

    gold = file(tmp_path / "g.jsonl", "\n".join(changed(id=f"g{n}") for n in range(3)))
    if not has_bf16():
        pytest.skip("only bf16 can be measured quickly, and this processor lacks it")
    code, out, err = arabie("engines", "-m", toy_model, "--check", gold, "--engine", "torch", "--precision", "bf16")
    assert (code, err) == (0, "") and "%" in next(line for line in out.splitlines() if "torch bf16" in line)
    assert out == arabie("engines", "-m", toy_model)[1], "what was measured is kept"


@pytest.mark.parametrize(("options", "told"), [
    (["--check", "none.jsonl"], "none.jsonl: no such file"), (["--check", EXAMPLE], "annotated documents are read from"),
    (["--check", "none.jsonl", "--engine", "opnvino"], "unknown engine 'opnvino'; did you mean 'openvino'"),
])
def test_engines_that_cannot_be_measured(arabie, toy_model, options, told):
    fails(arabie("engines", "-m", toy_model, *options), told)


@pytest.mark.parametrize("command", ["extract", "evaluate"])
def test_an_engine_that_is_not_known(arabie, toy_model, tmp_path, command):
    gold = file(tmp_path / "g.jsonl", changed())
    fails(arabie(command, gold, "-m", toy_model, "--engine", "opnvino"), "unknown engine 'opnvino'")
    fails(arabie(command, gold, "-m", toy_model, "--precision", "fp8"), "unknown precision 'fp8'")


# the command itself


@pytest.mark.parametrize(("command", "parts"), [
    ((), ["extract", "evaluate", "validate", "engines", "info"]),
    (("extract",), ["PATH", "--json", "--out", "-o", "--resume", "--workers", "--model", "-m", "--device", "--engine",
                   "--precision", "standard input", "folders", "--overwrite", "--text-key"]),
    (("evaluate",), ["FILE", "--json", "--errors", "--limit", "--model", "--predictions", "--schema"]), (("validate",), ["FILE", "--schema"]),
    (("engines",), ["--check", "--engine", "--precision", "--model"]), (("info",), ["--model"]),
])
def test_help_names_everything(arabie, command, parts):
    code, out, err = arabie(*command, "--help")
    assert (code, err) == (0, "") and all(part in out for part in parts)
    assert all(len(line.rstrip()) <= 100 for line in out.splitlines())


@pytest.mark.parametrize("command", [
    ["extrakt"], ["extract"], ["extract", EXAMPLE, "--jsno"], ["evaluate", EXAMPLE, "--limit", "-1"]])
def test_a_command_that_is_not_understood(arabie, command):
    code, out, err = arabie(*command)
    assert (code, out) == (2, "") and "Usage: arabie" in err and "Traceback" not in err


START = """
import sys
import arabie, arabie.text, arabie.formats, arabie.evaluation, arabie.validation, arabie.terminal
from arabie.cli import main
sys.argv = ["arabie", "--help"]
try:
    main()
finally:
    print(sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "transformers", "datasets"}))
"""


def test_the_start_loads_no_torch():
    done = subprocess.run([sys.executable, "-c", START], capture_output=True, text=True, encoding="utf-8", cwd=ROOT,
                          timeout=300)
    assert done.returncode == 0 and "Usage: arabie" in done.stdout and done.stdout.splitlines()[-1] == "[]", done


def test_output_that_nobody_takes(tmp_path):
    """A pipe that is closed ends the command quietly; a full disk is told."""
    path = file(tmp_path / "a.jsonl", changed())
    command = [sys.executable, "-m", "arabie", "validate", str(path)]
    options = {"stderr": subprocess.PIPE, "text": True, "encoding": "utf-8", "cwd": ROOT, "timeout": 300,
               "env": {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}}
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, **options)
    os.close(write)
    assert done.returncode != 0 and done.stderr == ""
    if Path("/dev/full").exists():
        with open("/dev/full", "w") as full:
            done = subprocess.run(command, stdout=full, **options)
        assert done.returncode == 1 and done.stderr.startswith("arabie: the output cannot be written: ")
        assert done.stderr.count("\n") == 1
