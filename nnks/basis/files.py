"""Files of learned basis sets: arrays and a description, read as data and nothing else."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import jax
import jax.numpy as jnp
import numpy as np

from nnks.basis.learned import Layout, LearnedSet, fresh_params
from nnks.registry import InputError, shown, suggest

SHIPPED = Path(__file__).parent / "sets"
"""Where the sets lie that come with nnks."""

FORMAT = 1
"""Of the files that this version writes and reads."""

ABOUT = "about.json"
"""The entry of a file that describes it."""

PIN = "#"
"""Between a set's name and the digest of its file."""

LARGEST = 2**24
"""Bytes of a file that is read."""


def shipped_sets() -> dict[str, Path]:
    """The sets that come with nnks, by name."""
    return {path.stem: path for path in sorted(SHIPPED.glob("*.npz"))}


def write_set(file: IO[bytes], learned: LearnedSet, about: Mapping[str, Any]) -> None:
    """Writes a set, in double precision.

    Args:
        file: open for writing; its name ends in `.npz`.
        learned: the set.
        about: what it was trained on and by what, as JSON can hold it.
    """
    arrays = {f"params/{name}": leaf for name, leaf in _named(learned.params)}
    arrays |= {f"atoms/{name}": leaf for name, leaf in _named(learned.atoms)}
    layouts = [dataclasses.asdict(layout) for layout in learned.layouts]
    text = json.dumps({"format": FORMAT, "layouts": layouts, **about}, indent=1)
    entries: dict[str, Any] = {**arrays, ABOUT: np.frombuffer(text.encode(), np.uint8)}
    np.savez_compressed(file, **entries)


def pinned(name: str) -> str:
    """The name of a set with the digest of its file, by which a run knows it again; as it is without such a file."""
    known, path = name.partition(PIN)[0], _path_of(name)
    if PIN in name or path is None:
        return name
    try:
        return f"{known}{PIN}{_digest(_content(path))}"
    except (OSError, ValueError):  # what is wrong with it is said where it is loaded
        return name


def load_set(name: str) -> tuple[LearnedSet, dict[str, Any]]:
    """A set that comes with nnks, or of a file that ends in `.npz`, and its description.

    Raises:
        InputError: for a set that does not exist, a file that is none, or one that is not what a digest says.
    """
    known, _, digest = name.partition(PIN)
    path = _path_of(name)
    if path is None:
        raise InputError(
            f"ansatz.basis is {shown(known)}; {suggest(known, shipped_sets())}, or a file such as 'my.npz'."
        )
    try:
        content = _content(path)
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            about = json.loads(bytes(file[ABOUT]))
            arrays = {key: file[key] for key in file.files if key != ABOUT}
        learned = _checked(about, arrays)
    except OSError as error:
        raise InputError(f"ansatz.basis {shown(name)} cannot be read ({error.strerror or error}).") from None
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"ansatz.basis {shown(name)} is no file of a learned basis ({error}); a run with ansatz.basis='new' leaves "
            "one, basis.npz in its folder."
        ) from None
    if digest and digest != _digest(content):
        raise InputError(
            f"ansatz.basis {shown(known)} has been changed: its digest is {_digest(content)}, and the config says "
            f"{digest}; name the file without '{PIN}{digest}' to use it as it is now."
        )
    return learned, about


def _path_of(name: str) -> Path | None:
    """The file of a set; None for a name that no set has."""
    known = name.partition(PIN)[0]
    return Path(known) if known.endswith(".npz") else shipped_sets().get(known)


def _content(path: Path) -> bytes:
    if path.stat().st_size > LARGEST:
        raise ValueError("it is larger than any basis")
    return path.read_bytes()


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]


def described(name: str) -> str:
    """A line on a set: its elements, how many functions these have, and what it was trained on."""
    learned, about = load_set(name)
    sizes = ", ".join(f"{layout.symbol} {layout.size}" for layout in learned.layouts)
    molecules = len(about.get("molecules", ()))
    return (
        f"learned on {molecules} molecules for {about.get('functional', 'an unknown functional')}; functions: {sizes}"
    )


def _checked(about: Any, arrays: Mapping[str, np.ndarray]) -> LearnedSet:
    """The set of a file whose arrays are finite and of the shapes that its description says."""
    if about["format"] != FORMAT:
        raise ValueError(f"its format is {about['format']}, and this version reads {FORMAT}")
    for molecule in about["molecules"]:
        positions = np.asarray(molecule["positions"], float)
        if positions.shape != (len(molecule["symbols"]), 3) or not np.isfinite(positions).all():
            raise ValueError("it says nothing sound of the molecules that it was trained on")
        int(molecule["charge"])
    layouts = []
    for row in about["layouts"]:
        atomic, own = tuple(map(int, row["atomic"])), tuple(map(int, row["own"]))
        layouts.append(Layout(str(row["symbol"]), int(row["charge"]), atomic, own, int(row["fixed"])))
    params, atoms = {}, {}
    for layout in layouts:
        width, terms = (
            int(n)
            for n in (arrays[f"params/{layout.symbol}/bias_0"].size, arrays[f"params/{layout.symbol}/log_zeta"].size)
        )
        expected = fresh_params(layout, width, terms, np.random.default_rng(0))
        params[layout.symbol] = {
            name: _array(arrays, f"params/{layout.symbol}/{name}", leaf.shape) for name, leaf in expected.items()
        }
        atom: dict[str, list] = {"exponents": [], "coefficients": []}
        for l, count in enumerate(layout.atomic):
            exponents = arrays[f"atoms/{layout.symbol}/exponents/{l}"]
            atom["exponents"].append(_array(arrays, f"atoms/{layout.symbol}/exponents/{l}", exponents.shape))
            shape = (count, exponents.size)
            atom["coefficients"].append(_array(arrays, f"atoms/{layout.symbol}/coefficients/{l}", shape))
        atoms[layout.symbol] = atom
    return LearnedSet(params, atoms, tuple(layouts))


def _array(arrays: Mapping[str, np.ndarray], name: str, shape: tuple[int, ...]) -> Any:
    array = arrays[name]
    if array.shape != shape or array.dtype != np.float64 or not np.isfinite(array).all():
        raise ValueError(f"its array '{name}' is not {list(shape)} finite numbers in double precision")
    return jnp.asarray(array)


def _named(tree: Any) -> list[tuple[str, np.ndarray]]:
    """Leaves by their path, with slashes between its parts."""
    leaves = jax.tree.leaves_with_path(tree)
    return [("/".join(str(getattr(k, "key", getattr(k, "idx", k))) for k in path), np.asarray(x)) for path, x in leaves]
