"""What a text may hold that becomes a folder, a heading or a file's content."""

from __future__ import annotations

import functools
import re

LONGEST_NAME, LONGEST_LABEL, LONGEST_LINE, LONGEST_TEXT = 100, 200, 1000, 5_000_000
"""Characters of an experiment's name, of a label, of any other text on one line, and of a molecule or basis with line
breaks."""

LONGEST_FILE_NAME = 255
"""Bytes that file systems take."""

FORBIDDEN = '/\\<>:"|?*'
"""Characters that separate folders or that a file system or shell reads as something else."""

RESERVED = {"con", "prn", "aux", "nul", "references"} | {f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)}
"""Devices of Windows, whatever their ending, and the folder that references are kept in."""

NO_TEXT = re.compile("[\x00-\x08\x0e-\x1f\x7f\ud800-\udfff]")
"""Control characters but for those of white space, and halves of characters, which no file holds."""

PROJECT_FORBIDDEN = "/\\#?%:"
"""What Weights & Biases refuses in the name of a project."""


def line(text: str, longest: int = LONGEST_LINE) -> str:
    """What is wrong with a text on one line; nothing if nothing is."""
    if len(text) > longest:
        return f"it has {len(text):,} characters, and at most {longest:,} are taken"
    bad = next((c for c in text if not c.isprintable()), None)
    return "" if bad is None else f"it must be printable text on one line, and has the character {_code(bad)}"


label = functools.partial(line, longest=LONGEST_LABEL)
"""What is wrong with a label."""


def content(text: str) -> str:
    """What is wrong with the name or the content of a geometry or of a basis, which may have lines."""
    if len(text) > LONGEST_TEXT:
        return f"it has {len(text):,} characters, and at most {LONGEST_TEXT:,} are taken"
    bad = NO_TEXT.search(text)
    return "" if bad is None else f"it must be text, and has the character {_code(bad[0])}"


def basis(text: str) -> str:
    """What is wrong with a basis or fitting set, of which there must be one."""
    return content(text) if text.strip() else "it must be the name of a basis set, such as '6-31g'"


def folder(text: str) -> str:
    """What is wrong with the name of a folder below the results."""
    if not text.strip():
        return "it must be the name of a folder below the results, such as 'water'"
    if fault := line(text, LONGEST_NAME):
        return fault
    if bad := [c for c in text if c in FORBIDDEN]:
        return f"it must be one folder's name, without {bad[0]!r}; set --results=DIR to store runs elsewhere"
    if text[0] in ".-~ " or text[-1] in ". ":
        return "the name of a folder must not begin with a dot, a dash, a tilde or a space, nor end in a dot or a space"
    if text.split(".")[0].strip().lower() in RESERVED:
        return "this name is reserved; take another one, such as 'water'"
    if len(text.encode()) > LONGEST_FILE_NAME:
        return f"it takes {len(text.encode())} bytes, and file systems take {LONGEST_FILE_NAME}"
    return ""


def project(text: str) -> str:
    """What is wrong with the name of a project of Weights & Biases."""
    if not text.strip():
        return "it must be the name of a project of Weights & Biases, such as 'nnks'"
    if bad := [c for c in text if c in PROJECT_FORBIDDEN]:
        return f"the name of a project of Weights & Biases must not have {bad[0]!r}"
    return line(text, LONGEST_NAME)


def _code(character: str) -> str:
    return f"U+{ord(character):04X}"
