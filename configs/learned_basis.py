"""A basis is learned once, on small molecules of H, C, N, O and F, for any molecule of these elements.

Run:      nnks run --config=learned_basis
Then:     any config with ansatz.name=learned_basis and ansatz.basis=results/learned_basis/.../basis.npz

Geometries are those of the G2 set (Curtiss, Raghavachari, Redfern, Pople, J. Chem. Phys. 106, 1063 (1997)) as ASE has
them. Each molecule has a compiled program of its own, which takes about 1,400 of the 65,530 areas of memory that Linux
lets a process map: more than thirty molecules need a larger vm.max_map_count.
"""

from nnks.config import ConfigDict, default_config

MOLECULES = ("H2", "HF", "H2O", "NH3", "CH4", "N2", "CO", "HCN", "C2H2", "H2CO", "CH3OH", "F2")


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
    c.system.molecules = " | ".join(map(geometry, MOLECULES))
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
