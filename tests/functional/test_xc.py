"""Exchange-correlation: against libxc, closed forms, scaling laws; empty points; the host callback."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nnks.functional.xc import DENSITY_FLOOR, XC, ExternalEnergy, XCFunctional
from nnks.functional.xc.external import derivative_indices
from nnks.interop.libxc import LibxcEvaluator, available, make_xc
from nnks.registry import InputError

JAX_RECIPES = ("lda,vwn", "lda,vwn_rpa", "lda,pw", "lda,pw_mod", "pbe", "blyp")
EXCHANGE = ("lda_x", "gga_x_pbe", "gga_x_b88")


POINTS = 192  # in every sample, so that each functional compiles once for all the tests


def sample(spin, low, high, seed=0):
    """Densities between 10**low and 10**high; gradients of a few rho^(4/3), tau above its lower bound."""
    rng = np.random.default_rng(seed)
    rho = 10 ** rng.uniform(low, high, (spin, POINTS))
    size = 3 * rho ** (4 / 3) * 10 ** rng.uniform(-1, 1, (spin, POINTS))
    gradient = rng.normal(size=(spin, 3, POINTS)) * size[:, None]
    sigma = np.stack([(gradient[a] * gradient[b]).sum(0) for a in range(spin) for b in range(a, spin)])
    tau = sigma[::2] / (8 * rho) + rho ** (5 / 3) * rng.uniform(0.1, 5, (spin, POINTS))
    return rho, gradient, sigma, tau


def pack(xc, rho, sigma, tau):
    """The variables that `xc` reads, in one array."""
    return np.concatenate((rho, sigma, tau)[: ("LDA", "GGA", "MGGA").index(xc.family) + 1])


def unpack(x, spin):
    """The arguments of a functional, from one array."""
    return [part for part in (x[:spin], x[spin : 3 * spin - 1], x[3 * spin - 1 :]) if len(part)]


@functools.cache
def jet(xc, spin):
    """A compiled function of `(variables, points)` that returns values, gradients and Hessians."""

    def gradient(point):
        value, first = jax.value_and_grad(lambda point: xc(*unpack(point[:, None], spin))[0])(point)
        return first, (value, first)

    @jax.jit
    def all_orders(x):
        second, (value, first) = jax.vmap(jax.jacfwd(gradient, has_aux=True), 1, (2, (0, 1)))(x)
        return value, first, second

    return all_orders


def derivatives(xc, spin, x):
    """Rows in libxc's order: values, first and second derivatives at each point."""
    value, first, second = jet(xc, spin)(x)
    return np.concatenate([value[None], first, second[np.triu_indices(len(x))]])


def relative_error(ours, reference, x):
    """Each derivative times its variables is an energy density: the error relative to it plus the energy.

    It is scale-free, and a derivative that is a difference of large terms is not asked for more digits than
    the terms have.
    """
    index = derivative_indices(len(x), 2)
    scale = np.stack([np.prod([abs(x[v]) for v in i], axis=0) if i else np.ones(x.shape[1]) for i in index])
    return np.max(abs(ours - reference) * scale / (abs(reference) * scale + abs(reference[0])))


@pytest.mark.reference
@pytest.mark.parametrize("spin", [1, 2])
@pytest.mark.parametrize("name", JAX_RECIPES)
def test_jax_members_equal_libxc(name, spin):
    xc = make_xc(name)
    assert all(not isinstance(part, ExternalEnergy) for _, part in xc.parts)
    # Ordinary densities: rounding times the condition of the derivatives (1.6e-14 measured). Low ones, and
    # channels that differ by up to 1e11: libxc forms 1 - zeta and exp(x) - 1 with cancellation (5e-13).
    for low, high, tolerance in ((-3, 2, 1e-13), (-9, 2, 5e-12)):
        rho, _, sigma, tau = sample(spin, low, high)
        x = pack(xc, rho, sigma, tau)
        reference = LibxcEvaluator(name)(x, 2)
        assert np.abs(reference[1:]).max() > 0.1
        assert relative_error(derivatives(xc, spin, x), reference, x) < tolerance


