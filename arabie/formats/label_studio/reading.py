"""Reading Label Studio's JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arabie.document import Document, Relation, Span
from arabie.errors import ArabieError, DocumentError, FileError, nearest
from arabie.formats.files import read_records
from arabie.formats.label_studio.config import STATUS, TEXT
from arabie.formats.label_studio.hypertext import TextContent
from arabie.formats.losses import Losses
from arabie.formats.offsets import Offsets
from arabie.formats.records import list_at, merged, score_at, shown
from arabie.schema import Schema

USES = ("annotations", "predictions")
_LABELS = ("labels", "hypertextlabels")
_PLACE = ("start", "end", "startOffset", "endOffset", "globalOffsets")
_ANSWERS = ("choices", "textarea", "taxonomy", "rating", "number", "datetime")  # for a region or the whole text
_SPACING = re.compile(r"\\[nr]|[\s\ufeff]+")


def read(path: str | Path, *, schema: Schema, losses: Losses, use: str = "annotations", annotator: str = "first",
         field: str | None = None) -> Iterator[Document]:
    """The Documents of an export: one for each task, or for each of its annotations.

    ``use`` is "annotations" or "predictions"; ``annotator`` is "first" (the first annotation that is not skipped),
    "all" (a Document for each, with ``meta["annotator"]``), an annotator's id or email, or a model's version; ``field``
    names the text among a task's data, and the object of its regions where there are several texts.
    Raises FileError with file:line and why, also where there are predictions but no annotations are submitted.
    """
    if use not in USES:
        raise ArabieError(f"use={use!r}: there is no such part of a task; {nearest(use, USES)}")
    seen: set[str] = set()
    found = unsubmitted = 0
    for where, record in read_records(path):
        task = _Task(record, where, schema, losses, field)
        unsubmitted += use == "annotations" and task.is_unsubmitted
        for document in task.documents(use, annotator, seen):
            found += 1
            yield document
    if annotator not in ("first", "all") and seen and not found:
        raise FileError(f"{path}: none of the {use} is by {annotator!r}; they are by {', '.join(sorted(seen))}")
    if unsubmitted and not found:
        have = "has" if unsubmitted == 1 else "have"
        raise FileError(f"{path}: no task has annotations; {unsubmitted:,} {have} predictions: submit them in Label Studio "
                        "and export again, or add --read use=predictions")


@dataclass
class _Region:
    """A region of the text: its place as the file has it, its labels, what else is said of it."""

    id: str | None
    value: Mapping[str, Any]
    labels: list[str]
    score: float | None
    meta: Mapping[str, Any]
    status: str | None = None
    spans: list[Span] = field(default_factory=list)


class _Task:
    """One task of an export."""

    def __init__(self, record: Mapping[str, Any], where: str, schema: Schema, losses: Losses,
                 field: str | None) -> None:
        self.where = where if record.get("id") is None else f"{where} (task {record['id']})"
        self.record, self.schema, self.losses, self.field = record, schema, losses, field
        self.data = record.get("data")
        if not isinstance(self.data, dict):
            minimal = "this looks like JSON-MIN; " if "annotation_id" in record or "lead_time" in record else ""
            raise FileError(f'{self.where}: a task has an object "data"; {minimal}export the project as JSON')
        self.key = self._key()
        self.text: str = self.data[self.key]

    def _key(self) -> str:
        """The name of the text among the data: as asked, or the only one, or "text"."""
        texts = [name for name, value in self.data.items() if isinstance(value, str) and name != "id"]
        if self.field is not None and self.field in texts:
            return self.field
        names = ", ".join(texts)
        if self.field is not None:
            raise FileError(f"{self.where}: the data have no text {self.field!r}; they have {names or 'none'}")
        if len(texts) == 1 or TEXT in texts:
            return TEXT if TEXT in texts else texts[0]
        if texts:
            raise FileError(f"{self.where}: the data have {names}; say which one is the text with field=NAME")
        raise FileError(f"{self.where}: the data have no text; a task's data hold its text as a string")

    def _items(self, use: str) -> list:
        """The annotations (completions before Label Studio 1.0) or the predictions."""
        key = "completions" if use == "annotations" and "annotations" not in self.record else use
        items = list_at(self.record, key, self.where)
        for item in items:
            if not isinstance(item, dict):
                raise FileError(f'{self.where}: "{key}" holds {shown(item)}, not an object; export the project as JSON')
        return items

    @property
    def is_unsubmitted(self) -> bool:
        """Whether there are predictions and no annotations."""
        return bool(self.record.get("predictions")) and not self._items("annotations")

    def documents(self, use: str, annotator: str, seen: set[str]) -> Iterator[Document]:
        chosen, skipped = [], 0
        for item in self._items(use):
            if item.get("was_cancelled") or item.get("skipped"):
                self._lose("annotation skipped by its annotator", "")
                skipped += 1
                continue
            names = self._names(item, use)
            seen.update(names[:1])
            if annotator in ("first", "all") or annotator in names:
                chosen.append((item, names[0] if names else None))
        if not chosen and not skipped:
            by = "" if annotator in ("first", "all") else f" by {annotator}"
            predicted = ", but with predictions" if use == "annotations" and self.is_unsubmitted else ""
            self._lose(f"task without {use}{by}{predicted}", "")
        for number, (item, name) in enumerate(chosen):
            if annotator != "all" and number:
                self._lose(f"further {use} of a task", "")
                continue
            yield self._document(item, {} if annotator == "first" or name is None else {"annotator": name})

    def _names(self, item: Mapping[str, Any], use: str) -> list[str]:
        """What an annotator, or a model, goes by; the name to tell first."""
        by = item.get("completed_by") if use == "annotations" else item.get("model_version")
        names = [by.get("email"), by.get("id")] if isinstance(by, dict) else [by]
        return [str(name) for name in names if name is not None]

    def _lose(self, cause: str, what: str) -> None:
        self.losses.add(cause, f"{self.where}: {what}" if what else self.where)

    def _document(self, item: Mapping[str, Any], whose: dict[str, str]) -> Document:
        results = list_at(item, "result", self.where)
        for number, result in enumerate(results):
            if not isinstance(result, dict) or not isinstance(result.get("type"), str):
                raise FileError(f'{self.where}: result[{number}] is {shown(result)}; '
                                'a result is an object with a "type"')
        regions, by_id = self._regions(results)
        self._answers(results, by_id)
        self._place(regions)
        spans = self._unique([span for region in regions for span in region.spans])
        relations = self._relations(results, by_id)
        inner = self.data.get("meta") if isinstance(self.data.get("meta"), dict) else {}
        data = {name: value for name, value in self.data.items() if name not in (self.key, "id") and value is not inner}
        meta = merged((data, inner, whose), self.losses, self.where)
        named = self.data.get("id", self.record.get("id"))
        name = None if named is None else str(named)
        try:
            return Document(self.text, spans, relations, name, {**meta, **inner, **whose}, self.schema)
        except DocumentError as error:
            raise FileError(f"{self.where}: {error}") from None

    def _unique(self, spans: list[Span]) -> tuple[Span, ...]:
        kept = dict.fromkeys(spans)
        if len(kept) < len(spans):
            self.losses.add("region that is there twice", self.where, len(spans) - len(kept))
        return tuple(kept)

    def _regions(self, results: list[dict[str, Any]]) -> tuple[list[_Region], dict[str, list[_Region]]]:
        """The regions of the text, and those of each id: one, unless the file gives its ids twice."""
        wanted = self._object(results)
        regions: list[_Region] = []
        by_id: dict[str, list[_Region]] = {}
        for number, result in enumerate(results):
            if result["type"] in _LABELS and wanted in (None, result.get("to_name")):
                region = self._region(result, f"result[{number}]")
                named = [] if region.id is None else by_id.setdefault(region.id, [])
                first = next((other for other in named if _at_one_place(region.value, other.value)), None)
                if first is not None:
                    self._join(first, region)
                else:
                    named.append(region)
                    regions.append(region)
            elif result["type"] in _LABELS:
                self._lose(f"region of another text ({result.get('to_name')})", "")
        return regions, by_id

    def _join(self, region: _Region, further: _Region) -> None:
        """Add the labels that a further control gives to a region."""
        region.labels = list(dict.fromkeys(region.labels + further.labels))
        if further.score not in (None, region.score) or further.meta not in ({}, region.meta):
            self._lose("score or note that a further control gives to a region", ", ".join(further.labels))

    def _named(self, by_id: Mapping[str, list[_Region]], name: str | None, told: str) -> _Region | None:
        """The region of an id, or None. Raises FileError where several have it."""
        found = by_id.get(name, ())
        if len(found) > 1:
            raise FileError(f"{self.where}: {told} belongs to the id {name!r}, which {len(found)} regions have; "
                            "give each region an id of its own")
        return found[0] if found else None

    def _answers(self, results: list[dict[str, Any]], by_id: Mapping[str, list[_Region]]) -> None:
        """Tell the regions their status; count what else there is besides regions of text and relations."""
        for number, result in enumerate(results):
            if result["type"] in _ANSWERS:
                self._answer(result, self._named(by_id, _id(result), f"result[{number}]"))
            elif result["type"] not in (*_LABELS, "relation"):
                self._lose(f"region that is not of text ({result['type']})", "")

    def _object(self, results: list[dict[str, Any]]) -> str | None:
        """The object whose regions are read, where a task has regions of several."""
        names = sorted({str(result.get("to_name")) for result in results if result["type"] in _LABELS})
        if len(names) < 2:
            return None
        if self.field in names:
            return self.field
        raise FileError(f"{self.where}: regions of several texts ({', '.join(names)}); "
                        "say which to read with field=NAME")

    def _region(self, result: Mapping[str, Any], told: str) -> _Region:
        value = result.get("value")
        if not isinstance(value, dict):
            raise FileError(f'{self.where}: {told} has no object "value"; export the project as JSON')
        labels = next((value[key] for key in (result["type"], "labels", "htmllabels") if key in value), [])
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise FileError(f"{self.where}: the labels of {told} are {shown(labels)}; they must be a list of strings")
        if not labels:
            self._lose("region without a label", shown(value.get("text", "")))
        score, meta = score_at(result, told, self.where), result.get("meta")
        return _Region(_id(result), value, list(dict.fromkeys(labels)), score, meta if isinstance(meta, dict) else {})

    def _answer(self, result: Mapping[str, Any], region: _Region | None) -> None:
        """Take a status from an answer given for a region; count any other."""
        value = result.get("value")
        given = value.get(result["type"], value.get("text")) if isinstance(value, dict) else None
        answers = given if isinstance(given, list) else [given]
        if region is None:
            return self._lose(f"answer about the whole text ({result['type']})", shown(given))
        for answer in answers:
            is_status = result.get("from_name") == STATUS or answer in self.schema.statuses
            if isinstance(answer, str) and is_status and region.status is None:
                region.status = answer
            else:
                self._lose(f"answer about a region other than its status ({result['type']})", shown(answer))

    def _place(self, regions: list[_Region]) -> None:
        """Give each region its spans, at offsets that the covered text proves."""
        content = None
        plain = [region for region in regions if not _is_hypertext(region.value)]
        offsets = self._offsets(plain)
        for region in regions:
            if _is_hypertext(region.value):
                content = content or TextContent(self.text)
                found = self._in_hypertext(region.value, content)
            else:
                found = self._in_text(region.value, offsets)
            if found is None:
                self._lose("region whose text is not what stands at its place", shown(region.value.get("text", "")))
            else:
                self._add_spans(region, *found)

    def _offsets(self, regions: list[_Region]) -> Offsets:
        """The unit that regions are counted in: code points, unless the covered texts agree better with UTF-16."""
        points, units = Offsets(self.text, "code-points"), Offsets(self.text, "utf-16")
        if points.length == units.length:
            return points

        def wrong(offsets: Offsets) -> int:
            return sum(not self._fits(region.value, offsets) for region in regions)

        return units if wrong(units) < wrong(points) else points

    def _range(self, value: Mapping[str, Any]) -> tuple[int, int]:
        start, end = value.get("start"), value.get("end")
        if not _is_whole(start) or not _is_whole(end):
            raise FileError(f"{self.where}: a region has start {shown(start)} and end {shown(end)}; "
                            "both must be whole numbers")
        return int(start), int(end)

    def _fits(self, value: Mapping[str, Any], offsets: Offsets) -> bool:
        try:
            start, end = offsets.to_code_points(*self._range(value))
        except DocumentError:
            return False
        return start < end and _same(value.get("text"), self.text[start:end])

    def _in_text(self, value: Mapping[str, Any], offsets: Offsets) -> tuple[int, int] | None:
        start, end = self._range(value)
        try:
            found = offsets.to_code_points(start, end)
        except DocumentError as error:
            raise FileError(f"{self.where}: region {start}–{end}: {error}; "
                            "was the text changed after it was annotated?") from None
        if start >= end:
            raise FileError(f"{self.where}: region {start}–{end} has no extent; delete it or give it one")
        return found if self._fits(value, offsets) else None

    def _in_hypertext(self, value: Mapping[str, Any], content: TextContent) -> tuple[int, int] | None:
        """The range of the HTML, by the global offsets or else by the paths, whichever the covered text proves."""
        ranges = []
        if isinstance(value.get("globalOffsets"), dict):
            ranges.append(self._range(value["globalOffsets"]))
        if _is_whole(value.get("startOffset")) and _is_whole(value.get("endOffset")):
            ranges.append((content.place(str(value.get("start")), int(value["startOffset"])),
                           content.place(str(value.get("end")), int(value["endOffset"]))))
        if not ranges:
            raise FileError(f"{self.where}: a region of HTML has neither globalOffsets nor start, end, startOffset and "
                            "endOffset; export the project as JSON")
        for start, end in ranges:
            if start is not None and end is not None and 0 <= start < end <= len(content.text):
                if _same(value.get("text"), content.text[start:end]):
                    return content.to_source(start, end)
        return None

    def _add_spans(self, region: _Region, start: int, end: int) -> None:
        fragments, notes = (), dict(region.meta)
        if "fragments" in notes:
            fragments = _fragments(notes.pop("fragments"), start, end)
            if not fragments:
                self._lose("fragments that do not fit their region", f"{start}–{end}")
        if notes:
            self._lose("note on a region", shown(notes))
        for number, label in enumerate(region.labels):
            status = region.status or self.schema.default_status(label)
            region.spans.append(Span(start, end, label, status, region.score, fragments, None if number else region.id))

    def _relations(self, results: list[dict[str, Any]], by_id: Mapping[str, list[_Region]]) -> tuple[Relation, ...]:
        relations: dict[Relation, None] = {}
        known = {_id(result) for result in results if result["type"] != "relation"} - {None}
        for number, result in enumerate(results):
            if result["type"] == "relation":
                for relation in self._read_relation(result, f"result[{number}]", by_id, known):
                    if relation in relations:
                        self._lose("relation that is there twice", relation.type)
                    relations[relation] = None
        return tuple(relations)

    def _read_relation(self, result: Mapping[str, Any], told: str, by_id: Mapping[str, list[_Region]],
                       known: set[str]) -> Iterator[Relation]:
        ends = []
        for key in ("from_id", "to_id"):
            name = _id(result, key)
            if name not in known:
                raise FileError(f"{self.where}: {told} is a relation whose {key} {shown(result.get(key))} is no region "
                                "of this annotation; delete the relation")
            ends.append(self._named(by_id, name, told))
        direction, labels = result.get("direction", "right"), result.get("labels") or []
        if direction not in ("right", "left", "bi"):
            raise FileError(f"{self.where}: the direction of {told} is {shown(direction)}; it is left, right or bi")
        if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
            raise FileError(f"{self.where}: the labels of {told} are {shown(labels)}; they must be a list of strings")
        score = score_at(result, told, self.where)
        if None in ends or not all(region.spans for region in ends):
            return self._lose("relation of a region that is left out", ", ".join(labels))
        if not labels:
            return self._lose("relation without a label", told)
        pairs = {"right": (ends,), "left": (ends[::-1],), "bi": (ends, ends[::-1])}[direction]
        for label in labels:
            for head, tail in pairs:
                yield from self._joined(label, head.spans, tail.spans, score)

    def _joined(self, label: str, heads: list[Span], tails: list[Span], score: float | None) -> Iterator[Relation]:
        """The relations between the labels of two regions that the schema allows, or between the first of each."""
        pairs = [(head, tail) for head in heads for tail in tails]
        allowed = [pair for pair in pairs if self.schema.allows(label, pair[0].label, pair[1].label)]
        return (Relation(label, head, tail, score) for head, tail in allowed or pairs[:1])


def _id(result: Mapping[str, Any], key: str = "id") -> str | None:
    return None if result.get(key) is None else str(result[key])


def _at_one_place(value: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two values of regions have the same offsets and, where both quote it, the same text."""
    return all(value.get(key) == other.get(key) for key in _PLACE) and (
        None in (value.get("text"), other.get("text")) or value["text"] == other["text"])


def _is_whole(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) or isinstance(number, float) and number.is_integer()


def _is_hypertext(value: Mapping[str, Any]) -> bool:
    return "globalOffsets" in value or isinstance(value.get("start"), str)


def _same(covered: Any, text: str) -> bool:
    r"""Whether a region's covered text, if it has one, is this; line breaks are ``\n`` there, spaces may be lost."""
    return not isinstance(covered, str) or _SPACING.sub("", covered) == _SPACING.sub("", text)


def _fragments(given: Any, start: int, end: int) -> tuple[tuple[int, int], ...]:
    """Fragments (of code points) if they reach from start to end, else none."""
    try:
        found = tuple((int(first), int(last)) for first, last in given)
    except (TypeError, ValueError):
        return ()
    edges = [edge for part in found for edge in part]
    return found if found and edges == sorted(edges) and (edges[0], edges[-1]) == (start, end) else ()
