"""The default camera: RGB, metric depth and instances of a pose, by ray casting through the scene's BVH."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np

from simulator.camera.shading import encode, is_cut_out, pixel_directions, shade
from simulator.camera.view_camera import ViewCamera, fixed
from simulator.config import CameraSettings
from simulator.scene.bvh import Hits
from simulator.scene.model import Scene

LAYERS = 16
"""Number of cut-out surfaces that a ray can pass."""
STEP_M = 1e-4
"""Distance behind a cut-out surface at which its ray continues."""


class Views(NamedTuple):
    """V views of one scene."""

    rgb: np.ndarray
    """(V, H, W, 3) uint8, sRGB."""
    depth: np.ndarray
    """(V, H, W) float32 metres along the optical axis (planar) at the pixel's centre; 0 where nothing was hit."""
    instance: np.ndarray
    """(V, H, W) uint16, instance at the pixel's centre; 0 for none."""


InstanceFinder = Callable[[np.ndarray, float], frozenset[int]]
"""Returns the numbers of the instances visible from a position (3,), m, and heading, degrees."""


class Camera(Protocol):
    """A renderer of one scene: Embree here, habitat-sim in simulator/habitat/camera.py."""

    @property
    def visible_instances(self) -> InstanceFinder | None:
        """Function that finds annotated instances in a view; None for scenes without annotations."""

    def render(self, positions: np.ndarray, headings_deg: np.ndarray, cameras: Sequence[ViewCamera] | None = None) -> Views:
        """Render V views from positions (V, 3), world frame, m, and headings (V,), degrees, left positive.

        cameras: V cameras; None: that of the settings for all views, InputError where they let it vary.
        """


@dataclass(frozen=True, eq=False)
class EmbreeCamera:
    """The default camera; overlap of views is measured on surfaces, in annotated scenes too."""

    scene: Scene
    settings: CameraSettings
    visible_instances: InstanceFinder | None = None

    def render(self, positions: np.ndarray, headings_deg: np.ndarray, cameras: Sequence[ViewCamera] | None = None) -> Views:
        """Render views as described in Camera."""
        return render(self.scene, positions, headings_deg, cameras or [fixed(self.settings)] * len(headings_deg))


def render(scene: Scene, positions: np.ndarray, headings_deg: np.ndarray, cameras: Sequence[ViewCamera]) -> Views:
    """Render V views of one size from positions (V, 3), world frame, m, and headings (V,), degrees, left positive."""
    height, width = cameras[0].height_px, cameras[0].width_px
    views = len(headings_deg)
    out = Views(
        np.empty((views, height, width, 3), np.uint8),
        np.empty((views, height, width), np.float32),
        np.empty((views, height, width), np.uint16),
    )
    for view, camera in enumerate(cameras):
        out.depth[view], out.instance[view] = surfaces(scene, positions[view], headings_deg[view], camera)
        directions = rays(camera, headings_deg[view], sample_offsets(camera.samples_per_pixel))
        shoot(scene, positions[view], directions, 2.0 * camera.half_width / width, out.rgb[view])
    return out


def surfaces(scene: Scene, position: np.ndarray, heading_deg: float, camera: ViewCamera) -> tuple[np.ndarray, np.ndarray]:
    """Return planar depth, (H, W) float32 m, and instance, (H, W) uint16, at the centres of one view's pixels; 0 for a miss."""
    shape = camera.height_px, camera.width_px
    hits = first_surface(scene, position, rays(camera, heading_deg, (0.5, 0.5)))
    hit = hits.face >= 0
    depth = np.where(hit, hits.distance, np.float32(0.0))
    return depth.reshape(shape), np.where(hit, scene.face_instance[hits.face], np.uint16(0)).reshape(shape)


def depths(
    scene: Scene, positions: np.ndarray, headings_deg: np.ndarray, cameras: Sequence[ViewCamera], width: int, height: int
) -> np.ndarray:
    """Return coarse planar depth (V, height, width) of V views, m; 0 where nothing was hit."""
    views = len(headings_deg)
    if views == 0:
        return np.zeros((0, height, width), np.float32)
    directions = np.concatenate(
        [rays(camera, h, (0.5, 0.5), width, height) for camera, h in zip(cameras, headings_deg, strict=True)]
    )
    same = (positions == positions[:1]).all()
    origins = positions[0] if same else np.repeat(positions, width * height, 0)
    hits = first_surface(scene, origins, directions)
    return np.where(hits.face < 0, 0.0, hits.distance).reshape(views, height, width).astype(np.float32)


