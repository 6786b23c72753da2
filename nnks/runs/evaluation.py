"""The reported energy: once, with fixed orbitals, on a full quadrature, never a minibatch estimate."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks import setup
from nnks.functional import Functional
from nnks.objective import Problem, settled, whole
from nnks.orbitals import AnyOrbitals, OrbitalModel
from nnks.orthogonalize import Lowdin
from nnks.quadrature import Grid
from nnks.runs.slices import make_slice
from nnks.tracking.slices import Slice
from nnks.types import Array, Float, Params, cast

Kind = tuple[int, int, str]
"""Of a grid: its level, how often it is turned, the radial scheme."""

FINER = 2
"""Levels by which the final grid is finer than the training grid, for orbitals that could fit a grid's errors."""

FINAL, OTHERS = (0, 1, "treutler_ahlrichs"), ((0, 2, "mura_knowles"), (-1, 3, "treutler_ahlrichs"))
"""The grid of such orbitals' final energy, and those that tell its error: level beside the final one, turns, radial
scheme."""

UNRESOLVED = 5e-4
"""Error of the final energy for each atom [Ha] beyond which a run counts as one that fits its grid, and not as
converged."""

SAFETY = 2.0
"""The error of the final energy in units of its largest difference from the other grids
(`benchmarks/final_error.py`)."""


