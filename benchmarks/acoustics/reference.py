"""References: pyroomacoustics' pure image method and rays, Eyring's formula, and coupled rooms."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyroomacoustics as pra


def image_sources(
    size: Sequence[float], absorption: float, listener: np.ndarray, source: np.ndarray, order: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return all image sources of a box up to an order, without air: positions (K, 3) and pressure at the listener (K,)."""
    room = pra.ShoeBox(size, fs=16000, materials=pra.Material(absorption), max_order=order, air_absorption=False)
    room.add_source(source)
    room.add_microphone(listener)
    room.image_source_model()
    images = room.sources[0].images.T
    return images, room.sources[0].damping[0] / np.linalg.norm(images - listener, axis=1)


def image_echogram(
    size: Sequence[float], absorption: float, listener: np.ndarray, source: np.ndarray, bins: int, bin_s: float, speed_m_s: float
) -> np.ndarray:
    """Return the energy (T,) by time of every image source that arrives within T bins of bin_s."""
    reach = bins * bin_s * speed_m_s
    # The order of the farthest image within reach along the diagonal; 3 more for the positions of source and listener.
    order = int(np.ceil(reach * np.linalg.norm(1.0 / np.asarray(size)))) + 3
    images, pressure = image_sources(size, absorption, listener, source, order)
    at = (np.linalg.norm(images - listener, axis=1) / speed_m_s / bin_s).astype(int)
    inside = at < bins
    return np.bincount(at[inside], pressure[inside] ** 2, bins)


def eyring(volume_m3: float, area_m2: float, absorption: float, speed_m_s: float) -> float:
    """Return the reverberation time of a diffuse field, s (Eyring 1930): 24 ln(10) V / (-c S ln(1 - a))."""
    return 24.0 * np.log(10.0) * volume_m3 / (-speed_m_s * area_m2 * np.log(1.0 - absorption))


def prism_decay(
    corners: np.ndarray,
    height: float,
    absorption: float,
    listener: np.ndarray,
    source: np.ndarray,
    images: int,
    rays: int,
    scattering: float = 0.0,
) -> tuple[np.ndarray, int]:
    """Return the response of a room of polygonal plan (N, 2) x, z, by images and rays of pyroomacoustics, and its rate in Hz."""
    material = pra.Material(absorption, scattering)
    plan = np.asarray(corners, float).T
    room = pra.Room.from_corners(plan, fs=16000, materials=material, max_order=images, ray_tracing=rays > 0, air_absorption=False)
    room.extrude(height, materials=material)
    if rays:
        room.set_ray_tracing(n_rays=rays, receiver_radius=0.5, energy_thres=1e-7)
    room.add_source([source[0], source[2], source[1]])
    room.add_microphone([listener[0], listener[2], listener[1]])
    room.compute_rir()
    return room.rir[0][0], room.fs


def coupled_decay_time(losses_m2: np.ndarray, volumes_m3: np.ndarray, door_m2: float, speed_m_s: float) -> float:
    """Return the longer decay time, s, of two diffuse rooms that share a door (Cremer and Mueller 1982, volume 1, part II).

    losses_m2: (2,) -S ln(1 - a) of each; energies follow dE/dt = -c / 4 (losses + door) E / V + c / 4 door E_other / V_other.
    """
    leaving = np.diag((losses_m2 + door_m2) / volumes_m3)
    entering = door_m2 * np.array([[0.0, 1.0 / volumes_m3[1]], [1.0 / volumes_m3[0], 0.0]])
    slow = np.linalg.eigvals(leaving - entering).real.min() * speed_m_s / 4.0
    return float(6.0 * np.log(10.0) / slow)
