"""Molecules, basis sets, grids and integrals as PySCF makes them, brought into nnks's records."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from nnks.basis import GaussianBasis, ShellGroup
from nnks.basis.integrals import Integrals
from nnks.interop import basis_sets
from nnks.interop.basis_names import by_element, canonical
from nnks.molecule import Molecule
from nnks.quadrature import Grid
from nnks.registry import InputError, suggest
from nnks.types import Float, Int

# Gaussian charges that stand for a free atom: the first exponent [Bohr^-2] is that of an alkali atom's outermost
# electron.
SMALLEST_CHARGE, CHARGE_RATIO = 0.04, 2.0

TURN = np.array([0.7, 1.1, 0.4])
"""Rotation vector [rad] of a turned grid: along no axis of an octahedron, whose rotations leave Lebedev's points as
they are."""


def make_mole(molecule: Molecule, basis: str, key: str = "system.basis") -> Any:
    """A PySCF `Mole` with the molecule's own coordinates in Bohr, without symmetry or output.

    Args:
        molecule: the nuclei.
        basis: a name, a name for each element, a file or its text, as `nnks.interop.basis_sets` reads them.
        key: of the config that names it, for errors.

    Raises:
        InputError: for a basis that does not exist for one of the elements, or one that needs a pseudopotential.
    """
    from pyscf import gto

    atoms = list(zip(molecule.symbols, np.asarray(molecule.positions).tolist(), strict=True))
    basis = canonical(basis, key)
    known = basis_sets.functions(basis, molecule.symbols, key)
    mole = gto.M(atom=atoms, basis=known, unit="Bohr", charge=molecule.charge, spin=molecule.spin, verbose=0)
    if not basis_sets.is_text(basis):
        mole.basis = by_element(basis, known)  # names decide on PySCF's fitting sets
    return mole


def gaussian_basis(mole: Any, name: str = "") -> GaussianBasis:
    """The basis of a `Mole`, its shells grouped by shape, in an order that `order` undoes."""
    from pyscf.gto.mole import gto_norm

    shells: dict[tuple[int, int, int], list] = {}
    offset = 0
    for i in range(mole.nbas):
        l, exponents = mole.bas_angular(i), mole.bas_exp(i)
        coefficients = mole._libcint_ctr_coeff(i) / gto_norm(l, exponents)[:, None]
        size = (2 * l + 1) * coefficients.shape[1]
        entry = (exponents, coefficients, mole.bas_atom(i), np.arange(offset, offset + size))
        shells.setdefault((l, *coefficients.shape), []).append(entry)
        offset += size
    groups, positions = [], []
    for (l, *_), members in shells.items():
        exponents, coefficients, atoms, columns = (np.array(x) for x in zip(*members, strict=True))
        groups.append(ShellGroup(*jax.device_put((exponents, coefficients, atoms)), degree=int(l)))
        positions.append(columns.reshape(-1))
    order = np.argsort(np.concatenate(positions))
    # arrays are put on the device, not copied by `jnp.array`, which compiles a program for every shape
    return GaussianBasis(jax.device_put(mole.atom_coords()), tuple(groups), jax.device_put(order), name=name)


def becke_grid(
    mole: Any,
    level: int = 3,
    pruning: str | None = "nwchem",
    radial: int | None = None,
    angular: int | None = None,
    *,
    divided: bool = True,
    turn: int = 0,
    shells: str = "treutler_ahlrichs",
) -> Grid:
    """PySCF's atom-centered grid of a level: Treutler radial, Lebedev angular, Becke's partition with Treutler's radii.

    Points keep the order of atoms and radial shells, which stratified sampling uses; energies do not depend on it.
    A turned grid has the same shells, and points in directions that orbitals trained on the other one have not learned.

    Args:
        mole: the molecule.
        level: 0 to 9.
        pruning: "nwchem", "sg1", "treutler", or None for the full product grid.
        radial: radial points on every atom instead of the level's.
        angular: angular points on every shell instead of the level's (a Lebedev number).
        divided: whether space is divided among the atoms, which takes nearly all the time; without it the points are
            the same, and every weight that of its atom's own grid. The partition drops no point, and turns no weight's
            sign.
        turn: the points around every atom are turned so many times by one fixed rotation; 0: not at all, as in PySCF.
        shells: PySCF's name of the radial scheme, such as "mura_knowles".
    """
    from pyscf.dft import gen_grid, radi
    from scipy.linalg import expm

    schemes = {
        "nwchem": gen_grid.nwchem_prune,
        "sg1": gen_grid.sg1_prune,
        "treutler": gen_grid.treutler_prune,
        None: None,
    }
    if pruning not in schemes:
        raise InputError(f"quadrature.pruning is '{pruning}'; {suggest(str(pruning), [str(s) for s in schemes])}.")
    if not 0 <= level <= 9:
        raise InputError(f"quadrature.level is {level}; PySCF has levels 0 to 9, and 3 is its default.")
    if angular is not None and angular not in gen_grid.LEBEDEV_NGRID:
        near = min(gen_grid.LEBEDEV_NGRID, key=lambda n: abs(n - angular))
        raise InputError(f"quadrature.angular is {angular}, which is no Lebedev number; the nearest is {near}.")
    if (radial is None) != (angular is None):
        raise InputError("quadrature.radial and quadrature.angular go together; set both, or neither to use level.")
    grids = gen_grid.Grids(mole)
    grids.level, grids.prune, grids.verbose = level, schemes[pruning], 0
    if radial is not None:
        grids.atom_grid = {mole.atom_symbol(a): (radial, angular) for a in range(mole.natm)}
        grids.prune = None
    per_atom = grids.gen_atomic_grids(mole, grids.atom_grid, getattr(radi, shells), grids.level, grids.prune)
    layers = {symbol: _shells(around) for symbol, (around, _) in per_atom.items()}
    if turn:
        rotation = expm(np.cross(turn * TURN, np.eye(3)).T)
        per_atom = {symbol: (around @ rotation.T, cell) for symbol, (around, cell) in per_atom.items()}
    own = [per_atom[mole.atom_symbol(a)] for a in range(mole.natm)]
    points: Any = [around + center for (around, _), center in zip(own, mole.atom_coords(), strict=True)]
    weights = cells = jax.device_put(np.concatenate([cell for _, cell in own]))
    if divided:
        scheme: Any = grids.radii_adjust, grids.atomic_radii, grids.becke_scheme
        points, shares = grids.get_partition(mole, per_atom, *scheme, concat=False)
        weights = jax.device_put(np.concatenate(shares))
    return Grid(
        points=jax.device_put(np.concatenate(points)),
        weights=weights,
        atom=jax.device_put(np.repeat(np.arange(mole.natm), [len(cell) for _, cell in own])),
        shell=jax.device_put(np.concatenate([layers[mole.atom_symbol(a)] for a in range(mole.natm)])),
        cells=cells,
    )


def _shells(points: Float[np.ndarray, "points 3"]) -> Int[np.ndarray, " points"]:
    """The radial shell of each point around a nucleus at the origin, counted outward."""
    distance = np.round(np.linalg.norm(points, axis=1), 10)
    return np.searchsorted(np.unique(distance), distance)


def angular_degrees() -> dict[int, int]:
    """Number of points of a Lebedev grid to the largest degree of harmonics whose products it integrates exactly."""
    from pyscf.dft import gen_grid

    return {points: order // 2 for order, points in gen_grid.LEBEDEV_ORDER.items()}


def atomic_charges(mole: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    r"""Every atom's free spherical density as Gaussian charges at the nucleus: exponents [Bohr^-2] and charges.

    The density is PySCF's `minao` guess of the single atom; the charges solve $(i|j)\,q_j = (i|\rho)$, which minimizes
    the Coulomb self-energy of the error. The exponents are even-tempered up to $100Z^2$, where a core's density is
    flat.
    """
    from pyscf import df, gto

    by_symbol = {}
    for symbol in {mole.atom_pure_symbol(a) for a in range(mole.natm)}:
        number = gto.charge(symbol)
        atom = gto.M(atom=[(symbol, (0, 0, 0))], basis="ano", spin=number % 2, verbose=0)
        steps = np.arange(np.ceil(np.log(100 * number**2 / SMALLEST_CHARGE) / np.log(CHARGE_RATIO)))
        exponents = SMALLEST_CHARGE * CHARGE_RATIO**steps
        charges = gto.fakemol_for_charges(np.zeros((len(exponents), 3)), exponents)
        potentials = np.einsum("pqi,pq->i", df.incore.aux_e2(atom, charges), guess_density(atom, "minao").sum(axis=0))
        metric = charges.intor_symmetric("int2c2e")
        by_symbol[symbol] = exponents, np.linalg.lstsq(metric, potentials, rcond=1e-12)[0]
    return [by_symbol[mole.atom_pure_symbol(a)] for a in range(mole.natm)]


def overlap(mole: Any) -> Float[np.ndarray, "basis basis"]:
    """Overlap of the basis functions."""
    return mole.intor_symmetric("int1e_ovlp")


def one_electron_integrals(mole: Any) -> Integrals:
    """Overlap, kinetic energy and nuclear attraction in the basis."""
    return Integrals(
        overlap=jax.device_put(overlap(mole)),
        kinetic=jax.device_put(mole.intor_symmetric("int1e_kin")),
        external=jax.device_put(mole.intor_symmetric("int1e_nuc")),
    )


def dipole_integrals(mole: Any) -> Float[jax.Array, "3 basis basis"]:
    """The position, from the origin of the coordinates, in the basis [Bohr]."""
    with mole.with_common_orig((0.0, 0.0, 0.0)):
        return jax.device_put(mole.intor_symmetric("int1e_r", comp=3))


def guess_orbitals(mole: Any, guess: str) -> tuple[np.ndarray, np.ndarray]:
    """Orbitals [2 basis k] and occupations [2 k] that a calculation starts from.

    The orbitals are not orthonormal, and occupations are partly fractional. `minao` projects free-atom orbitals of a
    minimal basis; `core` fills the orbitals of the bare nuclei.
    """
    from pyscf import scf
    from scipy.linalg import eigh

    if guess == "core":
        bare = mole.intor_symmetric("int1e_kin") + mole.intor_symmetric("int1e_nuc")
        lowest = eigh(bare, overlap(mole))[1][:, : max(mole.nelec)]
        filled = np.arange(max(mole.nelec))[None, :] < np.array(mole.nelec)[:, None]
        return np.broadcast_to(lowest, (2, *lowest.shape)), filled.astype(float)
    dm: Any = scf.hf.init_guess_by_minao(mole)
    held = dm.mo_occ > 0
    share = np.array(mole.nelec) / max(sum(mole.nelec), 1)
    orbitals = np.broadcast_to(dm.mo_coeff[:, held], (2, len(dm), held.sum()))
    return orbitals, share[:, None] * dm.mo_occ[held]


def guess_density(mole: Any, guess: str) -> np.ndarray:
    """The spin densities [2 basis basis] of a guess."""
    orbitals, occupations = guess_orbitals(mole, guess)
    return np.einsum("sbi,si,sci->sbc", orbitals, occupations, orbitals)