LEAST = 5e-6
"""The error for each atom [Ha] that is stated at least where one other grid tells it: two grids may agree by chance.
What is stated is tested against a fine grid (tests/setup/test_shipped_sets.py)."""


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Outcome of the final evaluation.

    Attributes:
        energies: every term and the total [Ha].
        electrons: the integrated density.
        orthonormality: largest deviation of the orbitals' overlap from one, on the final quadrature.
        level: grid level that was used.
        hartree: Hartree method that was used.
        virial: the ratio -V/T. It is 2 at the basis limit of an atom, or of a molecule in equilibrium, for exchange
            alone; correlation, which does not scale like the inverse length, moves it by about 0.01. None with
            `functional.terms`.
        orbital_energies: of the occupied orbitals of each spin [Ha], ascending: eigenvalues of the Kohn-Sham operator
            in the occupied space. They are those of the converged calculation as far as that space is.
        quadrature_error: estimate of the total's error [Ha], from grids of other directions and shells; None for
            Gaussian orbitals, whose energy is defined on the grid that PySCF has, too.
        slice: the density and the highest occupied orbital on a plane.
    """

    energies: dict[str, float]
    electrons: float
    orthonormality: float
    level: int
    hartree: str
    virial: float | None
    orbital_energies: list[list[float]]
    quadrature_error: float | None
    slice: Slice

    def resolves(self, atoms: int) -> bool:
        """Whether grids agree on the energy: if not, no minimum on one of them says that a training has converged."""
        return self.quadrature_error is None or self.quadrature_error <= UNRESOLVED * atoms


def final_level(system: setup.System) -> int:
    """The grid level of the final evaluation."""
    level = system.config.evaluation.level
    if level is not None:
        return level
    trained = system.config.quadrature.level
    return trained if system.fixed else min(trained + FINER, 9)


def kinds(system: setup.System) -> tuple[Kind, tuple[Kind, ...]]:
    """The final grid, and the grids whose energies tell its error: none for Gaussian orbitals, which cannot fit a grid.

    A learned basis as it is cannot fit a grid either, but has an error on any; a turned grid of as many points, with
    other shells, tells it.

    Others have learned where the points of their training are. PySCF's grids of all levels have the same directions,
    and as few near a nucleus; so the final ones are turned against it, have every direction on every shell, and shells
    of two kinds.
    """
    level = final_level(system)
    if system.gaussian:
        return (level, 0, "treutler_ahlrichs"), ()
    if system.fixed:
        return (level, 0, "treutler_ahlrichs"), ((level, 3, "mura_knowles"),)
    final, *others = ((min(max(level + more, 0), 9), turn, shells) for more, turn, shells in (FINAL, *OTHERS))
    return final, tuple(others)


def evaluate(
    system: setup.System, problem: Problem, params: Params, shared: dict[Any, Any] | None = None
) -> Evaluation:
    """Energies of trained orbitals in float64; orthonormalized anew, as the energy depends on their span alone.

    Args:
        system: the run's.
        problem: what was minimized.
        params: the orbitals.
        shared: keeps what does not depend on the parameters, for other runs of the same problem.
    """
    params, shared = cast(params, jnp.float64), {} if shared is None else shared

    def on(kind: Kind) -> tuple[AnyOrbitals, Functional, OrbitalModel]:
        if ("evaluation", kind) not in shared:
            shared["evaluation", kind] = _parts(system, problem, kind)
        model, functional, grid = shared["evaluation", kind]
        return _orbitals(model, grid.quadrature(), params), functional, model

    final, others = kinds(system)
    x, functional, model = on(final)
    # one program for all grids of one size: the levels of the others are not asked for, and cost little
    values, electrons, deviation, orbital_energies, vectors = _analyze(functional, x)
    energies = {name: float(value) for name, value in values.items()}
    kinetic, total = energies["kinetic"], energies["total"]
    elsewhere = (on(kind) for kind in others)
    error = stated_error(total, [float(_analyze(there, y)[0]["total"]) for y, there, _ in elsewhere])
    if error is not None and system.fixed:
        error = max(error, LEAST * system.molecule.natoms)
    # terms beside those of Kohn and Sham scale in ways of their own, and the theorem says nothing of them
    virial = (kinetic - total) / kinetic if not system.config.functional.terms else None
    levels = [list(map(float, e[:n])) for e, n in zip(np.asarray(orbital_energies), system.nocc, strict=True)]
    picture = make_slice(system.molecule, model, params, x, vectors)
    level, method = final[0], final_hartree(system)[0]
    return Evaluation(energies, float(electrons), float(deviation), level, method, virial, levels, error, picture)


@dataclasses.dataclass(frozen=True)
class Final:
    """What the final energy is made of.

    Attributes:
        model: of the orbitals, on the final grid.
        functional: of which the energy is the value.
        orbitals: as the model gives them, orthonormal.
        mo_energy: of canonical orbitals [Ha], and `vectors`, what they are in those of the model.
    """

    model: OrbitalModel
    functional: Functional
    orbitals: AnyOrbitals
    mo_energy: Float[Array, "spin orbitals"]
    vectors: Float[Array, "spin orbitals orbitals"]


def final_orbitals(system: setup.System, problem: Problem, params: Params) -> Final:
    """The orbitals of the final evaluation, on its grid.

    Args:
        system: the run's.
        problem: what was minimized.
        params: the orbitals.
    """
    model, functional, grid = _parts(system, problem, kinds(system)[0])
    x = _orbitals(model, grid.quadrature(), cast(params, jnp.float64))
    _, levels, vectors = canonical_orbitals(functional, x)
    return Final(model, functional, x, levels, vectors)


def stated_error(total: float, others: Sequence[float]) -> float | None:
    """The error [Ha] to state of a total, from totals of the same orbitals on other grids; None without any."""
    return SAFETY * max(abs(total - other) for other in others) if others else None


def total_on(system: setup.System, problem: Problem, params: Params, kind: Kind) -> float:
    """Total energy [Ha] of orbitals in float64 on any grid, orthonormalized on it."""
    model, functional, grid = _parts(system, problem, kind)
    return float(_evaluate(functional, _orbitals(model, grid.quadrature(), cast(params, jnp.float64)))["total"])


def check_final(system: setup.System) -> None:
    """Refuses settings of the final evaluation that cannot be followed.

    Raises:
        InputError: in one sentence.
    """
    method, auxiliary = final_hartree(system)
    # on the training's grid: the final one is larger, and no setting depends on its points
    setup.make_functional(system, system.grid, hartree=method, auxiliary=auxiliary, gaussian=system.gaussian)


def _grid(system: setup.System, kind: Kind) -> Grid:
    """A grid of a kind; the training's where it is the same."""
    q, (level, turn, shells) = system.config.quadrature, kind
    if turn:  # what was trained knows where pruning leaves directions out; a fixed basis knows nothing of a grid
        pruning = (q.pruning or None) if system.fixed else None
        return system.make_grid(system.mole, level, pruning, turn=turn, shells=shells)
    return system.grid if level == q.level else system.make_grid(system.mole, level, q.pruning or None)


class TrainingEnergy:
    """The final evaluation's total of orbitals that are still in training; its grid and integrals are made once."""

    def __init__(self, system: setup.System, problem: Problem):
        self._problem = problem
        self._model, self._functional, grid = _parts(system, problem, kinds(system)[0])
        self._quadrature = grid.quadrature()

    def __call__(self, params: Params) -> float:
        """Total energy [Ha] of parameters, in float64."""
        x = _orbitals(self._model, self._quadrature, settled(self._problem, params))
        return float(_evaluate(self._functional, x)["total"])


