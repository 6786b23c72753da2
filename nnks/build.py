"""From a resolved config to typed objects: the system, the functional, the problem, the optimizer.

Everything that can be wrong with a config is found here, in one sentence, before anything is compiled.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz import ANSATZE, Start, make_ansatz
from nnks.basis import BasisTable, tabulate
from nnks.config import ConfigDict
from nnks.functional import Functional
from nnks.functional.exchange_correlation import ExchangeCorrelation
from nnks.functional.external import AnalyticExternal, QuadratureExternal
from nnks.functional.hartree import (
    HARTREE,
    BasisFittedHartree,
    ExactHartree,
    PairwiseHartree,
    QuadratureFittedHartree,
    fitting_operator,
)
from nnks.functional.kinetic import AnalyticKinetic, QuadratureKinetic
from nnks.functional.nuclear import Nuclear
from nnks.interop import pyscf as interop
from nnks.interop.libxc import make_xc
from nnks.molecule import Molecule
from nnks.orbitals import GRAMS, OrbitalModel
from nnks.orthogonalize import ORTHOGONALIZERS, check_weights, frame
from nnks.quadrature import Grid, make_sampler
from nnks.registry import InputError, suggest
from nnks.scf import MatrixEnergy, diagonalize, filling, fock, occupied_matrix, solve
from nnks.training import OPTIMIZERS, Optimizer, Problem
from nnks.training.elimination import Elimination
from nnks.types import Array, Float

SMALL_GAP = 0.2
"""Orbital-energy differences below this count as this in the preconditioner [Ha] (measured: design notes)."""

EXACT_LIMIT = 150
"""Basis functions up to which `hartree="auto"` keeps four-center integrals (1 GB at the limit)."""


@dataclasses.dataclass(frozen=True)
class System:
    """What the config's `system`, `quadrature` and `functional` name, brought into records."""

    config: ConfigDict
    molecule: Molecule
    mole: Any
    restricted: bool
    grid: Grid
    gaussian: bool

    @property
    def counts(self) -> tuple[int, ...]:
        """Occupied orbitals of each spin channel."""
        up, down = self.molecule.nelec
        return (up,) if self.restricted else (up, down)

    @property
    def occupations(self) -> Float[Array, "spin orbitals"]:
        """Electrons in each orbital; the rest of a smaller channel is empty."""
        return filling(self.counts, max(self.counts))

    def table(self, grid: Grid, order: int) -> BasisTable:
        """The basis on a grid."""
        return tabulate(interop.gaussian_basis(self.mole, self.config.system.basis), grid.points, order=order)


def make_system(config: ConfigDict) -> System:
    """The molecule, its basis and its grid.

    Raises:
        InputError: for an unknown molecule or basis, impossible spin, coincident atoms, a bad grid.
    """
    s = config.system
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    restricted = molecule.spin == 0 if s.restricted is None else s.restricted
    if restricted and molecule.spin != 0:
        raise InputError(
            f"system.restricted is true, but {molecule.formula} has spin {molecule.spin} (n_up - n_down) and nnks has no "
            "restricted open shells; set system.restricted to false."
        )
    mole = interop.make_mole(molecule, s.basis)
    if max(molecule.nelec) > mole.nao:
        raise InputError(
            f"system.basis '{s.basis}' has {mole.nao} functions for {molecule.formula}, fewer than its "
            f"{max(molecule.nelec)} occupied orbitals; choose a larger basis."
        )
    q = config.quadrature
    grid = interop.becke_grid(mole, q.level, q.pruning or None, q.radial, q.angular)
    gaussian = hasattr(ANSATZE[config.ansatz.name].make, "coordinates")
    return System(config, molecule, mole, restricted, grid, gaussian)


def make_functional(system: System, grid: Grid, *, hartree: str, auxiliary: str, gaussian: bool) -> Functional:
    """The energy on a grid; `gaussian` says whether the orbitals lie in the basis, where terms may be analytic."""
    f = system.config.functional
    one_electron = ("analytic" if gaussian else "quadrature") if f.one_electron == "auto" else f.one_electron
    if one_electron not in ("analytic", "quadrature"):
        raise InputError(
            f"functional.one_electron is '{one_electron}'; {suggest(one_electron, ['analytic', 'quadrature'])}."
        )
    if one_electron == "analytic" and not gaussian:
        raise InputError(
            f"functional.one_electron='analytic' needs orbitals in a Gaussian basis, and ansatz '{system.config.ansatz.name}' "
            "leaves it; use 'quadrature' or 'auto'."
        )
    xc = make_xc(f.xc)
    positions = jnp.asarray(system.molecule.positions)
    charges = jnp.asarray(system.molecule.charges, dtype=positions.dtype)
    if one_electron == "analytic":
        integrals = interop.one_electron_integrals(system.mole)
        kinetic, external = AnalyticKinetic(integrals.kinetic), AnalyticExternal(integrals.external)
    else:
        kinetic, external = QuadratureKinetic(), QuadratureExternal(positions, charges)
    return Functional(
        terms=(
            kinetic,
            external,
            make_hartree(system, grid, hartree, auxiliary, gaussian, one_electron),
            ExchangeCorrelation(xc, order=0 if xc.family == "LDA" else 1),
            Nuclear(positions, charges),
        )
    )


