"""Differences, intervals and verdicts of ablations, against scipy and against samples whose truth is known."""

import itertools
import math

import numpy as np
import pytest
import scipy.stats

from nnks.analysis.statistics import Comparison, compare, holm


def make(values, resolution=0.02, seeds=None):
    """An ablation of `optimizer` x `rate` on one molecule, and rows with values[optimizer, rate][seed]."""
    optimizers = list(dict.fromkeys(o for o, _ in values))
    rates = list(dict.fromkeys(r for _, r in values))
    runs, rows = [], []
    for (o, r), per_seed in values.items():
        for seed, x in enumerate(per_seed):
            hash = f"{o}{r}"
            runs.append({"hash": hash, "seed": seed, "point": {"optimizer": o, "rate": r, "molecule": "H2"}})
            status = "failed" if math.isnan(x) else "finished"
            rows.append({"config_hash": hash, "seed": seed, "status": status, "error_best_mHa": float(x)})
    ablation = {
        "metric": "error_best_mHa",
        "axes": {"optimizer": optimizers, "rate": rates, "molecule": ["H2"]},
        "baseline": {"optimizer": optimizers[0], "rate": rates[0], "molecule": "H2"},
        "strata": ["molecule"],
        "resolution": resolution,
        "accuracy": 1.0,
        "runs": runs,
    }
    return ablation, rows


def one(comparisons, setting):
    (comparison,) = (c for c in comparisons if c.setting == setting)
    return comparison


def test_the_interval_is_that_of_a_paired_test():
    """Against scipy: one comparison on the axis, no other axis."""
    a, b = [1.0, 1.3, 0.8, 1.1], [1.9, 2.5, 1.6, 1.8]
    judged = one(compare(*make({("a", "x"): a, ("b", "x"): b})), "b")
    expected = scipy.stats.ttest_rel(b, a)
    low, high = expected.confidence_interval(0.95)
    assert (judged.difference, judged.low, judged.high) == pytest.approx((np.mean(b) - np.mean(a), low, high))
    assert judged.p == pytest.approx(expected.pvalue)
    assert judged.verdict == "higher"


def test_intervals_of_an_axis_hold_together():
    """Of 400 ablations without any effect, about 5 % or fewer show one among three settings.

    The share may be three standard errors above.
    """
    rng, wrong = np.random.default_rng(0), 0
    for _ in range(400):
        values = {(o, "x"): list(rng.normal(size=5)) for o in "abcd"}
        wrong += any(c.low > 0 or c.high < 0 for c in compare(*make(values)))
    assert wrong / 400 < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert wrong > 0


def test_averaged_over_the_other_axis():
    """A difference that depends on the other axis is its mean, and the range is told."""
    values = {("a", "x"): [0, 0, 0], ("b", "x"): [1, 1.1, 0.9], ("a", "y"): [5, 5, 5], ("b", "y"): [8, 8.1, 7.9]}
    judged = one(compare(*make(values)), "b")
    assert (judged.difference, judged.least, judged.most) == pytest.approx((2.0, 1.0, 3.0))
    assert judged.seeds == 3


@pytest.mark.parametrize(
    ("b", "verdict"),
    [
        ([1.001, 2.0, 2.999], "equal"),
        ([1.0, 2.0, 3.0], "equal"),
        ([0.5, 1.49, 2.51], "lower"),
        ([1.5, 2.0, 2.4], "undecided"),
        ([2.0, math.nan, math.nan], "too few seeds"),
    ],
)
def test_verdicts(b, verdict):
    judged = one(compare(*make({("a", "x"): [1.0, 2.0, 3.0], ("b", "x"): b})), "b")
    assert isinstance(judged, Comparison)
    assert judged.verdict == verdict
    assert judged.missing == sum(map(math.isnan, b))


