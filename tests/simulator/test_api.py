"""The Python interface: what it returns, that it agrees with the command line, and its errors."""

import pydoc
import subprocess
import sys

import h5py
import numpy as np
import pytest
import soundfile
import trimesh

import simulator
from simulator.config import with_options
from simulator.errors import InputError
from simulator.receivers.sofa import BUNDLED
from simulator.run.clips import find_clips
from simulator.run.sampling import draw_set
from simulator.run.simulate import Inputs, generator, prepare_scene, simulate

LISTENER, SOURCES = (4.1, 1.5, 3.4), [(1.7, 1.2, 1.6), (2.0, 1.0, 4.0)]
FAST = simulator.AcousticsSettings(quality="draft", response_s=0.2, image_order=1)


def box(size=(6.0, 2.8, 5.0)):
    room = trimesh.creation.box(size)
    room.apply_translation(np.array(size) / 2)
    room.invert()
    return room


@pytest.fixture(scope="module")
def scene():
    return simulator.Scene.from_trimesh(box(), "wall", library={"wall": {"absorption": 0.3, "scattering": 0.0}})


@pytest.fixture(scope="module")
def brirs(scene):
    return simulator.simulate_brirs(scene, LISTENER, [0, 30], SOURCES, acoustics=FAST)


def test_help_shows_the_interface_and_importing_it_loads_nothing_heavy():
    text = pydoc.plain(pydoc.render_doc(simulator))
    for name in simulator.__all__:
        assert name in text
    assert "sources: (S, 3)" in text
    code = "import sys, simulator; sys.exit(any(m in sys.modules for m in ('numba', 'scipy', 'trimesh', 'ray')))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_every_exported_name_is_the_one_of_the_api_module():
    from simulator import api

    for name in simulator.__all__:
        assert getattr(simulator, name) is getattr(api, name)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = simulator.nothing_of_the_kind


def test_shapes_and_the_full_response(brirs):
    assert brirs.direct.shape[:3] == brirs.indirect.shape[:3] == (2, 2, 2)
    assert brirs.indirect.shape[-1] == round(0.2 * brirs.sample_rate)
    full = brirs.full(0.5)
    length = brirs.direct.shape[-1]
    np.testing.assert_array_equal(full[..., length:], 0.5 * brirs.indirect[..., length:])
    np.testing.assert_allclose(full[..., :length], brirs.direct + 0.5 * brirs.indirect[..., :length], atol=1e-7)
    assert brirs.rt60.shape == (2, 2, 2) and brirs.ambisonic is None


def test_the_direct_sound_arrives_in_time_and_with_its_level_however_far_the_source():
    scene = simulator.Scene.from_arrays([[-50, 0, -50], [50, 0, -50], [0, 0, 50]], [[0, 2, 1]], "opening")
    mono = simulator.AcousticsSettings(quality="draft", response_s=0.3, ambisonic_order=0)
    for distance in (2.0, 20.0):
        brirs = simulator.simulate_brirs(scene, (0, 2, 0), 0, (0, 2, -distance), acoustics=mono)
        assert np.abs(brirs.direct).max(-1).min() > 0.3 / distance
        peak = np.abs(brirs.ambisonic[0, 0, 0]).argmax()
        assert abs(peak - distance / 343.2 * brirs.sample_rate) <= 1
        assert brirs.ambisonic[0, 0, 0].sum() == pytest.approx(1 / distance, rel=0.02), "gain at 0 Hz, where air takes little"


def test_a_source_on_the_left_is_louder_at_the_left_ear(scene):
    brirs = simulator.simulate_brirs(scene, (3, 1.5, 2.5), [0, 90, 180], (1, 1.5, 2.5), acoustics=FAST)
    level = 10 * np.log10((brirs.direct[:, 0] ** 2).sum(-1))
    left_minus_right = level[:, 0] - level[:, 1]
    assert left_minus_right[0] > 5 and abs(left_minus_right[1]) < 1 and left_minus_right[2] < -5


