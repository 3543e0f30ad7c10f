"""Decoding of a split's sets: pictures at the networks' size, sounds and responses at their rate, values checked."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import numpy as np
import soxr
from PIL import Image

from dataset.reader import Dataset
from training.config import Settings
from training.errors import InputError

RATE_HZ = 16000
"""Rate of the networks; data of other rates are resampled."""
REMEDY = "find all such sets with python -m dataset.verify, delete their shards, and render again"
FIELDS = ("set_id", "rgb", "heading", "azimuth", "brir_direct", "brir_indirect", "mono")


class Decoder:
    """Decodes the fields of one split, one set at a time; every set has the shapes of the first."""

    def __init__(self, data: Dataset, settings: Settings) -> None:
        """Decode the first set; raise InputError if it has too few views or sources, or too short sounds, for the settings."""
        self.data, picture, sound = data, settings.picture, settings.sound
        self.size = picture.width_px, picture.height_px
        self.rate = int(data.manifest["settings"]["acoustics"]["sample_rate_hz"])
        self.set_id: list[str] = [data.read(0, "set_id")]
        views = data.read(0, "rgb").shape[0]
        for name in ("heading", "azimuth"):
            check_values(self.set_id[0], name, data.read(0, name))
        direct, indirect, mono = (self.sound(0, name) for name in ("brir_direct", "brir_indirect", "mono"))
        sources, stretch = mono.shape
        if views < settings.views:
            raise InputError(f"views is {settings.views}, the data set's sets have {views}; set views={views} or render more")
        if sources < sound.sources:
            raise InputError(f"sound.sources is {sound.sources}, the data set's sets have {sources}; set sound.sources={sources}")
        if round(sound.clip_s * RATE_HZ) > stretch:
            raise InputError(f"sound.clip_s is {sound.clip_s:g} s, the sets' sound lasts {stretch / RATE_HZ:g} s")
        cut = round(max(sound.response_s, sound.hard_response_s) * RATE_HZ)
        direct_taps = min(cut, direct.shape[-1])
        taps = max(direct_taps, min(cut, indirect.shape[-1]))
        n, half = len(data), np.dtype(np.float16)
        self.shapes: dict[str, tuple[tuple[int, ...], np.dtype]] = {
            "rgb": ((n, views, 3, picture.height_px, picture.width_px), np.dtype(np.uint8)),
            "direct": ((n, views, sources, 2, direct_taps), half),
            "indirect": ((n, views, sources, 2, taps), half),
            "mono": ((n, sources, stretch), half),
        }
        """Shape (N, ...) and type of each decoded field."""

    @property
    def bytes(self) -> int:
        """Bytes of the whole split, decoded."""
        return sum(int(np.prod(shape)) * dtype.itemsize for shape, dtype in self.shapes.values())

    def labels(self) -> tuple[np.ndarray, np.ndarray]:
        """Read the ids of all sets, and return their headings (N, V) and azimuths (N, V, S), float32, degrees."""
        parts: dict[str, list[np.ndarray]] = {"set_id": [], "heading": [], "azimuth": []}
        for shard in range(len(self.data.shards)):
            for name, values in parts.items():
                values.append(self.data.column(shard, name))
        joined = {name: np.concatenate(values) for name, values in parts.items()}
        self.set_id = [text.decode(errors="replace") for text in joined["set_id"]]
        for name in ("heading", "azimuth"):
            if not np.isfinite(joined[name]).all():
                bad = next(k for k, one in enumerate(joined[name]) if not np.isfinite(one).all())
                check_values(self.set_id[bad], name, joined[name][bad])
        return joined["heading"].astype(np.float32), joined["azimuth"].astype(np.float32)

    def decoders(self) -> dict[str, Callable[[int], np.ndarray]]:
        """Return the function that decodes a set, by its row, for each field of `shapes`."""
        return {"rgb": self.rgb, "direct": self.direct, "indirect": self.indirect, "mono": lambda row: self.sound(row, "mono")}

    def rgb(self, row: int) -> np.ndarray:
        """Return the pictures of a set, (V, 3, h, w) uint8."""
        return np.stack([shrink(view, *self.size).transpose(2, 0, 1) for view in self.data.read(row, "rgb")])

    def direct(self, row: int) -> np.ndarray:
        """Return the responses of the direct sound of a set, (V, S, 2, Td)."""
        return self.sound(row, "brir_direct")[..., : self.shapes["direct"][0][-1]]

    def indirect(self, row: int) -> np.ndarray:
        """Return the responses of the reflected sound of a set, (V, S, 2, T) float16, zeros behind their end."""
        shape = self.shapes["indirect"][0][1:]
        values = self.sound(row, "brir_indirect")
        out = np.zeros(shape, np.float16)
        out[..., : values.shape[-1]] = values[..., : shape[-1]]
        return out

    def sound(self, row: int, field: str) -> np.ndarray:
        """Return a field of sounds or responses of a set at RATE_HZ, its values checked: (..., L) float32."""
        values = self.data.read(row, field)
        check_values(self.set_id[row], field, values)
        if self.rate == RATE_HZ:
            return np.asarray(values)
        # A response is a density in time: at a lower rate its samples are larger in proportion.
        return (1.0 if field == "mono" else self.rate / RATE_HZ) * resampled(values, self.rate)


def check_values(set_id: str, field: str, values: np.ndarray) -> None:
    """Raise InputError if the values of a set's field are not finite, or a dry sound (S, L) is silent."""
    if not np.isfinite(values).all():
        raise InputError(f"set {set_id}: {field} holds values that are not finite; {REMEDY}")
    if field == "mono" and not values.any(-1).all():
        raise InputError(f"set {set_id}: a dry sound is silent from end to end; {REMEDY}")


def resampled(sound: np.ndarray, rate: int) -> np.ndarray:
    """Resample along the last axis to RATE_HZ: (..., L) -> (..., L') float32."""
    flat = np.ascontiguousarray(sound.reshape(-1, sound.shape[-1]).T, np.float32)
    out = soxr.resample(flat, rate, RATE_HZ, quality="VHQ").T
    return out.reshape(*sound.shape[:-1], -1)


def digest_of(data: Dataset) -> str:
    """Return the SHA-256 of the digests of a split's shards and, with --clips, of the clips' names, sizes and first bytes."""
    sha = hashlib.sha256()
    for shard in data.shards:
        sha.update(str(shard["sha256"]).encode())
    for path in getattr(data, "files", ()):
        with path.open("rb") as file:
            sha.update(f"{path.name} {path.stat().st_size} ".encode() + file.read(1 << 16))
    return sha.hexdigest()


def shrink(rgb: np.ndarray, width: int, height: int) -> np.ndarray:
    """Resize a picture (H, W, 3) uint8 to (height, width, 3), averaging areas when it shrinks."""
    if rgb.shape[:2] == (height, width):
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.BOX))
