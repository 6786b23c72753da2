"""The report: numbers from the store, figures that show something, a page that needs nothing else."""

from html.parser import HTMLParser

import matplotlib.image
import pytest


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.addresses = []

    def handle_starttag(self, tag, attrs):
        self.addresses += [value for name, value in attrs if name in ("src", "href")]


@pytest.fixture
def study(store):
    for seed, energy in enumerate((-75.9128, -75.9120, -75.9110)):
        store.add(ansatz="residual", seed=seed, energy=energy)
    store.add(ansatz="lcgto", energy=-75.8179063)
    return store


def test_errors_and_medians(study):
    from nnks.analysis.table import run_rows, seed_rows
    from nnks.tracking.store import list_runs

    rows = seed_rows(run_rows(list_runs(study.study)))
    by_seeds = {row["n"]: row for row in rows}
    assert by_seeds[3]["error_best_mHa_median"] == pytest.approx(1e3 * (75.9133 - 75.9120), abs=1e-9)
    assert by_seeds[3]["error_best_mHa_min"] == pytest.approx(1e3 * (75.9133 - 75.9128), abs=1e-9)
    assert by_seeds[1]["error_same_mHa_median"] == pytest.approx(0.0, abs=1e-9)


def test_a_report_is_complete(study):
    from nnks.analysis import write_report

    paths = write_report(study.study)
    assert set(paths.figures) == {"final_errors", "convergence_steps", "convergence_seconds"}
    for path in paths.figures.values():
        assert matplotlib.image.imread(path).std() > 0.01
    page, text = paths.html.read_text(), paths.markdown.read_text()
    assert "+1.300" in page
    assert "+1.300" in text
    links = Links()
    links.feed(page)
    assert sum(link.startswith("data:image/png;base64,") for link in links.addresses) == 3
    runs = [link for link in links.addresses if link.endswith("summary.json")]
    assert len(runs) == 4
    assert all((study.study / link).is_file() for link in runs)
    assert not any("//" in link for link in links.addresses if not link.startswith("data:"))


def test_names_are_escaped(store):
    from nnks.analysis import write_report

    store.add(label="<script>alert(1)</script>")
    page = write_report(store.study).html.read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


@pytest.mark.parametrize("what", [{"references": {}, "same": None, "large": None}, {"metrics": False}])
def test_a_report_copes_with_what_is_missing(what, store):
    from nnks.analysis import write_report

    store.add(**what)
    assert "6-31G, Gaussian" in write_report(store.study).markdown.read_text()


def test_no_runs(tmp_path):
    from nnks.analysis import write_report
    from nnks.registry import InputError

    with pytest.raises(InputError, match="holds no runs"):
        write_report(tmp_path)
    with pytest.raises(InputError, match="does not exist"):
        write_report(tmp_path / "nowhere")


def test_densities_are_drawn_where_runs_have_slices(store):
    """The closest run's, and the other method's difference from it; a run without one is left out."""
    import numpy as np

    from nnks.analysis import densities
    from nnks.analysis.table import run_rows
    from nnks.tracking.slices import Slice

    axis = np.linspace(-2, 2, 8)
    density = np.exp(-np.hypot(axis[None, :], axis[:, None]))
    paths = []
    for ansatz, energy, scale in (("lcgto", -75.8179063, 0.9), ("residual", -75.9131, 1.0), ("neural", -75.9, None)):
        record = store.add(ansatz=ansatz, energy=energy).record
        if scale is not None:
            Slice(axis, axis, scale * density, density, 0.0, np.zeros((1, 3)), np.ones(1)).save(record.path)
        paths.append(record)
    panels = densities._panels(run_rows(paths), paths, range(3))
    assert [panel["what"] for panel in panels] == ["density", "orbital", "difference"]
    assert panels[0]["method"] == "network beside 6-31G"
    assert panels[2]["method"] == "6-31G, Gaussian"
    np.testing.assert_allclose(panels[2]["values"], -0.1 * density, atol=1e-6)
    assert densities.densities(run_rows(paths), paths, store.results / "densities.png").stat().st_size > 10_000
    assert densities.densities(run_rows(paths[2:]), paths[2:], store.results / "none.png") is None
