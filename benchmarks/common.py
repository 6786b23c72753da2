"""What the timings share: minimizations with the seconds of every step, PySCF's calculation, tables, stored results."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
from rich.console import Console
from rich.table import Table

from nnks import setup
from nnks.config import ConfigDict
from nnks.interop.coulomb import auxiliary_mole
from nnks.objective import Problem, settled
from nnks.runs.evaluation import Evaluation, evaluate
from nnks.tracking import environment
from nnks.tracking.files import read_json, write_json
from nnks.training import Convergence, begin
from nnks.training.state import count_parameters


@dataclasses.dataclass(frozen=True)
class Minimized:
    """A finished minimization.

    Attributes:
        build_s: seconds until the problem stood.
        seconds: in all, building included.
        cpu_s: processor seconds of all threads in that time.
        history: (seconds since the start, total on the training grid [Ha]) after every step.
        evaluations: energy gradients.
        parameters: trained and solved numbers.
        converged: whether the thresholds were reached.
    """

    system: setup.System
    problem: Problem
    params: Any
    build_s: float
    seconds: float
    cpu_s: float
    history: list[tuple[float, float]]
    evaluations: int
    parameters: int
    converged: bool

    def first_below(self, energy: float) -> float | None:
        """Seconds until the training energy first lay below this [Ha]; None if it never did."""
        return next((seconds for seconds, total in self.history if total < energy), None)

    def evaluate(self) -> Evaluation:
        """The energy that a run reports, outside the time taken."""
        return evaluate(self.system, self.problem, settled(self.problem, self.params))


def minimize(config: ConfigDict, convergence: Convergence | None = None, *, compiled: bool = False) -> Minimized:
    """Builds and minimizes as `nnks run` does, reading the numbers of a step before the next one starts.

    Args:
        config: of the run.
        convergence: when to stop; the config's thresholds if not given.
        compiled: take one step, outside the time, that compiles the program of all steps; building is compiled as it
            is.
    """
    training = config.training
    started, cpu = time.perf_counter(), time.process_time()
    system = setup.make_system(config)
    exact = setup.make_problem(system)
    problem = setup.in_precision(exact, training.precision)
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    params = problem.init_params(key)
    state = begin(optimizer, problem, params, key)
    convergence = convergence or Convergence(*setup.tolerances(config))
    build_s = time.perf_counter() - started
    step, history, converged = optimizer.make_step(problem), [], False
    if compiled:
        before, busy = time.perf_counter(), time.process_time()
        jax.block_until_ready(step(state))
        started, cpu = started + time.perf_counter() - before, cpu + time.process_time() - busy
    for _ in range(training.steps):
        state, metrics = step(state)
        metrics = {name: float(value) for name, value in metrics.items()}
        history.append((time.perf_counter() - started, metrics["energy/total"]))
        if converged := convergence.reached(metrics):
            break
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    counts = int(state.evaluations), count_parameters(params)
    return Minimized(system, exact, state.params, build_s, seconds, cpu_s, history, *counts, converged)


@dataclasses.dataclass(frozen=True)
class Solved:
    """PySCF's own calculation: seconds of `kernel()` from building the grid on, cycles, total [Ha].

    Seconds are those of the wall and those of the processor; `density` is the molecule in its basis, and the density
    matrix.
    """

    seconds: float
    cpu_s: float
    cycles: int
    total: float
    converged: bool
    density: tuple[Any, Any]


def kohn_sham(
    mole: Any,
    xc: str,
    level: int,
    *,
    fitted: bool = False,
    auxiliary: str | None = None,
    start: tuple[Any, Any] | None = None,
) -> Solved:
    """PySCF with its defaults, to 1e-8 Ha; with a fitted Coulomb energy, in a named set or PySCF's for the basis.

    It starts from a density in another basis where one is given, which saves half of the cycles.
    """
    from pyscf import dft
    from pyscf.scf.addons import project_dm_nr2nr

    started, cpu = time.perf_counter(), time.process_time()
    mf: Any = dft.KS(mole, xc=xc)
    if fitted:
        mf = mf.density_fit(auxbasis=None if auxiliary is None else auxiliary_mole(mole, auxiliary)._basis)
    mf.grids.level, mf.conv_tol, mf.verbose, mf.chkfile = level, 1e-8, 0, None
    total = mf.kernel(None if start is None else project_dm_nr2nr(*start, mole))
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return Solved(seconds, cpu_s, mf.cycles, float(total), bool(mf.converged), (mole, mf.make_rdm1()))


def print_table(rows: Sequence[Mapping[str, Any]], title: str, digits: int = 3) -> None:
    """Rows of the same keys as a table, empty if nothing was measured.

    Absent numbers are a dash, energies keep six decimals.
    """
    table = Table(*(rows[0] if rows else ()), title=title)
    for row in rows:
        table.add_row(*(_cell(name, value, digits) for name, value in row.items()))
    Console(width=160).print(table)


def _cell(name: str, value: Any, digits: int) -> str:
    if value is None:
        return "-"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.6f}" if name.endswith("_Ha") else f"{value:.{digits}g}"


def known_rows(path: Path) -> list[dict[str, Any]]:
    """Rows stored by this version on this machine, which an interrupted benchmark need not measure again."""
    stored = read_json(path)
    return stored["rows"] if stored and measured_here(stored) else []


def measured_here(stored: Mapping[str, Any]) -> bool:
    """Whether a result's machine and commit are the present ones: others do not belong into one table."""
    then, now = stored.get("environment", {}), environment()
    return all(then.get(name) == now[name] for name in ("commit", "processor", "cpus", "device", "versions"))


def store(path: Path, settings: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], **more: Any) -> Path:
    """Stores rows with what they were measured on: packages, device, threads and load, but no paths of this machine."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_json(path, {"settings": settings, "rows": rows, **more, "environment": machine()})


def machine() -> dict[str, Any]:
    """What was measured on: packages, device, threads and load, but no paths."""
    described = environment()
    described["command"] = " ".join(Path(w).name if Path(w).is_absolute() else w for w in described["command"].split())
    # of other work too: times beyond the number of cores are not the program's
    return described | {"load": list(os.getloadavg())}