def test_ratios_are_differences_of_logarithms():
    """Errors over powers of ten: the paired test of their logarithms, by scipy.

    Values below the resolution count as it.
    """
    a, b = [1e-3, 2e-1, 3.0], [4e-3, 6e-1, 14.0]
    ablation, rows = make({("a", "x"): a, ("b", "x"): b, ("c", "x"): [1e-3, -1e-7, math.nan]}, resolution=1e-4)
    judged = compare(ablation | {"ratio": 2.0}, rows)
    expected = scipy.stats.ttest_rel(np.log10(b), np.log10(a))
    low, high = expected.confidence_interval(1 - 0.05 / 2)
    first = one(judged, "b")
    assert (first.difference, first.low, first.high) == pytest.approx((np.mean(np.log10(b) - np.log10(a)), low, high))
    assert first.verdict == "higher"
    second = one(judged, "c")
    assert second.difference == pytest.approx((0.0 + math.log10(1e-4 / 2e-1)) / 2)
    assert (second.seeds, second.missing) == (2, 1)


def test_one_seed_makes_no_intervals_but_a_sentence(monkeypatch):
    from nnks.analysis import answers

    monkeypatch.setattr(answers, "arrivals", lambda *_: [])  # no metrics are stored here

    values = {("a", "x"): [1.0], ("b", "x"): [1.01], ("c", "x"): [0.999], ("d", "x"): [1.5]}
    ablation, rows = make(values, resolution=0.02)
    (sentence,) = answers.Answers(ablation, rows, []).sentences()[:1]
    assert sentence == (
        "H₂, optimizer: against a, d is higher by 0.5 mHa, b, c are within 0.01 mHa of it (one seed: no interval)."
    )


def test_undecided_settings_share_a_sentence(monkeypatch):
    from nnks.analysis import answers

    monkeypatch.setattr(answers, "arrivals", lambda *_: [])

    values = {("a", "x"): [1.0, 2.0, 3.0], ("b", "x"): [1.5, 2.0, 2.4], ("c", "x"): [0.7, 2.0, 3.5]}
    (sentence,) = answers.Answers(*make(values), []).sentences()[:1]
    assert sentence.count("undecided") == 1
    assert "b (" in sentence
    assert "c (" in sentence


def test_holm_is_monotone_and_adjusts():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([math.nan, 0.2])[1] == pytest.approx(0.2)
    for p in itertools.permutations([0.001, 0.02, 0.5]):
        assert sorted(holm(p)) == pytest.approx([0.003, 0.04, 0.5])


def test_runs_that_never_arrive_are_censored(store):
    """Of three runs two arrive, the third ends early: the median is the later of the two, by Kaplan and Meier."""
    from nnks.analysis.table import run_rows
    from nnks.analysis.time_to_accuracy import arrivals
    from nnks.tracking.record import config_hash
    from nnks.tracking.store import list_runs

    for seed, (rate, energy) in enumerate(((0.3, -75.9133), (0.15, -75.9133), (0.15, -75.90))):
        store.add(seed=seed, energy=energy, rate=rate, steps=60)
    records = list_runs(store.study)
    rows = run_rows(records)
    runs = [{"hash": config_hash(r.config), "seed": r.seed, "point": {"rate": "x"}} for r in records]
    about = {"metric": "error_best_mHa", "axes": {"rate": ["x"]}, "accuracy": 1.0, "runs": runs}
    (arrival,) = arrivals(about, rows, records)
    assert (arrival.runs, arrival.arrived) == (3, 2)
    first = [next(m["step"] for m in r.metrics if m["energy/total"] <= -75.9133 + 1e-3) for r in records[:2]]
    assert arrival.steps == max(first)
    runs[0]["point"] = runs[1]["point"] = {"rate": "y"}  # alone, the third never arrives
    never = {a.point: a for a in arrivals(about, rows, records)}[("x",)]
    assert math.isinf(never.steps)


