"""What pages call molecules, methods and references."""

import pytest

from nnks.analysis.wording import chemical, chemical_in, reference_words


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("H2O", "H₂O"),
        ("C2H5OH, lda,vwn", "C₂H₅OH, lda,vwn"),
        ("H2, residual", "H₂, residual"),
        ("H3, charge +1", "H₃⁺"),
        ("O2, charge -2, spin 0", "O₂²⁻, spin 0"),
        ("H2 #2", "H₂ #2"),
        ("He", "He"),
        ("water", "water"),
        ("width 20", "width 20"),
        ("<b>H2</b>", "<b>H2</b>"),
    ],
)
def test_formulas_are_written_as_chemists_do(name, shown):
    assert chemical(name) == shown


def test_only_molecules_of_the_sweep_are_formulas_in_a_sentence():
    assert (
        chemical_in("On H2 and H2O, not CH4-like (H2).", ["H2", "H2O, spin 0"]) == "On H₂ and H₂O, not CH4-like (H₂)."
    )
    assert chemical_in("H2", []) == "H2"


def test_references_are_named_in_words():
    assert reference_words("pyscf/6-31g") == "PySCF in 6-31G"
    assert reference_words("exact") == "the exact energy"
    assert reference_words("lowest run") == "the lowest run"
    assert reference_words("other") == "other"


def test_a_charge_is_in_the_name_of_a_system():
    from nnks.analysis.names import system_names

    ion = ("H3", "angstrom", 1, 0, "lda,vwn", "")
    assert system_names([ion]) == {ion: "H3, charge +1"}
    neutral = ("H3", "angstrom", 0, 1, "lda,vwn", "")
    assert system_names([ion, neutral])[neutral] == "H3, charge +0, spin 1"


def test_a_term_of_a_config_is_in_the_name_of_a_system():
    from nnks.analysis.names import system_key, system_names
    from nnks.config import default_config, override, to_dict

    field = override(default_config(), {"functional.terms.field.z": 0.001})
    plain, other = (system_key(to_dict(config)) for config in (default_config(), field))
    assert system_names([plain]) == {plain: "water"}
    assert system_names([plain, other]) == {plain: "water, no other term", other: "water, field z=0.001"}


def test_an_ansatz_has_one_color_in_every_sweep():
    from nnks.analysis.style import ANSATZ_COLORS, method_looks

    one = method_looks([{"method": "a", "ansatz": "residual"}, {"method": "b", "ansatz": "lcgto"}])
    other = method_looks([{"method": "c", "ansatz": "neural"}, {"method": "d", "ansatz": "residual"}])
    assert one["a"] == other["d"]
    assert one["a"][0].upper() == ANSATZ_COLORS["residual"]
    several = method_looks([{"method": str(n), "ansatz": "residual" if n < 3 else "neural"} for n in range(4)])
    assert len({look for look in several.values()}) == 4
