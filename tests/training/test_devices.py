"""Points of the grid spread over devices and over processes: the same energies."""

import json
import os
import subprocess
import sys

import pytest

# sums over blocks in another order: rounding of energies of 75 Ha
ROUNDING = 1e-9

CALCULATION = """
import json, sys
import jax
hosts, host, port, xc, hartree = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
if hosts > 1:
    jax.distributed.initialize(f"localhost:{port}", hosts, host)
from nnks import setup
from nnks.config import default_config, override
from nnks.training import begin
changes = {
    "system.molecule": "H2O", "quadrature.level": 1, "functional.xc": xc, "functional.hartree": hartree,
    "optimizer.name": "direct",
}
config = override(default_config(), changes)
problem = setup.make_problem(setup.make_system(config))
optimizer, key = setup.make_optimizer(config, problem), setup.run_key(config)
state = begin(optimizer, problem, problem.init_params(key), key)
step, energies = optimizer.make_step(problem), []
for _ in range(6):
    state, metrics = step(state)
    energies.append(float(metrics["energy/total"]))
print("ENERGIES", json.dumps({
    "devices": jax.device_count(), "blocks": problem.model.table.devices, "energies": energies,
}))
"""


def start(hosts, host, devices, xc, hartree, port=0):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_CPU_COLLECTIVES_IMPLEMENTATION": "gloo"}
    command = [sys.executable, "-c", CALCULATION, str(hosts), str(host), str(port), xc, hartree]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process):
    out, err = process.communicate(timeout=300)
    lines = [line for line in out.splitlines() if line.startswith("ENERGIES")]
    assert lines, err[-2000:]
    return json.loads(lines[0].removeprefix("ENERGIES"))


def free_port():
    import socket

    with socket.socket() as s:
        s.bind(("localhost", 0))
        return s.getsockname()[1]


@pytest.mark.parametrize(
    ("xc", "hartree"), [("lda,vwn", "exact"), pytest.param("pbe", "density_fitting", marks=pytest.mark.slow)]
)
def test_two_devices_give_the_energies_of_one(xc, hartree):
    one, two = (result(start(1, 0, n, xc, hartree)) for n in (1, 2))
    assert (one["blocks"], two["blocks"]) == (1, 2)
    assert one["energies"] == pytest.approx(two["energies"], abs=ROUNDING)


def test_two_processes_give_the_energies_of_one():
    alone = result(start(1, 0, 1, "lda,vwn", "exact"))
    port = free_port()
    both = [start(2, host, 1, "lda,vwn", "exact", port) for host in range(2)]
    results = [result(process) for process in both]
    assert [f["devices"] for f in results] == [2, 2]
    assert results[0]["energies"] == results[1]["energies"]
    assert results[0]["energies"] == pytest.approx(alone["energies"], abs=ROUNDING)


def test_too_many_devices_are_refused(quick):
    from nnks.registry import InputError
    from nnks.runs.plan import plan

    with pytest.raises(InputError, match=r"training\.devices is 99, and JAX sees"):
        plan(quick(training__devices=99))
