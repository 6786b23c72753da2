"""Every energy term keeps the contract, has its closed form on a Gaussian, and a broken one is refused."""

import functools
import importlib
import inspect
import pkgutil

import jax.numpy as jnp
import numpy as np
import pytest

import nnks.functional
from nnks import setup
from nnks.coulomb import (
    ExactCoulomb,
    PairwiseCoulomb,
    fitting_potentials,
    make_poisson,
    make_streamed,
    make_tabulated,
)
from nnks.functional.exchange_correlation import ExchangeCorrelation
from nnks.functional.external import AnalyticExternal, QuadratureExternal
from nnks.functional.field import AnalyticField, QuadratureField
from nnks.functional.hartree import HARTREE, Hartree, closed_atoms, fitted_atoms, make_promolecule
from nnks.functional.kinetic import AnalyticKinetic, QuadratureKinetic
from nnks.functional.nuclear import Nuclear
from nnks.interop import coulomb
from nnks.interop import pyscf as interop
from nnks.interop.libxc import make_xc
from nnks.testing import TERM_CHECKS, TermCase, check_closed_form, toys
from nnks.testing import term as battery
from nnks.testing.tolerances import FITTING, QUADRATURE, ROUNDING, SELF_CELL
from nnks.types import record, static

XC = {"lda": "lda,vwn", "gga": "pbe", "meta-gga": "tpss"}  # the last through libxc


def auxiliary(mole):
    return coulomb.auxiliary_mole(mole, "even_tempered")


def fitted(mole, grid):
    potentials = coulomb.auxiliary_potentials(auxiliary(mole), np.asarray(grid.points))
    return Hartree(make_tabulated(coulomb.auxiliary_metric(auxiliary(mole)), potentials))


def streamed(mole, grid):
    own = auxiliary(mole)
    atoms = make_promolecule(mole.atom_coords(), interop.atomic_charges(mole))
    projections = coulomb.charge_integrals(own, atoms.centers, atoms.exponents, atoms.charges)
    factor, kept = coulomb.metric_factor(own, setup.system.INDEPENDENT)
    operator = make_streamed(fitting_potentials(interop.gaussian_basis(own)), factor, kept, grid)
    return Hartree(operator, fitted_atoms(atoms, grid, operator, projections))


def poisson(s):
    positions = np.asarray(s.molecule.positions)
    atoms = closed_atoms(make_promolecule(positions, interop.atomic_charges(s.mole)), s.grid)
    return Hartree(make_poisson(s.grid, positions, interop.angular_degrees()), atoms)


def xc_term(name):
    xc = make_xc(name)
    return ExchangeCorrelation(xc, order=0 if xc.family == "LDA" else 1)


TERMS = {
    "kinetic, analytic": lambda s: AnalyticKinetic(interop.one_electron_integrals(s.mole).kinetic),
    "kinetic, quadrature": lambda s: QuadratureKinetic(),
    "external, analytic": lambda s: AnalyticExternal(interop.one_electron_integrals(s.mole).external),
    "external, quadrature": lambda s: QuadratureExternal(
        s.molecule.positions, jnp.asarray(s.molecule.charges, dtype=float)
    ),
    "hartree, exact": lambda s: Hartree(ExactCoulomb(coulomb.coulomb_integrals(s.mole))),
    "hartree, fitted in the basis": lambda s: Hartree(coulomb.fitted_coulomb(s.mole, auxiliary(s.mole))),
    "hartree, fitted on the quadrature": lambda s: fitted(s.mole, s.grid),
    "hartree, streamed": lambda s: streamed(s.mole, s.grid),
    "hartree, pairwise": lambda s: Hartree(PairwiseCoulomb()),
    "hartree, poisson": poisson,
    "nuclear": lambda s: Nuclear(s.molecule.positions, jnp.asarray(s.molecule.charges, dtype=float)),
    "field, analytic": lambda s: AnalyticField(interop.dipole_integrals(s.mole)[0] + 0.5, jnp.asarray(0.0)),
    "field, quadrature": lambda s: QuadratureField(jnp.array([0.1, -0.2, 0.3]), jnp.asarray(0.0)),
} | {f"xc, {kind}": lambda s, name=name: xc_term(name) for kind, name in XC.items()}


@functools.cache
def case(name, molecule):
    return TermCase(TERMS[name](toys.system(molecule)), toys.orbitals(molecule), constant=name == "nuclear")


