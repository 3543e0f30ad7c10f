"""The preview picture of a data set: for some of its scenes a row of views and the spectrograms of both ears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from dataset.reader import Dataset
from dataset.viewer.spectrogram import spectrogram

ROWS, VIEWS = 6, 4
WIDTH = 240
"""Pixels of a view in the picture."""
GAP, CAPTION = 6, 18
PAPER, INK = (255, 255, 255), (40, 40, 40)
RANGE_DB = 70.0


def draw_sheet(data: Dataset, path: Path) -> None:
    """Draw the first set of some scenes, spread over the data set, into a JPEG file."""
    first: dict[str, int] = {}
    for index in range(len(data)):
        first.setdefault(data.shards[data.locate(index)[0]]["scene"], index)
    scenes = list(first)
    chosen = [scenes[k] for k in np.unique(np.linspace(0, len(scenes) - 1, ROWS).astype(int))]
    rows = [_row(data, first[scene]) for scene in chosen]
    sheet = Image.new("RGB", (max(r.width for r in rows), sum(r.height for r in rows)), PAPER)
    top = 0
    for row in rows:
        sheet.paste(row, (0, top))
        top += row.height
    sheet.save(path, quality=88)


def _row(data: Dataset, index: int) -> Image.Image:
    rgb, azimuth = data.read(index, "rgb"), data.read(index, "azimuth")
    height = round(WIDTH * rgb.shape[1] / rgb.shape[2])
    names = data.names(data.locate(index)[0])
    walks = "recording" in names
    views = min(len(rgb), VIEWS)
    chosen = np.linspace(0, len(rgb) - 1, views).astype(int) if walks else np.arange(views)
    row = Image.new("RGB", ((views + 1) * (WIDTH + GAP), CAPTION + height + GAP), PAPER)
    draw = ImageDraw.Draw(row)
    for place, view in enumerate(chosen):
        left = place * (WIDTH + GAP)
        sides = ", ".join(f"{abs(a):.0f}\N{DEGREE SIGN} {'left' if a > 0 else 'right'}" for a in azimuth[view])
        name = f"{data.read(index, 'set_id')}   " if view == 0 else ""
        draw.text((left + 2, 3), f"{name}sound {sides}", fill=INK)
        row.paste(Image.fromarray(rgb[view]).resize((WIDTH, height), Image.Resampling.BOX), (left, CAPTION))
    if walks or "audio" in names:
        left = views * (WIDTH + GAP)
        draw.text((left + 2, 3), f"{'recording' if walks else 'first view'}: left ear above, right below", fill=INK)
        row.paste(_ears(data.read(index, "recording") if walks else data.read(index, "audio", 0), height), (left, CAPTION))
    return row


def _ears(audio: np.ndarray, height: int) -> Image.Image:
    """Draw the spectrograms of (2, L) sound, left ear above right, low frequencies at the bottom of each."""
    level = [spectrogram(ear)[::-1] for ear in audio]
    peak = max(x.max() for x in level)
    parts = [np.uint8(np.clip(1 + (x - peak) / RANGE_DB, 0, 1) * 255) for x in level]
    image = Image.new("L", (WIDTH, height), 255)
    half = height // 2 - 1
    for k, part in enumerate(parts):
        image.paste(Image.fromarray(255 - part).resize((WIDTH, half), Image.Resampling.BILINEAR), (0, k * (half + 2)))
    return image
