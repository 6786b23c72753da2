"""Configs as dictionaries: nested, and by dotted key."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:

    class ConfigDict(dict[str, Any]):
        """What a type checker may know of it: its attributes are its keys."""

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...

else:
    from ml_collections import ConfigDict


def to_dict(config: ConfigDict) -> dict[str, Any]:
    """The resolved config as plain values, ready for JSON."""
    return config.copy_and_resolve_references().to_dict()


def flatten(values: Mapping[str, Any], prefix: str = "", stop: Container[str] = ()) -> Iterable[tuple[str, Any]]:
    """Nested dictionaries as pairs of dotted key and value; a test for any mapping would take several times as long.

    Args:
        values: by key.
        prefix: of every key.
        stop: keys whose values are not looked into.
    """
    for key, value in values.items():
        path = f"{prefix}{key}"
        if isinstance(value, dict) and path not in stop:
            yield from flatten(value, f"{path}.", stop)
        else:
            yield path, value
