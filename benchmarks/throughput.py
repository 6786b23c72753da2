"""How fast do networks run, as a share of what the device multiplies matrices at, and what holds them back?

Run:      .venv/bin/python benchmarks/throughput.py [--molecule H2O] [--points 20000] [--repeats 5]
Cost:     minutes on two cores, most of it compilation

`forward` is values and gradients of all functions at all points, as training evaluates them: `residual` by
`nnks.orbitals.raw_orbitals`, `neural_basis` by `nnks.blocks.whole_blocks`.
`forward+backward` is the gradient by the parameters of the sum of their squares. Operations are those that XLA counts
in the compiled program of one block of points (a loop's body is counted once), times the number of blocks; blocks are
evaluated twice in a backward pass to save memory, and the second time is not counted as useful. In the same process
and on the device that JAX finds, the rates of a large matrix product, of tanh and exp on arrays that fit the cache,
and of a scaled copy of an array that does not are measured. Dividing operations, transcendental functions and bytes
of input and output by these rates tells what share of the time each would take at least. Writes
results/stored/benchmarks/throughput.json.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

from benchmarks.common import print_table, store
from nnks import blocks, setup
from nnks.ansatz.functions import ansatz_functions
from nnks.config import default_config, override
from nnks.orbitals import BLOCK, raw_orbitals
from nnks.quadrature import Quadrature
from nnks.types import cast

PRODUCT, CACHED, LARGE = 2048, 16_384, 32_000_000
"""Rows of the matrix product, and elements of the arrays for functions and for memory."""


def median(function: Callable[..., Any], arguments: tuple, repeats: int) -> float:
    """Median seconds of a compiled function, after one call that compiles."""
    jax.block_until_ready(function(*arguments))
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        jax.block_until_ready(function(*arguments))
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def machine(dtype: Any, repeats: int) -> dict[str, float]:
    """Measured rates: operations and bytes a second, and seconds an element of tanh and exp."""
    matrix = jax.random.normal(jax.random.key(0), (PRODUCT, PRODUCT), dtype)
    rates = {"product": 2 * PRODUCT**3 / median(jax.jit(jnp.matmul), (matrix, matrix), repeats)}
    loops, x = 200, jnp.linspace(-2, 2, CACHED, dtype=dtype)
    for name, function in (("tanh", jnp.tanh), ("exp", jnp.exp)):
        # the input changes in every pass, so that no pass can be left out
        repeated = jax.jit(lambda x, f=function: jax.lax.fori_loop(0, loops, lambda _, y: f(y) - 0.5, x))
        rates[name] = median(repeated, (x,), repeats) / (loops * CACHED)
    y = jnp.ones(LARGE, dtype)
    rates["memory"] = 2 * y.nbytes / median(jax.jit(lambda y: 2 * y), (y,), repeats)
    return rates


def passes(name: str, molecule: str) -> tuple[Any, Any, Callable, Callable]:
    """The ansatz, its parameters, and the forward and backward passes as functions of (ansatz, params, points)."""
    config = override(default_config(), {"system.molecule": molecule, "ansatz.name": name})
    problem = setup.make_problem(setup.make_system(config))
    ansatz = problem.model.ansatz

    def forward(ansatz: Any, params: Any, points: Any) -> tuple:
        if name == "neural_basis":
            ones = jnp.ones(len(points), points.dtype)
            grid = Quadrature(points, ones, ones)
            (whole,) = blocks.whole_blocks(ansatz_functions(ansatz, params), grid, order=1).classes
            return whole.values, whole.gradients
        return raw_orbitals(ansatz, params, points, 1)

    def scalar(params: Any, ansatz: Any, points: Any) -> Any:
        return sum(jnp.sum(x * x) for x in forward(ansatz, params, points))

    def backward(ansatz: Any, params: Any, points: Any) -> Any:
        return jax.grad(scalar)(params, ansatz, points)

    return ansatz, ansatz.init_params(setup.run_key(config)), jax.jit(forward), jax.jit(backward)


def measure(name: str, dtype: Any, rates: dict[str, float], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Both passes of one ansatz in one precision."""
    ansatz, params, forward, backward = passes(name, arguments.molecule)
    points = 2 * jax.random.normal(jax.random.key(1), (arguments.points, 3))
    ansatz, params, points = cast((ansatz, params, points), dtype)
    rows = []
    for label, function in (("forward", forward), ("forward+backward", backward)):
        seconds = median(function, (ansatz, params, points), arguments.repeats)
        block = (ansatz, params, points[:BLOCK])
        cost: Any = function.lower(*block).compile().cost_analysis()  # pyright: ignore[reportFunctionMemberAccess]
        blocks = -(-arguments.points // BLOCK)
        table = sum(x.nbytes for x in jax.tree.leaves(forward(ansatz, params, points)))
        flops, functions = blocks * cost["flops"], blocks * cost.get("transcendentals", 0.0)
        traffic = table if label == "forward" else 0  # a backward pass keeps its blocks in the cache
        rows.append(
            {
                "ansatz": name,
                "precision": jnp.dtype(dtype).name,
                "pass": label,
                "seconds": seconds,
                "GFLOP": 1e-9 * flops,
                "GFLOP/s": 1e-9 * flops / seconds,
                "of_product": flops / seconds / rates["product"],
                "transcendental": functions * 0.5 * (rates["tanh"] + rates["exp"]) / seconds,
                "memory": traffic / rates["memory"] / seconds,
            }
        )
    return rows


def sentence(rows: list[dict[str, Any]]) -> str:
    """What limits the passes, from the shares of their time."""
    shares = {
        "operations at the rate of a matrix product": [row["of_product"] for row in rows],
        "tanh and exp": [row["transcendental"] for row in rows],
        "writing the result to memory": [row["memory"] for row in rows],
    }
    mean = {name: statistics.mean(values) for name, values in shares.items()}
    rest = 1 - sum(mean.values())
    mean["none of these (small products, element-wise work, copies between loops: not measured apart)"] = rest
    parts = ", ".join(f"{100 * share:.0f}% {name}" for name, share in mean.items())
    return f"On average the time is {parts}: most is {max(mean, key=lambda name: mean[name])}."


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--molecule", default="H2O")
    parser.add_argument("--points", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path("results/stored/benchmarks/throughput.json"))
    arguments = parser.parse_args()
    rows, machines = [], []
    for dtype in (jnp.float64, jnp.float32):
        rates = machine(dtype, arguments.repeats)
        machines.append(
            {
                "precision": jnp.dtype(dtype).name,
                "product_GFLOP/s": 1e-9 * rates["product"],
                "memory_GB/s": 1e-9 * rates["memory"],
                "tanh_ns": 1e9 * rates["tanh"],
                "exp_ns": 1e9 * rates["exp"],
            }
        )
        for name in ("residual", "neural_basis"):
            rows += measure(name, dtype, rates, arguments)
    device = jax.devices()[0].device_kind
    print_table(machines, f"what {device} reaches")
    print_table(
        rows, f"{arguments.molecule}, {arguments.points} points; the last three columns are shares of the seconds"
    )
    print(limit := sentence(rows))
    settings = {"molecule": arguments.molecule, "points": arguments.points, "repeats": arguments.repeats}
    store(arguments.out, settings, rows, machine=machines, limit=limit)


if __name__ == "__main__":
    main()
