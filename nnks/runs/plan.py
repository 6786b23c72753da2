"""A run before it starts: what its config asks for, found without computing anything, and the run ready to start."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import jax

from nnks import setup
from nnks.analysis.names import terms_text
from nnks.ansatz import ModuleAnsatz, check_start
from nnks.basis import BasisOnPoints
from nnks.basis.files import PIN
from nnks.blocks import BasisBlocks
from nnks.config import ConfigDict, registries, resolved, to_dict
from nnks.functional import Functional
from nnks.functional.terms import TERMS, check_in_pyscf, make_specs
from nnks.interop import basis_sets
from nnks.interop.large_basis import large_bases
from nnks.interop.libxc import describe_xc
from nnks.molecule import short_name as short_molecule
from nnks.objective import Problem
from nnks.runs.evaluation import check_final, final_hartree, final_level
from nnks.scf import BasisEnergy, fock
from nnks.setup.memory import check_memory, held, needed
from nnks.setup.own import check_energies, check_finite, optimizer_state
from nnks.setup.unused import check_unused
from nnks.traces import is_own, source_hash
from nnks.tracking import RunFolder, config_hash, config_hashes, find_run
from nnks.tracking.notices import notice
from nnks.tracking.record import CODE
from nnks.training.direct import Direct
from nnks.training.state import count_parameters
from nnks.training.validation import EarlyStopping

NAMED = 4
"""Molecules up to which a run of several names them all."""

LARGE = 10_000
"""Parameters beyond which an optimizer's state may take memory that counts."""


@dataclasses.dataclass(frozen=True)
class Sketch:
    """What a config asks for: a problem whose arrays have shapes and no values.

    Attributes:
        config: every key of it.
        system: its outline.
        problem: what would be minimized.
        optimizer: by what.
        params: the parameters' shapes.
        held: bytes of memory, by what they hold.
    """

    config: ConfigDict
    system: setup.Outline
    problem: Problem
    optimizer: Any
    params: Any
    held: dict[str, float]

    def describe(self) -> dict[str, str]:
        """What would run, for `--dry-run`; sizes that only computing settles are upper bounds."""
        config, system, sampler = self.config, self.system, self.problem.sampler
        molecule, size = system.molecule, system.grid.size
        restricted = "restricted" if system.restricted else "unrestricted"
        rows = {
            "molecule": f"{molecule.formula}, {sum(molecule.nelec)} electrons, spin {molecule.spin}, {restricted}",
            "basis functions": system.mole.nao if system.learned is None else system.functions().size,
            "grid points": size,
            "points a step": f"{size} (all)" if sampler.exact else sampler.size,
            "parameters": count_parameters(self.params),
            **self._basis(),
            "functional": meaning(self.config.functional.xc),
            "hartree": self._hartree(),
            **self._terms(),
            **self._saddles(),
            "final grid level": final_level(system),
            "memory": needed(self.held),
            "run": f"{config.experiment}/*-{config_hash(to_dict(config))}-s{config.training.seed}",
        }
        return {name: str(value) for name, value in rows.items()}

    def _hartree(self) -> str:
        """The method, and what fitting holds."""
        method = setup.hartree_method(self.system, self.config.functional.hartree, self.system.gaussian)
        return method + getattr(self.problem.functional["hartree"], "holds", "")

    def _terms(self) -> dict[str, str]:
        """The terms that the config adds, if it adds any."""
        text = terms_text(self.config.functional.terms.to_dict())
        return {"other terms": text} if text else {}

    def _saddles(self) -> dict[str, str]:
        """That an asked test of the minimum cannot be done, if so."""
        functional = self.problem.functional
        if isinstance(self.optimizer, Direct) and self.optimizer.stability and not functional.has_curvature:
            unknown = ", ".join(term.name for term in functional.terms if not functional.knows_curvature(term))
            why = f"the second derivative of {unknown} is not known"
            more = " without integrals in the basis (quadrature.memory)" if unknown == "hartree" else ""
            return {"stability test": f"left out: {why}{more}"}
        return {}

    def _basis(self) -> dict[str, str]:
        """How the Gaussian basis is held on the grid, if it is."""
        table = self.problem.model.table
        if isinstance(table, BasisBlocks):
            size, memory = 1e-9 * table.table_bytes, 1e-9 * self.system.memory
            beyond = "" if size <= memory else f"; at every use if a table takes more than {memory:.3g} GB"
            return {"basis on the grid": f"at most {size:.3g} GB{beyond}"}
        if isinstance(table, BasisOnPoints):
            return {"basis on the grid": "at every use, for the points of a batch"}
        return {}


@dataclasses.dataclass(frozen=True)
class Plan:
    """A run that is ready to start: everything is built, and no step is compiled."""

    config: ConfigDict
    system: setup.System
    problem: Problem
    optimizer: Any
    stopping: EarlyStopping | None
    shared: dict[Any, Any] = dataclasses.field(default_factory=dict, repr=False)
    """What the runs of a batch evaluate once for all of them."""


