"""Streams of any length: in chunks, by several workers, killed and gone on with, and the same file each time."""

from __future__ import annotations

import io
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import closing, suppress
from multiprocessing import active_children
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.progress import Progress, TextColumn

from arabie.document import Document
from arabie.errors import ArabieError, FileError, ModelError
from arabie.streaming import Labeller, chunks, label_to_file, label_to_lines
from arabie.streaming.chunks import Chunks
from arabie.streaming.inputs import read_through
from arabie.streaming.part import PartFile
from arabie.streaming.progress import Amount, Meter, counted
from arabie.streaming.workers import AHEAD, label

ROOT = Path(__file__).resolve().parents[1]
WORDS = "انشق سبعة عناصر من قسد في الرقة أمس بسبب القصف".split()
COUNT, IN_A_CHUNK = 30, 4
COMMAND = f"""
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests started in a shell's background ignore Control-C
from arabie.streaming import chunks
chunks.DOCUMENTS = {IN_A_CHUNK}
from arabie.cli import main
main()
"""
BREAK = 300  # seconds after which a test gives up on a process


def documents(count: int = COUNT) -> list[Document]:
    texts = (" ".join(WORDS[n % 7:n % 7 + 1 + n % 4]) + f"\n{n}" for n in range(count))
    return [Document(text, id=None if n % 5 == 4 else f"d{n}", meta={"n": n}) for n, text in enumerate(texts)]


def jsonl(items: list[Document]) -> bytes:
    return "".join(item.to_json() + "\n" for item in items).encode()


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(chunks, "DOCUMENTS", IN_A_CHUNK)


@pytest.fixture(scope="module")
def labeller(toy_model):
    return Labeller(str(toy_model), "cpu", "torch", "fp32")


@pytest.fixture(scope="module")
def whole(labeller, tmp_path_factory):
    """The bytes of a run that nothing broke off."""
    out = tmp_path_factory.mktemp("whole") / "out.jsonl"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "DOCUMENTS", IN_A_CHUNK)
        label_to_file(documents(), out, labeller)
    assert [path.name for path in out.parent.iterdir()] == ["out.jsonl"]
    return out.read_bytes()


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out.jsonl"


def leave(out, part: bytes, labeller) -> None:
    """What a run that was killed leaves."""
    Path(f"{out}.part").write_bytes(part)
    Path(f"{out}.part.json").write_text(json.dumps(labeller.told()))


# chunks


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(0, 40), max_size=40), characters=st.integers(1, 50), most=st.integers(1, 6))
def test_chunks_are_the_stream_cut_where_it_is_full(sizes, characters, most):
    given_documents = [Document("ق" * size) for size in sizes]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "CHARACTERS", characters)
        patch.setattr(chunks, "DOCUMENTS", most)
        found = list(Chunks(given_documents))
        again = [list(Chunks(itertools.chain.from_iterable(found[n:]))) for n in range(len(found))]
    assert list(itertools.chain.from_iterable(found)) == given_documents
    for chunk in found:
        assert 0 < len(chunk) <= most and sum(len(d.text) for d in chunk[:-1]) < characters
    for chunk in found[:-1]:
        assert len(chunk) == most or sum(len(d.text) for d in chunk) >= characters
    assert again == [found[n:] for n in range(len(found))], "a stream taken up at a chunk's start has the same chunks"


def test_a_fault_in_reading_ends_the_chunks_and_is_kept():
    def broken():
        yield from documents(2 * IN_A_CHUNK + 1)
        raise FileError("a.jsonl:10: broken")

    found = Chunks(broken())
    assert list(found) == list(Chunks(documents(2 * IN_A_CHUNK))) and str(found.fault) == "a.jsonl:10: broken"


def test_labelling_in_chunks_finds_what_labelling_each_alone_does(labeller, whole):
    found = [Document.from_dict(json.loads(line)) for line in whole.decode().splitlines()]
    alone = [next(labeller.extractor().label_many([document])) for document in documents()]
    assert found == alone and [d.id for d in found] == [d.id for d in documents()]
    assert any(d.spans for d in found)


def test_a_stream_is_read_as_its_lines_are_taken(labeller):
    taken = []
    lines = label_to_lines((taken.append(n) or Document(f"قسد {n}") for n in itertools.count()), labeller)
    for _ in range(10):
        next(lines)
    assert len(taken) <= 10 + IN_A_CHUNK


