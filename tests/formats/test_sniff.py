from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import pytest

from arabie.errors import FileError
from arabie.formats import FORMATS, read
from arabie.formats.sniff import looks_like

DATA = Path(__file__).parent / "data"
TAGGED = "انشق\tB-X\nضابط\tO\n\nحلب\tB-LOC\n"
SAMPLES = {
    "jsonl": [{"text": "حلب", "spans": [{"id": "T1", "start": 0, "end": 3, "label": "LOC"}], "relations": []},
              {"text": "حلب", "spans": [{"start": 0}]}, {"id": "", "text": "{\"answer\": [", "spans": []},
              {"meta": {"prodigy": [{"_task_hash": 1, "answer": ""}, {"meta": {}, "tokens": [{"ws": True}]}],
                        "source": {"from_name": "a", "to_name": "b"}}, "text": "حلب", "spans": [], "relations": []}],
    "doccano": [{"text": "حلب", "label": [[0, 3, "LOC"]]}, {"id": 1, "text": "حلب", "entities": [], "relations": []}],
    "prodigy": [{"text": "حلب", "spans": [{"start": 0, "end": 3, "token_start": 0, "token_end": 0, "label": "LOC"}]},
                {"text": "حلب", "spans": [], "answer": "accept"}, {"text": "حلب", "_input_hash": 1, "_task_hash": 2},
                {"meta": {"source": "x"}, "text": "حلب", "spans": [], "answer": "accept"},
                {"text": "حلب", "spans": [{"meta": {}}, {"start": 0, "end": 3, "token_start": 0}]},
                {"text": "حلب", "tokens": [{"text": "حلب", "start": 0, "end": 3, "id": 0, "ws": False}], "spans": []}],
    "label-studio": [{"data": {"text": "حلب"}, "annotations": [{"result": [{"from_name": "a", "to_name": "text"}]}]},
                     {"data": {"text": "حلب"}}],
    "dygie": [{"doc_key": "d", "sentences": [["حلب"]], "ner": [[[0, 0, "LOC"]]]}],
    "gliner": [{"tokenized_text": ["حلب"], "ner": [[0, 0, "LOC"]]}],
    "datasets": [{"tokens": ["حلب"], "ner_tags": [1]}],
    "spacy": [{"text": "حلب", "ents": [{"start": 0, "end": 3, "label": "LOC"}], "tokens": []}],
    "cas": [{"%TYPES": {}, "%FEATURE_STRUCTURES": []}],
}
TEXTS = {
    "brat": "T1\tLOC 0 3\tحلب\n*\tEquiv T1 T2\n",
    "source": "=== d\nحلب\n--- spans\nT1 LOC حلب\n",
    "webanno": "#FORMAT=WebAnno TSV 3.3\n\n\n#Text=حلب\n1-1\t0-3\tحلب\t_\n",
    "conll": TAGGED,
    "conllu": "# sent_id = 1\n1\tحلب\t_\t_\t_\t_\t0\t_\t_\tNE=B-LOC\n",
    "apf": '<?xml version="1.0"?>\n<source_file URI="d.sgm"/>',
    "ere": '<?xml version="1.0"?>\n<deft_ere kit_id="d" doc_id="d"/>',
    "cas": '<?xml version="1.0"?>\n<xmi:XMI xmlns:xmi="http://www.omg.org/XMI"/>',
}


@pytest.mark.parametrize("name, record", [(name, record) for name, records in SAMPLES.items() for record in records])
def test_json_is_told_by_its_keys_in_every_layout(name, record, tmp_path):
    assert name in FORMATS
    plain = json.dumps(record, ensure_ascii=False)
    for content in (json.dumps(record), "\ufeff" + plain, plain + "\n" + plain, json.dumps([record], indent=1)):
        (tmp_path / "file").write_text(content, encoding="utf-8")
        assert looks_like(tmp_path / "file") == name


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_told_by_their_lines(name, tmp_path):
    assert name in FORMATS
    (tmp_path / "file").write_text(TEXTS[name], encoding="utf-8")
    assert looks_like(tmp_path / "file") == name


def test_binary_files_and_folders_are_told(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("admin.jsonl", "")
    (tmp_path / "train.parquet").write_bytes(b"PAR1....")
    (tmp_path / "train.spacy").write_bytes(zlib.compress(b"\x85\xa5attrs"))
    assert [looks_like(file) for file in sorted(tmp_path.iterdir())] == ["doccano", "datasets", "spacy"]
    assert looks_like(DATA / "brat") == looks_like(DATA / "brat" / "nested.txt") == "brat"


@pytest.mark.parametrize("content", ["", "خبر عن حلب\n", "{}", "x,y\n1,2\n", "\0\1\2"])
def test_what_looks_like_nothing_is_not_guessed(content, tmp_path):
    (tmp_path / "file").write_text(content, encoding="utf-8")
    assert looks_like(tmp_path / "file") is None
    assert looks_like(tmp_path / "missing") is None


def test_a_wrong_format_gets_an_error_that_names_the_right_one(tmp_path):
    (tmp_path / "file.jsonl").write_text(json.dumps(SAMPLES["doccano"][0]), encoding="utf-8")
    with pytest.raises(FileError, match="no folder and no .ann.* It looks like doccano; to convert it: "
                                        "arabie convert .*file.jsonl NEW.jsonl --from doccano --to jsonl"):
        list(read(tmp_path / "file.jsonl", "brat"))
    with pytest.raises(FileError, match="It looks like brat; .* --from brat "):
        list(read(DATA / "brat" / "nested.ann", "prodigy"))


def test_an_error_in_the_right_format_gets_no_such_hint(tmp_path):
    (tmp_path / "file.jsonl").write_text('{"text": "حلب", "label": [[0, 9, "LOC"]]}', encoding="utf-8")
    with pytest.raises(FileError) as error:
        list(read(tmp_path / "file.jsonl", "doccano"))
    assert "It looks like" not in str(error.value)


def test_a_fault_in_a_native_record_with_few_keys_is_not_taken_for_another_format(tmp_path):
    (tmp_path / "file.jsonl").write_text('{"text": "حلب", "spans": [{"start": 0}]}', encoding="utf-8")
    with pytest.raises(FileError) as error:
        list(read(tmp_path / "file.jsonl"))
    assert str(error.value) == f'{tmp_path / "file.jsonl"}:1: spans[0]: "start" and "end" are integers, not 0 and None'