@pytest.mark.reference
@pytest.mark.parametrize("spin", [1, 2])
@pytest.mark.parametrize("name", ["revpbe", "r2scan"])
def test_callback_equals_pyscf(name, spin):
    """PySCF is called as its users call it, with density and gradient vectors."""
    from pyscf.dft import libxc

    xc = make_xc(name, prefer="libxc")
    rho, gradient, sigma, tau = sample(spin, -3, 1)
    # with the row that PySCF reserves for the Laplacian
    fields = np.concatenate([rho[:, None], gradient, np.zeros_like(tau)[:, None], tau[:, None]], axis=1)
    fields = fields if xc.needs_tau else fields[:, :4]
    exc, vxc, fxc, _ = libxc.eval_xc(name, fields if spin == 2 else fields[0], spin=spin - 1, deriv=2)
    vxc = [np.atleast_2d(v.T) for v in vxc if v is not None]
    rows = derivatives(xc, spin, pack(xc, rho, sigma, tau))
    first = np.concatenate(vxc)
    # our detour from sigma to vectors and back costs a rounding error or two of the input
    np.testing.assert_allclose(rows[0], exc * rho.sum(0), rtol=1e-12)
    np.testing.assert_allclose(rows[1 : len(first) + 1], first, rtol=1e-8, atol=1e-12)
    by_density = [derivative_indices(len(first), 2).index(i) for i in ((0, 0), (0, 1), (1, 1))[: 2 * spin - 1]]
    np.testing.assert_allclose(rows[by_density], np.atleast_2d(fxc[0].T), rtol=1e-8, atol=1e-12)


@pytest.mark.reference
def test_mixture_of_jax_and_libxc_equals_libxc_alone():
    mixed, alone = make_xc("0.7*pbe_r+0.3*b88,pbe"), make_xc("0.7*pbe_r+0.3*b88,pbe", prefer="libxc")
    assert len(mixed.parts) == 3
    assert len(alone.parts) == 1
    rho, _, sigma, _ = map(jnp.asarray, sample(2, -3, 1))
    np.testing.assert_allclose(mixed(rho, sigma), alone(rho, sigma), rtol=1e-12)  # sums of terms of one size


def test_uniform_gas_exchange():
    rho = jnp.array([[0.01, 0.3, 2.0, 70.0]])
    expected = -3 / 4 * (3 / np.pi) ** (1 / 3) * np.asarray(rho[0]) ** (4 / 3)
    for name in ("lda,", "pbe,", "b88,"):
        xc = make_xc(name)
        np.testing.assert_allclose(xc(rho, jnp.zeros_like(rho)), expected, rtol=1e-14)  # rounding


@pytest.mark.parametrize("name", EXCHANGE)
def test_exchange_scales_with_spin_and_length(name):
    part = XC[name].make
    rho, _, sigma, _ = map(jnp.asarray, sample(2, -3, 2))
    halves = sum(part(2 * rho[s : s + 1], 4 * sigma[2 * s : 2 * s + 1]) for s in range(2)) / 2
    np.testing.assert_allclose(part(rho, sigma), halves, rtol=1e-14)  # rounding
    length = 1.7  # rho -> length^3 rho(length r) multiplies the exchange energy by length
    np.testing.assert_allclose(part(length**3 * rho, length**8 * sigma), length**4 * part(rho, sigma), rtol=1e-13)


@pytest.mark.parametrize("name", [*JAX_RECIPES, "r2scan"])
def test_equal_channels_are_the_unpolarized_density(name):
    xc = make_xc(name)
    rho, _, sigma, tau = sample(1, -3, 2)
    halves = pack(xc, np.repeat(rho, 2, 0) / 2, np.repeat(sigma, 3, 0) / 4, np.repeat(tau, 2, 0) / 2)
    unpolarized, _, _ = jet(xc, 1)(pack(xc, rho, sigma, tau))
    np.testing.assert_allclose(jet(xc, 2)(halves)[0], unpolarized, rtol=1e-13)  # rounding


