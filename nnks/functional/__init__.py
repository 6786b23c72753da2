"""The Kohn-Sham energy: one term, one equation, one file."""

from nnks.functional.base import NAMES as NAMES
from nnks.functional.base import Functional as Functional
from nnks.functional.base import Rotations as Rotations
from nnks.functional.base import Term as Term
