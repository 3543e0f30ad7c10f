"""Every setting of a training run, frozen, with units in its name and checked once.

The defaults are those of the preset `paper`; presets.py has the other one. Machine options (device, workers, paths) are not
settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from dataset.settings import changed, flattened
from training.errors import InputError
from training.presets import PRESETS
from training.ranges import check


@dataclass(frozen=True)
class SoundSettings:
    """The binaural sound of a batch."""

    clip_s: float = 2.55
    """Length of each view's clip."""
    response_s: float = 1.0
    """Impulse responses are cut to this length; shorter is faster."""
    indirect_ratio: float = 0.2
    """Factor on the indirect part of the responses; 1 is physical."""
    time_sync: bool = False
    """Whether all views of a set use the same moment of the dry sound; otherwise each view has its own."""
    fresh: bool = True
    """Whether each epoch combines responses with random clips of the split; otherwise each set keeps its own clip."""
    min_rms: float = 0.07
    max_rms: float = 0.13
    """Level of each dry clip, drawn uniformly, relative to full scale."""
    sources: int = 1
    """Simultaneous sources, at most as many as the sets have; the azimuth of the first is the target."""
    dominance_db: float = 0.0
    """Level of further sources below the first, drawn uniformly from 0 to this; 0: all levels are drawn alike."""
    noise_min_snr_db: float = 10.0
    noise_max_snr_db: float = 40.0
    """Level of white noise below the sound, drawn uniformly ..."""
    noise_share: float = 0.0
    """... in this share of the sets."""
    hard_share: float = 0.25
    """Share of the sets with harder sound in the stages that learn from inferred or true azimuths (front-back, supervised):"""
    hard_response_s: float = 0.6
    """Impulse responses are cut to this length in these stages,"""
    hard_indirect_ratio: float = 1.5
    """... their indirect ratio is drawn log-uniformly from `indirect_ratio` to this,"""
    hard_noise_share: float = 0.5
    """... this share of them has noise, drawn uniformly from `hard_min_snr_db` to `noise_max_snr_db` below the sound,"""
    hard_min_snr_db: float = -5.0
    hard_second_share: float = 0.3
    """... and this share has one more source, if the data has it, from 0 to `hard_dominance_db` below the first."""
    hard_dominance_db: float = 20.0
    microphone_level_db: float = 0.0
    """Training only: difference of level between the two microphones, drawn uniformly up to this, either way."""
    microphone_spectrum_db: float = 0.0
    """Training only: standard deviation of each microphone's gain, drawn by octave."""
    microphone_noise_rms: float = 0.0
    """Training only: level of each microphone's own white noise, drawn uniformly from 0 to this, relative to full scale."""


@dataclass(frozen=True)
class PictureSettings:
    """The pictures of a batch."""

    width_px: int = 320
    height_px: int = 240
    jitter: float = 0.2
    """Brightness, contrast and saturation are each changed by up to this share ..."""
    jitter_share: float = 0.9
    """... in this share of the pictures; a draw of its own decides in which of them a camera does the following:"""
    exposure_stops: float = 0.0
    """Light is multiplied by 2 to a power drawn uniformly from minus this to this."""
    white_balance_stops: float = 0.0
    """Red light and blue light are each multiplied by one more such factor."""
    vignetting_stops: float = 0.0
    """Light that the corners lose, drawn uniformly from 0 to this."""
    blur_px: float = 0.0
    """Standard deviation of Gaussian blur, at the networks' size, drawn uniformly from 0 to this."""
    sensor_noise: float = 0.0
    """Standard deviation of noise, relative to full scale, drawn uniformly from 0 to this."""
    jpeg_quality: int = 0
    """Lowest quality of JPEG compression, drawn uniformly up to 95; 0: pictures are not compressed."""
    recolor: bool = False
    """Permute the colour channels of all pictures of a set at random, and invert the colours of half of the sets."""


@dataclass(frozen=True)
class NetworkSettings:
    """Kind and initial weights of the networks."""

    kind: str = "paper"
    """paper (ResNet-18s and U-Net) or small."""
    imagenet: str = ""
    """File of ResNet-18 weights with torchvision's names, the initial weights of the picture encoder; empty: random."""


@dataclass(frozen=True)
class StageSettings:
    """How long and how fast a stage trains."""

    epochs: float = 20
    steps: int = 0
    """Training steps; 0: computed from the epochs."""
    batch: int = 64
    """Sets in a step."""
    learning_rate: float = 1e-4
    weight_decay: float = 1e-2
    warmup_steps: int = 0


