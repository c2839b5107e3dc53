"""How fast it is, where the time goes, and what it takes of memory; each mode prints a table.

    python benchmarks/speed.py --threads 2                        # beside a pipeline of transformers, by engine
    python benchmarks/speed.py --threads 2 --arabert --words 2000 # the same for a model of AraBERT's shape
    python benchmarks/speed.py --scaling                          # one core and two
    python benchmarks/speed.py --where --threads 1                # or --start, --memory, --relations
    python benchmarks/speed.py --where --write docs/performance.md

Everything in a table is measured in one run and in turns, on texts of mixed lengths made of a set's documents.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from machine import OPERATIONS, cores_used, processor, products, restart_on
from mixing import count, mixed
from pages import markdown, rewrite
from rounds import Work, rate, ratio, share, timed

from arabie.engines.agreement import REFERENCE, is_native
from arabie.engines.choice import Choice, offered
from arabie.errors import ArabieError, ConfigError, ModelError, nearest
from arabie.formats import read
from arabie.model_folder import DEFAULT_MODEL

CORPUS = Path(__file__).resolve().parents[1] / "training/corpus/train.jsonl"
PIPELINES = {"pipeline-1": 1, "pipeline-16": 16}  # windows in a batch
SPANS = (10, 25, 50, 100, 150, 200)  # in a window
MODES = ("scaling", "where", "start", "memory", "relations")
Texts = Sequence[str]


def choices() -> dict[str, Choice]:
    """The engines that can be measured on this CPU, by the names that --engine takes: torch-fp32 and so on."""
    found = (choice for choice in offered(None, "cpu", None) if choice.precision != "fp16" and is_native(choice))
    return {f"{choice.engine}-{choice.precision}": choice for choice in found}


def contenders(folder: Path, names: Sequence[str]) -> dict[str, Callable[[Texts], object]]:
    """What runs texts through a model, by name; an engine that cannot be used is told and left out."""
    from naive import Pipeline

    from arabie.extractor import Extractor

    found: dict[str, Callable[[Texts], object]] = {}
    known, pipeline = choices(), Pipeline(folder) if set(names) & set(PIPELINES) else None
    for name in names:
        if name in PIPELINES:
            found[name] = partial(pipeline, batch=PIPELINES[name])
            continue
        try:
            extractor = Extractor.load(folder, "cpu", known[name].engine, known[name].precision)
        except ModelError as error:
            print(f"note: {name}: {error}", file=sys.stderr)
            continue
        found[name] = lambda texts, extractor=extractor: list(extractor.extract_many(texts))
    return found


def work_of(folder: Path, texts: Texts) -> Work:
    """What labelling the texts with a model amounts to."""
    from arabie.encoding import Encoder
    from arabie.model_folder import FolderTokenizer, ModelFacts, load_model

    encoder = Encoder(FolderTokenizer.load(folder), ModelFacts.load(folder).profile)
    named = load_model(folder).encoder.named_parameters()
    weights = sum(weight.numel() for name, weight in named if not name.startswith("embeddings."))
    return Work(count(texts), len(texts), sum(len(found.pieces) for found in encoder.encode_many(texts)), weights)


def measure(folder: Path, texts: Texts, names: Sequence[str], repeat: int) -> dict[str, list[float]]:
    """Seconds of each round, by contender, and of matrix products as «peak-» and the precision."""
    runs = {f"peak-{precision}": run for precision, run in products().items()}
    runs |= {name: partial(run, texts) for name, run in contenders(folder, names).items()}
    return timed(runs, repeat)


def speed_table(found: dict[str, list[float]], work: Work) -> str:
    """A row a contender: words and documents a second, times as fast as the pipelines, share of the peak."""
    peaks = {name.removeprefix("peak-"): taken for name, taken in found.items() if name.startswith("peak-")}
    seconds = {name: taken for name, taken in found.items() if not name.startswith("peak-")}
    rows = []
    for name, taken in seconds.items():
        ratios = (ratio(seconds, name, pipeline) for pipeline in PIPELINES)
        of_peak = share(seconds, peaks, name, "fp32" if name in PIPELINES else name.rpartition("-")[2], work)
        rows.append([_titled(name), f"{rate(work.words, taken):,.0f}", f"{rate(work.texts, taken):.1f}",
                     *("–" if times is None else f"{times:.2f}" for times in ratios),
                     "–" if of_peak is None else f"{of_peak:.1%}"])
    head = ["by", "words/s", "documents/s", "× pipeline,<br>batch 1", "× pipeline,<br>batch 16",
            "of the matrix<br>products' peak"]
    told = ", ".join(f"{precision} {rate(OPERATIONS, taken) / 1e9:,.0f}" for precision, taken in peaks.items())
    return markdown(head, rows) + (
        f"\n{work.texts:,} texts of {work.words:,} words and {work.pieces:,} pieces; {cores_used()} of {processor()}; "
        f"matrix products reach {told} billion operations a second.\n")


def _titled(name: str) -> str:
    """The name as the tables have it."""
    kind, _, how = name.partition("-")
    return f"pipeline, batch {how}" if name in PIPELINES else f"arabie, {kind} {how}"


def scaling_table(options: Sequence[str], words: int) -> str:
    """This script on one core and on two, in processes of their own: words/s and the ratio, by contender."""
    found = {threads: _on(threads, options) for threads in (1, 2)}
    names = [name for name in found[1] if name in found[2]]
    rates = {name: [rate(words, found[threads][name]) for threads in (1, 2)] for name in names}
    rows = [[_titled(name), f"{one:,.0f}", f"{two:,.0f}", f"{two / one:.2f}"]
            for name, (one, two) in rates.items() if not name.startswith("peak-")]
    peaks = [[f"matrix products, {name.removeprefix('peak-')}", "–", "–", f"{two / one:.2f}"]
             for name, (one, two) in rates.items() if name.startswith("peak-")]
    return markdown(["by", "words/s, 1 core", "words/s, 2 cores", "times"], [*rows, *peaks])


def _on(threads: int, options: Sequence[str]) -> dict[str, list[float]]:
    """What this script measures on so many cores."""
    command = [sys.executable, __file__, *options, "--json", "--threads", str(threads)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise ArabieError(f"the run on {threads} cores failed; see above")
    return json.loads(done.stdout)


def where_table(folder: Path, choice: Choice | None, texts: Texts, repeat: int) -> str:
    """What the parts of extracting take, by the engine named or the one that is taken where none is."""
    from parts import where, where_rows

    from arabie.extractor import Extractor

    extractor = Extractor.load(folder, "cpu", choice and choice.engine, choice and choice.precision)
    rows = where_rows(*where(extractor, texts, repeat), count(texts))
    used = extractor.engine.runtime.choice
    return markdown(["part", "µs a word", "of all"], rows) + f"\n{count(texts):,} words by {used}, {cores_used()}.\n"


def relations_table(folder: Path, choice: Choice, repeat: int) -> str:
    """What relations cost by the number of spans in a window."""
    from parts import relation_rows

    from arabie.extractor import Extractor

    extractor = Extractor.load(folder, "cpu", choice.engine, choice.precision)
    size = json.loads((folder / "config.json").read_text(encoding="utf-8"))["encoder"]["hidden_size"]
    rows = relation_rows(extractor.engine, extractor.schema, size, SPANS, repeat)
    return markdown(["spans in a window", "pairs that may relate", "ms a window", "µs a pair"], rows)


def start_table(folder: Path, named: Sequence[Choice]) -> str:
    """How long a start takes and what memory; by torch, and by an engine that does without, if none is named."""
    from processes import start_rows

    without = [choice for choice in choices().values() if choice.engine != "torch"]
    return markdown(["what is started", "seconds", "beyond Python", "peak memory, MB"],
                    start_rows(folder, named or [REFERENCE, *without[:1]], 5))


def memory_table(folder: Path, named: Sequence[Choice], texts: Texts, many: int) -> str:
    """The peak memory of ``arabie extract``, by engine."""
    from processes import memory_rows

    head = ["engine", "peak memory with one text, MB", f"with {many:,} texts, MB"]
    return markdown(head, memory_rows(folder, named or list(choices().values()), texts, many))


def arabert_shape(texts: Texts, place: Path) -> Path:
    """The folder of a model of AraBERT's shape, with a cache for its exports beside it."""
    from arabert_shape import build

    os.environ["ARABIE_CACHE"] = str(place / "cache")
    build(place / "model", texts)
    return place / "model"


