"""The first command: its answer in words, and what it refuses."""

import pytest

from nnks.cli import main
from nnks.cli.quickstart import answer, lowest


@pytest.fixture
def run(tmp_path, quick):
    """A stored run with an energy [Ha], beside 0 in its own basis and -0.1 in the largest."""
    from nnks.config import to_dict
    from nnks.tracking import RunFolder

    def stored(total, **changes):
        folder = RunFolder.create(tmp_path, "quickstart", to_dict(quick(**changes)), 0)
        names = {"reference_same": "pyscf/6-31g", "reference_large": "pyscf/pcseg-4"}
        energies = {"energies": {"total": total}, "reference": {"pyscf/6-31g": 0.0, "pyscf/pcseg-4": -0.1}}
        folder.write_json("summary.json", {"status": "finished", "quadrature_error": 1e-6} | names | energies)
        return folder

    return stored


@pytest.mark.parametrize(
    ("total", "error", "words"),
    [
        (1e-8, "+100.00", "PySCF's energy"),
        (-0.05, "+50.00", "50.0 of the 100.0 mHa"),
        (-0.09995, "+0.05", "the basis limit"),
        (-0.1004, "-0.40", "below pcseg-4"),
        (0.01, "+110.00", "above its own basis"),
    ],
)
def test_a_run_is_answered_in_words(total, error, words, run):
    molecule, orbitals, energy, above, says = answer(run(total, ansatz__name="residual"))
    assert (molecule, orbitals, energy) == ("He", "network beside 6-31G", f"{total:.6f}")
    assert (above, says) == (error, words)


def test_of_many_runs_the_lowest_of_each_kind_is_shown(run):
    runs = [
        run(total, ansatz__name=name, training__seed=seed)
        for name, totals in (("lcgto", (0.0,)), ("residual", (-0.05, -0.07, -0.06)))
        for seed, total in enumerate(totals)
    ]
    assert [row[2] for row in lowest(runs)] == ["0.000000", "-0.070000"]


def test_a_run_without_energies_has_no_answer(run):
    folder = run(0.0)
    folder.write_json("summary.json", {"status": "finished"})
    assert answer(folder) is None


@pytest.mark.parametrize("arguments", [["--config=neural"], ["--results="], ["full"]])
def test_other_options_are_refused(arguments, capsys):
    assert main(["quickstart", *arguments]) == 2
    assert "its options are --full and --results=DIR" in capsys.readouterr().err


@pytest.mark.slow
def test_the_quickstart_runs_and_answers(tmp_path, capsys):
    assert main(["quickstart", f"--results={tmp_path}"]) == 0
    said = capsys.readouterr().out
    table = said[said.index("Orbitals beside") :].splitlines()
    assert sum("the basis limit" in line or "below pcseg" in line for line in table) >= 2
    assert sum("PySCF's energy" in line for line in table) == 2
    assert (tmp_path / "quickstart" / "report.html").is_file()
    assert "next: nnks run" in said
