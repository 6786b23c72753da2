"""Expressivity: do minimizers satisfy the Kohn-Sham equations, and does self-consistency that starts there stay?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.config import ConfigDict
from nnks.tracking.files import write_json
from nnks.tracking.record import RunRecord
from nnks_paper.report import CONTRADICTED, OPEN, REPRODUCED, Finding, Report, Table, milli, number, spread
from nnks_paper.study import Study

RESIDUAL = 1e-5
"""Norm of the commutator [Ha] below which the equations count as satisfied: ten times what PySCF and nnks's SCF ask of
themselves."""

STAYS = 1e-8
"""Change of the energy [Ha] by self-consistent cycles that counts as none."""

FILE = "stationary.json"
"""In a run's folder: what was computed from its last checkpoint."""


def report(study: Study, figures: Path) -> Report:
    """Table, verdict and figure; computes what is not stored yet."""
    known = {config.label: stationarity(config, record) for config, record in study.runs()}
    figure = draw(known, figures / "expressivity.png") if known else None
    caption = "Norm of the commutator at minimizers, and the change of the energy by self-consistent cycles from them."
    return Report(
        "expressivity",
        study.title,
        study.quick,
        [table(known)],
        [verdict(known)],
        figure.name if figure else "",
        caption,
        study.unfinished(),
    )


def stationarity(config: ConfigDict, record: RunRecord) -> dict[str, Any]:
    """What was found of a run's orbitals, from its folder, or computed now and stored there."""
    stored = record.read(FILE)
    if stored is None:
        stored = examine(config, record)
        if record.path.is_dir():  # not one of a packed sweep
            write_json(record.path / FILE, stored)
    return stored


def examine(config: ConfigDict, record: RunRecord) -> dict[str, Any]:
    r"""The commutator $\|FDS - SDF\|$ [Ha] in an orthonormal frame at final orbitals, and what SCF makes of them."""
    import jax.numpy as jnp

    from nnks import setup
    from nnks.interop import pyscf as interop
    from nnks.orthogonalize import frame
    from nnks.scf import fock, self_consistent

    system = setup.make_system(config)
    problem = setup.make_problem(system)
    params = minimizer(config, record, problem)
    occupied = problem.model(params, problem.grid.quadrature()).require_coefficients()
    energy, occupations = setup.basis_energy(system), system.occupations
    overlap = interop.one_electron_integrals(system.mole).overlap
    orthonormal = frame(overlap)
    energies, matrix = fock(energy, occupied, occupations)
    density = jnp.einsum("sbi,si,sci->sbc", occupied, occupations, occupied)
    product = jnp.einsum("bn,sbc,scd,de,em->snm", orthonormal, matrix, density, overlap, orthonormal)
    settings = {"energy_tolerance": 1e-10, "gradient_tolerance": 3e-7, "cycles": 50}
    stays = self_consistent(energy, overlap, orthonormal, occupied, occupations, **settings)
    return {
        "residual_Ha": float(jnp.linalg.norm(product - jnp.swapaxes(product, 1, 2))),
        "gradient": float(record.metrics[-1]["grad/norm"]),
        "total_Ha": float(energies["total"]),
        "scf_change_Ha": float(stays.energies["total"] - energies["total"]),
        "scf_cycles": int(stays.cycle),
        "scf_converged": bool(stays.change < settings["energy_tolerance"])
        and bool(stays.norm < settings["gradient_tolerance"]),
    }


def minimizer(config: ConfigDict, record: RunRecord, problem: Any) -> Any:
    """Parameters at the minimum: from the run's last checkpoint, or found anew.

    They are found anew where the checkpoint is missing or means other orbitals here: parameters are rotations of a
    frame that is computed at the start, whose degenerate orbitals may come out mixed on another machine.
    """
    import jax

    from nnks import setup
    from nnks.training import Convergence, begin, iterate
    from nnks.training.checkpoint import Checkpoints

    optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
    state = begin(optimizer, problem, problem.init_params(key), key)
    if (record.path / "checkpoints").is_dir():
        checkpoints = Checkpoints(record.path / "checkpoints")
        restored = checkpoints.restore(state)
        checkpoints.close()
        if restored is not None:
            total = jax.jit(lambda problem, state: problem.energies(state.params, key, state.step)["total"])(
                problem, restored
            )
            if abs(float(total) - (record.summary or {})["energies"]["total"]) < STAYS:
                return restored.params
    convergence = Convergence(*setup.tolerances(config))
    for progress in iterate(optimizer.make_step(problem), state, until=config.training.steps):
        state = progress.state
        if convergence.reached(progress.metrics):
            break
    return state.params


def table(minima: Mapping[str, Mapping[str, Any]]) -> Table:
    """One row a molecule."""
    rows = [
        [
            label,
            number(v["total_Ha"], ".8f"),
            f"{v['gradient']:.1e}",
            f"{v['residual_Ha']:.1e}",
            milli(v["scf_change_Ha"]),
            str(v["scf_cycles"]),
            "yes" if v["scf_converged"] else "no",
        ]
        for label, v in minima.items()
    ]
    header = [
        "molecule",
        "energy [Ha]",
        "gradient norm",
        "norm of FDS − SDF [Ha]",
        "change by SCF [mHa]",
        "cycles",
        "SCF converged",
    ]
    note = (
        "Minimizers by direct minimization, 6-31g, exchange only, level 1. "
        "The commutator is taken in an orthonormal basis; SCF is DIIS."
    )
    return Table("Minimizers and the Kohn-Sham equations", header, rows, note)


def verdict(minima: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Whether every residual is small and SCF stays."""
    compared = "commutators at minimizers, beside zero, and the energy after self-consistent cycles"
    if not minima:
        return Finding("expressivity", OPEN, compared, "No minimization is finished.")
    residual = max(minima, key=lambda label: minima[label]["residual_Ha"])
    moved = {label: v["scf_change_Ha"] for label, v in minima.items() if abs(v["scf_change_Ha"]) > STAYS}
    text = (
        f"At {len(minima)} minimizers the norm of FDS − SDF is at most "
        f"{minima[residual]['residual_Ha']:.1e} Ha ({residual}). "
    )
    if moved:
        text += (
            f"Self-consistent cycles change the energy by {spread({n: 1e3 * c for n, c in moved.items()}, '+.3f')} mHa."
        )
    else:
        most = max(abs(v["scf_change_Ha"]) for v in minima.values())
        text += f"Self-consistent cycles from there change the energy by {most:.1e} Ha at most."
    holds = minima[residual]["residual_Ha"] < RESIDUAL and not moved
    return Finding("expressivity", REPRODUCED if holds else CONTRADICTED, compared, text)


def draw(minima: Mapping[str, Mapping[str, Any]], path: Path) -> Path:
    """Two numbers a molecule on a logarithmic axis."""
    from nnks.analysis.style import PALETTE, new_figure, save

    figure, (axes,) = new_figure(1, width=6.4, height=3.4, columns=1)
    series: Sequence[tuple[str, str, str]] = (
        ("residual_Ha", "|FDS − SDF|", "o"),
        ("scf_change_Ha", "|change by SCF|", "s"),
    )
    for n, (key, label, marker) in enumerate(series):
        axes.plot(
            range(len(minima)),
            [max(abs(v[key]), 1e-14) for v in minima.values()],
            marker,
            color=PALETTE[n],
            label=label,
        )
    axes.set(yscale="log", ylabel="[Ha]")
    axes.set_xticks(range(len(minima)), list(minima), fontsize=8)
    axes.legend()
    return save(figure, path)
