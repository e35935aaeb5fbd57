"""Whether values read from JSON are what the fields of a dataclass should hold."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

Check = Callable[[Any], bool]


def misfit(cls: type, values: Mapping[str, Any]) -> str | None:
    """The name of the first field whose value is of another type than it should be; None where all fit.

    Parameters
    ----------
    cls : type
        A dataclass. Fields that are not among the values are passed over.
    values : mapping
        By field; lists are tuples by now.
    """
    checks = _checks(cls)
    return next((name for name, value in values.items() if name in checks and not checks[name](value)), None)


@lru_cache(maxsize=64)
def _checks(cls: type) -> dict[str, Check]:
    hints = typing.get_type_hints(cls)
    return {field.name: _check(hints[field.name]) for field in dataclasses.fields(cls)}


def _check(hint: Any) -> Check:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any or origin is ClassVar:
        return lambda value: True
    if hint is float:
        return lambda value: type(value) is float or type(value) is int
    if hint is int or hint is str or hint is bool:
        return lambda value: type(value) is hint
    if hint is type(None):
        return lambda value: value is None
    if origin is Literal:
        return lambda value: type(value) is str and value in parts
    if origin is Union or origin is types.UnionType:
        either = tuple(_check(part) for part in parts)
        return lambda value: any(check(value) for check in either)
    if origin is tuple and len(parts) == 2 and parts[1] is Ellipsis:
        each = _check(parts[0])
        return lambda value: type(value) is tuple and all(map(each, value))
    if origin is tuple:
        in_turn = tuple(_check(part) for part in parts)
        return lambda value: (
            type(value) is tuple
            and len(value) == len(in_turn)
            and all(check(one) for check, one in zip(in_turn, value, strict=True))
        )
    if origin is not None and issubclass(origin, Mapping):
        named = _check(parts[1])
        return lambda value: isinstance(value, Mapping) and all(map(named, value.values()))
    return lambda value: isinstance(value, hint)
