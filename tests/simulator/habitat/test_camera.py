"""The two cameras side by side, on one room in the layouts of several publishers; runs where habitat-sim is importable."""

from __future__ import annotations

import gc
import json
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from dataset.verify import main as verify
from simulator.camera.embree import EmbreeCamera
from simulator.config import CameraSettings, with_options
from simulator.errors import InputError
from simulator.habitat import session as habitat_setup
from simulator.habitat.camera import HabitatCamera, NavmeshGround, open_camera
from simulator.habitat.session import load_engine, oversampling, simulator_showing
from simulator.habitat.supported import check_supported, displayed_orientation
from simulator.loaders.habitat_config import orientation
from simulator.loaders.habitat_dataset import read_dataset
from simulator.loaders.load import find_scenes, load_scene
from simulator.render import main
from simulator.run.sampling import draw_set
from simulator.scene.walkable import find_places

try:
    load_engine()
    missing = ""
except InputError as error:
    missing = str(error)
needs_habitat = pytest.mark.skipif(bool(missing), reason=missing)

ROOM = np.array([6.0, 2.8, 5.0])
WALLS = [(0, 0, False), (0, 6.0, True), (1, 0, False), (1, 2.8, True), (2, 0, False), (2, 5.0, True)]
"""Axis, place on it, and whether the quad's corners turn the other way to face the room."""
CUPBOARD = (np.array([3.6, 0.0, 1.5]), np.array([4.4, 2.0, 3.5]))
BLOCK = (np.array([3.0, 0.01, 3.0]), np.array([7.0, 3.5, 7.0]))
CAMERA = CameraSettings(width_px=160, height_px=120, hfov_deg=75.0)
POSES = [([1.5, 1.5, 2.5], 270.0), ([1.5, 1.5, 2.5], 20.0), ([5.3, 1.2, 0.6], 140.0), ([2.0, 1.7, 4.2], 310.0)]
TO_Z_UP = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
"""World (Y up, -Z ahead) to a frame with Z up and Y ahead."""


def panel(axis, low, high, at, flip):
    """Four corners of a rectangle at a place on an axis, from low to high on the other two axes."""
    u, v = (axis + 1) % 3, (axis + 2) % 3
    points = np.full((4, 3), float(at))
    points[:, u] = [low[0], high[0], high[0], low[0]]
    points[:, v] = [low[1], low[1], high[1], high[1]]
    return points[::-1] if flip else points


def box(low, high, inward):
    """The six sides of a box, seen from inside or from outside."""
    low, high = np.array(low, float), np.array(high, float)
    other = {axis: [(axis + 1) % 3, (axis + 2) % 3] for axis in range(3)}
    sides = [(axis, end) for axis in range(3) for end in (0, 1)]
    return [panel(a, low[other[a]], high[other[a]], (low, high)[e][a], bool(e) == inward) for a, e in sides]


def pieces():
    """The room: each wall, floor and ceiling in 3 x 3 panels, each an instance of its own, and a cupboard, the last one."""
    out = []
    for axis, at, flip in WALLS:
        size = ROOM[(axis + 1) % 3], ROOM[(axis + 2) % 3]
        for i in range(3):
            for j in range(3):
                low, high = np.array([i, j]) / 3 * size, np.array([i + 1, j + 1]) / 3 * size
                out.append([panel(axis, low, high, at, flip)])
    return [*out, box(*CUPBOARD, inward=False)]


PIECES = pieces()
NUMBERS = [7 * k % 59 + 2 for k in range(len(PIECES))]
"""What the annotation calls them: not in order, none 0 or 1."""


def color(k):
    return np.array([40 + 37 * k % 200, 30 + 83 * k % 200, 20 + 11 * k % 230], np.uint8)


def arrays(z_up):
    """(N, 3) points, (K, 4) quads, (N,) piece of each point."""
    points = np.concatenate([quad for quads in PIECES for quad in quads])
    owner = np.repeat(np.arange(len(PIECES)), [4 * len(quads) for quads in PIECES])
    return points @ TO_Z_UP.T if z_up else points, np.arange(len(points)).reshape(-1, 4), owner


