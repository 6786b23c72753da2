"""Results of long calculations, kept by the hash of all that they depend on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nnks.registry import StoreError
from nnks.tracking.cache import VARIABLE
from nnks.tracking.files import digest, plain, read_json, storing, write_json
from nnks.tracking.notices import notice
from nnks.tracking.sound import check_reference


def known(asked: Mapping[str, Any], folders: Sequence[Path]) -> dict[str, Any] | None:
    """A result that is stored, sound, and of what is asked for; None where no folder has one.

    One that only a later folder has is copied to the first, where every run looks.
    """
    same = plain(asked)

    def wrong(stored: dict[str, Any]) -> str:
        return check_reference(stored) or ("" if stored.get("asked") == same else "it is of something else")

    for folder in folders:
        if stored := read_json(folder / _file(asked), wrong):
            if folder != folders[0]:
                keep(asked, stored, folders[0])
            return stored
    return None


def cached(asked: Mapping[str, Any], compute: Callable[[], dict[str, Any]], folders: Sequence[Path]) -> dict[str, Any]:
    """A result that is known, or else computed and stored in the first folder; without folders always computed.

    A cache that cannot be written is said, and is no reason to lose a run.
    """
    if stored := known(asked, folders):
        return stored
    result = compute() | {"asked": dict(asked)}
    if folders:
        keep(asked, result, folders[0])
    return result


def keep(asked: Mapping[str, Any], result: Mapping[str, Any], folder: Path) -> None:
    """Stores a result, whole or not at all."""
    path = folder / _file(asked)
    try:
        with storing(path):
            folder.mkdir(parents=True, exist_ok=True)
            write_json(path, result, sealed=True)
    except StoreError as error:
        notice(f"{error}; a reference is not kept, and {VARIABLE} names another folder for it.")


def _file(asked: Mapping[str, Any]) -> str:
    return f"{digest(plain(asked))}.json"
