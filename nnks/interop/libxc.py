"""Exchange-correlation functionals by their PySCF names, evaluated in JAX where possible, else by libxc.

A string is read by PySCF's own parser, so that it means what it means there: 'lda,vwn' is Slater exchange
with VWN (form V), 'lda' alone is exchange only, '' is no exchange-correlation.
"""

from __future__ import annotations

import ctypes
import dataclasses
import difflib
import functools
import re
from typing import Any, cast

import numpy as np

from nnks.functional.xc import XC, EnergyDensity, ExternalEnergy, Family, XCFunctional
from nnks.functional.xc.external import derivative_indices
from nnks.registry import InputError, shown

__all__ = ["LibxcEvaluator", "available", "make_xc"]

_FAMILIES: tuple[Family, ...] = ("LDA", "GGA", "MGGA")
_EMPTY = 1e-15  # share of the density; adds rounding to the energy
_OVERFLOWING = re.compile(
    r"\d{8}|\d\.?e[+-]?\d{2}", re.IGNORECASE
)  # factors beyond any use, some beyond double precision
_HAS_ENERGY = 1  # XC_FLAGS_HAVE_EXC of libxc's xc.h
# 'pbe-d3bj', 'b97-d', 'wb97x-3c' promise a correction that is no functional of the density; the full libxc
# names ('gga_xc_b97_d') name the local part alone. PySCF drops '-d3' and '-d4' with all that follows, ',lyp' included.
_DISPERSION = re.compile(r"[-_](d[0-9]?(bj|zero|m|op|s)*|3c)$|-d[34]|(?<=^b97)d$|(?<=^beef)[-_]?vdw$", re.IGNORECASE)
_FLAT = re.compile(r"_[12]d(_|$)")  # of electrons on a line or in a plane


def _library() -> Any:
    """PySCF's libxc interface, imported only when a functional is made (it takes a second)."""
    from pyscf.dft import libxc

    return libxc


@functools.cache
def _names() -> dict[int, str]:
    """The number of each functional in libxc, to its name in lower case."""
    return {int(number): name.lower() for name, number in _library().available_libxc_functionals().items()}


@dataclasses.dataclass(frozen=True)
class LibxcEvaluator:
    """A sum of libxc functionals, evaluated by PySCF's interface; equal to another with the same name.

    Attributes:
        name: a PySCF string.
    """

    name: str

    @property
    def family(self) -> Family:
        """Which variables it reads."""
        return _library().xc_type(self.name)

    @property
    def max_order(self) -> int:
        """The highest derivative that libxc gives, at most the third."""
        return min(3, _library().max_deriv_order(self.name))

    def __call__(self, x: np.ndarray, order: int) -> np.ndarray:
        """Energy per volume and its derivatives, `(rows, points)`, from `(variables, points)`.

        PySCF takes gradient vectors, libxc their products: any vectors with the products `sigma` will do.
        """
        polarized = len(x) > _FAMILIES.index(self.family) + 1
        spin = 2 if polarized else 1
        # Some second derivatives are nan where one channel is below the rounding error of the other.
        rho = np.maximum(x[:spin], _EMPTY * x[:spin].sum(axis=0))
        fields = [rho[:, None]]
        if self.family != "LDA":
            fields.append(_gradients(x[spin : spin + 2 * spin - 1]))
        if self.family == "MGGA":
            fields.append(x[3 * spin - 1 :, None])
        density = np.ascontiguousarray(np.concatenate(fields, axis=1))
        out = _library().eval_xc1(self.name, density if polarized else density[0], spin - 1, order)
        out[0] *= rho.sum(axis=0)  # per electron to per volume; the derivatives are of the latter already
        assert len(out) == len(derivative_indices(len(x), order))
        return out


def _gradients(sigma: np.ndarray) -> np.ndarray:
    """Vectors `(spin, 3, points)` in a plane whose products are `sigma`."""
    spin = (len(sigma) + 1) // 2
    vectors = np.zeros((spin, 3, sigma.shape[1]))
    if spin == 1:
        vectors[0, 0] = np.sqrt(np.maximum(sigma[0], 0))
        return vectors
    uu, ud, dd = np.maximum(sigma[0], 0), sigma[1], np.maximum(sigma[2], 0)
    swap = dd > uu  # the longer vector is the axis: the division loses no digits
    longer = np.sqrt(np.where(swap, dd, uu))
    along = np.divide(ud, longer, out=np.zeros_like(ud), where=longer > 0)
    across = np.sqrt(np.maximum(np.where(swap, uu, dd) - along**2, 0))
    vectors[0, 0], vectors[1, 0] = np.where(swap, along, longer), np.where(swap, longer, along)
    vectors[0, 1], vectors[1, 1] = np.where(swap, across, 0), np.where(swap, 0, across)
    return vectors


