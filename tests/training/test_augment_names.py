"""Augmentation puts other names in the place of names: which may stand for which, and the lists they come from."""

from __future__ import annotations

import doctest
import random
import re
from pathlib import Path

import pytest

from arabie.document import Document, Relation, Span
from arabie.formats import read
from arabie.schema import default_schema
from training.augmentation import edits, surface
from training.augmentation.lists import LISTS, Gazetteer, Names, key, labels
from training.augmentation.surface import attach, splits
from training.augmentation.swaps import Swapper

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return list(read(ROOT / "training/corpus/dev.jsonl"))


@pytest.fixture(scope="module")
def swapper(documents) -> Swapper:
    return Swapper(documents)


def annotated(text: str, *spans: tuple[str, str], relations: tuple[tuple[str, int, int], ...] = ()) -> Document:
    """A document whose spans, (label, text), are found one after another."""
    found, at = [], 0
    for label, surface in spans:
        start = text.index(surface, at)
        found.append(Span(start, start + len(surface), label))
        at = start + 1
    return Document(text, found, [Relation(kind, found[head], found[tail]) for kind, head, tail in relations])


def drawn(swapper, document, listed=1.0, seen=0.0, times=25):
    return [swapper(document, random.Random(number), listed, seen) for number in range(times)]


@pytest.mark.parametrize("prefix", ["و", "ب", "ل", "ك", "ف", "ول", "وب", "ع"])
@pytest.mark.parametrize("name", ["حلب", "الرقة", "اللاذقية", "اللواء 47", "إدلب", "لواء القدس"])
def test_a_prefix_that_is_put_on_is_seen_again(prefix, name):
    head = attach(prefix, name).split()[0]
    assert (prefix, name.split()[0]) in list(splits(head))


def test_prefixes_stay_and_names_change(swapper):
    text = "ضرب طيران مجهول موقعاً للحرس الثوري بالميادين والرقة"
    document = annotated(text, ("GROUP", "للحرس الثوري"), ("LOC", "بالميادين"), ("LOC", "والرقة"))
    for new in drawn(swapper, document):
        group, *places = (span.text for span in new.spans)
        assert group.startswith("لل") and places[0][0] == "ب" and places[1][0] == "و"
        assert all(key(place[1:]) in swapper.corpus.gazetteer.where for place in places)
        assert new.text.startswith("ضرب طيران مجهول موقعاً ")
    assert len({new.text for new in drawn(swapper, document)}) > 10


@pytest.mark.parametrize("listed, seen", [(1.0, 0.0), (0.0, 1.0), (0.5, 0.5)])
def test_one_name_is_replaced_by_one_name_wherever_it_stands(swapper, documents, listed, seen):
    for document in documents:
        new = swapper(document, random.Random(1), listed, seen)
        fresh = dict(zip(document.spans, new.spans, strict=True))
        cores: dict[tuple[str, str], set[str]] = {}
        for found in swapper.corpus.mentions(document):
            text = key(fresh[found.span].text)
            head, rest = text.split()[0], text[len(text.split()[0]):]
            possible = {text} | {core + rest for _, core in splits(head)}
            cores[found.label, found.core] = cores.get((found.label, found.core), possible) & possible
        assert all(cores.values())


def test_two_names_never_become_one(swapper, documents):
    for document in documents:
        mentions = swapper.corpus.mentions(document)
        new = swapper(document, random.Random(2), 1.0, 0.0)
        fresh = dict(zip(document.spans, new.spans, strict=True))
        places = {found.core: fresh[found.span].text for found in mentions if found.label == "LOC" and not found.prefix}
        assert len(set(places.values())) == len(places)


def test_short_and_full_names_of_a_force_stay_names_of_one(swapper):
    spans = ("GROUP", "قوات سوريا الديمقراطية"), ("GROUP", "داعش"), ("GROUP", "قسد"), ("GROUP", "تنظيم الدولة")
    text = "قالت قوات سوريا الديمقراطية إن داعش هاجمها، وردت قسد على تنظيم الدولة"
    document = annotated(text, *spans, relations=(("ALIAS", 2, 0),))
    names, shorts = Names("forces"), set()
    for new in drawn(swapper, document):
        full, _, short, _ = new.spans
        entries = [entry for entry, number in names.places[key(full.text)] if number == 0 and short.text in entry.names[1:]]
        assert entries and entries[0].list == "kurdish-led"
        shorts.add(short.text)
    assert len(shorts) > 1


def test_two_things_with_one_short_name_do_not_become_one(swapper):
    spans = ("ORG", "الحكومة السورية"), ("ORG", "الحكومة العراقية"), ("ORG", "الحكومة")
    document = annotated("قالت الحكومة السورية إن الحكومة العراقية ثم الحكومة", *spans)
    assert {new.text for new in drawn(swapper, document)} == {document.text}


def test_what_is_strict_is_not_replaced_by_a_seen_name_of_no_list():
    swapper = Swapper([annotated("سرية النمر وديوان النمر", ("GROUP", "سرية النمر"), ("ORG", "وديوان النمر")),
                       annotated("ديوان النمر", ("ORG", "ديوان النمر"))])
    document = annotated("سرية الفيل قرب ديوان الفيل", ("GROUP", "سرية الفيل"), ("ORG", "ديوان الفيل"))
    assert {new.text for new in drawn(swapper, document, 0.0, 1.0)} == {"سرية الفيل قرب ديوان النمر"}


