"""The calculations that are timed: `python -m nnks_paper.tasks METHOD CONFIG OUT`, in a process of its own.

Every method starts from building the molecule; seconds are counted from there, imports excluded. nnks's are repeated
once, so that the second time is without compilation. Numbers are written as they come: a process that is stopped leaves
what it has.
"""

from __future__ import annotations

import contextlib
import itertools
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from nnks.config import ConfigDict, load_config
from nnks.interruption import end_with_parent
from nnks.tracking.files import write_json

PER_ATOM = 1e-6
"""Distance from the converged energy that a time is given for [Ha per atom]."""

GRADIENTS, ENOUGH = 5, 30.0
"""Gradients or cycles that are timed; fewer once they took so many seconds."""

Write = Callable[[dict[str, Any]], None]


def direct(config: ConfigDict, write: Write) -> None:
    """Direct minimization, cold and warm: (seconds, total [Ha]) after every step."""
    runs: list[dict[str, Any]] = []
    for _ in range(2):
        runs.append(_minimize(config))
        write({"cold": runs[0], **runs[-1]})


def _minimize(config: ConfigDict) -> dict[str, Any]:
    from nnks import setup
    from nnks.training import Convergence, begin

    started = time.perf_counter()
    system = setup.make_system(config)
    problem = setup.make_problem(system)
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    convergence = Convergence(0.1 * PER_ATOM * system.molecule.natoms, float("inf"))
    step, history, converged = optimizer.make_step(problem), [], False
    for _ in range(config.training.steps):
        state, metrics = step(state)
        numbers = {name: float(value) for name, value in metrics.items()}
        history.append((time.perf_counter() - started, numbers["energy/total"]))
        if converged := convergence.reached(numbers):
            break
    return {
        "history": history,
        "converged": converged,
        "cycles": int(state.evaluations),
        "functions": int(system.mole.nao),
        "fitted": "basis" if hasattr(problem.functional["hartree"], "of_matrix") else "quadrature",
    }


def own_scf(config: ConfigDict, write: Write) -> None:
    """The self-consistent field of nnks, cold and warm; one compiled loop, so that its end alone is known."""
    from nnks import setup

    runs: list[dict[str, Any]] = []
    for _ in range(2):
        started = time.perf_counter()
        system = setup.make_system(config)
        solution = setup.scf_baseline(system)
        end = time.perf_counter() - started, solution.energies["total"]
        runs.append({"history": [end], "converged": solution.converged, "cycles": solution.cycles})
        write({"cold": runs[0], **runs[-1], "functions": int(system.mole.nao)})


def pyscf(config: ConfigDict, write: Write) -> None:
    """Density-fitted PySCF with its defaults, its own grid and nnks's fitting set.

    It writes (seconds, total [Ha]) after every cycle.
    """
    started = time.perf_counter()
    field, history = _field(config), []
    functions = int(field.mol.nao)

    def note(env: dict[str, Any]) -> None:
        history.append((time.perf_counter() - started, float(env["e_tot"])))
        write({"history": history, "converged": False, "cycles": len(history), "functions": functions})

    field.callback = note
    field.kernel()
    write({"history": history, "converged": bool(field.converged), "cycles": len(history), "functions": functions})


def _field(config: ConfigDict) -> Any:
    from nnks.interop.reference import ReferenceSpec, own_field
    from nnks.molecule import Molecule

    s, f = config.system, config.functional
    molecule = Molecule.from_spec(s.molecule, unit=s.unit, charge=s.charge, spin=s.spin)
    spec = ReferenceSpec(s.basis, f.xc, molecule.spin == 0, config.quadrature.level, auxiliary=f.auxiliary)
    field = own_field(molecule, spec)
    _find_room(field)
    return field


def _find_room(field: Any) -> None:
    """Ends the process if PySCF's fitted integrals fit neither its memory nor half of the free disk.

    PySCF stores them as a whole.
    """
    from nnks.interop.reference import fitted_gigabytes

    size, free = fitted_gigabytes(field), 1e-9 * shutil.disk_usage(tempfile.gettempdir()).free
    if size > max(1e-3 * field.max_memory, 0.5 * free):
        sys.exit(f"PySCF's fitted integrals take {size:.0f} GB, and {free:.0f} GB of disk are free")


def gradient(config: ConfigDict, write: Write) -> None:
    """Seconds of energy gradients after compilation, and the process's peak memory."""
    import jax

    from nnks import setup
    from nnks.training import begin

    system = setup.make_system(config)
    problem = setup.make_problem(system)
    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    step, seconds = optimizer.make_step(problem), []
    device = next(iter(jax.tree.leaves(state.params)[0].devices()))
    for n in range(GRADIENTS + 1):
        before, started = int(state.evaluations), time.perf_counter()
        state, metrics = step(state)
        float(metrics["energy/total"])
        if n:
            seconds.append((time.perf_counter() - started) / (int(state.evaluations) - before))
        measured = {"seconds": seconds, "functions": int(system.mole.nao), "peak_GB": peak_memory()}
        write(measured | {"device": device.device_kind} | device_memory())
        if sum(seconds) > ENOUGH:
            break


def cycle(config: ConfigDict, write: Write) -> None:
    """Seconds of PySCF's cycles, and the process's peak memory."""
    field, marks = _field(config), []
    functions = int(field.mol.nao)

    def note(_: Any) -> None:
        marks.append(time.perf_counter())
        seconds = [later - earlier for earlier, later in itertools.pairwise(marks)]
        write({"seconds": seconds, "functions": functions, "peak_GB": peak_memory()})
        if sum(seconds) > ENOUGH:
            raise _Enough

    field.max_cycle, field.callback = GRADIENTS, note
    with contextlib.suppress(_Enough):
        field.kernel()


class _Enough(Exception):
    """Ends PySCF's loop."""


def peak_memory() -> float:
    """Largest resident memory of this process [GB].

    What `getrusage` says includes that of a process that started it.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        (line,) = (line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return 1024 * float(line.split()[1]) / 1e9
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def device_memory() -> dict[str, float]:
    """Largest memory in use on the accelerator [GB]; empty where there is none."""
    import jax

    stats = jax.local_devices()[0].memory_stats() or {}
    return {"device_peak_GB": stats["peak_bytes_in_use"] / 1e9} if "peak_bytes_in_use" in stats else {}


TASKS = {"nnks": direct, "nnks-scf": own_scf, "pyscf-df": pyscf, "nnks-gradient": gradient, "pyscf-df-cycle": cycle}


def main() -> None:
    """Does one calculation."""
    end_with_parent()
    method, config, out = sys.argv[1:]
    TASKS[method](load_config(config), lambda measured: _write(Path(out), measured))


def _write(path: Path, measured: dict[str, Any]) -> None:
    write_json(path, measured)


if __name__ == "__main__":
    main()