def rays(
    camera: ViewCamera,
    heading_deg: float,
    offsets: tuple[float, float] | np.ndarray,
    width: int | None = None,
    height: int | None = None,
) -> np.ndarray:
    """Return ray directions (H * W * S, 3) through S points of each pixel; their component along the optical axis is 1.

    offsets: (2,) for one point, or (S, 2): (0.5, 0.5) is the pixel's centre, (0, 0) its upper left corner. Directions of one
    pixel are adjacent. The field of view is that of `camera` for any width and height.
    """
    right, down = np.atleast_2d(offsets).T[..., None]
    width, height = width or camera.width_px, height or camera.height_px
    half = camera.half_width
    x = (2.0 * (np.arange(width) + right) / width - 1.0) * half
    y = (1.0 - 2.0 * (np.arange(height) + down) / height) * half * camera.height_px / camera.width_px
    return pixel_directions(*camera.axes(heading_deg), x, y)


def project(points: np.ndarray, position: np.ndarray, heading_deg: float, camera: ViewCamera) -> np.ndarray:
    """Return pixel coordinates and planar depth (..., 3) of world points (..., 3); the first pixel's centre is (0.5, 0.5)."""
    right, up, axis = camera.axes(heading_deg)
    offset = points - position
    depth = offset @ axis
    scale = camera.width_px / (2.0 * camera.half_width)
    with np.errstate(divide="ignore", invalid="ignore"):
        x = camera.width_px / 2 + scale * (offset @ right) / depth
        y = camera.height_px / 2 - scale * (offset @ up) / depth
    return np.stack([x, y, depth], -1)


def sample_offsets(count: int) -> np.ndarray:
    """Return sub-pixel positions (count, 2), no two in one row or column, as in a rotated grid."""
    if count == 1:
        return np.array([[0.5, 0.5]])
    rows = np.arange(count)
    stride = next(s for s in range(max(2, round(count * 0.62)), 2 * count) if np.gcd(s, count) == 1)
    columns = (rows * stride + stride // 2) % count if count != 4 else np.array([1, 3, 0, 2])
    return np.stack([(columns + 0.5) / count, (rows + 0.5) / count], -1)


def shoot(scene: Scene, position: np.ndarray, directions: np.ndarray, pixel: float, out: np.ndarray) -> None:
    """Write the colours of pixels to out (H, W, 3) uint8, sRGB.

    directions: (H * W * S, 3) float32 of S samples a pixel, those of one pixel adjacent. pixel: width of a pixel divided by the
    length of its rays, which selects the mip level.
    """
    samples = len(directions) // (out.shape[0] * out.shape[1])
    hits = first_surface(scene, position, directions)
    light = np.zeros((len(directions) // samples, 3), np.float32)
    m, t = scene.materials, scene.textures
    shade(
        light, samples, hits.face, hits.u, hits.v, hits.distance, directions, np.float32(pixel / np.sqrt(samples)), scene.normals,
        scene.face_material, scene.texel_level, m.base_color, m.emissive, m.texture, m.wrap, m.shaded, scene.corner_uv,
        scene.corner_color, t.texels, t.offset, t.size,
    )  # fmt: skip
    encode(light, samples, out.reshape(-1, 3))


def first_surface(scene: Scene, origins: np.ndarray, directions: np.ndarray) -> Hits:
    """Return the first surface along each ray (N, 3) that is not cut out; distances are from the origins, (N, 3) or (3,)."""
    one = origins.ndim == 1
    hits = scene.bvh.seen(origins, directions) if one else scene.bvh.closest(origins, directions)
    m, t = scene.materials, scene.textures
    look = (scene.face_material, m.base_color, m.texture, m.wrap, m.alpha_cutoff, scene.corner_uv, scene.corner_color)
    rows = np.arange(len(directions))
    distance, face, u, v = here = hits
    passed = np.zeros(len(directions), np.float32)
    for _ in range(LAYERS if (m.alpha_cutoff > 0).any() else 0):
        rows = rows[is_cut_out(here.face, here.u, here.v, *look, t.texels, t.offset, t.size)]
        if len(rows) == 0:
            break
        passed[rows] = distance[rows] + STEP_M
        origin = np.asarray(origins if one else origins[rows], np.float32)
        here = scene.bvh.closest(origin + passed[rows, None] * directions[rows], directions[rows])
        distance[rows], face[rows] = here.distance + passed[rows], here.face
        u[rows], v[rows] = here.u, here.v
    return hits
