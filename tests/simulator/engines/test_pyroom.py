"""The room as a polygon for pyroomacoustics: its outline by geometry, its sound against theory and the ray tracer."""

import warnings

import numpy as np
import pyroomacoustics as pra
import pytest

from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.materials import SurfaceAcoustics
from simulator.acoustics.room_metrics import decay_time
from simulator.config import AcousticsSettings
from simulator.engines import pyroom
from simulator.engines.outline import plan_of
from simulator.engines.pyroom import polygon_arrivals
from simulator.engines.responses import responses, trace
from simulator.engines.surface_means import mean_surfaces
from simulator.engines.visibility import find_outline
from simulator.receivers.hrtf import load_ears
from simulator.scene.assemble import MaterialSpec, Part, assemble

BOX = np.array([[0, 0], [6, 0], [6, 5], [0, 5]], float)
"""Plans are seen from above: x, -z, counter-clockwise."""
ELL = np.array([[0, 0], [7, 0], [7, 3], [3, 3], [3, 6], [0, 6]], float)
HEIGHT = 2.8


def at(x, y, plan_y):
    """A point by its position in plan and its height."""
    return np.array([x, y, -plan_y])


LISTENER = at(2.0, 1.5, 1.7)
SOURCES = np.array([at(4.0, 1.2, 2.6), at(1.0, 1.4, 4.0)])


def prism(plan, ceiling=True):
    """One part a wall, then floor and ceiling; corners counter-clockwise seen from inside."""
    low, high = (np.stack([plan[:, 0], np.full(len(plan), y), -plan[:, 1]], -1) for y in (0.0, HEIGHT))
    parts = []
    for k in range(len(plan)):
        j = (k + 1) % len(plan)
        parts.append((np.stack([low[k], low[j], high[j], high[k]]), [[0, 2, 1], [0, 3, 2]]))
    fan = np.array([[0, k, k + 1] for k in range(1, len(plan) - 1)])  # both plans above are stars around their first corner
    return [*parts, (low, fan), (high, fan[:, ::-1])][: len(plan) + 1 + ceiling]


def block(low, high):
    """The six sides of a box standing in the room, as one part."""
    low, high = np.asarray(low, float), np.asarray(high, float)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * (high - low) + low
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return corners, [t for a, b, c, d in quads for t in ([a, b, c], [a, c, d])]


def scene(parts):
    specs = [MaterialSpec(f"surface {k}") for k in range(len(parts))]
    whole = [Part(f"part {k}", k, v.astype(np.float32), np.asarray(f, np.int32), None, None) for k, (v, f) in enumerate(parts)]
    return assemble("room", "0" * 64, whole, specs, [], [], "", 10.0)


def room_of(parts, absorption, scattering=0.0, settings=None):
    """Absorption: one number, or one a part."""
    made = scene(parts)
    order = [int(material.split()[-1]) for _, material in made.surfaces]
    absorption = np.broadcast_to(absorption, len(parts))[order]
    count = len(order)
    acoustics = SurfaceAcoustics(
        np.repeat(absorption[:, None], 7, 1), np.full((count, 7), scattering), ("made",) * count, ("",) * count
    )
    return prepare_acoustics(made, acoustics, settings or AcousticsSettings())


def distance_to_corners(outline, plan):
    """Largest distance of a true corner from the corners of the outline, where their numbers agree."""
    assert len(outline.corners) == len(plan)
    return np.linalg.norm(outline.corners[:, None] - plan, axis=-1).min(0).max()


@pytest.mark.parametrize("listener", [at(2, 1.5, 1.7), at(0.3, 1.5, 4.7), at(5.6, 1.1, 0.4)])
def test_the_outline_of_a_box_is_the_box(listener):
    outline = find_outline(scene(prism(BOX)).bvh, listener, np.array([at(3.0, 1.0, 3.0)]))
    assert distance_to_corners(outline, BOX) < 0.005
    assert [outline.floor_m, outline.ceiling_m] == pytest.approx([0, HEIGHT], abs=1e-5)
    assert outline.volume_m3 == pytest.approx(6 * 5 * HEIGHT, rel=1e-3)


@pytest.mark.parametrize("listener", [at(1, 1.5, 1), at(6, 1.5, 1.5), at(1, 1.5, 5)])
def test_the_outline_of_a_corner_room_holds_the_part_that_is_hidden(listener):
    outline = find_outline(scene(prism(ELL)).bvh, listener, listener + [[0.5, 0.0, 0.0]])
    assert distance_to_corners(outline, ELL) < 0.01


