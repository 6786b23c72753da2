"""Atomic units inside, foreign units at the border: the conversion factors, each with its source."""

BOHR_IN_ANGSTROM = 0.52917721092
"""CODATA 2010. PySCF uses this value, so that the same coordinates give the same energies; CODATA 2022
has 0.529177210544, a relative difference of 7e-10."""

ANGSTROM = 1.0 / BOHR_IN_ANGSTROM
"""One angstrom [Bohr]."""

MILLIHARTREE = 1e-3
"""One millihartree [Ha]."""

CHEMICAL_ACCURACY = 1.6e-3
"""1 kcal/mol [Ha]."""