def sketch(config: ConfigDict, like: Sketch | None = None, *, orbitals: int = 0) -> Sketch:
    """Finds what a config asks for and everything that is wrong with it, without computing anything of it.

    Args:
        config: of the run.
        like: another run's, whose molecule and grid are taken if they are this one's.
        orbitals: room for so many of each spin, if more than are occupied.

    Raises:
        InputError: in one sentence.
    """
    config = setup.self_contained(resolved(config))
    setup.check_training(config)
    if like is not None and _same_system(config, like.config):
        system = like.system.with_config(config)
    else:
        system = setup.make_system(config, setup.Outline)
    if orbitals:
        system = dataclasses.replace(system, orbitals=orbitals)
    setup.check_sets(system)
    optimizers = []

    def outlined() -> tuple[Problem, Any, Any]:
        problem = setup.make_problem(system)
        optimizer = setup.make_optimizer(config, problem)
        setup.make_early_stopping(system, problem, optimizer)
        check_final(system)
        optimizers.append(optimizer)
        params = problem.init_params(setup.run_key(config))
        check_energies(problem, params)
        own_or_large = is_own(optimizer) or count_parameters(params) > LARGE
        return (
            problem,
            params,
            optimizer_state(config.optimizer.name, optimizer, problem, params) if own_or_large else None,
        )

    problem, params, state = jax.eval_shape(outlined)
    large = config.reference.large_basis
    if large != "auto":
        large_bases(system.molecule, large)
    if config.reference.pyscf:
        for name, spec in make_specs(config.functional.terms.to_dict()).items():
            check_in_pyscf(name, spec, system.mole)
    methods = setup.hartree_method(system, config.functional.hartree, system.gaussian), final_hartree(system)[0]
    check_unused(system, set(methods))
    parts = held(system, problem, params, state)
    check_memory(system, parts)
    return Sketch(config, system, problem, optimizers[0], params, parts)


def _same_system(one: ConfigDict, other: ConfigDict) -> bool:
    """Whether two runs have one molecule, basis and grid, and orbitals of one kind."""
    return all(one[key].to_dict() == other[key].to_dict() for key in ("system", "quadrature", "ansatz"))


def plan(config: ConfigDict, outlined: Sketch | None = None) -> Plan:
    """Builds a run, after a look at everything that is wrong with its config.

    Args:
        config: of the run.
        outlined: the same config's sketch, if there is one.

    Raises:
        InputError: in one sentence, before anything is computed.
    """
    outline = outlined or sketch(config)
    system = outline.system.computed()
    problem = setup.make_problem(system)
    optimizer = setup.make_optimizer(outline.config, problem)
    _check_own(system, problem)
    return Plan(outline.config, system, problem, optimizer, setup.make_early_stopping(system, problem, optimizer))


def _check_own(system: setup.System, problem: Problem) -> None:
    """Evaluates an ansatz and terms of a user's own where the run starts: whether they are finite only values tell."""
    ansatz, config = problem.model.ansatz, system.config
    for term in filter(is_own, problem.functional.terms):
        # alone: one that is not finite leaves nothing finite of the first guess
        blocks = system.blocks(system.grid, term.order)
        alone = BasisEnergy(Functional((term,)), blocks, system.grid.quadrature())
        energies, matrix = fock(alone, *setup.guess_orbitals(system, "minao"))
        check_finite(term.name, energies[term.name], matrix)
    if isinstance(ansatz, ModuleAnsatz) and is_own(ansatz.module):
        check_start(config.ansatz.name, ansatz, ansatz.init_params(setup.run_key(config)))


def finished_run(config: ConfigDict, results: str | Path) -> RunFolder | None:
    """The stored run of this config and seed, if it is finished."""
    folder = find_run(results, config.experiment, config_hashes(to_dict(config)), config.training.seed)
    if folder is None or not folder.finished:
        return None
    if changed := changed_code(config, (folder.record.summary or {}).get(CODE)):
        notice(
            f"the code of {', '.join(changed)} is not what '{folder.path}' was computed with; it is kept as it is, and "
            "--again (or another experiment) computes it anew."
        )
    return folder


def changed_code(config: ConfigDict, then: Any) -> list[str]:
    """Members of a user's own whose code is another than it was, by the hashes that were stored then."""
    now, then = code_of_own(config), then if isinstance(then, dict) else {}
    return [name for name in now if then.get(name, now[name]) != now[name]]


def code_of_own(config: ConfigDict) -> dict[str, str]:
    """Hashes of the code of members of a user's own, by what they are called."""
    named = {f"{kind} '{config[kind].name}'": registry[config[kind].name] for kind, registry in registries().items()}
    named |= {f"term '{name}'": TERMS[name] for name in config.functional.terms}
    return {name: code for name, entry in named.items() if (code := source_hash(entry.make))}


def meaning(xc: str) -> str:
    """What a functional's string means: people expect correlation of `lda`, which in PySCF is exchange alone."""
    return f"{xc}: {describe_xc(xc)}" if xc else describe_xc(xc)


def default_label(config: ConfigDict) -> str:
    """What a run is called if its config does not say: molecule, ansatz, basis."""
    basis = basis_sets.label(config.system.basis)
    if config.ansatz.name == "learned_basis":  # the Gaussian one is of its first guess, if it has one
        basis = Path(config.ansatz.basis.partition(PIN)[0]).name
    return f"{short_name(config)} / {config.ansatz.name} / {basis}"


def short_name(config: ConfigDict) -> str:
    """The molecule's name, or its formula where the config has coordinates or a path; of several a few."""
    if setup.is_several(config):
        names = setup.labels_of(setup.singles(config))
        return ", ".join(names) if len(names) <= NAMED else f"{len(names)} molecules"
    return short_molecule(config.system.molecule)
