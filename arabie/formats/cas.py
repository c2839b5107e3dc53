"""UIMA CAS as XMI (with its type system) or JSON, through the package dkpro-cassis: one file a document.

Offsets in the file are UTF-16 units, which dkpro-cassis converts. Spans, relations and links stand as
``arabie.formats.uima`` lays them out; the id is in DocumentMetaData, meta in fields beside it, tokens and sentences in
the types of DKPro Core. Reading takes any layers, as INCEpTION exports them, chains too.
"""

from __future__ import annotations

import io
import json
import warnings
import zipfile
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from arabie.document import Document
from arabie.errors import ArabieError, DocumentError, FileError
from arabie.formats.files import decode, read_bytes
from arabie.formats.folders import files_in, write_each
from arabie.formats.losses import Losses, name_of
from arabie.formats.offsets import Offsets
from arabie.formats.tokens import Tokens
from arabie.formats.uima import (ANNOTATION, LINKS, SENTENCE, SOURCE, TARGET, TOKEN, Arc, Builder, Layers, Link, Mark,
                                 Reading, annotations, covering, short_name, tokens_meta, type_system)
from arabie.schema import Schema

FORMS = ("xmi", "json")
METADATA = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.DocumentMetaData"
META_FIELD = "de.tudarmstadt.ukp.dkpro.core.api.metadata.type.MetaDataStringField"
META_REST = "arabie.meta"  # the key of what in meta is not a string, as JSON
_NO_LAYERS = ("uima.", "de.tudarmstadt.ukp.dkpro.core.api.metadata.", "de.tudarmstadt.ukp.clarin.webanno.api.type.",
              SENTENCE, TOKEN)


def _cassis() -> Any:
    try:
        import cassis
    except ImportError:
        raise ArabieError("UIMA CAS needs the package dkpro-cassis; "
                          "install it with: pip install 'arabie[uima]'") from None
    return cassis


def read(path: str | Path, *, schema: Schema, losses: Losses, layers: str = "", status: str = "status",
         types: str | Path | None = None) -> Iterator[Document]:
    """The Document of an .xmi, .json or .zip file, or of each of them in a folder.

    ``layers`` names the layers to read and their label features ("NamedEntity:value Span:label"), empty for all;
    ``status`` names the feature that holds a status; ``types`` is the type system of XMI files, by default
    NAME.TypeSystem.xml or TypeSystem.xml beside them (or in their zip).
    """
    reading, loader = Reading(layers, status), _Loader(types)
    for file, name in files_in(path, (".xmi", ".json", ".zip")):
        yield _Cas(loader.load(file), file).document(name, reading, schema, losses)


