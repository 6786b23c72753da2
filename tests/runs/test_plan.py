"""A sketch says of a run, without computing it, what the run then is; and refuses what the run would refuse."""

import itertools

import jax
import numpy as np
import pytest

from nnks.registry import InputError

ANSATZE = {
    "lcgto": {"ansatz__name": "lcgto"},
    "random": {"ansatz__name": "lcgto", "ansatz__guess": "random"},
    "neural": {"ansatz__name": "neural", "ansatz__guess": "core", "ansatz__width": 4},
    "learned functions": {"ansatz__name": "neural_basis", "ansatz__guess": "core", "ansatz__width": 4},
    "residual": {"ansatz__name": "residual", "ansatz__guess": "minao", "ansatz__width": 4},
}
HARTREE = ("auto", "density_fitting", "poisson", "pairwise")
GRIDS = ({}, {"quadrature__pruning": ""}, {"quadrature__pruning": "treutler", "quadrature__level": 1})
OPEN = {"system__restricted": False}
CASES = [
    ("H2", ANSATZE["lcgto"], {}),
    ("H2", ANSATZE["lcgto"], {"sampler__name": "uniform", "sampler__batch_size": 50, "optimizer__name": "adam"}),
    ("H2", ANSATZE["lcgto"], {"quadrature__memory": 0.0, "functional__hartree": "density_fitting"}),
    ("H2", ANSATZE["random"], {"quadrature__level": 3, "quadrature__radial": 10, "quadrature__angular": 50} | OPEN),
    ("H2", ANSATZE["neural"], {"sampler__name": "importance", "sampler__batch_size": 50, "optimizer__name": "adam"}),
    ("H2", ANSATZE["lcgto"], {"orthogonalizer__gram": "full", "functional__xc": "pbe", "optimizer__name": "adam"}),
    ("LiH", ANSATZE["residual"], {"training__held_out_steps": 1}),
    ("H2O", ANSATZE["lcgto"], {"orthogonalizer__name": "cayley", "quadrature__level": 1} | OPEN),
]
CASES += [
    ("H2", ansatz, {"functional__hartree": hartree} | grid | spins)
    for (ansatz, hartree), grid, spins in zip(
        itertools.product((ANSATZE["lcgto"], ANSATZE["learned functions"]), HARTREE),
        itertools.cycle(GRIDS),
        itertools.cycle(({}, OPEN)),
        strict=False,
    )
]


@pytest.mark.parametrize(("molecule", "ansatz", "changes"), CASES)
def test_a_sketch_says_what_the_run_is(molecule, ansatz, changes, quick):
    from nnks.runs.plan import plan, sketch
    from nnks.training.state import count_parameters

    config = quick(system__molecule=molecule, system__basis="sto-3g", **ansatz, **changes)
    promised, made = sketch(config), plan(config)
    problem, system = made.problem, made.system
    assert promised.system.grid.size == system.grid.size
    np.testing.assert_array_equal(promised.system.grid.points, system.grid.points)
    np.testing.assert_array_equal(promised.system.grid.shell, system.grid.shell)
    assert promised.problem.sampler.size == problem.sampler.size
    shapes = jax.eval_shape(lambda p: p.init_params(jax.random.key(0)), problem)
    assert jax.tree.map(lambda x: x.shape, promised.params) == jax.tree.map(lambda x: x.shape, shapes)
    assert promised.describe()["parameters"] == str(count_parameters(shapes))
    assert (promised.problem.projection is None) == (problem.projection is None)
    term, real = promised.problem.functional["hartree"], problem.functional["hartree"]
    assert type(term.operator) is type(real.operator) or not hasattr(term.operator, "table")
    assert term.holds == real.holds
    table, held = promised.problem.model.table, problem.model.table
    assert type(table) is type(held)
    if hasattr(held, "table_bytes"):
        assert held.table_bytes <= table.table_bytes
        assert held.held == (table.table_bytes <= system.memory)


def test_a_sketch_computes_nothing(quick):
    """Every array of it has a shape and no values; the grid's points alone are known."""
    from nnks.runs.plan import sketch

    problem = sketch(quick(ansatz__name="residual", ansatz__width=3)).problem
    leaves = jax.tree.leaves((problem.model, problem.functional))
    assert leaves
    assert all(isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves)


