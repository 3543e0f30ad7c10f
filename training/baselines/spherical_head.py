"""The spherical head: delays and levels between two ears on a rigid sphere.

Ears are at +-90 degrees on the horizontal plane; lateral angles are degrees, left positive, in [-90, 90].
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
from scipy.special import eval_legendre, spherical_jn, spherical_yn

RADIUS_M = 0.0875
"""Radius that Woodworth (1938), and most since, use."""
SPEED_M_S = 343.2
"""Sound at 20 degrees Celsius."""


def woodworth_itd(lateral_deg: np.ndarray) -> np.ndarray:
    """Return the delay of the right ear behind the left, s, at high frequencies: a / c (x + sin x).

    lateral_deg: any shape. Source: R. S. Woodworth, Experimental Psychology, 1938, pp. 520-523; the path to the far ear
    bends around the head.
    """
    lateral = np.deg2rad(lateral_deg)
    return RADIUS_M / SPEED_M_S * (lateral + np.sin(lateral))


def kuhn_itd(lateral_deg: np.ndarray) -> np.ndarray:
    """Return the delay of the right ear behind the left, s, below about 500 Hz: 3 a / c sin x.

    lateral_deg: any shape. Source: G. F. Kuhn, JASA 62 (1977), 157-167, equation 5: the limit of a small sphere, whose
    diffraction makes the delay half as long again as the straight path.
    """
    return 3.0 * RADIUS_M / SPEED_M_S * np.sin(np.deg2rad(lateral_deg))


def surface_pressure(incidence_deg: np.ndarray, frequency_hz: np.ndarray) -> np.ndarray:
    """Return the pressure on a rigid sphere in a plane wave, over that in its absence, (..., F) complex, time as exp(-i w t).

    incidence_deg: (...) between the direction of the source and the point on the sphere. frequency_hz: (F,), above 0.
    Source: J. W. Strutt (Lord Rayleigh), The Theory of Sound II, section 328; as in R. O. Duda and W. L. Martens, JASA 104
    (1998), 3048-3058, equation 5, for a source far away: sum over m of (2m + 1) i^(m + 1) (-1)^m P_m(cos x) / h'_m(ka) / (ka)^2.
    """
    ka = 2.0 * np.pi * np.asarray(frequency_hz, float) * RADIUS_M / SPEED_M_S
    cosine = np.cos(np.deg2rad(np.asarray(incidence_deg, float)))[..., None]
    total = np.zeros(np.broadcast_shapes(cosine.shape, ka.shape), complex)
    for m in range(int(np.ceil(1.5 * ka.max())) + 12):
        hankel = spherical_jn(m, ka, derivative=True) + 1j * spherical_yn(m, ka, derivative=True)
        # An overflow to infinity is a term that no longer matters.
        term = np.where(np.isfinite(hankel), 1.0 / np.where(np.isfinite(hankel), hankel, 1.0), 0.0)
        total += (2 * m + 1) * 1j ** (m + 1) * (-1.0) ** m * eval_legendre(m, cosine) * term
    return total / ka**2


@cache
def ild_slopes(edges_hz: tuple[float, ...]) -> np.ndarray:
    """Return the slopes (B,), dB, of the level of the left ear over the right against the sine of the lateral angle.

    edges_hz: the bands' B + 1 edges. The sphere's levels, energy averaged over each band of a flat spectrum, are fitted by least
    squares over -90 to 90 degrees; the sine smooths the bright spot behind the sphere, which heads lack. Source of the form: M.
    Raspaud, H. Viste and G. Evangelista, IEEE Trans. Audio, Speech and Language Processing 18 (2010), 68-77.
    """
    lateral = np.arange(-90.0, 91.0, 5.0)
    sine = np.sin(np.deg2rad(lateral))
    slopes = []
    for low, high in pairwise(edges_hz):
        frequency = np.linspace(low, high, 9)
        left, right = (np.mean(np.abs(surface_pressure(90.0 - side * lateral, frequency)) ** 2, -1) for side in (1, -1))
        slopes.append(10.0 * np.log10(left / right) @ sine / (sine @ sine))
    return np.array(slopes)