def test_the_outline_of_a_scan_is_its_room():
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 1, 41)
    u, v = (g.ravel() for g in np.meshgrid(grid, grid))
    index = np.arange(41 * 41).reshape(41, 41)
    a, b, c, d = (x.ravel() for x in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]))
    faces = np.concatenate([np.stack([a, c, b], -1), np.stack([b, c, d], -1)])
    parts = []
    for corners, _ in prism(BOX):
        points = corners[0] + u[:, None] * (corners[1] - corners[0]) + v[:, None] * (corners[-1] - corners[0])
        parts.append((points + 0.003 * rng.normal(size=points.shape), faces))
    outline = find_outline(scene(parts).bvh, LISTENER, SOURCES)
    assert distance_to_corners(outline, BOX) < 0.02
    assert outline.volume_m3 == pytest.approx(6 * 5 * HEIGHT, rel=0.01)


def test_furniture_does_not_change_the_outline():
    parts = [
        *prism(BOX),
        block(at(0, 0, 2), at(0.6, 2.0, 0.5)),
        block(at(4, 0, 5), at(5, 1.9, 4.5)),
        block(at(3, 2.5, 3), at(3.2, 2.8, 2.8)),
    ]
    assert distance_to_corners(find_outline(scene(parts).bvh, LISTENER, SOURCES), BOX) < 0.005


def test_a_room_without_a_ceiling_ends_where_its_walls_do():
    outline = find_outline(scene(prism(BOX, ceiling=False)).bvh, LISTENER, SOURCES)
    assert distance_to_corners(outline, BOX) < 0.005
    assert outline.ceiling_m == pytest.approx(HEIGHT, abs=0.3)


def test_a_source_behind_a_doorway_is_inside():
    two = np.array([[0, 0], [8, 0], [8, 5], [0, 5]], float)
    # A wall across with a door 0.9 m wide and 2.1 m high in its middle.
    parts = [
        *prism(two),
        block(at(4, 0, 2.0), at(4.1, HEIGHT, 0)),
        block(at(4, 0, 5), at(4.1, HEIGHT, 2.9)),
        block(at(4, 2.1, 2.9), at(4.1, HEIGHT, 2)),
    ]
    bvh = scene(parts).bvh
    near = find_outline(bvh, at(2, 1.5, 2.5), np.array([at(3, 1.2, 1.0)]))
    assert near.volume_m3 == pytest.approx(4 * 5 * HEIGHT, rel=0.01)
    both = find_outline(bvh, at(2, 1.5, 2.5), np.array([at(5.5, 1.2, 2.4)]))
    assert both.holds(np.array([at(2, 1.5, 2.5), at(5.5, 1.2, 2.4), at(7, 1.0, 4.0)])).all()
    assert both.volume_m3 == pytest.approx(7.9 * 5 * HEIGHT, rel=0.03)


def test_rays_leave_a_prism_where_geometry_says():
    outline = find_outline(scene(prism(BOX)).bvh, LISTENER, SOURCES)
    ways = np.array([[1, 0, 0], [0, 0, 1], [0, 1, 0], [0, -1, 0], [0.6, 0.8, 0]], float)
    surface, distance = outline.leave(np.repeat(LISTENER[None], 5, 0), ways)
    assert distance == pytest.approx([4.0, 1.7, 1.3, 1.5, 1.3 / 0.8], abs=0.01)
    assert surface[2] == surface[4] == len(outline.corners) + 1
    assert surface[3] == len(outline.corners)
    assert outline.clearance(LISTENER) == pytest.approx(1.3, abs=0.01)


def wall_near(outline, point):
    """Number of the wall nearest to a point in plan."""
    middle = 0.5 * (outline.corners + np.roll(outline.corners, -1, 0))
    return np.linalg.norm(middle - plan_of(point), axis=1).argmin()


def test_an_empty_room_keeps_its_own_materials():
    given = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    room = room_of(prism(BOX), given, 0.25)
    outline = find_outline(room.bvh, LISTENER, SOURCES)
    reflectance, scattering = mean_surfaces(room, outline, LISTENER, np.random.default_rng(0))
    order = [wall_near(outline, p) for p in (at(3, 1, 0), at(6, 1, 2.5), at(3, 1, 5), at(0, 1, 2.5))] + [4, 5]
    assert 1 - reflectance[order] == pytest.approx(np.repeat(given[:, None], 7, 1), abs=0.02)
    assert scattering == pytest.approx(0.25, abs=1e-6)


