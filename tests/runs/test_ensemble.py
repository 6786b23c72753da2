"""Runs trained as one program: the numbers of single runs, each stored as such.

Members end, fail and resume on their own.
"""

import pytest

SEEDED = {"sampler__name": "uniform", "sampler__batch_size": 200, "functional__one_electron": "quadrature",
          "functional__hartree": "density_fitting", "functional__fitting": "quadrature"}  # fmt: skip
COMMON = {"optimizer__name": "adam", "training__steps": 9, "training__checkpoint_steps": 3}
MEMBERS = {
    "numbers": [
        {"optimizer__learning_rate": 0.003},
        {"optimizer__learning_rate": 0.1, "optimizer__b1": 0.7, "optimizer__eps": 1e-6},
        {"optimizer__learning_rate": 0.03, "optimizer__schedule": "cosine"},
        {"optimizer__schedule": "warmup_cosine", "optimizer__b2": 0.9},
    ],
    "seeds": [SEEDED | {"training__seed": n} for n in range(3)],
}

CHECKED = {"numbers": 2, "seeds": 1}
"""Members that are also run by themselves, each of which compiles a program: the last ones."""


def stored(summary):
    from nnks.tracking.record import RunRecord

    return RunRecord(summary.path)


def numbers(summary):
    """All that a run stored of its energies: at every step, and at the end."""
    run = stored(summary)
    rows = [{k: v for k, v in row.items() if not k.startswith("time")} for row in run.metrics]
    return [*rows, dict(summary.energies)]


def assert_equal(one, other, tolerance=1e-10):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        assert a == pytest.approx(b, abs=tolerance, rel=0)


@pytest.fixture
def configs(quick):
    def make(case):
        return [quick(**COMMON, **changes) for changes in MEMBERS[case]]

    return make


@pytest.mark.parametrize("case", MEMBERS)
def test_a_batch_gives_the_numbers_of_single_runs(case, configs, tmp_path):
    import nnks
    from nnks.runs.ensemble import run_together
    from nnks.runs.members import batches

    members = configs(case)
    assert batches(members) == [list(range(len(members)))]
    together = run_together(members, tmp_path / "together", quiet=True)
    assert len({summary.path for summary in together}) == len(members)
    assert len({summary.energies["total"] for summary in together}) == len(members)
    for config, summary in list(zip(members, together, strict=True))[-CHECKED[case] :]:
        alone = nnks.run(config, tmp_path / "alone")
        assert_equal(numbers(summary), numbers(alone))
        one, other = stored(summary), stored(alone)
        assert one.config == other.config
        assert {path.name for path in one.path.iterdir()} == {path.name for path in other.path.iterdir()}
        assert set(one.summary) == set(other.summary)
        assert one.summary["stopped"] == other.summary["stopped"]
        assert one.summary["members"] == len(members)


def test_runs_with_a_control_variate_are_trained_alone(quick, tmp_path):
    """Seeds that would be a batch: each has its own anchor on the whole grid."""
    import nnks
    from nnks.runs.members import batches, why_alone
    from nnks.runs.plan import plan
    from nnks.training import Controlled

    sampled = {"sampler__name": "uniform", "sampler__batch_size": 200, "training__control_steps": 5}
    configs = [quick(**COMMON, **sampled, training__seed=seed) for seed in range(2)]
    assert batches(configs) == [[0], [1]]
    assert "control variate" in why_alone(configs[0])
    assert isinstance(plan(configs[0]).optimizer, Controlled)
    assert nnks.run(configs[0], tmp_path).steps == COMMON["training__steps"]


def test_members_have_guards_of_their_own(quick):
    """What one run compared on the held-out grid says nothing of another."""
    from nnks.runs.ensemble import member_plan
    from nnks.runs.plan import plan

    config = quick(**COMMON, training__held_out_steps=1)
    first = plan(config)
    guards = [member_plan(first, config).stopping for _ in range(2)]
    assert guards[0].held_out is guards[1].held_out
    assert len({id(stopping.recent) for stopping in (first.stopping, *guards)}) == 3