@pytest.mark.parametrize("check", TERM_CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("molecule", [toys.RESTRICTED, toys.UNRESTRICTED])
def test_term(name, molecule, check):
    check(case(name, molecule))


def test_every_term_is_tested():
    terms = set()
    for module in pkgutil.walk_packages(nnks.functional.__path__, "nnks.functional."):
        classes = inspect.getmembers(importlib.import_module(module.name), inspect.isclass)
        terms |= {c for _, c in classes if {"name", "order"} <= set(getattr(c, "__dataclass_fields__", {}))}
    assert terms == {type(make(toys.system())) for make in TERMS.values()}
    assert set(HARTREE) == {"auto", "exact", "density_fitting", "pairwise", "poisson"}


@functools.cache
def one_function(alpha):
    """Helium in a basis of one primitive."""
    from pyscf import gto

    return gto.M(atom="He 0 0 0", basis={"He": [[0, [alpha, 1.0]]]}, unit="Bohr", verbose=0)


NUCLEUS = jnp.zeros((1, 3)), jnp.array([2.0])
CLOSED_FORMS = {
    "kinetic, analytic": (lambda m, g: AnalyticKinetic(interop.one_electron_integrals(m).kinetic), ROUNDING),
    "kinetic, quadrature": (lambda m, g: QuadratureKinetic(), QUADRATURE),
    "external, analytic": (lambda m, g: AnalyticExternal(interop.one_electron_integrals(m).external), ROUNDING),
    "external, quadrature": (lambda m, g: QuadratureExternal(*NUCLEUS), QUADRATURE),
    "hartree, exact": (lambda m, g: Hartree(ExactCoulomb(coulomb.coulomb_integrals(m))), ROUNDING),
    "hartree, fitted in the basis": (
        lambda m, g: Hartree(coulomb.fitted_coulomb(m, auxiliary(m))),
        FITTING,
    ),
    "hartree, fitted on the quadrature": (lambda m, g: fitted(m, g), FITTING),
    "hartree, streamed": (lambda m, g: streamed(m, g), FITTING),
    "xc, exchange": (lambda m, g: xc_term("lda,"), QUADRATURE),
}


@pytest.mark.parametrize("name", CLOSED_FORMS)
@pytest.mark.parametrize(("alpha", "electrons"), [(0.8, 2), (2.5, 2), (0.8, 1)])
def test_closed_form(name, alpha, electrons):
    """Two exponents: kinetic energy is proportional to them, Coulomb and exchange energies to their root."""
    make, tolerance = CLOSED_FORMS[name]
    check_closed_form(
        make(one_function(alpha), toys.atom_grid()), toys.gaussian_orbital(alpha, electrons), rtol=tolerance
    )


@pytest.mark.parametrize("alpha", [0.8, 2.5])
def test_closed_form_of_the_pair_sum(alpha):
    check_closed_form(Hartree(PairwiseCoulomb()), toys.gaussian_orbital(alpha, grid=toys.atom_grid(20)), rtol=SELF_CELL)


def test_repulsion_of_two_nuclei():
    positions = jnp.array([[0.0, 0.0, 0.0], [0.0, 3.0, 4.0]])
    term = Nuclear(positions, jnp.array([2.0, 3.0]))
    check_closed_form(term, toys.gaussian_orbital(), expected=6 / 5, rtol=ROUNDING)


@record
class Broken:
    """The kinetic energy with one thing wrong."""

    fault: str = static(default="")
    name: str = static(default="kinetic")
    order: int = static(default=1)

    def __call__(self, x, y):
        psi, grad, n, w = x.values, x.gradients, x.occupations, x.quadrature.weights
        if self.fault == "slope":
            from jax import lax

            grad = 0.5 * grad + 0.5 * lax.stop_gradient(grad)
        tau = 0.5 * jnp.einsum("si,sipd,sipd->sip", n, grad, grad)
        each = jnp.einsum("sip,p->si", tau, w)
        if self.fault == "channels":
            return jnp.sum(each, axis=1)
        if self.fault == "orbitals":
            return jnp.sum(each**2)  # a sum over orbitals of anything but a linear expectation
        if self.fault == "weights":
            return jnp.sum(each) / jnp.sum(jnp.einsum("sip,sip,p->si", psi, psi, w))
        return jnp.sum(each)


@record
class Shallow(Broken):
    order: int = static(default=0)


@pytest.mark.parametrize(
    ("term", "check", "words"),
    [
        (Broken("channels"), battery.scalar_in_double_precision, "has shape \\(1,\\); expected a scalar"),
        (Broken("slope"), battery.gradient_is_the_finite_difference, "the slope of 'kinetic' \\[Ha\\] is"),
        (Nuclear(*NUCLEUS), battery.gradient_is_the_finite_difference, "expected it to depend on the orbitals"),
        (Broken("orbitals"), battery.invariant_under_rotations, "'kinetic' of rotated orbitals"),
        (Broken("weights"), battery.linear_in_the_weights_of_each_argument, "at mean weights of its first argument"),
        (Shallow(), battery.order_says_what_it_needs, "of order 0 failed without gradients"),
    ],
)
def test_a_broken_term_is_refused(term, check, words):
    with pytest.raises(AssertionError, match=words):
        check(TermCase(term))


def test_a_wrong_factor_is_refused():
    @record
    class Double:
        name: str = static(default="kinetic")
        order: int = static(default=1)

        def __call__(self, x, y):
            return 2 * QuadratureKinetic()(x, y)

    with pytest.raises(AssertionError, match=r"with exponent 0\.8 and 2 electrons"):
        check_closed_form(Double(), toys.gaussian_orbital())


def test_toy_orbitals_are_orthonormal():
    """On the analytic overlap; what the battery says of a term holds for orthonormal orbitals."""
    for molecule in (toys.RESTRICTED, toys.UNRESTRICTED):
        c = toys.orbitals(molecule).coefficients
        overlap = jnp.einsum(
            "sbi,bc,scj->sij", c, interop.one_electron_integrals(toys.system(molecule).mole).overlap, c
        )
        occupied = (toys.orbitals(molecule).occupations > 0).astype(float)
        np.testing.assert_allclose(overlap, [np.diag(row) for row in occupied], atol=1e-12)


def test_toys_are_what_a_config_names():
    assert toys.system().restricted
    assert not toys.system(toys.UNRESTRICTED).restricted
    assert setup.make_functional(
        toys.system(), toys.system().grid, hartree="auto", auxiliary="auto", gaussian=True
    ).order in (0, 1)
