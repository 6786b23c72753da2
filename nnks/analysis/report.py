"""The report of a sweep: Markdown, PNG figures, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.analysis.about import read_about
from nnks.analysis.answers import METHOD, Answers
from nnks.analysis.cells import closest, method_cells, nearest, reference_rows, run_cells, times_apart
from nnks.analysis.claims import judge_bounds
from nnks.analysis.curves import convergence
from nnks.analysis.densities import densities
from nnks.analysis.figures import final_errors
from nnks.analysis.names import differing_settings
from nnks.analysis.table import Row, run_rows, seed_rows
from nnks.analysis.text import in_markdown, markdown_table
from nnks.analysis.wording import chemical, chemical_in
from nnks.registry import InputError
from nnks.tracking.files import replace_text, storing
from nnks.tracking.notices import collected
from nnks.tracking.record import FINISHED, RunRecord
from nnks.tracking.store import list_runs
from nnks.tracking.trust import lost_references

CAPTIONS = {
    "differences": "Differences from the baseline with their intervals, and their numbers; those within the gray band "
    "are too small to matter. Green: lower, red: higher, blue: undecided or without an interval, gray: equal.",
    "final_errors": "How far energies of the final evaluation end from the best reference. Dots are seeds, bars "
    "medians of three and more, gray triangles PySCF in the method's own basis; on a logarithmic axis, what lies "
    "below the reference is hollow.",
    "convergence_steps": "Distance from the best reference while training, against steps: single runs, or "
    "the median of three and more seeds with their range.",
    "convergence_seconds": "The same against seconds of training, without the first step, which compiles.",
    "densities": "On the plane nearest to the nuclei (crosses), in Bohr: density [1/Bohr³] and highest occupied "
    "orbital [1/Bohr^1.5] of the run closest to the reference, and by how much the densities of other methods differ "
    "from that (of three systems and six other methods at most).",
}


@dataclasses.dataclass(frozen=True)
class ReportPaths:
    """What a report wrote."""

    markdown: Path
    html: Path
    figures: dict[str, Path]


def write_report(folder: Path | str) -> ReportPaths:
    """Writes `report.md`, `figures/*.png` and `report.html` into the folder of a sweep.

    Every number comes from the stored runs; running it again after more runs replaces the report. What is damaged is
    left out and named.

    Raises:
        InputError: if the folder does not exist or holds no runs.
        StoreError: where the report cannot be written.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise InputError(
            f"the folder '{folder}' does not exist; give the folder of a sweep, such as results/quickstart."
        )
    with collected() as damaged:
        return _write(folder, damaged)


def _write(folder: Path, damaged: list[str]) -> ReportPaths:
    records = list_runs(folder)
    if not records:
        raise InputError(f"the folder '{folder}' holds no runs; run `nnks sweep` first, or give another folder.")
    pairs = zip(run_rows(records), records, strict=True)
    pairs = sorted(pairs, key=lambda pair: (pair[0]["system"], pair[0]["method"], pair[0]["seed"]))
    rows, records = [row for row, _ in pairs], [record for _, record in pairs]
    about = read_about(folder)
    answers = Answers(about["ablation"], rows, records) if "ablation" in about else None
    figures = _figures(rows, records, folder / "figures", answers)
    content = _content(folder, about, rows, records, answers) | {"damaged": damaged}
    with storing(folder / "report.html"):
        replace_text(folder / "report.md", _markdown(content, figures))
        replace_text(folder / "report.html", _page(content, figures))
    return ReportPaths(folder / "report.md", folder / "report.html", figures)


def _figures(
    rows: Sequence[Row], records: Sequence[RunRecord], folder: Path, answers: Answers | None
) -> dict[str, Path]:
    with storing(folder):
        if folder.is_symlink():  # it may lead anywhere
            folder.unlink()
        folder.mkdir(exist_ok=True)
    lead = folder / "answer.png"
    drawn = {
        "differences": answers.figure(lead) if answers is not None else None,
        "final_errors": final_errors(rows, lead if answers is None else folder / "final_errors.png"),
        "convergence_steps": convergence(rows, records, "step", folder / "convergence_steps.png"),
        "convergence_seconds": convergence(rows, records, "seconds", folder / "convergence_seconds.png"),
        "densities": densities(rows, records, folder / "densities.png"),
    }
    return {name: path for name, path in drawn.items() if path is not None}