class _Loader:
    """Loads files with dkpro-cassis; a type system that files share is built once, for that takes most of the time."""

    def __init__(self, types: str | Path | None) -> None:
        self._types = types
        self._cassis = _cassis()
        self._systems: dict[bytes | str, Any] = {}

    def load(self, file: Path) -> Any:
        """The CAS of a file. Raises FileError."""
        data, where = read_bytes(file), str(file)
        if zipfile.is_zipfile(io.BytesIO(data)):
            return self._load_zip(data, where)
        if file.suffix.lower() == ".json":
            return self._load_json(data, where)
        beside = (file.with_name(f"{file.stem}.TypeSystem.xml"), file.with_name("TypeSystem.xml"))
        types = self._types or next((found for found in beside if found.exists()), None)
        if types is None:
            raise FileError(f"{file}: no type system; put its TypeSystem.xml beside it, or name it with types=FILE")
        return self._load_xmi(data, where, read_bytes(types), str(types))

    def _load_zip(self, data: bytes, where: str) -> Any:
        """The CAS of a zip as INCEpTION exports it: one .json, or one .xmi and its type system."""
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()
                       if name.lower().endswith((".xmi", ".json", ".xml"))}
        cases = [name for name in members if not name.lower().endswith(".xml")]
        if len(cases) != 1:
            raise FileError(f"{where}: the zip holds {len(cases)} .xmi or .json files; unpack it and name the folder")
        if cases[0].lower().endswith(".json"):
            return self._load_json(members[cases[0]], f"{where}/{cases[0]}")
        inside = next((name for name in members if name.lower().endswith(".xml")), None)
        if self._types is not None:
            types, named = read_bytes(self._types), str(self._types)
        elif inside is not None:
            types, named = members[inside], f"{where}/{inside}"
        else:
            raise FileError(f"{where}: the zip holds no type system; name it with types=FILE")
        return self._load_xmi(members[cases[0]], f"{where}/{cases[0]}", types, named)

    def _load_json(self, data: bytes, where: str) -> Any:
        text = decode(data, where)
        try:
            found = json.loads(text)
        except json.JSONDecodeError as error:
            raise FileError(f"{where}:{error.lineno}: not JSON: {error.msg} at column {error.colno}") from None
        if not isinstance(found, dict) or not isinstance(found.get("%FEATURE_STRUCTURES"), list):
            raise FileError(f"{where}: no %FEATURE_STRUCTURES list; export the document as UIMA CAS JSON")
        types = json.dumps(found.get("%TYPES"))
        known = self._systems.get(types)
        cas = _parsed(self._cassis.load_cas_from_json, text, where, "UIMA CAS JSON", typesystem=known,
                      merge_typesystem=known is None)
        self._systems[types] = cas.typesystem
        return cas

    def _load_xmi(self, data: bytes, where: str, types: bytes, types_where: str) -> Any:
        if b"http://www.omg.org/XMI" not in data[:4000]:
            raise FileError(f"{where}: not XMI, which names the space http://www.omg.org/XMI on top; "
                            "export it as UIMA CAS XMI")
        if types not in self._systems:
            self._systems[types] = _parsed(self._cassis.load_typesystem, io.BytesIO(types), types_where,
                                           "a UIMA type system")
        return _parsed(self._cassis.load_cas_from_xmi, io.BytesIO(data), where, "UIMA CAS XMI",
                       typesystem=self._systems[types])


