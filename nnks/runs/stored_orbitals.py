"""The trained orbitals of a stored run, to be evaluated anywhere: at points, in PySCF, in a file for a viewer."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks import setup
from nnks.config import load_config
from nnks.objective import settled
from nnks.registry import InputError, shown, suggest
from nnks.runs.evaluation import Final, final_orbitals
from nnks.runs.plan import plan
from nnks.runs.slices import orbitals_at
from nnks.tracking import RunFolder
from nnks.training import begin
from nnks.training.checkpoint import Checkpoints
from nnks.training.saved import Progressed, Saved, pack, unpack
from nnks.types import Float

BLOCK = 8192
"""Points that are evaluated at once."""


@dataclasses.dataclass(frozen=True)
class StoredOrbitals:
    """The occupied orbitals of a run, canonical and orthonormal on the grid of its final energy.

    Attributes:
        mole: PySCF's molecule in the run's basis, which knows nuclei [Bohr] and integrals.
        occupations: electrons in each orbital; zero where a channel has fewer than the other.
        energies: of the orbitals [Ha], ascending; infinite where there is none.
        coefficients: of Gaussian orbitals in the functions of `mole`, in PySCF's order; None for others.
    """

    mole: Any
    occupations: Float[np.ndarray, "spin orbitals"]
    energies: Float[np.ndarray, "spin orbitals"]
    coefficients: Float[np.ndarray, "spin basis orbitals"] | None
    _at: Any = dataclasses.field(repr=False)
    _vectors: Float[np.ndarray, "spin orbitals orbitals"] = dataclasses.field(repr=False)
    _final: Final = dataclasses.field(repr=False)

    def values(self, points: Any) -> Float[np.ndarray, "spin orbitals points"]:
        """Every orbital [Bohr^(-3/2)] at points [Bohr].

        Raises:
            InputError: for points that are not [points, 3].
        """
        points = np.asarray(points, float)
        if points.ndim != 2 or points.shape[1] != 3:
            raise InputError(f"points have the shape {points.shape}; they must be [points, 3], in Bohr.")
        short = -len(points) % BLOCK if len(points) > BLOCK else 0  # one size is one compiled program
        blocks = np.split(np.pad(points, ((0, short), (0, 0))), max(1, (len(points) + short) // BLOCK))
        raw = np.concatenate([np.asarray(self._at(jnp.asarray(block))) for block in blocks], axis=-1)
        return np.einsum("sji,sjp->sip", self._vectors, raw[..., : len(points)])

    def density(self, points: Any) -> Float[np.ndarray, "spin points"]:
        """The density of each spin [Bohr⁻³] at points [Bohr]; one row of both for a restricted run."""
        return np.einsum("si,sip->sp", self.occupations, self.values(points) ** 2)

    def energy_slope(self, term: str) -> Any:
        r"""The derivative of the final energy by every array of one of its terms [Ha over the array's unit].

        The orbitals are held fixed. Where they have converged, $E(\theta) = \min_\psi E[\psi;\theta]$ has the
        derivative $\partial E/\partial\theta$ at its own orbitals, whose change adds nothing to first order (the
        envelope theorem; Hellmann and Feynman): so parameters of a functional are trained through converged energies.

        Args:
            term: its name, such as `xc` or one of `functional.terms`.

        Returns:
            The term, with derivatives in the place of its arrays.

        Raises:
            InputError: for a term that the energy does not have.
            NoDerivative: for an array by which the derivative is not programmed.
        """
        terms = {each.name: each for each in self._final.functional.terms}
        if term not in terms:
            raise InputError(f"the energy has no term {shown(term)}; {suggest(term, terms)}.")
        return _slope(terms[term], self._final.orbitals)


@jax.jit
def _slope(term: Any, x: Any) -> Any:
    return jax.grad(lambda changed: changed(x, x), allow_int=True)(term)


def load_orbitals(run: str | Path) -> StoredOrbitals:
    """The orbitals of a finished run, from its last checkpoint.

    Args:
        run: its folder.

    Raises:
        InputError: for a folder that is no finished run, or whose checkpoints are gone.
    """
    folder = RunFolder(run)
    if not folder.finished:
        raise InputError(
            f"'{folder.path}' is no finished run; name the folder of one, such as those that `nnks ls` lists."
        )
    if not folder.checkpoints.is_dir():
        raise InputError(
            f"'{folder.path}' has no checkpoints any more; `nnks run --config={folder.path}/config.json --again` makes "
            "them."
        )
    ready = plan(load_config(str(folder.path / "config.json")))
    problem = setup.in_precision(ready.problem, ready.config.training.precision)
    params = settled(ready.problem, _trained(ready, problem, folder))
    final = final_orbitals(ready.system, ready.problem, params)
    x, vectors = final.orbitals, np.asarray(final.vectors)
    coefficients = np.asarray(x.coefficients) @ vectors if ready.system.gaussian else None
    at, numbers = orbitals_at(final.model, params, x), (np.asarray(x.occupations), np.asarray(final.mo_energy))
    return StoredOrbitals(ready.system.mole, *numbers, coefficients, at, vectors, final)


def _trained(ready: Any, problem: Any, folder: RunFolder) -> Any:
    """The parameters that the run's final energy is that of."""
    key = setup.run_key(ready.config)
    state = begin(ready.optimizer, problem, problem.init_params(key), key)
    checkpoints = Checkpoints(folder.checkpoints)
    saved = checkpoints.restore(pack(state, Progressed(), ready.stopping))
    checkpoints.close()
    if not isinstance(saved, Saved):
        raise InputError(
            f"no checkpoint of '{folder.path}' can be read; `nnks run --config={folder.path}/config.json --again` "
            "makes them anew."
        )
    state, _ = unpack(saved, ready.stopping)
    better = None if ready.stopping is None else ready.stopping.better()
    return (state if better is None else better).params
