"""Settings and shared fixtures of the test run. nnks is imported inside fixtures, after the shape-check hook."""

import os
import shutil
import tempfile
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # PySCF with two threads on two busy cores slows small molecules
# Most of a test's time is compilation of small functions: the compiler's quick mode takes a third off the whole run.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
os.environ.setdefault("WANDB_SILENT", "true")
os.environ.setdefault("WANDB_MODE", "offline")
if "PYTEST_XDIST_WORKER" not in os.environ:  # workers inherit the folder: compiled programs are shared
    os.environ["NNKS_CACHE"] = tempfile.mkdtemp(prefix="nnks-tests-")

import jax
import pytest

jax.config.update("jax_numpy_rank_promotion", "raise")


@pytest.fixture(scope="session", autouse=True)
def compiled_programs():
    """Programs that one test compiles serve every other, in both workers and in the processes that tests start."""
    from nnks.tracking.cache import use_compilation_cache

    use_compilation_cache()


SLOW = Path(__file__).with_name("slow.txt")
"""Further cases of tests that are run, and tests over 20 s, as `benchmarks/test_selection.py` found: marked slow."""


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items):
    listed = frozenset(line for line in SLOW.read_text().splitlines() if not line.startswith("#"))
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.slow)


def pytest_unconfigure():
    if "PYTEST_XDIST_WORKER" not in os.environ:
        shutil.rmtree(os.environ["NNKS_CACHE"], ignore_errors=True)


@pytest.fixture
def key():
    return jax.random.key(0)


@pytest.fixture
def quick():
    """A config of a run that takes seconds, with changes over it, and no references unless asked for."""
    from nnks.config import default_config, override

    def make(**changes):
        base = {
            "system.molecule": "He",
            "system.basis": "6-31g",
            "quadrature.level": 0,
            "reference.pyscf": False,
            "reference.large_basis": "",
            "tracking.wandb": "disabled",
            "tracking.console": False,
            "training.held_out_steps": 0,  # a second grid is a second program to compile
        }
        return override(default_config(), base | {k.replace("__", "."): v for k, v in changes.items()})

    return make
