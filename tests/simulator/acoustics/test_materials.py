"""Materials: coefficients as in their source, rules by name, files of users, and the report of the assignment."""

import json
from pathlib import Path

import numpy as np
import pyroomacoustics
import pytest

from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.materials import assign, load_library, report
from simulator.config import AcousticsSettings
from simulator.errors import InputError
from simulator.loaders.discover import find_scenes
from simulator.loaders.load import load_scene
from simulator.scene.assemble import MaterialSpec, Part, assemble

SCENES = Path(__file__).resolve().parents[3] / "scenes"


@pytest.fixture(scope="module")
def library():
    return load_library()


def written(path, text):
    path.write_text(text if isinstance(text, str) else json.dumps(text))
    return path


def chosen(library, *surfaces):
    return assign(surfaces, library).material


@pytest.mark.parametrize(
    ("name", "theirs"),
    [
        ("brick", "smooth_brickwork_10mm_pointing"),
        ("carpet", "carpet_soft_10mm"),
        ("glass", "glass_3mm"),
        ("plaster", "hard_surface"),
    ],
)
def test_absorption_is_the_cited_table(library, name, theirs):
    expected = pyroomacoustics.Material(theirs).energy_absorption["coeffs"]
    assert library.absorption[name][: len(expected)] == pytest.approx(expected)
    assert (library.absorption[name][len(expected) :] == expected[-1]).all()  # up to 8 kHz


def test_all_coefficients_are_shares(library):
    for table in (library.absorption, library.scattering):
        for name, values in table.items():
            assert values.shape == (7,), name
            assert ((values >= 0) & (values <= 1)).all(), name
    assert all((np.diff(s) >= 0).all() for s in library.scattering.values())  # rougher for shorter waves


@pytest.mark.parametrize(
    ("material", "expected"),
    [
        ("oak_floorboards", "parquet"), ("Wall Plaster White", "plaster"), ("LIVINGROOM_CARPET", "carpet"), ("wool rug", "rug"),
        ("glass_window", "window"), ("mirror.001", "glass"), ("bookshelf", "furniture"), ("books", "books"),
        ("textile", "upholstery"), ("bathroom tiles", "tile"), ("bedroom wall", "plaster"), ("outdoor", "plaster"),
        ("Default", "plaster"), ("", "plaster"), ("zzz", "plaster"), ("drugstore", "plaster"), ("Vorhang", "plaster"),
    ],
)  # fmt: skip
def test_names_find_their_material(library, material, expected):
    assert chosen(library, ("", material)) == (expected,)


def test_the_material_s_name_goes_before_the_object_s(library):
    made = assign([("sofa", "brick wall"), ("sofa", "material_07"), ("sofa", "zzz"), ("brick", "")], library)
    assert made.material == ("brick", "upholstery", "upholstery", "brick")
    assert made.reason == ("'brick' in 'brick wall'", "'sofa' in 'sofa'", "'sofa' in 'sofa'", "name 'brick'")


def test_every_material_of_the_bundled_scenes_is_known(library):
    scenes = find_scenes([SCENES])
    assert len(scenes) >= 10
    for name, path in scenes.items():
        made = assign(load_scene(path).surfaces, library)
        assert "default" not in made.reason, name
        assert {"plaster", "ceiling_plaster", "window", "door", "opening"} & set(made.material), name


