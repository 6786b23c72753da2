"""Tiny systems that batteries run on, each made once in a process.

Atoms and molecules in a minimal basis, grids of hundreds of points, and one Gaussian whose energies are known in
closed form.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np

from nnks import setup
from nnks.ansatz import LCGTO, Start, make_ansatz
from nnks.basis import GaussianBasis, ShellGroup
from nnks.config import ConfigDict, default_config, override
from nnks.functional import Functional
from nnks.functional.external import AnalyticExternal
from nnks.functional.kinetic import AnalyticKinetic
from nnks.functional.xc.slater import SLATER
from nnks.interop import pyscf as interop
from nnks.objective import Problem
from nnks.orbitals import Orbitals
from nnks.quadrature import Grid, make_full
from nnks.types import Array, Params

RESTRICTED, UNRESTRICTED = "LiH", "Li"
"""Two doubly occupied orbitals and two centers; two up and one down, with an empty orbital in the arrays."""


def config(molecule: str = RESTRICTED) -> ConfigDict:
    """The default config with STO-3G and the smallest grid: s and p functions, and two shapes of shells."""
    changes = {"system.molecule": molecule, "system.basis": "sto-3g", "quadrature.level": 0, "reference.pyscf": False}
    return override(default_config(), changes | {"reference.large_basis": "", "tracking.wandb": "disabled"})


@functools.cache
def system(molecule: str = RESTRICTED) -> setup.System:
    """Molecule, basis and grid of `config`."""
    return setup.make_system(config(molecule))


@functools.cache
def start(molecule: str = RESTRICTED) -> Start:
    """What an ansatz is told of the system, from the atomic guess."""
    return setup.make_start(system(molecule), "minao")


@functools.cache
def one_function_start() -> Start:
    """The smallest start there is: one Gaussian at one nucleus, one orbital, nothing to rotate it into."""
    shell = ShellGroup(jnp.array([[0.3]]), jnp.ones((1, 1, 1)), jnp.array([0]), degree=0)
    basis = GaussianBasis(jnp.zeros((1, 3)), (shell,), jnp.array([0]))
    one = jnp.ones((1, 1, 1))
    return Start(basis, frame=one, coordinates=one, scale=0 * one, charges=jnp.array([2.0]))


def noisy(params: Params, seed: int, size: float = 0.1) -> Params:
    """Parameters moved by normal noise: at the start a network's last layer is zero, which hides mistakes."""
    rng = np.random.default_rng(seed)  # NumPy's: nothing to compile for each shape
    return jax.tree.map(lambda x: jnp.asarray(np.asarray(x) + size * rng.normal(size=x.shape).astype(x.dtype)), params)


@functools.cache
def orbitals(molecule: str = RESTRICTED) -> Orbitals:
    """Orthonormal orbitals in the Gaussian basis on the toy's grid, away from the guess, with gradients."""
    toy = system(molecule)
    ansatz = make_ansatz(LCGTO(), start(molecule))
    params = noisy(jax.jit(ansatz.init_params)(jax.random.key(0)), 5)
    model = setup.make_model(toy, ansatz, toy.grid, 1, exact=False)
    return jax.jit(lambda m, p, q: m(p, q))(model, params, toy.grid.quadrature())


@functools.cache
def problem() -> Problem:
    """Electrons of LiH that do not see each other: the smallest energy that orbitals can lower. Nothing is random."""
    toy = system(RESTRICTED)
    integrals = interop.one_electron_integrals(toy.mole)
    terms = (AnalyticKinetic(integrals.kinetic), AnalyticExternal(integrals.external))
    model = setup.make_model(toy, make_ansatz(LCGTO(), start(RESTRICTED)), toy.grid, 0, exact=True)
    return Problem(model, Functional(terms), make_full(grid=toy.grid), toy.grid)


@functools.cache
def grid() -> Grid:
    """Two atoms of 12 shells with 20 points each, in a shuffled order, a twentieth of the weights negative.

    A sampler may rely on neither the order nor the sign. The numbers are no quadrature of anything: sums over
    the grid are what a sampler estimates.
    """
    rng = np.random.default_rng(0)
    x, w = np.polynomial.legendre.leggauss(12)
    radius, volume = 2.5 * (1 + x), 2.5 * w * (2.5 * (1 + x)) ** 2
    direction = rng.normal(size=(2, 12, 20, 3))
    direction /= np.linalg.norm(direction, axis=-1, keepdims=True)
    points = radius[None, :, None, None] * direction + np.array([0.0, 1.4])[:, None, None, None]
    weights = np.broadcast_to(volume[None, :, None] * 4 * np.pi / 20, (2, 12, 20)).copy()
    weights[:, :, 0] *= -0.3
    atom, shell, _ = np.indices((2, 12, 20))
    order = rng.permutation(weights.size)
    columns = (points.reshape(-1, 3), weights.ravel(), atom.ravel(), shell.ravel())
    return Grid(*(jnp.asarray(column[order]) for column in columns))