def hartree_method(system: System, name: str, gaussian: bool) -> str:
    """The method that a config means, `auto` resolved.

    Raises:
        InputError: for an unknown method, or one that the ansatz cannot use.
    """
    if name not in HARTREE:
        raise InputError(f"functional.hartree is '{name}'; {suggest(name, HARTREE)}.")
    if name == "exact" and not gaussian:
        raise InputError(
            f"functional.hartree='exact' needs orbitals in a Gaussian basis, and ansatz '{system.config.ansatz.name}' leaves "
            "it; use 'density_fitting' or 'pairwise'."
        )
    if name == "auto":
        return "exact" if gaussian and system.mole.nao <= EXACT_LIMIT else "density_fitting"
    return name


def make_hartree(system: System, grid: Grid, name: str, auxiliary: str, gaussian: bool, one_electron: str) -> Any:
    """The Hartree term on a grid."""
    method = hartree_method(system, name, gaussian)
    if method == "exact":
        return ExactHartree(interop.coulomb_integrals(system.mole))
    if method == "pairwise":
        return PairwiseHartree()
    place = system.config.functional.fitting
    if place not in ("auto", "basis", "quadrature"):
        raise InputError(f"functional.fitting is '{place}'; {suggest(place, ['auto', 'basis', 'quadrature'])}.")
    if place == "basis" and not gaussian:
        raise InputError("functional.fitting='basis' needs orbitals in a Gaussian basis; use 'quadrature' or 'auto'.")
    auxmole = interop.auxiliary_mole(system.mole, auxiliary)
    if place == "basis" or (place == "auto" and gaussian and one_electron == "analytic"):
        return BasisFittedHartree(interop.fitted_coulomb(system.mole, auxmole).factors)
    potentials = interop.auxiliary_potentials(auxmole, np.asarray(grid.points))
    return QuadratureFittedHartree(fitting_operator(interop.auxiliary_metric(auxmole), potentials))


def make_start(system: System, guess: str) -> Start:
    """The first guess: orbitals of one Fock matrix, or converged ones, and the scales of rotations from them."""
    if guess not in ("minao", "core", "random", "scf"):
        raise InputError(f"ansatz.guess is '{guess}'; {suggest(guess, ['minao', 'core', 'random', 'scf'])}.")
    integrals = interop.one_electron_integrals(system.mole)
    basis = interop.gaussian_basis(system.mole, system.config.system.basis)
    whitened = frame(integrals.overlap)
    spins, occupied = len(system.counts), max(system.counts)
    if occupied > whitened.shape[1]:
        raise InputError(
            f"system.basis '{system.config.system.basis}' has only {whitened.shape[1]} independent functions for {occupied} orbitals."
        )
    charges = jnp.asarray(system.molecule.charges, dtype=jnp.float64)
    if guess == "random":
        same = jnp.broadcast_to(whitened, (spins, *whitened.shape))
        shape = (spins, whitened.shape[1], occupied)
        return Start(basis, same, jnp.zeros(shape), jnp.ones(shape), charges)
    energies, orbitals = _guess_orbitals(system, whitened, integrals.overlap, guess)
    index = jnp.arange(whitened.shape[1])
    per = 2.0 if system.restricted else 1.0
    coordinates, scales = [], []
    for count, epsilon in zip(system.counts, energies, strict=True):
        held = (index[:, None] == jnp.arange(occupied)[None, :]) & (index[:, None] < count)
        virtual = (index[:, None] >= count) & (jnp.arange(occupied)[None, :] < count)
        gap = jnp.maximum(epsilon[:, None] - epsilon[None, :occupied], SMALL_GAP)
        coordinates.append(held.astype(epsilon.dtype))
        scales.append(jnp.where(virtual, (2 * per * gap) ** -0.5, 0.0))
    return Start(basis, orbitals, jnp.stack(coordinates), jnp.stack(scales), charges)


def spin_density(system: System, guess: str) -> Float[Array, "spin basis basis"]:
    """The guess's density matrices in the run's spin channels."""
    matrix = jnp.asarray(interop.guess_density(system.mole, guess))
    return jnp.sum(matrix, axis=0, keepdims=True) if system.restricted else matrix


def matrix_energy(system: System) -> MatrixEnergy:
    """The same functional in the Gaussian basis, as a function of density matrices."""
    f = system.config.functional
    hartree = f.hartree if f.hartree in ("auto", "exact") else "density_fitting"
    integrable = dataclasses.replace(system, config=analytic(system.config))
    functional = make_functional(integrable, system.grid, hartree=hartree, auxiliary=f.auxiliary, gaussian=True)
    return MatrixEnergy(functional, system.table(system.grid, functional.order), system.grid.weights)


def analytic(config: ConfigDict) -> ConfigDict:
    """The config with analytic integrals wherever Gaussian orbitals have them."""
    config = ConfigDict(config.copy_and_resolve_references())
    config.functional.one_electron, config.functional.fitting = "analytic", "basis"
    return config