# a run that was broken off


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_file_cut_anywhere_is_gone_on_with_to_the_same_bytes(data, labeller, whole, tmp_path_factory):
    out = tmp_path_factory.mktemp("cut") / "out.jsonl"
    ends = [n for n, byte in enumerate(whole, 1) if byte == 10]
    leave(out, whole[:data.draw(st.sampled_from([0, *ends]) | st.integers(0, len(whole)))], labeller)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chunks, "DOCUMENTS", IN_A_CHUNK)
        label_to_file(documents(), out, labeller, resume=True)
    assert out.read_bytes() == whole and list(out.parent.iterdir()) == [out]


def test_what_is_done_is_not_done_again(labeller, whole, out):
    ends = [n for n, byte in enumerate(whole, 1) if byte == 10]
    leave(out, whole[:ends[2 * IN_A_CHUNK] + 5], labeller)
    with PartFile(out, labeller.told(), resume=True) as part:
        skipped = []
        todo = list(part.skip(Chunks(documents()), skipped.extend))
    assert skipped == documents()[:2 * IN_A_CHUNK] and todo == list(Chunks(documents()[2 * IN_A_CHUNK:]))
    assert Path(f"{out}.part").read_bytes() == whole[:ends[2 * IN_A_CHUNK - 1]]


def replaced(items, place, **parts):
    items[place] = Document(**{"text": items[place].text, "id": items[place].id, **parts})
    return items


@pytest.mark.parametrize(("given_documents", "told"), [
    (replaced(documents(), 1, id="other"), "part:2: is of another input: the input has document 'other' there"),
    (replaced(documents(), 2, text="غيره"), "part:3: is of another input: .* another text of document 'd2'"),
    (replaced(documents(), 4, id="d4"), "part:5: is of another input"),
    (documents()[1:], "part:1: is of another input"),
    (documents(2), "part:3: is of another input: the input ends before it"),
])
def test_a_part_of_another_input_is_refused_and_kept(labeller, whole, out, given_documents, told):
    part = b"".join(whole.splitlines(keepends=True)[:9])
    leave(out, part, labeller)
    with pytest.raises(FileError, match=told):
        label_to_file(given_documents, out, labeller, resume=True)
    assert Path(f"{out}.part").read_bytes() == part and not out.exists()


def test_an_input_that_grew_is_gone_on_with(labeller, whole, out):
    leave(out, whole[:-1], labeller)
    label_to_file(documents(COUNT + 9), out, labeller, resume=True)
    assert [json.loads(line)["meta"]["n"] for line in out.read_text("utf-8").splitlines()] == list(range(COUNT + 9))


def test_a_part_made_in_another_way_is_refused(labeller, whole, out, toy_model, tmp_path):
    leave(out, whole[:999], labeller)
    for other, told in [(Labeller(str(toy_model), "cpu", "torch", "bf16"), r"engine torch fp32 on cpu \(now torch bf16 on cpu\)"),
                        (Labeller(None, "cpu", "torch", "fp32"), r"model [0-9a-f]{12}… \(now [0-9a-f]{12}…\)")]:
        with pytest.raises(FileError, match=rf"out.jsonl.part: was made with {told}; go on with what it was made with"):
            label_to_file(documents(), out, other, resume=True)
    note = Path(f"{out}.part.json")
    for content in ("", "[]", None):
        note.unlink() if content is None else note.write_text(content)
        with pytest.raises(FileError, match="part.json: is missing or broken"):
            label_to_file(documents(), out, labeller, resume=True)
    assert Path(f"{out}.part").read_bytes() == whole[:999]


@pytest.mark.parametrize("line", [b"{\n", b"7\n", b"{}\n", b"\xff\n"])
def test_a_part_that_arabie_did_not_write(labeller, whole, out, line):
    leave(out, whole[:whole.index(b"\n") + 1] + line, labeller)
    with pytest.raises(FileError, match="part:2: is no line that arabie wrote; delete the file"):
        label_to_file(documents(), out, labeller, resume=True)


def test_a_run_in_the_way_of_another(labeller, whole, out):
    leave(out, whole[:999], labeller)
    with pytest.raises(FileError, match="was left by an unfinished run; go on with it with --resume, or delete it"):
        label_to_file(documents(), out, labeller)
    pytest.importorskip("fcntl", reason="files are not locked here")
    with PartFile(out, labeller.told(), resume=True), pytest.raises(FileError, match="another run is writing it"):
        label_to_file(documents(), out, labeller, resume=True)
    Path(f"{out}.part").rename(out)
    with pytest.raises(FileError, match="is finished, there is no out.jsonl.part to go on with; drop --resume, and add --over"):
        label_to_file(documents(), out, labeller, resume=True)


# the command, really killed


def arabie(*args, **options) -> subprocess.Popen:
    command = [sys.executable, "-c", COMMAND, "extract", *map(str, args)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            start_new_session=True, **options)