def test_an_open_window_absorbs_its_share_of_the_wall():
    parts = prism(BOX)
    (low, _), hole = parts[0], np.array([at(2, 0.8, 0), at(4, 0.8, 0), at(4, 2.0, 0), at(2, 2.0, 0)])
    ring = [[0, 1, 5], [0, 5, 4], [1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]]
    parts[0] = (np.concatenate([low, hole]), ring)
    room = room_of(parts, 0.05)
    outline = find_outline(room.bvh, LISTENER, SOURCES)
    assert distance_to_corners(outline, BOX) < 0.005
    reflectance, _ = mean_surfaces(room, outline, LISTENER, np.random.default_rng(0))
    open_share = 2 * 1.2 / (6 * HEIGHT)
    assert 1 - reflectance[wall_near(outline, at(3, 1, 0)), 0] == pytest.approx(open_share + 0.05 * (1 - open_share), abs=0.03)


def measures(arrivals):
    """T30 (s) and direct-to-reverberant ratio (dB) of each source in the 1 kHz band."""
    energy = arrivals.energy[..., 3].sum(2).astype(float)
    ways = [(arrivals.images, energy), (arrivals.direct, np.zeros_like(energy))]
    for paths, into in ways:
        bins = (paths.distance / arrivals.speed_m_s / arrivals.bin_s).astype(int)
        inside = bins < into.shape[1]
        np.add.at(into, (paths.source[inside], bins[inside]), paths.gain[inside, 3] ** 2)
    direct = ways[1][1]
    left = 10 * np.log10(np.cumsum((direct + energy)[:, ::-1], 1)[:, ::-1] + 1e-30)
    return decay_time(left - left[:, :1], arrivals.bin_s, -5, -35), 10 * np.log10(direct.sum(1) / energy.sum(1))


