"""A learned basis: derivatives, invariances, separability, and files that are read as data."""

import dataclasses
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.basis.learned import Layout, LearnedSet, fresh_set
from nnks.registry import InputError

LAYOUTS = (Layout("H", 1, (1,), (0, 1)), Layout("C", 6, (2, 1), (0, 1, 2), 1), Layout("O", 8, (2, 1), (0, 1, 2), 1))
SYMBOLS = ("C", "O", "H", "H")
POSITIONS = np.array([[0.0, 0.0, 0.0], [0.0, 0.1, 2.3], [1.8, 0.0, -1.1], [-1.7, 0.2, -1.0]])


def gaussian_atom(layout):
    """A radial function or two of every degree, in place of a computed atom's."""
    exponents = [np.geomspace(0.3, 3.0 * layout.charge**2, 5) for _ in layout.atomic]
    coefficients = [np.cos(np.arange(5.0 * count)).reshape(count, 5) for count in layout.atomic]
    return {"exponents": exponents, "coefficients": coefficients}


@pytest.fixture(scope="module")
def learned() -> LearnedSet:
    return fresh_set(LAYOUTS, {each.symbol: gaussian_atom(each) for each in LAYOUTS}, width=6, terms=3, seed=1)


@pytest.fixture(scope="module")
def points():
    return jnp.asarray(np.random.default_rng(0).normal(size=(40, 3)) * 2)


def test_it_is_a_basis_and_its_shells_are_all_functions_once(learned):
    from nnks.basis import Basis

    basis = learned.of(SYMBOLS, jnp.asarray(POSITIONS))
    assert isinstance(basis, Basis)
    functions = np.concatenate([shells.functions.reshape(-1) for shells in basis.shells()])
    np.testing.assert_array_equal(np.sort(functions), np.arange(basis.size))
    assert basis.size == 2 * 5 + 2 * 14  # 2s1p on H and 3s2p1d on C and O: as cc-pVDZ has


def test_gradients_are_those_of_differences(learned, points):
    basis = learned.of(SYMBOLS, jnp.asarray(POSITIONS))
    at = jax.jit(lambda basis, points, order: basis.at(points, order), static_argnums=2)
    values, gradients = at(basis, points, 1)
    h = 1e-5
    for axis in range(3):
        step = jnp.zeros(3).at[axis].set(h)
        differences = (at(basis, points + step[None], 0)[0] - at(basis, points - step[None], 0)[0]) / (2 * h)
        np.testing.assert_allclose(gradients[axis], differences, atol=1e-6)  # h^2 of third derivatives
    np.testing.assert_allclose(values[3], basis(points[3]), atol=1e-13)


def test_the_derivative_by_positions_is_that_of_differences(learned, points):
    def number(positions):
        return jnp.sum(jnp.sin(learned.of(SYMBOLS, positions).at(points, 0)[0]))

    slope, h = jax.jit(jax.grad(number))(jnp.asarray(POSITIONS)), 1e-5
    number = jax.jit(number)
    for atom, axis in ((0, 2), (1, 0), (3, 1)):
        step = np.zeros_like(POSITIONS)
        step[atom, axis] = h
        difference = (number(POSITIONS + step) - number(POSITIONS - step)) / (2 * h)
        assert float(slope[atom, axis]) == pytest.approx(float(difference), rel=1e-5, abs=1e-6)


def values_at(learned, symbols, positions, points):
    return learned.of(symbols, jnp.asarray(positions)).at(points, 0)[0]


def test_rotated_and_moved_together_the_span_is_the_same(learned, points):
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_rotvec([0.3, -1.1, 0.7]).as_matrix()
    shift = np.array([0.4, -2.0, 1.3])
    here = np.asarray(values_at(learned, SYMBOLS, POSITIONS, points))
    there = np.asarray(values_at(learned, SYMBOLS, POSITIONS @ turn.T + shift[None], points @ turn.T + shift[None]))
    # functions of one degree are mixed by the rotation, and sums of their squares are not
    at = 0
    for l in learned.of(SYMBOLS, jnp.asarray(POSITIONS)).degrees:
        column = slice(at, at := at + 2 * l + 1)
        np.testing.assert_allclose(
            (here[:, column] ** 2).sum(axis=1), (there[:, column] ** 2).sum(axis=1), rtol=1e-9, atol=1e-12
        )
    assert at == here.shape[1]


def test_the_order_of_atoms_changes_the_order_of_functions_alone(learned, points):
    order = [2, 1, 3, 0]
    here = np.asarray(values_at(learned, SYMBOLS, POSITIONS, points))
    there = np.asarray(values_at(learned, tuple(SYMBOLS[i] for i in order), POSITIONS[order], points))
    # of heavy atoms, in the order of the atoms: carbon and oxygen here, oxygen and carbon there
    np.testing.assert_allclose(here[:, 10:24], there[:, 24:38], atol=1e-12)
    np.testing.assert_allclose(here[:, 24:38], there[:, 10:24], atol=1e-12)
    np.testing.assert_allclose(np.sort(here[:, :10]), np.sort(there[:, :10]), atol=1e-12)


