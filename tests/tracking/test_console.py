import io

import pytest


def printed(summary, width=160):
    from rich.console import Console

    from nnks.tracking.console import print_summary

    out = Console(file=io.StringIO(), width=width, color_system=None)
    print_summary(summary, out)
    return out.file.getvalue()


def test_table_holds_energies_references_and_differences(summary):
    text = printed(summary)
    total = next(line.split() for line in text.splitlines() if line.strip().startswith("total"))
    # differences by hand: (-75.9131 + 75.8179063) = -95.1937 mHa, +0.01, +0.2
    assert total == [
        *("total", "-75.9131000"),
        *("-75.8179063", "-95.1937", "-75.9131100", "+0.0100", "-75.9133000", "+0.2000"),
    ]
    kinetic = next(line.split() for line in text.splitlines() if line.strip().startswith("kinetic"))
    assert kinetic == ["kinetic", "75.4000000", "75.3000000", "+100.0000"]
    for header in ("this run", "[Ha]", "pyscf/pcseg-3", "same basis [Ha]", "large basis [Ha]", "[mHa]"):
        assert header in text


@pytest.mark.parametrize("width", [60, 80, 100])
def test_nothing_is_cut_off_in_a_narrow_terminal(summary, width):
    text = printed(summary, width)
    assert "…" not in text
    for energy in (*summary["energies"].values(), *summary["reference"].values()):
        assert f"{energy:.7f}" in text
    for name in ("external", "nuclear", "+0.2000", "-95.1937"):
        assert name in text


def test_verdict_is_a_sentence(summary):
    from nnks.tracking.console import verdict

    assert verdict(summary) == (
        "E = -75.9131000 Ha, converged after 70 steps, 57.1 s. This is 95.194 mHa below pyscf/6-31g "
        "(same basis), 0.010 mHa above pyscf/pcseg-3 (large basis), 0.200 mHa above exact."
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"violations": ["too low"]}, "ERROR: too low"),
        ({"converged": False}, "not converged after"),
        ({"converged": False, "stopped": "grid"}, "as low as a second grid confirms after"),
        ({"converged": False, "stopped": "seconds"}, "out of time after"),
        ({"status": "failed", "reason": "xc became nan"}, "The run failed: xc became nan"),
        ({"energies": {}}, "no final energy"),
        ({"reference": {"exact": -75.9131004}}, "equal within 0.001 mHa to exact"),
        ({"reference": {}}, "57.1 s."),
    ],
)
def test_verdict_of_other_ends(summary, change, text):
    from nnks.tracking.console import verdict

    assert text in verdict({**summary, **change})


def test_markup_in_a_label_is_text(summary):
    assert "[red]water[/nothing]" in printed({**summary, "label": "[red]water[/nothing]"})