def test_ears_whose_receiver_positions_are_exchanged_stay_right_and_a_warning_says_so(scene, tmp_path):
    path = tmp_path / "kemar.sofa"
    path.write_bytes(BUNDLED.read_bytes())
    with h5py.File(path, "r+") as file:
        file["ReceiverPosition"][...] = file["ReceiverPosition"][()] * [[[1], [-1], [1]]]
    place = (3, 1.5, 2.5), [0], (1, 1.5, 2.5)  # the source is on the left
    with pytest.warns(UserWarning, match="ReceiverPosition names channel 1 as the left ear"):
        exchanged = simulator.simulate_brirs(scene, *place, hrtf=path, acoustics=FAST)
    plain = simulator.simulate_brirs(scene, *place, acoustics=FAST)
    np.testing.assert_array_equal(exchanged.direct, plain.direct)
    assert (plain.direct[0, 0, 0] ** 2).sum() > (plain.direct[0, 0, 1] ** 2).sum()


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others(scene, brirs):
    again = simulator.simulate_brirs(scene, LISTENER, [0, 30], SOURCES, acoustics=FAST)
    np.testing.assert_array_equal(again.indirect, brirs.indirect)
    other = simulator.simulate_brirs(scene, LISTENER, [0, 30], SOURCES, acoustics=FAST, seed=1)
    assert not np.array_equal(other.indirect, brirs.indirect)


def test_the_command_line_gives_the_same_for_the_same_poses(tiny_scenes):
    settings = with_options(
        {"seed": 3, "views": 2, "acoustics.quality": "draft", "acoustics.response_s": 0.2}, ["camera.width_px=32"]
    )
    context = prepare_scene(tiny_scenes / "alpha.glb", "alpha", settings, Inputs(find_clips(None)))
    one = simulate(context, 2, lambda name, why: None)
    place = draw_set(context.scene, context.places, settings, generator(settings, context.scene, 2).spawn(3)[0])
    scene = simulator.load_scene(tiny_scenes / "alpha.glb")
    brirs = simulator.simulate_brirs(
        scene, place.positions, place.headings_deg, place.sources, acoustics=settings.acoustics, seed=3, set_index=2
    )
    np.testing.assert_allclose(brirs.direct, one["brir_direct"], rtol=0, atol=1e-4 * np.abs(brirs.direct).max())
    np.testing.assert_allclose(brirs.indirect, one["brir_indirect"], rtol=0, atol=1e-4 * np.abs(brirs.indirect).max())
    views = simulator.render_views(scene, place.positions, place.headings_deg, camera=settings.camera)
    np.testing.assert_array_equal(views.rgb, one["rgb"])
    np.testing.assert_array_equal(views.instance, one["instance"])
    heard = simulator.convolve(brirs, one["mono"])
    np.testing.assert_allclose(heard, one["audio"], rtol=0, atol=1e-3 * np.abs(heard).max())


def test_arrivals_are_those_that_the_responses_hear(scene):
    arrivals = simulator.simulate_arrivals(scene, LISTENER, SOURCES, acoustics=FAST)
    distance = np.linalg.norm(np.array(SOURCES) - LISTENER, axis=1)
    np.testing.assert_allclose(arrivals.direct.distance, distance, rtol=1e-6)
    np.testing.assert_allclose(arrivals.direct.direction, (np.array(SOURCES) - LISTENER) / distance[:, None], atol=1e-6)
    np.testing.assert_allclose(arrivals.direct.gain[:, 0], 1 / distance, rtol=0.01)
    assert [(arrivals.images.source == s).sum() for s in (0, 1)] == [6, 6]
    assert arrivals.energy.shape[::3] == (2, 7) and (arrivals.energy.sum((1, 2)) > 0).all()


def test_pictures_of_a_wall_at_a_known_distance(scene):
    camera = simulator.CameraSettings(width_px=32, height_px=24, pitch_deg=0.0, samples_per_pixel=1)
    views = simulator.render_views(scene, (3, 1.4, 2.5), [0, 90], camera=camera)
    assert views.rgb.shape == (2, 24, 32, 3)
    np.testing.assert_allclose(views.depth[:, 12, 16], [2.5, 3.0], atol=1e-3)
    assert scene.instances == ("wall",) and (views.instance == 1).all()


