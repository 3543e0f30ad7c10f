"""Batches drawn from a store by seeds: a step's batch depends on (seed, epoch, set) only, not on workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from dataset.responses import full_response
from training.config import Settings
from training.data.clip_starts import STEP_S, audible_starts
from training.data.microphones import record
from training.data.photograph import photographs
from training.data.preload import Store

Made = TypeVar("Made")
OFFSET_S = 0.5
"""Views of a set start at different multiples of this, plus one common offset below it."""


@dataclass
class Batch:
    """B sets with V views and S sources each; tensors on the host until `to`."""

    row: Tensor
    """(B,) int64, the sets' indices in the store."""
    rgb: Tensor
    """(B, V, 3, h, w) uint8."""
    color: Tensor
    """(B, V, 3) brightness, contrast and saturation factors of the colour jitter."""
    dry: Tensor
    """(B, V, S, T - 1 + L) float32, the dry moments with the T - 1 samples before them."""
    response: Tensor
    """(B, V, S, 2, T) float32, direct + ratio x indirect with each set's own ratio."""
    noise: Tensor
    """(B, V, 2, L) float32 white noise, relative to the sound's level; empty without noise."""
    own_noise: Tensor
    """(B, V, 2, L) float32 the microphones' own noise, relative to full scale; empty without it."""
    pictures_withheld: Tensor
    """(B,) bool: the pretext task withholds the pictures of these sets."""
    heading: Tensor
    """(B, V) degrees. Truth: for ablations, probes, supervision and validation only."""
    azimuth: Tensor
    """(B, V) degrees of the first source, as in the store. Truth, as above, or inferred."""
    confidence: Tensor
    """(B, V) float32, 0 to 1: confidence in the azimuth's side, front or back."""

    def to(self, device: torch.device) -> Batch:
        """Move to a device; onto a GPU through page-locked memory, so that the copy does not block the step."""
        parts = {f.name: getattr(self, f.name) for f in fields(self)}
        if device.type == "cuda":
            parts = {name: part.pin_memory() for name, part in parts.items()}
        return Batch(**{name: part.to(device, non_blocking=True) for name, part in parts.items()})


