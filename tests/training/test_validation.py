"""Early stopping: it ends a run where a strong optimizer would go on below the exact energy."""

import pytest

FLEXIBLE = {
    "system__basis": "sto-3g",
    "ansatz__name": "residual",
    "ansatz__width": 8,
    "ansatz__depth": 1,
    "optimizer__name": "natural_gradient",
    "functional__hartree": "density_fitting",
    "functional__auxiliary": "weigend",
}
AUTO = {"training__held_out_steps": None}
EXACT = -2.834836  # helium, LDA with VWN5 (NIST's Atomic Reference Data)


def totals(summary, name="energy/total"):
    from nnks.tracking.record import RunRecord

    return [row[name] for row in RunRecord(summary.path).metrics]


def test_the_guard_ends_a_run_before_it_fits_the_grid(quick, tmp_path):
    """Helium on 500 points: 25 unguarded steps fall to -2.91 Ha on them, and end 0.4 Ha off on a finer grid."""
    import nnks

    free = nnks.run(quick(**FLEXIBLE, training__steps=25, training__held_out_steps=0), results=tmp_path / "free")
    assert min(totals(free)) < EXACT - 0.03
    assert abs(free.energies["total"] - EXACT) > 0.03
    assert free.values["stopped"] == "steps"

    guarded = nnks.run(quick(**FLEXIBLE, training__steps=25, **AUTO), results=tmp_path / "guarded")
    assert guarded.values["stopped"] == "grid"
    assert not guarded.converged
    held_out = totals(guarded, "energy/held_out")
    assert guarded.energies["total"] > EXACT
    # the state that is kept is the best on the points that training did not see
    best = held_out.index(min(held_out))
    assert guarded.steps == best


@pytest.mark.slow
def test_both_energies_are_those_of_one_state(quick, tmp_path):
    """Helium on a good enough grid: the grids agree to 0.02 mHa at every step, while the energy falls by 50 mHa."""
    import nnks

    changes = {"ansatz__name": "neural_basis", "ansatz__width": 4, "quadrature__level": 2, "training__steps": 3}
    for optimizer in ({"name": "lbfgs", "curvature": 0.03}, {"name": "adam"}):
        config = quick(**FLEXIBLE | {"ansatz__depth": 1} | changes, **AUTO)
        with config.unlocked():
            config.optimizer = optimizer
        summary = nnks.run(config, results=tmp_path / optimizer["name"])
        assert summary.values["stopped"] == "steps"
        pairs = zip(totals(summary), totals(summary, "energy/held_out"), strict=True)
        assert max(abs(a - b) for a, b in pairs) < 2e-5, optimizer


def test_a_run_on_a_hopeless_grid_keeps_its_start_and_warns(quick, tmp_path, capfd):
    """Lithium hydride on level 0, whose grid is 80 mHa off: no step of `gaussian_learned` lowers the energy itself."""
    import nnks

    changes = {
        "system__molecule": "LiH",
        "system__basis": "sto-3g",
        "ansatz__name": "gaussian_learned",
        "training__steps": 12,
    }
    config = quick(**changes, functional__hartree="density_fitting", functional__auxiliary="weigend", **AUTO)
    with config.unlocked():
        config.optimizer = {"name": "lbfgs"}
    summary = nnks.run(config, results=tmp_path)
    held_out = totals(summary, "energy/held_out")
    assert summary.values["stopped"] == "grid"
    assert held_out.index(min(held_out)) == summary.steps - 1  # numbers of a step are of its end
    assert summary.energies["total"] == pytest.approx(min(held_out), abs=0.1)
    assert "use a higher quadrature.level" in capfd.readouterr().err


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, False),  # Gaussian orbitals cannot fit a grid
        ({"training__held_out_steps": 2}, True),
        (FLEXIBLE, True),
        (FLEXIBLE | {"training__held_out_steps": 0}, False),
        (FLEXIBLE | {"sampler__name": "uniform", "sampler__batch_size": 50}, False),
    ],
)
def test_where_there_is_a_guard(changes, expected, quick):
    from nnks.runs.plan import plan

    assert (plan(quick(**AUTO | changes)).stopping is not None) == expected


def test_the_held_out_energy_is_that_of_the_finer_grid(quick, tmp_path):
    """Gaussian orbitals of an atom before the first step: it is round, and does not see that the grid is turned."""
    import dataclasses

    import jax
    import jax.numpy as jnp

    from nnks import setup
    from nnks.runs.plan import plan

    coarse, fine = (plan(quick(quadrature__level=n, training__held_out_steps=1)) for n in (0, 1))
    params = coarse.problem.init_params(setup.run_key(coarse.config))
    model = dataclasses.replace(fine.problem.model, ansatz=coarse.problem.model.ansatz)  # the guess depends on the grid
    expected = dataclasses.replace(fine.problem, model=model).energies(params, jax.random.key(0), jnp.int32(0))["total"]
    assert coarse.stopping.held_out.energy(params) == pytest.approx(float(expected), abs=1e-12)
    # directions that a training has learned are not those of its guard
    points, straight = coarse.stopping.held_out.quadrature.points, fine.system.grid.points
    assert float(jnp.max(jnp.abs(points - straight))) > 0.5
    assert float(jnp.max(jnp.abs(jnp.linalg.norm(points, axis=1) - jnp.linalg.norm(straight, axis=1)))) < 1e-12


@pytest.mark.parametrize(
    "changes",
    [
        {"training__held_out_steps": -1},
        {"training__held_out_steps": 1, "quadrature__level": 9},
        {
            "training__held_out_steps": 1,
            "sampler__name": "uniform",
            "sampler__batch_size": 50,
            "optimizer__name": "adam",
        },
    ],
)
def test_impossible_guards_are_refused(changes, quick):
    from nnks.registry import InputError
    from nnks.runs.plan import plan

    with pytest.raises(InputError, match="held_out_steps"):
        plan(quick(**changes))
