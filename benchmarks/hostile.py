"""Results that someone made to do harm, and what the commands do with them.

How much memory a metrics file of 1 GB takes.

Run:      .venv/bin/python -m benchmarks.hostile [--megabytes 1000] [--out results/benchmarks/hostile.json]
Cost:     some minutes, and 1 GB of the temporary folder

Every command is a process of its own, whose largest memory is measured. None may change a file outside of the results,
run a command of the data, end in a traceback, or take 1 GB.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

SCRIPT = (
    "<script>window.pwned=1;document.title='pwned'</script>"
    "<img src=x onerror=\"window.pwned=1;document.title='pwned'\">"
)
COMMAND = "H S\n __import__('os').system('touch pwned') 1.0\n"
ABOVE = "../../../outside/made"

STUDY = '''"""H2, in a folder that someone else has filled."""
from nnks.config import default_config, override
def get_config():
    return override(default_config(), {
        "system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": 0, "training.steps": 3,
        "reference.pyscf": False, "reference.large_basis": "", "tracking.wandb": "disabled", "tracking.console": False})
def sweep():
    return [{"label": "first"}, {"label": "second", "training.seed": 1}]
'''


def _stored(results: Path, config: Any, steps: int = 4, **summary: Any) -> Path:
    from nnks.tracking.store import RunFolder

    folder = RunFolder.create(results, "study", config, config["training"]["seed"])
    for step in range(steps):
        folder.append_metrics(
            step, {"energy/total": -1.0 - 0.01 * step, "grad/norm": 0.1, "time/elapsed_s": 0.1 * step}
        )
    common = {
        "status": "finished",
        "label": config["label"],
        "seed": 0,
        "converged": True,
        "steps": steps,
        "seconds": 1.0,
    }
    energies = {"total": -1.1, "kinetic": 1.0, "hartree": 0.7, "nuclear": 0.7}
    folder.write_json("summary.json", common | {"energies": energies} | summary)
    return folder.path


def make(folder: Path) -> dict[str, Path]:
    """Fills `results/study` of a folder with runs whose strings are scripts, paths and commands, and links out of it.

    Args:
        folder: empty; `outside` and `results` are made in it, and `study.py`, a sweep that has runs there.

    Returns:
        The run folders by what is wrong with them.
    """
    from nnks.config import to_dict
    from nnks.sweep import load_sweep

    results, outside = folder / "results", folder / "outside"
    for path in (results, outside / "checkpoints" / "5", outside / "run"):
        path.mkdir(parents=True)
    (folder / "study.py").write_text(STUDY)
    base, second = (to_dict(config) for config in load_sweep(str(folder / "study.py"), {}).configs)
    for name in ("config.json", "run/config.json"):
        (outside / name).write_text(json.dumps(base | {"label": "secret of the outside"}))
    for name in ("metrics.jsonl", "summary.json", "checkpoints/5/data", "run/summary.json"):
        (outside / name).write_text("secret of the outside\n")

    def config(number: int, **sections: Any) -> Any:
        changed = {key: base[key] | value if isinstance(value, dict) else value for key, value in sections.items()}
        return base | {"label": f"run {number}"} | changed | {"training": base["training"] | {"seed": number}}

    text = {"reference": {SCRIPT: -1.1, ABOVE: -1.2}, "reference_same": SCRIPT, "reference_large": ABOVE}
    odd = {"system": {"molecule": SCRIPT, "basis": SCRIPT, "unit": SCRIPT}, "ansatz": {"name": SCRIPT}}
    runs = {
        "scripts": _stored(results, config(10, label=SCRIPT, **odd), stopped=SCRIPT, violations=[SCRIPT], **text),
        "scripts, failed": _stored(results, config(11, label=SCRIPT), status="failed", reason=SCRIPT),
        "paths": _stored(results, config(12, label=ABOVE, experiment=ABOVE, system={"molecule": ABOVE}), label=ABOVE),
        "command": _stored(results, config(13, system={"basis": COMMAND})),
        "fitting": _stored(results, config(14, functional={"hartree": "density_fitting", "auxiliary": COMMAND})),
        "deep": _stored(results, config(15)),
        "config link": _stored(results, config(16)),
        "files linked": _stored(results, second),
    }
    (runs["deep"] / "config.json").write_text('{"a":' * 5000)
    (runs["deep"] / "environment.json").write_text("[" * 100_000)
    _link(runs["config link"] / "config.json", outside / "config.json")
    for name in ("metrics.jsonl", "summary.json", "checkpoints"):
        _link(runs["files linked"] / name, outside / name)
    linked = _stored(results, base)  # the sweep's first run is a link to a folder outside
    runs["run link"] = linked
    _link(linked, outside / "run")
    about = {
        "name": ABOVE,
        **dict.fromkeys(("title", "description", "claim", "command"), SCRIPT),
        "axes": {SCRIPT: [SCRIPT]},
    }
    (results / "study" / "experiment.json").write_text(json.dumps(about))
    return runs


def _link(path: Path, target: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def commands(runs: dict[str, Path]) -> list[list[str]]:
    """All that are given the results, from the folder of `make`; the removals come last."""
    study = str(next(iter(runs.values())).parent)
    names = [str(path) for path in runs.values()]
    repeated = [["run", f"--config={name}/config.json", "--results=results", "--dry-run"] for name in names]
    return [
        ["ls", "results"],
        ["ls", "results", "--where", "status=failed"],
        ["report", study],
        ["compare", *names, "--html=compare.html", "--png=compare.png"],
        *(["compare", names[0], name] for name in names[1:]),
        ["export", "results", "--to=runs.csv", "--metrics"],
        *repeated,
        ["run", f"--config={runs['paths']}/config.json", "--results=results"],
        ["run", f"--config={runs['command']}/config.json", "--results=results"],
        ["sweep", "--config=study.py", "--results=results"],
        *(["rm", name, "--yes"] for name in names),
        ["rm", "results", "--where", "status=failed", "--yes"],
    ]


def listing(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Every file and folder below one, with the time of its last change, its size and its bytes."""
    entries = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
        entries[str(path.relative_to(folder))] = (stat.st_mtime_ns, stat.st_size, content)
    return entries