@pytest.mark.parametrize("absorption", [0.2, 0.4])
def test_a_smooth_box_agrees_with_the_pure_image_method(absorption):
    settings = AcousticsSettings(response_s=1.0, humidity_percent=50)
    room = room_of(prism(BOX), absorption, 0.0, settings)
    t30, ratio = measures(polygon_arrivals(room, LISTENER, SOURCES, settings, np.random.default_rng(0)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        box = pra.ShoeBox([6, 5, HEIGHT], fs=16000, materials=pra.Material(absorption), max_order=45)
    box.add_microphone([LISTENER[0], -LISTENER[2], LISTENER[1]])
    for source in SOURCES:
        box.add_source([source[0], -source[2], source[1]])
    box.image_source_model()
    for number, source in enumerate(box.sources):
        distance = np.linalg.norm(source.images - box.mic_array.R, axis=0)
        energy = (source.damping[0] / distance) ** 2 * np.exp(-room.air[3] * distance)
        curve = np.bincount((distance / room.speed_m_s / 0.002).astype(int), energy)[:500]
        left = 10 * np.log10(np.cumsum(curve[::-1])[::-1])
        assert t30[number] == pytest.approx(decay_time(left - left[0], 0.002, -5, -35), rel=0.10)
        whole = energy[distance < room.speed_m_s].sum()
        first = energy[source.orders == 0].sum()
        assert ratio[number] == pytest.approx(10 * np.log10(first / (whole - first)), abs=0.5)


@pytest.mark.parametrize("plan", [BOX, ELL])
@pytest.mark.parametrize("scattering", [0.1, 0.4])
def test_box_and_corner_room_agree_with_our_tracer(plan, scattering):
    settings = AcousticsSettings(response_s=0.8)
    room = room_of(prism(plan), 0.25, scattering, settings)
    sources = SOURCES if plan is BOX else np.array([at(5, 1.2, 2), at(1, 1.4, 5)])
    ours = trace(room, LISTENER, sources, settings, np.random.default_rng(0))
    theirs = polygon_arrivals(room, LISTENER, sources, settings, np.random.default_rng(0))
    (t30, ratio), (own_t30, own_ratio) = measures(theirs), measures(ours)
    assert t30 == pytest.approx(own_t30, rel=0.10)
    assert ratio == pytest.approx(own_ratio, abs=1.0)


@pytest.mark.parametrize("pattern", ["omnidirectional", "cardioid"])
def test_direct_sound_and_images_are_those_of_the_mesh(pattern):
    settings = AcousticsSettings(response_s=0.3, directivity=pattern, quality="draft")
    room = room_of(prism(BOX), 0.3, 0.2, settings)
    ours = trace(room, LISTENER, SOURCES, settings, np.random.default_rng(0))
    theirs = polygon_arrivals(room, LISTENER, SOURCES, settings, np.random.default_rng(0))
    for a, b in ((ours.direct, theirs.direct), (ours.images, theirs.images)):
        assert len(a.source) == len(b.source) > 0
        place = [p.source[:, None] * 100 + p.distance[:, None] * p.direction for p in (a, b)]
        match = np.linalg.norm(place[0][:, None] - place[1], axis=-1).argmin(1)
        assert len(set(match)) == len(match)
        assert b.distance[match] == pytest.approx(a.distance, abs=0.01)
        assert (b.direction[match] * a.direction).sum(1) == pytest.approx(1, abs=1e-4)
        assert b.gain[match] == pytest.approx(a.gain, rel=0.03, abs=2e-3)


def test_energy_arrives_from_where_it_should():
    # All surfaces but one swallow sound: what is not an image comes from that one.
    settings = AcousticsSettings(response_s=0.2, image_order=1, quality="draft")
    room = room_of(prism(BOX), [1, 1, 1, 0.1, 1, 1], 0.9, settings)  # the wall at x = 0
    arrivals = polygon_arrivals(room, LISTENER, SOURCES[:1], settings, np.random.default_rng(0))
    by_cell = arrivals.energy[0, :, :, 3].sum(0)
    assert (by_cell[:, None] * arrivals.cells).sum(0)[0] < -0.6 * by_cell.sum()
    assert by_cell[arrivals.cells[:, 0] > 0.2].sum() < 0.02 * by_cell.sum()


@pytest.mark.parametrize(("segments", "rays"), [(5.0, 6000), (122.0, 6000), (1220.0, 2459), (1e5, 30), (1e8, 1)])
def test_rays_that_are_never_absorbed_are_bounded_and_calls_short(segments, rays):
    """122 segments: a second in a living room. A call holds Python, which cannot respond to signals then."""
    calls = pyroom._ray_calls("standard", segments)
    assert np.concatenate(calls).tolist() == list(range(rays))
    assert rays == 1 or rays * segments <= pyroom.MOST_SEGMENTS["standard"]
    assert max(len(rows) for rows in calls) <= max(1.0, pyroom.CALL_SEGMENTS / segments + 1)


def test_walls_that_neither_absorb_nor_scatter_are_simulated():
    settings = AcousticsSettings(response_s=0.5, quality="draft")
    arrivals = polygon_arrivals(room_of(prism(BOX), 0.0, 0.0, settings), LISTENER, SOURCES, settings, np.random.default_rng(0))
    assert np.isfinite(arrivals.energy).all() and arrivals.energy.sum() > 0


def test_the_same_seed_gives_the_same_arrivals():
    settings = AcousticsSettings(response_s=0.2, quality="draft")
    room = room_of(prism(BOX), 0.3, 0.3, settings)
    a, b, c = (polygon_arrivals(room, LISTENER, SOURCES[:1], settings, np.random.default_rng(s)).energy for s in (3, 3, 4))
    assert (a == b).all()
    assert (a != c).any()


def test_the_engine_is_heard_with_the_same_ears():
    settings = AcousticsSettings(engine="pyroomacoustics", response_s=0.3, quality="draft")
    room = room_of(prism(BOX), 0.4, 0.2, settings)
    source = LISTENER + [[-1.5, 0.0, 0.0]]  # to the left of heading 0
    views = np.repeat(LISTENER[None], 2, 0)
    simulated = responses(room, views, np.array([0.0, 180.0]), source, settings, load_ears(None, 16000), np.random.default_rng(0))
    level = (simulated.direct[:, 0] ** 2).sum(-1)
    assert level[0, 0] > 4 * level[0, 1]
    assert level[1, 1] > 4 * level[1, 0]
    assert simulated.direct[0, 0, 0].argmax() < 1.5 / room.speed_m_s * 16000 + 4
    assert simulated.indirect.shape == (2, 1, 2, 4800)