def hydrogen(xc):
    """The energy of the exact 1s density, spin-polarized, by Gauss-Legendre quadrature in the radius."""
    r, w = np.polynomial.legendre.leggauss(POINTS)
    r, w = 12.5 * (r + 1), 12.5 * w  # e^(-25 * 8/3) is below rounding
    density = np.exp(-2 * r) / np.pi
    empty = np.zeros_like(r)
    # the gradient is -2 rho; tau is |psi'|^2 / 2 with psi' = -psi
    x = pack(xc, [density, empty], [4 * density**2, empty, empty], [density / 2, empty])
    return float(np.sum(4 * np.pi * r**2 * w * np.asarray(xc(*unpack(jnp.asarray(x), 2)))))


def test_hydrogen_atom():
    # int rho^(4/3) = pi^(-4/3) * 4 pi * 2 / (8/3)^3
    closed = -3 / 4 * (6 / np.pi) ** (1 / 3) * 8 * np.pi ** (-1 / 3) * (3 / 8) ** 3
    assert hydrogen(make_xc("lda,")) == pytest.approx(closed, abs=1e-12)  # quadrature to rounding
    assert hydrogen(make_xc("b88,")) == pytest.approx(-0.310, abs=5e-4)  # Becke 1988, three digits
    assert abs(hydrogen(make_xc(",lyp"))) < 1e-14  # LYP has no correlation between parallel spins
    assert hydrogen(make_xc(",r2scan")) == pytest.approx(0, abs=1e-6)  # built to be free of self-correlation
    assert -0.03 < hydrogen(make_xc(",vwn")) < -0.01  # and the local density is not


@pytest.mark.parametrize("spin", [1, 2])
@pytest.mark.parametrize("name", ["lda,vwn", "pbe", "blyp", "r2scan"])
def test_gradient_is_the_finite_difference(name, spin):
    xc = make_xc(name)
    rho, _, sigma, tau = sample(spin, -1, 1)
    x = pack(xc, rho, sigma, 1.5 * tau)  # every step stays above the lower bound of tau
    direction = x * np.random.default_rng(1).normal(size=x.shape) * 0.3

    def along(t):
        value, first, _ = jet(xc, spin)(x + t * direction)
        return float(jnp.sum(value)), float(jnp.sum(first * direction))

    h = 1e-3  # fourth order: h^4 = 1e-12 of truncation, eps / h = 1e-13 of rounding
    difference = (8 * (along(h)[0] - along(-h)[0]) - (along(2 * h)[0] - along(-2 * h)[0])) / (12 * h)
    exact = along(0.0)[1]
    assert abs(exact) > 1e-2
    assert difference == pytest.approx(exact, rel=1e-8)  # the fifth derivative is about 1e3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("spin", [1, 2])
@pytest.mark.parametrize("name", ["lda,vwn", "pbe", "blyp", "r2scan"])
def test_derivatives_are_finite_where_there_are_no_electrons(name, spin, dtype):
    """Empty points, one empty channel, densities just above the floor; with and without a gradient."""
    xc = make_xc(name)
    floor = DENSITY_FLOOR[dtype]
    densities = [0.0, 1e-38, floor, 1.1 * floor, 1e3 * floor, 1e-3, 1.0, 1e3]
    gradients = [0.0, 1e-12, 1.0]
    *rho, size = (np.resize(a, POINTS) for a in np.meshgrid(*[densities] * spin, gradients))
    rho = np.stack(rho)
    sigma = np.stack([size] if spin == 1 else [size, -size / 2, size])
    tau = np.minimum(sigma[::2] / 8 / np.maximum(rho, 1e-30) + rho ** (5 / 3), 1e20)
    results = jet(xc, spin)(pack(xc, rho, sigma, tau).astype(dtype))
    empty = (rho.astype(dtype) <= floor).all(axis=0)
    assert 0 < empty.sum() < len(empty)
    for result in results:
        assert result.dtype == dtype
        assert bool(jnp.isfinite(result).all())
        assert not result[..., empty].any()
        assert result[..., ~empty].any()


