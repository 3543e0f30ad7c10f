"""Settings by dotted name: frozen dataclasses of one level of groups, changed by values and by KEY=VALUE texts.

A setting of type `float | Range` is a number, or a range from which a number is drawn: 60 or 45..90.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from dataset.errors import InputError

T = TypeVar("T")


class Range(NamedTuple):
    """The numbers from low to high, from which one is drawn uniformly; as text low..high, in JSON [low, high]."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}"


def bounds(value: float | Range) -> Range:
    """Return the smallest and greatest value of a setting that is a number or a range."""
    return value if isinstance(value, Range) else Range(value, value)


def flattened(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, given as nested dictionaries, by dotted name: {"a": {"b": 1}} as {"a.b": 1}."""
    out: dict[str, Any] = {}
    for key, value in settings.items():
        out |= {f"{key}.{name}": v for name, v in value.items()} if isinstance(value, dict) else {key: value}
    return out


def changed(settings: T, values: Mapping[str, Any], assignments: Sequence[str] = ()) -> T:
    """Return settings with other values, by dotted name, and with KEY=VALUE texts on top.

    InputError for a name that the settings lack, or a text that is not of the type of the setting.
    """
    known = flattened(asdict(settings))  # type: ignore[call-overload]  # a dataclass, which no type variable can say
    changes = dict(values)
    if unknown := sorted(set(changes) - set(known)):
        raise InputError(f"settings {', '.join(unknown)} are unknown; {', '.join(sorted(known))} are known")
    for text in assignments:
        key, separator, value = text.partition("=")
        if not separator or key not in known:
            near = get_close_matches(key, known, 3) or sorted(known)
            raise InputError(f"--set {text}: KEY=VALUE with a known key is expected, such as {', '.join(near)}")
        changes[key] = _parsed(text, key, value, known[key], _allows_range(settings, key))
    groups: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        group, _, name = key.rpartition(".")
        groups.setdefault(group, {})[name] = value
    nested = {group: replace(getattr(settings, group), **v) for group, v in groups.items() if group}
    return replace(settings, **groups.get("", {}), **nested)  # type: ignore[type-var]


def _allows_range(settings: Any, key: str) -> bool:
    group, _, name = key.rpartition(".")
    return Range in get_args(get_type_hints(type(getattr(settings, group) if group else settings))[name])


def _parsed(text: str, key: str, value: str, example: Any, ranged: bool) -> Any:
    if isinstance(example, bool):
        if value.lower() not in ("true", "false"):
            raise InputError(f"--set {text}: true or false is expected")
        return value.lower() == "true"
    low, dots, high = value.partition("..") if ranged else (value, "", "")
    kind = float if ranged else type(example)
    try:
        return Range(float(low), float(high)) if dots else kind(value)
    except ValueError:
        also = ", or a range, as in low..high" if ranged else ""
        raise InputError(f"--set {text}: {kind.__name__} is expected, as in {key}={example}{also}") from None
