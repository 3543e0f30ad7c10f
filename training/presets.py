"""Two presets: settings, by dotted name, that differ from the defaults of config.py.

`paper` follows the published method (ResNet-18, U-Net, 2.55 s clips, 320 x 240 pictures) and needs a GPU. `small` trains on
two CPU cores in minutes: smaller networks and inputs, and two additions that prevent collapse, the uniform prior and the gate
(see tasks/losses.py).
"""

from __future__ import annotations

from typing import Any

PAPER: dict[str, Any] = {}
SMALL: dict[str, Any] = {
    "preset": "small",
    "mirror": True,
    "sound.clip_s": 0.64,
    "sound.response_s": 0.3,
    "picture.width_px": 96,
    "picture.height_px": 72,
    "picture.recolor": True,
    "network.kind": "small",
    "pretext.steps": 400,
    "pretext.batch": 32,
    "pretext.learning_rate": 1e-3,
    "pretext.warmup_steps": 50,
    "slfm.geometric_weight": 4.0,
    "slfm.prior_weight": 3.0,
    "slfm.gate": True,
    "slfm.gate_agreement": 0.92,
    "slfm.frozen": False,
    "slfm.steps": 900,
    "slfm.batch": 32,
    "slfm.learning_rate": 1e-3,
    "slfm.warmup_steps": 50,
    "front_back.steps": 1000,
    "front_back.batch": 32,
    "front_back.learning_rate": 1e-3,
    "front_back.warmup_steps": 50,
    "probe.epochs": 30,
    "supervised.steps": 600,
    "supervised.batch": 32,
    "supervised.learning_rate": 1e-3,
    "supervised.warmup_steps": 50,
}
PRESETS = {"paper": PAPER, "small": SMALL}
