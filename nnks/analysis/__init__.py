"""What stored runs say: tables over seeds, figures, and the report. Numbers come from the store only."""

from nnks.analysis.report import ReportPaths, write_report
from nnks.analysis.table import runs_table, seed_table

__all__ = ["ReportPaths", "runs_table", "seed_table", "write_report"]