@pytest.mark.parametrize("name", ["pbe", "r2scan"])
def test_batch_axis_jit_and_scan(name):
    xc = make_xc(name)
    rho, _, sigma, tau = (
        jnp.stack(parts) for parts in zip(*(sample(2, -3, 1, seed) for seed in range(3)), strict=True)
    )

    def total(rho, sigma, tau):
        return jnp.sum(xc(rho, sigma, tau))

    gradient = jax.grad(total, (0, 1))
    one_by_one = [jax.jit(gradient)(rho[k], sigma[k], tau[k]) for k in range(3)]
    expected = jax.tree.map(lambda *x: jnp.stack(x), *one_by_one)
    batched = jax.jit(jax.vmap(gradient))(rho, sigma, tau)
    scanned = jax.jit(lambda *x: jax.lax.scan(lambda c, y: (c, gradient(*y)), 0, x)[1])(rho, sigma, tau)
    for result in (batched, scanned):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14), result, expected)


@dataclasses.dataclass(frozen=True)
class Polynomial:
    """`rho^3 sigma^2`, with all its derivatives, and a count of its calls."""

    calls: list = dataclasses.field(default_factory=list, hash=False, compare=False)
    name: str = "polynomial"
    family: str = "GGA"
    max_order: int = 3

    def __call__(self, x, order):
        self.calls.append((x.shape, order))

        def power(x, n, k):
            return np.prod(np.arange(n, n - k, -1.0)) * x ** max(n - k, 0)

        rows = [(i.count(0), i.count(1)) for i in derivative_indices(2, order)]
        return np.stack([power(x[0], 3, a) * power(x[1], 2, b) for a, b in rows])


def test_callback_derivatives_and_number_of_calls():
    program = Polynomial()
    xc = XCFunctional("polynomial", "GGA", ((1.0, ExternalEnergy(program)),))
    x = jnp.array([[0.7, 1.3, 2.0], [0.4, 0.9, 1.5]])

    def energy(x):
        return xc(x[:1], x[1:])

    np.testing.assert_allclose(energy(x), x[0] ** 3 * x[1] ** 2, rtol=1e-15)
    program.calls.clear()
    value, slope = jax.jit(jax.value_and_grad(lambda x: jnp.sum(energy(x))))(x)
    assert program.calls == [((2, 3), 1)]  # one call gives the value and the gradient
    assert float(value) == pytest.approx(float(jnp.sum(x[0] ** 3 * x[1] ** 2)))
    np.testing.assert_allclose(slope, [3 * x[0] ** 2 * x[1] ** 2, 2 * x[0] ** 3 * x[1]], rtol=1e-15)
    program.calls.clear()
    batch = jax.jit(jax.vmap(lambda x: jax.hessian(lambda y: jnp.sum(energy(y)))(x)))(jnp.stack([x, 2 * x]))
    assert {order for _, order in program.calls} == {2}
    np.testing.assert_allclose(batch[1, 0, 1, 1, 1], 6 * (2 * x[0, 1]) ** 2 * (2 * x[1, 1]), rtol=1e-14)
    third = jax.jacfwd(jax.jacfwd(jax.jacfwd(energy)))(x)[1, 0, 1, 1, 1, 0, 1]
    assert float(third) == pytest.approx(float(12 * x[0, 1] * x[1, 1]), rel=1e-14)
    with pytest.raises(InputError, match="derivative 4 of the functional 'polynomial'"):
        jax.jacfwd(jax.jacfwd(jax.jacfwd(jax.jacfwd(energy))))(x)


