"""The defaults, with a comment for every key."""

from __future__ import annotations

import functools
from typing import Any

from ml_collections.config_dict import FieldReference, placeholder

from nnks.config.rules import make_rule
from nnks.config.sections import ConfigDict, complete, flatten, registries
from nnks.config.values import Rule


def default_config() -> ConfigDict:
    """A locked config of every key, for water in 6-31G by linear combinations of Gaussians."""
    return complete(_defaults())


@functools.cache
def fixed_rules() -> dict[str, Rule]:
    """What the keys may hold that every config has, whatever members it names."""
    config, rules = _defaults(), {}
    for path, value in flatten(config.to_dict()):
        if path.partition(".")[0] not in registries():
            *parents, key = path.split(".")
            section = functools.reduce(lambda inner, parent: inner[parent], parents, config)
            kind = section.get_type(key) if value is None else type(value)
            rules[path] = make_rule(value, kind, (path,), optional=value is None)
    return rules


def by_element(name: str) -> Any:
    """A key that takes a text, or a dictionary with one text for each element.

    The checks of a config write such a dictionary as a text.
    """
    return FieldReference(name, field_type=object)


def _defaults() -> ConfigDict:
    c = ConfigDict()
    c.experiment = "default"  # folder below results/ that the run goes to
    c.label = ""  # how tables and figures call the run; empty: made from what it is

    c.system = ConfigDict()
    c.system.molecule = "water"  # a library name, a path to an .xyz file, or "O 0 0 0; H ..."
    # instead of one: several, whose networks share their parameters, with "|" between them; a folder stands for its
    # .xyz files
    c.system.molecules = ""
    c.system.unit = "angstrom"  # of inline and .xyz coordinates: angstrom or bohr
    c.system.charge = placeholder(int)  # total charge; None: what the .xyz file states, else 0
    c.system.spin = placeholder(int)  # n_up - n_down; None: the file's or the library's, else 0 or 1 by parity
    c.system.restricted = placeholder(bool)  # one set of orbitals for both spins; None: if spin is 0
    c.system.basis = by_element("6-31g")  # any all-electron basis that PySCF knows

    c.quadrature = ConfigDict()
    c.quadrature.level = 3  # PySCF's grid level, 0 to 9
    c.quadrature.pruning = (
        "nwchem"  # thinning of shells near the nuclei, as in PySCF: nwchem, sg1, treutler, or "" for none
    )
    c.quadrature.radial = placeholder(int)  # radial points on every atom instead of the level's
    c.quadrature.angular = placeholder(int)  # angular points on every shell instead of the level's

    # gigabytes that a table of the basis or of potentials on the grid may take, or fitted integrals; beyond, they are
    # evaluated at every use, integrals by the quadrature; None: half of what is free
    c.quadrature.memory = placeholder(float)

    c.functional = ConfigDict()
    c.functional.xc = "lda,vwn"  # exchange and correlation, named as in PySCF
    c.functional.hartree = "auto"  # exact, density_fitting, poisson, pairwise; auto: exact for small Gaussian bases
    c.functional.one_electron = "auto"  # analytic or quadrature; auto: analytic for Gaussian orbitals
    c.functional.fitting = (
        "auto"  # density_fitting in the "basis" or on the "quadrature"; auto: as one_electron, if it fits
    )
    # fitting set: a name; auto: PySCF's for Gaussians, "def2-universal-jfit" for a learned basis as it is, else
    # "even_tempered"
    c.functional.auxiliary = by_element("auto")

    # terms beside those of Kohn and Sham, with their fields: {"field": {"z": 0.001}}; `nnks list term`
    c.functional.terms = ConfigDict()

    c.training = ConfigDict()
    c.training.steps = 300  # of training, at most; runs stop earlier when converged
    c.training.seconds = placeholder(
        float
    )  # of training, at most, without the first step, which compiles; None: no limit
    c.training.seed = 0  # of initial parameters and batches
    c.training.molecules = placeholder(int)  # that an update of a first-order optimizer sees; None: all
    # copies of each molecule of system.molecules that are trained on beside it, with atoms moved at random
    c.training.displaced = 0
    c.training.displacement = 0.05  # standard deviation of each coordinate's move [Angstrom]
    c.training.devices = placeholder(int)  # over which points of the grid are spread, for Gaussian orbitals; None: all
    c.training.precision = "float64"  # mixed: orbitals at points in float32; or float32; final energies: always float64
    c.training.energy_tolerance = 1e-9  # converged: change of the energy in a step [Ha], at least 1e-7 below float64
    c.training.gradient_tolerance = 1e-6  # and norm of its gradient, at least 5e-5 below float64
    # steps between energies on a finer grid; a run that goes down on its training grid alone ends there, and goes back
    # to the state that is lowest on the finer one; 0: none; None: 1 where orbitals could fit the grid, 0 for Gaussian
    # ones and minibatches
    c.training.held_out_steps = placeholder(int)
    # molecules that no update sees, as system.molecules names them: at the end a run goes back to the state in which
    # the sum of their energies is lowest
    c.training.validation = ""
    c.training.validation_steps = 1  # steps between evaluations of them
    c.training.patience = placeholder(int)  # evaluations without a new lowest sum that end the run; None: all steps
    # minibatches: steps after which a control variate is anchored anew, the state's energy and gradient on the whole
    # grid; 0: none
    c.training.control_steps = 0
    c.training.checkpoint_steps = 100  # steps between checkpoints

    c.evaluation = ConfigDict()
    c.evaluation.level = placeholder(int)  # grid of the final energy; None: the training grid's for Gaussian
    #                                        orbitals (as PySCF's), two levels finer for others
    c.evaluation.hartree = "auto"  # as functional.hartree; auto: the same for Gaussian orbitals, else poisson
    c.evaluation.auxiliary = by_element(
        "auto"
    )  # set of a fitted one; auto: functional.auxiliary, "even_tempered" for others

    c.reference = ConfigDict()
    c.reference.pyscf = True  # PySCF in the same basis on the same grid, stable solution
    c.reference.large_basis = "auto"  # PySCF near the basis limit: bases such as "cc-pvqz,pcseg-4", the best last; ""
    #                                   for none; auto: the largest affordable
    # seconds that one reference near the basis limit may take, as estimated before; beyond, it is left out, and a line
    # says so. Those that come with nnks or are cached take none
    c.reference.seconds = 20.0
    c.reference.scf = False  # nnks's own self-consistent field in the same basis

    c.tracking = ConfigDict()
    c.tracking.wandb = "offline"  # Weights & Biases: offline, online, or disabled
    c.tracking.project = "nnks"  # of Weights & Biases
    c.tracking.console = True  # live progress and the final table
    c.tracking.log_steps = 1  # steps between records
    c.tracking.exact_steps = (
        0  # steps between energies as the final one, recorded as energy/exact; 0: none. They count as training time
    )

    c.orthogonalizer = {
        "name": "cholesky",
        "gram": "auto",  # analytic, full, batch, or ema: a moving average over minibatches; auto: exact where it can be
        "decay": 0.9,  # share of the old matrix in the moving average
        "constraint": "reparameterize",  # a layer; or, without it: penalty, project (after each step), riemannian
        "penalty": 10.0,  # factor of |G - 1|^2 [Ha]
    }
    c.sampler = {"name": "full"}  # of quadrature points: full, uniform, stratified, importance
    c.ansatz = {"name": "lcgto"}  # nnks list ansatz
    c.optimizer = {"name": "lbfgs"}  # nnks list optimizer
    return c
