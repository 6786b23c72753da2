"""Every key of a config as data: what it takes, its default, and what it does, read from the code that defines it."""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import io
import re
import tokenize
from collections.abc import Mapping
from typing import Any

from nnks.config import defaults
from nnks.config.refusals import refusals
from nnks.config.sections import LAYER, flatten, registries, section_rules
from nnks.config.terms import TERMS, term_rules
from nnks.config.values import Rule

LONGEST = 240
"""Characters of what a key does; sentences beyond stay in the docstring."""


@dataclasses.dataclass(frozen=True)
class Key:
    """One key of a config.

    Attributes:
        path: dotted, as the command line writes it after `--config.`.
        members: that have the key, for a field of a member; none for a key that every config has.
        default: its value if nothing else is said.
        rule: what it takes.
        does: what it does, with its unit, in one line.
    """

    path: str
    members: tuple[str, ...]
    default: Any
    rule: Rule
    does: str

    @property
    def refused(self) -> tuple[str, ...]:
        """When it is refused beside values that it does not take, each the end of a sentence."""
        return tuple(refusal.when for refusal in refusals(self.path, self.members))


def all_keys() -> list[Key]:
    """Every key: those of every config in the order of the defaults, then each member's own.

    Members whose key takes the same, by default too, and does the same share an entry.
    """
    comments, rules = _comments(), defaults.fixed_rules()
    everywhere = [Key(path, (), rule.default, rule, comments.get(path, "")) for path, rule in rules.items()]
    written = list(comments)
    everywhere.sort(key=lambda key: written.index(key.path))
    return everywhere + _terms() + [key for kind in registries() for key in _section(kind, comments)]


def _terms() -> list[Key]:
    """The fields of every term that a config may add; naming one adds it."""
    from nnks.functional.terms import TERMS as registry
    from nnks.functional.terms import extra_terms

    keys = []
    for name in extra_terms():
        texts = _fields(registry[name].make)
        keys += [
            Key(f"{TERMS}.{name}.{field}", (), rule.default, rule, texts.get(field, ""))
            for field, rule in term_rules(name).items()
        ]
    return keys


def _section(kind: str, comments: Mapping[str, str]) -> list[Key]:
    """The name of a section's member, the keys that all its members have, and the fields of single ones."""
    from nnks.training.gradient import OPTAX

    chosen = dict(flatten(defaults.default_config().to_dict()))[f"{kind}.name"]
    names = tuple(sorted(registries()[kind]))
    keys = [Key(f"{kind}.name", (), chosen, Rule(str, chosen, choices=names), f"`nnks list {kind}` says what each is")]
    merged: dict[tuple[Any, ...], Key] = {}
    for name in names:
        texts = _fields(registries()[kind][name].make)
        for field, rule in section_rules(kind, name).items():
            path, shared = f"{kind}.{field}", kind == "orthogonalizer" and field in LAYER
            does = comments.get(path, "") if shared else texts.get(field, "")
            # optax says the same of its optimizers in different words
            same = (path, repr(rule.default), str(rule), "" if kind == "optimizer" and name in OPTAX else does)
            before = merged.get(same, Key(path, (), rule.default, rule, does))
            members = () if shared else (*before.members, name)
            merged[same] = dataclasses.replace(before, members=members, does=before.does or does)
    texts_of = {key.path: key.does for key in reversed(merged.values()) if key.does}
    merged = {
        same: dataclasses.replace(key, does=key.does or texts_of.get(key.path, "")) for same, key in merged.items()
    }
    order = {path: position for position, path in enumerate(dict.fromkeys(key.path for key in merged.values()))}
    return keys + sorted(merged.values(), key=lambda key: (bool(key.members), order[key.path]))


@functools.cache
def _comments() -> dict[str, str]:
    """The comment beside or above each key in the source of the defaults, by dotted key."""
    source = inspect.getsource(defaults)
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    by_line = {token.start[0]: token.string for token in tokens if token.type == tokenize.COMMENT}
    alone = {token.start[0] for token in tokens if token.type == tokenize.COMMENT and token.line.lstrip()[0] == "#"}
    texts: dict[str, str] = {}
    for path, first, last in _assignments(ast.parse(source)):
        lines = [line for line in range(first, last + 1) if line in by_line]
        while lines and (after := max(last, lines[-1]) + 1) in alone and re.match(r"#\s{5}", by_line[after]):
            lines.append(after)  # the rest of a comment, written below its beginning
        if not lines:
            above = first - 1
            while above in alone and not re.match(r"#\s{5}", by_line[above]):
                lines.insert(0, above)
                above -= 1
        texts[path] = " ".join(by_line[line].lstrip("# ").strip() for line in lines)
    return texts


def _assignments(tree: ast.Module) -> list[tuple[str, int, int]]:
    """Dotted key, first and last line of each assignment to the config, and of each item of an assigned dictionary."""
    spans = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute):
            path, value = ast.unparse(node.targets[0]).partition(".")[2], node.value
            spans.append((path, node.lineno, node.end_lineno or node.lineno))
            if isinstance(value, ast.Dict) and node.lineno != node.end_lineno:
                spans[-1] = (path, node.lineno, node.lineno)
                spans += [
                    (f"{path}.{key.value}", key.lineno, key.lineno)
                    for key in value.keys
                    if isinstance(key, ast.Constant)
                ]
    return spans


def _fields(make: Any) -> dict[str, str]:
    """What the docstring of a member says of each of its fields, in the section `Attributes` or `Args`."""
    lines = (inspect.getdoc(make) or "").splitlines()
    texts: dict[str, str] = {}
    field, depth, within = "", 0, False
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if line.strip() in ("Attributes:", "Args:"):
            within, depth = True, 0
        elif line.strip() and indent == 0:
            within = False
        elif within and line.strip():
            depth = depth or indent
            start = re.match(r"(\w+)(?: \([^)]*\))?: (.*)", line.strip()) if indent == depth else None
            field = start[1] if start else field
            texts[field] = start[2] if start else f"{texts.get(field, '')} {line.strip()}".strip()
    return {field: _short(text) for field, text in texts.items()}


def _short(text: str) -> str:
    """As many whole sentences as there is room for, at least one, without roles of reStructuredText."""
    plain = re.sub(r":\w+:(?=`)", "", text).replace("``", "`")
    first, *rest = re.split(r"(?<=[.])\s+(?=[A-Z])", plain)
    for sentence in rest:
        if len(first) + len(sentence) > LONGEST:
            break
        first = f"{first} {sentence}"
    return re.sub(r"^[A-Z](?=[a-z]*\b)", lambda letter: letter[0].lower(), first).rstrip(".")