def test_a_file_on_top_adds_replaces_and_rules_first(tmp_path, library):
    text = """
        default = "brick"
        [materials]
        velvet = { absorption = [0.1, 0.2, 0.4, 0.6, 0.7], scattering = [0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6], source = "measured" }
        plaster = { from = "rough_concrete", scattering = 0.5 }
        [[rules]]
        words = ["Sofa"]
        not = ["sofa table"]
        material = "velvet"
    """
    own = load_library(written(tmp_path / "own.toml", text))
    assert own.absorption["velvet"] == pytest.approx([0.1, 0.2, 0.4, 0.6, 0.7, 0.7, 0.7])
    assert own.scattering["velvet"] == pytest.approx([0.1, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert own.absorption["plaster"] == pytest.approx(library.absorption["concrete"])
    assert own.scattering["plaster"][3] == pytest.approx(0.5)
    assert chosen(own, ("", "sofa_01"), ("", "sofa table"), ("", "zzz")) == ("velvet", "upholstery", "brick")
    assert own.digest != library.digest


def test_toml_and_json_say_the_same(tmp_path):
    toml = written(
        tmp_path / "a.toml",
        '[materials]\nfelt = { absorption = 0.5, scattering = 0.2 }\n[[rules]]\nwords = ["felt"]\nmaterial = "felt"\n',
    )
    same = written(
        tmp_path / "a.json",
        {"materials": {"felt": {"absorption": 0.5, "scattering": 0.2}}, "rules": [{"words": ["felt"], "material": "felt"}]},
    )
    assert load_library(toml).digest == load_library(same).digest


WRONG = {
    "not TOML": "materials = [",
    "a list": [1, 2],
    "an unknown table": {"material": {"x": {"absorption": 0.5}}},
    "a table that is a number": {"materials": 3},
    "a material that is a number": {"materials": {"x": 0.5}},
    "a misspelt key": {"materials": {"x": {"absorbtion": 0.5, "scattering": 0.1}}},
    "nothing to absorb": {"materials": {"x": {"scattering": 0.1}}},
    "an unknown source": {"materials": {"x": {"from": "unobtainium"}}},
    "a source that is a list": {"materials": {"x": {"from": ["brickwork"]}}},
    "more than all": {"materials": {"x": {"absorption": [0.5, 1.5]}}},
    "less than nothing": {"materials": {"x": {"absorption": 0.5, "scattering": -0.1}}},
    "too many bands": {"materials": {"x": {"absorption": [0.1] * 8}}},
    "no bands": {"materials": {"x": {"absorption": []}}},
    "words": {"materials": {"x": {"absorption": "much"}}},
    "a word for a list": {"rules": [{"words": "glass", "material": "glass"}]},
    "a rule without material": {"rules": [{"words": ["glass"]}]},
    "a rule without words": {"rules": [{"material": "glass"}]},
    "a rule to nowhere": {"rules": [{"words": ["x"], "material": "adamant"}]},
    "a default that is none": {"default": "adamant"},
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_is_wrong_in_a_file_is_told_in_one_line(tmp_path, fault):
    content = WRONG[fault]
    path = written(tmp_path / ("own.toml" if isinstance(content, str) else "own.json"), content)
    with pytest.raises(InputError) as caught:
        load_library(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("material")
    assert "own." in message or "rule" in message


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        load_library(tmp_path / "none.toml")


def room_of(names):
    """A row of squares of 1 m^2, one for each name."""
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    parts = [
        Part(f"thing {k}", k, square + [2 * k, 0, 0], np.array([[0, 1, 2], [0, 2, 3]], np.int32), None, None)
        for k in range(len(names))
    ]
    return assemble("row", "0" * 64, parts, [MaterialSpec(n) for n in names], [], [], "", 10.0)


def test_the_report_tells_areas_and_why(library):
    scene = room_of(["brick wall", "old brick", "carpet", "zzz", "outside"])
    text = report(scene, assign(scene.surfaces, library))
    rows = {line.split()[0]: line for line in text.splitlines()[1:]}
    assert "2.0" in rows["brick"] and "40.0%" in rows["brick"] and "'brick' in 'old brick'" in rows["brick"]
    assert "name 'carpet'" in rows["carpet"]
    assert rows["plaster"].endswith("default")
    assert "20.0%" in rows["opening"]
    kept = [library.absorption[n][2] for n in ("brick", "brick", "carpet", "plaster")]
    assert text.splitlines()[-1].split()[-5] == f"{np.mean(kept):.2f}"  # 500 Hz, without the opening


def test_a_room_gets_what_its_surfaces_were_given(library):
    scene = room_of(["carpet", "glass"])
    room = prepare_acoustics(scene, assign(scene.surfaces, library), AcousticsSettings())
    for name, face in (("carpet", 0), ("glass", 2)):
        assert 1 - room.reflectance[room.surface[face]] == pytest.approx(library.absorption[name], abs=1e-6)
        assert room.scattering[room.surface[face]] == pytest.approx(library.scattering[name], abs=1e-6)