@functools.cache
def atom_grid(radii: int = 40) -> Grid:
    """Mapped Gauss-Legendre radii times 4 x 8 angles around one atom: exact for polynomials of degree 7 in angle."""
    x, x_weights = np.polynomial.legendre.leggauss(radii)
    radius = (1 + x) / (1 - x)
    radial = x_weights * 2 / (1 - x) ** 2 * radius**2
    cosine, cosine_weights = np.polynomial.legendre.leggauss(4)
    phi = 2 * np.pi * np.arange(8) / 8
    sine = np.sqrt(1 - cosine**2)
    across = [np.outer(sine, np.cos(phi)), np.outer(sine, np.sin(phi)), np.outer(cosine, np.ones(8))]
    direction = np.stack(across, axis=-1).reshape(-1, 3)
    return Grid(
        points=jnp.asarray((radius[:, None, None] * direction).reshape(-1, 3)),
        weights=jnp.asarray(np.outer(radial, np.repeat(cosine_weights, 8) * 2 * np.pi / 8).ravel()),
        atom=jnp.zeros(32 * radii, int),
        shell=jnp.asarray(np.repeat(np.arange(radii), 32)),
    )


@dataclasses.dataclass(frozen=True)
class GaussianOrbital:
    r"""One orbital $\psi = (2\alpha/\pi)^{3/4} e^{-\alpha r^2}$ at a nucleus, and its energies in closed form.

    Attributes:
        alpha: exponent [Bohr^-2].
        electrons: 2 in one restricted channel, or 1 in the upper of two channels.
        charge: of the nucleus.
        orbitals: on the grid; its coefficient is one in the basis that holds this function alone.
    """

    alpha: float
    electrons: int
    charge: int
    orbitals: Orbitals

    @property
    def energies(self) -> Mapping[str, float]:
        r"""Terms by their names [Ha]; `xc` is Slater exchange.

        $$T = \tfrac32 n\alpha, \quad E_\mathrm{ext} = -2nZ\sqrt{2\alpha/\pi}, \quad E_H = n^2\sqrt{\alpha/\pi},
          \quad E_x = -\tfrac34(3/\pi)^{1/3} g \int\rho^{4/3}$$
        with $g = 1$ for two electrons and $2^{1/3}$ for one, and
        $\int\rho^{4/3} = n^{4/3} (2\alpha/\pi)^2 (3\pi/8\alpha)^{3/2}$.
        """
        a, n = self.alpha, self.electrons
        power = n ** (4 / 3) * (2 * a / math.pi) ** 2 * (3 * math.pi / (8 * a)) ** 1.5
        return {
            "kinetic": 1.5 * n * a,
            "external": -2 * n * self.charge * math.sqrt(2 * a / math.pi),
            "hartree": n**2 * math.sqrt(a / math.pi),
            "xc": -SLATER * (1 if n == 2 else 2 ** (1 / 3)) * power,
            "nuclear": 0.0,
        }


def gaussian_orbital(
    alpha: float = 0.8, electrons: int = 2, charge: int = 2, grid: Grid | None = None
) -> GaussianOrbital:
    """The Gaussian of an exponent [Bohr^-2] near one, for which `atom_grid()` was made, on that grid or another."""
    grid = atom_grid() if grid is None else grid
    points = grid.points
    spins = 1 if electrons == 2 else 2
    psi = (2 * alpha / math.pi) ** 0.75 * jnp.exp(-alpha * jnp.sum(points**2, axis=1))

    def channels(x: Array) -> Array:
        """The orbital in the upper channel, and zero in a lower one."""
        return jnp.stack([x, jnp.zeros_like(x)][:spins])[:, None]

    return GaussianOrbital(
        alpha,
        electrons,
        charge,
        Orbitals(
            quadrature=grid.quadrature(),
            values=channels(psi),
            gradients=channels(-2 * alpha * points * psi[:, None]),
            occupations=jnp.array([[2.0]] if spins == 1 else [[1.0], [0.0]]),
            coefficients=channels(jnp.ones(1)).swapaxes(1, 2),
        ),
    )
