"""Traced energy against theory and against pyroomacoustics' image method: decays, levels, conservation, reciprocity."""

import time
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.acoustics.measures import decay_curve, echogram, measure
from benchmarks.acoustics.reference import coupled_decay_time, eyring, image_echogram, prism_decay
from benchmarks.acoustics.rooms import Surface, box, clean, floor_plan, room_of, scanned
from simulator.acoustics import tracer as tracer_module
from simulator.acoustics.arrivals import sphere_cells
from simulator.acoustics.image_sources import image_paths, planes_around
from simulator.acoustics.room_metrics import decay_time, energy_decay
from simulator.acoustics.tracer import QUALITY, Tracer
from simulator.config import QUALITIES, AcousticsSettings
from simulator.engines.responses import trace
from simulator.render import _parser

SIZE = (5.0, 2.6, 4.0)
VOLUME, AREA = 52.0, 86.8
LISTENER, SOURCE = np.array([3.6, 1.5, 2.5]), np.array([1.2, 1.1, 1.4])
DISTANCE = float(np.linalg.norm(LISTENER - SOURCE))


def traced(surfaces, absorption, scattering, seed=0, listener=LISTENER, sources=SOURCE, **settings):
    """Trace a room; energy by time (T,) of the first source at 1 kHz, and the arrivals."""
    setting = AcousticsSettings(**{"quality": "reference", "response_s": 0.3, **settings})
    scene = surfaces if not isinstance(surfaces, list) else clean(surfaces)
    room = room_of(scene, absorption, scattering, setting)
    arrivals = trace(room, listener, np.atleast_2d(sources), setting, np.random.default_rng(seed))
    return echogram(arrivals)[:, 3], arrivals


def measured(surfaces, *args, distance=DISTANCE, **more):
    energy, arrivals = traced(surfaces, *args, **more)
    return measure(energy, arrivals.bin_s, distance, arrivals.speed_m_s)


def level_db(energy):
    return 10 * np.log10(energy.sum())


@pytest.mark.parametrize("absorption", [0.2, 0.3, 0.5, pytest.param(0.1, marks=pytest.mark.slow)])
def test_a_box_without_scattering_decays_as_the_image_method_says(absorption):
    duration = round(0.9 * eyring(VOLUME, AREA, absorption, 343.2), 3)
    energy, arrivals = traced(box(SIZE), absorption, 0.0, response_s=duration)
    pure = image_echogram(SIZE, absorption, LISTENER, SOURCE, len(energy), arrivals.bin_s, arrivals.speed_m_s)
    ours, exact = (measure(e, arrivals.bin_s, DISTANCE, arrivals.speed_m_s) for e in (energy, pure))
    assert ours.t30 == pytest.approx(exact.t30, rel=0.05)
    assert ours.edt == pytest.approx(exact.edt, rel=0.05)
    assert ours.c50 == pytest.approx(exact.c50, abs=0.5)
    assert ours.drr == pytest.approx(exact.drr, abs=0.5)
    # Not only in sum: every 20 ms have the energy that they should, as long as there is some.
    steps = len(energy) // 10 * 10
    ours_20, exact_20 = (10 * np.log10(np.maximum(e[:steps].reshape(-1, 10).sum(1), 1e-30)) for e in (energy, pure))
    loud = exact_20 > exact_20.max() - 30
    assert np.abs(ours_20 - exact_20)[loud].max() < 1.0


