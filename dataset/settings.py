"""Settings by dotted name: frozen dataclasses of one level of groups, changed by values and by KEY=VALUE texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from difflib import get_close_matches
from typing import Any, TypeVar

from dataset.errors import InputError

T = TypeVar("T")


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
        changes[key] = _parsed(text, key, value, known[key])
    groups: dict[str, dict[str, Any]] = {}
    for key, value in changes.items():
        group, _, name = key.rpartition(".")
        groups.setdefault(group, {})[name] = value
    nested = {group: replace(getattr(settings, group), **v) for group, v in groups.items() if group}
    return replace(settings, **groups.get("", {}), **nested)  # type: ignore[type-var]


def _parsed(text: str, key: str, value: str, example: Any) -> Any:
    if isinstance(example, bool):
        if value.lower() not in ("true", "false"):
            raise InputError(f"--set {text}: true or false is expected")
        return value.lower() == "true"
    try:
        return type(example)(value)
    except ValueError:
        raise InputError(f"--set {text}: {type(example).__name__} is expected, as in {key}={example}") from None
