"""What a module must be to serve as an ansatz, found from shapes before anything is compiled."""

from __future__ import annotations

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from nnks.ansatz.base import BasisModuleAnsatz, GaussianModuleAnsatz, ModuleAnsatz
from nnks.registry import InputError, shown
from nnks.traces import attempted, told
from nnks.types import Params


def check_module(name: str, module: Any) -> None:
    """Refuses what is no module, has no first guess, or cannot be a part of a compiled program.

    Args:
        name: under which it is registered.
        module: what its registry made.

    Raises:
        InputError: with what is missing.
    """
    if not isinstance(module, nn.Module):
        raise InputError(
            f"ansatz '{name}' is a {type(module).__name__}; expected a flax module, `class "
            f"{type(module).__name__}(nn.Module)`."
        )
    if not isinstance(getattr(module, "guess", None), str):
        raise InputError(
            f"ansatz '{name}' has no field `guess`, which names the orbitals that it starts from; add `guess: str = "
            f'"minao"` to {type(module).__name__}.'
        )
    try:
        hash(module)
    except Exception as error:
        fields = vars(module)
        wrong = [
            key for key in getattr(module, "__dataclass_fields__", ()) if key in fields and not _hashes(fields[key])
        ]
        which = f"ansatz.{wrong[0]} is {shown(fields[wrong[0]])}" if wrong else told(error)
        raise InputError(
            f"ansatz '{name}' cannot be hashed, which compiling it needs: {which}; use a tuple instead of a list, "
            "array or dictionary."
        ) from error


def check_ansatz(name: str, ansatz: ModuleAnsatz) -> None:
    """Refuses a module whose parameters, orbitals or functions have other shapes or types than an ansatz has.

    Nothing is computed or compiled: the module is called with shapes alone.

    Args:
        name: under which it is registered.
        ansatz: the module and the start that it is given.

    Raises:
        InputError: with what came and what was expected; for an error of the module's own, with that error and its
            line.
    """
    start, dtype = ansatz.start, ansatz.start.frame.dtype
    spins, n, orbitals = start.coordinates.shape
    point = jax.ShapeDtypeStruct((3,), dtype)

    def apply(method: str, *arguments: Any) -> Any:
        def applied(start: Any, *rest: Any) -> Any:
            params, *others = rest
            return ansatz.module.apply({"params": params}, *others, start, method=method)

        return attempted(f"ansatz '{name}' fails in `{method}`", applied, start, params, *arguments)

    key = jax.eval_shape(jax.random.key, 0)
    who = f"ansatz '{name}' fails in its initial parameters"
    params = attempted(who, lambda a, k: a.init_params(k), ansatz, key)
    _check_params(name, params)
    _check_array(name, "returned", apply("__call__", point), ("spin", "orbitals"), (spins, orbitals), dtype)
    if isinstance(ansatz, GaussianModuleAnsatz):
        expected = ("spin", "n", "orbitals"), (spins, n, orbitals)
        _check_array(name, "has coordinates", apply("coordinates"), *expected, dtype)
    if isinstance(ansatz, BasisModuleAnsatz):
        functions = apply("functions", point)
        _check_array(name, "has functions", functions, ("functions",), (None,), dtype)
        held = params.get("coefficients") if isinstance(params, dict) else None
        expected = ("spin", "functions", "orbitals"), (spins, functions.shape[0], orbitals)
        _check_array(name, "has a parameter `coefficients`,", held, *expected, dtype)


def check_start(name: str, ansatz: ModuleAnsatz, params: Params) -> None:
    """Refuses a start that is not finite: parameters, or orbitals at points around the nuclei.

    Args:
        name: under which it is registered.
        ansatz: the module and its start.
        params: its initial parameters.

    Raises:
        InputError: with what is not finite.
    """
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        if not np.isfinite(np.asarray(leaf)).all():
            raise InputError(
                f"ansatz '{name}' starts with the parameter {_name(path)}, which is not finite (nan or infinite); "
                "check its initializer."
            )
    centers = ansatz.start.basis.centers
    points = jnp.concatenate([centers + shift for shift in (0.0, 0.3, 3.0)])
    values = jax.jit(lambda a, p, at: jax.vmap(lambda r: a.evaluate(p, r))(at))(ansatz, params, points)
    wrong = np.flatnonzero(~np.isfinite(np.asarray(values)).all(axis=(1, 2)))
    if len(wrong):
        r = ", ".join(f"{x:.3g}" for x in np.asarray(points)[wrong[0]])
        raise InputError(
            f"ansatz '{name}' starts with orbitals that are not finite (nan or infinite) at "
            f"{'a nucleus' if wrong[0] < len(centers) else 'a point near a nucleus'}, r = ({r}) Bohr; check divisions, "
            "roots and logarithms in it."
        )


def _check_params(name: str, params: Any) -> None:
    leaves = jax.tree_util.tree_leaves_with_path(params)
    if not leaves:
        raise InputError(
            f"ansatz '{name}' has no parameters, so that there is nothing to train; declare some with `self.param`."
        )
    for path, leaf in leaves:
        if not jnp.issubdtype(leaf.dtype, jnp.floating):
            raise InputError(
                f"ansatz '{name}' has the parameter {_name(path)} of type {leaf.dtype}; expected real numbers such as "
                "float64."
            )


def _check_array(
    name: str, what: str, value: Any, axes: tuple[str, ...], expected: tuple[int | None, ...], dtype: Any
) -> None:
    """Refuses what is no array of a shape and type; None stands for any size."""
    wanted = f"[{', '.join(axes)}]"
    if None not in expected:
        wanted += f" = {list(expected)}"
    if not isinstance(value, jax.ShapeDtypeStruct):
        raise InputError(f"ansatz '{name}' {what} {_kind(value)}; expected an array {wanted}.")
    if len(value.shape) != len(expected) or any(e not in (None, s) for e, s in zip(expected, value.shape, strict=True)):
        came = list(value.shape) if value.shape else "a single number"
        raise InputError(f"ansatz '{name}' {what} {came}; expected {wanted}.")
    if value.dtype != dtype:
        raise InputError(
            f"ansatz '{name}' {what} {wanted} of type {value.dtype}; expected {dtype}, that of the point r and of "
            "start.frame."
        )


def _kind(value: Any) -> str:
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    return "nothing" if value is None else f"a {type(value).__name__}"


def _name(path: tuple) -> str:
    return f"'{'/'.join(str(getattr(part, 'key', part)) for part in path)}'"


def _hashes(value: Any) -> bool:
    try:
        hash(value)
    except Exception:
        return False
    return True