def test_diffuse_walls_decay_as_kuttruff_says():
    """Eyring's exponent times 1 + variance / 2 x ln(1 - a), from how the paths between Lambert walls vary (Kuttruff 2009)."""
    rng, points = np.random.default_rng(0), 200_000
    height = np.sqrt(rng.random(points))  # the cosine to the normal of a Lambert wall
    angle = 2 * np.pi * rng.random(points)
    level = np.sqrt(1 - height**2)
    toward = np.stack([height, level * np.cos(angle), level * np.sin(angle)])
    start = np.stack([np.zeros(points), *rng.random((2, points))])
    path = np.where(toward > 0, (1 - start) / toward, -start / np.minimum(toward, -1e-12)).min(0)
    variance = path.var() / path.mean() ** 2
    expected = eyring(27.0, 54.0, 0.25, 343.2) / (1 + variance / 2 * np.log(0.75))
    ours = measured(box((3, 3, 3)), 0.25, 1.0, listener=np.array([2.1, 1.6, 1.2]), sources=[0.8, 1.0, 2.0])
    assert ours.t30 == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("directivity", ["omnidirectional", "cardioid"])
def test_diffuse_sound_of_one_surface_is_that_of_a_lambert_plate(directivity):
    """Quadrature of the radiance of a plate, share x cos / (pi r^2), over the solid angle under which it appears.

    A source faces the listener: the power that it sends elsewhere is weighted by the square of its pressure gain.
    """
    floor = Surface("floor", np.array([-2.0, 0, -2.0]), np.array([0, 0, 4.0]), np.array([4.0, 0, 0]))
    listener, source = np.array([0.4, 1.0, 0.3]), np.array([-0.6, 0.8, 0.1])
    settings = {"listener": listener, "sources": source, "response_s": 0.05, "directivity": directivity}
    energy, arrivals = traced([floor], 0.2, 0.5, **settings)
    front = (listener - source) / np.linalg.norm(listener - source)

    def power(leaving):
        cosine = leaving @ front / np.linalg.norm(leaving, axis=-1)
        return 1.0 if directivity == "omnidirectional" else (0.5 + 0.5 * cosine) ** 2

    n = 800
    x, z = np.meshgrid(*2 * [(np.arange(n) + 0.5) / n * 4 - 2], indexing="ij")
    to_source, to_listener = (np.hypot(np.hypot(x - p[0], z - p[2]), p[1]) for p in (source, listener))
    irradiance = source[1] / to_source**3 * power(np.stack([x, np.zeros_like(x), z], -1) - source)
    expected = (0.8 * 0.5 * irradiance / np.pi * listener[1] / to_listener**3).sum() * (4 / n) ** 2
    assert arrivals.energy[0, ..., 3].sum() == pytest.approx(expected, rel=0.02)
    image = listener * [1, -1, 1] - source
    specular = 0.8 * 0.5 / (image @ image) * power(image)
    rounding = 1e-6 if directivity == "omnidirectional" else 0.02  # gains come from a table of 257 cosines
    assert (arrivals.images.gain[:, 3] ** 2).sum() == pytest.approx(specular, rel=rounding)
    assert energy.sum() == pytest.approx(1 / ((listener - source) @ (listener - source)) + specular + expected, rel=0.02)


@pytest.mark.parametrize(("scattering", "directivity"), [(0.0, "omnidirectional"), (0.3, "omnidirectional"), (0.0, "cardioid")])
def test_images_and_rays_share_the_energy_whatever_the_order_of_the_images(scattering, directivity):
    settings = {"directivity": directivity}
    levels = [level_db(traced(box(SIZE), 0.3, scattering, image_order=order, **settings)[0]) for order in range(4)]
    assert np.ptp(levels) < 0.15


def test_walls_that_neither_absorb_nor_scatter_are_traced_in_bounded_time():
    """No ray loses energy, so none ends before the response does; calls return often enough for signals to be handled."""
    start = time.process_time()
    settings = {"listener": np.full(3, 0.3), "sources": np.full(3, 0.6), "quality": "standard", "response_s": 4.0}
    energy, _ = traced(box((1.0, 1.0, 1.0)), 0.0, 0.0, **settings)
    assert np.isfinite(energy).all()
    assert time.process_time() - start < 30


