"""Tolerances by name, each with its reason. Relative where the text says so, else in the unit of the quantity."""

from __future__ import annotations

import numpy as np

EPS = float(np.finfo(np.float64).eps)
"""Spacing of numbers near one in double precision, 2.2e-16."""

SAME_SUM = 1e-14
"""The same few products summed in another order; values of order one."""

ROUNDING = 1e-12
"""Relative: sums of 1e3 to 1e4 terms in double precision, whose rounding errors partly cancel."""

STEP = 1e-5
"""Half width h of central differences: truncation h^2 and rounding eps / h are both about 1e-10 of the scale."""

SMALL_STEP = 1e-8
"""The same where third derivatives are huge, as by an ill-conditioned factor: rounding is 1e-8 of the scale."""

CENTRAL_DIFFERENCE = 1e-8
"""A central difference of a function of order one: h^2 times a third derivative of up to 100."""

CENTRAL_SLOPE = 1e-6
"""Relative: the same for a sum of many functions, whose third derivatives are larger than their slopes."""

CENTRAL_CURVATURE = 1e-5
"""Relative: a central difference of gradients; fourth derivatives are larger still."""

CLEAR_SLOPE = 1e-3
"""A derivative below this says little when it agrees with a difference: 0 = 0 is not tested by mistake."""

FAR = 30.0
"""Distance [Bohr] at which bound orbitals are gone: the slowest decay of the toys, exp(-r / 2), leaves 3e-7."""

DECAYED = 1e-6
"""What is left of an orbital [Bohr^-3/2] at `FAR`."""

STANDARD_ERRORS = 4.0
"""Statistical tests fix their keys, so that they give one answer forever; 4 standard errors is 6e-5 by chance."""

QUADRATURE = 1e-7
"""Relative: smooth radial functions on the 40 mapped Gauss-Legendre radii of `toys.atom_grid`."""

FITTING = 2e-6
"""Relative: the density fit of one Gaussian by an even-tempered set of ratio 2; 8e-7 was measured."""

SELF_CELL = 1e-2
"""Relative: a pair sum on `toys.atom_grid(20)`, whose cells are nearly cubes. 3e-3 was measured, and 3e-2 without
the self-cell term; with more radii the cells become flat, and balls of their volume no longer describe them."""


def factorization(condition: float, eps: float = EPS, size: float = 50.0) -> float:
    """Error of a mix that factorizes a Gram matrix: `size * eps * cond(G)`; 50 covers 5 orbitals and 40 points."""
    return size * eps * condition