def compared(folder: Path, texts: Texts, names: Sequence[str], repeat: int, raw: bool) -> str:
    """The table of contenders, or with ``raw`` their seconds as JSON."""
    found = measure(folder, texts, names, repeat)
    return json.dumps(found) if raw else speed_table(found, work_of(folder, texts))


def check_names(engine: Sequence[str], known: Sequence[str]) -> None:
    """Raise ConfigError for an engine that cannot be measured here."""
    if unknown := next((name for name in engine if name not in known), None):
        raise ConfigError(f"unknown engine {unknown!r}; {nearest(unknown, known)}")


def read_texts(path: Path) -> list[str]:
    """The texts of an annotated file."""
    return [document.text for document in read(path, "source" if path.suffix == ".src" else "jsonl")]


def main(
    texts: Annotated[Path, typer.Option(help="The annotated file (.jsonl, .src) whose texts are mixed.")] = CORPUS,
    words: Annotated[int, typer.Option(help="At most so many words in all.")] = 20_000,
    model: Annotated[Path, typer.Option(help="The folder of an arabie model.")] = DEFAULT_MODEL,
    arabert: Annotated[bool, typer.Option(help="Take a model of AraBERT's shape, with random weights.")] = False,
    engine: Annotated[list[str], typer.Option(
        help="What to measure: pipeline-1, pipeline-16, torch-fp32, openvino-int8 … All, or what suits the mode, if "
             "none is given.")] = [],
    repeat: Annotated[int, typer.Option(min=1, help="Rounds of which the median is taken.")] = 5,
    threads: Annotated[int | None, typer.Option(min=1, help="Run on so many cores. Linux only.")] = None,
    scaling: Annotated[bool, typer.Option(help="Compare one core with two.")] = False,
    where: Annotated[bool, typer.Option(help="Tell where the time goes.")] = False,
    start: Annotated[bool, typer.Option(help="Time the start, by engine.")] = False,
    memory: Annotated[bool, typer.Option(help="Measure the peak memory, by engine.")] = False,
    many: Annotated[int, typer.Option(min=1, help="Texts of the run whose memory is measured.")] = 5000,
    relations: Annotated[bool, typer.Option(help="Measure relations by the number of spans.")] = False,
    raw: Annotated[bool, typer.Option("--json", help="Print the seconds of each round in place of a table.")] = False,
    write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = [],
) -> None:
    """Measure, print the table, and put it into the pages named."""
    modes = [name for name, on in zip(MODES, (scaling, where, start, memory, relations)) if on]
    if len(modes) > 1:
        raise ConfigError(f"--{modes[0]} and --{modes[1]} make a table each; run them one after the other")
    if raw and (modes or write):
        raise ConfigError("--json prints the seconds of the comparison; leave out --write and the other modes")
    known, mode = choices(), modes[0] if modes else None
    check_names(engine, [*known, *(PIPELINES if mode in (None, "scaling") else ())])
    named = [known[name] for name in engine if name in known]
    if threads:
        restart_on(threads)
    given = read_texts(texts)
    chosen = mixed(given, words)
    options = [f"--texts={texts}", f"--words={words}", f"--model={model}", f"--repeat={repeat}",
               *(f"--engine={name}" for name in engine), *(["--arabert"] if arabert else [])]
    with TemporaryDirectory() as place:
        folder = arabert_shape(given, Path(place)) if arabert and mode != "scaling" else model
        made = {
            None: lambda: compared(folder, chosen, engine or [*PIPELINES, *known], repeat, raw),
            "scaling": lambda: scaling_table(options, count(chosen)),
            "where": lambda: where_table(folder, next(iter(named), None), chosen, repeat),
            "start": lambda: start_table(folder, named),
            "memory": lambda: memory_table(folder, named, given, many),
            "relations": lambda: relations_table(folder, next(iter(named), REFERENCE), repeat),
        }[mode]()
    print(made)
    mark = "-".join(["speed", *(["arabert"] if arabert else []), *modes])
    for page in write:
        rewrite(page, mark, made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"speed: {error}") from None
