"""Orthonormal orbitals by a layer, by rotations, by a penalty or by projection: what is the same, and what is not."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

MIXES = ("qr", "cholesky", "lowdin", "canonical", "polar")
ROTATIONS = ("cayley", "exponential")
KEY, ZERO = jax.random.key(0), jnp.int32(0)


@functools.cache
def problem(name="cholesky", constraint="reparameterize", penalty=10.0, guess="random"):
    """Electrons of LiH that do not see each other, two orbitals among six functions: fast to compile."""
    from nnks import setup
    from nnks.ansatz import LCGTO, make_ansatz
    from nnks.config import override
    from nnks.testing import toys

    changes = {"ansatz.guess": guess, "orthogonalizer.name": name, "orthogonalizer.constraint": constraint}
    config = override(toys.system().config, changes | {"orthogonalizer.penalty": penalty})
    system = dataclasses.replace(toys.system(), config=config)
    start = setup.make_start(toys.system(), "random") if guess == "random" else toys.start()
    ansatz = setup.rotate(system, make_ansatz(LCGTO(guess=guess), start))
    model = setup.make_model(system, ansatz, system.grid, 0, exact=True)
    kept = setup.make_constraint(system, solved=False)
    return dataclasses.replace(toys.problem(), model=model, constraint=kept)


@functools.cache
def hamiltonian():
    """In the frame of the random start, and its eigenvectors and eigenvalues."""
    p = problem()
    frame = p.model.ansatz.start.frame[0]
    core = sum(term.integrals for term in p.functional.terms)
    return np.linalg.eigh(frame.T @ core @ frame)


def minimized(optimizer, problem, steps):
    from nnks.training import begin

    state, step, totals = begin(optimizer, problem, problem.init_params(KEY), KEY), optimizer.make_step(problem), []
    for _ in range(steps):
        state, metrics = step(state)
        totals.append(float(metrics["energy/total"]))
    return state, np.array(totals), metrics


@functools.cache
def path(name, steps=40):
    from nnks.training import FirstOrder

    state, totals, _ = minimized(FirstOrder(optax.adam(3e-2)), problem(name), steps)
    return totals, state.params["rotation"]


@pytest.mark.parametrize("name", MIXES[1:])
def test_mixes_follow_the_same_path(name):
    """The energy is one function of the raw parameters: so is every deterministic optimizer's path, to rounding."""
    (totals, end), (expected, last) = path(name), path("qr")
    assert expected[0] - expected[-1] > 1  # Hartree: it is a path
    np.testing.assert_allclose(totals, expected, rtol=1e-12)
    np.testing.assert_allclose(end, last, atol=1e-11)


@pytest.mark.parametrize("name", ROTATIONS)
def test_rotations_follow_another(name):
    """They span another space of the same parameters, from the first energy on."""
    assert np.abs(path(name)[0] - path("qr")[0]).max() > 0.1


@pytest.mark.parametrize("guess", ["random", "minao"])
@pytest.mark.parametrize("name", ["polar", *ROTATIONS])  # the other mixes share polar's path
def test_all_reach_the_same_energy(name, guess):
    from nnks.training import LBFGS

    p = problem(name, guess=guess)
    _, totals, metrics = minimized(LBFGS(), p, 25 if guess == "minao" else 45)
    assert float(metrics["grad/norm"]) < 1e-5
    assert totals[-1] == pytest.approx(2 * hamiltonian()[0][:2].sum(), abs=1e-9)


@pytest.mark.parametrize("name", ROTATIONS)
def test_rotations_are_orthonormal_where_they_are_evaluated(name):
    from nnks.basis import GaussianBasis
    from nnks.testing.toys import noisy

    p = problem(name, guess="minao")
    ansatz = p.model.ansatz
    params = noisy(p.init_params(KEY), 3, 0.5)
    w = ansatz.coordinates(params)
    np.testing.assert_allclose(jnp.swapaxes(w, 1, 2) @ w, np.eye(2)[None], atol=1e-13)
    r = jnp.array([0.3, -0.2, 0.7])
    basis: GaussianBasis = ansatz.start.basis
    np.testing.assert_allclose(
        jax.jit(ansatz.evaluate)(params, r),
        jnp.einsum("b,sbi->si", basis(r), ansatz.coefficients(params)),
        atol=1e-14,
    )


def test_the_direct_minimizer_turns_the_frame_of_a_rotation():
    from nnks.testing.toys import noisy
    from nnks.training import Direct, begin
    from nnks.training.frame import make_frame

    p = problem("exponential", guess="minao")
    params = begin(Direct(), p, noisy(p.init_params(KEY), 1, 0.3), KEY).params
    framed = make_frame(p, params)
    moved = framed.params(params, "rotation")
    before, after = (p.energies(x, KEY, ZERO)["total"] for x in (params, moved))
    assert after == pytest.approx(float(before), abs=1e-12)


def slope(p, params):
    return jax.jit(lambda p, x: jax.value_and_grad(p.loss, has_aux=True)(x, KEY, ZERO))(p, params)[1]