@dataclasses.dataclass(frozen=True)
class Large:
    """A command on a run with a large metrics file: exit status, largest memory [MB], what it said."""

    command: str
    status: int
    megabytes: float
    said: str


def make_large(folder: Path, megabytes: int) -> Path:
    """A finished run with a metrics file of this size; its folder."""
    from nnks.config import default_config, to_dict

    run = _stored(folder / "results", to_dict(default_config()), steps=0)
    row = {"energy/total": -1.0, "grad/norm": 0.1, "time/elapsed_s": 0.1} | {f"extra/{n}": n / 7 for n in range(20)}
    step, size = 0, 0
    with (run / "metrics.jsonl").open("w") as stream:
        while size < megabytes * 1_000_000:
            lines = "".join(json.dumps({"step": n, **row}) + "\n" for n in range(step, step + 1000))
            step, size = step + 1000, size + len(lines)
            stream.write(lines)
    return run


def measure(arguments: list[str], folder: Path) -> Large:
    """A command in a process of its own."""
    root = str(Path(__file__).parents[1])
    code = f"""
import resource, subprocess, sys
status = subprocess.run([sys.executable, "-m", "nnks.cli", *{arguments!r}]).returncode
print(status, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=os.environ | {"PYTHONPATH": root}, capture_output=True, text=True
    )
    status, kilobytes = done.stdout.split()[-2:]
    return Large(" ".join(arguments[:1]), int(status), int(kilobytes) / 1000, done.stderr)


def main() -> None:
    from benchmarks.common import print_table, store

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("results/benchmarks/hostile.json"))
    arguments = parser.parse_args()
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        other = str(make_large(folder, 1))
        run = str(make_large(folder, arguments.megabytes))
        given = (["ls", "results"], ["report", "results/study"], ["compare", run, other], ["rm", run, "--yes"])
        export = ["export", "results", "--to=runs.csv", "--metrics"]
        for command in (*given[:3], export, given[3]):
            large = measure(command, folder)
            rows.append({"command": large.command, "status": large.status, "MB": large.megabytes})
            print(rows[-1], large.said[-300:], flush=True)
            store(arguments.out, {"megabytes": arguments.megabytes}, rows)
    print_table(rows, f"A metrics file of {arguments.megabytes} MB")
    raise SystemExit(any(row["MB"] > 1000 or row["status"] for row in rows))


if __name__ == "__main__":
    main()
