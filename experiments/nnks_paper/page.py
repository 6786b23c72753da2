"""Reports on the console, as Markdown, and stored as JSON.

The page of all items begins with the verdicts on the paper's claims.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table as RichTable

from nnks.tracking.environment import environment
from nnks.tracking.files import read_json, replace_text, write_json
from nnks_paper.paper import CLAIMS
from nnks_paper.report import BETTER, CONTRADICTED, NOT, OPEN, REPRODUCED, Finding, Report, Table

FULL = "<!-- the full version; a quick one does not replace it -->"
COLORS = {REPRODUCED: "green", BETTER: "bold green", NOT: "yellow", CONTRADICTED: "yellow", OPEN: "dim"}


def show(report: Report, console: Console | None = None) -> None:
    """Prints a report's tables and verdicts."""
    console = console or Console(width=None if Console().is_terminal else 170)
    console.print(f"\n[bold]{report.title}[/bold]" + (" (quick version)" if report.quick else ""))
    for table in report.tables:
        shown = RichTable(
            *map(str, table.header),
            title=table.title,
            caption=table.note or None,
            title_justify="left",
            caption_justify="left",
        )
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    show_findings([(report.name, finding) for finding in report.findings], console)
    for sentence in report.missing:
        console.print(f"not finished: {sentence}", markup=False)


def show_findings(findings: Sequence[tuple[str, Finding]], console: Console) -> None:
    """Prints verdicts."""
    table = RichTable("claim", "verdict", "compared", "from", "evidence", title="Verdicts", title_justify="left")
    for name, finding in findings:
        color = COLORS[finding.verdict]
        table.add_row(
            CLAIMS[finding.claim], f"[{color}]{finding.verdict}[/{color}]", finding.compared, name, finding.evidence
        )
    console.print(table)


def store(report: Report, folder: Path) -> Path:
    """Stores a report as JSON with its environment, and as Markdown beside its figure."""
    folder.mkdir(parents=True, exist_ok=True)
    machine = environment()
    machine.pop("command", None)
    write_json(folder / f"{report.name}.json", report.to_dict() | {"environment": machine})
    return replace_text(folder / f"{report.name}.md", "\n\n".join(["# " + report.title, *section(report, "")]) + "\n")


def stored(folder: Path, names: Iterable[str]) -> list[Report]:
    """The reports of these items that are there."""
    items = [read_json(folder / f"{name}.json") for name in names]
    return [Report.from_dict(values) for values in items if values is not None]


def section(report: Report, figures: str) -> list[str]:
    """A report as Markdown blocks; `figures` leads from the page to the figures' folder."""
    blocks = []
    if report.quick:
        blocks.append("*Quick version: fewer systems, seeds or steps than the full one; see the config file.*")
    if report.command:
        blocks.append(f"Command: `{report.command}`. {report.cost}".strip())
    for finding in report.findings:
        verdict = f"**{finding.verdict.capitalize()}**: {finding.compared}." if finding.compared else finding.verdict
        blocks += [f"> {CLAIMS[finding.claim]}", f"{verdict} {finding.evidence}"]
    for table in report.tables:
        if table.rows:
            blocks += [f"**{table.title}**", markdown(table)] + ([table.note] if table.note else [])
    if report.figure:
        blocks.append(f"![{report.caption}]({figures}{report.figure})")
        blocks.append(f"*{report.caption}*")
    if report.missing:
        blocks.append("\n".join(["Not finished:", "", *(f"- {sentence}" for sentence in report.missing)]))
    return blocks


def markdown(table: Table) -> str:
    """A table in Markdown."""
    lines = ["| " + " | ".join(table.header) + " |", "|" + "---|" * len(table.header)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in table.rows
    ]
    return "\n".join(lines)


def write_page(reports: Sequence[Report], page: Path, figures: Path, *, quick: bool) -> Path:
    """The page of all items; a quick one leaves the page of a full version alone and goes beside the figures.

    Returns:
        Where it was written.
    """
    if quick and page.is_file() and FULL in page.read_text(encoding="utf-8"):
        page = figures / "quick.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    relative = Path(os.path.relpath(figures.resolve(), page.resolve().parent)).as_posix()
    blocks = [
        "# The paper, reproduced",
        "Li et al., *D4FT: A Deep Learning Approach to Kohn-Sham Density Functional Theory* (ICLR 2023, arXiv "
        "2303.00399), beside nnks and PySCF. `nnks reproduce all"
        + (" --quick" if quick else "")
        + "` writes this page from stored runs; do not edit it.",
        "The paper's numbers carry how they are known. V is verified in the authors' repository or recomputed. S is "
        "from a summary of the full text, and I is inferred.",
        *([] if quick else [FULL]),
        "## Verdicts on its claims",
        verdicts(reports),
        "A verdict is on what was compared, and on nothing else that the claim says. In part: comparisons differ. Not "
        "reproduced: what was compared shows no difference. Better: ours exceeds the paper's.",
    ]
    for report in reports:
        blocks += [f"## {report.name}", report.title, *section(report, f"{relative}/" if relative != "." else "")]
    return replace_text(page, "\n\n".join(blocks) + "\n")


def verdicts(reports: Sequence[Report]) -> str:
    """One row a claim, in their order; a claim that nothing was run for is open."""
    rows = []
    for key, text in CLAIMS.items():
        own = [(report.name, finding) for report in reports for finding in report.findings if finding.claim == key]
        links = ", ".join(f"[{name}](#{name})" for name in dict.fromkeys(name for name, _ in own))
        rows.append([text, *summary([finding for _, finding in own]), links])
    return markdown(Table("", ["claim", "verdict", "what was compared", "details"], rows))


def summary(findings: Sequence[Finding]) -> tuple[str, str]:
    """The verdict on a claim, `in part` where findings differ, and what was compared."""
    compared: dict[str, list[str]] = {}
    for finding in findings:
        compared.setdefault(finding.verdict, []).append(finding.compared)
    if not compared:
        return f"**{OPEN}**", "nothing was run for it"
    listed = {verdict: "; ".join(dict.fromkeys(filter(None, texts))) for verdict, texts in compared.items()}
    if len(listed) == 1:
        return next((f"**{verdict}**", texts) for verdict, texts in listed.items())
    return "**in part**", "; ".join(f"{verdict}: {texts}" for verdict, texts in listed.items())
