"""Patterns of sources against pyroomacoustics, closed forms and the reciprocal problem of a sphere in a plane wave."""

import numpy as np
import pyroomacoustics.directivities as pra
import pytest
from scipy import special

from simulator.acoustics.directivity import FIRST_ORDER, cap_in_sphere, gain
from simulator.config import PATTERNS, with_options
from simulator.errors import InputError

THEIRS = {
    "omnidirectional": lambda orientation: pra.CardioidFamily(orientation, p=1.0),
    "subcardioid": pra.SubCardioid,
    "cardioid": pra.Cardioid,
    "supercardioid": lambda orientation: pra.CardioidFamily(orientation, p=0.37),
    "hypercardioid": pra.HyperCardioid,
    "figure_eight": pra.FigureEight,
}


@pytest.fixture
def around():
    """Directions all over the sphere, and an oblique front of a source."""
    rng = np.random.default_rng(0)
    directions = rng.normal(size=(200, 3))
    front = np.array([0.48, 0.6, -0.64])
    return directions / np.linalg.norm(directions, axis=1, keepdims=True), front


@pytest.mark.parametrize("pattern", sorted(FIRST_ORDER))
def test_the_first_order_family_is_pyroomacoustics(pattern, around):
    directions, front = around
    azimuth, colatitude = np.arctan2(front[1], front[0]), np.arccos(front[2])
    theirs = THEIRS[pattern](pra.DirectionVector(azimuth, colatitude, degrees=False))
    place = np.arctan2(directions[:, 1], directions[:, 0]), np.arccos(directions[:, 2])
    expected = np.abs(theirs.get_response(*place, magnitude=True, degrees=False))
    assert gain(pattern, directions, front) == pytest.approx(np.repeat(expected[:, None], 7, 1), abs=1e-6)


def test_every_pattern_of_the_settings_is_defined():
    assert {*FIRST_ORDER, "speech"} == set(PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_straight_ahead_the_gain_is_one(pattern):
    front = np.array([0.0, 0.6, 0.8])
    assert gain(pattern, front, front) == pytest.approx(np.ones(7))


def test_shapes_of_directions_are_kept():
    assert gain("speech", np.zeros((2, 5, 3)) + [1.0, 0, 0], np.array([1.0, 0, 0])).shape == (2, 5, 7)


@pytest.mark.parametrize("ka", [0.3, 1.0, 3.0, 8.0])
def test_a_point_on_a_sphere_radiates_as_it_hears(ka):
    # Reciprocity: the pressure that a plane wave makes on a rigid sphere (Rayleigh 1904), by angle from where it comes.
    cosine = np.linspace(-1, 1, 31)
    n = np.arange(60)
    derivative = special.spherical_jn(n, ka, True) + 1j * special.spherical_yn(n, ka, True)
    terms = (-1j) ** n * (2 * n + 1) / derivative
    surface = np.abs(terms @ special.eval_legendre(n[:, None], cosine))
    assert cap_in_sphere(ka / 0.09, cosine, 0.09, 1e-3) == pytest.approx(surface / surface[-1], rel=1e-2)


def test_long_waves_go_everywhere_and_short_ones_ahead():
    ahead, back = np.array([0, 0, 1.0]), np.array([0, 0, -1.0])
    side = np.array([1.0, 0, 0])
    table_db = 20 * np.log10(np.stack([gain("speech", d, ahead) for d in (side, back)]))
    assert np.abs(table_db[:, 0]).max() < 0.5  # 125 Hz
    assert (np.diff(table_db[0]) < 0).all()
    assert -6 < table_db[0, 3] < -2  # 1 kHz at the side, between measured talkers with and without a torso
    assert table_db[0, 6] < -10


def test_an_unknown_pattern_is_refused_before_anything_runs():
    with pytest.raises(InputError, match="directivity is 'banana'; choose one of cardioid"):
        gain("banana", np.array([1.0, 0, 0]), np.array([1.0, 0, 0]))
    with pytest.raises(InputError, match="directivity is 'banana'"):
        with_options({"acoustics.directivity": "banana"})
