"""How time and memory grow with the length of a text: texts of 0 to 1,000,000 words, each in a process of its own.

    python benchmarks/length.py --write docs/performance.md
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from pages import markdown, rewrite

from arabie.errors import ArabieError

SIZES = (0, 1, 10, 1_000, 10_000, 100_000, 1_000_000)
SENTENCE = "انشق خمسة عناصر من الدفاع الوطني قرب بلدة التبني غربي دير الزور بسبب انقطاع رواتبهم منذ ثلاثة أشهر\n"


def measure(count: int) -> dict[str, float]:
    """Seconds to extract from a text of so many words, spans found, and this process's peak memory in MB."""
    from arabie import load
    from arabie.model_folder import DEFAULT_MODEL

    extractor = load(DEFAULT_MODEL, device="cpu")
    words = SENTENCE.split(" ")
    text = " ".join((words * (count // len(words) + 1))[:count])
    extractor.extract(SENTENCE)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    started = time.perf_counter()
    document = extractor.extract(text)
    taken = time.perf_counter() - started
    assert all(text[span.start:span.end] == span.text for span in document.spans)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"words": count, "seconds": taken, "spans": len(document.spans), "peak": peak, "before": before}


def table() -> str:
    """A Markdown table of all sizes, each measured in its own process."""
    rows = []
    for size in SIZES:
        done = subprocess.run([sys.executable, __file__, "--only", str(size)], stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise ArabieError(f"a text of {size:,} words could not be measured; see above")
        found = json.loads(done.stdout)
        rate = size / found["seconds"]
        rows.append([f"{size:,}", f"{found['seconds']:.2f}", f"{rate:,.0f}", f"{found['spans']:,}",
                     f"{found['peak']:,.0f}", f"{found['before']:,.0f}"])
    head = ["words", "seconds", "words/s", "spans", "peak memory, MB", "of it before the text, MB"]
    return markdown(head, rows)


def main(
    only: Annotated[int | None, typer.Option(help="Measure a text of so many words, here, and print JSON.")] = None,
    write: Annotated[list[Path], typer.Option(help="Pages in which the table between the marks is made anew.")] = [],
) -> None:
    """Measure texts of all sizes, print the table, and put it into the pages named."""
    if only is not None:
        print(json.dumps(measure(only)))
        return
    made = table()
    print(made)
    for page in write:
        rewrite(page, "length", made)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"length: {error}") from None
