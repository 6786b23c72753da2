"""How many steps a second does minibatch training take, and does a step's cost depend on the size of the grid?

Run:      .venv/bin/python -m benchmarks.minibatch [--systems H2O/6-31g/1 H2O/6-31g/5] [--batches 512 4096] [--ansatze
          lcgto]
Cost:     five minutes on two cores, much of it compilation

Every term is estimated on the batch, as in `configs/water.py`: two independent batches a step, whose Hartree energy is
fitted on both. A step is the energy, its gradient and Adam's update. After one step that compiles, steps are dispatched
one after the other until `--seconds` have passed, and the device is waited for at the end of every tenth; `steps/s` is
the median over these groups. The row `full` takes the whole grid with the same estimator. The grid of level 5 has about
eight times as many points as that of level 1: where a step's cost does not depend on the grid, equal batches have equal
rates in both. Writes results/benchmarks/minibatch.json and minibatch.png.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import time
from pathlib import Path
from typing import Any

import jax

from benchmarks.common import print_table, store
from nnks import setup
from nnks.config import default_config, override
from nnks.runs.programs import release_programs
from nnks.training import begin

GROUP = 10
"""Steps between two looks at the clock."""

STOCHASTIC = {
    "functional.hartree": "density_fitting",
    "functional.one_electron": "quadrature",
    "functional.fitting": "quadrature",
    "optimizer.name": "adam",
}


def measure(system: str, ansatz: str, sampler: str, batch: int | None, seconds: float) -> dict[str, Any]:
    """Steps a second of one run; `batch` is None for the whole grid."""
    molecule, basis, level = system.split("/")
    own = {"system.molecule": molecule, "system.basis": basis, "quadrature.level": int(level), "ansatz.name": ansatz}
    sampled = {"sampler.name": "full"} if batch is None else {"sampler.name": sampler, "sampler.batch_size": batch}
    config = override(default_config(), own | STOCHASTIC | sampled)
    problem = setup.make_problem(setup.make_system(config))
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    step, started = optimizer.make_step(problem), time.perf_counter()
    state, metrics = step(state)
    jax.block_until_ready((state, metrics))
    compiled, times = time.perf_counter() - started, []
    while sum(times) < seconds or len(times) < 3:
        started = time.perf_counter()
        for _ in range(GROUP):
            state, metrics = step(state)
        jax.block_until_ready((state, metrics))
        times.append(time.perf_counter() - started)
    rate = GROUP / statistics.median(times)
    points = 2 * batch if batch is not None else problem.sampler.size
    return {
        "system": system,
        "ansatz": ansatz,
        "sampler": "full" if batch is None else sampler,
        "grid": problem.grid.size,
        "batch": "full" if batch is None else batch,
        "points_a_step": points,
        "steps/s": rate,
        "points/s": points * rate,
        "compile_s": compiled,
        "device": next(iter(jax.tree.leaves(state.params)[0].devices())).device_kind,
    }


def draw(rows: list[dict[str, Any]], path: Path) -> Path:
    """Steps a second against the batch, a line for each ansatz and grid."""
    from nnks.analysis.style import looks, new_figure, save

    figure, (axes,) = new_figure(1, width=6.6, height=4.2, columns=1)
    lines: dict[str, list[tuple[int, float]]] = {}
    for row in rows:
        if row["batch"] != "full":
            name = f"{row['ansatz']}, {row['system']} ({row['grid']} points), {row['sampler']}"
            lines.setdefault(name, []).append((row["batch"], row["steps/s"]))
    style = looks(list(lines))
    for name, points in lines.items():
        axes.plot(*zip(*points, strict=True), marker="o", color=style[name][0], linestyle=style[name][1], label=name)
    axes.set(xscale="log", yscale="log", xlabel="points in each of a step's two batches", ylabel="steps a second")
    batches = sorted({batch for points in lines.values() for batch, _ in points})
    axes.set_xticks(batches, [str(batch) for batch in batches])
    axes.minorticks_off()
    figure.legend(loc="outside lower center", ncols=1, fontsize=8, frameon=False)
    return save(figure, path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", nargs="+", default=["H2O/6-31g/1", "H2O/6-31g/5", "C20/6-31g/1"])
    parser.add_argument("--ansatze", nargs="+", default=["lcgto", "residual"])
    parser.add_argument("--samplers", nargs="+", default=["importance"])
    parser.add_argument("--batches", nargs="+", type=int, default=[512, 4096])
    parser.add_argument("--seconds", type=float, default=2.0, help="of steps, for each row")
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/minibatch.json"))
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    settings = {"seconds": arguments.seconds, "group": GROUP}
    batches: list[int | None] = [*arguments.batches, None]
    for ansatz, system, sampler in itertools.product(arguments.ansatze, arguments.systems, arguments.samplers):
        for batch in batches:
            # the whole grid of a cage, and a network on it, take seconds a step
            if not system.startswith("H2O") and (batch is None or ansatz != "lcgto"):
                continue
            rows.append(measure(system, ansatz, sampler, batch, arguments.seconds))
            print(rows[-1], flush=True)
            store(arguments.out, settings, rows)
            release_programs()
    print_table(rows, f"minibatch training on {jax.devices()[0].device_kind}")
    draw(rows, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
