"""`nnks reproduce`."""

from __future__ import annotations

from pathlib import Path

from nnks.registry import InputError
from nnks.tracking.cache import check_backend, use_compilation_cache


def command(arguments: list[str]) -> int:
    """Runs an item of the paper, or all of it, and reports it."""
    from nnks_paper import ALL, DOCUMENTS, ITEMS, PAGE, reproduce

    items = [argument for argument in arguments if not argument.startswith("--")]
    results, quick, only_report, changes = "", False, False, {}
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if argument == "--quick":
            quick = True
        elif argument == "--only-report":
            only_report = True
        elif name == "--results" and value:
            results = value
        elif name.startswith("--config.") and equals:
            changes |= _tracking(name.removeprefix("--config."), value)
        elif argument.startswith("--"):
            raise InputError(
                f"{argument} is no option of nnks reproduce; options are --quick, --only-report, --results=DIR."
            )
    if len(items) != 1:
        raise InputError(
            f"nnks reproduce takes one item and got '{' '.join(items)}'; choose one of {', '.join((*ITEMS, ALL))}."
        )
    use_compilation_cache()
    check_backend()
    # a page in the documents belongs to the results that are kept beside them
    page = DOCUMENTS / PAGE if not results and DOCUMENTS.is_dir() and DOCUMENTS.parent.samefile(Path.cwd()) else None
    good = reproduce(items[0], results or "results", quick=quick, page=page, changes=changes, only_report=only_report)
    return 0 if good else 1


def _tracking(key: str, value: str) -> dict[str, str]:
    """What may be changed: how runs are recorded, but not what they are."""
    if key not in ("tracking.wandb", "tracking.project"):
        raise InputError(
            f"config.{key} belongs to the declared runs, which nnks reproduce does not change; copy the file in "
            "configs/paper and use nnks sweep."
        )
    return {key: value}
