"""The AraBERT path on a random checkpoint of AraBERT v02's exact shape, laid out as the hub's cache lays it out."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from arabie.document import Document
from arabie.formats import read, write

ROOT = Path(__file__).resolve().parents[1]
NAME = "aubmindlab/bert-base-arabertv02"
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهويةىءأإآؤئ"
SHAPE = dict(vocab_size=64000, hidden_size=768, num_hidden_layers=12, num_attention_heads=12, intermediate_size=3072, max_position_embeddings=512,
             type_vocab_size=2)


def vocabulary() -> list[str]:
    """64,000 pieces: BERT's special ones, AraBERT's three tokens for what it replaces, letters, digits, marks, and made-up words."""
    rng = random.Random(0)
    marks = "0123456789.,:;!?()[]«»\"'-/+*&%$#@،؛؟…" + "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    pieces = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "[رابط]", "[بريد]", "[مستخدم]", *LETTERS, *marks])
    pieces.update(dict.fromkeys(f"##{letter}" for letter in LETTERS + "0123456789"))
    while len(pieces) < SHAPE["vocab_size"]:
        word = "".join(rng.choices(LETTERS, k=rng.randint(2, 6)))
        pieces[word if rng.random() < 0.7 else f"##{word}"] = None
    return list(pieces)


@pytest.fixture(scope="module")
def hub_cache(tmp_path_factory) -> Path:
    """An offline hub cache that holds one snapshot of the checkpoint."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertForMaskedLM, BertTokenizerFast

    home = tmp_path_factory.mktemp("hub")
    repository = home / "hub" / f"models--{NAME.replace('/', '--')}"
    snapshot = repository / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text("0" * 40)
    (snapshot / "vocab.txt").write_text("\n".join(vocabulary()) + "\n", encoding="utf-8")
    backend = BertWordPieceTokenizer(str(snapshot / "vocab.txt"), strip_accents=False, lowercase=False)
    tokenizer = BertTokenizerFast(tokenizer_object=backend._tokenizer, do_lower_case=False, model_max_length=512, tokenize_chinese_chars=True,
                                  never_split=["[بريد]", "[مستخدم]", "[رابط]"])
    tokenizer.save_pretrained(snapshot)
    torch.manual_seed(0)
    BertForMaskedLM(BertConfig(**SHAPE)).save_pretrained(snapshot)
    return home


def run(hub_cache: Path, *command: str, cwd: Path = ROOT) -> str:
    environment = os.environ | {"HF_HOME": str(hub_cache), "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
    done = subprocess.run([sys.executable, *command], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def few(source: Path, target: Path, count: int) -> list[Document]:
    documents = [document for document, _ in zip(read(source), range(count))]
    write(documents, target)
    return documents


def test_train_and_extract(hub_cache, tmp_path):
    """The very command of the README, on two documents: trained, saved, loaded and run, with offsets that hold."""
    few(ROOT / "training/corpus/dev.jsonl", tmp_path / "train.jsonl", 2)
    documents = few(ROOT / "training/corpus/test.jsonl", tmp_path / "dev.jsonl", 1)
    settings = (ROOT / "configs/arabert.toml").read_text(encoding="utf-8")
    settings = settings.replace('"training/corpus/train.jsonl"', f'"{tmp_path}/train.jsonl"').replace('"training/corpus/dev.jsonl"', f'"{tmp_path}/dev.jsonl"')
    (tmp_path / "arabert.toml").write_text(settings.replace("epochs = 12", "epochs = 1"), encoding="utf-8")
    run(hub_cache, "training/train.py", str(tmp_path / "arabert.toml"), "--out", str(tmp_path / "run"))
    folder = tmp_path / "run" / "model"
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    assert config["encoder"]["vocab_size"] == 64000 and config["encoder"]["num_hidden_layers"] == 12
    assert config["profile"]["name"] == "arabert" and config["window"] == 512
    out = run(hub_cache, "-m", "arabie", "extract", str(tmp_path / "dev.jsonl"), "--json", "-m", str(folder), "--device", "cpu")
    (labelled,) = [Document.from_dict(json.loads(line)) for line in out.splitlines()]
    assert labelled.text == documents[0].text


def test_text_reaches_its_tokenizer_as_it_was_pretrained(hub_cache):
    """Letters as published (alef and ya untouched), no segmentation marks, its own token for a link, and words parted from marks."""
    code = """
import json
from transformers import AutoTokenizer
from arabie.encoding import Encoder
encoded = Encoder(AutoTokenizer.from_pretrained("aubmindlab/bert-base-arabertv02"), "arabert").encode("أُوقِفَ 25عنصراً على الحاجز، https://x.y/z")
print(json.dumps([encoded.view.text, len(encoded), encoded.first_piece.tolist()]))
"""
    text, units, first_piece = json.loads(run(hub_cache, "-c", code))
    assert text.startswith("أوقف 25 عنصرا على الحاجز") and "[رابط]" in text and "+" not in text
    assert units == len(first_piece) - 1


def test_checkpoints_of_segmented_text_are_refused():
    from training.models import refuse_presegmented

    from arabie.errors import ConfigError

    class Tokenizer:
        def get_vocab(self):
            return {"ال": 0}

    refuse_presegmented(Tokenizer(), NAME)
    for name in ("aubmindlab/bert-base-arabertv2", "aubmindlab/bert-base-arabert", "my/bert-large-arabertv1"):
        with pytest.raises(ConfigError, match="arabertv02"):
            refuse_presegmented(Tokenizer(), name)
