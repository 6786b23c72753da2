"""A basis is learned once, on atoms and small molecules of H, C, N, O and F, for any molecule of these elements.

Claim:    on molecules that it was not trained on, a basis as small as cc-pVDZ ends below cc-pVQZ
Run:      nnks run --config=learned_basis
Cost:     about an hour on two cores, a tenth of it compilation

Geometries are those of the G2 set (Curtiss, Raghavachari, Redfern, Pople, J. Chem. Phys. 106, 1063 (1997)) as ASE has
them, and six more. Atoms and radicals are among them, so that atomization energies need no second basis.
"""

from nnks.config import ConfigDict, default_config

ATOMS = ["H", "C", "N", "O", "F"]
RADICALS = ["CH3", "OH"]
MOLECULES = [
    "H2",
    "HF",
    "H2O",
    "NH3",
    "CH4",
    "N2",
    "CO",
    "CO2",
    "HCN",
    "C2H2",
    "C2H4",
    "C2H6",
    "H2CO",
    "CH3OH",
    "N2H4",
    "H2O2",
    "F2",
    "H2CF2",
    "N2O",
    "C3H4_C3v",
    "CH3CN",
    "F2O",
    "NF3",
    "HCF3",
]
OTHERS = {
    "N2H2": "N 0 0.6235 0; N 0 -0.6235 0; H 0.985 1.005 0; H -0.985 -1.005 0",
    "HNO": "N 0 0 0; O 1.212 0 0; H -0.335 1.007 0",
    "CH2NH": "C 0 0 0; N 1.273 0 0; H -0.557 0.937 0; H -0.54 -0.946 0; H 1.66 0.94 0",
    "FCN": "F 0 0 0; C 1.262 0 0; N 2.421 0 0",
}


def geometry(name: str) -> str:
    """The text of an xyz file of a molecule of the G2 set, with its spin."""
    from ase.build import molecule

    atoms = molecule(name)
    spin = round(abs(float(atoms.get_initial_magnetic_moments().sum())))
    rows = (
        f"{symbol} {x:.6f} {y:.6f} {z:.6f}"
        for symbol, (x, y, z) in zip(atoms.get_chemical_symbols(), atoms.get_positions(), strict=True)
    )
    return "\n".join([str(len(atoms)), f"name={name} spin={spin}", *rows])


def get_config() -> ConfigDict:
    c = default_config()
    c.experiment = "learned_basis"
    c.system.molecules = " | ".join([*map(geometry, (*ATOMS, *RADICALS, *MOLECULES)), *OTHERS.values()])
    c.system.basis = "cc-pvdz"  # of the first guess alone
    c.ansatz = {"name": "learned_basis", "basis": "new", "size": "double", "elements": "H,C,N,O,F"}
    c.quadrature.level = 1
    c.functional.hartree = "density_fitting"
    c.optimizer = {"name": "adam", "learning_rate": 5e-3, "schedule": "cosine"}
    c.training.molecules = 1  # an update after each
    c.training.steps = 30  # passes over all
    c.training.checkpoint_steps = 1
    c.evaluation.level = 1
    c.training.held_out_steps = 0
    c.reference.pyscf, c.reference.large_basis = False, ""
    return c
