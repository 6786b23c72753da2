"""Contracted spherical Gaussian shells, evaluated at any point and differentiable in every parameter."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp

from nnks.basis.harmonics import solid_harmonics
from nnks.types import Array, Float, Int, record, static


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

    def normalized(self) -> Float[Array, "shells primitives contractions"]:
        r"""Coefficients of $r^l e^{-a r^2}$ such that $\int_0^\infty r^2 R(r)^2 dr = 1$."""
        a, l = self.exponents, self.degree
        primitive = self.coefficients / jnp.sqrt(_radial_overlap(l, 2 * a))[..., None]
        overlap = _radial_overlap(l, a[:, :, None] + a[:, None, :])
        norm2 = jnp.einsum("spc,spq,sqc->sc", primitive, overlap, primitive)
        return primitive / jnp.sqrt(norm2)[:, None, :]

    def evaluate(self, centers: Float[Array, "atoms 3"], r: Float[Array, 3]) -> Float[Array, " functions"]:
        """Every function of the group at one point: shell, contraction, then $m$."""
        d = r[None, :] - centers[self.atom]
        r2 = jnp.sum(d * d, axis=-1)
        radial = jnp.einsum("sp,spc->sc", jnp.exp(-self.exponents * r2[:, None]), self.normalized())
        return (radial[:, :, None] * solid_harmonics(self.degree, d)[:, None, :]).reshape(-1)


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


@record
class BasisTable:
    """A basis tabulated on a grid. `gradients` is None where only values are needed."""

    values: Float[Array, "points basis"]
    gradients: Float[Array, "3 points basis"] | None

    def rows(self, index: Int[Array, " batch"] | None) -> BasisTable:
        """The rows of a batch; None means the whole grid, without a copy."""
        if index is None:
            return self
        gradients = None if self.gradients is None else self.gradients[:, index]
        return BasisTable(self.values[index], gradients)

    def contract(
        self, coefficients: Float[Array, "spin basis orbitals"], order: int
    ) -> tuple[Float[Array, "spin orbitals points"], Float[Array, "spin orbitals points 3"] | None]:
        """Values, and gradients if `order` is 1, of combinations: computed in the table's precision, returned in theirs."""
        c, outer = coefficients.astype(self.values.dtype), coefficients.dtype
        values = jnp.einsum("pb,sbi->sip", self.values, c).astype(outer)
        if not order or self.gradients is None:
            return values, None
        return values, jnp.einsum("dpb,sbi->sipd", self.gradients, c).astype(outer)


def tabulate(basis: GaussianBasis, points: Float[Array, "points 3"], *, order: int = 1) -> BasisTable:
    """Values (`order` 0), or values and gradients (`order` 1), of a basis at many points.

    The points go through in blocks, so that memory beyond the table itself stays small.
    """
    return _tabulate(basis, points, order=order)


@jax.jit(static_argnames="order")
def _tabulate(basis: GaussianBasis, points: Array, *, order: int) -> BasisTable:
    if order == 0:
        return BasisTable(jax.lax.map(basis, points, batch_size=min(2048, len(points))), None)

    def both(r: Array) -> tuple[Array, Array]:
        columns = jnp.eye(3, dtype=r.dtype)
        value, push = jax.linearize(basis, r)
        return value, jax.vmap(push)(columns)

    values, gradients = jax.lax.map(both, points, batch_size=min(2048, len(points)))
    return BasisTable(values, jnp.moveaxis(gradients, 1, 0))


def _radial_overlap(degree: int, exponent: Array) -> Array:
    r"""$\int_0^\infty r^{2l+2} e^{-a r^2} dr = \Gamma(l + 3/2) / (2 a^{l+3/2})$."""
    return math.gamma(degree + 1.5) / (2 * exponent ** (degree + 1.5))
