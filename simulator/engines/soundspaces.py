"""Responses from rlr-audio-propagation, the engine inside SoundSpaces 2.0 (Chen et al. 2022), for comparison.

It is a closed library under CC BY-NC 4.0, neither bundled nor installed by default. It gets the same mesh, materials and ears
(written to a SOFA file in a layout that it can read), and its responses are shifted to time zero at the emission. A new context
for every simulation makes it repeatable; it has no seed.
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
from simulator.acoustics.acoustic_scene import AcousticScene
from simulator.acoustics.arrivals import BANDS_HZ
from simulator.config import AcousticsSettings
from simulator.errors import InputError
from simulator.receivers.hrtf import Ears
from simulator.receivers.sofa import BUNDLED

CREDIT = "acoustics by rlr-audio-propagation: CC BY-NC 4.0, non-commercial use only (SoundSpaces; Chen et al. 2022)"
RAYS = {"draft": 1000, "standard": 5000, "reference": 20000}
"""Rays by quality; 5000 is the default of the library."""
LISTENER_M = 0.01
"""Radius of the listener, a ball that sound reaches at its surface; small, so that this is at the centre of the head."""
LATENCY = 32
"""Delay, in samples, of the responses of the ears, so that an ear reached before the centre of the head is causal."""


def check_engine() -> None:
    """Raise InputError where the library is not installed."""
    if importlib.util.find_spec("rlr_audio_propagation") is None:
        raise InputError(
            "--acoustics soundspaces needs a package that is not installed: pip install rlr-audio-propagation "
            "(Linux on x86-64; licensed CC BY-NC 4.0, for non-commercial use only)"
        )


def soundspaces_responses(
    scene: AcousticScene,
    listener: np.ndarray,
    headings_deg: np.ndarray,
    sources: np.ndarray,
    settings: AcousticsSettings,
    ears: Ears,
    lengths: tuple[int, int],
) -> tuple[np.ndarray, np.ndarray]:
    """Simulate V headings of one listener (3,) and S sources (S, 3): direct (V, S, 2, Td) and indirect (V, S, 2, Ti), float32.

    Time zero is the emission; direct sound arrives at whole samples. Raises InputError where the library is not installed.
    """
    check_engine()
    with tempfile.TemporaryDirectory() as folder:
        hrtf = Path(folder) / "ears.sofa"
        hrtf.write_bytes(_ears_file(ears))
        materials, surface = _materials(scene, Path(folder) / "materials.json")
        parts = []
        for direct, length in zip((True, False), lengths, strict=True):
            context = _context(settings, direct)
            context.set_material_database_json(str(materials))
            _add_mesh(context, scene, surface)
            for number, heading in enumerate(headings_deg):
                _add_listener(context, number, listener, float(heading), hrtf)
            for number, source in enumerate(sources):
                context.add_source()
                context.set_source_position(number, [float(x) for x in source])
            context.simulate()
            parts.append(_responses(context, len(headings_deg), len(sources), length))
    return parts[0], parts[1]


def _context(settings: AcousticsSettings, direct: bool) -> Any:
    """Create a context that simulates the direct part or the rest."""
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
    import rlr_audio_propagation  # an optional extra

    return rlr_audio_propagation


def _materials(scene: AcousticScene, path: Path) -> tuple[Path, np.ndarray]:
    """Write the distinct materials in the format of the library; return the file and the material of each face (F,)."""
    rows = np.concatenate([1.0 - scene.reflectance, scene.scattering], 1).astype(np.float64)
    distinct, number = np.unique(np.round(rows, 6), axis=0, return_inverse=True)
    none = _spectrum(np.zeros(len(BANDS_HZ)))
    entries = [
        {
            "name": f"material {k}", "labels": [f"material {k}"],
            "absorption": _spectrum(row[: len(BANDS_HZ)]), "scattering": _spectrum(row[len(BANDS_HZ) :]),
            "transmission": none, "damping": none, "speed": scene.speed_m_s, "density": 1.2,
        }
        for k, row in enumerate(distinct)
    ]  # fmt: skip
    path.write_text(json.dumps({"materials": entries}))
    return path, number.reshape(-1)[scene.surface]


def _spectrum(values: np.ndarray) -> list[float]:
    """Return alternating frequencies and values, which the library interpolates to its four bands."""
    return np.stack([BANDS_HZ, values], -1).ravel().tolist()


def _add_mesh(context: Any, scene: AcousticScene, material: np.ndarray) -> None:
    context.add_object()
    context.add_mesh_vertices(scene.bvh.vertices.ravel().tolist())
    for k in np.unique(material):
        context.add_mesh_indices(scene.bvh.faces[material == k].ravel().tolist(), 3, f"material {k}")
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
    """Return a SOFA file of the responses of the ears, with the layout of the bundled file, which the library can read.

    The library rounds the distance to the head down to whole samples: half a sample beyond the latency compensates for it.
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
    """Discard what compiled code prints to the standard output."""
    sys.stdout.flush()
    stdout = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(stdout, 1)
        os.close(stdout)
        os.close(nowhere)
