"""Coordinates of SOFA files (AES69): sources as the listener has them, who may be anywhere and face any way."""

from __future__ import annotations

import h5py
import numpy as np

from dataset.sofa import text

UP = [[0.0, 0.0, 1.0]]
"""Default of ListenerUp."""


def seen_from_listener(file: h5py.File) -> np.ndarray:
    """Return the sources relative to the listener, (M, 3), in the frame of its head: +X right, +Y up, -Z ahead.

    SOFA has x ahead, y left, z up and azimuths to the left, in the frame of the room. A listener without a valid frame yields
    values that are not finite.
    """
    ahead = _vectors(file, "ListenerView", "cartesian", [[1.0, 0.0, 0.0]])
    kind = text(file["ListenerView"].attrs.get("Type", "cartesian")) if "ListenerView" in file else "cartesian"
    left = np.cross(_vectors(file, "ListenerUp", kind, UP), ahead)
    axes = np.stack([-left, np.cross(ahead, left), np.broadcast_to(-ahead, left.shape)], 1)
    offset = _vectors(file, "SourcePosition", "spherical", []) - _vectors(
        file, "ListenerPosition", "cartesian", [[0.0, 0.0, 0.0]]
    )
    with np.errstate(invalid="ignore"):
        axes = axes / np.linalg.norm(axes, axis=2, keepdims=True)
    return (axes @ offset[..., None])[..., 0]


def _vectors(file: h5py.File, name: str, kind: str, default: list[list[float]]) -> np.ndarray:
    """Return a variable, (M or 1, 3) along SOFA's axes; kind: the type of coordinates where the file does not state it."""
    if name not in file:
        return np.array(default)
    variable = file[name]
    values = np.asarray(variable, np.float64).reshape(-1, variable.shape[-1])
    # Files with a spherical ListenerView often keep the default of ListenerUp, whose numbers would mean ahead.
    if "cartesian" in text(variable.attrs.get("Type", kind)) or (name == "ListenerUp" and values.tolist() == UP):
        return values
    in_radians = "radian" in text(variable.attrs.get("Units", ""))
    azimuth, elevation = (values[:, k] if in_radians else np.deg2rad(values[:, k]) for k in (0, 1))
    distance = values[:, 2] if values.shape[1] == 3 else 1.0
    parts = [np.cos(azimuth) * np.cos(elevation), np.sin(azimuth) * np.cos(elevation), np.sin(elevation)]
    return np.stack(parts, -1) * np.reshape(distance, (-1, 1))
