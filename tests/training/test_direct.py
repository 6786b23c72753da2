"""Direct minimization in a frame that follows the orbitals, and the test for saddles."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

DIRECT = {"optimizer__name": "direct"}
# two programs that are both converged to gradients of 1e-6
CONVERGED = 1e-9


def prepared(plan):
    from nnks import setup
    from nnks.training import begin

    key = setup.run_key(plan.config)
    return begin(plan.optimizer, plan.problem, plan.problem.init_params(key), key)


FRAMED = [
    pytest.param("LiH", "lda,vwn", id="restricted"),
    pytest.param("N", "pbe", id="unrestricted", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("molecule", "xc"), FRAMED)
def test_a_new_frame_changes_nothing_but_coordinates(molecule, xc, quick):
    """Energy and orbitals stay, the gradient is the derivative in the new coordinates, and orbitals are canonical."""
    from nnks.runs.plan import plan
    from nnks.training.frame import gaussian_energy, make_frame

    ready = plan(quick(system__molecule=molecule, functional__xc=xc, ansatz__guess="core", **DIRECT))
    step, state = ready.optimizer.make_step(ready.problem), prepared(ready)
    for _ in range(3):
        state, _ = step(state)
    framed = ready.optimizer._reframed(ready.problem, state)
    orbitals = make_frame(ready.problem, state.params).canonical

    def loss(rotation, params):
        return ready.problem.loss({**params, "rotation": rotation}, state.key, state.step)[0]

    before = loss(state.params["rotation"], state.params)
    after, gradient = jax.jit(jax.value_and_grad(loss))(framed.params["rotation"], framed.params)
    assert after == pytest.approx(float(before), abs=1e-11)
    assert framed.opt_state.history.evaluated.energies["total"] == pytest.approx(float(before), abs=1e-11)
    np.testing.assert_allclose(framed.opt_state.history.gradient, gradient.reshape(-1), atol=1e-9)
    overlap = ready.system.mole.intor("int1e_ovlp")
    model = ready.problem.model
    occupied = model(state.params, ready.problem.grid.quadrature()).require_coefficients()
    _, fock = gaussian_energy(ready.problem)(occupied, model.occupations)
    for c, e, f, n in zip(orbitals.mo_coeff, orbitals.mo_energy, fock, model.nocc, strict=True):
        np.testing.assert_allclose(c.T @ overlap @ c, np.eye(c.shape[1]), atol=1e-10)
        matrix = np.array(c.T @ f @ c)
        matrix[:n, n:] = matrix[n:, :n] = 0  # what is left of the gradient
        np.testing.assert_allclose(matrix, np.diag(e), atol=1e-9)


SECOND = [
    ("LiH", "lda,vwn"),
    pytest.param("LiH", "pbe", marks=pytest.mark.slow),
    pytest.param("N", "pbe", marks=pytest.mark.slow),
    ("N", "tpss"),
]


@pytest.mark.parametrize(("molecule", "xc"), SECOND)
def test_curvature_is_the_second_derivative(molecule, xc, quick):
    """Every rotation of a minimal basis, against automatic differentiation of the whole energy."""
    from nnks.runs.plan import plan
    from nnks.training.frame import gaussian_energy, make_frame
    from nnks.training.stability import curvature, softest_rotations

    ready = plan(
        quick(
            system__molecule=molecule,
            system__basis="6-31g" if molecule == "N" else "sto-3g",
            functional__xc=xc,
            **DIRECT,
        )
    )
    step, state = ready.optimizer.make_step(ready.problem), prepared(ready)
    for _ in range(6):
        state, _ = step(state)
    orbitals = (framed := make_frame(ready.problem, state.params)).canonical
    model = ready.problem.model
    scale = framed.scale
    rotations = softest_rotations(orbitals, model.nocc, 1000)
    s, i, a = rotations.T

    def energy(angles):
        x = jnp.zeros(scale.shape).at[s, a, i].set(angles / scale[s, a, i])
        return ready.problem.loss({**framed.params(state.params, "rotation"), "rotation": x}, state.key, state.step)[0]

    zero = jnp.zeros(len(rotations))
    expected = jax.jit(jax.hessian(energy))(zero)
    second = jax.jit(curvature)(gaussian_energy(ready.problem), orbitals, model.occupations, rotations)
    # what is left of the gradient, 1e-6, enters the second derivative of the coordinates
    np.testing.assert_allclose(second, expected, atol=3e-5)


@pytest.mark.reference
def test_a_saddle_is_left(quick, tmp_path):
    """Stretched H2 with equal orbitals for both spins is a saddle: PySCF's stable solution lies 0.1 Ha below."""
    import nnks

    apart = quick(
        system__molecule="H 0 0 0; H 0 0 3.0",
        system__restricted=False,
        functional__xc="pbe",
        reference__pyscf=True,
        **DIRECT,
    )
    summary = nnks.run(apart, results=tmp_path)
    assert summary.converged
    assert summary.energies["total"] == pytest.approx(summary.reference["pyscf/6-31g"], abs=1e-7)
    blind = nnks.run(nnks.config.override(apart, {"optimizer.stability": False}), results=tmp_path)
    assert blind.energies["total"] > summary.energies["total"] + 0.01


def test_far_starts_are_reframed(quick, tmp_path):
    """From the bare nuclei's orbitals of CO occupied orbitals turn by more than the frame allows."""
    import nnks
    from nnks.tracking.record import RunRecord

    bad = quick(system__molecule="CO", system__basis="sto-3g", ansatz__guess="core", **DIRECT)
    good = quick(system__molecule="CO", system__basis="sto-3g", **DIRECT)
    first, second = nnks.run(bad, results=tmp_path), nnks.run(good, results=tmp_path)
    assert first.energies["total"] == pytest.approx(second.energies["total"], abs=CONVERGED)
    angles = [row["direct/angle"] for row in RunRecord(first.path).metrics]
    assert any(later < 0.7 * earlier for earlier, later in itertools.pairwise(angles) if earlier > 0.8)


