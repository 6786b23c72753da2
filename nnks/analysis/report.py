"""The report of a sweep: Markdown, PNG figures, and one HTML page that needs nothing else."""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.analysis.about import read_about
from nnks.analysis.answers import METHOD, Answers
from nnks.analysis.curves import convergence
from nnks.analysis.densities import densities
from nnks.analysis.figures import final_errors
from nnks.analysis.names import differing_settings
from nnks.analysis.table import Row, grouped, run_rows, seed_rows
from nnks.analysis.text import in_markdown, markdown_table, number, signed
from nnks.registry import InputError
from nnks.tracking.console import EQUAL
from nnks.tracking.files import replace_text, storing
from nnks.tracking.notices import collected
from nnks.tracking.record import FINISHED, RunRecord
from nnks.tracking.store import list_runs
from nnks.tracking.trust import lost_references

CAPTIONS = {
    "differences": "Differences from the baseline with their intervals; the gray band is the resolution below which they answer "
    "nobody's question. Green: lower, red: higher, blue: undecided, gray: equal.",
    "final_errors": "Energy of the final evaluation above the best reference. Dots are seeds, bars medians, gray "
    "triangles PySCF in the method's own basis.",
    "convergence_steps": "Energy above the best reference while training, against steps: single runs, or "
    "the median of three and more seeds with their range.",
    "convergence_seconds": "The same against seconds of training, without the first step, which compiles.",
    "densities": "On the plane nearest to the nuclei (crosses), in Bohr: density [1/Bohr³] and highest occupied orbital [1/Bohr^1.5] of the run "
    "closest to the reference, and by how much the densities of other methods differ from that (of three systems and six other methods at most).",
}


@dataclasses.dataclass(frozen=True)
class ReportPaths:
    """What a report wrote."""

    markdown: Path
    html: Path
    figures: dict[str, Path]


