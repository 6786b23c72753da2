"""nnks: experiments on Kohn-Sham orbitals, Gaussian and neural, by direct energy minimization."""

import jax

# Energies are sums of 1e5 terms that cancel to 1e-6 Ha: double precision is the default of every run,
# and JAX reads this switch before the first array is made.
jax.config.update("jax_enable_x64", True)
