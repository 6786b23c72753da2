"""Every example of docs/extending.md runs, its battery passes, and a config names its member."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
SECTIONS = [
    "\n\n".join(re.findall(r"```python\n(.*?)```", section, re.DOTALL))
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]
]
"""The examples of each section, which go on from one another."""


@pytest.mark.slow
def test_examples(quick, tmp_path):
    import nnks
    from nnks.config import complete
    from nnks.runs.plan import plan, sketch

    assert sum(map(bool, SECTIONS)) == 6
    for section in SECTIONS:
        exec(compile(section, str(PAGE), "exec"), {"__name__": "example"})
    config = quick(functional__xc="lda,wigner")
    with config.unlocked():
        config.ansatz = {"name": "scaled", "width": 16}
        config.orthogonalizer = {"name": "cholesky_twice", "gram": "auto"}
        config.sampler = {"name": "comb", "batch_size": 500}
        config.optimizer = {"name": "clipped_adam", "clip": 0.5}
    assert sketch(complete(config)).describe()["points a step"] == "500"
    assert plan(config).problem.sampler.size == 500
    slater = quick(training__steps=10, functional__auxiliary="even_tempered")
    with slater.unlocked():
        slater.ansatz = {"name": "slater", "exponents": 3}
        slater.optimizer = {"name": "natural_gradient"}
    run = nnks.run(slater, results=tmp_path)
    assert abs(run.energies["total"] - run.reference["exact"]) < 1e-3


def test_the_page_names_every_field_that_an_ansatz_is_given():
    import dataclasses

    from nnks.ansatz import Start

    named = {field for field in re.findall(r"`start\.(\w+)", PAGE.read_text())}
    fields = {field.name for field in dataclasses.fields(Start)}
    assert fields <= named
    assert all(field in fields or hasattr(Start, field) for field in named)
