"""Energies of orbitals in training, and the level shift of the self-consistent field."""

import pytest


def test_recorded_exact_energies_are_those_of_the_final_evaluation(quick, tmp_path):
    import nnks
    from nnks.tracking.record import RunRecord

    stochastic = {
        "optimizer__name": "adam",
        "sampler__name": "uniform",
        "sampler__batch_size": 200,
        "training__steps": 8,
    }
    stochastic |= {
        "functional__one_electron": "quadrature",
        "functional__hartree": "pairwise",
        "tracking__log_steps": 3,
    }
    summary = nnks.run(quick(**stochastic, tracking__exact_steps=4), results=tmp_path)
    recorded = {
        line["step"]: line["energy/exact"] for line in RunRecord(summary.path).metrics if "energy/exact" in line
    }
    assert sorted(recorded) == [4, 8]
    assert recorded[8] == pytest.approx(summary.energies["total"], abs=1e-10)
    assert recorded[4] != recorded[8]


def test_a_level_shift_changes_the_way_and_not_the_end(quick):
    from nnks import setup

    system = setup.make_system(quick(system__molecule="H2"))
    plain, shifted = setup.scf_baseline(system), setup.scf_baseline(system, level_shift=0.5, cycles=200)
    assert plain.converged
    assert shifted.converged
    assert shifted.energies["total"] == pytest.approx(plain.energies["total"], abs=1e-9)
    assert shifted.mo_energy[0][0] == pytest.approx(plain.mo_energy[0][0], abs=1e-6)
    assert shifted.mo_energy[0][1] == pytest.approx(plain.mo_energy[0][1], abs=1e-6)  # the shift is taken off again
    assert shifted.cycles != plain.cycles
