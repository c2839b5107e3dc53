"""Augmentation: labels stay true, offsets exact, the model is shown another text, and every epoch can be made again."""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import hypothesis
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoTokenizer

from arabie.document import Document, Relation, Span
from arabie.encoding import Encoder, WindowSettings
from arabie.errors import ConfigError
from arabie.formats import read, write
from arabie.formats.losses import Losses
from arabie.schema import default_schema
from arabie.text import view, words
from arabie.validation import boundary_problems
from training import augment
from training.augmentation import AugmentationSettings, AugmentedWindows, Augmenter
from training.augmentation.augmenter import PIECES
from training.augmentation.dates import shift_dates
from training.augmentation.edits import Edit, keep, rewrite
from training.augmentation.numbers import _numbers, _spelt, change_numbers, respell_numbers
from training.augmentation.punctuation import change_quotes
from training.augmentation.spelling import PartedAnd, hashtags, join_words
from training.examples import examples
from training.settings import load_settings
from training.train import TrainSettings, run_training

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = default_schema()
CUTS = ("headline", "stretch")
ALL = ("listed", "seen", *PIECES, "parted_and")
HALF = AugmentationSettings(**{name: 0.5 for name in ALL if name not in CUTS})


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return list(read(ROOT / "training/corpus/dev.jsonl"))


def annotated(text: str, *spans: tuple[str, str], relations: tuple[tuple[str, int, int], ...] = ()) -> Document:
    """A document whose spans, (label, text), are found one after another."""
    found, at = [], 0
    for label, surface in spans:
        start = text.index(surface, at)
        found.append(Span(start, start + len(surface), label))
        at = start + 1
    return Document(text, found, [Relation(kind, found[head], found[tail]) for kind, head, tail in relations])


def read_as(text: str) -> list[str]:
    """The units that a model is shown."""
    seen = view(text)
    units = words(seen)
    return [seen.text[start:end] for start, end in zip(units.view_starts, units.view_ends)]


def labelled(document: Document) -> Counter:
    return Counter((span.label, span.status) for span in document.spans)


# Edits


@st.composite
def edited(draw):
    """A text of letters, spans in it, and edits that no span starts or ends inside of."""
    text = draw(st.text("ابتث ", min_size=1, max_size=30))
    places = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(places, places), max_size=5))
    spans = {tuple(sorted(pair)) for pair in pairs if pair[0] != pair[1]}
    edges, edits, at = {place for span in spans for place in span}, [], 0
    change = st.tuples(places, st.integers(0, 4), st.text("xyz", max_size=3))
    for start, length, new in draw(st.lists(change, max_size=6)):
        end = min(start + length, len(text))
        if start >= at and not edges & set(range(start + 1, end)):
            edits.append(Edit(start, end, new))
            at = end + 1
    return text, sorted(spans), edits


@hypothesis.settings(deadline=None)  # a busy machine is no error
@given(edited())
def test_spans_move_with_the_text(case):
    """Against letters, gaps and span edges laid out in one row, in which the edits are made from last to first."""
    text, spans, edits = case
    row: list = []
    for place in range(len(text) + 1):
        row += [("end", n) for n, span in enumerate(spans) if span[1] == place] + [("gap", place)]
        row += [("start", n) for n, span in enumerate(spans) if span[0] == place] + list(text[place:place + 1])
    for start, end, new in reversed(edits):
        here = row.index(("gap", start))
        letters = [n for n in range(here, len(row)) if isinstance(row[n], str)][:end - start]
        at = letters[0] if letters else here
        for n in reversed(letters):
            del row[n]
        row[at:at] = new
    wanted, count = {}, 0
    for mark in row:
        wanted[mark] = count
        count += isinstance(mark, str)
    places = [(wanted["start", n], wanted["end", n]) for n in range(len(spans))]
    if any(start >= end for start, end in places):
        return  # a span of which nothing is left is refused by the Document
    given_spans = [Span(*span, f"L{n}") for n, span in enumerate(spans)]
    document = rewrite(Document(text, given_spans), random.sample(edits, len(edits)))
    assert document.text == "".join(mark for mark in row if isinstance(mark, str))
    assert {span.label: (span.start, span.end) for span in document.spans} == {f"L{n}": p for n, p in enumerate(places)}


def test_edits_that_would_cut_are_refused():
    document = annotated("في دير الزور", ("LOC", "دير الزور"))
    with pytest.raises(ValueError, match="inside of"):
        rewrite(document, [Edit(1, 5, "")])
    with pytest.raises(ValueError, match="overlap"):
        rewrite(document, [Edit(4, 6, ""), Edit(5, 7, "")])


