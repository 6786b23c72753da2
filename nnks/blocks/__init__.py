"""A basis on a grid in blocks, and sums over them."""

from nnks.blocks.base import BasisBlocks as BasisBlocks
from nnks.blocks.base import points_mesh as points_mesh
from nnks.blocks.curvature import curvature as curvature
from nnks.blocks.curvature import moments as moments
from nnks.blocks.make import make_blocks as make_blocks
from nnks.blocks.make import whole_blocks as whole_blocks
from nnks.blocks.sums import basis_overlap as basis_overlap
from nnks.blocks.sums import density as density
from nnks.blocks.sums import integral as integral
from nnks.blocks.sums import matrix as matrix
from nnks.blocks.sums import overlap as overlap
from nnks.blocks.sums import potential_matrix as potential_matrix
