"""The engine of SoundSpaces in the frame and time of the others; errors where it is missing or a setting is not supported."""

import importlib.util

import numpy as np
import pytest

from dataset.angles import direction
from dataset.publish.licences import recognise
from simulator.acoustics.acoustic_scene import prepare_acoustics
from simulator.acoustics.materials import SurfaceAcoustics
from simulator.acoustics.room_metrics import direct_to_reverberant, rt60
from simulator.config import AcousticsSettings, with_options
from simulator.engines import soundspaces
from simulator.engines.responses import responses
from simulator.errors import InputError
from simulator.receivers.hrtf import load_ears
from simulator.receivers.sofa import read_sofa
from simulator.render import main
from simulator.scene.assemble import MaterialSpec, Part, assemble

RATE = 16000
INSTALLED = importlib.util.find_spec("rlr_audio_propagation") is not None
needs_library = pytest.mark.skipif(not INSTALLED, reason="rlr-audio-propagation (CC BY-NC) is not installed")


@pytest.fixture(scope="module")
def ears():
    return load_ears(None, RATE)


def box(low, high, absorption, settings):
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)]) * np.subtract(high, low) + low
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    faces = np.array([t for a, b, c, d in quads for t in ([a, c, b], [a, d, c])], np.int32)  # seen from inside
    part = Part("box", 0, corners.astype(np.float32), faces, None, None)
    scene = assemble("box", "0" * 64, [part], [MaterialSpec("wall")], [], [], "", 10.0)
    surface = np.full((1, 7), absorption) if np.ndim(absorption) == 0 else np.asarray(absorption)[None]
    return prepare_acoustics(scene, SurfaceAcoustics(surface, np.full((1, 7), 0.3), ("wall",), ("",)), settings)


def simulate(room, settings, ears, sources, headings=(0.0,)):
    place = np.repeat([[2.0, 1.5, 1.7]], len(headings), 0)
    return responses(room, place, np.array(headings), np.atleast_2d(sources) + place[0], settings, ears, np.random.default_rng(0))


def test_a_missing_library_is_told_in_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install rlr-audio-propagation .*non-commercial") as caught:
        soundspaces.check_engine()
    assert "\n" not in str(caught.value)
    assert main(["--scenes", str(tmp_path), "--out", str(tmp_path / "out"), "--acoustics", "soundspaces"]) == 2
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    assert message.count("\n") == 1


@pytest.mark.parametrize("extra", [{"acoustics.directivity": "cardioid"}, {"acoustics.ambisonic_order": 1}])
def test_what_the_engine_lacks_is_refused(extra):
    with pytest.raises(InputError, match="soundspaces, which has neither"):
        with_options({"acoustics.engine": "soundspaces", **extra})


def test_its_licence_is_recognised_as_non_commercial():
    licence = recognise(soundspaces.CREDIT)
    assert licence.noncommercial
    assert licence.name == "CC-BY-NC-4.0"


def test_the_ears_it_hears_with_are_ours(ears, tmp_path):
    path = tmp_path / "ears.sofa"
    path.write_bytes(soundspaces._ears_file(ears))
    written = read_sofa(path)
    assert written.sample_rate_hz == RATE
    for azimuth in (0.0, 60.0, -90.0, 150.0):
        k = (written.directions @ direction(azimuth, 0.0)).argmax()
        spectra, delay = ears.paths(written.directions[k : k + 1])
        ours = np.sum(np.abs(spectra[0]) ** 2, -1)
        theirs = np.sum(np.abs(np.fft.rfft(written.responses[k], 512)) ** 2, -1)
        assert theirs == pytest.approx(ours, rel=3e-3)
        phase = np.angle(np.fft.rfft(written.responses[k], 512)[:, 20] / spectra[0, :, 20])  # 625 Hz
        late = -phase / (2 * np.pi * 625) % (1 / 625)
        assert late == pytest.approx((delay[0] + 32.5 / RATE) % (1 / 625), abs=1e-6)