def test_a_stretch_keeps_what_lies_in_it():
    spans = ("DEFECTION", "انشق"), ("ROLE", "ضابط"), ("AIRSTRIKE", "قصف"), ("LOC", "حلب")
    document = annotated("انشق ضابط. قصف حلب", *spans, relations=(("AGENT", 0, 1), ("PLACE", 2, 3), ("PLACE", 0, 3)))
    crossing = Span(5, 14, "OTHER")
    document = Document(document.text, (*document.spans, crossing), document.relations)
    kept = keep(document, 11, len(document.text))
    assert kept == annotated("قصف حلب", *spans[2:], relations=(("PLACE", 0, 1),))
    assert keep(document, 0, 10) == annotated("انشق ضابط.", *spans[:2], relations=(("AGENT", 0, 1),))


# Every piece, on real documents


@pytest.mark.parametrize("name", ALL)
def test_every_piece_keeps_the_labels_and_is_seen_by_the_model(name, documents):
    anew = Augmenter(AugmentationSettings(**{name: 0.4 if name in ("typos", "spelling") else 1.0}), documents)
    changed = 0
    for number, document in enumerate(documents):
        new = anew(document, random.Random(number))
        if name in CUTS:
            assert new.text in document.text
            assert not Counter(s.text for s in new.spans) - Counter(s.text for s in document.spans)
        else:
            assert labelled(new) == labelled(document)
            assert Counter(r.type for r in new.relations) == Counter(r.type for r in document.relations)
        assert list(boundary_problems(new, SCHEMA)) == []
        changed += new.text != document.text
        assert new.text == document.text or read_as(new.text) != read_as(document.text)
    assert changed > 0.4 * len(documents)


def test_all_together_make_nothing_that_cannot_be_learnt_from(documents, toy_encoder):
    encoder, anew, few = Encoder(AutoTokenizer.from_pretrained(toy_encoder)), Augmenter(HALF, documents), documents[:25]
    before, after, wide = Losses(), Losses(), WindowSettings(100_000, 64)
    augmented = [anew(document, random.Random(number)) for number, document in enumerate(few)]
    assert [labelled(document) for document in augmented] == [labelled(document) for document in few]
    for group, losses in ((few, before), (augmented, after)):
        list(examples(group, encoder, SCHEMA, wide, losses))
    assert after.counts == before.counts


@pytest.mark.parametrize("change", [
    lambda text: re.sub("([بتثجحخ])", "\\1\u064e", text),  # vowel signs
    lambda text: re.sub("(?<=[بتثجحخ])(?=[بتثجحخ])", "ـ", text),  # tatweel
    lambda text: re.sub("(?<=[بتثجحخ])(?=[بتثجحخ])", "ـ.ـ", text),  # cut to evade a censor
    lambda text: text.replace("أ", "ا").replace("إ", "ا").replace("آ", "ا"),
    lambda text: re.sub(r"ى\b", "ي", text),
    lambda text: text.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
    lambda text: re.sub(r"([^\W\d]{2}[.،]) (?=[^\W\d])", "\\1", text),  # no space after a full stop
])
def test_what_the_view_undoes_is_no_piece(change, documents):
    lines = [line for document in documents for line in document.text.split("\n")]
    texts = [line for line in lines if re.fullmatch("[ء-ي0-9 .،:؛؟!]+", line)]
    assert any(change(text) != text for text in texts)
    assert all(read_as(change(text)) == read_as(text) for text in texts)


def test_share_leaves_documents_as_they_are(documents):
    anew = Augmenter(AugmentationSettings(share=0.5, typos=1.0), documents)
    same = sum(anew(document, random.Random(number)) is document for number, document in enumerate(documents))
    assert 0.3 * len(documents) < same < 0.7 * len(documents)


# Numbers, dates, spelling


@pytest.mark.parametrize("feminine", [False, True])
def test_numbers_in_words_are_read_as_they_are_written(feminine):
    for number in range(3, 100):
        written = _spelt(number, feminine)
        assert list(_numbers(f"نحو {written} من")) == [(4, 4 + len(written), number)]


def test_a_part_of_a_number_is_no_number():
    assert list(_numbers("مئة وخمسة وعشرين")) == [] and list(_numbers("عشرين وخمسة")) == []


@pytest.mark.parametrize("label, before, after", [
    ("COUNT", "سبعة عشر عنصراً", "17 عنصراً"),
    ("COUNT", "لخمسة وعشرين عنصراً", "لخمسة وعشرين عنصراً"),
    ("DATE", "منذ ثلاث سنوات", "منذ 3 سنوات"),
    ("COUNT", "25 عنصراً", "خمسة وعشرين عنصراً"),
    ("COUNT", "4 نساء", "أربع نساء"),
    ("COUNT", "11 شاباً", "أحد عشر شاباً"),
    ("DATE", "عام 2019", "عام 2019"),
    ("DATE", "24 ساعة", "24 ساعة"),
    ("COUNT", "2,350 شاباً", "2,350 شاباً"),
])
def test_numerals(label, before, after):
    document = annotated(f"قُتل {before} أمس", (label, before))
    assert respell_numbers(document, random.Random(1), 1.0) == annotated(f"قُتل {after} أمس", (label, after))


