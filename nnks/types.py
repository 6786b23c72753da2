"""The vocabulary: axis names, array aliases, and records that JAX can rebuild.

Every array in nnks uses one set of axis names: ``atoms``, ``spin`` (1 restricted, 2 unrestricted),
``orbitals``, ``points``, ``3`` and ``basis``. Shape strings are executed in the tests.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, dataclass_transform

import jax
from jaxtyping import Array, Bool, Float, Int, Key, PRNGKeyArray

from nnks.compiler import set_flags

# Energies are sums of 1e5 terms that cancel to 1e-6 Ha: double precision is the default of every run, and JAX
# reads this switch before the first array is made; every module that makes arrays imports this one.
jax.config.update("jax_enable_x64", True)
# On accelerators single-precision products would be rounded to 10 bits by default; a CPU is not affected.
jax.config.update("jax_default_matmul_precision", "highest")
set_flags()

__all__ = [
    "Array",
    "Bool",
    "Float",
    "Int",
    "Key",
    "PRNGKey",
    "Params",
    "Scalar",
    "field",
    "record",
    "static",
]

PRNGKey = PRNGKeyArray
Params = Any
"""A pytree of trainable arrays: the nested dictionary that flax calls ``params``."""
Scalar = Float[Array, ""]

T = TypeVar("T")


def field(**kwargs: Any) -> Any:
    """A record field that is a pytree child (arrays, other records)."""
    return dataclasses.field(**kwargs)


def static(**kwargs: Any) -> Any:
    """A record field that belongs to the tree's structure: hashable, known when a function is compiled."""
    return dataclasses.field(metadata={"static": True}, **kwargs)


@dataclass_transform(frozen_default=True, field_specifiers=(field, static, dataclasses.field))
def record(cls: type[T]) -> type[T]:
    """Makes a frozen dataclass that is a pytree, rebuilt by JAX without running its constructor.

    Checks in ``__init__`` and ``__post_init__`` therefore run once, when the record is made by hand, and
    never inside ``vmap`` or ``jit``, where leaves may be tracers, have extra axes, or be placeholders.
    """
    data = dataclasses.dataclass(frozen=True)(cls)
    names = [f.name for f in dataclasses.fields(data)]  # pyright: ignore[reportArgumentType]
    fixed = [
        f.name
        for f in dataclasses.fields(data)  # pyright: ignore[reportArgumentType]
        if f.metadata.get("static")
    ]
    moving = [name for name in names if name not in fixed]

    def flatten(x: Any) -> tuple[tuple, tuple]:
        return tuple(getattr(x, n) for n in moving), tuple(getattr(x, n) for n in fixed)

    def flatten_with_keys(x: Any) -> tuple[tuple, tuple]:
        children, aux = flatten(x)
        return tuple(zip(map(jax.tree_util.GetAttrKey, moving), children, strict=True)), aux

    def unflatten(aux: tuple, children: Any) -> Any:
        x = object.__new__(data)
        for name, value in zip(moving, children, strict=True):
            object.__setattr__(x, name, value)
        for name, value in zip(fixed, aux, strict=True):
            object.__setattr__(x, name, value)
        return x

    jax.tree_util.register_pytree_with_keys(data, flatten_with_keys, unflatten, flatten)
    return data


def cast(tree: T, dtype: Any) -> T:
    """The same tree with every floating-point array in `dtype`; integers and keys stay as they are."""

    def leaf(x: Any) -> Any:
        return x.astype(dtype) if hasattr(x, "dtype") and jax.numpy.issubdtype(x.dtype, jax.numpy.floating) else x

    return jax.tree.map(leaf, tree)


Constructor = Callable[..., Any]
Fields = Mapping[str, Any]
