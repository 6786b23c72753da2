r"""The radial Poisson equation of one multipole, as matrices on an atom's radial nodes.

A density $f(r)\,Y_{lm}$ has the potential $U(r)\,Y_{lm}$ with

$$U = \frac{4\pi}{2l+1}(P + Q), \quad P(r) = \int_0^r \frac{r'^{\,l+2}}{r^{l+1}} f\,dr', \quad
  Q(r) = \int_r^\infty \frac{r^l}{r'^{\,l-1}} f\,dr',$$

and its derivatives need no differences: $r\,U' = \frac{4\pi}{2l+1}\bigl(lQ - (l+1)P\bigr)$, and $U''$ follows from
Poisson's equation itself. All arrays here are made once, in numpy.
"""

from __future__ import annotations

import numpy as np

from nnks.types import Float

STENCIL, GAUSS = 8, 12
"""Nodes of the polynomial between two nodes, and Gauss points of its integral there."""


def radial_matrices(
    nodes: Float[np.ndarray, " shells"], degree: int
) -> tuple[Float[np.ndarray, "degrees shells shells"], Float[np.ndarray, "degrees shells shells"]]:
    r"""Matrices that take $f(r_n)$ to $P(r_n)$ and $Q(r_n)$ for every $l$ up to `degree`.

    Between neighboring nodes $f$ is a polynomial through the nearest eight nodes in the variable that counts the nodes,
    in which radial grids are made to be smooth (a polynomial in $\sqrt r$ loses three digits); its product with the
    power of $r$ is integrated by Gauss's rule. Integrals accumulate by ratios of radii of at most one, so that nothing
    overflows at any $l$. Beyond the last node $f$ counts as zero.

    Args:
        nodes: radii in ascending order [Bohr].
        degree: largest $l$.

    Returns:
        Two arrays [Bohr^2], by $l$, node of the potential, node of the density.
    """
    n, count, logarithm = len(nodes), np.arange(len(nodes), dtype=float), np.log(nodes)
    width = min(STENCIL, n)
    inner, outer = np.zeros((2, degree + 1, n, n))
    x, g = np.polynomial.legendre.leggauss(GAUSS)
    l = np.arange(degree + 1)[:, None]
    for k in range(n):  # the interval that ends at node k; the first begins at the nucleus
        low = nodes[k - 1] if k else 0.0
        r, dr = low + 0.5 * (x + 1) * (nodes[k] - low), 0.5 * g * (nodes[k] - low)
        columns = _nearest(k, n, width) if k else slice(0, min(2, n))
        if k:
            f = _lagrange(count[columns], _lagrange(logarithm[columns], np.log(r)) @ count[columns])
        else:  # straight lines through the first two: this sphere holds next to nothing
            f = _lagrange(nodes[columns], r)
        inner[:, k, columns] = (dr * (r / nodes[k]) ** l * r**2 / nodes[k]) @ f
        if k:
            outer[:, k - 1, columns] = (dr * (nodes[k - 1] / r) ** l * r) @ f
    powers = np.arange(degree + 1)[:, None]
    for k in range(1, n):
        inner[:, k] += (nodes[k - 1] / nodes[k]) ** (powers + 1) * inner[:, k - 1]
    for k in range(n - 2, -1, -1):
        outer[:, k] += (nodes[k] / nodes[k + 1]) ** powers * outer[:, k + 1]
    return inner, outer


def _nearest(k: int, n: int, width: int) -> slice:
    """The columns around the interval between nodes k - 1 and k."""
    start = min(max(k - width // 2, 0), n - width)
    return slice(start, start + width)


def _lagrange(nodes: Float[np.ndarray, " nodes"], x: Float[np.ndarray, " gauss"]) -> Float[np.ndarray, "gauss nodes"]:
    """Lagrange's polynomials of the nodes at x."""
    values = np.ones((len(x), len(nodes)))
    for j, at in enumerate(nodes):
        for i, other in enumerate(nodes):
            if i != j:
                values[:, j] *= (x - other) / (at - other)
    return values
