"""The end of a run on the console: its energies beside the references, and what they mean in one sentence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnks.energies import STANDARD, TOTAL, in_order
from nnks.tracking.progress import duration, outcome
from nnks.tracking.record import (
    DOUBTS,
    EXACT,
    FAILED,
    MOLECULES,
    REFERENCE_LARGE,
    REFERENCE_LEFT,
    REFERENCE_SAME,
    REFERENCE_TERMS,
    REMARKS,
    VIOLATIONS,
)
from nnks.tracking.trust import known_references, lost_references, objections
from nnks.units import MILLIHARTREE

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
else:
    Console = Table = Any  # imported when a table is made

EQUAL = 1e-3
"""Energies closer than this [mHa] are called equal: the agreement asked of two programs is 1e-6 Ha."""

ROLES = {REFERENCE_SAME: "same basis", REFERENCE_LARGE: "large basis"}
"""What a reference is to a run, by the key of a summary that names it."""

OWN_WIDTH, REFERENCE_WIDTH = 24, 28
"""Characters that the run's own columns of the final table take, and those of a reference."""


def ordered_references(summary: Mapping[str, Any]) -> dict[str, float]:
    """The references of a run that converged [Ha]: same basis first, then large basis, exact, and the others."""
    energies = known_references(summary)
    first = [summary.get(REFERENCE_SAME), summary.get(REFERENCE_LARGE), EXACT]
    names = [name for name in dict.fromkeys(first) if name in energies]
    return {name: energies[name] for name in names + [n for n in energies if n not in names]}


def role(summary: Mapping[str, Any], name: str) -> str:
    """What a reference is to this run: `same basis`, `large basis`, or nothing."""
    return " and ".join(text for key, text in ROLES.items() if summary.get(key) == name)


def energy_table(summary: Mapping[str, Any], names: Sequence[str] | None = None) -> Table:
    """Energies by term: this run, each reference, and the differences (run - reference) in mHa.

    Args:
        summary: a run's summary; references without known terms fill the row of the total only.
        names: of the references to show; None for all.

    Returns:
        A rich table.
    """
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    energies = summary.get("energies") or {}
    references = {n: e for n, e in ordered_references(summary).items() if names is None or n in names}
    terms = summary.get(REFERENCE_TERMS) or {}
    widest = max((len(_number(e, ".7f")) for e in energies.values()), default=0)  # digits are never cut off
    title = escape(str(summary.get("label") or "")) or None
    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("energy", no_wrap=True, min_width=max(map(len, (TOTAL, *STANDARD))))
    table.add_column("this run\n\\[Ha]", justify="right", style="bold", no_wrap=True, min_width=widest)
    for name in references:
        purpose = role(summary, name) or "reference"
        table.add_column(f"{escape(name)}\n{purpose} \\[Ha]", justify="right", min_width=widest, overflow="fold")
        table.add_column("difference\n\\[mHa]", justify="right", style="cyan", min_width=10)
    for term in in_order(energies):
        cells = [term, _number(energies.get(term), ".7f")]
        for name, total in references.items():
            reference = total if term == "total" else (terms.get(name) or {}).get(term)
            cells += [_number(reference, ".7f"), _difference(energies.get(term), reference)]
        table.add_row(*cells, style="bold" if term == "total" else None, end_section=term == "total")
    return table


def molecules_table(summary: Mapping[str, Any]) -> Table:
    """The energies of the molecules of a run, one a row, and how far the references of each are."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("molecule", no_wrap=True)
    table.add_column("this run\n\\[Ha]", justify="right", style="bold", no_wrap=True)
    for purpose in ROLES.values():
        table.add_column(f"{purpose}\n\\[mHa]", justify="right", style="cyan")
    table.add_column("quadrature error\n\\[mHa]", justify="right")
    for label, own in summary[MOLECULES].items():
        energy, known, error = own["energies"]["total"], own.get("reference") or {}, own.get("quadrature_error")
        cells = [_difference(energy, known.get(own.get(role))) for role in ROLES]
        stated = "" if error is None else f"{max(error / MILLIHARTREE, EQUAL):.3f}"
        table.add_row(escape(label), _number(energy, ".7f"), *cells, stated)
    return table


def verdict(summary: Mapping[str, Any]) -> str:
    """The result in plain sentences: the energy, how it was reached, how far each reference is."""
    if summary.get("status") == FAILED:
        return f"The run failed: {summary.get('reason') or 'no reason was recorded'}"
    energy = (summary.get("energies") or {}).get("total")
    if energy is None:
        return "The run has no final energy."
    seconds = summary.get("seconds")
    spent = "" if seconds is None else f", {duration(seconds)}"
    sentences = [f"E = {energy:.7f} Ha, {outcome(summary)} after {summary.get('steps', '?')} steps{spent}."]
    distances = []
    for name, reference in ordered_references(summary).items():
        purpose = role(summary, name)
        distances.append(f"{distance(energy, reference)} {name}" + (f" ({purpose})" if purpose else ""))
    if distances:
        sentences.append(f"This is {', '.join(distances)}.")
    error = summary.get("quadrature_error")
    if error is not None:
        sentences.append(f"Its quadrature error is about {max(error / MILLIHARTREE, EQUAL):.3f} mHa.")
    functional = str(summary.get("functional") or "")
    if ", no " in functional:  # half of what the name promises to most people
        sentences.append(f"Functional {functional}.")
    sentences += lost_references(summary)
    sentences += [f"WARNING: {sentence}" for key in (DOUBTS, REMARKS) for sentence in summary.get(key) or []]
    sentences += [f"ERROR: {sentence}" for sentence in summary.get(VIOLATIONS) or []]
    return " ".join(sentences)


def left_references(summary: Mapping[str, Any]) -> list[str]:
    """A sentence for each reference that was not computed, with the command that computes it."""
    return [
        f"PySCF in {name.partition('/')[2]} is left out: it takes about {duration(each['seconds'])}, and "
        f"reference.seconds is {each['budget']:g}; `{each['command']}` computes it."
        for name, each in (summary.get(REFERENCE_LEFT) or {}).items()
    ]


def distance(energy: float | int, reference: float | int) -> str:
    """A difference in words, such as `0.215 mHa above` or `equal within 0.001 mHa to`."""
    difference = (energy - reference) / MILLIHARTREE
    if abs(difference) < EQUAL:
        return f"equal within {EQUAL:g} mHa to"
    return f"{abs(difference):.3f} mHa {'above' if difference > 0 else 'below'}"


def print_summary(summary: Mapping[str, Any], console: Console | None = None) -> None:
    """Prints the table and the verdict to standard output."""
    from rich.console import Console

    console = console or Console()
    if summary.get("energies"):
        names = list(ordered_references(summary))
        fit = max(1, (console.width - OWN_WIDTH) // REFERENCE_WIDTH)  # the rest go into a table below
        for start in range(0, max(len(names), 1), fit):
            console.print(energy_table(summary, names[start : start + fit]))
    if summary.get(MOLECULES):
        console.print(molecules_table(summary))
    for sentence in left_references(summary):
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    style = "bold red" if objections(summary) or summary.get("status") == FAILED else "bold"
    console.print(verdict(summary), style=style, markup=False, highlight=False)


def _number(value: float | int | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _difference(energy: float | int | None, reference: float | int | None) -> str:
    return "" if energy is None or reference is None else f"{(energy - reference) / MILLIHARTREE:+.4f}"