def _content(
    folder: Path,
    about: Mapping[str, Any],
    rows: Sequence[Row],
    records: Sequence[RunRecord],
    answers: Answers | None,
) -> dict[str, Any]:
    """Everything that both forms of the report show."""
    methods = sorted(seed_rows(rows), key=lambda m: (m["system"], m["method"]))
    environment: Mapping[str, Any] = next((r.environment for r in records if r.environment), {})
    systems = [row["system"] for row in rows]
    times = times_apart(rows, records)
    return {
        "title": chemical_in(about.get("title") or folder.resolve().name, systems),
        "claim": chemical_in(about.get("claim") or "", systems),
        "answer": _answer(about, rows, methods, answers),
        "command": about.get("command") or "",
        "quantity": answers.quantity if answers is not None else "",
        "verdict": answers.sentences() if answers is not None else closest(methods),
        "tables": _tables(answers),
        "statistics": METHOD if answers is not None else "",
        "settings": differing_settings(records),
        "errors": [f"{row['label']}, seed {row['seed']}: {text}" for row in rows for text in row["violations"]],
        "warnings": [f"{row['label']}, seed {row['seed']}: {text}" for row in rows for text in row["doubts"]],
        "lost": _lost_references(rows, records),
        "failed": [
            {"run": row["run"], "label": row["label"], "status": row["status"], "reason": row["reason"]}
            for row in rows
            if row["status"] != FINISHED
        ],
        "methods": [method_cells(row, times.get((row["system"], row["method"]))) for row in methods],
        "references": reference_rows(rows),
        "runs": [run_cells(row, folder) for row in rows],
        "links": all(record.path.is_dir() for record in records),
        "environment": {key: value for key, value in environment.items() if value not in (None, "", {})},
    }


def _answer(about: Mapping[str, Any], rows: Sequence[Row], methods: Sequence[Row], answers: Answers | None) -> str:
    """The answer in a sentence: what becomes of the claim, or which method is nearest to its references."""
    if answers is not None and (about["ablation"].get("expect") or not answers.comparisons):
        return answers.verdict().sentence
    if answers is not None:
        return answers.summary()
    if about.get("expect"):
        return judge_bounds(about["expect"], rows).sentence
    return nearest(methods)


def _tables(answers: Answers | None) -> dict[str, list[dict[str, str]]]:
    """Tables of an ablation, by their headings."""
    if answers is None:
        return {}
    accuracy = answers.ablation["accuracy"]
    tables = {
        "Differences from the baseline": answers.table(),
        f"Steps and seconds to within {accuracy:g} mHa of the reference": answers.arrival_table(),
    }
    return {name: rows for name, rows in tables.items() if rows}


def _lost_references(rows: Sequence[Row], records: Sequence[RunRecord]) -> list[str]:
    """A sentence for each reference of a molecule that did not converge."""
    pairs = zip(rows, records, strict=True)
    return list(
        dict.fromkeys(
            f"{chemical(r['system'])}: {text}" for r, each in pairs for text in lost_references(each.summary or {})
        )
    )


def _markdown(content: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    """The page of a sweep for version control: the question, the answer, one figure, the table; the rest folded."""
    parts = [f"# {in_markdown(content['title'])}", f"**{in_markdown(content['answer'])}**"]
    if content["claim"]:
        parts.append(f"The claim: {in_markdown(content['claim'])}")
    parts += [f"**ERROR.** {in_markdown(text)}" for text in content["errors"]]
    parts += [f"**WARNING.** {in_markdown(text)}" for text in content["warnings"]]
    parts += [f"**Damaged.** {in_markdown(text)}" for text in content["damaged"]]
    for name, path in list(figures.items())[:1]:
        parts.append(f"![{CAPTIONS[name]}](figures/{path.name})")
    parts += ["## Methods", markdown_table(content["methods"])]
    told = "\n".join(f"- {in_markdown(text)}" for text in content["verdict"])
    compared = f"Compared by: {content['quantity']}." if content["quantity"] else ""
    parts.append(_folded("Case by case", compared, told, content["statistics"]))
    for name, rows in content["tables"].items():
        parts.append(_folded(name, markdown_table(rows)))
    parts.append(_folded("References", markdown_table(content["references"]), *content["lost"]))
    if content["failed"]:
        parts += ["## Runs that did not finish", markdown_table(content["failed"])]
    if content["settings"]:
        parts.append(_folded("What the runs differ in", markdown_table(content["settings"])))
    parts.append(_folded("Runs", markdown_table(content["runs"])))
    if content["command"]:
        command = " ".join(content["command"].split()).replace("`", "'")
        parts.append(f"Command: `{command}`")
    return "\n\n".join(part for part in parts if part) + "\n"


def _folded(title: str, *parts: str) -> str:
    """Something that opens by a click, also where Markdown is shown."""
    body = "\n\n".join(part for part in parts if part)
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>" if body else ""


def _page(content: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    from jinja2 import Environment, PackageLoader

    pictures = [
        {"name": name, "caption": CAPTIONS[name], "data": base64.b64encode(path.read_bytes()).decode()}
        for name, path in figures.items()
    ]
    template = Environment(loader=PackageLoader("nnks.analysis"), autoescape=True).get_template("report.html")
    return template.render(**content, pictures=pictures)
