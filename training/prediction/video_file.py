"""Read and write videos with PyAV, an optional extra: frames at intervals, sound in blocks, annotated copies."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from training.errors import InputError
from training.prediction.files import present, reason
from training.prediction.sounds import Levels, at_network_rate, check_channels

SUFFIXES = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")


def library() -> Any:
    """Import PyAV; raise InputError where it is not installed."""
    try:
        import av
    except ImportError:
        raise InputError("videos need PyAV: pip install av (or sight-and-sound[video])") from None
    return av


class VideoFile:
    """A video, read anew by each iteration; memory does not grow with its length."""

    def __init__(self, path: Path, swap_ears: bool = False) -> None:
        """Check the file; raise InputError for one that is no video."""
        self.path, self.swap_ears, self.levels = path, swap_ears, Levels()
        with self._open() as container:
            if not container.streams.video:
                raise InputError(f"{path} holds no video; give a sound as WAV or FLAC")
            self.channels = container.streams.audio[0].layout.nb_channels if container.streams.audio else 0

    def frames(self, every_s: float) -> Iterator[tuple[float, np.ndarray]]:
        """Yield time, s, and upright picture (H, W, 3) uint8 of frames at least `every_s` apart."""
        due = -np.inf
        with self._open() as container:
            for frame in self._decoded(container, container.streams.video[:1]):
                time_s = float(frame.time or 0.0)
                if time_s >= due:
                    due = time_s + every_s - 1e-6
                    yield time_s, upright(frame)

    def sound(self) -> Iterator[np.ndarray]:
        """Yield the sound as blocks (2, n) float32 at RATE_HZ, ears (left, right); raise InputError without two channels."""
        check_channels(self.path, self.channels)
        self.levels = Levels()
        with self._open() as container:
            stream = container.streams.audio[0]
            yield from at_network_rate(self._blocks(container, stream), stream.rate)

    def _blocks(self, container: Any, stream: Any) -> Iterator[np.ndarray]:
        planar = library().AudioResampler(format="fltp", layout="stereo", rate=stream.rate)
        for frame in self._decoded(container, [stream]):
            for part in planar.resample(frame):
                block = part.to_ndarray()
                self.levels.add(block)
                yield block[::-1] if self.swap_ears else block

    def _decoded(self, container: Any, streams: Any) -> Iterator[Any]:
        try:
            yield from container.decode(*streams)
        except library().error.FFmpegError as error:
            raise InputError(f"{self.path} is damaged ({reason(error)}); convert it again") from None

    def _open(self) -> Any:
        try:
            return library().open(str(present(self.path)))
        except library().error.FFmpegError as error:
            raise InputError(f"{self.path} is not a readable video ({reason(error)})") from None


def upright(frame: Any) -> np.ndarray:
    """Return a decoded frame as (H, W, 3) uint8, turned as its display matrix says."""
    return np.rot90(frame.to_ndarray(format="rgb24"), int(getattr(frame, "rotation", 0)) // 90)


def write_annotated(source: VideoFile, target: Path, draw: Callable[[np.ndarray, float], np.ndarray]) -> None:
    """Write a copy of a video as MP4, each picture passed through draw(picture, time in s); the sound is kept."""
    av = library()
    try:
        with av.open(str(source.path)) as given, av.open(str(target), "w", format="mp4") as made:
            _copy(av, given, made, draw)
    except av.error.FFmpegError as error:
        raise InputError(f"{target} cannot be written ({reason(error)}); use another --out") from None


def _copy(av: Any, given: Any, made: Any, draw: Callable[[np.ndarray, float], np.ndarray]) -> None:
    streams = [given.streams.video[0], *given.streams.audio[:1]]
    codec = "libx264" if "libx264" in av.codecs_available else "mpeg4"
    video = made.add_stream(codec, rate=streams[0].average_rate or 25)
    video.pix_fmt = "yuv420p"
    audio = made.add_stream("aac", rate=streams[1].rate, layout="stereo") if len(streams) > 1 else None
    started = False
    for frame in given.decode(*streams):
        if isinstance(frame, av.AudioFrame):
            for packet in audio.encode(frame) if audio else ():
                made.mux(packet)
            continue
        picture = upright(frame)
        height, width = (n - n % 2 for n in picture.shape[:2])  # 4:2:0 needs even sizes
        if not started:
            video.width, video.height, started = width, height, True
        drawn = draw(np.ascontiguousarray(picture[:height, :width]), float(frame.time or 0.0))
        out = av.VideoFrame.from_ndarray(drawn, format="rgb24")
        out.pts, out.time_base = frame.pts, frame.time_base
        for packet in video.encode(out):
            made.mux(packet)
    for stream in (video, audio):
        for packet in stream.encode(None) if stream else ():
            made.mux(packet)