def test_a_scene_far_from_the_origin_is_the_same_room():
    move = np.array([451_234.25, 112.5, -5_411_987.75])
    room, moved = box(), box()
    moved.apply_translation(move)
    absorbing = {"wall": {"absorption": 0.3, "scattering": 0.0}}
    near = simulator.Scene.from_arrays(room.vertices, room.faces, "wall", library=absorbing)
    far = simulator.Scene.from_arrays(moved.vertices, moved.faces, "wall", library=absorbing)
    picture = simulator.render_views(near, LISTENER, [30, 200])
    for scene in (far, simulator.Scene.from_trimesh(moved)):
        np.testing.assert_allclose(scene.bounds, near.bounds + move, atol=1e-4)
        np.testing.assert_allclose(simulator.render_views(scene, LISTENER + move, [30, 200]).depth, picture.depth, atol=1e-3)
    here = simulator.simulate_arrivals(near, LISTENER, SOURCES, acoustics=FAST)
    there = simulator.simulate_arrivals(far, LISTENER + move, SOURCES + move, acoustics=FAST)
    np.testing.assert_allclose(np.sort(there.images.distance), np.sort(here.images.distance), atol=1e-4)
    assert there.direct.distance == pytest.approx(here.direct.distance, abs=1e-4)


def test_materials_by_face_become_instances_with_their_own_absorption():
    room = box()
    names = ["glass" if normal[1] == -1 else "carpet" for normal in room.face_normals.round()]
    scene = simulator.Scene.from_arrays(room.vertices, room.faces, names)
    assert set(scene.instances) == {"glass", "carpet"}
    assert "glass" in scene.describe_materials() and scene.bounds.tolist() == [[0, 0, 0], [6, np.float32(2.8), 5]]


def test_a_trimesh_scene_keeps_names_and_colours():
    red = box()
    red.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(name="brick", baseColorFactor=[255, 0, 0, 255])
    )
    scene = simulator.Scene.from_trimesh(trimesh.Scene({"room": red}))
    assert scene.instances == ("room",) and scene.mesh.surfaces[0][1] == "brick"
    camera = simulator.CameraSettings(width_px=8, height_px=8)
    red_part, green, blue = np.moveaxis(simulator.render_views(scene, (3, 1.4, 2.5), 0, camera=camera).rgb, -1, 0)
    assert (red_part > 100).all() and (green < 20).all() and (blue < 20).all()


def test_clips_from_files_and_arrays(brirs, tmp_path):
    click = np.zeros(4000)
    click[0] = 1.0
    heard = simulator.convolve(brirs, click)
    np.testing.assert_allclose(heard[..., :3200], brirs.full().sum(1)[..., :3200], atol=1e-6)
    soundfile.write(tmp_path / "click.wav", click, brirs.sample_rate, subtype="FLOAT")
    np.testing.assert_allclose(simulator.convolve(brirs, tmp_path / "click.wav"), heard, atol=1e-6)
    one = simulator.convolve(brirs, np.stack([click, 0 * click]))
    np.testing.assert_allclose(one[..., :3200], brirs.full()[:, 0, :, :3200], atol=1e-6)


def test_wav_files_are_not_clipped(brirs, tmp_path):
    loud = 3.0 * brirs.full()[0, 0] / np.abs(brirs.full()[0, 0]).max()
    simulator.write_wav(tmp_path / "brir.wav", loud, brirs.sample_rate)
    back, rate = soundfile.read(tmp_path / "brir.wav", dtype="float32")
    assert rate == brirs.sample_rate
    np.testing.assert_array_equal(back.T, loud)


def test_sofa_files_hold_what_was_simulated(brirs, tmp_path):
    path = tmp_path / "room.sofa"
    simulator.write_sofa(path, brirs, room="box")
    with h5py.File(path) as file:
        assert file.attrs["SOFAConventions"] == b"SingleRoomSRIR"
        np.testing.assert_array_equal(file["Data.IR"][:].reshape(brirs.full().shape), brirs.full())
        # Heading 30 looks 30 degrees to the left of x; source 1 lies at (2, 1, 4) in the world.
        np.testing.assert_allclose(file["ListenerView"][2], [np.cos(np.pi / 6), 0.5, 0], atol=1e-12)
        np.testing.assert_allclose(file["SourcePosition"][3], [-4, -2, 1])
        assert file["ReceiverPosition"][0, 1, 0] > 0, "the left ear comes first, at y > 0"


