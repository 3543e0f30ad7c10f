"""Sound in air: its speed and its attenuation by octave band."""

from __future__ import annotations

import numpy as np

from simulator.acoustics.arrivals import BANDS_HZ


def speed_of_sound(temperature_c: float) -> float:
    """Return the speed of sound in m/s at a temperature in degrees Celsius (ideal gas; 331.3 m/s at 0)."""
    return 331.3 * float(np.sqrt(1.0 + temperature_c / 273.15))


def attenuation(temperature_c: float, humidity_percent: float) -> np.ndarray:
    """Return the energy attenuation m of each octave band, (7,) in 1/m: energy falls as exp(-m x distance).

    ISO 9613-1:1993, equations 3 to 5, at the band centres and a pressure of 101.325 kPa.
    """
    f = np.asarray(BANDS_HZ)
    kelvin = temperature_c + 273.15
    ratio = kelvin / 293.15
    saturation = 10.0 ** (-6.8346 * (273.16 / kelvin) ** 1.261 + 4.6151)
    h = humidity_percent * saturation
    oxygen = 24.0 + 4.04e4 * h * (0.02 + h) / (0.391 + h)
    nitrogen = ratio**-0.5 * (9.0 + 280.0 * h * np.exp(-4.170 * (ratio ** (-1.0 / 3.0) - 1.0)))
    classical = 1.84e-11 * np.sqrt(ratio)
    relaxation = 0.01275 * np.exp(-2239.1 / kelvin) / (oxygen + f * f / oxygen)
    relaxation += 0.1068 * np.exp(-3352.0 / kelvin) / (nitrogen + f * f / nitrogen)
    decibel_per_m = 8.686 * f * f * (classical + ratio**-2.5 * relaxation)
    return decibel_per_m * np.log(10.0) / 10.0
