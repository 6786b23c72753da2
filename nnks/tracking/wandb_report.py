"""The figures of a report as media of Weights & Biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.tracking.base import warn
from nnks.tracking.record import RunRecord
from nnks.tracking.wandb_session import WandbSession, first_line, set_aside, wandb_id


def mirror_figures(
    folder: str | Path, figures: Mapping[str, Path], records: Sequence[RunRecord], *, page: Path | None = None
) -> str:
    """Shows the figures of a report in W&B, as media of a run `report` in the group of its experiment.

    Nothing happens unless a run of the report was recorded by W&B on this machine; the mode and the project are that
    run's. A later report goes on with the same W&B run, and is recorded in the place of an earlier one.

    Args:
        folder: the experiment's.
        figures: name -> PNG.
        records: the runs of the report.
        page: the HTML page of the report, shown as well.

    Returns:
        The mode that was used; `disabled` if W&B knows of none of the runs, or does not start.
    """
    mirrored = next((record for record in records if (record.path / "wandb").is_dir()), None)
    tracking = (mirrored.config.get("tracking") or {}) if mirrored is not None else {}
    mode = tracking.get("wandb", "disabled")
    if mirrored is None or mode == "disabled" or not figures:
        return "disabled"
    group = str(mirrored.config.get("experiment") or mirrored.experiment)
    set_aside(folder)
    session = WandbSession(
        Path(folder),
        mode,
        project=tracking.get("project", "nnks"),
        group=group,
        name=f"{group}: report",
        id=wandb_id(group, "report"),
        job_type="report",
        config={"experiment": group, "runs": [record.name for record in records]},
    )
    if session.run is None:
        return session.mode
    try:
        import wandb

        media: dict[str, Any] = {f"report/{name}": wandb.Image(str(path)) for name, path in figures.items()}
        if page is not None:
            media["report/page"] = wandb.Html(page.read_text(encoding="utf-8"), inject=False)
        session.log(media)
    except Exception as error:
        warn(f"W&B does not take the figures ({first_line(error)}); they are in '{folder}'.")
    session.end({"runs": len(records)})
    return session.mode