def test_sofa_files_meet_the_convention(brirs, tmp_path):
    sofar = pytest.importorskip("sofar")
    simulator.write_sofa(tmp_path / "room.sofa", brirs)
    read = sofar.read_sofa(str(tmp_path / "room.sofa"), verify=False, verbose=False)
    read.verify()  # raises for a mandatory field that is missing or of another shape
    np.testing.assert_array_equal(read.Data_IR.reshape(brirs.full().shape), brirs.full())


WRONG = {
    "no such file": (lambda s, b: simulator.load_scene("missing.glb"), "missing.glb"),
    "two coordinates": (lambda s, b: simulator.simulate_brirs(s, (1, 1), 0, (1, 1, 2)), r"shape \(1, 2\)"),
    "a word": (lambda s, b: simulator.simulate_brirs(s, "here", 0, (1, 1, 2)), "numbers are expected"),
    "NaN": (lambda s, b: simulator.simulate_brirs(s, (1, np.nan, 1), 0, (1, 1, 2)), "NaN"),
    "no source": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, []), "at least one"),
    "positions": (lambda s, b: simulator.simulate_brirs(s, [(1, 1, 1)] * 3, [0, 1], (1, 1, 2)), "3 positions .* 2 headings"),
    "inside": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, (1, 1, 1)), "0 m from the listener"),
    "quality": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, (1, 1, 2), quality="best"), "draft, standard"),
    "seed": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, (1, 1, 2), seed=-1), "seed"),
    "index": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, (1, 1, 2), set_index=-1), "set_index"),
    "hrtf": (lambda s, b: simulator.simulate_brirs(s, (1, 1, 1), 0, (1, 1, 2), hrtf="none.sofa"), "none.sofa does not exist"),
    "camera": (lambda s, b: simulator.render_views(s, (1, 1, 1), 0, camera=simulator.CameraSettings(width_px=1)), "width"),
    "habitat": (
        lambda s, b: simulator.render_views(s, (1, 1, 1), 0, camera=simulator.CameraSettings(engine="habitat")),
        "load_scene",
    ),
    "engine": (
        lambda s, b: simulator.simulate_arrivals(s, (1, 1, 1), (1, 1, 2), acoustics=simulator.AcousticsSettings("soundspaces")),
        "soundspaces",
    ),
    "clip": (lambda s, b: simulator.convolve(b, "missing.wav"), "missing.wav"),
    "clip rows": (lambda s, b: simulator.convolve(b, np.zeros((3, 100))), r"2 sources"),
    "wav": (lambda s, b: simulator.write_wav("/nowhere/x.wav", np.zeros(4), 16000), "/nowhere/x.wav cannot be written"),
    "wav shape": (lambda s, b: simulator.write_wav("x.wav", np.zeros((2, 2, 2)), 16000), r"\(2, 2, 2\)"),
    "sofa": (lambda s, b: simulator.write_sofa("/nowhere/x.sofa", b), "/nowhere/x.sofa cannot be written"),
    "material": (lambda s, b: simulator.Scene.from_arrays(*TRIANGLE, "unobtainium"), "'unobtainium' is unknown"),
    "absorption": (
        lambda s, b: simulator.Scene.from_arrays(*TRIANGLE, "x", library={"x": {"absorption": 1.5}}),
        "0 to 1 are expected",
    ),
    "names": (lambda s, b: simulator.Scene.from_arrays(*TRIANGLE, ["glass", "wood"]), "2 materials .* 1 faces"),
    "face index": (lambda s, b: simulator.Scene.from_arrays(TRIANGLE[0], [[0, 1, 9]]), "beyond the 3"),
    "float faces": (lambda s, b: simulator.Scene.from_arrays(TRIANGLE[0], [[0.0, 1.0, 2.0]]), "float64"),
    "quads": (lambda s, b: simulator.Scene.from_arrays(TRIANGLE[0], [[0, 1, 2, 2]]), r"\(1, 4\)"),
    "many materials": (lambda s, b: simulator.Scene.from_trimesh(trimesh.Scene({"a": box()}), "glass"), "trimesh.Scene"),
}
TRIANGLE = ([[0, 0, 0], [1, 0, 0], [0, 0, 1]], [[0, 2, 1]])


@pytest.mark.parametrize("case", WRONG)
def test_wrong_use_is_one_clear_line(case, scene, brirs, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, expected = WRONG[case]
    with pytest.raises(InputError, match=expected) as caught:
        call(scene, brirs)
    assert "\n" not in str(caught.value)
