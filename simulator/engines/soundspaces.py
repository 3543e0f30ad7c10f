"""Responses from rlr-audio-propagation, the engine inside SoundSpaces 2.0 (Chen et al. 2022), for comparison.

It is a closed library under CC BY-NC 4.0 that we neither bundle nor install unasked. It meets the same mesh with the same
materials, hears through the same ears (written to a SOFA file in the layout that it can read), and what it gives is brought
to our time zero. A fresh context for every simulation makes it repeatable; it has no seed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy import fft

from dataset.angles import direction
from simulator.acoustics.acoustic_scene import Room
from simulator.acoustics.arrivals import BANDS_HZ
from simulator.config import AcousticsSettings
from simulator.errors import InputError
from simulator.receivers.hrtf import Ears
from simulator.receivers.sofa import BUNDLED

CREDIT = "acoustics by rlr-audio-propagation: CC BY-NC 4.0, non-commercial use only (SoundSpaces; Chen et al. 2022)"
RAYS = {"draft": 1000, "standard": 5000, "reference": 20000}
"""Rays by quality; 5000 is the library's own choice."""
LISTENER_M = 0.01
"""Its listener is a ball that hears sound as it reaches the surface: a small one hears it at the head's centre."""
LATENCY = 32
"""Samples by which the ears' responses are late, so that the ear that hears before the head's centre fits in."""


def check_engine() -> None:
    """Raise InputError where the library is not installed."""
    if importlib.util.find_spec("rlr_audio_propagation") is None:
        raise InputError(
            "--acoustics soundspaces needs a package that is not installed: pip install rlr-audio-propagation "
            "(Linux on x86-64; licensed CC BY-NC 4.0, for non-commercial use only)"
        )


def soundspaces_responses(
    room: Room,
    listener: np.ndarray,
    headings_deg: np.ndarray,
    sources: np.ndarray,
    settings: AcousticsSettings,
    ears: Ears,
    lengths: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate V headings of one listener (3,) and S sources (S, 3): direct (V, S, 2, Td) and indirect (V, S, 2, Ti), float32.

    Time zero is the emission; its direct sound comes at whole samples. Raises InputError where the library is missing.
    """
    check_engine()
    with tempfile.TemporaryDirectory() as folder:
        heard = Path(folder) / "ears.sofa"
        heard.write_bytes(_ears_file(ears))
        materials, surface = _materials(room, Path(folder) / "materials.json")
        parts = []
        for direct, length in zip((True, False), lengths, strict=True):
            context = _context(settings, direct)
            context.set_material_database_json(str(materials))
            _add_mesh(context, room, surface)
            for number, heading in enumerate(headings_deg):
                _add_listener(context, number, listener, float(heading), heard)
            for number, source in enumerate(sources):
                context.add_source()
                context.set_source_position(number, [float(x) for x in source])
            context.simulate()
            parts.append(_responses(context, len(headings_deg), len(sources), length))
    return parts[0], parts[1]


def _context(settings: AcousticsSettings, direct: bool) -> Any:
    """Make a context that simulates the direct part or the rest."""
    library = _library()
    config = library.Config()
    config.sample_rate = settings.sample_rate_hz
    config.max_ir_length = settings.response_s + LATENCY / settings.sample_rate_hz
    config.thread_count = 1
    config.direct, config.indirect = int(direct), int(not direct)
    config.indirect_ray_count = RAYS[settings.quality]
    config.transmission = 0
    with _silence():
        return library.Context(config)


def _library() -> Any:
    import rlr_audio_propagation  # an extra that few have

    return rlr_audio_propagation


def _materials(room: Room, path: Path) -> tuple[Path, np.ndarray]:
    """Write the room's distinct materials in the library's format; the file, and the number of each face's material (F,)."""
    rows = np.concatenate([1.0 - room.kept, room.scattering], 1).astype(np.float64)
    distinct, number = np.unique(np.round(rows, 6), axis=0, return_inverse=True)
    none = _spectrum(np.zeros(len(BANDS_HZ)))
    entries = [
        {
            "name": f"material {k}", "labels": [f"material {k}"],
            "absorption": _spectrum(row[: len(BANDS_HZ)]), "scattering": _spectrum(row[len(BANDS_HZ) :]),
            "transmission": none, "damping": none, "speed": room.speed_m_s, "density": 1.2,
        }
        for k, row in enumerate(distinct)
    ]  # fmt: skip
    path.write_text(json.dumps({"materials": entries}))
    return path, number.reshape(-1)[room.surface]


def _spectrum(values: np.ndarray) -> list[float]:
    """Give frequencies and values in turns, which the library interpolates to its four bands."""
    return np.stack([BANDS_HZ, values], -1).ravel().tolist()


def _add_mesh(context: Any, room: Room, material: np.ndarray) -> None:
    context.add_object()
    context.add_mesh_vertices(room.bvh.vertices.ravel().tolist())
    for k in np.unique(material):
        context.add_mesh_indices(room.bvh.faces[material == k].ravel().tolist(), 3, f"material {k}")
    context.finalize_object_mesh(0)


def _add_listener(context: Any, number: int, place: np.ndarray, heading_deg: float, ears: Path) -> None:
    library = _library()
    context.add_listener(library.ChannelLayout(library.ChannelLayoutType.Binaural, 2))
    context.set_listener_position(number, [float(x) for x in place])
    half = np.deg2rad(heading_deg) / 2.0
    context.set_listener_orientation_quaternion(number, [float(np.cos(half)), 0.0, float(np.sin(half)), 0.0])
    context.set_listener_radius(number, LISTENER_M)
    context.set_listener_hrtf(number, str(ears))


def _responses(context: Any, views: int, sources: int, length: int) -> np.ndarray:
    """Collect (views, sources, 2, length) float32 with time zero at the emission."""
    out = np.zeros((views, sources, 2, length), np.float32)
    for v, s, ear in np.ndindex(views, sources, 2):
        if context.get_ir_channel_count(v, s) <= ear:
            continue  # nothing arrives
        samples = np.asarray(context.get_listener_source_channel_audio(v, s, ear))[LATENCY : LATENCY + length]
        out[v, s, ear, : len(samples)] = samples
    return out


@lru_cache(maxsize=2)
def _ears_file(ears: Ears) -> bytes:
    """Write the ears' responses into a SOFA file laid out as the bundled one, which the library's reader is known to accept.

    The library rounds the way to the head down to whole samples: half a sample more than the latency makes up for it.
    """
    memory = io.BytesIO(BUNDLED.read_bytes())
    with h5py.File(memory, "r+") as file:
        place = file["SourcePosition"][()]
        spectra, delay = ears.paths(direction(place[:, 0], place[:, 1]))
        n = 2 * (spectra.shape[-1] - 1)
        f = np.arange(spectra.shape[-1]) / n
        late = delay * ears.sample_rate_hz + LATENCY + 0.5
        taps = fft.irfft(spectra * np.exp(-2j * np.pi * f * late[..., None]), n)
        stored = np.zeros(file["Data.IR"].shape)
        stored[..., : min(n, stored.shape[-1])] = taps[..., : stored.shape[-1]]
        file["Data.IR"][...] = stored
        file["Data.SamplingRate"][...] = ears.sample_rate_hz
    return memory.getvalue()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Keep what compiled code prints from the standard output."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