def test_a_partition_drops_no_point_and_turns_no_sign(quick):
    from nnks.interop.pyscf import becke_grid, make_mole
    from nnks.molecule import Molecule

    mole = make_mole(Molecule.from_spec("O 0 0 0; H 0 0 0.96; Li 2 1 0", spin=0), "sto-3g")
    for level, pruning in ((0, "nwchem"), (2, None), (1, "sg1")):
        divided, own = (becke_grid(mole, level, pruning, divided=division) for division in (True, False))
        np.testing.assert_array_equal(divided.points, own.points)
        np.testing.assert_array_equal(divided.cells, own.weights)
        assert (np.asarray(own.weights)[np.asarray(divided.weights) < 0] < 0).all()


@pytest.mark.parametrize("dependent", [False, True])
def test_the_frame_of_dependent_functions_is_counted_without_making_it(dependent):
    from nnks.orthogonalize import frame
    from nnks.orthogonalize.basis_frame import independent

    rows = np.random.default_rng(0).normal(size=(5, 9))
    if dependent:
        rows[4] = rows[3] + 1e-7 * rows[4]
    overlap = rows @ rows.T
    with pytest.warns(UserWarning, match="dropped 1 of 5") if dependent else np.errstate():
        size = frame(jax.numpy.asarray(overlap)).shape[1]
    assert independent(overlap) == size == 5 - dependent


REFUSED = [
    ({"functional__hartree": "exact", "ansatz__name": "residual"}, "hartree='exact' needs orbitals in a Gaussian"),
    ({"functional__auxiliary": "nothing", "functional__hartree": "density_fitting"}, "auxiliary is 'nothing'"),
    ({"functional__xc": "b3lyp"}, "a hybrid"),
    ({"evaluation__hartree": "exakt"}, "is 'exakt'"),
    ({"evaluation__level": 77}, "level is 77"),
    ({"evaluation__hartree": "density_fitting", "evaluation__auxiliary": "nothing"}, "auxiliary is 'nothing'"),
    ({"ansatz__guess": "guess"}, "ansatz.guess is 'guess'"),
    ({"orthogonalizer__gram": "ema"}, "averages over minibatches"),
    ({"sampler__name": "uniform", "sampler__batch_size": 10, "optimizer__name": "lbfgs"}, "draws a new batch"),
    ({"sampler__name": "uniform", "sampler__batch_size": 10**7, "optimizer__name": "adam"}, "the grid has"),
    ({"quadrature__pruning": "much"}, "pruning is 'much'"),
    ({"training__held_out_steps": 1, "quadrature__level": 9}, "no grid is finer"),
    ({"reference__large_basis": "nothing"}, "'nothing'"),
    ({"orthogonalizer__name": "qr", "orthogonalizer__gram": "full", "quadrature__level": 2}, "positive weights"),
    ({"quadrature__memory": 1e6}, "quadrature.memory is 1000000.0 GB and this machine has"),
    ({"quadrature__memory": float("nan")}, "quadrature.memory is nan"),
]


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=[said for _, said in REFUSED])
def test_what_a_run_would_refuse_the_sketch_refuses(changes, said, quick):
    from nnks.runs.plan import sketch

    with pytest.raises(InputError) as refusal:
        sketch(quick(system__molecule="LiH", **changes))
    assert said in str(refusal.value)
    assert str(refusal.value).isprintable()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system__molecule": "C60", "functional__hartree": "exact"}, "hartree='exact' needs 170.7 GB"),
        (
            {"ansatz__name": "residual", "ansatz__width": 10**4, "ansatz__depth": 32},
            "for the optimizer's state, and this machine has",
        ),
    ],
    ids=["integrals", "parameters"],
)
def test_what_no_memory_holds_is_refused_before_it_is_built(changes, said, quick):
    from nnks.runs.plan import plan

    with pytest.raises(InputError) as refusal:
        plan(quick(**changes))
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("changes", "arrays", "part"),
    [
        (
            {"ansatz__name": "residual"},
            2 * 2 * 4,
            "orbitals at the points of a step",
        ),  # spins, copies, values and slopes
        ({"sampler__name": "full", "orthogonalizer__gram": "full"}, 2, "the basis on the grid"),  # two functions
        ({"functional__hartree": "density_fitting", "ansatz__name": "neural"}, None, "integrals and potentials"),
    ],
)
def test_what_a_run_holds_is_counted(changes, arrays, part, quick):
    from nnks.runs.plan import sketch

    base = {"system__molecule": "H2", "system__basis": "sto-3g", "system__restricted": False}
    outline = sketch(quick(**base, **changes))
    functions = outline.system.fitting_functions("auto")
    size = outline.held[part] / (8 * outline.system.grid.size)
    assert size == pytest.approx(arrays or functions, rel=0.05)
    assert "GB, most of it for" in outline.describe()["memory"]
