"""What no single set shows: exchanged ears, holes, another unit of length; and files that do not belong there."""

import json

import numpy as np
import pytest
from scipy.signal import oaconvolve

from dataset.responses import full_response
from dataset.verify import main, verify


@pytest.fixture
def spoilt(tmp_path, make_set, make_shard, make_manifest):
    """Give a maker of a data set of one scene, each of whose sets was changed by a function."""

    def make(change):
        sets = [make_set("attic", k) for k in range(4)]
        for one in sets:
            change(one)
        make_shard(tmp_path, "attic", sets)
        make_manifest(tmp_path)
        return tmp_path

    return make


def exchange_ears(one):
    """As an HRTF file whose receivers are listed the wrong way round does: everything else agrees."""
    for name in ("brir_direct", "brir_indirect", "audio"):
        one[name] = one[name][..., ::-1, :].copy()


def same_ears(one):
    one["brir_direct"][..., 1, :] = one["brir_direct"][..., 0, :]


def open_roof(one):
    one["depth"][:, :8] = 0


def scaled(factor):
    """As a scene in another unit does: depths grow, positions are the listener's own."""

    def change(one):
        one["depth"] = np.clip(one["depth"] * float(factor), 1, 65535).astype(np.uint16)

    return change


def test_a_good_scene_has_no_problems(spoilt):
    assert verify(spoilt(lambda one: None)) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (exchange_ears, r"the near ear does not lead and is not louder for (\d+) of \1 sources to the side: ears or azimuths"),
        (open_roof, "33% of the pixels show nothing: the scene has holes, or is open"),
        (scaled(100), "the scene may be in centimetres, scale it by 0.01"),
        (scaled(1 / 100), "m: the scene may be in"),
    ],
)
def test_what_is_wrong_with_a_scene(spoilt, change, message, capsys):
    import re

    root = spoilt(change)
    problems = verify(root)
    assert len(problems) == 1 and problems[0].startswith("scene attic: ") and re.search(message, problems[0]), problems
    assert main([str(root)]) == 1


def test_few_far_pixels_are_no_problem_and_many_are(spoilt):
    def beyond(one):
        one["depth"][:, :1] = 65535

    assert any("4% of the pixels are deeper than 65.5 m" in p for p in verify(spoilt(beyond)))


def test_ears_alike_are_found(spoilt):
    problems = verify(spoilt(same_ears))
    assert any("the near ear does not lead" in p for p in problems) or all("audio of view" in p for p in problems)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shards/.attic-0001.h5.7-7.part", "left by an interrupted command"),
        (".manifest.next.json", "left by an interrupted command"),
        ("shards/more.h5", "not in the manifest"),
        ("old/attic-0000.h5", "not in the manifest"),
        ("notes.txt", "not part of the data set"),
    ],
)
def test_files_that_do_not_belong_there(data, name, message):
    (data / name).parent.mkdir(exist_ok=True)
    (data / name).write_bytes(b"")
    problems = verify(data)
    assert len(problems) == 1 and problems[0].startswith(f"{name}: {message}"), problems


def test_files_that_may_lie_there(data):
    for name in ("README.md", "LICENSE", "preview/attic.png", "view.html", "preview.jpg", ".gitattributes"):
        (data / name).parent.mkdir(exist_ok=True)
        (data / name).write_bytes(b"")
    assert verify(data) == []


def cut_short(one):
    """Keep 25 dB of the 60 dB of decay, and let the sound agree with that."""
    one["brir_indirect"] = one["brir_indirect"][..., :670]
    one["brir_direct"] = one["brir_direct"] * np.float32(0.01)  # else it hides the decay
    full = full_response(one["brir_direct"], one["brir_indirect"], 0.5)
    heard = oaconvolve(one["mono"][None, :, None], full, axes=-1)[..., : one["audio"].shape[-1]].sum(1)
    one["audio"] = heard.astype(np.float32)


def test_decay_times_that_the_response_is_too_short_for(spoilt):
    problems = verify(spoilt(cut_short))
    assert len(problems) == 4, problems
    assert all("8 values of rt60, up to 0.10 s, are of responses that end before 35 dB of decay" in p for p in problems)


def test_rt60_may_be_unknown(spoilt):
    def unknown(one):
        one["rt60"][0] = np.nan

    assert verify(spoilt(unknown)) == []


def test_a_settings_group_that_is_a_text(data):
    """As a merge of data sets with and without that group leaves it."""
    from dataset.info import main as info

    path = data / "manifest.json"
    content = json.loads(path.read_text())
    content["settings"] = {"camera": "one | not set"}
    path.write_text(json.dumps(content))
    assert info([str(data)]) == 0
