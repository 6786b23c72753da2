"""Runs the code of pages and keeps in each page what its blocks print.

    python docs/execute.py docs/tutorials/first-energy.md            # writes outputs and pictures
    python docs/execute.py --check docs/tutorials/first-energy.md    # compares them with the stored ones

Blocks run from top to bottom in an empty folder, the Python ones in one namespace. What a block prints stands below it.

| block | what is done with it |
|---|---|
| `python` | it runs |
| `python title="name.py"` | it is saved under that name |
| `sh` | each command runs, `nnks` in this process |
| `text` right after one of these | its output, which is written anew unless it is equal within the page's tolerance |

A page states the tolerance of its numbers, relative to their size, in a comment: `<!-- executed, tolerance 0.02 -->`.
The last digits of a number may differ as well, and they alone where it has four decimals or more, as total energies do.
Dates, names of runs and times, which are cut to `… s`, are not compared. Pictures that a page
shows must have been drawn by its code; they are not compared.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK = re.compile(r'^```(python|sh)(?: title="([^"\n]+)")?\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?', re.M | re.S)
TOLERANCE = re.compile(r"<!-- executed, tolerance ([\d.]+) -->")
PICTURE = re.compile(r"!\[[^\]]*\]\(([^)\s/]+\.(?:png|svg))\)")
TIME = re.compile(r"\b(?:\d+(?:\.\d+)? (?:ms|s|min)|\d+:\d\d min)(?![\w/])")
RUN = re.compile(r"\d{8}-[0-9a-f]{8}-s(\d+)")
NUMBER = re.compile(r"(?<![\w.])[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
LAST_DIGITS, PRECISE, PRECISE_DIGITS = 3, 4, 10
"""Units of the last printed digit by which a number may differ; one of so many decimals, as energies have, by these
alone."""

WIDTH = 92
"""Characters of a line of output."""


class Differs(Exception):
    """A page does not say what its code prints."""


def execute(page: Path, folder: Path) -> str:
    """The text of a page with the outputs of its code, which runs in a folder.

    Raises:
        Differs: for a picture that the code did not draw.
    """
    text = page.read_text(encoding="utf-8")
    stated = TOLERANCE.search(text)
    tolerance, names = float(stated[1]) if stated else 0.0, {"__name__": "__main__"}

    def replaced(match: re.Match[str]) -> str:
        kind, title, code, stored = match.groups()
        line = text.count("\n", 0, match.start()) + 2
        output = _run(kind, title, code, folder, names, f"{page.name}, line {line}")
        if stored is not None and same(stored, output, tolerance):
            output = stored
        fence = f'```{kind} title="{title}"' if title else f"```{kind}"
        return f"{fence}\n{code}```\n" + (f"\n```text\n{output}```\n" if output else "")

    with contextlib.chdir(folder):
        written = BLOCK.sub(replaced, text)
    for name in PICTURE.findall(text):
        if not (folder / name).is_file():
            raise Differs(f"{page} shows {name}, which its code did not draw")
    return written


def _run(kind: str, title: str | None, code: str, folder: Path, names: dict[str, Any], where: str) -> str:
    """What a block prints, without times."""
    if title:
        (folder / title).write_text(code, encoding="utf-8")
        return ""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        if kind == "python":
            exec(compile(code, where, "exec"), names)
        else:
            for command in _commands(code):
                _call(command, where)
    lines = [line.rstrip() for line in TIME.sub("… s", printed.getvalue()).strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def _commands(code: str) -> Iterator[str]:
    for line in code.replace("\\\n", " ").splitlines():
        if command := line.partition(" #")[0].strip():
            yield command


def _call(command: str, where: str) -> None:
    """Runs a command: nnks here, which saves the seconds of an import, and what its output is piped to in a shell."""
    first, _, rest = command.partition(" | ")
    program, *arguments = shlex.split(first)
    printed = ""
    if program == "nnks":
        from nnks.cli import main

        with contextlib.redirect_stdout(io.StringIO()) as kept:
            if status := main(arguments):
                raise Differs(f"{where}: `{command}` ends with status {status}")
        printed, command = kept.getvalue(), rest
    if command:
        done = subprocess.run(command, shell=True, check=True, stdout=subprocess.PIPE, text=True, input=printed)
        printed = done.stdout
    print(printed, end="")


def same(stored: str, output: str, tolerance: float) -> bool:
    """Whether two outputs have the same words, and numbers that are equal within their last digits or the tolerance."""
    ours, theirs = (RUN.sub(r"RUN-s\1", re.sub("─+", "─", text)) for text in (output, stored))
    words, others = (NUMBER.sub("#", text).split() for text in (ours, theirs))
    if words != others:
        return False
    return all(_near(*pair, tolerance) for pair in zip(NUMBER.findall(ours), NUMBER.findall(theirs), strict=True))


def _near(one: str, other: str, tolerance: float) -> bool:
    unit = max(_unit(one), _unit(other))
    a, b = float(one), float(other)
    if unit <= 10.0**-PRECISE * (1 + 1e-9):  # the tolerance of a total energy would be a hartree
        return abs(a - b) <= PRECISE_DIGITS * unit * (1 + 1e-9)
    whole = "." not in one + other and "e" not in one + other  # a count is what it is, within the tolerance
    return abs(a - b) <= max((0 if whole else LAST_DIGITS) * unit, tolerance * max(abs(a), abs(b))) * (1 + 1e-9)


def _unit(number: str) -> float:
    """One unit of the last digit of a number."""
    digits, _, power = number.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))


def main() -> int:
    """Runs the pages that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--check", action="store_true", help="write nothing; status 1 where a page differs")
    arguments = parser.parse_args()
    os.environ["COLUMNS"] = str(WIDTH)
    os.environ.setdefault("MPLBACKEND", "agg")
    pages = [page.resolve() for page in arguments.pages]
    for page in pages:
        with tempfile.TemporaryDirectory() as name:
            sys.path.insert(0, name)
            written = execute(page, Path(name))
            sys.path.remove(name)
            if arguments.check:
                _check(page, written)
                continue
            page.write_text(written, encoding="utf-8")
            for picture in PICTURE.findall(written):
                shutil.copyfile(Path(name) / picture, page.parent / picture)
    return 0


def _check(page: Path, written: str) -> None:
    """Compares a page with what its code prints now.

    Raises:
        Differs: with the first line that does.
    """
    stored = page.read_text(encoding="utf-8")
    if stored == written:
        return
    lines, others = stored.splitlines(), written.splitlines()
    n = next((n for n, (a, b) in enumerate(zip(lines, others, strict=False)) if a != b), min(len(lines), len(others)))
    raise Differs(f"{page.name}, line {n + 1}: the page says {lines[n : n + 3]}, its code prints {others[n : n + 3]}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Differs as error:
        sys.exit(str(error))
