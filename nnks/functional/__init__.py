"""The Kohn-Sham energy: one term, one equation, one file."""

from nnks.functional.base import Functional as Functional
from nnks.functional.base import Rotations as Rotations
from nnks.functional.base import Term as Term
from nnks.functional.exchange_correlation import ExchangeCorrelation as ExchangeCorrelation
from nnks.functional.external import AnalyticExternal as AnalyticExternal
from nnks.functional.field import Field as Field
from nnks.functional.hartree import HARTREE as HARTREE
from nnks.functional.kinetic import AnalyticKinetic as AnalyticKinetic
from nnks.functional.nuclear import Nuclear as Nuclear
from nnks.functional.terms import TERMS as TERMS
from nnks.functional.terms import Discretized as Discretized
from nnks.functional.terms import TermSpec as TermSpec
