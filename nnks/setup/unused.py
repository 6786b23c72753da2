"""One policy for keys: a key is used, or refused with the reason. Here, keys that other keys leave without a use."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from nnks.config import ConfigDict, default_config
from nnks.errors import InputError, shown
from nnks.setup.system import System


def check_unused(system: System, methods: Collection[str]) -> None:
    """Refuses a value that is not the default of its key, and that nothing reads.

    Args:
        system: of the run.
        methods: of the Hartree energies in training and in the final evaluation.

    Raises:
        InputError: for the first such key.
    """
    defaults = default_config()
    for key, reason in _without_use(system.config, methods, gaussian=system.gaussian):
        section, _, name = key.partition(".")
        value, default = system.config[section][name], defaults[section][name]
        if value != default:
            raise InputError(
                f"{key} is {shown(value)}, which nothing would read: {reason}, or leave {key} at {shown(default)}."
            )


def _without_use(config: ConfigDict, methods: Collection[str], *, gaussian: bool) -> Iterator[tuple[str, str]]:
    """Keys that the others leave without a use, and why, with what would give them one."""
    q, o = config.quadrature, config.orthogonalizer
    if q.radial is not None:
        yield "quadrature.pruning", "quadrature.radial asks for the same points on every shell; set it to None"
        if gaussian:
            yield "quadrature.level", "quadrature.radial and quadrature.angular say what the grid is; set them to None"
    if q.radial is not None and not gaussian and config.evaluation.level is None:
        # the level's grid may be coarser than the one that was asked for
        why = "the final grid of orbitals beyond the Gaussian basis is that of a level; set evaluation.level"
        yield "quadrature.radial", why
    if not config.system.molecules:
        for key in ("molecules", "displaced", "displacement", "validation", "validation_steps", "patience"):
            yield f"training.{key}", "there is one molecule; name several by system.molecules"
    if o.gram != "ema":
        yield "orthogonalizer.decay", "only a moving average has a decay; set orthogonalizer.gram to 'ema'"
    if o.constraint != "penalty":
        why = "orbitals are kept orthonormal in another way; set orthogonalizer.constraint to 'penalty'"
        yield "orthogonalizer.penalty", why
    if "density_fitting" not in methods:
        why = f"no density is fitted by {' or '.join(sorted(methods))}; set functional.hartree to 'density_fitting'"
        yield "functional.fitting", why
