"""The full response of an ear: direct + indirect_ratio x indirect."""

from __future__ import annotations

import numpy as np


def full_response(direct: np.ndarray, indirect: np.ndarray, indirect_ratio: float, taps: int | None = None) -> np.ndarray:
    """Return direct + indirect_ratio x indirect as (..., taps), in the type of `indirect`.

    direct: (..., Td). indirect: (..., Ti), the other axes alike. taps: length of the result, cut or filled with silence;
    None takes the longer of the two.
    """
    taps = max(direct.shape[-1], indirect.shape[-1]) if taps is None else taps
    full = np.zeros((*indirect.shape[:-1], taps), indirect.dtype)
    length = min(taps, indirect.shape[-1])
    full[..., :length] = indirect[..., :length] * indirect.dtype.type(indirect_ratio)
    length = min(taps, direct.shape[-1])
    full[..., :length] += direct[..., :length]
    return full