def _parts(system: setup.System, problem: Problem, kind: Kind) -> tuple[OrbitalModel, Functional, Grid]:
    """Orbitals and functional on a grid; those of the training where they are the same."""
    config, gaussian = system.config, system.gaussian
    q, level, (method, auxiliary), grid = config.quadrature, kind[0], final_hartree(system), _grid(system, kind)
    same = level == q.level and config.functional.hartree == config.evaluation.hartree == "auto"
    functional = (
        problem.functional
        if same and gaussian and config.functional.one_electron == "auto"
        else setup.make_functional(
            system, grid, hartree=method, auxiliary=auxiliary, gaussian=gaussian, integrals=gaussian
        )
    )
    model = OrbitalModel(
        ansatz=problem.model.ansatz,
        orthogonalizer=Lowdin(),
        occupations=system.occupations,
        table=system.blocks(grid, functional.order) if system.fixed else None,
        grid=None,
        nocc=system.nocc,
        order=functional.order,
        gram="analytic" if gaussian else "batch",
    )
    return model, functional, grid


@jax.jit
def _orbitals(model: OrbitalModel, quadrature: Any, params: Params) -> AnyOrbitals:
    return model(params, quadrature)


@jax.jit
def _evaluate(functional: Functional, x: AnyOrbitals) -> dict[str, Array]:
    return functional.energies(x)


@jax.jit
def _analyze(functional: Functional, x: AnyOrbitals) -> tuple:
    energies, levels, vectors = canonical_orbitals(functional, x)
    return energies, x.quadrature.integrate(x.density().total), _deviation(x), levels, vectors


@jax.jit
def canonical_orbitals(
    functional: Functional, x: AnyOrbitals
) -> tuple[dict[str, Array], Float[Array, "spin orbitals"], Float[Array, "spin orbitals orbitals"]]:
    r"""Every term [Ha], and eigenvalues [Ha] and eigenvectors of the Kohn-Sham operator in the occupied space.

    They ascend; empty orbitals come last, at infinity. Mixing the orbitals, $\psi C$, changes the energy at $C = 1$ by
    $\partial E/\partial C_{ji} = 2n_i\langle\psi_j|F|\psi_i\rangle$: the operator's matrix is a derivative, whatever
    the terms are.
    """

    def energy(mix: Array) -> tuple[Array, dict[str, Array]]:
        return functional.near(dataclasses.replace(x.mixed(mix), norms=jnp.sum(mix * mix, axis=1)), x)

    spins, n = x.occupations.shape
    identity = jnp.broadcast_to(jnp.eye(n), (spins, n, n))
    slope, energies = jax.grad(energy, has_aux=True)(identity)
    occupied = x.occupations > 0
    matrix = slope / jnp.where(occupied, 2 * x.occupations, 1.0)[:, None, :]
    matrix = 0.5 * (matrix + jnp.swapaxes(matrix, 1, 2))  # a symmetric operator, up to the quadrature's error
    far = 1e6  # empty orbitals are zero; they go to the end
    matrix = matrix + jax.vmap(jnp.diag)(jnp.where(occupied, 0.0, far).astype(matrix.dtype))
    values, vectors = jnp.linalg.eigh(matrix)
    return energies, jnp.where(values > far / 2, jnp.inf, values), vectors


def _deviation(x: AnyOrbitals) -> jax.Array:
    overlap = x.overlap()
    occupied = (x.occupations > 0).astype(overlap.dtype)
    return jnp.max(jnp.abs(overlap - jax.vmap(jnp.diag)(occupied)))


def final_hartree(system: setup.System) -> tuple[str, str]:
    """Hartree method and fitting set of the final energy: one that the orbitals were not trained against."""
    e, f = system.config.evaluation, system.config.functional
    asked = e.hartree if e.hartree != "auto" else (f.hartree if system.gaussian else "poisson")
    if asked == "pairwise" and e.hartree == "auto":
        asked = "auto"  # a stand-in for training, not accurate enough to report
    key = "functional.hartree" if e.hartree == "auto" else "evaluation.hartree"
    method = setup.hartree_method(system, asked, system.gaussian, key)
    auxiliary = e.auxiliary
    if auxiliary == "auto":
        auxiliary = f.auxiliary if system.gaussian else "even_tempered"
    return method, auxiliary


def gradient_norm(problem: Problem, params: Params) -> float:
    """Norm of the energy gradient on the full grid: what convergence means for a run on minibatches."""
    gradient = problem.slope(params, _gradient(params, whole(problem)))
    return float(jnp.sqrt(sum(jnp.sum(g.astype(jnp.float64) ** 2) for g in jax.tree.leaves(gradient))))


def precision_error(used: Problem, exact: Problem, params: Params) -> float:
    """How much the precision of a training changes the energy of orbitals [Ha], on the same full grid."""
    return abs(float(_total(whole(used), params)) - float(_total(whole(exact), cast(params, jnp.float64))))


@jax.jit
def _total(problem: Problem, params: Params) -> Array:
    return problem.loss(params, jax.random.key(0), jnp.int32(0))[0]


@jax.jit
def _gradient(params: Params, problem: Problem) -> Params:
    return jax.grad(lambda p: problem.loss(p, jax.random.key(0), jnp.int32(0))[0])(params)