class Batches:
    """The batches of a run over one store; `batches.make(step)` is pure, `between` prepares them in threads.

    batches = Batches(store, settings, batch=32, training=True)
    for rendered in batches.between(0, 100, render_batch, workers=2): ...
    """

    def __init__(
        self,
        store: Store,
        settings: Settings,
        batch: int,
        training: bool,
        rank: int = 0,
        world: int = 1,
        tag: int = 0,
        hard: bool = False,
        only: int | None = None,
        pictures: bool = True,
    ) -> None:
        """Batches of `batch` sets over all `world` processes, of which this one, `rank`, makes its part.

        Without `training` there are no jitter, photographs, microphones, mirroring or fresh combination, and the last, smaller
        batch is kept. `tag` distinguishes the draws of the stages of one run. With `hard`, `sound.hard_share` of the sets are
        more reverberant, noisy or have a second source. `only` selects this source of every set. Without `pictures` the batches
        have none, which saves time if only sound is used.
        """
        self.store, self.settings, self.training, self.hard, self.only = store, settings, training, hard, only
        self.pictures = pictures
        self.batch = min(batch, len(store))
        self.rank, self.world, self.tag = rank, world, tag
        self.clip = round(settings.sound.clip_s * store.sample_rate)
        self._starts: dict[tuple[int, int], np.ndarray] = {}
        """Starts of the audible clips of the dry sounds read so far."""

    @property
    def per_epoch(self) -> int:
        """Number of batches in an epoch."""
        n = len(self.store)
        return n // self.batch if self.training else -(-n // self.batch)

    def rows(self, step: int) -> np.ndarray:
        """Return the indices in the store of a step's sets, over all processes: every set once an epoch, shuffled in training."""
        epoch, place = divmod(step, self.per_epoch)
        order = np.arange(len(self.store))
        if self.training:
            order = np.random.default_rng((self.settings.seed, self.tag, 1, epoch)).permutation(order)
        return order[place * self.batch : (place + 1) * self.batch]

    def make(self, step: int) -> Batch:
        """Draw this process's share of a step's batch."""
        epoch = step // self.per_epoch
        rows = self.rows(step)[self.rank :: self.world]
        drawn = [self._draw(int(row), epoch) for row in rows]
        return Batch(
            row=torch.from_numpy(rows.astype(np.int64)),
            **{name: torch.from_numpy(np.stack([d[name] for d in drawn])) for name in drawn[0]},
        )

    def between(self, first: int, last: int, finish: Callable[[Batch], Made], workers: int = 1) -> Iterator[Made]:
        """Yield finish(batch) for steps first to last - 1, prepared by threads (0: made on demand)."""

        def made(step: int) -> Made:
            return finish(self.make(step))

        if workers <= 0:
            yield from map(made, range(first, last))
            return
        with ThreadPoolExecutor(workers) as pool:
            ahead: list[Future[Made]] = []
            for step in range(first, last):
                while len(ahead) <= workers and step + len(ahead) < last:
                    ahead.append(pool.submit(made, step + len(ahead)))
                yield ahead.pop(0).result()

    def _draw(self, row: int, epoch: int) -> dict[str, np.ndarray]:
        """Draw one set's part of a batch; the generator depends on seed, stage, epoch and set only."""
        s, store = self.settings, self.store
        rng = self._generator(2, epoch, row)
        others = np.arange(1, store.rgb.shape[1])
        others = rng.permutation(others) if self.training else others
        views = np.concatenate([[0], others[: s.views - 1]])
        hard = self.hard and rng.random() < s.sound.hard_share
        count = s.sound.sources + (hard and rng.random() < s.sound.hard_second_share)
        sources = rng.permutation(store.azimuth.shape[2])[:count] if self.only is None else np.array([self.only])
        mirrored = bool(self.training and s.mirror and rng.random() < 0.5)
        sign = -1.0 if mirrored else 1.0
        rgb = store.rgb[row, views] if self.pictures else store.rgb[row, views, :, :0]
        if self.pictures and self.training:
            rgb = self._recolored(photographs(rgb, s.picture, self._generator(3, epoch, row)), rng)
        response, own_noise = (
            self._response(row, views, sources, self._ratio(hard, rng)),
            np.zeros((len(views), 2, 0), np.float32),
        )
        color = np.ones((len(views), 3), np.float32)
        if self.training:
            response, own_noise = record(response, s.sound, store.sample_rate, self.clip, self._generator(4, epoch, row))
            change = rng.uniform(1 - s.picture.jitter, 1 + s.picture.jitter, color.shape)
            color = np.where(rng.random((len(views), 1)) < s.picture.jitter_share, change, 1.0).astype(np.float32)
        return {
            "rgb": rgb[..., ::-1].copy() if mirrored else rgb,
            "color": color,
            "dry": self._dry(row, sources, len(views), response.shape[-1], hard, rng),
            "response": response[..., ::-1, :].copy() if mirrored else response,
            "noise": self._noise(len(views), hard, rng),
            "own_noise": own_noise,
            "pictures_withheld": np.array(self.training and rng.random() < s.pretext.withheld_share),
            "heading": sign * store.heading[row, views],
            "azimuth": sign * store.azimuth[row, views, sources[0]],
            "confidence": self._confidence(row, views, sources[0]),
        }

    def _generator(self, part: int, epoch: int, row: int) -> np.random.Generator:
        """Return the generator of a part of a set's draw: each has its own, so that one does not change the others."""
        return np.random.default_rng((self.settings.seed, self.tag, part, epoch if self.training else 0, row))

    def _recolored(self, rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Permute the colour channels of a set's pictures (V, 3, h, w), and invert them, at random."""
        if not self.settings.picture.recolor:
            return rgb
        rgb = rgb[:, rng.permutation(3)]
        return 255 - rgb if rng.random() < 0.5 else rgb

    def _ratio(self, hard: bool, rng: np.random.Generator) -> float:
        """Draw a set's factor on the indirect part: log-uniform for hard sets."""
        low, high = self.settings.sound.indirect_ratio, self.settings.sound.hard_indirect_ratio
        return float(low * (high / low) ** rng.random()) if hard and low > 0 else low

    def _response(self, row: int, views: np.ndarray, sources: np.ndarray, ratio: float) -> np.ndarray:
        """Join direct and indirect responses: (V, S, 2, T) float32; absent further sources are silent."""
        store, s = self.store, self.settings.sound
        cut = round((s.hard_response_s if self.hard else s.response_s) * store.sample_rate)
        direct, indirect = (x[row, ..., :cut][views][:, sources].astype(np.float32) for x in (store.direct, store.indirect))
        out = np.zeros((len(views), self._slots, *indirect.shape[2:]), np.float32)
        out[:, : len(sources)] = full_response(direct, indirect, ratio)
        return out

    @property
    def _slots(self) -> int:
        """Largest number of sources of a set in these batches."""
        s = self.settings.sound
        further = self.hard and s.hard_share * s.hard_second_share > 0
        return min(s.sources + further, self.store.azimuth.shape[2])

    def _confidence(self, row: int, views: np.ndarray, source: int) -> np.ndarray:
        if self.store.confidence is None:
            return np.ones(len(views), np.float32)
        return self.store.confidence[row, views, source].astype(np.float32)

    def _dry(self, row: int, sources: np.ndarray, views: int, taps: int, hard: bool, rng: np.random.Generator) -> np.ndarray:
        """Draw the dry moments (V, S, T - 1 + L) at random levels."""
        s, store = self.settings.sound, self.store
        dominance = s.hard_dominance_db if hard else s.dominance_db
        out = np.zeros((views, self._slots, taps - 1 + self.clip), np.float32)
        top = rng.uniform(s.min_rms, s.max_rms)
        for k, source in enumerate(sources):
            clip = (row, source)
            if self.training and s.fresh:
                clip = (int(rng.integers(len(store))), int(rng.integers(store.mono.shape[1])))
            mono = store.mono[clip]
            starts = self._audible(clip, mono)
            level = top if k == 0 or dominance > 0 else rng.uniform(s.min_rms, s.max_rms)
            if k > 0 and dominance > 0:
                level *= 10 ** (-rng.uniform(0, dominance) / 20)
            moments = self._moments(starts, views, rng)
            for view, start in enumerate(moments):
                begin = max(0, start - taps + 1)
                piece = mono[begin : start + self.clip].astype(np.float32)
                out[view, k, -len(piece) :] = piece
                power = np.sqrt(np.mean(out[view, k, taps - 1 :] ** 2))
                out[view, k] *= level / max(power, 1e-6)
        return out

    def _audible(self, clip: tuple[int, int], mono: np.ndarray) -> np.ndarray:
        """Return the starts of the audible clips of a dry sound (L,)."""
        if clip not in self._starts:
            self._starts[clip] = audible_starts(mono, self.clip, self.store.sample_rate).astype(np.int32)
        return self._starts[clip]

    def _moments(self, starts: np.ndarray, views: int, rng: np.random.Generator) -> np.ndarray:
        """Draw a start for each view among the audible ones, OFFSET_S or more apart while such starts remain."""
        if self.settings.sound.time_sync:
            return np.repeat(starts[rng.integers(len(starts))], views)
        step = max(1, round(STEP_S * self.store.sample_rate))
        slots = round(OFFSET_S / STEP_S)
        phase = int(starts[rng.integers(len(starts))]) // step % slots
        same_phase = starts[starts // step % slots == phase]
        picked = rng.permutation(same_phase)[:views]
        return np.concatenate([picked, rng.choice(starts, views - len(picked))]).astype(int)

    def _noise(self, views: int, hard: bool, rng: np.random.Generator) -> np.ndarray:
        """Draw white noise (V, 2, L) relative to the sound's level; empty if no set can have any."""
        s = self.settings.sound
        if s.noise_share == 0 and not (self.hard and s.hard_share * s.hard_noise_share > 0):
            return np.zeros((views, 2, 0), np.float32)
        probability = max(s.noise_share, s.hard_noise_share if hard else 0.0)
        lowest = s.hard_min_snr_db if hard else s.noise_min_snr_db
        if rng.random() >= probability:
            return np.zeros((views, 2, self.clip), np.float32)
        share = 10 ** (-rng.uniform(lowest, s.noise_max_snr_db) / 20)
        return share * rng.standard_normal((views, 2, self.clip), np.float32)
