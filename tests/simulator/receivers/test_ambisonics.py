"""Ambisonics: ACN order and SN3D weights against written-out tables, closed forms and rotation."""

import numpy as np
import pytest
from scipy import special

from dataset.angles import direction
from simulator.acoustics.arrivals import Arrivals, Paths, sphere_cells
from simulator.errors import InputError
from simulator.receivers.ambisonics import Microphone, encode
from simulator.receivers.spatialize import spatialize

RATE = 16000


def harmonic(n, m, azimuth, elevation):
    """The real spherical harmonic of AmbiX, SN3D, without Condon-Shortley phase, from associated Legendre functions."""
    norm = np.sqrt((2 - (m == 0)) * special.factorial(n - abs(m)) / special.factorial(n + abs(m)))
    legendre = (-1) ** abs(m) * special.lpmv(abs(m), n, np.sin(elevation))
    return norm * legendre * (np.sin(-m * azimuth) if m < 0 else np.cos(m * azimuth))


@pytest.mark.parametrize("order", [0, 1, 2, 3, 5, 7])
def test_channels_are_acn_and_sn3d(order):
    rng = np.random.default_rng(0)
    azimuth, elevation = rng.uniform(-180, 180, 50), np.rad2deg(np.arcsin(rng.uniform(-1, 1, 50)))
    got = encode(direction(azimuth, elevation), order)
    assert got.shape == (50, (order + 1) ** 2)
    for channel in range((order + 1) ** 2):
        n = int(np.sqrt(channel))
        expected = harmonic(n, channel - n * n - n, np.deg2rad(azimuth), np.deg2rad(elevation))
        assert got[:, channel] == pytest.approx(expected, abs=1e-12), channel


@pytest.mark.parametrize("order", [-1, 8])
def test_orders_without_harmonics_are_refused(order):
    with pytest.raises(InputError, match=f"order is {order}; use 0 to 7"):
        encode(np.array([0.0, 0.0, -1.0]), order)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "expected"),
    [(0, 0, [1, 0, 0, 1]), (90, 0, [1, 1, 0, 0]), (-90, 0, [1, -1, 0, 0]), (180, 0, [1, 0, 0, -1]), (0, 90, [1, 0, 1, 0])],
)
def test_first_order_points_where_it_should(azimuth, elevation, expected):
    assert encode(direction(float(azimuth), float(elevation)), 1) == pytest.approx(expected, abs=1e-12)


def test_each_order_holds_the_same_energy_in_every_direction():
    # Addition theorem: the squares of SN3D harmonics of one order sum to 1.
    got = encode(sphere_cells(300), 3)
    for n in range(4):
        assert (got[:, n * n : (n + 1) ** 2] ** 2).sum(1) == pytest.approx(1)


def test_harmonics_are_orthogonal_over_the_sphere():
    got = encode(sphere_cells(20000), 3)
    expected = np.diag([1 / (2 * int(np.sqrt(k)) + 1) for k in range(16)])
    assert got.T @ got / len(got) == pytest.approx(expected, abs=2e-3)


def plane_wave(azimuth, elevation, distance=2.0):
    toward = direction(np.array([float(azimuth)]), np.array([float(elevation)]))
    path = Paths(np.zeros(1, np.int32), np.array([distance]), toward, np.full((1, 7), 1 / distance))
    none = Paths(np.zeros(0, np.int32), np.zeros(0), np.zeros((0, 3)), np.zeros((0, 7)))
    return Arrivals(path, none, np.zeros((1, 1, 128, 7), np.float32), 0.002, sphere_cells(128), 343.0)


@pytest.mark.parametrize(("azimuth", "elevation"), [(30, 0), (-110, 25), (180, -40)])
def test_a_wave_is_heard_with_its_weights_at_its_time(azimuth, elevation):
    received, _ = spatialize(plane_wave(azimuth, elevation), Microphone(3, RATE), np.zeros(1), 400, 400, np.random.default_rng(0))
    response = received[0, 0].astype(float)
    weights = encode(direction(float(azimuth), float(elevation)), 3)
    assert response == pytest.approx(weights[:, None] * response[0], abs=1e-6)
    spectrum = np.abs(np.fft.rfft(response[0]))[:150]
    assert spectrum == pytest.approx(1 / 2.0, rel=0.01)
    fine = np.fft.irfft(np.fft.rfft(response[0]), 64 * 400).argmax() / 64
    assert fine == pytest.approx(2.0 / 343 * RATE, abs=0.05)


@pytest.mark.parametrize("turn", [37.0, 180.0, -75.0])
def test_turning_the_head_rotates_the_field_about_the_vertical(turn):
    straight, turned = (
        spatialize(plane_wave(20, 30), Microphone(3, RATE), np.array([h]), 400, 400, np.random.default_rng(0))[0][0, 0]
        for h in (0.0, turn)
    )
    angle = np.deg2rad(-turn)
    for channel in range(16):
        n = int(np.sqrt(channel))
        m = channel - n * n - n
        partner = n * n + n - m
        # Rotation about z by an angle mixes m and -m alone: cos(m(a + angle)), sin(m(a + angle)).
        expected = np.cos(m * angle) * straight[channel] - np.sin(m * angle) * straight[partner]
        assert turned[channel] == pytest.approx(expected, abs=1e-6), channel


def test_a_diffuse_field_is_as_loud_as_it_arrives_and_uncorrelated():
    cells = sphere_cells(128)
    energy = np.full((1, 500, 128, 7), 0.002 / 128, np.float32)
    arrivals = Arrivals(*[plane_wave(0, 0).images] * 2, energy, 0.002, cells, 343.0)
    _, late = spatialize(arrivals, Microphone(1, RATE), np.zeros(1), 10, RATE, np.random.default_rng(0))
    late = late[0, 0].astype(float)
    power = (late**2).sum(-1)
    assert 10 * np.log10(power[0]) == pytest.approx(0, abs=0.2)
    assert power[1:] / power[0] == pytest.approx(1 / 3, rel=0.1)
    correlation = np.corrcoef(late)
    assert np.abs(correlation - np.eye(4)).max() < 0.08