@needs_library
@pytest.mark.parametrize("azimuth", [0.0, 45.0, 90.0, -90.0, 160.0])
def test_direct_sound_has_our_time_level_and_side(ears, azimuth):
    ours = AcousticsSettings(response_s=0.2, image_order=0, quality="draft")
    theirs = AcousticsSettings(engine="soundspaces", response_s=0.2, quality="draft")
    room = box([-9, -9, -9], [13, 12, 13], 0.9, ours)
    source = 1.8 * direction(azimuth, 0.0)
    a, b = (simulate(room, s, ears, source).direct[0, 0].astype(float) for s in (ours, theirs))
    for ear in range(2):
        assert 10 * np.log10((b[ear] ** 2).sum() / (a[ear] ** 2).sum()) == pytest.approx(0, abs=0.5)
        cross = np.fft.irfft(np.fft.rfft(b[ear], 2048) * np.conj(np.fft.rfft(a[ear], 2048)), 16 * 2048)
        lag = (cross.argmax() + 16 * 1024) % (16 * 2048) - 16 * 1024
        assert abs(lag / 16) <= 0.6


@needs_library
def test_turning_the_head_turns_what_it_hears(ears):
    settings = AcousticsSettings(engine="soundspaces", response_s=0.1, quality="draft")
    room = box([-9, -9, -9], [13, 12, 13], 0.9, settings)
    simulated = simulate(room, settings, ears, [2.0 * direction(0.0, 0.0), 2.0 * direction(90.0, 0.0)], (0.0, 90.0, -90.0))
    level = 10 * np.log10((simulated.direct.astype(float) ** 2).sum(-1))  # views, sources, ears
    assert level[0, 1, 0] > level[0, 1, 1] + 6  # on the left
    assert level[1, 1, 0] == pytest.approx(level[0, 0, 0], abs=0.3)  # now ahead
    assert level[1, 0, 1] > level[1, 0, 0] + 6  # what was ahead is on the right now
    assert level[2, 0, 0] > level[2, 0, 1] + 6


@needs_library
@pytest.mark.parametrize("absorption", [0.2, 0.4])
def test_absorption_sets_the_decay(ears, absorption):
    settings = AcousticsSettings(engine="soundspaces", response_s=0.8)
    simulated = simulate(box([0, 0, 0], [6, 2.8, 5], absorption, settings), settings, ears, [2.0, -0.3, 1.3])
    eyring = 24 * np.log(10) / 343.2 * 84.0 / (-121.6 * np.log(1 - absorption))
    assert rt60(simulated.indirect, RATE).mean() == pytest.approx(eyring, rel=0.12)


@needs_library
def test_each_band_has_its_own_absorption(ears):
    settings = AcousticsSettings(engine="soundspaces", response_s=0.8)
    absorption = np.array([0.15, 0.15, 0.15, 0.3, 0.6, 0.6, 0.6])
    simulated = simulate(box([0, 0, 0], [6, 2.8, 5], absorption, settings), settings, ears, [2.0, -0.3, 1.3])
    level = []
    for start, stop in ((1600, 3200), (3200, 4800)):  # 100 to 200 ms, 200 to 300 ms
        power = np.abs(np.fft.rfft(simulated.indirect[0, 0, :, start:stop] * np.hanning(stop - start))) ** 2
        level.append(10 * np.log10([power[:, 10:50].sum(), power[:, 300:600].sum()]))  # 100 to 500 Hz, 3 to 6 kHz
    low, high = level[0] - level[1]
    assert high > low + 6


@needs_library
def test_the_parts_are_apart_and_repeat_to_the_byte(ears):
    settings = AcousticsSettings(engine="soundspaces", response_s=0.5)
    room = box([0, 0, 0], [6, 2.8, 5], 0.2, settings)
    a, b = (simulate(room, settings, ears, [2.0, -0.3, 1.3]) for _ in range(2))
    assert (a.direct == b.direct).all()
    assert (a.indirect == b.indirect).all()
    distance = np.linalg.norm([2.0, -0.3, 1.3])
    first_reflection = np.linalg.norm([2.0, 1.5 + 1.2, 1.3])  # by the floor
    before = int(first_reflection / room.speed_m_s * RATE) - 16
    assert (a.indirect[..., :before] ** 2).sum() < 1e-4 * (a.indirect**2).sum()
    assert distance < first_reflection
    # Its reverberation is about 2 dB louder than image sources and our tracer have it (docs/engines.md).
    ours = simulate(room, AcousticsSettings(response_s=0.5), ears, [2.0, -0.3, 1.3])
    ratio = [direct_to_reverberant(x.direct, x.indirect).mean() for x in (a, ours)]
    assert ratio[0] == pytest.approx(ratio[1], abs=3.5)
