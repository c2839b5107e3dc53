"""spaCy's NER as a baseline: tok2vec and transitions as ``spacy init config`` sets them up, from random weights."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import spacy
from spacy.cli.init_config import init_config
from spacy.tokens import Doc, DocBin
from spacy.training.initialize import init_nlp
from spacy.training.loop import train as train_loop
from spacy.vocab import Vocab
from tagging import Line


class SpacyTagger:
    """Learns tags from lines, keeps the weights that are best on dev, and gives tags to words; reports to stderr."""

    name = "spaCy NER"
    settings = {"max_steps": 6000, "patience": 1600, "eval_frequency": 200, "seed": 0}

    def fit(self, train: Iterable[Line], dev: Iterable[Line]) -> None:
        """Learn from ``train`` until ``dev`` gets no better."""
        config = init_config(lang="ar", pipeline=["ner"], optimize="efficiency", gpu=False, silent=True)
        config["training"] |= self.settings
        with tempfile.TemporaryDirectory() as folder:
            for name, rows in (("train", train), ("dev", dev)):
                path = Path(folder) / f"{name}.spacy"
                vocab = Vocab()
                DocBin(docs=[Doc(vocab, row.words, ents=row.tags) for row in rows]).to_disk(path)
                config["paths"][name] = str(path)
            train_loop(init_nlp(config), Path(folder), stdout=sys.stderr, stderr=sys.stderr)
            self.model = spacy.load(Path(folder) / "model-best")

    def tag(self, words: Sequence[str]) -> list[str]:
        """An IOB2 tag for each word of a line."""
        found = self.model(Doc(self.model.vocab, list(words)))
        return [f"{token.ent_iob_}-{token.ent_type_}" if token.ent_type_ else "O" for token in found]
