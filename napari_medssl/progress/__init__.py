"""How the work goes on, from what was saved: learning curve, effort, confusion of classes. No torch, no Qt."""

from .confusion import Confusion
from .effort import Effort
from .learning import Round
from .report import Progress, read_progress
from .tables import Table, make_tables, write_tables

__all__ = ["Confusion", "Effort", "Progress", "Round", "Table", "make_tables", "read_progress", "write_tables"]