def textured(file, quads):
    """Add a primitive of (K, 4, 3) quads, white, each with the whole of one texture."""
    points = np.reshape(quads, (-1, 3))
    board = np.kron(np.random.default_rng(3).integers(40, 220, (8, 8, 3)), np.ones((16, 16, 1)))
    uv = np.tile(np.float32([[0, 0], [1, 0], [1, 1], [0, 1]]), (len(points) // 4, 1))
    faces = np.arange(len(points)).reshape(-1, 4)[:, [0, 1, 2, 0, 2, 3]]
    m = file.material(baseColorTexture={"index": file.texture(board)})
    return file.primitive(points, faces.ravel(), m, TEXCOORD_0=uv)


def write_glb(new, path: Path, z_up, colors=None):
    """Write the room as one mesh: white with one texture, or with a normalised colour for each piece."""
    path.parent.mkdir(parents=True, exist_ok=True)
    points, quads, owner = arrays(z_up)
    faces = quads[:, [0, 1, 2, 0, 2, 3]]
    if colors is None:
        part = textured(new, points)
    else:
        part = new.primitive(points, faces.ravel(), COLOR_0=new.accessor(np.array(colors)[owner], normalized=True))
    new.node(mesh=new.mesh(part), name="scan")
    return new.write(path)


def write_ply(path: Path, z_up, numbers=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    points, quads, owner = arrays(z_up)
    header = ["ply", "format binary_little_endian 1.0", f"element vertex {len(points)}"]
    header += [*(f"property float {a}" for a in "xyz"), *(f"property uchar {c}" for c in ("red", "green", "blue"))]
    header += [f"element face {len(quads)}", "property list uchar int vertex_indices"]
    header += ["property int object_id"] * (numbers is not None) + ["end_header", ""]
    body = b"".join(struct.pack("<3f3B", *p, *color(k)) for p, k in zip(points, owner, strict=True))
    for quad in quads:
        body += struct.pack("<B4i", 4, *quad) + (b"" if numbers is None else struct.pack("<i", numbers[owner[quad[0]]]))
    path.write_bytes("\n".join(header).encode() + body)
    return path


def dump(path: Path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def hm3d_names(path: Path):
    lines = [f'{n},{bytes(color(k)).hex().upper()},"thing {n}",0' for k, n in enumerate(NUMBERS)]
    return dump(path, "HM3D Semantic Annotations\n" + "\n".join(lines) + "\n")


def bare(folder, new):
    return write_glb(new(), folder / "room.glb", False)


def hm3d(folder, new):
    """Z up, annotated by the colours of a second mesh's vertices."""
    place = folder / "hm3d" / "val" / "00800-TEEsavR23oF"
    write_glb(new(), place / "TEEsavR23oF.semantic.glb", True, [color(k) for k in range(len(PIECES))])
    hm3d_names(place / "TEEsavR23oF.semantic.txt")
    (place / "TEEsavR23oF.basis.navmesh").write_bytes(b"")
    return write_glb(new(), place / "TEEsavR23oF.glb", True)


def hm3d_textured(folder, new):
    """The same, annotated by the colours of a second mesh's texture, as HM3D itself is."""
    path = hm3d(folder, new)
    points, quads, owner = arrays(True)
    strip = np.repeat(np.repeat([[color(k) for k in range(len(PIECES))]], 4, 0), 4, 1)
    uv = np.stack([(owner + 0.5) / len(PIECES), np.full(len(owner), 0.5)], -1).astype(np.float32)
    file = new()
    m = file.material(baseColorTexture={"index": file.texture(strip, {"magFilter": 9728, "minFilter": 9728})})
    file.node(mesh=file.mesh(file.primitive(points, quads[:, [0, 1, 2, 0, 2, 3]].ravel(), m, TEXCOORD_0=uv)))
    file.write(path.with_name("TEEsavR23oF.semantic.glb"))
    return path


def replica(folder, new):
    root = folder / "replica_v1" / "office_3"
    write_ply(root / "habitat" / "mesh_semantic.ply", True, NUMBERS)
    classes = [{"id": k, "name": f"thing {n}"} for k, n in enumerate(NUMBERS)]
    objects = [{"id": n, "class_id": k, "class_name": f"thing {n}"} for k, n in enumerate(NUMBERS)]
    dump(root / "habitat" / "info_semantic.json", {"classes": classes, "objects": objects})
    return write_ply(root / "mesh.ply", True)


def described(folder, new):
    """A stage file with a frame of its own, here front along -X."""
    turned = new()
    points, _, _ = arrays(False)
    part = textured(turned, np.stack([points[:, 2], points[:, 1], -points[:, 0]], -1))
    turned.node(mesh=turned.mesh(part), name="scan")
    turned.write(folder / "room.glb")
    return dump(folder / "room.stage_config.json", {"render_asset": "room.glb", "up": [0, 1, 0], "front": [-1, 0, 0]})


def furnished(folder, new):
    """A scene instance: the room as stage, a table-high block placed in it twice, once turned and by its middle."""
    write_glb(new(), folder / "stages" / "room.glb", False)
    file = new()
    file.node(mesh=file.mesh(textured(file, box((0, 0, 0), (0.4, 0.8, 1.0), inward=False))), name="block")
    (folder / "objects").mkdir()
    file.write(folder / "objects" / "block.glb")
    stage = {"render_asset": "../../stages/room.glb", "up": [0, 1, 0], "front": [0, 0, -1]}
    dump(folder / "configs/stages/room.stage_config.json", stage)
    dump(folder / "configs/objects/block.object_config.json", {"render_asset": "../../objects/block.glb"})
    half = float(np.sqrt(0.5))
    things = [
        {"template_name": "block", "translation": [0.5, 0, 0.5], "translation_origin": "asset_local"},
        {"template_name": "block", "translation": [5.4, 0.4, 4.2], "rotation": [half, 0, half, 0]},
    ]
    things = [{**t, "motion_type": "STATIC"} for t in things]
    scene = {"stage_instance": {"template_name": "room"}, "object_instances": things, "default_lighting": "no_lights"}
    path = dump(folder / "configs/scenes/flat.scene_instance.json", scene)
    listed = {"stages": "configs/stages", "objects": "configs/objects", "scene_instances": "configs/scenes"}
    dump(folder / "flat.scene_dataset_config.json", {k: {"paths": {".json": [v]}} for k, v in listed.items()})
    return path


def listed(folder, new):
    """The same flat with templates that its data set file changes, names and describes, and scaled objects."""
    path = furnished(folder, new)
    write_glb(new(), folder / "stages" / "room.glb", True)
    block = {"original_file": "configs/objects/block.object_config.json"}
    lying = {"render_asset": "objects/block.glb", "up": [0, 0, 1], "front": [0, 1, 0]}
    changed = [
        {**block, "attributes": {"scale": [1.0, 1.5, 1.0]}},
        {**block, "template_handle": "low", "attributes": {"scale": [2.0, 0.5, 1.0], "COM": [0.1, 0.4, 0.5]}},
        {"template_handle": "lying", "attributes": lying},
        {"original_file": "chair.object_config.json", "attributes": {"scale": [9.0, 9.0, 9.0]}},
    ]
    upright = {"original_file": "configs/stages/room.stage_config.json", "attributes": {"up": [0, 0, 1], "front": [0, 1, 0]}}
    configure(folder, "stages", configs=[upright])
    configure(
        folder, "objects", configs=changed, default_attributes={"COM": [9.0, 9.0, 9.0]}
    )  # without effect: each template has a later description
    half = float(np.sqrt(0.5))
    things = [
        {"template_name": "block", "translation": [0.5, 0, 0.5], "translation_origin": "asset_local"},
        {"template_name": "low", "translation": [5.2, 0.2, 4.2], "rotation": [half, 0, half, 0]},
        {"template_name": "lying", "translation": [3.0, 0.6, 2.2], "uniform_scale": 1.2},
    ]
    dump(path, {**json.loads(path.read_text()), "object_instances": [{**t, "motion_type": "STATIC"} for t in things]})
    return path


def configure(folder, part, **content):
    """Change the stages or objects of the flat's data set file."""
    path = folder / "flat.scene_dataset_config.json"
    known = json.loads(path.read_text())
    dump(path, {**known, part: {**known[part], **content}})
    read_dataset.cache_clear()


def hall(folder, new):
    """A closed block, seen from outside only, in a hall: habitat-sim looks out through its sides."""
    file = new()
    part = textured(file, box((0, 0, 0), (10, 4, 10), inward=True) + box(*BLOCK, inward=False))
    file.node(mesh=file.mesh(part), name="hall")
    return file.write(folder / "hall.glb")


def tinted(folder, new):
    """Linear factors and vertex colours, and a pane to look through."""
    file = new()
    points, quads, owner = arrays(False)
    shades = np.linspace(30, 250, len(PIECES)).astype(np.uint8)
    m = file.material(baseColorFactor=[0.2, 0.6, 0.9, 1.0])
    colors = file.accessor(np.repeat(shades[owner][:, None], 4, 1), normalized=True)
    file.node(mesh=file.mesh(file.primitive(points, quads[:, [0, 1, 2, 0, 2, 3]].ravel(), m, COLOR_0=colors)), name="scan")
    pane = file.material(baseColorFactor=[1.0, 1.0, 1.0, 0.2])
    file.header["materials"][pane]["alphaMode"] = "BLEND"
    across = panel(0, (0.0, 0.0), (2.8, 5.0), 3.0, False)
    file.node(mesh=file.mesh(file.primitive(across, [0, 1, 2, 0, 2, 3], pane)), name="pane")
    return file.write(folder / "tinted.glb")


def painted(folder, new):
    """The flat with blocks of a linear colour factor."""
    path = furnished(folder, new)
    file = new()
    points = np.reshape(box((0, 0, 0), (0.4, 0.8, 1.0), inward=False), (-1, 3))
    faces = np.arange(len(points)).reshape(-1, 4)[:, [0, 1, 2, 0, 2, 3]]
    m = file.material(baseColorFactor=[0.1, 0.6, 0.3, 1.0])
    file.node(mesh=file.mesh(file.primitive(points, faces.ravel(), m)), name="block")
    file.write(folder / "objects" / "block.glb")
    return path


LAYOUTS = (bare, hm3d, hm3d_textured, replica, described, furnished, listed)
ANNOTATED = (hm3d, hm3d_textured, replica)


@pytest.fixture
def open_both(tmp_path, gltf):
    """Write the room in a layout and open it with both cameras."""

    def both(layout, settings=CAMERA):
        path = layout(tmp_path, type(gltf))
        return EmbreeCamera(load_scene(path), settings), open_camera(path, load_scene(path, textures=False), settings)

    return both


def views(camera):
    return camera.render(np.array([p for p, _ in POSES]), np.array([h for _, h in POSES]))


@needs_habitat
@pytest.mark.slow
class TestSideBySide:
    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_same_depth(self, layout, open_both):
        ours, theirs = (views(c).depth for c in open_both(layout))
        assert ours.min() > 0.3 and ours.max() > 3
        assert np.quantile(np.abs(ours - theirs), 0.995) < 0.02

    @pytest.mark.parametrize("layout", LAYOUTS)
    def test_same_instances(self, layout, open_both):
        embree, habitat = open_both(layout)
        assert habitat.annotated == (layout in ANNOTATED)
        ours, theirs = (views(c).instance for c in (embree, habitat))
        assert (ours == theirs).mean() > 0.99
        if layout in ANNOTATED:
            named = {embree.scene.instances[n - 1] for n in np.unique(theirs)}
            assert len(named) > 25 and named <= {f"thing {n}" for n in NUMBERS}

    @pytest.mark.parametrize("layout", [bare, replica, described, tinted])
    def test_same_colours(self, layout, open_both):
        ours, theirs = (views(c).rgb.astype(int) for c in open_both(layout))
        assert ours.std() > 30
        assert np.median(np.abs(ours - theirs)) <= 2 and np.abs(ours - theirs).mean() < 6

    @pytest.mark.parametrize("layout", [furnished, painted])
    def test_same_colours_of_objects_without_lights(self, layout, open_both):
        embree, habitat = open_both(layout)
        ours, theirs = views(embree), views(habitat)
        objects = ours.instance > embree.scene.instances.index("scan") + 1
        difference = np.abs(ours.rgb[objects].astype(int) - theirs.rgb[objects])
        assert objects.sum() > 1000 and np.median(difference) <= 2 and difference.mean() < 8

    def test_lights_of_one_scene_are_not_those_of_another(self, tmp_path, gltf):
        """Scenes of one data set share their templates: in another order they look the same."""
        dark = painted(tmp_path, type(gltf))
        lit = dump(dark.with_name("lit.scene_instance.json"), {**json.loads(dark.read_text()), "default_lighting": ""})
        read_dataset.cache_clear()
        pictures = []
        for path in (dark, lit, dark, lit):
            pictures.append(views(open_camera(path, load_scene(path, textures=False), CAMERA)).rgb)
        assert np.array_equal(pictures[0], pictures[2]) and np.array_equal(pictures[1], pictures[3])
        assert not np.array_equal(pictures[0], pictures[1])

    def test_same_scenes_found(self, tmp_path, open_both):
        _, habitat = open_both(listed)
        theirs = simulator_showing(habitat.configuration).metadata_mediator.get_scene_handles()
        assert list(find_scenes([tmp_path]).values()) == [Path(p) for p in theirs]

    def test_more_samples_soften_edges(self, open_both):
        _, habitat = open_both(bare, CameraSettings(width_px=160, height_px=120, samples_per_pixel=9))
        assert oversampling(habitat.settings) == 3
        assert views(habitat).rgb.shape == (4, 120, 160, 3)

    def test_one_simulator_shows_scene_after_scene(self, tmp_path, gltf):
        cameras = []
        for name, layout in (("a", bare), ("b", replica)):
            path = layout(tmp_path / name, type(gltf))
            cameras.append(open_camera(path, load_scene(path, textures=False), CAMERA))
        simulator = simulator_showing(cameras[0].configuration)
        first = [views(c) for c in cameras]
        again = [views(c) for c in reversed(cameras)][::-1]
        assert simulator_showing(cameras[1].configuration) is simulator
        for one, other in zip(first, again, strict=True):
            assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
        assert not np.array_equal(first[0].rgb, first[1].rgb)

    def test_a_process_that_has_grown_gets_a_new_simulator(self, tmp_path, gltf, monkeypatch):
        cameras = []
        for name, layout in (("a", bare), ("b", replica)):
            path = layout(tmp_path / name, type(gltf))
            cameras.append(open_camera(path, load_scene(path, textures=False), CAMERA))
        before, first = simulator_showing(cameras[0].configuration), views(cameras[0])
        monkeypatch.setattr(habitat_setup, "GROWTH_MB", -1e6)
        assert simulator_showing(cameras[0].configuration) is before, "the scene in hand is not read again"
        assert simulator_showing(cameras[1].configuration) is not before
        monkeypatch.undo()
        assert all(np.array_equal(a, b) for a, b in zip(views(cameras[0]), first, strict=True))

    def test_files_written_for_it_go_with_the_camera(self, open_both):
        _, habitat = open_both(replica)
        folder = habitat.folder
        assert {p.name for p in folder.iterdir()} == {"instances.ply", "surface.glb", "scene.stage_config.json"}
        del habitat
        gc.collect()
        assert not folder.exists()


def moved(**change):
    """Return a function that changes how the scene instance of the flat places its stage."""

    def apply(folder, path):
        content = json.loads(path.read_text())
        return dump(path, {**content, "stage_instance": {**content["stage_instance"], **change}})

    return apply


def described_by(file, alone=False, **change):
    """Return a function that changes a description of the flat. alone: whether its stage is opened without its objects."""

    def apply(folder, path):
        read_dataset.cache_clear()
        changed = dump(folder / file, {**json.loads((folder / file).read_text()), **change})
        return changed if alone else path

    return apply


STAGE, BLOCKS = "configs/stages/room.stage_config.json", "configs/objects/block.object_config.json"
MOVED, SCALED = (
    "moves, turns or scales its stage, which habitat-sim ignores; apply this to",
    "scaled stage, whose scale habitat-sim",
)
TURNED = r"does not turn (room|block).glb as its up \[.*\] and front \[.*\] say; turn the mesh itself"
REFUSED = {
    "translation": (moved(translation=[0.5, 0, 0.25]), MOVED, True),
    "rotation": (moved(rotation=[0.8, 0, 0.6, 0]), MOVED, True),
    "uniform scale": (moved(uniform_scale=2.0), MOVED, True),
    "scale": (moved(non_uniform_scale=[2.0, 1.0, 1.0]), MOVED, True),
    "scale of a stage": (described_by(STAGE, scale=[2.0, 2.0, 2.0]), SCALED, True),
    "unit of a stage": (described_by(STAGE, units_to_meters=0.5), SCALED, True),
    "scale of a stage alone": (described_by(STAGE, alone=True, scale=[1.0, 1.0, 2.0]), SCALED, True),
    "unit of a stage alone": (described_by(STAGE, alone=True, units_to_meters=0.5), SCALED, True),
    "unit of an object": (
        described_by(BLOCKS, units_to_meters=0.5),
        "object block with units_to_meters, which habitat-sim",
        True,
    ),
    "front behind": (described_by(STAGE, front=[0, 0, 1]), TURNED, False),
    "front behind, alone": (described_by(STAGE, alone=True, front=[0, 0, 1]), TURNED, False),
    "up of length 2": (described_by(STAGE, up=[0, 0, 2], front=[0, 1, 0]), TURNED, False),
    "front not at right angles": (described_by(BLOCKS, up=[0, 0, 1], front=[0, 1, 0.0005]), TURNED, False),
}
"""What is refused: a change of the flat, the message, and whether habitat-sim ignores the change as a whole."""


@needs_habitat
@pytest.mark.slow
class TestIgnored:
    """habitat-sim 0.3.3 shows what is refused as the messages say."""

    @pytest.mark.parametrize(
        "change", [c for c, _, ignored in REFUSED.values() if ignored], ids=[k for k, v in REFUSED.items() if v[2]]
    )
    def test_the_scene_stays_as_it_was(self, change, tmp_path, gltf, monkeypatch):
        path = furnished(tmp_path, type(gltf))
        alone = tmp_path / STAGE
        before = {p: open_camera(p, load_scene(p), CAMERA) for p in (path, alone)}
        shown = {p: views(c).depth for p, c in before.items()}
        path = change(tmp_path, path)
        monkeypatch.setattr(habitat_setup, "check_supported", lambda path: None)
        copy = shutil.copytree(tmp_path, tmp_path.with_name(tmp_path.name + "-changed")) / path.relative_to(tmp_path)
        read_dataset.cache_clear()
        theirs = open_camera(copy, load_scene(copy), CAMERA)
        assert np.abs(views(theirs).depth - shown[path]).max() < 0.002
        assert np.mean(np.abs(views(EmbreeCamera(theirs.scene, CAMERA)).depth - shown[path]) > 0.02) > 0.02


@needs_habitat
@pytest.mark.slow
class TestGround:
    SETTINGS = with_options({"camera.engine": "habitat"})

    @pytest.fixture
    def ground(self, open_both):
        _, habitat = open_both(bare)
        places = find_places(habitat.scene, self.SETTINGS, np.random.default_rng(0))
        return NavmeshGround(habitat.navmesh(self.SETTINGS), places, habitat.scene)

    def test_drawn_places_stand_on_the_floor_clear_of_everything(self, ground):
        rng = np.random.default_rng(1)
        places = np.array([p for p in (ground.draw(rng) for _ in range(300)) if p is not None])
        assert len(places) > 200
        np.testing.assert_allclose(places[:, 1], 0.0, atol=1e-3)
        inner = np.minimum(places, ROOM - places)[:, [0, 2]]
        assert inner.min() > 0.24 and np.quantile(inner, 0.02) < 0.6
        low, high = CUPBOARD
        outside = np.maximum(np.maximum(low - places, places - high)[:, [0, 2]], 0)
        assert np.linalg.norm(outside, axis=1).min() > 0.24

    def test_the_same_generator_gives_the_same_places(self, ground):
        one, other = ([ground.draw(np.random.default_rng(s)) for s in range(20)] for _ in range(2))
        np.testing.assert_array_equal(np.array([p for p in one if p is not None]), [p for p in other if p is not None])

    def test_near_a_place(self, ground):
        rng, place = np.random.default_rng(2), np.array([1.5, 0.0, 2.5])
        near = [p for p in (ground.draw(rng, near=place, within_m=0.8) for _ in range(100)) if p is not None]
        assert len(near) > 50 and max(np.linalg.norm(p - place) for p in near) <= 0.8

    def test_ways_are_straight_beside_the_cupboard_not_through_it(self, ground):
        floor = np.array([2.0, 0.0, 2.5])
        points = np.array([[2.0, 1.2, 4.0], [1.0, 1.7, 1.0], [5.3, 1.2, 2.5], [4.0, 1.2, 2.5], [5.2, 1.2, 3.4]])
        assert ground.straight(floor, points).tolist() == [True, True, False, False, False]

    @pytest.mark.parametrize("layout, solid", [(bare, CUPBOARD), (listed, CUPBOARD), (hall, BLOCK)])
    def test_same_places_as_the_built_in_camera(self, layout, solid, open_both):
        """But for the width of a voxel along walls, and for the inside of solids, where the navmesh is no obstacle."""
        _, habitat = open_both(layout)
        usual, wide = (
            find_places(habitat.scene, with_options({"sampling.clearance_m": m}), np.random.default_rng(0)) for m in (0.25, 0.4)
        )
        ground = NavmeshGround(habitat.navmesh(self.SETTINGS), usual, habitat.scene)
        low, high = habitat.scene.bounds
        x, z = (np.arange(low[axis] + 0.13, high[axis], 0.2) for axis in (0, 2))  # no point on the surface of a solid
        grid = np.stack(np.meshgrid(x, 0.05, z), -1).reshape(-1, 3)
        ours, sure, theirs = (np.array([g.stand(p) is not None for p in grid]) for g in (usual, wide, ground))
        inside = ((grid > solid[0]) & (grid < solid[1]))[:, [0, 2]].all(1)
        assert theirs[sure & ~inside].mean() > 0.98 and not theirs[~ours | inside].any()
        assert layout is not hall or any(ground.pathfinder.is_navigable(p.astype(np.float32)) for p in grid[inside])

    def test_nowhere_to_stand(self, tmp_path, gltf):
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        path = gltf.write(tmp_path / "wall.glb")
        camera = open_camera(path, load_scene(path, textures=False), CAMERA)
        with pytest.raises(InputError, match="no ground to stand on in scene wall"):
            camera.navmesh(self.SETTINGS)


@needs_habitat
@pytest.mark.slow
class TestSets:
    def test_views_share_annotated_instances(self, open_both):
        settings = with_options({"camera.engine": "habitat", "sampling.min_depth_max_m": 2.0})
        _, habitat = open_both(replica, settings.camera)
        places = find_places(habitat.scene, settings, np.random.default_rng(0))
        ground = NavmeshGround(habitat.navmesh(settings), places, habitat.scene)
        one = draw_set(habitat.scene, ground, settings, np.random.default_rng(4), habitat.visible_instances)
        seen = []
        for picture in habitat.render(one.positions, one.headings_deg).instance:
            numbers, pixels = np.unique(picture, return_counts=True)
            seen.append(set(numbers[pixels >= 50].tolist()) - {0})
        assert min(len(seen[0] & other) for other in seen[1:]) >= 10
        assert seen[0] == habitat.instances_in(one.positions[0], one.headings_deg[0])

    def test_rendered_data_set_verifies_and_repeats(self, tmp_path, tiny_options, fields_of, gltf):
        path = hm3d(tmp_path, type(gltf))
        for name in ("one", "two"):
            command = ["--scenes", str(path), "--out", str(tmp_path / name), "--camera", "habitat", "--workers", "0"]
            command += [*tiny_options, "--set", "sampling.min_shared_instances=4"]
            assert main(command) == 0
        assert verify([str(tmp_path / "one")]) == 0
        assert fields_of(tmp_path / "one") == fields_of(tmp_path / "two")


@needs_habitat
@pytest.mark.slow
def test_the_command_with_workers(tmp_path, tiny_options, gltf):
    path, root = bare(tmp_path, type(gltf)), Path(__file__).resolve().parents[3]
    command = [sys.executable, "-m", "simulator.render", "--scenes", str(path), "--out", str(tmp_path / "out")]
    command += ["--camera", "habitat", "--workers", "1", *tiny_options, "--set", "sampling.min_depth_max_m=2"]
    run = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert verify([str(tmp_path / "out")]) == 0


@pytest.mark.parametrize("low, inside", [(3.0, False), (0.01, True)])
def test_places_inside_solids_are_excluded(low, inside, make_scene, make_box):
    """Below a block that hangs from the ceiling one can stand; inside one that reaches the floor, the navmesh allows it too."""
    parts = [("room", "plaster", *make_box((0, 0, 0), (10, 4, 10), inward=True), (0.5, 0.5, 0.5))]
    parts += [("block", "plaster", *make_box((3, low, 3), (7, 3.5, 7), inward=False), (0.5, 0.5, 0.5))]
    scene = make_scene(parts)
    solid = find_places(scene, with_options({}), np.random.default_rng(0))
    everywhere = SimpleNamespace(is_navigable=lambda point: True, island_radius=lambda point: 9.0)
    ground = NavmeshGround(everywhere, solid, scene)
    within, beside = np.array([5.0, 0.05, 5.0]), np.array([1.5, 0.05, 5.0])
    assert solid.stand(within) is not None and solid.stand(beside) is not None
    assert (ground.stand(within) is None) == inside
    assert ground.stand(beside) is not None


class TestRefused:
    def test_formats_that_it_does_not_read(self, tmp_path):
        path = tmp_path / "room.obj"
        trimesh.creation.box().export(path)
        with pytest.raises(InputError, match=r"does not read .*room.obj"):
            open_camera(path, load_scene(path), CAMERA)

    @pytest.mark.parametrize("change, message", [(c, m) for c, m, _ in REFUSED.values()], ids=REFUSED)
    def test_what_it_shows_elsewhere(self, change, message, tmp_path, gltf):
        path = furnished(tmp_path, type(gltf))
        check_supported(path)
        path = change(tmp_path, path)
        with pytest.raises(InputError, match=message):
            open_camera(path, load_scene(path), CAMERA)

    def test_frames_that_it_displays_as_described(self):
        """All frames along the axes but the two whose front is behind: habitat-sim turns those upside down."""
        axes = [sign * axis for axis in np.eye(3) for sign in (1, -1)]
        frames = [(up, front) for up in axes for front in axes if up @ front == 0]
        other = [f for f in frames if not np.allclose(displayed_orientation(*f), orientation(*f), atol=1e-6)]
        np.testing.assert_array_equal(other, [[[0, 1, 0], [0, 0, 1]], [[0, -1, 0], [0, 0, 1]]])

    def test_a_scene_without_ground_before_habitat_sees_it(self, tmp_path, gltf):
        """The pathfinder of a flat wall crashes habitat-sim's process."""
        gltf.node(mesh=gltf.mesh(gltf.primitive()))
        scene = load_scene(gltf.write(tmp_path / "wall.glb"))
        camera = HabitatCamera(scene, CAMERA, None, tmp_path, labelled=True, annotated=False)
        with pytest.raises(InputError, match="no ground to stand on in scene wall"):
            camera.navmesh(with_options({"camera.engine": "habitat"}))


def test_missing_engine_is_one_line_with_a_remedy(monkeypatch, tiny_scenes, tmp_path, capsys):
    monkeypatch.setitem(sys.modules, "habitat_sim", None)
    assert main(["--scenes", str(tiny_scenes), "--out", str(tmp_path / "out"), "--camera", "habitat"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and said.endswith(
        "; leave the option out for our own camera, or install habitat-sim 0.3.3 or later for this Python, see docs/scans.md\n"
    )
    assert not (tmp_path / "out").exists()


def test_scenes_are_read_without_textures_for_it(tmp_path, gltf):
    """So that Basis-compressed scans, which only habitat-sim shows, can be heard."""
    gltf.node(mesh=gltf.mesh(gltf.primitive(material=gltf.material(baseColorTexture={"index": 0}))))
    gltf.add("textures", {"extensions": {"KHR_texture_basisu": {"source": 0}}})
    gltf.header["extensionsUsed"] = gltf.header["extensionsRequired"] = ["KHR_texture_basisu"]
    path = gltf.write(tmp_path / "scan.basis.glb")
    with pytest.raises(InputError, match="KHR_texture_basisu"):
        load_scene(path)
    assert len(load_scene(path, textures=False).faces) == 2