def write_report(folder: Path | str) -> ReportPaths:
    """Writes `report.md`, `figures/*.png` and `report.html` into the folder of a sweep.

    Every number comes from the stored runs; running it again after more runs replaces the report. What is damaged is left out and named.

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
    drawn = {
        "differences": answers.figure(folder / "differences.png") if answers is not None else None,
        "final_errors": final_errors(rows, folder / "final_errors.png"),
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
    return {
        "title": about.get("title") or folder.resolve().name,
        "claim": about.get("claim") or "",
        "command": about.get("command") or "",
        "quantity": answers.quantity if answers is not None else "",
        "verdict": answers.sentences() if answers is not None else _closest(methods),
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
        "methods": [_method(row) for row in methods],
        "references": _references(rows),
        "runs": [_run(row, folder) for row in rows],
        "environment": {key: value for key, value in environment.items() if value not in (None, "", {})},
    }


def _tables(answers: Answers | None) -> dict[str, list[dict[str, str]]]:
    """Tables of an ablation, by their headings."""
    if answers is None:
        return {}
    accuracy = answers.ablation["accuracy"]
    found = {
        "Differences from the baseline": answers.table(),
        f"Steps and seconds to within {accuracy:g} mHa of the reference": answers.arrival_table(),
    }
    return {name: rows for name, rows in found.items() if rows}


def _closest(methods: Sequence[Row]) -> list[str]:
    return [_sentence(name, group) for name, group in grouped(methods, "system").items()]


def _sentence(system: str, methods: Sequence[Row]) -> str:
    """Which method came closest, in words."""
    key = "error_best_mHa_median"
    ended = sorted((m for m in methods if math.isfinite(m[key])), key=lambda m: abs(m[key]))
    if not ended:
        return f"{system}: no run has finished."
    best, worst = ended[0], ended[-1]
    if abs(worst[key]) < EQUAL:
        return f"{system}: every method is equal within {EQUAL:g} mHa to {best['reference_best']}."
    text = f"{system}: closest to {best['reference_best']} is {best['method']}, {signed(best[key])} mHa (median of {best['n']})"
    if len(ended) > 1:
        text += f"; farthest is {worst['method']}, {signed(worst[key])} mHa"
    return text + "."


def _method(row: Row) -> dict[str, str]:
    spread = row["error_best_mHa_max"] - row["error_best_mHa_min"]
    return {
        "molecule": row["system"],
        "method": row["method"],
        "energy [Ha]": number(row["energy_total_median"], ".6f"),
        "vs PySCF, same basis [mHa]": signed(row["error_same_mHa_median"]),
        "vs best reference [mHa]": signed(row["error_best_mHa_median"]),
        "range over seeds [mHa]": number(spread, ".3f") if row["n"] > 1 else "",
        "seeds": str(row["n"]),
        "converged": f"{row['converged']}/{row['runs']}",
        "parameters": number(row["parameters_median"], ".0f"),
        "steps": number(row["steps_median"], ".0f"),
        "time [s]": number(row["seconds_median"], ".1f"),
    }


def _references(rows: Sequence[Row]) -> list[dict[str, str]]:
    found: dict[tuple[str, str], float] = {}
    for row in rows:
        for role in ("same", "large", "exact"):
            if row[f"reference_{role}"]:
                found[row["system"], row[f"reference_{role}"]] = row[f"reference_{role}_Ha"]
    return [
        {"molecule": system, "reference": name, "energy [Ha]": number(energy, ".6f")}
        for (system, name), energy in sorted(found.items())
    ]


def _lost_references(rows: Sequence[Row], records: Sequence[RunRecord]) -> list[str]:
    """A sentence for each reference of a molecule that did not converge."""
    pairs = zip(rows, records, strict=True)
    return list(
        dict.fromkeys(f"{r['system']}: {text}" for r, each in pairs for text in lost_references(each.summary or {}))
    )


def _run(row: Row, folder: Path) -> dict[str, str]:
    return {
        "run": Path(row["path"]).relative_to(folder).as_posix(),
        "label": row["label"],
        "seed": str(row["seed"]),
        "status": row["status"],
        "energy [Ha]": number(row["energy_total"], ".7f"),
        "vs best [mHa]": signed(row["error_best_mHa"]),
        "electrons": number(row["electrons"], ".6f"),
        "steps": number(row["steps"], ".0f"),
        "time [s]": number(row["seconds"], ".1f"),
    }


def _markdown(content: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    parts = [f"# {in_markdown(content['title'])}"]
    if content["claim"]:
        parts.append(f"**Claim.** {in_markdown(content['claim'])}")
    if content["quantity"]:
        parts.append(f"Compared by: {content['quantity']}.")
    parts += ["\n".join(f"- {in_markdown(text)}" for text in content["verdict"])]
    parts += [f"**ERROR.** {in_markdown(text)}" for text in content["errors"]]
    parts += [f"**WARNING.** {in_markdown(text)}" for text in content["warnings"]]
    parts += [f"**Damaged.** {in_markdown(text)}" for text in content["damaged"]]
    for name, rows in content["tables"].items():
        parts += [f"## {name}", markdown_table(rows)]
    parts += [
        content["statistics"],
        "## Methods",
        markdown_table(content["methods"]),
        "## References",
        markdown_table(content["references"]),
        *content["lost"],
    ]
    for name, path in figures.items():
        parts.append(f"![{CAPTIONS[name]}](figures/{path.name})")
    if content["failed"]:
        parts += ["## Runs that did not finish", markdown_table(content["failed"])]
    if content["settings"]:
        parts += ["## What the runs differ in", markdown_table(content["settings"])]
    parts += ["## Runs", markdown_table(content["runs"])]
    if content["command"]:
        command = " ".join(content["command"].split()).replace("`", "'")
        parts.append(f"Command: `{command}`")
    return "\n\n".join(part for part in parts if part) + "\n"


def _page(content: Mapping[str, Any], figures: Mapping[str, Path]) -> str:
    from jinja2 import Environment, PackageLoader

    pictures = [
        {"caption": CAPTIONS[name], "data": base64.b64encode(path.read_bytes()).decode()}
        for name, path in figures.items()
    ]
    template = Environment(loader=PackageLoader("nnks.analysis"), autoescape=True).get_template("report.html")
    return template.render(**content, pictures=pictures)
