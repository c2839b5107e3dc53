from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from made_documents import ODD_NAMES, PIECES, SCHEMA, documents

import arabie
from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, FileError
from arabie.formats import FORMATS, options_of, read, write
from arabie.formats.losses import Losses
from arabie.schema import Schema

ROOT = Path(__file__).resolve().parents[2]
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NEWS = """قال د. أحمد إن ضابطين انشقّا من قسد في حي المشلب
بالرقة. وجاء ذلك لانقطاع الرواتب وخوفاً من معارك البادية. ويخشى غيرهم نقلهم إلى جبهة حلب!"""


def table(path: Path, separator: str = ",") -> list[dict[str, str]]:
    with open(path, encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=separator, strict=True))


def written(given, path: Path, **options) -> list[dict[str, str]]:
    write(given, path / "t.csv", "csv", **options)
    return table(path / "t.csv", options.get("separator", ","))


def told(row: dict[str, str]) -> dict[str, str]:
    """The cells of a row that are filled, but for the offsets."""
    return {column: cell for column, cell in row.items() if cell and not column.endswith(("start", "end"))}


def place(surface: str, label: str, status: str | None = None, score: float | None = None) -> Span:
    start = NEWS.index(surface)
    return Span(start, start + len(surface), label, status, score)


def news(**given) -> Document:
    trigger, count, group = place("انشقّا", "DEFECTION", score=0.98765), place("ضابطين", "COUNT"), place("قسد", "GROUP")
    quarter, city, front = place("حي المشلب", "LOC"), place("بالرقة", "LOC"), place("البادية", "LOC")
    unpaid, fear = place("لانقطاع الرواتب", "UNPAID_SALARIES"), place("وخوفاً من معارك البادية", "FEAR_OF_FRONT")
    lone, far = place("نقلهم إلى جبهة حلب", "FEAR_OF_FRONT"), place("حلب", "LOC")
    moved = place("نقلهم", "DEPLOYMENT", "POSSIBLE")
    relations = [Relation("COUNT", trigger, count), Relation("FROM", trigger, group, 0.5),
                 Relation("PLACE", trigger, quarter),
                 Relation("PART_OF", quarter, city), Relation("PART_OF", city, quarter),  # in a circle
                 Relation("CAUSES", unpaid, trigger), Relation("CAUSES", fear, trigger)]
    spans = [trigger, count, group, quarter, city, front, unpaid, fear, lone, far, moved]
    return Document(NEWS, spans, relations, **{"id": "post-1"} | given)


FIRST, SECOND, THIRD = ("قال د. أحمد إن ضابطين انشقّا من قسد في حي المشلب",
                        "وجاء ذلك لانقطاع الرواتب وخوفاً من معارك البادية.", "ويخشى غيرهم نقلهم إلى جبهة حلب!")


def test_events_with_a_column_for_each_role(tmp_path):
    first, second = written([news(meta={"date": "2023-04-01", "views": 1200, "tags": ["a"]})], tmp_path)
    assert list(first) == [
        "document", "meta.date", "meta.views", "event", "status", "trigger", "start", "end", "score", "AGENT", "FROM",
        "TO", "TARGET", "PLACE", "PLACE within", "TIME", "COUNT", "INSTRUMENT", "SOURCE", "causes",
        "cause_types", "sentence"]
    about = {"document": "post-1", "meta.date": "2023-04-01", "meta.views": "1200"}
    assert told(first) == about | {
        "event": "DEFECTION", "status": "ACTUAL", "trigger": "انشقّا", "score": "0.9877", "FROM": "قسد",
        "PLACE": "حي المشلب", "PLACE within": "بالرقة", "COUNT": "ضابطين", "sentence": FIRST,
        "causes": "لانقطاع الرواتب | وخوفاً من معارك البادية", "cause_types": "UNPAID_SALARIES | FEAR_OF_FRONT"}
    assert NEWS[int(first["start"]):int(first["end"])] == "انشقّا"
    assert told(second) == about | {"event": "DEPLOYMENT", "status": "POSSIBLE", "trigger": "نقلهم", "sentence": THIRD}


def test_causes_each_with_each_event_and_those_without_one(tmp_path):
    unpaid, fear, lone = written([news()], tmp_path, rows="causes")
    event = {"event": "DEFECTION", "status": "ACTUAL", "trigger": "انشقّا", "score": "0.9877", "FROM": "قسد",
             "PLACE": "حي المشلب", "PLACE within": "بالرقة", "COUNT": "ضابطين", "sentence": f"{SECOND} | {FIRST}"}
    assert told(unpaid) == {"document": "post-1", "cause_type": "UNPAID_SALARIES", "cause": "لانقطاع الرواتب"} | event
    assert (fear["cause"], fear["front"], fear["trigger"]) == ("وخوفاً من معارك البادية", "البادية", "انشقّا")
    assert told(lone) == {"document": "post-1", "cause_type": "FEAR_OF_FRONT", "cause": "نقلهم إلى جبهة حلب",
                          "front": "حلب", "sentence": THIRD}
    events = {(row["start"], row["end"]) for row in written([news()], tmp_path)}
    assert (unpaid["start"], unpaid["end"]) in events and "cause_status" not in unpaid


