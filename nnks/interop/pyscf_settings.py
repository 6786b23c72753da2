"""PySCF's settings where its user has none: its parsers evaluate nothing."""

DISABLE_EVAL = True
