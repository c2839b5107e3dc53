"""From raw news to packed token ids: normalise, train or load a tokenizer, encode once, sample masked batches."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
from tqdm import tqdm
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from arabie.errors import ConfigError
from arabie.formats import read
from arabie.streaming.inputs import ANNOTATED
from arabie.text import PROFILES, view

SPECIAL = {"pad_token": "[PAD]", "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]"}
HELD_OUT_EVERY = 200  # one document in so many measures perplexity


def raw_documents(sources: Iterable[Path]) -> Iterator[tuple[str, int, str]]:
    """(file name up to the first dot, line number from 0, text) of every document; a TAB stands for a paragraph break.
    Of annotated files (.jsonl, .src) the documents are numbered instead of lines."""
    for source in sources:
        if source.suffix in ANNOTATED:
            for number, document in enumerate(read(source, ANNOTATED[source.suffix])):
                yield source.name.split(".")[0], number, document.text
            continue
        opener = lzma.open if source.suffix == ".xz" else open
        with opener(source, "rt", encoding="utf-8", newline="\n") as stream:
            for number, line in enumerate(stream):
                yield source.name.split(".")[0], number, line.rstrip("\n").replace("\t", "\n")


def excluded_lines(paths: Iterable[Path]) -> set[tuple[str, int]]:
    """(source, line) of the articles that annotated JSONL files took from the raw news, by their meta."""
    found = set()
    for path in paths:
        for line in path.read_text(encoding="utf-8").splitlines():
            meta = json.loads(line).get("meta", {})
            if "line" in meta:
                found.add((meta["source"], int(meta["line"])))
    return found


def data_files(places: Iterable[Path], patterns: tuple[str, ...]) -> list[Path]:
    """The files named, and in the folders named those that match; an error if there are none."""
    found = []
    for place in places:
        found += sorted(p for pattern in patterns for p in place.glob(pattern)) if place.is_dir() else [place]
    if missing := [str(path) for path in found if not path.exists()]:
        raise ConfigError(f"no such file: {', '.join(missing)}")
    if not found:
        raise ConfigError(f"no {' or '.join(patterns)} in {', '.join(map(str, places)) or 'the paths given'}")
    return found


def normalised(documents: Iterable[tuple[str, int, str]], profile: str, exclude: set[tuple[str, int]]) -> Iterator[tuple[str, str]]:
    """(source, view) of every document that is not excluded, as the model will see text when it runs."""
    settings = PROFILES[profile]
    for source, number, text in documents:
        if (source, number) not in exclude:
            yield source, view(text, settings).text


def train_tokenizer(texts: Iterable[str], vocabulary: int, model_max_length: int) -> PreTrainedTokenizerFast:
    """A WordPiece tokenizer over normalised text, with BERT's special tokens."""
    tokenizer = Tokenizer(models.WordPiece(unk_token=SPECIAL["unk_token"], max_input_chars_per_word=40))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    trainer = trainers.WordPieceTrainer(vocab_size=vocabulary, min_frequency=3, limit_alphabet=300,
                                        special_tokens=list(SPECIAL.values()), show_progress=False)
    tokenizer.train_from_iterator(texts, trainer)
    cls, sep = SPECIAL["cls_token"], SPECIAL["sep_token"]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{cls} $A {sep}", pair=f"{cls} $A {sep} $B {sep}",
        special_tokens=[(token, tokenizer.token_to_id(token)) for token in (cls, sep)])
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=model_max_length, **SPECIAL)


def encode_to_disk(texts: Iterable[tuple[int, str]], tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write train.bin and held_out.bin: uint32 token ids, a separator after each document. A text stands in train.bin as
    many times as the number before it says, in held_out.bin once."""
    separator = [tokenizer.sep_token_id]
    texts = iter(tqdm(texts, desc="encode", unit=" documents"))
    with open(folder / "train.bin.part", "wb") as train, open(folder / "held_out.bin", "wb") as held_out:
        written = 0
        while batch := list(islice(texts, 256)):
            encoded = tokenizer([text for _, text in batch], add_special_tokens=False, return_attention_mask=False)["input_ids"]
            for (times, _), ids in zip(batch, encoded):
                chosen = written % HELD_OUT_EVERY == 0
                np.tile(np.asarray(ids + separator, dtype=np.uint32), 1 if chosen else times).tofile(held_out if chosen else train)
                written += 1
    (folder / "train.bin.part").rename(folder / "train.bin")


@dataclass(frozen=True)
class MaskedBatches:
    """Masked batches of packed text, each a function of (seed, step) alone, so that a run resumes where it stopped.

    ``batch(step)`` gives input_ids and labels, both [batch_size, length]; labels are -100 where nothing is to be guessed.
    Words are masked whole (pieces that continue a word share its fate): of the masked pieces 80 % become the mask
    token, 10 % a random piece, 10 % stay.
    """

    ids: np.ndarray
    continues: np.ndarray
    special: np.ndarray
    cls_id: int
    mask_id: int
    vocabulary: int
    batch_size: int
    length: int
    mask_ratio: float
    seed: int

    def batch(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        rng = np.random.default_rng((self.seed, step))
        body = self.length - 1
        per_epoch = len(self.ids) // body
        rows = self._rows(step, per_epoch)
        offset = int(np.random.default_rng((self.seed, 7, step * self.batch_size // per_epoch)).integers(len(self.ids) - per_epoch * body + 1))
        ids = np.stack([self.ids[offset + row * body: offset + (row + 1) * body] for row in rows]).astype(np.int64)
        return self._mask(ids, rng)

    def _rows(self, step: int, per_epoch: int) -> np.ndarray:
        """The rows of a step: a shuffled pass over the text an epoch."""
        wanted = np.arange(step * self.batch_size, (step + 1) * self.batch_size)
        epochs = np.unique(wanted // per_epoch)
        orders = {epoch: np.random.default_rng((self.seed, 3, epoch)).permutation(per_epoch) for epoch in epochs}
        return np.array([orders[n // per_epoch][n % per_epoch] for n in wanted])

    def _mask(self, ids: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        starts = ~self.continues[ids]
        word = np.cumsum(starts, axis=1)
        chosen = rng.random((len(ids), ids.shape[1] + 1)) < self.mask_ratio
        masked = np.take_along_axis(chosen, word, axis=1) & ~self.special[ids]
        labels = np.where(masked, ids, -100)
        fate = rng.random(ids.shape)
        ids = np.where(masked & (fate < 0.8), self.mask_id, ids)
        ids = np.where(masked & (fate >= 0.9), rng.integers(0, self.vocabulary, ids.shape), ids)
        first = np.full((len(ids), 1), self.cls_id)
        return (torch.from_numpy(np.concatenate([first, ids], axis=1)),
                torch.from_numpy(np.concatenate([np.full_like(first, -100), labels], axis=1)))


def masked_batches(path: Path, tokenizer: PreTrainedTokenizerBase, **settings) -> MaskedBatches:
    """Batches over a file of token ids written by ``encode_to_disk``."""
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    continues = np.array([token is not None and token.startswith("##") for token in tokens])
    special = np.zeros(len(tokens), dtype=bool)
    special[tokenizer.all_special_ids] = True
    return MaskedBatches(np.memmap(path, dtype=np.uint32, mode="r"), continues, special, tokenizer.cls_token_id,
                         tokenizer.mask_token_id, len(tokens), **settings)
