"""Numbers that users give."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest

from simulator.errors import InputError
from simulator.finite import finite_number, finite_numbers


@pytest.mark.parametrize("values", [3, 2.5, [1, 2], [[1.0, 2.0]], np.float32([1, 2]), np.uint8(3)])
def test_numbers_keep_their_shape(values):
    out = finite_numbers("x", values)
    assert out.dtype == np.float64 and out.shape == np.shape(values)
    np.testing.assert_array_equal(out, values)


@pytest.mark.parametrize("values", ["3", ["30", "60"], [True, False], None, [[1, 2], [3]], 1j, Decimal(3), {"a": 1}, [10**400]])
def test_what_is_no_number_is_refused_in_one_line(values):
    with pytest.raises(InputError, match=r"x is .*; numbers are expected$") as error:
        finite_numbers("x", values)
    assert "\n" not in str(error.value) and len(str(error.value)) < 120


@pytest.mark.parametrize("values", [[], np.nan, [1.0, np.inf], np.full(1000, np.nan)])
def test_nothing_and_numbers_that_are_not_finite_are_refused(values):
    with pytest.raises(InputError, match=r"x is .*; at least one number, none of them NaN or infinite, is expected$") as error:
        finite_numbers("x", values)
    assert "\n" not in str(error.value) and len(str(error.value)) < 150


@pytest.mark.parametrize("value", [[1, 2], [3.0], "3"])
def test_one_number_is_one(value):
    assert finite_number("x", np.float32(0.5)) == 0.5
    with pytest.raises(InputError, match=r"x is .*; (one number is|numbers are) expected"):
        finite_number("x", value)