def make_xc(xc: str, prefer: str = "jax") -> XCFunctional:
    """The functional that a PySCF string names.

    Args:
        xc: such as `"lda,vwn"`, `"pbe"`, `"r2scan"` or `"0.5*slater+0.5*b88,lyp"`; `""` for none.
        prefer: `"jax"` takes the members written in JAX where they exist and libxc for the rest;
            `"libxc"` takes libxc for all.

    Returns:
        A functional of the density, its gradient and the kinetic-energy density.

    Raises:
        InputError: for an unknown name, a hybrid, a range-separated hybrid, a non-local correlation or
            dispersion correction, and a functional that has no energy or needs the Laplacian.
    """
    if prefer not in ("jax", "libxc"):
        raise InputError(f"prefer is '{prefer}', but 'jax' or 'libxc' was expected; use 'jax' for speed.")
    terms = _parse(xc)
    jax_terms = {number: c for number, c in terms.items() if prefer == "jax" and _names()[number] in set(XC)}
    parts: list[tuple[float, EnergyDensity]] = [(c, XC[_names()[number]].make) for number, c in jax_terms.items()]
    rest = "+".join(f"{c!r}*{number}" for number, c in terms.items() if number not in jax_terms)
    if rest:
        parts.append((1.0, ExternalEnergy(LibxcEvaluator(rest.replace("+-", "-")))))
    family = cast(Family, _library().xc_type(xc)) if terms else "LDA"
    return XCFunctional(name=xc, family=family, parts=tuple(parts))


def _parse(xc: str) -> dict[int, float]:
    """The numbers in libxc and their coefficients, of a string that nnks can evaluate."""
    libxc = _library()
    if len(xc) > LONGEST or not xc.isascii() or not xc.isprintable() or _OVERFLOWING.search(xc):
        raise InputError(
            f"functional.xc is {shown(xc)}, which names no functional; expected at most {LONGEST} letters, digits and "
            "signs, such as 'pbe', 'lda,vwn' or '0.5*slater+0.5*b88,lyp'."
        )
    _refuse_dispersion(xc)
    try:
        (short, long, _), terms = libxc.parse_xc(xc)
        nothing = not (terms or short or long) and xc.strip(" ,") != ""  # of "+", "-"
        if nothing or any(int(number) not in _names() for number, _ in terms):  # libxc would print a line of its own
            raise KeyError(xc)
        hybrid = bool(short or long) or (bool(terms) and libxc.is_hybrid_xc(xc))
    except KeyError as error:
        if "not supported in PySCF" in str(error):  # a range separation other than by the error function
            hybrid, terms = True, ()
        else:
            raise _unknown(xc) from error
    except (ValueError, IndexError, AssertionError) as error:
        raise InputError(
            f"functional.xc is {shown(xc)}, which PySCF cannot read; it expects 'exchange,correlation' with "
            "factors and sums, as in '0.5*slater+0.5*b88,lyp'; try 'pbe' or 'lda,vwn'."
        ) from error
    if hybrid:
        raise _refused(
            xc,
            "holds exact or range-separated exchange (a hybrid)",
            "a pure one such as 'pbe', 'blyp' or 'r2scan'",
        )
    if not terms:
        return {}
    _check_energy(xc, [int(number) for number, _ in terms])
    if libxc.is_nlc(xc):
        raise _refused(xc, "holds a non-local correlation", "its local part, such as 'scan' for 'scan_vv10'")
    if libxc.needs_laplacian(xc):
        raise _refused(xc, "needs the Laplacian of the density", "a functional of tau such as 'r2scan'")
    return {int(number): float(c) for number, c in terms}


def meaning_of(xc: str) -> list[Any]:
    """What a PySCF string stands for, in JSON's types: strings of one functional ('lda', 'lda,') have one meaning."""
    ranges, parts = _library().parse_xc(xc)
    return [[float(part) for part in ranges], sorted([int(number), float(factor)] for number, factor in parts)]


def parts(xc: str) -> tuple[tuple[str, float], ...]:
    """What a string is the sum of, in libxc's names, with factors and in the order of their numbers.

    Raises:
        InputError: as `make_xc`.
    """
    return tuple((_names()[number], factor) for number, factor in sorted(_parse(xc).items()) if factor)


def _refuse_dispersion(xc: str) -> None:
    full_name = re.match(r"(hyb_)?(lda|m?gga)_(xc?|c)_", xc.strip().lower())
    if (match := _DISPERSION.search(xc.strip())) and not full_name:
        bare = xc.strip()[: match.start()]
        raise _refused(xc, "holds a dispersion correction", f"the functional alone, such as '{bare}' if it exists")


LONGEST = 200
"""Characters of a functional's name."""

