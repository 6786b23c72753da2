"""The loop of a training: what ends it."""

import jax
import jax.numpy as jnp
import pytest

from nnks.training import TrainingDiverged, iterate
from nnks.training.loop import Convergence
from nnks.training.state import initial_state


def losing(*broken):
    """A step after which energies are finite, but for those of the third step."""

    def step(state):
        metrics = {f"energy/{name}": jnp.ones(()) for name in ("total", "kinetic", "xc", "trap")}
        metrics["grad/norm"] = jnp.ones(())
        if int(state.step) == 2:
            metrics |= dict.fromkeys(broken, jnp.asarray(jnp.nan))
        return type(state)(state.step + 1, state.params, state.opt_state, state.key, state.evaluations), metrics

    return step


@pytest.mark.parametrize(
    ("broken", "term", "words"),
    [
        (("energy/total", "energy/trap", "grad/norm"), "trap", "the energy's term 'trap' was not finite"),
        (("energy/total", "energy/xc", "energy/trap"), "xc, trap", r"the energy \(xc, trap\) was not finite"),
        (("grad/norm",), "grad/norm", "^grad/norm was not finite"),
    ],
)
def test_a_number_that_is_not_finite_names_the_terms_that_broke_and_the_step(broken, term, words):
    start = initial_state({"w": jnp.ones(2)}, (), jax.random.key(0))
    with pytest.raises(TrainingDiverged, match=words) as caught:
        list(iterate(losing(*broken), start, until=9))
    assert caught.value.term == term
    assert "at step 3; the last finite total was 1.000000 Ha" in str(caught.value)
    assert int(caught.value.state.step) == caught.value.step - 1 == 2


@pytest.mark.parametrize(("error", "ends"), [(5e-13, True), (5e-11, False)])
def test_a_gradient_that_rounding_leaves_ends_a_run_and_one_that_is_left_to_lower_does_not(error, ends):
    """Energies of -152 Ha are known to 1.5e-12: a line search cannot tell a gradient of 1.1e-6 from one of 1e-6."""
    metrics = {"energy/total": -152.6, "energy/error": error, "grad/norm": 1.1e-6}
    assert Convergence(1e-9, 1e-6).holds(metrics) is ends
    assert Convergence(1e-9, 1e-6).holds(metrics | {"grad/norm": 0.9e-6})