def _guess_orbitals(system: System, whitened: Array, overlap: Array, guess: str) -> tuple[Array, Array]:
    energy = matrix_energy(system)
    matrix = spin_density(system, "core" if guess == "core" else "minao")
    if guess == "scf":
        result = solve(energy, overlap, whitened, matrix, system.counts)
        matrix = occupied_matrix(result.mo_coeff, system.counts)
    return diagonalize(fock(energy, matrix)[1], whitened)


def make_problem(system: System) -> Problem:
    """What the run minimizes, in float64.

    Raises:
        InputError: for anything in the config that does not fit.
    """
    config = system.config
    f = config.functional
    functional = make_functional(
        system, system.grid, hartree=f.hartree, auxiliary=f.auxiliary, gaussian=system.gaussian
    )
    module = ANSATZE.build(config.ansatz.to_dict())
    density = None
    if config.sampler.name in ("importance", "stratified"):
        chi = system.table(system.grid, 0).values
        total = jnp.sum(spin_density(system, "minao"), axis=0)
        density = jnp.maximum(jnp.einsum("pb,bc,pc->p", chi, total, chi), 0.0)
    sampler = make_sampler(config.sampler.to_dict(), system.grid, density)
    ansatz = make_ansatz(module, make_start(system, module.guess))
    model = make_model(system, ansatz, system.grid, functional.order)
    return Problem(model, functional, sampler, system.grid, make_elimination(system, module, sampler.exact))


def make_elimination(system: System, module: Any, exact: bool) -> Elimination | None:
    """How linear coefficients are solved for, or None if the ansatz trains them.

    Raises:
        InputError: for coefficients solved on minibatches, whose noise the solution would follow.
    """
    linear = getattr(module, "linear", "trained")
    if linear == "solved" and not exact:
        raise InputError(
            f"ansatz.linear='solved' needs the full grid, and sampler '{system.config.sampler.name}' draws minibatches; use "
            "ansatz.linear='trained', or sampler.name='full'."
        )
    return Elimination(system.occupations) if linear == "solved" or (linear == "auto" and exact) else None


def make_model(system: System, ansatz: Any, grid: Grid, order: int) -> OrbitalModel:
    """The orbital layer of an ansatz on a grid."""
    section = dict(system.config.orthogonalizer.items())
    gram = section.pop("gram")
    if gram not in GRAMS:
        raise InputError(f"orthogonalizer.gram is '{gram}'; {suggest(gram, GRAMS)}.")
    if gram == "auto":
        gram = "analytic" if system.gaussian else "batch"
    if gram == "analytic" and not system.gaussian:
        raise InputError(
            f"orthogonalizer.gram='analytic' needs orbitals in a Gaussian basis, and ansatz '{system.config.ansatz.name}' "
            "leaves it; use 'full' or 'batch'."
        )
    orthogonalizer = ORTHOGONALIZERS.build(section)
    if gram != "analytic":
        check_weights(orthogonalizer, grid.weights)
    return OrbitalModel(
        ansatz=ansatz,
        orthogonalizer=orthogonalizer,
        occupations=system.occupations,
        table=system.table(grid, order) if system.gaussian else None,
        grid=grid.quadrature() if gram == "full" else None,
        counts=system.counts,
        order=order,
        gram=gram,
    )


def make_optimizer(config: ConfigDict, problem: Problem) -> Optimizer:
    """The optimizer of a config.

    Raises:
        InputError: for a bad learning rate or schedule, or a full-grid method with a minibatch sampler.
    """
    optimizer = OPTIMIZERS.build(config.optimizer.to_dict(), steps=config.training.steps)
    if not (problem.sampler.exact or optimizer.minibatch):
        raise InputError(
            f"optimizer '{config.optimizer.name}' needs the same energy at every evaluation, and sampler "
            f"'{config.sampler.name}' draws a new batch each step; use sampler.name='full', or optimizer.name='adam'."
        )
    return optimizer


def run_key(config: ConfigDict) -> jax.Array:
    """The run's random key."""
    return jax.random.key(config.training.seed)


def check_training(config: ConfigDict) -> None:
    """Refuses numbers that no training can use.

    Raises:
        InputError: in one sentence.
    """
    t = config.training
    if t.precision not in ("float64", "float32"):
        raise InputError(f"training.precision is '{t.precision}'; choose float64 or float32.")
    for key, least in (("steps", 1), ("checkpoint_steps", 0), ("seed", 0)):
        if t[key] < least:
            raise InputError(f"training.{key} is {t[key]}; it must be at least {least}.")
    for key in ("energy_tolerance", "gradient_tolerance"):
        if not t[key] >= 0:
            raise InputError(f"training.{key} is {t[key]}; it must be zero or positive, such as 1e-6.")
    if config.tracking.log_steps < 1:
        raise InputError(f"tracking.log_steps is {config.tracking.log_steps}; it must be at least 1.")
    if config.tracking.wandb not in ("offline", "online", "disabled"):
        raise InputError(
            f"tracking.wandb is '{config.tracking.wandb}'; {suggest(config.tracking.wandb, ['offline', 'online', 'disabled'])}."
        )
