"""Closest hits and occlusion on a triangle mesh: one Embree BVH for camera, line of sight and sound.

Embree comes with the embreex package; it is called here through its C interface, so that compiled code (`nearest`,
`blocked`) can trace single rays without intermediate arrays of rays.
"""

from __future__ import annotations

import ctypes
import platform
import weakref
from pathlib import Path
from typing import NamedTuple

import numpy as np
from llvmlite import binding
from numba import types

from simulator.kernels import kernel

try:
    import embreex.rtcore_scene
except ImportError as error:
    remedy = (
        "install it: pip install embreex"
        if platform.machine().lower() in ("x86_64", "amd64")
        else f"it is published for x86-64 only (this is {platform.machine()}): render on an x86-64 machine, or in an x86-64 "
        "Python under Rosetta on a Mac; reading data sets and training work without it"
    )
    raise ImportError(f"rendering needs the package embreex ({error}); {remedy}") from error


def _find_library() -> str:
    """Return the path of the Embree library inside the installed embreex package; each platform's wheel has its own place."""
    package = Path(embreex.rtcore_scene.__file__).parent
    for folder in (package.parent / "embreex.libs", package, package / ".dylibs"):
        for path in sorted(folder.glob("*embree4*")):
            if {".so", ".dylib", ".dll"} & set(path.suffixes):
                return str(path)
    raise ImportError(
        f"the embreex package at {package} contains no Embree 4 library; reinstall it: pip install --force-reinstall --no-deps "
        "embreex"
    )


_PATH = _find_library()
_EMBREE = ctypes.CDLL(_PATH)
# Compiled code finds rtcIntersect1 and rtcOccluded1 by name, also when it comes from numba's cache.
binding.load_library_permanently(_PATH)
_intersect1 = types.ExternalFunction("rtcIntersect1", types.void(types.uintp, types.uintp, types.uintp))
_intersect8 = types.ExternalFunction("rtcIntersect8", types.void(types.uintp, types.uintp, types.uintp, types.uintp))
_occluded1 = types.ExternalFunction("rtcOccluded1", types.void(types.uintp, types.uintp, types.uintp))

for _name in ("NewDevice", "NewScene", "NewGeometry"):
    getattr(_EMBREE, f"rtc{_name}").restype = ctypes.c_void_p
_TRIANGLES, _INDEX, _VERTEX, _UINT3, _FLOAT3 = 0, 0, 1, 0x5003, 0x9003
_FAR, _MASK, _U, _V, _FACE = 8, 9, 15, 16, 17
"""Offsets in RTCRayHit in units of four bytes: origin 0-2, near 3, direction 4-6, time 7; times eight in RTCRayHit8."""
_COHERENT = 1 << 16
_ASIDE = np.array([0.7e-5, -0.4e-5, 0.5e-5], np.float32)
"""Offset of the direction with which a ray without a hit is traced again: Embree's fast mode, which takes two thirds of the time
of its watertight mode, misses about one ray in a million at shared edges of a fine mesh."""


class Hits(NamedTuple):
    """Closest hits of N rays."""

    distance: np.ndarray
    """(N,) float32, in lengths of the ray direction (m for unit directions); inf where nothing was hit."""
    face: np.ndarray
    """(N,) int32, index of the triangle; -1 where nothing was hit."""
    u: np.ndarray
    """(N,) float32, barycentric weight of the triangle's second corner."""
    v: np.ndarray
    """(N,) float32, barycentric weight of the triangle's third corner."""


class Bvh:
    """Bounding volume hierarchy over (V, 3) vertices in metres and (F, 3) faces."""

    def __init__(self, vertices: np.ndarray, faces: np.ndarray) -> None:
        # Embree keeps pointers into these arrays, and reads 16 bytes at the last vertex.
        self._vertices = np.zeros((len(vertices) + 1, 3), np.float32)
        self._vertices[:-1] = vertices
        self._faces = np.ascontiguousarray(faces, np.uint32)
        device = ctypes.c_void_p(_EMBREE.rtcNewDevice(b"threads=1"))
        scene = ctypes.c_void_p(_EMBREE.rtcNewScene(device))
        mesh = ctypes.c_void_p(_EMBREE.rtcNewGeometry(device, _TRIANGLES))
        _share(mesh, _VERTEX, _FLOAT3, self._vertices, len(vertices))
        _share(mesh, _INDEX, _UINT3, self._faces, len(self._faces))
        _EMBREE.rtcCommitGeometry(mesh)
        _EMBREE.rtcAttachGeometry(scene, mesh)
        _EMBREE.rtcReleaseGeometry(mesh)
        _EMBREE.rtcCommitScene(scene)
        self.scene = np.uint64(scene.value or 0)
        """Embree's handle, for `nearest` and `blocked`; valid as long as this object."""
        # Not at interpreter exit: Embree may be unloaded by then, and the memory is freed anyway.
        weakref.finalize(self, _release, scene, device).atexit = False

    @property
    def vertices(self) -> np.ndarray:
        """(V, 3) float32, m."""
        return self._vertices[:-1]

    @property
    def faces(self) -> np.ndarray:
        """(F, 3) uint32."""
        return self._faces

    def closest(self, origins: np.ndarray, directions: np.ndarray) -> Hits:
        """Return the first triangle along each of N rays; origins and directions are (N, 3), world frame, m."""
        return Hits(*_closest(self.scene, _float32(origins), _float32(directions)))

    def seen(self, origin: np.ndarray, directions: np.ndarray) -> Hits:
        """Return the same as `closest` for rays from one point (3,), twice as fast where neighbours in (N, 3) are similar."""
        return Hits(*_seen(self.scene, _float32(origin), _float32(directions)))

    def visible(self, origins: np.ndarray, targets: np.ndarray, shrink: float = 1e-3) -> np.ndarray:
        """Return, for each of N segments, whether no triangle intersects it, without its last `shrink` share; (N,) bool."""
        return _visible(self.scene, _float32(origins), _float32(targets), np.float32(1.0 - shrink))