def test_far_away_atoms_are_not_seen(learned, points):
    """Two atoms 120 Bohr apart have the functions that each has alone: they see e^(-0.2 120) of each other."""
    alone = np.asarray(values_at(learned, ("C",), POSITIONS[:1], points))
    pair = np.asarray(values_at(learned, ("C", "O"), np.array([[0, 0, 0], [0, 0, 120.0]]), points))
    np.testing.assert_allclose(pair[:, :14], alone, atol=1e-8)


def test_a_shell_ends_where_it_says(learned):
    from nnks.basis.learned import NEGLIGIBLE

    basis = learned.of(SYMBOLS, jnp.asarray(POSITIONS))
    rays = np.random.default_rng(2).normal(size=(50, 3))
    rays /= np.linalg.norm(rays, axis=1, keepdims=True)
    for shells in basis.shells():
        beyond = POSITIONS[shells.atom[0]] + 1.01 * shells.reach[0] * rays
        values = np.asarray(basis.at(jnp.asarray(beyond), 0)[0])[:, shells.functions[0]]
        assert np.abs(values).max() < 10 * NEGLIGIBLE


def written(folder, learned, about):
    from nnks.basis.files import write_set

    path = folder / "mine.npz"
    with path.open("wb") as file:
        write_set(file, learned, about)
    return path


def test_a_file_gives_back_every_number(learned, tmp_path):
    from nnks.basis.files import load_set

    path = written(tmp_path, learned, {"molecules": [], "made": "today"})
    again, about = load_set(str(path))
    assert again.layouts == learned.layouts
    assert about["made"] == "today"
    for here, there in zip(jax.tree.leaves(learned), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(here, there)


def damaged(path, kind):
    with np.load(path, allow_pickle=False) as file:
        entries = {name: file[name] for name in file.files}
    if kind == "nan":
        entries["params/C/kernel_0"][0, 0] = np.nan
    elif kind == "shape":
        entries["params/C/kernel_0"] = entries["params/C/kernel_0"][:, :2]
    elif kind == "lacks":
        del entries["params/O/own"]
    elif kind == "format":
        about = json.loads(bytes(entries["about.json"])) | {"format": 99}
        entries["about.json"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
    elif kind == "pickle":
        entries["params/C/kernel_0"] = np.array([dataclasses], dtype=object)
    with path.open("wb") as file:
        np.savez(file, **entries)


@pytest.mark.parametrize("kind", ["nan", "shape", "lacks", "format", "cut", "text"])
def test_a_damaged_file_is_refused_in_a_sentence(kind, learned, tmp_path):
    from nnks.basis.files import load_set

    path = written(tmp_path, learned, {"molecules": []})
    if kind == "cut":
        path.write_bytes(path.read_bytes()[:-200])
    elif kind == "text":
        path.write_text("a basis")
    else:
        damaged(path, kind)
    with pytest.raises(InputError, match=r"no file of a learned basis") as refusal:
        load_set(str(path))
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(("name", "said"), [("nowhere.npz", "cannot be read"), ("gigantic", "'gigantic'")])
def test_a_set_that_is_not_there_is_refused(name, said):
    from nnks.basis.files import load_set

    with pytest.raises(InputError, match=said):
        load_set(name)


def test_a_file_is_known_again_by_its_digest(learned, tmp_path):
    from nnks.basis.files import load_set, pinned

    path = str(written(tmp_path, learned, {"molecules": []}))
    name = pinned(path)
    assert name.startswith(f"{path}#")
    assert pinned(name) == name
    assert load_set(name)[0].layouts == learned.layouts
    written(tmp_path, learned, {"molecules": [], "another": True})
    assert pinned(path) != name
    with pytest.raises(InputError, match=r"^ansatz.basis '[^']*' has been changed: its digest is"):
        load_set(name)
    assert pinned("nowhere.npz") == "nowhere.npz"


def test_unlikeness_is_that_of_the_nearest_atom():
    """In closed form: three decays, a neighbor at 2 Bohr is one in each."""
    from nnks.basis.surroundings import DECAYS, NEIGHBOR, unlikeness

    def pair(symbols, distance):
        return {"symbols": symbols, "positions": [[0.0, 0.0, 0.0], [0.0, 0.0, distance]]}

    def unlike(one, known):
        return unlikeness(one["symbols"], np.array(one["positions"]), known)

    hf, hc = pair(["H", "F"], NEIGHBOR), pair(["H", "C"], NEIGHBOR)
    np.testing.assert_allclose(unlike(hf, [hf, hc]), 0.0)
    hydrogen, fluorine = unlike(hf, [hc])
    assert hydrogen == pytest.approx(6**0.5)
    assert np.isinf(fluorine)
    longer = np.linalg.norm(1 - np.exp(-0.1 * np.array(DECAYS)))
    np.testing.assert_allclose(unlike(pair(["H", "F"], NEIGHBOR + 0.1), [hc, hf]), longer)
    assert longer == pytest.approx(0.2, abs=0.02)  # as the docstring says