def test_a_name_with_an_alias_that_cannot_change_stays(swapper):
    spans = ("GROUP", "الفرقة 17"), ("GROUP", "فرقة «الموت»")
    document = annotated("تقدمت الفرقة 17 وتسمى فرقة «الموت»", *spans, relations=(("ALIAS", 1, 0),))
    assert {new.text for new in drawn(swapper, document, 1.0, 1.0)} == {document.text}


def test_a_force_keeps_to_its_list_and_a_weapon_too(swapper):
    spans = ("WEAPON", "طائرة مسيّرة"), ("GROUP", "الفرقة الرابعة"), ("GROUP", "حراس الدين"), ("WEAPON", "قذيفة هاون")
    document = annotated("استهدفت طائرة مسيّرة الفرقة الرابعة وأطلق حراس الدين قذيفة هاون", *spans)
    lists = {"WEAPON": Names("weapons"), "GROUP": Names("forces")}
    for new in drawn(swapper, document) + drawn(swapper, document, 0.0, 1.0):
        found = [lists[span.label].list_of(key(span.text)) for span in new.spans]
        assert found == ["air", "syrian-army", "insurgents", "artillery"]
    assert len({new.text for new in drawn(swapper, document)}) > 5


@pytest.mark.parametrize("label, name", [("GROUP", "سرية الفيل"), ("FAC", "باب الهوى"), ("LOC", "الإمارات العربية المتحدة"),
                                         ("GROUP", "الحرس «الثوري"), ("WEAPON", "رشاش مروحية"), ("GROUP", "خلايا الحشد")])
def test_what_is_not_surely_known_stays(swapper, label, name):
    document = annotated(f"شوهد عند {name} أمس", (label, name))
    assert {new.text for new in drawn(swapper, document)} == {document.text}


def test_a_man_keeps_his_names_together(swapper):
    spans = ("PERSON", "خالد الجبوري"), ("PERSON", "الجبوري"), ("PERSON", "وأبو خالد")
    document = annotated("قال خالد الجبوري ثم أضاف الجبوري وأبو خالد", *spans, relations=(("ALIAS", 1, 0),))
    news = drawn(swapper, document)
    for new in news:
        full, family, kunya = (span.text for span in new.spans)
        assert full.endswith(" " + family) and kunya.startswith("وأبو ")
    assert len({new.spans[1].text for new in news}) > 5


def test_places_move_together_and_keep_their_rank(swapper):
    spans = ("LOC", "البوكمال"), ("LOC", "والعشارة"), ("LOC", "بريف دير الزور الشرقي"), ("FAC", "ومطار دير الزور")
    text = "في البوكمال والعشارة بريف دير الزور الشرقي ومطار دير الزور"
    document = annotated(text, *spans, relations=(("PART_OF", 0, 2),))
    gazetteer, regions = Gazetteer(), set()
    for new in drawn(swapper, document):
        town, village, country, airport = (span.text for span in new.spans)
        centre = country.removeprefix("بريف ").removesuffix(" الشرقي")
        assert airport == f"ومطار {centre}"
        (home,) = [place for place, names in gazetteer.names.items() if centre in names and place.level == "governorate"]
        assert town in gazetteer.names[home._replace(level="districts")]
        assert village[1:] in gazetteer.names[home._replace(level="sub-districts")]
        regions.add(home.region)
    assert len(regions) > 4


def test_a_hashtag_stays_one(swapper):
    document = annotated("قصف على #أبو_حمام الآن", ("LOC", "أبو_حمام"))
    for new in drawn(swapper, document):
        assert re.fullmatch(r"قصف على #\w+ الآن", new.text) and new.spans[0].text == new.text[9:-5]
    assert any("_" in new.text for new in drawn(swapper, document) if "أبو" not in new.text)


@pytest.mark.parametrize("module", [edits, surface], ids=lambda module: module.__name__)
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(module).failed == 0 < doctest.testmod(module).attempted


# Lists


@pytest.mark.parametrize("path", sorted(LISTS.rglob("*.txt")), ids=lambda path: str(path.relative_to(LISTS)))
def test_lists_are_clean(path):
    under: dict[str, list[str]] = {"": []}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            under[line] = []
        else:
            assert line == line.strip() and "  " not in line and all(key(name) for name in line.split("\t"))
            under[list(under)[-1]].append(line)
    assert all(len(names) == len(set(names)) for names in under.values())


@pytest.mark.parametrize("folder", labels().names.values())
def test_a_full_name_is_in_one_list_of_its_folder(folder):
    names = Names(folder)
    assert [name for name, found in names.places.items() if len({entry.list for entry, _ in found}) > 1] == []


def test_there_are_places_enough_and_each_has_its_rank():
    gazetteer = Gazetteer()
    syrian = {name for place, names in gazetteer.names.items() if place.country == "places" for name in names}
    assert len(syrian) > 1500 and len(gazetteer.regions("places", ["governorate"])) == 13
    assert gazetteer.where["دير الزور"].level == "governorate" and gazetteer.where["عمان"].level == "countries"


def test_the_labels_are_those_of_the_schema():
    named, schema = labels(), default_schema()
    used = {*named.people, *named.places, *named.inside, *named.names, *named.strict, *named.dates, *named.counts}
    assert used | set(named.hashtags) <= set(schema.all_labels) and set(named.alias) <= set(schema.relation_names)
    assert all((LISTS / folder).is_dir() for folder in named.names.values())