def test_a_report_answers_the_question(store):
    from nnks.analysis import write_report
    from nnks.analysis.table import run_rows
    from nnks.tracking.files import write_json
    from nnks.tracking.record import config_hash
    from nnks.tracking.store import list_runs

    for ansatz, shift in (("lcgto", 0.0), ("residual", 5e-3)):
        for seed in range(3):
            store.add(seed=seed, energy=-75.9133 + 1e-5 * seed + shift, ansatz=ansatz)
    runs = [
        {"hash": config_hash(r.config), "seed": r.seed, "point": {"ansatz.name": r.config["ansatz"]["name"]}}
        for r in list_runs(store.study)
    ]
    about = {
        "metric": "error_best_mHa",
        "axes": {"ansatz.name": ["lcgto", "residual"]},
        "baseline": {"ansatz.name": "lcgto"},
        "strata": [],
        "seeds": [0, 1, 2],
        "resolution": 0.02,
        "accuracy": 1.0,
        "runs": runs,
    }
    write_json(store.study / "experiment.json", {"title": "t", "claim": "c", "command": "", "ablation": about})
    paths = write_report(store.study)
    assert "ansatz.name: against lcgto, residual is higher by 5 mHa" in paths.markdown.read_text()
    write_json(
        store.study / "experiment.json", {"title": "t", "claim": "c", "command": "", "ablation": about | {"ratio": 1.5}}
    )
    text = write_report(store.study).markdown.read_text()
    logs = {ansatz: [] for ansatz in ("lcgto", "residual")}
    for row, record in zip(run_rows(list_runs(store.study)), list_runs(store.study), strict=True):
        logs[record.config["ansatz"]["name"]].append(math.log(max(row["error_best_mHa"], 0.02)))
    ratio = math.exp(np.mean(logs["residual"]) - np.mean(logs["lcgto"]))
    assert f"residual is {ratio:.3g} times as large" in text
    assert "as ratios; values below 0.02 count as that" in text
    assert "differences" in paths.figures
    assert "Steps and seconds to within 1 mHa" in paths.html.read_text()


@pytest.mark.parametrize(
    ("values", "expect", "words"),
    [
        ([1.5, 1.51, 1.52], {"b": "higher"}, "The claim holds: the difference is as expected."),
        ([1.5, 1.51, 1.52], {"H2: b": "higher"}, "The claim holds: the difference is as expected."),
        ([1.5, 1.51, 1.52], {"H2: b": "equal", "b": "higher"}, "The claim does not hold: b (H₂) is higher, not equal."),
        ([1.5, 1.51, 1.52], {"b": "lower"}, "The claim does not hold: b (H₂) is higher, not lower."),
        ([0.9, 1.1, 1.2], {"b": "higher"}, "whether the claim holds: b (H₂) is undecided; about 23 seeds would tell."),
        ([1.5, 1.51], {"b": "higher"}, "b (H₂) is undecided; 3 seeds are needed at least."),
        ([1.5, math.nan, math.nan], {"b": "higher"}, "b (H₂) is undecided; 3 seeds are needed at least."),
        ([math.nan] * 3, {"b": "higher"}, "b (H₂) is without a pair of finished runs that can be believed."),
        ([1.5], {"b": "higher"}, "The claim holds: the difference is as expected."),  # nothing is drawn at random
    ],
)
def test_the_claim_is_answered(values, expect, words, monkeypatch):
    from nnks.analysis import answers

    monkeypatch.setattr(answers, "arrivals", lambda *_: [])
    ablation, rows = make({("a", "x"): [1.0] * len(values), ("b", "x"): values})
    ablation |= {"expect": expect, "seeds": list(range(len(values)))}
    assert words in answers.Answers(ablation, rows, []).verdict().sentence


def test_as_many_seeds_as_are_asked_for_would_tell():
    """With the spread of three seeds, the interval of so many leaves zero out, and that of one less does not."""
    from scipy.stats import t

    from nnks.analysis.claims import seeds_that_tell

    (judged,) = compare(*make({("a", "x"): [1.0] * 3, ("b", "x"): [0.9, 1.1, 1.2]}))
    seeds, spread = seeds_that_tell(judged), np.std([-0.1, 0.1, 0.2], ddof=1)
    halves = [t.ppf(0.975, n - 1) * spread / math.sqrt(n) for n in (seeds - 1, seeds)]
    assert halves[0] > judged.difference > halves[1]


