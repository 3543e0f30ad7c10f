"""Rendered pictures as photographs: blur, vignetting, exposure and white balance in linear light, sensor noise, JPEG.

The order is that of a camera. Linear light is that of sRGB (IEC 61966-2-1). Noise is added to the encoded picture: photon noise
grows with the square root of the light, and the steepness of the encoding falls nearly as its inverse square root, so that its
standard deviation is nearly the same at all levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from training.config import PictureSettings

BEST_JPEG_QUALITY = 95
"""Highest quality that is drawn."""
STEPS = 1 << 14
"""Levels of linear light that are encoded; the darkest ones are less than a level of sRGB apart."""


def _encoded(light: np.ndarray) -> np.ndarray:
    """Return sRGB levels, 0 to 255, of linear light, 0 to 1."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * np.maximum(light, 1e-9) ** (1 / 2.4) - 0.055)


def _decoded(level: np.ndarray) -> np.ndarray:
    """Return linear light, 0 to 1, of sRGB levels, 0 to 255."""
    v = level / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


LIGHT = _decoded(np.arange(256)).astype(np.float32)
LEVEL = _encoded(np.arange(STEPS) / (STEPS - 1)).astype(np.float32)


@dataclass(frozen=True)
class Camera:
    """The settings and flaws of a camera at one picture; the defaults change nothing."""

    blur_px: float = 0.0
    """Standard deviation of the Gaussian blur."""
    vignetting_stops: float = 0.0
    """Light that is lost in the corners."""
    gain_stops: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Exposure and white balance: gain of red, green and blue; light beyond full scale is clipped."""
    noise: float = 0.0
    """Standard deviation of the noise, as a share of full scale of the encoded picture."""
    jpeg_quality: int = 0
    """0: not compressed."""


def photographs(rgb: np.ndarray, settings: PictureSettings, rng: np.random.Generator) -> np.ndarray:
    """Return pictures (V, 3, h, w) uint8, each as a camera of its own takes it; themselves if no effect is on."""
    s = settings
    if not any((s.exposure_stops, s.white_balance_stops, s.vignetting_stops, s.blur_px, s.sensor_noise, s.jpeg_quality)):
        return rgb
    return np.stack([photograph(one, draw_camera(s, rng), rng) for one in rgb])


def draw_camera(settings: PictureSettings, rng: np.random.Generator) -> Camera:
    """Draw the camera of one picture, one that changes nothing in 1 - `jitter_share` of the pictures.

    All effects are drawn, whether or not they are on, so that one effect does not change the others.
    """
    changed, blur, vignetting, exposure, red, blue, noise, quality = rng.random(8)
    if changed >= settings.jitter_share:
        return Camera()
    stops = settings.exposure_stops * (2 * exposure - 1)
    warm, cold = (settings.white_balance_stops * (2 * x - 1) for x in (red, blue))
    worst = settings.jpeg_quality
    return Camera(
        blur_px=settings.blur_px * blur,
        vignetting_stops=settings.vignetting_stops * vignetting,
        gain_stops=(stops + warm, stops, stops + cold),
        noise=settings.sensor_noise * noise,
        jpeg_quality=worst + int(quality * (BEST_JPEG_QUALITY - worst + 1)) if worst else 0,
    )


def photograph(rgb: np.ndarray, camera: Camera, rng: np.random.Generator) -> np.ndarray:
    """Return a picture (3, h, w) uint8 as the camera takes it."""
    picture = np.ascontiguousarray(rgb.transpose(1, 2, 0))
    if camera.blur_px or camera.vignetting_stops or any(camera.gain_stops):
        level = _exposed(picture, camera)
    else:
        level = picture.astype(np.float32)
    if camera.noise:
        level += np.float32(255 * camera.noise) * rng.standard_normal(level.shape, np.float32)
    np.clip(level, 0, 255, out=level)
    taken = np.rint(level, out=level).astype(np.uint8)
    if camera.jpeg_quality:
        taken = _compressed(taken, camera.jpeg_quality)
    return taken.transpose(2, 0, 1)


def _exposed(picture: np.ndarray, camera: Camera) -> np.ndarray:
    """Return the levels (h, w, 3) float32 of the light that passes the lens and the exposure."""
    light: np.ndarray = LIGHT.take(picture)
    if camera.blur_px:
        light = cv2.GaussianBlur(light, (0, 0), camera.blur_px, borderType=cv2.BORDER_REFLECT)
    if camera.vignetting_stops:
        light *= falloff(picture.shape[0], picture.shape[1], camera.vignetting_stops)[..., None]
    light *= (STEPS - 1) * np.exp2(np.array(camera.gain_stops, np.float32))
    return LEVEL.take((np.minimum(light, STEPS - 1) + np.float32(0.5)).astype(np.uint16))


def falloff(height: int, width: int, stops: float) -> np.ndarray:
    """Return the share of the light (h, w) float32 behind a lens: cos^4 of the angle from its axis, 2^-stops at the corners."""
    y, x = (np.arange(n, dtype=np.float32) - (n - 1) / 2 for n in (height, width))
    corner = y[0] ** 2 + x[0] ** 2
    square = (y[:, None] ** 2 + x**2) / corner * np.float32(2 ** (stops / 2) - 1)  # of the tangent of the angle
    return 1 / (1 + square) ** 2


def _compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    """Return a picture (h, w, 3) uint8 after JPEG; OpenCV, which stores blue first, takes half of Pillow's time."""
    _, content = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR))[..., ::-1]
