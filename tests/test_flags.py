"""Flags of the compiler that nnks sets: beside a user's own, and only those that the version knows."""

import os
import subprocess
import sys

import pytest

from nnks.compiler import SUMS, TRIED

ASK = "import nnks.types, os, jax; jax.numpy.ones(2).sum(); print(os.environ.get('XLA_FLAGS', ''))"


def flags(given):
    environment = {name: value for name, value in os.environ.items() if name != "XLA_FLAGS"}
    done = subprocess.run(
        [sys.executable, "-c", ASK], env=environment | given, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.skipif(not TRIED, reason="other versions get no flag")
def test_sums_are_not_given_to_a_slow_library():
    assert flags({}) == [f"{SUMS}="]
    own = "--xla_cpu_enable_fast_math=false"
    assert flags({"XLA_FLAGS": own}) == [own, f"{SUMS}="]
    assert flags({"XLA_FLAGS": f"{SUMS}="}) == [f"{SUMS}="]


def test_programs_of_former_runs_are_dropped_before_memory_has_too_many_areas(monkeypatch):
    import jax

    from nnks import compiler

    def double(x):
        return 2 * x

    program = jax.jit(double)
    program(jax.numpy.ones(3))
    compiler.make_room()
    assert program._cache_size() == 1
    assert 0 < compiler.areas() < compiler.AREAS
    monkeypatch.setattr(compiler, "AREAS", 0)
    compiler.make_room()
    assert program._cache_size() == 0
