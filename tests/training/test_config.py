"""Settings: presets, changes by name, refusals in one line, and that each of them is read somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import training
from training.config import Settings, from_dict, preset
from training.errors import InputError
from training.presets import PRESETS


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_presets_survive_json(name: str) -> None:
    settings = preset(name, {"seed": 7})
    assert settings.preset == name and settings.seed == 7
    assert from_dict(settings.to_dict()) == settings


def test_paper_has_the_published_values() -> None:
    paper = preset("paper")
    assert (paper.sound.clip_s, paper.picture.width_px, paper.picture.height_px, paper.views) == (2.55, 320, 240, 3)
    assert (paper.pretext.epochs, paper.pretext.batch, paper.pretext.learning_rate) == (500, 64, 1e-4)
    s = paper.slfm
    assert (s.geometric_weight, s.side_weight, s.symmetry_weight, s.prior_weight) == (5, 1, 1, 0)
    assert (s.epochs, s.batch, s.gate, s.frozen, s.permutation) == (20, 96, False, True, "joint")
    assert (paper.probe.bins, paper.probe.epochs) == (64, 100)


def test_changes_by_name() -> None:
    settings = preset("small", {}, ["slfm.steps=7", "mirror=false", "sound.noise_share=.5", "pretext.task=m2b"])
    assert settings.slfm.steps == 7 and not settings.mirror and settings.sound.noise_share == 0.5
    assert settings.slfm.batch == preset("small").slfm.batch


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("slfm.step=7", "slfm.steps"),
        ("slfm.steps", "KEY=VALUE"),
        ("slfm.steps=many", "int is expected"),
        ("mirror=1", "true or false"),
        ("views=1", "at least 2"),
        ("sound.clip_s=0", "0.05 to 60"),
        ("sound.min_rms=0.5", "min_rms <= max_rms"),
        ("network.kind=huge", "paper, small"),
        ("pretext.task=r2l", "m2b, l2r"),
        ("pretext.withheld_share=1", "below 1"),
        ("pretext.task=l2r", "needs the U-Net of network.kind=paper"),
        ("slfm.permutation=true", "joint, pairwise, none"),
        ("slfm.side_margin=0", "above 0 to 1"),
        ("slfm.prior_left=1.5", "0 to 1"),
        ("sound.hard_share=2", "0 to 1"),
        ("slfm.gate_agreement=0.5", "above 0.5 to 1"),
        ("sound.hard_indirect_ratio=0.1", "below sound.indirect_ratio"),
        ("front_back.batch=1", "front_back.batch is 1"),
        ("slfm.batch=1", "2 or more"),
        ("picture.height_px=16", "at least 32"),
    ],
)
def test_wrong_settings_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        preset("small", {}, [text])
    assert "\n" not in str(caught.value)


def test_unknown_preset() -> None:
    with pytest.raises(InputError, match="choose one of paper, small"):
        preset("medium")


def test_every_setting_is_read_somewhere() -> None:
    folder = Path(str(training.__file__)).parent
    source = "\n".join(p.read_text() for p in folder.rglob("*.py") if p.name != "config.py")
    for group, content in Settings().to_dict().items():
        for name in content if isinstance(content, dict) else [group]:
            assert re.search(rf"\.{name}\b", source), f"nothing reads the setting {group}.{name}"
