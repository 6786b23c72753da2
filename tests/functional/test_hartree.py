"""The one Hartree term: what it has beside its energy follows from its Coulomb operator."""

import jax
import jax.numpy as jnp
import pytest

from nnks import setup
from nnks.config import override
from nnks.coulomb import ChargeAtPoints, PairwiseCoulomb
from nnks.functional import Functional, Rotations
from nnks.functional.hartree import Hartree
from nnks.interop import pyscf as interop
from nnks.orbitals import Density, TabulatedDensity
from nnks.testing import toys
from nnks.types import record


def make(method):
    s = toys.system()
    operators = {
        "exact": lambda: (s.exact(),),
        "fitted": lambda: (s.fitted("auto"),),
        "tabulated": lambda: (s.tabulated("auto", s.grid),),
        "streamed": lambda: s.streamed("auto", s.grid),
        "poisson": lambda: s.poisson(s.grid),
        "pairwise": lambda: (PairwiseCoulomb(),),
    }
    return Hartree(*operators[method]())


@pytest.mark.parametrize("method", ["exact", "fitted"])
def test_integrals_in_the_basis_make_it_a_function_of_the_density_matrix(method):
    term, x = make(method), toys.orbitals()
    assert Functional((term,)).in_basis == (term,)
    assert Functional.knows_curvature(term)
    assert not term.reads_density
    matrix = jnp.sum(x.density_matrix(), axis=0)
    assert float(term.of_matrix(matrix)) == pytest.approx(float(term(x, x)), rel=1e-14)


def test_a_table_on_the_grid_knows_how_products_of_orbitals_interact():
    """Twice the operator's energy of each two products, which are evaluated point by point here."""
    s, term = toys.system(), make("tabulated")
    assert Functional.knows_curvature(term)
    assert term.reads_density
    values = s.basis().at(s.grid.points, 0)[0]
    mo_coeff = jnp.linalg.qr(jax.random.normal(jax.random.key(0), (s.mole.nao, s.mole.nao)))[0][None]
    index = jnp.asarray([[0, 0, 1], [0, 1, 2], [0, 0, 2]])
    rotations = Rotations(s.blocks(s.grid, 0), mo_coeff[:, :, :1], jnp.full((1, 1), 2.0), mo_coeff, index)
    psi = values @ mo_coeff[0]
    charges = [ChargeAtPoints(s.grid.quadrature(), psi[:, i] * psi[:, a]) for _, i, a in index.tolist()]
    expected = [[2 * float(term.operator.energy(x, y)) for y in charges] for x in charges]
    assert jnp.allclose(term.curvature(rotations), jnp.asarray(expected), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("method", ["streamed", "poisson", "pairwise"])
def test_an_operator_on_points_makes_it_a_functional_of_the_density_there(method):
    term = make(method)
    assert Functional((term,)).on_grid == (term,)
    assert not Functional.knows_curvature(term)
    assert term.reads_density
    for name in ("of_matrix", "curvature"):
        with pytest.raises(AttributeError, match="acts on charges at points, and knows no matrices"):
            getattr(term, name)


@pytest.mark.parametrize("method", ["streamed", "poisson"])
def test_free_atoms_change_no_more_than_the_error_of_the_grid(method):
    """On level 1, by 2e-5 Ha of 4 for the density of the atomic guess; without them the operator sees the cores."""
    s = setup.make_system(override(toys.config(), {"quadrature.level": 1}))
    operator, atoms = s.streamed("even_tempered", s.grid) if method == "streamed" else s.poisson(s.grid)
    chi, matrix = s.table(s.grid, 0).values, jnp.asarray(interop.guess_density(s.mole, "minao").sum(axis=0))
    rho = jnp.einsum("pb,bc,pc->p", chi, matrix, chi)
    x = TabulatedDensity(s.grid.quadrature(), Density(rho[None], None, None))
    energy = jax.jit(lambda term, x: term(x, x))
    exact = float(Hartree(s.exact()).of_matrix(matrix))
    bare, corrected = (float(energy(Hartree(operator, known), x)) for known in (None, atoms))
    assert 0 < abs(bare - corrected) < 1e-4
    assert corrected == pytest.approx(exact, abs=1e-4)


def test_the_deformation_and_the_free_atoms_are_the_density():
    """Of any density, also one that is no molecule's: their charges add up to its own."""
    atoms, q = make("poisson").free_atoms.model, toys.system().grid.quadrature()
    rho = jnp.exp(-0.7 * jnp.sum(q.points**2, axis=1)) * q.points[:, 0]
    deformation, count = atoms.split(TabulatedDensity(q, Density(rho[None], None, None)))
    assert float(count) == pytest.approx(1, abs=1e-12)
    assert float(jnp.max(jnp.abs(deformation.density + count * atoms.density - rho))) < 1e-12


@record
class Screened(PairwiseCoulomb):
    """An operator of a user's own: half of the pair sum."""

    def energy(self, x, y):
        return 0.5 * super().energy(x, y)


def test_an_operator_of_a_users_own_makes_a_term():
    x = toys.orbitals()
    half = Hartree(Screened())
    assert float(half(x, x)) == pytest.approx(0.5 * float(make("pairwise")(x, x)))
    charge = ChargeAtPoints(x.quadrature, x.density().total)
    assert float(half(x, x)) == pytest.approx(float(half.operator.energy(charge, charge)))