SHORT = {
    "lda_x": "Slater",
    "lda_c_vwn": "VWN",
    "lda_c_vwn_rpa": "VWN (RPA)",
    "lda_c_pw": "Perdew-Wang 92",
    "lda_c_pz": "Perdew-Zunger 81",
    "gga_x_pbe": "PBE",
    "gga_c_pbe": "PBE",
    "gga_x_b88": "B88",
    "gga_c_lyp": "LYP",
}
"""What people call the functionals that they use most; libxc's own names are long."""

KINDS = ("exchange", "correlation", "exchange and correlation")
"""What a functional stands for, by libxc's number of its kind."""


@functools.cache
def describe_xc(xc: str) -> str:
    """What a string means, in words: `lda` is "Slater exchange, no correlation".

    Raises:
        InputError: as `make_xc`.
    """
    parts: dict[str, list[str]] = {kind: [] for kind in KINDS}
    for number, factor in _parse(xc).items():
        name, kind = _called(number)
        parts[kind].append(name if factor == 1 else f"{factor:g} {name}")
    said = [f"{' + '.join(names)} {kind}" for kind, names in parts.items() if names]
    both = bool(parts[KINDS[2]])
    missing = [f"no {kind}" for kind in KINDS[:2] if not parts[kind] and not both]
    return ", ".join(said + missing)


def _called(number: int) -> tuple[str, str]:
    """What a functional of libxc is called, and its kind."""
    libxc = _library()
    (functional,) = libxc._get_xc(str(number)).xc_objs
    info = ctypes.c_void_p(libxc._itrf.xc_func_get_info(functional))
    interface = libxc._itrf
    interface.xc_func_info_get_name.restype = ctypes.c_char_p
    kind = KINDS[interface.xc_func_info_get_kind(info)]
    long = interface.xc_func_info_get_name(info).decode(errors="replace").replace(f" {kind}", "", 1)
    name = _names()[number]
    return (SHORT[name] if name in SHORT else str(long)), kind


def _check_energy(xc: str, numbers: list[int]) -> None:
    """Refuses what is no energy of exchange and correlation.

    Asked for the energy of a functional that it has only as a potential, libxc would end the process.
    """
    libxc = _library()
    for number in numbers:
        name = _names().get(number, "")
        if _FLAT.search(name):
            raise _refused(xc, f"holds '{name}', which is not for electrons in three dimensions", "'lda,vwn'")
        if "_k_" in name:
            raise _refused(xc, f"holds the kinetic energy functional '{name}'", "'lda,vwn' or 'pbe'")
        if libxc.xc_type(str(number)) not in _FAMILIES:
            raise _refused(xc, f"holds '{name}', which is not an LDA, GGA or meta-GGA", "'pbe'")
        (functional,) = libxc._get_xc(str(number)).xc_objs
        info = ctypes.c_void_p(libxc._itrf.xc_func_get_info(functional))
        if not libxc._itrf.xc_func_info_get_flags(info) & _HAS_ENERGY:
            raise _refused(xc, f"holds '{name}', a potential that belongs to no energy", "'pbe' or 'r2scan'")


def _refused(xc: str, reason: str, remedy: str) -> InputError:
    return InputError(
        f"functional.xc is {shown(xc)}, which {reason}, but an explicit functional of the density, its gradient "
        f"and the kinetic-energy density was expected; use {remedy}."
    )


def _unknown(xc: str) -> InputError:
    """What came, and which names look like the first one that PySCF does not know."""
    libxc = _library()
    names = {name.lower() for name in (*libxc.XC_ALIAS, *libxc.XC_CODES)}
    short = {re.sub(r"^(hyb_)?(lda|m?gga)_(xc|x|c|k)_", "", name) for name in names}
    near: list[str] = []
    for token in re.split(r"[,+]|(?<=[a-z0-9])-", xc.lower().replace(" ", "")):
        name = token.rpartition("*")[2]
        if name and name not in names:
            near += [f"',{name}'"] if f"lda_c_{name}" in names or f"gga_c_{name}" in names else []
            near += [f"'{n}'" for n in difflib.get_close_matches(name, (names | short) - {name}, n=3)]
    hint = f"did you mean {' or '.join(dict.fromkeys(near))}? " if near else ""
    return InputError(
        f"functional.xc is {shown(xc)}, which PySCF does not know; {hint}try 'lda,vwn', 'pbe', 'blyp' or any "
        "libxc name (a correlation alone is written with a comma, ',lyp')."
    )


def available() -> dict[str, str]:
    """Name and one line for each functional: those written in JAX, then what libxc adds."""
    recipes = {"lda,vwn": "Slater + VWN", "lda,pw": "Slater + Perdew-Wang", "pbe": "PBE", "blyp": "B88 + LYP"}
    written = {name: f"JAX: {summary}" for name, summary in recipes.items()}
    written |= {name: f"JAX: {XC[name].summary}" for name in XC}
    return written | {
        "r2scan, revpbe, ...": "libxc, on the host: every other LDA, GGA and meta-GGA of PySCF, no hybrid"
    }
