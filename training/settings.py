"""Experiment files: TOML read into small dataclasses; an unknown key is an error that names the nearest."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from pathlib import Path
from typing import Any, TypeVar

from arabie.errors import ConfigError, nearest

T = TypeVar("T")


def load_settings(path: str | Path, kind: type[T]) -> T:
    """The settings of a TOML file as an instance of the dataclass ``kind``, whose fields may be dataclasses too."""
    try:
        data = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}") from None
    return build(data, kind, str(path))


def build(data: dict[str, Any], kind: type[T], where: str) -> T:
    """The settings in a table that was read, as ``kind``; ``where`` is what an error calls it. Raises ConfigError."""
    hints = typing.get_type_hints(kind)
    values = {}
    for key, value in data.items():
        if key not in hints:
            raise ConfigError(f"{where}: unknown key {key!r}; {nearest(key, hints)}")
        values[key] = _value(value, hints[key], f"{where}: {key}")
    missing = [f.name for f in dataclasses.fields(kind)
               if f.name not in values and f.default is f.default_factory is dataclasses.MISSING]
    if missing:
        raise ConfigError(f"{where}: {', '.join(missing)} must be given")
    try:
        return kind(**values)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from None


def _value(value: Any, hint: Any, where: str) -> Any:
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, dict):
            raise ConfigError(f"{where} is a table, written [{where.rsplit(' ', 1)[-1]}]")
        return build(value, hint, where)
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        hint = next(part for part in typing.get_args(hint) if part is not types.NoneType)
    origin = typing.get_origin(hint) or hint
    if origin is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if origin is tuple and isinstance(value, list):
        return tuple(value)
    if not isinstance(value, origin) or (isinstance(value, bool) and origin is not bool):
        raise ConfigError(f"{where} is a {origin.__name__}, not {value!r}")
    return value
