"""Stored runs by any of their values: `nnks ls`, and what it selects."""

import pytest

from nnks.cli import main


@pytest.fixture
def study(filled):
    return filled


def names(runs):
    return {(run["molecule"], run["ansatz"], run["seed"]) for run in runs}


def chosen(study, *conditions):
    from nnks.analysis.conditions import select
    from nnks.analysis.listing import stored_runs

    return select(stored_runs(study.results), conditions)


@pytest.mark.parametrize(
    ("conditions", "count"),
    [
        ([], 11),
        (["ansatz.name=residual"], 8),
        (["config.ansatz.name=residual", "molecule=n2"], 5),
        (["training.seed=0"], 5),
        (["training.seed>0", "seed<3"], 4),
        (["seed>=3"], 2),
        (["seed<=0"], 5),
        (["status=failed"], 1),
        (["status!=finished"], 2),
        (["molecule=wat*"], 5),
        (["molecule=Water"], 0),  # case tells cobalt from carbon monoxide
        (["molecule!=water"], 6),
        (["system.basis=def2-[st]zvp"], 1),
        (["energy<-76"], 4),
        (["energy=none"], 2),
        (["energy=*"], 9),
        (["converged=true"], 9),
        (["converged == false"], 2),
        (["error<1", "error>-1"], 6),
        (["summary.reference_large=pyscf/pcseg-3"], 9),
        (["steps=90"], 3),
        (["training.steps=2e2"], 11),
        (["reason=*nan*"], 1),
    ],
)
def test_conditions_select(conditions, count, study):
    assert len(chosen(study, *conditions)) == count


def test_the_selected_are_the_right_ones(study):
    expected = {("n2", "residual", 1), ("n2", "residual", 2)}
    assert names(chosen(study, "molecule=n2", "training.seed>0", "status=finished")) == expected


def test_lists_and_texts_that_hold_marks():
    from nnks.analysis.conditions import parse_condition

    assert parse_condition("ansatz.widths=[32, 16]").holds([32, 16])
    assert not parse_condition("ansatz.widths=[32]").holds([32, 16])
    geometry = parse_condition("system.molecule=O 0 0 0; H 0 0 1")
    assert geometry.holds("O 0 0 0; H 0 0 1")
    assert (geometry.key, geometry.operator) == ("system.molecule", "=")
    named = parse_condition("label=a<b [c]")
    assert (named.key, named.operator, named.value) == ("label", "=", "a<b [c]")
    assert named.holds("a<b [c]")


def test_a_molecule_keeps_its_name_beside_another_of_that_name(store):
    from nnks.analysis.conditions import select
    from nnks.analysis.listing import stored_runs

    for seed, molecule in enumerate(("H 0 0 0; H 0 0 0.74", "H 0 0 0; H 0 0 2.2", "H2")):
        store.add(molecule=molecule, seed=seed, references={}, same=None, large=None)
    runs = stored_runs(store.results)
    assert len(select(runs, ["molecule=H2"])) == 3
    assert len({run["system"] for run in runs}) == 3
    assert [run["seed"] for run in select(runs, ["system.molecule=H*2.2"])] == [1]


def test_digits_of_other_scripts_are_text_and_no_numbers():
    from nnks.analysis.conditions import Condition

    assert Condition("training.seed", "=", "3").holds(3)
    assert not Condition("training.seed", "=", "٣").holds(3)
    assert Condition("training.seed", "=", "٣").holds("٣")


def test_a_run_without_the_key_is_unequal_to_everything():
    from nnks.analysis.conditions import Condition

    for operator in ("=", "<", ">", "<=", ">="):
        assert not Condition("ansatz.width", operator, "3").holds(None)
    assert Condition("ansatz.width", "!=", "3").holds(None)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--where", "ansatz.nmae=residual"], ["'ansatz.nmae' is no key of the 11", "'ansatz.name'"]),
        (["--where", "basi=sto-3g"], ["'basis'", "'system.basis'"]),
        (["--columns", "run,enrgy"], ["did you mean 'energy'"]),
        (["--sort", "sed"], ["'seed'"]),
        (["--where", "molecule"], ["is no condition; write KEY=VALUE"]),
        (["--where", "energy<low"], ["compares with 'low', which is no number"]),
        (["--where"], ["expected at least one argument"]),
        (["--wher", "seed=1"], ["unrecognized arguments: --wher"]),
        (["--where", "energy<٣"], ["compares with '٣', which is no number"]),
        *(
            (["--limit", text], [f"--limit is {shown}; it must be a whole number from 1 to"])
            for text, shown in (("0", "0"), ("few", "'few'"), ("٣", "'٣'"), ("３", "'３'"))
        ),
    ],
)
def test_mistakes_get_a_sentence(arguments, words, study, capsys):
    assert main(["ls", str(study.results), *arguments]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words), error


def test_no_folder_and_no_runs(tmp_path, capsys):
    assert main(["ls", str(tmp_path / "nowhere")]) == 2
    assert main(["ls", str(tmp_path)]) == 2
    assert "holds no runs" in capsys.readouterr().err


def test_the_table(study, capsys):
    assert main(["ls", str(study.results), "--where", "molecule=water", "ansatz=residual", "--sort=-error"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    table = [line for line in lines if line[0] == "study"]
    # energies -75.91324, -75.91311, -75.91328 of seeds 0 to 2, exact -75.9133
    assert [(line[5], line[-2]) for line in table] == [("1", "+0.190"), ("0", "+0.060"), ("2", "+0.020")]
    assert lines[-1] == ["3", "of", "11", "runs"]


def test_chosen_columns_and_a_limit(study, capsys):
    arguments = ["--columns", "run,training.steps", "reference.exact", "--sort", "path", "--limit=2"]
    assert main(["ls", str(study.results), *arguments]) == 0
    out = capsys.readouterr().out
    assert "training.steps" in out
    assert out.count(" 200 ") == 2
    assert "11 of 11 runs, 2 shown" in out


def test_order_puts_unknown_values_last(study):
    from nnks.analysis.listing import ordered, stored_runs

    runs = stored_runs(study.results)
    energies = [run["energy"] for run in ordered(runs, "energy")]
    assert energies[-2:] == [None, None]
    assert energies[:-2] == sorted(energies[:-2])
    falling = [run["energy"] for run in ordered(runs, "-energy")]
    assert falling == [*energies[-3::-1], None, None]


def test_nothing_is_cut_off_in_a_pipe_and_markup_is_text(store, capsys):
    store.add(label="[red]a label[/nothing] " + "long " * 40)
    assert main(["ls", str(store.results), "--columns=label,run,path"]) == 0
    out = capsys.readouterr().out
    assert "[red]a label[/nothing]" in out
    assert "…" not in out
    assert str(store.study) in out