def test_a_ray_in_a_gap_of_the_mesh_ends():
    """Two mirrors a millimetre apart: a ray between them would be reflected a million times within the response."""
    gap = [
        Surface("upper", np.array([-50.0, 0.001, -50.0]), np.array([100.0, 0, 0]), np.array([0, 0, 100.0])),
        Surface("lower", np.array([-50.0, 0.0, -50.0]), np.array([0, 0, 100.0]), np.array([100.0, 0, 0])),
    ]
    setting = AcousticsSettings(response_s=4.0)
    room, listener = room_of(clean(gap), 0.0, 0.0, setting), np.array([0.0, 0.0005, 0.0])
    made = Tracer(room, np.zeros(4, bool), 0, listener, listener[None] + [1.0, 0, 0], 4.0, np.random.default_rng(0))
    made.add(64)
    assert made.segments < 1e7


def test_tracing_in_several_calls_is_the_same_as_in_one(monkeypatch):
    whole, _ = tracer(3)
    whole.add(512)
    parts, _ = tracer(3)
    plain, calls = tracer_module.trace, []

    def interrupted(around, tally, rays, listener, directions, cells, groups, first, *rest):
        """Trace one ray in each call, as if it had used up the call."""
        calls.append(first)
        end = first + 1
        return plain(around, tally, rays, listener, directions[:end], cells[:end], groups[:end], first, *rest)

    monkeypatch.setattr(tracer_module, "trace", interrupted)
    parts.add(512)
    assert calls[-512:] == list(range(512))
    assert parts.segments == whole.segments
    assert parts.tally.energy.tobytes() == whole.tally.energy.tobytes()


def test_swapping_source_and_listener_changes_no_level():
    surfaces = box(SIZE) + box((1.2, 1.0, 0.5), (2.0, 0.0, 3.0), outside=True, name="cupboard")
    absorption = {"floor": 0.4, "ceiling": 0.1, "west": 0.1, "east": 0.3, "north": 0.1, "south": 0.2, "cupboard": 0.3}
    there = traced(surfaces, absorption, 0.2)[0]
    back = traced(surfaces, absorption, 0.2, listener=SOURCE, sources=LISTENER)[0]
    assert level_db(there) == pytest.approx(level_db(back), abs=0.3)


def test_several_sources_are_each_heard_as_if_alone():
    sources = np.array([SOURCE, [4.0, 1.0, 0.7], [0.6, 1.7, 3.5]])
    together = traced(box(SIZE), 0.3, 0.2, sources=sources)[1]
    for k, source in enumerate(sources):
        alone, _ = traced(box(SIZE), 0.3, 0.2, sources=source, seed=k + 1)
        assert level_db(echogram(together, k)[:, 3]) == pytest.approx(level_db(alone), abs=0.2)


def test_sound_escapes_through_a_missing_ceiling():
    closed = box(SIZE)
    opened = [s for s in closed if s.name != "ceiling"]
    swallowed = {s.name: 1.0 if s.name == "ceiling" else 0.2 for s in closed}
    gone, eaten = (traced(surfaces, a, 0.3, response_s=0.15)[0] for surfaces, a in ((opened, 0.2), (closed, swallowed)))
    assert level_db(gone) == pytest.approx(level_db(eaten), abs=0.1)
    assert level_db(gone) < level_db(traced(closed, 0.2, 0.3, response_s=0.15)[0]) - 2


def test_outdoors_there_is_nothing_but_direct_sound():
    far = Surface("wall", np.array([100.0, 0, 0]), np.array([0, 1.0, 0]), np.array([0, 0, 1.0]))
    energy, arrivals = traced([far], 0.1, 0.5)
    assert energy.sum() == pytest.approx(DISTANCE**-2, rel=1e-9)
    assert arrivals.energy.sum() == 0


def test_a_wall_between_hides_the_direct_sound_but_not_the_reverberation():
    screen = box((0.1, 2.0, 3.0), (2.4, 0.0, 0.0), outside=True, name="screen")
    absorption = {side.name: 0.2 for side in box(SIZE)} | {"screen": 0.0}
    energy, arrivals = traced(box(SIZE) + screen, absorption, 0.2)
    assert len(arrivals.direct.source) == 0
    assert level_db(energy[30:]) == pytest.approx(level_db(traced(box(SIZE), 0.2, 0.2)[0][30:]), abs=1.0)


