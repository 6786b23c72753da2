"""What is minimized: the energy of one system, or of several."""

from nnks.objective.base import COEFFICIENTS as COEFFICIENTS
from nnks.objective.base import Evaluated as Evaluated
from nnks.objective.base import Objective as Objective
from nnks.objective.padding import Padded as Padded
from nnks.objective.padding import padded as padded
from nnks.objective.problem import Problem as Problem
from nnks.objective.problem import settled as settled
from nnks.objective.several import Several as Several
from nnks.objective.several import Variables as Variables
from nnks.objective.several import whole as whole
