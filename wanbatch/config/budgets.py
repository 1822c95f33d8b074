"""``[budget]``: the most that all runs of a ledger may spend in a day, or in a month.

What it may not do: read a file (``toml`` does), or know what was spent.

How it works: it stands in the user's configuration, in a backend's profile or in a
project's ``wanbatch.toml``, with ``day``, ``month`` or both. Of all that are given the
lowest counts, so that no file in a repo can raise what the user has set.
"""

from __future__ import annotations

from wanbatch.config.toml import Table
from wanbatch.model.period import PeriodLimit, Unit, read_limits


def read_budget(table: Table) -> tuple[PeriodLimit, ...]:
    """The limits of ``table``'s ``budget``; none where it has none. Raises
    ``WanbatchError`` for what is no amount, and for a table without one."""
    budget = table.table("budget")
    if budget is None:
        return ()
    found = read_limits({unit: budget.decimal(unit) for unit in Unit}, budget.where)
    budget.finish()
    if not found:
        table.refuse("budget", "states no limit", 'give day = "20.00", month = "300.00" or both')
    return found
