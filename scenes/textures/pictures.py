"""Textures that cover their object once: paintings, posters, books, screens, the view outside."""

from __future__ import annotations

import numpy as np

from scenes.textures.noise import Generator, brushed, grid, mix, noise, paint, shifted, vivid


def painting(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a painting: landscape, still life of shapes, or strokes."""
    v, u = grid(size)
    kind = rng.integers(3)
    tones = [shifted(color, rng, 0.12, 0.15, 0.2), *(vivid(rng) for _ in range(6))]
    picture = mix(tones[1], tones[2], v)
    if kind == 0:
        for layer in range(5):
            level = 0.25 + 0.15 * layer + 0.03 * rng.standard_normal()
            phase = rng.random(3) * 6
            ridge = level + 0.05 * np.sin(5 * u + phase[0]) + 0.03 * np.sin(13 * u + phase[1]) + 0.015 * np.sin(31 * u + phase[2])
            picture = mix(picture, tones[layer % 7] * (0.6 + 0.1 * layer), (v > ridge) * 1.0)
        picture = mix(picture, np.array([1.0, 0.9, 0.6]), (np.hypot(u - rng.random(), v - 0.15) < 0.07) * 1.0)
    else:
        for k in range(int(rng.integers(8, 18))):
            x, y, a, b = rng.random(), rng.random(), *rng.uniform(0.04, 0.28, 2)
            turn = rng.random() * np.pi
            p, q = (u - x) * np.cos(turn) + (v - y) * np.sin(turn), (v - y) * np.cos(turn) - (u - x) * np.sin(turn)
            shape = np.hypot(p / a, q / b) < 1 if kind == 1 else (np.abs(p) < 1.6 * a) & (np.abs(q) < 0.3 * b)
            picture = mix(picture, tones[k % 7], 0.85 * shape)
    return picture * brushed(rng, size, 0.07)[..., None]


def poster(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a print: blocks of colour and lines of letters on paper."""
    v, u = grid(size)
    paper = np.array([0.93, 0.91, 0.86]) if rng.random() < 0.4 else 0.5 * vivid(rng) + rng.choice([0.0, 0.45])
    picture = np.broadcast_to(paper, (size, size, 3)).copy()
    ink = np.full(3, 0.12) if paper.mean() > 0.45 else np.full(3, 0.93)
    top = rng.choice([0.72, 0.08])
    for _ in range(int(rng.integers(3, 7))):
        x, y, w, h = rng.random(), rng.uniform(0.05, 0.55), *rng.uniform(0.1, 0.45, 2)
        shape = (np.abs(u - x) < w / 2) & (np.abs(v - y) < h / 2) if rng.random() < 0.6 else np.hypot(u - x, v - y) < w / 2
        picture = mix(picture, vivid(rng), 0.9 * shape)
    for line in range(int(rng.integers(2, 5))):
        y = top + 0.06 * line
        letters = np.repeat(rng.random(size // 4 + 1) < 0.6, 4)[:size]
        row = (np.abs(v - y) < rng.uniform(0.012, 0.028)) & (u > 0.1) & (u < rng.uniform(0.5, 0.92))
        picture[row & letters[None, :]] = ink
    return picture


def books(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw book spines side by side with titles and bands, from edge to edge."""
    picture = np.full((size, size, 3), 0.06)
    at = 0
    while at < size:
        width = int(rng.integers(size // 28, size // 11))
        stop = min(at + width, size)
        top = int(rng.integers(0, size // 6))
        spine = 0.1 + 0.9 * vivid(rng) * rng.uniform(0.65, 1.0)
        picture[top:, at : stop - 1] = spine
        ink = np.clip(1.15 - spine, 0, 1)
        for _ in range(int(rng.integers(1, 4))):
            y, h = int(rng.integers(top + 4, size - 20)), int(rng.integers(2, 6))
            picture[y : y + h, at : stop - 1] = ink
        y, h = int(rng.integers(top + 10, size // 2)), int(rng.integers(size // 8, size // 3))
        dash = np.repeat(rng.random(h // 3 + 1) < 0.7, 3)[:h]
        middle = slice(at + max(1, width // 3), min(stop - 1, at + max(2, 2 * width // 3)))
        picture[y : y + h, middle] = np.where(dash[:, None, None], ink, spine)
        picture[top:, at] *= 0.6
        at = stop
    return picture


def screen(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a display: a film, windows with text, or dark with a reflection."""
    v, u = grid(size)
    kind = rng.integers(3)
    if kind == 0:
        return painting(rng, color, size) * (0.35 + 0.65 * np.clip(1.2 - np.hypot(u - 0.5, v - 0.5), 0, 1))[..., None]
    if kind == 1:
        picture = np.broadcast_to(np.array([0.1, 0.16, 0.26]), (size, size, 3)).copy()
        for _ in range(3):
            x, y, w, h = rng.uniform(0.05, 0.4), rng.uniform(0.05, 0.4), *rng.uniform(0.3, 0.55, 2)
            frame = (u > x) & (u < x + w) & (v > y) & (v < y + h)
            picture[frame] = 0.9
            picture[frame & (v < y + 0.06)] = vivid(rng)
            line = (np.floor(v * 28) % 2 == 0) & (rng.random((size, 1)) * w > u - x - 0.05) & (u > x + 0.03) & (v > y + 0.1)
            picture[frame & line] = 0.25
        return picture
    return np.array([0.07, 0.08, 0.09]) + 0.14 * np.clip(u + v - 0.9 + 0.1 * noise(rng, size, 2.0), 0, 1)[..., None]


def outside(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw houses, trees and hills under the sky, all around; repeats along u."""
    v, u = grid(size)
    sky = mix(np.array([0.62, 0.78, 0.96]), np.array([0.92, 0.94, 0.95]), v / 0.45)
    picture = mix(sky, np.ones(3), 0.5 * np.clip(noise(rng, size, 1.8, (2.0, 1.0)) - 0.4, 0, 1))
    ridge = 0.4 + 0.04 * np.sin(2 * np.pi * (u + rng.random())) + 0.02 * np.sin(2 * np.pi * (4 * u + rng.random()))
    picture = mix(picture, paint(np.array([0.42, 0.52, 0.5]), brushed(rng, size, 0.05)), (v > ridge) * 1.0)
    grain, clump = brushed(rng, size, 0.04)[..., None], noise(rng, size, 1.6)
    for depth in range(3):
        for _ in range(9):
            x, w, top = rng.random(), rng.uniform(0.04, 0.1), rng.uniform(0.22, 0.42) + 0.13 * depth
            du = (u - x) % 1
            gable = 0.35 * np.abs(du - w / 2) * (rng.random() < 0.6)
            wall = (du < w) & (v > top + gable)
            pane = (du * 90 % 2.4 > 1.4) & ((v - top) * 60 % 2.2 > 1.2) & (v > top + 0.05)
            front = mix(vivid(rng) * 0.4 + 0.35, np.array([0.2, 0.24, 0.3]), 0.8 * pane) * grain
            picture = np.where(wall[..., None], front * (0.7 + 0.12 * depth), picture)
        tree = v > 0.55 + 0.13 * depth + 0.05 * noise(rng, size, 1.3)
        leaf = paint(np.array([0.24, 0.38, 0.16]) * (0.8 + 0.15 * depth), 1 + 0.25 * noise(rng, size, 0.7))
        picture = np.where((tree & (np.roll(clump, 50 * depth, 1) > 0.1))[..., None], leaf, picture)
    street = paint(np.array([0.45, 0.46, 0.42]), brushed(rng, size, 0.08))
    haze = np.array([0.9, 0.92, 0.94])
    return mix(mix(picture, street, np.clip((v - 0.9) * 30, 0, 1)), haze, np.full_like(v, 0.22))


def clock(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a clock's face."""
    v, u = grid(size)
    x, y = u - 0.5, v - 0.5
    radius, angle = np.hypot(x, y), np.arctan2(y, x)
    mark = (np.abs((angle * 6 / np.pi + 0.5) % 1 - 0.5) < 0.12) & (radius > 0.36) & (radius < 0.45)
    for length, width in ((0.22, 0.03), (0.34, 0.02)):
        turn = rng.random() * 2 * np.pi
        p, q = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        mark |= (p > -0.04) & (p < length) & (np.abs(q) < width)
    return mix(np.broadcast_to(np.array([0.95, 0.94, 0.9]), (size, size, 3)), np.full(3, 0.1), mark * 1.0)


def mirror(rng: Generator, color: np.ndarray, size: int) -> np.ndarray:
    """Draw a mirror: a blurred reflection of a room."""
    v, u = grid(size)
    blur = 0.5 + 0.12 * noise(rng, size, 2.2) + 0.2 * (0.5 - v)
    return mix(np.array([0.45, 0.46, 0.47]), np.array([0.9, 0.92, 0.92]), blur) + 0.12 * (np.abs(u - v - 0.2) < 0.06)[..., None]


PICTURES = {
    "painting": (painting, 96), "poster": (poster, 96), "books": (books, 160), "screen": (screen, 96),
    "outside": (outside, 384), "clock": (clock, 64), "mirror": (mirror, 64),
}  # fmt: skip
