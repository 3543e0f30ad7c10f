"""Walks of a data set as clips: their names, sound within full scale, truths by moment, and MP4 files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from dataset.errors import DatasetError
from dataset.geometry import pinholes
from dataset.reader import Dataset

PEAK = 0.98
"""Largest sample of a clip, relative to full scale; louder walks are attenuated, others keep their level."""
QUALITY = "18"
"""Constant rate factor of x264: artefacts are hardly visible."""


@dataclass(frozen=True)
class WalkClip:
    """One walk."""

    split: str
    scene: str
    number: int
    """Index of the set in its scene."""
    one: Mapping[str, Any]
    """The fields of the set."""
    sample_rate: int

    @property
    def gain(self) -> float:
        """Factor on the recording that keeps it within full scale."""
        return min(1.0, PEAK / max(float(np.abs(self.one["recording"]).max()), 1e-9))

    @property
    def sound(self) -> np.ndarray:
        """The recording within full scale, (2, L) float32."""
        return self.one["recording"] * np.float32(self.gain)

    @property
    def fps(self) -> Fraction:
        """Pictures a second."""
        time = self.one["time"].astype(np.float64)
        return Fraction((len(time) - 1) / time[-1] if len(time) > 1 else 1.0).limit_denominator(1001)

    @property
    def sources(self) -> np.ndarray:
        """Positions of the sources at every moment, (V, S, 3)."""
        still = np.broadcast_to(self.one["source_position"], (len(self.one["time"]), *self.one["source_position"].shape))
        return np.asarray(self.one.get("source_track", still))

    @property
    def on_screen(self) -> np.ndarray:
        """Whether each source is in sight and within the picture at every moment, (V, S) bool."""
        height, width = self.one["depth"].shape[1:]
        out = np.zeros(self.one["azimuth"].shape, bool)
        for k, camera in enumerate(pinholes(self.one)):
            offset = self.sources[k].astype(np.float64) - self.one["position"][k]
            right, up, ahead = (offset @ axis for axis in camera.axes(float(self.one["heading"][k])))
            limit = camera.half_width * ahead
            out[k] = (ahead > 0) & (np.abs(right) <= limit) & (np.abs(up) <= limit * height / width)
        return out & (self.one["in_sight"] > 0)


def check_walks(data: Dataset) -> None:
    """Raise DatasetError where a data set holds other sets than walks, or PyAV is not installed."""
    _library()
    for number, entry in enumerate(data.shards):
        if "recording" not in data.names(number):
            raise DatasetError(f"{entry['path']} holds no walks; render with --motion walk")


def walk_clips(data: Dataset) -> Iterator[WalkClip]:
    """Iterate over the walks of a data set."""
    for index in range(len(data)):
        shard = data.locate(index)[0]
        entry = data.shards[shard]
        one = data[index]
        number = int(one["set_id"].rsplit("/", 1)[1])
        yield WalkClip(entry["split"], entry["scene"], number, one, int(data.shard_file(shard).attrs["sample_rate"]))


def write_mp4(path: Path, pictures: np.ndarray, fps: Fraction, sound: np.ndarray | None = None, sample_rate: int = 0) -> None:
    """Write pictures (V, H, W, 3) uint8, and sound (2, L) float32 where given, as MP4: H.264 and AAC.

    Sides that are odd are cut by one pixel, which H.264 requires.
    """
    av = _library()
    height, width = (side // 2 * 2 for side in pictures.shape[1:3])
    with av.open(str(path), "w", format="mp4") as file:
        video = file.add_stream("libx264" if "libx264" in av.codecs_available else "mpeg4", rate=fps)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        if video.codec.name == "libx264":
            video.options = {"crf": QUALITY}
        audio = None if sound is None else file.add_stream("aac", rate=sample_rate, layout="stereo", bit_rate=192000)
        for k, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            frame.pts = k
            frame.time_base = 1 / fps
            file.mux(video.encode(frame))
        file.mux(video.encode())
        if audio is not None and sound is not None:
            block = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound), format="fltp", layout="stereo")
            block.sample_rate, block.pts, block.time_base = sample_rate, 0, Fraction(1, sample_rate)
            fifo = av.AudioFifo()
            fifo.write(block)
            for part in fifo.read_many(1024, partial=True):
                file.mux(audio.encode(part))
            file.mux(audio.encode())


def _library() -> Any:
    try:
        import av
    except ImportError:
        raise DatasetError("videos need PyAV: pip install av (or sight-and-sound[video])") from None
    return av
