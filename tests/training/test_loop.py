"""The loop of a training: what ends it."""

import jax
import jax.numpy as jnp
import pytest

from nnks.training import TrainingDiverged, iterate
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
