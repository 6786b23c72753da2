r"""The polar factor of the orbitals by Newton-Schulz iterations: matrix products alone.

For $Y_0 = G/c$, $Z_0 = 1$ with $c \ge \lambda_\max(G)$ the coupled iteration

$$P_k = \tfrac12(3 - Z_kY_k),\quad Y_{k+1} = Y_kP_k,\quad Z_{k+1} = P_kZ_k$$

takes $Y$ to $(G/c)^{1/2}$ and $Z$ to $(G/c)^{-1/2}$. Every error $1-\lambda$ becomes
$\tfrac14(1-\lambda)^2(4-\lambda)$: the end is quadratic, and before it the smallest eigenvalue grows 2.25-fold a step,
so that $\log_{2.25}\mathrm{cond}(G) + 5$ steps are needed.

References:
    Schulz, Z. Angew. Math. Mech. 13, 57 (1933); Higham, Numer. Algorithms 15, 227 (1997) for the coupled form, which is
    stable; Roberts, Int. J. Control 32, 677 (1980) for Sylvester's equation by the sign of a block matrix.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from nnks.orthogonalize.base import ORTHOGONALIZERS, gram
from nnks.types import Array, Float, Scalar, record, static

STEPS = 100
"""Iterations at most; 60 reach the rounding of float64 from any matrix that it can tell from a singular one."""

FAILED = 0.1
"""A residual that is left only if the matrix was not positive definite."""


@ORTHOGONALIZERS.register("polar")
@record
class Polar:
    r"""Newton-Schulz polar factor: $M = G^{-1/2}$ as in `lowdin`, by matrix products instead of eigenvectors.

    The same mix, and the same derivatives: those of $MGM = 1$, whose Sylvester equation is solved by products as well.
    Products run at full speed on accelerators, where eigenvectors are slow. Accuracy about
    $\epsilon\,\mathrm{cond}(G)$.
    """

    positive: bool = static(default=False)

    def __call__(self, values: Float[Array, "n points"], weights: Float[Array, " points"]) -> Float[Array, "n n"]:
        """The mix $G^{-1/2}$; nan if the Gram matrix is not positive definite."""
        matrix = gram(values, weights)
        root, x = square_roots(jax.lax.stop_gradient(matrix))
        identity = jnp.eye(len(matrix), dtype=matrix.dtype)
        for _ in range(2):  # Newton's steps: one order of derivative each, as in `inverse_square_root`
            x = x + sylvester(root, identity - x @ matrix @ x)
        return x


def square_roots(matrix: Float[Array, "n n"]) -> tuple[Float[Array, "n n"], Float[Array, "n n"]]:
    r"""$G^{1/2}$ and $G^{-1/2}$ by the coupled iteration; nan if $G$ is not positive definite. Not differentiable."""
    identity = jnp.eye(len(matrix), dtype=matrix.dtype)
    scale = jnp.minimum(jnp.linalg.norm(matrix), jnp.abs(matrix).sum(axis=1).max())

    def advance(state: tuple[Array, Array]) -> tuple[Array, Array]:
        y, z = state
        p = 0.5 * (3 * identity - z @ y)
        return y @ p, p @ z

    y, z = _until_exact(advance, (matrix / scale, identity), lambda state: state[1] @ state[0])
    y, z = (0.5 * (m + m.T) for m in (y, z))
    return y * jnp.sqrt(scale), z / jnp.sqrt(scale)


def sylvester(root: Float[Array, "n n"], right: Float[Array, "n n"]) -> Float[Array, "n n"]:
    r"""X in $RX + XR = C$, for a positive definite constant $R$; linear in $C$, and differentiable in it to any order.

    Newton-Schulz for the sign of $\begin{pmatrix}R & C\\0 & -R\end{pmatrix}$, which has $2X$ in its corner.
    """
    identity = jnp.eye(len(root), dtype=root.dtype)
    scale = jnp.minimum(jnp.linalg.norm(root), jnp.abs(root).sum(axis=1).max())

    def solve(_: Any, right: Array) -> Array:
        def advance(state: tuple[Array, Array]) -> tuple[Array, Array]:
            a, c = state
            square = a @ a
            return 0.5 * a @ (3 * identity - square), 0.5 * (3 * c - square @ c + a @ c @ a - c @ square)

        return 0.5 * _until_exact(advance, (root / scale, right / scale), lambda state: state[0] @ state[0])[1]

    return jax.lax.custom_linear_solve(lambda x: root @ x + x @ root, right, solve, symmetric=True)


def _until_exact(advance: Any, start: tuple[Array, Array], product: Any) -> tuple[Array, Array]:
    """Advances until the product, which tends to one, no longer comes closer to it."""

    def off(state: tuple[Array, Array]) -> Scalar:
        matrix = product(state)
        return jnp.linalg.norm(jnp.eye(len(matrix), dtype=matrix.dtype) - matrix)

    def goes_on(carry: tuple[Any, Scalar, Scalar, Any]) -> Array:
        _, residual, before, count = carry
        return (residual < before) & (residual > jnp.finfo(residual.dtype).eps) & (count < STEPS)

    def body(carry: tuple[Any, Scalar, Scalar, Any]) -> tuple[Any, Scalar, Scalar, Any]:
        state, residual, _, count = carry
        state = advance(state)
        return state, off(state), residual, count + 1

    first = off(start)
    begin = (start, first, jnp.full_like(first, jnp.inf), jnp.int32(0))
    state, residual, _, _ = jax.lax.while_loop(goes_on, body, begin)
    return jax.tree.map(lambda x: jnp.where(residual < FAILED, x, jnp.nan), state)