def test_other_numbers_are_counted_alike():
    spans = ("COUNT", "7 عناصر"), ("COUNT", "خمسة شبان"), ("DATE", "14 آذار 2019"), ("DATE", "11:30")
    document = annotated("7 عناصر و25 عنصراً وخمسة شبان يوم 14 آذار 2019 عند 11:30", *spans)
    for number in range(40):
        few, spelt, date, clock = (span.text for span in change_numbers(document, random.Random(number), 1.0).spans)
        assert 3 <= int(few.split()[0]) <= 10
        assert re.fullmatch("(ثلاثة|أربعة|خمسة|ستة|سبعة|ثمانية|تسعة) شبان", spelt)
        assert 3 <= int(date.split()[0]) <= 28 and date.endswith(" آذار 2019") and clock == "11:30"


def test_dates_move_alike_and_only_dates():
    days = ["السبت", "الأحد", "الاثنين", "الثلاثاء", "الأربعاء", "الخميس", "الجمعة"]
    spans = [("DATE", "الجمعة"), ("DATE", "السبت"), ("FAC", "سوق الجمعة"), ("DATE", "تموز/يوليو 2019"),
             ("DATE", "وآب 2020 مساءً")]
    document = annotated("الجمعة ثم السبت، سوق الجمعة، تموز/يوليو 2019 وآب 2020 مساءً", *spans)
    styles = set()
    for number in range(60):
        one, following, market, both, single = (s.text for s in shift_dates(document, random.Random(number), 1.0).spans)
        assert (days.index(one) + 1) % 7 == days.index(following) and market == "سوق الجمعة"
        assert int(single.split()[-2]) - int(both.split()[-1]) == 1 and single.startswith("و")
        styles.add(("/" in both, "/" in single))
    assert styles == {(True, False), (False, False), (True, True)}
    assert shift_dates(document, random.Random(1), 0.0) is document


def test_a_number_that_a_span_parts_stays():
    document = annotated("قُتل سبعة عشر", ("COUNT", "سبعة عشر"), ("CASUALTY", "عشر"))
    assert respell_numbers(document, random.Random(1), 1.0) is document


def test_joined_and_parted_words():
    spans = ("COUNT", "25 عنصراً"), ("LOC", "كفرنبل"), ("PERSON", "عبد الله"), ("LOC", "ودير الزور")
    document = annotated("25 عنصراً من كفرنبل مع عبد الله ودير الزور", *spans)
    new = join_words(document, random.Random(1), 1.0)
    assert [span.text for span in new.spans] == ["25عنصراً", "كفر نبل", "عبدالله", "ودير الزور"]


def test_words_that_spans_part_are_not_joined():
    document = annotated("قُتل 5 عناصر", ("COUNT", "5 عناصر"), ("CASUALTY", "عناصر"))
    assert join_words(document, random.Random(1), 1.0) is document


def test_a_hashtag_leaves_its_sign_out():
    document = annotated("من ريف حماة إلى (حلب) والرقة", ("LOC", "ريف حماة"), ("LOC", "حلب"), ("LOC", "والرقة"))
    new = hashtags(document, random.Random(1), 1.0)
    assert new.text == "من #ريف_حماة إلى (حلب) والرقة" and new.spans[0].text == "ريف_حماة"


def test_an_and_that_stands_apart_is_outside():
    spans = ("CASUALTY", "قُتل"), ("CASUALTY", "وإصابة"), ("LOC", "والرقة"), ("ORG", "وزارة")
    document = annotated("قُتل ضابط وإصابة آخرين والرقة في وزارة", *spans)
    part = PartedAnd([Document("إصابة إصابة إصابة وزارة وزارة وزارة")])
    new = part(document, random.Random(1), 1.0)
    assert new.text == "قُتل ضابط و إصابة آخرين و الرقة في وزارة"
    assert [span.text for span in new.spans] == ["قُتل", "إصابة", "الرقة", "وزارة"]


def test_quotes_change_in_pairs():
    document = annotated('قالت "سانا" و«قسد»', ("ORG", "سانا"), ("GROUP", "قسد"))
    texts = {change_quotes(document, random.Random(number), 1.0).text for number in range(40)}
    assert texts == {"قالت «سانا» و«قسد»", "قالت “سانا” و“قسد”", 'قالت "سانا" و"قسد"', "قالت سانا و قسد"}


# Epochs and training