@pytest.mark.parametrize("penalty", [10.0, 1000.0])
def test_a_penalty_leaves_norms_too_large(penalty):
    r"""Without interaction the minimum is known: canonical orbitals with $G = 1 - n\epsilon/2\mu$."""
    energies, vectors = hamiltonian()
    norms = 1 - 2 * energies[:2] / (2 * penalty)
    w = jnp.asarray(vectors[:, :2] * np.sqrt(norms))[None]
    p = problem(constraint="penalty", penalty=penalty)
    (total, evaluated), gradient = jax.value_and_grad(p.loss, has_aux=True)({"rotation": w}, KEY, ZERO)
    np.testing.assert_allclose(gradient["rotation"], 0, atol=1e-9 * penalty)
    added = penalty * np.sum((norms - 1) ** 2)
    assert float(evaluated.energies["penalty"]) == pytest.approx(added, rel=1e-9)
    assert float(total) == pytest.approx(2 * float(energies[:2] @ norms) + added, rel=1e-12)
    assert np.linalg.norm(slope(p, {"rotation": 1.1 * w})["rotation"]) > 1


def test_a_penalty_is_unbiased_on_minibatches():
    """From two batches of equal points it is the product of their errors, not the square of one."""
    from nnks.objective.constraint import deviation
    from nnks.testing import toys

    p = problem(constraint="penalty")
    x = toys.orbitals()
    model = dataclasses.replace(p.model, gram="batch")
    twice = dataclasses.replace(x, values=jnp.sqrt(2.0) * x.values)
    one = np.eye(2)
    gx, gy = np.asarray(x.overlap()[0]), np.asarray(twice.overlap()[0])
    mean = deviation(model, {}, x, twice)
    assert float(mean) == pytest.approx(np.sum((gx - one) * (gy - one)), rel=1e-12)
    assert abs(float(mean)) < 0.1 * float(deviation(model, {}, twice, twice))  # gy = 2 gx, nearly 2


@pytest.mark.parametrize("kind", ["project", "riemannian"])
def test_a_projected_step_ends_on_orthonormal_orbitals(kind):
    from nnks.training import FirstOrder

    state, totals, metrics = minimized(FirstOrder(optax.sgd(3e-2)), problem(constraint=kind), 150)
    w = state.params["rotation"][0]
    np.testing.assert_allclose(w.T @ w, np.eye(2), atol=1e-13)
    assert totals[-1] == pytest.approx(2 * hamiltonian()[0][:2].sum(), abs=1e-3)
    assert float(metrics["grad/norm"]) < 0.05  # of the gradient that vanishes there


def test_which_gradient_vanishes_at_the_minimum():
    """That of the energy does not, along the orbitals; and on the manifold it is the layer's own."""
    energies, vectors = hamiltonian()
    params = {"rotation": jnp.asarray(vectors[:, :2])[None]}
    p = problem(constraint="project")
    gradient = slope(p, params)
    np.testing.assert_allclose(gradient["rotation"][0], 4 * vectors[:, :2] * energies[:2], atol=1e-10)
    np.testing.assert_allclose(p.constraint.slope(params, gradient)["rotation"], 0, atol=1e-10)
    start = p.init_params(KEY)
    tangent = p.constraint.slope(start, slope(p, start))["rotation"]
    np.testing.assert_allclose(tangent, slope(problem(), start)["rotation"], atol=1e-10)


LCGTO_RANDOM = {"ansatz.guess": "random", "optimizer.name": "adam"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"orthogonalizer.constraint": "penalti"}, "did you mean 'penalty'"),
        ({"orthogonalizer.penalty": -1.0}, "orthogonalizer.penalty is -1.0; it must be a number above 0"),
        ({"orthogonalizer.constraint": "penalty"}, "use ansatz.guess='random'"),
        (LCGTO_RANDOM | {"orthogonalizer.constraint": "project", "orthogonalizer.gram": "full"}, "analytic"),
        (LCGTO_RANDOM | {"orthogonalizer.constraint": "penalty", "optimizer.name": "lbfgs"}, "'lbfgs' is none"),
        (LCGTO_RANDOM | {"orthogonalizer.constraint": "project", "orthogonalizer.name": "cayley"}, "by themselves"),
        ({"orthogonalizer.constraint": "project", "ansatz.name": "residual"}, "has other parameters"),
        ({"orthogonalizer.constraint": "penalty", "ansatz.name": "neural_basis"}, "ansatz.linear='trained'"),
        ({"orthogonalizer.name": "cayley", "ansatz.name": "residual"}, "leaves it; use ansatz.name='lcgto'"),
        ({"orthogonalizer.name": "exponential", "orthogonalizer.gram": "batch"}, "without a Gram matrix"),
        (LCGTO_RANDOM | {"optimizer.name": "direct"}, "ansatz.guess='random' has none"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(changes, words, quick):
    from nnks.config import override
    from nnks.registry import InputError
    from nnks.runs.plan import plan

    with pytest.raises(InputError, match=words) as error:
        plan(override(quick(system__basis="sto-3g"), changes))
    assert str(error.value).count(". ") == 0


@pytest.mark.slow
@pytest.mark.parametrize("molecule", ["H2", "LiH"])
def test_runs_end_at_the_same_energy(molecule, quick, tmp_path):
    import nnks

    energies = {
        name: nnks.run(
            quick(system__molecule=molecule, system__basis="sto-3g", orthogonalizer__name=name), results=tmp_path
        ).energies["total"]
        for name in MIXES + ROTATIONS
    }
    assert max(energies.values()) - min(energies.values()) < 1e-9
