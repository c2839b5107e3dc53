from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import BILOU, IOB1, IOB2, IOBES, Entities

from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats.losses import Losses
from arabie.formats.tags import REPAIRS, SCHEMES, Chunk, check_scheme, decode, encode, repaired, split_tag

SEQEVAL = {"iob1": IOB1, "iob2": IOB2, "iobes": IOBES, "bilou": BILOU}
QUICK = settings(max_examples=80, deadline=None)
LABELS = ("LOC", "ORG", "B-x")


@st.composite
def chunks(draw) -> tuple[list[Chunk], int]:
    """Chunks that do not overlap, and how many tokens there are."""
    length, at, found = draw(st.integers(0, 9)), 0, []
    while at < length:
        size = draw(st.integers(1, 3))
        if draw(st.booleans()) and at + size <= length:
            found.append(Chunk(at, at + size, draw(st.sampled_from(LABELS))))
        at += size
    return found, length


def tags_of(scheme: str):
    return st.lists(st.just("O") | st.builds("{}-{}".format, st.sampled_from(SCHEMES[scheme]), st.sampled_from(("LOC",
            "ORG"))),
                    max_size=9)


def decoded(tags: list[str], scheme: str) -> list[Chunk]:
    return decode([split_tag(tag, scheme) for tag in tags], scheme)


def strict(tags: list[str], scheme: str) -> list[tuple]:
    """What seqeval's strict mode finds."""
    return [(entity.start, entity.end, entity.tag) for entity in Entities([tags], SEQEVAL[scheme]).entities[0]]


@pytest.mark.parametrize("scheme", SCHEMES)
@QUICK
@given(chunks())
def test_what_is_encoded_is_decoded_without_fault(scheme, drawn):
    found, length = drawn
    tags = encode(found, length, scheme)
    assert len(tags) == length and decoded(tags, scheme) == found
    if all("-" not in chunk.label for chunk in found):
        assert strict(tags, scheme) == [(chunk.start, chunk.end, chunk.label) for chunk in found]


@QUICK
@given(tags_of("iob2"))
def test_the_rule_begin_is_what_conlleval_and_seqeval_count(tags):
    assert [(c.label, c.start, c.end - 1) for c in decoded(tags, "iob2")] == get_entities(tags)


@pytest.mark.parametrize("scheme", ["iob2", "iobes", "bilou"])
@QUICK
@given(st.data())
def test_the_rule_drop_is_what_seqevals_strict_mode_counts(scheme, data):
    tags = data.draw(tags_of(scheme))
    kept = repaired(decoded(tags, scheme), "drop", Losses(), str)
    assert [(chunk.start, chunk.end, chunk.label) for chunk in kept] == strict(tags, scheme)


@pytest.mark.parametrize("scheme", SCHEMES)
@QUICK
@given(st.data())
def test_every_token_with_a_tag_is_in_one_chunk_with_its_label(scheme, data):
    tags = data.draw(tags_of(scheme))
    found = decoded(tags, scheme)
    labels = [[chunk.label for chunk in found if chunk.start <= place < chunk.end] for place in range(len(tags))]
    assert labels == [[] if tag == "O" else [tag[2:]] for tag in tags]


@pytest.mark.parametrize("scheme", SCHEMES)
@QUICK
@given(st.data())
def test_a_sequence_has_no_fault_exactly_when_encoding_gives_it_back(scheme, data):
    tags = data.draw(tags_of(scheme))
    found = decoded(tags, scheme)
    assert (encode(found, len(tags), scheme) == tags) == (not any(chunk.fault for chunk in found))


def test_faults_are_told_and_counted():
    tags = ["I-LOC", "B-ORG", "I-LOC"]
    assert [chunk.fault for chunk in decoded(tags, "iob2")] == ["I-LOC continues nothing", None,
                                                                "I-LOC continues nothing"]
    assert [chunk.fault for chunk in decoded(["B-LOC", "O", "E-LOC"], "iobes")] == ["no E-LOC ends it",
                                                                                    "E-LOC continues nothing"]
    assert [chunk.fault for chunk in decoded(["B-LOC", "O"], "bilou")] == ["no L-LOC ends it"]
    assert [chunk.fault for chunk in decoded(["B-LOC"], "iob1")] == ["B-LOC follows no LOC"]
    losses = Losses()
    assert len(list(repaired(decoded(tags, "iob2"), "begin", losses, lambda at: f"line {at + 1}"))) == 3
    assert losses.counts == {"impossible tag sequence, repaired by the rule 'begin'": 2}
    assert losses.examples == {"impossible tag sequence, repaired by the rule 'begin'": [
        "line 1: I-LOC continues nothing", "line 3: I-LOC continues nothing"]}
    with pytest.raises(FileError, match="line 1: I-LOC continues nothing; mend the tags, or read with repair='begin'"):
        list(repaired(decoded(tags, "iob2"), "refuse", Losses(), lambda at: f"line {at + 1}"))


@pytest.mark.parametrize("tag", ["", "B", "B-", "o", "S-LOC", "LOC", "B_LOC", "IO", "I LOC"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(DocumentError, match=r"is no IOB2 tag \(B-…, I-…, O\)"):
        split_tag(tag, "iob2")


def test_unknown_schemes_and_rules_get_the_nearest():
    with pytest.raises(ArabieError, match="unknown tag scheme 'IOB3'; did you mean 'iob2'"):
        check_scheme("IOB3")
    with pytest.raises(ArabieError, match="unknown repair rule 'dropp'; did you mean 'drop'"):
        check_scheme("iob2", "dropp")
    assert check_scheme("BILOU") == "bilou"
    assert set(REPAIRS) == {"begin", "drop", "refuse"}