def _parsed(parse: Any, source: Any, where: str, what: str, **options: Any) -> Any:
    """What a parser of dkpro-cassis makes of a source; its warning of an offset it cannot convert is an error here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.filterwarnings("error", message="Not mapping")
        try:
            return parse(source, **options)
        except Exception as error:  # dkpro-cassis lets errors of many kinds through
            told = f"{type(error).__name__}: {error}".replace("\n", " ")[:300]
            raise FileError(f"{where}: not readable as {what}: {told}; "
                            "export it again, with its own type system") from None


class _Cas:
    """The marks and arcs of a CAS."""

    def __init__(self, cas: Any, file: Path) -> None:
        self.cas, self.file, self.types = cas, file, cas.typesystem
        self.text: str = cas.sofa_string
        if self.text is None:
            raise FileError(f"{file}: the CAS has no text in its first view; export a document with text")
        self.offsets = Offsets(self.text, "utf-16")
        self.used: dict[str, dict[str, None]] = {}
        self.found = [fs for fs in cas.select_all_annotations() if not fs.type.name.startswith(_NO_LAYERS)]
        self._check()
        self.marks = {fs.xmiID: self._mark(fs) for fs in self.found if not self._is_relation(fs)}
        self.arcs = [self._arc(fs) for fs in self.found if self._is_relation(fs)]
        for fs in self.found:
            if fs.xmiID in self.marks:
                self._add_links(fs, self.marks[fs.xmiID])

    def _check(self) -> None:
        for fs in self.found:
            given = isinstance(fs.begin, int) and isinstance(fs.end, int)
            if not (given and 0 <= fs.begin <= fs.end <= len(self.text)):
                raise FileError(f"{self.file}: annotation {fs.xmiID} ({fs.type.name}) reaches from {fs.begin} to "
                                f"{fs.end}, outside the text of {len(self.text)} characters; export the document again")

    def _is_relation(self, fs: Any) -> bool:
        return {SOURCE, TARGET} <= set(_features_of(fs.type))

    def _values(self, fs: Any) -> Iterator[tuple[str, Any]]:
        for name, accessor in _features_of(fs.type).items():
            if name not in ("begin", "end", "sofa", SOURCE, TARGET):
                value = getattr(fs, accessor)
                if value is not None and (value is not False and value != 0 or name == "score"):
                    yield name, value

    def _features(self, fs: Any) -> dict[str, str]:
        """The plain features that have a value (false and 0 are what UIMA writes for none); references by name."""
        used = self.used.setdefault(fs.type.name, {})
        features = {}
        for name, value in self._values(fs):
            if isinstance(value, (str, int, float)):
                features[name] = str(value)
                used[name] = None
            elif not self._links(value) and not (name == "next" and hasattr(value, "xmiID")):
                features[name] = f"a reference to {getattr(getattr(value, 'type', None), 'name', type(value).__name__)}"
        return features

    @staticmethod
    def _links(value: Any) -> list[Any]:
        """The links in the value of a slot feature; none if it is something else."""
        elements = getattr(value, "elements", None) or []
        return [link for link in elements if hasattr(link, "target") and hasattr(link, "role")]

    def _mark(self, fs: Any) -> Mark:
        mark = Mark(fs.type.name, fs.begin, fs.end, self._features(fs))
        if "next" in _features_of(fs.type):
            self.used[fs.type.name].pop("referenceRelation", None)
            mark.features.pop("referenceRelation", None)
        if "fragments" in mark.features:
            mark.features["fragments"] = _converted(mark.features["fragments"], self.offsets.to_code_points)
        return mark

    def _arc(self, fs: Any) -> Arc:
        source, target = getattr(fs, SOURCE), getattr(fs, TARGET)
        return Arc(fs.type.name, self._known(source), self._known(target), self._features(fs))

    def _known(self, fs: Any) -> Mark | None:
        return None if fs is None else self.marks.get(fs.xmiID)

    def _add_links(self, fs: Any, mark: Mark) -> None:
        for name, value in self._values(fs):
            if name == "next" and hasattr(value, "xmiID"):
                relation = getattr(fs, "referenceRelation", None)
                mark.links.append(Link(short_name(mark.layer).removesuffix("Link"), relation, self._known(value)))
            for link in self._links(value):
                score = getattr(link, "score", None)
                score = None if score is None else str(score)
                mark.links.append(Link(name, link.role, self._known(link.target), score))

    def document(self, name: str, reading: Reading, schema: Schema, losses: Losses) -> Document:
        declared = {layer: list(_features_of(self.types.get_type(layer))) for layer in self.used}
        used = {layer: list(names) for layer, names in self.used.items()}
        builder = Builder(self.text, used, declared, reading, schema, losses, str(self.file))
        for view in self.cas.sofas[1:]:
            losses.add("further view of a CAS", f"{self.file}: {view.sofaID}")
        return builder.build(self.marks.values(), self.arcs, self._id(name), {**self._meta(), **self._tokens()})

    def _select(self, type_: str) -> list[Any]:
        return self.cas.select(type_) if self.types.contains_type(type_) else []

    def _id(self, name: str) -> str | None:
        """The id in the document's metadata, else its title there; the name of the file where there are no metadata."""
        stated = self._select(METADATA)
        if not stated:
            return name
        return getattr(stated[0], "documentId", None) or getattr(stated[0], "documentTitle", None)

    def _meta(self) -> dict[str, Any]:
        meta = {field.key: field.value for field in self._select(META_FIELD)}
        try:
            return meta | json.loads(meta.pop(META_REST, "{}"))
        except (json.JSONDecodeError, TypeError):
            raise FileError(f"{self.file}: the metadata field {META_REST} is not a JSON object; take it out") from None

    def _tokens(self) -> dict[str, Any]:
        tokens = self._select(TOKEN)
        if not tokens:
            return {}
        starts = sorted(sentence.begin for sentence in self._select(SENTENCE))
        sentences: list[list[tuple[int, int]]] = [[] for _ in range(max(1, len(starts)))]
        for token in tokens:
            sentences[max(0, bisect_right(starts, token.begin) - 1)].append((token.begin, token.end))
        return tokens_meta(Tokens(self.text, tuple(tuple(sentence) for sentence in sentences if sentence)))


def _features_of(type_: Any) -> dict[str, str]:
    """The features of a type, each with the attribute dkpro-cassis gives its value by: two names it changes."""
    renamed = {"self_": "self", "type_": "type"}
    return {renamed.get(feature.name, feature.name): feature.name for feature in type_.all_features}