def test_resumed_in_a_moved_frame(quick, tmp_path, monkeypatch):
    import nnks
    from nnks.runs import experiment

    changes = quick(
        system__molecule="CO", system__basis="sto-3g", ansatz__guess="core", training__checkpoint_steps=1, **DIRECT
    )
    unbroken = nnks.run(changes, results=tmp_path / "a")
    real = experiment.iterate

    def interrupted(*args, **kwargs):
        for progress in real(*args, **kwargs):
            if progress.step == 12:
                raise KeyboardInterrupt
            yield progress

    monkeypatch.setattr(experiment, "iterate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        nnks.run(changes, results=tmp_path / "b")
    monkeypatch.undo()
    resumed = nnks.run(changes, results=tmp_path / "b")
    assert dict(resumed.energies) == dict(unbroken.energies)
    assert resumed.steps == unbroken.steps


@pytest.mark.parametrize(
    "changes",
    [
        {"ansatz__name": "gaussian_learned"},
        {"orthogonalizer__gram": "full"},
        {"sampler__name": "uniform", "sampler__batch_size": 50, "functional__one_electron": "quadrature"},
    ],
)
def test_what_cannot_be_rotated_is_refused(changes, quick, tmp_path):
    import nnks
    from nnks.registry import InputError

    with pytest.raises(InputError, match="'direct'"):
        nnks.run(quick(**changes, **DIRECT), results=tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_predicted_error_is_that_of_the_energy(quick, tmp_path):
    """Within a factor of five of what later steps gained, from the second step on: then the Hessian is known."""
    import nnks
    from nnks.tracking.record import RunRecord

    rows = RunRecord(nnks.run(quick(system__molecule="LiH", **DIRECT), results=tmp_path).path).metrics
    final = rows[-1]["energy/total"]
    for row in rows[2:-3]:
        assert 0.2 < row["energy/error"] / (row["energy/total"] - final) < 5


@pytest.mark.parametrize(
    "patience", [pytest.param(80, id="turned", marks=pytest.mark.slow), pytest.param(3, id="given up")]
)
def test_a_shallow_minimum_is_turned(patience, quick, monkeypatch):
    """Stretched F2: holes tilted in one plane are a minimum, one along and one across the bond lie 0.1 mHa lower.

    PySCF finds the same.
    A turn that is given up leads back to the first minimum, whose energy was known to 3e-6 Ha.
    """
    from nnks.interop.reference import reference
    from nnks.runs.plan import plan
    from nnks.runs.references import same_basis
    from nnks.training import Convergence, direct

    monkeypatch.setattr(direct, "PATIENCE", patience)
    config = quick(
        system__molecule="F 0 0 0; F 0 0 2.8238",
        system__basis="6-31g",
        system__restricted=False,
        functional__xc="pbe",
        quadrature__level=1,
        **DIRECT,
    )
    ready = plan(config)
    step, state, energies, curvatures = ready.optimizer.make_step(ready.problem), prepared(ready), [], []
    converged = Convergence(1e-8, 1e-5)
    for _ in range(120):
        state, metrics = step(state)
        energies.append(float(metrics["energy/total"]))
        if "stability/curvature" in metrics:
            curvatures.append((float(metrics["stability/curvature"]), energies[-1]))
        if converged.reached({name: float(value) for name, value in metrics.items()}):
            break
    else:
        pytest.fail("not converged")
    saddle, shallow = curvatures[0], next(pair for pair in curvatures if pair[0] > 0)
    assert saddle[0] < -0.1
    if patience < 10:
        # the minimum was examined 1.8e-6 Ha before its end, which the run reaches after it came back
        assert energies[-1] == pytest.approx(shallow[1], abs=3e-6)
        assert max(energies[energies.index(shallow[1]) :]) > shallow[1] + 1e-4  # it was elsewhere in between
        return
    stable = reference(ready.system.molecule, same_basis(ready.system, fitted=False))["energies"]["total"]
    assert shallow[1] > stable + 5e-5
    # it stopped at a gradient of 7e-6, 1.04e-6 Ha high; sixty steps more gained 1.0e-6 Ha: so the softest curvature is
    # 7e-6^2 / (2 * 1.0e-6) = 2.4e-5 Ha, along which a gradient that just passes, 1e-5, leaves 2.1e-6 Ha
    assert energies[-1] < stable + 3e-6


@pytest.mark.parametrize("changes", [{"memory": 0}, {"trials": 1}, {"largest_step": 0.0}, {"reach": 4.0}])
def test_settings_that_no_step_can_use_are_refused(changes):
    from nnks.registry import InputError
    from nnks.training import Direct

    with pytest.raises(InputError, match=f"optimizer.{next(iter(changes))} is"):
        Direct(**changes)


def test_steps_are_one_program_and_follow_their_arguments(quick):
    """Fitted integrals come from NumPy's memory.

    Were they committed to a device, the step from uncommitted parameters would be compiled apart.
    """
    from nnks.runs.plan import plan
    from nnks.training.direct import _step

    ready = plan(quick(system__molecule="LiH", functional__hartree="density_fitting", **DIRECT))
    step, state = ready.optimizer.make_step(ready.problem), prepared(ready)
    assert not any(x.committed for x in jax.tree.leaves((ready.problem, state)))
    before = _step._cache_size()
    for _ in range(3):
        state, _ = step(state)
    assert _step._cache_size() == before + 1
