"""Numbers that users give: finite, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from simulator.errors import InputError


def finite_numbers(name: str, values: Any) -> np.ndarray:
    """Return a number or nested numbers as float64 of their shape.

    name: of what the values are, for the message. Raises InputError for texts, booleans, ragged lists, no number at all, and
    numbers that are NaN or infinite.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError):  # ragged
        array = np.array(None)
    if array.dtype.kind not in "iuf":
        raise InputError(f"{name} is {_shown(values)}; numbers are expected")
    array = array.astype(np.float64)
    if array.size == 0 or not np.isfinite(array).all():
        raise InputError(f"{name} is {_shown(values)}; at least one number, none of them NaN or infinite, is expected")
    return array


def finite_number(name: str, value: Any) -> float:
    """Return a finite number; raise InputError for anything else."""
    array = finite_numbers(name, value)
    if array.ndim:
        raise InputError(f"{name} is {_shown(value)}; one number is expected")
    return float(array)


def _shown(values: Any) -> str:
    return f"{' '.join(repr(values).split()):.60}"
