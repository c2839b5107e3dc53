"""Learn what the letters of words say from raw text: embeddings of hashed letters for a model to start from.

    python training/letters.py --data ../shared/pretrain --out training/encoder/letters.safetensors

Words get vectors by skip-gram (Mikolov et al. 2013, by gensim); the embeddings of their parts are then fitted so that
together they give the word's vector, and so some vector also to words that were never seen (Pinter et al. 2017, «mimick»).
"""

from __future__ import annotations

import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from gensim.models import Word2Vec
from safetensors.torch import save_file
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # run as a script: training/ is not installed

from arabie.errors import ArabieError, ConfigError
from arabie.letters import Letters
from arabie.model import LetterEmbedding
from arabie.text import Reading, read
from training.mlm_data import data_files, excluded_lines, raw_documents

log = logging.getLogger("letters")
RARE = 3  # a word seen less often gets no vector
STEP = 4096  # words fitted at once


def write_words(documents: Iterable[tuple[str, int, str]], profile: str, exclude: set[tuple[str, int]], path: Path) -> None:
    """A text file of the documents' words, a line of text a line, as a model reads them."""
    kept = (text for source, number, text in tqdm(documents, desc="read", unit=" documents") if (source, number) not in exclude)
    with open(path, "w", encoding="utf-8") as stream:
        while texts := list(islice(kept, 256)):
            for reading in read(texts, profile):
                stream.writelines(_lines(reading))


def _lines(reading: Reading) -> Iterator[str]:
    units, before = reading.units, 0
    for start, end, line in zip(units.view_starts.tolist(), units.view_ends.tolist(), units.line.tolist()):
        yield "\n" if line != before else " "
        yield reading.view.text[start:end]
        before = line
    yield "\n"


def word_vectors(path: Path, size: int, epochs: int, workers: int, seed: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """The words of a file, how often they come, and their vectors, of length 1."""
    try:
        found = Word2Vec(corpus_file=str(path), vector_size=size, sg=1, window=5, negative=8, min_count=RARE, sample=1e-4,
                         epochs=epochs, workers=workers, seed=seed).wv
    except RuntimeError:  # gensim's, for an empty vocabulary
        raise ConfigError(f"no word comes {RARE} times in the text; give more") from None
    counts = np.array([found.get_vecattr(word, "count") for word in found.index_to_key])
    return found.index_to_key, counts, found.get_normed_vectors()


def fit_parts(names: list[str], counts: np.ndarray, vectors: np.ndarray, buckets: int, rounds: int, seed: int) -> torch.Tensor:
    """Embeddings of the parts, [buckets, size], that give the words their vectors; frequent words weigh more."""
    torch.manual_seed(seed)
    embedding = LetterEmbedding(buckets, vectors.shape[1], 1, 0.0)
    torch.nn.init.zeros_(embedding.parts.weight)
    parts = torch.from_numpy(Letters(buckets).of(names).copy())
    wanted, weights = torch.from_numpy(vectors.copy()), torch.from_numpy(np.sqrt(counts / counts.mean()).astype(np.float32))
    optimizer = torch.optim.Adam([embedding.parts.weight], lr=0.01)
    steps = rounds * -(-len(names) // STEP)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.02, steps)
    for _ in tqdm(range(rounds), desc="fit", unit=" rounds"):
        for chosen in torch.randperm(len(names)).split(STEP):
            distance = (embedding.mean(parts[chosen]) - wanted[chosen]).square().sum(dim=1)
            loss = (distance * weights[chosen]).mean() + 1e-4 * embedding.parts(parts[chosen]).square().sum() / len(chosen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        near = torch.cosine_similarity(embedding.mean(parts), wanted)
    log.info("%d words; mean cosine of a word's vector and what its parts give: %.3f", len(names), near.mean())
    return embedding.parts.weight.detach()


def main(data: Annotated[list[Path], typer.Option(help="Raw news: files, or folders of .txt and .txt.xz.")],
         out: Annotated[Path, typer.Option(help="Where the embeddings go, .safetensors.")],
         exclude: Annotated[list[Path], typer.Option(help="Annotated articles of the same sources, to be left out.")] = [],
         profile: Annotated[str, typer.Option(help="How the model reads text.")] = "default",
         buckets: Annotated[int, typer.Option(help="Buckets of letters.")] = 65_536,
         size: Annotated[int, typer.Option(help="Numbers in an embedding.")] = 64,
         epochs: Annotated[int, typer.Option(help="Times the text is read.")] = 5,
         rounds: Annotated[int, typer.Option(help="Times the words are fitted.")] = 30,
         workers: Annotated[int, typer.Option(help="Threads; results are the same each time only with one.")] = 1,
         seed: Annotated[int, typer.Option(help="Random seed.")] = 1) -> None:
    """Learn embeddings of letters from raw text."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    taken = excluded_lines(data_files(exclude, ("*.jsonl",))) if exclude else set()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "words.txt"
        write_words(raw_documents(data_files(data, ("*.txt", "*.txt.xz"))), profile, taken, path)
        names, counts, vectors = word_vectors(path, size, epochs, workers, seed)
    table = fit_parts(names, counts, vectors, buckets, rounds, seed)
    save_file({"parts": table.half().contiguous()}, out, {"words": str(len(names)), "epochs": str(epochs), "profile": profile})
    log.info("the embeddings are in %s", out)


if __name__ == "__main__":
    try:
        typer.run(main)
    except ArabieError as error:
        raise SystemExit(f"letters: {error}") from None
