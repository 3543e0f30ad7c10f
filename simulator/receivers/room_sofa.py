"""Write room impulse responses to SOFA files (AES69-2022, convention SingleRoomSRIR 1.0)."""

from __future__ import annotations

from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

import h5py
import numpy as np

DIMENSION = b"This is a netCDF dimension but not a netCDF variable.%10d"
"""How NetCDF-4 names a dimension scale without values."""
PLACE = {"Type": "cartesian", "Units": "metre"}


def write_room_sofa(
    path: Path,
    responses: np.ndarray,
    sample_rate_hz: int,
    listener: np.ndarray,
    headings_deg: np.ndarray,
    sources: np.ndarray,
    channels: np.ndarray,
    *,
    title: str = "",
    room: str = "",
) -> None:
    """Write responses (V, S, C, N) of V headings and S sources as M = V * S measurements of R = C receivers.

    listener: (V, 3) and sources: (S, 3), world frame, m. channels: (C, 3), head frame, m. headings_deg: (V,), left positive.
    SOFA's frame has x ahead at heading 0, y left and z up. The sources face the listener. Raises OSError where the file cannot
    be written.
    """
    views, count, receivers, samples = responses.shape
    heading = np.repeat(np.deg2rad(headings_deg), count)
    head, source = np.repeat(_to_sofa(listener), count, 0), np.tile(_to_sofa(sources), (views, 1))
    toward = (head - source) / np.linalg.norm(head - source, axis=1, keepdims=True)
    up = np.array([[0.0, 0.0, 1.0]])
    sizes = {"M": views * count, "R": receivers, "E": 1, "N": samples, "C": 3, "I": 1}
    with h5py.File(path, "w", track_order=True) as file:
        for name, value in _attributes(title or "Simulated room impulse responses", room).items():
            file.attrs[name] = np.bytes_(value.encode())
        for number, (name, size) in enumerate(sizes.items()):
            file.create_dataset(name, (size,), ">f4").make_scale(DIMENSION % size)
            file[name].attrs["_Netcdf4Dimid"] = np.int32(number)
        add = _Variables(file)
        add("ListenerPosition", "MC", head, **PLACE)
        add("ListenerView", "MC", np.stack([np.cos(heading), np.sin(heading), np.zeros_like(heading)], -1), **PLACE)
        add("ListenerUp", "IC", up)
        add("ReceiverPosition", "RCI", _to_sofa(channels)[..., None], **PLACE)
        add("SourcePosition", "MC", source, **PLACE)
        add("SourceView", "MC", toward, **PLACE)
        add("SourceUp", "IC", up)
        add("EmitterPosition", "ECI", np.zeros((1, 3, 1)), **PLACE)
        add("Data.IR", "MRN", responses.reshape(-1, receivers, samples))
        add("Data.SamplingRate", "I", np.array([float(sample_rate_hz)]), Units="hertz")
        add("Data.Delay", "IR", np.zeros((1, receivers)))


class _Variables:
    """Adds variables to a NetCDF-4 file by the letters of their dimensions."""

    def __init__(self, file: h5py.File) -> None:
        self.file = file

    def __call__(self, name: str, dimensions: str, values: np.ndarray, **attributes: str) -> None:
        data = self.file.create_dataset(name, data=values.astype(np.float64), track_order=True)
        for axis, letter in enumerate(dimensions):
            data.dims[axis].attach_scale(self.file[letter])
        for key, value in attributes.items():
            data.attrs[key] = np.bytes_(value.encode())


def _attributes(title: str, room: str) -> dict[str, str]:
    now = datetime.now(timezone.utc).strftime("%Y-%m-%d %H:%M:%S")
    own = version("sight-and-sound")
    return {
        "Conventions": "SOFA",
        "Version": "2.1",
        "SOFAConventions": "SingleRoomSRIR",
        "SOFAConventionsVersion": "1.0",
        "DataType": "FIR",
        "RoomType": "reverberant",
        "Title": title,
        "DateCreated": now,
        "DateModified": now,
        "APIName": "sight-and-sound",
        "APIVersion": own,
        "ApplicationName": "sight-and-sound",
        "ApplicationVersion": own,
        "AuthorContact": "unknown",
        "Organization": "unknown",
        "License": "No license provided, ask the author for permission",
        "DatabaseName": "simulation",
        "RoomShortName": room or "unknown",
        "RoomDescription": f"triangle mesh {room}".strip(),
        "Comment": "Time zero is the emission; 1 is the pressure in the free field at 1 m from the source.",
    }


def _to_sofa(points: np.ndarray) -> np.ndarray:
    """Turn points of the world or of a head (K, 3) into SOFA's frame, m."""
    return np.stack([-points[:, 2], -points[:, 0], points[:, 1]], -1)
