"""`nnks reference`: energies near the basis limit, computed when they are asked for."""

import pytest

from nnks.cli import main


def test_a_dry_run_says_what_it_would_take_and_computes_nothing(capsys, monkeypatch):
    from nnks.interop import reference

    monkeypatch.setattr(reference, "_solve", None)
    assert main(["reference", "He", "Be", "--config.reference.large_basis=def2-svp", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("about") == 2


def test_what_comes_with_nnks_is_not_computed(capsys, monkeypatch):
    from nnks.interop import reference

    monkeypatch.setattr(reference, "_solve", None)
    assert main(["reference", "He"]) == 0
    assert "-2.8348" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["Hee"], "system.molecule is 'Hee'"),
        (["C60"], "no large basis is affordable for C60"),
        (["He", "--config.system.molecule=Be"], "give a molecule once"),
        (["He", "--config.functional.xc=ldaa"], "functional.xc is 'ldaa'"),
        (["He", "--to=x"], "--to is no option"),
    ],
)
def test_bad_input_is_one_sentence(arguments, sentence, capsys):
    assert main(["reference", *arguments]) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert len(said.splitlines()) == 1
