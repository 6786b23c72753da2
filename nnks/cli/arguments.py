"""Arguments of the commands on stored runs, with errors in one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from nnks.registry import InputError


class Arguments(argparse.ArgumentParser):
    """A parser that raises instead of printing its usage."""

    def __init__(self, command: str):
        super().__init__(prog=f"nnks {command}", add_help=False, allow_abbrev=False)

    def error(self, message: str) -> NoReturn:
        """Called for what cannot be parsed.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.prog} cannot be understood ({message.rstrip('.')}); see nnks --help.")

    def add_where(self) -> None:
        """`--where CONDITION [CONDITION...]`, any number of times."""
        self.add_argument("--where", nargs="+", action="extend", default=[], metavar="CONDITION")

    def read(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The values; a `--where=CONDITION` counts as one condition.

        Raises:
            InputError: for an option that does not exist, or one without its value.
        """
        return self.parse_args(list(arguments))


def check_target(option: str, path: str | None, ending: str) -> None:
    """Refuses a file to write that has another ending, or no folder to lie in.

    Raises:
        InputError: in one sentence.
    """
    if path is not None and (Path(path).suffix.lower() != ending or not Path(path).parent.is_dir()):
        raise InputError(f"--{option} is '{path}'; expected a file that ends in {ending}, in a folder that exists.")