def test_entities_and_relations(tmp_path):
    rows = written([news()], tmp_path, rows="entities")
    assert [(row["label"], row["text"]) for row in rows] == [(span.label, span.text) for span in news().entities]
    assert list(rows[0])[-5:] == ["MEMBER_OF", "HAS_ROLE", "PART_OF", "ALIAS", "sentence"] and "status" not in rows[0]
    assert [row["PART_OF"] for row in rows if row["PART_OF"]] == ["بالرقة", "حي المشلب"]
    rows = written([news()], tmp_path, rows="relations")
    assert [(row["type"], row["head"], row["tail"]) for row in rows] == [
        (relation.type, relation.head.text, relation.tail.text) for relation in news().relations]
    found = next(row for row in rows if row["type"] == "FROM")
    assert told(found) == {"document": "post-1", "type": "FROM", "head_label": "DEFECTION", "head_status": "ACTUAL",
                           "head": "انشقّا", "head_score": "0.9877", "tail_label": "GROUP", "tail": "قسد",
                           "score": "0.5", "sentence": FIRST}


def test_meta_by_name_or_as_in_the_first_document(tmp_path):
    given = [news(meta={"date": "d", "brat": {"x": 1}}), news(id=None, meta={"url": "u", "brat": {"x": 1}})]
    losses = Losses()
    rows = written(given, tmp_path, losses=losses)
    assert [(row["document"], row["meta.date"]) for row in rows] == [("post-1", "d")] * 2 + [("2", "")] * 2
    assert "meta.url" not in rows[0] and list(losses.counts.values()) == [1] and "url" in losses.lines()[0]
    losses = Losses()
    rows = written(given, tmp_path, losses=losses, meta="url, brat")
    assert [(row["meta.url"], row["meta.brat"]) for row in rows][1:3] == [("", '{"x": 1}'), ("u", '{"x": 1}')]
    assert not losses and not any(column.startswith("meta") for column in written(given, tmp_path, meta="")[0])


def test_no_formula_no_line_break_and_a_byte_order_mark(tmp_path):
    text = "=HYPERLINK(\"x\";قُتل)\r\n\n+963\t@a -1 \u2028=2"
    ends = [span.span() for span in re.finditer(r"=H\S+|\+963\t@a|@a|-1 \u2028=2", text)]
    spans = [Span(start, end, "ORG") for start, end in ends] + [Span(text.index("قُتل"), text.index(")"), "CASUALTY")]
    write([Document(text, spans, id="-100/7", meta={"n": -5})], tmp_path / "t.csv", "csv", rows="entities")
    assert (tmp_path / "t.csv").read_bytes().startswith(b"\xef\xbb\xbfdocument,")
    rows = table(tmp_path / "t.csv")
    assert [row["text"] for row in rows] == ["'=HYPERLINK(\"x\";قُتل)", "'+963 @a", "'-1 =2"]
    assert {(row["document"], row["meta.n"]) for row in rows} == {("'-100/7", "-5")}
    assert [row["sentence"] for row in rows] == ["'=HYPERLINK(\"x\";قُتل)", "'+963 @a -1 =2", "'+963 @a -1 =2"]


@pytest.mark.parametrize("separator", [";", "\t"])
def test_other_separators(tmp_path, separator):
    assert written([news()], tmp_path, separator=separator) == written([news()], tmp_path)


def test_no_documents_give_the_names_of_the_columns(tmp_path):
    assert written([], tmp_path) == [] and "document,event,status,trigger" in (tmp_path / "t.csv").read_text("utf-8")


OTHER = Schema.from_dict({
    "name": "floods", "layers": [{"name": "things", "labels": ["RIVER", "TOWN"], "statuses": ["SURE", "DOUBTED"]},
                                 {"name": "events", "labels": ["FLOOD"]}],
    "relations": [{"name": "OF", "joins": [["FLOOD", "RIVER"]]}, {"name": "NEAR", "joins": [["@things", "@things"]]}]})


