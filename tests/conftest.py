"""A toy encoder and a joint model over it, random but complete, built here so that no test needs a download."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("arabie", deadline=None)  # no test is timed
settings.load_profile("arabie")
ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"
LETTERS = "ابتثجحخدذرزسشصضطظعغفقكلمنهويةءؤئ"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of material that is not part of the repository; tests that need it are skipped where it is absent."""
    if not SHARED.is_dir():
        pytest.skip(f"needs the folder {SHARED.name}/ beside the repository")
    return SHARED


@pytest.fixture(scope="session")
def toy_encoder(tmp_path_factory) -> Path:
    """A folder with a BERT of two layers of 32 and a WordPiece vocabulary of single letters."""
    import torch
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    folder = tmp_path_factory.mktemp("toy_encoder")
    alphabet = LETTERS + "0123456789abcdefghijklmnopqrstuvwxyz.,:;!?()[]«»\"'-/،؛؟#@"
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *alphabet, *(f"##{letter}" for letter in alphabet), "انشق", "##وا", "قسد"]
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    backend = BertWordPieceTokenizer(str(folder / "vocab.txt"), strip_accents=False, lowercase=False)
    BertTokenizerFast(tokenizer_object=backend._tokenizer, do_lower_case=False, strip_accents=False).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(vocabulary), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                        max_position_embeddings=512)
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def toy_model(toy_encoder, tmp_path_factory) -> Path:
    """The folder of a joint model over the toy encoder, its heads so random that it finds spans of every kind."""
    return _toy_model(toy_encoder, tmp_path_factory.mktemp("toy_model"))


@pytest.fixture(scope="session")
def toy_letters_model(toy_encoder, tmp_path_factory) -> Path:
    """The same, but it reads the letters of words too, and they change much."""
    return _toy_model(toy_encoder, tmp_path_factory.mktemp("toy_letters_model"), letters=300, letter_size=8)


def _toy_model(toy_encoder: Path, folder: Path, **settings: int) -> Path:
    import torch
    from transformers import AutoConfig, AutoTokenizer

    from arabie.model import ArabieConfig, ArabieModel
    from arabie.schema import default_schema

    torch.manual_seed(1)
    config = ArabieConfig(AutoConfig.from_pretrained(toy_encoder).to_dict(), default_schema().to_dict(), window=64, overlap=24,
                          relation_size=16, **settings)
    model = ArabieModel(config)
    with torch.no_grad():
        model.tags.weight.normal_(0, 1.0)
        model.tags.bias.zero_()
        model.relations.score.weight.normal_(0, 1.0)
        if model.letters is not None:
            for weight in model.letters.parameters():
                weight.normal_(0, 0.5)
            model.letters.parts.weight[0] = 0
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(toy_encoder).save_pretrained(folder)
    return folder