def test_callback_takes_a_large_grid():
    """Large operands once blocked callbacks on a host with one thread."""
    rho = jnp.full((1, 100_000), 0.3)
    xc = make_xc("r2scan")
    gradient = jax.jit(jax.grad(lambda rho: jnp.sum(xc(rho, rho, rho))))(rho)
    assert bool(jnp.all(gradient == gradient[0, 0]))
    assert float(gradient[0, 0]) < 0


def test_the_same_functional_compiles_once():
    traces = []

    @jax.jit
    def energy(xc, rho):
        traces.append(xc.name)
        return xc(rho, rho, rho)

    for _ in range(2):
        energy(make_xc("r2scan"), jnp.ones((1, 3)))
        energy(make_xc("pbe"), jnp.ones((1, 3)))
    assert traces == ["r2scan", "pbe"]


def test_strings_mean_what_they_mean_in_pyscf():
    same = [
        ("lda", "slater"),
        ("lda,", "slater,"),
        ("svwn", "lda,vwn"),
        ("pbe", "pbe,pbe"),
        ("blyp", "B88, LYP"),
    ]
    for one, other in same:
        assert make_xc(one).parts == make_xc(other).parts
        assert not any(isinstance(part, ExternalEnergy) for _, part in make_xc(one).parts)
    assert make_xc("lda,pw").parts[1][1] is XC["lda_c_pw"].make
    assert [make_xc(name).family for name in ("lda,vwn", "pbe", "r2scan")] == ["LDA", "GGA", "MGGA"]
    assert [c for c, _ in make_xc("0.5*slater+1e-2*b88,-0.3*lyp").parts] == [0.5, 0.01, -0.3]
    nothing = make_xc("")
    assert not nothing(jnp.ones((2, 4))).any()
    assert set(XC) <= set(available())


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("hf", "hybrid.*use a pure one such as 'pbe'"),
        ("b3lyp", "hybrid"),
        ("hse06", "hybrid"),
        ("hyb_gga_xc_camy_b3lyp", "hybrid"),
        ("pbe+0.2*hf", "hybrid"),
        ("scan_vv10", "non-local correlation.*'scan'"),
        ("pbe-d3bj", "dispersion correction.*'pbe'"),
        ("pbe-d3bj,", "dispersion correction.*'pbe'"),
        ("0.5*pbe-d3,lyp", "dispersion correction"),
        ("b97-d", "dispersion correction"),
        ("B97D", "dispersion correction"),
        ("beefvdw", "dispersion correction"),
        ("lda_x_2d", "three dimensions"),
        ("lda,lda_c_1d_csc", "three dimensions"),
        ("r2scanl", "needs the Laplacian.*'r2scan'"),
        ("gga_x_lb", "a potential that belongs to no energy"),
        ("tf,", "kinetic energy functional 'lda_k_tf'"),
        ("pbee", "did you mean .*'pbe'"),
        ("lyp", "did you mean ',lyp'"),
        ("lda,vwm", "did you mean .*'vwn"),
        ("pbe,pbe,pbe", "cannot read.*'exchange,correlation'"),
        ("*", "cannot read"),
        ("99999", "does not know"),
        ("+++", "does not know"),
    ],
)
def test_refusals_say_what_to_use(name, sentence, capfd):
    with pytest.raises(InputError, match=sentence):
        make_xc(name)
    assert capfd.readouterr() == ("", "")  # libxc prints a line of its own for a number that it does not have


def test_missing_or_misshapen_variables():
    rho = jnp.ones((2, 5))
    with pytest.raises(InputError, match="sigma is missing, but the GGA 'pbe' expects shape \\(3, 5\\)"):
        make_xc("pbe")(rho)
    with pytest.raises(InputError, match="sigma has shape \\(1, 5\\)"):
        make_xc("pbe")(rho, jnp.ones((1, 5)))
    with pytest.raises(InputError, match="tau is missing"):
        make_xc("r2scan")(rho, jnp.ones((3, 5)))
    with pytest.raises(InputError, match="'jax' or 'libxc' was expected"):
        make_xc("pbe", prefer="pyscf")  # pyright: ignore[reportArgumentType]