@dataclass(frozen=True)
class PretextSettings(StageSettings):
    """Cross-view binauralisation."""

    task: str = "m2b"
    """m2b (mono to binaural: predict L - R from L + R) or l2r (right ear from left ear)."""
    pictures: bool = True
    """Whether the network gets the pictures; without them it cannot know the turn of the head (ablation)."""
    conditioning_sound: bool = True
    """Whether the network gets the other view's binaural sound (ablation)."""
    true_rotation: bool = False
    """Whether the network gets the true rotation instead of pictures (ablation)."""
    withheld_share: float = 0.1
    """Share of the sets whose pictures are withheld, so that the same network measures the gain from pictures."""
    epochs: float = 500
    batch: int = 64


@dataclass(frozen=True)
class SlfmSettings(StageSettings):
    """Sound localisation from motion: the geometric stage."""

    geometric_weight: float = 5.0
    side_weight: float = 1.0
    symmetry_weight: float = 1.0
    prior_weight: float = 0.0
    """Uniform prior on the batch's lateral angles, see tasks/losses.py; 0 is the published method."""
    gate: bool = False
    """Whether the geometric loss starts only when the azimuths agree with the sign of the level difference."""
    gate_agreement: float = 0.95
    permutation: str = "joint"
    """Front-back ambiguity: joint (one front/back bit per view, shared by all pairs of a set), pairwise (the published
    minimum of each pair, which does not couple the signs of turns) or none."""
    side_margin: float = 0.1
    """The side loss is zero once sin(azimuth) reaches this on the louder ear's side; 1 is the published cross entropy."""
    prior_left: float = 0.15
    """Factor on the prior at the end; it decreases linearly from 1 between 40 and 70 % of the steps."""
    further_pairs_deg: float = 45.0
    """Pairs without the first view count if the predicted turns put the two views this close; 0 leaves them out."""
    front_only: bool = False
    """Whether azimuths lie within +-90 degrees, which limits the range of the azimuth head."""
    frozen: bool = True
    """Whether the backbones keep the weights of the pretext task."""
    true_rotation: bool = False
    """Whether the geometric loss uses the true rotation (ablation)."""
    true_azimuth: bool = False
    """Whether the geometric loss uses the true azimuths (ablation)."""
    epochs: float = 20
    batch: int = 96


@dataclass(frozen=True)
class FrontBackSettings(StageSettings):
    """Full-circle azimuth from the geometry of each set; see front_back.py."""

    moments: int = 3
    """Sounds of each view and source that the azimuths are inferred from."""
    concentration: float = 20.0
    """Weight of a disagreement 1 - cos in the log posterior of a choice of front/back bits."""
    epochs: float = 20
    batch: int = 96


@dataclass(frozen=True)
class ProbeSettings:
    """Linear probes on frozen features."""

    bins: int = 64
    epochs: float = 100
    batch: int = 256
    learning_rate: float = 1e-3
    weight_decay: float = 0.0


@dataclass(frozen=True)
class SupervisedSettings(StageSettings):
    """The same networks trained with the true angles: the upper bound."""

    epochs: float = 50
    batch: int = 64


@dataclass(frozen=True)
class Settings:
    """All settings of a run; its result depends on these and the data only."""

    preset: str = "paper"
    seed: int = 0
    views: int = 3
    """Views of a set in a batch: the first and others drawn at random."""
    mirror: bool = False
    """Whether half of the sets are mirrored at random: pictures flipped, ears swapped."""
    clip_gradients: float = 2.0
    """Maximum norm of the gradient."""
    sound: SoundSettings = field(default_factory=SoundSettings)
    picture: PictureSettings = field(default_factory=PictureSettings)
    network: NetworkSettings = field(default_factory=NetworkSettings)
    pretext: PretextSettings = field(default_factory=PretextSettings)
    slfm: SlfmSettings = field(default_factory=SlfmSettings)
    front_back: FrontBackSettings = field(default_factory=FrontBackSettings)
    probe: ProbeSettings = field(default_factory=ProbeSettings)
    supervised: SupervisedSettings = field(default_factory=SupervisedSettings)

    def __post_init__(self) -> None:
        """Raise InputError for values out of range."""
        check(flattened(self.to_dict()))

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as nested dictionaries, serialisable as JSON."""
        return asdict(self)


def preset(name: str, values: dict[str, Any] | None = None, assignments: Sequence[str] = ()) -> Settings:
    """Return a preset's settings, changed by dotted names and then by KEY=VALUE texts.

    Raise InputError for an unknown preset or name, or a wrong value.
    """
    if name not in PRESETS:
        raise InputError(f"preset is {name!r}; choose one of {', '.join(PRESETS)}")
    return changed(Settings(), {**PRESETS[name], **(values or {})}, assignments)


def stage_settings(settings: Settings, stage: str) -> StageSettings:
    """Return the settings of a training stage by its name on the command line."""
    found: StageSettings = getattr(settings, stage.replace("-", "_"))
    return found


def from_dict(content: dict[str, Any]) -> Settings:
    """Return settings from the output of `to_dict`, as stored in checkpoints."""
    return changed(Settings(), flattened(content))
