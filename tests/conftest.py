"""Settings and shared fixtures of the test run. nnks is imported inside fixtures, after the shape-check hook."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # PySCF with two threads on two busy cores slows small molecules
os.environ.setdefault("WANDB_SILENT", "true")

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture
def key():
    return jax.random.key(0)
