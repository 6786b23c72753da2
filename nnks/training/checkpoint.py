"""Checkpoints of a training state, by orbax: saved in the background, restored bit for bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import jax

from nnks.training.state import TrainState


class Checkpoints:
    """The last two states of a run, in its folder. A save that is killed half-way is skipped on restart."""

    def __init__(self, folder: Path):
        import orbax.checkpoint as ocp

        self._ocp, self._closed = ocp, False
        options = ocp.CheckpointManagerOptions(max_to_keep=2, create=True)
        self._manager = ocp.CheckpointManager(folder.absolute(), options=options)

    def save(self, state: TrainState) -> None:
        """Stores a state under its step; returns while the files are still being written."""
        step = int(state.step)
        if step not in self._manager.all_steps():
            self._manager.save(step, args=self._ocp.args.StandardSave(_plain(state)))

    def restore(self, like: TrainState) -> TrainState | None:
        """The latest state, in the structure of `like`; None if there is none."""
        step = self._manager.latest_step()
        if step is None:
            return None
        plain = _plain(like)
        found = self._manager.restore(step, args=self._ocp.args.StandardRestore(plain))
        state = jax.tree.unflatten(jax.tree.structure(plain), jax.tree.leaves(found))
        return dataclasses.replace(state, key=jax.random.wrap_key_data(state.key))

    def close(self) -> None:
        """Waits for the files; once is enough."""
        if not self._closed:
            self._closed = True
            self._manager.wait_until_finished()
            self._manager.close()


def _plain(state: TrainState) -> TrainState:
    """The state with its random key as plain integers, which files can hold."""
    return dataclasses.replace(state, key=jax.random.key_data(state.key))
