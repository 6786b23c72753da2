"""Contracted spherical Gaussian shells, evaluated at any point and differentiable in every parameter."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.base import Shells
from nnks.basis.harmonics import solid_harmonics
from nnks.types import Array, Float, Int, record, static

NEGLIGIBLE = 1e-9
"""Values of basis functions below this [Bohr^-3/2] are left out: their squares are beyond double precision."""

REACH = np.geomspace(1e-2, 200.0, 2000)
"""Distances at which a shell's reach is looked for [Bohr]."""


@record
class ShellGroup:
    """Shells of one degree, one number of primitives and one number of contractions.

    Grouping keeps the compiled program small: one block of array operations a group, not one a shell.
    `coefficients` multiply normalized primitives; the contraction is normalized when it is evaluated, so that
    exponents and coefficients can be varied freely.
    """

    exponents: Float[Array, "shells primitives"]
    coefficients: Float[Array, "shells primitives contractions"]
    atom: Int[Array, " shells"]
    degree: int = static()

    def normalized(self) -> Float[Array | np.ndarray, "shells primitives contractions"]:
        r"""Coefficients of $r^l e^{-a r^2}$ such that $\int_0^\infty r^2 R(r)^2 dr = 1$."""
        a, l = self.exponents, self.degree
        xp = np if isinstance(a, np.ndarray) else jnp  # also for arrays of the host, where nothing is compiled
        primitive = self.coefficients / xp.sqrt(_radial_overlap(l, 2 * a))[..., None]
        overlap = _radial_overlap(l, a[:, :, None] + a[:, None, :])
        norm2 = xp.einsum("spc,spq,sqc->sc", primitive, overlap, primitive)
        return primitive / xp.sqrt(norm2)[:, None, :]

    def reach(self, negligible: float = NEGLIGIBLE) -> Float[np.ndarray, " shells"]:
        """The distance of each shell beyond which all its functions are negligible [Bohr]."""
        group = jax.tree.map(np.asarray, self)
        exponents, coefficients = group.exponents, np.abs(group.normalized())
        radial = np.einsum("spd,spc->scd", np.exp(-exponents[:, :, None] * REACH**2), coefficients).max(axis=1)
        above = radial * REACH**self.degree > negligible
        last = np.where(above.any(axis=1), above.shape[1] - 1 - np.argmax(above[:, ::-1], axis=1), 0)
        return REACH[np.minimum(last + 1, len(REACH) - 1)]

    def evaluate(self, centers: Float[Array, "atoms 3"], r: Float[Array, 3]) -> Float[Array, " functions"]:
        """Every function of the group at one point: shell, contraction, then $m$."""
        d = r[None, :] - centers[self.atom]
        r2 = jnp.sum(d * d, axis=-1)
        radial = jnp.einsum("sp,spc->sc", jnp.exp(-self.exponents * r2[:, None]), self.normalized())
        return (radial[:, :, None] * solid_harmonics(self.degree, d)[:, None, :]).reshape(-1)

    def evaluate_many(
        self, centers: Float[Array, "atoms 3"], r: Float[Array, "points 3"], shells: Int[Array, " selected"], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        r"""Functions of some shells at many points, and their gradients if `order` is 1.

        $\nabla(R(r^2)S) = 2R'\,d\,S + R\,\nabla S$ with $d$ the position relative to the shell's center.
        """
        d = r[:, None, :] - centers[self.atom[shells]][None]
        r2 = jnp.sum(d * d, axis=-1)
        a, c = self.exponents[shells], self.normalized()[shells]
        decays = [jnp.exp(-a[None, :, p] * r2) for p in range(a.shape[1])]

        def contract(factors: Float[Array, "selected primitives contractions"]) -> Array:
            columns = [sum(factors[None, :, p, k] * e for p, e in enumerate(decays)) for k in range(c.shape[2])]
            return jnp.stack(columns, axis=-1)[..., :, None]  # pyright: ignore[reportArgumentType]

        radial, size = contract(c), len(shells) * c.shape[2] * (2 * self.degree + 1)
        harmonics = solid_harmonics(self.degree, d)
        values = (radial * harmonics[..., None, :]).reshape(len(r), size)
        if order == 0:
            return values, None
        slope, gradients = contract(-2 * a[:, :, None] * c), []
        for axis in range(3):
            unit = jnp.zeros_like(d).at[..., axis].set(1.0)
            _, tilt = jax.jvp(lambda x: solid_harmonics(self.degree, x), (d,), (unit,))
            column = slope * (d[..., axis, None] * harmonics)[..., None, :] + radial * tilt[..., None, :]
            gradients.append(column.reshape(len(r), size))
        return values, jnp.stack(gradients)


@record
class GaussianBasis:
    r"""$\chi_\mu(r) = N\,S_{lm}(r - R_a)\sum_p c_p e^{-a_p |r - R_a|^2}$, in PySCF's order and normalization.

    Centers [Bohr], exponents [Bohr^-2] and coefficients are leaves: jitted functions take them as arguments and
    can be differentiated in them.
    """

    centers: Float[Array, "atoms 3"]
    groups: tuple[ShellGroup, ...]
    order: Int[Array, " basis"]
    name: str = static(default="")

    @property
    def size(self) -> int:
        """Number of functions."""
        return self.order.shape[0]

    def __call__(self, r: Float[Array, 3]) -> Float[Array, " basis"]:
        """All functions at one point [Bohr^-3/2]."""
        return jnp.concatenate([group.evaluate(self.centers, r) for group in self.groups])[self.order]

    @property
    def shell_counts(self) -> tuple[int, ...]:
        """Shells of each group."""
        return tuple(len(group.exponents) for group in self.groups)

    @property
    def degrees(self) -> tuple[int, ...]:
        """Of the blocks of $2l+1$ functions, group by group; `order` brings these into the molecule's order."""
        return tuple(
            group.degree for group in self.groups for _ in range(len(group.exponents) * group.coefficients.shape[2])
        )

    def shells(self) -> tuple[Shells, ...]:
        """Its functions in groups of shells; arrays of the host."""
        ungrouped = np.argsort(np.asarray(self.order))  # from grouped to the molecule's order
        shells, offset = [], 0
        for group in self.groups:
            count, each = len(group.exponents), (2 * group.degree + 1) * group.coefficients.shape[2]
            functions = ungrouped[offset : offset + count * each].reshape(count, each)
            shells.append(Shells(np.asarray(group.atom), group.reach(), functions))
            offset += count * each
        return tuple(shells)

    def columns(
        self, points: Float[Array, "points 3"], shells: tuple[Int[Array, " _"], ...], order: int
    ) -> tuple[Float[Array, "points columns"], Float[Array, "3 points columns"] | None]:
        """Functions of some shells of each group, group by group, at many points.

        And their gradients if `order` is 1.
        """
        groups = zip(self.groups, shells, strict=True)
        columns = [group.evaluate_many(self.centers, points, chosen, order) for group, chosen in groups]
        gradients = [g for _, g in columns if g is not None]
        values = jnp.concatenate([v for v, _ in columns], axis=-1)
        return values, jnp.concatenate(gradients, axis=-1) if gradients else None

    def at(
        self, points: Float[Array, "points 3"], order: int
    ) -> tuple[Float[Array, "points basis"], Float[Array, "3 points basis"] | None]:
        """All functions at many points, in the molecule's order, and their gradients if `order` is 1."""
        everything = tuple(jnp.arange(len(group.exponents)) for group in self.groups)
        values, gradients = self.columns(points, everything, order)
        return values[:, self.order], None if gradients is None else gradients[:, :, self.order]


def _radial_overlap(degree: int, exponent: Any) -> Any:
    r"""$\int_0^\infty r^{2l+2} e^{-a r^2} dr = \Gamma(l + 3/2) / (2 a^{l+3/2})$."""
    return math.gamma(degree + 1.5) / (2 * exponent ** (degree + 1.5))