@kernel()
def new_ray() -> tuple[np.ndarray, np.ndarray]:
    """Return the memory of one ray, as float32 and int32 views, for `nearest` and `blocked`; each thread needs its own."""
    memory = np.zeros(48, np.float32)
    skip = (16 - memory.ctypes.data % 16) % 16 // 4
    ray = memory[skip : skip + 32]
    return ray, ray.view(np.int32)


@kernel(_nrt=False)
def nearest(scene: int, ray: np.ndarray, ints: np.ndarray, origin: np.ndarray, direction: np.ndarray) -> tuple[int, float]:
    """Return the first face along a ray, -1 for none, and its distance in lengths of the direction."""
    for k in range(3):
        ray[k] = origin[k]
        ray[4 + k] = direction[k]
    ray[_FAR] = np.inf
    ints[_MASK] = -1
    ints[_FACE] = -1
    ints[_FACE + 1] = -1
    _intersect1(scene, ray.ctypes.data, 0)
    return ints[_FACE], ray[_FAR]


@kernel(_nrt=False)
def blocked(scene: int, ray: np.ndarray, ints: np.ndarray, origin: np.ndarray, target: np.ndarray, far: float) -> bool:
    """Return whether a triangle intersects the first `far` share of the segment from origin to target."""
    for k in range(3):
        ray[k] = origin[k]
        ray[4 + k] = target[k] - origin[k]
    ray[_FAR] = far
    ints[_MASK] = -1
    _occluded1(scene, ray.ctypes.data, 0)
    return ray[_FAR] < 0


@kernel()
def _closest(scene: int, origins: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    ray, ints = new_ray()
    count = len(origins)
    distance, u, v = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    face = np.empty(count, np.int32)
    for i in range(count):
        face[i], distance[i] = nearest(scene, ray, ints, origins[i], directions[i])
        if face[i] < 0:
            face[i], distance[i] = nearest(scene, ray, ints, origins[i], directions[i] + _ASIDE)
        u[i], v[i] = ray[_U], ray[_V]
    return distance, face, u, v


@kernel()
def _seen(scene: int, origin: np.ndarray, directions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Trace eight rays at a time."""
    memory = np.zeros(48 * 8, np.float32)
    skip = (64 - memory.ctypes.data % 64) % 64 // 4
    rays = memory[skip : skip + 22 * 8].reshape(22, 8)
    ints = rays.view(np.int32)
    valid = memory[skip + 22 * 8 : skip + 23 * 8].view(np.int32)
    how = memory[skip + 24 * 8 : skip + 30 * 8].view(np.int32)  # RTCIntersectArguments
    how[0], how[1] = _COHERENT, -1
    count = len(directions)
    distance, u, v = np.empty(count, np.float32), np.empty(count, np.float32), np.empty(count, np.float32)
    face = np.empty(count, np.int32)
    for k in range(3):
        rays[k] = origin[k]
    ints[_MASK] = -1
    for first in range(0, count, 8):
        width = min(8, count - first)
        valid[:] = 0
        for i in range(width):
            valid[i] = -1
            for k in range(3):
                rays[4 + k, i] = directions[first + i, k]
        rays[_FAR] = np.inf
        ints[_FACE] = -1
        ints[_FACE + 1] = -1
        _intersect8(valid.ctypes.data, scene, rays.ctypes.data, how.ctypes.data)
        for i in range(width):
            distance[first + i], face[first + i] = rays[_FAR, i], ints[_FACE, i]
            u[first + i], v[first + i] = rays[_U, i], rays[_V, i]
    missed = np.flatnonzero(face < 0)
    starts = np.empty((len(missed), 3), np.float32)
    starts[:] = origin
    distance[missed], face[missed], u[missed], v[missed] = _closest(scene, starts, directions[missed])
    return distance, face, u, v


@kernel()
def _visible(scene: int, origins: np.ndarray, targets: np.ndarray, far: float) -> np.ndarray:
    ray, ints = new_ray()
    free = np.empty(len(origins), np.bool_)
    for i in range(len(origins)):
        free[i] = not blocked(scene, ray, ints, origins[i], targets[i], far)
    return free


def _share(mesh: ctypes.c_void_p, kind: int, form: int, array: np.ndarray, count: int) -> None:
    size = ctypes.c_size_t
    pointer = ctypes.c_void_p(array.ctypes.data)
    _EMBREE.rtcSetSharedGeometryBuffer(mesh, kind, 0, form, pointer, size(0), size(12), size(count))


def _release(scene: ctypes.c_void_p, device: ctypes.c_void_p) -> None:
    _EMBREE.rtcReleaseScene(scene)
    _EMBREE.rtcReleaseDevice(device)


def _float32(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array, np.float32)
