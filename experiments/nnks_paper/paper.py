"""What the paper reports, with where each number is known from, and the claims of its abstract.

Li et al., "D4FT: A Deep Learning Approach to Kohn-Sham Density Functional Theory", ICLR 2023, arXiv 2303.00399. Labels:
V, verified in a named source (the authors' repository and tables) or recomputed with PySCF; S, taken from a summary of
the full text; I, inferred.
"""

from __future__ import annotations

CLAIMS = {
    "reparameterization": "Direct minimization, with orthonormality reparameterized as a feed-forward computation, "
    "finds the Kohn-Sham energy.",
    "expressivity": "It is as expressive as self-consistency: a minimizer satisfies the Kohn-Sham equations.",
    "scaling": "An energy costs O(N^3) instead of O(N^4).",
    "amortization": "Quadrature is amortized into the optimization: "
    "stochastic gradients on minibatches of grid points.",
    "efficiency": "It is more efficient than self-consistency.",
    "stability": "It is more stable than self-consistency.",
    "neural": "It makes more complex, neural wavefunctions possible.",
    "conclusions": "Its energies tell magnetic states apart (Table 2).",
    "integration": "The energies that it reports are energies of its orbitals (Table 1).",
}
"""Of the abstract, and two that its tables make."""

TERMS = ("nuclear", "kinetic+external", "hartree", "xc", "total")
"""Columns of Table 1."""

TABLE1: dict[str, dict[str, tuple[float, ...]]] = {
    "H2": {
        "PySCF": (0.71375, -2.48017, 1.28032, -0.55256, -1.03864),
        "D4FT": (0.71375, -2.48343, 1.28357, -0.55371, -1.03982),
        "JaxSCF": (0.71375, -2.48448, 1.28527, -0.55390, -1.03919),
    },
    "CH4": {
        "PySCF": (13.47203, -79.79071, 32.68441, -5.86273, -39.49700),
        "D4FT": (13.47203, -79.77446, 32.68037, -5.85949, -39.48155),
        "JaxSCF": (13.47203, -79.80889, 32.71502, -5.86561, -39.48745),
    },
    "H2O": {
        "PySCF": (9.18953, -122.83942, 46.58938, -8.09329, -75.15380),
        "D4FT": (-75.13754,),
    },
    "O2": {
        "PySCF": (28.04748, -261.19971, 99.92152, -14.79109, -148.02180),
        "D4FT": (28.04748, -261.13046, 99.82705, -14.77807, -148.03399),
        "JaxSCF": (28.04748, -261.16314, 99.87551, -14.78290, -148.02304),
    },
    "C2H5OH": {
        "PySCF": (82.01074, -371.73603, 156.36891, -18.65741, -152.01379),
        "D4FT": (82.01074, -371.73431, 156.34982, -18.65517, -152.02893),
        "JaxSCF": (82.01074, -371.64258, 156.27433, -18.65711, -152.01460),
    },
    "C6H6": {
        "PySCF": (203.22654, -713.15807, 312.42026, -29.84784, -227.35910),
        "D4FT": (203.22654, -712.71081, 311.94665, -29.81097, -227.34860),
        "JaxSCF": (203.22654, -712.91053, 312.15690, -29.84042, -227.36755),
    },
}
"""Energies [Ha] by `TERMS`; of water's D4FT row the total alone is known."""

TABLE1_LABELS = {("H2O", "PySCF"): "V, recomputed", ("H2O", "D4FT"): "S"}
"""Where a row is known from, if not from the authors' tables (V)."""

TABLE2: dict[tuple[str, int, str], float] = {
    ("O2", 0, "RKS"): -148.0218,
    ("O2", 0, "UKS"): -148.0696,
    ("O2", 2, "UKS"): -148.09322,
    ("CO2", 0, "RKS"): -185.57995,
    ("CO2", 2, "UKS"): -185.30221,
}
"""The paper's own numbers were not found; these were recomputed with PySCF (V) [Ha], the first from a calculation that
did not converge."""

TABLE3: dict[str, tuple[float, float]] = {
    "He": (-2.65731, -2.65978),
    "Li": (-7.04847, -7.13649),
    "Be": (-13.97781, -13.99859),
    "C": (-36.47026, -36.52543),
    "N": (-52.82486, -52.86340),
    "O": (-72.78665, -72.95256),
}
"""STO-3g, and STO-3g with local scaling (S) [Ha]."""

TIMES: dict[str, tuple[float, float]] = {
    "C20": (11.46, 20.75),
    "C60": (23.14, 186.67),
    "C80": (62.98, 3228.20),
    "C100": (195.13, 672.98),
    "C180": (1103.19, 1925.25),
}
"""Seconds of D4FT on a GPU and of PySCF on a CPU (V); PySCF did not converge on C80 (I). Basis, batch and stopping rule
are not known."""

UNCONVERGED = ("C80",)
"""Where PySCF's time is a bound."""

FIGURE3 = "smaller batches need fewer epochs, very small ones lose wall-clock time (S)"
