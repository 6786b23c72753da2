"""What makes commands fast, counted: modules that are imported, and programs that are made and compiled. No seconds."""

import json
import os
import subprocess
import sys

import pytest

COUNTED = """
import json, sys
kept = {name: 0 for name in ("compile_requests_use_cache", "cache_hits", "cache_misses")}
def listen(event, **_):
    name = event.rsplit("/", 1)[-1]
    if name in kept:
        kept[name] += 1
if sys.argv[1] == "run":
    import jax
    jax.monitoring.register_event_listener(listen)
from nnks.cli import main
status = main(sys.argv[1:])
# one that is put off is there without a file
modules = [name for name, module in sys.modules.items() if getattr(module, "__file__", None)]
print(json.dumps({"status": status, "modules": modules} | kept), file=sys.stderr)
"""

RUN = [
    "run",
    "--config=gaussian",
    "--config.system.molecule=H2",
    "--config.system.basis=sto-3g",
    "--config.quadrature.level=0",
    "--config.reference.pyscf=False",
    "--config.reference.large_basis=",
    "--again",
]

MOST_PROGRAMS = 20
"""Of a run of H2; each costs 10 to 20 ms of Python's time, whatever it computes."""


@pytest.fixture
def command(tmp_path):
    """A command in a process with cache folders of its own, and what it told."""
    environment = os.environ | {"NNKS_CACHE": str(tmp_path / "cache")}

    def call(*arguments):
        done = subprocess.run(
            [sys.executable, "-c", COUNTED, *arguments], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        told = json.loads(done.stderr.splitlines()[-1])
        assert told["status"] == 0, done.stderr
        return told

    return call


def packages(told):
    return {name.split(".")[0] for name in told["modules"]}


def test_help_needs_no_package(command):
    heavy = {"numpy", "jax", "pyscf", "wandb", "rich", "matplotlib", "ml_collections", "pandas", "scipy", "yaml"}
    assert not packages(command("--help")) & heavy


def test_a_run_imports_what_it_uses_and_compiles_once(command):
    first, second = command(*RUN), command(*RUN)
    for told in (first, second):
        unused = {"wandb", "pandas", "matplotlib", "basis_set_exchange", "pyarrow"}
        assert not packages(told) & unused  # W&B is in a process of its own
        assert not {"scipy.optimize", "numpy.f2py"} & set(told["modules"])
        assert 0 < told["compile_requests_use_cache"] <= MOST_PROGRAMS
    assert first["cache_hits"] < first["cache_misses"]
    assert second["cache_misses"] == 0
    assert second["cache_hits"] == second["compile_requests_use_cache"]


def test_a_report_is_written_without_jax(command, tmp_path):
    from nnks.config import default_config, override, to_dict
    from nnks.tracking import JsonlWriter, RunFolder

    for seed in (0, 1):
        values = to_dict(override(default_config(), {"tracking.wandb": "disabled", "label": "H2 / lcgto"}))
        folder = RunFolder.create(tmp_path, "sweep", values, seed)
        writer = JsonlWriter(folder, {"label": "H2 / lcgto"})
        writer.write(1, {"energy/total": -1.13})
        writer.finish({"energies": {"total": -1.13}, "reference": {"pyscf/6-31g": -1.13}, "converged": True})
    told = command("report", str(tmp_path / "sweep"))
    assert not packages(told) & {"jax", "flax", "pyscf", "scipy", "pandas", "wandb"}
    assert "matplotlib" in packages(told)