@pytest.mark.parametrize("scattering", [pytest.param(0.05, marks=pytest.mark.slow), 0.4])
def test_a_scan_sounds_like_the_clean_model(scattering):
    surfaces = box(SIZE) + box((1.4, 0.8, 0.7), (1.5, 0.0, 3.0), outside=True, name="table")
    scan = scanned(surfaces, np.random.default_rng(3))
    exact, rough = (measured(s, 0.25, scattering) for s in (clean(surfaces), scan))
    assert rough.t20 == pytest.approx(exact.t20, rel=0.05)
    assert rough.drr == pytest.approx(exact.drr, abs=0.5)
    assert rough.edt == pytest.approx(exact.edt, rel=0.05)


def test_octave_bands_decay_by_their_own_absorption_and_scattering():
    """Bands are traced together; each must equal a tracing of that band alone."""
    setting = AcousticsSettings(quality="reference", response_s=0.4)
    room = room_of(clean(box(SIZE)), 0.2, 0.2, setting)
    absorption, scattering = np.linspace(0.15, 0.5, 7), np.linspace(0.05, 0.6, 7)
    rows = len(room.reflectance)
    mixed = replace(
        room,
        reflectance=np.tile(1 - absorption, (rows, 1)).astype(np.float32),
        scattering=np.tile(scattering, (rows, 1)).astype(np.float32),
    )
    arrivals = trace(mixed, LISTENER, SOURCE[None], setting, np.random.default_rng(1))
    together = measure(echogram(arrivals).T, arrivals.bin_s, DISTANCE, arrivals.speed_m_s)
    for b in (0, 3, 6):
        alone = measured(box(SIZE), absorption[b], scattering[b], seed=b, response_s=0.4)
        assert together.t20[b] == pytest.approx(alone.t20, rel=0.03)
        assert together.drr[b] == pytest.approx(alone.drr, abs=0.2)


def test_air_takes_what_it_should():
    """In a box of one absorption all paths of a time bin have the same length, so air multiplies the echogram."""
    setting = AcousticsSettings(quality="reference", response_s=0.3)
    rooms = [room_of(clean(box(SIZE)), 0.2, 0.2, setting, air=air) for air in (True, False)]
    damp, dry = (echogram(trace(r, LISTENER, SOURCE[None], setting, np.random.default_rng(4))) for r in rooms)
    expected = dry * np.exp(-rooms[0].air * rooms[0].speed_m_s * (np.arange(len(dry))[:, None] + 0.5) * 0.002)
    assert damp[40:].sum(0) == pytest.approx(expected[40:].sum(0), rel=0.03)
    assert damp[40:].sum(0)[6] < 0.5 * dry[40:].sum(0)[6]  # the test has an effect to detect


L_SHAPE = ([0, 3, 6], [0, 2.5, 5], [[1, 1], [1, 0]])
L_CORNERS = np.array([[0, 0], [6, 0], [6, 2.5], [3, 2.5], [3, 5], [0, 5]])


@pytest.mark.slow
def test_an_l_shaped_room_decays_as_in_pyroomacoustics():
    listener, source = np.array([5.0, 1.5, 1.2]), np.array([1.2, 1.2, 4.0])  # around the corner
    ours = measured(floor_plan(*L_SHAPE, 2.7), 0.2, 0.1, listener=listener, sources=source, response_s=0.6)
    response, rate = prism_decay(L_CORNERS, 2.7, 0.2, listener, source, images=2, rays=20000, scattering=0.1)
    assert ours.t30 == pytest.approx(decay_time(energy_decay(response), 1 / rate, -5, -35), rel=0.10)


TWO_ROOMS = ([0, 4, 4.02, 8], [0, 1.6, 2.4, 4], [[1, 0, 1], [1, 1, 1], [1, 0, 1]])


