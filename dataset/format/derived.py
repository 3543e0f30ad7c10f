"""Fields that a shard lacks, because it is of an older format or was converted, and whose values are settings of it."""

from __future__ import annotations

import h5py
import numpy as np

from dataset.format.documents import number_of, section
from dataset.format.schema import FIELDS
from dataset.format.shard import settings_of


def is_derived(file: h5py.File, field: str, name: str) -> bool:
    """Whether an open shard lacks a field and its settings, or the field's neutral value, replace it; `name` is the shard's."""
    setting, neutral = FIELDS[field].setting, FIELDS[field].neutral
    if field in file or not setting:
        return False
    group, _, key = setting.partition(".")
    return neutral is not None or key in section(settings_of(file, name), group)


def derived(file: h5py.File, field: str, name: str) -> np.ndarray:
    """Return one set's value of a field that has a setting and that an open shard lacks, of the field's type and shape.

    Raise DatasetError where the settings hold no number.
    """
    described = FIELDS[field]
    group, _, key = described.setting.partition(".")
    settings = settings_of(file, name)
    if described.neutral is not None and key not in section(settings, group):
        number = described.neutral
    else:
        number = number_of(settings, group, key, f"shard {name}")
    sizes = {"V": file["heading"].shape[1], "S": file["source_position"].shape[1]}
    return np.full([sizes[a] if isinstance(a, str) else a for a in described.axes], number, described.dtype)