def test_members_end_on_their_own(quick, tmp_path):
    """One breaks, one converges, one goes on to the end."""
    from nnks.runs.ensemble import run_together

    rates = {1e300: "diverges", 1.0: "converges", 1e-3: "goes on"}
    common = {"optimizer__name": "sgd", "training__steps": 12, "training__energy_tolerance": 1e-5}
    configs = [
        quick(optimizer__learning_rate=rate, training__gradient_tolerance=3e-2, ansatz__guess="core", **common)
        for rate in rates
    ]
    broken, converged, slow = run_together(configs, tmp_path, quiet=True)
    assert "not finite" in str(broken)
    assert converged.converged
    assert converged.steps < slow.steps == 12
    from nnks.tracking.store import list_runs

    assert sorted(run.status for run in list_runs(tmp_path)) == ["failed", "finished", "finished"]
    (failed,) = [run for run in list_runs(tmp_path) if run.status == "failed"]
    assert "not finite" in failed.summary["reason"]


def test_an_interrupted_batch_goes_on_together_or_alone(configs, tmp_path, monkeypatch):
    import nnks
    from nnks.runs import ensemble as batch

    members = configs("numbers")[2:]
    unbroken = batch.run_together(members, tmp_path / "a", quiet=True)
    real = batch.iterate_together

    def interrupted(*arguments):
        for n, outcomes in enumerate(real(*arguments), 1):
            if n == 5:
                raise KeyboardInterrupt
            yield outcomes

    monkeypatch.setattr(batch, "iterate_together", interrupted)
    with pytest.raises(KeyboardInterrupt):
        batch.run_together(members, tmp_path / "b", quiet=True)
    monkeypatch.undo()
    alone = nnks.run(members[0], tmp_path / "b")
    together = batch.run_together(members[1:], tmp_path / "b", quiet=True)
    assert len(list((tmp_path / "b" / "default").iterdir())) == len(members)
    for one, other in zip([alone, *together], unbroken, strict=True):
        assert_equal(numbers(one), numbers(other))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"optimizer__name": "lbfgs"}, "chooses its own steps"),
        ({"optimizer__name": "lion"}, "follows signs"),
        ({"optimizer__name": "adam", "training__precision": "mixed"}, "precision mixed"),
        ({"optimizer__name": "adam", "training__seconds": 1.0}, "training.seconds"),
        ({"optimizer__name": "adam", "ansatz__name": "neural_basis"}, "solved for"),
        ({"optimizer__name": "adam"}, ""),
    ],
)
def test_what_is_trained_alone_and_why(changes, words, quick):
    from nnks.runs.members import batches, why_alone

    configs = [quick(training__seed=seed, **changes) for seed in range(2)]
    reason = why_alone(configs[0])
    assert words in reason
    assert bool(reason) == bool(words)
    assert batches(configs) == ([[0], [1]] if words else [[0, 1]])


def test_batches_have_one_problem_and_as_many_parts_as_there_are_workers(quick):
    from nnks.runs.members import batches

    adam = {"optimizer__name": "adam"}
    configs = [quick(system__molecule=m, training__seed=s, **adam) for s in range(3) for m in ("He", "H2")]
    assert batches(configs) == [[0, 2, 4], [1, 3, 5]]
    assert batches(configs, parts=2) == [[0, 2], [1, 3], [4], [5]]


@pytest.mark.parametrize("name", ["adam", "adan", "lamb", "radam", "rmsprop"])
def test_every_real_option_can_be_an_argument_of_a_program(name):
    import jax
    import jax.numpy as jnp
    import numpy as np

    from nnks.training import OPTIMIZERS

    params, gradient = {"a": jnp.arange(1.0, 4.0)}, {"a": jnp.array([0.3, -0.2, 0.1])}
    recipe = OPTIMIZERS.build({"name": name}, steps=5).recipe

    def update(numbers, rates):
        optimizer = recipe.make(lambda n: rates[n], **numbers, **recipe.fixed)
        return optimizer.update(gradient, optimizer.init(params), params)[0]["a"]

    numbers = {key: jnp.asarray(value) for key, value in recipe.numbers.items()}
    optimizer = recipe()
    expected = optimizer.update(gradient, optimizer.init(params), params)[0]["a"]
    assert np.asarray(jax.jit(update)(numbers, jnp.full(5, 0.01))) == pytest.approx(np.asarray(expected), abs=1e-15)
