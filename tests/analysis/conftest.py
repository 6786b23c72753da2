import math

import pytest

WATER = {"pyscf/6-31g": -75.8179063, "pyscf/pcseg-3": -75.9131101, "exact": -75.9133}
WATER_LARGE = {"pyscf/def2-tzvp": -75.9001, "pyscf/pcseg-3": -75.9131101, "exact": -75.9133}
N2 = {"pyscf/6-31g": -108.6411, "pyscf/pcseg-3": -108.6990}


def make_config(molecule, ansatz, basis, seed=0, **changes):
    config = {
        "experiment": "study",
        "label": "",
        "system": {"molecule": molecule, "unit": "angstrom", "charge": 0, "spin": 0, "basis": basis},
        "functional": {"xc": "lda,vwn", "hartree": "exact"},
        "ansatz": {"name": ansatz},
        "orthogonalizer": {"name": "qr"},
        "sampler": {"name": "full"},
        "optimizer": {"name": "lbfgs"},
        "training": {"steps": 200, "seed": seed},
    }
    for path, value in changes.items():
        section, key = path.split("__")
        config[section][key] = value
    return config


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture(scope="session")
def filled(tmp_path_factory):
    """A store with the study of `Store.fill`, made once: for tests that only read it."""
    return Store(tmp_path_factory.mktemp("filled") / "results").fill()


class Store:
    """Makes run folders as the runner does, with energies that decay to a given value."""

    def __init__(self, results):
        self.results = results
        self.study = results / "study"

    def add(
        self,
        molecule="water",
        ansatz="lcgto",
        basis="6-31g",
        seed=0,
        energy=-75.8179063,
        references=WATER,
        same="pyscf/6-31g",
        large="pyscf/pcseg-3",
        steps=40,
        rate=0.15,
        pace=0.05,
        experiment="study",
        label=None,
        metrics=True,
        end="finished",
        config=None,
        **more,
    ):
        from nnks.tracking.store import RunFolder
        from nnks.tracking.writers import JsonlWriter

        config = make_config(molecule, ansatz, basis, seed) if config is None else config
        folder = RunFolder.create(self.results, experiment, config, seed)
        known = {"label": f"{molecule} / {ansatz} / {basis}" if label is None else label, "parameters": 65}
        writer = JsonlWriter(folder, known)
        for step in range(steps if metrics else 0):
            total = energy + 1.5 * math.exp(-rate * step) * (1 + 0.3 * math.sin(7 * step + seed))
            writer.write(
                step,
                {
                    "energy/total": total,
                    "grad/norm": math.exp(-rate * step),
                    "time/elapsed_s": pace * (step + 1),
                },
            )
        if end == "failed":
            writer.fail(more.get("reason", "energy became nan at step 12."))
        elif end == "finished":
            summary = {
                "energies": {"total": energy, "kinetic": 75.5, "hartree": 46.9, "nuclear": 9.2},
                "converged": True,
                "steps": steps,
                "seconds": pace * steps,
                "evaluations": steps + 2,
                "reference": dict(references),
                "reference_same": same,
                "reference_large": large,
                **more,
            }
            writer.finish(summary)
        return folder

    def fill(self):
        """A study of two molecules with three methods, seeds, a failure and an interrupted run."""
        self.add(steps=9, rate=2.2)
        large = {"references": WATER_LARGE, "same": "pyscf/def2-tzvp"}
        self.add(basis="def2-tzvp", energy=-75.9001 + 2e-8, steps=10, rate=2.0, pace=0.3, **large)
        for seed, energy in enumerate((-75.91324, -75.91311, -75.91328)):
            self.add(ansatz="residual", seed=seed, energy=energy, steps=90, rate=0.1, pace=0.6)
        n2 = {"molecule": "n2", "references": N2}
        self.add(energy=-108.6411 - 3e-7, steps=8, rate=2.2, **n2)
        for seed, energy in enumerate((-108.69885, -108.69961, -108.6990)):
            self.add(ansatz="residual", seed=seed, energy=energy, steps=120, rate=0.1, pace=0.8, **n2)
        self.add(ansatz="residual", seed=3, end="failed", reason="hartree became nan at step 12.", steps=12, **n2)
        self.add(ansatz="residual", seed=4, end="interrupted", steps=20, rate=0.1, energy=-108.69, **n2)
        return self
