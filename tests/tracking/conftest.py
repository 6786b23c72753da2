import pytest


@pytest.fixture
def config():
    return {
        "system": {"molecule": "water", "basis": "6-31g", "charge": 0},
        "ansatz": {"name": "residual", "widths": (32, 32)},
        "optimizer": {"name": "natural", "learning_rate": 1e-3},
        "training": {"steps": 100, "seed": 0},
        "tracking": {"wandb": "offline"},
    }


@pytest.fixture
def folder(tmp_path, config):
    from nnks.tracking.store import RunFolder

    return RunFolder.create(tmp_path, "experiment", config, 0)


@pytest.fixture
def summary():
    return {
        "label": "water / residual / 6-31g",
        "energies": {
            "total": -75.9131,
            "kinetic": 75.4,
            "external": -198.9,
            "hartree": 46.9,
            "xc": -8.5,
            "nuclear": 9.1869,
        },
        "reference": {"pyscf/6-31g": -75.8179063, "pyscf/pcseg-3": -75.91311, "exact": -75.91330},
        "reference_same": "pyscf/6-31g",
        "reference_large": "pyscf/pcseg-3",
        "reference_terms": {"pyscf/6-31g": {"kinetic": 75.3, "xc": -8.4}},
        "converged": True,
        "steps": 70,
        "seconds": 57.1,
        "status": "finished",
    }
