"""Any text for any key through the command line: each is accepted with a plan, or refused in one line and quickly.

Run:      .venv/bin/python -m benchmarks.fuzz_config [--cases 5000] [--seed 0] [--only N]
Cost:     minutes on two cores; `--only N` repeats one case and shows what it prints

One process calls `nnks run --dry-run` for every case, on H2 in STO-3G on the coarsest grid. A case sets one key, or
what is like one, to a text that is drawn from values that the key takes, numbers at and beyond its bounds, other types,
and what a hostile user would try. Keys of members come with the name of a member that has them. What counts as wrong:
an exit status other than 0 and 2, a refusal of several lines or of more than 700 characters, a traceback, and more than
two seconds. Writes results/stored/benchmarks/fuzz_config.json.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import random
import signal
import string
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.common import print_table, store
from nnks.cli import main
from nnks.config import default_config, override, registries
from nnks.config.sections import rules_of
from nnks.config.values import Rule

SLOW, HANGS, LONGEST = 2.0, 120, 700
"""Seconds of a slow answer and of one that is given up, and characters of a line."""

SMALL = {"system.molecule": "H2", "system.basis": "sto-3g", "quadrature.level": "0", "reference.large_basis": ""}

HOSTILE = (
    "", " ", "None", "none", "NONE", "null", "nan", "-nan", "inf", "-inf", "1e999", "-1e999", "1e-999", "1d-3", "1D5",
    "1_000", "1__0", "0x10", "0b1", "1e3", "1.5", "-1", "0", "1", "2", "+5", " 7 ", "1,5", "1 2", "--1", "٣", "¼", "²",
    "9" * 19, "9" * 30, "-" + "9" * 30, "9" * 5000, "1e400000000", "true", "FALSE", "yes", "off", "maybe", "[]", "{}",
    "()", "[1]", "(1,)", "{'a': 1}", '"water"', "[" * 1000, "{" * 5000, "../../x", "a/b", "/etc", "~", "C:\\x", ".",
    "..", "-x", "--yes", "\0", "a\0b", "\ud800", "\x1b[2J", "\n", "a\nb", "\r\n", "\t", "\u202e", "\u2028", "\ufeff",
    "x" * 10_000, "😀" * 80, "__import__('os').system('true')", "eval(1)", "$(true)", "`true`", "%s%n%d", "{0}",
    "<script>alert(1)</script>", "'; drop table", "con", "nul", "a=b", "=", "==", "auto", "exact", "residual", "adam",
    "lbfgs", "cosine", "6-31g", "cc-pvdz", "water", "H 0 0 0", "H 0 0 0; H 0 0 0.74", "lda,vwn", "b3lyp", "online",
    "float64", "even_tempered", "H S\n 1.0 1.0", "bohr", "angstrom", "tanh", "ema", "penalty", "solved", "random",
)  # fmt: skip


def keys() -> list[tuple[str, str, Rule | None]]:
    """Every key, with the change that names a member which has it, and its rule."""
    known: list[tuple[str, str, Rule | None]] = []
    for kind, registry in registries().items():
        known.append((f"{kind}.name", "", None))
        for name in registry:
            rules = rules_of(override(default_config(), {f"{kind}.name": name}))
            known += [
                (path, f"{kind}.name={name}", rule) for path, rule in rules.items() if path.startswith(f"{kind}.")
            ]
    fixed = rules_of(default_config())
    return known + 8 * [(p, "", rule) for p, rule in fixed.items() if p.partition(".")[0] not in registries()]


def draw_value(draw: random.Random, rule: Rule | None) -> str:
    """A text for a key."""
    way = draw.randrange(6)
    if rule is not None and way < 2:
        low, high = (min(max(bound, -1e6), 1e6) for bound in (rule.bounds.lowest, rule.bounds.highest))
        if rule.kind is int:
            return str(
                draw.choice(
                    [low, high, int(low) - 1, int(high) + 1, draw.randint(int(low), int(high)), draw.randint(0, 9)]
                )
            )
        if rule.kind is float:
            return str(
                draw.choice(
                    [low, high, low - 1, high + 1, draw.uniform(low, high), draw.random(), 10 ** draw.uniform(-9, 3)]
                )
            )
        if rule.kind is bool:
            return draw.choice(["true", "False", "on", "NO", "1", "0", "t", "2"])
        if rule.choices:
            return draw.choice([*rule.choices, rule.choices[0][:-1], rule.choices[-1].upper()])
        return draw.choice(HOSTILE)
    if way == 2:
        return str(
            draw.choice([draw.randint(-(2**70), 2**70), draw.gauss(0, 1), draw.gauss(0, 1e5), draw.randint(-9, 9)])
        )
    if way == 3:
        letters = draw.choice(
            [
                string.printable,
                string.digits + "eEdD+-._ ",
                "".join(map(chr, range(0x250))),
                "αβ中文😀\ud800\u200b\u202e",
            ]
        )
        return "".join(draw.choice(letters) for _ in range(draw.randint(0, 30)))
    return draw.choice(HOSTILE)


def draw_case(draw: random.Random, known: list[tuple[str, str, Rule | None]]) -> list[str]:
    """The arguments of one case."""
    path, names, rule = draw.choice(known)
    value = draw_value(draw, rule)
    if draw.random() < 0.12:  # a key that is none
        path = draw.choice(
            [
                path[:-1],
                path + "x",
                path + ".x",
                path.partition(".")[0],
                path.upper(),
                "." + path,
                "",
                draw.choice(HOSTILE),
            ]
        )
    changes = {key: text for key, text in SMALL.items() if key != path}
    kind, _, name = names.partition("=")
    if kind == "sampler.name" and name != "full":
        changes["optimizer.name"] = "adam"
    elif kind == "ansatz.name" and name != "lcgto":
        changes["optimizer.name"] = "lbfgs"
    if kind and kind != path:
        changes[kind] = name
    changes.pop(path, None)
    changes[path] = value
    return ["run", "--config=gaussian", *(f"--config.{key}={text}" for key, text in changes.items()), "--dry-run"]


@contextlib.contextmanager
def given_up() -> Iterator[None]:
    """Ends what takes too long by an error, where the system has an alarm."""

    def end(*_: Any) -> None:
        raise TimeoutError("hangs")

    before = signal.signal(signal.SIGALRM, end)
    signal.alarm(HANGS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def libraries(err: io.StringIO) -> Iterator[None]:
    """What libraries in C print as an error counts as well."""
    kept = os.dup(2)
    with tempfile.TemporaryFile("w+") as file:
        os.dup2(file.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            file.seek(0)
            err.write(file.read())


def answer(arguments: list[str]) -> tuple[str, float, str]:
    """What came of a case: `accepted`, `refused` or what is wrong; its seconds; what it printed as an error."""
    out, err, started = io.StringIO(), io.StringIO(), time.perf_counter()
    try:
        with contextlib.redirect_stdout(out), libraries(err), contextlib.redirect_stderr(err), given_up():
            status: Any = main(arguments)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        status, _ = "traceback", err.write(f"{type(error).__name__}: {error}")
    seconds, said = time.perf_counter() - started, err.getvalue()
    if status == 0:
        return ("accepted" if "basis functions:" in out.getvalue() else "no plan"), seconds, said
    line = said.removesuffix("\n")
    if status == 2 and line.startswith("nnks: ") and line.isprintable() and len(line) <= LONGEST:
        return "refused", seconds, said
    return ("several lines" if status == 2 else "traceback"), seconds, said


def campaign(cases: int, seed: int) -> list[dict[str, Any]]:
    """What came of every case, with the arguments of those that went wrong."""
    draw, known, rows = random.Random(seed), keys(), []
    answer(
        ["run", "--config=gaussian", *(f"--config.{key}={text}" for key, text in SMALL.items()), "--dry-run"]
    )  # imports
    for number in range(cases):
        arguments = draw_case(draw, known)
        outcome, seconds, said = answer(arguments)
        key = arguments[-2].removeprefix("--config.").partition("=")[0]
        rows.append({"case": number, "key": key[:60], "outcome": outcome, "seconds": seconds})
        if outcome not in ("accepted", "refused") or seconds > SLOW:
            usual = {f"--config.{known_key}={text}" for known_key, text in SMALL.items()}
            rows[-1] |= {
                "arguments": [ascii(a)[:200] for a in arguments[2:-1] if a not in usual],
                "said": ascii(said)[:300],
            }
            print(
                f"case {number}, {outcome}, {seconds:.1f} s: {rows[-1]['arguments']} {rows[-1]['said']}",
                file=sys.stderr,
            )
    return rows


def table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Counts by section of the config."""
    sections = {path.partition(".")[0] for path in rules_of(default_config())} | set(registries())
    named = [row["key"].partition(".")[0] if row["key"].partition(".")[0] in sections else "no key" for row in rows]
    lines = []
    for section in [*sorted(set(named)), "all"]:
        own = [row for row, name in zip(rows, named, strict=True) if section in (name, "all")]
        count = Counter(row["outcome"] for row in own)
        lines.append(
            {
                "section": section,
                "tried": len(own),
                "accepted": count["accepted"],
                "refused": count["refused"],
                "several lines": count["several lines"] + count["no plan"],
                "traceback": count["traceback"],
                f"over {SLOW:g} s": sum(row["seconds"] > SLOW for row in own),
                "slowest [s]": max(row["seconds"] for row in own),
            }
        )
    return lines


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cases", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    if options.only is not None:
        dice, choices = random.Random(options.seed), keys()
        for _ in range(options.only):
            draw_case(dice, choices)
        words = draw_case(dice, choices)
        print(ascii(words))
        sys.exit(main([*words, "--debug"]))
    outcomes = campaign(options.cases, options.seed)
    counts = table(outcomes)
    print_table(counts, f"{options.cases} configs, seed {options.seed}")
    wrong = [row for row in outcomes if "arguments" in row]
    settings = {"cases": options.cases, "seed": options.seed}
    store(Path("results/stored/benchmarks/fuzz_config.json"), settings, counts, wrong=wrong)
    sys.exit(1 if any(row["outcome"] not in ("accepted", "refused") for row in outcomes) else 0)
