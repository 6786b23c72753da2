"""Quadrature grids, and samplers that draw minibatches from them."""

from nnks.quadrature.base import Batch, Grid, Quadrature

__all__ = ["Batch", "Grid", "Quadrature"]