def test_any_schema_and_what_it_does_not_know(tmp_path):
    flood, river, town = Span(0, 5, "FLOOD"), Span(6, 12, "RIVER", "SURE"), Span(13, 16, "TOWN", "DOUBTED")
    relations = [Relation("OF", flood, river), Relation("NEAR", river, town), Relation("IN", flood, town)]
    document = Document("فيضان الفرات هيت", [flood, river, town, Span(0, 12, "ODD")], relations)
    losses = Losses()
    row, = written([document], tmp_path, schema=OTHER, losses=losses)
    columns = ["document", "event", "trigger", "start", "end", "score", "OF", "causes", "cause_types", "sentence"]
    assert list(row) == columns
    assert (row["trigger"], row["OF"]) == ("فيضان", "الفرات")
    assert losses.counts == {"span with a label that the schema does not have": 1,
                             "relation for which the schema has no column": 1}
    rows = written([document], tmp_path, schema=OTHER, rows="things")
    assert [(row["label"], row["status"], row["NEAR"]) for row in rows] == [
        ("RIVER", "SURE", "هيت"), ("TOWN", "DOUBTED", "")]
    with pytest.raises(ArabieError, match="rows='causes' is neither a layer of the schema 'floods' nor relations"):
        written([document], tmp_path, schema=OTHER, rows="causes")


@pytest.mark.parametrize(("options", "message"), [
    ({"rows": "cause"}, "rows='cause' is neither a layer .* did you mean 'causes'?"),
    ({"separator": "|"}, "use a comma, a semicolon or a tab"),
    ({"row": "causes"}, "csv has no option 'row' to write; did you mean 'rows'?"),
])
def test_wrong_options(tmp_path, options, message):
    with pytest.raises(ArabieError, match=message):
        write([news()], tmp_path / "t.csv", "csv", **options)
    assert not any(tmp_path.iterdir())


def test_it_is_written_and_not_read(tmp_path):
    write([news()], tmp_path / "t.csv", "csv")
    with pytest.raises(ArabieError, match="t.csv: csv is written, not read.*; read the file that the table"):
        read(tmp_path / "t.csv", "csv")
    assert options_of("csv", "read") == {} and "not read" in FORMATS["csv"]
    with pytest.raises(FileError) as error:
        list(read(tmp_path / "t.csv"))
    assert "looks like" not in str(error.value)


def test_half_a_file_is_never_left(tmp_path):
    def broken():
        yield news()
        raise FileError("a.jsonl:2: not JSON")
    with pytest.raises(FileError):
        write(broken(), tmp_path / "t.csv", "csv")
    with pytest.raises(FileError, match="half of a surrogate pair"):
        write([Document("\ud83d قتل", [Span(2, 5, "CASUALTY")])], tmp_path / "t.csv", "csv")
    assert not any(tmp_path.iterdir())


def shown(value: str) -> str:
    """A text as a cell has it."""
    value = " ".join(value.split())
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


@QUICK
@given(st.lists(documents([*PIECES, "=", "+", "-", "@", '"', ",", ";", "\r"], [*ODD_NAMES, "=x"]), max_size=3),
       st.sampled_from([",", ";", "\t"]))
def test_a_reader_of_csv_finds_the_same_values(tmp_path, given, separator):
    spans = [(document, span) for document in given for span in document.spans]

    def checked(rows, expected, names):
        assert len(rows) == len(expected)
        for row, (document, span) in zip(rows, expected):
            score = "" if span.score is None else str(span.score)
            values = shown(span.label), span.status or "", shown(span.text), str(span.start), str(span.end), score
            assert tuple(row.get(name, "") for name in names) == values
            assert document.id is None or row["document"] == document.id
            assert " ".join(span.text.split()) in row["sentence"]

    for layer, names in (("events", ("event", "status", "trigger", "start", "end", "score")),
                         ("entities", ("label", "status", "text", "start", "end", "score"))):
        checked(written(given, tmp_path, rows=layer, separator=separator),
                [(document, span) for document, span in spans if span.label in SCHEMA.labels(layer)], names)
    pairs = [(document, cause.span) for document in given for cause in document.causes
             for _ in range(sum(cause in event.causes for event in document.events) or 1)]
    checked(written(given, tmp_path, rows="causes", separator=separator), pairs,
            ("cause_type", "cause_status", "cause", "cause_start", "cause_end", "cause_score"))
    heads = [(document, relation.head) for document in given for relation in document.relations]
    checked(written(given, tmp_path, rows="relations", separator=separator), heads,
            ("head_label", "head_status", "head", "head_start", "head_end", "head_score"))


@pytest.mark.parametrize("rows", ["events", "causes", "entities", "relations"])
def test_an_article_labelled_by_a_model(toy_model, tmp_path, rows):
    text = (ROOT / "examples" / "defections.txt").read_text(encoding="utf-8")
    document = arabie.load(toy_model, device="cpu").extract(text)
    found = written([document], tmp_path, rows=rows)
    assert found and all(row["sentence"] for row in found)
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(tmp_path / "t.csv", dtype=str, keep_default_na=False)
    assert frame.to_dict("records") == found
