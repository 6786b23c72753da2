"""Recording runs: the run store, and the writers that fill it."""

from nnks.tracking.base import warn
from nnks.tracking.console import energy_table, print_summary, verdict
from nnks.tracking.environment import environment
from nnks.tracking.record import RunRecord, config_hash, config_hashes
from nnks.tracking.store import RunFolder, check_writable, find_run, list_runs
from nnks.tracking.wandb_process import WandbProcess
from nnks.tracking.wandb_report import mirror_figures
from nnks.tracking.wandb_session import sync_instruction
from nnks.tracking.wandb_writer import run_tags
from nnks.tracking.writers import Afterwards, ConsoleWriter, Every, JsonlWriter, WandbWriter, Writer, WriterGroup

__all__ = [
    "Afterwards",
    "ConsoleWriter",
    "Every",
    "JsonlWriter",
    "RunFolder",
    "RunRecord",
    "WandbProcess",
    "WandbWriter",
    "Writer",
    "WriterGroup",
    "check_writable",
    "config_hash",
    "config_hashes",
    "energy_table",
    "environment",
    "find_run",
    "list_runs",
    "mirror_figures",
    "print_summary",
    "run_tags",
    "sync_instruction",
    "verdict",
    "warn",
]
