"""The border to PySCF: the only package that imports it, and only when something is asked of it."""