def wait_for(condition) -> None:
    end = time.monotonic() + BREAK
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


@pytest.fixture
def half_done(toy_model, out):
    """Starts the command on a stream that comes to a standstill; gives the process once a part of it is done."""
    running = []

    def start(workers: int) -> subprocess.Popen:
        process = arabie("-", "-o", out, "-m", toy_model, "--engine", "torch", "--precision", "fp32", "--device", "cpu",
                         "--workers", workers)
        running.append(process)
        process.stdin.write(jsonl(documents()[:COUNT // 2 + 1]))
        process.stdin.flush()
        part = Path(f"{out}.part")
        wait_for(lambda: process.poll() is not None or part.exists() and part.stat().st_size)
        assert process.poll() is None, process.stderr.read()
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate(timeout=BREAK)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_killed_is_gone_on_with(half_done, labeller, whole, out, workers):
    process = half_done(workers)
    process.send_signal(signal.SIGKILL)
    process.stdin.close()
    process.stdin = None
    _, told = process.communicate(timeout=BREAK)  # ends when no worker holds the pipe any more
    assert b"Traceback" not in told and not out.exists()
    part = Path(f"{out}.part").read_bytes()
    assert part and len(part) < len(whole) and whole.startswith(part)
    label_to_file(documents(), out, labeller, resume=True)
    assert out.read_bytes() == whole and list(out.parent.iterdir()) == [out]


def test_control_c(half_done, whole, out):
    process = half_done(workers=2)
    for _ in range(3):  # one that comes while Python cleans up after something else is lost, and a person presses again
        os.killpg(process.pid, signal.SIGINT)  # the terminal sends it to workers, too
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=20)
            break
    _, told = process.communicate(timeout=BREAK)
    told = told.decode()
    assert process.returncode > 0 and "Traceback" not in told
    assert f"note: what is done is kept in {out}.part; go on with it with --resume" in told
    assert whole.startswith(Path(f"{out}.part").read_bytes()) and not out.exists()


# workers


def test_workers_keep_order_and_bounds_and_a_dead_one_is_told(labeller, whole):
    read_so_far = []
    stream = (read_so_far.append(n) or document for n, document in enumerate(documents(60 * IN_A_CHUNK)))
    with closing(label(Chunks(stream), labeller, workers=2)) as labelled:
        taken = [line for _, lines in itertools.islice(labelled, 5) for line in lines]
        assert taken == whole.decode().splitlines()[:5 * IN_A_CHUNK]
        assert len(read_so_far) <= (5 + 2 * AHEAD) * IN_A_CHUNK
        assert len(active_children()) == 2
        active_children()[0].kill()
        with pytest.raises(ArabieError, match="a worker process died: it was killed, or .* try fewer workers than 2"):
            list(labelled)
    assert active_children() == []


def test_a_fault_in_a_worker_is_told_like_any_other(toy_model, tmp_path, out):
    model = tmp_path / "model"
    model.mkdir()
    for path in toy_model.iterdir():
        (model / path.name).write_bytes(b"{" if path.suffix == ".safetensors" else path.read_bytes())
    with pytest.raises(ModelError, match="the model cannot be loaded"):
        label_to_file(documents(IN_A_CHUNK), out, Labeller(str(model)), workers=2)
    assert active_children() == [] and list(tmp_path.iterdir()) == [model]


# inputs


@pytest.fixture
def stdin(monkeypatch):
    return lambda data: monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))


def test_a_bad_line_in_the_stream_is_mended_and_gone_on_with(stdin, labeller, whole, out, capsys):
    good = jsonl(documents()).splitlines(keepends=True)
    stdin(b"".join([*good[:21], b'{"text": 7}\n', *good[22:]]))
    with pytest.raises(FileError, match='standard input:22: "text" is a string, not 7'):
        label_to_file(read_through(["-"])[1], out, labeller)
    part = Path(f"{out}.part").read_bytes()
    assert whole.startswith(part) and part.count(b"\n") == 20
    assert capsys.readouterr().err == f"note: what is done is kept in {out}.part; go on with it with --resume\n"
    stdin(b"".join(good[:3] + [b"{\n"]))
    with pytest.raises(FileError, match="standard input:4: not JSON"):
        label_to_file(read_through(["-"])[1], out, labeller, resume=True)
    assert Path(f"{out}.part").read_bytes() == part and capsys.readouterr().err == ""
    stdin(b"".join(good))
    label_to_file(read_through(["-"])[1], out, labeller, resume=True)
    assert out.read_bytes() == whole


