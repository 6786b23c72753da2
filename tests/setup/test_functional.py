"""What a config's energy is made of."""

import jax
import numpy as np
import pytest


@pytest.mark.parametrize(("ansatz", "same"), [("neural_basis", True), ("lcgto", False)])
def test_the_fitting_set_is_pyscfs_for_gaussians_and_even_tempered_beyond_them(ansatz, same, quick):
    """Orbitals that leave the Gaussian basis go where its fitting set is poor, whose energy is a lower bound."""
    from nnks import setup

    def operator(auxiliary):
        changes = {"functional__hartree": "density_fitting", "functional__auxiliary": auxiliary}
        problem = setup.make_problem(setup.make_system(quick(ansatz__name=ansatz, **changes)))
        return jax.tree.leaves(problem.functional["hartree"])

    chosen, tempered = operator("auto"), operator("even_tempered")
    shapes = [[leaf.shape for leaf in each] for each in (chosen, tempered)]
    assert (shapes[0] == shapes[1]) == same
    if same:
        for here, there in zip(chosen, tempered, strict=True):
            np.testing.assert_array_equal(here, there)
