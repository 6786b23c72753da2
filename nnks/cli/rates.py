"""`nnks rates`."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from nnks.cli.arguments import check_target
from nnks.cli.options import parse_options
from nnks.config import load_config
from nnks.registry import InputError
from nnks.tracking.cache import check_backend, use_compilation_cache
from nnks.tracking.record import called


def command(arguments: list[str]) -> int:
    """Tests learning rates for the first-order optimizer of a config, and says which to use."""
    options = parse_options(arguments, {"png": str})
    config = load_config(options["config"], options["changes"])
    target = options["own"].get("png")
    check_target("png", target, ".png")
    use_compilation_cache()
    check_backend()
    from nnks import setup
    from nnks.runs.plan import plan
    from nnks.training import FirstOrder
    from nnks.training.range_test import Descent, range_test

    if config.training.control_steps:
        raise InputError(
            f"training.control_steps is {config.training.control_steps}, and rates are tested with plain gradients; "
            "use --config.training.control_steps=0, and train with the rate that is found."
        )
    ready = plan(config)
    if not isinstance(ready.optimizer, FirstOrder) or ready.optimizer.recipe is None:
        raise InputError(
            f"optimizer '{config.optimizer.name}' has no learning rate to test; use --config.optimizer.name=adam, or "
            "another of optax's."
        )
    key = setup.run_key(config)
    problem = setup.in_precision(ready.problem, config.training.precision)
    with Console().status("one step at each learning rate ..."):
        ranged = range_test(Descent(ready.optimizer.recipe), problem, problem.init_params(key), key)
    table = Table(
        title=f"{called('system.molecule', config.system.molecule)}, {config.optimizer.name}: "
        "energy after a step at each rate"
    )
    table.add_column("learning rate", justify="right")
    table.add_column("energy [Ha]", justify="right")
    for rate, energy in zip(ranged.rates, ranged.energies, strict=True):
        table.add_row(f"{rate:.2g}", f"{energy:.6f}")
    Console().print(table)
    if target is not None:
        from nnks.analysis.rates import draw

        print(f"picture: {draw(ranged.rates, ranged.energies, ranged.suggestion, Path(target))}")
    print(f"suggested: --config.optimizer.learning_rate={ranged.suggestion:.2g}")
    return 0
