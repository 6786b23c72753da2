"""The command line. Each command is a module of its own, imported when it is called."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

USAGE = """nnks: experiments on Kohn-Sham orbitals

  nnks quickstart                       H2 and water in a few minutes: start here;
                                        --full for thirty runs
  nnks run --config=gaussian --config.system.molecule=water
                                        one run: train, evaluate, compare with PySCF
  nnks sweep --config=quickstart        every run of a file; finished ones are kept
  nnks rates --config=FILE --config.optimizer.name=adam
                                        which learning rate? a range test; --png=FILE
  nnks report results/quickstart        tables, figures and one HTML page of a sweep
  nnks reproduce table1 [--quick]       the paper beside nnks: table1, table2, table3, timing, fig2,
                                        fig3, scaling, expressivity, or all
  nnks reference H2O --config.functional.xc=pbe
                                        PySCF near the basis limit, kept for all later runs
  nnks list ansatz                      what a config may name: ansatz, orthogonalizer, sampler, xc,
                                        hartree, optimizer, term, molecule, config;
                                        keys: every key of a config
  nnks ls results --where ansatz.name=residual 'error<1'
                                        stored runs, by any value; --columns, --sort, --limit
  nnks rm results --where status=failed
                                        what would go; --yes removes it
  nnks export results --to=runs.csv     one row a run; .parquet; --metrics: one a step as well
  nnks store results/quickstart         keeps a sweep as two small tables; --to=results/stored
  nnks compare RUN RUN                  settings, energies, convergence; --html, --png

Options
  --config=FILE         a config file, a packaged name (nnks list config), or the config.json of a
                        stored run
  --config.KEY=VALUE    changes a key, such as --config.ansatz.name=residual
                        --config.ansatz.width=32
  --results=DIR         where runs are stored (default: results)
  --launcher=NAME       of sweep: local (default), ray or slurm, with --workers=N, --cluster=NAME,
                        --batch=auto|off, and for each run --cpus=N, --gpus=N, --memory=GB,
                        --minutes=N; --yes if more than 1,000 runs are meant
  --dry-run             print the resolved config and the plan, and stop; nothing is computed
  --again               of run: compute a finished run once more, into a folder that ends in -2,
                        and so on
  --debug               where an error came from, beside its sentence
  --help                this text

Start with `nnks run --config=gaussian --config.system.molecule=N2`, then change one key at a time.

Exit status
  0                     done
  1                     a run failed or is left to another process
  2                     the input cannot be used; one sentence says why
  129, 130, 143         interrupted by SIGHUP, SIGINT or SIGTERM: the state is saved, and the same
                        command continues"""

COMMANDS = {"run": "run", "sweep": "sweep", "report": "report", "list": "catalog"} | {
    name: name for name in ("quickstart", "rates", "reference", "reproduce", "ls", "rm", "export", "compare", "store")
}
"""The module here of each, whose `command(arguments)` returns the exit status."""

CONTINUES = ("quickstart", "run", "sweep", "reproduce")
"""Commands that go on from what is stored."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command and returns the exit status. An error is one line on standard error.

    `--debug` adds its traceback.
    """
    given = list(sys.argv[1:] if argv is None else argv)
    arguments = [argument for argument in given if argument != "--debug"]
    if not arguments or "--help" in arguments or arguments[0] in ("-h", "help"):
        print(USAGE)
        return 0 if arguments else 2
    from nnks.interruption import Interrupted, handled, say
    from nnks.registry import InputError, StoreError, one_line

    try:
        with handled():
            return _dispatch(arguments)
    except KeyboardInterrupt as stop:
        further = "the same command continues" if arguments[0] in CONTINUES else "the same command starts again"
        say(f"nnks: {stop if isinstance(stop, Interrupted) else 'interrupted'}; {further}.")
        _drop_output()
        status = stop.status if isinstance(stop, Interrupted) else 130
        if argv is None:  # a step that was dispatched may still run, and an interpreter that ends under it can crash
            os._exit(status)
        return status
    except BrokenPipeError:  # who reads the output has enough of it, as `head` has
        _drop_output()
        return 141
    except Exception as error:
        if "--debug" in given:
            print(getattr(error, "report", "") or traceback.format_exc(), file=sys.stderr, end="")
        known = isinstance(error, InputError | StoreError)
        print(f"nnks: {one_line(str(error) if known else _unexpected(error))}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1


def _drop_output() -> None:
    """What nobody can read any more, since a terminal or a pipe is closed, is no error while the interpreter ends."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _unexpected(error: Exception) -> str:
    """The sentence for an error that nobody foresaw."""
    what = f"{type(error).__name__}: {str(error).rstrip('.')}" if str(error) else type(error).__name__
    if isinstance(error, OSError | MemoryError):
        return f"the system refuses: {what}; add --debug to see where."
    return f"internal error, {what[:300]}; add --debug to see where, and report it."


def _dispatch(arguments: list[str]) -> int:
    from nnks.registry import InputError, shown, suggest

    name = arguments[0]
    if name not in COMMANDS:
        raise InputError(f"{shown(name)} is no command; {suggest(name, COMMANDS)}.")
    return importlib.import_module(f"nnks.cli.{COMMANDS[name]}").command(arguments[1:])
