"""Any text for any key is taken or refused in one line; nothing is built."""

import string

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nnks.cli.options import parse_options
from nnks.config import complete, default_config, from_dict, load_config, override, registries, to_dict
from nnks.config.sections import rules_of
from nnks.registry import InputError

CONFIGS = [
    override(default_config(), {f"{kind}.name": name}) for kind, registry in registries().items() for name in registry
]
KEYS = sorted({path for config in CONFIGS for path in rules_of(config)} | {f"{kind}.name" for kind in registries()})
WORDS = (
    "", "None", "none", "nan", "inf", "-inf", "1e999", "1d-3", "1_000", "0x10", "true", "OFF", "-1", "0", "1", "1e3",
    "1.5", "9" * 30, "-" + "9" * 30, "9" * 5000, "[]", "{}", "()", "[" * 500, "../x", "a/b", "~", "\0", "\ud800",
    "\x1b[2J", "x" * 10_000, "__import__('os')", "auto", "lda,vwn", "exact", "residual", "adam", "cosine", "6-31g",
    "%s%n", "{0}", "\u202e", "😀" * 80, "con", "a=b", "=", "--config.x=1",
)  # fmt: skip
TEXTS = st.one_of(
    st.sampled_from(WORDS),
    st.integers().map(str),
    st.floats().map(str),
    st.text(st.characters(), max_size=40),
    st.text(string.digits + "eEdD+-._ ", max_size=12),
)
NAMES = st.one_of(
    st.sampled_from(KEYS),
    st.sampled_from(KEYS).flatmap(lambda key: st.integers(0, len(key)).map(lambda n: key[:n] + key[n + 1 :])),
    st.text(st.characters(), max_size=20),
)
QUICK = settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


def one_line(error):
    sentence = str(error)
    assert sentence.isprintable()
    assert len(sentence) < 600
    assert "such as None" not in sentence
    assert "mean 'None'" not in sentence


@QUICK
@given(key=NAMES, text=TEXTS, member=st.sampled_from(["residual", "neural_basis", "lcgto"]))
def test_a_text_on_the_command_line_is_taken_or_refused_in_one_line(key, text, member):
    arguments = ["--config=gaussian", f"--config.{key}={text}", f"--config.ansatz.name={member}"]
    try:
        options = parse_options(arguments)
        config = complete(load_config(options["config"], options["changes"]))
    except InputError as error:
        one_line(error)
        return
    stored = to_dict(config)
    assert to_dict(from_dict(stored)) == stored  # what is taken survives config.json


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters(), max_size=20),
        st.binary(max_size=4),
        st.sampled_from(WORDS),
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=3), inner, max_size=3)),
    max_leaves=6,
)


@QUICK
@given(key=st.one_of(NAMES, st.sampled_from(["system", "ansatz", "optimizer"])), value=VALUES)
def test_a_value_from_python_is_taken_or_refused_in_one_line(key, value):
    try:
        config = override(CONFIGS[0], {key: value})
    except InputError as error:
        one_line(error)
        return
    stored = to_dict(complete(config))
    assert to_dict(from_dict(stored)) == stored