def _converted(fragments: str, convert: Any) -> str:
    """Fragments ("5-9 12-15") in another unit; they stay as they are where they cannot be converted."""
    try:
        ranges = [convert(*map(int, part.split("-"))) for part in fragments.split()]
    except (ValueError, TypeError):
        return fragments
    return " ".join(f"{start}-{end}" for start, end in ranges)


def write(documents: Iterable[Document], path: str | Path, *, schema: Schema, losses: Losses,
          form: str = "xmi") -> None:
    """Write one Document to an .xmi or .json file, or each to its own file, of that form, in a new folder."""
    if form not in FORMS:
        raise ArabieError(f"unknown form {form!r} of a CAS; known: {', '.join(FORMS)}")
    suffix = Path(path).suffix.lower()
    suffix = suffix if suffix.removeprefix(".") in FORMS else f".{form}"
    cassis, layers = _cassis(), Layers(schema)
    types = cassis.load_typesystem(type_system(schema))
    string = "uima.cas.String"
    for name, parent, features in ((METADATA, "uima.tcas.DocumentAnnotation", ("documentId", "documentTitle")),
                                   (META_FIELD, ANNOTATION, ("key", "value"))):
        made = types.create_type(name, parent)
        for feature in features:
            types.create_feature(made, feature, string)

    def render(document: Document) -> str:
        try:
            cas = cassis.Cas(types, sofa_string=document.text, sofa_mime="text/plain")
            _fill(cas, document, layers, losses)
            return cas.to_xmi() if suffix == ".xmi" else cas.to_json()
        except UnicodeEncodeError:
            raise  # half of a surrogate pair, which whoever writes the file tells
        except ValueError as error:
            advice = "; write form='json'" if suffix == ".xmi" else ""
            raise DocumentError(f"{name_of(document)} holds characters that a CAS cannot: {error}{advice}") from None

    write_each(documents, path, suffix, render, {"TypeSystem.xml": types.to_xml()} if suffix == ".xmi" else {}, losses,
               carries_id=True)


def beside(path: Path) -> list[Path]:
    """The type system of an .xmi file."""
    return [path.with_name(f"{path.stem}.TypeSystem.xml")] if path.suffix.lower() == ".xmi" else []


def _fill(cas: Any, document: Document, layers: Layers, losses: Losses) -> None:
    def add(name: str, start: int, end: int, **features: Any) -> Any:
        fs = cas.typesystem.get_type(name)(begin=start, end=end, **features)
        cas.add(fs)
        return fs

    _add_meta(add, document)
    for sentence in covering(Tokens.of(document, losses)).sentences:
        add(SENTENCE, sentence[0][0], sentence[-1][1])
        for start, end in sentence:
            add(TOKEN, start, end)
    offsets = Offsets(document.text, "utf-16")
    marks, arcs = annotations(document, layers)
    made = {}
    for mark in marks:
        if "fragments" in mark.features:
            mark.features["fragments"] = _converted(mark.features["fragments"], offsets.from_code_points)
        made[mark] = add(mark.layer, mark.start, mark.end, **_typed(mark.features))
    array = cas.typesystem.get_type("uima.cas.FSArray")
    for mark in marks:
        link = cas.typesystem.get_type(f"{mark.layer}ArgumentsLink")
        links = [link(role=found.role, target=made[found.target], **_typed({"score": found.score}))
                 for found in mark.links]
        if links:
            setattr(made[mark], LINKS, array(elements=links))
    for arc in arcs:
        target = made[arc.target]
        add(arc.layer, target.begin, target.end, **{SOURCE: made[arc.source], TARGET: target}, **_typed(arc.features))


def _typed(features: dict[str, str | None]) -> dict[str, Any]:
    return {name: float(value) if name == "score" else value for name, value in features.items() if value is not None}


def _add_meta(add: Any, document: Document) -> None:
    end = len(document.text)
    add(METADATA, 0, end, documentId=document.id, documentTitle=document.id)
    rest = {}
    for key, value in document.meta.items():
        if key == "tokens":
            continue
        if isinstance(key, str) and isinstance(value, str) and key != META_REST:
            add(META_FIELD, 0, end, key=key, value=value)
        else:
            rest[key] = value
    if rest:
        add(META_FIELD, 0, end, key=META_REST, value=json.dumps(rest, ensure_ascii=False))
