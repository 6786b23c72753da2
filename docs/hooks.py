"""What mkdocs does beside its own work: it checks every link, into the checkout too, and writes formulas as MathML."""

from __future__ import annotations

import html
import logging
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

LOG = logging.getLogger("mkdocs.hooks.nnks")

LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)\s#]+)")
CODE = re.compile(r"^```.*?^```$|`[^`\n]+`|\$[^$\n]+\$", re.MULTILINE | re.DOTALL)
FORMULA = re.compile(r'<(?:span|div) class="arithmatex">\s*\\([(\[])(.*?)\\[)\]]\s*</(?:span|div)>', re.DOTALL)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Warns, which ends a strict build, of a link to a file that is neither in docs/ nor elsewhere in the checkout."""
    source = Path(page.file.abs_src_path)
    for target in LINK.findall(CODE.sub("", markdown)):
        if not (source.parent / target).exists():
            LOG.warning("%s links to %s, which does not exist", page.file.src_uri, target)
    return _units_apart(markdown)


def _units_apart(markdown: str) -> str:
    """Two units beside each other, `[V] [s]`, which mkdocstrings would take for a link."""
    parts, end = [], 0
    for code in CODE.finditer(markdown):
        parts += [markdown[end : code.start()].replace("] [", "]&#32;["), code[0]]
        end = code.end()
    return "".join([*parts, markdown[end:].replace("] [", "]&#32;[")])


def on_page_content(content: str, **_: Any) -> str:
    """Formulas as MathML, which a browser shows without a script from the network."""
    return FORMULA.sub(_mathml, content)


def _mathml(formula: re.Match[str]) -> str:
    kind, latex = formula.groups()
    return convert(html.unescape(latex), display="block" if kind == "[" else "inline")
