"""The values that settings of training may have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from training.errors import InputError

KINDS = ("paper", "small")
TASKS = ("m2b", "l2r")
PERMUTATIONS = ("joint", "pairwise", "none")
MOST: dict[str, float] = {
    "sound.microphone_level_db": 20, "sound.microphone_spectrum_db": 10, "sound.microphone_noise_rms": 1,
    "picture.exposure_stops": 8, "picture.white_balance_stops": 4, "picture.vignetting_stops": 8, "picture.blur_px": 32,
    "picture.sensor_noise": 1, "picture.jpeg_quality": 95, "picture.jitter_share": 1,
}  # fmt: skip
"""Largest values of settings from 0."""
STAGES = ("pretext", "slfm", "front_back", "probe", "supervised")
"""Groups of settings with epochs, batch and learning rate."""


def check(v: Mapping[str, Any]) -> None:
    """Raise InputError for a value out of range; v: all settings by dotted name."""
    rules = [
        (v["network.kind"] in KINDS, f"network.kind is {v['network.kind']!r}; choose one of {', '.join(KINDS)}"),
        (v["pretext.task"] in TASKS, f"pretext.task is {v['pretext.task']!r}; choose one of {', '.join(TASKS)}"),
        (
            v["pretext.task"] == "m2b" or v["network.kind"] == "paper",
            "pretext.task is 'l2r', which needs the U-Net of network.kind=paper; the small decoder learns m2b only",
        ),
        (0 <= v["seed"] < 2**63, f"seed is {v['seed']}; expected 0 to below 2^63"),
        *((abs(x) < math.inf, f"{key} is {x}; expected a finite number") for key, x in v.items() if isinstance(x, float)),
        (v["views"] >= 2, f"views is {v['views']}; a turn needs at least 2"),
        (0.05 <= v["sound.clip_s"] <= 60, f"sound.clip_s is {v['sound.clip_s']}; expected 0.05 to 60"),
        (0.01 <= v["sound.response_s"] <= 10, f"sound.response_s is {v['sound.response_s']}; expected 0.01 to 10"),
        (v["sound.indirect_ratio"] >= 0, f"sound.indirect_ratio is {v['sound.indirect_ratio']}; expected 0 or more"),
        (0 < v["sound.min_rms"] <= v["sound.max_rms"] < 1, "sound levels must satisfy 0 < min_rms <= max_rms < 1"),
        (v["sound.sources"] >= 1, f"sound.sources is {v['sound.sources']}; expected 1 or more"),
        (0 <= v["sound.noise_share"] <= 1, f"sound.noise_share is {v['sound.noise_share']}; expected 0 to 1"),
        (v["picture.width_px"] % 16 == 0 or v["network.kind"] == "small", "picture.width_px must be a multiple of 16"),
        (min(v["picture.width_px"], v["picture.height_px"]) >= 32, "pictures must be at least 32 pixels wide and high"),
        (0 <= v["picture.jitter"] < 1, f"picture.jitter is {v['picture.jitter']}; expected 0 to below 1"),
        *((0 <= v[name] <= most, f"{name} is {v[name]}; expected 0 to {most}") for name, most in MOST.items()),
        (0 <= v["pretext.withheld_share"] < 1, f"pretext.withheld_share is {v['pretext.withheld_share']}; expected 0 to below 1"),
        (
            v["slfm.permutation"] in PERMUTATIONS,
            f"slfm.permutation is {v['slfm.permutation']!r}; choose {', '.join(PERMUTATIONS)}",
        ),
        (0 < v["slfm.side_margin"] <= 1, f"slfm.side_margin is {v['slfm.side_margin']}; expected above 0 to 1"),
        (0 <= v["slfm.prior_left"] <= 1, f"slfm.prior_left is {v['slfm.prior_left']}; expected 0 to 1"),
        (0 <= v["sound.hard_share"] <= 1, f"sound.hard_share is {v['sound.hard_share']}; expected 0 to 1"),
        (v["sound.hard_indirect_ratio"] >= v["sound.indirect_ratio"], "sound.hard_indirect_ratio is below sound.indirect_ratio"),
        (0.5 < v["slfm.gate_agreement"] <= 1, f"slfm.gate_agreement is {v['slfm.gate_agreement']}; expected above 0.5 to 1"),
        (v["probe.bins"] >= 2, f"probe.bins is {v['probe.bins']}; expected 2 or more"),
        (v["clip_gradients"] > 0, f"clip_gradients is {v['clip_gradients']}; expected more than 0"),
        *((v[key] > 0, f"{key} is {v[key]}; expected more than 0") for key in (f"{stage}.epochs" for stage in STAGES)),
        *((v[key] >= 2, f"{key} is {v[key]}; expected 2 or more") for key in (f"{stage}.batch" for stage in STAGES)),
        *((v[key] > 0, f"{key} is {v[key]}; expected more than 0") for key in (f"{stage}.learning_rate" for stage in STAGES)),
    ]
    for holds, message in rules:
        if not holds:
            raise InputError(f"setting {message}")
