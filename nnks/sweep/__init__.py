"""A sweep: every run of a config file, skipping what is finished, continuing what was interrupted, some at a time."""

from nnks.sweep.declared import Sweep as Sweep
from nnks.sweep.declared import describe as describe
from nnks.sweep.declared import flat as flat
from nnks.sweep.declared import load_sweep as load_sweep
from nnks.sweep.running import Outcome as Outcome
from nnks.sweep.running import check_runs as check_runs
from nnks.sweep.running import is_finished as is_finished
from nnks.sweep.running import make_tasks as make_tasks
from nnks.sweep.running import run_sweep as run_sweep