def test_an_epoch_can_be_made_again(documents):
    def rows(document: Document, left_out: Losses) -> list[dict]:
        return [{"length": len(word), "word": word} for word in document.text.split()]

    few = documents[:6]
    anew = Augmenter(AugmentationSettings(typos=0.5, stretch=1.0, parted_and=0.5), few)
    windows = AugmentedWindows(few, anew, rows, seed=3)
    size, lengths, epochs = len(windows), windows.lengths, {}
    for epoch in (0, 1, 2, 1, 0):
        windows.set_epoch(epoch)
        shown = [windows[number] for number in range(size)]
        assert len(windows) == size and windows.lengths is lengths and lengths == [row["length"] for row in shown]
        assert epochs.setdefault(epoch, shown) == shown
    assert epochs[0] != epochs[1] != epochs[2]
    other = AugmentedWindows(few, anew, rows, seed=4)
    other.set_epoch(0)
    assert [other[number] for number in range(size)] != epochs[0]


def test_the_outcome_does_not_hang_on_the_process():
    code = ("import random, sys; sys.path.insert(0, '.')\n"
            "from arabie.formats import read\nfrom training.augmentation import *\n"
            "documents = list(read('training/corpus/dev.jsonl'))[:8]\n"
            f"anew = Augmenter(AugmentationSettings(**dict.fromkeys({ALL!r}, 0.5)), documents)\n"
            "print([anew(document, random.Random(1)).to_json() for document in documents])")
    told = [subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
                           env={**os.environ, "PYTHONHASHSEED": seed}).stdout for seed in ("1", "2")]
    assert told[0] == told[1] and len(told[0]) > 1000


def settings(toy_encoder, folder, augmentation) -> TrainSettings:
    config = folder / "toy.toml"
    config.write_text(f"""
name = "toy"
[model]
encoder = "{toy_encoder}"
window = 128
overlap = 32
relation_size = 32
dropout = 0.0
[training]
epochs = 2
batch_size = 3
learning_rate = 1e-3
head_learning_rate = 1e-3
[augmentation]
{augmentation}""", encoding="utf-8")
    return load_settings(config, TrainSettings)


def checkpoints(run: Path) -> list[Path]:
    return sorted((run / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name.split("-")[1]))


def last_weights(run: Path) -> dict[str, torch.Tensor]:
    return load_file(checkpoints(run)[-1] / "model.safetensors")


def test_resumed_after_a_kill_augmented_training_ends_the_same(toy_encoder, documents, tmp_path):
    data = tmp_path / "few.jsonl"
    write(sorted(documents, key=lambda document: len(document.text))[:6], data)
    made = settings(toy_encoder, tmp_path, "listed = 0.5\ntypos = 0.1\nstretch = 0.5")
    run_training(made, [data], [data], tmp_path / "whole", resume=False)
    first = checkpoints(tmp_path / "whole")[0]
    shutil.copytree(first, tmp_path / "killed" / "checkpoints" / first.name)
    run_training(made, [data], [data], tmp_path / "killed", resume=True)
    whole, resumed = last_weights(tmp_path / "whole"), last_weights(tmp_path / "killed")
    assert all(torch.allclose(whole[name].float(), resumed[name].float(), atol=1e-6) for name in whole)
    run_training(settings(toy_encoder, tmp_path, ""), [data], [data], tmp_path / "plain", resume=False)
    assert not torch.equal(last_weights(tmp_path / "plain")["tags.weight"], whole["tags.weight"])


@pytest.mark.parametrize("line, told", [
    ("typo = 0.1", "did you mean 'typos'"),
    ("typos = 1.5", "typos is a probability"),
    ('seen = "a"', "seen is a float"),
])
def test_a_wrong_rate_is_told(toy_encoder, tmp_path, line, told):
    with pytest.raises(ConfigError, match=told):
        settings(toy_encoder, tmp_path, line)


@pytest.mark.parametrize("rates, told", [
    ([], "nothing is switched on"), (["typo=1"], "did you mean 'typos'"), (["typos=much"], "is no number"),
    (["typos=7"], "a probability"),
])
def test_what_cannot_be_shown_is_told(rates, told):
    with pytest.raises(ConfigError, match=told):
        augment.main(ROOT / "training/corpus/dev.jsonl", ROOT / "configs/tiny.toml", 1, 1, rates)


def test_documents_are_shown_before_and_after(capsys):
    augment.main(ROOT / "training/corpus/dev.jsonl", ROOT / "configs/tiny.toml", 2, 1, ["typos=0.5"])
    before, after = re.split("─+ augmented ─+", capsys.readouterr().out)[:2]
    assert "as it is" in before and before.split("\n")[1:5] != after.split("\n")[1:5]


def test_the_script_ends_with_one_line():
    command = [sys.executable, "training/augment.py", "training/corpus/dev.jsonl", "--config", "configs/tiny.toml"]
    done = subprocess.run([*command, "--set", "typos=7"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert re.match("augment: typos is a probability", done.stderr.strip().splitlines()[-1])
