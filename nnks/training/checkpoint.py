"""Checkpoints of a training state, by orbax: saved in the background, restored bit for bit, or not at all.

Beside the arrays a checkpoint holds a note: what the run had recorded at that step, a hash of the form of the state,
and a checksum of everything. What cannot be read, or is not what was saved, is set aside, and the checkpoint before it
is taken.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import os
import re
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from nnks.registry import StoreError
from nnks.training.quiet import quiet_orbax
from nnks.training.state import TrainState

KEPT = 2
"""Checkpoints of a run."""

DAMAGED = "its data are not what was saved"


class Unusable(ValueError):
    """A checkpoint from which a run cannot go on; the text is the reason."""


class Checkpoints:
    """The last two states of a run, in its folder. A save that is killed half-way is skipped on restart.

    Args:
        folder: theirs.
        set_aside: moves what cannot be restored out of the way; a run that goes on needs it.

    Attributes:
        note: of the restored state: what `save` was given.
        unusable: why checkpoints could not be restored, by their paths.

    Raises:
        StoreError: where the folder cannot be used.
    """

    def __init__(self, folder: Path, set_aside: Callable[[Path], object] = lambda path: None):
        import orbax.checkpoint as ocp

        quiet_orbax()
        self._ocp, self._folder, self._set_aside, self._closed = ocp, folder.absolute(), set_aside, False
        self.note: Mapping[str, Any] = {}
        self.unusable: dict[Path, str] = {}
        self._manager = self._open()

    def _open(self) -> Any:
        """Orbax's manager.

        It looks at all checkpoints at once and fails with the first whose notes are damaged, so those go first.
        """
        options = self._ocp.CheckpointManagerOptions(max_to_keep=KEPT, create=True)
        with contextlib.suppress(Exception):  # what is wrong is found below, or raised by the second attempt
            return self._ocp.CheckpointManager(self._folder, options=options)
        for step in self._steps():
            if not self._is_known(step):
                self._put_away(step, DAMAGED)
        with self._storing():
            return self._ocp.CheckpointManager(self._folder, options=options)

    def _is_known(self, step: int) -> bool:
        """Whether orbax can look at a checkpoint where it is the only one."""
        with tempfile.TemporaryDirectory() as alone:
            (Path(alone) / str(step)).symlink_to(self._folder / str(step))
            try:
                self._ocp.CheckpointManager(alone, options=self._ocp.CheckpointManagerOptions(read_only=True)).close()
            except Exception:
                return False
        return True

    def _put_away(self, step: int, why: str) -> None:
        path = self._folder / str(step)
        self.unusable[path] = why
        with self._storing():
            self._set_aside(path)

    def save(self, state: TrainState, note: Mapping[str, Any] | None = None) -> None:
        """Stores a state under its step; returns while the files are still being written.

        A state that goes back to an earlier step replaces those after it.

        Args:
            state: the state.
            note: what belongs to it, of JSON's types.

        Raises:
            StoreError: where it, or the one before, cannot be written.
        """
        step, plain = int(state.step), _plain(state)
        with self._storing():
            steps = self._manager.all_steps()
            if step in steps:
                return
            leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(plain)]
            kept = {"note": dict(note or {}), "form": _form(plain)}
            kept["checksum"] = _checksum(leaves, kept)
            later = [each for each in steps if each > step]
            self._manager.save(step, args=self._ocp.args.StandardSave(plain), custom_metadata=kept, force=bool(later))
            if later:
                self._manager.wait_until_finished()
            for each in later:
                self._manager.delete(each)

    def restore(self, like: TrainState) -> TrainState | None:
        """The latest state that is sound, in the structure of `like`; None if there is none.

        Those that are not are set aside, and named in `unusable`.

        Raises:
            StoreError: where that cannot be done.
        """
        plain = _plain(like)
        for step in sorted(self._steps(), reverse=True):
            try:
                state, self.note = self._read(step, plain)
            except Unusable as error:
                self._put_away(step, str(error))
                with self._storing():
                    self._manager.reload()
                continue
            return dataclasses.replace(state, key=jax.random.wrap_key_data(state.key))
        return None

    def latest(self) -> Path | None:
        """Where the last complete checkpoint lies."""
        steps = self._steps()
        return self._folder / str(max(steps)) if steps else None

    def close(self) -> None:
        """Waits for the files; once is enough.

        Raises:
            StoreError: where they cannot be written.
        """
        if not self._closed:
            self._closed = True
            with self._storing():
                self._manager.wait_until_finished()
                self._manager.close()

    def _steps(self) -> list[int]:
        with contextlib.suppress(OSError):
            return [int(path.name) for path in self._folder.iterdir() if path.name.isdecimal() and path.is_dir()]
        return []

    def _read(self, step: int, plain: TrainState) -> tuple[TrainState, Mapping[str, Any]]:
        try:
            kept = self._manager.metadata(step).custom_metadata
            checksum, form = (kept or {}).get("checksum"), (kept or {}).get("form")
        except Exception as error:  # whatever orbax makes of damaged files
            raise Unusable(DAMAGED) from error
        if checksum is None:
            raise Unusable("it has no checksum")
        if form != _form(plain):
            raise Unusable("it holds a state of another form, as another version of the program had it")
        try:
            restored = self._manager.restore(step, args=self._ocp.args.StandardRestore(plain))
        except Exception as error:
            # orbax leaves a coroutine behind, which Python would speak of at some later time
            warnings.filterwarnings("ignore", "coroutine .* was never awaited", RuntimeWarning)
            raise Unusable(DAMAGED) from error
        leaves = [np.asarray(leaf) for leaf in jax.tree.leaves(restored)]
        if _checksum(leaves, {name: value for name, value in kept.items() if name != "checksum"}) != checksum:
            raise Unusable(DAMAGED)
        return jax.tree.unflatten(jax.tree.structure(plain), jax.tree.leaves(restored)), kept["note"]

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """Makes every error of writing one of the store's; orbax raises those of its threads at the next call."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise StoreError(f"'{self._folder}' cannot be written ({_reason(error)})") from error


def _plain(state: TrainState) -> TrainState:
    """The state with its random key as plain integers, which files can hold."""
    return dataclasses.replace(state, key=jax.random.key_data(state.key))


def _form(plain: TrainState) -> str:
    """A hash of the paths, shapes and types of a state's arrays."""
    leaves, _ = jax.tree.flatten_with_path(plain)
    text = json.dumps([[jax.tree_util.keystr(path), list(leaf.shape), str(leaf.dtype)] for path, leaf in leaves])
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(leaves: list[np.ndarray], kept: Mapping[str, Any]) -> str:
    """SHA-256 over all arrays, byte by byte, and what is kept beside them."""
    total = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    for leaf in leaves:
        total.update(f"{leaf.shape}{leaf.dtype}".encode())
        total.update(np.ascontiguousarray(leaf).tobytes())
    return total.hexdigest()


def _reason(error: BaseException) -> str:
    """The system's reason, where orbax and tensorstore pass it on in a long text."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if "RESOURCE_EXHAUSTED" in str(cause):  # tensorstore's word for a full disk
            return os.strerror(errno.ENOSPC)
        if named := re.search(r"\[OS error \d+: [A-Z\d]* ?([^\]]+)\]", str(cause)):
            return named[1]
        cause = cause.__cause__ or cause.__context__
    return next(iter(str(error).splitlines()), type(error).__name__)[:200]
