"""Quadrature grids, and samplers that draw minibatches from them."""

from nnks.quadrature.base import Batch, Grid, Quadrature
from nnks.quadrature.importance import Importance, make_importance
from nnks.quadrature.sampler import SAMPLERS, Full, Sampler, make_full, make_sampler
from nnks.quadrature.stratified import Stratified, make_stratified
from nnks.quadrature.uniform import Uniform, make_uniform

__all__ = [
    "SAMPLERS",
    "Batch",
    "Full",
    "Grid",
    "Importance",
    "Quadrature",
    "Sampler",
    "Stratified",
    "Uniform",
    "make_full",
    "make_importance",
    "make_sampler",
    "make_stratified",
    "make_uniform",
]