def test_two_seeds_are_too_few_for_an_interval(monkeypatch):
    from nnks.analysis import answers

    monkeypatch.setattr(answers, "arrivals", lambda *_: [])
    (judged,) = compare(*make({("a", "x"): [1.0, 1.0], ("b", "x"): [1.5, 1.9]}))
    assert math.isnan(judged.low)
    assert math.isnan(judged.p)
    (sentence,) = answers.Answers(*make({("a", "x"): [1.0, 1.0], ("b", "x"): [1.5, 1.9]}), []).sentences()
    assert "2 seeds are too few for an interval; it takes 3" in sentence


@pytest.mark.parametrize(
    ("energies", "words"),
    [
        (
            (-75.8179063, -75.8179064),
            "The claim holds: the Gaussian basis ends within 0.0001 mHa of PySCF in the same basis.",
        ),
        (
            (-75.8179063, -75.8),
            "The claim does not hold: the Gaussian basis ends 17.9 mHa from PySCF in the same basis, more than 0.01 "
            "mHa.",
        ),
        ((-75.8179063, None), "It cannot be told whether the claim holds: 1 of its runs are missing, not finished"),
    ],
)
def test_a_sweep_without_an_ablation_says_how_near_it_expects_to_end(energies, words, store):
    from nnks.analysis import write_report
    from nnks.tracking.files import write_json

    for seed, energy in enumerate(energies):
        store.add(seed=seed, energy=energy or -1.0, end="interrupted" if energy is None else "finished")
    write_json(store.study / "experiment.json", {"title": "t", "claim": "c", "expect": {"lcgto": ["same", 0.01]}})
    page = write_report(store.study).markdown.read_text()
    assert page.splitlines()[2].startswith(f"**{words}")


def test_a_doubted_energy_never_arrives_and_is_no_best(store):
    """One of three runs ends 3 mHa below the exact energy, one only falls below it on its training grid."""
    from nnks.analysis import write_report
    from nnks.analysis.statistics import value
    from nnks.analysis.table import run_rows, seed_rows
    from nnks.analysis.time_to_accuracy import arrivals
    from nnks.tracking.record import config_hash
    from nnks.tracking.store import list_runs

    store.add(seed=0, energy=-75.9133, steps=60)
    store.add(seed=1, energy=-75.9163, steps=60, doubts=["the energy is 3.000 mHa below exact."])
    folder = store.add(seed=2, energy=-75.9133, steps=60, end="interrupted")
    finish(folder, -75.9053, 1e-3)
    records = list_runs(store.study)
    rows = run_rows(records)
    runs = [{"hash": config_hash(r.config), "seed": r.seed, "point": {"rate": "x"}} for r in records]
    about = {"metric": "error_best_mHa", "axes": {"rate": ["x"]}, "accuracy": 1.0, "runs": runs}
    (arrival,) = arrivals(about, rows, records)
    assert (arrival.runs, arrival.arrived) == (3, 1)
    assert [math.isnan(value(row, "error_best_mHa")) for row in rows] == [False, True, False]
    (method,) = seed_rows(rows)
    assert (method["runs"], method["n"], method["doubted"], method["unfinished"]) == (3, 2, 1, 0)
    assert method["error_best_mHa_min"] == pytest.approx(0.0, abs=1e-9)
    paths = write_report(store.study)
    for page in (paths.markdown, paths.html):
        assert "3.000 mHa below exact" in page.read_text()
    assert "**WARNING.** water / lcgto / 6-31g, seed 1" in paths.markdown.read_text()


def finish(folder, energy, error):
    """Ends a run with an energy other than its training's."""
    from nnks.tracking.writers import JsonlWriter

    reference = {"exact": -75.9133}
    end = {"energies": {"total": energy}, "quadrature_error": error, "reference": reference, "steps": 40}
    JsonlWriter(folder, {"label": "water / lcgto / 6-31g"}).finish(end)


def test_a_report_names_references_that_did_not_converge(store):
    from nnks.analysis import write_report

    store.add(reference_details={"pyscf/6-31g": {"converged": False}})
    paths = write_report(store.study)
    for page in (paths.markdown, paths.html):
        assert "PySCF in 6-31g did not converge; it is no reference." in page.read_text()
    assert "| pyscf/6-31g |" not in paths.markdown.read_text()
