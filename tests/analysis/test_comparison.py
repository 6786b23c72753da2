"""Runs side by side: what differs, by how much, and a page that escapes what configs say."""

import base64
import re
from html.parser import HTMLParser

import pytest

from nnks.cli import main


@pytest.fixture
def pair(store):
    a = store.add(energy=-75.8179063, orbital_energies=[[-18.9, -0.9]], parameters=65)
    b = store.add(
        ansatz="residual",
        seed=1,
        energy=-75.9120,
        steps=80,
        orbital_energies=[[-18.91, -0.92]],
        stopped="steps",
        converged=False,
    )
    return a.record, b.record


def sections(*records):
    from nnks.analysis.comparison import compare

    return {section.title: section for section in compare(records).sections}


def test_only_what_differs_is_shown(pair):
    section = sections(*pair)["Settings that differ"]
    assert section.columns == ("key", "A", "B")
    assert section.rows == (("ansatz.name", "lcgto", "residual"), ("training.seed", "0", "1"))


def test_keys_of_one_run_alone_are_marked(store):
    from nnks.analysis.comparison import MISSING

    a = store.add().record
    config = dict(a.config) | {"ansatz": {"name": "residual", "width": 32, "depth": None}}
    b = store.add(config=config).record
    rows = sections(a, b)["Settings that differ"].rows
    assert ("ansatz.width", MISSING, "32") in rows
    assert ("ansatz.depth", MISSING, "None") in rows


def test_energies_term_by_term(pair):
    section = sections(*pair)["Energies of the final evaluation"]
    assert section.columns == ("term", "A [Ha]", "B [Ha]", "B − A [mHa]")
    assert section.rows[0] == ("total", "-75.8179063", "-75.9120000", "-94.0937")
    assert {row[0]: row[3] for row in section.rows[1:]} == {
        "kinetic": "+0.0000",
        "hartree": "+0.0000",
        "nuclear": "+0.0000",
    }


def test_references_and_orbitals(pair):
    shown = sections(*pair)
    references = {row[0]: row[1:] for row in shown["References"].rows}
    assert references["exact"] == ("-75.9133000", "+95.3937", "+1.3000")
    assert references["pyscf/6-31g"] == ("-75.8179063", "+0.0000", "-94.0937")
    assert shown["Orbital energies"].rows == (
        ("1", "-18.9000000", "-18.9100000", "-10.0000"),
        ("2", "-0.9000000", "-0.9200000", "-20.0000"),
    )


def test_the_course(pair):
    shown = sections(*pair)
    course = {row[0]: row[1:] for row in shown["Course of the training"].rows}
    assert course["steps"] == ("40", "80")
    assert course["seconds of training"] == ("2.00", "4.00")
    assert course["milliseconds a step, compilation included"] == ("50.0", "50.0")
    assert [row[-1] for row in shown["Runs"].rows] == ["converged", "not converged, out of steps"]


def test_other_systems_have_no_differences(store, pair):
    n2 = {"pyscf/6-31g": -108.6411}
    other = store.add(molecule="n2", energy=-108.64, references=n2, large=None).record
    shown = sections(pair[0], other)
    assert shown["Energies of the final evaluation"].columns == ("term", "A [Ha]", "B [Ha]")
    assert "different systems" in shown["Energies of the final evaluation"].note
    references = {row[0]: row[2:] for row in shown["References"].rows}
    assert references["n2: pyscf/6-31g"] == ("–", "+1.1000")
    assert references["water: pyscf/6-31g"] == ("+0.0000", "–")


def test_spins_side_by_side(store):
    a = store.add(orbital_energies=[[-1.0]]).record
    b = store.add(seed=1, orbital_energies=[[-1.5, -0.5], [-1.25]]).record
    section = sections(a, b)["Orbital energies"]
    assert [row[0] for row in section.rows] == ["up 1", "up 2", "down 1"]
    assert section.rows[0][3] == "-500.0000"
    assert section.rows[1][1:] == ("–", "-0.5000000", "–")
    assert "one spin channel" in section.note


def test_failed_and_interrupted_runs_can_be_compared(store, capsys, tmp_path):
    a = store.add(end="failed", reason="hartree became nan.").path
    b = store.add(seed=1, end="interrupted").path
    page = tmp_path / "page.html"
    assert main(["compare", str(a), str(b), f"--html={page}"]) == 0
    out = capsys.readouterr().out
    assert "failed: hartree became nan." in out
    assert "interrupted" in out
    assert "training.seed" in page.read_text()


class Page(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags, self.pictures, self.text = [], [], []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attrs)["src"])

    def handle_data(self, data):
        self.text.append(data)


def test_the_page_stands_alone_and_escapes(store, tmp_path, capsys):
    evil = "<script>alert(1)</script>"
    a = store.add(label=f"$x$ {evil}").path
    config = dict(store.add(seed=1).record.config) | {"sampler": {"name": '"><img src=x onerror=alert(1)>'}}
    b = store.add(config=config, label="b", seed=2).path
    page, picture = tmp_path / "page.html", tmp_path / "picture.png"
    assert main(["compare", str(a), str(b), f"--html={page}", f"--png={picture}"]) == 0
    assert evil in capsys.readouterr().out
    read = Page()
    read.feed(page.read_text())
    assert "script" not in read.tags
    assert len(read.pictures) == 1
    assert base64.b64decode(read.pictures[0].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert '"><img src=x onerror=alert(1)>' in read.text
    assert not re.search(r"(src|href)=\"(http|//)", page.read_text())

    import matplotlib.image

    assert matplotlib.image.imread(picture).std() > 0.01


def test_the_curve_is_that_of_the_metrics(pair):
    from nnks.analysis.comparison import compare
    from nnks.analysis.comparison_views import _curve

    comparison = compare(pair)
    step, seconds, error = _curve(comparison.records[1], comparison.rows[1])
    lines = pair[1].metrics
    assert step.tolist() == [line["step"] for line in lines]
    assert seconds.tolist() == [line["time/elapsed_s"] for line in lines]
    assert error == pytest.approx([1e3 * (line["energy/total"] + 75.9133) for line in lines])


def test_runs_are_found_by_name(store, capsys):
    a, b = store.add(), store.add(seed=1)
    assert main(["compare", a.name, b.name, f"--results={store.results}"]) == 0
    assert str(b.path) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["{a}"], "two or more different runs and got 1"),
        (["{a}", "{a}"], "two or more different runs"),
        (["{a}", "{folder}"], "is not a run but a folder of 2"),
        (["{a}", "nothing"], "names no run"),
        (["{a}", "20"], "names 2 runs, such as"),
        (["{a}", "{b}", "--html=page.txt"], "ends in .html"),
        (["{a}", "{b}", "--png=/no/such/folder/a.png"], "in a folder that exists"),
        ([], "required: runs"),
    ],
)
def test_mistakes_get_a_sentence(arguments, words, store, capsys):
    paths = {"a": store.add().path, "b": store.add(seed=1).path, "folder": store.study}
    arguments = [text.format(**paths) for text in arguments]
    assert main(["compare", *arguments, f"--results={store.results}"]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
