"""A run that is ready to start: built from its config, checked, and described, with nothing compiled."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax

from nnks import build
from nnks.basis import BasisOnPoints
from nnks.blocks import BasisBlocks
from nnks.config import ConfigDict, complete, to_dict
from nnks.evaluation import final_level
from nnks.functional.base import Interacts
from nnks.interop.large_basis import large_bases
from nnks.tracking import config_hash
from nnks.training import Problem
from nnks.training.direct import Direct
from nnks.training.held_out import Guard
from nnks.training.state import count_parameters


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run that is ready to start: everything is built, nothing is compiled."""

    config: ConfigDict
    system: build.System
    problem: Problem
    optimizer: Any
    guard: Guard | None
    shared: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)
    """What the runs of a batch evaluate once for all of them."""

    def describe(self) -> dict[str, Any]:
        """What would run, for `--dry-run`."""
        params = jax.eval_shape(self.problem.init_params, build.run_key(self.config))
        sampler = self.problem.sampler
        molecule = self.system.molecule
        return {
            "molecule": f"{molecule.formula}, {sum(molecule.nelec)} electrons, spin {molecule.spin}, "
            f"{'restricted' if self.system.restricted else 'unrestricted'}",
            "basis functions": self.system.mole.nao,
            "grid points": self.system.grid.size,
            "points a step": sampler.size if not sampler.exact else f"{self.system.grid.size} (all)",
            "parameters": count_parameters(params),
            **self._basis(),
            "hartree": self._hartree(),
            **self._saddles(),
            "final grid level": final_level(self.system),
            "run": f"{self.config.experiment}/*-{config_hash(to_dict(self.config))}-s{self.config.training.seed}",
        }

    def _hartree(self) -> str:
        """The method, and what fitting holds."""
        method = build.hartree_method(self.system, self.config.functional.hartree, self.system.gaussian)
        return method + getattr(self.problem.functional["hartree"], "holds", "")

    def _saddles(self) -> dict[str, str]:
        """That an asked test of the minimum cannot be done, if so."""
        term = self.problem.functional["hartree"]
        if isinstance(self.optimizer, Direct) and self.optimizer.stability and not isinstance(term, Interacts):
            return {"stability test": "left out: this Hartree energy has no integrals in the basis (quadrature.memory)"}
        return {}

    def _basis(self) -> dict[str, str]:
        """How the Gaussian basis is held on the grid, if it is."""
        table = self.problem.model.table
        if isinstance(table, BasisBlocks):
            size = f"{1e-9 * table.table_bytes:.3g} GB, {table.columns} of {self.system.mole.nao} functions at a point"
            return {"basis on the grid": size if table.held else f"at every use (a table would take {size})"}
        if isinstance(table, BasisOnPoints):
            return {"basis on the grid": "at every use, for the points of a batch"}
        return {}


def plan(config: ConfigDict) -> Plan:
    """Builds a run, and finds everything that is wrong with its config.

    Raises:
        InputError: in one sentence.
    """
    config = complete(ConfigDict(config.copy_and_resolve_references()))
    build.check_training(config)
    system = build.make_system(config)
    build.check_sets(system)
    problem = build.make_problem(system)
    optimizer = build.make_optimizer(config, problem)
    large_bases(system.molecule, config.reference.large_basis)
    return Plan(config, system, problem, optimizer, build.make_guard(system, problem, optimizer))


def default_label(plan: Plan) -> str:
    """What a run is called if its config does not say: molecule, ansatz, basis."""
    return f"{short_name(plan)} / {plan.config.ansatz.name} / {plan.config.system.basis}"


def short_name(plan: Plan) -> str:
    """The molecule's name, or its formula where the config has coordinates or a path."""
    molecule = plan.config.system.molecule
    return plan.system.molecule.formula if any(mark in molecule for mark in " \n;/") else molecule
