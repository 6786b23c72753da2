"""A learned Gaussian basis reaches the best that its number of Gaussians can do."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest


@pytest.fixture(scope="module")
def helium():
    from nnks import setup
    from nnks.config import default_config, override

    changes = {"system.molecule": "He", "system.basis": "sto-3g", "quadrature.level": 1, "functional.xc": "lda,"}
    changes |= {"ansatz.name": "gaussian_learned", "functional.auxiliary": "even_tempered"}
    return setup.make_problem(setup.make_system(override(default_config(), changes)))


def test_helium_reaches_the_best_contraction_of_three_gaussians(helium):
    """A search over exponents and contraction in closed form found -2.695706 Ha; STO-3G has -2.657312 Ha."""
    from nnks.training import LBFGS, begin

    optimizer = LBFGS(curvature=0.03)
    key, totals = jax.random.key(0), []
    params = helium.model.ansatz.init_params(key)
    step, state = optimizer.make_step(helium), begin(optimizer, helium, params, key)
    for _ in range(20):
        state, metrics = step(state)
        totals.append(float(metrics["energy/total"]))
    assert abs(totals[0] + 2.657312) < 1e-4
    assert abs(totals[-1] + 2.695706) < 1e-4
    assert not np.allclose(state.params["log_exponents_0"], 0, atol=0.01)


@pytest.mark.parametrize("kind", ["exponents", "contractions", "centers"])
def test_only_what_is_asked_for_is_trained(kind):
    from nnks.ansatz import GaussianLearned, make_ansatz
    from nnks.testing import toys

    flags = {name: name == kind for name in ("exponents", "contractions", "centers")}
    ansatz = make_ansatz(GaussianLearned(**flags), toys.start("LiH"))
    names = {name.rsplit("_", 1)[0] for name in ansatz.init_params(jax.random.key(0))}
    assert names == {"rotation", {"exponents": "log_exponents"}.get(kind, kind)}


def test_a_moved_shell_is_the_shell_seen_from_elsewhere():
    from nnks.ansatz import GaussianLearned, make_ansatz
    from nnks.testing import toys

    start, shift = toys.one_function_start(), jnp.array([0.1, -0.2, 0.3])
    ansatz = make_ansatz(GaussianLearned(), start)
    params = ansatz.init_params(jax.random.key(0)) | {"centers_0": shift[None]}
    r = jnp.array([0.4, 0.5, -0.2])
    np.testing.assert_allclose(ansatz.evaluate(params, r), start.orbitals(r - shift), rtol=1e-14)
