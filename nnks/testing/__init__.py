"""Batteries that judge a new member: one `check_*` function a contract, and the toys and tolerances that they use.

A battery is a tuple of checks, one property each. `check_ansatz(module)` runs all of them; a test suite that wants a
line for each property is parametrized over `ANSATZ_CHECKS` with an `AnsatzCase`.
"""

from nnks.testing.ansatz import ANSATZ_CHECKS, AnsatzCase, check_ansatz
from nnks.testing.optimizer import OPTIMIZER_CHECKS, OptimizerCase, check_optimizer
from nnks.testing.orthogonalizer import ORTHOGONALIZER_CHECKS, OrthogonalizerCase, check_orthogonalizer
from nnks.testing.rotation import ROTATION_CHECKS, RotationCase, check_rotation
from nnks.testing.sampler import SAMPLER_CHECKS, SamplerCase, check_sampler
from nnks.testing.term import TERM_CHECKS, TermCase, check_closed_form, check_term

__all__ = [
    "ANSATZ_CHECKS",
    "OPTIMIZER_CHECKS",
    "ORTHOGONALIZER_CHECKS",
    "ROTATION_CHECKS",
    "SAMPLER_CHECKS",
    "TERM_CHECKS",
    "AnsatzCase",
    "OptimizerCase",
    "OrthogonalizerCase",
    "RotationCase",
    "SamplerCase",
    "TermCase",
    "check_ansatz",
    "check_closed_form",
    "check_optimizer",
    "check_orthogonalizer",
    "check_rotation",
    "check_sampler",
    "check_term",
]