@pytest.mark.parametrize(("data", "texts"), [
    (b"", [""]), (b"\n \n", ["\n \n"]), ("\n{إنا} خبر\r\n".encode(), ["\n{إنا} خبر\r\n"]), (b"[a]\n{", ["[a]\n{"]),
    (b'\xef\xbb\xbf\n { "text": "a"}\n\n{"text": ""}', ["a", ""]), ("\ufeffنص".encode(), ["نص"]),
])
def test_standard_input_is_a_text_or_lines_of_documents(stdin, data, texts):
    stdin(data)
    total, found = read_through(["-"])
    assert total is None and [document.text for document in found] == texts


@pytest.mark.parametrize(("data", "told"), [
    (b'{\n"text": "a"}', "standard input:1: not JSON"), (b'[\n{"text": "a"}]', "standard input: is JSON, not text"),
    (b'[{"text": "a"}]', "standard input: is JSON, not text"),
    (b'{"id": "a"}', r'standard input:1: no "text" in this line \(it has "id"\)'),
    (b'{"text": ""}\n{}', 'standard input:2: no "text" in this line'), (b"%PDF-1.4\n", "standard input: is a PDF"),
    (b'{"text": ""}\n\n{"text": "\xe1"}', "standard input:3: not UTF-8: byte 10 of the line is 0xe1"),
])
def test_json_that_is_not_lines_of_documents_is_no_text(stdin, data, told):
    stdin(data)
    with pytest.raises(FileError, match=told):
        list(read_through(["-"])[1])


def test_a_pipe_is_read_once_and_in_its_place(stdin, tmp_path, capsys):
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    stdin(b"last")
    contents = {"a.jsonl": b"\n" + jsonl(documents(3)).replace(b'"meta"', b'"n": "x", "meta"'), "b.src": "=== s\nقسد\n".encode(),
                "c.txt": b"c"}
    for name, content in contents.items():
        os.mkfifo(tmp_path / name)
        threading.Thread(target=(tmp_path / name).write_bytes, args=(content,), daemon=True).start()
    (tmp_path / "d.jsonl").write_text('{"text": "d", "n": "x", "meta": {"n": 1}}')
    total, found = read_through([*(str(tmp_path / name) for name in ("d.jsonl", *contents)), "-"])
    assert total is None and capsys.readouterr().err.startswith("note: 1 × key of the meta data that is there twice")
    assert [document.text for document in found] == ["d", *(d.text for d in documents(3)), "قسد", "c", "last"]
    told = capsys.readouterr().err
    assert told.startswith("note: 3 × key of the meta data that is there twice") and told.count("\n") == 1
    with pytest.raises(FileError, match="-: standard input can be read once"):
        read_through(["-", "-"])


def test_the_recipe_for_a_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("posts.csv").write_text("id,message,day\n7,\"قسد\n، خبر\",3\n", encoding="utf-8-sig")
    exec(re.search(r"```python\n(.*?)```", (ROOT / "docs/streaming.md").read_text("utf-8"), re.DOTALL)[1], {})
    _, found = read_through(["posts.jsonl"], "message")
    assert list(found) == [Document("قسد\n، خبر", id="7", meta={"day": "3"})]


def test_how_much_there_is(tmp_path):
    (tmp_path / "a.txt").write_text("خبر  عاجل", encoding="utf-8")
    (tmp_path / "b.jsonl").write_bytes(jsonl(documents(7)))
    paths = [str(tmp_path / name) for name in ("a.txt", "b.jsonl")]
    total, found = read_through(paths)
    assert [d.text for d in found] == ["خبر  عاجل", *(d.text for d in documents(7))]
    texts = " ".join(["خبر  عاجل", *(d.text for d in documents(7))])
    assert (total.documents, total.words, total.characters) == (8, len(texts.split()), len(texts) - 7)


def test_a_bar_leaves_standard_output_alone(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", Terminal())
    for line in counted(["one", "two"], "extract", 2):
        print(line)
    assert capsys.readouterr().out == "one\ntwo\n" and "extract" in sys.stderr.getvalue()


def test_the_bar(monkeypatch):
    """What an earlier run did counts as done, but not for the speed."""
    now = iter(range(0, 1000, 10))
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    screen = io.StringIO()
    bar = Progress(TextColumn("{task.fields[told]}"), console=Console(file=screen, width=100), auto_refresh=False,
                   get_time=lambda: 0.0)
    items = [Document("كلمة كلمة ")] * 100
    with bar:
        shown = Meter(bar, "extract", Amount(400, 800, 4000))
        shown.skip(items)
        shown.add(items)
    assert screen.getvalue().strip() == "200 of 400 documents, 5 a second, 10 words a second, 0:00:40 left"
