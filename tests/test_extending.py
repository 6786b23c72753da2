"""Every example of docs/extending.md runs, its battery passes, and a config names its member."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parent.parent / "docs" / "extending.md"
EXAMPLES = [block for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL) if "import" in block]


@pytest.mark.slow
def test_examples(quick):
    from nnks.config import complete
    from nnks.plan import plan, sketch

    assert len(EXAMPLES) == 6
    for block in EXAMPLES:
        exec(compile(block, str(PAGE), "exec"), {"__name__": "example"})
    config = quick(functional__xc="lda,wigner")
    with config.unlocked():
        config.ansatz = {"name": "scaled", "width": 16}
        config.orthogonalizer = {"name": "cholesky_twice", "gram": "auto"}
        config.sampler = {"name": "comb", "batch_size": 500}
        config.optimizer = {"name": "clipped_adam", "clip": 0.5}
    assert sketch(complete(config)).describe()["points a step"] == "500"
    assert plan(config).problem.sampler.size == 500
