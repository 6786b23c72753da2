"""The reparameterization layer: raw orbitals become orthonormal ones by one feed-forward map."""

from nnks.orthogonalize.base import ORTHOGONALIZERS as ORTHOGONALIZERS
from nnks.orthogonalize.base import Orthogonalizer as Orthogonalizer
from nnks.orthogonalize.base import Unchanged as Unchanged
from nnks.orthogonalize.base import check_weights as check_weights
from nnks.orthogonalize.base import gram as gram
from nnks.orthogonalize.base import orthonormalize as orthonormalize
from nnks.orthogonalize.base import orthonormalize_gram as orthonormalize_gram
from nnks.orthogonalize.basis_frame import frame as frame
from nnks.orthogonalize.factorize import QR as QR
from nnks.orthogonalize.factorize import Canonical as Canonical
from nnks.orthogonalize.factorize import Cholesky as Cholesky
from nnks.orthogonalize.factorize import Lowdin as Lowdin
from nnks.orthogonalize.factorize import inverse_square_root as inverse_square_root
from nnks.orthogonalize.polar import Polar as Polar
from nnks.orthogonalize.rotate import Cayley as Cayley
from nnks.orthogonalize.rotate import Exponential as Exponential
from nnks.orthogonalize.rotate import Rotation as Rotation