@pytest.mark.slow
def test_a_live_room_behind_an_open_door_bends_the_decay():
    """Two diffuse rooms and a door (Cremer and Mueller 1982, volume 1, section 2.5): both decay rates of the pair occur."""
    surfaces = floor_plan(*TWO_ROOMS, 2.5)
    dead, live, door = 0.6, 0.06, 0.8 * 2.5
    for k, s in enumerate(surfaces):
        middle = s.corner + (s.along + s.across) / 2
        surfaces[k] = replace(s, name="dead" if middle[0] < 4.0 else "live")
    listener, source = np.array([2.6, 1.5, 1.1]), np.array([1.2, 1.2, 3.0])
    energy, arrivals = traced(surfaces, {"dead": dead, "live": live}, 0.6, listener=listener, sources=source, response_s=1.8)
    decay = decay_curve(energy)
    early, late = (decay_time(decay, arrivals.bin_s, *span) for span in ((-2, -12), (-30, -45)))
    areas = np.array([2 * 16 + 4 * 4 * 2.5, 2 * 15.92 + 2 * 7.96 * 2.5]) - door
    losses = -areas * np.log(1 - np.array([dead, live]))
    theory = coupled_decay_time(losses, np.array([4 * 4, 3.98 * 4]) * 2.5, door, arrivals.speed_m_s)
    assert late == pytest.approx(theory, rel=0.10)
    assert late > 2.5 * early


def tracer(seed, absorption=0.2, scattering=0.2):
    setting = AcousticsSettings(response_s=0.4)
    room = room_of(clean(box(SIZE)), absorption, scattering, setting)
    planes = planes_around(room, LISTENER)
    known = image_paths(room, planes, LISTENER, SOURCE[None], 3, 200.0)
    made = Tracer(room, np.isin(room.planes.of_face, planes), 3, LISTENER, SOURCE[None], 0.4, np.random.default_rng(seed))
    return made, known


def test_one_seed_gives_the_same_bytes_and_another_does_not():
    first, again, other = (tracer(seed)[0].run(QUALITY["draft"]) for seed in (7, 7, 8))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_the_command_line_states_the_accuracies():
    text = " ".join(_parser().format_help().split())
    stated = ", ".join(f"{100 * QUALITY[q].t30:g}" for q in QUALITIES[:-1]) + f" or {100 * QUALITY[QUALITIES[-1]].t30:g} %"
    assert f"standard deviation of T30 is {stated}" in text


@pytest.mark.parametrize("quality", ["draft", "standard"])
def test_seeds_differ_by_no_more_than_was_asked_for(quality):
    setting = AcousticsSettings(response_s=0.5, quality=quality)
    room = room_of(clean(box(SIZE)), 0.15, 0.2, setting)
    found = []
    for seed in range(12):
        arrivals = trace(room, LISTENER, SOURCE[None], setting, np.random.default_rng(seed))
        found.append(measure(echogram(arrivals)[:, 3], arrivals.bin_s, DISTANCE, arrivals.speed_m_s))
    t30, drr = (np.array([getattr(m, name) for m in found]) for name in ("t30", "drr"))
    # The standard deviation over twelve seeds is uncertain by a fifth; the bound is two of these above.
    assert t30.std(ddof=1) / t30.mean() < 1.5 * QUALITY[quality].t30
    assert drr.std(ddof=1) < 1.5 * QUALITY[quality].level_db


def test_late_sound_of_a_diffuse_room_comes_from_everywhere():
    arrivals = traced(box((4, 4, 4)), 0.1, 1.0, listener=np.array([2.0, 2, 2]), sources=[1.0, 1.5, 1.2])[1]
    late = arrivals.energy[0, 75:, :, 3].sum(0)
    assert np.abs(late @ sphere_cells(len(late)) / late.sum()).max() < 0.03
    assert late.std() / late.mean() < 0.25
