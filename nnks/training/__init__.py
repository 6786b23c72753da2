"""Training: states, optimizers, and the one loop."""

from nnks.training.base import OPTIMIZERS as OPTIMIZERS
from nnks.training.base import Optimizer as Optimizer
from nnks.training.base import Prepares as Prepares
from nnks.training.base import begin as begin
from nnks.training.direct import Direct as Direct
from nnks.training.ensemble import iterate_together as iterate_together
from nnks.training.ensemble import make_batch_step as make_batch_step
from nnks.training.gradient import FirstOrder as FirstOrder
from nnks.training.lbfgs import LBFGS as LBFGS
from nnks.training.loop import Convergence as Convergence
from nnks.training.loop import Progress as Progress
from nnks.training.loop import iterate as iterate
from nnks.training.natural_gradient import NaturalGradient as NaturalGradient
from nnks.training.snapshot import Controlled as Controlled
from nnks.training.state import TrainingDiverged as TrainingDiverged
from nnks.training.state import TrainState as TrainState
from nnks.training.two_phase import HandOver as HandOver
